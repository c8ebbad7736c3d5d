//! What a connection keeps of its opening while that goes on: the retransmission of its SYN, and who waits for what.

use faultwire_base::{Duration, Instant};
use faultwire_wire::Cause;

use crate::fast_open::FastOpenCookie;

/// What only a connection in SYN-SENT or SYN-RECEIVED needs: the retransmission of its SYN.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(super) deadline: Instant,
    /// When the SYN was sent first.
    pub(super) began_at: Instant,
    pub(super) sent_at: Instant,
    pub(super) due: bool,
    /// What makes the next one due.
    pub(super) cause: Cause,
    pub(super) transmissions: u16,
    /// Of these: those that carried an ACK too, after the peer's SYN (figure 7).
    pub(super) answers: u16,
    pub(super) timeouts: u32,
    /// What the first SYN, or the first SYN-ACK, carries of Fast Open, and no later one.
    pub(super) option: Option<FastOpenCookie>,
    /// Octets of text that the first SYN carries.
    pub(super) text: u32,
    /// The SYN waits for the first write (Linux `TCP_FASTOPEN_CONNECT`).
    pub(super) held: bool,
    /// That write needs no cookie to go with the SYN.
    pub(super) without_cookie: bool,
    /// The user writes no more; the FIN waits for the end of the handshake.
    pub(super) half_closed: bool,
    /// A writer waits for the end of the handshake with something to send.
    pub(super) writer_waits: bool,
    /// Fast Open: a listener began this, and the connection is here before the handshake is complete. `None` otherwise.
    pub(super) passive: Option<Passive>,
}

/// SYN-RECEIVED of a listener with a connection already (RFC 7413 §4.2.2).
#[derive(Clone, Debug)]
pub(super) struct Passive {
    pub(super) accepted: bool,
    pub(super) limiter_since: Instant,
    pub(super) limiter_count: u8,
}

impl Opening {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            deadline: Instant::FAR_FUTURE,
            began_at: now,
            sent_at: now,
            due: true,
            cause: Cause::Call,
            transmissions: 0,
            answers: 0,
            timeouts: 0,
            option: None,
            text: 0,
            held: false,
            without_cookie: false,
            half_closed: false,
            writer_waits: false,
            passive: None,
        }
    }

    /// The SYN is not sent before [`Opening::release`].
    pub(crate) fn hold(&mut self, without_cookie: bool) {
        (self.held, self.without_cookie) = (true, without_cookie);
    }

    /// Whether the SYN waits.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// The SYN goes out now. Says what [`Opening::hold`] was told.
    pub(crate) fn release(&mut self) -> bool {
        self.held = false;
        self.without_cookie
    }

    /// The SYN goes again at once, and its timer begins anew.
    pub(crate) fn go_again(&mut self, cause: Cause) {
        (self.due, self.cause, self.deadline) = (true, cause, Instant::FAR_FUTURE);
    }

    /// The FIN waits for the end of the handshake.
    pub(crate) fn half_close(&mut self) {
        self.half_closed = true;
    }

    /// Whether [`Opening::half_close`] was called.
    pub(crate) fn is_half_closed(&self) -> bool {
        self.half_closed
    }

    /// A writer waits, or does no longer.
    pub(crate) fn set_writer_waits(&mut self, waits: bool) {
        self.writer_waits = waits;
    }

    /// Whether a writer waits.
    pub(crate) fn writer_waits(&self) -> bool {
        self.writer_waits
    }

    /// A user accepted the connection.
    pub(crate) fn accepted(&mut self) {
        if let Some(passive) = &mut self.passive {
            passive.accepted = true;
        }
    }

    /// Timeouts of the SYN so far.
    pub(crate) fn timeouts(&self) -> u32 {
        self.timeouts
    }

    /// Whether [`Opening::accepted`] was called.
    pub(crate) fn is_accepted(&self) -> bool {
        self.passive.as_ref().is_some_and(|passive| passive.accepted)
    }

    /// When the SYN is to be sent again.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The round trip, if only one SYN can have been answered (Karn).
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.transmissions == 1).then(|| now.saturating_since(self.sent_at))
    }
}
