//! From statement to stages: bind names and types, optimize, cut at exchanges, choose strategies, explain.

pub mod bind;
mod display;
pub mod expr;
mod fold;
pub mod logical;
pub mod physical;

pub use bind::{BindContext, bind};
pub use expr::{ColumnId, Expr, ExprKind};
pub use fold::{fold, fold_without_clock};
pub use logical::{LogicalPlan, Query};
pub use physical::{Exchange, Fragment, PhysicalQuery, Stage};
