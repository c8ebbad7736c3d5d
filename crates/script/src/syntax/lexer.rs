//! Cuts a script into tokens: words, numbers, strings, commands, code and marks, each with its place.

use std::collections::BTreeMap;

use super::SyntaxError;
use super::tree::Position;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: Place,
    /// The octet behind it.
    pub(super) end: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// Letters, digits and `_`, not all of them digits.
    Word(&'a str),
    /// Digits only.
    Integer(&'a str),
    /// `0x1f`, whole.
    Hexadecimal(&'a str),
    /// `1.5` or `.5`.
    Decimal(&'a str),
    /// `"text"`, escapes resolved.
    Text(String),
    /// What stands between backticks.
    Backtick(String),
    /// What stands between `%{` and `}%`.
    Code(String),
    /// `...`.
    Ellipsis,
    /// Any other character.
    Mark(char),
    /// Behind the last one.
    End,
}

/// A place as offset and as position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) at: Position,
}

/// Reads tokens one by one, and raw characters where the grammar wants those.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    here: Place,
    defines: BTreeMap<&'a str, &'a str>,
    /// Where comments stand, in order.
    comments: Vec<(usize, usize)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, defines: &'a [(String, String)]) -> Self {
        let defines = defines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let here = Place { offset: 0, at: Position { line: 1, column: 1 } };
        let mut lexer = Self { text, here, defines, comments: Vec::new() };
        if text.starts_with('\u{feff}') {
            lexer.here.offset = '\u{feff}'.len_utf8();
        }
        lexer
    }

    /// Where it stands.
    pub(super) fn here(&self) -> Place {
        self.here
    }

    /// Goes back to a place it was at.
    pub(super) fn go_back(&mut self, place: Place) {
        self.here = place;
    }

    /// What is still unread.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.here.offset..]
    }

    /// The octet at an offset, if that is inside.
    pub(super) fn octet(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(offset).copied()
    }

    /// The text of a token.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        &self.text[start..end]
    }

    /// Takes the octets for which `belongs` holds; they must be ASCII.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|octet| !(octet.is_ascii() && belongs(octet)));
        let taken = &rest[..length.unwrap_or(rest.len())];
        self.advance(taken.len());
        taken
    }

    /// Goes on by so many octets, which end at a character's border.
    pub(super) fn advance(&mut self, length: usize) {
        let end = self.here.offset + length;
        for &octet in &self.text.as_bytes()[self.here.offset..end] {
            if octet == b'\n' {
                self.here.at.line += 1;
                self.here.at.column = 1;
            } else if octet & 0xc0 != 0x80 {
                self.here.at.column += 1;
            }
        }
        self.here.offset = end;
    }

    /// Skips white space and comments.
    pub(super) fn skip_blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.take_while(|octet| octet.is_ascii_whitespace() || octet == 0x0b);
            let rest = self.rest();
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.open("this comment", "*/"))?;
                end + 4
            } else {
                return Ok(());
            };
            let start = self.here.offset;
            self.advance(length);
            if self.comments.last().is_none_or(|&(last, _)| last < start) {
                self.comments.push((start, self.here.offset));
            }
        }
    }

    /// The text from `start` to `end` in one line, comments and surplus white space taken out.
    pub(super) fn one_line(&mut self, start: usize, end: usize) -> String {
        let mut line = String::with_capacity(end - start);
        let mut from = start;
        for &(comment, behind) in self.comments.iter().filter(|&&(at, _)| at >= start && at < end) {
            push_squeezed(&mut line, &self.text[from..comment]);
            push_squeezed(&mut line, " ");
            from = behind;
        }
        push_squeezed(&mut line, &self.text[from..end]);
        self.comments.retain(|&(at, _)| at >= end);
        line
    }

    /// The next token.
    pub(super) fn token(&mut self) -> Result<Token<'a>, SyntaxError> {
        self.skip_blank()?;
        let start = self.here;
        let rest = self.rest();
        let kind = match rest.bytes().next() {
            None => Kind::End,
            Some(b'"') => Kind::Text(unescape(self.delimited("\"", "this string")?)),
            Some(b'`') => Kind::Backtick(self.delimited("`", "this command")?.replace("\\`", "`")),
            Some(b'%') if rest.starts_with("%{") => Kind::Code(self.code()?),
            Some(b'.') if rest.starts_with("...") => {
                self.advance(3);
                Kind::Ellipsis
            }
            Some(b'.') if starts_with_digit(&rest[1..]) => self.decimal(),
            Some(b'0'..=b'9') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.word(),
            Some(_) => {
                let mark = rest.chars().next().expect("an octet was seen");
                self.advance(mark.len_utf8());
                Kind::Mark(mark)
            }
        };
        Ok(Token { kind, start, end: self.here.offset })
    }

    fn number(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let digits = rest.bytes().position(|octet| !octet.is_ascii_digit()).unwrap_or(rest.len());
        let behind = &rest[digits..];
        if behind.starts_with('.') && starts_with_digit(&behind[1..]) {
            return self.decimal();
        }
        self.word()
    }

    fn decimal(&mut self) -> Kind<'a> {
        let start = self.here.offset;
        self.take_while(|octet| octet.is_ascii_digit());
        self.advance(1);
        self.take_while(|octet| octet.is_ascii_digit());
        Kind::Decimal(&self.text[start..self.here.offset])
    }

    /// A word, which may be defined as something else, or a number.
    fn word(&mut self) -> Kind<'a> {
        let word = self.take_while(is_word);
        match self.defines.get(word) {
            Some(value) => classify(value),
            None => plain(word),
        }
    }

    fn code(&mut self) -> Result<String, SyntaxError> {
        let rest = self.rest();
        let end = rest.find("}%").ok_or_else(|| self.open("this code", "}%"))?;
        self.advance(end + 2);
        Ok(rest[2..end].to_owned())
    }

    /// What stands between two of `delimiter`, of which the first is here; a backslash hides the next character.
    fn delimited(&mut self, delimiter: &str, what: &str) -> Result<&'a str, SyntaxError> {
        let rest = self.rest();
        let end = closing(rest, delimiter).ok_or_else(|| self.open(what, delimiter))?;
        self.advance(end + 1);
        Ok(&rest[1..end])
    }

    fn open(&self, what: &str, end: &str) -> SyntaxError {
        let end = if end == "`" { "a backtick".to_owned() } else { format!("`{end}`") };
        SyntaxError { at: self.here.at, message: format!("expected {end} at the end of {what}, found none") }
    }
}

/// Where the delimiter that opens `text` closes.
fn closing(text: &str, delimiter: &str) -> Option<usize> {
    let delimiter = delimiter.as_bytes()[0];
    let mut hidden = false;
    for (index, octet) in text.bytes().enumerate().skip(1) {
        if hidden {
            hidden = false;
        } else if octet == delimiter {
            return Some(index);
        } else {
            hidden = octet == b'\\';
        }
    }
    None
}

pub(super) fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_'
}

fn starts_with_digit(text: &str) -> bool {
    text.bytes().next().is_some_and(|octet| octet.is_ascii_digit())
}

/// What a run of letters and digits is.
fn plain(word: &str) -> Kind<'_> {
    if word.bytes().all(|octet| octet.is_ascii_digit()) {
        return Kind::Integer(word);
    }
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    match digits {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_hexdigit()) => {
            Kind::Hexadecimal(word)
        }
        _ => Kind::Word(word),
    }
}

/// What the value of a define is: a string or a command if it is quoted so, else a number or a word.
fn classify(value: &str) -> Kind<'_> {
    if value.len() >= 2 && closing(value, "\"") == Some(value.len() - 1) && value.starts_with('"') {
        return Kind::Text(unescape(&value[1..value.len() - 1]));
    }
    if value.len() >= 2 && closing(value, "`") == Some(value.len() - 1) && value.starts_with('`') {
        return Kind::Backtick(value[1..value.len() - 1].replace("\\`", "`"));
    }
    if let Some((whole, fraction)) = value.split_once('.')
        && starts_with_digit(fraction)
        && whole.bytes().chain(fraction.bytes()).all(|octet| octet.is_ascii_digit())
    {
        return Kind::Decimal(value);
    }
    if value.is_empty() { Kind::Word(value) } else { plain(value) }
}

/// Resolves the escapes of C; an octet above 0x7f becomes the character of that number.
fn unescape(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            resolved.push(character);
            continue;
        }
        let escaped = match rest.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('x') => octet(&mut rest, 16, 2, 0),
            Some(digit @ '0'..='7') => octet(&mut rest, 8, 2, digit as u32 - '0' as u32),
            Some(other) => other,
            None => '\\',
        };
        resolved.push(escaped);
    }
    resolved
}

/// At most `most` more digits of an octet.
fn octet(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: u32, mut value: u32) -> char {
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|character| character.to_digit(radix)) else { break };
        value = value * radix + digit;
        rest.next();
    }
    char::from((value & 0xff) as u8)
}

/// Appends text with every run of white space as one space.
fn push_squeezed(line: &mut String, text: &str) {
    for character in text.chars() {
        if !character.is_whitespace() && !character.is_control() {
            line.push(character);
        } else if !line.ends_with(' ') && !line.is_empty() {
            line.push(' ');
        }
    }
}
