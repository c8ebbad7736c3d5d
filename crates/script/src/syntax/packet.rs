//! Packets: the IP header as far as it is written, ports, a segment, a datagram or an ICMP message, encapsulation.

use faultwire_wire::Flags;

use super::SyntaxError;
use super::icmp;
use super::lexer::Kind;
use super::options;
use super::reader::{Reader, not_found};
use super::tree::{
    BodySpec, EcnSpec, IpSpec, OptionsSpec, PacketSpec, Position, QuoteSpec, SequenceSpec, TcpSpec,
};

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// `<`: injected.
    Inbound,
    /// `>`: expected.
    Outbound,
}

/// A packet with its direction mark.
pub(super) fn packet(reader: &mut Reader<'_>, direction: Direction) -> Result<PacketSpec, SyntaxError> {
    let at = reader.next()?.start.at;
    let mut ip = IpSpec::default();
    let mut quote = None;
    let mut encapsulation = Vec::new();
    while reader.sees('(')? || reader.sees('[')? {
        if let Some(early) = ip_group(reader, &mut ip, &mut encapsulation)? {
            quote = Some(early);
        }
    }
    outer_headers(reader, &mut encapsulation)?;
    let ports = ports(reader)?;
    let body = if reader.takes_word("icmp")? {
        BodySpec::Icmp(icmp::icmp(reader, quote.take(), &mut encapsulation)?)
    } else if reader.takes_word("udp")? {
        BodySpec::Udp { length: length(reader)? }
    } else {
        BodySpec::Tcp(segment(reader, direction, at)?)
    };
    if quote.is_some() {
        return Err(reader.unexpected("an ICMP message around the packet in brackets"));
    }
    udp_behind(reader, &mut encapsulation)?;
    let encapsulation = if encapsulation.is_empty() { None } else { Some(encapsulation.join(" ")) };
    Ok(PacketSpec { at, ip, ports, body, encapsulation })
}

/// `/udp(9811 > 9811)`, if it stands here.
pub(super) fn udp_behind(reader: &mut Reader<'_>, words: &mut Vec<String>) -> Result<(), SyntaxError> {
    const EXAMPLE: &str = "UDP encapsulation such as `/udp(9811 > 9811)`";
    if !reader.takes('/')? {
        return Ok(());
    }
    reader.nplab = true;
    if !reader.takes_word("udp")? {
        return Err(reader.unexpected_among(EXAMPLE, &["udp"]));
    }
    reader.expect('(', EXAMPLE)?;
    let source = reader.number16("a port")?;
    reader.expect('>', EXAMPLE)?;
    let destination = reader.number16("a port")?;
    reader.expect(')', "`)`")?;
    words.push(format!("/udp({source} > {destination})"));
    Ok(())
}

/// `1:1001(1000)`, `1:1001(1000)!` or `...(1000)`.
pub(super) fn sequence(reader: &mut Reader<'_>) -> Result<(SequenceSpec, u16), SyntaxError> {
    if reader.takes_ellipsis()? {
        reader.nplab = true;
        return Ok((SequenceSpec::Any, length(reader)?));
    }
    let start = reader.number32("a sequence number, as in `1:1001(1000)`")?;
    reader.expect(':', "`:` and the end of the sequence range, as in `1:1001(1000)`")?;
    let span = reader.span()?;
    let end = reader.number32("the end of the sequence range, as in `1:1001(1000)`")?;
    let length = length(reader)?;
    if start.wrapping_add(u32::from(length)) != end {
        let expected = start.wrapping_add(u32::from(length));
        return Err(reader.wrong(span, &format!("{expected} as the end, {length} behind {start}"), &[]));
    }
    if reader.takes('!')? {
        reader.nplab = true;
        return Ok((SequenceSpec::Absolute(start), length));
    }
    Ok((SequenceSpec::Relative(start), length))
}

/// `(1000)`.
pub(super) fn length(reader: &mut Reader<'_>) -> Result<u16, SyntaxError> {
    reader.expect('(', "a length in parentheses, as in `(1000)`")?;
    let length = reader.number16("a length")?;
    reader.expect(')', "`)` after the length")?;
    Ok(length)
}

const IP_WORDS: [&str; 11] =
    ["ect0", "ect1", "ect01", "ce", "noecn", "tos", "class", "ttl", "hlim", "flowlabel", "fl"];

/// One group in parentheses or brackets, which may be empty; or the packet that an ICMP message quotes, if that stands first.
fn ip_group(
    reader: &mut Reader<'_>,
    ip: &mut IpSpec,
    words: &mut Vec<String>,
) -> Result<Option<QuoteSpec>, SyntaxError> {
    let closing = if reader.takes('(')? {
        ')'
    } else {
        reader.next()?;
        if icmp::quote_ahead(reader)? {
            return icmp::quote(reader, words).map(Some);
        }
        ']'
    };
    if reader.takes(closing)? {
        return Ok(None);
    }
    loop {
        ip_item(reader, ip, closing)?;
        if reader.takes(closing)? {
            return Ok(None);
        }
        if !reader.takes(',')? {
            return Err(reader.unexpected(&format!("`,` or `{closing}`")));
        }
    }
}

fn ip_item(reader: &mut Reader<'_>, ip: &mut IpSpec, closing: char) -> Result<(), SyntaxError> {
    const EXPECTED: &str = "a field of the IP header, such as `ect0` or `ttl 64`";
    let Some(word) = reader.word_ahead()? else { return Err(reader.unexpected(EXPECTED)) };
    if !IP_WORDS.contains(&word) {
        return Err(reader.unexpected_among(EXPECTED, &IP_WORDS));
    }
    reader.next()?;
    // Google's tool knows flow labels in parentheses, but these only in brackets.
    reader.nplab |= closing == ')' && matches!(word, "tos" | "class" | "ttl" | "hlim");
    match word {
        "ect0" => ip.ecn = Some(EcnSpec::Ect0),
        "ect1" => ip.ecn = Some(EcnSpec::Ect1),
        "ect01" => ip.ecn = Some(EcnSpec::Ect01),
        "ce" => ip.ecn = Some(EcnSpec::Ce),
        "noecn" => ip.ecn = Some(EcnSpec::NotEct),
        "tos" | "class" => ip.traffic_class = Some(reader.number8("an octet, such as `0x10`")?),
        "ttl" | "hlim" => ip.hop_limit = Some(reader.number8("a number of hops")?),
        _ => {
            let label = reader.number("a flow label", 0xf_ffff)?;
            ip.flow_label = Some(u32::try_from(label).expect("bounded"));
        }
    }
    Ok(())
}

/// Headers of tunnels, up to the colon of each: kept as words, so that the script can be skipped with its reason.
fn outer_headers(reader: &mut Reader<'_>, words: &mut Vec<String>) -> Result<(), SyntaxError> {
    while let Some(word @ ("ipv4" | "ipv6" | "gre" | "mpls" | "psp")) = reader.word_ahead()? {
        let lexer = reader.raw()?;
        let rest = lexer.rest();
        let Some(end) = end_of_outer_header(rest) else {
            let here = lexer.here().at;
            return Err(not_found(here, "`:` and white space behind an outer header", word, &[]));
        };
        lexer.advance(end + 1);
        words.push(rest[..=end].to_owned());
        reader.taken_raw();
    }
    Ok(())
}

/// Where the colon behind an outer header is; white space follows it, as it follows none inside an address.
fn end_of_outer_header(text: &str) -> Option<usize> {
    const LONGEST: usize = 200;
    let octets = text.as_bytes();
    let line = octets.iter().take(LONGEST).take_while(|octet| **octet != b'\n').count();
    (0..line)
        .find(|&index| octets[index] == b':' && octets.get(index + 1).is_none_or(u8::is_ascii_whitespace))
}

/// `40000 > 8080`, if it stands here.
fn ports(reader: &mut Reader<'_>) -> Result<Option<(u16, u16)>, SyntaxError> {
    let Kind::Integer(digits) = reader.peek()?.kind else { return Ok(None) };
    let start = reader.peek()?.start;
    let source = reader.number16("a port")?;
    if digits.len() == 1 && !reader.sees('>')? {
        // A count of AccECN without any letter.
        reader.raw_from(start);
        return Ok(None);
    }
    reader.expect(
        '>',
        "`>` and the destination port, as in `40000 > 8080`, or flags before a sequence number",
    )?;
    let destination = reader.number16("a port")?;
    Ok(Some((source, destination)))
}

fn segment(reader: &mut Reader<'_>, direction: Direction, at: Position) -> Result<TcpSpec, SyntaxError> {
    let (flags, ace) = flags(reader)?;
    let span = reader.span()?;
    let (sequence, length) = sequence(reader)?;
    if sequence == SequenceSpec::Any && direction == Direction::Inbound {
        return Err(reader.wrong(span, "a sequence number in an inbound packet", &[]));
    }
    let mut segment = TcpSpec {
        flags,
        ace,
        sequence,
        length,
        acknowledgment: None,
        window: None,
        urgent: None,
        options: OptionsSpec::These(Vec::new()),
    };
    fields(reader, &mut segment)?;
    if direction == Direction::Inbound && segment.window.is_none() {
        let message = "expected `win N` in this packet, as in every inbound segment, found none".to_owned();
        return Err(SyntaxError { at, message });
    }
    if reader.sees('<')? {
        let at = reader.position()?;
        segment.options = options::options(reader)?;
        if direction == Direction::Inbound && segment.options == OptionsSpec::Any {
            let message = "expected the options that an inbound segment carries, found `<...>`, which is for outbound ones";
            return Err(SyntaxError { at, message: message.to_owned() });
        }
    }
    Ok(segment)
}

/// `ack N win N urg N`, each once.
fn fields(reader: &mut Reader<'_>, segment: &mut TcpSpec) -> Result<(), SyntaxError> {
    while let Some(word) = reader.word_ahead()? {
        match word {
            "ack" if segment.acknowledgment.is_none() => {
                reader.next()?;
                segment.acknowledgment = Some(reader.number32("an acknowledgment number")?);
            }
            "win" if segment.window.is_none() => {
                reader.next()?;
                segment.window = Some(reader.number16("a window")?);
            }
            "urg" if segment.urgent.is_none() => {
                reader.next()?;
                segment.urgent = Some(reader.number16("an urgent pointer")?);
            }
            "ack" | "win" | "urg" => return Err(reader.unexpected(&format!("`{word}` once"))),
            _ => {
                let expected = "`ack`, `win`, `urg`, options or the next event";
                return Err(reader.unexpected_among(expected, &["ack", "win", "urg"]));
            }
        }
    }
    Ok(())
}

/// `S`, `P.`, `.5`, `SEWA`, `-`: read character by character, since `.5` is a number elsewhere.
fn flags(reader: &mut Reader<'_>) -> Result<(Flags, Option<u8>), SyntaxError> {
    const EXPECTED: &str = "flags of `F S R P . U E W A` and a digit, or `-`";
    reader.peek()?;
    let lexer = reader.raw()?;
    let at = lexer.here().at;
    let before = lexer.here();
    let run = lexer.take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_'));
    if run.is_empty() || run.starts_with("...") {
        lexer.go_back(before);
        return Err(reader.unexpected(EXPECTED));
    }
    reader.taken_raw();
    if run == "-" {
        return Ok((Flags::NONE, None));
    }
    let mut flags = Flags::NONE;
    let mut ace = None;
    for letter in run.chars() {
        flags |= match letter {
            'F' => Flags::FIN,
            'S' => Flags::SYN,
            'R' => Flags::RST,
            'P' => Flags::PSH,
            '.' => Flags::ACK,
            'U' => Flags::URG,
            'E' => Flags::ECE,
            'W' => Flags::CWR,
            'A' => Flags::AE,
            '0'..='7' if ace.is_none() => {
                let count = letter as u8 - b'0';
                ace = Some(count);
                // RFC 9768 §3.2.2.1: ACE is AE, CWR, ECE, from its highest bit.
                Flags(u16::from(count) << 6)
            }
            _ => return Err(not_found(at, EXPECTED, run, &["icmp", "udp"])),
        };
    }
    if !flags.contains(Flags::ACK) && ace.is_none() && reader.takes('.')? {
        flags |= Flags::ACK;
    }
    Ok((flags, ace))
}
