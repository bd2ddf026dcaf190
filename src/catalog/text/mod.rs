//! Text formats: CSV and lines of JSON. One pass over a whole file detects its shape and notes where records begin, so
//! that tasks can start anywhere; nothing is guessed from the first hundred rows.

mod builder;
mod csv;
mod guess;
mod json;
mod layout;
mod records;
mod values;

pub(super) use csv::CsvReader;
pub(super) use guess::{guess_texts, sample_distinct};
pub(super) use json::JsonReader;
pub(super) use layout::{TextKind, TextLayout, fixed_width, layout_of};
