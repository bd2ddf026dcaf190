//! COLLATE, where what it means can be written with functions: in comparisons and in the keys of ORDER BY.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::expression::Clause;
use crate::journal::ErrorCode;
use crate::plan::expr::Expr;
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use sqlparser::ast;

/// What the letters of a text are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Collation {
    /// NOACCENT.
    plain: bool,
    /// NOCASE.
    lower: bool,
}

impl Collation {
    /// The value that is compared in the place of `value`.
    pub fn over(self, value: Expr) -> Result<Expr> {
        let place = value.span;
        if !matches!(value.dtype, DataType::Varchar | DataType::Null) {
            let message = format!("COLLATE is for texts, and this is {}", value.dtype);
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(place));
        }
        let mut value = value;
        if self.plain {
            value = scalar("strip_accents", vec![value], place)?;
        }
        if self.lower {
            value = scalar("lower", vec![value], place)?;
        }
        Ok(value)
    }
}

/// The expression before COLLATE and the name behind it.
fn written(expr: &ast::Expr) -> Option<(&ast::Expr, &ast::ObjectName)> {
    match expr {
        ast::Expr::Nested(inner) => written(inner),
        ast::Expr::Collate { expr, collation } => Some((expr, collation)),
        _ => None,
    }
}

impl<'q> Binder<'q> {
    /// `NOCASE`, `NOACCENT.NOCASE`.
    fn collation(&self, name: &ast::ObjectName) -> Result<Collation> {
        let mut collation = Collation::default();
        for part in super::from::parts(name) {
            match part.to_lowercase().as_str() {
                "nocase" => collation.lower = true,
                "noaccent" => collation.plain = true,
                "c" | "posix" | "binary" => {}
                _ => {
                    let place = self.span_of(name);
                    return Err(not_supported(format!("the collation {part}"), place)
                        .hint("there are NOCASE, NOACCENT, NOACCENT.NOCASE and BINARY"));
                }
            }
        }
        Ok(collation)
    }

    /// The operands of a comparison: a collation that one of them has is that of all.
    pub fn operands(&mut self, args: &[&'q ast::Expr], clause: Clause) -> Result<Vec<Expr>> {
        let mut found: Option<Collation> = None;
        let mut bound = Vec::with_capacity(args.len());
        for arg in args {
            let Some((inner, name)) = written(arg) else {
                bound.push(self.expression(arg, clause)?);
                continue;
            };
            let collation = self.collation(name)?;
            if found.is_some_and(|found| found != collation) {
                let message = "these texts have collations that differ";
                return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(self.span_of(name)));
            }
            found = Some(collation);
            bound.push(self.expression(inner, clause)?);
        }
        match found {
            None => Ok(bound),
            Some(collation) => bound.into_iter().map(|value| collation.over(value)).collect(),
        }
    }

    /// The expression of a key of ORDER BY, and how its texts are compared.
    pub fn sort_collation(&self, key: &'q ast::Expr) -> Result<(&'q ast::Expr, Option<Collation>)> {
        match written(key) {
            None => Ok((key, None)),
            Some((inner, name)) => Ok((inner, Some(self.collation(name)?))),
        }
    }

    /// A key of ORDER BY that is no column of the output.
    pub fn sort_expression(&mut self, key: &'q ast::Expr, clause: Clause) -> Result<Expr> {
        let (key, collation) = self.sort_collation(key)?;
        let value = self.expression(key, clause)?;
        collation.map_or(Ok(value.clone()), |collation| collation.over(value))
    }
}

/// NOT_SUPPORTED for COLLATE anywhere else.
pub(super) fn misplaced(place: Option<Span>) -> Diagnostic {
    not_supported("COLLATE outside of comparisons and ORDER BY", place)
        .hint("lower(x) stands for NOCASE, strip_accents(x) for NOACCENT")
}
