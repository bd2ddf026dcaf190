//! PIVOT and UNPIVOT, as statements and behind a table, put into calls in a select list that the binder knows: the parser has
//! only a part of the one form and nothing of the other.
//!
//! - `PIVOT t ON a IN (1, 2), b USING sum(v) AS s GROUP BY k` is
//!   `SELECT __pivot_on(a, 1, 2), __pivot_on(b), __pivot_using(sum(v)) AS s, __pivot_group(k) FROM t`;
//! - `t PIVOT (sum(v) FOR a IN (1, 2 AS two) GROUP BY k)` is the same as a query in brackets;
//! - `UNPIVOT t ON a, (b, c) AS d INTO NAME n VALUE v` is
//!   `SELECT __unpivot('n', 'v'), __unpivot_of(a), __unpivot_of(b, c) AS d FROM t`; with INCLUDE NULLS it is `__unpivot_nulls`.

use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// What to pivot by, and the values if they are given.
pub const PIVOT_ON: &str = "__pivot_on";
/// An aggregate of a PIVOT.
pub const PIVOT_USING: &str = "__pivot_using";
/// A column to group by.
pub const PIVOT_GROUP: &str = "__pivot_group";
/// A value with a name of its own.
pub const PIVOT_AS: &str = "__pivot_as";
/// The names of the columns that UNPIVOT makes.
pub const UNPIVOT: &str = "__unpivot";
/// The same, and NULLs are kept.
pub const UNPIVOT_NULLS: &str = "__unpivot_nulls";
/// Columns that become a row.
pub const UNPIVOT_OF: &str = "__unpivot_of";

/// Tokens without blanks.
type Tokens = [TokenWithSpan];

/// Reads a PIVOT or UNPIVOT at the start of `tokens`, where `before` was put out already. What stands for it, how many tokens
/// it took, and how many of `before` are part of it; None if it is not one.
pub fn read(tokens: &Tokens, before: &Tokens) -> Option<(Vec<TokenWithSpan>, usize, usize)> {
    let unpivot = is(tokens, 0, "UNPIVOT");
    if !unpivot && !is(tokens, 0, "PIVOT") {
        return None;
    }
    let starts_query = match before.last().map(|t| &t.token) {
        None | Some(Token::LParen) => true,
        // Behind the last query of a WITH.
        Some(Token::RParen) => find(tokens, 1, &["ON"]).is_some() && !names_its_columns(tokens),
        Some(Token::Word(word)) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case("EXPLAIN"),
        _ => false,
    };
    if starts_query {
        let (made, length) = if unpivot { unpivot_statement(tokens)? } else { pivot_statement(tokens)? };
        return Some((made, length, 0));
    }
    let start = factor_start(before);
    let source = &before[start..];
    let (items, length) = if unpivot { unpivot_factor(tokens)? } else { pivot_factor(tokens)? };
    let place = tokens[0].span;
    let mut made = Maker { place, tokens: Vec::new() };
    made.put(Token::LParen);
    made.word("SELECT");
    made.tokens.extend(items);
    made.word("FROM");
    made.tokens.extend_from_slice(source);
    made.put(Token::RParen);
    Some((made.tokens, length, before.len() - start))
}

/// Words that end a part of the statement.
const ENDS: &[&str] = &["USING", "GROUP", "ORDER", "LIMIT", "OFFSET", "INTO", "UNION", "INTERSECT", "EXCEPT"];

fn pivot_statement(tokens: &Tokens) -> Option<(Vec<TokenWithSpan>, usize)> {
    let mut at = 1;
    let source_end = find(tokens, at, &["ON", "USING", "GROUP"]).unwrap_or(part_end(tokens, at));
    let source = &tokens[at..source_end];
    at = source_end;
    let mut made = Maker { place: tokens[0].span, tokens: Vec::new() };
    made.word("SELECT");
    if is(tokens, at, "ON") {
        let end = part_end(tokens, at + 1);
        for on in split(&tokens[at + 1..end]) {
            made.on(on);
        }
        at = end;
    }
    if is(tokens, at, "USING") {
        let end = part_end(tokens, at + 1);
        for aggregate in split(&tokens[at + 1..end]) {
            made.aliased(PIVOT_USING, aggregate);
        }
        at = end;
    }
    if is(tokens, at, "GROUP") && is(tokens, at + 1, "BY") {
        let end = part_end(tokens, at + 2);
        for key in split(&tokens[at + 2..end]) {
            made.call(PIVOT_GROUP, key);
        }
        at = end;
    }
    made.from(source);
    Some((made.tokens, at))
}

/// `PIVOT (sum(v) [AS s], ... FOR a IN (1, 2) b IN (...) [GROUP BY k])`.
fn pivot_factor(tokens: &Tokens) -> Option<(Vec<TokenWithSpan>, usize)> {
    let end = closing(tokens, 1)?;
    let inside = &tokens[2..end];
    let turn = find(inside, 0, &["FOR"])?;
    let mut made = Maker { place: tokens[0].span, tokens: Vec::new() };
    let group = find(inside, turn, &["GROUP"]).unwrap_or(inside.len());
    let mut rest = &inside[turn + 1..group];
    while !rest.is_empty() {
        // Each ends with the list of its values.
        let list = find(rest, 0, &["IN"])?;
        let end = closing(rest, list + 1)?;
        made.on(&rest[..=end]);
        rest = &rest[end + 1..];
    }
    for aggregate in split(&inside[..turn]) {
        made.aliased(PIVOT_USING, aggregate);
    }
    if group < inside.len() {
        for key in split(&inside[group + 2..]) {
            made.call(PIVOT_GROUP, key);
        }
    }
    made.tokens.pop_if(|t| t.token == Token::Comma);
    Some((made.tokens, end + 1))
}

fn unpivot_statement(tokens: &Tokens) -> Option<(Vec<TokenWithSpan>, usize)> {
    let mut at = 1;
    let on = find(tokens, at, &["ON"])?;
    let (source, nulls) = without_nulls(&tokens[at..on]);
    at = part_end(tokens, on + 1);
    let columns = &tokens[on + 1..at];
    let mut names = vec!["name".to_string(), "value".to_string()];
    if is(tokens, at, "INTO") {
        let end = part_end(tokens, at + 1);
        let into: Vec<String> = tokens[at + 1..end].iter().filter_map(name_of).collect();
        names = into.into_iter().filter(|n| !["NAME", "VALUE"].contains(&n.to_uppercase().as_str())).collect();
        at = end;
    }
    let mut made = Maker { place: tokens[0].span, tokens: Vec::new() };
    made.word("SELECT");
    made.unpivot(&names, nulls, columns);
    made.from(source);
    Some((made.tokens, at))
}

/// `UNPIVOT [INCLUDE NULLS] (v FOR n IN (a, b AS 'B'))`.
fn unpivot_factor(tokens: &Tokens) -> Option<(Vec<TokenWithSpan>, usize)> {
    let nulls = is(tokens, 1, "INCLUDE");
    let open = if nulls || is(tokens, 1, "EXCLUDE") { 3 } else { 1 };
    let end = closing(tokens, open)?;
    let inside = &tokens[open + 1..end];
    let turn = find(inside, 0, &["FOR"])?;
    let list = find(inside, turn, &["IN"])?;
    let list_end = closing(inside, list + 1)?;
    let mut names: Vec<String> = inside[turn + 1..list].iter().filter_map(name_of).collect();
    names.extend(inside[..turn].iter().filter_map(name_of));
    let mut made = Maker { place: tokens[0].span, tokens: Vec::new() };
    made.unpivot(&names, nulls, &inside[list + 2..list_end]);
    made.tokens.pop_if(|t| t.token == Token::Comma);
    Some((made.tokens, end + 1))
}

/// A source without `INCLUDE NULLS` behind it, and whether it was there.
fn without_nulls(source: &Tokens) -> (&Tokens, bool) {
    match source.len().checked_sub(2) {
        Some(at) if is(source, at + 1, "NULLS") => (&source[..at], is(source, at, "INCLUDE")),
        _ => (source, false),
    }
}

struct Maker {
    place: Span,
    tokens: Vec<TokenWithSpan>,
}

impl Maker {
    fn put(&mut self, token: Token) {
        self.tokens.push(TokenWithSpan { token, span: self.place });
    }

    fn word(&mut self, word: &str) {
        self.put(Token::make_keyword(word));
    }

    fn open(&mut self, function: &str) {
        self.put(Token::make_word(function, None));
        self.put(Token::LParen);
    }

    /// `function(arguments),`
    fn call(&mut self, function: &str, arguments: &Tokens) {
        self.open(function);
        self.tokens.extend_from_slice(arguments);
        self.put(Token::RParen);
        self.put(Token::Comma);
    }

    /// `function(expression) AS name,`
    fn aliased(&mut self, function: &str, item: &Tokens) {
        let (expression, alias) = alias(item);
        self.call(function, expression);
        if let Some(alias) = alias {
            self.tokens.pop();
            self.word("AS");
            self.put(Token::make_word(&alias, Some('"')));
            self.put(Token::Comma);
        }
    }

    /// `a IN (1, 2 AS two)` or `a`.
    fn on(&mut self, on: &Tokens) {
        let list = find(on, 0, &["IN"]).and_then(|at| Some((at, closing(on, at + 1)?)));
        let Some((at, end)) = list else { return self.call(PIVOT_ON, on) };
        self.open(PIVOT_ON);
        self.tokens.extend_from_slice(&on[..at]);
        for value in split(&on[at + 2..end]) {
            self.put(Token::Comma);
            match alias(value) {
                (value, Some(name)) => {
                    self.open(PIVOT_AS);
                    self.tokens.extend_from_slice(value);
                    self.put(Token::Comma);
                    self.put(Token::SingleQuotedString(name));
                    self.put(Token::RParen);
                }
                (value, None) => self.tokens.extend_from_slice(value),
            }
        }
        self.put(Token::RParen);
        self.put(Token::Comma);
    }

    /// The names of an UNPIVOT, and the columns of each row.
    fn unpivot(&mut self, names: &[String], nulls: bool, columns: &Tokens) {
        self.open(if nulls { UNPIVOT_NULLS } else { UNPIVOT });
        for (i, name) in names.iter().enumerate() {
            if i > 0 {
                self.put(Token::Comma);
            }
            self.put(Token::SingleQuotedString(name.clone()));
        }
        self.put(Token::RParen);
        self.put(Token::Comma);
        for row in split(columns) {
            let (row, alias) = alias(row);
            let several =
                matches!(row.first().map(|t| &t.token), Some(Token::LParen)) && closing(row, 0) == Some(row.len() - 1);
            self.call(UNPIVOT_OF, if several { &row[1..row.len() - 1] } else { row });
            if let Some(alias) = alias {
                self.tokens.pop();
                self.word("AS");
                self.put(Token::make_word(&alias, Some('"')));
                self.put(Token::Comma);
            }
        }
    }

    fn from(&mut self, source: &Tokens) {
        self.tokens.pop_if(|t| t.token == Token::Comma);
        self.word("FROM");
        self.tokens.extend_from_slice(source);
    }
}

fn is(tokens: &Tokens, at: usize, word: &str) -> bool {
    matches!(tokens.get(at).map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

fn name_of(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(word) => Some(word.value.clone()),
        Token::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    }
}

fn depth(token: &Token) -> i32 {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => 1,
        Token::RParen | Token::RBracket | Token::RBrace => -1,
        _ => 0,
    }
}

/// The first of the words outside of brackets, before a bracket closes that is not opened here.
fn find(tokens: &Tokens, from: usize, words: &[&str]) -> Option<usize> {
    let mut open = 0;
    for at in from..tokens.len() {
        open += depth(&tokens[at].token);
        if open < 0 || tokens[at].token == Token::SemiColon {
            return None;
        }
        if open == 0 && words.iter().any(|word| is(tokens, at, word)) {
            return Some(at);
        }
    }
    None
}

/// The end of a part of the statement that begins at `from`.
fn part_end(tokens: &Tokens, from: usize) -> usize {
    let mut open = 0;
    for at in from..tokens.len() {
        open += depth(&tokens[at].token);
        let ends = open == 0 && ENDS.iter().any(|word| is(tokens, at, word));
        if open < 0 || ends || tokens[at].token == Token::SemiColon {
            return at;
        }
    }
    tokens.len()
}

/// The bracket that closes the one at `open`.
fn closing(tokens: &Tokens, open: usize) -> Option<usize> {
    if tokens.get(open)?.token != Token::LParen {
        return None;
    }
    let mut level = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        level += depth(&token.token);
        if level == 0 {
            return Some(at);
        }
    }
    None
}

/// The parts between commas outside of brackets.
fn split(tokens: &Tokens) -> Vec<&Tokens> {
    let mut open = 0;
    let parts = tokens.split(|token| {
        open += depth(&token.token);
        open == 0 && token.token == Token::Comma
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// An expression and the name behind it.
fn alias(item: &Tokens) -> (&Tokens, Option<String>) {
    match item.len().checked_sub(2) {
        Some(at) if is(item, at, "AS") => (&item[..at], name_of(&item[at + 1])),
        // `sum(v) total`
        Some(at) if item[at].token == Token::RParen => match name_of(&item[at + 1]) {
            Some(name) => (&item[..=at], Some(name)),
            None => (item, None),
        },
        _ => (item, None),
    }
}

/// Whether the brackets behind PIVOT are those of `(v FOR n IN (...))`.
fn names_its_columns(tokens: &Tokens) -> bool {
    let open = if is(tokens, 2, "NULLS") { 3 } else { 1 };
    closing(tokens, open).is_some_and(|end| find(&tokens[open + 1..end], 0, &["FOR"]).is_some())
}

/// Where the table begins that ends at the end of the tokens.
fn factor_start(before: &Tokens) -> usize {
    let mut open = 0;
    for at in (0..before.len()).rev() {
        open -= depth(&before[at].token);
        let begins = before[at].token == Token::Comma || is(before, at, "FROM") || is(before, at, "JOIN");
        if open < 0 || (open == 0 && begins) {
            return at + 1;
        }
    }
    0
}
