//! When to acknowledge: at once, delayed, challenged, or with whatever goes out anyway (RFC 9293 §3.8.6.3, 5961 §7).

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Reason};

use crate::config::{AckAtOnce, AcknowledgmentConfig, ChallengeLimit};
use crate::offset::Offset;

/// The receiver's debts.
#[derive(Clone, Debug)]
pub(crate) struct AckPolicy {
    due: Option<Reason>,
    /// What made the ACK due.
    cause: Cause,
    last_sent: Offset,
    full_segment: u32,
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
            quick_left: config.quick,
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

    /// In-order data of `len` octets moved RCV.NXT to `next`: whether to acknowledge now or later (RFC 9293 §3.8.6.3:
    /// SHLD-18, SHLD-19).
    #[inline]
    pub(crate) fn on_data(
        &mut self,
        config: &AcknowledgmentConfig,
        now: Instant,
        next: Offset,
        len: u32,
    ) -> AckDecision {
        self.data_at = now;
        self.full_segment = self.full_segment.max(len);
        let owed = next - self.last_sent;
        let full = u64::from(self.full_segment);
        let enough = match config.at_once {
            AckAtOnce::TwoFullSegments => owed >= 2 * full,
            AckAtOnce::MoreThanOneSegment => owed > full,
            AckAtOnce::SecondSegment => owed > u64::from(len),
        };
        let quick = match self.haste {
            Haste::Quick => self.quick_left > 0,
            Haste::Interactive => false,
            Haste::Always => true,
        };
        if enough || quick { AckDecision::Now } else { AckDecision::By(now.saturating_add(config.delay)) }
    }

    /// A segment with an ACK up to `next` goes out.
    #[inline]
    pub(crate) fn on_sent(&mut self, next: Offset) {
        if next > self.last_sent && self.quick_left > 0 {
            self.quick_left -= 1;
        }
        self.last_sent = next;
        self.due = None;
    }

    /// Data goes out soon after data came in: the connection is interactive, its ACKs have company (Linux).
    #[inline]
    pub(crate) fn on_data_sent(&mut self, now: Instant, delay: Duration) {
        if self.haste == Haste::Quick && now.saturating_since(self.data_at) < delay {
            self.haste = Haste::Interactive;
        }
    }

    /// At least so many of the next ACKs are not delayed, interactive or not (Linux, after a mark of congestion).
    pub(crate) fn quicken(&mut self, acks: u8) {
        if acks == 0 {
            return;
        }
        self.quick_left = self.quick_left.max(acks);
        if self.haste == Haste::Interactive {
            self.haste = Haste::Quick;
        }
    }

    /// A delayed ACK had to go alone: the connection isn't interactive after all.
    pub(crate) fn on_delay_expired(&mut self) {
        if self.haste == Haste::Interactive {
            self.haste = Haste::Quick;
        }
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

    /// TCP_QUICKACK: `true` never delays, `false` delays from now on.
    pub(crate) fn set_quick(&mut self, quick: bool) {
        self.haste = if quick { Haste::Always } else { Haste::Interactive };
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
    use super::*;
    use crate::config::Config;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// RFC 9293 §3.8.6.3, SHLD-19: every second full segment at once.
    #[test]
    fn every_second_full_segment() {
        let config = Config::rfc().acknowledgment;
        let mut policy = AckPolicy::new(&config);
        assert_eq!(policy.on_data(&config, at(0), Offset::FIRST + 1448, 1448), AckDecision::By(at(200)));
        assert_eq!(policy.on_data(&config, at(1), Offset::FIRST + 2896, 1448), AckDecision::Now);
        policy.on_sent(Offset::FIRST + 2896);
        assert_eq!(policy.on_data(&config, at(2), Offset::FIRST + 4344, 1448), AckDecision::By(at(202)));
        assert_eq!(policy.on_data(&config, at(3), Offset::FIRST + 4345, 1), AckDecision::By(at(203)));
    }

    /// Linux: quick ACKs at first, more than one segment at once, delayed while interactive.
    #[test]
    fn linux_quick_and_interactive() {
        let config = Config::linux().acknowledgment;
        let mut policy = AckPolicy::new(&config);
        let mut next = Offset::FIRST;
        for n in 0..16 {
            next = next + 100;
            assert_eq!(policy.on_data(&config, at(n), next, 100), AckDecision::Now);
            policy.on_sent(next);
        }
        assert_eq!(policy.on_data(&config, at(20), next + 100, 100), AckDecision::By(at(60)));
        assert_eq!(policy.on_data(&config, at(20), next + 637, 537), AckDecision::Now);

        let mut policy = AckPolicy::new(&config);
        policy.on_data(&config, at(0), Offset::FIRST + 10, 10);
        policy.on_data_sent(at(39), config.delay);
        assert_eq!(policy.on_data(&config, at(50), Offset::FIRST + 20, 10), AckDecision::By(at(90)));
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
