//! TCP options between `<` and `>`, in their order.

use super::SyntaxError;
use super::lexer::Kind;
use super::reader::Reader;
use super::tree::{OptionSpec, OptionsSpec};

/// Octets of options in the longest header (RFC 9293 §3.1).
const LONGEST: usize = 40;

const NAMES: [&str; 12] =
    ["nop", "eol", "mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "md5", "ECN", "kind"];

/// `<...>` or a list of options, which may be empty.
pub(super) fn options(reader: &mut Reader<'_>) -> Result<OptionsSpec, SyntaxError> {
    reader.expect('<', "`<` and options")?;
    let at = reader.position()?;
    if reader.takes_ellipsis()? {
        reader.expect('>', "`>` after `...`")?;
        return Ok(OptionsSpec::Any);
    }
    let mut list = Vec::new();
    if reader.takes('>')? {
        return Ok(OptionsSpec::These(list));
    }
    loop {
        list.push(option(reader)?);
        if reader.takes('>')? {
            break;
        }
        if !reader.takes(',')? {
            return Err(reader.unexpected("`,` and another option, or `>`"));
        }
    }
    let octets: usize = list.iter().map(length).sum();
    if octets > LONGEST {
        let message = format!("expected options of at most {LONGEST} octets, found {octets}");
        return Err(SyntaxError { at, message });
    }
    Ok(OptionsSpec::These(list))
}

/// Octets that an option takes in the header.
fn length(option: &OptionSpec) -> usize {
    match option {
        OptionSpec::NoOperation | OptionSpec::EndOfList => 1,
        OptionSpec::MaximumSegmentSize(_) => 4,
        OptionSpec::WindowScale(_) => 3,
        OptionSpec::SackPermitted => 2,
        OptionSpec::Sack(blocks) => 2 + 8 * blocks.len(),
        OptionSpec::Timestamps { .. } => 10,
        OptionSpec::FastOpen(cookie) => 2 + cookie.len(),
        OptionSpec::FastOpenExperimental(cookie) => 4 + cookie.len(),
        OptionSpec::Md5(digest) => 2 + digest.as_ref().map_or(16, Vec::len),
        OptionSpec::AccurateEcn { data, .. } | OptionSpec::Unknown { data, .. } => 2 + data.len(),
    }
}

fn option(reader: &mut Reader<'_>) -> Result<OptionSpec, SyntaxError> {
    const EXPECTED: &str = "a TCP option";
    let Some(word) = reader.word_ahead()? else { return Err(reader.unexpected(EXPECTED)) };
    if !NAMES.contains(&word) {
        return Err(reader.unexpected_among(EXPECTED, &NAMES));
    }
    reader.next()?;
    Ok(match word {
        "nop" => OptionSpec::NoOperation,
        "eol" => OptionSpec::EndOfList,
        "mss" => OptionSpec::MaximumSegmentSize(reader.number16("a segment size")?),
        "wscale" => OptionSpec::WindowScale(reader.number8("a shift")?),
        "sackOK" => OptionSpec::SackPermitted,
        "sack" => OptionSpec::Sack(sack_blocks(reader)?),
        "TS" => timestamps(reader)?,
        "FO" => OptionSpec::FastOpen(octets(reader)?),
        "FOEXP" => OptionSpec::FastOpenExperimental(octets(reader)?),
        "md5" => OptionSpec::Md5(md5(reader)?),
        "ECN" => accurate_ecn(reader)?,
        _ => {
            let kind = reader.number8("the number of an option's kind")?;
            OptionSpec::Unknown { kind, data: octets(reader)? }
        }
    })
}

fn sack_blocks(reader: &mut Reader<'_>) -> Result<Vec<(u32, u32)>, SyntaxError> {
    const EXPECTED: &str = "a SACK block, such as `1:1001`";
    let mut blocks = Vec::new();
    loop {
        let left = reader.number32(EXPECTED)?;
        reader.expect(':', "`:` and the right edge of a SACK block")?;
        blocks.push((left, reader.number32("the right edge of a SACK block")?));
        if !matches!(reader.peek()?.kind, Kind::Integer(_) | Kind::Hexadecimal(_)) {
            return Ok(blocks);
        }
    }
}

fn timestamps(reader: &mut Reader<'_>) -> Result<OptionSpec, SyntaxError> {
    const EXAMPLE: &str = "`val` and `ecr`, as in `TS val 100 ecr 0`";
    if !reader.takes_word("val")? {
        return Err(reader.unexpected_among(EXAMPLE, &["val"]));
    }
    let any = reader.takes_ellipsis()?;
    let value = if any { None } else { Some(reader.number32("a timestamp or `...`")?) };
    if !reader.takes_word("ecr")? {
        return Err(reader.unexpected_among("`ecr`, as in `TS val 100 ecr 0`", &["ecr"]));
    }
    let any_echo = reader.takes_ellipsis()?;
    let echo = if any_echo { 0 } else { reader.number32("a timestamp or `...`")? };
    let literal_echo = !any_echo && reader.takes('!')?;
    reader.nplab |= any || any_echo || literal_echo;
    Ok(OptionSpec::Timestamps { value, echo, literal_echo })
}

/// A digest, or `None` for `valid`.
fn md5(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, SyntaxError> {
    if reader.takes_word("valid")? {
        reader.nplab = true;
        return Ok(None);
    }
    octets(reader).map(Some)
}

/// Octets in hexadecimal digits, none if there is no such word: it may look like a name or like a number.
fn octets(reader: &mut Reader<'_>) -> Result<Vec<u8>, SyntaxError> {
    let text = match &reader.peek()?.kind {
        Kind::Word(digits) | Kind::Integer(digits) | Kind::Hexadecimal(digits) => (*digits).to_owned(),
        Kind::Text(text) => text.clone(),
        _ => return Ok(Vec::new()),
    };
    let digits = text.strip_prefix("0x").unwrap_or(&text).as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let octets: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => Some(value(high)? << 4 | value(low)?),
            _ => None,
        })
        .collect();
    match octets {
        Some(octets) => {
            reader.next()?;
            Ok(octets)
        }
        None => Err(reader.unexpected("pairs of hexadecimal digits")),
    }
}

/// `ECN e0b N ceb N e1b N` or the other order, also cut short after a counter (RFC 9768 §3.2.3).
fn accurate_ecn(reader: &mut Reader<'_>) -> Result<OptionSpec, SyntaxError> {
    const NAMES: [&str; 3] = ["e0b", "ceb", "e1b"];
    let mut kind = 172;
    let mut data = Vec::new();
    for index in 0..3 {
        let Some(word) = reader.word_ahead()? else { break };
        if index == 0 && word == "e1b" {
            kind = 174;
        }
        let wanted = NAMES[if kind == 174 { 2 - index } else { index }];
        if word != wanted {
            let expected =
                if index == 0 { "the counter `e0b` or `e1b`" } else { &format!("the counter `{wanted}`") };
            return Err(reader.unexpected(expected));
        }
        reader.next()?;
        let count = reader.number("a counter of 24 bits", 0xff_ffff)?;
        data.extend_from_slice(&count.to_be_bytes()[5..]);
    }
    Ok(OptionSpec::AccurateEcn { kind, data })
}
