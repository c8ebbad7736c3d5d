//! ICMP messages: type, code, MTU, identifier, and the packet they quote.

use super::SyntaxError;
use super::lexer::Kind;
use super::packet;
use super::reader::Reader;
use super::tree::{IcmpSpec, QuoteSpec};

/// What stands behind `icmp`. `quote` is the quote that stood before it.
pub(super) fn icmp(
    reader: &mut Reader<'_>,
    quote: Option<QuoteSpec>,
    words: &mut Vec<String>,
) -> Result<IcmpSpec, SyntaxError> {
    let line = reader.position()?.line;
    let kind = name(reader, line)?;
    let Some(kind) = kind else {
        return Err(reader.unexpected("the type of an ICMP message, such as `unreachable`"));
    };
    let mut message = IcmpSpec { kind, code: None, mtu: None, identifier: None, quote };
    if !matches!(reader.word_ahead()?, Some("mtu" | "id")) {
        message.code = name(reader, line)?;
    }
    loop {
        if reader.takes_word("mtu")? {
            message.mtu = Some(reader.number32("an MTU")?);
        } else if reader.takes_word("id")? {
            message.identifier = Some(reader.number16("an identifier")?);
        } else if message.quote.is_none() && reader.takes('[')? {
            message.quote = Some(self::quote(reader, words)?);
        } else {
            break;
        }
    }
    if reader.word_ahead()?.is_some() {
        return Err(reader.unexpected_among("`mtu`, `id`, a quoted packet or the next event", &["mtu", "id"]));
    }
    Ok(message)
}

/// Whether a packet is quoted behind the bracket that was taken.
pub(super) fn quote_ahead(reader: &mut Reader<'_>) -> Result<bool, SyntaxError> {
    Ok(matches!(reader.peek()?.kind, Kind::Integer(_) | Kind::Ellipsis | Kind::Word("udp")))
}

/// The quoted packet and the bracket behind it.
pub(super) fn quote(reader: &mut Reader<'_>, words: &mut Vec<String>) -> Result<QuoteSpec, SyntaxError> {
    let quote = if reader.takes_word("udp")? {
        QuoteSpec::Udp { length: packet::length(reader)? }
    } else {
        let (sequence, length) = packet::sequence(reader)?;
        QuoteSpec::Tcp { sequence, length }
    };
    packet::udp_behind(reader, words)?;
    reader.expect(']', "`]` after the quoted packet")?;
    Ok(quote)
}

/// A name, or a number in the same line (in the next one it is a time).
fn name(reader: &mut Reader<'_>, line: u32) -> Result<Option<String>, SyntaxError> {
    let token = reader.peek()?;
    let name = match token.kind {
        Kind::Word(word) => word.to_owned(),
        Kind::Integer(digits) if token.start.at.line == line => digits.to_owned(),
        _ => return Ok(None),
    };
    reader.next()?;
    Ok(Some(name))
}
