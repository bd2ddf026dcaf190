//! Statements that write, and those around them: COPY, USE, prepared statements, variables, PRAGMA.

use super::diagnostic::Result;
use super::own_statement::{Cursor, not_supported};
use super::parse::{parse_change, parse_expression, parse_query};
use super::source::Tokens;
use super::statement::{Change, Copy, CopyOption, CopySource, Show, Statement};
use sqlparser::ast;
use sqlparser::tokenizer::{Span, Token};

/// What CREATE, DROP and ALTER can name and we do not have.
const OTHER_OBJECTS: &[&str] = &[
    "INDEX",
    "UNIQUE",
    "SEQUENCE",
    "TYPE",
    "SECRET",
    "MATERIALIZED",
    "DATABASE",
    "ROLE",
    "USER",
    "TRIGGER",
    "PROCEDURE",
    "EXTENSION",
    "PERSISTENT",
];

impl Cursor<'_> {
    /// From the present token to the end: a statement that changes tables.
    pub(super) fn change(&mut self) -> Result<Change> {
        let first = self.at;
        let verb = self.word().unwrap_or_default();
        self.at += 1;
        if matches!(verb.as_str(), "CREATE" | "DROP" | "ALTER") {
            if self.eat("OR") {
                self.eat("REPLACE");
            }
            if let Some(word) = self.word().filter(|word| OTHER_OBJECTS.contains(&word.as_str())) {
                let error = not_supported(&format!("{verb} {word}"), self.span_from(first).to(self.span()));
                return Err(match word.as_str() {
                    "TYPE" => {
                        error.hint("VARCHAR stands for an ENUM; STRUCT(a INTEGER) can be written where it is used")
                    }
                    "SEQUENCE" => error.hint("row_number() OVER () numbers rows"),
                    "INDEX" => error.hint("none is needed: statistics of the files leave out what cannot match"),
                    "UNIQUE" => error.hint("SELECT DISTINCT ON (key) keeps one row for each key"),
                    "MATERIALIZED" => error.hint("CREATE TABLE t AS SELECT ... keeps the rows"),
                    "DATABASE" | "ROLE" | "USER" => error.hint("CREATE SCHEMA makes a schema"),
                    _ => error,
                });
            }
        }
        let mut left_out = Vec::new();
        let mut by_name = false;
        let mut names = Vec::new();
        if verb == "CREATE" {
            (names, left_out) = self.names_before_as();
        }
        if verb == "INSERT" {
            self.eat("INTO");
            self.name("the name of a table")?;
            let place = self.at;
            if self.eat("BY") {
                by_name = self.one_of(&["NAME", "POSITION"])? == "NAME";
                left_out = vec![place, place + 1];
            }
        }
        let using = if verb == "ALTER" { self.using_of_type(&mut left_out) } else { None };
        let without_data = verb == "CREATE" && self.with_data(&mut left_out);
        let mut statement = parse_change(self.text, self.tokens, first, &left_out)?;
        if let ast::Statement::CreateTable(create) = &mut *statement {
            if let Some(query) = create.query.as_mut().filter(|_| without_data) {
                let none = ast::Expr::value(ast::Value::Number("0".into(), false));
                query.limit_clause =
                    Some(ast::LimitClause::LimitOffset { limit: Some(none), offset: None, limit_by: Vec::new() });
            }
            let column = |name| ast::ColumnDef { name, data_type: ast::DataType::Unspecified, options: Vec::new() };
            create.columns.extend(names.into_iter().map(column));
        }
        if let (ast::Statement::AlterTable(alter), Some(value)) = (&mut *statement, using)
            && let Some(ast::AlterTableOperation::AlterColumn {
                op: ast::AlterColumnOperation::SetDataType { using, .. },
                ..
            }) = alter.operations.first_mut()
        {
            *using = Some(parse_expression(&value)?);
        }
        Ok(Change { statement, by_name })
    }

    /// `ALTER a TYPE t USING expression`, which the parser knows without its end: the expression.
    fn using_of_type(&self, left_out: &mut Vec<usize>) -> Option<String> {
        let is = |at: &usize, word: &str| match &self.tokens.placed[*at].token {
            Token::Word(found) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
            _ => false,
        };
        let count = self.tokens.placed.len();
        let dtype = (0..count).find(|at| is(at, "TYPE"))?;
        let using = (dtype..count).find(|at| is(at, "USING")).filter(|at| at + 1 < count)?;
        left_out.extend(using..count);
        let (start, end) = (self.tokens.placed[using + 1].span.start, self.tokens.placed[count - 1].span.end);
        Some(self.text[start as usize..end as usize].to_string())
    }

    /// `(a, b)` before the AS of CREATE TABLE, which the parser takes for columns without types: the names, and the tokens.
    fn names_before_as(&self) -> (Vec<ast::Ident>, Vec<usize>) {
        let word = |at: usize| match self.tokens.placed.get(at).map(|t| &t.token) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        };
        let is_table = (self.at..self.at + 2).any(|at| word(at).is_some_and(|w| w.value.eq_ignore_ascii_case("table")));
        let open = self.tokens.placed.iter().position(|t| t.token == Token::LParen).filter(|_| is_table);
        let Some(open) = open else { return (Vec::new(), Vec::new()) };
        let (mut names, mut at) = (Vec::new(), open + 1);
        while let Some(name) = word(at) {
            names.push(ast::Ident { value: name.value.clone(), quote_style: name.quote_style, span: Span::empty() });
            at += 1;
            match self.tokens.placed.get(at).map(|t| &t.token) {
                Some(Token::Comma) => at += 1,
                Some(Token::RParen) if word(at + 1).is_some_and(|w| w.value.eq_ignore_ascii_case("as")) => {
                    return (names, (open..=at).collect());
                }
                _ => break,
            }
        }
        (Vec::new(), Vec::new())
    }

    /// Leaves out `WITH [NO] DATA` at the end; whether it says NO.
    fn with_data(&self, left_out: &mut Vec<usize>) -> bool {
        let count = self.tokens.placed.len();
        let is = |at: usize, word: &str| {
            let token = self.tokens.placed.get(at).map(|t| &t.token);
            matches!(token, Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
        };
        if count < 4 || !is(count - 1, "DATA") {
            return false;
        }
        let no = is(count - 2, "NO");
        let with = count - 2 - usize::from(no);
        if is(with, "WITH") {
            left_out.extend(with..count);
        }
        no && is(with, "WITH")
    }

    /// Whether a query begins here.
    pub(super) fn at_query(&self) -> bool {
        let word = self.word();
        let is_word = matches!(
            word.as_deref(),
            Some("SELECT" | "FROM" | "WITH" | "VALUES" | "TABLE" | "PIVOT" | "UNPIVOT" | "SUMMARIZE")
        );
        is_word || self.peek().is_some_and(|t| t.token == Token::LParen)
    }

    /// The text from here to the end.
    fn rest(&self) -> String {
        let span = self.rest_span();
        self.text[span.start as usize..(span.end as usize).max(span.start as usize)].to_string()
    }

    pub(super) fn use_schema(&mut self) -> Result<Statement> {
        self.at = 1;
        let (schema, span) = self.name("the name of a schema")?;
        self.end(Statement::Use { schema, span })
    }

    pub(super) fn prepare(&mut self) -> Result<Statement> {
        self.at = 1;
        let (name, span) = self.name("a name for the statement")?;
        if !self.eat("AS") {
            return Err(self.unexpected("AS and a statement"));
        }
        if self.peek().is_none() {
            return Err(self.unexpected("a statement"));
        }
        Ok(Statement::Prepare { name: name.join("."), statement: self.rest(), span })
    }

    pub(super) fn execute(&mut self) -> Result<Statement> {
        self.at = 1;
        let (name, span) = self.name("the name of a prepared statement")?;
        let mut values = Vec::new();
        if self.eat_token(&Token::LParen) && !self.eat_token(&Token::RParen) {
            loop {
                let named = matches!(
                    self.tokens.placed.get(self.at + 1).map(|t| &t.token),
                    Some(Token::Assignment | Token::RArrow)
                );
                let value_name = match self.word() {
                    Some(_) if named => {
                        let (name, _) = self.name("a name")?;
                        self.at += 1;
                        Some(name.join("."))
                    }
                    _ => None,
                };
                values.push((value_name, self.one_value()?));
                if self.eat_token(&Token::RParen) {
                    break;
                }
                if !self.eat_token(&Token::Comma) {
                    return Err(self.unexpected("\",\" or \")\""));
                }
            }
        }
        self.end(Statement::Execute { name: name.join("."), values, span })
    }

    /// The text up to the next comma or closing bracket of this level.
    pub(super) fn one_value(&mut self) -> Result<String> {
        let first = self.at;
        let mut depth = 0_u32;
        while let Some(token) = self.peek() {
            match token.token {
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::Comma if depth == 0 => break,
                Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        if self.at == first {
            return Err(self.unexpected("a value"));
        }
        let span = self.span_from(first);
        Ok(self.text[span.start as usize..span.end as usize].to_string())
    }

    pub(super) fn deallocate(&mut self) -> Result<Statement> {
        self.at = 1;
        self.eat("PREPARE");
        if self.eat("ALL") {
            let span = self.span_from(0);
            return self.end(Statement::Deallocate { name: None, span });
        }
        let (name, span) = self.name("the name of a prepared statement, or ALL")?;
        self.end(Statement::Deallocate { name: Some(name.join(".")), span })
    }

    /// `SET VARIABLE name = expression`, from behind SET.
    pub(super) fn set_variable(&mut self) -> Result<Statement> {
        self.at = 2;
        let (name, span) = self.name("the name of a variable")?;
        if !self.eat_token(&Token::Eq) && !self.eat("TO") {
            return Err(self.unexpected("\"=\" and a value"));
        }
        if self.peek().is_none() {
            return Err(self.unexpected("a value"));
        }
        let span = span.to(self.rest_span());
        Ok(Statement::SetVariable { name: name.join("."), value: self.rest(), span })
    }

    /// The few PRAGMAs that ask what SHOW and DESCRIBE answer.
    pub(super) fn pragma(&mut self) -> Result<Statement> {
        self.at = 1;
        let word = self.word().unwrap_or_default();
        let span = self.span();
        self.at += 1;
        match word.as_str() {
            "TABLE_INFO" => {
                if !self.eat_token(&Token::LParen) {
                    return Err(self.unexpected("a table in brackets, as in PRAGMA table_info('orders')"));
                }
                let (name, span) = self.name("the name of a table")?;
                let name = name.iter().flat_map(|part| part.split('.').map(str::to_string)).collect();
                if !self.eat_token(&Token::RParen) {
                    return Err(self.unexpected("\")\""));
                }
                self.end(Statement::Describe { name, span })
            }
            "SHOW_TABLES" => self.end(Statement::Show(Show::Tables { schema: None })),
            _ => Err(not_supported(&format!("PRAGMA {}", word.to_lowercase()), span)
                .hint("SET and SHOW SETTINGS are for settings, DESCRIBE and SHOW TABLES for tables")),
        }
    }

    pub(super) fn copy(&mut self) -> Result<Statement> {
        self.at = 1;
        let source = if self.peek().is_some_and(|t| t.token == Token::LParen) {
            let close = self.closing()?;
            let tokens = Tokens {
                map: self.tokens.map.clone(),
                placed: self.tokens.placed[..=close].to_vec(),
                raw: {
                    let end = self.tokens.placed[close].span.end;
                    let inside = |t: &&sqlparser::tokenizer::TokenWithSpan| {
                        self.tokens.map.span(t.span).is_none_or(|s| s.end <= end)
                    };
                    self.tokens.raw.iter().filter(inside).cloned().collect()
                },
            };
            let query = parse_query(self.text, &tokens, self.at)?;
            self.at = close + 1;
            CopySource::Query(query)
        } else {
            let (name, span) = self.name("the name of a table, or a query in brackets")?;
            let mut columns = Vec::new();
            if self.eat_token(&Token::LParen) {
                loop {
                    columns.push(self.name("the name of a column")?.0.join("."));
                    if self.eat_token(&Token::RParen) {
                        break;
                    }
                    if !self.eat_token(&Token::Comma) {
                        return Err(self.unexpected("\",\" or \")\""));
                    }
                }
            }
            CopySource::Table { name, columns, span }
        };
        let to = self.one_of(&["TO", "FROM"])? == "TO";
        if !to && let CopySource::Query(_) = source {
            self.at -= 1;
            return Err(self.unexpected("TO: rows are read from a file into a table"));
        }
        let (file, file_span) = match self.peek().map(|t| (&t.token, t.span)) {
            Some((Token::SingleQuotedString(file), span)) => (file.clone(), span),
            _ => return Err(self.unexpected("the name of a file in quotes")),
        };
        self.at += 1;
        self.eat("WITH");
        let options = self.copy_options()?;
        self.end(Statement::Copy(Box::new(Copy { source, to, file, file_span, options })))
    }

    /// The place of the bracket that closes the one here.
    fn closing(&self) -> Result<usize> {
        let mut depth = 0_u32;
        for (at, token) in self.tokens.placed.iter().enumerate().skip(self.at) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(at);
                    }
                }
                _ => {}
            }
        }
        Err(self.unexpected("a query in brackets that are closed"))
    }

    /// `(FORMAT csv, HEADER, PARTITION_BY (a, b))`, or nothing.
    fn copy_options(&mut self) -> Result<Vec<CopyOption>> {
        let mut options = Vec::new();
        if !self.eat_token(&Token::LParen) {
            return Ok(options);
        }
        loop {
            let (name, span) = self.name("an option, as in (FORMAT csv, HEADER)")?;
            self.eat_token(&Token::Eq);
            let mut values = Vec::new();
            if self.eat_token(&Token::LParen) {
                loop {
                    values.push(self.option_value()?);
                    if self.eat_token(&Token::RParen) {
                        break;
                    }
                    if !self.eat_token(&Token::Comma) {
                        return Err(self.unexpected("\",\" or \")\""));
                    }
                }
            } else if !matches!(self.peek().map(|t| &t.token), Some(Token::Comma | Token::RParen) | None) {
                values.push(self.option_value()?);
            }
            options.push(CopyOption { name: name.join(".").to_lowercase(), values, span });
            if self.eat_token(&Token::RParen) {
                return Ok(options);
            }
            if !self.eat_token(&Token::Comma) {
                return Err(self.unexpected("\",\" or \")\""));
            }
        }
    }

    fn option_value(&mut self) -> Result<String> {
        let value = match self.peek().map(|t| &t.token) {
            Some(Token::Word(word)) => word.value.clone(),
            Some(Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) => text.clone(),
            Some(Token::Number(digits, _)) => digits.clone(),
            Some(Token::Mul) => "*".to_string(),
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(value)
    }
}
