//! What a column is called that got no name: DuckDB's text of its expression.

use crate::sql::shorthand::UNPACKED;
use crate::sql::types::is_plain_name;
use sqlparser::ast::{self, BinaryOperator, DuplicateTreatment, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Longer names end in dots.
const LONGEST: usize = 200;

/// The name of an unnamed column: `sum(amount)`, `count_star()`, `(a + 1)`.
pub(super) fn column_name(expr: &Expr) -> String {
    let written = match expr {
        Expr::Identifier(ident) => return ident.value.clone(),
        Expr::CompoundIdentifier(parts) => return parts.last().map_or(String::new(), |p| p.value.clone()),
        expr => text(expr),
    };
    if written.chars().count() > LONGEST {
        written.chars().take(LONGEST).chain("...".chars()).collect()
    } else {
        written
    }
}

/// A name inside an expression, in quotes where DuckDB writes them.
fn name(name: &str) -> String {
    if is_plain_name(name) { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The words of binary operators as DuckDB prints them.
fn operator(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::NotEq => "!=".into(),
        other => other.to_string(),
    }
}

fn text(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => name(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.iter().map(|p| name(&p.value)).collect::<Vec<_>>().join("."),
        Expr::Nested(inner) => text(inner),
        Expr::Value(value) => value.value.to_string(),
        Expr::BinaryOp { left, op, right } => format!("({} {} {})", text(left), operator(op), text(right)),
        Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(value) => format!("-{}", value.value),
            other => format!("(-({}))", text(other)),
        },
        Expr::UnaryOp { op: ast::UnaryOperator::Not, expr } => format!("(NOT {})", text(expr)),
        Expr::UnaryOp { op, expr } => format!("({op}{})", text(expr)),
        Expr::IsNull(arg) => format!("({} IS NULL)", text(arg)),
        Expr::IsNotNull(arg) => format!("({} IS NOT NULL)", text(arg)),
        Expr::IsDistinctFrom(a, b) => format!("({} IS DISTINCT FROM {})", text(a), text(b)),
        Expr::IsNotDistinctFrom(a, b) => format!("({} IS NOT DISTINCT FROM {})", text(a), text(b)),
        Expr::Between { expr, negated, low, high } => {
            format!("({}{} BETWEEN {} AND {})", text(expr), not(*negated), text(low), text(high))
        }
        Expr::InList { expr, list, negated } => format!("({}{} IN ({}))", text(expr), not(*negated), list_of(list)),
        Expr::Like { negated, expr, pattern, .. } => {
            format!("({} {} {})", text(expr), if *negated { "!~~" } else { "~~" }, text(pattern))
        }
        Expr::ILike { negated, expr, pattern, .. } => {
            format!("({} {} {})", text(expr), if *negated { "!~~*" } else { "~~*" }, text(pattern))
        }
        Expr::Cast { kind, expr, data_type, .. } => {
            let word = if matches!(kind, ast::CastKind::TryCast) { "TRY_CAST" } else { "CAST" };
            let dtype = super::literal::data_type(data_type, None).map_or(data_type.to_string(), |t| t.to_string());
            format!("{word}({} AS {dtype})", text(expr))
        }
        Expr::TypedString(typed) => {
            format!("CAST({} AS {})", typed.value.value, typed.data_type)
        }
        Expr::Extract { field, expr, .. } => format!("date_part('{field}', {})", text(expr)),
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let parts = [Some(&**expr), substring_from.as_deref(), substring_for.as_deref()];
            let parts: Vec<String> = parts.into_iter().flatten().map(text).collect();
            format!("\"substring\"({})", parts.join(", "))
        }
        Expr::Trim { trim_where, trim_what, expr, .. } => {
            let name = match trim_where {
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
                _ => "\"trim\"",
            };
            match trim_what {
                Some(what) => format!("{name}({}, {})", text(expr), text(what)),
                None => format!("{name}({})", text(expr)),
            }
        }
        Expr::Position { expr, r#in } => format!("\"position\"({}, {})", text(r#in), text(expr)),
        Expr::Ceil { expr, .. } => format!("ceil({})", text(expr)),
        Expr::Floor { expr, .. } => format!("floor({})", text(expr)),
        Expr::Function(function) => call(function),
        Expr::Array(array) => format!("list_value({})", list_of(&array.elem)),
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut out = "CASE ".to_string();
            for when in conditions {
                let condition = match operand {
                    Some(operand) => format!("({} = {})", text(operand), text(&when.condition)),
                    None => text(&when.condition),
                };
                out.push_str(&format!(" WHEN ({condition}) THEN ({})", text(&when.result)));
            }
            let otherwise = else_result.as_ref().map_or("NULL".into(), |e| text(e));
            format!("{out} ELSE {otherwise} END")
        }
        other => other.to_string(),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " NOT" } else { "" }
}

fn list_of(exprs: &[Expr]) -> String {
    exprs.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn call(function: &ast::Function) -> String {
    let lower = function.name.to_string().to_lowercase();
    if let FunctionArguments::Subquery(query) = &function.args {
        return format!("{lower}({query})");
    }
    let FunctionArguments::List(list) = &function.args else {
        return if lower == "coalesce" { "COALESCE".to_string() } else { lower };
    };
    let argument = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => text(expr),
        other => other.to_string(),
    };
    let is_star = matches!(list.args[..], [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    let mut within: &[ast::OrderByExpr] = &function.within_group;
    let name = match lower.as_str() {
        "first" if function.over.is_some() => "first_value",
        "last" if function.over.is_some() => "last_value",
        "percentile_cont" if !within.is_empty() => "quantile_cont",
        "percentile_disc" if !within.is_empty() => "quantile_disc",
        name => name,
    };
    let name = match name {
        "coalesce" => "COALESCE".to_string(),
        "grouping" | "grouping_id" => "GROUPING".to_string(),
        UNPACKED => "*COLUMNS".to_string(),
        name => self::name(name),
    };
    let mut out = if lower == "count" && (is_star || list.args.is_empty()) {
        "count_star()".to_string()
    } else {
        let distinct = if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) { "DISTINCT " } else { "" };
        let mut order: Vec<String> = Vec::new();
        let mut nulls = "";
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(keys) => order.extend(keys.iter().map(order_key)),
                ast::FunctionArgumentClause::IgnoreOrRespectNulls(ast::NullTreatment::IgnoreNulls) => {
                    nulls = " IGNORE NULLS";
                }
                _ => {}
            }
        }
        if !list.args.is_empty() {
            order.extend(std::mem::take(&mut within).iter().map(order_key));
        }
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        format!("{name}({distinct}{}{order}{nulls})", list.args.iter().map(argument).collect::<Vec<_>>().join(", "))
    };
    if !within.is_empty() {
        let keys: Vec<String> = within.iter().map(order_key).collect();
        out.push_str(&format!(" WITHIN GROUP ( ORDER BY {})", keys.join(", ")));
    }
    if let Some(filter) = &function.filter {
        out.push_str(&format!(" FILTER (WHERE {})", text(filter)));
    }
    if let Some(over) = &function.over {
        // DuckDB writes the two forms of COUNT(*) differently.
        out = out.replacen("count_star()", "count()", 1);
        out.push_str(&format!(" OVER {}", window(over)));
    }
    out
}

fn order_key(key: &ast::OrderByExpr) -> String {
    let order = match key.options.sort {
        Some(ast::OrderBySort::Desc) => " DESC",
        Some(ast::OrderBySort::Asc) => " ASC",
        _ => "",
    };
    let nulls = match key.options.nulls_first {
        Some(true) => " NULLS FIRST",
        Some(false) => " NULLS LAST",
        None => "",
    };
    format!("{}{order}{nulls}", text(&key.expr))
}

/// `(PARTITION BY a ORDER BY b DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`.
fn window(over: &ast::WindowType) -> String {
    let spec = match over {
        ast::WindowType::NamedWindow(name) => return name.value.clone(),
        ast::WindowType::WindowSpec(spec) => spec,
    };
    let mut parts: Vec<String> = spec.window_name.iter().map(|name| name.value.clone()).collect();
    if !spec.partition_by.is_empty() {
        parts.push(format!("PARTITION BY {}", list_of(&spec.partition_by)));
    }
    if !spec.order_by.is_empty() {
        let keys: Vec<String> = spec.order_by.iter().map(order_key).collect();
        parts.push(format!("ORDER BY {}", keys.join(", ")));
    }
    if let Some(frame) = &spec.window_frame {
        let bound = |bound: &ast::WindowFrameBound| match bound {
            ast::WindowFrameBound::CurrentRow => "CURRENT ROW".to_string(),
            ast::WindowFrameBound::Preceding(None) => "UNBOUNDED PRECEDING".to_string(),
            ast::WindowFrameBound::Preceding(Some(offset)) => format!("{} PRECEDING", text(offset)),
            ast::WindowFrameBound::Following(None) => "UNBOUNDED FOLLOWING".to_string(),
            ast::WindowFrameBound::Following(Some(offset)) => format!("{} FOLLOWING", text(offset)),
        };
        let end = frame.end_bound.as_ref().map_or("CURRENT ROW".into(), bound);
        parts.push(format!("{} BETWEEN {} AND {end}", frame.units, bound(&frame.start_bound)));
    }
    format!("({})", parts.join(" "))
}
