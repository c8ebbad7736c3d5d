//! What a script says, as read: events with their times, packets, calls and expressions, each with its place.

use std::fmt;
use std::net::IpAddr;

use faultwire_base::Duration;
use faultwire_wire::Flags;

/// A place in a script; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// `--name=value` at its head, in their order; a later one counts.
    pub options: Vec<ScriptOption>,
    /// The command before the first event, which has no time.
    pub initialisation: Option<Command>,
    /// The events, in the order of their times.
    pub events: Vec<Event>,
    /// The command after the last event, run whatever the verdict is.
    pub cleanup: Option<Command>,
    /// Which tool's notation it uses, as far as it tells.
    pub dialect: Dialect,
}

/// Whose notation a script is in. The two share nearly everything; it decides the default profile and tolerance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `google/packetdrill`, whose scripts are written for Linux.
    #[default]
    Google,
    /// `nplab/packetdrill`, whose scripts are written for FreeBSD.
    Nplab,
}

/// `--name=value`, or `--name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptOption {
    /// Where it stands.
    pub at: Position,
    /// Without the dashes.
    pub name: String,
    /// As written, quotes taken off and their escapes resolved; empty if there is none.
    pub value: String,
}

/// A backtick command, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where it stands.
    pub at: Position,
    /// What stands between the backticks.
    pub text: String,
}

/// One thing that happens or is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where its time stands.
    pub at: Position,
    /// When.
    pub time: Time,
    /// What.
    pub action: Action,
    /// The event as written, comments and surplus white space taken out.
    pub text: String,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Time {
    /// `1.5`: since the start of the script.
    Absolute(Duration),
    /// `+0.1`: since the event before.
    Relative(Duration),
    /// `1.0~1.2`.
    AbsoluteRange(Duration, Duration),
    /// `+0.1~+0.2`.
    RelativeRange(Duration, Duration),
    /// `*`.
    Any,
    /// `1.00...6.00`: a call that starts and returns then.
    AbsoluteBlocking(Duration, Duration),
    /// `+0...0.5`: as before, both since the event before.
    RelativeBlocking(Duration, Duration),
}

/// What an event is.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `<`: a packet of the peer, injected.
    Inbound(PacketSpec),
    /// `>`: a packet that the stack must send.
    Outbound(PacketSpec),
    /// A system call and what it must return.
    Call(Call),
    /// A backtick command.
    Command(Command),
    /// What stands between `%{` and `}%`.
    Code(Command),
}

/// A packet as written; what is not written is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketSpec {
    /// Where it stands.
    pub at: Position,
    /// What is said of its IP header.
    pub ip: IpSpec,
    /// `40000 > 8080`: source and destination port.
    pub ports: Option<(u16, u16)>,
    /// What it carries.
    pub body: BodySpec,
    /// GRE, MPLS and the like before it, `/udp(s > d)` behind it: the words of an encapsulation, which is not spoken.
    pub encapsulation: Option<String>,
}

/// What is said of an IP header; only that is set or compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IpSpec {
    /// `[ect0]`, `[ect1]`, `[ect01]`, `[ce]`, `[noecn]`.
    pub ecn: Option<EcnSpec>,
    /// `(tos 0x10)`, `(class 0x10)`: the whole octet.
    pub traffic_class: Option<u8>,
    /// `(ttl 64)`, `(hlim 64)`.
    pub hop_limit: Option<u8>,
    /// `[flowlabel 0x1]`: equal labels in the script are equal on the wire.
    pub flow_label: Option<u32>,
}

/// Which ECN codepoints an IP header may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcnSpec {
    /// Not ECN-capable.
    NotEct,
    /// ECT(0).
    Ect0,
    /// ECT(1).
    Ect1,
    /// ECT(0) or ECT(1); inbound, ECT(0).
    Ect01,
    /// Congestion experienced.
    Ce,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
pub enum BodySpec {
    /// A segment.
    Tcp(TcpSpec),
    /// `udp (1000)`: a datagram with so many octets of data.
    Udp {
        /// Octets of data.
        length: u16,
    },
    /// An ICMP or ICMPv6 message.
    Icmp(IcmpSpec),
}

/// A segment in the script's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSpec {
    /// The control bits that are written, as letters or as a digit.
    pub flags: Flags,
    /// The AccECN count, if a digit stands among the letters: the AE, CWR and ECE bits of `flags` as a number.
    pub ace: Option<u8>,
    /// The sequence number.
    pub sequence: SequenceSpec,
    /// Octets of text.
    pub length: u16,
    /// `ack N`; the ACK bit is in `flags`, and may be missing.
    pub acknowledgment: Option<u32>,
    /// `win N`, as in the header.
    pub window: Option<u16>,
    /// `urg N`.
    pub urgent: Option<u16>,
    /// What stands between `<` and `>`.
    pub options: OptionsSpec,
}

/// A sequence number as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SequenceSpec {
    /// `1:1001(1000)`: counted from the ISN.
    Relative(u32),
    /// `1:1001(1000)!`: as on the wire.
    Absolute(u32),
    /// `...(1000)`: any.
    Any,
}

/// The TCP options as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsSpec {
    /// `<...>`: not compared.
    Any,
    /// These, in this order; none if nothing is written.
    These(Vec<OptionSpec>),
}

/// One TCP option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionSpec {
    /// `nop`.
    NoOperation,
    /// `eol`.
    EndOfList,
    /// `mss N`.
    MaximumSegmentSize(u16),
    /// `wscale N`.
    WindowScale(u8),
    /// `sackOK`.
    SackPermitted,
    /// `sack a:b c:d`: left and right edges, one block at least.
    Sack(Vec<(u32, u32)>),
    /// `TS val N ecr N`.
    Timestamps {
        /// TSval; `None` is `val ...`: not compared.
        value: Option<u32>,
        /// TSecr.
        echo: u32,
        /// `ecr N!`: not mapped.
        literal_echo: bool,
    },
    /// `FO cookie`, kind 34; without a cookie it asks for one.
    FastOpen(Vec<u8>),
    /// `FOEXP cookie`, kind 254 with its magic number.
    FastOpenExperimental(Vec<u8>),
    /// `md5 hex` (RFC 2385); `None` is `md5 valid`.
    Md5(Option<Vec<u8>>),
    /// `ECN e1b N ceb N e0b N` and the like: AccECN counters, whole, with kind.
    AccurateEcn {
        /// The octet that tells the order of the fields.
        kind: u8,
        /// The octets behind the length.
        data: Vec<u8>,
    },
    /// `kind N hex`: any kind, with the octets behind its length.
    Unknown {
        /// The kind octet.
        kind: u8,
        /// What follows the length octet.
        data: Vec<u8>,
    },
}

/// An ICMP message as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpSpec {
    /// Type, as the name that is written.
    pub kind: String,
    /// Code, as the name that is written.
    pub code: Option<String>,
    /// `mtu N`.
    pub mtu: Option<u32>,
    /// `id N` of an echo.
    pub identifier: Option<u16>,
    /// `[1:1461(1460)]` or `[udp (1000)]`: the packet that provoked it; with none, the newest that the stack sent.
    pub quote: Option<QuoteSpec>,
}

/// What an ICMP message quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuoteSpec {
    /// A segment with this sequence number and so many octets.
    Tcp {
        /// Its first octet.
        sequence: SequenceSpec,
        /// Octets of text.
        length: u16,
    },
    /// A datagram with so many octets.
    Udp {
        /// Octets of data.
        length: u16,
    },
}

/// `name(arguments) = result ERRNO (note)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Where it stands.
    pub at: Position,
    /// The call's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Expression>,
    /// What it must return; `None` is `?`: anything.
    pub result: Option<Expression>,
    /// The errno that it must set, as the name that is written.
    pub errno: Option<String>,
    /// The comments in parentheses, joined by `; `.
    pub note: Option<String>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Where it stands.
    pub at: Position,
    /// What it is.
    pub kind: ExpressionKind,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// `...`.
    Ellipsis,
    /// A number, decimal, hexadecimal or with a sign.
    Integer(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// A symbol of C: `SOCK_STREAM`.
    Symbol(String),
    /// `"text"`, escapes resolved (an octet above 0x7f is the character of that number), neighbours joined.
    Text(String),
    /// A bare address.
    Address(IpAddr),
    /// `a | b`.
    Or(Vec<Expression>),
    /// `~a`.
    Not(Box<Expression>),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{a = 1, b(2) = ...}`.
    Structure(Vec<Field>),
    /// `htons(8080)`, `inet_addr("192.0.2.1")`.
    Function {
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
}

/// One field of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Where its name stands.
    pub at: Position,
    /// Its name; empty for a bare value, as in `{..., 1000}`.
    pub name: String,
    /// The count in `msg_iov(2)=`.
    pub count: Option<Box<Expression>>,
    /// Its value.
    pub value: Expression,
}
