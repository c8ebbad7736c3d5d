//! Timestamps: TSval, TS.Recent, PAWS, round-trip times from echoes (RFC 7323 §3-5).

use faultwire_base::{Duration, Instant};

/// The timestamps of one connection. The clock ticks once a millisecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamps {
    enabled: bool,
    offset: u32,
    recent: u32,
    recent_at: Instant,
}

/// RFC 7323 §5.5: TS.Recent is invalid after 24 days without an update.
const RECENT_VALID: Duration = Duration::from_secs(24 * 24 * 3600);

/// The bits of a TSval that a SYN cookie takes for itself.
const TAG_MASK: u32 = (1 << 6) - 1;

impl Timestamps {
    /// With `offset` added to the clock; nothing received yet.
    pub(crate) fn new(offset: u32) -> Self {
        Self { enabled: false, offset, recent: 0, recent_at: Instant::ZERO }
    }

    /// Takes over what the SYNs agreed on; `recent` is the peer's TSval.
    pub(crate) fn agree(&mut self, enabled: bool, recent: Option<u32>, now: Instant) {
        self.enabled = enabled;
        if let Some(recent) = recent.filter(|_| enabled) {
            self.recent = recent;
            self.recent_at = now;
        }
    }

    /// A connection that follows on another between the same ends begins with what that had last of the peer, and when.
    pub(crate) fn follow(&mut self, (recent, at): (u32, Instant)) {
        (self.recent, self.recent_at) = (recent, at);
    }

    /// TS.Recent and when it was set.
    pub(crate) fn latest(&self) -> (u32, Instant) {
        (self.recent, self.recent_at)
    }

    /// Whether segments carry timestamps.
    #[inline]
    pub(crate) fn enabled(&self) -> bool {
        self.enabled
    }

    /// TSval now.
    #[inline]
    pub(crate) fn value(&self, now: Instant) -> u32 {
        clock(now).wrapping_add(self.offset)
    }

    /// A TSval of now or a little before, at most 64 ticks, that brings `tag`, six bits, back in its echo.
    pub(crate) fn tagged(&self, now: Instant, tag: u32) -> u32 {
        let now = clock(now);
        let value = now & !TAG_MASK | tag & TAG_MASK;
        let value = if value > now { value.wrapping_sub(TAG_MASK + 1) } else { value };
        value.wrapping_add(self.offset)
    }

    /// The tag that an echo brings back.
    pub(crate) fn tag_of(&self, echo: u32) -> u32 {
        echo.wrapping_sub(self.offset) & TAG_MASK
    }

    /// TS.Recent, the TSecr to send.
    #[inline]
    pub(crate) fn recent(&self) -> u32 {
        self.recent
    }

    /// RFC 7323 §5.3 R1: whether a segment with this TSval is an old duplicate.
    #[inline]
    pub(crate) fn is_old(&self, value: u32, now: Instant) -> bool {
        is_before(value, self.recent) && now.saturating_since(self.recent_at) < RECENT_VALID
    }

    /// Whether this TSval is not before TS.Recent.
    #[inline]
    pub(crate) fn is_in_order(&self, value: u32) -> bool {
        !is_before(value, self.recent)
    }

    /// RFC 7323 §4.3 (2): TS.Recent follows the segment that holds or precedes the left edge of what is acknowledged.
    /// The caller has checked the segment's place.
    #[inline]
    pub(crate) fn update(&mut self, value: u32, now: Instant) {
        if !is_before(value, self.recent) || now.saturating_since(self.recent_at) >= RECENT_VALID {
            self.recent = value;
            self.recent_at = now;
        }
    }

    /// The round-trip time that an echo tells, to the clock's tick; `None` if there is no echo or it is of the future.
    #[inline]
    pub(crate) fn since_echo(&self, echo: u32, now: Instant) -> Option<Duration> {
        let ticks = self.value(now).wrapping_sub(echo);
        (echo != 0 && ticks < 1 << 31).then(|| Duration::from_millis(u64::from(ticks)))
    }
}

/// Timestamp order modulo 2^32 (RFC 7323 §5.2).
#[inline]
pub(crate) fn is_before(value: u32, other: u32) -> bool {
    (value.wrapping_sub(other) as i32) < 0
}

/// Milliseconds since the start of the run, modulo 2^32.
#[inline]
fn clock(now: Instant) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7323 §5.3 and §5.5.
    #[test]
    fn paws_and_its_end() {
        let mut timestamps = Timestamps::new(0);
        timestamps.agree(true, Some(u32::MAX - 5), Instant::ZERO);
        let soon = Instant::ZERO + Duration::from_secs(1);
        assert!(timestamps.is_old(u32::MAX - 6, soon));
        assert!(!timestamps.is_old(u32::MAX - 5, soon));
        assert!(!timestamps.is_old(3, soon), "wrapped");
        timestamps.update(3, soon);
        assert!(timestamps.is_old(u32::MAX, soon));
        let late = soon + RECENT_VALID;
        assert!(!timestamps.is_old(u32::MAX, late), "24 days idle");
        timestamps.update(1 << 31, late);
        assert_eq!(timestamps.recent(), 1 << 31);
    }

    #[test]
    fn echo_tells_the_round_trip() {
        let timestamps = Timestamps::new(u32::MAX - 49);
        let now = Instant::ZERO + Duration::from_millis(100);
        assert_eq!(timestamps.value(now), 50);
        assert_eq!(
            timestamps.since_echo(timestamps.value(Instant::ZERO), now),
            Some(Duration::from_millis(100))
        );
        assert_eq!(timestamps.since_echo(0, now), None);
        assert_eq!(timestamps.since_echo(51, now), None, "an echo of the future");
    }
}
