//! Names and types: sqlparser's tree becomes a logical plan in which every column has an identity of its own.
//!
//! One file per part of a query: [`query`] (WITH, set operations, ORDER BY, LIMIT), [`select`] (one SELECT, with
//! [`grouping`]), [`from`] (tables and joins), [`expression`] and [`call`], with [`scope`] for names, [`coerce`] for
//! types, [`literal`] for constants and type names, [`naming`] for what an unnamed column is called.

mod aggregate;
mod binder;
mod call;
mod coerce;
mod collate;
mod dates;
mod expression;
mod files;
mod from;
mod grouping;
mod grouping_sets;
mod hypothetical;
mod lambda;
mod literal;
mod naming;
mod nested;
mod pivot;
mod query;
mod recursive;
mod sample;
mod scope;
mod select;
mod star;
mod subquery;
mod summarize;
mod unnest;
mod view;
mod window;
pub mod write;
mod written;

pub use binder::{BindContext, bind};
pub use recursive::QueryRunner;
