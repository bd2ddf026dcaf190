//! Text to statements: splitting, parsing, types and values, settings, and diagnostics that point into the text.

pub mod diagnostic;
pub mod statement;
pub mod suggest;
pub mod types;

pub use diagnostic::{Diagnostic, Span};
pub use types::{DataType, Value};
