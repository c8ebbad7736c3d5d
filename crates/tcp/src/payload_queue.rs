//! A byte queue of payload runs: what one run can say is never copied, and a single run needs no heap.

use std::collections::VecDeque;

use faultwire_wire::Payload;

/// Payloads in order, by position in the stream. Positions only grow.
#[derive(Clone, Debug)]
pub(crate) struct PayloadQueue {
    head: Payload,
    head_at: u64,
    more: VecDeque<(u64, Payload)>,
    start: u64,
    end: u64,
}

impl PayloadQueue {
    /// Empty, at position `start`.
    pub(crate) fn new(start: u64) -> Self {
        Self { head: Payload::EMPTY, head_at: start, more: VecDeque::new(), start, end: start }
    }

    /// Position of the first octet.
    #[inline]
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Position after the last octet.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Octets.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Appends `payload`.
    #[inline]
    pub(crate) fn push(&mut self, payload: &Payload) {
        if self.start == self.end {
            self.head = payload.clone();
            self.head_at = self.end;
        } else {
            let joined = match self.more.back_mut() {
                None => self.head.try_append(payload),
                Some((_, last)) => last.try_append(payload),
            };
            if !joined {
                self.more.push_back((self.end, payload.clone()));
            }
        }
        self.end += u64::from(payload.len());
    }

    /// Drops what is before `position`.
    #[inline]
    pub(crate) fn discard_before(&mut self, position: u64) {
        assert!(position <= self.end, "discarding more than is queued");
        self.start = self.start.max(position);
        while self.start - self.head_at >= u64::from(self.head.len()) {
            let Some((at, next)) = self.more.pop_front() else { break };
            (self.head_at, self.head) = (at, next);
        }
        if self.start == self.end {
            // An idle connection owns no heap, and keeps no shared bytes alive.
            self.head = Payload::EMPTY;
            self.head_at = self.end;
            if self.more.capacity() > 0 {
                self.more = VecDeque::new();
            }
        }
    }

    /// Octets `position..position + len`; copied only if they lie in runs that can't be joined.
    #[inline]
    pub(crate) fn slice(&self, position: u64, len: u32) -> Payload {
        assert!(position >= self.start && position + u64::from(len) <= self.end, "slice outside the queue");
        let from = position - self.head_at;
        if from + u64::from(len) <= u64::from(self.head.len()) {
            return self.head.slice(from as u32, len);
        }
        self.gather(position, len)
    }

    /// The first run, at most `max` octets of it, without removing it.
    pub(crate) fn front(&self, max: u64) -> Payload {
        let from = (self.start - self.head_at) as u32;
        let len = (self.head.len() - from).min(u32::try_from(max).unwrap_or(u32::MAX));
        self.head.slice(from, len)
    }

    /// Takes at most `max` octets of the first run.
    pub(crate) fn take(&mut self, max: u64) -> Payload {
        let taken = self.front(max);
        self.discard_before(self.start + u64::from(taken.len()));
        taken
    }

    /// Octets of heap, those of the payloads apart.
    pub(crate) fn heap_octets(&self) -> usize {
        self.more.capacity() * size_of::<(u64, Payload)>()
    }

    /// [`Self::slice`] over several runs.
    fn gather(&self, position: u64, len: u32) -> Payload {
        let end = position + u64::from(len);
        let mut pieces = Vec::new();
        let mut at = position;
        let mut index = self.more.partition_point(|&(start, _)| start <= position);
        while at < end {
            let (start, run) = match index.checked_sub(1) {
                None => (self.head_at, &self.head),
                Some(index) => (self.more[index].0, &self.more[index].1),
            };
            let from = (at - start) as u32;
            let part = (run.len() - from).min((end - at) as u32);
            pieces.push(run.slice(from, part));
            at += u64::from(part);
            index += 1;
        }
        Payload::join(&pieces)
    }
}

#[cfg(test)]
mod tests;
