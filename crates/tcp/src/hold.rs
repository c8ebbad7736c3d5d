//! Why data that could go is held: TCP_NODELAY, TCP_CORK, a write that promised more, and what overrides them (RFC 9293
//! §3.7.4, §3.9.1.2).

use crate::offset::Offset;

/// What the user said about small segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hold {
    no_delay: bool,
    cork: bool,
    /// The latest write promised more (`MSG_MORE`), and nothing has arrived since.
    more: bool,
    /// Data before this goes without waiting for company.
    pushed_to: Offset,
}

impl Hold {
    /// TCP_NODELAY. Setting it pushes what is queued, which ends at `end`, past a cork too.
    pub(crate) fn set_no_delay(&mut self, on: bool, end: Offset) {
        self.no_delay = on;
        if on {
            self.push(end);
        }
    }

    /// TCP_CORK. Taking it off sends what is queued, by the rule for small segments.
    pub(crate) fn set_cork(&mut self, on: bool, end: Offset) {
        self.cork = on;
        self.more = false;
        if !on && self.no_delay {
            self.push(end);
        }
    }

    /// A write ended; `more` if another follows soon.
    pub(crate) fn on_write(&mut self, more: bool) {
        self.more = more;
    }

    /// Something arrived: a promise of more holds data back only until then, as in Linux, whose `MSG_MORE` concerns
    /// the one attempt to send.
    #[inline]
    pub(crate) fn on_arrival(&mut self) {
        self.more = false;
    }

    /// What is queued before `end` goes now.
    pub(crate) fn push(&mut self, end: Offset) {
        self.pushed_to = self.pushed_to.max(end);
        self.more = false;
    }

    /// TCP_NODELAY.
    pub(crate) fn is_no_delay(&self) -> bool {
        self.no_delay
    }

    /// TCP_CORK.
    pub(crate) fn is_corked(&self) -> bool {
        self.cork
    }

    /// Whether small segments wait, whatever is in flight.
    #[inline]
    pub(crate) fn waits_for_more(&self) -> bool {
        self.cork || self.more
    }

    /// Whether data up to `end` was pushed.
    #[inline]
    pub(crate) fn is_pushed(&self, end: Offset) -> bool {
        end <= self.pushed_to
    }
}
