//! Scalar expressions.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::{adapt_among, cast, coerce, common, condition, equatable, written_cast};
use super::literal::{data_type, interval, literal, units};
use super::scope::Resolved;
use crate::functions::{self, part_function};
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

/// Where an expression stands: it decides whether aggregates may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    Having,
    OrderBy,
    /// Of a set operation, of VALUES, of a query in brackets: there are only output columns.
    OutputOrder,
    Where,
    /// Of UPDATE.
    Set,
    GroupBy,
    JoinOn,
    Values,
    Limit,
    AggregateArgument,
    Qualify,
    /// Inside a window function call, or what it is over.
    Window,
}

impl Clause {
    /// EXPRESSION_NOT_AGGREGATE where an aggregate cannot be.
    pub fn allow_aggregate(self, place: Option<Span>) -> Result<()> {
        let (message, hint) = match self {
            Clause::Select | Clause::Having | Clause::OrderBy | Clause::Qualify | Clause::Window => return Ok(()),
            Clause::Where => ("WHERE cannot contain aggregates", Some("conditions on groups belong in HAVING")),
            Clause::Set => {
                ("SET cannot contain aggregates", Some("compute it in a subquery: SET a = (SELECT max(b) FROM t)"))
            }
            Clause::OutputOrder => ("this ORDER BY cannot contain aggregates", None),
            Clause::GroupBy => ("GROUP BY cannot contain aggregates", None),
            Clause::JoinOn => ("a join condition cannot contain aggregates", None),
            Clause::Values => ("VALUES cannot contain aggregates", None),
            Clause::Limit => ("LIMIT cannot contain aggregates", Some("compute it in a subquery: LIMIT (SELECT ...)")),
            Clause::AggregateArgument => {
                ("aggregates cannot be nested", Some("compute the inner one in a subquery in FROM"))
            }
        };
        let error = Diagnostic::new(ErrorCode::ExpressionNotAggregate, message).at(place);
        Err(match hint {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }
}

impl Clause {
    /// INVALID_ARGUMENTS where a window function cannot be.
    pub fn allow_window(self, place: Option<Span>) -> Result<()> {
        let later = "filter by it with QUALIFY, or in a query around this one";
        let (message, hint) = match self {
            Clause::Select | Clause::OrderBy | Clause::OutputOrder | Clause::Qualify => return Ok(()),
            Clause::Where => ("WHERE cannot contain window functions", later),
            Clause::Set => ("SET cannot contain window functions", "compute it in a subquery"),
            Clause::Having => ("HAVING cannot contain window functions", later),
            Clause::GroupBy => ("GROUP BY cannot contain window functions", "compute it in a subquery in FROM"),
            Clause::JoinOn => ("a join condition cannot contain window functions", "compute it in a subquery in FROM"),
            Clause::Values => ("VALUES cannot contain window functions", "compute it in a query"),
            Clause::Limit => ("LIMIT cannot contain window functions", "compute it in a subquery: LIMIT (SELECT ...)"),
            Clause::AggregateArgument => {
                ("an aggregate cannot contain window functions", "compute the inner one in a subquery in FROM")
            }
            Clause::Window => ("window functions cannot be nested", "compute the inner one in a subquery in FROM"),
        };
        Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place).hint(hint))
    }
}

/// Covers the places of all parts.
pub(super) fn cover<'a>(parts: impl IntoIterator<Item = &'a Expr>) -> Option<Span> {
    parts.into_iter().filter_map(|e| e.span).reduce(Span::to)
}

/// NOT of a condition.
pub(super) fn not(expr: Expr) -> Expr {
    let span = expr.span;
    Expr { kind: ExprKind::Not(Box::new(expr)), dtype: DataType::Boolean, span }
}

impl<'q> Binder<'q> {
    /// Binds an expression that stands in `clause`.
    pub fn expression(&mut self, expr: &'q ast::Expr, clause: Clause) -> Result<Expr> {
        let around = self.scopes.last_mut().and_then(|scope| scope.clause.replace(clause));
        let bound = self.expression_in(expr, clause);
        if let Some(scope) = self.scopes.last_mut() {
            scope.clause = around;
        }
        bound
    }

    fn expression_in(&mut self, expr: &'q ast::Expr, clause: Clause) -> Result<Expr> {
        use ast::Expr as A;
        match expr {
            A::Identifier(ident) => self.identifier(ident, clause),
            A::CompoundIdentifier(parts) => self.qualified(parts, clause),
            A::Value(value) => literal(&value.value, self.span(value.span)),
            A::TypedString(typed) => {
                let place = self.span_of(expr);
                let text = literal(&typed.value.value, place)?;
                cast(text, data_type(&typed.data_type, place)?, false)
            }
            A::Interval(written) => self.interval(written, clause),
            A::Nested(inner) => self.expression(inner, clause),
            A::BinaryOp { left, op, right } => self.binary(left, op, right, clause),
            A::UnaryOp { op, expr: arg } => self.unary(op, arg, self.span_of(expr), clause),
            A::IsNull(arg) | A::IsUnknown(arg) => self.is_null(arg, false, clause),
            A::IsNotNull(arg) | A::IsNotUnknown(arg) => self.is_null(arg, true, clause),
            A::IsTrue(arg) => self.is_boolean(arg, true, false, clause),
            A::IsNotTrue(arg) => self.is_boolean(arg, true, true, clause),
            A::IsFalse(arg) => self.is_boolean(arg, false, false, clause),
            A::IsNotFalse(arg) => self.is_boolean(arg, false, true, clause),
            A::IsDistinctFrom(left, right) => self.call_of("is_distinct_from", &[left, right], clause),
            A::IsNotDistinctFrom(left, right) => self.call_of("is_not_distinct_from", &[left, right], clause),
            A::Between { expr: arg, negated, low, high } => {
                // The argument is bound twice: a subquery in it must not appear twice with the same columns.
                let least = self.call_of(">=", &[arg, low], clause)?;
                let most = self.call_of("<=", &[arg, high], clause)?;
                let span = cover([&least, &most]);
                let both = Expr::and(vec![least, most]).at(span);
                Ok(if *negated { not(both) } else { both })
            }
            A::InList { expr: arg, list, negated } => self.in_list(arg, list, *negated, clause),
            A::InSubquery { expr: arg, subquery, negated } => self.in_subquery(arg, subquery, *negated, clause),
            A::Exists { subquery, negated } => self.exists(subquery, *negated),
            A::Subquery(query) => self.scalar_subquery(query),
            A::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, false, clause),
            A::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, true, clause),
            A::Like { negated, any: false, expr: arg, pattern, escape_char } => {
                self.like("like", *negated, [arg, pattern], escape_char.as_deref(), clause)
            }
            A::ILike { negated, any: false, expr: arg, pattern, escape_char } => {
                self.like("ilike", *negated, [arg, pattern], escape_char.as_deref(), clause)
            }
            A::Cast { kind, expr: arg, data_type: written, format: None } => {
                let lenient = matches!(kind, ast::CastKind::TryCast | ast::CastKind::SafeCast);
                let arg = self.expression(arg, clause)?;
                let place = self.type_place(written).or(self.span_of(expr)).or(arg.span);
                written_cast(arg, data_type(written, place)?, lenient)
            }
            A::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), clause)
            }
            A::Function(function) => self.function(function, clause),
            A::Extract { field, expr: arg, .. } => {
                let arg = self.expression(arg, clause)?;
                let place = arg.span;
                let part = field.to_string().to_lowercase();
                let part = part.trim_matches(['\'', '"']);
                match part_function(part) {
                    Some(function) => scalar(function, vec![arg], place),
                    None => {
                        let part = Expr::literal(Value::Varchar(part.to_string()), DataType::Varchar).at(place);
                        scalar("date_part", vec![part, arg], place)
                    }
                }
            }
            A::Substring { expr: arg, substring_from, substring_for, .. } => {
                let mut args = vec![self.expression(arg, clause)?];
                match substring_from {
                    Some(from) => args.push(self.expression(from, clause)?),
                    // `substring(x FOR 3)` starts at 1.
                    None if substring_for.is_some() => args.push(Expr::literal(Value::Int(1), DataType::BigInt)),
                    None => {}
                }
                if let Some(length) = substring_for {
                    args.push(self.expression(length, clause)?);
                }
                let place = cover(&args);
                scalar("substring", args, place)
            }
            A::Trim { trim_where, trim_what, expr: arg, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                    Some(ast::TrimWhereField::Both) | None => "trim",
                };
                let mut args = vec![self.expression(arg, clause)?];
                for characters in trim_what.as_deref().into_iter().chain(trim_characters.iter().flatten()) {
                    args.push(self.expression(characters, clause)?);
                }
                let place = cover(&args);
                scalar(name, args, place)
            }
            A::Position { expr: needle, r#in: text } => self.call_of("strpos", &[text, needle], clause),
            A::Ceil { expr: arg, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.call_of("ceil", &[arg], clause)
            }
            A::Floor { expr: arg, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.call_of("floor", &[arg], clause)
            }
            A::GroupingSets(_) | A::Cube(_) | A::Rollup(_) => Err(not_supported("grouping sets", self.span_of(expr))),
            A::Tuple(items) => self.row(items, self.span_of(expr), clause),
            A::Dictionary(fields) => self.dictionary(fields, self.span_of(expr), clause),
            A::Map(map) => self.map(&map.entries, self.span_of(expr), clause),
            A::Array(array) => self.list(&array.elem, self.span_of(expr), clause),
            A::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, self.span_of(expr), clause)
            }
            A::AtTimeZone { timestamp, time_zone } => self.call_of("timezone", &[time_zone, timestamp], clause),
            A::SimilarTo { escape_char: Some(escape), .. } => {
                Err(not_supported("ESCAPE with SIMILAR TO", self.span_of(&**escape)))
            }
            A::SimilarTo { negated, expr: arg, pattern, escape_char: None } => {
                self.like("regexp_full_match", *negated, [arg, pattern], None, clause)
            }
            A::RLike { .. } => Err(not_supported("RLIKE", self.span_of(expr))
                .hint("write regexp_matches(text, pattern), or text ~ pattern")),
            A::Overlay { expr: arg, overlay_what, overlay_from, overlay_for } => {
                let args = [&**arg, overlay_what, overlay_from].into_iter().chain(overlay_for.as_deref());
                self.call_of("overlay", &args.collect::<Vec<_>>(), clause)
            }
            A::Lambda(lambda) => self.arrow(lambda, clause),
            A::Collate { .. } => Err(super::collate::misplaced(self.span_of(expr))),
            A::Wildcard(_) | A::QualifiedWildcard(..) => {
                Err(Diagnostic::new(ErrorCode::SyntaxError, "* cannot stand here").at(self.span_of(expr)))
            }
            _ => Err(not_supported("this kind of expression", self.span_of(expr))),
        }
    }

    /// Where the name of a type stands that the parser does not know.
    fn type_place(&self, written: &ast::DataType) -> Option<Span> {
        match written {
            ast::DataType::Custom(name, _) => self.span_of(name),
            ast::DataType::Array(
                ast::ArrayElemTypeDef::SquareBracket(item, _)
                | ast::ArrayElemTypeDef::AngleBracket(item)
                | ast::ArrayElemTypeDef::Parenthesis(item),
            ) => self.type_place(item),
            ast::DataType::Struct(fields, _) => {
                let names = fields.iter().filter_map(|field| field.field_name.as_ref());
                names.filter_map(|name| self.span(name.span)).reduce(Span::to)
            }
            _ => None,
        }
    }

    pub fn identifier(&mut self, ident: &ast::Ident, clause: Clause) -> Result<Expr> {
        if let (None, Some(position)) = (ident.quote_style, ident.value.strip_prefix('#')) {
            return self.column_at(position, self.span(ident.span));
        }
        let resolved = match self.resolve_name(ident) {
            // What SQL writes as a function without brackets, unless there is a column of that name.
            Err(error) if error.code == ErrorCode::ColumnNotFound => {
                if let Some(row) = self.whole_row(ident)? {
                    return Ok(row);
                }
                if ident.quote_style.is_some() {
                    return Err(error);
                }
                let name = ident.value.to_lowercase();
                return match functions::BARE.contains(&name.as_str()) {
                    true => scalar(&name, Vec::new(), self.span(ident.span)),
                    false => Err(error),
                };
            }
            resolved => resolved?,
        };
        match resolved {
            Resolved::Column(column) => Ok(column),
            Resolved::Alias(meant) => {
                let place = self.span(ident.span);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.open_aliases.push(ident.value.clone());
                }
                let bound = self.expression(meant, clause);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.open_aliases.pop();
                }
                Ok(bound?.at(place))
            }
        }
    }

    /// A function or operator over expressions.
    fn call_of(&mut self, name: &str, args: &[&'q ast::Expr], clause: Clause) -> Result<Expr> {
        let args = match name {
            "=" | "<>" | "<" | "<=" | ">" | ">=" | "is_distinct_from" | "is_not_distinct_from" => {
                self.operands(args, clause)?
            }
            _ => args.iter().map(|arg| self.expression(arg, clause)).collect::<Result<Vec<_>>>()?,
        };
        let place = cover(&args);
        scalar(name, args, place)
    }

    fn interval(&mut self, written: &'q ast::Interval, clause: Clause) -> Result<Expr> {
        let place = self.span_of(&*written.value);
        if written.last_field.is_some() {
            return Err(not_supported("intervals with TO", place));
        }
        let unit = written.leading_field.as_ref();
        let mut value = &*written.value;
        let mut sign = "";
        while let ast::Expr::Nested(inner) | ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = value {
            if matches!(value, ast::Expr::UnaryOp { .. }) {
                sign = if sign.is_empty() { "-" } else { "" };
            }
            value = inner;
        }
        if let ast::Expr::Value(constant) = value {
            match &constant.value {
                ast::Value::SingleQuotedString(text) if sign.is_empty() => return interval(text, unit, place),
                ast::Value::Number(digits, _) => return interval(&format!("{sign}{digits}"), unit, place),
                _ => {}
            }
        }
        let amount = self.expression(&written.value, clause)?;
        match unit {
            Some(unit) => units(amount, &unit.to_string()),
            None => cast(amount, DataType::Interval, false),
        }
    }

    fn binary(
        &mut self,
        left: &'q ast::Expr,
        op: &BinaryOperator,
        right: &'q ast::Expr,
        clause: Clause,
    ) -> Result<Expr> {
        // Rows are equal where their parts are; which of two comes first is decided as for structs.
        if let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (left, right)
            && let BinaryOperator::Eq | BinaryOperator::NotEq = op
        {
            let equal = self.equal_rows(left, right, clause)?;
            return Ok(if *op == BinaryOperator::Eq { equal } else { not(equal) });
        }
        let name = match op {
            BinaryOperator::And | BinaryOperator::Or => return self.logical(left, op, right, clause),
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => "//",
            BinaryOperator::Modulo => "%",
            BinaryOperator::StringConcat => "||",
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::PGExp | BinaryOperator::PGBitwiseXor | BinaryOperator::BitwiseXor => "pow",
            BinaryOperator::PGStartsWith => "starts_with",
            BinaryOperator::BitwiseAnd => "&",
            BinaryOperator::BitwiseOr => "|",
            BinaryOperator::PGBitwiseShiftLeft => "<<",
            BinaryOperator::PGBitwiseShiftRight => ">>",
            BinaryOperator::Glob => "glob",
            BinaryOperator::PGRegexMatch => "regexp_matches",
            BinaryOperator::PGRegexNotMatch => {
                return Ok(not(self.call_of("regexp_matches", &[left, right], clause)?));
            }
            BinaryOperator::PGRegexIMatch => return self.matches_in_any_case(left, right, clause),
            BinaryOperator::PGRegexNotIMatch => return Ok(not(self.matches_in_any_case(left, right, clause)?)),
            BinaryOperator::Arrow => "json_extract",
            BinaryOperator::LongArrow => "json_extract_string",
            BinaryOperator::AtArrow => "list_has_all",
            BinaryOperator::ArrowAt => return self.call_of("list_has_all", &[right, left], clause),
            BinaryOperator::PGOverlap => "list_has_any",
            BinaryOperator::LtDashGt => "list_distance",
            BinaryOperator::Spaceship => "list_cosine_distance",
            BinaryOperator::PGLikeMatch => "like",
            BinaryOperator::PGILikeMatch => "ilike",
            BinaryOperator::PGNotLikeMatch => return Ok(not(self.call_of("like", &[left, right], clause)?)),
            BinaryOperator::PGNotILikeMatch => return Ok(not(self.call_of("ilike", &[left, right], clause)?)),
            other => {
                let place = self.span_of(left).zip(self.span_of(right)).map(|(l, r)| l.to(r));
                return Err(not_supported(format!("the operator {other}"), place));
            }
        };
        self.call_of(name, &[left, right], clause)
    }

    /// `text ~* pattern`.
    fn matches_in_any_case(&mut self, text: &'q ast::Expr, pattern: &'q ast::Expr, clause: Clause) -> Result<Expr> {
        let mut args = vec![self.expression(text, clause)?, self.expression(pattern, clause)?];
        let place = cover(&args);
        args.push(Expr::literal(Value::Varchar("i".into()), DataType::Varchar).at(place));
        scalar("regexp_matches", args, place)
    }

    /// AND and OR, flat.
    fn logical(
        &mut self,
        left: &'q ast::Expr,
        op: &BinaryOperator,
        right: &'q ast::Expr,
        clause: Clause,
    ) -> Result<Expr> {
        let word = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let left = condition(self.expression(left, clause)?, word)?;
        let right = condition(self.expression(right, clause)?, word)?;
        let span = cover([&left, &right]);
        if *op == BinaryOperator::And {
            return Ok(Expr::and(vec![left, right]).at(span));
        }
        let mut parts = Vec::new();
        for part in [left, right] {
            match part.kind {
                ExprKind::Or(inner) => parts.extend(inner),
                _ => parts.push(part),
            }
        }
        Ok(Expr { kind: ExprKind::Or(parts), dtype: DataType::Boolean, span })
    }

    fn unary(&mut self, op: &UnaryOperator, arg: &'q ast::Expr, place: Option<Span>, clause: Clause) -> Result<Expr> {
        match op {
            UnaryOperator::Not | UnaryOperator::BangNot => Ok(not(condition(self.expression(arg, clause)?, "NOT")?)),
            UnaryOperator::Plus => {
                let bound = self.call_of("+", &[arg], clause)?;
                Ok(match bound.kind {
                    ExprKind::Call { mut args, .. } if args.len() == 1 => args.remove(0),
                    kind => Expr { kind, ..bound },
                })
            }
            UnaryOperator::PGAbs => self.call_of("abs", &[arg], clause),
            UnaryOperator::Minus => {
                if let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, long), span }) = arg {
                    let negative = ast::Value::Number(format!("-{digits}"), *long);
                    let place = self.span(*span).map(|s| Span { start: s.start.saturating_sub(1), end: s.end });
                    return Ok(fix_precision(literal(&negative, place)?));
                }
                self.call_of("neg", &[arg], clause)
            }
            UnaryOperator::BitwiseNot => self.call_of("~", &[arg], clause),
            UnaryOperator::PGPostfixFactorial => self.call_of("factorial", &[arg], clause),
            other => Err(not_supported(format!("the operator {other}"), place)),
        }
    }

    fn is_null(&mut self, arg: &'q ast::Expr, negated: bool, clause: Clause) -> Result<Expr> {
        let arg = self.expression(arg, clause)?;
        let span = arg.span;
        Ok(Expr { kind: ExprKind::IsNull { arg: Box::new(arg), negated }, dtype: DataType::Boolean, span })
    }

    /// `x IS [NOT] TRUE`: never NULL.
    fn is_boolean(&mut self, arg: &'q ast::Expr, value: bool, negated: bool, clause: Clause) -> Result<Expr> {
        let arg = condition(self.expression(arg, clause)?, "IS TRUE")?;
        let span = arg.span;
        let name = if negated { "is_distinct_from" } else { "is_not_distinct_from" };
        scalar(name, vec![arg, Expr::boolean(value)], span)
    }

    fn in_list(&mut self, arg: &'q ast::Expr, list: &'q [ast::Expr], negated: bool, clause: Clause) -> Result<Expr> {
        if let ast::Expr::Tuple(row) = arg {
            return self.row_in_list(row, list, negated, clause);
        }
        let all: Vec<&ast::Expr> = std::iter::once(arg).chain(list).collect();
        let mut items = self.operands(&all, clause)?;
        let arg = items.remove(0);
        let span = cover(std::iter::once(&arg).chain(&items));
        if items.is_empty() {
            return Ok(Expr::boolean(negated).at(span));
        }
        let parts = super::coerce::adapt_to(&arg, items);
        let dtype = equatable(&std::iter::once(&arg).chain(&parts).collect::<Vec<_>>(), "IN")?;
        let items = parts.into_iter().map(|item| coerce(item, &dtype)).collect();
        let arg = Box::new(coerce(arg, &dtype));
        Ok(Expr { kind: ExprKind::InList { arg, items, negated }, dtype: DataType::Boolean, span })
    }

    /// `(a, b) = (c, d)`: all parts are equal, a NULL to a NULL, since rows are compared as structs are.
    fn equal_rows(&mut self, left: &'q [ast::Expr], right: &'q [ast::Expr], clause: Clause) -> Result<Expr> {
        if left.len() != right.len() {
            let message = format!("a row of {} values is compared with a row of {}", left.len(), right.len());
            let place = left.first().and_then(|e| self.span_of(e));
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(place));
        }
        let mut parts = Vec::new();
        for (left, right) in left.iter().zip(right) {
            parts.push(self.call_of("is_not_distinct_from", &[left, right], clause)?);
        }
        let span = cover(&parts);
        Ok(Expr::and(parts).at(span))
    }

    /// `(a, b) IN ((1, 2), (3, 4))`: equal to one of the rows.
    fn row_in_list(
        &mut self,
        row: &'q [ast::Expr],
        list: &'q [ast::Expr],
        negated: bool,
        clause: Clause,
    ) -> Result<Expr> {
        let mut parts = Vec::new();
        for item in list {
            let ast::Expr::Tuple(other) = item else {
                return Err(Diagnostic::new(ErrorCode::TypeMismatch, "a row can only be IN a list of rows")
                    .at(self.span_of(item)));
            };
            parts.push(self.equal_rows(row, other, clause)?);
        }
        let span = cover(&parts);
        let any = match parts.len() {
            1 => parts.remove(0),
            _ => Expr { kind: ExprKind::Or(parts), dtype: DataType::Boolean, span },
        };
        Ok(if negated { not(any) } else { any })
    }

    /// `x op ANY (query)` and `x op ALL (query)`: `= ANY` is IN, `<> ALL` is NOT IN.
    fn quantified(
        &mut self,
        left: &'q ast::Expr,
        op: &BinaryOperator,
        right: &'q ast::Expr,
        all: bool,
        clause: Clause,
    ) -> Result<Expr> {
        let name = match op {
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            other => {
                let message = format!("ANY and ALL take a comparison, and {other} is none");
                return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(self.span_of(left)));
            }
        };
        let ast::Expr::Subquery(query) = right else {
            return self.quantified_list(left, name, right, all, clause);
        };
        match (op, all) {
            (BinaryOperator::Eq, false) => self.in_subquery(left, query, false, clause),
            (BinaryOperator::NotEq, true) => self.in_subquery(left, query, true, clause),
            (_, true) => self.all_subquery(left, name, query, clause),
            (_, false) => self.any_subquery(left, name, query, clause),
        }
    }

    fn like(
        &mut self,
        name: &str,
        negated: bool,
        [arg, pattern]: [&'q ast::Expr; 2],
        escape: Option<&'q ast::Expr>,
        clause: Clause,
    ) -> Result<Expr> {
        let args: Vec<&ast::Expr> = [arg, pattern].into_iter().chain(escape).collect();
        let matched = self.call_of(name, &args, clause)?;
        Ok(if negated { not(matched) } else { matched })
    }

    fn case(
        &mut self,
        operand: Option<&'q ast::Expr>,
        conditions: &'q [ast::CaseWhen],
        otherwise: Option<&'q ast::Expr>,
        clause: Clause,
    ) -> Result<Expr> {
        let mut whens = Vec::new();
        let mut results = Vec::new();
        for when in conditions {
            whens.push(match operand {
                // Bound again for every branch: a subquery in it must not appear twice with the same columns.
                Some(operand) => self.call_of("=", &[operand, &when.condition], clause)?,
                None => condition(self.expression(&when.condition, clause)?, "WHEN")?,
            });
            results.push(self.expression(&when.result, clause)?);
        }
        let mut otherwise = otherwise.map(|e| self.expression(e, clause)).transpose()?;
        adapt_among(otherwise.iter_mut().chain(&mut results));
        let dtype = common(&results.iter().chain(&otherwise).collect::<Vec<_>>(), "CASE")?;
        let span = cover(whens.iter().chain(&results).chain(&otherwise));
        let branches = whens.into_iter().zip(results.into_iter().map(|r| coerce(r, &dtype))).collect();
        let otherwise = otherwise.map(|e| Box::new(coerce(e, &dtype)));
        Ok(Expr { kind: ExprKind::Case { branches, otherwise }, dtype, span })
    }
}

/// A minus sign is no digit.
fn fix_precision(mut expr: Expr) -> Expr {
    if let DataType::Decimal { precision, scale } = expr.dtype {
        expr.dtype = DataType::Decimal { precision: (precision - 1).max(scale).max(1), scale };
    }
    expr
}
