//! DuckDB's shorter ways to write a query, put into the long ones: `FROM t WHERE a > 1`, `x: expression`, `name.upper()`,
//! `[x * 2 for x in list if x > 1]`, `x ISNULL`, `LIMIT 10%`. A part of [`super::respell`].

use super::respell::{Respelled, respell};
use super::source::tokenize;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The name of the call that stands for the percentage in `LIMIT 10%`.
pub const LIMIT_PERCENT: &str = "__limit_percent";
/// The name of the call that stands for the columns of `*COLUMNS(...)`.
pub const UNPACKED: &str = "__unpacked";

/// The name of the function in FROM that stands for `(DESCRIBE query)`.
pub const DESCRIBED: &str = "__described";
/// That of the one for `(SUMMARIZE query)`.
pub const SUMMARIZED: &str = "__summarized";

/// What `(SHOW TABLES)` stands for.
const SHOW_TABLES: &str = "SELECT table_name AS name FROM information_schema.tables ORDER BY table_name";
/// What `(SHOW ALL TABLES)` stands for.
const SHOW_ALL_TABLES: &str = "SELECT c.database_name AS database, c.schema_name AS \"schema\", c.table_name AS name,
    list(c.column_name ORDER BY c.column_index) AS column_names, list(c.data_type ORDER BY c.column_index) AS column_types,
    c.schema_name = 'temp' AS temporary
    FROM duckdb_columns() AS c GROUP BY ALL ORDER BY ALL";

/// Words behind which an operand begins: what follows them is no operator.
const BEFORE_OPERANDS: &[&str] = &[
    "SELECT",
    "DISTINCT",
    "ALL",
    "AS",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "BY",
    "ON",
    "HAVING",
    "QUALIFY",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "IN",
    "FROM",
    "JOIN",
    "SET",
    "LIMIT",
    "OFFSET",
    "VALUES",
    "RETURNING",
    "USING",
    "IS",
    "ESCAPE",
];
/// Words that end the select list, or an item of it.
const BEHIND_ITEMS: &[&str] = &[
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "QUALIFY",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "USING",
    "INTO",
];
/// Words that end a table in FROM, beside those.
const BEHIND_TABLES: &[&str] = &[
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "NATURAL",
    "ASOF",
    "POSITIONAL",
    "SEMI",
    "ANTI",
    "ON",
    "TABLESAMPLE",
    "PIVOT",
    "UNPIVOT",
    "SELECT",
];
/// Words that continue an expression behind an operand.
const BEHIND_OPERANDS: &[&str] = &[
    "IS", "IN", "AND", "OR", "NOT", "LIKE", "ILIKE", "GLOB", "SIMILAR", "BETWEEN", "COLLATE", "ASC", "DESC", "NULLS",
    "AS",
];
/// Functions with a FROM inside their brackets.
const WITH_FROM: &[&str] = &["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY", "POSITION"];
/// Schemas of functions: `main.upper(x)` is no call of a method.
const SCHEMAS: &[&str] = &["main", "system", "pg_catalog", "raw"];
/// More tokens before a method than this are not looked through.
const LONGEST_OPERAND: usize = 5000;

fn opens(token: &Token) -> bool {
    matches!(token, Token::LParen | Token::LBracket | Token::LBrace)
}

fn closes(token: &Token) -> bool {
    matches!(token, Token::RParen | Token::RBracket | Token::RBrace)
}

/// The unquoted word that a token is.
fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
        _ => None,
    }
}

fn is_one_of(token: &Token, words: &[&str]) -> bool {
    word(token).is_some_and(|found| words.iter().any(|word| word.eq_ignore_ascii_case(found)))
}

/// Whether an operand may end with this token.
fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_some() || !is_one_of(token, BEFORE_OPERANDS),
        Token::Number(..) | Token::SingleQuotedString(_) | Token::DollarQuotedString(_) | Token::Placeholder(_) => true,
        token => closes(token),
    }
}

impl Respelled<'_> {
    /// How many tokens from `ahead` on stand before the first one of this level that `is_end` or closes the level.
    fn length_until(&self, ahead: usize, is_end: impl Fn(&Token) -> bool) -> usize {
        let mut depth = 0_u32;
        (ahead..)
            .take_while(|at| {
                let token = self.token(*at);
                if depth == 0 && (is_end(token) || closes(token) || matches!(token, Token::EOF | Token::SemiColon)) {
                    return false;
                }
                if opens(token) {
                    depth += 1;
                } else if closes(token) {
                    depth = depth.saturating_sub(1);
                }
                *token != Token::EOF
            })
            .count()
    }

    fn copied(&self, ahead: usize, length: usize) -> Vec<TokenWithSpan> {
        let start = (self.at + ahead).min(self.input.len());
        let end = (start + length).min(self.input.len());
        self.input[start..end].iter().map(|t| (*t).clone()).collect()
    }

    /// The token that the innermost open bracket of the output is, and its place.
    fn innermost_open(&self) -> Option<usize> {
        let mut depth = 0_u32;
        for (at, placed) in self.output.iter().enumerate().rev() {
            if closes(&placed.token) {
                depth += 1;
            } else if opens(&placed.token) {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
            }
        }
        None
    }

    /// `FROM t WHERE ...`: a query without SELECT has one for all columns.
    pub(super) fn reads_from_first(&mut self) -> bool {
        if !self.is(0, "FROM") || !self.begins_query() {
            return false;
        }
        let length = self.length_until(1, |token| is_one_of(token, BEHIND_ITEMS) || is_one_of(token, &["SELECT"]));
        // A condition of a join may have USING.
        let mut end = 1 + length;
        while self.is(end, "USING") && !self.is(end + 1, "SAMPLE") {
            end += 1;
            end += self.length_until(end, |token| is_one_of(token, BEHIND_ITEMS) || is_one_of(token, &["SELECT"]));
        }
        if self.is(end, "SELECT") {
            return false;
        }
        let place = self.place();
        self.put_word("SELECT", place);
        self.put(Token::Mul, place);
        self.keep(1);
        true
    }

    /// Whether the FROM here is the first word of a query: there is no SELECT before it on this level, nor what else has a FROM.
    fn begins_query(&self) -> bool {
        let Some(last) = self.output.last() else { return true };
        if is_one_of(&last.token, &["DISTINCT"]) {
            return false;
        }
        let mut depth = 0_u32;
        for (at, placed) in self.output.iter().enumerate().rev() {
            let token = &placed.token;
            if closes(token) {
                depth += 1;
            } else if opens(token) {
                if depth == 0 {
                    let before = at.checked_sub(1).map(|before| &self.output[before].token);
                    return *token == Token::LParen && !before.is_some_and(|before| is_one_of(before, WITH_FROM));
                }
                depth -= 1;
            } else if depth == 0 && is_one_of(token, &["UNION", "EXCEPT", "INTERSECT", "AS"]) {
                // Behind AS is the query of a view or a table; an alias is in a select list, whose SELECT is farther on.
                if !is_one_of(token, &["AS"]) || at + 1 == self.output.len() {
                    return true;
                }
            } else if depth == 0 && is_one_of(token, &["SELECT", "DELETE", "UPDATE", "FROM"]) {
                return false;
            }
        }
        true
    }

    /// `x: expression` and `FROM t: table`: a name before what it names.
    pub(super) fn name_before(&mut self) -> bool {
        if !matches!(self.token(0), Token::Word(_)) || *self.token(1) != Token::Colon {
            return false;
        }
        let Some(last) = self.output.last() else { return false };
        let in_from = match &last.token {
            Token::Comma => None,
            token if is_one_of(token, &["SELECT", "DISTINCT", "ALL"]) => Some(false),
            token if is_one_of(token, &["FROM", "JOIN"]) => Some(true),
            _ => return false,
        };
        let open = self.innermost_open();
        if open.is_some_and(|at| self.output[at].token != Token::LParen) {
            return false;
        }
        let in_from = match in_from {
            Some(in_from) => in_from,
            // Behind a comma: of the list that began last on this level.
            None => {
                let mut depth = 0_u32;
                let level = self.output[open.map_or(0, |at| at + 1)..].iter().rev();
                let began = level.map(|t| &t.token).find(|token| {
                    if closes(token) {
                        depth += 1;
                    } else if opens(token) {
                        depth = depth.saturating_sub(1);
                    }
                    depth == 0 && is_one_of(token, &["SELECT", "FROM", "LAMBDA"])
                });
                match began {
                    Some(token) if is_one_of(token, &["SELECT"]) => false,
                    Some(token) if is_one_of(token, &["FROM"]) => true,
                    _ => return false,
                }
            }
        };
        let length = self.length_until(2, |token| {
            *token == Token::Comma || is_one_of(token, BEHIND_ITEMS) || (in_from && is_one_of(token, BEHIND_TABLES))
        });
        if length == 0 {
            return false;
        }
        let (name, named) = (self.copied(0, 1), self.copied(2, length));
        self.output.extend(respell(&named));
        let place = self.place();
        self.put_word("AS", place);
        self.output.extend(name);
        self.at += 2 + length;
        true
    }

    /// `name.upper()`, `'abc'.left(2)`: the value before the dot is the first argument.
    pub(super) fn method(&mut self) -> bool {
        let (Token::Period, Token::Word(name), Token::LParen) = (self.token(0), self.token(1), self.token(2)) else {
            return false;
        };
        if name.quote_style.is_some() {
            return false;
        }
        let Some(start) = self.operand_start() else { return false };
        let is_source =
            start.checked_sub(1).is_some_and(|before| is_one_of(&self.output[before].token, &["FROM", "JOIN", "INTO"]));
        let is_schema = start + 1 == self.output.len() && is_one_of(&self.output[start].token, SCHEMAS);
        if is_source || is_schema {
            return false;
        }
        let operand = self.output.split_off(start);
        self.at += 1;
        self.keep(2);
        self.output.extend(operand);
        if *self.token(0) != Token::RParen {
            let place = self.place();
            self.put(Token::Comma, place);
        }
        true
    }

    /// `x::VARCHAR COLLATE NOCASE`: the cast in brackets.
    pub(super) fn collated_cast(&mut self) -> bool {
        if !self.is(0, "COLLATE") {
            return false;
        }
        let Some(mut start) = self.operand_start() else { return false };
        let is_cast = |at: usize| at >= 2 && self.output[at - 1].token == Token::DoubleColon;
        if !is_cast(start) {
            return false;
        }
        while is_cast(start) {
            let Some(before) = self.operand_before(start - 1) else { return false };
            start = before;
        }
        let operand = self.output.split_off(start);
        let place = operand.first().map_or(self.place(), |first| first.span);
        self.put(Token::LParen, place);
        self.output.extend(operand);
        self.put(Token::RParen, place);
        self.keep(1);
        true
    }

    /// Where in the output the value begins that ends it: a name, a constant, a call, something in brackets, with what hangs on
    /// them.
    fn operand_start(&self) -> Option<usize> {
        self.operand_before(self.output.len())
    }

    /// The same for the value that ends before the token at `end`.
    fn operand_before(&self, end: usize) -> Option<usize> {
        let token = |at: usize| &self.output[at].token;
        let least = end.saturating_sub(LONGEST_OPERAND);
        let mut at = end.checked_sub(1)?;
        loop {
            if !ends_operand(token(at)) {
                return None;
            }
            if closes(token(at)) {
                let mut depth = 0_u32;
                loop {
                    if closes(token(at)) {
                        depth += 1;
                    } else if opens(token(at)) {
                        depth -= 1;
                    }
                    if depth == 0 {
                        break;
                    }
                    at = at.checked_sub(1).filter(|at| *at >= least)?;
                }
                let before = at.checked_sub(1);
                match (token(at), before.map(token)) {
                    // A call.
                    (Token::LParen, Some(Token::Word(_))) if ends_operand(token(at - 1)) => at -= 1,
                    // A subscript.
                    (Token::LBracket, Some(before)) if ends_operand(before) => {
                        at -= 1;
                        continue;
                    }
                    (Token::LBrace, Some(before)) if is_one_of(before, &["MAP"]) => at -= 1,
                    _ => {}
                }
            }
            match at.checked_sub(2) {
                Some(before) if *token(at - 1) == Token::Period => at = before,
                _ => return Some(at),
            }
        }
    }

    /// `[expression for x in list if condition]`.
    pub(super) fn comprehension(&mut self) -> bool {
        if *self.token(0) != Token::LBracket || self.output.last().is_some_and(|last| ends_operand(&last.token)) {
            return false;
        }
        let made = self.length_until(1, |token| is_one_of(token, &["FOR"]));
        let names = 1 + made + 1;
        if made == 0 || !self.is(names - 1, "FOR") {
            return false;
        }
        let name_length = self.length_until(names, |token| is_one_of(token, &["IN"]));
        let list = names + name_length + 1;
        if !matches!(name_length, 1 | 3) || !self.is(list - 1, "IN") {
            return false;
        }
        let mut list_length = self.length_until(list, |token| is_one_of(token, &["IF"]));
        // `if(...)` where an operand begins is a function.
        while self.is(list + list_length, "IF")
            && (list_length == 0 || !ends_operand(self.token(list + list_length - 1)))
        {
            list_length += 1;
            list_length += self.length_until(list + list_length, |token| is_one_of(token, &["IF"]));
        }
        let condition = list + list_length + 1;
        let filtered = self.is(condition - 1, "IF");
        let condition_length = if filtered { self.length_until(condition, |_| false) } else { 0 };
        let end = if filtered { condition + condition_length } else { condition - 1 };
        // A number that is filtered by is that of the whole list.
        if *self.token(end) != Token::RBracket || list_length == 0 || (filtered && name_length == 3) {
            return false;
        }
        let place = self.place();
        let put_lambda = |tokens: &mut Self, body: usize, length: usize| {
            tokens.put(Token::Comma, place);
            tokens.put_word("LAMBDA", place);
            let (names, body) = (tokens.copied(names, name_length), tokens.copied(body, length));
            tokens.output.extend(names);
            tokens.put(Token::Colon, place);
            tokens.output.extend(respell(&body));
            tokens.put(Token::RParen, place);
        };
        self.put(Token::make_word("list_transform", None), place);
        self.put(Token::LParen, place);
        if filtered {
            self.put(Token::make_word("list_filter", None), place);
            self.put(Token::LParen, place);
        }
        let source = self.copied(list, list_length);
        self.output.extend(respell(&source));
        if filtered {
            put_lambda(self, condition, condition_length);
        }
        put_lambda(self, 1, made);
        self.at += end + 1;
        true
    }

    /// `x ISNULL`.
    pub(super) fn is_null(&mut self) -> bool {
        let found = self.is(0, "ISNULL")
            && *self.token(1) != Token::LParen
            && self.output.last().is_some_and(|last| ends_operand(&last.token));
        if found {
            let place = self.place();
            self.put_word("IS", place);
            self.put_word("NULL", place);
            self.at += 1;
        }
        found
    }

    /// The type `ROW(a INTEGER)`, as Trino and the standard write it, is STRUCT.
    pub(super) fn row_type(&mut self) -> bool {
        if !self.is(0, "ROW") || *self.token(1) != Token::LParen {
            return false;
        }
        let before_bracket = || {
            let open = self.innermost_open().filter(|open| self.output[*open].token == Token::LParen)?;
            Some(&self.output[open.checked_sub(1)?].token)
        };
        let is_type = match self.output.last().map(|last| &last.token) {
            Some(Token::DoubleColon) => true,
            Some(last) if is_one_of(last, &["AS"]) => {
                before_bracket().is_some_and(|word| is_one_of(word, &["CAST", "TRY_CAST"]))
            }
            // A field of such a type.
            Some(Token::Word(_)) => before_bracket().is_some_and(|word| is_one_of(word, &["STRUCT"])),
            _ => false,
        };
        if is_type {
            let place = self.place();
            self.put_word("STRUCT", place);
            self.at += 1;
        }
        is_type
    }

    /// `LIMIT 10%`, `LIMIT 10 PERCENT`.
    pub(super) fn limit_percent(&mut self) -> bool {
        let Token::Number(..) = self.token(1) else { return false };
        let percent = *self.token(2) == Token::Mod || self.is(2, "PERCENT");
        let ends = matches!(self.token(3), Token::EOF | Token::RParen | Token::SemiColon) || self.is(3, "OFFSET");
        if !(self.is(0, "LIMIT") && percent && ends) {
            return false;
        }
        self.keep(1);
        let place = self.place();
        self.put(Token::make_word(LIMIT_PERCENT, None), place);
        self.put(Token::LParen, place);
        self.keep(1);
        self.put(Token::RParen, place);
        self.at += 1;
        true
    }

    /// DESCRIBE, SHOW and SUMMARIZE of a table or a query where a query may stand: in brackets, behind `CREATE ... AS`, alone.
    pub(super) fn described(&mut self) -> bool {
        let begins = match self.output.last().map(|last| &last.token) {
            None => true,
            Some(Token::LParen) => true,
            // `SELECT 1 AS show` has a name there.
            Some(token) => {
                let created = self.output.first().is_some_and(|first| is_one_of(&first.token, &["CREATE"]));
                let in_query = self.output.iter().any(|placed| is_one_of(&placed.token, &["SELECT", "WITH"]));
                is_one_of(token, &["AS"]) && created && !in_query
            }
        };
        let function = match word(self.token(0)).map(str::to_uppercase).as_deref() {
            Some("DESCRIBE" | "DESC" | "SHOW") => DESCRIBED,
            Some("SUMMARIZE") => SUMMARIZED,
            _ => return false,
        };
        // They may be columns, too: then an operator follows, or nothing.
        let names_something = match self.token(1) {
            Token::Word(word) => word.quote_style.is_some() || !is_one_of(self.token(1), BEHIND_OPERANDS),
            Token::LParen | Token::SingleQuotedString(_) => true,
            _ => false,
        };
        if !begins || !names_something {
            return false;
        }
        let place = self.place();
        let length = self.length_until(1, |_| false);
        let shown = match (self.is(0, "SHOW"), length) {
            (true, 1) if self.is(1, "TABLES") => Some(SHOW_TABLES),
            (true, 2) if self.is(1, "ALL") && self.is(2, "TABLES") => Some(SHOW_ALL_TABLES),
            _ => None,
        };
        if let Some(tokens) = shown.and_then(|query| tokenize(query).ok()) {
            let moved = tokens.raw.into_iter().map(|token| TokenWithSpan { span: place, ..token });
            self.output.extend(respell(&moved.collect::<Vec<_>>()));
            self.at += 1 + length;
            return true;
        }
        let names_table = self.is(1, "TABLE") && length > 1;
        let (start, length) = if names_table { (2, length - 1) } else { (1, length) };
        let described = self.copied(start, length);
        // An expression cannot be VALUES or TABLE in brackets.
        let is_query = *self.token(start) == Token::LParen
            || is_one_of(self.token(start), &["SELECT", "FROM", "WITH", "PIVOT", "UNPIVOT"]);
        let is_list = is_one_of(self.token(start), &["VALUES", "TABLE"]);
        let words = |tokens: &mut Self, words: &[&str]| words.iter().for_each(|word| tokens.put_word(word, place));
        let select_all = |tokens: &mut Self| {
            words(tokens, &["SELECT"]);
            tokens.put(Token::Mul, place);
            words(tokens, &["FROM"]);
        };
        select_all(self);
        self.put(Token::make_word(function, None), place);
        self.put(Token::LParen, place);
        self.put(Token::LParen, place);
        if is_query {
            self.output.extend(respell(&described));
        } else {
            select_all(self);
            if is_list {
                self.put(Token::LParen, place);
            }
            self.output.extend(described);
            if is_list {
                self.put(Token::RParen, place);
            }
        }
        self.put(Token::RParen, place);
        self.put(Token::RParen, place);
        self.at += start + length;
        true
    }

    /// `f(*COLUMNS(...))`.
    pub(super) fn unpacked(&mut self) -> bool {
        let in_call = self.output.last().is_some_and(|last| matches!(last.token, Token::LParen | Token::Comma));
        let found = *self.token(0) == Token::Mul && self.is(1, "COLUMNS") && *self.token(2) == Token::LParen && in_call;
        if found {
            let place = self.place();
            self.put(Token::make_word(UNPACKED, None), place);
            self.at += 2;
        }
        found
    }

    /// `E'a\n'` is a text: its escapes are gone already.
    pub(super) fn escaped_text(&mut self) -> bool {
        let Token::EscapedStringLiteral(text) = self.token(0) else { return false };
        let (text, place) = (text.clone(), self.place());
        self.put(Token::SingleQuotedString(text), place);
        self.at += 1;
        true
    }
}
