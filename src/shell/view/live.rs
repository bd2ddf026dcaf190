//! The live view on a terminal: a picture of the running query under the lines that tell what happened, and keys that
//! break things. It reads the terminal only between its first and its last picture; the prompt reads it otherwise.

use super::watch::{Story, Watch, Watched};
use super::{Frame, frame};
use crate::cluster::{InjectReply, QueryOutcome};
use crate::scheduler::NodeId;
use crate::shell::clean;
use crate::sql::statement::{FaultKind, FaultSpec, NodeChoice, Trigger};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A query that is over by then shows nothing.
const PATIENCE: Duration = Duration::from_millis(150);
/// Time between two pictures.
const PICTURE_EVERY: Duration = Duration::from_millis(80);
/// The shortest pace that a key sets; below it is none.
const LEAST_PACE: Duration = Duration::from_millis(50);
/// The longest.
const MOST_PACE: Duration = Duration::from_secs(10);

/// Shows running queries on the terminal that stderr is.
pub struct LiveView {
    color: bool,
    /// Set by SIGINT while the terminal is not in raw mode.
    interrupted: Arc<AtomicBool>,
    /// What was typed during a query and means nothing to it: the next prompt gets it.
    typed: String,
}

impl LiveView {
    /// A view with or without colours.
    pub fn new(color: bool, interrupted: Arc<AtomicBool>) -> LiveView {
        LiveView { color, interrupted, typed: String::new() }
    }

    /// Takes what was typed ahead.
    pub fn take_typed(&mut self) -> String {
        std::mem::take(&mut self.typed)
    }

    fn look(&self, last: bool) -> Frame {
        let (columns, lines) = terminal::size().unwrap_or((80, 24));
        Frame { columns: usize::from(columns).max(20), lines: usize::from(lines).max(4), color: self.color, last }
    }

    /// The lines, broken where the window ends: the terminal would break them within words.
    fn wrapped(&self, lines: Vec<String>) -> Vec<String> {
        let columns = self.look(true).columns;
        lines.iter().flat_map(|line| clean::wrap(line, columns - 1)).collect()
    }

    /// Does what the key asks for. Returns a line to show, if there is something to say.
    fn press(&mut self, key: KeyEvent, watched: &Watched<'_>) -> Option<String> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let cluster = watched.cluster;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            if matches!(key.code, KeyCode::Char('c' | 'C')) {
                cluster.cancel(watched.query.id());
            }
            return None;
        }
        match key.code {
            KeyCode::Char(digit @ '1'..='9') => {
                let node = NodeId(digit as u32 - '0' as u32);
                let kind = FaultKind::Crash { node: NodeChoice::Node(node) };
                match cluster.inject(FaultSpec { kind, trigger: Trigger::Now }) {
                    InjectReply::AlreadyDown { node, .. } => Some(format!("          {node} is already down")),
                    InjectReply::NoSuchNode { nodes, .. } => Some(format!("          there are workers 1 to {nodes}")),
                    InjectReply::Armed { .. } | InjectReply::Crashed { .. } | InjectReply::Slowed { .. } => None,
                }
            }
            KeyCode::Char('h') => {
                cluster.restart_all();
                None
            }
            KeyCode::Char('p') => {
                let paused = watched.query.snapshot().paused;
                cluster.set_paused(!paused);
                None
            }
            KeyCode::Char('+' | '=') => {
                cluster.set_pace((cluster.pace() * 2).clamp(LEAST_PACE, MOST_PACE));
                None
            }
            KeyCode::Char('-' | '_') => {
                let half = cluster.pace() / 2;
                cluster.set_pace(if half < LEAST_PACE { Duration::ZERO } else { half });
                None
            }
            other => {
                self.keep(other);
                None
            }
        }
    }

    /// Keeps what is not for the query.
    fn keep(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(letter) => self.typed.push(letter),
            KeyCode::Enter => self.typed.push('\n'),
            KeyCode::Backspace => {
                self.typed.pop();
            }
            _ => {}
        }
    }

    /// The query is over, and these keys came after it was last looked at. Keys of the view alone were meant for it and
    /// come too late; with anything else among them they are text.
    fn keep_late(&mut self, late: &[KeyEvent]) {
        let typed =
            |key: &&KeyEvent| key.kind != KeyEventKind::Release && !key.modifiers.contains(KeyModifiers::CONTROL);
        if late.iter().filter(typed).any(|key| !is_view_key(key.code)) {
            for key in late.iter().filter(typed) {
                self.keep(key.code);
            }
        }
    }
}

/// Whether [`LiveView::press`] does something for this key alone.
fn is_view_key(code: KeyCode) -> bool {
    matches!(code, KeyCode::Char('1'..='9' | 'h' | 'p' | '+' | '=' | '-' | '_'))
}

/// The keys that wait to be read.
fn waiting_keys() -> Vec<KeyEvent> {
    let mut keys = Vec::new();
    while event::poll(Duration::ZERO).unwrap_or(false) {
        match event::read() {
            Ok(Event::Key(key)) => keys.push(key),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    keys
}

impl Watch for LiveView {
    fn watch(&mut self, watched: &Watched<'_>) -> QueryOutcome {
        let mut story = Story::new(watched);
        let first = watched.query.wait_for(PATIENCE);
        let mut canvas = Canvas::default();
        if let Some(outcome) = first {
            canvas.show(&self.wrapped(story.news(watched)), &[]);
            return outcome;
        }
        let raw = RawMode::enter();
        let outcome = loop {
            let mut lines = story.news(watched);
            // Without raw mode (a terminal that cannot do it) there are no keys, only the picture.
            if raw.is_some() {
                lines.extend(waiting_keys().into_iter().filter_map(|key| self.press(key, watched)));
            }
            if self.interrupted.swap(false, Ordering::Relaxed) {
                watched.cluster.cancel(watched.query.id());
            }
            let lines = self.wrapped(lines);
            canvas.show(&lines, &frame(&watched.query.snapshot(), self.look(false)));
            if let Some(outcome) = watched.query.wait_for(PICTURE_EVERY) {
                break outcome;
            }
        };
        // A pause belongs to the query that was paused.
        watched.cluster.set_paused(false);
        let last = frame(&watched.query.snapshot(), self.look(true));
        let lines: Vec<String> = self.wrapped(story.news(watched)).into_iter().chain(last).collect();
        canvas.show(&lines, &[]);
        if raw.is_some() {
            self.keep_late(&waiting_keys());
        }
        drop(raw);
        outcome
    }
}

/// The part of the terminal that is drawn again and again: the picture's lines above the cursor.
#[derive(Default)]
struct Canvas {
    drawn: usize,
}

impl Canvas {
    /// Replaces the picture, with `lines` above it for good. A terminal that cannot be written to is ignored: the query
    /// goes on.
    fn show(&mut self, lines: &[String], picture: &[String]) {
        if lines.is_empty() && picture.is_empty() && self.drawn == 0 {
            return;
        }
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        text.push_str("\r\x1b[J");
        for line in lines.iter().chain(picture) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        self.drawn = picture.len();
        let mut err = io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

/// The terminal in raw mode, for as long as this lives; it is given back on every way out, panics included.
struct RawMode(());

impl RawMode {
    /// None if stdin is not a terminal that can do it.
    fn enter() -> Option<RawMode> {
        terminal::enable_raw_mode().ok().map(|()| RawMode(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = terminal::disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_keys_of_the_view_are_dropped_and_late_text_is_kept() {
        let keys = |text: &str| -> Vec<KeyEvent> {
            text.chars().map(|letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)).collect()
        };
        let mut view = LiveView::new(false, Arc::default());
        view.keep_late(&keys("2-p"));
        assert_eq!(view.take_typed(), "");
        view.keep_late(&keys("help"));
        assert_eq!(view.take_typed(), "help");
    }
}
