//! One line of packetdrill's notation, read: when, which way, and the packet with script numbers.

use faultwire_base::Duration;
use faultwire_wire::Flags;

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) when: When,
    /// `<` or `>`, if it is written.
    pub(crate) inbound: Option<bool>,
    pub(crate) marks: IpMarks,
    pub(crate) body: Body,
}

/// When a line happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// `+0.1`: so long after the line before it.
    After(Duration),
    /// `0.1`: so long after the start.
    At(Duration),
    /// `*`: at any time.
    Any,
}

/// What is said of the IP header; only that is set or compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IpMarks {
    /// The permitted ECN codepoints, as a set of bits.
    pub(crate) ecn: Option<u8>,
    pub(crate) traffic_class: Option<u8>,
    pub(crate) hop_limit: Option<u8>,
}

/// The packet.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Tcp(WrittenSegment),
    Icmp(WrittenIcmp),
}

/// A TCP segment in script numbers.
#[derive(Clone, Debug)]
pub(crate) struct WrittenSegment {
    pub(crate) flags: Flags,
    /// `None`: any (`...`).
    pub(crate) seq: Option<u32>,
    /// Not mapped (`!`).
    pub(crate) absolute: bool,
    pub(crate) length: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) window: Option<u16>,
    pub(crate) urgent: Option<u16>,
    /// `None`: not compared (`<...>`).
    pub(crate) options: Option<Vec<WrittenOption>>,
}

/// One TCP option.
#[derive(Clone, Debug)]
pub(crate) enum WrittenOption {
    Nop,
    Eol,
    Mss(u16),
    WindowScale(u8),
    SackOk,
    Sack(Vec<(u32, u32)>),
    /// `None`: any (`*`).
    Timestamps(Option<u32>, Option<u32>),
    /// Kind 34.
    FastOpen(Vec<u8>),
    /// Kind 254 with its magic.
    FastOpenExperimental(Vec<u8>),
    /// `kind N hex`: any other.
    Kind(u8, Vec<u8>),
}

/// An ICMP error.
#[derive(Clone, Debug)]
pub(crate) struct WrittenIcmp {
    pub(crate) kind: String,
    pub(crate) code: Option<String>,
    pub(crate) mtu: u32,
    /// First octet and length of the segment that it quotes.
    pub(crate) quote: (u32, u32),
}

/// Reads a line; panics with what is wrong.
pub(crate) fn parse(text: &str) -> Line {
    let text = text.split("//").next().expect("a first part").trim();
    let mut words = Words { rest: text };
    let mut when = When::After(Duration::ZERO);
    if let Some(word) = words.peek() {
        let is_time = word == "*"
            || word.starts_with('+')
            || (word.starts_with(|first: char| first.is_ascii_digit()) && !word.contains(':'));
        if is_time {
            when = time(words.next());
        }
    }
    let inbound = match words.peek() {
        Some("<") => Some(true),
        Some(">") => Some(false),
        _ => None,
    };
    if inbound.is_some() {
        words.next();
    }
    let mut marks = IpMarks::default();
    while let Some(group) = words.group('[', ']').or_else(|| words.group('(', ')')) {
        group.split(',').for_each(|mark| read_mark(mark.trim(), &mut marks));
    }
    let body =
        if words.peek() == Some("icmp") { Body::Icmp(icmp(words)) } else { Body::Tcp(segment(&mut words)) };
    Line { when, inbound, marks, body }
}

/// Decimal seconds, exact.
fn time(word: &str) -> When {
    if word == "*" {
        return When::Any;
    }
    let digits = word.strip_prefix('+').unwrap_or(word);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().expect("seconds") };
    let part: u64 = format!("{part:0<9}").parse().expect("at most nine decimals");
    let time = Duration::from_nanos(whole * 1_000_000_000 + part);
    if word.starts_with('+') { When::After(time) } else { When::At(time) }
}

fn read_mark(mark: &str, marks: &mut IpMarks) {
    let bits = |codepoints: &[u8]| Some(codepoints.iter().fold(0, |set, bits| set | 1 << bits));
    match mark.split_once(' ') {
        None => {
            marks.ecn = match mark {
                "noecn" => bits(&[0]),
                "ect1" => bits(&[1]),
                "ect0" => bits(&[2]),
                "ect01" => bits(&[1, 2]),
                "ce" => bits(&[3]),
                other => panic!("no mark of an IP header: {other:?}"),
            }
        }
        Some(("tos" | "class", value)) => marks.traffic_class = Some(number(value) as u8),
        Some(("ttl" | "hlim", value)) => marks.hop_limit = Some(number(value) as u8),
        Some(other) => panic!("no mark of an IP header: {other:?}"),
    }
}

fn segment(words: &mut Words<'_>) -> WrittenSegment {
    let flags = flags(words.next());
    let place = words.next();
    let (place, absolute) = match place.strip_suffix('!') {
        Some(place) => (place, true),
        None => (place, false),
    };
    let (seq, length) = sequence(place);
    let mut written = WrittenSegment {
        flags,
        seq,
        absolute,
        length,
        ack: None,
        window: None,
        urgent: None,
        options: Some(Vec::new()),
    };
    loop {
        if let Some(list) = words.group('<', '>') {
            written.options = if list == "..." { None } else { Some(options(list)) };
            continue;
        }
        match words.peek() {
            None => return written,
            Some("ack") => written.ack = Some(words.value()),
            Some("win") => written.window = Some(words.value() as u16),
            Some("urg") => written.urgent = Some(words.value() as u16),
            Some(other) => panic!("not a part of a segment: {other:?}"),
        }
    }
}

fn flags(letters: &str) -> Flags {
    letters.chars().fold(Flags::NONE, |flags, letter| {
        flags
            | match letter {
                'F' => Flags::FIN,
                'S' => Flags::SYN,
                'R' => Flags::RST,
                'P' => Flags::PSH,
                '.' => Flags::ACK,
                'U' => Flags::URG,
                'E' => Flags::ECE,
                'W' => Flags::CWR,
                'A' => Flags::AE,
                '-' => Flags::NONE,
                other => panic!("no flag: {other:?} in {letters:?}"),
            }
    })
}

/// `1:1001(1000)` or `...(1000)`.
fn sequence(place: &str) -> (Option<u32>, u32) {
    let (range, length) = place.strip_suffix(')').and_then(|it| it.split_once('(')).expect(place);
    let length = number(length);
    if range == "..." {
        return (None, length);
    }
    let (start, end) = range.split_once(':').expect(place);
    let (start, end) = (number(start), number(end));
    assert_eq!(start.wrapping_add(length), end, "{place}: the end is not start plus length");
    (Some(start), length)
}

fn options(list: &str) -> Vec<WrittenOption> {
    list.split(',').map(str::trim).filter(|option| !option.is_empty()).map(option).collect()
}

fn option(text: &str) -> WrittenOption {
    let words: Vec<&str> = text.split_whitespace().collect();
    let any = |word: &str| if word == "*" { None } else { Some(number(word)) };
    match words[..] {
        ["nop"] => WrittenOption::Nop,
        ["eol"] => WrittenOption::Eol,
        ["sackOK"] => WrittenOption::SackOk,
        ["mss", octets] => WrittenOption::Mss(number(octets) as u16),
        ["wscale", shift] => WrittenOption::WindowScale(number(shift) as u8),
        ["TS", "val", value, "ecr", echo] => WrittenOption::Timestamps(any(value), any(echo)),
        ["sack", ref blocks @ ..] => WrittenOption::Sack(
            blocks
                .iter()
                .map(|block| {
                    let (left, right) = block.split_once(':').expect(text);
                    (number(left), number(right))
                })
                .collect(),
        ),
        ["FO"] => WrittenOption::FastOpen(Vec::new()),
        ["FO", cookie] => WrittenOption::FastOpen(octets(cookie)),
        ["FOEXP"] => WrittenOption::FastOpenExperimental(Vec::new()),
        ["FOEXP", cookie] => WrittenOption::FastOpenExperimental(octets(cookie)),
        ["kind", kind] => WrittenOption::Kind(number(kind) as u8, Vec::new()),
        ["kind", kind, data] => WrittenOption::Kind(number(kind) as u8, octets(data)),
        _ => panic!("no TCP option: {text:?}"),
    }
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect(hex)).collect()
}

fn number(text: &str) -> u32 {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).expect(text),
        None => text.parse().expect(text),
    }
}

fn icmp(mut words: Words<'_>) -> WrittenIcmp {
    words.next();
    let mut written = WrittenIcmp { kind: words.next().to_string(), code: None, mtu: 0, quote: (0, 0) };
    loop {
        if let Some(quote) = words.group('[', ']') {
            let (seq, length) = sequence(quote);
            written.quote = (seq.expect("a quote has a number"), length);
            continue;
        }
        match words.peek() {
            None => return written,
            Some("mtu") => written.mtu = words.value(),
            Some(_) => written.code = Some(words.next().to_string()),
        }
    }
}

/// What is left of a line.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.rest.split_whitespace().next()
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek().unwrap_or_else(|| panic!("the line ends too early"));
        let at = self.rest.find(word).expect("it is there");
        self.rest = self.rest[at + word.len()..].trim_start();
        word
    }

    /// The number after the next word.
    fn value(&mut self) -> u32 {
        self.next();
        number(self.next())
    }

    /// What stands between these brackets, if the next thing is such a group.
    fn group(&mut self, open: char, close: char) -> Option<&'a str> {
        let inner = self.rest.strip_prefix(open)?;
        let end = inner.find(close)?;
        self.rest = inner[end + 1..].trim_start();
        Some(inner[..end].trim())
    }
}
