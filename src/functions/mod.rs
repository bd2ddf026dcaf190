//! Every SQL function and operator: name, types, meaning, help, and its kernel over Polars columns. One list.
//!
//! [`resolve`] says what a call means, [`ScalarFunction::eval`] computes it; [`cast_column`] and [`format_column`] are what
//! CAST and every output use. `now()` and `current_date` are bound as calls and become constants through [`clock_value`].

pub mod aggregates;
pub mod contract;

mod arithmetic;
mod bits;
mod calendar;
mod cast;
mod columns;
mod compare;
mod conditional;
mod dateformat;
mod datemake;
mod dateparts;
mod datespan;
mod datetime;
mod encoding;
mod format;
mod graphemes;
mod hashes;
mod integers;
mod isodate;
mod json;
mod lengths;
mod list;
mod math;
pub mod nested;
mod other;
mod paths;
mod pattern;
mod print;
mod random;
mod re2;
mod regexp;
mod similarity;
mod special;
mod table;
mod text;
mod translate;
mod typing;
mod units;
mod urls;
mod uuids;
mod values;
pub mod windows;
mod zones;

pub use aggregates::{aggregate, aggregate_state, is_aggregate};
pub use cast::nested::matching as matching_fields;
pub use cast::{cast_can_fail, cast_column, cast_value};
pub use compare::{texts_equal_to, values_where};
pub use contract::*;
pub use dateparts::part_function;
pub use format::{format_column, format_value};
pub use json::make::{object_of_rows as json_object_of_rows, to_json};
pub use json::structure::type_of as json_structure_type;
pub use lengths::by_length;
pub use nested::aggregate::histogram as list_histogram;
pub use nested::encode::encode as encode_nested;
pub use nested::maps::of_rows as map_of_rows;
pub use nested::typing::overload;
pub use other::{BARE, clock_value};
pub use random::begin_draws;
pub use regexp::groups_of;
pub use table::{Category, ScalarFunction, all, find, parse_type, refine_result, resolve};
pub use typing::{can_cast, can_cast_implicitly, common_type, equality_type, union_type};
pub use values::{column_of, value_at};
pub use zones::show_moments;
