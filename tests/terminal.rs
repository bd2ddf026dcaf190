//! The shell on a pseudo-terminal, as a person sees it: what is on the screen after which keys.
//!
//! Nothing here sleeps: every step waits until the screen shows what it must, and fails when the program ends or is silent
//! for a long time.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// So long without any output means that it hangs.
const SILENCE: Duration = Duration::from_secs(60);

/// So many pieces of output without what was waited for mean that it never comes.
const BUSY: usize = 5_000;

/// The program on a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    _master: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Terminal {
    fn start(columns: u16, lines: u16, arguments: &[&str]) -> Terminal {
        let home = tempfile::tempdir().expect("a folder for the history");
        let size = PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_faultlab"));
        command.args(arguments);
        command.args(["--data", concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data")]);
        command.env("XDG_STATE_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        // Otherwise the reader would never see the end.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let size = |number| NonZero::new(number).expect("a window has a size");
        let screen = vt100::Parser::new(size(lines), size(columns), 1_000);
        Terminal { child, writer, output, screen, raw: Vec::new(), _master: pair.master, _home: home }
    }

    fn shows(&self) -> String {
        self.screen.screen().contents()
    }

    /// Types, as keys.
    fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).expect("the terminal takes keys");
    }

    /// Reads until the screen fulfils `wanted`.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let mut chunks = 0;
        while !wanted(&self.shows()) {
            chunks += 1;
            assert!(chunks < BUSY, "waiting for {what}: it goes on without; the screen:\n{}", self.shows());
            match self.output.recv_timeout(SILENCE) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(error) => panic!("waiting for {what}: {error}; the screen:\n{}", self.shows()),
            }
        }
    }

    fn expect(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits for a prompt at the bottom with nothing typed behind it.
    fn prompt(&mut self, prompt: &str) {
        self.until(prompt, |screen| screen.trim_end().lines().last().is_some_and(|line| line.trim_end() == prompt));
    }

    /// Reads to the end and gives the exit code.
    fn end(&mut self) -> u32 {
        loop {
            match self.output.recv_timeout(SILENCE) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let killed = self.child.kill();
                    panic!("it does not end ({killed:?}); the screen:\n{}", self.shows());
                }
            }
        }
        self.child.wait().expect("the program ends").exit_code()
    }
}

const RECOMPUTE: &str = "faultlab recompute 4/4>";

#[test]
fn a_query_over_several_lines_and_the_way_out() {
    let mut terminal = Terminal::start(80, 24, &[]);
    terminal.expect("\\? help");
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT region,\r");
    terminal.keys("COUNT(*) AS number FROM orders\r");
    terminal.keys("WHERE region = 'US' GROUP BY region;\r");
    terminal.expect(" region | number");
    terminal.expect("1 row in");
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT regoin FROM orders;\r");
    terminal.expect("did you mean \"region\"?");
    terminal.prompt(RECOMPUTE);
    terminal.keys("exit\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn lines_that_are_typed_ahead_all_run() {
    let mut terminal = Terminal::start(80, 40, &[]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT 1 AS one;\rSET pace = '1ms';\r\\mode abort\rSELECT 4 AS four;\r");
    terminal.expect(" four");
    terminal.prompt("faultlab abort 4/4>");
    for shown in [" one", "pace = 1ms", "mode = abort"] {
        assert!(terminal.shows().contains(shown), "{}", terminal.shows());
    }
    terminal.keys("exit\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn completion_knows_tables_and_commands() {
    let mut terminal = Terminal::start(80, 24, &[]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT COUNT(*) AS n FROM custom\t");
    terminal.expect("FROM customer");
    terminal.keys("s;\r");
    terminal.expect("20000");
    terminal.prompt(RECOMPUTE);
    terminal.keys("\\nod\t\r");
    terminal.expect("4 of 4 workers up.");
    terminal.prompt(RECOMPUTE);
    terminal.keys("\u{4}");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_c_cancels_the_query_and_keeps_the_shell() {
    let mut terminal = Terminal::start(80, 24, &["--set", "pace=2s"]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT region, SUM(sales) FROM orders GROUP BY region;\r");
    terminal.expect("Ctrl-C cancel");
    terminal.keys("\u{3}");
    terminal.expect("Query canceled after");
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT 6 * 7 AS answer;\r");
    terminal.expect("     42");
    terminal.prompt(RECOMPUTE);
    // At the prompt it only discards the line.
    terminal.keys("SELECT nonsense");
    terminal.expect("SELECT nonsense");
    terminal.keys("\u{3}");
    terminal.prompt(RECOMPUTE);
    terminal.keys("\\q\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_key_crashes_a_worker_and_the_query_recovers() {
    let mut terminal = Terminal::start(80, 40, &["--set", "pace=300ms", "--slots", "1"]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT region, SUM(sales) FROM orders GROUP BY region;\r");
    terminal.until("finished tasks", |screen| screen.contains("/24 done") && !screen.contains(" 0/24 done"));
    terminal.keys("2");
    terminal.expect("worker-2 crashed");
    terminal.expect("Recovered from:");
    terminal.expect("6 rows in");
    terminal.prompt("faultlab recompute 3/4>");
    // The prompt is yellow while a worker is down.
    assert!(terminal.raw.windows(5).any(|part| part == b"\x1b[33m"));
    terminal.keys("\\q\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_key_crashes_a_worker_and_the_query_is_aborted() {
    let mut terminal = Terminal::start(80, 40, &["--set", "pace=300ms", "--slots", "1", "--mode", "abort"]);
    terminal.prompt("faultlab abort 4/4>");
    terminal.keys("SELECT region, SUM(sales) FROM orders GROUP BY region;\r");
    terminal.until("finished tasks", |screen| screen.contains("/24 done") && !screen.contains(" 0/24 done"));
    terminal.keys("2");
    terminal.expect("Query failed: Worker node worker-2 is no longer available (REMOTE_HOST_GONE)");
    terminal.expect("RESTART NODE 2;  brings worker-2 back.");
    terminal.prompt("faultlab abort 3/4>");
    terminal.keys("\\q\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_pause_stops_the_query_and_lets_it_go_on() {
    let mut terminal = Terminal::start(80, 24, &["--set", "pace=100ms"]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT region, SUM(sales) FROM orders GROUP BY region;\r");
    terminal.expect("p pause");
    terminal.keys("p");
    terminal.expect("PAUSED");
    terminal.keys("p");
    terminal.expect("6 rows in");
    terminal.prompt(RECOMPUTE);
    terminal.keys("\\q\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn sixty_columns_are_enough() {
    let mut terminal = Terminal::start(60, 24, &["--set", "pace=100ms"]);
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT region, SUM(sales) FROM orders GROUP BY region;\r");
    terminal.expect("h heal");
    terminal.expect("6 rows in");
    terminal.prompt(RECOMPUTE);
    terminal.keys("SELECT * FROM orders;\r");
    terminal.expect("not shown:");
    terminal.expect("more rows (\\max-rows all)");
    terminal.prompt(RECOMPUTE);
    terminal.keys("\\q\r");
    assert_eq!(terminal.end(), 0);
}
