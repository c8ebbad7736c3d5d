//! `retransmissions`: what the peer has isn't sent again, and nothing too big for the path goes on being sent
//! (RFC 2018 §5; RFC 6675 §5; RFC 1191 §6.3).

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Flags, Reason};

use super::end::Seen;
use super::{Stage, memory};

/// How long an estimate of the path's MTU holds at least (RFC 1191 §6.3: five minutes before it may be raised).
const HOLDS: Duration = Duration::from_secs(300);

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Retransmissions(Vec<Known>);

/// What one end was told.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The timer ran out then: what was reported may be forgotten (RFC 2018 §5).
    timeout: Option<Instant>,
    /// The path's MTU, and when it was told.
    mtu: Option<(u32, Instant)>,
}

impl Retransmissions {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let known = memory(&mut self.0, stage.index);
        if seen.has(Flags::RST) || seen.segment.payload.is_empty() || seen.has(Flags::SYN) {
            return None;
        }
        match seen.tag.reason {
            Reason::KeepAlive | Reason::ZeroWindowProbe => return None,
            Reason::TimeoutRetransmission => known.timeout = Some(stage.at),
            _ => {}
        }
        let (end, sent) = (stage.end, &stage.end.sent);
        if seen.end <= sent.settled && sent.progress < stage.at && end.is_synchronized() {
            return Some(format!(
                "octets {} to {} were sent again, although all up to {} was acknowledged (RFC 9293 §3.8.1)",
                end.octet(seen.start),
                end.octet(seen.end),
                end.octet(sent.settled)
            ));
        }
        known.needless(stage, seen).or_else(|| known.too_big(stage, seen))
    }

    pub(super) fn arrived(&mut self, _: Stage<'_>, _: &Seen<'_>) -> Option<String> {
        None
    }

    pub(super) fn told_mtu(&mut self, stage: Stage<'_>, mtu: u32) {
        let known = memory(&mut self.0, stage.index);
        // Below what every host takes, or without a number, stacks differ (RFC 1191 §7.1).
        let counts = |(before, told)| mtu <= before || stage.at.saturating_since(told) >= HOLDS;
        if mtu >= 576 && known.mtu.is_none_or(counts) {
            known.mtu = Some((mtu, stage.at));
        }
    }
}

impl Known {
    /// RFC 2018 §5, RFC 6675 §5: what the peer has reported isn't sent again in recovery.
    fn needless(&self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        if seen.tag.reason != Reason::FastRetransmission {
            return None;
        }
        let sendings = &stage.end.sent.outstanding;
        let mut covered =
            sendings.iter().filter(|sending| sending.start < seen.end && seen.start < sending.end).peekable();
        covered.peek()?;
        let reported = covered.all(|sending| {
            sending
                .reported
                .is_some_and(|(at, _)| at < stage.at && self.timeout.is_none_or(|timeout| timeout < at))
        });
        reported.then(|| {
            format!(
                "octets {} to {} were sent again, although the peer has reported them by SACK (RFC 2018 §5, RFC 6675 §5)",
                stage.end.octet(seen.start),
                stage.end.octet(seen.end)
            )
        })
    }

    /// RFC 1191 §6.3, RFC 8201 §4: after an ICMP error that names an MTU nothing larger is sent.
    fn too_big(&self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let (mtu, told) = self.mtu?;
        let length = seen.packet_length;
        (length > mtu && stage.at > told && stage.at - told < HOLDS).then(|| {
            format!(
                "a packet of {length} octets was sent {} after an ICMP error had told of an MTU of {mtu} (RFC 1191 §6.3)",
                stage.at - told
            )
        })
    }
}
