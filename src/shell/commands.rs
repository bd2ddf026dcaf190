//! Shell commands (`\d`, `\mode abort`): one table that parses them, helps with them and completes them.

use super::output::OutputFormat;
use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use crate::sql::suggest::{did_you_mean, similar};

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `\?`, of all commands or of one.
    Help(Option<String>),
    Quit,
    /// Show a line with rows and time after each statement; None: the other way round.
    Timing(Option<bool>),
    /// What an error code means here, in Trino and in Spark; None: the last one.
    Why(Option<String>),
    /// Settings for showing a recovery to people.
    Demo,
    /// None: say which one is used.
    Format(Option<OutputFormat>),
    /// The same as this statement.
    Statement(String),
}

/// A line of the table.
pub struct Specification {
    /// Without the backslash; the first one is shown, the others work too.
    names: &'static [&'static str],
    /// What comes after it, for the help: `n`, `[table]`.
    arguments: &'static str,
    /// One line.
    pub help: &'static str,
    parse: fn(&str) -> Result<Command, Diagnostic>,
}

/// Every command, in the order of the help.
pub const COMMANDS: &[Specification] = &[
    Specification {
        names: &["?", "h", "help"],
        arguments: "[command]",
        help: "this list, or one command",
        parse: |argument| Ok(Command::Help(optional(argument))),
    },
    Specification {
        names: &["d", "dt", "tables"],
        arguments: "[table]",
        help: "list the tables, or the columns of one",
        parse: |argument| {
            Ok(Command::Statement(match optional(argument) {
                Some(table) => format!("DESCRIBE {table}"),
                None => "SHOW TABLES".to_string(),
            }))
        },
    },
    Specification {
        names: &["mode"],
        arguments: "[abort|recompute]",
        help: "what happens when a worker is lost",
        parse: |argument| Ok(Command::Statement(set_or_show("mode", argument))),
    },
    Specification {
        names: &["kill", "crash"],
        arguments: "n",
        help: "crash worker n now",
        parse: |argument| Ok(Command::Statement(format!("INJECT CRASH ON NODE {}", required("kill", argument)?))),
    },
    Specification {
        names: &["heal"],
        arguments: "[n]",
        help: "take back fault n, or all faults",
        parse: |argument| {
            Ok(Command::Statement(match optional(argument) {
                Some(fault) => format!("HEAL FAULT {fault}"),
                None => "HEAL ALL".to_string(),
            }))
        },
    },
    Specification {
        names: &["restart"],
        arguments: "[n]",
        help: "bring worker n back, or all of them, faults cleared",
        parse: |argument| {
            Ok(Command::Statement(match optional(argument) {
                Some(node) => format!("RESTART NODE {node}"),
                None => "RESTART ALL".to_string(),
            }))
        },
    },
    Specification {
        names: &["nodes"],
        arguments: "",
        help: "the workers and how they are",
        parse: |_| Ok(Command::Statement("SHOW NODES".to_string())),
    },
    Specification {
        names: &["faults"],
        arguments: "",
        help: "the faults: armed, fired, never fired, healed",
        parse: |_| Ok(Command::Statement("SHOW FAULTS".to_string())),
    },
    Specification {
        names: &["rerun"],
        arguments: "",
        help: "the last query again, without its faults",
        parse: |_| Ok(Command::Statement("RERUN".to_string())),
    },
    Specification {
        names: &["explain"],
        arguments: "query",
        help: "the stages of a query, and what each mode would do",
        parse: |argument| Ok(Command::Statement(format!("EXPLAIN {}", required("explain", argument)?))),
    },
    Specification {
        names: &["compare"],
        arguments: "query",
        help: "run it undisturbed, then in each mode under the armed faults",
        parse: |argument| Ok(Command::Statement(format!("COMPARE {}", required("compare", argument)?))),
    },
    Specification {
        names: &["lineage"],
        arguments: "",
        help: "what was lost, what was needed, what was computed again because of what",
        parse: |_| Ok(Command::Statement("EXPLAIN LINEAGE".to_string())),
    },
    Specification {
        names: &["why"],
        arguments: "[code]",
        help: "what an error code means, and what Trino and Spark say",
        parse: |argument| Ok(Command::Why(optional(argument))),
    },
    Specification {
        names: &["demo"],
        arguments: "",
        help: "4 workers at human speed, so that there is time to crash one",
        parse: |_| Ok(Command::Demo),
    },
    Specification {
        names: &["pace"],
        arguments: "[duration]",
        help: "the least time that a task takes: 300ms, 2s, 0",
        parse: |argument| Ok(Command::Statement(set_or_show("pace", argument))),
    },
    Specification {
        names: &["format"],
        arguments: "[format]",
        help: "how rows are written: aligned, box, csv_header, json, vertical, ...",
        parse: |argument| match optional(argument) {
            Some(name) => OutputFormat::parse(&name).map(|format| Command::Format(Some(format))),
            None => Ok(Command::Format(None)),
        },
    },
    Specification {
        names: &["max-rows", "max_rows"],
        arguments: "[n|all]",
        help: "rows of a table that are shown",
        parse: |argument| Ok(Command::Statement(set_or_show("max_rows", argument))),
    },
    Specification {
        names: &["timing"],
        arguments: "[on|off]",
        help: "a line with rows, tasks and time after each statement",
        parse: |argument| match argument.to_lowercase().as_str() {
            "" => Ok(Command::Timing(None)),
            "on" | "true" => Ok(Command::Timing(Some(true))),
            "off" | "false" => Ok(Command::Timing(Some(false))),
            other => Err(wrong(format!("\\timing is on or off, not \"{other}\""))),
        },
    },
    Specification {
        names: &["settings"],
        arguments: "",
        help: "every setting with its value",
        parse: |_| Ok(Command::Statement("SHOW SETTINGS".to_string())),
    },
    Specification {
        names: &["functions", "df"],
        arguments: "[like]",
        help: "the functions",
        parse: |argument| {
            Ok(Command::Statement(match optional(argument) {
                Some(like) => format!("SHOW FUNCTIONS LIKE '{}'", like.trim_matches('\'').replace('\'', "''")),
                None => "SHOW FUNCTIONS".to_string(),
            }))
        },
    },
    Specification {
        names: &["q", "quit", "exit"],
        arguments: "",
        help: "leave (Ctrl-D does too)",
        parse: |_| Ok(Command::Quit),
    },
];

impl Specification {
    /// The name with its backslash: `\mode`.
    pub fn name(&self) -> String {
        format!("\\{}", self.names[0])
    }

    /// `\mode [abort|recompute]`.
    pub fn usage(&self) -> String {
        format!("\\{} {}", self.names[0], self.arguments).trim_end().to_string()
    }
}

/// Parses a line that begins with a backslash. A closing semicolon is forgiven.
pub fn parse(line: &str) -> Result<Command, Diagnostic> {
    let line = line.trim().trim_start_matches('\\').trim_end_matches(';').trim_end();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let found = COMMANDS.iter().find(|c| c.names.iter().any(|n| n.eq_ignore_ascii_case(name)));
    match found {
        Some(command) => (command.parse)(argument.trim()),
        None => {
            let names = COMMANDS.iter().map(|c| c.names[0]);
            let near: Vec<String> = similar(name, names).iter().map(|n| format!("\\{n}")).collect();
            let hint = match did_you_mean(&near) {
                Some(question) => format!("{} (\\? lists the commands)", question.replace('"', "")),
                None => "\\? lists the commands".to_string(),
            };
            Err(wrong(format!("There is no command \\{name}")).hint(hint))
        }
    }
}

/// The help text: all commands, or the one of that name. Unknown names get the whole list.
pub fn help(name: Option<&str>) -> String {
    let wanted = name.map(|n| n.trim_start_matches('\\').to_lowercase());
    let one: Vec<&Specification> =
        COMMANDS.iter().filter(|c| wanted.as_deref().is_some_and(|n| c.names.contains(&n))).collect();
    let shown: Vec<&Specification> = if one.is_empty() { COMMANDS.iter().collect() } else { one };
    let widest = shown.iter().map(|c| c.usage().len()).max().unwrap_or(0);
    let mut text = String::new();
    for command in &shown {
        text.push_str(&format!("  {:widest$}  {}\n", command.usage(), command.help));
    }
    if shown.len() > 1 {
        text.push_str(concat!(
            "\nStatements end with a semicolon. Besides SQL:\n",
            "  EXPLAIN [ANALYZE] query;  EXPLAIN LINEAGE;  COMPARE query;  RERUN;\n",
            "  INJECT CRASH ON NODE 2 [AT 50% | IN STAGE 1 AFTER 3 TASKS];\n",
            "  INJECT SLOW ON NODE 3 BY 10;  INJECT FLAKY ON STAGE 1 TIMES 2;\n",
            "  HEAL FAULT 1;  HEAL ALL;  RESTART NODE 2;  RESTART ALL;\n",
            "  SHOW TABLES | COLUMNS FROM t | SETTINGS | FUNCTIONS | NODES | FAULTS | QUERIES;\n",
            "  SET mode = abort;  RESET mode;  SELECT * FROM system.runtime.queries;\n",
            "While a query runs: 1-9 crash a worker, h bring all back, p pause, + - pace, Ctrl-C cancel.\n",
        ));
    }
    text
}

fn optional(argument: &str) -> Option<String> {
    (!argument.is_empty()).then(|| argument.to_string())
}

fn required(command: &str, argument: &str) -> Result<String, Diagnostic> {
    optional(argument).ok_or_else(|| {
        let usage = COMMANDS.iter().find(|c| c.names[0] == command).map(Specification::usage).unwrap_or_default();
        wrong(format!("\\{command} needs to know more")).hint(format!("it is used as {usage}"))
    })
}

/// `SET name = argument`, or `SHOW name` without one. The value is quoted, so that `300ms` is one.
fn set_or_show(name: &str, argument: &str) -> String {
    match optional(argument) {
        Some(value) => format!("SET {name} = '{}'", value.trim_matches('\'').replace('\'', "''")),
        None => format!("SHOW {name}"),
    }
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::new(ErrorCode::SyntaxError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(line: &str) -> String {
        match parse(line) {
            Ok(Command::Statement(text)) => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn commands_are_short_for_statements() {
        assert_eq!(statement("\\mode abort"), "SET mode = 'abort'");
        assert_eq!(statement("\\mode"), "SHOW mode");
        assert_eq!(statement("\\kill 2;"), "INJECT CRASH ON NODE 2");
        assert_eq!(statement("\\restart"), "RESTART ALL");
        assert_eq!(statement("\\d orders"), "DESCRIBE orders");
        assert_eq!(statement("\\explain SELECT 1"), "EXPLAIN SELECT 1");
        assert_eq!(statement("\\max-rows all"), "SET max_rows = 'all'");
    }

    #[test]
    fn the_shell_s_own_commands() {
        assert_eq!(parse("\\q"), Ok(Command::Quit));
        assert_eq!(parse("\\timing off"), Ok(Command::Timing(Some(false))));
        assert_eq!(parse("\\why REMOTE_HOST_GONE"), Ok(Command::Why(Some("REMOTE_HOST_GONE".into()))));
        assert_eq!(parse("\\format json"), Ok(Command::Format(Some(OutputFormat::Json))));
    }

    #[test]
    fn a_mistyped_command_is_guessed() {
        let error = parse("\\nodse").unwrap_err();
        assert!(error.hint.unwrap().contains("\\nodes"));
        assert!(parse("\\kill").unwrap_err().hint.unwrap().contains("\\kill n"));
    }

    #[test]
    fn help_comes_from_the_same_table() {
        let all = help(None);
        assert!(COMMANDS.iter().all(|c| all.contains(&c.usage()) && all.contains(c.help)));
        assert!(all.lines().all(|line| line.chars().count() <= 100), "{all}");
        assert_eq!(help(Some("mode")).lines().count(), 1);
    }
}
