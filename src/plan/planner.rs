//! From a bound query to stages: optimize, then cut.

use super::logical::Query;
use super::physical::PhysicalQuery;
use super::{intervals, optimize, stages, zones};
use crate::functions::QueryClock;
use crate::sql::diagnostic::Result;
use crate::sql::settings::Settings;

/// Plans a bound query onto stages. The result depends on the query, the data's statistics and the settings only.
///
/// Errors: what cannot be planned yet, at its place in the text; a table whose files cannot be read.
pub fn plan(mut query: Query, settings: &Settings, clock: QueryClock) -> Result<PhysicalQuery> {
    zones::name_zone(&mut query.plan, clock.zone);
    intervals::order_by_length(&mut query.plan, &mut query.next_column);
    let mut query = optimize::optimize(query, clock)?;
    intervals::group_by_length(&mut query.plan, &mut query.next_column);
    stages::cut(query, settings)
}
