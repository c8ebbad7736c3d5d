//! Expectations on `tcp_info`: whose is read when, and what it said.

use faultwire_base::{Instant, PlaceId};
use faultwire_link::NameId;
use faultwire_tcp::Info;

use crate::plan::{Bounds, Check, FaultId, Moment, Plan};

/// One reading of one socket.
#[derive(Clone, Debug)]
struct Probe {
    expectation: u32,
    socket: NameId,
    place: PlaceId,
    when: Moment,
    seen: Option<Box<Info>>,
}

/// All readings of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    probes: Vec<Probe>,
}

impl Probes {
    pub(crate) fn new(plan: &Plan, name_places: &[PlaceId]) -> Self {
        let mut probes = Vec::new();
        for (index, expectation) in plan.expectations.iter().enumerate() {
            if let Check::Info { socket, when, .. } = expectation.check {
                let place = name_places[socket.0 as usize];
                probes.push(Probe { expectation: index as u32, socket, place, when, seen: None });
            }
        }
        Self { probes }
    }

    /// Whether no expectation asks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// When a socket at `place` is to be read next: the first time after `after`, or from the start.
    pub(crate) fn next_time(&self, place: PlaceId, after: Option<Instant>) -> Option<Instant> {
        let times =
            self.probes.iter().filter(|probe| probe.place == place).filter_map(|probe| match probe.when {
                Moment::Time(at) if after.is_none_or(|after| at > after) => Some(at),
                _ => None,
            });
        times.min()
    }

    /// Reads the sockets of `place` whose time is `now`: as often as something happens then, so that the last reading
    /// stays.
    pub(crate) fn at(&mut self, now: Instant, place: PlaceId, read: impl Fn(NameId) -> Option<Info>) {
        for probe in self.probes.iter_mut().filter(|probe| probe.place == place) {
            if probe.when == Moment::Time(now) {
                probe.seen = read(probe.socket).map(Box::new);
            }
        }
    }

    /// Reads the sockets of `place` whose moment is the first arrival of a packet of `fault`.
    pub(crate) fn before(&mut self, fault: FaultId, place: PlaceId, read: impl Fn(NameId) -> Option<Info>) {
        for probe in self.probes.iter_mut().filter(|probe| probe.place == place) {
            if probe.when == Moment::Arrives(fault) && probe.seen.is_none() {
                probe.seen = read(probe.socket).map(Box::new);
            }
        }
    }

    /// Whether all fields are as wanted, and what they were.
    pub(crate) fn judge(&self, expectation: u32, fields: &[(&'static str, Bounds)]) -> (bool, String) {
        let probe = self.probes.iter().find(|probe| probe.expectation == expectation);
        let Some(info) = probe.and_then(|probe| probe.seen.as_ref()) else {
            return (false, "no open socket had that name at that moment".into());
        };
        let mut passed = true;
        let mut seen = Vec::new();
        for &(name, bounds) in fields {
            let value = info.field(name).expect("a field that the grammar knows");
            passed &= bounds.contain(value);
            seen.push(match name {
                "state" => format!("state {}", info.state.as_str()),
                "ca_state" => format!("ca_state {:?}", info.recovery),
                _ => format!("{name} {value}"),
            });
        }
        (passed, seen.join(", "))
    }
}
