//! The tables of the report: links, faults, connections.

use faultwire_base::{Instant, PlaceId};
use faultwire_host::ConnectionReport as HostConnection;
use faultwire_link::{Counters as LinkCounters, NameId};
use faultwire_tcp::State;

use crate::connections::ConnectionLog;
use crate::fingerprint::Fingerprint;
use crate::judge::{Verdict, goodput_bps};
use crate::plan::{Case, Counter, FaultId, Plan};
use crate::report::{
    CaseReport, ConnectionReport, FaultReport, LinkReport, PacketCounts, QuirkReport, StateEntry,
};
use crate::world::World;

/// The report of one case.
pub(crate) fn case_report(
    case: &Case,
    world: &World,
    fingerprint: Fingerprint,
    verdict: Verdict,
) -> CaseReport {
    let watch = world.watch();
    CaseReport {
        name: case.name.clone(),
        outcome: verdict.outcome,
        failures: verdict.failures.into_iter().map(|failure| failure.sentence).collect(),
        fingerprint: fingerprint.to_string(),
        virtual_time_ns: world.now().as_nanos(),
        events: world.events(),
        quirks: quirk_reports(world.plan()),
        packets: packet_counts(world),
        faults: fault_reports(world),
        connections: connection_reports(world).collect(),
        connections_not_listed: watch.connections.unlisted(),
        apps: verdict.apps,
        expectations: verdict.expectations,
        oracles: verdict.oracles,
        links: link_reports(world).collect(),
    }
}

/// Each direction of each link.
pub(crate) fn link_reports(world: &World) -> impl Iterator<Item = LinkReport> {
    world.directions().iter().zip(&world.plan().directions).map(|(direction, plan)| {
        link_report(&world.plan().places[plan.place.index()], direction.counters(), direction.in_flight())
    })
}

/// Sums over all links.
pub(crate) fn packet_counts(world: &World) -> PacketCounts {
    let totals = &world.watch().totals;
    let counts = PacketCounts { sent: totals.sent, delivered: totals.delivered, ..PacketCounts::default() };
    world.directions().iter().fold(counts, |sum, direction| {
        let counters = direction.counters();
        PacketCounts {
            dropped: sum.dropped + counters.dropped.total().packets,
            duplicated: sum.duplicated + counters.copies.packets,
            corrupted: sum.corrupted + counters.corrupted,
            in_flight: sum.in_flight + direction.in_flight(),
            ..sum
        }
    })
}

/// Each connection that has a log, in the order of opening.
pub(crate) fn connection_reports(world: &World) -> impl Iterator<Item = ConnectionReport> {
    world.watch().connections.all().iter().map(|log| connection_report(world, log))
}

fn quirk_reports(plan: &Plan) -> Vec<QuirkReport> {
    plan.quirks()
        .map(|(host, quirk)| QuirkReport {
            host: host.to_owned(),
            name: quirk.as_str(),
            what: quirk.what(),
            source: quirk.source(),
        })
        .collect()
}

fn link_report(name: &str, counters: &LinkCounters, in_flight: u64) -> LinkReport {
    let dropped = &counters.dropped;
    LinkReport {
        name: name.to_string(),
        offered: counters.offered.packets,
        delivered: counters.delivered.packets,
        dropped: dropped.total().packets,
        dropped_by_loss: dropped.loss.packets,
        dropped_by_queue: dropped.queue_full.packets,
        dropped_by_fault: dropped.fault.packets,
        dropped_by_cut: dropped.cut.packets + dropped.in_flight_cut.packets,
        dropped_by_mtu: dropped.too_big.packets,
        duplicated: counters.copies.packets,
        corrupted: counters.corrupted,
        reordered: counters.reordered,
        marked: counters.marked,
        in_flight,
        offered_bytes: counters.offered.bytes,
        delivered_bytes: counters.delivered.bytes,
    }
}

/// A counter of a link direction; `None` if links don't have it.
pub(crate) fn link_counter(counters: &LinkCounters, counter: Counter) -> Option<u64> {
    match counter {
        Counter::Offered => Some(counters.offered.packets),
        Counter::Delivered => Some(counters.delivered.packets),
        Counter::Dropped => Some(counters.dropped.total().packets),
        Counter::Duplicated => Some(counters.copies.packets),
        Counter::Corrupted => Some(counters.corrupted),
        Counter::Marked => Some(counters.marked),
        _ => None,
    }
}

fn fault_reports(world: &World) -> Vec<FaultReport> {
    let faults =
        world.plan().faults.iter().enumerate().filter(|(_, fault)| !fault.removed && fault.is_targeted);
    faults
        .map(|(index, fault)| {
            let (matched, acted) = world.fault_counts(FaultId(index as u32));
            FaultReport { name: fault.name.to_string(), matched, acted }
        })
        .collect()
}

/// What the host knows of a connection, or knew when it forgot it.
fn host_report(world: &World, log: &ConnectionLog) -> Option<HostConnection> {
    let host = world.hosts().iter().find(|host| host.place() == log.place)?;
    let known = log.summary.as_deref().cloned();
    known.or_else(|| host.host().connection_report(log.connection).filter(|report| report.flow == log.flow))
}

/// A counter of a connection; `None` if connections don't have it.
pub(crate) fn connection_counter(world: &World, log: &ConnectionLog, counter: Counter) -> Option<u64> {
    if counter == Counter::BytesDelivered {
        return Some(log.delivered.octets);
    }
    let report = host_report(world, log);
    let counters = report.as_ref().and_then(|report| report.detail.as_ref()).map(|detail| &detail.counters);
    let value = |of: fn(&faultwire_tcp::Counters) -> u64| Some(counters.map_or(0, of));
    match counter {
        Counter::Retransmissions => value(|counters| counters.retransmissions),
        Counter::FastRetransmissions => value(|counters| counters.fast_retransmissions),
        Counter::Timeouts => value(|counters| counters.timeouts),
        Counter::DuplicateAcksReceived => value(|counters| counters.duplicate_acks_received),
        Counter::ChallengeAcks => value(|counters| counters.challenge_acks),
        Counter::BytesSent => value(|counters| counters.bytes_sent),
        Counter::ZeroWindowProbes => value(|counters| counters.probes),
        Counter::DeliveredMarked => value(|counters| counters.delivered_marked),
        Counter::MarkReductions => value(|counters| counters.mark_reductions),
        _ => None,
    }
}

/// The connection that the report tells under this name; the latest if there were several.
pub(crate) fn connection_named(world: &World, name: &str) -> Option<ConnectionReport> {
    let logs = world.watch().connections.all();
    let log = logs.iter().rfind(|log| match log.name {
        Some(known) => *world.plan().names[known.0 as usize] == *name,
        None => connection_name(world.plan(), log) == name,
    })?;
    Some(connection_report(world, log))
}

fn connection_name(plan: &Plan, log: &ConnectionLog) -> String {
    match log.name {
        Some(name) => plan.names[name.0 as usize].to_string(),
        None => format!("{}/#{}", plan.places[log.place.index()], log.connection.0),
    }
}

fn connection_report(world: &World, log: &ConnectionLog) -> ConnectionReport {
    let count = |counter| connection_counter(world, log, counter).unwrap_or(0);
    let report = host_report(world, log);
    let detail = report.as_ref().and_then(|report| report.detail.as_ref());
    ConnectionReport {
        name: connection_name(world.plan(), log),
        local: log.local.to_string(),
        remote: log.remote.to_string(),
        final_state: log.state().as_str(),
        states: log
            .entries
            .iter()
            .map(|(rank, state)| StateEntry { at_ns: rank.at.as_nanos(), state: state.as_str() })
            .collect(),
        error: log.error.map(|error| error.to_string()),
        segments_sent: detail.map_or(0, |detail| detail.counters.segments_sent),
        segments_received: detail.map_or(0, |detail| detail.counters.segments_received),
        retransmissions: count(Counter::Retransmissions),
        fast_retransmissions: count(Counter::FastRetransmissions),
        timeouts: count(Counter::Timeouts),
        duplicate_acks_received: count(Counter::DuplicateAcksReceived),
        bytes_sent: count(Counter::BytesSent),
        bytes_delivered: log.delivered.octets,
        goodput_bps: goodput_bps(log),
        completion_ns: completion(log),
        srtt_ns: detail.and_then(|detail| detail.info.rtt).map(|rtt| rtt.as_nanos()),
        challenge_acks: count(Counter::ChallengeAcks),
        zero_window_probes: count(Counter::ZeroWindowProbes),
        time_wait_ns: time_in(world, log, State::TimeWait),
    }
}

/// From the opening to the end of everything but waiting.
fn completion(log: &ConnectionLog) -> Option<u64> {
    let over = log.entries.iter().find(|(_, state)| matches!(state, State::TimeWait | State::Closed));
    over.map(|(rank, _)| rank.at.saturating_since(log.opened).as_nanos())
}

fn time_in(world: &World, log: &ConnectionLog, state: State) -> u64 {
    let ends = log.entries.iter().skip(1).map(|(rank, _)| rank.at).chain([world.now()]);
    let spans = log.entries.iter().zip(ends).filter(|((_, entered), _)| *entered == state);
    spans.map(|((rank, _), end): (_, Instant)| end.saturating_since(rank.at).as_nanos()).sum()
}

/// Host and local port of a named UDP socket.
pub(crate) fn datagram_port(world: &World, name: NameId) -> (PlaceId, u16) {
    let full = &world.plan().names[name.0 as usize];
    let host_name = full.split_once('/').map_or(&**full, |(host, _)| host);
    let host = world.hosts().iter().find(|host| &*world.plan().places[host.place().index()] == host_name);
    host.map_or((PlaceId(u32::MAX), 0), |host| (host.place(), host.apps().port(name)))
}
