//! The grammar of faults: targeted at packets, injected packets, and changes at a time.

use super::{COUNT, NAME, SIZE, STATES, TIME, list};
use crate::experiment::shape::{Field, Kind, Object, Verb, Word};
use Kind::{Bounds, Flag, Integer, List, OneOf, Reference, Text, True};

pub(crate) static FAULT: Object = Object {
    id: "fault",
    what: "a fault",
    doc: "One of: `match` and `do` (targets packets), `inject` and `at` (a packet of its own), `at` and `do` (a change at a time).",
    fields: &[
        Field::required("name", NAME, "Name of the fault."),
        Field::optional(
            "on",
            OneOf(&[Reference("a link, or for crash, restart, pause and resume a host"), list(&PLACE)]),
            "the only link",
            "The link or links that it sits on; for a change of hosts, the host or hosts.",
        ),
        Field::optional(
            "towards",
            Reference("a host or router"),
            "both directions",
            "Only towards this end of the link.",
        ),
    ],
    verbs: &[
        Verb::new(
            "match",
            Kind::Object(&MATCH),
            &[
                Field::required(
                    "do",
                    OneOf(&[ACTION_WORD, Kind::Object(&ACTION)]),
                    "What happens to the packets.",
                ),
                Field::optional("may_miss", Flag, "false", "Whether the run may end without a match."),
            ],
            "Which packets.",
        ),
        Verb::new(
            "inject",
            Kind::Object(&INJECT),
            &[Field::required("at", TIME, "When the packet enters the link.")],
            "The packet.",
        ),
        Verb::new(
            "at",
            TIME,
            &[
                Field::required("do", OneOf(&[CHANGE_WORD, Kind::Object(&CHANGE)]), "What changes."),
                Field::optional(
                    "until",
                    TIME,
                    "",
                    "When it ends again: the cut heals, held packets go on, ...",
                ),
                Field::optional(
                    "in_flight",
                    Kind::Word(&[
                        Word::new("keep", "What travels arrives."),
                        Word::new("drop", "What travels is lost."),
                    ]),
                    "keep",
                    "For cut and partition: what becomes of packets that travel already.",
                ),
            ],
            "When it begins.",
        ),
    ],
};

static PLACE: Kind = Reference("a link or host");

const PORT_BOUNDS: Kind = Bounds(&Integer { what: "a port", min: 0, max: 65_535 });
const WORD32: Kind = Bounds(&Integer { what: "a number of 32 bits", min: 0, max: u32::MAX as u64 });
const WORD16: Kind = Bounds(&Integer { what: "a number of 16 bits", min: 0, max: 65_535 });
const OCTET: Kind = Bounds(&Integer { what: "a number of 8 bits", min: 0, max: 255 });

const ECN: Kind = Integer { what: "an ECN codepoint", min: 0, max: 3 };
const ECN_BOUNDS: Kind = Bounds(&Integer { what: "an ECN codepoint", min: 0, max: 3 });

static MATCH: Object = Object {
    id: "match",
    what: "a match",
    doc: "All keys given must hold. An empty object matches every packet.",
    fields: &[
        Field::optional(
            "conn",
            Reference("a socket, like \"client/first\""),
            "",
            "Packets of this socket's conversation.",
        ),
        Field::optional("kind", Kind::Word(&PACKET_KINDS), "", "What the packet is."),
        Field::optional(
            "byte",
            OneOf(&[Integer { what: "a stream offset", min: 0, max: u64::MAX }, SIZE]),
            "",
            "The segment carries this octet of its sender's stream, from 0.",
        ),
        Field::optional(
            "transmission",
            Integer { what: "a number", min: 1, max: u16::MAX as u64 },
            "",
            "Which sending of its data, SYN or FIN: 1 is the first.",
        ),
        Field::optional(
            "nth",
            OneOf(&[COUNT, List { item: &COUNT, min: 1, max: usize::MAX }]),
            "every one",
            "Which of the packets that satisfy all other keys, counted from 1 as they enter, before random impairments.",
        ),
        Field::optional("after", TIME, "0s", "Only packets that enter at or after this time."),
        Field::optional("before", TIME, "", "Only packets that enter before this time."),
        Field::optional("fields", Kind::Object(&HEADER_FIELDS), "", "Header fields, exact or {min, max}."),
    ],
    verbs: &[],
};

pub(crate) static PACKET_KINDS: [Word; 10] = [
    Word::new("syn", "A SYN without ACK."),
    Word::new("syn_ack", "A SYN with ACK."),
    Word::new("data", "A segment with data."),
    Word::new("pure_ack", "An ACK without data, SYN, FIN or RST."),
    Word::new("fin", "A segment with FIN."),
    Word::new("rst", "A segment with RST."),
    Word::new("window_update", "An ACK that its sender sent to tell of a larger window."),
    Word::new("zero_window_probe", "A probe of a closed window."),
    Word::new("udp", "A datagram."),
    Word::new("icmp", "An ICMP message."),
];

/// Header fields by their names here.
static HEADER_FIELDS: Object = Object {
    id: "header_fields",
    what: "header fields",
    doc: "Fields of the IP, TCP or UDP header as they stand on the wire.",
    fields: &[
        Field::optional("seq", WORD32, "", "Sequence number."),
        Field::optional("ack", WORD32, "", "Acknowledgment number."),
        Field::optional("window", WORD16, "", "Window field, unscaled."),
        Field::optional("source_port", PORT_BOUNDS, "", "Source port."),
        Field::optional("destination_port", PORT_BOUNDS, "", "Destination port."),
        Field::optional("payload_length", WORD32, "", "Octets of data."),
        Field::optional("length", WORD32, "", "Octets of the packet, with its IP header."),
        Field::optional("flags", WORD16, "", "Control bits as a number: FIN 1, SYN 2, RST 4, PSH 8, ACK 16."),
        Field::optional("hop_limit", OCTET, "", "Time to live or hop limit."),
        Field::optional("traffic_class", OCTET, "", "TOS octet or traffic class."),
        Field::optional("ecn", ECN_BOUNDS, "", "ECN codepoint: 0 not capable, 1 ECT(1), 2 ECT(0), 3 CE."),
    ],
    verbs: &[],
};

static REWRITE: Object = Object {
    id: "rewrite",
    what: "header fields to rewrite",
    doc: "The new value of one header field; checksums are made right again.",
    fields: &[
        Field::optional("seq", PLAIN32, "", "Sequence number."),
        Field::optional("ack", PLAIN32, "", "Acknowledgment number."),
        Field::optional("window", PLAIN16, "", "Window field, unscaled."),
        Field::optional("source_port", PLAIN16, "", "Source port."),
        Field::optional("destination_port", PLAIN16, "", "Destination port."),
        Field::optional(
            "flags",
            PLAIN16,
            "",
            "Control bits as a number: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.",
        ),
        Field::optional("hop_limit", PLAIN8, "", "Time to live or hop limit."),
        Field::optional("traffic_class", PLAIN8, "", "TOS octet or traffic class."),
        Field::optional("ecn", ECN, "", "ECN codepoint: 0 not capable, 1 ECT(1), 2 ECT(0), 3 CE."),
    ],
    verbs: &[],
};

const PLAIN32: Kind = Integer { what: "a number of 32 bits", min: 0, max: u32::MAX as u64 };
const PLAIN16: Kind = Integer { what: "a number of 16 bits", min: 0, max: 65_535 };
const PLAIN8: Kind = Integer { what: "a number of 8 bits", min: 0, max: 255 };

const ACTION_WORD: Kind = Kind::Word(&[
    Word::new("drop", "The packet is lost."),
    Word::new("send_at_once", "The packet travels without the delay, and so overtakes."),
]);

static ACTION: Object = Object {
    id: "action",
    what: "an action on packets",
    doc: "What happens to a packet that matches.",
    fields: &[],
    verbs: &[
        Verb::new("drop", True, &[], "The packet is lost."),
        Verb::new("send_at_once", True, &[], "The packet travels without the delay, and so overtakes."),
        Verb::new("delay", TIME, &[], "The packet takes so much longer."),
        Verb::new("hold", Kind::Object(&HOLD), &[], "The packet waits."),
        Verb::new("duplicate", Kind::Object(&DUPLICATE), &[], "A copy follows."),
        Verb::new("corrupt", Kind::Object(&CORRUPT_BITS), &[], "Bits flip; checksums stay as they were."),
        Verb::new("rewrite", Kind::Object(&REWRITE), &[], "A header field changes; checksums follow."),
    ],
};

static HOLD: Object = Object {
    id: "hold",
    what: "a hold",
    doc: "The packet waits after serialisation.",
    fields: &[Field::required(
        "until",
        OneOf(&[TIME, Kind::Object(&AWAITED)]),
        "A time of the run, or a state that some host enters.",
    )],
    verbs: &[],
};

static AWAITED: Object = Object {
    id: "awaited_state",
    what: "an awaited state",
    doc: "Entering this state releases the packets held.",
    fields: &[
        Field::required("host", Reference("a host"), "Whose connection."),
        Field::required("state", Kind::Word(&STATES), "Which state."),
        Field::optional("plus", TIME, "0s", "So long after it."),
        Field::optional(
            "conn",
            Reference("a socket of that host, like \"client/first\""),
            "any",
            "Only this connection.",
        ),
    ],
    verbs: &[],
};

static DUPLICATE: Object = Object {
    id: "duplicate",
    what: "a duplication",
    doc: "Copies of the packet.",
    fields: &[
        Field::optional("delay", TIME, "0s", "How much later than the original the copy arrives."),
        Field::optional(
            "copies",
            Integer { what: "a number of copies", min: 1, max: 1_000 },
            "1",
            "How many.",
        ),
        Field::optional("impaired", Flag, "false", "Whether random impairments judge the copies again."),
    ],
    verbs: &[],
};

static CORRUPT_BITS: Object = Object {
    id: "corrupt_bits",
    what: "bits to flip",
    doc: "Which bits flip.",
    fields: &[Field::required(
        "bits",
        List { item: &Integer { what: "a bit", min: 0, max: 524_279 }, min: 1, max: 64 },
        "Bits from the first of the IP header, from 0, the most significant of an octet first.",
    )],
    verbs: &[],
};

static INJECT: Object = Object {
    id: "inject",
    what: "a packet",
    doc: "A packet to build. `to` a socket: addresses, ports and relative numbers come from that connection.",
    fields: &[
        Field::required("to", Text("a socket like \"client/first\", or HOST:PORT"), "Whom it is aimed at."),
        Field::optional(
            "from",
            Text("HOST:PORT"),
            "the peer of the socket",
            "Whom it pretends to come from.",
        ),
        Field::optional(
            "protocol",
            Kind::Word(&[Word::new("tcp", "A segment."), Word::new("udp", "A datagram.")]),
            "tcp",
            "What it is.",
        ),
        Field::optional(
            "flags",
            Text("flags like \"RST\" or \"SYN,ACK\""),
            "ACK",
            "Control bits, with commas.",
        ),
        Field::optional(
            "seq",
            OneOf(&[PLAIN32, Text("a relative number like \"rcv_nxt+1000\"")]),
            "rcv_nxt",
            "Sequence number; relative to the socket that it is aimed at as `rcv_nxt+N` or `rcv_nxt-N`.",
        ),
        Field::optional(
            "ack",
            OneOf(&[PLAIN32, Text("a relative number like \"snd_nxt-1\"")]),
            "snd_una",
            "Acknowledgment number; relative as `snd_una+N` or `snd_nxt+N`.",
        ),
        Field::optional("window", PLAIN16, "65535", "Window field, unscaled."),
        Field::optional("payload", SIZE, "0B", "Octets of data, all zero."),
        Field::optional(
            "icmp",
            Kind::Object(&ICMP),
            "",
            "An ICMP error instead, about a segment from the receiver to the one that it seems to come from.",
        ),
        Field::optional(
            "count",
            Integer { what: "a number of packets", min: 1, max: 65_535 },
            "1",
            "How many packets, each from the next source port.",
        ),
        Field::optional("interval", TIME, "0s", "How long after the one before it each of them comes."),
        Field::optional("ecn", ECN, "0", "ECN codepoint: 0 not capable, 1 ECT(1), 2 ECT(0), 3 CE."),
        Field::optional("hop_limit", PLAIN8, "64", "Time to live or hop limit."),
    ],
    verbs: &[],
};

static ICMP: Object = Object {
    id: "icmp_error",
    what: "an ICMP error",
    doc: "An ICMP error about a segment that the receiver is said to have sent.",
    fields: &[
        Field::required("error", Kind::Word(&ICMP_ERRORS), "What it says."),
        Field::optional(
            "mtu",
            PLAIN16,
            "0",
            "packet_too_big: the next hop's MTU; 0 is what routers say that do not know RFC 1191.",
        ),
        Field::optional(
            "seq",
            OneOf(&[PLAIN32, Text("a relative number like \"snd_una+1000\"")]),
            "snd_una",
            "Sequence number of the segment that it quotes; relative as `snd_una+N` or `snd_nxt+N`.",
        ),
    ],
    verbs: &[],
};

/// ICMP errors; for IPv6 the nearest that it has.
pub(crate) static ICMP_ERRORS: [Word; 20] = [
    Word::new("net_unreachable", "Type 3 code 0."),
    Word::new("host_unreachable", "Type 3 code 1."),
    Word::new("protocol_unreachable", "Type 3 code 2."),
    Word::new("port_unreachable", "Type 3 code 3."),
    Word::new("packet_too_big", "Type 3 code 4 (fragmentation needed), with `mtu`."),
    Word::new("source_route_failed", "Type 3 code 5."),
    Word::new("net_unknown", "Type 3 code 6."),
    Word::new("host_unknown", "Type 3 code 7."),
    Word::new("source_host_isolated", "Type 3 code 8."),
    Word::new("net_prohibited", "Type 3 code 9."),
    Word::new("host_prohibited", "Type 3 code 10."),
    Word::new("net_unreachable_for_tos", "Type 3 code 11."),
    Word::new("host_unreachable_for_tos", "Type 3 code 12."),
    Word::new("packet_filtered", "Type 3 code 13."),
    Word::new("precedence_violation", "Type 3 code 14."),
    Word::new("precedence_cutoff", "Type 3 code 15."),
    Word::new("source_quench", "Type 4; IPv4 only."),
    Word::new("time_exceeded", "Type 11 code 0."),
    Word::new("reassembly_time_exceeded", "Type 11 code 1."),
    Word::new("parameter_problem", "Type 12 code 0."),
];

const CHANGE_WORD: Kind = Kind::Word(&[
    Word::new("cut", "Nothing enters the link any more."),
    Word::new("heal", "Every fault and random impairment of the link ends."),
    Word::new("hold", "Packets wait at the end of the link."),
    Word::new("release", "Packets that wait go on."),
    Word::new("crash", "The host loses all state; arriving packets are dropped until a restart."),
    Word::new("restart", "The host boots again: no connections, apps from their first step."),
    Word::new("pause", "The host processes nothing; arrivals wait."),
    Word::new("resume", "The host goes on."),
]);

static CHANGE: Object = Object {
    id: "change",
    what: "a change",
    doc: "A change with parameters.",
    fields: &[],
    verbs: &[
        Verb::new(
            "partition",
            OneOf(&[List { item: &GROUP, min: 2, max: usize::MAX }, Kind::Object(&ONE_WAY)]),
            &[],
            "Cuts all links between nodes of different groups (a name alone is a group); {from, to} cuts one way.",
        ),
        Verb::new(
            "set",
            Kind::Object(&super::links::LINK_PARAMETERS),
            &[],
            "Gives link parameters other values.",
        ),
    ],
};

static GROUP: Kind = OneOf(&[Reference("a host or router"), GROUP_LIST]);

static ONE_WAY: Object = Object {
    id: "one_way",
    what: "a one-way partition",
    doc: "Cuts the directions that lead from the one to the others.",
    fields: &[
        Field::required(
            "from",
            OneOf(&[Reference("a host or router"), GROUP_LIST]),
            "Who is not heard any more.",
        ),
        Field::required("to", OneOf(&[Reference("a host or router"), GROUP_LIST]), "By whom."),
    ],
    verbs: &[],
};

const GROUP_LIST: Kind = List { item: &Reference("a host or router"), min: 1, max: usize::MAX };
