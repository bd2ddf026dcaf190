//! The SQL that is understood: DuckDB's, as sqlparser has it, plus what that dialect leaves out.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, ObjectName, TypedString, UnaryOperator,
};
use sqlparser::dialect::{Dialect, DuckDbDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use std::any::TypeId;

/// DuckDB's dialect with nested comments, escape strings, and ORDER BY / GROUP BY ALL.
#[derive(Debug, Default, Clone, Copy)]
pub struct FaultlabDialect;

/// `^` and `**`: above multiplication, below casts.
const POWER: u8 = 45;
/// A sign before its number: -2 ^ 2 is 4, as in DuckDB.
const SIGN: u8 = 46;
/// `||`, `&`, `|`, `<<`, `>>`, `~` and every other operator without a place of its own: below addition, above comparison, all alike.
const OTHER: u8 = 25;
/// LIKE, GLOB, SIMILAR TO, IN, BETWEEN: above comparison.
const TEST: u8 = 22;

/// Timestamps by their unit.
const UNITS: [&str; 4] = ["TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_US", "TIMESTAMP_NS"];

impl Dialect for FaultlabDialect {
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        // `TIMESTAMP_NS '...'`: the parser knows literals of the types of the standard only.
        if let Token::Word(word) = &parser.peek_token_ref().token
            && UNITS.iter().any(|name| word.value.eq_ignore_ascii_case(name))
            && matches!(parser.peek_nth_token_ref(1).token, Token::SingleQuotedString(_))
        {
            let name = Ident::with_span(parser.peek_token_ref().span, word.value.clone());
            let data_type = DataType::Custom(ObjectName::from(vec![name]), vec![]);
            parser.advance_token();
            let typed = |value| Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false });
            return Some(parser.parse_value().map(typed));
        }
        let (op, precedence) = match parser.peek_token_ref().token {
            Token::Minus => (UnaryOperator::Minus, SIGN),
            Token::Plus => (UnaryOperator::Plus, SIGN),
            Token::Tilde => (UnaryOperator::BitwiseNot, OTHER),
            Token::AtSign => (UnaryOperator::PGAbs, OTHER),
            _ => return None,
        };
        parser.advance_token();
        let expr = parser.parse_subexpr(precedence);
        Some(expr.map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
    }

    fn parse_infix(&self, parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        if parser.peek_token_ref().token == Token::Mul && parser.peek_nth_token_ref(1).token == Token::Mul {
            parser.advance_token();
            parser.advance_token();
            let power = |right| Expr::BinaryOp {
                left: Box::new(left.clone()),
                op: BinaryOperator::PGExp,
                right: Box::new(right),
            };
            return Some(parser.parse_subexpr(precedence).map(power));
        }
        // `&&` and `<->`, which the parser knows in other dialects only.
        let of_lists = match (&parser.peek_token_ref().token, &parser.peek_nth_token_ref(1).token) {
            (Token::Overlap, _) => Some((BinaryOperator::PGOverlap, 1)),
            (Token::Lt, Token::Arrow) => Some((BinaryOperator::LtDashGt, 2)),
            _ => None,
        };
        if let Some((op, tokens)) = of_lists {
            (0..tokens).for_each(|_| parser.advance_token());
            let joined = |right| Expr::BinaryOp { left: Box::new(left.clone()), op, right: Box::new(right) };
            return Some(parser.parse_subexpr(precedence).map(joined));
        }
        let negated = parser.peek_keyword(Keyword::NOT);
        if let Some(contained) = in_value(parser, left, negated, precedence) {
            return Some(contained);
        }
        let is_glob = |token: &Token| matches!(token, Token::Word(word) if word.keyword == Keyword::GLOB);
        let op = match &parser.peek_nth_token_ref(usize::from(negated)).token {
            token if is_glob(token) => BinaryOperator::Glob,
            Token::CaretAt if !negated => BinaryOperator::PGStartsWith,
            _ => return None,
        };
        if negated {
            parser.advance_token();
        }
        parser.advance_token();
        let right = parser.parse_subexpr(precedence);
        let test = |right| Expr::BinaryOp { left: Box::new(left.clone()), op, right: Box::new(right) };
        Some(right.map(|right| with_not(test(right), negated)))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            Token::Caret => Some(Ok(POWER)),
            Token::Mul if parser.peek_nth_token_ref(1).token == Token::Mul => Some(Ok(POWER)),
            Token::Lt if parser.peek_nth_token_ref(1).token == Token::Arrow => Some(Ok(OTHER)),
            Token::StringConcat
            | Token::Overlap
            | Token::AtArrow
            | Token::ArrowAt
            | Token::Spaceship
            | Token::Pipe
            | Token::Ampersand
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::CaretAt
            | Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk => Some(Ok(OTHER)),
            _ => None,
        }
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            Precedence::Like | Precedence::Between => TEST,
            other => DuckDbDialect.prec_value(other),
        }
    }

    fn supports_factorial_operator(&self) -> bool {
        true
    }

    /// The parser asks for DuckDB by type in a few places (`//`, `EXCLUDE`).
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        DuckDbDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        DuckDbDialect.is_identifier_part(ch)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        DuckDbDialect.identifier_quote_style(identifier)
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_trailing_commas(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_eq_operator(&self) -> bool {
        false
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_extract_comma_syntax(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_select_wildcard_rename(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        false
    }
}

/// `x [NOT] IN value`, without brackets: whether the list, map or text contains it.
fn in_value(parser: &mut Parser, left: &Expr, negated: bool, precedence: u8) -> Option<Result<Expr, ParserError>> {
    let at = usize::from(negated);
    let is_keyword = |token: &Token, keyword| matches!(token, Token::Word(word) if word.keyword == keyword);
    let behind = &parser.peek_nth_token_ref(at + 1).token;
    // `IN UNNEST(list)` is in the parser already.
    if !is_keyword(&parser.peek_nth_token_ref(at).token, Keyword::IN)
        || *behind == Token::LParen
        || is_keyword(behind, Keyword::UNNEST)
    {
        return None;
    }
    let place = parser.peek_nth_token_ref(at).span;
    for _ in 0..=at {
        parser.advance_token();
    }
    let argument = |value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value));
    Some(parser.parse_subexpr(precedence).map(|value| {
        let args = FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(value), argument(left.clone())],
            clauses: Vec::new(),
        };
        let contains = Expr::Function(Function {
            name: Ident::with_span(place, "contains").into(),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(args),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        });
        with_not(contains, negated)
    }))
}

fn with_not(test: Expr, negated: bool) -> Expr {
    match negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(test))) },
        false => test,
    }
}
