//! System calls: name, arguments, result, errno and notes, read and printed.

use std::fmt;

use super::SyntaxError;
use super::expression::{Names, expression, separated};
use super::lexer::{Kind, Lexer};
use super::reader::{Reader, not_found};
use super::tree::{Call, Expression};

/// `name(arguments) = result ERRNO (note)`.
pub(super) fn call(reader: &mut Reader<'_>) -> Result<Call, SyntaxError> {
    let at = reader.position()?;
    let name = reader.word("the name of a system call")?.to_owned();
    reader
        .expect('(', &format!("`(` and the arguments of `{}`", name.chars().take(40).collect::<String>()))?;
    let arguments = arguments(reader)?;
    reader.expect('=', "`=` and the result of the call")?;
    let result = result(reader)?;
    let errno = errno(reader)?;
    let note = notes(reader)?;
    Ok(Call { at, name, arguments, result, errno, note })
}

impl fmt::Display for Call {
    /// In the notation of scripts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        separated(f, &self.arguments, ", ", |f, argument| write!(f, "{argument}"))?;
        match &self.result {
            Some(result) => write!(f, ") = {result}")?,
            None => write!(f, ") = ?")?,
        }
        if let Some(errno) = &self.errno {
            write!(f, " {errno}")?;
        }
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}

/// Arguments and the parenthesis behind them.
fn arguments(reader: &mut Reader<'_>) -> Result<Vec<Expression>, SyntaxError> {
    let mut arguments = Vec::new();
    if reader.takes(')')? {
        return Ok(arguments);
    }
    loop {
        arguments.push(expression(reader, Names::OrFunctions, 0)?);
        if reader.takes(')')? {
            return Ok(arguments);
        }
        if !reader.takes(',')? {
            return Err(reader.unexpected("`,` or `)` after an argument"));
        }
    }
}

fn result(reader: &mut Reader<'_>) -> Result<Option<Expression>, SyntaxError> {
    if reader.takes('?')? {
        return Ok(None);
    }
    // A parenthesis behind a name here begins a note.
    expression(reader, Names::Only, 0).map(Some)
}

fn errno(reader: &mut Reader<'_>) -> Result<Option<String>, SyntaxError> {
    let Some(word) = reader.word_ahead()? else { return Ok(None) };
    let named = word.starts_with('E')
        && word.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit());
    if !named {
        return Err(reader.unexpected_among(
            "an errno such as `EAGAIN`, a note in parentheses or the next event",
            &ERRNOS,
        ));
    }
    reader.next()?;
    Ok(Some(word.to_owned()))
}

/// Notes in parentheses, any text; several are joined.
fn notes(reader: &mut Reader<'_>) -> Result<Option<String>, SyntaxError> {
    let mut notes: Option<String> = None;
    while matches!(reader.peek()?.kind, Kind::Mark('(')) {
        let lexer = reader.raw()?;
        let at = lexer.here().at;
        let Some(note) = note(lexer) else {
            return Err(not_found(at, "`)` at the end of this note", "(", &[]));
        };
        reader.taken_raw();
        match &mut notes {
            Some(notes) => {
                notes.push_str("; ");
                notes.push_str(note);
            }
            None => notes = Some(note.to_owned()),
        }
    }
    Ok(notes)
}

/// The text of one note: up to the parenthesis that matches, or to the first if none does in its line.
fn note<'a>(lexer: &mut Lexer<'a>) -> Option<&'a str> {
    const LONGEST: usize = 400;
    let rest = lexer.rest();
    let mut depth = 0_u32;
    let mut end = None;
    for (index, octet) in rest.bytes().enumerate().take(LONGEST) {
        match octet {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\n' => break,
            _ => {}
        }
        if depth == 0 {
            end = Some(index);
            break;
        }
    }
    let end = end.or_else(|| rest.find(')'))?;
    lexer.advance(end + 1);
    Some(rest[1..end].trim())
}

/// The names that calls of sockets set most.
const ERRNOS: [&str; 34] = [
    "EPERM",
    "ENOENT",
    "EINTR",
    "EIO",
    "EBADF",
    "EAGAIN",
    "EWOULDBLOCK",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "EBUSY",
    "EEXIST",
    "EINVAL",
    "EMFILE",
    "EPIPE",
    "EMSGSIZE",
    "EPROTONOSUPPORT",
    "EOPNOTSUPP",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETUNREACH",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ENOPROTOOPT",
];
