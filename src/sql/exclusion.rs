//! `EXCLUDE` at the end of a window frame, which the parser does not know: it is taken out before parsing, and found again by
//! its place when the frame is bound.

use super::source::PlacedToken;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// What a frame leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// The ends of frames that an exclusion may follow.
const FRAME_ENDS: &[&str] = &["PRECEDING", "FOLLOWING", "ROW"];

fn is_word(token: &Token, text: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

/// The exclusion that these tokens end with, and how many they are.
fn exclusion(tokens: &[&Token]) -> Option<(Exclusion, usize)> {
    let ends = |words: &[&str]| {
        tokens.len() > words.len()
            && tokens[tokens.len() - words.len()..].iter().zip(words).all(|(token, word)| is_word(token, word))
            && FRAME_ENDS.iter().any(|end| is_word(tokens[tokens.len() - words.len() - 1], end))
    };
    [
        (&["EXCLUDE", "NO", "OTHERS"][..], Exclusion::NoOthers),
        (&["EXCLUDE", "CURRENT", "ROW"], Exclusion::CurrentRow),
        (&["EXCLUDE", "GROUP"], Exclusion::Group),
        (&["EXCLUDE", "TIES"], Exclusion::Ties),
    ]
    .into_iter()
    .find(|(words, _)| ends(words))
    .map(|(words, exclusion)| (exclusion, words.len()))
}

/// The tokens without exclusions of frames.
pub fn without_exclusions(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if token.token == Token::RParen {
            let words: Vec<usize> =
                (0..kept.len()).rev().filter(|i| !matches!(kept[*i].token, Token::Whitespace(_))).take(4).collect();
            let last: Vec<&Token> = words.iter().rev().map(|i| &kept[*i].token).collect();
            if let Some((_, length)) = exclusion(&last) {
                kept.truncate(words[length - 1]);
            }
        }
        kept.push(token);
    }
    kept
}

/// The exclusion in front of the closing bracket at `tokens[close]`.
pub fn exclusion_before(tokens: &[PlacedToken], close: usize) -> Option<Exclusion> {
    let last: Vec<&Token> = tokens[close.saturating_sub(4)..close].iter().map(|t| &t.token).collect();
    exclusion(&last).map(|(exclusion, _)| exclusion)
}
