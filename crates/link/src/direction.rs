//! The face of a direction: packets in at the near end, out at the far end, and the stages between.

use faultwire_base::{Instant, PacketId, PlaceId, SeedTree};
use faultwire_wire::{Flow, Packet};

use crate::config::DirectionConfig;
use crate::counters::{Counters, FaultCounts, Tally};
use crate::decision::{By, DropCause, FaultIndex, LinkEvent, NameId};
use crate::faults::{Copied, Faults};
use crate::hold::HoldingArea;
use crate::impairments::{Draw, Impairments, Source};
use crate::ledger::Ledger;
use crate::path::Path;
use crate::recorded::{ChanceDecision, Met, Tracking};
use crate::timeline::Timeline;
use crate::transmitter::Transmitter;
use crate::travel::Travel;

/// One direction of a link.
///
/// Its owner hands packets to [`offer`](Self::offer), takes them with [`take_arrival`](Self::take_arrival) when
/// [`next_arrival`](Self::next_arrival) has come, calls [`advance`](Self::advance) at [`deadline`](Self::deadline), and
/// drains [`event`](Self::event). Time never runs backwards between calls.
#[derive(Clone, Debug)]
pub struct Direction {
    /// When the timeline or a release has something to do: one comparison a call.
    pub(crate) wake: Instant,
    /// When the first held packet arrives whose release was known when it entered.
    pub(crate) foretold: Option<Instant>,
    /// Only chance judges packets: there is no cut, hold or targeted fault, and nobody keeps or replays decisions.
    pub(crate) clear: bool,
    /// Octets of the packet that was shown last at the far end.
    arrived_length: u32,
    pub(crate) path: Path,
    pub(crate) transmitter: Transmitter,
    pub(crate) travel: Travel,
    pub(crate) ledger: Ledger,
    /// `None` if the direction never has any.
    pub(crate) impairments: Option<Box<Impairments>>,
    /// Apart, so that what every packet touches lies together.
    pub(crate) rare: Box<Rare>,
}

/// What only cuts, holds, targeted faults and copies need.
#[derive(Clone, Debug)]
pub(crate) struct Rare {
    pub(crate) held: HoldingArea,
    pub(crate) faults: Faults,
    pub(crate) timeline: Timeline,
    /// Only while decisions of chance are kept or replayed.
    pub(crate) tracking: Option<Box<Tracking>>,
    /// Copies in hand; empty between calls, kept for its memory.
    pub(crate) copies: Vec<Copied>,
}

/// What became of a packet that was offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Arrival at the far end of the earliest packet that this call queued; `None` if nothing was queued, or only what
    /// is held without a known end.
    pub arrives: Option<Instant>,
    /// Whether that may be the next arrival of all: if not, the far end waits for an earlier one anyway.
    pub is_next: bool,
    /// Whether [`Direction::event`] has something to tell.
    pub noted: bool,
    /// Whether a packet arrives at this very instant: it is seen only after [`Direction::settle`].
    pub unsettled: bool,
}

impl Direction {
    /// The direction at `place`, with its random streams from `seeds` under its own `name`.
    ///
    /// # Panics
    /// If a fault rewrites a field that [can't be](crate::HeaderField::can_be_rewritten), or to a value that it can't
    /// hold: the owner checks that.
    pub fn new(config: &DirectionConfig, place: PlaceId, name: &str, seeds: SeedTree) -> Self {
        let timeline = Timeline::new(config);
        let impaired = config.jitter.is_some()
            || config.loss.is_some()
            || config.duplicate.is_some()
            || config.corrupt.is_some()
            || config.reorder.is_some()
            || timeline.impairs();
        let source = || Source { name: name.into(), seeds };
        let mut direction = Self {
            wake: Instant::ZERO,
            foretold: None,
            clear: true,
            arrived_length: 0,
            path: Path::new(config),
            transmitter: Transmitter::new(config.rate, config.queue),
            travel: Travel::default(),
            ledger: Ledger::new(place),
            impairments: impaired.then(|| Box::new(Impairments::new(config, source()))),
            rare: Box::new(Rare {
                held: HoldingArea::default(),
                faults: Faults::new(&config.faults),
                timeline,
                tracking: None,
                copies: Vec::new(),
            }),
        };
        direction.look_ahead();
        direction
    }

    /// Becomes what [`new`](Self::new) makes of the same arguments, in the memory that is there.
    pub fn reset(&mut self, config: &DirectionConfig, place: PlaceId, name: &str, seeds: SeedTree) {
        let mut travel = std::mem::take(&mut self.travel);
        travel.clear();
        *self = Self { travel, ..Self::new(config, place, name, seeds) };
    }

    /// Takes a packet in at the near end.
    pub fn offer(&mut self, now: Instant, mut packet: Packet) -> Offer {
        std::mem::swap(self.place(), &mut packet);
        self.offer_placed(now)
    }

    /// The place for the next packet that is offered: what is made here needs not be moved. What lies there before means
    /// nothing.
    #[inline]
    pub fn place(&mut self) -> &mut Packet {
        self.travel.place()
    }

    /// As [`offer`](Self::offer), with the packet that was put into its [place](Self::place).
    #[inline]
    pub fn offer_placed(&mut self, now: Instant) -> Offer {
        if now >= self.wake {
            self.catch_up(now);
        }
        let length = self.travel.place().length();
        self.ledger.counters.offered.count(length);
        // D3: chance draws for every packet that is offered, also for those that an earlier stage takes.
        let draw = self.impairments.as_mut().map_or_else(Draw::default, |impairments| impairments.draw());
        if !self.clear || self.path.is_too_big(length) || draw.is_eventful() {
            return self.judge(now, length, draw);
        }
        let Some(departure) = self.transmitter.enter(now, length) else {
            return self.refuse(now);
        };
        let arrival = self.path.in_order(departure.saturating_add(self.path.propagation(draw.jitter)));
        let is_next = self.travel.next_arrival().is_none_or(|next| arrival < next);
        if arrival > now && self.travel.take_placed(arrival, length) {
            let noted = self.ledger.has_events();
            return Offer { arrives: Some(arrival), is_next, noted, unsettled: false };
        }
        let mut offer = Offer { noted: self.ledger.has_events(), ..Offer::default() };
        let packet = std::mem::take(self.travel.place());
        self.enqueue(now, arrival, packet, &mut offer);
        offer
    }

    /// When the next packet arrives at the far end.
    #[inline]
    pub fn next_arrival(&self) -> Option<Instant> {
        let travelling = self.travel.next_arrival();
        match self.foretold {
            None => travelling,
            Some(held) => Some(travelling.map_or(held, |arrival| arrival.min(held))),
        }
    }

    /// Takes the next packet that has arrived at the far end, in the order of (arrival, delivery count).
    pub fn take_arrival(&mut self, now: Instant) -> Option<Packet> {
        let packet = std::mem::take(self.arrived(now)?);
        self.forget_arrived();
        Some(packet)
    }

    /// The packet that [`take_arrival`](Self::take_arrival) would take, where it lies. It is the next one until
    /// [`forget_arrived`](Self::forget_arrived).
    #[inline]
    pub fn arrived(&mut self, now: Instant) -> Option<&mut Packet> {
        if now >= self.wake {
            self.catch_up(now);
        }
        let (length, packet) = self.travel.due(now)?;
        self.arrived_length = length;
        Some(packet)
    }

    /// Counts the packet that [`arrived`](Self::arrived) has just shown as delivered, and leaves it behind.
    #[inline]
    pub fn forget_arrived(&mut self) {
        self.ledger.counters.delivered.count(self.arrived_length);
        self.travel.forget();
    }

    /// Takes the packet that [`arrived`](Self::arrived) has just shown.
    pub fn take_shown(&mut self) -> Packet {
        let packet = self.travel.due(Instant::FAR_FUTURE).map(|(_, packet)| std::mem::take(packet));
        self.forget_arrived();
        packet.expect("a packet was shown")
    }

    /// Copies the packet that [`arrived`](Self::arrived) has just shown to the [place](Self::place) of another direction,
    /// and leaves it behind.
    #[inline]
    pub fn pass_arrived_on(&mut self, to: &mut Self) {
        if let Some((_, packet)) = self.travel.due(Instant::FAR_FUTURE) {
            // Nothing is left of it here that costs anything: a swap would fetch what lies in the other place.
            to.place().clone_from(packet);
        }
        self.forget_arrived();
    }

    /// Lets packets be seen that arrive at the instant of their sending. The owner calls it at the end of a round, so
    /// that they are handled in a following one (DESIGN D2).
    pub fn settle(&mut self) {
        self.travel.settle();
    }

    /// Whether [`settle`](Self::settle) has something to do, after a release without delay too.
    pub fn is_unsettled(&self) -> bool {
        self.travel.is_unsettled()
    }

    /// When [`advance`](Self::advance) has something to do: a change in time, the end of a hold.
    pub fn deadline(&self) -> Option<Instant> {
        let at = self.travel.let_go_at().map_or(self.wake, |at| at.min(self.wake));
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    /// Does what is due on the timeline; harmless when early.
    pub fn advance(&mut self, now: Instant) {
        self.travel.settle_let_go();
        if now >= self.wake {
            self.catch_up(now);
        }
    }

    /// The next decision to tell, in the order in which they were taken.
    pub fn event(&mut self) -> Option<LinkEvent> {
        self.ledger.event()
    }

    /// Counts since the start.
    pub fn counters(&self) -> &Counters {
        &self.ledger.counters
    }

    /// Packets on the way: waiting, in service, travelling, held, and arrived but not taken.
    #[inline]
    pub fn in_flight(&self) -> u64 {
        self.travel.len() + self.rare.held.len()
    }

    /// The same with octets, counted one by one.
    pub fn in_flight_tally(&self) -> Tally {
        Tally { packets: self.in_flight(), bytes: self.travel.bytes() + self.rare.held.bytes() }
    }

    /// Packets that are held now.
    pub fn held(&self) -> u64 {
        self.rare.held.len()
    }

    /// How often the targeted fault of this index applied.
    pub fn fault_counts(&self, index: u32) -> FaultCounts {
        self.rare.faults.counts(FaultIndex(index))
    }

    /// A socket's name means this conversation from now on.
    pub fn bind_flow(&mut self, name: NameId, flow: Flow) {
        self.rare.faults.bind_flow(name, flow);
        if let Some(tracking) = &mut self.rare.tracking {
            tracking.bind_flow(name, flow);
        }
    }

    /// Keeps the decisions of chance from now on; to be asked for before the first packet, since packets are counted.
    pub fn keep_decisions(&mut self) {
        self.rare.tracking.get_or_insert_default().keep();
        self.look_ahead();
    }

    /// The decisions kept so far, in the order in which they were taken.
    pub fn decisions(&self) -> &[ChanceDecision] {
        self.rare.tracking.as_ref().map_or(&[], |tracking| tracking.kept())
    }

    /// Lets this list decide instead of chance, now and after every change in time; what is not listed passes. A heal
    /// ends the list as it ends chance, until a later change begins an impairment anew. To be asked for before the first
    /// packet.
    ///
    /// # Panics
    /// If a decision does to a copy what [can't befall one](crate::ChanceAction::can_befall_copies).
    pub fn replay(&mut self, decisions: Vec<ChanceDecision>) {
        if let Some(impairments) = &mut self.impairments {
            impairments.silence();
        }
        self.rare.tracking.get_or_insert_default().replay(decisions);
        self.look_ahead();
    }

    /// For each decision of the list whether its packet has come.
    pub fn replayed(&self) -> &[Met] {
        self.rare.tracking.as_ref().map_or(&[], |tracking| tracking.met())
    }

    /// Ends the hold of a fault at `at`, which is now or later: what it holds is released then, and what enters then or
    /// later is not held.
    pub fn release(&mut self, fault: FaultIndex, at: Instant) {
        self.rare.faults.release(fault, at);
        self.rare.held.release(at, |by| by == By::Fault(fault));
        self.look_ahead();
    }

    /// Ends every fault and random impairment, as [`Change::Heal`](crate::Change::Heal) does.
    pub fn heal(&mut self, now: Instant) {
        self.catch_up(now);
        self.heal_at(now, now);
        self.look_ahead();
    }

    /// A new identity for a packet that is made here: a copy, or one that the owner injects.
    pub fn next_packet_id(&mut self) -> PacketId {
        self.ledger.next_packet_id()
    }

    /// A packet that finds the queue full.
    #[cold]
    fn refuse(&mut self, now: Instant) -> Offer {
        self.ledger.drop(now, self.travel.place(), DropCause::QueueFull);
        Offer { noted: true, ..Offer::default() }
    }
}

impl Offer {
    #[inline]
    pub(crate) fn tell(&mut self, arrival: Instant) {
        self.arrives = Some(self.arrives.map_or(arrival, |earlier| earlier.min(arrival)));
        self.is_next = true;
    }
}

#[cfg(test)]
pub(crate) mod tests;
