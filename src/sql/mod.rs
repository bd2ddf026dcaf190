//! Text to statements: splitting, parsing, types and values, settings, and diagnostics that point into the text.

mod deep_stack;
pub mod diagnostic;
mod dialect;
pub mod exclusion;
mod keywords;
mod limits;
pub mod macros;
mod own_change;
mod own_statement;
pub mod parse;
pub mod pivot;
mod render;
pub mod respell;
pub mod settings;
pub mod shorthand;
pub mod source;
pub mod split;
pub mod statement;
pub mod suggest;
pub mod types;

pub use deep_stack::with_deep_stack;
pub use diagnostic::{Diagnostic, Span};
pub use parse::parse;
pub use settings::Settings;
pub use split::{is_complete, split};
pub use types::{DataType, Value};
