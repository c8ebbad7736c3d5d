//! Loss recovery of one direction: an ACK comes in, a verdict goes out, and with it what to send again and how much
//! new data the network may take (RFC 5681 §3.2, 6582, 6675, 8985, 9937, 5682, 3042, 6298).
//!
//! The owner asks [`Recovery::next_retransmission`], [`Recovery::new_data_quota`] and at last
//! [`Recovery::last_resort_retransmission`] until all say no, and reports each segment by [`Recovery::on_transmit`].
//! When a tail loss probe is due it sends that first, of new data or of [`Recovery::loss_probe`].

mod episode;
mod experienced;
mod expiry;
mod frto;
mod handshake;
mod intake;
mod newreno;
mod permit;
mod policy;
mod progress;
mod prr;
mod questions;
mod rack;
mod reductions;
mod reordering;
mod report;
mod rto;
mod sack;
mod states;
mod tlp;
mod undo;

use std::ops::Range;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Reason, TimerKind};

use crate::config::{Config, MeasuredSegments, WindowUnit};
use crate::congestion::{Congestion, Flight};
use crate::offset::Offset;
use crate::sent_queue::{Delivery, SentQueue};
pub(crate) use episode::Phase;
use episode::{Episode, Repair};
use permit::Permit;
use policy::Policy;
use progress::Progress;
use rack::Rack;
use reordering::Reordering;
use report::round_trip;
pub(crate) use report::{AckArrived, AckVerdict, Counters, TimeoutVerdict};
pub(crate) use rto::Rto;
use sack::Scoreboard;
use tlp::{Answer, Probe, Reply};

/// Recovery of one direction of a connection, from ESTABLISHED on.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    queue: SentQueue,
    /// From the first SACK on, until the connection is idle.
    scoreboard: Option<Box<Scoreboard>>,
    rto: Rto,
    /// What the timer of `rto` runs for: retransmission, reordering or probe.
    pending: TimerKind,
    congestion: Congestion,
    policy: Policy,
    episode: Episode,
    /// From the first reduction on, until it can't be taken back.
    repair: Option<Box<Repair>>,
    rack: Rack,
    reordering: Option<Box<Reordering>>,
    probe: Probe,
    progress: Progress,
    counters: Counters,
}

impl Recovery {
    /// At the end of the handshake. `smss` is the largest number of data octets in a segment, options taken off.
    /// `syn_retransmissions` tells how often the SYN (or SYN-ACK) timed out: then the initial window may be one segment
    /// (RFC 5681 §3.1), and the first timeout may have a floor (RFC 6298 §5.7).
    pub(crate) fn new(config: &Config, sack_permitted: bool, smss: u32, syn_retransmissions: u32) -> Self {
        let policy = Policy::new(config, sack_permitted, smss, syn_retransmissions);
        let mut rto = Rto::new(&config.retransmission);
        rto.raise_to(policy.first_timeout_min());
        Self {
            queue: SentQueue::new(Offset::FIRST),
            scoreboard: None,
            rto,
            pending: TimerKind::Retransmission,
            congestion: Congestion::new(&config.congestion, smss, syn_retransmissions),
            policy,
            episode: Episode::none(Offset::ISN),
            repair: None,
            rack: Rack::new(),
            reordering: None,
            probe: Probe::new(),
            progress: Progress::new(),
            // The SYN.
            counters: Counters { delivered: 1, ..Counters::default() },
        }
    }

    /// A segment that takes sequence space went out. `range` includes the FIN. New data starts at the end of what was
    /// sent before; a retransmission lies inside it and may be cut shorter than what was asked for.
    #[inline]
    pub(crate) fn on_transmit(&mut self, now: Instant, range: Range<Offset>, retransmission: bool) {
        let last = std::mem::replace(&mut self.progress.last_transmission, now);
        if retransmission {
            self.on_retransmit(now, range);
            return;
        }
        let first = self.queue.is_empty();
        if first {
            self.progress.advance(now);
            self.congestion.on_idle_end(now, last);
        }
        if self.episode.phase != Phase::Open {
            self.on_new_data_in_trouble(&range);
        }
        self.queue.push(now, range);
        if self.probe.is_due() {
            self.on_probe_sent(now, false);
            return;
        }
        // RFC 6298 §5.1; RFC 8985 §7.2.
        if first || self.pending == TimerKind::TailLossProbe {
            self.rearm(now);
        } else {
            self.rto.ensure_started(now);
        }
        if self.policy.probe.on {
            self.schedule_probe(now, self.timeout_by_front(now));
        }
    }

    /// An acceptable ACK arrived.
    #[inline]
    pub(crate) fn on_ack(&mut self, now: Instant, arrived: &AckArrived<'_>) -> AckVerdict {
        let plain_duplicate = arrived.is_plain_duplicate(&self.queue);
        let start = self.queue.start();
        let losses = self.queue.losses();
        let highest = self.highest_sacked();
        let phase_before = self.episode.phase;
        self.episode.new_data_first = false;
        let ambiguous_after = self.ambiguous_after(now, arrived);
        let repeated = arrived.d_sack.is_some_and(|block| self.queue.transmissions(block.0) > 1);
        let mut acked = Delivery::new(ambiguous_after);
        let mut sacked = Delivery::new(ambiguous_after);
        self.queue.acknowledge(arrived.ack, &mut acked);
        let advanced = acked.octets > 0;
        if advanced {
            if let Some(scoreboard) = &mut self.scoreboard {
                scoreboard.acknowledge(self.queue.start());
            }
            self.progress.advance(now);
            self.episode.limited_transmit = 0;
        }
        if !arrived.sack.is_empty() {
            self.take_sack(arrived.sack, &mut sacked);
        }
        let rtt_sample = self.measure(now, arrived, &acked, &sacked);
        let mut digest = self.digest(now, arrived, &acked, &sacked);
        digest.start = start;
        digest.sample = rtt_sample;
        let duplicates = match arrived.d_sack {
            Some(d_sack) => self.take_d_sack(d_sack, start, repeated),
            None => 0,
        };
        if self.policy.counts_segments() {
            digest.delivered += u64::from(duplicates);
        }
        digest.bare = plain_duplicate && !advanced && duplicates == 0;
        self.counters.delivered +=
            u64::from(acked.delivered.segments + sacked.delivered.segments + duplicates);
        self.note_reordering(highest, &acked, &sacked);
        let mut verdict = AckVerdict {
            newly_acknowledged: acked.octets,
            newly_sacked: sacked.octets,
            // RFC 6675 §2: it SACKs something for the first time.
            duplicate: if self.policy.has_sack() { sacked.octets > 0 } else { plain_duplicate },
            rtt_sample,
            all_acknowledged: self.queue.is_empty(),
            ..AckVerdict::default()
        };
        self.counters.duplicate_acks += u32::from(verdict.duplicate);
        self.counters.duplicate_sacks += u32::from(arrived.d_sack.is_some());
        if self.probe.is_under_way() {
            self.take_probe_answer(now, arrived, &digest);
        }
        let calm = phase_before == Phase::Open && advanced && sacked.octets == 0 && duplicates == 0;
        if !calm || self.episode.phase != Phase::Open {
            self.take_state(now, &mut digest, &mut verdict);
        } else {
            self.forget_past();
        }
        self.set_timer_after(now, &digest, phase_before);
        let lost = self.queue.losses() != losses;
        self.control_window(now, &digest, &verdict, phase_before, lost);
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

    /// The reason that new data sent now is tagged with: `Data`, `TailLossProbe`, or `LimitedTransmit` if it goes
    /// beyond the window.
    #[inline]
    pub(crate) fn new_data_reason(&self) -> Reason {
        if self.probe.is_due() {
            return Reason::TailLossProbe;
        }
        let beyond = self.episode.phase == Phase::Disorder
            && self.queue.flight_in(self.policy.unit) + self.policy.one() > self.congestion.window();
        if beyond { Reason::LimitedTransmit } else { Reason::Data }
    }

    /// When nothing is known to be lost and there is no new data to send or no room for it in the receiver's window: a
    /// segment to send again all the same (RFC 6675 §4, NextSeg rules 3 and 4; RFC 5682 §2.1 step 2b). The caller may
    /// cut it shorter, sends it, and reports it.
    #[inline]
    pub(crate) fn last_resort_retransmission(&mut self) -> Option<(Range<Offset>, Reason)> {
        if self.episode.new_data_first && self.queue.end() == self.episode.recovery_point {
            // There was nothing new to try the path with.
            self.episode.new_data_first = false;
            self.episode.forward_rto = false;
            return self.next_retransmission();
        }
        if self.episode.phase != Phase::Recovery || !self.policy.flags.last_resort {
            return None;
        }
        match self.scoreboard.as_ref()?.highest() {
            Some(highest) => self.permit().below_highest(highest),
            None => self.rescue(),
        }
    }

    /// Whether nothing that was sent is to be sent again, neither now nor as a last resort.
    #[inline]
    pub(crate) fn is_undisturbed(&self) -> bool {
        matches!(self.episode.phase, Phase::Open | Phase::Disorder | Phase::Cwr) && !self.probe.is_due()
    }

    /// The caller has sent all it could. `limited`: the congestion window stopped it, not the lack of data or the
    /// receiver's window. While it is not limited the window doesn't grow.
    #[inline]
    pub(crate) fn on_transmission_opportunity_ended(&mut self, now: Instant, limited: bool) {
        self.probe.cancel();
        let full = self.policy.counts_segments() && self.pipe() >= self.congestion.window();
        let cut = self.policy.slow_start_after_idle && self.episode.phase == Phase::Open;
        let flight = self.flight();
        self.congestion.note_usage(now, limited || full, flight, self.rto.current(), cut);
    }

    /// The connection is over: nothing is outstanding any more. What was measured and counted stays to be told.
    pub(crate) fn abandon(&mut self, config: &Config) {
        self.rto.stop();
        let (rto, counters) = (self.rto.clone(), self.counters);
        *self = Self { rto, counters, ..Self::new(config, false, self.policy.smss, 0) };
    }

    /// Before new data is sent: if nothing is in flight and nothing was sent for more than one RTO, the window falls
    /// back to the restart window (RFC 5681 §4.1), if so configured.
    #[inline]
    pub(crate) fn on_idle_restart(&mut self, now: Instant) {
        if !self.policy.slow_start_after_idle || !self.queue.is_empty() {
            return;
        }
        let (idle, rto) = (now.saturating_since(self.progress.last_transmission), self.rto.current());
        if idle > rto {
            self.congestion.restart(now, idle, rto);
        }
    }

    /// From now on a segment holds `smss` octets of data, whatever was sent before; the window is the same number of
    /// segments as before if it is counted so.
    pub(crate) fn set_segment_size(&mut self, smss: u32) {
        assert!(smss > 0, "a segment holds at least one octet");
        self.policy.smss = smss;
        self.congestion.set_smss(smss);
    }

    /// The path takes only smaller segments: from now on a segment holds `smss` octets of data. What was sent in
    /// larger ones, and before them, is to be sent again, without a smaller window: it was not congestion that took
    /// them (RFC 1191 §6.5).
    pub(crate) fn on_segment_size_reduced(&mut self, smss: u32, in_parts: bool) {
        assert!(smss > 0, "a segment holds at least one octet");
        if in_parts {
            // Linux cuts its buffers anew, whatever the segments were.
            self.queue.join_bursts();
        }
        self.policy.smss = smss;
        self.congestion.set_smss(smss);
        let Some(end) = self.queue.end_of_longer_than(smss) else { return };
        self.queue.mark_lost_before(end);
        if !matches!(self.episode.phase, Phase::Recovery | Phase::Loss) {
            self.episode = Episode::loss(self.queue.end());
        }
        self.episode.front_is_due = true;
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

    /// What is believed to be in the network, in the unit of the window.
    #[inline]
    fn pipe(&self) -> u64 {
        self.queue.pipe_in(self.policy.unit).saturating_sub(u64::from(self.episode.emulated))
    }

    #[inline]
    fn flight(&self) -> Flight {
        Flight { start: self.queue.start(), end: self.queue.end(), segments: self.queue.segments() }
    }

    fn on_new_data_in_trouble(&mut self, range: &Range<Offset>) {
        let octets = (range.end - range.start) as u32;
        if self.episode.phase == Phase::Disorder && self.new_data_reason() == Reason::LimitedTransmit {
            self.episode.limited_transmit += octets;
        }
        self.note_sent_in_reduction(octets);
    }

    fn on_retransmit(&mut self, now: Instant, range: Range<Offset>) {
        self.counters.retransmitted_segments += 1;
        if self.probe.is_due() {
            self.queue.note_probe(now, range);
            self.on_probe_sent(now, true);
            return;
        }
        if self.episode.phase == Phase::Recovery {
            self.counters.fast_retransmissions += 1;
        }
        self.note_sent_in_reduction((range.end - range.start) as u32);
        let of_front = range.start == self.queue.start();
        self.queue.note_retransmission(now, range);
        if let Some(repair) = &mut self.repair {
            repair.undo.on_retransmission(now);
        }
        if !of_front {
            return;
        }
        self.episode.front_is_due = false;
        // RFC 6298 §5: never sooner than one timeout after the segment was last sent. NewReno's impatient variant
        // leaves the timer alone from the second partial ACK on (RFC 6582 §4).
        let impatient =
            self.policy.inflates() && self.episode.phase == Phase::Recovery && self.episode.partial_ack_seen;
        if !impatient && self.pending != TimerKind::Reordering {
            self.start_timer(now);
        }
    }

    fn note_sent_in_reduction(&mut self, octets: u32) {
        let amount = match self.policy.unit {
            WindowUnit::Octets => u64::from(octets),
            WindowUnit::Segments => 1,
        };
        if self.episode.is_reducing()
            && let Some(repair) = &mut self.repair
        {
            repair.prr.on_sent(amount);
        }
    }

    /// Retransmissions sent after this can't be told from earlier sendings in what an ACK delivers (RFC 8985 §6.2 step
    /// 2): sooner than the least round trip, or after what its timestamp echoes.
    #[inline]
    fn ambiguous_after(&self, now: Instant, arrived: &AckArrived<'_>) -> Instant {
        let back = |by: Duration| Instant::from_nanos(now.as_nanos().saturating_sub(by.as_nanos()));
        if self.policy.measured == MeasuredSegments::All {
            return Instant::FAR_FUTURE;
        }
        let by_minimum = back(self.rto.estimator().minimum().unwrap_or(Duration::ZERO));
        match arrived.timestamp_echo_rtt {
            // The clock of timestamps ticks in milliseconds: up to the end of the tick.
            Some(echo) => by_minimum.min(back(echo) + Duration::from_millis(1)),
            None => by_minimum,
        }
    }

    /// Start of the highest segment that is SACKed.
    #[inline]
    fn highest_sacked(&self) -> Option<Offset> {
        let highest = self.scoreboard.as_ref()?.highest()?;
        Some(self.queue.start_of_last_before(highest))
    }

    #[inline]
    fn measure(
        &mut self,
        now: Instant,
        arrived: &AckArrived<'_>,
        acked: &Delivery,
        sacked: &Delivery,
    ) -> Option<Duration> {
        let rtt = round_trip(now, arrived, (acked, sacked), self.policy.measured)?;
        let range = (self.queue.start(), self.queue.end());
        self.rto.sample(rtt, range);
        self.probe.on_sample();
        // The newest of the segments shows the path as it is now: that is for the minimum and for slow start.
        let newest = sacked.clean_latest.or(acked.clean_latest.filter(|_| !acked.repeated));
        let newest = newest.map_or(rtt, |sent| now.saturating_since(sent));
        self.rto.note_minimum(newest);
        let flight = self.flight();
        self.congestion.on_round_trip(now, newest, flight);
        Some(rtt)
    }
}

#[cfg(test)]
mod tests;
