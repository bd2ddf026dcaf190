//! Our own statements, read from tokens: SET, SHOW, EXPLAIN, INJECT and so on. Queries are handed to the SQL parser.

use super::diagnostic::{Diagnostic, Result, Span};
use super::parse::{end_of, parse_query};
use super::source::{PlacedToken, Tokens};
use super::statement::{FaultKind, FaultSpec, NodeChoice, Show, Statement, Trigger};
use super::suggest::{did_you_mean, either, similar};
use crate::journal::ErrorCode;
use crate::scheduler::{NodeId, QueryId, StageId};
use sqlparser::tokenizer::Token;

/// First words of what can be run, for "did you mean".
const FIRST_WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WITH",
    "VALUES",
    "TABLE",
    "PIVOT",
    "UNPIVOT",
    "EXPLAIN",
    "COMPARE",
    "RERUN",
    "SET",
    "RESET",
    "SHOW",
    "DESCRIBE",
    "INJECT",
    "HEAL",
    "RESTART",
    "CANCEL",
    "CREATE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "COPY",
    "USE",
    "SUMMARIZE",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "PRAGMA",
];

/// First words that are understood and cannot be run yet, with the name that the message gives them.
const LATER: &[(&str, &str)] = &[
    ("SIMULATE", "SIMULATE"),
    ("ADVISE", "ADVISE"),
    ("ADD", "ADD NODE"),
    ("DRAIN", "DRAIN NODE"),
    ("REPORT", "REPORT"),
    ("RESUME", "RESUME"),
    ("SUBMIT", "SUBMIT"),
    ("WAIT", "WAIT"),
    ("CACHE", "CACHE TABLE"),
    ("UNCACHE", "UNCACHE TABLE"),
    ("MERGE", "MERGE"),
    ("BEGIN", "transactions"),
    ("START", "transactions"),
    ("COMMIT", "transactions"),
    ("ROLLBACK", "transactions"),
    ("ATTACH", "ATTACH"),
    ("DETACH", "DETACH"),
    ("INSTALL", "INSTALL"),
    ("LOAD", "LOAD"),
    ("ANALYZE", "ANALYZE"),
    ("VACUUM", "VACUUM"),
    ("CALL", "CALL"),
    ("GRANT", "GRANT"),
    ("REVOKE", "REVOKE"),
    ("EXPORT", "EXPORT DATABASE"),
    ("IMPORT", "IMPORT DATABASE"),
    ("COMMENT", "COMMENT ON"),
    ("CHECKPOINT", "CHECKPOINT"),
];

/// Parses the statement that the tokens are.
pub fn parse(text: &str, tokens: &Tokens) -> Result<Statement> {
    let mut cursor = Cursor { text, tokens, at: 0 };
    let Some(first) = cursor.peek() else {
        return Err(Diagnostic::new(ErrorCode::SyntaxError, "there is no statement here"));
    };
    let word = match &first.token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_uppercase(),
        Token::LParen => return Ok(Statement::Query(parse_query(text, tokens, 0)?)),
        _ => return Err(cursor.unexpected("a statement such as SELECT, SHOW or INJECT")),
    };
    if let Some((_, name)) = LATER.iter().find(|(first, _)| *first == word) {
        return Err(not_supported(name, first.span));
    }
    match word.as_str() {
        "SELECT" | "FROM" | "WITH" | "VALUES" | "TABLE" | "PIVOT" | "UNPIVOT" | "PIVOT_WIDER" | "PIVOT_LONGER"
        | "SUMMARIZE" => Ok(Statement::Query(parse_query(text, tokens, 0)?)),
        "EXPLAIN" => cursor.explain(),
        "COMPARE" => {
            cursor.at = 1;
            let span = cursor.rest_span();
            Ok(Statement::Compare { query: parse_query(text, tokens, 1)?, span })
        }
        "CREATE" | "DROP" => match cursor.macro_statement()? {
            Some(statement) => Ok(statement),
            None => Ok(Statement::Change(cursor.change()?)),
        },
        "INSERT" | "UPDATE" | "DELETE" | "ALTER" | "TRUNCATE" => Ok(Statement::Change(cursor.change()?)),
        "COPY" => cursor.copy(),
        "USE" => cursor.use_schema(),
        "PREPARE" => cursor.prepare(),
        "EXECUTE" => cursor.execute(),
        "DEALLOCATE" => cursor.deallocate(),
        "PRAGMA" => cursor.pragma(),
        "RERUN" => cursor.skip().end(Statement::Rerun),
        "SET" => cursor.set(),
        "RESET" => cursor.reset(),
        "SHOW" => cursor.show(),
        "DESCRIBE" | "DESC" => {
            cursor.at = 1;
            cursor.eat("TABLE");
            if cursor.at_query() {
                return Ok(Statement::DescribeQuery { query: parse_query(text, tokens, cursor.at)? });
            }
            let (name, span) = cursor.name("the name of a table")?;
            cursor.end(Statement::Describe { name, span })
        }
        "INJECT" => cursor.inject(),
        "HEAL" => cursor.heal(),
        "RESTART" => cursor.restart(),
        "CANCEL" => {
            cursor.at = 1;
            cursor.eat("QUERY");
            let query = QueryId(cursor.number("the number of a query, as in CANCEL 3")?);
            cursor.end(Statement::Cancel { query })
        }
        _ => {
            let all = FIRST_WORDS.iter().copied().chain(LATER.iter().map(|(word, _)| *word));
            let names = similar(&word, all);
            let error = Diagnostic::new(ErrorCode::SyntaxError, format!("unknown statement \"{word}\"")).at(first.span);
            Err(error.hint(did_you_mean(&names).unwrap_or_else(|| {
                "statements begin with SELECT, FROM, WITH, EXPLAIN, SHOW, SET, INJECT, ...; \\? lists the commands"
                    .into()
            })))
        }
    }
}

pub(super) fn not_supported(what: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {what}")).at(span);
    match what {
        "transactions" => {
            error.hint("every statement is a transaction of its own: all of its rows are written, or none")
        }
        "MERGE" => error.hint("UPDATE ... FROM and INSERT ... SELECT ... WHERE NOT EXISTS do it in two statements"),
        "EXPORT DATABASE" => error.hint("COPY t TO 'file.parquet' writes one table"),
        "IMPORT DATABASE" => error.hint("CREATE TABLE t AS FROM 'file.parquet' reads one table"),
        "VACUUM" | "CHECKPOINT" | "ANALYZE" => {
            error.hint("nothing is needed: files are written whole, and statistics are read from them")
        }
        "INSTALL" | "LOAD" => error.hint("there are no extensions: JSON, Parquet and CSV are built in"),
        "COMMENT ON" => error.hint("-- and /* */ are comments in SQL"),
        "CALL" => error.hint("FROM f(...) calls a function that makes a table"),
        "GRANT" | "REVOKE" => error.hint("there are no users: files belong to whoever may read them"),
        "ATTACH" | "DETACH" => error.hint("--data FOLDER adds a folder of files; FROM 'file' reads one directly"),
        _ => error,
    }
}

/// A place among the tokens of one statement.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<&'a PlacedToken> {
        self.tokens.placed.get(self.at)
    }

    pub(super) fn skip(&mut self) -> &mut Self {
        self.at += 1;
        self
    }

    /// The unquoted word here, in capitals.
    pub(super) fn word(&self) -> Option<String> {
        match &self.peek()?.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
            _ => None,
        }
    }

    /// Steps over `word` if it is here.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.word().as_deref() == Some(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek().is_some_and(|t| t.token == *token);
        self.at += usize::from(found);
        found
    }

    /// The place of the present token, or the end of the statement.
    pub(super) fn span(&self) -> Span {
        self.peek().map_or(end_of(self.text), |t| t.span)
    }

    /// From the present token to the end of the statement.
    pub(super) fn rest_span(&self) -> Span {
        Span { start: self.span().start, end: self.tokens.placed.last().map_or(0, |t| t.span.end) }
    }

    /// From token `first` to the one before the present.
    pub(super) fn span_from(&self, first: usize) -> Span {
        let start = self.tokens.placed.get(first).map_or(end_of(self.text), |t| t.span);
        let last = self.at.checked_sub(1).and_then(|i| self.tokens.placed.get(i)).map_or(start, |t| t.span);
        Span { start: start.start, end: last.end.max(start.end) }
    }

    pub(super) fn unexpected(&self, expected: &str) -> Diagnostic {
        let span = self.span();
        let message = match self.peek() {
            Some(_) => format!("syntax error at or near \"{}\"", &self.text[span.start as usize..span.end as usize]),
            None => "syntax error at the end of the statement".into(),
        };
        Diagnostic::new(ErrorCode::SyntaxError, message).at(span).hint(format!("expected {expected}"))
    }

    /// One of these words; otherwise an error that names them, or the one that was probably meant.
    pub(super) fn one_of(&mut self, words: &[&'static str]) -> Result<&'static str> {
        let found = self.word();
        if let Some(word) = words.iter().copied().find(|w| found.as_deref() == Some(w)) {
            self.at += 1;
            return Ok(word);
        }
        let listed: Vec<String> = words.iter().map(|w| w.to_string()).collect();
        let error = self.unexpected(&either(&listed).unwrap_or_default());
        let names = found.map(|f| similar(&f, words.iter().copied()).iter().map(|n| n.to_string()).collect::<Vec<_>>());
        Err(match names.and_then(|n| did_you_mean(&n)) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    fn number(&mut self, expected: &str) -> Result<u32> {
        let number = match self.peek().map(|t| &t.token) {
            Some(Token::Number(digits, _)) => digits.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(number)
    }

    /// `a`, `"a b"`, `a.b.c`, `'file.csv'`.
    pub(super) fn name(&mut self, expected: &str) -> Result<(Vec<String>, Span)> {
        let first = self.at;
        let mut parts = Vec::new();
        loop {
            match self.peek().map(|t| &t.token) {
                Some(Token::Word(word)) => parts.push(word.value.clone()),
                Some(Token::SingleQuotedString(text)) if parts.is_empty() => parts.push(text.clone()),
                _ => return Err(self.unexpected(expected)),
            }
            self.at += 1;
            if !self.eat_token(&Token::Period) {
                return Ok((parts, self.span_from(first)));
            }
        }
    }

    /// The statement, if nothing follows.
    pub(super) fn end(&self, statement: Statement) -> Result<Statement> {
        match self.peek() {
            None => Ok(statement),
            Some(_) => Err(self.unexpected("the end of the statement")),
        }
    }

    fn explain(&mut self) -> Result<Statement> {
        self.at = 1;
        if self.eat("LINEAGE") {
            return self.end(Statement::ExplainLineage);
        }
        let analyze = self.eat("ANALYZE");
        let first = self.word();
        if let Some((_, name)) = LATER.iter().find(|(word, _)| first.as_deref() == Some(word)) {
            return Err(not_supported(&format!("EXPLAIN {name}"), self.span()));
        }
        let span = self.rest_span();
        if matches!(first.as_deref(), Some("CREATE" | "INSERT" | "UPDATE" | "DELETE")) {
            if analyze {
                return Err(not_supported("EXPLAIN ANALYZE of a statement that writes", span));
            }
            return Ok(Statement::ExplainChange { change: self.change()?, span });
        }
        Ok(Statement::Explain { analyze, query: parse_query(self.text, self.tokens, self.at)?, span })
    }

    fn set(&mut self) -> Result<Statement> {
        self.at = 1;
        if self.word().as_deref() == Some("VARIABLE")
            && matches!(self.tokens.placed.get(2).map(|t| &t.token), Some(Token::Word(_)))
        {
            return self.set_variable();
        }
        if self.tokens.placed.len() > 3 && !matches!(self.tokens.placed[2].token, Token::Eq) {
            let _ = self.eat("SESSION") || self.eat("LOCAL") || self.eat("GLOBAL");
        }
        let (name, span) = if self.eat("TIME") && self.eat("ZONE") {
            (vec!["timezone".to_string()], self.span_from(1))
        } else {
            self.name("the name of a setting, as in SET mode = abort")?
        };
        if !self.eat_token(&Token::Eq) && !self.eat("TO") && name != ["timezone"] {
            return Err(self.unexpected("\"=\" and a value, as in SET mode = abort"));
        }
        if self.peek().is_none() {
            return Err(self.unexpected("a value"));
        }
        let value_span = self.rest_span();
        let rest = &self.tokens.placed[self.at..];
        let value = match rest {
            [PlacedToken { token: Token::SingleQuotedString(text), .. }] => text.clone(),
            [PlacedToken { token: Token::Word(word), .. }] => word.value.clone(),
            [PlacedToken { token: Token::Word(_), .. }, PlacedToken { token: Token::SingleQuotedString(text), .. }] => {
                text.clone()
            }
            _ => self.text[value_span.start as usize..value_span.end as usize].to_string(),
        };
        Ok(Statement::Set { name: name.join("."), value, span: span.to(value_span) })
    }

    fn reset(&mut self) -> Result<Statement> {
        self.at = 1;
        if self.eat("ALL") {
            let span = self.span_from(1);
            return self.end(Statement::Reset { name: None, span });
        }
        if self.eat("VARIABLE") {
            let name = self.name("the name of a variable")?.0.join(".");
            return self.end(Statement::ResetVariable { name });
        }
        let (name, span) = self.name("the name of a setting, or ALL")?;
        self.end(Statement::Reset { name: Some(name.join(".")), span })
    }

    fn show(&mut self) -> Result<Statement> {
        self.at = 1;
        let word = self.word();
        let show = match word.as_deref() {
            Some("TABLES") => {
                self.at += 1;
                let schema = if self.eat("FROM") || self.eat("IN") {
                    Some(self.name("the name of a schema")?.0.join("."))
                } else {
                    None
                };
                Show::Tables { schema }
            }
            Some("SCHEMAS" | "DATABASES") => {
                self.at += 1;
                Show::Schemas
            }
            Some("COLUMNS") => {
                self.at += 1;
                if !self.eat("FROM") && !self.eat("IN") {
                    return Err(self.unexpected("FROM and the name of a table"));
                }
                let (table, span) = self.name("the name of a table")?;
                Show::Columns { table, span }
            }
            Some(word @ ("SETTINGS" | "ALL")) => {
                self.at += 1;
                if word == "ALL" && self.eat("TABLES") {
                    Show::Tables { schema: None }
                } else {
                    Show::Settings { name: None, span: self.span_from(0) }
                }
            }
            Some("FUNCTIONS") => {
                self.at += 1;
                let like = if self.eat("LIKE") {
                    match self.peek().map(|t| &t.token) {
                        Some(Token::SingleQuotedString(pattern)) => {
                            self.at += 1;
                            Some(pattern.clone())
                        }
                        _ => return Err(self.unexpected("a pattern in quotes, as in LIKE 'date%'")),
                    }
                } else {
                    None
                };
                Show::Functions { like }
            }
            Some("NODES") => {
                self.at += 1;
                Show::Nodes
            }
            Some("FAULTS") => {
                self.at += 1;
                Show::Faults
            }
            Some("QUERIES") => {
                self.at += 1;
                Show::Queries
            }
            Some("CREATE") => {
                self.at += 1;
                self.one_of(&["TABLE", "VIEW"])?;
                let (name, span) = self.name("the name of a table or view")?;
                Show::Create { name, span }
            }
            Some(word @ ("STATS" | "CATALOGS" | "VIEWS" | "STAGES" | "TASKS" | "EVENTS")) => {
                return Err(not_supported(&format!("SHOW {word}"), self.span()));
            }
            _ => {
                let (name, span) = self.name(
                    "TABLES, SCHEMAS, COLUMNS, SETTINGS, FUNCTIONS, NODES, FAULTS, QUERIES or the name of a setting",
                )?;
                Show::Settings { name: Some(name.join(".")), span }
            }
        };
        self.end(Statement::Show(show))
    }

    fn heal(&mut self) -> Result<Statement> {
        self.at = 1;
        if self.eat("ALL") {
            return self.end(Statement::HealAll);
        }
        let first = self.at;
        if !self.eat("FAULT") && !matches!(self.peek().map(|t| &t.token), Some(Token::Number(..))) {
            self.one_of(&["ALL", "FAULT"])?;
        }
        let fault = self.number("the number of a fault; SHOW FAULTS lists them")?;
        let span = self.span_from(first);
        self.end(Statement::HealFault { fault, span })
    }

    fn restart(&mut self) -> Result<Statement> {
        self.at = 1;
        if self.eat("ALL") {
            return self.end(Statement::RestartAll);
        }
        let first = self.at;
        match self.node()? {
            NodeChoice::Node(node) => {
                let span = self.span_from(first);
                self.end(Statement::RestartNode { node, span })
            }
            NodeChoice::Any => {
                self.at = first;
                Err(self.unexpected("NODE and a number, or ALL"))
            }
        }
    }

    /// `NODE 2`, `NODE worker-2`, `worker-2`, `'worker-2'`, `2`, `NODE ANY`, `ANY NODE`.
    fn node(&mut self) -> Result<NodeChoice> {
        const EXPECTED: &str = "a node: NODE 2, worker-2 or NODE ANY";
        if self.eat("ANY") {
            let _ = self.eat("NODE") || self.eat("WORKER");
            return Ok(NodeChoice::Any);
        }
        if self.eat("NODE") && self.eat("ANY") {
            return Ok(NodeChoice::Any);
        }
        // worker-2 is three tokens.
        if self.eat("WORKER") {
            self.eat_token(&Token::Minus);
        }
        let quoted = match self.peek().map(|t| &t.token) {
            Some(Token::SingleQuotedString(text)) => Some(text.clone()),
            Some(Token::Word(word)) => Some(word.value.clone()),
            _ => None,
        };
        if let Some(text) = quoted {
            let digits = text.to_lowercase();
            let digits =
                digits.strip_prefix("worker").map_or(digits.as_str(), |d| d.trim_start_matches(['-', '_', ' ']));
            let number = digits.parse().map_err(|_| match self.word().as_deref() {
                Some("COORDINATOR") => not_supported("faults on the coordinator", self.span()),
                _ => self.unexpected(EXPECTED),
            })?;
            self.at += 1;
            return Ok(NodeChoice::Node(NodeId(number)));
        }
        Ok(NodeChoice::Node(NodeId(self.number(EXPECTED)?)))
    }

    fn inject(&mut self) -> Result<Statement> {
        self.at = 1;
        const LATER_FAULTS: &[&str] =
            &["CUT", "NETWORK", "PARTITION", "OOM", "BUG", "CORRUPT", "DISK", "CHAOS", "DELAY", "CANCEL"];
        if let Some(word) = self.word()
            && LATER_FAULTS.contains(&word.as_str())
        {
            let name = if word == "NETWORK" { "NETWORK PARTITION" } else { &word };
            return Err(not_supported(&format!("INJECT {name}"), self.span())
                .hint("the faults so far are CRASH, SLOW and FLAKY"));
        }
        let kind = self.one_of(&["CRASH", "SLOW", "FLAKY"])?;
        let mut parts = FaultParts::default();
        while self.peek().is_some() {
            self.fault_clause(kind, &mut parts)?;
        }
        let kind = match (kind, parts.node) {
            ("CRASH", Some(node)) => FaultKind::Crash { node },
            ("SLOW", Some(node)) => FaultKind::Slow { node, factor: parts.factor.unwrap_or(10) },
            ("FLAKY", _) => FaultKind::Flaky { stage: parts.on_stage, times: parts.times.unwrap_or(1) },
            _ => return Err(self.unexpected(&format!("ON NODE and a number, as in INJECT {kind} ON NODE 2"))),
        };
        let trigger = parts.trigger.unwrap_or(Trigger::Now);
        Ok(Statement::Inject { fault: FaultSpec { kind, trigger }, span: self.span_from(0) })
    }

    /// One clause after the kind of fault, in any order, each at most once.
    fn fault_clause(&mut self, kind: &'static str, parts: &mut FaultParts) -> Result<()> {
        let first = self.at;
        let clauses: &[&'static str] = match kind {
            "CRASH" => &["ON", "AT", "IN", "NOW"],
            "SLOW" => &["ON", "BY", "AT", "IN", "NOW"],
            _ => &["ON", "TIMES", "AT", "IN", "NOW"],
        };
        if let Some(word @ ("FOR" | "BETWEEN" | "WHEN" | "AFTER")) = self.word().as_deref() {
            return Err(not_supported(&format!("{word} in INJECT {kind}"), self.span()));
        }
        let twice = match self.one_of(clauses)? {
            "ON" if kind == "FLAKY" => {
                if !self.eat("STAGE") {
                    return Err(self.unexpected("STAGE and a number, as in INJECT FLAKY ON STAGE 1 TIMES 2"));
                }
                parts.on_stage.replace(self.stage()?).is_some()
            }
            "ON" => parts.node.replace(self.node()?).is_some(),
            "BY" => {
                let factor = self.number("a factor, as in BY 10")?;
                if !(1..=1_000_000).contains(&factor) {
                    return Err(self.invalid(first, "a node can be slowed by a factor of 1 to 1000000"));
                }
                parts.factor.replace(factor).is_some()
            }
            "TIMES" => {
                let times = self.number("how many times, as in TIMES 2")?;
                if times == 0 {
                    return Err(self.invalid(first, "a fault that happens 0 times is none"));
                }
                parts.times.replace(times).is_some()
            }
            "AT" => {
                let percent = self.number("a percentage, as in AT 50%")?;
                if !self.eat_token(&Token::Mod) && !self.eat("PERCENT") {
                    return Err(self.unexpected("\"%\", as in AT 50%"));
                }
                let percent = u8::try_from(percent).ok().filter(|p| (1..=100).contains(p));
                let percent =
                    percent.ok_or_else(|| self.invalid(first, "a fault fires at 1% to 100% of the query's tasks"))?;
                parts.trigger.replace(Trigger::AtPercent(percent)).is_some()
            }
            "IN" => {
                if !self.eat("STAGE") {
                    return Err(self.unexpected("STAGE and a number, as in IN STAGE 1 AFTER 3 TASKS"));
                }
                let stage = self.stage()?;
                let mut after_tasks = 0;
                if self.eat("AFTER") {
                    after_tasks = self.number("how many tasks, as in AFTER 3 TASKS")?;
                    let _ = self.eat("TASKS") || self.eat("TASK");
                }
                parts.trigger.replace(Trigger::InStage { stage, after_tasks }).is_some()
            }
            _ => parts.trigger.replace(Trigger::Now).is_some(),
        };
        if twice {
            return Err(self.invalid(first, "the fault says this twice"));
        }
        Ok(())
    }

    fn stage(&mut self) -> Result<StageId> {
        let first = self.at;
        match self.number("the number of a stage; EXPLAIN shows them")? {
            0 => Err(self.invalid(first, "stages are numbered from 1")),
            number => Ok(StageId(number)),
        }
    }

    fn invalid(&self, first: usize, message: &str) -> Diagnostic {
        Diagnostic::new(ErrorCode::InvalidFault, message).at(self.span_from(first))
    }
}

/// The clauses of an INJECT statement so far.
#[derive(Default)]
struct FaultParts {
    node: Option<NodeChoice>,
    on_stage: Option<StageId>,
    factor: Option<u32>,
    times: Option<u32>,
    trigger: Option<Trigger>,
}
