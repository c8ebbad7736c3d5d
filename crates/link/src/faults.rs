//! Targeted faults at work: which of them a packet satisfies, and what they do to it.

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Body, Flow, Packet};

use crate::counters::FaultCounts;
use crate::decision::{By, Decision, DropCause, FaultIndex, NameId};
use crate::kind::PacketKind;
use crate::ledger::Ledger;
use crate::targeted::{Action, HoldUntil, Match, TargetedFault};

/// All targeted faults of a direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    /// A heal ended them all.
    healed: bool,
}

/// One fault and where it stands.
#[derive(Clone, Debug)]
struct Fault {
    fault: TargetedFault,
    /// The conversation that `conn` means, once it is known.
    flow: Option<Flow>,
    /// Packets that satisfied all keys but `nth`.
    seen: u64,
    counts: FaultCounts,
    /// For a hold: when it ends, once that is known.
    hold_ends: Option<Instant>,
}

/// What targeted faults leave of a packet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) dropped: bool,
    /// Added to its arrival.
    pub(crate) extra: Duration,
    pub(crate) hold: Option<Hold>,
    /// Who lets it travel without the delay.
    pub(crate) sent_at_once: Option<By>,
    /// Copies to send after it.
    pub(crate) copies: Vec<Copied>,
}

/// A hold that applies to a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) by: By,
    /// When it ends, if that is known.
    pub(crate) until: Option<Instant>,
}

/// A copy that was made.
#[derive(Clone, Debug)]
pub(crate) struct Copied {
    pub(crate) packet: Packet,
    /// Added to its arrival.
    pub(crate) extra: Duration,
    /// Whether chance judges it.
    pub(crate) impaired: bool,
}

impl Faults {
    pub(crate) fn new(faults: &[TargetedFault]) -> Self {
        let start = |fault: &TargetedFault| {
            if let Action::Rewrite { field, value } = fault.action {
                assert!(field.can_be_rewritten(), "{field} can't be rewritten");
                assert!(value <= field.largest(), "{field} can't hold {value}");
            }
            let hold_ends = match fault.action {
                Action::Hold(HoldUntil::Time(at)) => Some(at),
                _ => None,
            };
            Fault { fault: fault.clone(), flow: None, seen: 0, counts: FaultCounts::default(), hold_ends }
        };
        Self { faults: faults.iter().map(start).collect(), healed: false }
    }

    /// Whether no packet can be picked any more.
    pub(crate) fn are_over(&self) -> bool {
        self.healed || self.faults.is_empty()
    }

    pub(crate) fn heal(&mut self) {
        self.healed = true;
    }

    pub(crate) fn counts(&self, index: FaultIndex) -> FaultCounts {
        self.faults[index.0 as usize].counts
    }

    pub(crate) fn bind_flow(&mut self, name: NameId, flow: Flow) {
        for fault in self.faults.iter_mut().filter(|fault| fault.fault.matching.conn == Some(name)) {
            fault.flow = Some(flow);
        }
    }

    /// A hold ends at `at`, if not earlier.
    pub(crate) fn release(&mut self, index: FaultIndex, at: Instant) {
        let ends = &mut self.faults[index.0 as usize].hold_ends;
        *ends = Some(ends.map_or(at, |earlier| earlier.min(at)));
    }

    /// Applies all faults to a packet that enters at `now`, in the order of the file. A drop ends it, but those that
    /// follow still count the packet, so that `nth` means the same whatever another fault takes.
    pub(crate) fn judge(&mut self, now: Instant, packet: &mut Packet, fate: &mut Fate, ledger: &mut Ledger) {
        for (index, fault) in self.faults.iter_mut().enumerate() {
            if !fault.fault.matching.is_satisfied(now, packet, fault.flow) {
                continue;
            }
            fault.seen += 1;
            if fate.dropped || !fault.fault.nth.contains(fault.seen) {
                continue;
            }
            fault.counts.matched += 1;
            let acted = fault.act(FaultIndex(index as u32), now, packet, fate, ledger);
            fault.counts.acted += u64::from(acted);
        }
    }
}

impl Fault {
    /// Says whether it did something.
    fn act(
        &self,
        index: FaultIndex,
        now: Instant,
        packet: &mut Packet,
        fate: &mut Fate,
        ledger: &mut Ledger,
    ) -> bool {
        let (by, id) = (By::Fault(index), packet.tag.id);
        match &self.fault.action {
            Action::Drop => {
                ledger.drop(now, packet, DropCause::Fault(index));
                fate.dropped = true;
                true
            }
            &Action::Delay(extra) => {
                fate.extra = Duration::from_nanos(fate.extra.as_nanos().saturating_add(extra.as_nanos()));
                ledger.counters.delayed += 1;
                ledger.note(now, id, Decision::Delayed { by, extra });
                true
            }
            Action::SendAtOnce => {
                fate.sent_at_once = Some(by);
                true
            }
            Action::Hold(_) => {
                let is_over = self.hold_ends.is_some_and(|at| at <= now);
                if !is_over && fate.hold.is_none_or(|hold| hold.ends_before(self.hold_ends)) {
                    fate.hold = Some(Hold { by, until: self.hold_ends });
                }
                !is_over
            }
            &Action::Duplicate { copies, delay, impaired } => {
                for _ in 0..copies {
                    let copy = ledger.copy(now, packet, by);
                    fate.copies.push(Copied { packet: copy, extra: delay, impaired });
                }
                copies > 0
            }
            Action::Corrupt { bits } => {
                let total = packet.length().saturating_mul(8);
                if bits.iter().all(|bit| *bit < total) {
                    return ledger.corrupt(now, packet, bits, by);
                }
                let bits: Vec<u32> = bits.iter().copied().filter(|bit| *bit < total).collect();
                ledger.corrupt(now, packet, &bits, by)
            }
            &Action::Rewrite { field, value } => {
                let written = field.write(packet, value);
                if written {
                    ledger.counters.rewritten += 1;
                    ledger.note(now, id, Decision::Rewritten { by, field, value });
                }
                written
            }
        }
    }
}

impl Hold {
    /// Whether this ends before another that ends at `other`; of several holds the longest counts.
    fn ends_before(self, other: Option<Instant>) -> bool {
        self.until.is_some_and(|until| other.is_none_or(|other| until < other))
    }
}

impl Match {
    /// Whether a packet that enters at `now` satisfies all keys. `flow` is what `conn` means.
    fn is_satisfied(&self, now: Instant, packet: &Packet, flow: Option<Flow>) -> bool {
        let kind =
            |wanted: PacketKind| PacketKind::of(packet).is_some_and(|kind| wanted.covers(kind, packet));
        (self.conn.is_none() || flow == Some(packet.tag.flow))
            && self.from.is_none_or(|from| from <= now)
            && self.until.is_none_or(|until| now < until)
            && self.transmission.is_none_or(|transmission| packet.tag.transmission == transmission)
            && self.kind.is_none_or(kind)
            && self.byte.is_none_or(|offset| carries(packet, offset))
            && self
                .fields
                .iter()
                .all(|wanted| wanted.field.read(packet).is_some_and(|value| wanted.range.contains(&value)))
    }
}

/// Whether the payload covers this offset of its sender's byte stream.
fn carries(packet: &Packet, offset: u64) -> bool {
    let length = match &packet.body {
        Body::Tcp(segment) => segment.payload.len(),
        Body::Udp(datagram) => datagram.payload.len(),
        Body::Icmp(_) | Body::Raw(_) => 0,
    };
    offset.checked_sub(packet.tag.stream_offset).is_some_and(|inside| inside < u64::from(length))
}
