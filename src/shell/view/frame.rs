//! One picture of a running query, as lines of text: pure, so that it can be tested at any size.

use crate::cluster::{QuerySnapshot, StageSnapshot, TaskSnapshot};
use crate::shell::{clean, units};
use std::time::Duration;

/// The keys that work while a query runs; the longest one that fits is shown.
const KEYS: [&str; 3] = [
    "1-9 crash worker · h heal all · p pause · +/- pace · Ctrl-C cancel",
    "1-9 crash · h heal · p pause · +/- pace · ^C cancel",
    "1-9 crash h heal p pause ^C",
];

/// What the counts of a stage may take: ` 14/24 done  4 running  3 again  3 lost`.
const WIDEST_COUNTS: usize = 40;

/// How a picture is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Of the window.
    pub columns: usize,
    pub lines: usize,
    pub color: bool,
    /// The last picture, which stays in the scrollback: no bar, no keys.
    pub last: bool,
}

/// The lines of the picture, none wider than the window, without line breaks.
pub fn frame(snapshot: &QuerySnapshot, look: Frame) -> Vec<String> {
    let mut lines = Vec::new();
    if !look.last {
        lines.push(headline(snapshot, look));
    }
    // Room for the headline, the keys and the line where the cursor is.
    let room = look.lines.saturating_sub(3).max(1);
    let busy = |stage: &&StageSnapshot| !stage.tasks.iter().all(|task| matches!(task, TaskSnapshot::Done(_)));
    let shown: Vec<&StageSnapshot> = if snapshot.stages.len() <= room || look.last {
        snapshot.stages.iter().collect()
    } else {
        snapshot.stages.iter().filter(busy).take(room - 1).collect()
    };
    let left_out = snapshot.stages.len() - shown.len();
    let title = shown.iter().map(|stage| clean::width(&stage.title)).max().unwrap_or(0);
    // One more line a stage, if the window has them.
    let spare = left_out == 0 && 2 * shown.len() <= room;
    lines.extend(shown.iter().flat_map(|stage| stage_lines(stage, title, look, spare)));
    if left_out > 0 {
        lines.push(format!("  … {}", units::counted(left_out as u64, "more stage")));
    }
    if !look.last {
        let keys = KEYS.iter().find(|keys| clean::width(keys) < look.columns).unwrap_or(&KEYS[KEYS.len() - 1]);
        lines.push(style(look, "2", &clean::cut(keys, look.columns.saturating_sub(1))));
    }
    lines
}

/// Bar, share, time, rows and bytes.
fn headline(snapshot: &QuerySnapshot, look: Frame) -> String {
    let seconds = snapshot.elapsed.as_secs_f64().max(0.001);
    let per_second = |amount: u64| (amount as f64 / seconds) as u64;
    let mut facts = vec![
        format!("{:3.0}%", (snapshot.progress * 100.0).clamp(0.0, 100.0).floor()),
        units::moment(snapshot.elapsed.as_micros() as u64),
        format!("{} rows/s", units::count(per_second(snapshot.rows_read))),
        format!("{}/s", units::bytes(per_second(snapshot.bytes_read))),
    ];
    if snapshot.pace > Duration::ZERO {
        facts.push(format!("pace {}", units::setting_duration(snapshot.pace)));
    }
    if snapshot.paused {
        facts.insert(0, "PAUSED".to_string());
    }
    let text = facts.join("  ");
    let bar = look.columns.saturating_sub(clean::width(&text) + 6).min(30);
    let text = if bar >= 5 {
        let full = ((snapshot.progress.clamp(0.0, 1.0) * bar as f64).round() as usize).min(bar);
        format!("[{}{}] {text}", "=".repeat(full), " ".repeat(bar - full))
    } else {
        text
    };
    let text = clean::cut(&text, look.columns.saturating_sub(1)).into_owned();
    if snapshot.paused { style(look, "33", &text) } else { text }
}

/// `  stage 1  scan orders, partial sum  14/24 done  4 running  3 again` and the cells: behind it, or with lines to `spare`
/// on a line of their own where they might not fit.
fn stage_lines(stage: &StageSnapshot, title: usize, look: Frame, spare: bool) -> Vec<String> {
    let count = |wanted: fn(&TaskSnapshot) -> bool| stage.tasks.iter().filter(|task| wanted(task)).count();
    let done = count(|task| matches!(task, TaskSnapshot::Done(_)));
    let running = count(|task| matches!(task, TaskSnapshot::Running(_)));
    let lost = count(|task| matches!(task, TaskSnapshot::Lost));
    let again = count(|task| matches!(task, TaskSnapshot::Again(_)));
    let mut state = format!("{:>7} done", format!("{done}/{}", stage.tasks.len()));
    for (number, word) in [(running, "running"), (again, "again"), (lost, "lost")] {
        if number > 0 {
            state.push_str(&format!("  {number} {word}"));
        }
    }
    let head = format!("  {:<8} ", stage.stage.to_string());
    let room = look.columns.saturating_sub(clean::width(&head) + clean::width(&state) + 3);
    let text = format!("{head}{} {state}", clean::fit(&clean::one_line(&stage.title), title.min(room)));
    let mut text = clean::cut(text.trim_end(), look.columns.saturating_sub(1)).into_owned();
    let left = look.columns.saturating_sub(clean::width(&text) + 3);
    let mut below = None;
    if !look.last && !stage.tasks.is_empty() {
        // By what the counts may need, not by what they take now: the cells must not jump between two pictures.
        let behind = clean::width(&head) + title + WIDEST_COUNTS + stage.tasks.len() + 3 <= look.columns;
        if spare && !behind {
            let indent = clean::width(&head);
            let room = look.columns.saturating_sub(indent + 1).max(1);
            below = Some(format!("{:indent$}{}", "", cells(&stage.tasks, room)));
        } else if left >= 10 {
            text = format!("{text}  {}", cells(&stage.tasks, left.min(40)));
        }
    }
    let color = |text: String| if lost + again > 0 { style(look, "33", &text) } else { text };
    [Some(text), below].into_iter().flatten().map(color).collect()
}

/// A letter a task: `.` queued, the worker's number while it runs there, `#` done, `x` lost, `r` running again. More
/// tasks than room: every cell stands for several, and shows the state that needs attention most.
fn cells(tasks: &[TaskSnapshot], room: usize) -> String {
    let letter = |task: &TaskSnapshot| match task {
        TaskSnapshot::Lost => (4, 'x'),
        TaskSnapshot::Again(_) => (3, 'r'),
        TaskSnapshot::Running(node) => (2, char::from_digit(node.0, 10).unwrap_or('o')),
        TaskSnapshot::Queued => (1, '.'),
        TaskSnapshot::Done(_) => (0, '#'),
    };
    let share = tasks.len().div_ceil(room.max(1)).max(1);
    tasks.chunks(share).filter_map(|chunk| chunk.iter().map(letter).max().map(|(_, letter)| letter)).collect()
}

/// The text in a colour of the terminal, if there are colours.
fn style(look: Frame, code: &str, text: &str) -> String {
    if look.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{NodeId, StageId};

    fn snapshot(stages: usize) -> QuerySnapshot {
        let tasks = |done: usize, all: usize| {
            (0..all)
                .map(|i| match i {
                    i if i < done => TaskSnapshot::Done(NodeId(1)),
                    i if i == done => TaskSnapshot::Running(NodeId(3)),
                    i if i == done + 1 => TaskSnapshot::Again(NodeId(4)),
                    _ => TaskSnapshot::Queued,
                })
                .collect::<Vec<_>>()
        };
        QuerySnapshot {
            elapsed: Duration::from_millis(1_200),
            progress: 0.45,
            stages: (1..=stages)
                .map(|id| StageSnapshot {
                    stage: StageId(id as u32),
                    title: "scan orders, filter, join with stage 1, partial sum by customer_type".into(),
                    rows: 0,
                    bytes: 0,
                    tasks: tasks(14, 24),
                })
                .collect(),
            rows_read: 54_000,
            bytes_read: 1_400_000,
            paused: false,
            pace: Duration::from_millis(300),
        }
    }

    #[test]
    fn it_fits_every_window() {
        for columns in [30, 60, 80, 200] {
            for lines in [5, 10, 24] {
                let look = Frame { columns, lines, color: false, last: false };
                let picture = frame(&snapshot(12), look);
                assert!(picture.len() < lines.max(5), "{columns}x{lines}: {picture:#?}");
                assert!(picture.iter().all(|line| clean::width(line) < columns), "{columns}x{lines}: {picture:#?}");
            }
        }
    }

    #[test]
    fn a_window_of_80_columns() {
        let picture = frame(&snapshot(1), Frame { columns: 80, lines: 24, color: false, last: false });
        assert_eq!(picture[0], "[============               ]  45%  1.2s  45,000 rows/s  1.1 MB/s  pace 300ms");
        assert!(picture[1].starts_with("  stage 1  scan orders, filter"), "{}", picture[1]);
        assert!(picture[1].contains(" 14/24 done  1 running  1 again"), "{}", picture[1]);
        assert_eq!(picture[2], "           ##############3r........");
        assert_eq!(picture[3], KEYS[0]);
    }

    #[test]
    fn cells_show_what_needs_attention() {
        let tasks = snapshot(1).stages.remove(0).tasks;
        assert_eq!(cells(&tasks, 40), "##############3r........");
        assert_eq!(cells(&tasks, 12), "#######r....");
    }

    #[test]
    fn without_colour_there_is_no_escape_and_the_last_picture_has_no_keys() {
        let last = frame(&snapshot(2), Frame { columns: 80, lines: 24, color: false, last: true });
        assert_eq!(last.len(), 2);
        assert!(last.iter().all(|line| !line.contains('\x1b')));
    }
}
