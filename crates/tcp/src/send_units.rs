//! What the send buffer is divided into: boundaries that no segment crosses, and the kernel's buffers, each with its own
//! cost.

use std::collections::VecDeque;

use crate::offset::Offset;

/// The parts of the send buffer in order, without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendUnits {
    /// Boxed: an idle connection has none.
    units: Option<Box<Units>>,
}

/// The parts, at the place up to which everything was sent divided in two: so a part is cut there without a move of
/// others.
#[derive(Clone, Debug, Default)]
struct Units {
    /// Those that were sent whole.
    sent: VecDeque<Unit>,
    /// The others.
    unsent: VecDeque<Unit>,
}

/// One part.
#[derive(Clone, Copy, Debug)]
struct Unit {
    start: Offset,
    end: Offset,
    /// Nothing may be added to it (`MSG_EOR`).
    is_record_end: bool,
    /// PSH belongs at its end.
    is_pushed: bool,
}

impl SendUnits {
    /// Room in the last part if parts hold `most` octets and, unless `divided`, data may be added to one that was sent
    /// in part.
    pub(crate) fn room_in_last(&self, most: u64, next: Offset, divided: bool) -> u64 {
        let Some(last) = self.units.as_ref().and_then(|units| units.last()) else { return 0 };
        let is_sent = if divided { last.start < next } else { last.end <= next };
        if last.is_record_end || is_sent { 0 } else { most.saturating_sub(last.end - last.start) }
    }

    /// Adds `octets` at `start` to the last part.
    pub(crate) fn extend_last(&mut self, octets: u64) {
        let last = self.units.as_mut().and_then(|units| units.last_mut()).expect("a part to extend");
        last.end = last.end + octets;
        last.is_pushed = false;
    }

    /// Adds a part of `octets` at `start`.
    pub(crate) fn append(&mut self, start: Offset, octets: u64) {
        let unit = Unit { start, end: start + octets, is_record_end: false, is_pushed: false };
        self.units.get_or_insert_default().unsent.push_back(unit);
    }

    /// PSH belongs at the end of the last part.
    pub(crate) fn push_last(&mut self) {
        if let Some(last) = self.units.as_mut().and_then(|units| units.last_mut()) {
            last.is_pushed = true;
        }
    }

    /// Whether a part ends at `end` and was pushed.
    #[inline]
    pub(crate) fn is_pushed(&self, end: Offset) -> bool {
        let Some(units) = &self.units else { return false };
        if let Some(unit) = units.unsent.front()
            && unit.start < end
        {
            if end <= unit.end {
                // New data comes from the first part that was not sent whole.
                return end == unit.end && unit.is_pushed;
            }
            return is_pushed_among(&units.unsent, end);
        }
        match units.sent.back() {
            Some(last) if last.end == end => last.is_pushed,
            _ => is_pushed_among(&units.sent, end),
        }
    }

    /// Whether a part ends at `end` that was sent whole and began before `start`.
    pub(crate) fn is_end_of_part_with(&self, start: Offset, end: Offset) -> bool {
        let Some(units) = &self.units else { return false };
        let index = units.sent.partition_point(|unit| unit.end < end);
        units.sent.get(index).is_some_and(|unit| unit.end == end && unit.start < start)
    }

    /// The last part ends a record.
    pub(crate) fn end_record(&mut self) {
        if let Some(last) = self.units.as_mut().and_then(|units| units.last_mut()) {
            last.is_record_end = true;
        }
    }

    /// The first part that was not sent whole takes from the next what it lacks for `octets` from `at` on, unless a record
    /// ends with it.
    #[inline]
    pub(crate) fn fill_first(&mut self, at: Offset, octets: u64) {
        let Some(units) = &mut self.units else { return };
        let [missing, there] = match (units.unsent.front(), units.unsent.get(1)) {
            (Some(first), Some(second)) if !first.is_record_end && first.end > at => {
                [octets.saturating_sub(first.end - at), second.end - second.start]
            }
            _ => return,
        };
        let moved = missing.min(there);
        if moved == 0 {
            return;
        }
        units.unsent[0].end = units.unsent[0].end + moved;
        units.unsent[1].start = units.unsent[1].start + moved;
        if moved == there {
            let second = units.unsent.remove(1).expect("there are two");
            units.unsent[0].is_record_end = second.is_record_end;
            units.unsent[0].is_pushed |= second.is_pushed;
        }
    }

    /// The end of the part that holds `at`, and whether it is the last; `None` if there is no such part.
    #[inline]
    pub(crate) fn at(&self, at: Offset) -> Option<(Offset, bool)> {
        let unsent = &self.units.as_ref()?.unsent;
        let index = unsent.iter().position(|unit| at < unit.end)?;
        Some((unsent[index].end, index + 1 == unsent.len()))
    }

    /// Everything before `next` was sent. If parts are `divided`, the one that holds it is cut there; `push` if the part
    /// before the cut was sent with PSH.
    #[inline]
    pub(crate) fn on_sent(&mut self, next: Offset, divided: bool, push: bool) {
        let Some(units) = &mut self.units else { return };
        while let Some(unit) = units.unsent.front_mut() {
            if unit.end <= next {
                unit.is_pushed |= push && unit.end == next;
                units.sent.extend(units.unsent.pop_front());
                continue;
            }
            if divided && unit.start < next {
                let head = Unit { end: next, is_record_end: false, is_pushed: push, ..*unit };
                unit.start = next;
                units.sent.push_back(head);
            }
            return;
        }
    }

    /// Everything from `end` on is forgotten; what is left is pushed.
    pub(crate) fn truncate(&mut self, end: Offset) {
        let Some(units) = &mut self.units else { return };
        while units.last().is_some_and(|unit| unit.start >= end) {
            let last = units.unsent.pop_back();
            last.or_else(|| units.sent.pop_back());
        }
        if let Some(last) = units.last_mut() {
            last.end = last.end.min(end);
        }
        if units.is_empty() {
            *self = Self::default();
        }
        self.push_last();
    }

    /// Everything before `ack` was acknowledged.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset) {
        let Some(units) = &mut self.units else { return };
        while units.sent.front().is_some_and(|unit| unit.end <= ack) {
            units.sent.pop_front();
        }
        if units.sent.is_empty() {
            while units.unsent.front().is_some_and(|unit| unit.end <= ack) {
                units.unsent.pop_front();
            }
            if units.is_empty() {
                *self = Self::default();
            }
        }
    }

    /// How many parts there are.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.units.as_ref().map_or(0, |units| (units.sent.len() + units.unsent.len()) as u64)
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.units.as_ref().map_or(0, |units| {
            let room = units.sent.capacity() + units.unsent.capacity();
            size_of_val(&**units) + room * size_of::<Unit>()
        })
    }
}

impl Units {
    fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.unsent.is_empty()
    }

    #[inline]
    fn last(&self) -> Option<&Unit> {
        self.unsent.back().or_else(|| self.sent.back())
    }

    #[inline]
    fn last_mut(&mut self) -> Option<&mut Unit> {
        self.unsent.back_mut().or_else(|| self.sent.back_mut())
    }
}

/// Whether one of `units` ends at `end` and was pushed.
fn is_pushed_among(units: &VecDeque<Unit>, end: Offset) -> bool {
    let index = units.partition_point(|unit| unit.end < end);
    units.get(index).is_some_and(|unit| unit.end == end && unit.is_pushed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Offset = Offset::FIRST;

    /// A part that was sent in part is cut there, and only the rest can grow; a record's end can't.
    #[test]
    fn parts_are_cut_where_sending_stops() {
        let mut units = SendUnits::default();
        assert_eq!(units.room_in_last(3000, START, true), 0);
        units.append(START, 2500);
        assert_eq!(units.room_in_last(3000, START, true), 500);
        units.on_sent(START + 2000, true, true);
        assert!(units.is_pushed(START + 2000) && !units.is_pushed(START + 2500));
        assert_eq!((units.count(), units.at(START + 2000)), (2, Some((START + 2500, true))));
        assert_eq!(units.room_in_last(3000, START + 2000, true), 2500);
        units.extend_last(100);
        units.end_record();
        assert_eq!(units.at(START + 2000), Some((START + 2600, true)));
        assert_eq!(units.room_in_last(3000, START + 2000, true), 0);
        units.acknowledge(START + 1999);
        assert_eq!(units.count(), 2);
        units.acknowledge(START + 2600);
        assert_eq!((units.count(), units.heap_octets()), (0, 0));
    }

    /// What is forgotten leaves no part behind, and what is left ends with PSH.
    #[test]
    fn parts_are_forgotten() {
        let mut units = SendUnits::default();
        units.append(START, 100);
        units.append(START + 100, 100);
        units.on_sent(START + 50, true, false);
        units.truncate(START + 50);
        assert_eq!((units.count(), units.at(START + 50)), (1, None));
        assert!(units.is_pushed(START + 50));
        units.append(START + 50, 10);
        assert_eq!(units.at(START + 50), Some((START + 60, true)));
    }

    /// Without division a part grows although its beginning was sent.
    #[test]
    fn a_stream_is_one_part() {
        let mut units = SendUnits::default();
        units.append(START, 100);
        units.on_sent(START + 50, false, false);
        assert_eq!(units.room_in_last(u64::MAX, START + 50, false), u64::MAX - 100);
        assert_eq!(units.at(START + 50), Some((START + 100, true)));
        units.on_sent(START + 100, false, true);
        assert_eq!(units.at(START + 50), None);
    }
}
