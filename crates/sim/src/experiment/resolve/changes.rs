//! Timeline faults: cuts, partitions, holds, parameter changes, crashes and pauses.

use faultwire_base::Instant;
use faultwire_link::{Change, DirectionConfig, ScheduledChange};

use super::targets::links_of;
use super::topology::Topology;
use super::{Names, links, recovery};
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{DirectionId, DirectionPlan, HealPlan, HostChange, HostPlan, TimedAct, TimedWhat};

/// What happens when, collected before it goes to its places.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    directions: Vec<(DirectionId, Instant, Change)>,
    cuts: Vec<Span>,
    holds: Vec<Span>,
    hosts: Vec<(usize, Instant, HostChange)>,
}

/// A time in which a direction is cut or holds its packets.
#[derive(Debug)]
struct Span {
    direction: DirectionId,
    from: Instant,
    until: Option<Instant>,
    in_flight_drop: bool,
}

/// Adds one timeline fault.
pub(crate) fn read(
    item: &Item<'_>,
    names: &Names<'_>,
    directions: &[DirectionPlan],
    timeline: &mut Timeline,
) -> Result<(), Problem> {
    let what = item.require("do")?;
    let at = item.require("at")?.instant()?;
    let until = match item.get("until") {
        Some(end) => {
            let until = end.instant()?;
            if until <= at {
                return Err(end.problem("\"until\" is not later than \"at\""));
            }
            Some((until, end))
        }
        None => None,
    };
    if let Some(partition) = what.get("partition") {
        refuse(item, &["on", "towards"], "partition")?;
        let span = (at, until.map(|(until, _)| until), in_flight_drop(item)?);
        let cut = partitioned(&partition, names.topology)?;
        timeline.cuts.extend(cut.into_iter().map(|direction| span_of(direction, span)));
        return Ok(());
    }
    if let Some(set) = what.get("set") {
        refuse(item, &["in_flight"], "set")?;
        return set_parameters(item, &set, (at, until.map(|(until, _)| until)), names, directions, timeline);
    }
    let word = what.text()?;
    match word {
        "cut" => {
            let span = (at, until.map(|(until, _)| until), in_flight_drop(item)?);
            timeline
                .cuts
                .extend(links_of(item, names)?.into_iter().map(|direction| span_of(direction, span)));
        }
        "hold" => {
            refuse(item, &["in_flight"], word)?;
            let span = (at, until.map(|(until, _)| until), false);
            timeline
                .holds
                .extend(links_of(item, names)?.into_iter().map(|direction| span_of(direction, span)));
        }
        "heal" | "release" => {
            refuse(item, &["in_flight", "until"], word)?;
            let change = if word == "heal" { Change::Heal } else { Change::ReleaseAll };
            let directions = links_of(item, names)?;
            timeline
                .directions
                .extend(directions.into_iter().map(|direction| (direction, at, change.clone())));
        }
        _ => hosts(item, word, at, until, names.topology, timeline)?,
    }
    Ok(())
}

fn span_of(direction: DirectionId, (from, until, in_flight_drop): (Instant, Option<Instant>, bool)) -> Span {
    Span { direction, from, until, in_flight_drop }
}

/// Keys of other changes do nothing here, and nothing is accepted and ignored.
fn refuse(item: &Item<'_>, keys: &[&str], word: &str) -> Result<(), Problem> {
    match keys.iter().find_map(|key| item.get(key).map(|found| (key, found))) {
        Some((key, found)) => Err(found.problem(format!("{key:?} does not go with {word:?}: leave it out"))),
        None => Ok(()),
    }
}

fn in_flight_drop(item: &Item<'_>) -> Result<bool, Problem> {
    item.get("in_flight").map_or(Ok(false), |what| Ok(what.text()? == "drop"))
}

fn hosts(
    item: &Item<'_>,
    word: &str,
    at: Instant,
    until: Option<(Instant, Item<'_>)>,
    topology: &Topology,
    timeline: &mut Timeline,
) -> Result<(), Problem> {
    refuse(item, &["in_flight", "towards"], word)?;
    let change = match word {
        "crash" => HostChange::Crash,
        "restart" => HostChange::Restart,
        "pause" => HostChange::Pause,
        _ => HostChange::Resume,
    };
    let on = item
        .get("on")
        .ok_or_else(|| item.problem(format!("say \"on\" which host: {word:?} is for hosts")))?;
    for name in on.one_or_many() {
        let host = topology.host(&name)?;
        timeline.hosts.push((host, at, change));
        match (&until, recovery(change)) {
            (None, _) => {}
            (Some((until, _)), Some(recovery)) => timeline.hosts.push((host, *until, recovery)),
            (Some((_, item)), None) => {
                return Err(item.problem(format!("{word:?} has no end: leave \"until\" out")));
            }
        }
    }
    Ok(())
}

/// Directions between stations of different groups, or from some to others.
fn partitioned(item: &Item<'_>, topology: &Topology) -> Result<Vec<DirectionId>, Problem> {
    let mut group_of: Vec<Option<usize>> = vec![None; topology.stations.len()];
    let one_way = item.is_object();
    let groups = if one_way { vec![item.require("from")?, item.require("to")?] } else { item.items() };
    for (group, members) in groups.iter().enumerate() {
        for member in members.one_or_many() {
            let station = topology.station(&member)?;
            if group_of[station].replace(group).is_some() {
                return Err(member.problem(format!("{:?} stands in two groups", member.text()?)));
            }
        }
    }
    let cut: Vec<DirectionId> = (0..topology.courses.len())
        .filter(|&index| {
            let course = &topology.courses[index];
            match (group_of[course.from], group_of[course.to]) {
                (Some(from), Some(to)) => from != to && (!one_way || from < to),
                _ => false,
            }
        })
        .map(|index| DirectionId(index as u32))
        .collect();
    if cut.is_empty() {
        return Err(
            item.problem("no link joins these groups directly: put the routers between them into groups too")
        );
    }
    Ok(cut)
}

fn set_parameters(
    item: &Item<'_>,
    set: &Item<'_>,
    (at, until): (Instant, Option<Instant>),
    names: &Names<'_>,
    directions: &[DirectionPlan],
    timeline: &mut Timeline,
) -> Result<(), Problem> {
    let keys: Vec<&str> = set.entries().into_iter().map(|(key, _)| key).collect();
    if keys.is_empty() {
        return Err(set.problem("nothing is set: name a parameter, like {\"delay\": \"200ms\"}"));
    }
    for direction in links_of(item, names)? {
        let before = &directions[direction.0 as usize].config;
        let mut after = before.clone();
        links::apply(set, &mut after)?;
        let pushes = changes(&keys, &after).into_iter().map(|change| (direction, at, change));
        timeline.directions.extend(pushes);
        if let Some(until) = until {
            let restores = changes(&keys, before).into_iter().map(|change| (direction, until, change));
            timeline.directions.extend(restores);
        }
    }
    Ok(())
}

/// The changes that give a direction the values that `config` has for these keys.
fn changes(keys: &[&str], config: &DirectionConfig) -> Vec<Change> {
    let has = |key: &str| keys.contains(&key);
    let mut changes = Vec::new();
    changes.extend(has("rate").then_some(Change::SetRate(config.rate)));
    changes.extend(has("delay").then_some(Change::SetDelay(config.delay)));
    changes.extend(
        (has("jitter") || has("distribution") || has("jitter_reorders"))
            .then(|| Change::SetJitter(config.jitter.clone())),
    );
    changes.extend(has("loss").then(|| Change::SetLoss(config.loss.clone())));
    changes.extend(has("ecn").then_some(Change::SetLossMarks(config.loss_marks)));
    changes.extend(has("duplicate").then_some(Change::SetDuplicate(config.duplicate)));
    changes.extend(has("corrupt").then_some(Change::SetCorrupt(config.corrupt)));
    changes.extend(has("reorder").then_some(Change::SetReorder(config.reorder)));
    changes.extend(has("queue").then_some(Change::SetQueue(config.queue)));
    changes.extend(has("mtu").then_some(Change::SetMtu(config.mtu)));
    changes
}

/// How much a timeline held at some point of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    directions: usize,
    cuts: usize,
    holds: usize,
    hosts: usize,
}

impl Timeline {
    /// How much it holds.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            directions: self.directions.len(),
            cuts: self.cuts.len(),
            holds: self.holds.len(),
            hosts: self.hosts.len(),
        }
    }

    /// What the fault that was read since `before` does where.
    pub(crate) fn acts_since(
        &self,
        before: Extent,
        item: &Item<'_>,
        topology: &Topology,
        directions: &[DirectionPlan],
    ) -> Result<Vec<TimedAct>, Problem> {
        let from = item.require("at")?.instant()?;
        let until = item.get("until").map(|end| end.instant()).transpose()?;
        let act = |place, what| TimedAct { place, from, until, what };
        let towards = |direction: DirectionId| directions[direction.0 as usize].place;
        let cuts = self.cuts[before.cuts..].iter().map(|span| act(towards(span.direction), TimedWhat::Cut));
        let holds =
            self.holds[before.holds..].iter().map(|span| act(towards(span.direction), TimedWhat::Hold));
        let begun = self.directions[before.directions..].iter().filter(|(_, at, _)| *at == from);
        let changes = begun.map(|(direction, ..)| act(towards(*direction), TimedWhat::Change));
        let begun = self.hosts[before.hosts..].iter().filter(|(_, at, _)| *at == from);
        let hosts =
            begun.map(|&(station, _, change)| act(topology.stations[station].place, TimedWhat::Host(change)));
        let mut acts: Vec<TimedAct> = cuts.chain(holds).chain(changes).chain(hosts).collect();
        acts.dedup();
        Ok(acts)
    }

    /// Puts everything to its place. After `heal` nothing changes any more, and hosts that are down come up.
    pub(crate) fn finish(
        mut self,
        heal: Option<HealPlan>,
        topology: &Topology,
        directions: &mut [DirectionPlan],
        hosts: &mut [HostPlan],
    ) {
        let cuts = std::mem::take(&mut self.cuts);
        let holds = std::mem::take(&mut self.holds);
        self.spans(&cuts, |span| Change::Cut { in_flight_drop: span.in_flight_drop }, &Change::Uncut);
        self.spans(&holds, |_| Change::HoldAll, &Change::ReleaseAll);
        let is_over = |at: Instant| heal.is_some_and(|heal| at >= heal.at);
        for (direction, at, change) in self.directions {
            if !is_over(at) {
                directions[direction.0 as usize].config.changes.push(ScheduledChange { at, change });
            }
        }
        for direction in directions {
            direction.config.changes.sort_by_key(|change| change.at);
        }
        for (station, at, change) in self.hosts {
            let place = topology.stations[station].place;
            let host = hosts.iter_mut().find(|host| host.place == place).expect("every host has a plan");
            if !is_over(at) {
                host.timeline.push((at, change));
            }
        }
        for host in hosts {
            host.timeline.sort_by_key(|&(at, _)| at);
            if let Some(heal) = heal
                && let Some(recovery) = host.timeline.last().and_then(|&(_, change)| recovery(change))
            {
                host.timeline.push((heal.at, recovery));
            }
        }
    }

    /// Where spans of one direction overlap, it ends with the last of them.
    fn spans(&mut self, spans: &[Span], begin: impl Fn(&Span) -> Change, end: &Change) {
        for span in spans {
            if let Some(until) = span.until {
                let covered = spans.iter().any(|other| {
                    other.direction == span.direction
                        && other.from <= until
                        && other.until.is_none_or(|other| other > until)
                });
                if !covered {
                    self.directions.push((span.direction, until, end.clone()));
                }
            }
        }
        self.directions.extend(spans.iter().map(|span| (span.direction, span.from, begin(span))));
    }
}
