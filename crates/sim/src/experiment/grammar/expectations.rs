//! The closed vocabulary of expectations.

use super::{COUNT, COUNT_OR_NONE, NAME, SIZE, STATES, TIME, list};
use crate::experiment::shape::{Field, Kind, Object, Verb, Word};
use Kind::{Bounds, List, OneOf, Reference, Text};

pub(crate) static EXPECTATION: Object = Object {
    id: "expectation",
    what: "an expectation",
    doc: "Something that must hold in every run.",
    fields: &[Field::required("name", NAME, "Name of the expectation.")],
    verbs: &[
        Verb::new(
            "state",
            Kind::Word(&STATES),
            &[AT, Field::required("when", Kind::Object(&MOMENT), "At which moment.")],
            "The socket is in this state at a moment.",
        ),
        Verb::new(
            "info",
            Kind::Object(&super::info::INFO),
            &[AT, Field::required("when", Kind::Object(&MOMENT), "At which moment.")],
            "`tcp_info` of the socket has these values at a moment: before a packet that arrives then, after all else.",
        ),
        Verb::new(
            "reaches",
            Kind::Word(&STATES),
            &[AT, Field::optional("time", Bounds(&TIME), "", "When it enters the state first.")],
            "The socket enters this state.",
        ),
        Verb::new(
            "leaves",
            Kind::Word(&STATES),
            &[
                AT,
                Field::required(
                    "since",
                    OneOf(&[
                        Kind::Word(&[Word::new("enters", "When the state was entered last.")]),
                        Kind::Object(&MOMENT),
                    ]),
                    "From when on time counts.",
                ),
                Field::required("after", Bounds(&TIME), "So long after that moment."),
            ],
            "The socket leaves this state.",
        ),
        Verb::new(
            "states",
            List { item: &STATE, min: 1, max: usize::MAX },
            &[AT],
            "All states of the socket in their order, from the first after CLOSED.",
        ),
        Verb::new(
            "sent",
            Kind::Word(&super::faults::PACKET_KINDS),
            &[
                SUBJECT,
                Field::optional(
                    "reply_to",
                    Reference("a fault"),
                    "",
                    "Only what a packet of this fault caused.",
                ),
                Field::optional(
                    "transmission",
                    Bounds(&COUNT),
                    "any",
                    "Which sendings count: 1 the first, {\"min\": 2} retransmissions.",
                ),
                Field::optional("count", Bounds(&COUNT_OR_NONE), "at least one", "How many."),
                Field::optional("times", list(&TIME), "", "When each was sent, from the first on."),
            ],
            "Packets of this kind were sent.",
        ),
        Verb::new(
            "exchange",
            List { item: &LINE, min: 0, max: usize::MAX },
            &[
                Field::required(
                    "between",
                    List { item: &Reference("a host"), min: 2, max: 2 },
                    "The hosts at the left and at the right of the lines.",
                ),
                Field::optional("after", TIME, "0s", "Only segments sent at or after this time."),
                Field::optional("before", TIME, "", "Only segments sent before this time."),
            ],
            "Exactly these segments were sent between two hosts: when, in which states both ends were then, and what, as in the figures of RFC 9293.",
        ),
        Verb::new(
            "delivered",
            Bounds(&SIZE),
            &[AT],
            "So much of the peer's stream was delivered intact, in order.",
        ),
        Verb::new(
            "datagrams",
            OneOf(&[
                Bounds(&COUNT_OR_NONE),
                Kind::Word(&[Word::new("survivors", "Exactly those which no link took, copies included.")]),
            ]),
            &[AT],
            "So many datagrams were delivered.",
        ),
        Verb::new(
            "error",
            Text("an errno like \"ECONNRESET\", or \"none\""),
            &[AT],
            "The error that the socket ended with.",
        ),
        Verb::new(
            "counter",
            Kind::Word(&COUNTERS),
            &[SUBJECT, Field::required("value", Bounds(&COUNT_OR_NONE), "Its value at the end.")],
            "A counter of the report.",
        ),
        Verb::new(
            "matched",
            Bounds(&COUNT_OR_NONE),
            &[Field::required("fault", Reference("a fault"), "Which fault.")],
            "How often a fault matched.",
        ),
        Verb::new(
            "finishes",
            Bounds(&TIME),
            &[Field::required("app", Reference("an app"), "Which app.")],
            "When the app's last step ends, from the start of the run.",
        ),
        Verb::new(
            "result",
            Kind::Word(&[
                Word::new("held", "Nothing was found."),
                Word::new("broken", "An endpoint is at fault."),
                Word::new("hazard", "The protocol permits it."),
            ]),
            &[Field::required("oracle", Kind::Word(&ORACLES), "Which oracle.")],
            "How an oracle ends.",
        ),
    ],
};

const AT: Field = Field::required("at", Reference("a socket, like \"client/first\""), "The socket.");
const SUBJECT: Field = Field::required(
    "at",
    Reference(
        "a socket, host, link or direction, like \"client/first\", \"client\", \"wire\" or \"wire>client\"",
    ),
    "Of what.",
);
static STATE: Kind = Kind::Word(&STATES);
static LINE: Kind = Text("a line like \"0s SYN_SENT --> <SEQ=100><CTL=SYN> --> SYN_RECEIVED\"");

static MOMENT: Object = Object {
    id: "moment",
    what: "a moment",
    doc: "A moment of the run.",
    fields: &[],
    verbs: &[
        Verb::new(
            "arrives",
            Reference("a fault"),
            &[],
            "The first arrival of a packet that this fault made, or changed and let through.",
        ),
        Verb::new("time", TIME, &[], "A time from the start of the run."),
    ],
};

static ORACLES: [Word; 13] = [
    Word::new("byte_stream", "The stream arrives exactly once and in order."),
    Word::new("incarnation", "No octet of an old connection is delivered to a new one."),
    Word::new("sequence", "Sequence, window and transition laws."),
    Word::new("conservation", "Packets are conserved on each link."),
    Word::new("convergence", "Nothing is stuck after `heal`."),
    Word::new("storm", "No ACK or retransmission storm."),
    Word::new(
        "timers",
        "Conformance: retransmissions back off and come in time; probes and keep-alives (RFC 6298).",
    ),
    Word::new(
        "acknowledgments",
        "Conformance: data is acknowledged in time, and only what has arrived (RFC 5681 §4.2).",
    ),
    Word::new("congestion", "Conformance: initial window, slow start, loss window (RFC 5681 §3.1)."),
    Word::new("acceptance", "Conformance: what may end or change a connection (RFC 5961, RFC 7323 §5.3)."),
    Word::new("closing", "Conformance: where the FIN stands, how long TIME-WAIT lasts (RFC 9293 §3.6)."),
    Word::new("windows", "Conformance: offered windows are kept, and none is silly (RFC 9293 §3.8.6)."),
    Word::new("retransmissions", "Conformance: what the peer has isn't sent again (RFC 2018 §5)."),
];

/// Counters in the report's words.
pub(crate) static COUNTERS: [Word; 17] = [
    Word::new("retransmissions", "Segments sent again."),
    Word::new("fast_retransmissions", "Of these, those of fast recovery."),
    Word::new("timeouts", "Expirations of the retransmission timer."),
    Word::new("duplicate_acks_received", "Duplicate ACKs received."),
    Word::new("challenge_acks", "Challenge ACKs sent."),
    Word::new("delivered_marked", "Segments that were acknowledged with the echo of an ECN mark."),
    Word::new("mark_reductions", "Reductions of the congestion window for ECN marks."),
    Word::new("bytes_sent", "Octets of data sent, retransmissions included."),
    Word::new("bytes_delivered", "Octets delivered to the app."),
    Word::new("zero_window_probes", "Zero-window probes sent."),
    Word::new("offered", "Packets offered to a link."),
    Word::new("delivered", "Packets that left a link at its far end."),
    Word::new("dropped", "Packets that a link dropped."),
    Word::new("marked", "Packets that random loss marked instead of taking them (`ecn`)."),
    Word::new("duplicated", "Copies that a link made."),
    Word::new("corrupted", "Packets that a link corrupted."),
    Word::new("bad_checksums", "Packets that a host discarded for a bad checksum."),
];
