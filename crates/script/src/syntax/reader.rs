//! Reads tokens with one ahead, and says what was expected where something else stands.

use super::SyntaxError;
use super::lexer::{Kind, Lexer, Place, Token};
use super::tree::Position;

/// Tokens, one ahead.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    lexer: Lexer<'a>,
    ahead: Option<Token<'a>>,
    /// The octet behind the last token taken.
    pub(super) taken: usize,
    /// Whether something was seen that only nplab's tool knows.
    pub(super) nplab: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, defines: &'a [(String, String)]) -> Self {
        Self { lexer: Lexer::new(text, defines), ahead: None, taken: 0, nplab: false }
    }

    /// The next token, left where it is.
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, SyntaxError> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.token()?,
        };
        Ok(self.ahead.insert(token))
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        self.peek()?;
        let token = self.ahead.take().expect("one is ahead");
        self.taken = token.end;
        Ok(token)
    }

    /// Where the next token stands.
    pub(super) fn position(&mut self) -> Result<Position, SyntaxError> {
        Ok(self.peek()?.start.at)
    }

    /// Where the next token stands, from its start to the octet behind it.
    pub(super) fn span(&mut self) -> Result<Span, SyntaxError> {
        let token = self.peek()?;
        Ok(Span { start: token.start, end: token.end })
    }

    /// The octet right behind the next token.
    pub(super) fn octet_behind(&mut self) -> Result<Option<u8>, SyntaxError> {
        let end = self.peek()?.end;
        Ok(self.lexer.octet(end))
    }

    /// Whether there is no token left.
    pub(super) fn at_end(&mut self) -> Result<bool, SyntaxError> {
        Ok(self.peek()?.kind == Kind::End)
    }

    /// Whether this mark is next.
    pub(super) fn sees(&mut self, mark: char) -> Result<bool, SyntaxError> {
        Ok(self.peek()?.kind == Kind::Mark(mark))
    }

    /// Takes this mark if it is next.
    pub(super) fn takes(&mut self, mark: char) -> Result<bool, SyntaxError> {
        let seen = self.sees(mark)?;
        if seen {
            self.next()?;
        }
        Ok(seen)
    }

    /// Takes this mark; `expected` says what it is for.
    pub(super) fn expect(&mut self, mark: char, expected: &str) -> Result<(), SyntaxError> {
        if self.takes(mark)? { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// The next token if it is a word.
    pub(super) fn word_ahead(&mut self) -> Result<Option<&'a str>, SyntaxError> {
        Ok(match self.peek()?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        })
    }

    /// Takes this word if it is next.
    pub(super) fn takes_word(&mut self, word: &str) -> Result<bool, SyntaxError> {
        let seen = self.word_ahead()? == Some(word);
        if seen {
            self.next()?;
        }
        Ok(seen)
    }

    /// Takes a word.
    pub(super) fn word(&mut self, expected: &str) -> Result<&'a str, SyntaxError> {
        let Some(word) = self.word_ahead()? else { return Err(self.unexpected(expected)) };
        self.next()?;
        Ok(word)
    }

    /// Takes `...` if it is next.
    pub(super) fn takes_ellipsis(&mut self) -> Result<bool, SyntaxError> {
        let seen = self.peek()?.kind == Kind::Ellipsis;
        if seen {
            self.next()?;
        }
        Ok(seen)
    }

    /// Takes a number from 0 to `most`.
    pub(super) fn number(&mut self, what: &str, most: u64) -> Result<u64, SyntaxError> {
        let value = match self.peek()?.kind {
            Kind::Integer(digits) => digits.parse().ok(),
            Kind::Hexadecimal(digits) => u64::from_str_radix(&digits[2..], 16).ok(),
            _ => return Err(self.unexpected(what)),
        };
        match value.filter(|&value| value <= most) {
            Some(value) => {
                self.next()?;
                Ok(value)
            }
            None => Err(self.unexpected(&format!("at most {most} as {what}"))),
        }
    }

    /// As [`Reader::number`], up to 65,535.
    pub(super) fn number16(&mut self, what: &str) -> Result<u16, SyntaxError> {
        let value = self.number(what, u64::from(u16::MAX))?;
        Ok(u16::try_from(value).expect("bounded"))
    }

    /// As [`Reader::number`], up to 4,294,967,295.
    pub(super) fn number32(&mut self, what: &str) -> Result<u32, SyntaxError> {
        let value = self.number(what, u64::from(u32::MAX))?;
        Ok(u32::try_from(value).expect("bounded"))
    }

    /// As [`Reader::number`], up to 255.
    pub(super) fn number8(&mut self, what: &str) -> Result<u8, SyntaxError> {
        let value = self.number(what, u64::from(u8::MAX))?;
        Ok(u8::try_from(value).expect("bounded"))
    }

    /// The characters from the next token on, to be read one by one.
    pub(super) fn raw(&mut self) -> Result<&mut Lexer<'a>, SyntaxError> {
        if let Some(token) = self.ahead.take() {
            self.lexer.go_back(token.start);
        }
        self.lexer.skip_blank()?;
        Ok(&mut self.lexer)
    }

    /// The characters from a place on, white space too.
    pub(super) fn raw_from(&mut self, place: Place) -> &mut Lexer<'a> {
        self.ahead = None;
        self.lexer.go_back(place);
        &mut self.lexer
    }

    /// Raw characters were taken up to here.
    pub(super) fn taken_raw(&mut self) {
        self.taken = self.lexer.here().offset;
    }

    /// The text of what was taken since `start`, in one line.
    pub(super) fn text_since(&mut self, start: usize) -> String {
        self.lexer.one_line(start, self.taken)
    }

    /// The text of what was taken since `start`, as it stands.
    pub(super) fn slice_since(&self, start: usize) -> &'a str {
        self.lexer.slice(start, self.taken)
    }

    /// The error that the next token is not what is `expected`.
    pub(super) fn unexpected(&mut self, expected: &str) -> SyntaxError {
        self.unexpected_among(expected, &[])
    }

    /// As [`Reader::unexpected`], with the nearest of the known names.
    pub(super) fn unexpected_among(&mut self, expected: &str, names: &[&str]) -> SyntaxError {
        match self.span() {
            Ok(span) => self.wrong(span, expected, names),
            Err(error) => error,
        }
    }

    /// The error that what stands there is not what is `expected`.
    pub(super) fn wrong(&self, span: Span, expected: &str, names: &[&str]) -> SyntaxError {
        let at = span.start.at;
        if span.start.offset == span.end {
            return SyntaxError { at, message: format!("expected {expected}, found the end of the script") };
        }
        not_found(at, expected, self.lexer.slice(span.start.offset, span.end), names)
    }
}

/// Where a token stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: Place,
    /// The octet behind it.
    end: usize,
}

/// The error that `found` is not what is `expected`, with the nearest of the known names.
pub(super) fn not_found(at: Position, expected: &str, found: &str, names: &[&str]) -> SyntaxError {
    let (kind, text) = match found.strip_prefix('`') {
        Some(command) => ("the command ", command.trim_end_matches('`')),
        None => ("", found),
    };
    let mut message = format!("expected {expected}, found {kind}`{}`", shortened(text));
    if let Some(name) = nearest(found, names) {
        message.push_str(&format!("; did you mean `{name}`?"));
    }
    SyntaxError { at, message }
}

/// The beginning of a text, in one line.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

/// The known name that is at most two slips away, and not wholly different.
fn nearest<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    if found.len() > 40 {
        return None;
    }
    let lower = found.to_ascii_lowercase();
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase()), *name))
        .filter(|&(slips, name)| slips <= 2 && slips * 2 <= name.len())
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, name)| name)
}
