//! Runs steps and shows what came of them: rows on stdout, everything else on stderr. Terminal and batch share it.

use super::arguments::Arguments;
use super::commands::{self, Command};
use super::output::{OutputFormat, Printer};
use super::script::Step;
use super::session::{Answer, Failure, Session, StatementResult};
use super::view::Watch;
use super::{clean, units};
use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

/// A session with a place to write to.
pub struct Console {
    pub session: Session,
    /// Chosen by the user; None: a table for a terminal, CSV with names otherwise.
    format: Option<OutputFormat>,
    null: Option<String>,
    /// Whether stdout is a terminal.
    terminal: bool,
    /// Whether a person types: then tables are cut to the window and to `max_rows`.
    interactive: bool,
}

/// What to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Continue,
    /// The step failed, and it was said why.
    Failed,
    /// The user wants to leave.
    Leave,
    /// Nobody reads stdout any more.
    Closed,
}

/// How long the README's query is to last at demo speed.
const DEMO_LENGTH: Duration = Duration::from_secs(10);
/// Scan tasks of that query over the sample data; one more wave finishes it.
const DEMO_TASKS: u32 = 24;

impl Console {
    /// A console as the arguments say. `interactive`: a person types.
    pub fn new(session: Session, arguments: &Arguments, interactive: bool) -> Console {
        Console {
            session,
            format: arguments.format,
            null: arguments.null.clone(),
            terminal: io::stdout().is_terminal(),
            interactive,
        }
    }

    /// Runs one step to its end and shows what came of it.
    pub fn run(&mut self, step: Step<'_>, watch: &mut dyn Watch) -> Next {
        // Files may have changed since the prompt appeared: the statement is to use them as they are now.
        self.tell_notices();
        if !step.is_command {
            let result = self.session.execute_watched(step.text, watch);
            return self.show(result, step);
        }
        match commands::parse(step.text) {
            Ok(Command::Statement(statement)) => {
                let result = self.session.execute_watched(&statement, watch);
                self.show(result, Step { text: &statement, ..step })
            }
            Ok(Command::Quit) => Next::Leave,
            Ok(Command::Help(name)) => self.write(|out| out.write_all(commands::help(name.as_deref()).as_bytes())),
            Ok(Command::Timing(on)) => {
                let on = on.unwrap_or(!self.session.settings().timing());
                self.change("timing", if on { "on" } else { "off" })
            }
            Ok(Command::Why(code)) => self.why(code),
            Ok(Command::Demo) => {
                let said = self.demo();
                say(&said);
                Next::Continue
            }
            Ok(Command::Format(Some(format))) => {
                self.format = Some(format);
                say(&format!("Rows are written as {format}."));
                Next::Continue
            }
            Ok(Command::Format(None)) => {
                say(&format!("Rows are written as {}.", self.printer().format));
                Next::Continue
            }
            Err(error) => fail(&error),
        }
    }

    /// Shows what there is to tell between statements.
    pub fn tell_notices(&mut self) {
        for notice in self.session.take_notices() {
            say(&notice);
        }
    }

    fn show(&mut self, result: StatementResult, step: Step<'_>) -> Next {
        let StatementResult { answer, notes, .. } = result;
        let next = match answer {
            Ok(Answer::Rows(rows)) => {
                let printer = self.printer();
                self.write(|out| printer.print(&rows, out))
            }
            Ok(Answer::Text(text)) => self.write(|out| writeln!(out, "{}", clean::lines(text.trim_end()))),
            Ok(Answer::Done) => Next::Continue,
            Err(failure) => {
                say(&failure_in_script(&failure, step));
                Next::Failed
            }
        };
        for note in &notes {
            say(note);
        }
        next
    }

    /// Writes to stdout and flushes it: a reader of the pipe sees every statement when it is done.
    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Next {
        let mut out = BufWriter::new(io::stdout().lock());
        match write(&mut out).and_then(|()| out.flush()) {
            Ok(()) => Next::Continue,
            Err(error) => {
                // What is still in the buffer must not be tried again when it is dropped.
                let (_, _unwritten) = out.into_parts();
                if error.kind() == io::ErrorKind::BrokenPipe {
                    return Next::Closed;
                }
                fail(&Diagnostic::new(ErrorCode::OutputFailed, format!("The rows could not be written: {error}")))
            }
        }
    }

    fn printer(&self) -> Printer {
        let settings = self.session.settings();
        let chosen = settings.list().iter().any(|row| row.setting.name == "max_rows" && !row.is_default);
        let window = crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns).max(20));
        Printer {
            format: self.format.unwrap_or(if self.interactive && self.terminal {
                OutputFormat::Aligned
            } else {
                OutputFormat::CsvHeader
            }),
            null: self.null.clone(),
            max_rows: if self.interactive || chosen { settings.max_rows() } else { None },
            window: if self.terminal { window } else { None },
            terminal: self.terminal,
        }
    }

    fn change(&mut self, name: &str, value: &str) -> Next {
        match self.session.change_setting(name, value) {
            Ok(answer) => {
                say(&answer);
                Next::Continue
            }
            Err(error) => fail(&error),
        }
    }

    /// `\why CODE`: of a code, or of the last error.
    fn why(&self, code: Option<String>) -> Next {
        let found = match &code {
            Some(name) => ErrorCode::from_name(name.trim()),
            None => self.session.last_error(),
        };
        match (found, code) {
            (Some(code), _) => self.write(|out| writeln!(out, "{}", code.explain())),
            (None, Some(name)) => {
                let names = ErrorCode::ALL.iter().map(|code| code.name());
                let near = crate::sql::suggest::similar(&name.to_uppercase(), names);
                let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("There is no error code {name}"));
                let codes = || {
                    format!(
                        "the codes are {}",
                        ErrorCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>().join(", ")
                    )
                };
                fail(&error.hint(crate::sql::suggest::did_you_mean(&near).unwrap_or_else(codes)))
            }
            (None, None) => {
                say("There was no error yet. \\why REMOTE_HOST_GONE tells what a lost worker means.");
                Next::Continue
            }
        }
    }

    /// Sets a pace at which people can follow, and says so.
    pub fn demo(&mut self) -> String {
        let (_, nodes) = self.session.nodes_up();
        let slots = self.session.slots();
        let waves = DEMO_TASKS.div_ceil((nodes * slots).max(1)) + 1;
        let pace = Duration::from_millis(u64::from((DEMO_LENGTH / waves).subsec_millis() / 100 * 100))
            + Duration::from_secs((DEMO_LENGTH / waves).as_secs());
        let pace = units::setting_duration(pace);
        if let Err(error) = self.session.change_setting("pace", &pace) {
            return error.render("");
        }
        let workers =
            format!("{} with {} each", units::counted(nodes.into(), "worker"), units::counted(slots.into(), "slot"));
        let mut text = format!(
            "Demo: {workers}, pace = {pace}, so that this takes about ten seconds:\n  \
             SELECT region, SUM(sales) FROM orders GROUP BY region;\n\
             Press 2 while it runs to crash worker-2, or first: INJECT CRASH ON NODE 2 AT 50%;\n\
             SET mode = abort;  shows the other mode.  SET pace = 0;  ends the demo."
        );
        if (nodes, slots) != (4, 1) {
            text.push_str(
                "\nThe number of workers is fixed when the shell starts: faultlab --demo has 4 with 1 slot each.",
            );
        }
        text
    }
}

/// The failure as it is shown, with the lines of the script it stands in.
fn failure_in_script(failure: &Failure, step: Step<'_>) -> String {
    match &failure.statement {
        Some(statement) if step.line > 1 => {
            clean::lines(&format!("Error: {}", failure.diagnostic.render_at(statement, step.line))).into_owned()
        }
        _ => failure.text.clone(),
    }
}

/// Text for people, on stderr, broken at blanks where a terminal shows it. Nobody there is no reason to stop.
pub fn say(text: &str) {
    let text = clean::lines(text);
    let columns = match crossterm::terminal::size() {
        Ok((columns, _)) if io::stderr().is_terminal() => usize::from(columns).max(20),
        _ => usize::MAX,
    };
    let mut err = io::stderr().lock();
    for line in text.split('\n').flat_map(|line| clean::wrap(line, columns)) {
        let _ = writeln!(err, "{line}");
    }
}

fn fail(error: &Diagnostic) -> Next {
    say(&format!("Error: {}", error.render("")));
    Next::Failed
}
