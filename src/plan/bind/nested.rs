//! Lists, structs and maps: how they are written, and how their parts are named.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::{adapt_among, coerce, common};
use super::expression::{Clause, cover};
use super::scope::{Relation, Resolved};
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, AccessExpr, FunctionArg, FunctionArgExpr, Subscript};

/// A whole number that the binder itself writes.
fn whole(value: i64) -> Expr {
    Expr::literal(Value::Int(value.into()), DataType::BigInt)
}

/// The text of a literal.
fn text_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Value::Varchar(text)) => Some(text),
        _ => None,
    }
}

/// A struct of these values under these names. INVALID_ARGUMENTS for a name that is there twice.
pub(super) fn pack(fields: Vec<(String, Expr)>, place: Option<Span>) -> Result<Expr> {
    for (i, (name, value)) in fields.iter().enumerate() {
        if fields[..i].iter().any(|(other, _)| other.eq_ignore_ascii_case(name) && !name.is_empty()) {
            let message = format!("the struct has two fields \"{name}\"");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(value.span.or(place)));
        }
    }
    let dtype = DataType::Struct(fields.iter().map(|(name, value)| (name.clone(), value.dtype.clone())).collect());
    Ok(Expr::call("struct_pack", fields.into_iter().map(|(_, value)| value).collect(), dtype).at(place))
}

/// A row of a table as a struct.
pub(super) fn row_of(relation: &Relation, place: Option<Span>) -> Result<Expr> {
    let columns = relation.columns.iter();
    pack(columns.map(|c| (c.name.clone(), Expr::column(c.id, c.dtype.clone()).at(place))).collect(), place)
}

/// The field of a struct at a place, from 0.
fn field_at(of: Expr, place: usize, dtype: DataType, span: Option<Span>) -> Expr {
    Expr::call("struct_extract_at", vec![of, whole(place as i64 + 1)], dtype).at(span)
}

/// The field of that name. COLUMN_NOT_FOUND with the nearest names; TYPE_MISMATCH for what has no fields.
pub(super) fn field(of: Expr, name: &str, place: Option<Span>) -> Result<Expr> {
    match &of.dtype {
        DataType::Struct(fields) => {
            let Some(i) = fields.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)) else {
                let message = format!("the struct has no field \"{name}\"");
                let names: Vec<&str> =
                    fields.iter().map(|(known, _)| known.as_str()).filter(|n| !n.is_empty()).collect();
                let hint = did_you_mean(&similar(name, names.iter().copied()));
                let hint = hint.unwrap_or_else(|| match names.is_empty() {
                    true => "its fields have no names: write [1] for the first".into(),
                    false => format!("fields: {}", names.join(", ")),
                });
                return Err(Diagnostic::new(ErrorCode::ColumnNotFound, message).at(place).hint(hint));
            };
            let dtype = fields[i].1.clone();
            Ok(field_at(of, i, dtype, place))
        }
        DataType::Map(..) => {
            let key = Expr::literal(Value::Varchar(name.to_string()), DataType::Varchar).at(place);
            scalar("map_extract_value", vec![of, key], place)
        }
        DataType::Json => {
            let key = Expr::literal(Value::Varchar(name.to_string()), DataType::Varchar).at(place);
            scalar("json_extract", vec![of, key], place)
        }
        other => {
            let message = format!("{other} has no field \"{name}\"");
            Err(Diagnostic::new(ErrorCode::TypeMismatch, message)
                .at(place)
                .hint("only structs, maps and JSON have fields"))
        }
    }
}

/// `of[index]`.
fn element(of: Expr, index: Expr, place: Option<Span>) -> Result<Expr> {
    match &of.dtype {
        DataType::Struct(fields) => {
            if let Some(name) = text_of(&index) {
                let name = name.to_string();
                return field(of, &name, place);
            }
            let at = match &index.kind {
                ExprKind::Literal(Value::Int(at)) if index.dtype.is_integer() => usize::try_from(at - 1).ok(),
                _ => return Err(not_supported("the field of a struct by a value that is not constant", index.span)),
            };
            match at.and_then(|at| Some((at, fields.get(at)?.1.clone()))) {
                Some((at, dtype)) => Ok(field_at(of, at, dtype, place)),
                None => {
                    let message = format!("the struct has {} fields, counted from 1", fields.len());
                    Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(index.span))
                }
            }
        }
        DataType::Map(..) => scalar("map_extract_value", vec![of, index], place),
        DataType::Json => scalar("json_extract", vec![of, index], place),
        _ => scalar("list_extract", vec![of, index], place),
    }
}

impl<'q> Binder<'q> {
    /// `[a, b]`, `ARRAY[a, b]`.
    pub fn list(&mut self, items: &'q [ast::Expr], place: Option<Span>, clause: Clause) -> Result<Expr> {
        let items = items.iter().map(|item| self.expression(item, clause)).collect::<Result<Vec<_>>>()?;
        self.list_of(items, place)
    }

    /// A list of bound values.
    pub fn list_of(&mut self, mut items: Vec<Expr>, place: Option<Span>) -> Result<Expr> {
        adapt_among(items.iter_mut());
        let dtype = common(&items.iter().collect::<Vec<_>>(), "a list")?;
        let items = items.into_iter().map(|item| coerce(item, &dtype)).collect();
        Ok(Expr::call("list_value", items, dtype.list_of()).at(place))
    }

    /// `{'a': 1, 'b': 2}`.
    pub fn dictionary(
        &mut self,
        fields: &'q [ast::DictionaryField],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Expr> {
        let mut bound = Vec::with_capacity(fields.len());
        for field in fields {
            bound.push((field.key.value.clone(), self.expression(&field.value, clause)?));
        }
        if bound.is_empty() {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "a struct needs a field").at(place));
        }
        let place = place.or(cover(bound.iter().map(|(_, value)| value)));
        pack(bound, place)
    }

    /// `(a, b)`, `ROW(a, b)` as a value.
    pub fn row(&mut self, items: &'q [ast::Expr], place: Option<Span>, clause: Clause) -> Result<Expr> {
        let mut fields = Vec::with_capacity(items.len());
        for item in items {
            fields.push((String::new(), self.expression(item, clause)?));
        }
        pack(fields, place)
    }

    /// `MAP {'a': 1}`.
    pub fn map(&mut self, entries: &'q [ast::MapEntry], place: Option<Span>, clause: Clause) -> Result<Expr> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for entry in entries {
            keys.push(self.expression(&entry.key, clause)?);
            values.push(self.expression(&entry.value, clause)?);
        }
        let place = place.or(cover(keys.iter().chain(&values)));
        let (keys, values) = (self.list_of(keys, place)?, self.list_of(values, place)?);
        scalar("map", vec![keys, values], place)
    }

    /// `x[1]`, `x[2:3]`, `x.field`, one after the other.
    pub fn access(
        &mut self,
        root: &'q ast::Expr,
        chain: &'q [AccessExpr],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Expr> {
        // `t.s['a']` and `s.a[1]`: the leading names are one qualified name.
        let mut names = Vec::new();
        if let ast::Expr::Identifier(ident) = root {
            names.push(ident.clone());
            for access in chain {
                let AccessExpr::Dot(ast::Expr::Identifier(ident)) = access else { break };
                names.push(ident.clone());
            }
        }
        let (mut value, rest) = if names.len() > 1 {
            (self.qualified(&names, clause)?, &chain[names.len() - 1..])
        } else {
            (self.expression(root, clause)?, chain)
        };
        for access in rest {
            value = match access {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => field(value, &name.value, self.span(name.span))?,
                AccessExpr::Dot(other) => return Err(not_supported("this kind of access", self.span_of(other))),
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let index = self.expression(index, clause)?;
                    element(value, index, place)?
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                    let mut args = vec![value];
                    args.push(match lower_bound {
                        Some(bound) => self.expression(bound, clause)?,
                        None => whole(1),
                    });
                    args.push(match upper_bound {
                        Some(bound) => self.expression(bound, clause)?,
                        None => whole(i64::MAX),
                    });
                    if let Some(stride) = stride {
                        args.push(self.expression(stride, clause)?);
                    }
                    scalar("list_slice", args, place)?
                }
            };
        }
        Ok(value)
    }

    /// `t.a`, `t.a.field`, `a.field`: the longest name of a column first, then fewer parts with fields behind. The error is
    /// that of the whole name.
    pub fn qualified(&mut self, parts: &[ast::Ident], clause: Clause) -> Result<Expr> {
        let error = match self.resolve_qualified(parts) {
            Ok(column) => return Ok(column),
            Err(error) => error,
        };
        let place = |binder: &Binder, last: &ast::Ident| match parts.first() {
            Some(first) => binder.span(first.span).zip(binder.span(last.span)).map(|(a, b)| a.to(b)),
            None => None,
        };
        for length in (1..parts.len()).rev() {
            let start = match length {
                1 => match self.resolve_name(&parts[0]) {
                    Ok(Resolved::Column(column)) => Ok(column),
                    Ok(Resolved::Alias(_)) => self.identifier(&parts[0], clause),
                    Err(error) => Err(error),
                },
                _ => self.resolve_qualified(&parts[..length]),
            };
            let Ok(mut value) = start else { continue };
            for name in &parts[length..] {
                let at = place(self, name);
                value = field(value, &name.value, at)?;
            }
            return Ok(value);
        }
        Err(error)
    }

    /// A call of a function whose names or constants are part of its type; None for every other function.
    pub fn structural_call(
        &mut self,
        name: &str,
        args: &'q [FunctionArg],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Option<Expr>> {
        match name {
            "struct_pack" => Ok(Some(pack(self.named_arguments(args, place, clause)?, place)?)),
            "struct_insert" | "struct_update" => {
                let (base, named) = match args {
                    [FunctionArg::Unnamed(FunctionArgExpr::Expr(base)), named @ ..] => (base, named),
                    _ => return Err(takes(name, "a struct and named values", place)),
                };
                let base = self.expression(base, clause)?;
                let mut fields = spread(base, name, place)?;
                for (name_of_field, value) in self.named_arguments(named, place, clause)? {
                    let known = fields.iter().position(|(known, _)| known.eq_ignore_ascii_case(&name_of_field));
                    match known {
                        Some(i) if name == "struct_update" => fields[i].1 = value,
                        _ => fields.push((name_of_field, value)),
                    }
                }
                Ok(Some(pack(fields, place)?))
            }
            "struct_concat" => {
                let mut fields = Vec::new();
                for arg in self.plain_arguments(name, args, place, clause)? {
                    fields.extend(spread(arg, name, place)?);
                }
                Ok(Some(pack(fields, place)?))
            }
            "struct_keys" => {
                let args = self.plain_arguments(name, args, place, clause)?;
                let [Expr { dtype: DataType::Struct(fields), .. }] = &args[..] else {
                    return Err(takes(name, "one struct", place));
                };
                let keys =
                    fields.iter().map(|(name, _)| Expr::literal(Value::Varchar(name.clone()), DataType::Varchar));
                Ok(Some(self.list_of(keys.collect(), place)?))
            }
            "struct_extract" | "array_extract" | "list_extract" | "list_element" | "struct_extract_at" => {
                let args = self.plain_arguments(name, args, place, clause)?;
                let [of, index] = <[Expr; 2]>::try_from(args).map_err(|_| takes(name, "two arguments", place))?;
                if name.starts_with("struct_") && !matches!(of.dtype, DataType::Struct(_) | DataType::Null) {
                    return Err(takes(name, "a struct and one of its fields", of.span.or(place)));
                }
                Ok(Some(match &of.dtype {
                    DataType::Struct(_) | DataType::Map(..) | DataType::Json => element(of, index, place)?,
                    _ => scalar("list_extract", vec![of, index], place)?,
                }))
            }
            "list_aggregate" | "list_aggr" | "array_aggregate" | "array_aggr" | "aggregate" => {
                let mut args = self.plain_arguments(name, args, place, clause)?;
                let function = match args.get(1).and_then(text_of) {
                    Some(function) => format!("list_{}", function.to_lowercase()),
                    None => return Err(takes(name, "a list and the name of an aggregate", place)),
                };
                args.remove(1);
                Ok(Some(scalar(&function, args, place)?))
            }
            _ => Ok(None),
        }
    }

    /// `name := value, ...`; a plain column stands for itself.
    fn named_arguments(
        &mut self,
        args: &'q [FunctionArg],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Vec<(String, Expr)>> {
        let mut named = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    named.push((name.value.clone(), self.expression(value, clause)?));
                }
                FunctionArg::ExprNamed {
                    name: ast::Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), ..
                } => named.push((name.value.clone(), self.expression(value, clause)?)),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Identifier(name))) => {
                    named.push((name.value.clone(), self.identifier(name, clause)?));
                }
                _ => {
                    let error = Diagnostic::new(ErrorCode::InvalidArguments, "the fields of a struct need names");
                    return Err(error.at(place).hint("write name := value"));
                }
            }
        }
        Ok(named)
    }

    /// Arguments without names.
    fn plain_arguments(
        &mut self,
        name: &str,
        args: &'q [FunctionArg],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Vec<Expr>> {
        let mut plain = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => plain.push(self.expression(expr, clause)?),
                _ => return Err(takes(name, "arguments without names", place)),
            }
        }
        Ok(plain)
    }
}

fn takes(name: &str, what: &str, place: Option<Span>) -> Diagnostic {
    Diagnostic::new(ErrorCode::InvalidArguments, format!("{name} takes {what}")).at(place)
}

/// The fields of a struct, one by one.
fn spread(of: Expr, function: &str, place: Option<Span>) -> Result<Vec<(String, Expr)>> {
    let DataType::Struct(fields) = of.dtype.clone() else { return Err(takes(function, "a struct", of.span.or(place))) };
    let field = |(i, (name, t)): (usize, (String, DataType))| (name, field_at(of.clone(), i, t, of.span));
    Ok(fields.into_iter().enumerate().map(field).collect())
}

/// The fields of a struct as columns, named; unnamed ones are `element1` and so on.
pub(super) fn columns_of(of: &Expr) -> Option<Vec<(String, Expr)>> {
    let DataType::Struct(fields) = &of.dtype else { return None };
    let column = |(i, (name, t)): (usize, &(String, DataType))| {
        let shown = if name.is_empty() { format!("element{}", i + 1) } else { name.clone() };
        (shown, field_at(of.clone(), i, t.clone(), of.span))
    };
    Some(fields.iter().enumerate().map(column).collect())
}
