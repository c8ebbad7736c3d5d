//! The stages of a packet that has more to expect than a plain passage, in their order.

use faultwire_base::{Duration, Instant};
use faultwire_wire::Packet;

use crate::chance::{Chosen, Taking};
use crate::decision::{By, Decision, DropCause};
use crate::direction::{Direction, Offer};
use crate::faults::{Copied, Fate, Hold};
use crate::hold::Held;
use crate::identity::PacketIdentity;
use crate::impairments::Draw;
use crate::recorded::ChanceAction;

/// How a packet passes the direction once it is let in.
#[derive(Clone, Copy, Debug, Default)]
struct Passage {
    /// Added to the delay; others may pass meanwhile.
    extra: Duration,
    hold: Option<Hold>,
    /// Deviation of the delay in nanoseconds.
    jitter: i64,
    /// Who lets it travel without the delay.
    sent_at_once: Option<By>,
}

impl Direction {
    /// Sends a packet through all stages, in their order.
    #[inline(never)]
    pub(crate) fn judge(&mut self, now: Instant, length: u32, draw: Draw) -> Offer {
        let mut packet = std::mem::take(self.travel.place());
        if let Some(cause) = self.path.refusal(length) {
            self.ledger.drop(now, &packet, cause);
            return Offer { noted: true, ..Offer::default() };
        }
        let identity = self.rare.tracking.as_mut().map(|tracking| tracking.meet(&packet));
        let mut offer = Offer::default();
        let mut fate = Fate { copies: std::mem::take(&mut self.rare.copies), ..Fate::default() };
        if !self.rare.faults.are_over() {
            self.rare.faults.judge(now, &mut packet, &mut fate, &mut self.ledger);
        }
        let chosen = self.choose(now, &packet, &draw, identity);
        let mut entered = false;
        if !fate.dropped && !self.takes_by_chance(now, &mut packet, (&chosen, identity), &mut fate) {
            let passage = Passage {
                extra: fate.extra,
                hold: fate.hold,
                jitter: chosen.jitter,
                sent_at_once: fate.sent_at_once.or(chosen.sent_at_once.then_some(By::Random)),
            };
            entered = self.pass(now, packet, passage, &mut offer);
            if entered && chosen.sent_at_once {
                self.keep(now, identity, || ChanceAction::SendAtOnce);
            }
        }
        let mut copies = fate.copies;
        let mut judged = 0;
        for Copied { mut packet, extra, impaired } in copies.drain(..) {
            if impaired {
                judged += 1;
                if self.takes_copy_by_chance(now, &mut packet, identity, judged) {
                    continue;
                }
            }
            let passage = Passage { extra, jitter: chosen.jitter, ..Passage::default() };
            entered |= self.pass(now, packet, passage, &mut offer);
        }
        if entered && chosen.jitter != 0 {
            self.keep(now, identity, || ChanceAction::Delay { deviation: chosen.jitter });
        }
        self.rare.copies = copies;
        offer.noted = self.ledger.has_events();
        offer
    }

    /// What chance does to a packet: as drawn, or in a replay as listed.
    fn choose(
        &mut self,
        now: Instant,
        packet: &Packet,
        draw: &Draw,
        identity: Option<PacketIdentity>,
    ) -> Chosen {
        if let (Some(tracking), Some(identity)) = (&mut self.rare.tracking, identity)
            && tracking.is_replay()
        {
            let mut listed = tracking.listed(now, &identity, self.impairments.as_deref());
            listed.fit(packet);
            return listed;
        }
        Chosen::drawn(draw, packet, self.path.loss_marks)
    }

    /// Keeps a decision of chance, if decisions are kept.
    fn keep(
        &mut self,
        now: Instant,
        identity: Option<PacketIdentity>,
        action: impl FnOnce() -> ChanceAction,
    ) {
        if let (Some(tracking), Some(identity)) = (&mut self.rare.tracking, identity) {
            tracking.note(now, identity, action());
        }
    }

    /// Loss, duplication, corruption. Says whether the packet is lost.
    fn takes_by_chance(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        (chosen, identity): (&Chosen, Option<PacketIdentity>),
        fate: &mut Fate,
    ) -> bool {
        match chosen.taken {
            Some(Taking::Mark) if self.ledger.mark(now, packet) => {
                self.keep(now, identity, || ChanceAction::Mark);
            }
            Some(Taking::Mark | Taking::Drop) => {
                self.ledger.drop(now, packet, DropCause::Loss);
                self.keep(now, identity, || ChanceAction::Drop);
                return true;
            }
            None => {}
        }
        if chosen.duplicated {
            let copy = self.ledger.copy(now, packet, By::Random);
            fate.copies.push(Copied { packet: copy, extra: Duration::ZERO, impaired: false });
            self.keep(now, identity, || ChanceAction::Duplicate);
        }
        if self.ledger.corrupt(now, packet, &chosen.bits, By::Random) {
            self.keep(now, identity, || ChanceAction::Corrupt { bits: chosen.bits.clone() });
        }
        false
    }

    /// Loss and corruption of a copy that is judged, the `count`-th of this packet. Says whether it is lost.
    fn takes_copy_by_chance(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        original: Option<PacketIdentity>,
        count: u32,
    ) -> bool {
        let draw = self.impairments.as_mut().map_or_else(Draw::default, |all| all.draw_for_copy());
        let identity = original.map(|original| PacketIdentity { copy: Some(count), ..original });
        let chosen = self.choose(now, packet, &draw, identity);
        self.takes_by_chance(now, packet, (&chosen, identity), &mut Fate::default())
    }

    /// Queue, serialisation, hold, propagation. Says whether the queue had room.
    fn pass(&mut self, now: Instant, packet: Packet, passage: Passage, offer: &mut Offer) -> bool {
        let Some(departure) = self.transmitter.enter(now, packet.length()) else {
            self.ledger.drop(now, &packet, DropCause::QueueFull);
            return false;
        };
        let everything = self.path.holds_all.then_some(Hold { by: By::Timeline, until: None });
        if let Some(hold) = passage.hold.or(everything) {
            self.hold(now, packet, (departure, hold, passage), offer);
            return true;
        }
        if let Some(by) = passage.sent_at_once
            && !self.path.delay.is_zero()
        {
            self.ledger.counters.reordered += 1;
            self.ledger.note(now, packet.tag.id, Decision::Reordered { by });
            self.enqueue_stray(now, departure.saturating_add(passage.extra), packet, offer);
            return true;
        }
        let propagation = self.path.propagation(passage.jitter);
        let arrival = self.path.in_order(departure.saturating_add(propagation));
        if passage.extra.is_zero() {
            self.enqueue(now, arrival, packet, offer);
        } else {
            self.enqueue_stray(now, arrival.saturating_add(passage.extra), packet, offer);
        }
        true
    }

    fn hold(&mut self, now: Instant, packet: Packet, how: (Instant, Hold, Passage), offer: &mut Offer) {
        let (departure, hold, passage) = how;
        self.ledger.counters.held += 1;
        self.ledger.note(now, packet.tag.id, Decision::Held { by: hold.by });
        let propagation = Instant::ZERO
            .saturating_add(self.path.propagation(passage.jitter))
            .saturating_add(passage.extra)
            .saturating_since(Instant::ZERO);
        let (by, until, foretold) = (hold.by, hold.until, hold.until.is_some());
        let held = Held { packet, departure, propagation, by, until, foretold };
        if let Some(until) = until {
            offer.tell(held.arrival(until));
        }
        self.rare.held.push(held);
        self.look_ahead();
    }

    #[inline(never)]
    pub(crate) fn enqueue(&mut self, now: Instant, arrival: Instant, packet: Packet, offer: &mut Offer) {
        offer.tell(arrival);
        if arrival > now {
            self.travel.push(arrival, packet);
        } else {
            offer.unsettled = true;
            self.travel.push_unsettled(arrival, packet);
        }
    }

    fn enqueue_stray(&mut self, now: Instant, arrival: Instant, packet: Packet, offer: &mut Offer) {
        if arrival > now {
            offer.tell(arrival);
            self.travel.push_stray(arrival, packet);
        } else {
            self.enqueue(now, arrival, packet, offer);
        }
    }
}
