//! Drops the row groups that a predicate cannot match, by the minimum and maximum in the file's footer.

use super::expr::{ColumnDef, Expr, ExprKind};
use crate::catalog::{Format, Piece, PieceRange, Table, ValueRange, read_footer};
use crate::sql::{DataType, Value};

/// Keeps the pieces that may have a row for which `predicate` is true. `columns[i]` is the table's column `source[i]`.
pub fn prune(table: &Table, columns: &[ColumnDef], source: &[usize], predicate: &Expr, pieces: &mut Vec<Piece>) {
    if table.format != Format::Parquet {
        return;
    }
    let conjuncts = match &predicate.kind {
        ExprKind::And(parts) => parts.iter().collect(),
        _ => vec![predicate],
    };
    // What cannot fail before it decides: an error of an earlier part must still be raised.
    let bounds: Vec<Bound> =
        conjuncts.into_iter().take_while(|p| !super::optimize::may_fail(p)).filter_map(|p| bound(p, columns, source)).collect();
    if bounds.is_empty() {
        return;
    }
    pieces.retain(|piece| {
        let (PieceRange::RowGroups { first, count }, Some(file)) = (&piece.range, table.files.get(piece.file as usize)) else {
            return true;
        };
        let Ok(footer) = read_footer(&file.path, file.embedded) else { return true };
        (*first..first + count).any(|group| {
            let Some(group) = footer.row_groups.get(group as usize) else { return true };
            bounds.iter().all(|bound| group.columns.get(bound.column).is_none_or(|range| bound.may_match(range)))
        })
    });
}

/// `column <op> constant`, the constant in the column's own unit.
struct Bound {
    column: usize,
    operator: String,
    constant: Value,
}

fn bound(predicate: &Expr, columns: &[ColumnDef], source: &[usize]) -> Option<Bound> {
    let ExprKind::Call { function, args } = &predicate.kind else { return None };
    let [a, b] = args.as_slice() else { return None };
    let (column, constant, operator) = match (column_of(a), column_of(b)) {
        (Some(c), None) => (c, b, function.as_str()),
        (None, Some(c)) => (c, a, mirrored(function)),
        _ => return None,
    };
    if !matches!(operator, "=" | "<" | "<=" | ">" | ">=") {
        return None;
    }
    let ExprKind::Literal(value) = &constant.kind else { return None };
    let at = columns.iter().position(|c| c.id == column)?;
    // A cast of the column changes units; only one between equal units is seen through.
    let same_unit = columns[at].dtype == constant.dtype || scale(&columns[at].dtype).is_some_and(|s| Some(s) == scale(&constant.dtype));
    same_unit.then(|| Bound { column: source[at], operator: operator.to_string(), constant: value.clone() })
}

/// Integers count as decimals of scale 0.
fn scale(dtype: &DataType) -> Option<u8> {
    match dtype {
        DataType::Decimal { scale, .. } => Some(*scale),
        other => other.is_integer().then_some(0),
    }
}

fn column_of(expr: &Expr) -> Option<super::ColumnId> {
    match &expr.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Cast { arg, .. } if scale(&arg.dtype).is_some() && scale(&arg.dtype) == scale(&expr.dtype) => column_of(arg),
        _ => None,
    }
}

fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

impl Bound {
    fn may_match(&self, range: &ValueRange) -> bool {
        let (Some(min), Some(max)) = (&range.min, &range.max) else { return true };
        let (Some(above_min), Some(below_max)) = (compare(&self.constant, min), compare(&self.constant, max)) else { return true };
        match self.operator.as_str() {
            "=" => above_min.is_ge() && below_max.is_le(),
            "<" => above_min.is_gt(),
            "<=" => above_min.is_ge(),
            ">" => below_max.is_lt(),
            _ => below_max.is_le(),
        }
    }
}

/// Order of two values of one type; None where it is not known (NaN, kinds that differ).
fn compare(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        // Footers may cut long texts; bytes order as the engine compares them.
        (Value::Varchar(a), Value::Varchar(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}
