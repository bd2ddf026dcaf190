//! Drops the row groups that a predicate cannot match, by what the file's writer noted about them.

use super::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::catalog::{ColumnTest, Piece, Table, may_match};
use crate::sql::DataType;

/// Keeps the pieces that may have a row for which `predicate` is true. `columns[i]` is the table's column `source[i]`.
pub fn prune(table: &Table, columns: &[ColumnDef], source: &[usize], predicate: &Expr, pieces: &mut Vec<Piece>) {
    let conjuncts = match &predicate.kind {
        ExprKind::And(parts) => parts.iter().collect(),
        _ => vec![predicate],
    };
    // Only what stands before the first part that may fail: the error of that part must still be raised.
    let tests: Vec<(usize, ColumnTest)> = conjuncts
        .into_iter()
        .take_while(|part| !super::optimize::may_fail(part))
        .filter_map(|part| test(part, columns, source))
        .collect();
    pieces.retain(|piece| tests.iter().all(|(column, test)| may_match(table, piece, *column, test)));
}

/// `column <op> constant`, the constant in the column's own unit.
fn test(predicate: &Expr, columns: &[ColumnDef], source: &[usize]) -> Option<(usize, ColumnTest)> {
    if let ExprKind::IsNull { arg, negated } = &predicate.kind {
        let at = columns.iter().position(|c| Some(c.id) == arg.as_column())?;
        return Some((source[at], if *negated { ColumnTest::IsNotNull } else { ColumnTest::IsNull }));
    }
    let ExprKind::Call { function, args } = &predicate.kind else { return None };
    let [a, b] = args.as_slice() else { return None };
    let (column, constant, operator) = match (column_of(a), column_of(b)) {
        (Some(c), None) => (c, b, function.as_str()),
        (None, Some(c)) => (c, a, mirrored(function)),
        _ => return None,
    };
    let ExprKind::Literal(value) = &constant.kind else { return None };
    let at = columns.iter().position(|c| c.id == column)?;
    // The numbers that intervals are kept in are not in their order.
    if columns[at].dtype == crate::sql::DataType::Interval {
        return None;
    }
    // A cast of the column changes units; only one between equal units is seen through.
    let (own, other) = (&columns[at].dtype, &constant.dtype);
    if own != other && (scale(own).is_none() || scale(own) != scale(other)) {
        return None;
    }
    let value = value.clone();
    let test = match operator {
        "=" => ColumnTest::Equal(value),
        "<" => ColumnTest::Less(value),
        "<=" => ColumnTest::LessOrEqual(value),
        ">" => ColumnTest::Greater(value),
        ">=" => ColumnTest::GreaterOrEqual(value),
        _ => return None,
    };
    Some((source[at], test))
}

/// Integers count as decimals of scale 0.
fn scale(dtype: &DataType) -> Option<u8> {
    match dtype {
        DataType::Decimal { scale, .. } => Some(*scale),
        other => other.is_integer().then_some(0),
    }
}

fn column_of(expr: &Expr) -> Option<ColumnId> {
    match &expr.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Cast { arg, .. } if scale(&arg.dtype).is_some() && scale(&arg.dtype) == scale(&expr.dtype) => {
            column_of(arg)
        }
        _ => None,
    }
}

/// The operator seen from the other side.
fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}
