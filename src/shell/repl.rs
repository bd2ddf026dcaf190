//! The shell on a terminal.

use super::app::{FAILED, SUCCESS};
use super::arguments::Arguments;
use super::banner::banner;
use super::completion::LineHelper;
use super::console::{Console, Next, say};
use super::script::steps;
use super::view::{LiveView, PlainWatch};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines that the history keeps.
const HISTORY_LINES: usize = 5_000;

/// Shows the banner.
pub fn greet(console: &Console, arguments: &Arguments) {
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
    for line in banner(&console.session, arguments, columns) {
        say(&line);
    }
}

/// Reads statements and runs them until the user leaves.
pub fn run(mut console: Console, arguments: &Arguments, interrupted: &Arc<AtomicBool>) -> u8 {
    let color = has_color();
    let mut editor = match editor(color) {
        Ok(editor) => editor,
        Err(error) => {
            say(&format!("The terminal cannot be used: {error}"));
            return FAILED;
        }
    };
    let history = history_file();
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    let live = !arguments.no_progress && std::io::stderr().is_terminal();
    let mut view = LiveView::new(color, interrupted.clone());
    let mut plain = PlainWatch { interrupted: interrupted.clone() };
    loop {
        console.tell_notices();
        if let Some(helper) = editor.helper_mut() {
            helper.learn(&console.session);
        }
        let typed = view.take_typed();
        match editor.readline_with_initial(&prompt(&console, color), (&typed, "")) {
            Ok(text) => {
                if text.trim().is_empty() {
                    continue;
                }
                keep(&mut editor, &text, history.as_ref());
                if leaves(text.trim()) {
                    return SUCCESS;
                }
                for step in steps(&text) {
                    interrupted.store(false, Ordering::Relaxed);
                    let next = if live { console.run(step, &mut view) } else { console.run(step, &mut plain) };
                    match next {
                        Next::Continue => {}
                        // What was typed behind a failed statement was meant for its success.
                        Next::Failed => break,
                        Next::Leave | Next::Closed => return SUCCESS,
                    }
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return SUCCESS,
            Err(error) => {
                say(&format!("The terminal cannot be read: {error}"));
                return FAILED;
            }
        }
    }
}

/// Whether a line means to leave, without a backslash.
pub fn leaves(text: &str) -> bool {
    let word = text.trim_end_matches(';').trim_end();
    word.eq_ignore_ascii_case("exit") || word.eq_ignore_ascii_case("quit")
}

/// Whether stderr shows colours: a terminal, and the user did not say no (no-color.org).
pub fn has_color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn editor(color: bool) -> rustyline::Result<Editor<LineHelper, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_LINES)?
        .history_ignore_dups(true)?
        .auto_add_history(false)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(LineHelper::new(color)));
    Ok(editor)
}

/// `faultlab recompute 4/4> `, plain and styled: yellow when a worker is down.
fn prompt(console: &Console, color: bool) -> (String, String) {
    let (up, nodes) = console.session.nodes_up();
    let plain = format!("faultlab {} {up}/{nodes}> ", console.session.mode());
    let styled = if color && up < nodes { format!("\x1b[33m{plain}\x1b[0m") } else { plain.clone() };
    (plain, styled)
}

/// Adds to the history and to its file, so that a killed shell forgets nothing.
fn keep(editor: &mut Editor<LineHelper, FileHistory>, text: &str, file: Option<&PathBuf>) {
    if editor.add_history_entry(text).unwrap_or(false)
        && let Some(file) = file
    {
        // A full disk must not stop the shell.
        let _ = editor.append_history(file);
    }
}

/// The history's file in the user's state folder, which is made if need be.
fn history_file() -> Option<PathBuf> {
    let folder = super::folders::state_folder()?;
    std::fs::create_dir_all(&folder).ok()?;
    let file = folder.join("history");
    // The file may hold what only its owner is to see.
    #[cfg(unix)]
    if !file.exists() {
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&file).ok()?.flush().ok()?;
    }
    Some(file)
}
