//! What is said about a query when it is over, from the journal: footers, failures, comparisons, lineage.

mod analyze;
mod compare;
mod failure;
mod footer;
mod lineage;

pub use analyze::actual;
pub use compare::{ComparedRun, compare_table};
pub use failure::failure_text;
pub use footer::{Footer, footer};
pub use lineage::lineage;
