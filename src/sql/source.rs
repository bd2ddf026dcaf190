//! Places in a statement: tokens with byte offsets, and the way from the parser's lines and columns to bytes.

use super::diagnostic::{Diagnostic, Result, Span};
use super::dialect::FaultlabDialect;
use crate::journal::ErrorCode;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// A token and where it stands.
#[derive(Debug, Clone)]
pub struct PlacedToken {
    pub token: Token,
    pub span: Span,
}

/// Translates the parser's line and column (both from 1, in characters) to byte offsets of one text.
#[derive(Debug, Clone)]
pub struct SourceMap {
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
    /// For lines with characters beyond ASCII: the byte offset of every character.
    wide: Vec<Option<Vec<usize>>>,
    length: usize,
}

impl SourceMap {
    /// Reads the text once.
    pub fn new(text: &str) -> SourceMap {
        let mut map = SourceMap { lines: Vec::new(), wide: Vec::new(), length: text.len() };
        let mut start = 0;
        for line in
            text.split_inclusive('\n').chain(if text.is_empty() || text.ends_with('\n') { Some("") } else { None })
        {
            map.lines.push(start);
            map.wide.push((!line.is_ascii()).then(|| line.char_indices().map(|(at, _)| start + at).collect()));
            start += line.len();
        }
        map
    }

    /// The byte offset of a place; None for the parser's "nowhere" (line 0).
    pub fn offset(&self, at: Location) -> Option<usize> {
        let line = usize::try_from(at.line.checked_sub(1)?).ok()?;
        let column = usize::try_from(at.column.checked_sub(1)?).ok()?;
        let Some(&start) = self.lines.get(line) else { return Some(self.length) };
        let end = self.lines.get(line + 1).copied().unwrap_or(self.length);
        Some(match &self.wide[line] {
            None => (start + column).min(end),
            Some(offsets) => offsets.get(column).copied().unwrap_or(end),
        })
    }

    /// The bytes that a parser's span covers; None for an empty one.
    pub fn span(&self, span: sqlparser::tokenizer::Span) -> Option<Span> {
        let (start, end) = (self.offset(span.start)?, self.offset(span.end)?);
        Some(Span { start: start as u32, end: end.max(start) as u32 })
    }
}

/// A tokenized statement.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub map: SourceMap,
    /// Without white space and comments.
    pub placed: Vec<PlacedToken>,
    /// As the parser wants them, white space included.
    pub raw: Vec<TokenWithSpan>,
}

/// The tokens of a statement. SYNTAX_ERROR for a quote or comment that is not closed.
pub fn tokenize(text: &str) -> Result<Tokens> {
    let map = SourceMap::new(text);
    let raw = Tokenizer::new(&FaultlabDialect, text).tokenize_with_location().map_err(|error| {
        let start = map.offset(error.location).unwrap_or(0).min(text.len()) as u32;
        let place = Span { start, end: (start + 1).min(text.len() as u32) };
        let problem = Diagnostic::new(ErrorCode::SyntaxError, sentence(&error.message)).at(place);
        let opens = |mark: char| text[start as usize..].starts_with(mark);
        match ['\'', '"'].into_iter().find(|&mark| opens(mark)) {
            Some(mark) => problem.hint(format!("it begins here; a {mark} ends it")),
            None => problem,
        }
    })?;
    let placed = raw
        .iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF))
        .filter_map(|t| Some(PlacedToken { span: map.span(t.span)?, token: t.token.clone() }))
        .collect();
    Ok(Tokens { map, placed, raw })
}

/// The tokenizer's message as one of ours: no closing full stop, small first letter after the head.
fn sentence(message: &str) -> String {
    format!("syntax error: {}", message.trim_end_matches('.').replacen("Unterminated", "unterminated", 1))
}
