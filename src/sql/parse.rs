//! Text to one parsed statement: our own statements from tokens, queries by sqlparser.

use super::diagnostic::{Diagnostic, Result, Span};
use super::dialect::FaultlabDialect;
use super::exclusion::without_exclusions;
use super::limits::{PARSER_RECURSION, check_brackets, limit_depth};
use super::own_statement;
use super::respell::respell;
use super::source::{PlacedToken, Tokens, tokenize};
use super::split::split;
use super::statement::{ParsedStatement, Statement};
use super::suggest::{did_you_mean, similar};
use super::with_deep_stack;
use crate::journal::ErrorCode;
use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// Parses one statement, with or without its semicolon. Spans in the result count bytes of its `text`; the span of an
/// error counts bytes of the text that was given. SYNTAX_ERROR says what was expected; NOT_SUPPORTED names what is
/// understood but cannot be run.
pub fn parse(text: &str) -> Result<ParsedStatement> {
    with_deep_stack(|| {
        let pieces = split(text);
        let Some(piece) = pieces.first() else {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "there is no statement here"));
        };
        if let Some(second) = pieces.get(1) {
            let start = second.offset as u32;
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "more than one statement where one was expected")
                .at(Span { start, end: start + 1 }));
        }
        match parse_piece(piece.text) {
            Ok(statement) => Ok(ParsedStatement { text: piece.text.to_string(), statement }),
            Err(mut error) => {
                let shift = piece.offset as u32;
                error.span = error.span.map(|s| Span { start: s.start + shift, end: s.end + shift });
                Err(error)
            }
        }
    })
}

fn parse_piece(text: &str) -> Result<Statement> {
    let tokens = tokenize(text)?;
    check_brackets(&tokens)?;
    own_statement::parse(text, &tokens)
}

/// Parses the tokens from the `from`-th on as one query, to the end of the statement.
pub fn parse_query(text: &str, tokens: &Tokens, from: usize) -> Result<Box<ast::Query>> {
    let Some(first) = tokens.placed.get(from) else {
        return Err(Diagnostic::new(ErrorCode::SyntaxError, "syntax error at the end of the statement")
            .at(end_of(text))
            .hint("expected a query here"));
    };
    let first_raw = tokens
        .raw
        .iter()
        .position(|t| tokens.map.span(t.span).is_some_and(|s| s.start >= first.span.start))
        .unwrap_or(tokens.raw.len());
    let mut parser = Parser::new(&FaultlabDialect)
        .with_recursion_limit(PARSER_RECURSION)
        .with_tokens_with_locations(without_exclusions(respell(&tokens.raw[first_raw..])));
    let parsed = parser.parse_query();
    let mut query = parsed.map_err(|error| syntax_error(text, tokens, error, &parser))?;
    let next = parser.next_token();
    if next.token != Token::EOF {
        let place = tokens.map.span(next.span);
        return Err(near(text, tokens, place, "the end of the statement"));
    }
    limit_depth(&mut query, &tokens.map)?;
    Ok(query)
}

/// Parses an expression that stands alone, such as the default of a column.
pub fn parse_expression(text: &str) -> Result<ast::Expr> {
    let tokens = tokenize(text)?;
    check_brackets(&tokens)?;
    let mut parser = Parser::new(&FaultlabDialect)
        .with_recursion_limit(PARSER_RECURSION)
        .with_tokens_with_locations(respell(&tokens.raw));
    let parsed = parser.parse_expr();
    let mut expression = parsed.map_err(|error| syntax_error(text, &tokens, error, &parser))?;
    let next = parser.next_token();
    if next.token != Token::EOF {
        return Err(near(text, &tokens, tokens.map.span(next.span), "the end of the expression"));
    }
    limit_depth(&mut expression, &tokens.map)?;
    Ok(expression)
}

/// Parses the text of a macro with every token at one place: that of its call.
pub fn parse_macro_body<T>(
    text: &str,
    place: sqlparser::tokenizer::Span,
    parse: impl FnOnce(&mut Parser) -> std::result::Result<T, ParserError>,
) -> Result<T> {
    let tokens = tokenize(text)?;
    let moved = respell(&tokens.raw).into_iter().map(|token| TokenWithSpan { span: place, ..token }).collect();
    let mut parser =
        Parser::new(&FaultlabDialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(moved);
    let parsed = parse(&mut parser);
    parsed.map_err(|error| syntax_error(text, &tokens, error, &parser))
}

/// Parses the name of a type, such as `DECIMAL(10,2)`.
pub fn parse_type(text: &str) -> Result<ast::DataType> {
    let tokens = tokenize(text)?;
    let mut parser = Parser::new(&FaultlabDialect).with_tokens_with_locations(tokens.raw.clone());
    let wrong = || Diagnostic::new(ErrorCode::TypeMismatch, format!("there is no type \"{}\"", shorten(text)));
    let parsed = parser.parse_data_type().map_err(|_| wrong())?;
    if parser.next_token().token == Token::EOF { Ok(parsed) } else { Err(wrong()) }
}

/// Parses the tokens from the `from`-th on, but for those in `left_out`, as a statement that changes something.
pub fn parse_change(text: &str, tokens: &Tokens, from: usize, left_out: &[usize]) -> Result<Box<ast::Statement>> {
    let starts: Vec<u32> = left_out.iter().filter_map(|at| tokens.placed.get(*at)).map(|t| t.span.start).collect();
    let first = tokens.placed.get(from).map_or(0, |t| t.span.start);
    let kept = |token: &TokenWithSpan| {
        tokens.map.span(token.span).is_none_or(|s| s.start >= first && !starts.contains(&s.start))
    };
    let raw: Vec<TokenWithSpan> = tokens.raw.iter().filter(|token| kept(token)).cloned().collect();
    let mut parser =
        Parser::new(&FaultlabDialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(respell(&raw));
    let parsed = parser.parse_statement();
    let mut statement = parsed.map_err(|error| syntax_error(text, tokens, error, &parser))?;
    let next = parser.next_token();
    if next.token != Token::EOF {
        return Err(near(text, tokens, tokens.map.span(next.span), "the end of the statement"));
    }
    limit_depth(&mut statement, &tokens.map)?;
    Ok(Box::new(statement))
}

/// The place just behind the text.
pub fn end_of(text: &str) -> Span {
    Span { start: text.len() as u32, end: text.len() as u32 }
}

fn syntax_error(text: &str, tokens: &Tokens, error: ParserError, parser: &Parser) -> Diagnostic {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Diagnostic::new(ErrorCode::NotSupported, "the statement is nested too deeply")
                .hint("split the query with WITH");
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let (message, place) = cut_location(&message);
    let place = place.and_then(|at| tokens.map.offset(at));
    let place = place.map(|start| {
        let end =
            tokens.placed.iter().find(|t| t.span.start as usize == start).map_or(start as u32 + 1, |t| t.span.end);
        Span { start: start as u32, end }
    });
    // Not every message has its place: then it is where the parser stopped.
    let stopped =
        || Some(parser.peek_token_ref()).filter(|t| t.token != Token::EOF).and_then(|t| tokens.map.span(t.span));
    let expected = ["Expected: ", "Expected ", "expected "].iter().find_map(|prefix| message.strip_prefix(prefix));
    match expected.map(|rest| rest.split_once(", found").unwrap_or((rest, ""))) {
        Some((what, "")) => near(text, tokens, place.or_else(stopped), what),
        Some((what, found)) => {
            let place = place.filter(|_| found.trim_start_matches([':', ' ']) != "EOF");
            near(text, tokens, place, what)
        }
        None if message.starts_with("No infix parser") => {
            near(text, tokens, place.or_else(stopped), "an operator such as =, AND or ||")
        }
        None => Diagnostic::new(ErrorCode::SyntaxError, format!("syntax error: {}", lower_first(message))).at(place),
    }
}

/// What the parser does not know and people may write, by name.
fn refused(tokens: &Tokens) -> Option<Diagnostic> {
    let is = |token: &PlacedToken, word: &str| match &token.token {
        Token::Word(found) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
        _ => false,
    };
    const REFUSED: &[(&str, &str, &str)] =
        &[("USING", "KEY", "USING KEY of WITH RECURSIVE"), ("WITH", "TIES", "WITH TIES")];
    tokens.placed.windows(2).find_map(|pair| {
        let (.., name) = REFUSED.iter().find(|(first, second, _)| is(&pair[0], first) && is(&pair[1], second))?;
        let place = pair[0].span.to(pair[1].span);
        Some(Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {name}")).at(place))
    })
}

/// Takes `... at Line: 1, Column: 8` apart.
fn cut_location(message: &str) -> (&str, Option<Location>) {
    let Some(at) = message.rfind(" at Line: ") else { return (message, None) };
    let numbers: Vec<u64> =
        message[at..].split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    match numbers[..] {
        [line, column] if line > 0 => (&message[..at], Some(Location { line, column })),
        _ => (&message[..at], None),
    }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// The words that people mistype.
const KEYWORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "OUTER",
    "USING",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "DISTINCT",
    "BETWEEN",
    "VALUES",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "INTERVAL",
    "EXISTS",
    "NULLS",
    "FIRST",
    "LAST",
    "NATURAL",
    "WITH",
    "EXPLAIN",
    "ANALYZE",
];

/// `syntax error at or near "x"`, what was expected, and the keyword that this or the word before was probably meant to be.
fn near(text: &str, tokens: &Tokens, place: Option<Span>, expected: &str) -> Diagnostic {
    if let Some(refusal) = refused(tokens) {
        return refusal;
    }
    let span = place.unwrap_or(end_of(text));
    let message = match text.get(span.start as usize..span.end as usize) {
        Some(found) if !found.is_empty() => format!("syntax error at or near \"{}\"", shorten(found)),
        _ => "syntax error at the end of the statement".to_string(),
    };
    let expected = match expected {
        "identifier" => "a name",
        "date/time field" => "a part of a date or a time, such as year, month or hour",
        other => other,
    };
    let index = tokens.placed.iter().position(|t| t.span.start >= span.start).unwrap_or(tokens.placed.len());
    // GROUP, ORDER and PARTITION without BY end what could be before them.
    if let Some(Token::Word(word)) = tokens.placed.get(index).map(|t| &t.token)
        && matches!(word.keyword, Keyword::GROUP | Keyword::ORDER | Keyword::PARTITION)
        && word.quote_style.is_none()
    {
        let behind = tokens.placed.get(index + 1);
        let is_by = behind.is_some_and(|t| matches!(&t.token, Token::Word(w) if w.keyword == Keyword::BY));
        if !is_by {
            let span = behind.map_or(end_of(text), |t| t.span);
            let message = match text.get(span.start as usize..span.end as usize) {
                Some(found) if !found.is_empty() => format!("syntax error at or near \"{}\"", shorten(found)),
                _ => "syntax error at the end of the statement".to_string(),
            };
            let hint = format!("expected BY behind {}", word.value.to_uppercase());
            return Diagnostic::new(ErrorCode::SyntaxError, message).at(span).hint(hint);
        }
    }
    let suspects = [tokens.placed.get(index), index.checked_sub(1).and_then(|i| tokens.placed.get(i))];
    let meant = suspects.into_iter().flatten().find_map(|t| match &t.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.len() > 3 => {
            let upper = word.value.to_uppercase();
            let close = similar(&upper, KEYWORDS.iter().copied().filter(|k| k.len() > 3));
            // The first letters are seldom wrong; a short word that differs in two is another word.
            let meant = close.iter().find(|k| k.starts_with(&upper)).or(close.first());
            meant
                .filter(|k| {
                    **k != upper && super::suggest::edit_distance(k, &upper) <= 1 + usize::from(upper.len() > 5)
                })
                .map(|k| k.to_string())
        }
        _ => None,
    });
    let hint = match meant {
        Some(keyword) => did_you_mean(&[keyword]).unwrap_or_default(),
        None => format!("expected {expected}"),
    };
    Diagnostic::new(ErrorCode::SyntaxError, message).at(span).hint(hint)
}

/// At most 40 characters of a token.
fn shorten(found: &str) -> String {
    let mut chars = found.chars();
    let head: String = chars.by_ref().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() { format!("{head}...") } else { head }
}
