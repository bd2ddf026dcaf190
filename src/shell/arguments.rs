//! The command line: one table of options that feeds the parser and `--help`.

use super::output::OutputFormat;
use super::session::SessionConfig;
use crate::scheduler::graph::Mode;
use crate::sql::suggest::similar;
use lexopt::{Arg, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the program was asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    Help,
    Version,
    /// Print version, cores, terminal size and `ready`.
    Check,
    Run(Box<Arguments>),
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    pub session: SessionConfig,
    /// What to run, in order; empty: a REPL on a terminal, otherwise stdin.
    pub sources: Vec<Source>,
    pub continue_on_error: bool,
    pub format: Option<OutputFormat>,
    pub null: Option<String>,
    pub demo: bool,
    pub no_progress: bool,
}

/// Where statements come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `-c SQL`.
    Text(String),
    /// `-f FILE`; `-` is stdin.
    File(PathBuf),
}

/// The options, by what they do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Data,
    Command,
    File,
    OnError,
    OutputFormat,
    Null,
    MaxRows,
    Nodes,
    Slots,
    Mode,
    Set,
    Demo,
    Seed,
    Journal,
    Cache,
    NoProgress,
    Warehouse,
    Safe,
    Check,
    Help,
    Version,
}

/// An option of the command line.
struct CommandLineOption {
    key: Key,
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    help: &'static str,
}

const fn option(
    key: Key,
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    help: &'static str,
) -> CommandLineOption {
    CommandLineOption { key, short, long, value, help }
}

/// Every option, in the order of the help.
const OPTIONS: &[CommandLineOption] = &[
    option(Key::Data, None, "data", Some("DIR"), "a folder of data; may be given several times"),
    option(Key::Command, Some('c'), "command", Some("SQL"), "run this and leave; may be given several times"),
    option(Key::File, Some('f'), "file", Some("FILE"), "run a script and leave; - is stdin"),
    option(Key::OnError, None, "on-error", Some("WHAT"), "stop (default) or continue after a failed statement"),
    option(Key::OutputFormat, None, "output-format", Some("FORMAT"), "how rows are written, see below"),
    option(Key::Null, None, "null", Some("TEXT"), "what stands for NULL"),
    option(Key::MaxRows, None, "max-rows", Some("N|all"), "rows shown of a table (terminal: 40, otherwise all)"),
    option(Key::Nodes, None, "nodes", Some("N"), "workers (default 4)"),
    option(
        Key::Slots,
        None,
        "slots",
        Some("S"),
        "tasks that a worker runs at the same time (default: enough for all cores)",
    ),
    option(Key::Mode, None, "mode", Some("MODE"), "abort or recompute (default) when a worker is lost"),
    option(Key::Set, None, "set", Some("K=V"), "a setting; SHOW SETTINGS lists them"),
    option(Key::Demo, None, "demo", None, "4 workers at human speed, so that there is time to crash one"),
    option(Key::Seed, None, "seed", Some("N"), "one thread and virtual time: the same run, byte for byte, every time"),
    option(
        Key::Journal,
        None,
        "journal",
        Some("FILE"),
        "write every event to FILE, a line of JSON each, as it happens",
    ),
    option(
        Key::Cache,
        None,
        "cache",
        Some("DIR"),
        "where the tables of tpch and tpcds are kept (default: the user's cache folder)",
    ),
    option(Key::NoProgress, None, "no-progress", None, "no live view while a query runs"),
    option(
        Key::Warehouse,
        None,
        "warehouse",
        Some("DIR"),
        "where CREATE TABLE writes (default: in the user's state folder)",
    ),
    option(Key::Safe, None, "safe", None, "write no files outside the warehouse"),
    option(Key::Check, None, "check", None, "print version, cores, terminal and \"ready\""),
    option(Key::Help, Some('h'), "help", None, "this text"),
    option(Key::Version, Some('V'), "version", None, "the version"),
];

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(concat!(
        "faultlab: SQL on a local cluster that you can break\n\n",
        "Usage: faultlab [OPTIONS] [FILES]\n\n",
        "FILES are Parquet, CSV or NDJSON files; each becomes a table of its name. Without FILES and --data, the\n",
        "folder sample-data is used, or the copy of it inside the program. Without -c and -f it is a shell on a\n",
        "terminal, and runs the statements on stdin otherwise.\n\nOptions:\n",
    ));
    for option in OPTIONS {
        let short = option.short.map_or_else(|| "    ".to_string(), |c| format!("-{c}, "));
        let value = option.value.map_or_else(String::new, |v| format!(" {v}"));
        text.push_str(&format!("  {short}{:24}{}\n", format!("--{}{value}", option.long), option.help));
    }
    text.push_str("\nFormats:\n");
    for (_, name, help) in OutputFormat::ALL {
        text.push_str(&format!("  {name:12}{help}\n"));
    }
    text.push_str(concat!(
        "\nRows go to stdout, everything else to stderr.\n",
        "Exit codes: 0 all went well, 1 a statement failed, 2 wrong arguments, 130 interrupted.\n",
    ));
    text
}

/// Reads the arguments after the program's name. The error is a sentence for the user.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, String> {
    let mut parser = Parser::from_args(arguments);
    let mut run = Arguments::default();
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        let found = match &argument {
            Arg::Value(file) => {
                run.session.files.push(PathBuf::from(file));
                continue;
            }
            Arg::Short(short) => OPTIONS.iter().find(|o| o.short == Some(*short)),
            Arg::Long(long) => OPTIONS.iter().find(|o| o.long == *long),
        };
        let Some(option) = found else { return Err(unknown(&argument)) };
        let value = match option.value {
            Some(_) => Some(parser.value().map_err(|e| e.to_string())?),
            None => None,
        };
        match option.key {
            Key::Help => return Ok(Invocation::Help),
            Key::Version => return Ok(Invocation::Version),
            Key::Check => return Ok(Invocation::Check),
            _ => apply(&mut run, option, value.unwrap_or_default())?,
        }
    }
    Ok(Invocation::Run(Box::new(run)))
}

/// Takes one option into `run`.
fn apply(run: &mut Arguments, option: &CommandLineOption, value: OsString) -> Result<(), String> {
    let path = PathBuf::from(&value);
    let text = value.to_string_lossy().into_owned();
    let at_least_one = |text: &str| match text.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("--{} takes a number from 1, not \"{text}\"", option.long)),
    };
    match option.key {
        Key::Data => run.session.data.push(path),
        Key::Command => run.sources.push(Source::Text(text)),
        Key::File => run.sources.push(Source::File(path)),
        Key::OnError => {
            run.continue_on_error = match text.as_str() {
                "stop" => false,
                "continue" => true,
                _ => return Err(format!("--on-error is stop or continue, not \"{text}\"")),
            }
        }
        Key::OutputFormat => {
            let format =
                OutputFormat::parse(&text).map_err(|e| format!("{}; {}", e.message, e.hint.unwrap_or_default()))?;
            run.format = Some(format);
        }
        Key::Null => run.null = Some(text),
        Key::MaxRows => run.session.settings.push(("max_rows".to_string(), text)),
        Key::Nodes => match at_least_one(&text)? {
            nodes if nodes <= 256 => run.session.nodes = nodes,
            nodes => return Err(format!("--nodes goes up to 256, not {nodes}")),
        },
        Key::Slots => match at_least_one(&text)? {
            slots if slots <= 256 => run.session.slots = Some(slots),
            slots => return Err(format!("--slots goes up to 256, not {slots}")),
        },
        Key::Mode => {
            run.session.mode = Some(match text.to_lowercase().as_str() {
                "abort" | "trino" => Mode::Abort,
                "recompute" | "spark" => Mode::Recompute,
                _ => return Err(format!("--mode is abort or recompute, not \"{text}\"")),
            })
        }
        Key::Set => match text.split_once('=') {
            Some((name, setting)) => {
                run.session.settings.push((name.trim().to_string(), setting.trim().to_string()));
            }
            None => return Err(format!("--set takes name=value, not \"{text}\"")),
        },
        Key::Demo => run.demo = true,
        Key::Seed => {
            let seed = text.parse::<u64>().map_err(|_| format!("--seed takes a whole number, not \"{text}\""))?;
            run.session.seed = Some(seed);
        }
        Key::Journal => run.session.journal = Some(path),
        Key::Cache => run.session.cache = Some(path),
        Key::NoProgress => run.no_progress = true,
        Key::Warehouse => run.session.warehouse = Some(path),
        Key::Safe => run.session.safe = true,
        Key::Check | Key::Help | Key::Version => {}
    }
    Ok(())
}

/// Names the unknown option and the nearest known one.
fn unknown(argument: &Arg<'_>) -> String {
    let typed = match argument {
        Arg::Short(short) => format!("-{short}"),
        Arg::Long(long) => format!("--{long}"),
        Arg::Value(value) => value.to_string_lossy().into_owned(),
    };
    let name = typed.trim_start_matches('-').to_string();
    let longs = || OPTIONS.iter().map(|option| option.long);
    let begun = longs().find(|long| long.starts_with(&name) && name.len() > 2);
    match begun.or_else(|| similar(&name, longs()).first().copied()) {
        Some(near) => format!("unknown option {typed}; did you mean --{near}?"),
        None => format!("unknown option {typed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Arguments, String> {
        match parse(arguments.iter().map(OsString::from))? {
            Invocation::Run(arguments) => Ok(*arguments),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn options_and_files() {
        let got = run(&["--nodes", "8", "-c", "SELECT 1", "a.csv", "--set", "pace=300ms", "--seed=42"]).unwrap();
        assert_eq!(got.session.nodes, 8);
        assert_eq!(got.session.files, [PathBuf::from("a.csv")]);
        assert_eq!(got.session.settings, [("pace".to_string(), "300ms".to_string())]);
        assert_eq!(got.session.seed, Some(42));
        assert_eq!(got.sources, [Source::Text("SELECT 1".into())]);
        assert_eq!(run(&["--mode", "trino"]).unwrap().session.mode, Some(Mode::Abort));
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(run(&["--node", "2"]).unwrap_err(), "unknown option --node; did you mean --nodes?");
        assert!(run(&["--nodes", "0"]).unwrap_err().contains("from 1"));
        assert!(run(&["--output-format", "xml"]).unwrap_err().contains("csv_header"));
        assert!(run(&["-c"]).unwrap_err().contains("-c"));
    }

    #[test]
    fn help_names_every_option() {
        let text = help();
        assert!(OPTIONS.iter().all(|option| text.contains(&format!("--{}", option.long))));
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }
}
