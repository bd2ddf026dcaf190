//! The binary on scripts: what goes in on stdin, what comes out on stdout and stderr, and the exit code.
//!
//! A case is a file `tests/scripts/*.case`: lines of `# arguments:`, the script, then the expected `==== stdout`,
//! `==== stderr` and `==== exit`. `{sample}` in the arguments is the sample data, `{empty}` an empty folder.
//! `UPDATE_SCRIPTS=1 cargo test --release --test scripts` writes what the binary says now; read the difference.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_faultlab");

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the binary in an empty folder with a script on stdin.
fn run(arguments: &[String], script: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut child = Command::new(BINARY)
        .args(arguments)
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let script = script.to_string();
    let writer = std::thread::spawn(move || {
        // A binary that ends early closes its stdin.
        let _ = stdin.write_all(script.as_bytes());
    });
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("the script is written");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(&project().display().to_string(), "{project}")
}

/// A parsed case.
struct Case {
    arguments: Vec<String>,
    script: String,
    expected: String,
}

impl Case {
    fn read(path: &Path, empty: &Path) -> Case {
        let content = fs::read_to_string(path).expect("a case is text");
        let (input, expected) = content.split_once("==== stdout\n").unwrap_or((&content, ""));
        let arguments = input.lines().find_map(|line| line.strip_prefix("# arguments:")).unwrap_or("");
        let fill = |word: &str| {
            word.replace("{sample}", &project().join("sample-data").display().to_string())
                .replace("{empty}", &empty.display().to_string())
        };
        let script: Vec<&str> = input.lines().filter(|line| !line.starts_with("# ")).collect();
        Case {
            arguments: arguments.split_whitespace().map(fill).collect(),
            script: script.join("\n") + "\n",
            expected: expected.to_string(),
        }
    }

    fn outcome(&self) -> String {
        let output = run(&self.arguments, &self.script);
        let code = output.status.code().map_or("none".to_string(), |code| code.to_string());
        format!("{}==== stderr\n{}==== exit\n{code}\n", text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn every_case_gives_what_it_says() {
    let empty = tempfile::tempdir().expect("an empty folder");
    let mut paths: Vec<PathBuf> = fs::read_dir(project().join("tests/scripts"))
        .expect("the folder of cases")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "case"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are cases");
    let mut wrong = Vec::new();
    for path in paths {
        let case = Case::read(&path, empty.path());
        let outcome = case.outcome();
        if std::env::var_os("UPDATE_SCRIPTS").is_some() {
            let content = fs::read_to_string(&path).expect("a case is text");
            let input = content.split("==== stdout\n").next().unwrap_or_default();
            fs::write(&path, format!("{input}==== stdout\n{outcome}")).expect("the case is written");
        } else if outcome != case.expected {
            wrong.push(format!("{}:\n--- expected\n{}\n--- got\n{outcome}", path.display(), case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_seeded_run_writes_the_same_journal_every_time() {
    let folder = tempfile::tempdir().expect("a folder for the journals");
    let script = "SELECT region, SUM(sales) FROM orders GROUP BY region;\nINJECT CRASH ON NODE 2 AT 50%;\n\
                  SELECT region, SUM(sales) FROM orders GROUP BY region;\n";
    let journal = |name: &str| {
        let file = folder.path().join(name);
        let sample = project().join("sample-data").display().to_string();
        let arguments = ["--seed", "42", "--data", &sample, "--journal", &file.display().to_string()].map(String::from);
        let output = run(&arguments, script);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(file).expect("the journal is there")
    };
    let first = journal("first.jsonl");
    assert!(first.windows(9).any(|part| part == b"recompute"), "something was recomputed");
    assert_eq!(first, journal("second.jsonl"));
}

#[test]
fn a_copied_binary_alone_in_an_empty_folder_has_the_sample_data() {
    let output = run(&["-c".into(), "SELECT COUNT(*) FROM orders".into()], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).lines().count() == 2, "{}", text(&output.stdout));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let sample = project().join("sample-data").display().to_string();
    let line = format!("'{BINARY}' --data '{sample}' -c 'SELECT * FROM orders' | head -n 1");
    let output = Command::new("sh").arg("-c").arg(line).output().expect("a shell");
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(!text(&output.stderr).contains("rror"), "{}", text(&output.stderr));
}

/// A program at the other end of the pipe writes the next statement when it has the answer to the last one.
#[cfg(unix)]
#[test]
fn stdin_is_answered_statement_by_statement_until_an_interrupt() {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(BINARY)
        .args(["--data", &project().join("sample-data").display().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut rows = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    for number in ["1", "2"] {
        writeln!(stdin, "SELECT\n {number} AS n;").expect("it reads on");
        assert_eq!(rows.next().expect("a header").expect("text"), "n");
        assert_eq!(rows.next().expect("a row").expect("text"), number);
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is kill");
    assert!(interrupt.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    drop(stdin);
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let output = run(&["--nods".into()], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean --nodes?"));
    assert_eq!(run(&["--data".into(), "no-such-folder".into()], "").status.code(), Some(2));
}

#[test]
fn check_says_ready() {
    let output = run(&["--check".into()], "");
    assert!(output.status.success());
    assert!(text(&output.stdout).ends_with("ready\n"));
}
