//! What received data costs where it is kept in the kernel's buffers, and the window that follows from it (Linux
//! `tcp_select_window`, `tcp_grow_window`, `tcp_measure_rcv_mss`).

use std::collections::VecDeque;

use faultwire_base::{Duration, Instant};

use crate::config::BufferConfig;
use crate::offset::Offset;

/// The memory of one receiver.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveMemory {
    /// What the buffers may cost (`sk_rcvbuf`), and what they do (`sk_rmem_alloc`).
    size: u64,
    charged: u64,
    /// How much of the memory is offered as window, in 256ths (`scaling_ratio`).
    share: u64,
    /// The window is at most the clamp, and so far at most the threshold (`window_clamp`, `rcv_ssthresh`).
    clamp: u64,
    threshold: u64,
    /// The window that was offered last, and RCV.NXT then (`rcv_wnd`, `rcv_wup`).
    window: u64,
    offered_at: Offset,
    /// Little memory was left then.
    tight: bool,
    /// The MSS that we announced, less the octets of timestamps.
    announced: u64,
    queue: VecDeque<Kept>,
    /// What is out of order: octets, and what they cost.
    ahead: [u64; 2],
    /// The round trip as the receiver sees it without timestamps: the time in which a window of data came, the least so
    /// far (`tcp_rcv_rtt_measure`); zero if none did. And when the latest measurement began and will end.
    round_trip: Duration,
    lap_since: Instant,
    lap_end: Offset,
}

/// Data of one buffer, in order.
#[derive(Clone, Copy, Debug)]
struct Kept {
    end: Offset,
    cost: u32,
    /// So much more fits in it.
    room: u32,
}

/// What the window of a connection begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstTerms {
    /// Full segments that the first window is rounded to.
    pub(crate) segment: u64,
    /// The MSS that we announced, less the octets of timestamps.
    pub(crate) announced: u64,
    /// The shift of the window that we announced, if windows are scaled.
    pub(crate) shift: Option<u8>,
}

/// A segment with text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// Octets of text, and of the headers before it from IP on.
    pub(crate) length: u32,
    pub(crate) headers: u32,
    /// The segment that the receiver takes for a full one, before this came.
    pub(crate) full_segment: u32,
    /// What is out of order is reported by SACK.
    pub(crate) sack: bool,
}

/// Half of the memory is offered at first.
const HALF: u64 = 128;
/// The least clamp (`SOCK_MIN_RCVBUF / 2`).
const LEAST_CLAMP: u64 = 1152;
/// From so many octets on, text lets the window grow.
const GROWS_WINDOW: u32 = 128;
/// An idle connection owns memory for at most so many buffers (256 octets).
const KEPT_MOST: usize = 16;

impl ReceiveMemory {
    /// Nothing is kept.
    pub(crate) fn new(size: u64) -> Self {
        Self {
            size,
            charged: 0,
            share: HALF,
            clamp: 0,
            threshold: 0,
            window: 0,
            offered_at: Offset::FIRST,
            tight: false,
            announced: 0,
            queue: VecDeque::new(),
            ahead: [0; 2],
            round_trip: Duration::ZERO,
            lap_since: Instant::ZERO,
            lap_end: Offset::default(),
        }
    }

    /// What the buffers may cost.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Sets what the buffers may cost; what is there stays.
    pub(crate) fn set_size(&mut self, octets: u64) {
        self.size = octets;
    }

    /// Our own SYN offered a window (`tcp_select_initial_window`, `tcp_init_buffer_space`). Says how far it reaches.
    pub(crate) fn begin(&mut self, terms: &FirstTerms) -> u64 {
        let most = self.size / 2;
        let shift = terms.shift.unwrap_or(0);
        let mut clamp = (u64::from(u16::MAX) << shift).min(most);
        self.window = if most > terms.segment { most - most % terms.segment } else { most };
        self.announced = terms.announced;
        if clamp > 2 * terms.announced && clamp + terms.announced > most {
            clamp = (2 * terms.announced).max(most.saturating_sub(terms.announced));
        }
        self.clamp = clamp;
        self.threshold = self.window.min(clamp);
        self.window
    }

    /// What the window may grow to for now (`rcv_ssthresh`).
    pub(crate) fn threshold(&self) -> u64 {
        self.threshold
    }

    fn window_of(&self, memory: u64) -> u64 {
        (memory * self.share) >> 8
    }

    fn free(&self) -> u64 {
        self.window_of(self.size.saturating_sub(self.charged))
    }

    /// What is left of the window that was offered last (`tcp_receive_window`).
    pub(crate) fn left(&self, next: Offset) -> u64 {
        (self.offered_at + self.window).saturating_since(next)
    }

    /// The window as it was offered last.
    pub(crate) fn offered(&self) -> u64 {
        self.window
    }

    /// What the window is at most.
    pub(crate) fn clamp(&self) -> u64 {
        self.clamp
    }

    /// The window to offer now, and whether little memory is left (`__tcp_select_window`).
    pub(crate) fn select(&self, shift: u8, segment: u32) -> (u64, bool) {
        let allowed = self.window_of(self.size);
        let full = self.clamp.min(allowed);
        let segment = u64::from(segment).min(full);
        if segment == 0 {
            return (0, false);
        }
        let mut free = self.free();
        let tight = free < full / 2;
        if tight {
            free = free >> shift << shift;
            if free < allowed >> 4 || free < segment {
                return (0, true);
            }
        }
        free = free.min(self.threshold);
        let window = if shift > 0 {
            free.next_multiple_of(1 << shift)
        } else if self.window + segment <= free || self.window > free {
            free - free % segment
        } else if segment == full && free > self.window + full / 2 {
            free
        } else {
            self.window
        };
        (window, tight)
    }

    /// Offers a window at RCV.NXT: never less than before (`tcp_select_window`). Says what it is.
    pub(crate) fn offer(&mut self, next: Offset, shift: u8, segment: u32) -> u64 {
        let left = self.left(next);
        let (selected, tight) = self.select(shift, segment);
        self.tight = tight;
        self.window = if selected < left { left.next_multiple_of(1 << shift) } else { selected };
        self.offered_at = next;
        self.window
    }

    /// Little memory was left when a window was offered last.
    #[inline]
    pub(crate) fn is_tight(&self) -> bool {
        self.tight
    }

    /// RCV.NXT is `next` now: the round trip is measured.
    #[inline]
    pub(crate) fn measure(&mut self, now: Instant, next: Offset) {
        if self.lap_end != Offset::default() {
            if next < self.lap_end {
                return;
            }
            let lap = now.saturating_since(self.lap_since).max(Duration::from_micros(1));
            self.round_trip = if self.round_trip.is_zero() { lap } else { self.round_trip.min(lap) };
        }
        (self.lap_since, self.lap_end) = (now, next + self.window);
    }

    /// The round trip that was measured, if one was.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        (!self.round_trip.is_zero()).then_some(self.round_trip)
    }

    /// Text at `end` was taken in order and is kept.
    pub(crate) fn keep(&mut self, end: Offset, arrived: &Arrived, config: &BufferConfig, fixed: bool) {
        self.make_room(config, fixed);
        let at = Offset(end.0 - u64::from(arrived.length));
        if let Some(last) = self.queue.back_mut()
            && last.end == at
            && last.room >= arrived.length
        {
            last.end = end;
            last.room -= arrived.length;
            return;
        }
        let (cost, room) = arrived.cost();
        self.queue.push_back(Kept { end, cost, room });
        self.charged += u64::from(cost);
    }

    /// Text was taken out of order and is kept.
    pub(crate) fn keep_ahead(&mut self, arrived: &Arrived) {
        let cost = u64::from(arrived.cost().0);
        self.ahead = [self.ahead[0] + u64::from(arrived.length), self.ahead[1] + cost];
        self.charged += cost;
    }

    /// What was out of order is thrown away.
    pub(crate) fn forget_ahead(&mut self) {
        self.charged -= self.ahead[1].min(self.charged);
        self.ahead = [0; 2];
    }

    /// `octets` that were out of order follow in order, up to `end`; `rest` if others do not.
    pub(crate) fn bring_in_order(&mut self, end: Offset, octets: u64, rest: bool) {
        let [total, cost] = self.ahead;
        let moved = if rest { cost * octets.min(total) / total.max(1) } else { cost };
        self.ahead = if rest { [total - octets.min(total), cost - moved] } else { [0; 2] };
        let moved = u32::try_from(moved).unwrap_or(u32::MAX);
        self.queue.push_back(Kept { end, cost: moved, room: 0 });
    }

    /// Everything before `at` was read.
    #[inline]
    pub(crate) fn on_read(&mut self, at: Offset) {
        while let Some(first) = self.queue.front().filter(|kept| kept.end <= at) {
            self.charged -= u64::from(first.cost).min(self.charged);
            self.queue.pop_front();
        }
    }

    /// What a segment tells about the cost of data, and what the window may be after it (`tcp_measure_rcv_mss`,
    /// `tcp_grow_window`). Says whether the window may grow.
    pub(crate) fn learn(&mut self, arrived: &Arrived, config: &BufferConfig, in_order: bool) -> bool {
        let (cost, length) = (u64::from(arrived.cost().0), u64::from(arrived.length));
        if in_order && arrived.length > arrived.full_segment {
            let share = (length << 8) / cost;
            if share != self.share {
                self.share = share.max(1);
                self.set_clamp(self.window_of(self.size));
            }
        }
        let limit = self.clamp.min(self.free());
        if in_order && arrived.length < GROWS_WINDOW || limit <= self.threshold {
            return false;
        }
        let full = if in_order { arrived.full_segment.max(arrived.length) } else { arrived.full_segment };
        let mut step = 2 * self.announced;
        if self.window_of(cost) > length {
            let mut cost = self.window_of(cost) / 2;
            let mut window = self.window_of(config.receive_max) / 2;
            while cost > length && self.threshold <= window {
                (cost, window) = (cost / 2, window / 2);
            }
            if self.threshold > window {
                return false;
            }
            step = 2 * u64::from(full);
        }
        self.threshold = limit.min(self.threshold + step.max(2 * length));
        true
    }

    /// The buffers may cost more, so that `window` can be offered.
    pub(crate) fn grow(&mut self, window: u64, most: u64) {
        let size = ((window << 8) / self.share).min(most);
        if size > self.size {
            self.size = size;
            self.set_clamp(self.window_of(size));
        }
    }

    /// `tcp_set_window_clamp`.
    pub(crate) fn set_clamp(&mut self, octets: u64) {
        let clamp = octets.max(LEAST_CLAMP);
        if clamp < self.clamp {
            self.threshold = self.threshold.min(clamp);
        } else if clamp > self.clamp {
            self.threshold = self.threshold.max(self.window.min(clamp));
        }
        self.clamp = clamp;
    }

    /// Memory is used up: the buffers may cost what they do, unless the user fixed their size (`tcp_clamp_window`).
    fn make_room(&mut self, config: &BufferConfig, fixed: bool) {
        if self.charged <= self.size {
            return;
        }
        if !fixed {
            self.size = self.size.max(self.charged.min(config.receive_max));
        }
        if self.charged > self.size {
            self.threshold = self.clamp.min(2 * self.announced);
        }
    }

    /// Octets of heap, without what the queue has spare.
    pub(crate) fn heap_octets(&self) -> usize {
        // Not by capacity, which a copy of a connection need not share: reports of both are equal.
        size_of::<Self>() + self.queue.len() * size_of::<Kept>()
    }

    /// Frees what an idle connection needs not own. What a flow takes that is read as it comes stays: it would be taken
    /// again with the next segment.
    pub(crate) fn release_memory(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > KEPT_MOST {
            self.queue = VecDeque::new();
        }
    }
}

impl Arrived {
    /// What the buffer of the segment costs, and how much more data fits in it: the headers and 64 octets stand before the
    /// data, 320 behind it, memory comes in sizes of 576 octets and powers of two, and the description takes 256.
    fn cost(&self) -> (u32, u32) {
        let before = 64 + self.headers;
        let needed = (before + self.length).next_multiple_of(64) + 320;
        let size = if needed <= 576 { 576 } else { needed.next_power_of_two().max(1024) };
        (size + 256, size - 320 - before - self.length)
    }
}

#[cfg(test)]
mod tests;
