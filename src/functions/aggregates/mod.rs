//! The aggregate functions: names, types, the columns that carry their states between tasks, help. Types are DuckDB's.

mod list;
mod typing;

pub use list::AGGREGATES;
pub use typing::{
    aggregate, aggregate_state, constant_arguments, ignores_duplicates, is_order_sensitive, keeps_values, kept_state,
};

use typing::Rule;

/// An aggregate function, for the binder, SHOW FUNCTIONS and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateFunction {
    /// The canonical name.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// What it takes and gives, for people.
    pub signature: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// A call, as one would type it.
    pub example: &'static str,
    rule: Rule,
}

/// The aggregate of this name or alias, in any case.
pub fn find_aggregate(name: &str) -> Option<&'static AggregateFunction> {
    AGGREGATES
        .iter()
        .find(|f| f.name.eq_ignore_ascii_case(name) || f.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
}

/// Whether a function of this name aggregates rows.
pub fn is_aggregate(name: &str) -> bool {
    find_aggregate(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::DataType;

    fn result(name: &str, arg: DataType) -> String {
        aggregate(name, &[arg]).map(|s| s.result.to_string()).unwrap_or_else(|_| "error".into())
    }

    #[test]
    fn result_types_are_those_of_duckdb() {
        let money = DataType::Decimal { precision: 15, scale: 2 };
        assert_eq!(result("SUM", DataType::Integer), "HUGEINT");
        assert_eq!(result("sum", DataType::HugeInt), "HUGEINT");
        assert_eq!(result("sum", money.clone()), "DECIMAL(38,2)");
        assert_eq!(result("sum", DataType::Float), "DOUBLE");
        assert_eq!(result("sum", DataType::Varchar), "error");
        assert_eq!(result("avg", money.clone()), "DOUBLE");
        assert_eq!(result("min", DataType::Varchar), "VARCHAR");
        assert_eq!(result("max", money), "DECIMAL(15,2)");
        assert_eq!(result("count", DataType::Date), "BIGINT");
        assert_eq!(result("mean", DataType::BigInt), "DOUBLE");
        assert_eq!(result("stddev", DataType::BigInt), "DOUBLE");
    }

    #[test]
    fn the_table_is_sorted_and_its_names_are_unique() {
        let mut names: Vec<&str> = AGGREGATES.iter().map(|f| f.name).collect();
        assert!(names.is_sorted());
        names.extend(AGGREGATES.iter().flat_map(|f| f.aliases));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
