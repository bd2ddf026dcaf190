//! The README's script and what it says came out of it: run again, and compared.
//!
//! `UPDATE_README=1 cargo test --release --test readme` writes what came out into the README: read the difference.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

const SECTION: &str = "## A first look\n";

/// The fenced block that opens with `fence`, at or after `from`: where its text starts and ends.
fn block(readme: &str, fence: &str, from: usize) -> (usize, usize) {
    let start = from + readme[from..].find(fence).expect("the fence opens") + fence.len();
    (start, start + readme[start..].find("```\n").expect("the fence closes"))
}

#[test]
fn the_readme_shows_what_its_script_prints() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = project.join("README.md");
    let readme = fs::read_to_string(&path).expect("there is a README");
    let section = readme.find(SECTION).expect("the README has a first look");
    let script = block(&readme, "```sql\n", section);
    let shown = block(&readme, "```text\n", script.1);

    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("tour.sql");
    fs::write(&file, &readme[script.0..script.1]).expect("the script is written");
    // Both outputs in one stream, as a terminal shows them; the shell's own buffering must not reorder them.
    let output = Command::new("sh")
        .args(["-c", "exec \"$0\" --seed 42 --output-format aligned --on-error continue < \"$1\" 2>&1"])
        .args([env!("CARGO_BIN_EXE_faultlab"), &file.display().to_string()])
        .current_dir(project)
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .expect("the binary runs");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "one statement of the script fails");
    if std::env::var_os("UPDATE_README").is_some() {
        let updated = format!("{}{printed}{}", &readme[..shown.0], &readme[shown.1..]);
        fs::write(&path, updated).expect("the README is written");
        return;
    }
    assert_eq!(printed, &readme[shown.0..shown.1]);
}
