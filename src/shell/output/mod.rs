//! Rows to text: what a statement answers with, and the formats that it can be written in.

mod delimited;
mod format;
mod json;
mod markup;
mod printer;
mod rows;
mod table;

pub use format::OutputFormat;
pub use printer::Printer;
pub use rows::{Cell, Rows, RowsBuilder};
