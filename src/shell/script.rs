//! What was typed or piped in, cut into statements and shell commands.

use crate::sql::split::split;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// A statement without its semicolon, or a command with its backslash.
    pub text: &'a str,
    /// 1-based line of the script on which it begins.
    pub line: usize,
    pub is_command: bool,
}

/// The steps of `script`, in order. A line that begins with a backslash where a statement could begin is a command; it
/// ends with the line.
pub fn steps(script: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for piece in split(script) {
        let mut rest = piece.text;
        let mut line = piece.line;
        while rest.starts_with('\\') {
            let (command, after) = rest.split_once('\n').unwrap_or((rest, ""));
            steps.push(Step { text: command.trim(), line, is_command: true });
            let next = after.trim_start();
            line += 1 + after[..after.len() - next.len()].matches('\n').count();
            rest = next;
        }
        if !rest.is_empty() {
            steps.push(Step { text: rest, line, is_command: false });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_with_their_line_and_statements_with_a_semicolon() {
        let found = steps("\\mode abort\n\n\\demo\nSELECT 1;\nSELECT\n 2; \\q");
        let texts: Vec<(&str, usize, bool)> = found.iter().map(|s| (s.text, s.line, s.is_command)).collect();
        assert_eq!(
            texts,
            [
                ("\\mode abort", 1, true),
                ("\\demo", 3, true),
                ("SELECT 1", 4, false),
                ("SELECT\n 2", 5, false),
                ("\\q", 6, true)
            ]
        );
    }
}
