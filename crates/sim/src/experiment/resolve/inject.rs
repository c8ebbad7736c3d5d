//! Injected packets: built from the file, sequence numbers relative to a live connection where wanted.

use std::net::SocketAddr;

use faultwire_base::Duration;
use faultwire_wire::{
    Body, Cause, Datagram, EcnCodepoint, Flags, IpHeader, Packet, Payload, Segment, Seq, Tag,
};

use super::icmp;
use super::sockets::SocketKind;
use super::steps::destination;
use super::targets::links_of;
use super::{Names, sockets::is_udp};
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{DirectionId, FaultId, InjectionPlan, RelativeFields};

/// The packets that a fault injects.
pub(crate) fn read(
    item: &Item<'_>,
    fault: FaultId,
    names: &Names<'_>,
) -> Result<Vec<InjectionPlan>, Problem> {
    let inject = item.require("inject")?;
    let to = inject.require("to")?;
    let at = item.require("at")?.instant()?;
    let (ends, relative, receiver) =
        if to.text()?.contains('/') { aimed(&inject, &to, names)? } else { addressed(&inject, &to, names)? };
    let direction = direction(item, names, receiver)?;
    let packet = Packet {
        ip: IpHeader {
            source: ends.from.ip(),
            destination: ends.to.ip(),
            hop_limit: inject.integer_or("hop_limit", 64)?,
            traffic_class: EcnCodepoint::of(inject.integer_or("ecn", 0)?).put_into(0),
            identification: 0,
            dont_fragment: true,
        },
        body: body(&inject, &ends, relative.is_some())?,
        tag: Tag { cause: Cause::Injected, ..Tag::default() },
    };
    let first = InjectionPlan { fault, at, direction, packet, relative };
    repeated(&inject, first)
}

/// `count` packets, each from the next source port and one interval after the one before it.
fn repeated(inject: &Item<'_>, first: InjectionPlan) -> Result<Vec<InjectionPlan>, Problem> {
    let count: u16 = inject.integer_or("count", 1)?;
    let interval = inject.time_or("interval", Duration::ZERO)?;
    let Some(item) = inject.get("count").or_else(|| inject.get("interval")) else { return Ok(vec![first]) };
    let port = match &first.packet.body {
        Body::Tcp(segment) if first.relative.is_none() => segment.source_port,
        Body::Udp(datagram) => datagram.source_port,
        _ => {
            return Err(item.problem(
                "only packets with \"from\" HOST:PORT are repeated, each from the next port: aim it at HOST:PORT",
            ));
        }
    };
    if port.checked_add(count - 1).is_none() {
        return Err(item.problem(format!("there are not so many ports from {port} on")));
    }
    let plans = (0..count).map(|number| {
        let mut plan = first.clone();
        plan.at = first.at.saturating_add(interval.saturating_mul(number.into()));
        match &mut plan.packet.body {
            Body::Tcp(segment) => segment.source_port = port + number,
            Body::Udp(datagram) => datagram.source_port = port + number,
            Body::Icmp(_) | Body::Raw(_) => unreachable!("refused above"),
        }
        plan
    });
    Ok(plans.collect())
}

struct Ends {
    from: SocketAddr,
    to: SocketAddr,
}

type Aim = (Ends, Option<RelativeFields>, Option<usize>);

/// A segment aimed at a named connection, which gives addresses, ports and the base of relative numbers.
fn aimed(inject: &Item<'_>, to: &Item<'_>, names: &Names<'_>) -> Result<Aim, Problem> {
    let socket = names.sockets.find(to)?;
    if socket.kind != SocketKind::Connection {
        return Err(to.problem(
            "only a TCP connection can be aimed at by name: give HOST:PORT and \"from\" otherwise",
        ));
    }
    if let Some(from) = inject.get("from") {
        return Err(from.problem(
            "a packet aimed at a socket comes from its peer: leave \"from\" out, or give HOST:PORT in \"to\"",
        ));
    }
    let addresses = &names.topology.stations[socket.host].addresses;
    let error = icmp::read(inject, addresses.iter().any(std::net::IpAddr::is_ipv6), true)?;
    if is_udp(inject)? {
        return Err(inject.require("protocol")?.problem("the socket is a TCP connection"));
    }
    let (seq, _) = number(inject, "seq", &["rcv_nxt"])?;
    let (ack, ack_base) = number(inject, "ack", &["snd_una", "snd_nxt"])?;
    let has_ack = flags(inject)?.contains(Flags::ACK);
    if let Some(ack) = inject.get("ack").filter(|_| !has_ack) {
        return Err(
            ack.problem("without the flag ACK this number does not count: add the flag or leave it out")
        );
    }
    let relative = RelativeFields {
        target: socket.id,
        error,
        seq_from_rcv_nxt: if inject.has("seq") { seq } else { Some(0) },
        ack_from_snd_una: match (inject.has("ack"), has_ack) {
            (false, true) => Some(0),
            _ => ack.filter(|_| ack_base == "snd_una"),
        },
        ack_from_snd_nxt: ack.filter(|_| ack_base == "snd_nxt"),
    };
    // The connection gives addresses and ports when the packet is made; these only fill the form.
    let address = SocketAddr::new(addresses[0], 0);
    Ok((Ends { from: address, to: address }, Some(relative), Some(socket.host)))
}

/// A packet with both ends written out.
fn addressed(inject: &Item<'_>, to: &Item<'_>, names: &Names<'_>) -> Result<Aim, Problem> {
    let (target, host) = destination(to, names.topology, None)?;
    let from = inject.get("from").ok_or_else(|| {
        inject.problem("say \"from\" which HOST:PORT it comes, or aim it at a socket, like \"client/first\"")
    })?;
    let (source, _) = destination(&from, names.topology, None)?;
    if source.is_ipv4() != target.is_ipv4() {
        return Err(from.problem(format!("{source} and {target} are of different versions of IP")));
    }
    for key in ["seq", "ack"] {
        if let Some(relative) = inject.get(key).filter(Item::is_text) {
            return Err(relative.problem("a relative number needs a socket in \"to\", like \"client/first\""));
        }
    }
    Ok((Ends { from: source, to: target }, None, host))
}

/// A number relative to one of `bases`: the difference and the base. An absolute number has no difference.
pub(super) fn number<'b>(
    inject: &Item<'_>,
    key: &str,
    bases: &[&'b str],
) -> Result<(Option<i64>, &'b str), Problem> {
    let Some(item) = inject.get(key).filter(Item::is_text) else { return Ok((None, "")) };
    let text = item.text()?;
    let form = || {
        let forms: Vec<String> = bases.iter().map(|base| format!("\"{base}+N\" or \"{base}-N\"")).collect();
        item.problem(format!("{text:?} is not a relative number: write {}", forms.join(", ")))
    };
    let base = bases.iter().find(|base| text.starts_with(**base)).ok_or_else(form)?;
    let rest = text[base.len()..].replace(' ', "");
    let difference = match rest.as_str() {
        "" => 0,
        rest if rest.starts_with(['+', '-']) => rest.parse::<i32>().map_err(|_| form())?,
        _ => return Err(form()),
    };
    Ok((Some(i64::from(difference)), base))
}

fn flags(inject: &Item<'_>) -> Result<Flags, Problem> {
    let Some(item) = inject.get("flags") else { return Ok(Flags::ACK) };
    item.text()?.split(',').map(str::trim).try_fold(Flags::NONE, |flags, word| {
        let known = Flags::NAMES.iter().find(|(name, _)| *name == word);
        match known {
            Some((_, flag)) => Ok(flags | *flag),
            None => Err(item.problem(format!(
                "unknown flag {word:?}: known are {}, parted by commas",
                crate::experiment::problem::quoted_list(Flags::NAMES.iter().map(|(name, _)| *name))
            ))),
        }
    })
}

fn body(inject: &Item<'_>, ends: &Ends, is_aimed: bool) -> Result<Body, Problem> {
    if !is_aimed && let Some(error) = icmp::read(inject, ends.to.is_ipv6(), false)? {
        return Ok(icmp::addressed(&error, ends.from, ends.to));
    }
    let octets = match inject.get("payload") {
        Some(payload) => {
            let size = payload.size()?.as_u64();
            if size > PAYLOAD_MAX {
                return Err(payload.problem(format!("more than a packet can carry, {PAYLOAD_MAX} octets")));
            }
            size as u32
        }
        None => 0,
    };
    let payload = Payload::Zeros { len: octets };
    let (source_port, destination_port) = (ends.from.port(), ends.to.port());
    if is_udp(inject)? {
        if let Some(key) = ["flags", "seq", "ack", "window"].into_iter().find(|key| inject.has(key)) {
            return Err(inject.require(key)?.problem("a datagram has no such field: leave it out"));
        }
        return Ok(Body::Udp(Datagram { source_port, destination_port, payload }));
    }
    let absolute =
        |key: &str| inject.get(key).filter(Item::is_number).map_or(Ok(0), |number| number.integer::<u32>());
    Ok(Body::Tcp(Segment {
        source_port,
        destination_port,
        seq: Seq(absolute("seq")?),
        ack: Seq(absolute("ack")?),
        flags: flags(inject)?,
        window: inject.integer_or("window", u16::MAX)?,
        payload,
        ..Segment::default()
    }))
}

/// Where it enters: the direction of `on` and `towards`, or the only one of that link which leads to its receiver.
fn direction(item: &Item<'_>, names: &Names<'_>, receiver: Option<usize>) -> Result<DirectionId, Problem> {
    let directions = links_of(item, names)?;
    if let [direction] = directions[..] {
        return Ok(direction);
    }
    let leads = |direction: &&DirectionId| Some(names.topology.course(**direction).to) == receiver;
    let mut fitting = directions.iter().filter(leads);
    match (fitting.next(), fitting.next()) {
        (Some(direction), None) => Ok(*direction),
        _ => {
            Err(item
                .problem("a packet enters one direction: say \"on\" which link and \"towards\" which end"))
        }
    }
}

/// 65,535 octets less the headers of IPv4 and TCP.
const PAYLOAD_MAX: u64 = 65_495;
