//! What is told about files that cannot be used.

use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// A file that cannot be opened or read.
pub(super) fn open_error(path: &Path, error: &Error) -> Diagnostic {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => Diagnostic::new(ErrorCode::FileNotFound, format!("The file {shown} does not exist")),
        ErrorKind::UnexpectedEof => {
            Diagnostic::new(ErrorCode::SourceChanged, format!("The file {shown} became shorter while it was read"))
                .hint("run the statement again")
        }
        _ => Diagnostic::new(ErrorCode::FileUnreadable, format!("The file {shown} cannot be read: {error}")),
    }
}

/// A record that is not what its file makes one expect.
pub(super) fn bad_data(path: &Path, line: u64, reason: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::BadData, format!("{}, line {line}: {reason}", path.display()))
}
