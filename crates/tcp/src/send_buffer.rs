//! What the user wrote and the peer has not acknowledged yet, with the end of the stream (RFC 9293 §3.9.1.2), and what
//! it costs.

use faultwire_wire::Payload;

use crate::config::{BufferConfig, SendParts};
use crate::offset::Offset;
use crate::payload_queue::PayloadQueue;
use crate::send_units::SendUnits;

/// The send buffer. Stream positions are those of the sequence space, the first octet being [`Offset::FIRST`].
#[derive(Clone, Debug)]
pub(crate) struct SendBuffer {
    queue: PayloadQueue,
    units: SendUnits,
    parts: Option<SendParts>,
    /// What it may cost (`sk_sndbuf`).
    capacity: u64,
    /// The user fixed the size.
    fixed: bool,
    finished: bool,
    /// A writer waits for room (`SOCK_NOSPACE`).
    wanted: bool,
    /// The end of the last write that promised no more: PSH belongs there.
    pushed: Offset,
    /// TCP_NOTSENT_LOWAT: so much unsent data is enough.
    unsent_limit: u32,
}

/// What a write has to know of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteTerms {
    /// SND.NXT.
    pub(crate) next: Offset,
    /// Octets beyond SND.NXT that could be sent at once.
    pub(crate) sendable: u64,
    /// Most octets in one part.
    pub(crate) part: u64,
    /// The largest window that the peer ever offered.
    pub(crate) window_max: u64,
    /// Another write follows soon (`MSG_MORE`).
    pub(crate) more: bool,
    /// The last octet ends a record (`MSG_EOR`).
    pub(crate) record_end: bool,
    /// Nothing is taken behind a part that it makes full.
    pub(crate) by_part: bool,
}

/// What a write took.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    octets: u64,
    /// There is room for more, once what is full was sent.
    paused: bool,
}

impl SendBuffer {
    /// Empty.
    pub(crate) fn new(config: &BufferConfig) -> Self {
        Self {
            queue: PayloadQueue::new(Offset::FIRST.0),
            units: SendUnits::default(),
            parts: config.send_parts,
            capacity: config.send,
            fixed: false,
            finished: false,
            wanted: false,
            pushed: Offset::FIRST,
            unsent_limit: config.unsent_limit,
        }
    }

    /// Position after the last octet written; the FIN's own position once the stream is finished.
    #[inline]
    pub(crate) fn end(&self) -> Offset {
        Offset(self.queue.end())
    }

    /// Octets not acknowledged.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.queue.len()
    }

    /// What it may cost (SO_SNDBUF).
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Fixes the size (SO_SNDBUF). What is queued stays.
    pub(crate) fn set_capacity(&mut self, octets: u64) {
        self.capacity = octets;
        self.fixed = true;
    }

    /// Unless its size was fixed, the buffer grows to `octets`.
    #[inline]
    pub(crate) fn grow(&mut self, octets: u64) {
        if !self.fixed {
            self.capacity = self.capacity.max(octets);
        }
    }

    /// TCP_NOTSENT_LOWAT.
    pub(crate) fn unsent_limit(&self) -> u32 {
        self.unsent_limit
    }

    /// Sets TCP_NOTSENT_LOWAT. Says whether a writer waits that could go on.
    pub(crate) fn set_unsent_limit(&mut self, octets: u32, next: Offset) -> bool {
        self.unsent_limit = octets;
        self.wake(next)
    }

    /// What is queued costs so much: its octets, and something for each part.
    #[inline]
    fn charge(&self) -> u64 {
        self.queue.len() + self.parts.map_or(0, |parts| u64::from(parts.cost) * self.units.count())
    }

    fn divided(&self) -> bool {
        self.parts.is_some()
    }

    /// Room for data in a buffer whose size is counted in octets, or in the last part and those that could be begun.
    pub(crate) fn room(&self, terms: &WriteTerms) -> u64 {
        let Some(parts) = self.parts else { return self.capacity.saturating_sub(self.queue.len()) };
        let last = self.units.room_in_last(terms.part, terms.next, true);
        if !self.has_memory(self.end(), terms) {
            return last;
        }
        let left = self.capacity.saturating_sub(self.charge() + last);
        last + left.div_ceil(terms.part + u64::from(parts.cost)).max(1) * terms.part
    }

    /// Whether a new part may be begun at `end` (`sk_stream_memory_free`).
    fn has_memory(&self, end: Offset, terms: &WriteTerms) -> bool {
        let unsent = end.saturating_since(terms.next).saturating_sub(terms.sendable);
        self.charge() < self.capacity && unsent < u64::from(self.unsent_limit)
    }

    /// Whether a writer is told that there is room: a third of the buffer is free (`sk_stream_is_writeable`), and twice
    /// what is unsent is below TCP_NOTSENT_LOWAT.
    #[inline]
    pub(crate) fn is_writable(&self, next: Offset) -> bool {
        let charge = self.charge();
        let unsent = self.end().saturating_since(next);
        self.capacity.saturating_sub(charge) >= (charge / 2).max(1)
            && 2 * unsent < u64::from(self.unsent_limit)
    }

    /// A writer waits for room.
    pub(crate) fn want_room(&mut self) {
        self.wanted = true;
    }

    /// Whether a writer waits for room.
    pub(crate) fn is_room_wanted(&self) -> bool {
        self.wanted
    }

    /// Appends what fits and says how much that was.
    pub(crate) fn write(&mut self, payload: &Payload, terms: &WriteTerms) -> u64 {
        assert!(!self.finished, "writing after the end of the stream");
        let length = u64::from(payload.len());
        let Taken { octets: accepted, paused } =
            if self.divided() { self.divide(length, terms) } else { self.extend(length, terms) };
        self.wanted = accepted < length && !paused;
        if accepted > 0 {
            if accepted < length {
                self.queue.push(&payload.slice(0, accepted as u32));
            } else {
                self.queue.push(payload);
            }
            let forced = self.end().saturating_since(self.pushed) > terms.window_max / 2;
            if !terms.more && !paused || forced {
                self.pushed = self.end();
                self.units.push_last();
            }
            if terms.record_end && accepted == length {
                self.units.end_record();
            }
        }
        accepted
    }

    /// A stream: what fits, in one part.
    fn extend(&mut self, length: u64, terms: &WriteTerms) -> Taken {
        let memory = self.capacity.saturating_sub(self.queue.len());
        let unsent = self.end().saturating_since(terms.next).saturating_sub(terms.sendable);
        let low = u64::from(self.unsent_limit);
        let accepted = if low < u64::from(u32::MAX) && unsent >= low { 0 } else { length.min(memory) };
        if accepted == 0 {
            return Taken::default();
        }
        if self.units.room_in_last(u64::MAX, terms.next, false) > 0 {
            self.units.extend_last(accepted);
        } else {
            self.units.append(self.end(), accepted);
        }
        Taken { octets: accepted, paused: false }
    }

    /// Parts: as in the kernel, memory is asked for only when one is begun, so that the last may exceed it.
    fn divide(&mut self, length: u64, terms: &WriteTerms) -> Taken {
        let cost = self.parts.map_or(0, |parts| u64::from(parts.cost));
        let (mut accepted, mut end) = (0, self.end());
        while accepted < length {
            let room = self.units.room_in_last(terms.part, terms.next, true);
            let most = if room > 0 { room } else { terms.part };
            let octets = (length - accepted).min(most);
            if room > 0 {
                self.units.extend_last(octets);
            } else {
                let charge = self.queue.len() + accepted + cost * self.units.count();
                let unsent = end.saturating_since(terms.next).saturating_sub(terms.sendable);
                if charge >= self.capacity || unsent >= u64::from(self.unsent_limit) {
                    break;
                }
                self.units.append(end, octets);
            }
            accepted += octets;
            end = end + octets;
            if octets < most {
                continue;
            }
            if end.saturating_since(self.pushed) > terms.window_max / 2 {
                // `forced_push`: a reader is not left waiting for more than half of its window.
                self.pushed = end;
                self.units.push_last();
            }
            if terms.by_part && accepted < length {
                return Taken { octets: accepted, paused: true };
            }
        }
        Taken { octets: accepted, paused: false }
    }

    /// The user wrote its last octet: a FIN follows.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether a FIN follows the data.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The end of the part that holds `at`, and whether more may be added to it.
    #[inline]
    pub(crate) fn part_at(&self, at: Offset) -> Option<(Offset, bool)> {
        self.units.at(at)
    }

    /// Whether a segment that ends at `end` ends a part that was pushed.
    #[inline]
    pub(crate) fn is_pushed(&self, end: Offset) -> bool {
        self.units.is_pushed(end)
    }

    /// The first part that was not sent whole takes from the next what it lacks for `octets` from `at` on
    /// (`tcp_grow_skb`).
    #[inline]
    pub(crate) fn fill_part(&mut self, at: Offset, octets: u64) {
        self.units.fill_first(at, octets);
    }

    /// Whether a part ends at `end` that began before `start`.
    pub(crate) fn is_end_of_part_with(&self, start: Offset, end: Offset) -> bool {
        self.units.is_end_of_part_with(start, end)
    }

    /// Everything before `next` was sent; `push` if PSH was set there.
    #[inline]
    pub(crate) fn on_sent(&mut self, next: Offset, push: bool) {
        let divided = self.divided();
        self.units.on_sent(next, divided, push);
    }

    /// Data from `at` on, `len` octets.
    #[inline]
    pub(crate) fn slice(&self, at: Offset, len: u32) -> Payload {
        self.queue.slice(at.0, len)
    }

    /// Everything before `ack` was acknowledged.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset) {
        self.queue.discard_before(ack.0.min(self.queue.end()));
        self.units.acknowledge(ack);
    }

    /// Whether a writer waits that can go on now; it is told once.
    #[inline]
    pub(crate) fn wake(&mut self, next: Offset) -> bool {
        let woken = self.wanted && self.is_writable(next);
        self.wanted &= !woken;
        woken
    }

    /// Forgets what was written from `at` on, and says how many octets that were.
    pub(crate) fn truncate(&mut self, at: Offset) -> u64 {
        let forgotten = self.end().saturating_since(at);
        if forgotten > 0 {
            self.queue.truncate(at.0);
            self.units.truncate(at);
        }
        forgotten
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.queue.heap_octets() + self.units.heap_octets()
    }

    /// Forgets all data (the connection is gone).
    pub(crate) fn clear(&mut self) {
        let end = self.queue.end();
        self.queue.discard_before(end);
        self.units = SendUnits::default();
        self.wanted = false;
    }
}
