//! What a sweep measures of each case, under the report's own names.

use crate::experiment::did_you_mean;
use crate::plan::{Experiment, FaultId, Plan};
use crate::report::{ConnectionReport, LinkReport};
use crate::tables;
use crate::world::World;

/// One figure of a report, by its path there: `virtual_time_ns`, `packets.dropped`, `links.LINK>NODE.dropped`,
/// `connections.HOST/NAME.completion_ns`, `apps.NAME.finished_ns`, `faults.NAME.acted`. A counter of connections alone
/// (`retransmissions`) is the sum over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    name: String,
    figure: Figure,
}

/// Why a metric can't be measured: what is wrong with its name, and what may be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no metric {name:?} in this experiment{hint}")]
pub struct MetricError {
    name: String,
    hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Figure {
    VirtualTime,
    Events,
    ConnectionsNotListed,
    Packets(&'static str),
    Link(String, usize),
    Connection(String, usize),
    Connections(usize),
    App(String, AppFigure),
    Fault(String, FaultFigure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppFigure {
    StepsDone,
    FinishedAt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultFigure {
    Matched,
    Acted,
}

impl Metric {
    /// The metric of that name in any of these experiments.
    ///
    /// # Errors
    /// If none has it.
    pub fn parse<'a>(
        name: &str,
        experiments: impl IntoIterator<Item = &'a Experiment>,
    ) -> Result<Self, MetricError> {
        let known = Known::of(
            experiments.into_iter().flat_map(|experiment| &experiment.cases).map(|case| &*case.plan),
        );
        let figure = known
            .figure(name)
            .ok_or_else(|| MetricError { name: name.to_owned(), hint: known.hint(name) })?;
        Ok(Self { name: name.to_owned(), figure })
    }

    /// The name it was asked for by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value at the end of a run; `None` if the run has no such link, connection, app or fault, or what it measures
    /// has not come to its end.
    pub(super) fn of(&self, world: &World) -> Option<u64> {
        match &self.figure {
            Figure::VirtualTime => Some(world.now().as_nanos()),
            Figure::Events => Some(world.events()),
            Figure::ConnectionsNotListed => Some(world.watch().connections.unlisted()),
            Figure::Packets(field) => packets(world, field),
            Figure::Link(name, field) => {
                let link = tables::link_reports(world).find(|link| link.name == *name)?;
                Some(LINK_FIELDS[*field].1(&link))
            }
            Figure::Connection(name, field) => {
                let connection = tables::connection_named(world, name)?;
                CONNECTION_FIELDS[*field].1(&connection)
            }
            Figure::Connections(field) => Some(
                tables::connection_reports(world)
                    .filter_map(|connection| CONNECTION_FIELDS[*field].1(&connection))
                    .sum(),
            ),
            Figure::App(name, figure) => {
                let app = world.plan().apps.iter().position(|app| *app.name == **name)? as u32;
                let run =
                    world.hosts().iter().flat_map(|host| &host.apps().runs).find(|run| run.app == app)?;
                match figure {
                    AppFigure::StepsDone => Some(run.steps_done),
                    AppFigure::FinishedAt => run.finished.map(faultwire_base::Instant::as_nanos),
                }
            }
            Figure::Fault(name, figure) => {
                let fault =
                    world.plan().faults.iter().position(|fault| *fault.name == **name && !fault.removed)?;
                let (matched, acted) = world.fault_counts(FaultId(fault as u32));
                Some(match figure {
                    FaultFigure::Matched => matched,
                    FaultFigure::Acted => acted,
                })
            }
        }
    }
}

fn packets(world: &World, field: &str) -> Option<u64> {
    let packets = tables::packet_counts(world);
    PACKET_FIELDS.iter().find(|(name, _)| *name == field).map(|(_, of)| of(&packets))
}

/// What experiments have that can be measured.
struct Known<'a> {
    links: Vec<&'a str>,
    sockets: Vec<&'a str>,
    hosts: Vec<&'a str>,
    apps: Vec<&'a str>,
    faults: Vec<&'a str>,
}

impl<'a> Known<'a> {
    fn of(plans: impl Iterator<Item = &'a Plan>) -> Self {
        let mut known = Self {
            links: Vec::new(),
            sockets: Vec::new(),
            hosts: Vec::new(),
            apps: Vec::new(),
            faults: Vec::new(),
        };
        for plan in plans {
            known
                .links
                .extend(plan.directions.iter().map(|direction| &*plan.places[direction.place.index()]));
            known.hosts.extend(plan.hosts.iter().map(|host| &*plan.places[host.place.index()]));
            known.sockets.extend(plan.names.iter().map(|name| &**name));
            known.apps.extend(plan.apps.iter().map(|app| &*app.name));
            let waiting = plan.faults.iter().filter(|fault| fault.is_targeted && !fault.removed);
            known.faults.extend(waiting.map(|fault| &*fault.name));
        }
        for names in
            [&mut known.links, &mut known.sockets, &mut known.hosts, &mut known.apps, &mut known.faults]
        {
            names.sort_unstable();
            names.dedup();
        }
        known
    }

    fn figure(&self, name: &str) -> Option<Figure> {
        match name {
            "virtual_time_ns" => return Some(Figure::VirtualTime),
            "events" => return Some(Figure::Events),
            "connections_not_listed" => return Some(Figure::ConnectionsNotListed),
            _ => {}
        }
        let Some((list, rest)) = name.split_once('.') else {
            let field = CONNECTION_FIELDS.iter().position(|(field, ..)| *field == name)?;
            return CONNECTION_FIELDS[field].2.then_some(Figure::Connections(field));
        };
        if list == "packets" {
            return PACKET_FIELDS
                .iter()
                .find(|(field, _)| *field == rest)
                .map(|(field, _)| Figure::Packets(field));
        }
        // Names may contain dots, fields don't.
        let (item, field) = rest.rsplit_once('.')?;
        let owned = |names: &[&str]| names.contains(&item).then(|| item.to_owned());
        match list {
            "links" => {
                let field = LINK_FIELDS.iter().position(|(name, _)| *name == field)?;
                Some(Figure::Link(owned(&self.links)?, field))
            }
            "connections" => {
                let field = CONNECTION_FIELDS.iter().position(|(name, ..)| *name == field)?;
                let item = owned(&self.sockets).or_else(|| self.is_unnamed(item).then(|| item.to_owned()))?;
                Some(Figure::Connection(item, field))
            }
            "apps" => {
                let figure = match field {
                    "steps_done" => AppFigure::StepsDone,
                    "finished_ns" => AppFigure::FinishedAt,
                    _ => return None,
                };
                Some(Figure::App(owned(&self.apps)?, figure))
            }
            "faults" => {
                let figure = match field {
                    "matched" => FaultFigure::Matched,
                    "acted" => FaultFigure::Acted,
                    _ => return None,
                };
                Some(Figure::Fault(owned(&self.faults)?, figure))
            }
            _ => None,
        }
    }

    /// `HOST/#K`: the K-th connection of a host, if no app named it, written as the report writes it.
    fn is_unnamed(&self, item: &str) -> bool {
        let is_number =
            |number: &str| number.parse::<u32>().is_ok_and(|value| value > 0 && value.to_string() == number);
        item.split_once("/#").is_some_and(|(host, number)| self.hosts.contains(&host) && is_number(number))
    }

    /// What may be meant by `name`: the nearest of all names, or the kinds of them.
    fn hint(&self, name: &str) -> String {
        let counters =
            CONNECTION_FIELDS.iter().filter(|(.., adds_up)| *adds_up).map(|(name, ..)| (*name).to_owned());
        let mut all: Vec<String> =
            ["virtual_time_ns", "events", "connections_not_listed"].map(str::to_owned).to_vec();
        all.extend(counters);
        all.extend(PACKET_FIELDS.iter().map(|(field, _)| format!("packets.{field}")));
        let fields = |list: &str, items: &[&str], fields: &[&str]| -> Vec<String> {
            let of =
                |item: &&str| fields.iter().map(|field| format!("{list}.{item}.{field}")).collect::<Vec<_>>();
            items.iter().flat_map(of).collect()
        };
        all.extend(fields("links", &self.links, &LINK_FIELDS.map(|(name, _)| name)));
        all.extend(fields("connections", &self.sockets, &CONNECTION_FIELDS.map(|(name, ..)| name)));
        all.extend(fields("apps", &self.apps, &["steps_done", "finished_ns"]));
        all.extend(fields("faults", &self.faults, &["matched", "acted"]));
        let meant = did_you_mean(name, all.iter().map(String::as_str));
        if !meant.is_empty() {
            return meant;
        }
        if let Some((field, ..)) = CONNECTION_FIELDS.iter().find(|(field, ..)| *field == name) {
            let one = self.sockets.first().unwrap_or(&"HOST/NAME");
            return format!(": each connection has its own, write connections.{one}.{field}");
        }
        let one = |list: &str, items: &[&str], field: &str| {
            items.first().map(|item| format!(", {list}.{item}.{field}")).unwrap_or_default()
        };
        format!(
            ": write the path of a number in the report, like virtual_time_ns, packets.dropped, retransmissions{}{}{}",
            one("links", &self.links, "dropped"),
            one("connections", &self.sockets, "completion_ns"),
            one("apps", &self.apps, "finished_ns")
        )
    }
}

type PacketField = (&'static str, fn(&crate::report::PacketCounts) -> u64);
type LinkField = (&'static str, fn(&LinkReport) -> u64);
/// A field, its value, and whether it is a counter that adds up over connections.
type ConnectionField = (&'static str, fn(&ConnectionReport) -> Option<u64>, bool);

const PACKET_FIELDS: [PacketField; 6] = [
    ("sent", |packets| packets.sent),
    ("delivered", |packets| packets.delivered),
    ("dropped", |packets| packets.dropped),
    ("duplicated", |packets| packets.duplicated),
    ("corrupted", |packets| packets.corrupted),
    ("in_flight", |packets| packets.in_flight),
];

const LINK_FIELDS: [LinkField; 15] = [
    ("offered", |link| link.offered),
    ("delivered", |link| link.delivered),
    ("dropped", |link| link.dropped),
    ("dropped_by_loss", |link| link.dropped_by_loss),
    ("dropped_by_queue", |link| link.dropped_by_queue),
    ("dropped_by_fault", |link| link.dropped_by_fault),
    ("dropped_by_cut", |link| link.dropped_by_cut),
    ("dropped_by_mtu", |link| link.dropped_by_mtu),
    ("duplicated", |link| link.duplicated),
    ("corrupted", |link| link.corrupted),
    ("reordered", |link| link.reordered),
    ("marked", |link| link.marked),
    ("in_flight", |link| link.in_flight),
    ("offered_bytes", |link| link.offered_bytes),
    ("delivered_bytes", |link| link.delivered_bytes),
];

const CONNECTION_FIELDS: [ConnectionField; 14] = [
    ("segments_sent", |connection| Some(connection.segments_sent), true),
    ("segments_received", |connection| Some(connection.segments_received), true),
    ("retransmissions", |connection| Some(connection.retransmissions), true),
    ("fast_retransmissions", |connection| Some(connection.fast_retransmissions), true),
    ("timeouts", |connection| Some(connection.timeouts), true),
    ("duplicate_acks_received", |connection| Some(connection.duplicate_acks_received), true),
    ("bytes_sent", |connection| Some(connection.bytes_sent), true),
    ("bytes_delivered", |connection| Some(connection.bytes_delivered), true),
    ("goodput_bps", |connection| Some(connection.goodput_bps), false),
    ("completion_ns", |connection| connection.completion_ns, false),
    ("srtt_ns", |connection| connection.srtt_ns, false),
    ("challenge_acks", |connection| Some(connection.challenge_acks), true),
    ("zero_window_probes", |connection| Some(connection.zero_window_probes), true),
    ("time_wait_ns", |connection| Some(connection.time_wait_ns), false),
];

#[cfg(test)]
mod tests;
