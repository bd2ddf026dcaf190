//! Broken SQL: statements of the corpus (`tests/slt/*.slt`), mutated, are parsed, bound, planned and some of them run. None may panic or
//! end in an internal error, and every error is a text for people.
//!
//! `FAULTLAB_FUZZ=1000000 cargo test --release --test fuzz` runs that many; `FAULTLAB_FUZZ_SEED=7` other ones. Should the process itself
//! end, the statement is in the file `faultlab-fuzz-SEED.sql` of the folder for temporary files.

use faultlab::journal::ErrorCode;
use faultlab::shell::{Session, SessionConfig};
use faultlab::sql::parse;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Of a run as part of the test suite.
const CASES: u64 = 1500;

/// A session keeps what it ran: after so many statements there is a new one.
const CASES_PER_SESSION: u64 = 4000;

/// Longer texts are cut: what grows without end finds nothing new.
const MOST_BYTES: usize = 4000;

/// A statement that takes longer to plan is a finding, too.
const SLOW: Duration = Duration::from_secs(20);

/// What replaces a token, or comes before one.
const TOKENS: &[&str] = &[
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "170141183460469231731687303715884105728",
    "1e308",
    "1e-400",
    "0.00000000000000000000000000000000000001",
    "99999999999999999999999999999999999999.9",
    "NULL",
    "true",
    "''",
    "'a'",
    "'\u{301}'",
    "'\u{1F468}\u{200D}\u{1F469}'",
    "\u{FEFF}",
    "\u{A0}",
    "\u{2028}",
    "ß",
    "\"\"",
    "\"İ\"",
    "'",
    "\"",
    "$$",
    "$1",
    "?",
    ":x",
    "--",
    "/*",
    "*/",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "::",
    "*",
    "/",
    "//",
    "%",
    "||",
    "->",
    "->>",
    "@",
    "#",
    "=",
    "<>",
    "<=>",
    "IS",
    "NOT",
    "AND",
    "OR",
    "IN",
    "BETWEEN",
    "LIKE",
    "ESCAPE",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "CAST(",
    "TRY_CAST(",
    "AS",
    "INTEGER",
    "HUGEINT",
    "DECIMAL(38,38)",
    "DECIMAL(39,0)",
    "VARCHAR[]",
    "STRUCT(a INT)",
    "INTERVAL",
    "DATE '9999-12-31'",
    "TIMESTAMP 'x'",
    "INTERVAL '1' MONTH",
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "QUALIFY",
    "WINDOW",
    "OVER ()",
    "OVER (",
    "PARTITION BY",
    "ROWS BETWEEN",
    "RANGE BETWEEN",
    "UNBOUNDED PRECEDING",
    "1 FOLLOWING",
    "CURRENT ROW",
    "EXCLUDE TIES",
    "FILTER (WHERE",
    "WITHIN GROUP (ORDER BY",
    "DISTINCT",
    "DISTINCT ON (",
    "ALL",
    "ANY (",
    "EXISTS (",
    "UNION",
    "INTERSECT ALL",
    "EXCEPT",
    "WITH RECURSIVE",
    "WITH x AS (",
    "LATERAL",
    "JOIN",
    "LEFT JOIN",
    "FULL JOIN",
    "CROSS JOIN",
    "ASOF JOIN",
    "SEMI JOIN",
    "NATURAL",
    "USING (",
    "ON",
    "VALUES (1)",
    "UNNEST(",
    "ROLLUP (",
    "CUBE (",
    "GROUPING SETS ((), (",
    "grouping(",
    "sum(",
    "count(*)",
    "count(",
    "row_number()",
    "lag(",
    "string_agg(",
    "list(",
    "PIVOT",
    "UNPIVOT",
    "COLUMNS(",
    "EXCLUDE (",
    "REPLACE (",
    "RENAME (",
    "TABLESAMPLE 10%",
    "NULLS FIRST",
    "COLLATE",
    "AT TIME ZONE",
    "extract(",
    "x -> x",
    "[1, 2]",
    "{'a': 1}",
    "MAP {'a': 1}",
    "staff",
    "numbers",
    "measures",
    "id",
    "name",
    "_",
    "\\",
    "\0",
    "\u{7}",
    "\t",
    "\n",
];

/// Statements of ours that the corpus does not have. They are only parsed.
const OWN: &[&str] = &[
    "CRASH NODE 1",
    "INJECT CRASH ON NODE 2 AT 50%",
    "RESTART ALL",
    "SHOW NODES",
    "SET mode = 'abort'",
    "RESET ALL",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE p AS SELECT $1 + 1",
    "EXECUTE p(1)",
    "SET VARIABLE x = 1",
    "SHOW CREATE TABLE staff",
    "SUMMARIZE staff",
    "DESCRIBE SELECT 1",
    "SLOW NODE 1 BY 10",
    "COPY staff TO 'x.csv' (HEADER)",
    "SHOW FUNCTIONS LIKE 'a%'",
    "INSERT INTO staff VALUES (1)",
];

/// Splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end` exclusive; 0 if there is nothing to choose from.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Words, numbers, texts in quotes, spaces, and single characters of anything else. Together they are the text.
fn tokens(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut quote = None;
    let class = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            1
        } else if c.is_whitespace() {
            2
        } else {
            0
        }
    };
    let mut last = 0;
    for c in text.chars() {
        let joins = quote.is_some() || (class(c) != 0 && class(c) == last);
        match all.last_mut() {
            Some(token) if joins => token.push(c),
            _ => all.push(c.to_string()),
        }
        last = class(c);
        quote = match quote {
            Some(open) if open == c => {
                last = 0;
                None
            }
            None if c == '\'' || c == '"' => Some(c),
            other => other,
        };
    }
    all
}

fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit())
}

/// `sql` after one to four changes.
fn mutated(random: &mut Random, corpus: &[String]) -> String {
    let sql = &corpus[random.below(corpus.len())];
    let mut all = tokens(sql);
    for _ in 0..1 + random.below(4) {
        let (at, other) = (random.below(all.len()), random.below(all.len()));
        match random.below(12) {
            0 if !all.is_empty() => {
                all.remove(at);
            }
            1 if !all.is_empty() => all.insert(at, all[other].clone()),
            2 if !all.is_empty() => all.swap(at, other),
            3 if !all.is_empty() => all[at] = random.one(TOKENS).to_string(),
            4 => all.insert(at, format!(" {} ", random.one(TOKENS))),
            5 => {
                let numbers: Vec<usize> = (0..all.len()).filter(|place| is_number(&all[*place])).collect();
                if !numbers.is_empty() {
                    all[numbers[random.below(numbers.len())]] = TOKENS[random.below(10)].to_string();
                }
            }
            6 => {
                let (from, to) = (at.min(other), at.max(other));
                all.drain(from..to.min(from + 12));
            }
            7 => {
                let (from, to) = (at.min(other), at.max(other));
                let part = all[from..to.min(from + 20)].to_vec();
                all.splice(at..at, part);
            }
            8 => {
                let donor = tokens(&corpus[random.below(corpus.len())]);
                let from = random.below(donor.len());
                let to = (from + 1 + random.below(25)).min(donor.len());
                all.splice(at..(at + random.below(3)).min(all.len()), donor[from..to].iter().cloned());
            }
            9 => {
                // One statement in place of a token of the other.
                let donor = &corpus[random.below(corpus.len())];
                all.insert(at, format!(" ({donor}) "));
            }
            10 => {
                let (open, close) = [
                    ("(", ")"),
                    ("NOT ", ""),
                    ("-", ""),
                    ("[", "]"),
                    ("abs(", ")"),
                    ("(SELECT ", ")"),
                    ("CASE WHEN ", " THEN 1 END"),
                ][random.below(7)];
                let depth = [2, 10, 60, 500][random.below(4)];
                all.insert(at, open.repeat(depth));
                if random.below(3) > 0 {
                    all.insert((at + 2).min(all.len()), close.repeat(depth));
                }
            }
            _ => {
                let words: Vec<usize> =
                    (0..all.len()).filter(|place| all[*place].starts_with(char::is_alphabetic)).collect();
                if words.len() > 1 {
                    all[words[random.below(words.len())]] = all[words[random.below(words.len())]].clone();
                }
            }
        }
    }
    let mut text = all.concat();
    if text.len() > MOST_BYTES {
        let end = (0..=MOST_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Whether it may be run: what makes many rows or long texts out of nothing is only planned, and nothing is run that changes the cluster.
fn cheap(sql: &str) -> bool {
    let lower = sql.to_lowercase();
    let starts = [
        "select",
        "with",
        "from",
        "values",
        "(",
        "create",
        "insert",
        "update",
        "delete",
        "pivot",
        "unpivot",
        "summarize",
    ];
    let makes_much =
        ["range", "generate_series", "repeat", "recursive", "pad(", "tpch", "tpcds", "cross", "unnest", "install"];
    starts.iter().any(|word| lower.trim_start().starts_with(word))
        && !makes_much.iter().any(|word| lower.contains(word))
}

/// The statements of the corpus.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()));
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let mut statements = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "slt")) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|problem| panic!("{}: {problem}", file.display()));
        for block in text.split("\n\n") {
            let Some((head, body)) = block.trim_matches('\n').split_once('\n') else { continue };
            if !head.starts_with('#') {
                let sql = body.split("\n----").next().unwrap_or(body);
                statements.push(sql.replace("__DIR__", "."));
            }
        }
    }
    statements
}

struct Sessions {
    /// All tables; statements are explained here.
    plan: Session,
    /// The tiny tables; statements run here.
    run: Session,
}

fn sessions(folder: &Path) -> Sessions {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (all, tiny) = (root.join("sample-data"), root.join("tests/slt/data"));
    let open = |data: Vec<PathBuf>, name: &str| {
        let config = SessionConfig {
            data,
            nodes: 2,
            seed: Some(1),
            safe: true,
            cache: Some(folder.join("cache")),
            warehouse: Some(folder.join(name)),
            ..SessionConfig::default()
        };
        Session::new(config).unwrap_or_else(|problem| panic!("{}", problem.render("")))
    };
    Sessions { plan: open(vec![all, tiny.clone()], "plan"), run: open(vec![tiny], "run") }
}

/// What is wrong with how `sql` was taken; None if nothing is.
fn problem(sessions: &mut Sessions, sql: &str, run: bool) -> Option<String> {
    let begin = Instant::now();
    let mut problems = String::new();
    let taken = catch_unwind(AssertUnwindSafe(|| {
        let mut failures = Vec::new();
        if let Err(diagnostic) = parse(sql) {
            failures.push((diagnostic.code, diagnostic.render(sql)));
        }
        if let Err(failure) = sessions.plan.execute(&format!("EXPLAIN {sql}")).answer {
            failures.push((failure.diagnostic.code, failure.text));
        }
        if run
            && cheap(sql)
            && let Err(failure) = sessions.run.execute(sql).answer
        {
            failures.push((failure.diagnostic.code, failure.text));
        }
        failures
    }));
    match taken {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let _ = write!(problems, "panic: {}", text.unwrap_or("of another kind"));
        }
        Ok(failures) => {
            for (code, text) in failures {
                let internal = code == ErrorCode::GenericInternalError;
                let debug = ["Some(", "None)", "Expr {", "PolarsError"]
                    .iter()
                    .any(|mark| text.contains(mark) && !sql.contains(mark));
                if internal || debug || text.trim().is_empty() {
                    let _ = writeln!(problems, "{code:?}: {text}");
                }
            }
        }
    }
    if begin.elapsed() > SLOW {
        let _ = write!(problems, "it took {:?}", begin.elapsed());
    }
    (!problems.is_empty()).then_some(problems)
}

#[test]
fn no_mutated_statement_panics_or_ends_in_an_internal_error() {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let by_hand = from_environment("FAULTLAB_FUZZ");
    let (cases, seed) = (by_hand.unwrap_or(CASES), from_environment("FAULTLAB_FUZZ_SEED").unwrap_or(1));
    let folder = tempfile::tempdir().unwrap_or_else(|problem| panic!("{problem}"));
    std::env::set_current_dir(folder.path()).unwrap_or_else(|problem| panic!("{problem}"));
    let mut corpus = corpus();
    corpus.extend(OWN.iter().map(|statement| statement.to_string()));
    let current = std::env::temp_dir().join(format!("faultlab-fuzz-{seed}.sql"));
    let mut open = sessions(folder.path());
    let mut found: Vec<String> = Vec::new();
    for case in 0..cases {
        let mut random = Random(seed.wrapping_mul(0x0001_0000_0000_0001).wrapping_add(case << 8));
        let sql = mutated(&mut random, &corpus);
        if by_hand.is_some() {
            let _ = std::fs::write(&current, &sql);
        }
        if let Some(problem) = problem(&mut open, &sql, random.below(6) == 0) {
            if by_hand.is_some() {
                eprintln!("case {case}: {sql}\n  {problem}\n");
            }
            found.push(format!("case {case}: {sql}\n  {problem}"));
            open = sessions(folder.path());
        }
        if case % CASES_PER_SESSION == CASES_PER_SESSION - 1 {
            open = sessions(folder.path());
            if by_hand.is_some() {
                eprintln!("{} cases, {} findings", case + 1, found.len());
            }
        }
    }
    let _ = std::fs::remove_file(&current);
    assert!(found.is_empty(), "{} of {cases} statements\n{}", found.len(), found.join("\n"));
}
