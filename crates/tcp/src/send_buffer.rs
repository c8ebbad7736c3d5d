//! What the user wrote and the peer has not acknowledged yet, with the end of the stream (RFC 9293 §3.9.1.2).

use faultwire_wire::Payload;

use crate::config::BufferConfig;
use crate::offset::Offset;
use crate::payload_queue::PayloadQueue;

/// The send buffer. Stream positions are those of the sequence space, the first octet being [`Offset::FIRST`].
#[derive(Clone, Debug)]
pub(crate) struct SendBuffer {
    queue: PayloadQueue,
    capacity: u64,
    fixed: bool,
    finished: bool,
    refused: bool,
}

impl SendBuffer {
    /// Empty.
    pub(crate) fn new(config: &BufferConfig) -> Self {
        Self {
            queue: PayloadQueue::new(Offset::FIRST.0),
            capacity: config.send,
            fixed: false,
            finished: false,
            refused: false,
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

    /// Room for data; unless its size was fixed, the buffer has grown to `automatic` octets.
    #[inline]
    pub(crate) fn room(&self, automatic: u64) -> u64 {
        let capacity = if self.fixed { self.capacity } else { self.capacity.max(automatic) };
        capacity.saturating_sub(self.queue.len())
    }

    /// Fixes the size (SO_SNDBUF). What is queued stays.
    pub(crate) fn set_capacity(&mut self, octets: u64) {
        self.capacity = octets;
        self.fixed = true;
    }

    /// Appends what fits and says how much that was.
    pub(crate) fn write(&mut self, payload: &Payload, automatic: u64) -> u64 {
        assert!(!self.finished, "writing after the end of the stream");
        let accepted = u64::from(payload.len()).min(self.room(automatic));
        self.refused = accepted < u64::from(payload.len());
        if accepted > 0 {
            if self.refused {
                self.queue.push(&payload.slice(0, accepted as u32));
            } else {
                self.queue.push(payload);
            }
        }
        accepted
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

    /// Data from `at` on, `len` octets.
    #[inline]
    pub(crate) fn slice(&self, at: Offset, len: u32) -> Payload {
        self.queue.slice(at.0, len)
    }

    /// Everything before `ack` was acknowledged. Says whether a writer waits for the room.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset, automatic: u64) -> bool {
        self.queue.discard_before(ack.0.min(self.queue.end()));
        self.refused && {
            // Wake the writer when a third is free (as Linux does), not for every segment.
            let woken = self.room(automatic) > self.queue.len() / 2;
            self.refused = !woken;
            woken
        }
    }

    /// Forgets what was written from `at` on, and says how many octets that were.
    pub(crate) fn truncate(&mut self, at: Offset) -> u64 {
        let forgotten = self.end().saturating_since(at);
        if forgotten > 0 {
            self.queue.truncate(at.0);
        }
        forgotten
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.queue.heap_octets()
    }

    /// Forgets all data (the connection is gone).
    pub(crate) fn clear(&mut self) {
        let end = self.queue.end();
        self.queue.discard_before(end);
        self.refused = false;
    }
}
