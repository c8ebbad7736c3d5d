//! In-order data for the user, and the window to offer for more (RFC 9293 §3.8.6.2.2, RFC 7323 §2).

mod offering;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Payload, Seq};

use crate::config::{BufferConfig, DataAhead, RightEdge, SequenceOrder};
use crate::negotiate::PathInfo;
use crate::offset::Offset;
use crate::payload_queue::PayloadQueue;
use crate::reassembly::{Kept, Reassembly};
use crate::receive_memory::{Arrived, FirstTerms, ReceiveMemory};
use crate::sack_list::SackList;

/// The receiving half of the stream: RCV.NXT, RCV.WND and the data on both sides of RCV.NXT.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveBuffer {
    isn: Seq,
    fin_taken: bool,
    queue: PayloadQueue,
    /// Boxed: nearly always there is nothing out of order.
    reassembly: Option<Box<Reassembly>>,
    next: Offset,
    edge: Offset,
    /// Where the peer's FIN is; [`Offset::default`] while it isn't known.
    fin: Offset,
    read_at_offer: u64,
    capacity: u64,
    fixed: bool,
    /// The window field is rounded up where it would take an offer back.
    rounds_up: bool,
    right_edge: RightEdge,
    tuning: Tuning,
    /// Where the kernel's memory is reckoned with. Boxed: other stacks have none.
    memory: Option<Box<ReceiveMemory>>,
}

/// Growth of the buffer with the rate at which the user reads (Linux's dynamic right-sizing).
#[derive(Clone, Debug)]
struct Tuning {
    last_round: u64,
    round_from: Offset,
    round_since: Instant,
}

/// What became of arriving text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It moved RCV.NXT.
    InOrder,
    /// It moved RCV.NXT and filled a hole, wholly or in part.
    FilledHole,
    /// It is ahead of RCV.NXT.
    OutOfOrder,
    /// It is ahead of RCV.NXT, and is not kept ([`DataAhead::Discarded`]).
    Discarded,
    /// It is ahead of RCV.NXT, and all of it was here before.
    Duplicate,
    /// It is ahead of RCV.NXT in so many pieces that the memory for them is used up.
    NoRoom,
}

impl ReceiveBuffer {
    /// Empty; the peer's SYN is not known yet.
    pub(crate) fn new(config: &BufferConfig, path: PathInfo) -> Self {
        let size = path.receive_size(config);
        Self {
            isn: Seq(0),
            fin_taken: false,
            queue: PayloadQueue::new(Offset::FIRST.0),
            reassembly: None,
            next: Offset::FIRST,
            edge: Offset::FIRST,
            fin: Offset::default(),
            read_at_offer: Offset::FIRST.0,
            capacity: size / config.receive_overhead.max(1),
            fixed: path.receive_buffer > 0,
            rounds_up: !config.round_to_segments,
            right_edge: config.right_edge,
            tuning: Tuning { last_round: 0, round_from: Offset::FIRST, round_since: Instant::ZERO },
            memory: config.receive_parts.then(|| Box::new(ReceiveMemory::new(size))),
        }
    }

    /// The peer's SYN arrived; `window` is the unscaled window that our own SYN offers or offered.
    pub(crate) fn synchronize(&mut self, isn: Seq, window: u16, now: Instant) {
        self.isn = isn;
        self.edge = Offset::FIRST + u64::from(window);
        self.tuning.round_since = now;
    }

    /// Windows begin, after [`ReceiveBuffer::synchronize`], where the kernel's memory is reckoned with.
    pub(crate) fn begin_window(&mut self, terms: &FirstTerms) {
        let Some(memory) = &mut self.memory else { return };
        self.edge = self.edge.max(Offset::FIRST + memory.begin(terms));
        self.tuning.last_round = memory.offered().min(memory.threshold()).min(10 * terms.announced);
    }

    /// Text was taken: `in_order` if it ends at RCV.NXT or lies before others that followed. Says whether the window may
    /// grow.
    #[inline]
    pub(crate) fn account(
        &mut self,
        arrived: &Arrived,
        end: Offset,
        in_order: bool,
        config: &BufferConfig,
        now: Instant,
    ) -> bool {
        let Some(memory) = &mut self.memory else { return false };
        if in_order {
            memory.measure(now, end);
            memory.keep(end, arrived, config, self.fixed);
        } else {
            memory.keep_ahead(arrived);
        }
        // Without SACK a window that grows would hide duplicate ACKs.
        let grows = (in_order || arrived.sack) && memory.learn(arrived, config, in_order);
        if in_order && self.next > end {
            let rest = self.reassembly.as_ref().is_some_and(|reassembly| !reassembly.is_empty());
            memory.bring_in_order(self.next, self.next - end, rest);
        }
        grows
    }

    /// Whether the window that can be offered now is as large as the last one was (Linux `__tcp_ack_snd_check`): if not,
    /// a read will tell of it.
    #[inline]
    pub(crate) fn keeps_window(&self, shift: u8, segment: u32) -> bool {
        match &self.memory {
            Some(memory) => self.queue.len() == 0 || memory.select(shift, segment).0 >= memory.offered(),
            None => true,
        }
    }

    /// Little memory is left for data.
    #[inline]
    pub(crate) fn is_tight(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.is_tight())
    }

    /// `rcv_ssthresh`, and what the user read in the last round trip.
    pub(crate) fn limits(&self) -> (u64, u64) {
        (self.memory.as_ref().map_or(self.capacity, |memory| memory.threshold()), self.tuning.last_round)
    }

    /// IRS.
    #[inline]
    pub(crate) fn isn(&self) -> Seq {
        self.isn
    }

    /// RCV.NXT.
    #[inline]
    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    /// RCV.NXT as it stands in a header.
    #[inline]
    pub(crate) fn next_seq(&self) -> Seq {
        self.next.to_seq(self.isn)
    }

    /// RCV.NXT + RCV.WND, as offered.
    #[inline]
    pub(crate) fn edge(&self) -> Offset {
        self.edge
    }

    /// How much is taken from RCV.NXT on, be it offered or not: where the buffer is in full segments, all that it has room
    /// for (FreeBSD `rcv_wnd`).
    #[inline]
    pub(crate) fn acceptance(&self) -> u64 {
        let offered = self.edge.saturating_since(self.next);
        if self.rounds_up { offered } else { offered.max(self.room()) }
    }

    /// RCV.NXT and [`ReceiveBuffer::acceptance`].
    #[inline]
    pub(crate) fn acceptance_edge(&self) -> Offset {
        self.next + self.acceptance()
    }

    /// Octets that the buffer has room for.
    #[inline]
    fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.queue.len())
    }

    /// The window field of a segment that offers nothing new: the room as it is, rounded down (FreeBSD `tcp_respond`).
    pub(crate) fn room_field(&self, shift: u8) -> u16 {
        (self.room() >> shift).min(u64::from(u16::MAX)) as u16
    }

    /// The position of a sequence number of the peer.
    #[inline]
    pub(crate) fn widen(&self, seq: Seq, order: SequenceOrder) -> Offset {
        Offset::widen(seq, self.next, self.isn, order)
    }

    /// Takes text that begins at `at`, which is at or after RCV.NXT and inside the window. Text ahead of RCV.NXT is kept
    /// (RFC 9293 §3.10.7.4, SHLD-31).
    #[inline]
    pub(crate) fn place(&mut self, at: Offset, payload: &Payload, ahead: DataAhead) -> Placed {
        if at > self.next {
            if ahead == DataAhead::Discarded {
                return Placed::Discarded;
            }
            let limit = self.capacity.saturating_mul(2);
            return match self.reassembly.get_or_insert_default().insert(at, payload, limit) {
                Kept::New => Placed::OutOfOrder,
                Kept::Duplicate => Placed::Duplicate,
                Kept::NoRoom => Placed::NoRoom,
            };
        }
        assert!(at == self.next, "text before RCV.NXT was not cut off");
        self.append(payload);
        let Some(reassembly) = self.reassembly.as_mut().filter(|reassembly| !reassembly.is_empty()) else {
            return Placed::InOrder;
        };
        if ahead == DataAhead::Reneged {
            self.reassembly = None;
            if let Some(memory) = &mut self.memory {
                memory.forget_ahead();
            }
            return Placed::FilledHole;
        }
        while let Some(payload) = reassembly.take(self.next) {
            self.queue.push(&payload);
            self.next = self.next + u64::from(payload.len());
        }
        Placed::FilledHole
    }

    /// Whether `length` octets at RCV.NXT are all inside the window and have neither a hole nor the peer's FIN to
    /// reckon with.
    #[inline]
    pub(crate) fn is_expecting(&self, length: u32) -> bool {
        self.next + u64::from(length) <= self.acceptance_edge()
            && self.reassembly().is_none()
            && self.fin().is_none()
    }

    /// Takes text at RCV.NXT.
    #[inline]
    pub(crate) fn append(&mut self, payload: &Payload) {
        self.queue.push(payload);
        self.next = self.next + u64::from(payload.len());
    }

    /// The peer's FIN is at `at`. Ahead of RCV.NXT it is reported among the SACK blocks, if `report` says so.
    pub(crate) fn finish_at(&mut self, at: Offset, report: bool) {
        if self.fin().is_none() && at >= self.next {
            self.fin = at;
        }
        if report && at > self.next && self.fin == at {
            self.reassembly.get_or_insert_default().cover_fin(at);
        }
    }

    /// Whether the peer's FIN is known, taken or not.
    #[inline]
    pub(crate) fn fin(&self) -> Option<Offset> {
        (self.fin != Offset::default()).then_some(self.fin)
    }

    /// Moves RCV.NXT over the FIN if all before it has arrived.
    #[inline]
    pub(crate) fn take_fin(&mut self) -> bool {
        let taken = !self.fin_taken && self.fin == self.next;
        if taken {
            self.fin_taken = true;
            self.next = self.next + 1;
            self.edge = self.edge.max(self.next);
            if let Some(reassembly) = &mut self.reassembly {
                reassembly.uncover(self.next);
            }
        }
        taken
    }

    /// Whether the peer's FIN was reached in order.
    pub(crate) fn is_finished(&self) -> bool {
        self.fin_taken
    }

    /// The end of what is furthest ahead of RCV.NXT, if anything is.
    pub(crate) fn highest(&self) -> Option<Offset> {
        let mut blocks = [(Offset::default(), Offset::default()); 4];
        let count = self.reassembly()?.report(blocks.len(), &mut blocks);
        blocks[..count].iter().map(|&(_, right)| right).max()
    }

    /// What is ahead of RCV.NXT, if anything is.
    #[inline]
    pub(crate) fn reassembly(&self) -> Option<&Reassembly> {
        self.reassembly.as_deref().filter(|reassembly| !reassembly.is_empty())
    }

    /// Whether there is something to report by SACK.
    #[inline]
    pub(crate) fn has_report(&self) -> bool {
        self.reassembly.as_ref().is_some_and(|reassembly| !reassembly.is_idle())
    }

    /// The SACK blocks in their order, at most `room` of them, into `blocks`; says how many.
    pub(crate) fn report(&self, room: usize, blocks: &mut [(Offset, Offset); 4]) -> usize {
        self.reassembly.as_ref().map_or(0, |reassembly| reassembly.report(room, blocks))
    }

    /// The list of SACK blocks takes note of something, with RCV.NXT.
    #[cold]
    pub(crate) fn note_in_list(&mut self, note: impl FnOnce(&mut SackList, Offset)) {
        note(self.reassembly.get_or_insert_default().list(), self.next);
    }

    /// An ACK of RCV.NXT went out with the report.
    #[cold]
    pub(crate) fn on_reported(&mut self) {
        if let Some(reassembly) = &mut self.reassembly {
            reassembly.list().reported(self.next);
        }
    }

    /// Frees what an idle connection needs not own.
    #[inline]
    pub(crate) fn release_memory(&mut self) {
        if self.reassembly.as_ref().is_some_and(|reassembly| reassembly.is_idle()) {
            self.reassembly = None;
        }
        if let Some(memory) = &mut self.memory {
            memory.release_memory();
        }
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.queue.heap_octets()
            + self.reassembly.as_ref().map_or(0, |reassembly| reassembly.heap_octets())
            + self.memory.as_ref().map_or(0, |memory| memory.heap_octets())
    }

    /// Octets that can be read.
    #[inline]
    pub(crate) fn readable(&self) -> u64 {
        self.queue.len()
    }

    /// Position of the first octet that was not read.
    pub(crate) fn read_position(&self) -> Offset {
        Offset(self.queue.start())
    }

    /// Reads at most `max` octets of one run.
    pub(crate) fn read(&mut self, max: u64) -> Payload {
        let payload = self.queue.take(max);
        if let Some(memory) = &mut self.memory {
            memory.on_read(Offset(self.queue.start()));
        }
        payload
    }

    /// The octet at `at`, which was received and not read.
    pub(crate) fn at(&self, at: Offset) -> Payload {
        self.queue.slice(at.0, 1)
    }

    /// Throws away what was not read.
    pub(crate) fn discard(&mut self) {
        while self.queue.len() > 0 {
            self.read(u64::MAX);
        }
    }

    /// All that can be read up to `max` octets, without taking it.
    pub(crate) fn peek(&self, max: u64) -> Vec<Payload> {
        let mut runs = Vec::new();
        let mut queue = self.queue.clone();
        let mut left = max;
        while left > 0 && queue.len() > 0 {
            let run = queue.take(left);
            left -= u64::from(run.len());
            runs.push(run);
        }
        runs
    }

    /// Fixes the size (SO_RCVBUF), bookkeeping included. An offered window stays offered.
    pub(crate) fn set_size(&mut self, octets: u64, config: &BufferConfig) {
        self.capacity = (octets / config.receive_overhead.max(1)).max(1);
        self.fixed = true;
        if let Some(memory) = &mut self.memory {
            memory.set_size(octets);
        }
    }

    /// What it can hold, bookkeeping included.
    pub(crate) fn size(&self, config: &BufferConfig) -> u64 {
        match &self.memory {
            Some(memory) => memory.size(),
            None => self.capacity * config.receive_overhead.max(1),
        }
    }

    /// The size of full segments is known: rounds the buffer up to a multiple of it, if it is to be.
    pub(crate) fn fit_segments(&mut self, config: &BufferConfig, segment: u32) {
        if config.round_to_segments && self.capacity > u64::from(segment) {
            let (_, most) = capacities(config);
            self.capacity = self.capacity.next_multiple_of(u64::from(segment)).min(most);
        }
    }

    /// Something was read. Once a round trip: if it was more than in any round before, make room for twice of it and
    /// some more, unless the user fixed the size. `segment` is the size of a full segment.
    #[inline]
    pub(crate) fn grow(
        &mut self,
        now: Instant,
        config: &BufferConfig,
        (round_trip, stamped): (Option<Duration>, bool),
        segment: u32,
    ) {
        let round_trip = match &self.memory {
            Some(memory) if !stamped => memory.round_trip(),
            _ => round_trip,
        };
        let Some(round_trip) = round_trip else { return };
        if self.fixed || now.saturating_since(self.tuning.round_since) < round_trip {
            return;
        }
        let (_, capacity_max) = capacities(config);
        if self.capacity < capacity_max || self.memory.is_some() {
            self.end_round(now, capacity_max, segment);
        }
    }

    fn end_round(&mut self, now: Instant, capacity_max: u64, segment: u32) {
        let tuning = &mut self.tuning;
        let read = Offset(self.queue.start());
        let copied = read - tuning.round_from;
        if copied > tuning.last_round {
            let wanted = 2 * copied + 16 * u64::from(segment);
            // The sender may still be growing: room for the same growth again, twice.
            let faster = wanted * (copied - tuning.last_round);
            let growth = faster.checked_div(tuning.last_round).unwrap_or(0);
            match &mut self.memory {
                Some(memory) => memory.grow(wanted + 2 * growth, 2 * capacity_max),
                None => self.capacity = self.capacity.max((wanted + 2 * growth).min(capacity_max)),
            }
            tuning.last_round = copied;
        }
        tuning.round_from = read;
        tuning.round_since = now;
    }
}

/// Octets of data that the buffers of `config` can offer, at first and at most.
fn capacities(config: &BufferConfig) -> (u64, u64) {
    let overhead = config.receive_overhead.max(1);
    (config.receive / overhead, config.receive_max.max(config.receive) / overhead)
}

/// The window that a SYN or SYN-ACK offers: unscaled (RFC 7323 §2.2).
pub(crate) fn first_window(config: &BufferConfig, path: PathInfo, segment: u16) -> u16 {
    let (window, segment) = (path.receive_size(config) / config.receive_overhead.max(1), u64::from(segment));
    let whole = config.whole_segments_at_first && window > segment;
    let window = if whole { window - window % segment } else { window };
    window.min(u64::from(u16::MAX)) as u16
}

#[cfg(test)]
mod tests;
