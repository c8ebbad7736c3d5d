//! The grammar of a replay file as data: what wraps the experiment, the runs, and the decisions.

use crate::experiment::grammar::EXPERIMENT;
use crate::experiment::grammar::faults::PACKET_KINDS;
use crate::experiment::shape::{Field, Kind, Object, Quantity, Verb, Word};
use Kind::{Integer, List, OneOf, Reference, Text};

/// Version of the file's form that is written here.
pub const REPLAY_VERSION: u64 = 1;

/// Checkpoints of a run at most.
pub(crate) const CHECKPOINTS_MAX: usize = 256;

/// Bits of the largest IP packet.
const BITS: u64 = 65_535 * 8;

const NUMBER: Kind = Integer { what: "a number", min: 0, max: u64::MAX };
const COUNT: Kind = Integer { what: "a number", min: 1, max: u64::MAX };

/// The whole file.
pub(crate) static REPLAY: Object = Object {
    id: "replay",
    what: "a replay file",
    doc: "A run that can be run again whatever its seed comes to mean: its experiment, and what chance did to which packet.",
    fields: &[
        Field::required("faultwire_replay", COUNT, "Version of this form: 1."),
        Field::required("faultwire_version", Text("a version"), "The faultwire that wrote it."),
        Field::required("command", Text("a command"), "The command that wrote it."),
        Field::required(
            "digest",
            Text("a digest"),
            "Digest of experiment, seed and decisions as they were written: whether something was changed since.",
        ),
        Field::required(
            "experiment",
            Kind::Object(&EXPERIMENT),
            "The effective experiment. It may be edited; then a replay compares outcomes, not fingerprints.",
        ),
        Field::required(
            "runs",
            List { item: &Kind::Object(&RUN), min: 1, max: usize::MAX },
            "One for each case.",
        ),
    ],
    verbs: &[],
};

static RUN: Object = Object {
    id: "recorded_run",
    what: "a recorded run",
    doc: "What one case came to, and by which decisions of chance.",
    fields: &[
        Field::required(
            "case",
            Text("the name of a case"),
            "Name of the case; that of the experiment if it has no cases.",
        ),
        Field::required(
            "outcome",
            Kind::Word(&[
                Word::new("passed", "Everything that was asked held."),
                Word::new("failed", "An expectation, oracle or app failed."),
                Word::new("error", "The run could not go on."),
            ]),
            "How it ended.",
        ),
        Field::optional(
            "failures",
            List { item: &Kind::Object(&FAILURE), min: 0, max: usize::MAX },
            "none",
            "Why it failed.",
        ),
        Field::required("fingerprint", Text("a fingerprint"), "Fingerprint of the run."),
        Field::required("events", NUMBER, "Semantic events of the run."),
        Field::required("virtual_time_ns", NUMBER, "Virtual time at its end, in nanoseconds."),
        Field::required(
            "digest",
            Text("a digest"),
            "Digest of outcome, failures, fingerprint, events, virtual time and checkpoints. A replay is compared with these, so unlike experiment and decisions they may not be edited.",
        ),
        Field::required(
            "decisions",
            List { item: &Kind::Object(&DECISION), min: 0, max: usize::MAX },
            "What chance did, in the order of time. In a replay nothing is drawn: a packet that is not listed passes.",
        ),
        Field::optional(
            "checkpoints",
            Kind::Object(&CHECKPOINTS),
            "",
            "Digests on the way, to tell where a run departs.",
        ),
    ],
    verbs: &[],
};

static FAILURE: Object = Object {
    id: "recorded_failure",
    what: "a recorded failure",
    doc: "What failed.",
    fields: &[
        Field::required(
            "failed",
            Text("a name"),
            "An expectation, `app:NAME`, `oracle:NAME`, `fault:NAME` or `error`.",
        ),
        Field::required("sentence", Text("a sentence"), "What happened."),
    ],
    verbs: &[],
};

static CHECKPOINTS: Object = Object {
    id: "checkpoints",
    what: "checkpoints",
    doc: "A digest of all events so far, taken at regular event numbers.",
    fields: &[
        Field::required("every", COUNT, "A digest after so many events, one after twice as many, and so on."),
        Field::required(
            "digests",
            List { item: &Text("16 hexadecimal digits"), min: 0, max: CHECKPOINTS_MAX },
            "The digests, of 16 hexadecimal digits each.",
        ),
    ],
    verbs: &[],
};

static DECISION: Object = Object {
    id: "decision",
    what: "a decision",
    doc: "One thing that chance did to one packet; a packet to which it did several has one for each.",
    fields: &[
        Field::required("on", Reference("a link direction, like \"wire>server\""), "Where."),
        Field::required("packet", Kind::Object(&PACKET), "To which packet."),
        Field::required(
            "at",
            Kind::Quantity(Quantity::Time),
            "When the packet entered in the recorded run. A replay goes by the packet alone.",
        ),
        Field::required("do", OneOf(&[WORD, Kind::Object(&ACTION)]), "What."),
    ],
    verbs: &[],
};

static PACKET: Object = Object {
    id: "recorded_packet",
    what: "a packet",
    doc: "Who a packet is. The keys mean what they mean in the `match` of a targeted fault.",
    fields: &[
        Field::optional(
            "conn",
            Text("a socket, like \"client/first\""),
            "none",
            "The first socket whose name was bound to its conversation: the opener's.",
        ),
        Field::optional(
            "flow",
            Text("a conversation, like \"client:1\""),
            "none",
            "Where no socket has a name: the host that opened it, which of its conversations it is, and after a restart in which life (`client:1:2`).",
        ),
        Field::optional(
            "kind",
            Kind::Word(&PACKET_KINDS),
            "",
            "Its most special kind; without one it is raw bytes.",
        ),
        Field::optional(
            "byte",
            NUMBER,
            "",
            "Offset of its first octet of data in its sender's stream, from 0.",
        ),
        Field::optional(
            "transmission",
            Integer { what: "a number", min: 1, max: u16::MAX as u64 },
            "",
            "Which sending of its data, SYN or FIN: 1 is the first.",
        ),
        Field::optional(
            "nth",
            COUNT,
            "1",
            "Which of the packets that agree in all of these, as they enter the direction.",
        ),
        Field::optional(
            "copy",
            Integer { what: "a number", min: 1, max: u32::MAX as u64 },
            "",
            "Not the packet itself but this copy of it, which a targeted fault made and chance judged (`impaired`): it can be lost, marked or corrupted.",
        ),
    ],
    verbs: &[],
};

const WORD: Kind = Kind::Word(&[
    Word::new("drop", "The packet is lost."),
    Word::new("send_at_once", "The packet travels without the delay, and so overtakes."),
]);

static ACTION: Object = Object {
    id: "chance_action",
    what: "an action of chance",
    doc: "What chance did, in the words of a targeted fault.",
    fields: &[],
    verbs: &[
        Verb::new(
            "delay",
            Kind::Quantity(Quantity::Deviation),
            &[],
            "The delay deviates by so much, which may be less than nothing: jitter.",
        ),
        Verb::new("duplicate", Kind::Object(&DUPLICATE), &[], "The packet is sent twice."),
        Verb::new("corrupt", Kind::Object(&BITS_FLIPPED), &[], "Bits flip."),
        Verb::new(
            "rewrite",
            Kind::Object(&MARK),
            &[],
            "The packet is marked \"congestion experienced\" instead of being lost.",
        ),
    ],
};

static DUPLICATE: Object = Object {
    id: "chance_duplicate",
    what: "a duplication by chance",
    doc: "One copy follows at once.",
    fields: &[],
    verbs: &[],
};

static BIT: Kind = Integer { what: "a bit of a packet", min: 0, max: BITS - 1 };

static BITS_FLIPPED: Object = Object {
    id: "chance_corrupt",
    what: "a corruption by chance",
    doc: "Which bits flip.",
    fields: &[Field::required(
        "bits",
        List { item: &BIT, min: 1, max: BITS as usize },
        "Positions from the first bit of the IP header; those past the end of the packet are left out.",
    )],
    verbs: &[],
};

static MARK: Object = Object {
    id: "chance_mark",
    what: "a mark by chance",
    doc: "The ECN codepoint 3, \"congestion experienced\".",
    fields: &[Field::required("ecn", Integer { what: "the codepoint", min: 3, max: 3 }, "3.")],
    verbs: &[],
};
