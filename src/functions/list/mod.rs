//! The list of functions and operators, a file a subject. It feeds the binder, the kernels, SHOW FUNCTIONS, completion and
//! the docs.

mod bytes;
mod conditional;
mod datetime;
mod json;
mod math;
mod nested;
mod operators;
mod other;
mod pattern;
mod text;
mod written;

use super::Eval;
use super::table::{Category, Fails, ScalarFunction, Typing};

/// Every function and operator, a slice a subject, in the order in which people read about them.
pub(super) static FUNCTIONS: &[&[ScalarFunction]] = &[
    operators::ENTRIES,
    math::ENTRIES,
    text::ENTRIES,
    pattern::ENTRIES,
    bytes::ENTRIES,
    datetime::ENTRIES,
    conditional::ENTRIES,
    nested::ENTRIES,
    json::ENTRIES,
    other::ENTRIES,
    written::ENTRIES,
];

/// Name and aliases, in one argument.
type Names = (&'static str, &'static [&'static str]);

const fn entry(
    names: Names,
    category: Category,
    typing: Typing,
    fails: Fails,
    eval: Eval,
    help: &'static str,
    example: &'static str,
) -> ScalarFunction {
    ScalarFunction { name: names.0, aliases: names.1, category, help, example, typing, fails, eval }
}
