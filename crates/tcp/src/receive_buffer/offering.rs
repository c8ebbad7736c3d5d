//! The window to offer, and when to tell the peer of more of it (RFC 9293 §3.8.6.2.2, RFC 7323 §2.4).

use super::ReceiveBuffer;
use crate::config::{RightEdge, WindowUpdate};
use crate::offset::Offset;

impl ReceiveBuffer {
    /// The window field to send now. The right edge never moves left (RFC 9293 §3.8.6, SHLD-14), and moves right only
    /// by a full segment or half the buffer (§3.8.6.2.2, MUST-39); while nobody reads, never (§3.8.6.1, MAY-8).
    #[inline]
    pub(crate) fn offer(&mut self, shift: u8, segment: u32) -> u16 {
        if self.right_edge == RightEdge::MovesLeft {
            return self.offer_shrunk(shift, segment);
        }
        if let Some(memory) = &mut self.memory {
            let window = memory.offer(self.next, shift, segment);
            self.edge = self.edge.max(self.next + window);
            return (window >> shift).min(u64::from(u16::MAX)) as u16;
        }
        let edge = self.next_edge(segment).saturating_since(self.next);
        // RFC 7323 §2.4: what the shift cuts off must not make the window shrink. Rounding up offers less than one
        // unit of the shift beyond the buffer.
        let offered = self.edge.saturating_since(self.next);
        let field = if self.rounds_up {
            (edge >> shift).max(offered.div_ceil(1 << shift)).min(u64::from(u16::MAX))
        } else {
            let most = u64::from(u16::MAX);
            edge.min(most << shift).max(offered).div_ceil(1 << shift).min(most)
        };
        let offered_to = self.next + (field << shift);
        if offered_to > self.edge {
            self.edge = offered_to;
            self.read_at_offer = self.queue.start();
        }
        field as u16
    }

    /// The window field with unread data taken off twice: the right edge moves left as data arrives.
    #[cold]
    fn offer_shrunk(&mut self, shift: u8, segment: u32) -> u16 {
        let unread = self.queue.len();
        let possible = match &mut self.memory {
            Some(memory) => memory.offer(self.next, shift, segment),
            None => self.capacity.saturating_sub(unread),
        };
        let field = (possible.saturating_sub(unread) >> shift).min(u64::from(u16::MAX));
        self.edge = self.next + (field << shift);
        self.read_at_offer = self.queue.start();
        field as u16
    }

    /// Whether the window can move so far that the peer should be told at once.
    pub(crate) fn is_update_due(&self, policy: WindowUpdate, shift: u8, segment: u32) -> bool {
        if policy == WindowUpdate::Never {
            return false;
        }
        if let Some(memory) = &self.memory {
            let left = memory.left(self.next);
            let twice = || memory.select(shift, segment).0.max(1) >= 2 * left;
            return 2 * left <= memory.clamp() && twice() && memory.select(shift, segment).0 > 0;
        }
        let offered = self.edge.saturating_since(self.next);
        let possible = self.next_edge(segment).saturating_since(self.next);
        match policy {
            WindowUpdate::TwoSegmentsOrHalf => {
                // What the user read, not what the unscaled window of our SYN could not say.
                let step = (2 * u64::from(segment)).min(self.capacity / 2).max(1);
                possible - offered >= step && self.queue.start() - self.read_at_offer >= step
            }
            WindowUpdate::QuarterOrNearlyClosed => {
                let (step, segment) = (possible - offered, u64::from(segment));
                2 * step >= self.capacity
                    || step >= 2 * segment
                        && (4 * step >= self.capacity
                            || 8 * possible <= self.capacity
                            || self.capacity <= 8 * segment)
            }
            WindowUpdate::Never => false,
            WindowUpdate::Doubled => possible > 0 && 2 * offered <= self.capacity && possible >= 2 * offered,
        }
    }

    /// The right edge that silly-window avoidance permits now.
    #[inline]
    fn next_edge(&self, segment: u32) -> Offset {
        let possible = self.next + self.capacity.saturating_sub(self.queue.len());
        if !self.rounds_up {
            // FreeBSD: little room is no room, everything else is offered.
            let room = possible.saturating_since(self.next);
            let little = room < self.capacity / 4 && room < u64::from(segment);
            return if little { self.edge.max(self.next) } else { possible.max(self.edge) };
        }
        let step = u64::from(segment).min(self.capacity / 2).max(1);
        if possible.saturating_since(self.edge) >= step { possible } else { self.edge.max(self.next) }
    }
}
