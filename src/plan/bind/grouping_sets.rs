//! The keys of GROUP BY: positions, aliases, expressions, and the sets that ROLLUP, CUBE and GROUPING SETS stand for.

use super::binder::{Binder, not_supported};
use super::expression::Clause;
use super::naming::column_name;
use super::select::Item;
use crate::journal::ErrorCode;
use crate::plan::expr::Expr;
use crate::sql::diagnostic::{Diagnostic, Result};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

/// What a GROUP BY says.
#[derive(Default)]
pub(super) struct GroupBy {
    /// Each different key once, with its name.
    pub keys: Vec<(Expr, String)>,
    /// Indices into the keys; None for one set of all keys.
    pub sets: Option<Vec<Vec<usize>>>,
}

/// More sets than these are surely a mistake.
const MOST_SETS: usize = 4096;

/// Sets of keys; the keys are as they were written.
type Sets<'q> = Vec<Vec<&'q ast::Expr>>;

impl<'q> Binder<'q> {
    /// The keys of GROUP BY; None where there is no GROUP BY.
    pub fn group_by(&mut self, select: &'q ast::Select, items: &[Item]) -> Result<Option<GroupBy>> {
        let (exprs, modifiers) = match &select.group_by {
            ast::GroupByExpr::All(modifiers) if modifiers.is_empty() => {
                items.iter().filter(|i| !i.aggregates).try_for_each(Item::check_no_window)?;
                let keys = items.iter().filter(|i| !i.aggregates && !i.is_constant());
                let keys: Vec<_> = keys.map(|i| (i.expr.clone(), i.name.clone())).collect();
                // Constants alone are no groups: without an aggregate either, every row stays.
                return Ok((!keys.is_empty()).then_some(GroupBy { keys, sets: None }));
            }
            ast::GroupByExpr::All(_) => {
                return Err(not_supported("GROUP BY ALL with grouping sets", self.span(select.select_token.0.span)));
            }
            ast::GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
        };
        let mut elements: Vec<Sets<'q>> = exprs.iter().map(|e| self.sets_of(e)).collect::<Result<_>>()?;
        for modifier in modifiers {
            match modifier {
                ast::GroupByWithModifier::GroupingSets(sets) => elements.push(self.sets_of(sets)?),
                _ => return Err(not_supported("WITH in GROUP BY", exprs.first().and_then(|e| self.span_of(e)))),
            }
        }
        if elements.is_empty() {
            return Ok(None);
        }
        let place = exprs.first().and_then(|e| self.span_of(e));
        let mut sets: Sets<'q> = vec![Vec::new()];
        for element in elements {
            if sets.len() * element.len() > MOST_SETS {
                let message = format!("GROUP BY stands for more than {MOST_SETS} grouping sets");
                return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
            }
            let with = |set: &Vec<&'q ast::Expr>| {
                let set = set.clone();
                element.iter().map(move |more| set.iter().chain(more).copied().collect())
            };
            sets = sets.iter().flat_map(with).collect();
        }
        let mut bound = GroupBy::default();
        let mut known: Vec<(&'q ast::Expr, usize)> = Vec::new();
        let mut places = Vec::new();
        for set in sets {
            let mut of_set = Vec::new();
            for expr in set {
                let place = match known.iter().find(|(written, _)| std::ptr::eq(*written, expr)) {
                    Some((_, place)) => *place,
                    None => {
                        let (key, name) = self.group_key(expr, items)?;
                        let place = bound.keys.iter().position(|(k, _)| k.same(&key)).unwrap_or_else(|| {
                            bound.keys.push((key, name));
                            bound.keys.len() - 1
                        });
                        known.push((expr, place));
                        place
                    }
                };
                if !of_set.contains(&place) {
                    of_set.push(place);
                }
            }
            of_set.sort_unstable();
            places.push(of_set);
        }
        // One set of all keys is what GROUP BY is anyway.
        let is_plain = places.len() == 1 && places[0].len() == bound.keys.len();
        bound.sets = (!is_plain).then_some(places);
        Ok(Some(bound))
    }

    fn group_key(&mut self, expr: &'q ast::Expr, items: &[Item]) -> Result<(Expr, String)> {
        let Some(position) = self.position(expr, items.len(), "GROUP BY")? else {
            return Ok((self.expression(expr, Clause::GroupBy)?, column_name(expr)));
        };
        let item = &items[position];
        if item.aggregates {
            let message = format!("GROUP BY {} is an aggregate", position + 1);
            return Err(Diagnostic::new(ErrorCode::ExpressionNotAggregate, message).at(self.span_of(expr)));
        }
        item.check_no_window()?;
        Ok((item.expr.clone(), item.name.clone()))
    }

    /// The sets that one element of GROUP BY stands for.
    fn sets_of(&self, expr: &'q ast::Expr) -> Result<Sets<'q>> {
        let written = |sets: &'q [Vec<ast::Expr>]| sets.iter().map(|set| set.iter().collect()).collect::<Sets<'q>>();
        Ok(match expr {
            ast::Expr::Rollup(parts) => rollup(&written(parts)),
            ast::Expr::Cube(parts) => cube(&written(parts), MOST_SETS).ok_or_else(|| self.too_many(expr))?,
            ast::Expr::GroupingSets(sets) => {
                let mut all = Vec::new();
                for set in sets {
                    match &set[..] {
                        [only] => all.extend(self.sets_of(only)?),
                        keys => all.push(keys.iter().collect()),
                    }
                }
                all
            }
            // `(a, b)` is both keys, `()` none.
            ast::Expr::Tuple(keys) => vec![keys.iter().collect()],
            // Inside GROUPING SETS the parser takes ROLLUP and CUBE for functions.
            ast::Expr::Function(call) => match (call.name.to_string().to_lowercase().as_str(), parts(call)) {
                ("rollup", Some(parts)) => rollup(&parts),
                ("cube", Some(parts)) => cube(&parts, MOST_SETS).ok_or_else(|| self.too_many(expr))?,
                _ => vec![vec![expr]],
            },
            _ => vec![vec![expr]],
        })
    }

    fn too_many(&self, expr: &ast::Expr) -> Diagnostic {
        let message = format!("CUBE stands for more than {MOST_SETS} grouping sets");
        Diagnostic::new(ErrorCode::InvalidArguments, message).at(self.span_of(expr))
    }
}

/// The parts of `rollup(a, (b, c))` as a call.
fn parts(call: &ast::Function) -> Option<Sets<'_>> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let part = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Tuple(ref keys))) => Some(keys.iter().collect()),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(vec![expr]),
        _ => None,
    };
    list.args.iter().map(part).collect()
}

/// All of the parts, then one less each time, down to none.
fn rollup<'q>(parts: &[Vec<&'q ast::Expr>]) -> Sets<'q> {
    (0..=parts.len()).rev().map(|count| parts[..count].concat()).collect()
}

/// Every choice of parts, those with the first parts first; None if there are more than `most`.
fn cube<'q>(parts: &[Vec<&'q ast::Expr>], most: usize) -> Option<Sets<'q>> {
    let count = parts.len();
    if count >= usize::BITS as usize - 1 || 1 << count > most {
        return None;
    }
    let chosen =
        |set: usize| (0..count).filter(move |i| set >> (count - 1 - i) & 1 == 1).flat_map(|i| parts[i].clone());
    Some((0..1usize << count).rev().map(|set| chosen(set).collect()).collect())
}
