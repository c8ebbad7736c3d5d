//! Expressions: the values of arguments and results, read and printed.

use std::fmt;
use std::net::IpAddr;

use super::SyntaxError;
use super::lexer::Kind;
use super::reader::Reader;
use super::tree::{Expression, ExpressionKind, Field};

/// What a name in an expression may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// A symbol; a parenthesis behind it is none of its business.
    Only,
    /// A symbol, or a function with its arguments.
    OrFunctions,
}

/// How deep expressions nest at most.
const DEEPEST: u32 = 64;

/// `a`, or `a | b | c`.
pub(super) fn expression(
    reader: &mut Reader<'_>,
    names: Names,
    depth: u32,
) -> Result<Expression, SyntaxError> {
    let first = primary(reader, names, depth)?;
    if !reader.sees('|')? {
        return Ok(first);
    }
    let at = first.at;
    let mut parts = vec![first];
    while reader.takes('|')? {
        parts.push(primary(reader, names, depth)?);
    }
    Ok(Expression { at, kind: ExpressionKind::Or(parts) })
}

impl fmt::Display for Expression {
    /// In the notation of scripts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Ellipsis => write!(f, "..."),
            ExpressionKind::Integer(value) => write!(f, "{value}"),
            ExpressionKind::Decimal(value) if value.fract() == 0.0 => write!(f, "{value:.1}"),
            ExpressionKind::Decimal(value) => write!(f, "{value}"),
            ExpressionKind::Symbol(name) => write!(f, "{name}"),
            ExpressionKind::Text(text) => quoted(f, text),
            ExpressionKind::Address(address) => write!(f, "{address}"),
            ExpressionKind::Or(parts) => separated(f, parts, "|", operand),
            ExpressionKind::Not(inner) => {
                write!(f, "~")?;
                operand(f, inner)
            }
            ExpressionKind::List(values) => {
                write!(f, "[")?;
                separated(f, values, ", ", |f, value| write!(f, "{value}"))?;
                write!(f, "]")
            }
            ExpressionKind::Structure(fields) => {
                write!(f, "{{")?;
                separated(f, fields, ", ", |f, field| write!(f, "{field}"))?;
                write!(f, "}}")
            }
            ExpressionKind::Function { name, arguments } => {
                write!(f, "{name}(")?;
                separated(f, arguments, ", ", |f, value| write!(f, "{value}"))?;
                write!(f, ")")
            }
        }
    }
}

impl fmt::Display for Field {
    /// In the notation of scripts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            return write!(f, "{}", self.value);
        }
        match &self.count {
            Some(count) => write!(f, "{}({count})={}", self.name, self.value),
            None => write!(f, "{}={}", self.name, self.value),
        }
    }
}

/// Values with `separator` between them.
pub(super) fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    values: &[T],
    separator: &str,
    print: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            write!(f, "{separator}")?;
        }
        print(f, value)?;
    }
    Ok(())
}

/// What stands behind `~` or beside `|`.
fn operand(f: &mut fmt::Formatter<'_>, value: &Expression) -> fmt::Result {
    match value.kind {
        ExpressionKind::Or(_) => write!(f, "({value})"),
        _ => write!(f, "{value}"),
    }
}

/// A string with its escapes.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => write!(f, "\\n")?,
            '\t' => write!(f, "\\t")?,
            '\r' => write!(f, "\\r")?,
            '\0'..='\x1f' | '\x7f'..='\u{ff}' => write!(f, "\\x{:02x}", u32::from(character))?,
            _ => write!(f, "{character}")?,
        }
    }
    write!(f, "\"")
}

fn primary(reader: &mut Reader<'_>, names: Names, depth: u32) -> Result<Expression, SyntaxError> {
    if depth > DEEPEST {
        return Err(reader.unexpected(&format!("values nested at most {DEEPEST} deep")));
    }
    let at = reader.position()?;
    if let Some(address) = address(reader)? {
        return Ok(Expression { at, kind: ExpressionKind::Address(address) });
    }
    let kind = match reader.peek()?.kind {
        Kind::Mark('~') => {
            reader.next()?;
            ExpressionKind::Not(Box::new(primary(reader, names, depth + 1)?))
        }
        Kind::Mark('(') => {
            reader.next()?;
            let inner = expression(reader, Names::OrFunctions, depth + 1)?;
            reader.expect(')', "`)` after the value")?;
            inner.kind
        }
        Kind::Mark('[') => {
            reader.next()?;
            ExpressionKind::List(list(reader, ']', depth)?)
        }
        Kind::Mark('{') => {
            reader.next()?;
            ExpressionKind::Structure(structure(reader, depth)?)
        }
        Kind::Mark('&') => {
            reader.next()?;
            ExpressionKind::Symbol(format!("&{}", reader.word("a name after `&`")?))
        }
        Kind::Text(_) => ExpressionKind::Text(strings(reader)?),
        Kind::Word(name) => {
            reader.next()?;
            let name = name.to_owned();
            if names == Names::OrFunctions && reader.takes('(')? {
                ExpressionKind::Function { name, arguments: list(reader, ')', depth)? }
            } else {
                ExpressionKind::Symbol(name)
            }
        }
        Kind::Ellipsis => {
            reader.next()?;
            ExpressionKind::Ellipsis
        }
        _ => number(reader)?,
    };
    Ok(Expression { at, kind })
}

/// Adjacent strings, as one.
fn strings(reader: &mut Reader<'_>) -> Result<String, SyntaxError> {
    let mut text = String::new();
    while matches!(reader.peek()?.kind, Kind::Text(_)) {
        if let Kind::Text(part) = reader.next()?.kind {
            text.push_str(&part);
        }
    }
    Ok(text)
}

fn number(reader: &mut Reader<'_>) -> Result<ExpressionKind, SyntaxError> {
    const EXPECTED: &str = "a value";
    let negative = reader.takes('-')?;
    let value = match reader.peek()?.kind {
        Kind::Integer(digits) => digits.parse::<u64>().ok(),
        Kind::Hexadecimal(digits) => u64::from_str_radix(&digits[2..], 16).ok(),
        Kind::Decimal(digits) => {
            let value: f64 = digits.parse().unwrap_or(f64::INFINITY);
            if value.is_infinite() {
                return Err(reader.unexpected("a smaller number"));
            }
            reader.next()?;
            return Ok(ExpressionKind::Decimal(if negative { -value } else { value }));
        }
        _ => return Err(reader.unexpected(if negative { "a number after `-`" } else { EXPECTED })),
    };
    let Some(value) = value else { return Err(reader.unexpected("a number of at most 64 bits")) };
    reader.next()?;
    // As in C: a number above the highest of a signed one is its two's complement.
    let value = value.cast_signed();
    Ok(ExpressionKind::Integer(if negative { value.wrapping_neg() } else { value }))
}

/// Values up to the closing mark, the opening one taken.
fn list(reader: &mut Reader<'_>, closing: char, depth: u32) -> Result<Vec<Expression>, SyntaxError> {
    let mut values = Vec::new();
    if reader.takes(closing)? {
        return Ok(values);
    }
    loop {
        values.push(expression(reader, Names::OrFunctions, depth + 1)?);
        if reader.takes(closing)? {
            return Ok(values);
        }
        if !reader.takes(',')? {
            return Err(reader.unexpected(&format!("`,` or `{closing}`")));
        }
    }
}

fn structure(reader: &mut Reader<'_>, depth: u32) -> Result<Vec<Field>, SyntaxError> {
    let mut fields = Vec::new();
    if reader.takes('}')? {
        return Ok(fields);
    }
    loop {
        fields.push(field(reader, depth)?);
        if reader.takes('}')? {
            return Ok(fields);
        }
        if !reader.takes(',')? {
            return Err(reader.unexpected("`,` and another field, or `}`"));
        }
    }
}

/// `name = value`, `name(count) = value`, `function(value, &name)`, which is `name = function(value)`, or a bare value.
fn field(reader: &mut Reader<'_>, depth: u32) -> Result<Field, SyntaxError> {
    let mut first = expression(reader, Names::OrFunctions, depth + 1)?;
    let at = first.at;
    if !reader.sees('=')? {
        if let Some(name) = filled(&mut first.kind) {
            return Ok(Field { at, name, count: None, value: first });
        }
        return Ok(Field { at, name: String::new(), count: None, value: first });
    }
    let (name, count) = match first.kind {
        ExpressionKind::Symbol(name) => (name, None),
        ExpressionKind::Function { name, mut arguments } if arguments.len() == 1 => {
            (name, arguments.pop().map(Box::new))
        }
        _ => return Err(reader.unexpected("`,` or `}` after a value (only a name has a `=`)")),
    };
    reader.next()?;
    let value = expression(reader, Names::OrFunctions, depth + 1)?;
    Ok(Field { at, name, count, value })
}

/// The field that a function fills, as in `inet_pton(AF_INET6, "::1", &sin6_addr)`; it is taken off its arguments.
fn filled(kind: &mut ExpressionKind) -> Option<String> {
    let ExpressionKind::Function { arguments, .. } = kind else { return None };
    let last = arguments
        .pop_if(|last| matches!(&last.kind, ExpressionKind::Symbol(name) if name.starts_with('&')))?;
    match last.kind {
        ExpressionKind::Symbol(name) => Some(name[1..].to_owned()),
        _ => None,
    }
}

/// A bare address: in no other place of an expression do colons stand, or numbers with several points.
fn address(reader: &mut Reader<'_>) -> Result<Option<IpAddr>, SyntaxError> {
    let begins = match reader.peek()?.kind {
        Kind::Mark(mark) => mark == ':',
        _ => matches!(reader.octet_behind()?, Some(b':' | b'.')),
    };
    if !begins {
        return Ok(None);
    }
    let lexer = reader.raw()?;
    const LONGEST: usize = 46;
    let rest = lexer.rest();
    let length = rest
        .bytes()
        .take(LONGEST)
        .position(|octet| !(octet.is_ascii_hexdigit() || matches!(octet, b':' | b'.')))
        .unwrap_or(rest.len().min(LONGEST));
    let Ok(address) = rest.get(..length).unwrap_or_default().parse() else { return Ok(None) };
    lexer.advance(length);
    reader.taken_raw();
    Ok(Some(address))
}
