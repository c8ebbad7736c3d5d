//! Loss recovery of one direction: an ACK comes in, a verdict goes out, and with it what to send again and how much
//! new data the network may take (RFC 5681 §3.2, 6582, 6675, 3042, 6298).
//!
//! The owner asks [`Recovery::next_retransmission`], [`Recovery::new_data_quota`] and at last
//! [`Recovery::last_resort_retransmission`] until all say no, and reports each segment by [`Recovery::on_transmit`].

mod episode;
mod experienced;
mod permit;
mod policy;
mod progress;
mod questions;
mod report;
mod rto;
mod sack;

use std::ops::Range;

use faultwire_base::{Duration, Instant};
use faultwire_wire::Reason;

use crate::config::Config;
use crate::congestion::Congestion;
use crate::offset::Offset;
use crate::sent_queue::{NewlySacked, SentQueue};
use episode::Episode;
pub(crate) use episode::Phase;
use permit::Permit;
use policy::Policy;
use progress::Progress;
use report::round_trip;
pub(crate) use report::{AckArrived, AckVerdict, Counters, TimeoutVerdict};
pub(crate) use rto::Rto;
use sack::Scoreboard;

/// Recovery of one direction of a connection, from ESTABLISHED on.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    queue: SentQueue,
    /// From the first SACK on, until the connection is idle.
    scoreboard: Option<Box<Scoreboard>>,
    rto: Rto,
    congestion: Congestion,
    policy: Policy,
    episode: Episode,
    progress: Progress,
    /// Until this is passed, the window was reduced for a mark: no other reduction for one, and no growth.
    reduced_until: Offset,
    counters: Counters,
}

impl Recovery {
    /// At the end of the handshake. `smss` is the largest number of data octets in a segment, options taken off.
    /// `syn_was_retransmitted` tells that the SYN (or SYN-ACK) timed out: then the initial window is one segment
    /// (RFC 5681 §3.1), and the first timeout may have a floor (RFC 6298 §5.7).
    pub(crate) fn new(config: &Config, sack_permitted: bool, smss: u32, syn_was_retransmitted: bool) -> Self {
        let policy = Policy::new(config, sack_permitted, smss, syn_was_retransmitted);
        let mut rto = Rto::new(&config.retransmission);
        rto.raise_to(policy.first_timeout_min);
        Self {
            queue: SentQueue::new(Offset::FIRST),
            scoreboard: None,
            rto,
            congestion: Congestion::new(&config.congestion, smss, syn_was_retransmitted),
            policy,
            episode: Episode::none(Offset::ISN),
            progress: Progress::new(),
            reduced_until: Offset::ISN,
            counters: Counters::default(),
        }
    }

    /// The handshake measured a round trip: the SYN was answered, and by Karn's rule or by its timestamp it is clear
    /// which one. Before any data.
    pub(crate) fn on_handshake_rtt(&mut self, rtt: Duration) {
        self.rto.sample(rtt);
        self.rto.raise_to(self.policy.first_timeout_min);
    }

    /// A segment that takes sequence space went out. `range` includes the FIN. New data starts at the end of what was
    /// sent before; a retransmission lies inside it and may be cut shorter than what was asked for.
    #[inline]
    pub(crate) fn on_transmit(&mut self, now: Instant, range: Range<Offset>, retransmission: bool) {
        self.progress.last_transmission = now;
        if retransmission {
            self.on_retransmit(now, range);
            return;
        }
        if self.queue.is_empty() {
            self.progress.advance(now);
        }
        if self.episode.phase == Phase::Disorder && self.new_data_reason() == Reason::LimitedTransmit {
            self.episode.limited_transmit += (range.end - range.start) as u32;
        }
        self.queue.push(now, range);
        // RFC 6298 §5.1.
        self.rto.ensure_started(now);
    }

    /// An acceptable ACK arrived.
    #[inline]
    pub(crate) fn on_ack(&mut self, now: Instant, arrived: &AckArrived<'_>) -> AckVerdict {
        let plain_duplicate = arrived.is_plain_duplicate(&self.queue);
        let acked = self.queue.acknowledge(arrived.ack);
        if acked.octets > 0 {
            if let Some(scoreboard) = &mut self.scoreboard {
                scoreboard.acknowledge(self.queue.start());
            }
            self.progress.advance(now);
            self.episode.limited_transmit = 0;
        }
        let sacked =
            if arrived.sack.is_empty() { NewlySacked::default() } else { self.take_sack(arrived.sack) };
        let rtt_sample = round_trip(now, arrived, &acked, &sacked);
        if let Some(rtt) = rtt_sample {
            self.rto.sample(rtt);
        }
        let mut verdict = AckVerdict {
            newly_acknowledged: acked.octets,
            newly_sacked: sacked.octets,
            // RFC 6675 §2: it SACKs something for the first time.
            duplicate: if self.policy.sack { sacked.octets > 0 } else { plain_duplicate },
            rtt_sample,
            all_acknowledged: self.queue.is_empty(),
            ..AckVerdict::default()
        };
        self.counters.duplicate_acks += u64::from(verdict.duplicate);
        self.counters.duplicate_sacks += u64::from(arrived.d_sack.is_some());
        let phase_before = self.episode.phase;
        match phase_before {
            Phase::Open | Phase::Disorder => self.on_ack_in_order(now, &mut verdict),
            Phase::Recovery => self.on_ack_in_recovery(now, &mut verdict),
            Phase::Loss => self.on_ack_in_loss(now, &mut verdict),
        }
        if acked.octets > 0 {
            self.restart_timer_after_progress(now, phase_before);
        }
        verdict
    }

    /// The segment to send again now, if the congestion window permits one, and why. The caller may cut it shorter,
    /// sends it, and reports it by [`Recovery::on_transmit`].
    #[inline]
    pub(crate) fn next_retransmission(&mut self) -> Option<(Range<Offset>, Reason)> {
        self.permit().next_retransmission()
    }

    /// Octets of new data that the congestion window permits now, with what limited transmit adds; 0 while old data
    /// comes first. `snd_nxt` is where the new data would start. Not rounded to whole segments.
    #[inline]
    pub(crate) fn new_data_quota(&mut self, snd_nxt: Offset) -> u64 {
        self.permit().new_data_quota(snd_nxt)
    }

    /// The reason that new data sent now is tagged with: `Data`, or `LimitedTransmit` if it goes beyond the window.
    #[inline]
    pub(crate) fn new_data_reason(&self) -> Reason {
        let beyond = self.episode.phase == Phase::Disorder
            && self.queue.flight() + u64::from(self.policy.smss) > self.congestion.window();
        if beyond { Reason::LimitedTransmit } else { Reason::Data }
    }

    /// In fast recovery with SACK, when nothing is known to be lost and there is no new data to send or no room for
    /// it in the receiver's window: a segment below the highest SACK to send again all the same (RFC 6675 §4, NextSeg
    /// rule 3). The caller may cut it shorter, sends it, and reports it.
    #[inline]
    pub(crate) fn last_resort_retransmission(&mut self) -> Option<(Range<Offset>, Reason)> {
        if self.episode.phase != Phase::Recovery {
            return None;
        }
        let scoreboard = self.scoreboard.as_ref()?;
        let (queue, congestion) = (&mut self.queue, &self.congestion);
        Permit { queue, congestion, episode: &self.episode, policy: &self.policy }
            .last_resort_retransmission(scoreboard)
    }

    /// Whether nothing that was sent is to be sent again, neither now nor as a last resort.
    #[inline]
    pub(crate) fn is_undisturbed(&self) -> bool {
        matches!(self.episode.phase, Phase::Open | Phase::Disorder)
    }

    /// The caller has sent all it could. `limited`: the congestion window stopped it, not the lack of data or the
    /// receiver's window. While it is not limited the window doesn't grow.
    #[inline]
    pub(crate) fn on_transmission_opportunity_ended(&mut self, now: Instant, limited: bool) {
        self.congestion.set_limited(now, limited);
    }

    /// Whether the first segment in flight is to be sent again now.
    pub(crate) fn is_retransmission_due(&self) -> bool {
        self.episode.front_is_due && !self.queue.is_empty()
    }

    /// When the retransmission timer runs out; `None` while nothing is in flight or another timer has taken over.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.rto.deadline()
    }

    /// The retransmission timer ran out (RFC 6298 §5.4 to §5.6): the timeout doubles and the timer runs again, the
    /// window falls to one segment, and all that is not SACKed counts as lost. To be called with data in flight only.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> TimeoutVerdict {
        let (_, first_sent) = self.queue.front().expect("the timer runs only while something is in flight");
        self.counters.timeouts += 1;
        let timeouts = self.progress.count_timeout();
        if self.queue.front_is_sacked() {
            // RFC 2018 §8: the receiver may drop what it SACKed. Here it did, or it would acknowledge it.
            self.queue.forget_sacks();
            self.scoreboard = None;
        }
        self.congestion.on_timeout(self.flight_at_loss(), timeouts > 1);
        self.queue.mark_all_lost();
        self.episode = Episode::loss(self.queue.end());
        self.episode.front_is_due = true;
        self.rto.backoff();
        self.rto.start(now);
        TimeoutVerdict {
            backoffs: timeouts,
            first_unacknowledged_since: self.progress.waiting_since(first_sent),
        }
    }

    /// Stops the retransmission timer, for instance because the persist timer takes over.
    pub(crate) fn stop_timer(&mut self) {
        self.rto.stop();
    }

    /// The connection is over: nothing is outstanding any more. What was measured and counted stays to be told.
    pub(crate) fn abandon(&mut self, config: &Config) {
        self.rto.stop();
        let (rto, counters) = (self.rto.clone(), self.counters);
        *self = Self { rto, counters, ..Self::new(config, false, self.policy.smss, false) };
    }

    /// Before new data is sent: if nothing is in flight and nothing was sent for more than one RTO, the window falls
    /// back to the restart window (RFC 5681 §4.1), if so configured.
    #[inline]
    pub(crate) fn on_idle_restart(&mut self, now: Instant) {
        if !self.policy.slow_start_after_idle || !self.queue.is_empty() {
            return;
        }
        if now.saturating_since(self.progress.last_transmission) > self.rto.current() {
            self.congestion.restart();
        }
    }

    /// The path takes only smaller segments: from now on a segment holds `smss` octets of data. What was sent in
    /// larger ones, and before them, is to be sent again, without a smaller window: it was not congestion that took
    /// them (RFC 1191 §6.5).
    pub(crate) fn on_segment_size_reduced(&mut self, smss: u32) {
        assert!(smss > 0, "a segment holds at least one octet");
        self.policy.smss = smss;
        self.congestion.set_smss(smss);
        let Some(end) = self.queue.end_of_longer_than(smss) else { return };
        self.queue.mark_lost_before(end);
        if !matches!(self.episode.phase, Phase::Recovery | Phase::Loss) {
            self.episode = Episode::loss(self.queue.end());
        }
        self.episode.front_is_due = true;
    }

    /// The SYN that was sent at `sent_at` took `range` with it, and the peer did not take that: it goes again at once,
    /// and no congestion is to blame (RFC 7413 §4.2.1). At the end of the handshake, before any other data.
    pub(crate) fn on_syn_text_refused(&mut self, now: Instant, sent_at: Instant, range: Range<Offset>) {
        self.start_at(range.start);
        self.queue.push(sent_at, range);
        self.queue.mark_lost_before(self.queue.end());
        self.episode = Episode::loss(self.queue.end());
        self.episode.front_is_due = true;
        self.rto.start(now);
    }

    /// At the end of the handshake: the data before `at` went with the SYN, and was acknowledged with it.
    pub(crate) fn start_at(&mut self, at: Offset) {
        self.queue = SentQueue::new(at);
    }

    /// The handshake is complete, and data was sent before: its timer starts now (Linux `tcp_rearm_rto`).
    pub(crate) fn on_handshake_completed(&mut self, now: Instant) {
        if !self.queue.is_empty() {
            self.rto.start(now);
        }
    }

    #[inline]
    fn permit(&mut self) -> Permit<'_> {
        Permit {
            queue: &mut self.queue,
            congestion: &self.congestion,
            episode: &self.episode,
            policy: &self.policy,
        }
    }

    fn on_retransmit(&mut self, now: Instant, range: Range<Offset>) {
        self.counters.retransmitted_segments += 1;
        if self.episode.phase == Phase::Recovery {
            self.counters.fast_retransmissions += 1;
        }
        let of_front = range.start == self.queue.start();
        self.queue.note_retransmission(now, range);
        if !of_front {
            return;
        }
        self.episode.front_is_due = false;
        // RFC 6298 §5: never sooner than one timeout after the segment was last sent. NewReno's impatient variant
        // leaves the timer alone from the second partial ACK on (RFC 6582 §4).
        if self.policy.sack || self.episode.phase != Phase::Recovery || !self.episode.partial_ack_seen {
            self.rto.start(now);
        }
    }

    fn take_sack(&mut self, blocks: &[(Offset, Offset)]) -> NewlySacked {
        let scoreboard = self.scoreboard.get_or_insert_default();
        let told = scoreboard.update(&mut self.queue, blocks);
        if told.octets > 0
            && let Some(boundary) = scoreboard.lost_before(self.policy.duplicate_threshold, self.policy.smss)
        {
            self.queue.mark_lost_before(boundary);
        }
        told
    }

    #[inline]
    fn on_ack_in_order(&mut self, now: Instant, verdict: &mut AckVerdict) {
        if verdict.newly_acknowledged > 0 {
            self.episode.duplicate_acks = 0;
            self.grow(now, verdict.newly_acknowledged, SLOW_START_LIMIT);
        } else if verdict.duplicate {
            self.episode.duplicate_acks += 1;
        }
        self.enter_recovery_if_due(verdict);
        if self.episode.phase != Phase::Recovery {
            let suspicious = self.episode.duplicate_acks > 0 || self.queue.sacked().octets > 0;
            self.episode.phase = if suspicious { Phase::Disorder } else { Phase::Open };
        }
    }

    fn on_ack_in_recovery(&mut self, now: Instant, verdict: &mut AckVerdict) {
        if self.queue.start() >= self.episode.recovery_point {
            verdict.left_recovery = true;
            if !self.policy.sack {
                // RFC 6582 §3.2 step 3, option 1: no burst when little is in flight.
                let smss = u64::from(self.policy.smss);
                let refilled = self.queue.flight().max(smss) + smss;
                self.congestion.set_window(self.congestion.threshold().min(refilled));
            }
            self.leave_episode();
            self.enter_recovery_if_due(verdict);
            return;
        }
        if self.policy.sack {
            // What was due has arrived after all; what is due next, pipe decides.
            self.episode.front_is_due &= verdict.newly_acknowledged == 0;
            return;
        }
        let smss = self.policy.smss;
        if verdict.newly_acknowledged > 0 {
            self.episode.deflate(verdict.newly_acknowledged, smss);
            self.queue.mark_lost_before(self.queue.start() + 1);
            self.episode.front_is_due = true;
            if !self.episode.partial_ack_seen {
                self.episode.partial_ack_seen = true;
                // RFC 6582 §3.2: only the first partial ACK resets the timer.
                self.rto.start(now);
            }
        } else if verdict.duplicate {
            self.episode.inflation += i64::from(smss);
        }
    }

    fn on_ack_in_loss(&mut self, now: Instant, verdict: &mut AckVerdict) {
        if verdict.newly_acknowledged == 0 {
            return;
        }
        self.episode.front_is_due = false;
        if self.permit().old_data_waits() {
            // Whether there is new data or not: the window is what holds the old data back.
            self.congestion.set_limited(now, true);
        }
        self.grow(now, verdict.newly_acknowledged, SLOW_START_LIMIT_AFTER_TIMEOUT);
        if self.queue.start() >= self.episode.recovery_point {
            verdict.left_recovery = true;
            self.leave_episode();
            self.enter_recovery_if_due(verdict);
        }
    }

    #[inline]
    fn grow(&mut self, now: Instant, octets: u64, slow_start_limit: u32) {
        if self.queue.start() <= self.reduced_until {
            return;
        }
        let rtt = self.rto.estimator().smoothed().unwrap_or(Duration::ZERO);
        self.congestion.on_acknowledged(now, octets, rtt, slow_start_limit);
    }

    fn leave_episode(&mut self) {
        self.episode = Episode::none(self.episode.recovery_point);
        if self.queue.sacked().octets > 0 {
            self.episode.phase = Phase::Disorder;
        }
    }

    #[inline]
    fn enter_recovery_if_due(&mut self, verdict: &mut AckVerdict) {
        if !verdict.duplicate {
            return;
        }
        let enough = self.episode.duplicate_acks >= self.policy.duplicate_threshold;
        let due = if self.policy.sack {
            // RFC 6675 §5, steps 1 and 2.
            enough || self.queue.front_is_lost()
        } else {
            // RFC 6582 §3.2 step 2: not again for losses of the window that was repaired last.
            enough && self.queue.start() > self.episode.recovery_point
        };
        if due {
            self.enter_recovery();
            verdict.entered_recovery = true;
        }
    }

    fn enter_recovery(&mut self) {
        self.congestion.on_loss(self.flight_at_loss());
        self.queue.mark_lost_before(self.queue.start() + 1);
        let inflation = u64::from(self.policy.duplicate_threshold) * u64::from(self.policy.smss);
        self.episode = Episode::recovery(self.queue.end(), if self.policy.sack { 0 } else { inflation });
    }

    /// FlightSize as a loss sees it: without what limited transmit sent (RFC 5681 §3.2 step 2).
    fn flight_at_loss(&self) -> u64 {
        let flight = self.queue.flight() - u64::from(self.episode.limited_transmit);
        // In a recovery with SACK the flight outgrows the window by all that was SACKed. Half of that would be no
        // reduction at all: the next slow start would overrun the path again, for ever.
        flight.min(self.congestion.window())
    }

    /// RFC 6298 §5.2, §5.3. In fast recovery without SACK only the first partial ACK counts, and that one has already
    /// restarted the timer.
    #[inline]
    fn restart_timer_after_progress(&mut self, now: Instant, phase_before: Phase) {
        if self.queue.is_empty() {
            self.rto.stop();
            return;
        }
        let partial = phase_before == Phase::Recovery && self.episode.phase == Phase::Recovery;
        if self.policy.sack || !partial {
            self.rto.start(now);
        }
    }
}

/// RFC 3465 §2.2: slow start counts at most two segments an ACK, which makes up for delayed ACKs.
const SLOW_START_LIMIT: u32 = 2;
/// RFC 3465 §2.3: one segment while a timeout is being repaired, when one ACK can cover what was received long ago.
const SLOW_START_LIMIT_AFTER_TIMEOUT: u32 = 1;

#[cfg(test)]
mod tests;
