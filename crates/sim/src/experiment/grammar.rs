//! The grammar of an experiment file as data: the top level, hosts, routers, links and cases.

mod apps;
mod expectations;
pub(crate) mod faults;
mod info;
mod links;

use faultwire_tcp::Quirk;

use super::shape::{Field, Kind, Object, Quantity, Word};
use Kind::{Integer, KernelWords, List, Map, Name, OneOf, Ranges, Reference, Settings, Text};

/// Characters that host and link names can't have: they part `host/socket`, `link>node` and `host:port`.
pub(crate) const NODE_NAME_FORBIDDEN: &str = "/>:";
/// Characters that socket names can't have.
pub(crate) const SOCKET_NAME_FORBIDDEN: &str = "/>";

const TIME: Kind = Kind::Quantity(Quantity::Time);
const SIZE: Kind = Kind::Quantity(Quantity::Size);
const RATE: Kind = Kind::Quantity(Quantity::Rate);
const PROBABILITY: Kind = Kind::Quantity(Quantity::Probability);
const NAME: Kind = Name("");
const PORT: Kind = Integer { what: "a port", min: 1, max: 65_535 };
const COUNT: Kind = Integer { what: "a number", min: 1, max: u64::MAX };
const COUNT_OR_NONE: Kind = Integer { what: "a number", min: 0, max: u64::MAX };

/// The whole file.
pub(crate) static EXPERIMENT: Object = Object {
    id: "experiment",
    what: "an experiment",
    doc: "A network, the applications on it, the faults it suffers, and what must hold.",
    fields: &[
        Field::optional("$schema", Text("a path or URL"), "", "Where the JSON Schema is; for editors only."),
        Field::required("name", NAME, "Name of the experiment."),
        Field::optional("description", Text("a text"), "", "What it teaches."),
        Field::optional(
            "seed",
            Integer { what: "a seed", min: 0, max: u64::MAX },
            "1",
            "Seed of all randomness of the run.",
        ),
        Field::optional("stop", Kind::Object(&STOP), "", "When the run ends."),
        Field::required(
            "hosts",
            Map { what: "hosts", item: &HOST, forbidden: NODE_NAME_FORBIDDEN },
            "Hosts by name.",
        ),
        Field::optional(
            "routers",
            Map { what: "routers", item: &ROUTER, forbidden: NODE_NAME_FORBIDDEN },
            "",
            "Routers by name: they forward by static shortest routes (fewest hops, ties by name).",
        ),
        Field::required("links", list(&Kind::Object(&links::LINK)), "Links between hosts and routers."),
        Field::optional("apps", list(&Kind::Object(&apps::APP)), "", "Applications."),
        Field::optional("faults", list(&Kind::Object(&faults::FAULT)), "", "Faults."),
        Field::optional(
            "heal",
            Kind::Object(&HEAL),
            "",
            "When every fault ends, and by when all must be well.",
        ),
        Field::optional("expect", list(&Kind::Object(&expectations::EXPECTATION)), "", "What must hold."),
        Field::optional(
            "cases",
            list(&Kind::Object(&CASE)),
            "",
            "Variants of the file; without any, it is one case.",
        ),
        Field::optional(
            "swarm",
            Kind::Object(&SWARM),
            "",
            "What a sweep with `--swarm` changes from seed to seed; nothing else heeds it.",
        ),
    ],
    verbs: &[],
};

static STOP: Object = Object {
    id: "stop",
    what: "a stop condition",
    doc: "When the run ends.",
    fields: &[
        Field::optional(
            "when",
            Kind::Word(&[
                Word::new(
                    "idle",
                    "When all apps are done and only TIME_WAIT or keep-alive is left, or at `at`.",
                ),
                Word::new("time", "Only at `at`."),
            ]),
            "idle",
            "What ends the run.",
        ),
        Field::optional("at", TIME, "1h", "The run ends at this time at the latest."),
        Field::optional("events", COUNT, "100000000", "Bound on events; passing it is an error."),
    ],
    verbs: &[],
};

static HEAL: Object = Object {
    id: "heal",
    what: "a healing",
    doc: "At a time every fault ends, random impairments too, and everything must converge.",
    fields: &[
        Field::required("at", TIME, "When every fault ends."),
        Field::required("within", TIME, "How long after it all apps may take to finish."),
    ],
    verbs: &[],
};

static ADDRESS: Kind = Text("an address like \"10.0.0.1\" or \"fd00::1\", or \"ipv4\" or \"ipv6\"");

static HOST: Object = Object {
    id: "host",
    what: "a host",
    doc: "An end system with a TCP/IP stack.",
    fields: &[
        Field::optional("stack", Kind::Word(&STACKS), "linux", "The profile of its TCP."),
        Field::optional(
            "address",
            OneOf(&[
                Text("an address like \"10.0.0.1\" or \"fd00::1\", or \"ipv4\" or \"ipv6\""),
                list(&ADDRESS),
            ]),
            "ipv4",
            "Its address or addresses; `ipv4` and `ipv6` take one from a hash of the host's name (10.0.0.0/8, fd00::/8).",
        ),
        Field::optional(
            "sysctl",
            KernelWords {
                what: "sysctls with bare values in the kernel's units",
                example: "{\"tcp_rfc1337\": 1}",
            },
            "",
            "Kernel settings under their Linux names (without `net.ipv4.`) or their full FreeBSD names, in the kernel's units.",
        ),
        Field::optional("tcp", Kind::Object(&TCP), "", "Settings for which Linux has no sysctl."),
        Field::optional(
            "quirks",
            OneOf(&[QUIRK, list(&QUIRK)]),
            "",
            "Historical bugs put back into its TCP, one or several; the report and the fingerprint tell of them.",
        ),
    ],
    verbs: &[],
};

static STACKS: [Word; 3] = [
    Word::new("linux", "Linux 6.x behaviour."),
    Word::new("rfc", "The letter of the standards."),
    Word::new("freebsd", "FreeBSD 15 behaviour."),
];

const QUIRK: Kind = Kind::Word(&QUIRKS);

/// Every [`Quirk`] by its name.
static QUIRKS: [Word; Quirk::ALL.len()] = {
    let mut words = [Word::new("", ""); Quirk::ALL.len()];
    let mut index = 0;
    while index < words.len() {
        words[index] = Word::new(Quirk::ALL[index].as_str(), Quirk::ALL[index].what());
        index += 1;
    }
    words
};

static TCP: Object = Object {
    id: "tcp",
    what: "TCP settings",
    doc: "Settings of a host's TCP for which Linux has no sysctl.",
    fields: &[
        Field::optional("time_wait", TIME, "", "How long TIME_WAIT lasts (linux: 60s, rfc: 240s)."),
        Field::optional(
            "initial_sequence_number",
            OneOf(&[SEQUENCE_NUMBER, List { item: &SEQUENCE_NUMBER, min: 1, max: usize::MAX }]),
            "",
            "Fixed initial sequence number of every connection, instead of RFC 6528's; of a list, each connection takes the next, after a restart too, and the last stays.",
        ),
    ],
    verbs: &[],
};

const SEQUENCE_NUMBER: Kind = Integer { what: "a sequence number", min: 0, max: u32::MAX as u64 };

/// The states of RFC 9293 §3.3.2, in the words of the kernel's tools.
pub(crate) const STATES: [Word; 11] = [
    Word::new("CLOSED", "No connection."),
    Word::new("LISTEN", "Waits for a connection."),
    Word::new("SYN_SENT", "Has sent a SYN."),
    Word::new("SYN_RECEIVED", "Has received a SYN and answered it."),
    Word::new("ESTABLISHED", "Open."),
    Word::new("FIN_WAIT_1", "Has closed, waits for the ACK of its FIN."),
    Word::new("FIN_WAIT_2", "Has closed, waits for the peer's FIN."),
    Word::new("CLOSE_WAIT", "The peer has closed."),
    Word::new("CLOSING", "Both have closed at the same time."),
    Word::new("LAST_ACK", "Has closed after the peer, waits for the ACK of its FIN."),
    Word::new("TIME_WAIT", "Both have closed; old segments may still arrive."),
];

static ROUTER: Object = Object {
    id: "router",
    what: "a router",
    doc: "Forwards between its links, without a delay of its own.",
    fields: &[Field::optional(
        "address",
        Text("an address like \"10.0.0.254\""),
        "ipv4",
        "Its own address, the source of its ICMP errors; by default from a hash of its name.",
    )],
    verbs: &[],
};

static CASE: Object = Object {
    id: "case",
    what: "a case",
    doc: "A variant of the file.",
    fields: &[
        Field::required("name", NAME, "Name of the case."),
        Field::optional("description", Text("a text"), "", "What it shows."),
        Field::optional(
            "set",
            Settings,
            "",
            "Values by dotted path, by name: {\"links.wire.delay\": \"20ms\"}.",
        ),
        Field::optional(
            "without",
            list(&Reference("a fault, app or expectation")),
            "",
            "Faults, apps and expectations (or dotted paths) that this case leaves out.",
        ),
        Field::optional(
            "expect",
            list(&Kind::Object(&expectations::EXPECTATION)),
            "",
            "What must hold in this case besides the file's `expect`.",
        ),
        Field::optional(
            "must_fail",
            list(&Reference("an expectation, \"oracle:NAME\" or \"app:NAME\"")),
            "",
            "Expectations, `oracle:NAME` or `app:NAME` that must fail; the case passes only if exactly these do.",
        ),
    ],
    verbs: &[],
};

static SWARM: Object = Object {
    id: "swarm",
    what: "a swarm",
    doc: "What each seed of a sweep with `--swarm` draws: a coin for every entry says whether it changes the file.",
    fields: &[
        Field::optional(
            "vary",
            Ranges,
            "",
            "By dotted path, from what to draw: {\"min\", \"max\"} evenly in the logarithm and rounded to two digits, or one of a list.",
        ),
        Field::optional(
            "omit",
            list(&Reference("a fault, app or expectation")),
            "",
            "Faults, apps and expectations that a seed may leave out.",
        ),
    ],
    verbs: &[],
};

/// A list that may be empty.
const fn list(item: &'static Kind) -> Kind {
    List { item, min: 0, max: usize::MAX }
}
