//! When to acknowledge: at once, delayed, challenged, or with whatever goes out anyway (RFC 9293 §3.8.6.3, 5961 §7).

mod adaptive;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Reason};

use crate::config::{AckAtOnce, AcknowledgmentConfig, ChallengeLimit};
use crate::offset::Offset;
pub(crate) use adaptive::DataArrived;
use adaptive::tick;

/// The receiver's debts.
#[derive(Clone, Debug)]
pub(crate) struct AckPolicy {
    due: Option<Reason>,
    /// What made the ACK due.
    cause: Cause,
    last_sent: Offset,
    full_segment: u32,
    /// The delay of an ACK where it is adapted (Linux `ato`), in milliseconds; 0 before the first data.
    interval_millis: u16,
    /// Length of the last segment that may have been full and was shorter than full ones so far.
    last_short: u16,
    /// Pushed or short segments that wait for an ACK; 2 is many.
    pushed: u8,
    quick_left: u8,
    haste: Haste,
    limiter_count: u8,
    limiter_since: Instant,
    data_at: Instant,
}

/// Whether data is acknowledged without delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    /// While quick ACKs are left.
    Quick,
    /// No: the connection answers data with data, or its user said so.
    Interactive,
    /// Always, since the user said so.
    Always,
}

/// What in-order data asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckDecision {
    /// An ACK is due now.
    Now,
    /// An ACK is due by this time.
    By(Instant),
}

/// `TCP_ATO_MIN` and `TCP_DELACK_MIN`, in milliseconds.
const LEAST_INTERVAL: u16 = 40;

/// Least full-sized segment to reckon with before a larger one was seen (RFC 9293 §3.7.1).
const LEAST_FULL_SEGMENT: u32 = 536;

impl AckPolicy {
    /// Nothing is owed.
    pub(crate) fn new(config: &AcknowledgmentConfig) -> Self {
        Self {
            due: None,
            cause: Cause::Unknown,
            last_sent: Offset::FIRST,
            full_segment: LEAST_FULL_SEGMENT,
            interval_millis: 0,
            last_short: 0,
            pushed: 0,
            quick_left: if config.adaptive { 0 } else { config.quick },
            haste: Haste::Quick,
            limiter_count: 0,
            limiter_since: Instant::FAR_FUTURE,
            data_at: Instant::ZERO,
        }
    }

    /// Last.ACK.sent (RFC 7323 §4.3).
    #[inline]
    pub(crate) fn last_sent(&self) -> Offset {
        self.last_sent
    }

    /// The largest segment seen, for which the receiver reckons with full-sized ones.
    #[inline]
    pub(crate) fn full_segment(&self) -> u32 {
        self.full_segment
    }

    /// Full segments have this size, whatever arrives.
    pub(crate) fn set_full_segment(&mut self, octets: u32) {
        self.full_segment = octets;
    }

    /// A segment with an ACK up to `next` went out beside what is owed, and pays nothing of it (FreeBSD `tcp_respond`).
    pub(crate) fn on_responded(&mut self, next: Offset) {
        self.last_sent = next;
    }

    /// An ACK is due, for this reason. The first reason of an instant stays, the last cause counts.
    #[inline]
    pub(crate) fn demand(&mut self, reason: Reason, cause: Cause) {
        self.due.get_or_insert(reason);
        self.cause = cause;
    }

    /// Whether an ACK is due.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_some()
    }

    /// Takes what is due.
    #[inline]
    pub(crate) fn take_due(&mut self) -> Option<(Reason, Cause)> {
        self.due.take().map(|reason| (reason, self.cause))
    }

    /// In-order data arrived, and something else has it acknowledged at once.
    pub(crate) fn note_data(&mut self, config: &AcknowledgmentConfig, data: &DataArrived) {
        if config.adaptive {
            self.observe(config, data);
        } else if config.at_once != AckAtOnce::SecondSegment {
            self.full_segment = self.full_segment.max(data.length);
        }
        self.data_at = data.now;
    }

    /// In-order data moved RCV.NXT: whether to acknowledge now or later (RFC 9293 §3.8.6.3: SHLD-18, SHLD-19).
    #[inline]
    pub(crate) fn on_data(&mut self, config: &AcknowledgmentConfig, data: &DataArrived) -> AckDecision {
        self.note_data(config, data);
        let owed = data.next - self.last_sent;
        let full = u64::from(self.full_segment);
        let enough = match config.at_once {
            AckAtOnce::TwoFullSegments => owed >= 2 * full,
            AckAtOnce::MoreThanOneSegment => owed > full,
            AckAtOnce::EightFullSegments => owed >= 8 * full,
            AckAtOnce::SecondSegment => {
                data.armed.is_some() || u64::from(data.length) > full || data.window == 0
            }
        };
        let is_quick = self.is_quick() && config.at_once != AckAtOnce::EightFullSegments;
        if enough && data.keeps_window || is_quick {
            AckDecision::Now
        } else if config.adaptive {
            self.delayed(data)
        } else {
            AckDecision::By(data.armed.unwrap_or(data.now.saturating_add(config.delay)))
        }
    }

    /// A segment with an ACK up to `next` goes out.
    #[inline]
    pub(crate) fn on_sent(&mut self, next: Offset) {
        if next > self.last_sent && self.quick_left > 0 {
            self.quick_left -= 1;
            if self.quick_left == 0 {
                // Leaving the quick ACKs, Linux begins with the least delay again.
                self.interval_millis = self.interval_millis.min(LEAST_INTERVAL);
            }
        }
        self.last_sent = next;
        self.pushed = 0;
        self.due = None;
    }

    /// Data goes out soon after data came in: the connection is interactive, its ACKs have company (Linux).
    #[inline]
    pub(crate) fn on_data_sent(&mut self, config: &AcknowledgmentConfig, now: Instant) {
        if self.haste != Haste::Quick {
            return;
        }
        let soon = if config.adaptive {
            tick(now) - tick(self.data_at) < u64::from(self.interval_millis)
        } else {
            now.saturating_since(self.data_at) < config.delay
        };
        if soon {
            self.haste = Haste::Interactive;
        }
    }

    /// At least so many of the next ACKs are not delayed, interactive or not (Linux, after a mark of congestion).
    pub(crate) fn quicken(&mut self, acks: u8) {
        if acks == 0 {
            return;
        }
        self.quick_left = self.quick_left.max(acks);
        self.interval_millis = LEAST_INTERVAL;
        if self.haste == Haste::Interactive {
            self.haste = Haste::Quick;
        }
    }

    /// How long an ACK would wait now.
    pub(crate) fn delay(&self, config: &AcknowledgmentConfig) -> Duration {
        if config.adaptive { Duration::from_millis(u64::from(self.interval_millis)) } else { config.delay }
    }

    /// When in-order data arrived last.
    pub(crate) fn data_at(&self) -> Instant {
        self.data_at
    }

    /// Whether data is acknowledged without delay.
    pub(crate) fn is_quick(&self) -> bool {
        match self.haste {
            Haste::Quick => self.quick_left > 0,
            Haste::Interactive => false,
            Haste::Always => true,
        }
    }

    /// Whether the connection answers data with data, or its user said so.
    pub(crate) fn is_interactive(&self) -> bool {
        self.haste == Haste::Interactive
    }

    /// TCP_QUICKACK: `true` never delays, `false` delays from now on.
    pub(crate) fn set_quick(&mut self, quick: bool) {
        self.haste = if quick { Haste::Always } else { Haste::Interactive };
    }

    /// Whether quick ACKs were switched off.
    pub(crate) fn is_slowed(&self) -> bool {
        matches!(self.haste, Haste::Interactive)
    }

    /// Whether the limit on challenge ACKs permits one more now.
    pub(crate) fn may_challenge(&mut self, limit: ChallengeLimit, now: Instant) -> bool {
        may_challenge(limit, now, &mut self.limiter_since, &mut self.limiter_count)
    }
}

/// The limit on challenge ACKs, over the time when the current interval began and the count in it.
pub(crate) fn may_challenge(
    limit: ChallengeLimit,
    now: Instant,
    since: &mut Instant,
    count: &mut u8,
) -> bool {
    let (most, interval) = match limit {
        ChallengeLimit::None => return true,
        ChallengeLimit::PerInterval { count, interval } => (count, interval),
        ChallengeLimit::Gap(interval) => (1, interval),
    };
    if *since == Instant::FAR_FUTURE || now.saturating_since(*since) >= interval {
        (*since, *count) = (now, 0);
    }
    let permitted = *count < most;
    *count += u8::from(permitted);
    permitted
}

#[cfg(test)]
mod tests {
    use faultwire_wire::Flags;

    use super::*;
    use crate::config::Config;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn data(millis: u64, next: u64, length: u32) -> DataArrived {
        DataArrived {
            now: at(millis),
            next: Offset::FIRST + next,
            length,
            header: 20,
            plain_header: 20,
            flags: Flags::ACK,
            window: 65_535,
            timeout: Duration::from_secs(1),
            smoothed: None,
            keeps_window: true,
            armed: None,
        }
    }

    /// RFC 9293 §3.8.6.3, SHLD-19: every second full segment at once.
    #[test]
    fn every_second_full_segment() {
        let config = Config::rfc().acknowledgment;
        let mut policy = AckPolicy::new(&config);
        assert_eq!(policy.on_data(&config, &data(0, 1448, 1448)), AckDecision::By(at(200)));
        assert_eq!(policy.on_data(&config, &data(1, 2896, 1448)), AckDecision::Now);
        policy.on_sent(Offset::FIRST + 2896);
        assert_eq!(policy.on_data(&config, &data(2, 4344, 1448)), AckDecision::By(at(202)));
        assert_eq!(policy.on_data(&config, &data(3, 4345, 1)), AckDecision::By(at(203)));
    }

    /// Linux: quick ACKs at first, as many as half the window has segments and at most 16; more than one segment at
    /// once; delayed while interactive.
    #[test]
    fn linux_quick_and_interactive() {
        let config = Config::linux().acknowledgment;
        for (window, quick) in [(65_535, 16), (10_720, 10), (1000, 2)] {
            let mut policy = AckPolicy::new(&config);
            let mut next = 0;
            let arrived = |n, next, length| DataArrived {
                window,
                flags: Flags::ACK | Flags::PSH,
                ..data(n, next, length)
            };
            for n in 0..quick {
                next += 10;
                assert_eq!(policy.on_data(&config, &arrived(n, next, 10)), AckDecision::Now);
                policy.on_sent(Offset::FIRST + next);
            }
            assert_eq!(policy.on_data(&config, &arrived(20, next + 10, 10)), AckDecision::By(at(60)));
            assert_eq!(policy.on_data(&config, &arrived(20, next + 557, 547)), AckDecision::Now);
        }
        let mut policy = AckPolicy::new(&config);
        policy.on_data_sent(&config, at(0));
        policy.on_data(&config, &data(0, 10, 10));
        policy.on_data_sent(&config, at(39));
        assert_eq!(policy.on_data(&config, &data(50, 20, 10)), AckDecision::By(at(90)));
    }

    /// Linux (`tcp_event_data_recv`, `tcp_send_delayed_ack`): the delay follows the gaps up to the bounds, doubles when
    /// it ran out, and one that is nearly over ends at once.
    #[test]
    fn linux_delay_follows_the_gaps() {
        let config = Config::linux().acknowledgment;
        let mut policy = AckPolicy::new(&config);
        policy.on_data(&config, &data(0, 10, 10));
        policy.quick_left = 0;
        let delayed = |policy: &mut AckPolicy, millis, smoothed, armed: Option<u64>| {
            let smoothed = Some(Duration::from_millis(smoothed));
            policy.on_data(&config, &DataArrived { smoothed, armed: armed.map(at), ..data(millis, 10, 1) })
        };
        // 40 / 2 + 35, 55 / 2 + 50, 77 / 2 + 70.
        assert_eq!(delayed(&mut policy, 35, 300, None), AckDecision::By(at(35 + 55)));
        assert_eq!(delayed(&mut policy, 85, 300, None), AckDecision::By(at(85 + 77)));
        assert_eq!(delayed(&mut policy, 155, 300, None), AckDecision::By(at(155 + 108)));
        policy.on_delay_expired(Duration::from_secs(1));
        assert_eq!(delayed(&mut policy, 405, 300, None), AckDecision::By(at(405 + 199)));
        assert_eq!(delayed(&mut policy, 500, 50, None), AckDecision::By(at(550)), "SRTT");
        assert_eq!(delayed(&mut policy, 501, 10, None), AckDecision::By(at(541)), "the least");
        assert_eq!(delayed(&mut policy, 501, 10, Some(512)), AckDecision::By(at(512)));
        assert_eq!(delayed(&mut policy, 501, 10, Some(511)), AckDecision::Now);
    }

    /// Linux (`tcp_measure_rcv_mss`): two equal segments that may be full tell the size of full ones.
    #[test]
    fn linux_measures_full_segments() {
        let config = Config::linux().acknowledgment;
        let mut policy = AckPolicy::new(&config);
        let mut after = |length, flags| {
            policy.on_data(&config, &DataArrived { flags, ..data(0, 10, length) });
            policy.full_segment()
        };
        assert_eq!(after(1460, Flags::ACK), 1460);
        assert_eq!(after(1000, Flags::ACK | Flags::PSH), 1460);
        assert_eq!(after(1000, Flags::ACK | Flags::PSH), 1000);
        assert_eq!(after(100, Flags::ACK | Flags::PSH), 1000);
        assert_eq!(after(100, Flags::ACK | Flags::PSH), 1000);
        assert_eq!(after(100, Flags::ACK), 1000);
        assert_eq!(after(100, Flags::ACK), 100);
    }

    /// RFC 5961 §7: ten in five seconds; Linux: one in 500 ms.
    #[test]
    fn challenges_are_limited() {
        let rfc = Config::rfc().acknowledgment;
        let mut policy = AckPolicy::new(&rfc);
        let sent = (0..6000).filter(|&n| policy.may_challenge(rfc.challenge_limit, at(n))).count();
        assert_eq!(sent, 20);
        let linux = Config::linux().acknowledgment;
        let mut policy = AckPolicy::new(&linux);
        let sent: Vec<_> =
            (0..1100).filter(|&n| policy.may_challenge(linux.challenge_limit, at(n))).collect();
        assert_eq!(sent, [0, 500, 1000]);
    }
}
