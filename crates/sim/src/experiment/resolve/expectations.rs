//! What must hold: the closed vocabulary, with names resolved.

use std::collections::BTreeMap;

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_link::{NameId, PacketKind};
use faultwire_tcp::{INFO_FIELDS, RecoveryState};

use super::Names;
use super::steps::{errno, state};
use crate::experiment::json::{Node, Value};
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::oracle::{OracleName, OracleResult};
use crate::plan::{BadLine, Bounds, Check, Counter, ExchangeLine, Expectation, FaultId, Moment, Subject};

/// Names that expectations can refer to besides places and sockets.
pub(crate) struct Known<'a> {
    pub(crate) faults: &'a BTreeMap<String, FaultId>,
    pub(crate) apps: &'a BTreeMap<String, u32>,
}

/// All expectations of the case.
pub(crate) fn read(
    root: &Item<'_>,
    names: &Names<'_>,
    known: &Known<'_>,
) -> Result<Vec<Expectation>, Problem> {
    root.list("expect")
        .iter()
        .map(|item| {
            Ok(Expectation {
                name: item.require("name")?.text()?.into(),
                text: in_words(item.node()),
                check: check(item, names, known)?,
            })
        })
        .collect()
}

fn check(item: &Item<'_>, names: &Names<'_>, known: &Known<'_>) -> Result<Check, Problem> {
    let socket = || names.sockets.find(&item.require("at")?).map(|socket| socket.id);
    if let Some(sent) = item.get("sent") {
        return self::sent(item, &sent, names, known);
    }
    if let Some(lines) = item.get("exchange") {
        return exchange(item, &lines, names);
    }
    if let Some(counter) = item.get("counter") {
        let of = subject(&item.require("at")?, names)?;
        let value = item.require("value")?.integer_bounds()?;
        return Ok(Check::Counter { of, counter: self::counter(&counter, of)?, value });
    }
    if let Some(matched) = item.get("matched") {
        let fault = item.require("fault")?.find("fault", known.faults)?;
        return Ok(Check::FaultMatched { fault, count: matched.integer_bounds()? });
    }
    if let Some(finishes) = item.get("finishes") {
        let app = item.require("app")?.find("app", known.apps)?;
        return Ok(Check::Finishes { app, at: finishes.time_bounds()? });
    }
    if let Some(result) = item.get("result") {
        return oracle(&item.require("oracle")?, &result);
    }
    if let Some(octets) = item.get("delivered") {
        return Ok(Check::Delivered { socket: socket()?, octets: octets.size_bounds()? });
    }
    if let Some(wanted) = item.get("datagrams") {
        let survivors = wanted.is_text();
        let count = if survivors { None } else { Some(wanted.integer_bounds()?) };
        return Ok(Check::Datagrams { socket: socket()?, count, survivors });
    }
    if let Some(error) = item.get("error") {
        let errno = if error.text()? == "none" { None } else { Some(errno(&error)?) };
        return Ok(Check::Error { socket: socket()?, errno });
    }
    states(item, socket()?, known)
}

/// Expectations on the states of a socket.
fn states(item: &Item<'_>, socket: NameId, known: &Known<'_>) -> Result<Check, Problem> {
    if let Some(wanted) = item.get("state") {
        let when = moment(&item.require("when")?, known)?;
        return Ok(Check::StateAt { socket, state: state(&wanted)?, when });
    }
    if let Some(wanted) = item.get("info") {
        // In the order of their names, so that the effective form means the same.
        let when = moment(&item.require("when")?, known)?;
        let fields = item.map("info").into_iter().map(info_field).collect::<Result<Vec<_>, _>>()?;
        if fields.is_empty() {
            return Err(wanted.problem("name a field of tcp_info, like \"snd_cwnd\""));
        }
        return Ok(Check::Info { socket, fields, when });
    }
    if let Some(wanted) = item.get("reaches") {
        let at = item.get("time").map(|time| time.time_bounds()).transpose()?;
        return Ok(Check::Reaches { socket, state: state(&wanted)?, at });
    }
    if let Some(wanted) = item.get("leaves") {
        let since = item.require("since")?;
        let since = if since.is_text() { Moment::Enters } else { moment(&since, known)? };
        let after = item.require("after")?.time_bounds()?;
        return Ok(Check::Leaves { socket, state: state(&wanted)?, since, after });
    }
    let states = item.require("states")?.items().iter().map(state).collect::<Result<_, _>>()?;
    Ok(Check::States { socket, states })
}

/// A field of `tcp_info` and what it must be, in the kernel's numbers.
fn info_field((name, value): (&str, Item<'_>)) -> Result<(&'static str, Bounds), Problem> {
    let known = INFO_FIELDS.iter().copied().find(|field| *field == name);
    let field = known.ok_or_else(|| value.problem(format!("tcp_info has no field {name:?}")))?;
    let exact = |number| Bounds { min: number, max: number };
    let bounds = match field {
        "state" => exact(state(&value)?.number()),
        "ca_state" => exact(recovery_state(&value)?.number()),
        _ => value.integer_bounds()?,
    };
    Ok((field, bounds))
}

fn recovery_state(item: &Item<'_>) -> Result<RecoveryState, Problem> {
    Ok(match item.text()? {
        "Open" => RecoveryState::Open,
        "Disorder" => RecoveryState::Disorder,
        "CWR" => RecoveryState::Cwr,
        "Recovery" => RecoveryState::Recovery,
        "Loss" => RecoveryState::Loss,
        other => return Err(item.problem(format!("{other:?} is no state of a sender"))),
    })
}

fn sent(item: &Item<'_>, kind: &Item<'_>, names: &Names<'_>, known: &Known<'_>) -> Result<Check, Problem> {
    let times: Option<Vec<u64>> = item
        .get("times")
        .map(|times| times.items().iter().map(|time| time.time().map(Duration::as_nanos)).collect())
        .transpose()?;
    let mut count = item.get("count").map(|count| count.integer_bounds()).transpose()?;
    if let Some(times) = &times {
        if !times.is_sorted() {
            return Err(item.require("times")?.problem("the times have to ascend"));
        }
        if times.first().is_some_and(|&first| first != 0) {
            return Err(item
                .require("times")?
                .problem("times count from the first sending, so the first is \"0s\""));
        }
    } else if count.is_none() {
        count = Some(Bounds { min: 1, max: u64::MAX });
    }
    Ok(Check::Sent {
        by: subject(&item.require("at")?, names)?,
        kind: packet_kind(kind)?,
        reply_to: item.get("reply_to").map(|fault| fault.find("fault", known.faults)).transpose()?,
        transmission: item.get("transmission").map(|which| which.integer_bounds()).transpose()?,
        count,
        times,
    })
}

/// All segments between two hosts, line by line.
fn exchange(item: &Item<'_>, lines: &Item<'_>, names: &Names<'_>) -> Result<Check, Problem> {
    let between = item.require("between")?;
    let host = |host: &Item<'_>| {
        let name = host.text()?;
        let stations = names.topology.stations.iter().filter(|station| !station.is_router);
        let hosts = stations.map(|station| &*names.topology.places[station.place.index()]);
        let index = names.topology.host_named(name).ok_or_else(|| host.unknown("host", hosts))?;
        Ok(names.topology.stations[index].place)
    };
    let hosts: Vec<PlaceId> = between.items().iter().map(host).collect::<Result<_, Problem>>()?;
    let hosts: [PlaceId; 2] = hosts.try_into().map_err(|_| between.problem("two hosts are needed"))?;
    if hosts[0] == hosts[1] {
        return Err(between.problem("two different hosts are needed"));
    }
    let after = item.get("after").map_or(Ok(Instant::ZERO), |after| after.instant())?;
    let before = item.get("before").map_or(Ok(Instant::FAR_FUTURE), |before| before.instant())?;
    let line = |line: &Item<'_>| -> Result<ExchangeLine, Problem> {
        let read: ExchangeLine =
            line.text()?.parse().map_err(|bad: BadLine| line.problem(bad.to_string()))?;
        if read.at < after || read.at >= before {
            return Err(line.problem("this line is not within \"after\" and \"before\""));
        }
        Ok(read)
    };
    let read: Vec<ExchangeLine> = lines.items().iter().map(line).collect::<Result<_, _>>()?;
    if !read.is_sorted_by_key(|line| line.at) {
        return Err(lines.problem("the times have to ascend"));
    }
    Ok(Check::Exchange { hosts, span: (after, before), lines: read })
}

fn moment(item: &Item<'_>, known: &Known<'_>) -> Result<Moment, Problem> {
    if let Some(fault) = item.get("arrives") {
        return fault.find("fault", known.faults).map(Moment::Arrives);
    }
    item.require("time")?.instant().map(Moment::Time)
}

/// A socket, host, link or direction, whichever has this name; no two have the same.
fn subject(item: &Item<'_>, names: &Names<'_>) -> Result<Subject, Problem> {
    let text = item.text()?;
    let topology = names.topology;
    if let Some(socket) = names.sockets.get(text) {
        return Ok(Subject::Socket(socket.id));
    }
    if let Some(direction) = topology.direction_named(text) {
        return Ok(Subject::Direction(direction));
    }
    if let Some(wire) = topology.wire_named(text) {
        let [first, second] = topology.wires[wire].towards;
        return Ok(Subject::Link(first.min(second), first.max(second)));
    }
    if let Some(host) = topology.host_named(text) {
        return Ok(Subject::Host(topology.stations[host].place));
    }
    let places = topology.places.iter().map(|place| &**place);
    let links = topology.wires.iter().map(|wire| &*wire.name);
    Err(item
        .unknown("socket, host, link or direction", places.chain(links).chain(names.sockets.full_names())))
}

/// A kind of packet by its name.
pub(crate) fn packet_kind(item: &Item<'_>) -> Result<PacketKind, Problem> {
    Ok(match item.text()? {
        "syn" => PacketKind::Syn,
        "syn_ack" => PacketKind::SynAck,
        "data" => PacketKind::Data,
        "pure_ack" => PacketKind::PureAck,
        "fin" => PacketKind::Fin,
        "rst" => PacketKind::Rst,
        "window_update" => PacketKind::WindowUpdate,
        "zero_window_probe" => PacketKind::ZeroWindowProbe,
        "udp" => PacketKind::Udp,
        "icmp" => PacketKind::Icmp,
        other => return Err(item.problem(format!("{other:?} is no kind of packet"))),
    })
}

/// A counter, if it is one of the subject's.
fn counter(item: &Item<'_>, of: Subject) -> Result<Counter, Problem> {
    let (counter, of_links) = match item.text()? {
        "retransmissions" => (Counter::Retransmissions, false),
        "fast_retransmissions" => (Counter::FastRetransmissions, false),
        "timeouts" => (Counter::Timeouts, false),
        "duplicate_acks_received" => (Counter::DuplicateAcksReceived, false),
        "challenge_acks" => (Counter::ChallengeAcks, false),
        "bytes_sent" => (Counter::BytesSent, false),
        "bytes_delivered" => (Counter::BytesDelivered, false),
        "zero_window_probes" => (Counter::ZeroWindowProbes, false),
        "bad_checksums" => (Counter::BadChecksums, false),
        "delivered_marked" => (Counter::DeliveredMarked, false),
        "mark_reductions" => (Counter::MarkReductions, false),
        "offered" => (Counter::Offered, true),
        "delivered" => (Counter::Delivered, true),
        "dropped" => (Counter::Dropped, true),
        "duplicated" => (Counter::Duplicated, true),
        "corrupted" => (Counter::Corrupted, true),
        "marked" => (Counter::Marked, true),
        other => return Err(item.problem(format!("{other:?} is no counter"))),
    };
    let name = item.text()?;
    match of {
        Subject::Direction(_) | Subject::Link(..) if !of_links => {
            Err(item.problem(format!("{name:?} is a counter of sockets and hosts, and \"at\" is a link")))
        }
        Subject::Socket(_) | Subject::Host(_) if of_links => {
            Err(item.problem(format!("{name:?} is a counter of links, and \"at\" is none")))
        }
        Subject::Socket(_) if counter == Counter::BadChecksums => {
            Err(item.problem(format!("{name:?} is a counter of hosts, and \"at\" is a socket")))
        }
        _ => Ok(counter),
    }
}

fn oracle(name: &Item<'_>, result: &Item<'_>) -> Result<Check, Problem> {
    let oracle = oracle_named(name.text()?).ok_or_else(|| name.problem("there is no such oracle"))?;
    let result = match result.text()? {
        "held" => OracleResult::Held,
        "broken" => OracleResult::Broken,
        _ => OracleResult::Hazard,
    };
    Ok(Check::Oracle { oracle, result })
}

/// The oracle of this name.
pub(crate) fn oracle_named(name: &str) -> Option<OracleName> {
    OracleName::all().find(|oracle| oracle.as_str() == name)
}

/// An expectation in the file's own words, for the report: `at client/first, leaves TIME_WAIT, since arrives late copy`.
/// The order of keys is ours, so that a file and its effective form read the same.
fn in_words(node: &Node) -> String {
    let mut members: Vec<_> = node.members().iter().filter(|member| member.key != "name").collect();
    let rank = |key: &str| WORD_ORDER.iter().position(|word| *word == key).unwrap_or(WORD_ORDER.len());
    members.sort_by_key(|member| (rank(&member.key), &member.key));
    let words: Vec<String> =
        members.iter().map(|member| format!("{} {}", member.key, value_in_words(&member.node))).collect();
    words.join(", ")
}

/// Whom first, then what, then when and how much.
const WORD_ORDER: [&str; 27] = [
    "at",
    "between",
    "fault",
    "app",
    "oracle",
    "state",
    "info",
    "reaches",
    "leaves",
    "states",
    "sent",
    "exchange",
    "delivered",
    "datagrams",
    "error",
    "counter",
    "matched",
    "finishes",
    "result",
    "when",
    "since",
    "reply_to",
    "after",
    "time",
    "value",
    "min",
    "max",
];

fn value_in_words(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(value_in_words).collect::<Vec<_>>().join(" "),
        Value::Object(_) => in_words(node),
    }
}
