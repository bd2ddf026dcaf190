//! Statements from stdin, files or the command line, one after the other, to an exit code.

use super::app::{FAILED, INTERRUPTED, SUCCESS, WRONG_ARGUMENTS};
use super::arguments::{Arguments, Source};
use super::console::{Console, Next, say};
use super::script::{Step, steps};
use super::view::{LiveView, PlainWatch, Watch};
use crate::sql::is_complete;
use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs every source to its end, or to the first failed statement unless the arguments say to go on.
/// `waiting` is true while stdin is awaited, when nothing runs that could be canceled.
pub fn run(mut console: Console, arguments: &Arguments, interrupted: &Arc<AtomicBool>, waiting: &AtomicBool) -> u8 {
    console.tell_notices();
    let stdin = [Source::File("-".into())];
    let sources = if arguments.sources.is_empty() { &stdin[..] } else { &arguments.sources };
    let mut watch = watcher(arguments, interrupted);
    let mut code = SUCCESS;
    for source in sources {
        let mut parts = Parts::of(source, interrupted, waiting);
        loop {
            let (script, line) = match parts.next() {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(message) => {
                    say(&format!("faultlab: {message}"));
                    return WRONG_ARGUMENTS;
                }
            };
            for step in steps(&script) {
                let next = console.run(Step { line: step.line + line, ..step }, watch.as_mut());
                console.tell_notices();
                if interrupted.load(Ordering::Relaxed) {
                    return INTERRUPTED;
                }
                match next {
                    Next::Continue => {}
                    Next::Failed if arguments.continue_on_error => code = FAILED,
                    Next::Failed => return FAILED,
                    Next::Leave | Next::Closed => return code,
                }
            }
        }
    }
    if interrupted.load(Ordering::Relaxed) { INTERRUPTED } else { code }
}

/// What a source holds, in parts that can be run: all of a text or a file, but stdin statement by statement, so that a
/// program at the other end of the pipe gets its answers while it still writes.
enum Parts<'a> {
    Whole(Option<&'a Source>),
    Stdin { lines: usize, interrupted: &'a AtomicBool, waiting: &'a AtomicBool },
}

impl<'a> Parts<'a> {
    fn of(source: &'a Source, interrupted: &'a AtomicBool, waiting: &'a AtomicBool) -> Parts<'a> {
        match source {
            Source::File(path) if path == Path::new("-") => Parts::Stdin { lines: 0, interrupted, waiting },
            source => Parts::Whole(Some(source)),
        }
    }

    /// The next part and how many lines come before it; None at the end, and when it is interrupted.
    fn next(&mut self) -> Result<Option<(String, usize)>, String> {
        let (lines, interrupted, waiting) = match self {
            Parts::Whole(source) => return source.take().map(read).transpose().map(|text| text.map(|text| (text, 0))),
            Parts::Stdin { lines, interrupted, waiting } => (lines, *interrupted, *waiting),
        };
        let (mut part, before) = (String::new(), *lines);
        loop {
            let mut bytes = Vec::new();
            waiting.store(true, Ordering::SeqCst);
            // An interrupt from before was only noted; from now on it ends the process.
            if interrupted.load(Ordering::SeqCst) {
                return Ok(None);
            }
            let read = std::io::stdin().lock().read_until(b'\n', &mut bytes);
            waiting.store(false, Ordering::SeqCst);
            if read.map_err(|error| format!("stdin cannot be read: {error}"))? == 0 {
                return Ok((!part.is_empty()).then_some((part, before)));
            }
            *lines += 1;
            let line = String::from_utf8(bytes).map_err(|_| format!("stdin is not UTF-8 text (line {lines})"))?;
            // A statement can only end on a line with a semicolon: a long one is not looked through line by line.
            let may_end = part.is_empty() || line.contains(';');
            part.push_str(&line);
            if may_end && (part.trim_start().starts_with('\\') || is_complete(&part)) {
                return Ok(Some((part, before)));
            }
        }
    }
}

/// A live view where a person sees stderr, plain lines otherwise. The live view takes keys, so it needs stdin.
fn watcher(arguments: &Arguments, interrupted: &Arc<AtomicBool>) -> Box<dyn Watch> {
    let seen = std::io::stderr().is_terminal() && std::io::stdin().is_terminal();
    if seen && !arguments.no_progress {
        Box::new(LiveView::new(super::repl::has_color(), interrupted.clone()))
    } else {
        Box::new(PlainWatch { interrupted: interrupted.clone() })
    }
}

fn read(source: &Source) -> Result<String, String> {
    match source {
        Source::Text(text) => Ok(text.clone()),
        Source::File(path) => {
            let bytes = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", path.display()))
        }
    }
}
