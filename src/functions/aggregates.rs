//! The aggregate functions: names, types, the columns that carry their states between tasks, help. Types are DuckDB's.

use super::{Mismatch, Signature};
use crate::sql::DataType;

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

/// How argument types decide everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    CountStar,
    Count,
    Sum,
    Average,
    /// MIN and MAX: any type that has an order.
    Extreme,
    AnyValue,
    First,
    Logical,
    Moments,
}

/// Every aggregate function, by name.
pub const AGGREGATES: &[AggregateFunction] = &[
    AggregateFunction {
        name: "any_value",
        aliases: &["arbitrary"],
        signature: "any_value(ANY) -> ANY",
        help: "The first value that is not NULL.",
        example: "any_value(region)",
        rule: Rule::AnyValue,
    },
    AggregateFunction {
        name: "avg",
        aliases: &["mean"],
        signature: "avg(numeric) -> DOUBLE",
        help: "The mean of the values that are not NULL; the sum is exact for integers and decimals.",
        example: "avg(order_value)",
        rule: Rule::Average,
    },
    AggregateFunction {
        name: "bool_and",
        aliases: &[],
        signature: "bool_and(BOOLEAN) -> BOOLEAN",
        help: "True if every value that is not NULL is true.",
        example: "bool_and(amount > 0)",
        rule: Rule::Logical,
    },
    AggregateFunction {
        name: "bool_or",
        aliases: &[],
        signature: "bool_or(BOOLEAN) -> BOOLEAN",
        help: "True if any value is true.",
        example: "bool_or(amount > 1000)",
        rule: Rule::Logical,
    },
    AggregateFunction {
        name: "count",
        aliases: &[],
        signature: "count(ANY) -> BIGINT",
        help: "How many values are not NULL; with DISTINCT, how many different ones.",
        example: "count(DISTINCT customer_id)",
        rule: Rule::Count,
    },
    AggregateFunction {
        name: "count_star",
        aliases: &[],
        signature: "count(*) -> BIGINT",
        help: "How many rows there are.",
        example: "count(*)",
        rule: Rule::CountStar,
    },
    AggregateFunction {
        name: "first",
        aliases: &[],
        signature: "first(ANY) -> ANY",
        help: "The value of the first row, NULL or not.",
        example: "first(region)",
        rule: Rule::First,
    },
    AggregateFunction {
        name: "max",
        aliases: &[],
        signature: "max(ANY) -> ANY",
        help: "The greatest value.",
        example: "max(order_date)",
        rule: Rule::Extreme,
    },
    AggregateFunction {
        name: "min",
        aliases: &[],
        signature: "min(ANY) -> ANY",
        help: "The smallest value.",
        example: "min(order_date)",
        rule: Rule::Extreme,
    },
    AggregateFunction {
        name: "stddev_pop",
        aliases: &[],
        signature: "stddev_pop(DOUBLE) -> DOUBLE",
        help: "The standard deviation of a whole population.",
        example: "stddev_pop(amount)",
        rule: Rule::Moments,
    },
    AggregateFunction {
        name: "stddev_samp",
        aliases: &["stddev"],
        signature: "stddev_samp(DOUBLE) -> DOUBLE",
        help: "The standard deviation estimated from a sample; NULL for fewer than two values.",
        example: "stddev(amount)",
        rule: Rule::Moments,
    },
    AggregateFunction {
        name: "sum",
        aliases: &[],
        signature: "sum(integer) -> HUGEINT, sum(DECIMAL) -> DECIMAL(38, s), sum(DOUBLE) -> DOUBLE",
        help: "The sum of the values that are not NULL; NULL if there are none.",
        example: "sum(amount)",
        rule: Rule::Sum,
    },
    AggregateFunction {
        name: "var_pop",
        aliases: &[],
        signature: "var_pop(DOUBLE) -> DOUBLE",
        help: "The variance of a whole population.",
        example: "var_pop(amount)",
        rule: Rule::Moments,
    },
    AggregateFunction {
        name: "var_samp",
        aliases: &["variance"],
        signature: "var_samp(DOUBLE) -> DOUBLE",
        help: "The variance estimated from a sample; NULL for fewer than two values.",
        example: "variance(amount)",
        rule: Rule::Moments,
    },
];

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

/// The types that the arguments of an aggregate must be cast to, and its result. `count` without arguments is COUNT(*).
pub fn aggregate(name: &str, args: &[DataType]) -> Result<Signature, Mismatch> {
    let Some(function) = find_aggregate(name) else { return Err(Mismatch::Unknown { similar: Vec::new() }) };
    let wrong = || Mismatch::Arguments { expected: function.signature.to_string() };
    let same = |t: &DataType| Signature { args: vec![t.clone()], result: t.clone() };
    Ok(match (function.rule, args) {
        (Rule::CountStar | Rule::Count, []) => Signature { args: vec![], result: DataType::BigInt },
        (Rule::Count, [arg]) => Signature { args: vec![arg.clone()], result: DataType::BigInt },
        (Rule::Sum, [arg]) => match arg {
            DataType::Null | DataType::Boolean => {
                Signature { args: vec![DataType::Integer], result: DataType::HugeInt }
            }
            DataType::Decimal { scale, .. } => {
                Signature { args: vec![arg.clone()], result: DataType::Decimal { precision: 38, scale: *scale } }
            }
            DataType::Float | DataType::Double => Signature { args: vec![DataType::Double], result: DataType::Double },
            integer if integer.is_integer() => Signature { args: vec![arg.clone()], result: DataType::HugeInt },
            _ => return Err(wrong()),
        },
        (Rule::Average, [arg]) => match arg {
            DataType::Null => Signature { args: vec![DataType::Double], result: DataType::Double },
            DataType::Float => Signature { args: vec![DataType::Double], result: DataType::Double },
            numeric if numeric.is_numeric() => Signature { args: vec![arg.clone()], result: DataType::Double },
            _ => return Err(wrong()),
        },
        (Rule::Extreme, [arg]) => match arg {
            DataType::List(_) | DataType::Struct(_) | DataType::Interval => return Err(wrong()),
            DataType::Null => Signature { args: vec![DataType::Integer], result: DataType::Integer },
            _ => same(arg),
        },
        (Rule::AnyValue | Rule::First, [arg]) => match arg {
            DataType::Null => Signature { args: vec![DataType::Integer], result: DataType::Integer },
            _ => same(arg),
        },
        (Rule::Logical, [DataType::Boolean | DataType::Null]) => same(&DataType::Boolean),
        (Rule::Moments, [arg]) if arg.is_numeric() || *arg == DataType::Null => same(&DataType::Double),
        _ => return Err(wrong()),
    })
}

/// The types of the columns that carry an aggregate's state from partial to final. `args` and `result` are those of its
/// signature.
pub fn aggregate_state(name: &str, args: &[DataType], result: &DataType) -> Vec<DataType> {
    let Some(function) = find_aggregate(name) else { return vec![result.clone()] };
    match function.rule {
        Rule::CountStar | Rule::Count => vec![DataType::BigInt],
        Rule::Sum | Rule::Extreme | Rule::AnyValue | Rule::Logical => vec![result.clone()],
        Rule::Average => {
            let sum = match args.first() {
                Some(DataType::Decimal { scale, .. }) => DataType::Decimal { precision: 38, scale: *scale },
                Some(integer) if integer.is_integer() => DataType::HugeInt,
                _ => DataType::Double,
            };
            vec![sum, DataType::BigInt]
        }
        // The value, and whether there was a row at all.
        Rule::First => vec![result.clone(), DataType::Boolean],
        // How many values, their mean, the sum of squared distances from it.
        Rule::Moments => vec![DataType::BigInt, DataType::Double, DataType::Double],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
