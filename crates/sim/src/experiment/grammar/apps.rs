//! The grammar of applications: steps with one verb each, and the generators that expand to steps.

use super::{COUNT, NAME, PORT, RATE, SIZE, SOCKET_NAME_FORBIDDEN, TIME, list};
use crate::experiment::shape::{Field, Kind, Object, Verb, Word};
use Kind::{Flag, Integer, KernelWords, Name, OneOf, Reference, Text};

pub(crate) static APP: Object = Object {
    id: "app",
    what: "an app",
    doc: "An application: steps that run one after the other on one host, or a generator.",
    fields: &[
        Field::required("name", NAME, "Name of the app."),
        Field::required("on", Reference("a host"), "The host that it runs on."),
        Field::optional("start", TIME, "0s", "When its first step starts."),
        Field::optional("may_be_unfinished", Flag, "false", "Whether steps left at the end are no failure."),
    ],
    verbs: &[
        Verb::new(
            "run",
            list(&Kind::Object(&STEP)),
            &[
                Field::optional("listen", PORT, "", "Shorthand for a first step `listen` on this port."),
                AS,
                PROTOCOL,
                BACKLOG,
            ],
            "The steps.",
        ),
        Verb::new("bulk", Kind::Object(&BULK), &[], "Generator: one transfer."),
        Verb::new(
            "request_response",
            Kind::Object(&REQUEST_RESPONSE),
            &[],
            "Generator: requests and responses.",
        ),
        Verb::new("on_off", Kind::Object(&ON_OFF), &[], "Generator: sends at a rate, pauses, and so on."),
        Verb::new("churn", Kind::Object(&CHURN), &[], "Generator: many short connections."),
    ],
};

const PROTOCOL: Field = Field::optional(
    "protocol",
    Kind::Word(&[Word::new("tcp", "TCP."), Word::new("udp", "UDP.")]),
    "tcp",
    "The transport.",
);
const BACKLOG: Field = Field::optional(
    "backlog",
    Integer { what: "a backlog", min: 0, max: 65_535 },
    "4096",
    "Limit of the accept queue.",
);
const IPV6: Field = Field::optional("ipv6", Flag, "whether the host has no IPv4 address", "Listen on IPv6.");
const AS: Field = Field::optional(
    "as",
    Name(SOCKET_NAME_FORBIDDEN),
    "",
    "Name of the new socket, unique on its host; by default the app's name, for a listener APP:PORT.",
);
const ON: Field =
    Field::optional("on", Reference("a socket of this host"), "the app's latest", "Which socket to use.");
const FROM_PORT: Field = Field::optional("from_port", PORT, "ephemeral", "Local port.");
const RATE_FIELD: Field =
    Field::optional("rate", RATE, "unlimited", "Pace of a slow peer, if slower than the socket.");
const ENDPOINT: Kind = Text("HOST:PORT");
const OPTIONS: Kind =
    KernelWords { what: "socket options with bare values", example: "{\"TCP_NODELAY\": 1}" };

pub(crate) static STEP: Object = Object {
    id: "step",
    what: "a step",
    doc: "One thing that an app does.",
    fields: &[Field::optional(
        "fails",
        Text("an errno like \"ECONNREFUSED\""),
        "",
        "The errno that the step must end with.",
    )],
    verbs: &[
        Verb::new(
            "listen",
            PORT,
            &[AS, BACKLOG, PROTOCOL, IPV6],
            "Opens a listening socket, or binds a UDP socket.",
        ),
        Verb::new(
            "connect",
            ENDPOINT,
            &[
                FROM_PORT,
                AS,
                Field::optional("setsockopt", OPTIONS, "", "Options that are set before connecting."),
                Field::optional("wait", Flag, "true", "Whether to wait for the handshake."),
                PROTOCOL,
            ],
            "Opens a connection; `HOST:PORT`, or an address in the place of the host.",
        ),
        Verb::new(
            "accept",
            Name(SOCKET_NAME_FORBIDDEN),
            &[Field::optional("on", Reference("a listening socket"), "the app's latest", "The listener.")],
            "Waits for a connection and gives it this name.",
        ),
        Verb::new(
            "write",
            SIZE,
            &[
                ON,
                RATE_FIELD,
                Field::optional("more", Flag, "false", "Another write follows soon (`MSG_MORE`)."),
                Field::optional("eor", Flag, "false", "Its end is the end of a record (`MSG_EOR`)."),
                Field::optional("oob", Flag, "false", "It is urgent up to its end (`MSG_OOB`)."),
                Field::optional(
                    "push",
                    Flag,
                    "false",
                    "It goes at once, whatever holds small segments back (PUSH of RFC 9293 §3.9.1.2).",
                ),
            ],
            "Writes so many octets of the connection's generated stream.",
        ),
        Verb::new(
            "read",
            OneOf(&[SIZE, Kind::Word(&[Word::new("eof", "Until the peer's FIN.")])]),
            &[
                ON,
                RATE_FIELD,
                Field::optional("peek", Flag, "false", "Only waits until so much is there (`MSG_PEEK`)."),
            ],
            "Reads so many octets, or until the end, and checks them.",
        ),
        Verb::new("wait", Kind::Word(&WAITS), &[ON], "Waits for a state or level of a socket."),
        Verb::new("sleep", TIME, &[], "Waits so long."),
        Verb::new("setsockopt", OPTIONS, &[ON], "Sets socket options."),
        Verb::new(
            "getsockopt",
            OPTIONS,
            &[ON],
            "Reads socket options, which must have these values; `SO_ERROR` may be an errno's name.",
        ),
        Verb::new(
            "shutdown",
            Kind::Word(&[
                Word::new("write", "No more writing: sends a FIN."),
                Word::new("read", "No more reading."),
                Word::new("both", "Both."),
            ]),
            &[ON],
            "Ends one or both directions.",
        ),
        Verb::new("close", Reference("a socket of this host"), &[], "Closes the socket of this name."),
        Verb::new(
            "abort",
            Reference("a socket of this host"),
            &[],
            "Closes the socket of this name with a reset.",
        ),
        Verb::new(
            "send_to",
            ENDPOINT,
            &[
                Field::required("size", SIZE, "Payload of each datagram."),
                Field::optional("count", COUNT, "1", "How many datagrams."),
                Field::optional("interval", TIME, "0s", "Time from one to the next."),
                FROM_PORT,
                AS,
                Field::optional("on", Reference("a UDP socket"), "", "An open socket to use."),
            ],
            "Sends datagrams; opens a UDP socket unless `on` names one.",
        ),
        Verb::new(
            "recv_from",
            OneOf(&[COUNT, Kind::Word(&[Word::new("all", "All until `within` is over.")])]),
            &[
                ON,
                Field::optional("within", TIME, "", "For how long at most; needed with \"all\"."),
                Field::optional("echo", Flag, "false", "Whether to send each datagram back."),
            ],
            "Receives datagrams.",
        ),
    ],
};

static WAITS: [Word; 18] = [
    Word::new("readable", "Data or the end to read."),
    Word::new("writable", "Room to write."),
    Word::new("error", "An error on the socket."),
    Word::new("priority", "Urgent data to read (`POLLPRI`)."),
    Word::new("read_hangup", "The peer has closed its side (`POLLRDHUP`)."),
    Word::new("hangup", "Both directions are closed (`POLLHUP`)."),
    Word::new("drained", "All that was written is acknowledged."),
    super::STATES[0],
    super::STATES[1],
    super::STATES[2],
    super::STATES[3],
    super::STATES[4],
    super::STATES[5],
    super::STATES[6],
    super::STATES[7],
    super::STATES[8],
    super::STATES[9],
    super::STATES[10],
];

const TO: Field =
    Field::required("to", ENDPOINT, "The server, as HOST:PORT; it need not have an app of its own.");
const GENERATOR_FROM_PORT: Field = Field::optional("from_port", PORT, "ephemeral", "The client's port.");
const GENERATOR_OPTIONS: Field =
    Field::optional("setsockopt", OPTIONS, "", "Options that the client sets before connecting.");

static BULK: Object = Object {
    id: "bulk",
    what: "a bulk transfer",
    doc: "Connects, moves `size` octets and closes. The server's end is the app NAME@HOST; sockets are called NAME.",
    fields: &[
        TO,
        Field::required("size", SIZE, "How much to move, in each direction."),
        Field::optional(
            "direction",
            Kind::Word(&[
                Word::new("send", "The client sends."),
                Word::new("receive", "The server sends."),
                Word::new("both", "Both send at the same time."),
            ]),
            "send",
            "Who sends.",
        ),
        Field::optional(
            "flows",
            Integer { what: "a number of flows", min: 1, max: 60_000 },
            "1",
            "So many transfers at once, NAME.1 to NAME.N, to as many ports from the given one on.",
        ),
        GENERATOR_FROM_PORT,
        GENERATOR_OPTIONS,
    ],
    verbs: &[],
};

static REQUEST_RESPONSE: Object = Object {
    id: "request_response",
    what: "a request-response generator",
    doc: "On one connection: request, response, a pause, and again.",
    fields: &[
        TO,
        Field::required("request", SIZE, "Size of each request."),
        Field::required("response", SIZE, "Size of each response."),
        Field::optional("count", COUNT, "1", "How many of both."),
        Field::optional("think", TIME, "0s", "Pause of the client after each response."),
        GENERATOR_FROM_PORT,
        GENERATOR_OPTIONS,
    ],
    verbs: &[],
};

static ON_OFF: Object = Object {
    id: "on_off",
    what: "an on-off generator",
    doc: "Sends at `rate` for `on`, is silent for `off`, `count` times.",
    fields: &[
        TO,
        Field::required("rate", RATE, "Rate of payload while it sends."),
        Field::required("on", TIME, "How long it sends."),
        Field::required("off", TIME, "How long it is silent."),
        Field::optional("count", COUNT, "1", "How many periods."),
        Field::optional("size", SIZE, "1000B", "Payload of each datagram (UDP)."),
        Field::optional(
            "protocol",
            Kind::Word(&[Word::new("udp", "Datagrams."), Word::new("tcp", "A paced stream.")]),
            "udp",
            "The transport.",
        ),
        GENERATOR_FROM_PORT,
    ],
    verbs: &[],
};

static CHURN: Object = Object {
    id: "churn",
    what: "a churn generator",
    doc: "Many short connections: connect, send, receive, close, and again.",
    fields: &[
        TO,
        Field::required("connections", COUNT, "How many in all."),
        Field::optional("send", SIZE, "1KiB", "Octets from the client on each."),
        Field::optional("receive", SIZE, "1KiB", "Octets from the server on each."),
        Field::optional("think", TIME, "0s", "Pause of the client between two connections."),
        Field::optional(
            "parallel",
            Integer { what: "a number of clients", min: 1, max: 60_000 },
            "1",
            "So many clients at once share the connections.",
        ),
        Field::optional(
            "closes",
            Kind::Word(&[
                Word::new("client", "The client closes first and gets TIME_WAIT."),
                Word::new("server", "The server closes first and gets TIME_WAIT."),
            ]),
            "client",
            "Who closes first.",
        ),
        GENERATOR_OPTIONS,
    ],
    verbs: &[],
};
