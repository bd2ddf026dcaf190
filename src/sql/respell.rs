//! DuckDB's spellings that the parser does not know, put into words that it does. Every token keeps its place in the text, so
//! that errors point to what was written.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// The name of the call that stands for `USING SAMPLE` in a QUALIFY clause.
pub const USING_SAMPLE: &str = "__using_sample";

/// The tokens without blanks, in the parser's spelling:
/// - `AS [NOT] MATERIALIZED (` without the advice, which the parser takes in PostgreSQL's dialect only;
/// - `ASOF [LEFT] JOIN` as `GLOBAL STRAIGHT_JOIN` and `GLOBAL RIGHT SEMI JOIN`, and `POSITIONAL JOIN` as `OUTER APPLY`: no one
///   writes those here;
/// - `TABLESAMPLE 10%`, `TABLESAMPLE reservoir(5 ROWS)` as `TABLESAMPLE ROW (5 ROWS)` and so on;
/// - `USING SAMPLE 10% (bernoulli, 42)` as `QUALIFY __using_sample(10, 'percent', 'bernoulli', 42)`;
/// - `#2`, a column by its position, as a name;
/// - `FILTER (condition)` with its WHERE;
/// - PIVOT and UNPIVOT as queries (`pivot.rs`);
/// - `* LIKE 'a%'` in a select list as `COLUMNS('LIKE', 'a%')`;
/// - the shorthands of `shorthand.rs`;
/// - `IN ((SELECT 1), 2)` as `IN (coalesce((SELECT 1)), 2)`: the parser takes what begins with a query in brackets for one.
pub fn respell(raw: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let input: Vec<&TokenWithSpan> = raw.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    let mut tokens = Respelled { input, at: 0, output: Vec::with_capacity(raw.len()) };
    while tokens.at < tokens.input.len() {
        let done = tokens.materialized()
            || tokens.reads_from_first()
            || tokens.described()
            || tokens.name_before()
            || tokens.method()
            || tokens.comprehension()
            || tokens.is_null()
            || tokens.collated_cast()
            || tokens.limit_percent()
            || tokens.row_type()
            || tokens.unpacked()
            || tokens.escaped_text()
            || tokens.join()
            || tokens.pivot()
            || tokens.table_sample()
            || tokens.using_sample()
            || tokens.position()
            || tokens.filter()
            || tokens.star_like()
            || tokens.query_in_list();
        if !done {
            tokens.keep(1);
        }
    }
    tokens.output
}

pub(super) struct Respelled<'a> {
    pub(super) input: Vec<&'a TokenWithSpan>,
    pub(super) at: usize,
    pub(super) output: Vec<TokenWithSpan>,
}

/// A sample's size: the digits, and whether they are percent.
struct Size {
    digits: String,
    percent: bool,
}

impl Respelled<'_> {
    pub(super) fn token(&self, ahead: usize) -> &Token {
        self.input.get(self.at + ahead).map_or(&Token::EOF, |t| &t.token)
    }

    fn word(&self, ahead: usize) -> &str {
        match self.token(ahead) {
            Token::Word(word) if word.quote_style.is_none() => &word.value,
            _ => "",
        }
    }

    pub(super) fn is(&self, ahead: usize, word: &str) -> bool {
        self.word(ahead).eq_ignore_ascii_case(word)
    }

    pub(super) fn place(&self) -> Span {
        self.input.get(self.at).or(self.input.last()).map_or(Span::empty(), |t| t.span)
    }

    pub(super) fn keep(&mut self, count: usize) {
        let end = (self.at + count).min(self.input.len());
        self.output.extend(self.input[self.at..end].iter().map(|t| (*t).clone()));
        self.at = end;
    }

    pub(super) fn put(&mut self, token: Token, span: Span) {
        self.output.push(TokenWithSpan { token, span });
    }

    pub(super) fn put_word(&mut self, word: &str, span: Span) {
        self.put(Token::make_keyword(word), span);
    }

    fn pivot(&mut self) -> bool {
        let verb = match self.word(0).to_uppercase().as_str() {
            "PIVOT" | "PIVOT_WIDER" => "PIVOT",
            "UNPIVOT" | "PIVOT_LONGER" => "UNPIVOT",
            _ => return false,
        };
        let mut rest: Vec<TokenWithSpan> = self.input[self.at..].iter().map(|t| (*t).clone()).collect();
        rest[0].token = Token::make_keyword(verb);
        let Some((made, length, taken)) = super::pivot::read(&rest, &self.output) else { return false };
        self.output.truncate(self.output.len() - taken);
        // There may be more inside.
        self.output.extend(respell(&made));
        self.at += length;
        true
    }

    fn materialized(&mut self) -> bool {
        let negated = self.is(1, "NOT");
        let advice = if negated { 2 } else { 1 };
        let found = self.is(0, "AS") && self.is(advice, "MATERIALIZED") && *self.token(advice + 1) == Token::LParen;
        if found {
            self.keep(1);
            self.at += advice;
        }
        found
    }

    fn join(&mut self) -> bool {
        let place = self.place();
        if self.is(0, "POSITIONAL") && self.is(1, "JOIN") {
            self.at += 2;
            self.put_word("OUTER", place);
            self.put_word("APPLY", place);
            return true;
        }
        if !self.is(0, "ASOF") {
            return false;
        }
        let words: Vec<String> = (1..4).map(|ahead| self.word(ahead).to_uppercase()).collect();
        let (outer, length) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["JOIN", ..] => (false, 2),
            ["INNER", "JOIN", _] => (false, 3),
            ["LEFT", "JOIN", _] => (true, 3),
            ["LEFT", "OUTER", "JOIN"] => (true, 4),
            _ => return false,
        };
        self.at += length;
        let stands_for: &[&str] =
            if outer { &["GLOBAL", "RIGHT", "SEMI", "JOIN"] } else { &["GLOBAL", "STRAIGHT_JOIN"] };
        stands_for.iter().for_each(|word| self.put_word(word, place));
        true
    }

    fn query_in_list(&mut self) -> bool {
        if !(self.is(0, "IN") && *self.token(1) == Token::LParen && *self.token(2) == Token::LParen) {
            return false;
        }
        let Some(inside) = (2..).find(|ahead| *self.token(*ahead) != Token::LParen) else { return false };
        let starts_query = ["SELECT", "WITH", "FROM", "VALUES"].iter().any(|word| self.is(inside, word));
        // A query that is the first value of a row is inside of the row's bracket.
        let is_row = |open: &usize| self.closing(open + 1).is_some_and(|close| *self.token(close + 1) == Token::Comma);
        let open = (2..inside).find(|open| *open + 1 == inside || !is_row(open)).unwrap_or(2);
        // Behind a query in brackets may be UNION and the like, which make it a part of a query.
        let in_list = |close: &usize| !matches!(self.token(close + 1), Token::Word(_) | Token::RParen | Token::EOF);
        let Some(close) = self.closing(open).filter(in_list).filter(|_| starts_query) else { return false };
        self.keep(open);
        let place = self.place();
        let length = close + 1 - open;
        let query: Vec<TokenWithSpan> = self.input[self.at..self.at + length].iter().map(|t| (*t).clone()).collect();
        self.put(Token::make_word("coalesce", None), place);
        self.put(Token::LParen, place);
        self.output.extend(respell(&query));
        self.put(Token::RParen, place);
        self.at += query.len();
        true
    }

    /// Where the bracket that opens there is closed.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.input.len() - self.at).find(|ahead| {
            match self.token(*ahead) {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    /// A number with `%`, PERCENT, ROWS or nothing behind it, and how many tokens that is.
    fn size(&self, ahead: usize) -> Option<(Size, usize)> {
        let Token::Number(digits, _) = self.token(ahead) else { return None };
        let percent = *self.token(ahead + 1) == Token::Mod || self.is(ahead + 1, "PERCENT");
        let named = percent || self.is(ahead + 1, "ROWS");
        Some((Size { digits: digits.clone(), percent }, if named { 2 } else { 1 }))
    }

    fn table_sample(&mut self) -> bool {
        if !self.is(0, "TABLESAMPLE") {
            return false;
        }
        let place = self.place();
        let method = self.word(1).to_uppercase();
        let named = matches!(method.as_str(), "RESERVOIR" | "BERNOULLI" | "SYSTEM") as usize;
        let bracketed = (*self.token(1 + named) == Token::LParen) as usize;
        let Some((size, length)) = self.size(1 + named + bracketed) else { return false };
        let end = 1 + named + bracketed + length;
        if bracketed == 1 && *self.token(end) != Token::RParen {
            return false;
        }
        self.keep(1);
        match method.as_str() {
            "RESERVOIR" => self.put_word("ROW", place),
            "BERNOULLI" | "SYSTEM" => self.put_word(&method, place),
            _ => {}
        }
        self.put(Token::LParen, place);
        self.put(Token::Number(size.digits, false), place);
        self.put_word(if size.percent { "PERCENT" } else { "ROWS" }, place);
        self.put(Token::RParen, place);
        self.at += end + bracketed - 1;
        true
    }

    fn using_sample(&mut self) -> bool {
        if !(self.is(0, "USING") && self.is(1, "SAMPLE")) {
            return false;
        }
        let place = self.place();
        // `10% (bernoulli, 42)`, or `bernoulli(10%)`, each with REPEATABLE (42) behind it.
        let (method, size, mut end) = match (self.size(2), self.token(3)) {
            (Some((size, length)), _) => {
                let end = 2 + length;
                match (self.token(end), self.word(end + 1)) {
                    (Token::LParen, method) if !method.is_empty() => (Some(method.to_string()), size, end + 2),
                    _ => (None, size, end),
                }
            }
            (None, Token::LParen) => {
                let Some((size, length)) = self.size(4) else { return false };
                if *self.token(4 + length) != Token::RParen {
                    return false;
                }
                (Some(self.word(2).to_string()), size, 5 + length)
            }
            _ => return false,
        };
        let mut seed = None;
        let opens_behind_size = method.is_some() && self.size(2).is_some();
        if opens_behind_size {
            if *self.token(end) == Token::Comma
                && let Token::Number(digits, _) = self.token(end + 1)
            {
                seed = Some(digits.clone());
                end += 2;
            }
            if *self.token(end) != Token::RParen {
                return false;
            }
            end += 1;
        }
        if self.is(end, "REPEATABLE")
            && let (Token::LParen, Token::Number(digits, _), Token::RParen) =
                (self.token(end + 1), self.token(end + 2), self.token(end + 3))
        {
            seed = Some(digits.clone());
            end += 4;
        }
        let text = |text: &str| Token::SingleQuotedString(text.to_string());
        let unit = text(if size.percent { "percent" } else { "rows" });
        let method = text(&method.unwrap_or_default().to_lowercase());
        self.put_word("QUALIFY", place);
        self.put(Token::make_word(USING_SAMPLE, None), place);
        let arguments = [Token::LParen, Token::Number(size.digits, false), Token::Comma, unit, Token::Comma, method];
        arguments.into_iter().for_each(|token| self.put(token, place));
        if let Some(seed) = seed {
            self.put(Token::Comma, place);
            self.put(Token::Number(seed, false), place);
        }
        self.put(Token::RParen, place);
        self.at += end;
        true
    }

    fn position(&mut self) -> bool {
        let (Token::Sharp, Token::Number(digits, _)) = (self.token(0), self.token(1)) else { return false };
        let (name, place) = (format!("#{digits}"), self.place());
        self.put(Token::make_word(&name, None), place);
        self.at += 2;
        true
    }

    fn filter(&mut self) -> bool {
        let after_call = matches!(self.output.last(), Some(TokenWithSpan { token: Token::RParen, .. }));
        let found = after_call && self.is(0, "FILTER") && *self.token(1) == Token::LParen && !self.is(2, "WHERE");
        if found {
            self.keep(2);
            let place = self.place();
            self.put_word("WHERE", place);
        }
        found
    }

    fn star_like(&mut self) -> bool {
        let starts_item = match self.output.last().map(|t| &t.token) {
            Some(Token::Comma) => true,
            Some(Token::Word(word)) => {
                matches!(word.keyword, Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL) && word.quote_style.is_none()
            }
            _ => false,
        };
        if *self.token(0) != Token::Mul || !starts_item {
            return false;
        }
        let negated = self.is(1, "NOT") as usize;
        let (operator, length) = match self.word(1 + negated).to_uppercase().as_str() {
            word @ ("LIKE" | "ILIKE" | "GLOB") => (word.to_string(), 1),
            "SIMILAR" if self.is(2 + negated, "TO") => ("SIMILAR TO".to_string(), 2),
            _ => return false,
        };
        let Token::SingleQuotedString(pattern) = self.token(1 + negated + length) else { return false };
        let (pattern, place) = (pattern.clone(), self.place());
        let operator = if negated == 1 { format!("NOT {operator}") } else { operator };
        self.put(Token::make_word("COLUMNS", None), place);
        let arguments = [
            Token::LParen,
            Token::SingleQuotedString(operator),
            Token::Comma,
            Token::SingleQuotedString(pattern),
            Token::RParen,
        ];
        arguments.into_iter().for_each(|token| self.put(token, place));
        self.at += 2 + negated + length;
        true
    }
}
