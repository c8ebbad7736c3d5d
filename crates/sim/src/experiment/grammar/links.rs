//! The grammar of links and their impairments, in netem's words.

use super::{PROBABILITY, RATE, TIME};
use crate::experiment::shape::{Field, Kind, Object, Quantity, Word};
use Kind::{Integer, List, Map, OneOf, Quantity as Q, Reference, Text};

pub(crate) static LINK: Object = Object {
    id: "link",
    what: "a link",
    doc: "Joins two nodes. Its keys hold for both directions, unless `towards` says otherwise for one.",
    fields: &[
        Field::required("name", Kind::Name(super::NODE_NAME_FORBIDDEN), "Name of the link."),
        Field::required(
            "between",
            List { item: &Reference("a host or router"), min: 2, max: 2 },
            "The two hosts or routers that it joins.",
        ),
        RATE_FIELD,
        DELAY_FIELD,
        JITTER_FIELD,
        DISTRIBUTION_FIELD,
        JITTER_REORDERS_FIELD,
        LOSS_FIELD,
        ECN_FIELD,
        DUPLICATE_FIELD,
        CORRUPT_FIELD,
        REORDER_FIELD,
        QUEUE_FIELD,
        MTU_FIELD,
        Field::optional(
            "towards",
            Map { what: "link parameters", item: &LINK_PARAMETERS, forbidden: "" },
            "",
            "Parameters of one direction, by the node that it leads to: {\"client\": {\"loss\": \"1%\"}}.",
        ),
    ],
    verbs: &[],
};

/// What can be set for a direction.
pub(crate) static LINK_PARAMETERS: Object = Object {
    id: "link_parameters",
    what: "link parameters",
    doc: "Rate, delay, queue and impairments of a direction.",
    fields: &[
        RATE_FIELD,
        DELAY_FIELD,
        JITTER_FIELD,
        DISTRIBUTION_FIELD,
        JITTER_REORDERS_FIELD,
        LOSS_FIELD,
        ECN_FIELD,
        DUPLICATE_FIELD,
        CORRUPT_FIELD,
        REORDER_FIELD,
        QUEUE_FIELD,
        MTU_FIELD,
    ],
    verbs: &[],
};

const RATE_FIELD: Field =
    Field::optional("rate", RATE, "unlimited", "Bits a second, as `10Mbit`; without it there is no queue.");
const DELAY_FIELD: Field = Field::optional("delay", TIME, "0s", "Propagation time, one way.");
const JITTER_FIELD: Field = Field::optional(
    "jitter",
    TIME,
    "0s",
    "Variation of the delay. Keeps the order of packets (netem's does not) without `jitter_reorders` or `reorder`.",
);
const DISTRIBUTION_FIELD: Field = Field::optional(
    "distribution",
    Kind::Word(&[
        Word::new("uniform", "Evenly within delay - jitter to delay + jitter."),
        Word::new("normal", "Normal with jitter as standard deviation."),
        Word::new("pareto", "Pareto, as netem's table."),
        Word::new("paretonormal", "Mixture of both, as netem's table."),
    ]),
    "uniform",
    "How the jitter is distributed.",
);
const JITTER_REORDERS_FIELD: Field = Field::optional(
    "jitter_reorders",
    Kind::Flag,
    "false",
    "Whether packets overtake when the jitter has it so, as netem's do.",
);
const LOSS_KINDS: &[Kind] = &[PROBABILITY, Kind::Object(&LOSS)];
const CORRUPT_KINDS: &[Kind] = &[PROBABILITY, Kind::Object(&CORRUPT)];
const REORDER_KINDS: &[Kind] = &[PROBABILITY, Kind::Object(&REORDER)];
const LOSS_FIELD: Field = Field::optional(
    "loss",
    OneOf(LOSS_KINDS),
    "0%",
    "Random loss: a probability, or an object with a `model`.",
);
const ECN_FIELD: Field = Field::optional(
    "ecn",
    Kind::Flag,
    "false",
    "Whether random loss marks ECN-capable packets \"congestion experienced\" instead of taking them.",
);
const DUPLICATE_FIELD: Field = Field::optional("duplicate", PROBABILITY, "0%", "Random duplication.");
const CORRUPT_FIELD: Field =
    Field::optional("corrupt", OneOf(CORRUPT_KINDS), "0%", "Random corruption: flips bits of the packet.");
const REORDER_FIELD: Field = Field::optional(
    "reorder",
    OneOf(REORDER_KINDS),
    "0%",
    "Sends some packets at once, without the delay (netem's way), so that they overtake.",
);
const QUEUE_FIELD: Field =
    Field::optional("queue", Kind::Object(&QUEUE), "droptail, 1000p", "Where packets wait for the rate.");
const MTU_FIELD: Field = Field::optional(
    "mtu",
    Integer { what: "an MTU in octets", min: 68, max: 65_535 },
    "1500",
    "Largest packet in octets, with its IP header.",
);
const MAX_BURST: Field = Field::optional(
    "max_burst",
    Integer { what: "a number of packets", min: 1, max: u32::MAX as u64 },
    "unlimited",
    "Cap on consecutive losses.",
);

static LOSS: Object = Object {
    id: "loss",
    what: "a loss model",
    doc: "How packets get lost at random, in netem's words.",
    fields: &[
        Field::required(
            "model",
            Kind::Word(&[
                Word::new("random", "Each packet alone: `probability`."),
                Word::new("gemodel", "Gilbert-Elliott: `p`, `r`, `one_minus_h`, `one_minus_k`."),
                Word::new("state", "netem's four states: `p13`, `p31`, `p32`, `p23`, `p14`."),
                Word::new("pattern", "A fixed `pattern`, repeated."),
            ]),
            "Which model; it decides the other keys.",
        ),
        Field::optional("probability", PROBABILITY, "", "random: loss of each packet."),
        MAX_BURST,
        Field::optional("p", PROBABILITY, "", "gemodel: from the good to the bad state (required)."),
        Field::optional("r", PROBABILITY, "1 - p", "gemodel: from the bad to the good state."),
        Field::optional("one_minus_h", PROBABILITY, "100%", "gemodel: loss in the bad state."),
        Field::optional("one_minus_k", PROBABILITY, "0%", "gemodel: loss in the good state."),
        Field::optional(
            "p13",
            PROBABILITY,
            "",
            "state: from gap without loss to burst with loss (required).",
        ),
        Field::optional("p31", PROBABILITY, "1 - p13", "state: back from burst loss to gap."),
        Field::optional("p32", PROBABILITY, "0%", "state: from burst loss to burst reception."),
        Field::optional("p23", PROBABILITY, "100%", "state: from burst reception to burst loss."),
        Field::optional("p14", PROBABILITY, "0%", "state: single loss in the gap."),
        Field::optional(
            "pattern",
            Text("a pattern of `.` (passes) and `x` (lost), like \"...x\""),
            "",
            "pattern: `.` passes, `x` is lost; repeated.",
        ),
    ],
    verbs: &[],
};

static CORRUPT: Object = Object {
    id: "corrupt",
    what: "a corruption",
    doc: "Random corruption.",
    fields: &[
        Field::required("probability", PROBABILITY, "Probability that a packet is corrupted."),
        Field::optional(
            "bits",
            Integer { what: "a number of bits", min: 1, max: 64 },
            "1",
            "How many bits flip.",
        ),
    ],
    verbs: &[],
};

static REORDER: Object = Object {
    id: "reorder",
    what: "a reordering",
    doc: "netem's reordering.",
    fields: &[
        Field::required("probability", PROBABILITY, "Probability to be sent at once."),
        Field::optional(
            "gap",
            Integer { what: "a number of packets", min: 1, max: u32::MAX as u64 },
            "1",
            "Only every gap-th packet can be sent at once.",
        ),
    ],
    verbs: &[],
};

static QUEUE: Object = Object {
    id: "queue",
    what: "a queue",
    doc: "The queue in front of a rate.",
    fields: &[
        Field::optional(
            "type",
            Kind::Word(&[Word::new("droptail", "First in, first out; what finds it full is dropped.")]),
            "droptail",
            "The discipline.",
        ),
        Field::optional(
            "limit",
            OneOf(&[Q(Quantity::Packets), Q(Quantity::Size)]),
            "1000p",
            "How much may wait, in packets (`100p`) or octets (`64KiB`); the packet in service does not count.",
        ),
    ],
    verbs: &[],
};
