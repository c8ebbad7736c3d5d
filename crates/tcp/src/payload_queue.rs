//! A byte queue of payload runs: what one run can say is never copied, and a single run needs no heap.

use std::collections::VecDeque;

use faultwire_wire::Payload;

/// Payloads in order, by position in the stream. Positions only grow.
#[derive(Clone, Debug)]
pub(crate) struct PayloadQueue {
    head: Payload,
    /// Octets of the head that are gone.
    consumed: u32,
    /// Further runs with their positions; boxed, since most queues never have any.
    #[expect(clippy::box_collection, reason = "a word in each idle connection instead of four")]
    more: Option<Box<VecDeque<(u64, Payload)>>>,
    start: u64,
    end: u64,
}

impl PayloadQueue {
    /// Empty, at position `start`.
    pub(crate) fn new(start: u64) -> Self {
        Self { head: Payload::EMPTY, consumed: 0, more: None, start, end: start }
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
            self.consumed = 0;
        } else {
            let last = self.more.as_mut().and_then(|more| more.back_mut());
            let joined = match last {
                None => self.head.try_append(payload),
                Some((_, last)) => last.try_append(payload),
            };
            if !joined {
                self.more.get_or_insert_default().push_back((self.end, payload.clone()));
            }
        }
        self.end += u64::from(payload.len());
    }

    /// Drops what is before `position`.
    #[inline]
    pub(crate) fn discard_before(&mut self, position: u64) {
        assert!(position <= self.end, "discarding more than is queued");
        if position <= self.start {
            return;
        }
        let mut head_at = self.start - u64::from(self.consumed);
        self.start = position;
        if position == self.end {
            // An idle connection owns no heap, and keeps no shared bytes alive.
            self.head = Payload::EMPTY;
            self.consumed = 0;
            self.more = None;
            return;
        }
        while position - head_at >= u64::from(self.head.len()) {
            let next = self.more.as_mut().and_then(|more| more.pop_front());
            (head_at, self.head) = next.expect("what is queued lies in runs");
        }
        self.consumed = (position - head_at) as u32;
    }

    /// Drops what is at `position` and after it.
    pub(crate) fn truncate(&mut self, position: u64) {
        assert!((self.start..=self.end).contains(&position), "cutting outside the queue");
        if position == self.end {
            return;
        }
        if position == self.start {
            let end = self.end;
            self.discard_before(end);
            (self.start, self.end) = (position, position);
            return;
        }
        self.end = position;
        while let Some((at, last)) = self.more.as_mut().and_then(|more| more.back_mut()) {
            if *at < position {
                *last = last.slice(0, (position - *at) as u32);
                return;
            }
            self.more.as_mut().expect("it has a last run").pop_back();
        }
        let head_at = self.start - u64::from(self.consumed);
        self.head = self.head.slice(0, (position - head_at) as u32);
    }

    /// Octets `position..position + len`; copied only if they lie in runs that can't be joined.
    #[inline]
    pub(crate) fn slice(&self, position: u64, len: u32) -> Payload {
        assert!(position >= self.start && position + u64::from(len) <= self.end, "slice outside the queue");
        let from = position - self.start + u64::from(self.consumed);
        if from + u64::from(len) <= u64::from(self.head.len()) {
            return self.head.slice(from as u32, len);
        }
        self.gather(position, len)
    }

    /// The first run, at most `max` octets of it, without removing it.
    pub(crate) fn front(&self, max: u64) -> Payload {
        let len = (self.head.len() - self.consumed).min(u32::try_from(max).unwrap_or(u32::MAX));
        self.head.slice(self.consumed, len)
    }

    /// Takes at most `max` octets of the first run.
    #[inline]
    pub(crate) fn take(&mut self, max: u64) -> Payload {
        if self.consumed == 0 && self.more.is_none() && self.len() <= max {
            // All there is, in one run.
            self.start = self.end;
            return std::mem::replace(&mut self.head, Payload::EMPTY);
        }
        let taken = self.front(max);
        self.discard_before(self.start + u64::from(taken.len()));
        taken
    }

    /// Octets of heap, those of the payloads apart.
    pub(crate) fn heap_octets(&self) -> usize {
        self.more
            .as_ref()
            .map_or(0, |more| size_of_val(&**more) + more.capacity() * size_of::<(u64, Payload)>())
    }

    /// [`Self::slice`] over several runs.
    fn gather(&self, position: u64, len: u32) -> Payload {
        let end = position + u64::from(len);
        let mut pieces = Vec::new();
        let mut at = position;
        let head = (self.start - u64::from(self.consumed), self.head.clone());
        let none = VecDeque::new();
        let more = self.more.as_deref().unwrap_or(&none);
        let mut index = more.partition_point(|&(start, _)| start <= position);
        while at < end {
            let &(start, ref run) = match index.checked_sub(1) {
                None => &head,
                Some(index) => &more[index],
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
