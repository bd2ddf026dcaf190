//! The state of binding one statement, and its entry point.

use super::recursive::QueryRunner;
use super::scope::{Scope, ScopeColumn};
use crate::catalog::{TableRef, TableSource};
use crate::functions::QueryClock;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::logical::Query;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::exclusion::{Exclusion, exclusion_before};
use crate::sql::source::{PlacedToken, SourceMap, tokenize};
use crate::sql::{DataType, with_deep_stack};
use sqlparser::ast;
use sqlparser::tokenizer::Token;
use std::collections::BTreeMap;

/// What a query is bound against.
#[derive(Clone, Copy)]
pub struct BindContext<'a> {
    pub tables: &'a dyn TableSource,
    /// What `current_date` and its like become: literals, so that every task sees the same.
    pub clock: QueryClock,
    /// Runs what has to be known before the statement can be bound: the rounds of WITH RECURSIVE.
    pub runner: &'a dyn QueryRunner,
}

/// Binds a query of the statement `text` (the text that the query's places count in).
///
/// Errors point into `text`: COLUMN_NOT_FOUND, TABLE_NOT_FOUND, AMBIGUOUS_NAME, FUNCTION_NOT_FOUND, TYPE_MISMATCH,
/// EXPRESSION_NOT_AGGREGATE, and NOT_SUPPORTED for SQL that is understood but not built yet.
pub fn bind(query: &ast::Query, text: &str, context: &BindContext) -> Result<Query> {
    with_deep_stack(|| {
        let mut binder = Binder::new(text, *context)?;
        let bound = binder.query(query)?;
        Ok(Query { plan: bound.plan, output: bound.output, next_column: binder.next_column })
    })
}

/// How many tables, counting those of every use of a CTE, a statement may read: names of names can grow without bound.
const MAX_RELATIONS: usize = 1000;

/// A common table expression that can be named.
#[derive(Clone, Copy)]
pub(super) struct Cte<'q> {
    pub definition: &'q ast::Cte,
    /// How many CTEs it can see itself: those before it.
    pub visible: usize,
    /// How many scopes are around its WITH.
    pub depth: usize,
    /// While its recursive part is bound: the rows of the last round, an index into [`Binder::rounds`].
    pub round: Option<usize>,
    /// Whether it may read itself: WITH RECURSIVE, and it does.
    pub recursive: bool,
}

/// The state of binding one statement.
pub(super) struct Binder<'q> {
    pub context: BindContext<'q>,
    map: SourceMap,
    /// From the place of an opening bracket to the end of the closing one.
    brackets: BTreeMap<u32, u32>,
    /// The tokens of the statement.
    tokens: Vec<PlacedToken>,
    /// Quoted texts, whose places the parser loses where they are names of files.
    texts: Vec<(String, Span)>,
    text: &'q str,
    pub next_column: u32,
    /// What names can mean here, the innermost query last.
    pub scopes: Vec<Scope<'q>>,
    /// The parameters of the lambdas around, the innermost last.
    pub params: Vec<ScopeColumn>,
    pub ctes: Vec<Cte<'q>>,
    /// The last rows of the recursive queries that are being worked out, the innermost last.
    pub rounds: Vec<TableRef>,
    /// All rows of those that are worked out, and of CTEs that would have others every time.
    pub recursions: Vec<(&'q ast::Cte, TableRef)>,
    /// How many rows of the next recursive query are asked for.
    pub enough: Option<u64>,
    /// The column that COLUMNS(...) stands for while an item of the select list is bound.
    pub columns_choice: Option<Expr>,
    relations: usize,
    /// How many views are around what is bound.
    pub view_depth: usize,
}

impl<'q> Binder<'q> {
    pub fn new(text: &'q str, context: BindContext<'q>) -> Result<Binder<'q>> {
        let tokens = tokenize(text)?;
        let mut brackets = BTreeMap::new();
        let mut texts = Vec::new();
        let mut open = Vec::new();
        for placed in &tokens.placed {
            match &placed.token {
                Token::LParen => open.push(placed.span.start),
                Token::RParen => {
                    if let Some(start) = open.pop() {
                        brackets.insert(start, placed.span.end);
                    }
                }
                Token::SingleQuotedString(text) => texts.push((text.clone(), placed.span)),
                _ => {}
            }
        }
        Ok(Binder {
            context,
            map: tokens.map,
            brackets,
            tokens: tokens.placed,
            texts,
            text,
            next_column: 0,
            scopes: Vec::new(),
            params: Vec::new(),
            ctes: Vec::new(),
            rounds: Vec::new(),
            recursions: Vec::new(),
            enough: None,
            columns_choice: None,
            relations: 0,
            view_depth: 0,
        })
    }

    /// The statement.
    pub fn text(&self) -> &'q str {
        self.text
    }

    /// A new column.
    pub fn column(&mut self, name: impl Into<String>, dtype: DataType) -> ColumnDef {
        let id = ColumnId(self.next_column);
        self.next_column += 1;
        ColumnDef { id, name: name.into(), dtype }
    }

    /// The next free number of a column.
    pub fn next_column(&self) -> u32 {
        self.next_column
    }

    /// The bytes of a parser's span.
    pub fn span(&self, span: sqlparser::tokenizer::Span) -> Option<Span> {
        // Places in the text of a view are nowhere in the statement.
        self.map.span(span).filter(|_| self.view_depth == 0)
    }

    /// The bytes of anything that the parser placed.
    pub fn span_of(&self, node: &impl ast::Spanned) -> Option<Span> {
        self.span(node.span())
    }

    /// How often the statement says a name.
    pub fn mentions(&self, name: &str) -> usize {
        let is_name =
            |token: &&PlacedToken| matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case(name));
        self.tokens.iter().filter(is_name).count()
    }

    /// From a function's name to its closing bracket.
    pub fn call_span(&self, name: Option<Span>) -> Option<Span> {
        let name = name?;
        let rest = self.text.get(name.end as usize..)?;
        let open = name.end + (rest.len() - rest.trim_start().len()) as u32;
        Some(Span { start: name.start, end: self.brackets.get(&open).copied().unwrap_or(name.end) })
    }

    /// The exclusion of the frame in `OVER (...)`, where the arguments of the call end at `end`.
    pub fn exclusion_of_call(&self, end: u32) -> Option<Exclusion> {
        let mut at = self.tokens.partition_point(|t| t.span.start < end);
        while !is_word(self.tokens.get(at)?, "OVER") {
            // What is in brackets belongs to FILTER.
            at = if self.tokens[at].token == Token::LParen { self.closing(at)? + 1 } else { at + 1 };
        }
        exclusion_before(&self.tokens, self.closing(at + 1)?)
    }

    /// The exclusion of the frame in `WINDOW w AS (...)`, where the name ends at `end`.
    pub fn exclusion_of_definition(&self, end: u32) -> Option<Exclusion> {
        let at = self.tokens.partition_point(|t| t.span.start < end);
        exclusion_before(&self.tokens, self.closing(at + 1)?)
    }

    /// The token that closes the bracket at a token.
    fn closing(&self, at: usize) -> Option<usize> {
        let end = *self.brackets.get(&self.tokens.get(at)?.span.start)?;
        Some(self.tokens.partition_point(|t| t.span.end < end))
    }

    /// The first quoted text of that content.
    pub fn text_place(&self, content: &str) -> Option<Span> {
        let found = self.texts.iter().find(|(text, _)| text == content).map(|(_, place)| *place);
        found.filter(|_| self.view_depth == 0)
    }

    /// Starts to count again: the tables read so far belong to a query that has run.
    pub fn forget_relations(&mut self) {
        self.relations = 0;
    }

    /// Counts a table that is read. NOT_SUPPORTED beyond the limit.
    pub fn count_relation(&mut self, place: Option<Span>) -> Result<()> {
        self.relations += 1;
        if self.relations > MAX_RELATIONS {
            return Err(Diagnostic::new(
                ErrorCode::NotSupported,
                format!("the query reads more than {MAX_RELATIONS} tables, counting every use of a WITH query"),
            )
            .at(place));
        }
        Ok(())
    }
}

fn is_word(token: &PlacedToken, text: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

/// NOT_SUPPORTED, at a place.
pub(super) fn not_supported(what: impl std::fmt::Display, place: Option<Span>) -> Diagnostic {
    Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {what}")).at(place)
}
