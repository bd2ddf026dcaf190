//! Statements from stdin, files or the command line, one after the other, to an exit code.

use super::app::{FAILED, INTERRUPTED, SUCCESS, WRONG_ARGUMENTS};
use super::arguments::{Arguments, Source};
use super::console::{Console, Next, say};
use super::script::steps;
use super::view::{LiveView, PlainWatch, Watch};
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs every source to its end, or to the first failed statement unless the arguments say to go on.
pub fn run(mut console: Console, arguments: &Arguments, interrupted: &Arc<AtomicBool>) -> u8 {
    console.tell_notices();
    let stdin = [Source::File("-".into())];
    let sources = if arguments.sources.is_empty() { &stdin[..] } else { &arguments.sources };
    let mut watch = watcher(arguments, interrupted);
    let mut code = SUCCESS;
    for source in sources {
        let script = match read(source) {
            Ok(script) => script,
            Err(message) => {
                say(&format!("faultlab: {message}"));
                return WRONG_ARGUMENTS;
            }
        };
        for step in steps(&script) {
            let next = console.run(step, watch.as_mut());
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
    code
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
        Source::File(path) if path == Path::new("-") => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| format!("stdin cannot be read: {error}"))?;
            String::from_utf8(bytes).map_err(|_| "stdin is not UTF-8 text".to_string())
        }
        Source::File(path) => {
            let bytes = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", path.display()))
        }
    }
}
