//! How deep a statement may be. Everything after parsing walks trees by recursion, so a statement that is deeper than
//! this is refused with its place; long AND and OR chains are not deep once they are balanced.

use super::source::{SourceMap, Tokens};
use super::{Diagnostic, Span};
use crate::journal::ErrorCode;
use sqlparser::ast::{self, BinaryOperator, Expr, SetExpr, Spanned, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;
use std::ops::ControlFlow;

/// Open brackets inside each other; CASE in CASE and prefix operators in a row too.
pub const MAX_BRACKETS: usize = 200;
/// Operators and calls inside each other, after balancing.
pub const MAX_DEPTH: usize = 500;
/// Of the parser's own recursion; above what the other two limits let through.
pub const PARSER_RECURSION: usize = 3000;
/// Chains of AND and OR longer than this are balanced.
const LONG_CHAIN: usize = 64;

/// NOT_SUPPORTED at the bracket, CASE or prefix operator that is one too deep: the parser is slow and unclear about them.
pub fn check_brackets(tokens: &Tokens) -> Result<(), Diagnostic> {
    let (mut brackets, mut cases, mut prefixes) = (0_usize, 0_usize, 0_usize);
    for placed in &tokens.placed {
        let keyword = match &placed.token {
            Token::Word(word) if word.quote_style.is_none() => word.keyword,
            _ => Keyword::NoKeyword,
        };
        let is_prefix = keyword == Keyword::NOT || matches!(placed.token, Token::Minus | Token::Plus | Token::Tilde);
        prefixes = if is_prefix { prefixes + 1 } else { 0 };
        match placed.token {
            Token::LParen | Token::LBracket | Token::LBrace => brackets += 1,
            Token::RParen | Token::RBracket | Token::RBrace => brackets = brackets.saturating_sub(1),
            Token::Word(_) if keyword == Keyword::CASE => cases += 1,
            Token::Word(_) if keyword == Keyword::END => cases = cases.saturating_sub(1),
            _ => {}
        }
        let counts = [(brackets, "brackets are"), (cases, "CASE is"), (prefixes, "operators are")];
        if let Some((_, what)) = counts.iter().find(|(count, _)| *count > MAX_BRACKETS) {
            return Err(Diagnostic::new(
                ErrorCode::NotSupported,
                format!("{what} nested more than {MAX_BRACKETS} deep"),
            )
            .at(placed.span)
            .hint("take out what is not needed, or split the query with WITH"));
        }
    }
    Ok(())
}

/// Balances long AND and OR chains, then refuses what is still too deep.
pub fn limit_depth(query: &mut impl VisitMut, map: &SourceMap) -> Result<(), Diagnostic> {
    match query.visit(&mut DepthLimit { depth: 0, map }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct DepthLimit<'a> {
    depth: usize,
    map: &'a SourceMap,
}

impl DepthLimit<'_> {
    fn too_deep(&self, what: String, place: Option<Span>) -> ControlFlow<Box<Diagnostic>> {
        ControlFlow::Break(Box::new(
            Diagnostic::new(ErrorCode::NotSupported, what)
                .at(place)
                .hint("IN lists, VALUES and chains of AND or OR may be as long as you like"),
        ))
    }
}

impl VisitorMut for DepthLimit<'_> {
    type Break = Box<Diagnostic>;

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Self::Break> {
        let (mut body, mut count) = (&*query.body, 0);
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
            count += 1;
        }
        if count > MAX_DEPTH {
            let place = self.map.span(body.span());
            return self.too_deep(format!("more than {MAX_DEPTH} set operations in a row"), place);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        balance(expr);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let place = self.map.span(leftmost(expr).span());
            return self.too_deep(format!("the expression is nested more than {MAX_DEPTH} deep"), place);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &mut Expr) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

fn leftmost(mut expr: &Expr) -> &Expr {
    while let Expr::BinaryOp { left, .. } = expr {
        expr = left;
    }
    expr
}

fn is_logical(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::And | BinaryOperator::Or)
}

/// Turns a left-deep chain of one logical operator into a balanced tree of the same operands in the same order.
fn balance(expr: &mut Expr) {
    let Expr::BinaryOp { op, .. } = &*expr else { return };
    if !is_logical(op) {
        return;
    }
    let operator = op.clone();
    let (mut at, mut length) = (&*expr, 0);
    while let Expr::BinaryOp { left, op, .. } = at
        && *op == operator
    {
        at = left;
        length += 1;
    }
    if length <= LONG_CHAIN {
        return;
    }
    let mut operands = Vec::with_capacity(length + 1);
    let mut rest = std::mem::replace(expr, placeholder());
    loop {
        match rest {
            Expr::BinaryOp { left, op, right } if op == operator => {
                operands.push(*right);
                rest = *left;
            }
            first => {
                operands.push(first);
                break;
            }
        }
    }
    operands.reverse();
    *expr = join_balanced(operands, &operator);
}

fn placeholder() -> Expr {
    Expr::Tuple(Vec::new())
}

fn join_balanced(mut operands: Vec<Expr>, operator: &BinaryOperator) -> Expr {
    if operands.len() == 1 {
        return operands.remove(0);
    }
    let right = operands.split_off(operands.len() / 2);
    Expr::BinaryOp {
        left: Box::new(join_balanced(operands, operator)),
        op: operator.clone(),
        right: Box::new(join_balanced(right, operator)),
    }
}
