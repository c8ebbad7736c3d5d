//! The text of a snippet as lines of tokens.

use crate::problem::Problem;

/// A logical line: brackets and backslashes join physical ones.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Columns before its first token; 0 for what stands behind `%{`.
    pub(super) indent: usize,
    pub(super) tokens: Vec<Token>,
}

/// A token and where it stands, in octets.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Integer(i128),
    Float(f64),
    Text(String),
    Name(String),
    Operator(&'static str),
}

/// Operators and delimiters; a longer one stands before those that it begins with.
const OPERATORS: &[&str] = &[
    "**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "=", "(", ")", "[", "]", ",",
    ":", ";",
];

/// Splits a snippet.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, Problem> {
    let mut scanner = Scanner { text, at: 0 };
    let mut lines = Vec::new();
    let mut indent = 0;
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    loop {
        let begin = scanner.at;
        scanner.skip_blanks();
        if tokens.is_empty() && begin > 0 && scanner.is_line_start(begin) {
            indent = scanner.at - begin;
        }
        let Some(first) = scanner.rest().chars().next() else { break };
        match first {
            '\n' => {
                scanner.at += 1;
                if depth == 0 && !tokens.is_empty() {
                    lines.push(Line { indent, tokens: std::mem::take(&mut tokens) });
                }
            }
            '#' => scanner.skip_comment(),
            '\\' if scanner.rest().starts_with("\\\n") => scanner.at += 2,
            _ => {
                let token = scanner.token(first)?;
                match token.kind {
                    TokenKind::Operator("(" | "[") => depth += 1,
                    TokenKind::Operator(")" | "]") => depth = depth.saturating_sub(1),
                    _ => {}
                }
                tokens.push(token);
            }
        }
    }
    if !tokens.is_empty() {
        lines.push(Line { indent, tokens });
    }
    Ok(lines)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes the characters that `is` holds for.
    fn take(&mut self, is: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|next| !is(next)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blanks(&mut self) {
        self.take(|next| matches!(next, ' ' | '\t' | '\r' | '\x0c'));
    }

    fn skip_comment(&mut self) {
        self.take(|next| next != '\n');
    }

    fn is_line_start(&self, at: usize) -> bool {
        self.text[..at].ends_with('\n')
    }

    fn token(&mut self, first: char) -> Result<Token, Problem> {
        let start = self.at;
        let second = self.rest().chars().nth(1);
        let kind = match first {
            '0'..='9' => self.number()?,
            '.' if second.is_some_and(|next| next.is_ascii_digit()) => self.number()?,
            '"' | '\'' => self.string(first)?,
            _ if first.is_alphabetic() || first == '_' => {
                let name = self.take(|next| next.is_alphanumeric() || next == '_').to_owned();
                if self.rest().starts_with(['"', '\'']) {
                    return Err(Problem::Unknown(format!(
                        "strings with the prefix {name} are not known here"
                    )));
                }
                TokenKind::Name(name)
            }
            _ => {
                let known = OPERATORS.iter().find(|operator| self.rest().starts_with(**operator));
                let Some(operator) = known else {
                    return Err(Problem::Unknown(format!("{first:?} in a snippet is not known here")));
                };
                self.at += operator.len();
                TokenKind::Operator(operator)
            }
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn number(&mut self) -> Result<TokenKind, Problem> {
        let start = self.at;
        let word = self.take(|next| next.is_ascii_alphanumeric() || next == '_' || next == '.').to_owned();
        let mut word = word;
        if !word.starts_with("0x") && word.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take(|next| next.is_ascii_digit());
            word = self.text[start..self.at].to_owned();
        }
        let digits = word.replace('_', "");
        let radix = |prefix: &str| digits.to_ascii_lowercase().strip_prefix(prefix).map(str::to_owned);
        let parsed = if let Some(hex) = radix("0x") {
            i128::from_str_radix(&hex, 16).ok().map(TokenKind::Integer)
        } else if let Some(octal) = radix("0o") {
            i128::from_str_radix(&octal, 8).ok().map(TokenKind::Integer)
        } else if let Some(binary) = radix("0b") {
            i128::from_str_radix(&binary, 2).ok().map(TokenKind::Integer)
        } else if digits.bytes().all(|digit| digit.is_ascii_digit()) {
            let padded =
                digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|digit| digit != b'0');
            if padded { None } else { digits.parse().ok().map(TokenKind::Integer) }
        } else {
            digits.parse().ok().map(TokenKind::Float)
        };
        parsed.ok_or_else(|| Problem::Unknown(format!("{word} is no number that is known here")))
    }

    fn string(&mut self, quote: char) -> Result<TokenKind, Problem> {
        let triple = [quote; 3].iter().collect::<String>();
        if self.rest().starts_with(&triple) {
            return Err(Problem::Unknown("strings in three quotes are not known here".into()));
        }
        self.at += 1;
        let mut value = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((offset, next)) = characters.next() {
            match next {
                '\n' => break,
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, same @ ('\\' | '"' | '\''))) => value.push(same),
                    Some((_, '\n')) => {}
                    _ => return Err(Problem::Unknown("that escape in a string is not known here".into())),
                },
                _ if next == quote => {
                    self.at += offset + quote.len_utf8();
                    return Ok(TokenKind::Text(value));
                }
                _ => value.push(next),
            }
        }
        Err(Problem::Unknown("a string in a snippet has no end".into()))
    }
}
