//! Which pieces a comparison can rule out, by what the file's writer noted about them.

use super::assemble::compare;
use super::footer::read_footer;
use super::pieces::{Piece, PieceRange};
use super::table::{Format, Table};
use crate::sql::{DataType, Value};
use std::cmp::Ordering;

/// A test of one column against a constant in the column's physical unit.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnTest {
    Equal(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    IsNull,
    IsNotNull,
}

/// Whether one value passes the test; true where they have no order.
fn is_match(value: &Value, test: &ColumnTest) -> bool {
    let order = |other: &Value, ruled_out: &[Ordering]| {
        *value != Value::Null && compare(value, other).is_none_or(|order| !ruled_out.contains(&order))
    };
    match test {
        ColumnTest::IsNull => *value == Value::Null,
        ColumnTest::IsNotNull => *value != Value::Null,
        ColumnTest::Equal(other) => order(other, &[Ordering::Less, Ordering::Greater]),
        ColumnTest::Less(other) => order(other, &[Ordering::Equal, Ordering::Greater]),
        ColumnTest::LessOrEqual(other) => order(other, &[Ordering::Greater]),
        ColumnTest::Greater(other) => order(other, &[Ordering::Equal, Ordering::Less]),
        ColumnTest::GreaterOrEqual(other) => order(other, &[Ordering::Less]),
    }
}

/// Whether any row of `piece` could pass the test; true whenever that is not known.
pub fn may_match(table: &Table, piece: &Piece, column: usize, test: &ColumnTest) -> bool {
    if let Some(file) = table.files.get(piece.file as usize)
        && let Some(constant) = column.checked_sub(table.columns.len() - file.constants.len())
    {
        return file.constants.get(constant).is_none_or(|value| is_match(value, test));
    }
    let (Format::Parquet, PieceRange::RowGroups { first, count }) = (&table.format, &piece.range) else { return true };
    let (Some(info), Some(file)) = (table.columns.get(column), table.files.get(piece.file as usize)) else {
        return true;
    };
    let Ok(footer) = read_footer(&file.path, file.embedded) else { return true };
    if footer.fingerprint != file.fingerprint {
        return true;
    }
    let Some(at) = footer.schema().position(|(name, _)| name == info.name) else { return true };
    let Some(groups) = footer.row_groups.get(*first as usize..(first + count) as usize) else { return true };
    groups.iter().any(|group| {
        let range = &group.columns[at];
        // NaN is greater than every number, and writers leave it out of the bounds.
        let max = range.max.as_ref().filter(|_| !matches!(info.dtype, DataType::Float | DataType::Double));
        let all_null = range.nulls == Some(group.rows);
        let min_is = |value: &Value, ruled_out: &[Ordering]| {
            range.min.as_ref().and_then(|min| compare(min, value)).is_none_or(|order| !ruled_out.contains(&order))
        };
        let max_is = |value: &Value, ruled_out: &[Ordering]| {
            max.and_then(|max| compare(max, value)).is_none_or(|order| !ruled_out.contains(&order))
        };
        use Ordering::{Equal, Greater, Less};
        match test {
            ColumnTest::IsNull => range.nulls != Some(0),
            ColumnTest::IsNotNull => !all_null,
            _ if all_null => false,
            ColumnTest::Equal(value) => min_is(value, &[Greater]) && max_is(value, &[Less]),
            ColumnTest::Less(value) => min_is(value, &[Greater, Equal]),
            ColumnTest::LessOrEqual(value) => min_is(value, &[Greater]),
            ColumnTest::Greater(value) => max_is(value, &[Less, Equal]),
            ColumnTest::GreaterOrEqual(value) => max_is(value, &[Less]),
        }
    })
}
