//! The functions that only work over a window: names, types, help. Types are DuckDB's.

use super::{Mismatch, Signature};
use crate::sql::DataType;

/// A window function, for the binder, SHOW FUNCTIONS and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowFunction {
    /// The canonical name.
    pub name: &'static str,
    /// Other names that mean the same over a window.
    pub aliases: &'static [&'static str],
    /// What it takes and gives, for people.
    pub signature: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// A call, as one would type it.
    pub example: &'static str,
    rule: Rule,
}

/// How argument types decide the result type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// No argument, a number of rows.
    Position,
    /// No argument, a share from 0 to 1.
    Share,
    Tiles,
    /// A value, how many rows away, a value for where there is no such row.
    Offset,
    /// A value of the frame.
    Value,
    Nth,
}

/// Every window function, by name.
pub const WINDOWS: &[WindowFunction] = &[
    WindowFunction {
        name: "cume_dist",
        aliases: &[],
        signature: "cume_dist() -> DOUBLE",
        help: "The share of rows of the partition that come before this one or are equal to it; cume_dist(v) WITHIN GROUP (ORDER BY x) is that of a row of v among those of a group.",
        example: "cume_dist() OVER (ORDER BY amount)",
        rule: Rule::Share,
    },
    WindowFunction {
        name: "dense_rank",
        aliases: &["rank_dense"],
        signature: "dense_rank() -> BIGINT",
        help: "The rank without gaps: how many different values of ORDER BY there are up to this row; dense_rank(v) WITHIN GROUP (ORDER BY x) is that of a row of v among those of a group.",
        example: "dense_rank() OVER (ORDER BY amount DESC)",
        rule: Rule::Position,
    },
    WindowFunction {
        name: "fill",
        aliases: &[],
        signature: "fill(ANY) -> ANY",
        help: "The value, or where it is NULL what lies on the line through the nearest values, by the key of ORDER BY.",
        example: "fill(temperature) OVER (ORDER BY day)",
        rule: Rule::Value,
    },
    WindowFunction {
        name: "first_value",
        aliases: &["first"],
        signature: "first_value(ANY) -> ANY",
        help: "The value at the first row of the frame.",
        example: "first_value(amount) OVER (PARTITION BY region ORDER BY day)",
        rule: Rule::Value,
    },
    WindowFunction {
        name: "lag",
        aliases: &[],
        signature: "lag(ANY [, BIGINT [, ANY]]) -> ANY",
        help: "The value so many rows before this one (1), or the third argument where there is no such row.",
        example: "lag(amount) OVER (ORDER BY day)",
        rule: Rule::Offset,
    },
    WindowFunction {
        name: "last_value",
        aliases: &["last"],
        signature: "last_value(ANY) -> ANY",
        help: "The value at the last row of the frame, which by default ends at the current row.",
        example: "last_value(amount) OVER (ORDER BY day)",
        rule: Rule::Value,
    },
    WindowFunction {
        name: "lead",
        aliases: &[],
        signature: "lead(ANY [, BIGINT [, ANY]]) -> ANY",
        help: "The value so many rows after this one (1), or the third argument where there is no such row.",
        example: "lead(amount, 2, 0) OVER (ORDER BY day)",
        rule: Rule::Offset,
    },
    WindowFunction {
        name: "nth_value",
        aliases: &[],
        signature: "nth_value(ANY, BIGINT) -> ANY",
        help: "The value at the n-th row of the frame, from 1; NULL if the frame is shorter.",
        example: "nth_value(amount, 2) OVER (ORDER BY day)",
        rule: Rule::Nth,
    },
    WindowFunction {
        name: "ntile",
        aliases: &[],
        signature: "ntile(BIGINT) -> BIGINT",
        help: "The number of the bucket, from 1, when the partition is cut into so many of nearly equal size.",
        example: "ntile(4) OVER (ORDER BY amount)",
        rule: Rule::Tiles,
    },
    WindowFunction {
        name: "percent_rank",
        aliases: &[],
        signature: "percent_rank() -> DOUBLE",
        help: "The rank as a share: (rank - 1) / (rows - 1), 0 for a single row; percent_rank(v) WITHIN GROUP (ORDER BY x) is that of a row of v among those of a group.",
        example: "percent_rank() OVER (ORDER BY amount)",
        rule: Rule::Share,
    },
    WindowFunction {
        name: "rank",
        aliases: &[],
        signature: "rank() -> BIGINT",
        help: "The number of the first row that is equal in ORDER BY: 1, 1, 3; rank(v) WITHIN GROUP (ORDER BY x) is that of a row of v among those of a group.",
        example: "rank() OVER (PARTITION BY region ORDER BY amount DESC)",
        rule: Rule::Position,
    },
    WindowFunction {
        name: "row_number",
        aliases: &[],
        signature: "row_number() -> BIGINT",
        help: "The number of the row in its partition, from 1.",
        example: "row_number() OVER (PARTITION BY region ORDER BY amount DESC)",
        rule: Rule::Position,
    },
];

/// The window function of this name or alias, in any case.
pub fn find_window(name: &str) -> Option<&'static WindowFunction> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    WINDOWS.iter().find(|f| is(f.name) || f.aliases.iter().any(|alias| is(alias)))
}

impl WindowFunction {
    /// The types that the arguments must be cast to, and the result.
    pub fn signature_of(&self, args: &[DataType]) -> Result<Signature, Mismatch> {
        let (types, result) = match (self.rule, args) {
            (Rule::Position, []) => (vec![], DataType::BigInt),
            (Rule::Share, []) => (vec![], DataType::Double),
            (Rule::Tiles, [_]) => (vec![DataType::BigInt], DataType::BigInt),
            (Rule::Value, [value]) => (vec![value.clone()], value.clone()),
            (Rule::Nth, [value, _]) => (vec![value.clone(), DataType::BigInt], value.clone()),
            (Rule::Offset, [value, rest @ ..]) if rest.len() <= 2 => {
                let all = [value.clone(), DataType::BigInt, value.clone()];
                (all[..args.len()].to_vec(), value.clone())
            }
            _ => return Err(Mismatch::Arguments { expected: self.signature.to_string() }),
        };
        Ok(Signature { args: types, result })
    }

    /// Whether `IGNORE NULLS` has a meaning.
    pub fn can_ignore_nulls(&self) -> bool {
        matches!(self.rule, Rule::Value | Rule::Nth | Rule::Offset) && self.name != "fill"
    }

    /// Whether `ORDER BY` inside the brackets has a meaning.
    pub fn can_order(&self) -> bool {
        !matches!(self.name, "dense_rank" | "fill")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_types_follow_the_value() {
        assert!(WINDOWS.iter().map(|f| f.name).is_sorted());
        let lag = find_window("LAG").unwrap();
        let signature = lag.signature_of(&[DataType::Date, DataType::Integer]).unwrap();
        assert_eq!(signature.args, [DataType::Date, DataType::BigInt]);
        assert_eq!(signature.result, DataType::Date);
        assert!(lag.signature_of(&[]).is_err());
        assert!(find_window("rank").unwrap().signature_of(&[DataType::Date]).is_err());
    }
}
