//! From statement to stages: bind names and types, optimize, cut at exchanges, choose strategies, explain.

pub mod adapt;
pub mod bind;
mod display;
pub mod estimate;
pub mod explain;
pub mod expr;
mod fingerprint;
mod fold;
mod intervals;
pub mod logical;
pub mod optimize;
pub mod physical;
mod planner;
mod prune_pieces;
mod rename;
mod stages;
pub mod title;
pub mod window;
pub mod write;
mod zones;

pub use bind::{BindContext, QueryRunner, bind};
pub use expr::{ColumnId, Expr, ExprKind};
pub use fold::{fold, fold_without_clock};
pub use logical::{LogicalPlan, Query};
pub use physical::{Exchange, Fragment, PhysicalQuery, Stage};
pub use planner::plan;
