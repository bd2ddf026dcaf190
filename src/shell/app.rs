//! The program: from arguments to an exit code.

use super::arguments::{self, Arguments, Invocation};
use super::console::{Console, say};
use super::session::Session;
use super::view::generation_watch;
use super::{batch, clean, repl};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// All went well.
pub(super) const SUCCESS: u8 = 0;
/// A statement failed.
pub(super) const FAILED: u8 = 1;
/// The arguments are wrong, or what they name cannot be opened.
pub(super) const WRONG_ARGUMENTS: u8 = 2;
/// The user interrupted it: 128 + SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// Runs the program with the arguments after its name and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match arguments::parse(arguments) {
        Ok(Invocation::Help) => print(&arguments::help()),
        Ok(Invocation::Version) => print(&format!("{}\n", version())),
        Ok(Invocation::Check) => print(&check()),
        Ok(Invocation::Run(arguments)) => start(*arguments),
        Err(message) => {
            eprintln!("faultlab: {}", clean::lines(&message));
            eprintln!("faultlab --help lists the options");
            WRONG_ARGUMENTS
        }
    }
}

/// Opens the session and hands it to the terminal or to the batch.
fn start(mut arguments: Arguments) -> u8 {
    if arguments.demo {
        arguments.session.nodes = 4;
        arguments.session.slots = Some(1);
    }
    let mut session = match Session::new(arguments.session.clone()) {
        Ok(session) => session,
        Err(error) => {
            eprintln!("faultlab: {}", clean::lines(&error.render("")));
            return WRONG_ARGUMENTS;
        }
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    let waiting = Arc::new(AtomicBool::new(false));
    listen_for_interrupts(&interrupted, &waiting);
    session.watch_generation(generation_watch(interrupted.clone(), arguments.no_progress));
    let interactive = arguments.sources.is_empty() && std::io::stdin().is_terminal();
    let mut console = Console::new(session, &arguments, interactive);
    if interactive {
        repl::greet(&console, &arguments);
    }
    if arguments.demo {
        let said = console.demo();
        say(&said);
    }
    if interactive {
        repl::run(console, &arguments, &interrupted)
    } else {
        batch::run(console, &arguments, &interrupted, &waiting)
    }
}

/// SIGINT sets the flag instead of ending the process: a running query is canceled first. While the batch is `waiting` for
/// stdin there is none, and the process ends at once.
#[cfg(unix)]
fn listen_for_interrupts(interrupted: &Arc<AtomicBool>, waiting: &Arc<AtomicBool>) {
    // Without the handlers an interrupt ends the process, which is right too.
    let _ = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGINT,
        INTERRUPTED.into(),
        waiting.clone(),
    );
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted.clone());
}

/// Where there is no SIGINT, Ctrl-C is a key of the live view or ends the process.
#[cfg(not(unix))]
fn listen_for_interrupts(_interrupted: &Arc<AtomicBool>, _waiting: &Arc<AtomicBool>) {}

/// `faultlab 0.1.0`.
pub(super) fn version() -> String {
    format!("faultlab {}", env!("CARGO_PKG_VERSION"))
}

/// What a teacher asks every laptop before the workshop.
fn check() -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let terminal = match crossterm::terminal::size() {
        Ok((columns, lines)) if std::io::stdout().is_terminal() => format!("{columns} x {lines}"),
        _ => "none".to_string(),
    };
    format!("{}\ncores: {cores}\nterminal: {terminal}\nready\n", version())
}

/// Prints to stdout; a closed pipe is no failure.
fn print(text: &str) -> u8 {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => FAILED,
        _ => SUCCESS,
    }
}
