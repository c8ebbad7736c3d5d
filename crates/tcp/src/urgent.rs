//! Urgent data: a mark in the stream (RFC 9293 §3.8.5), or one octet beside it, as kernels have it (RFC 6093 §3.2).

use crate::config::UrgentRule;
use crate::offset::Offset;
use crate::tcb::Tcb;

/// Urgent marks of both directions; boxed, since nearly no connection has any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Urgent {
    marks: Option<Box<Marks>>,
}

/// A mark names the first octet after the urgent data (MUST-62).
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    send: Offset,
    receive: Offset,
    /// The user took the octet before the mark.
    taken: bool,
    /// The user said whether urgent data stays in the stream (`SO_OOBINLINE`).
    in_line: Option<bool>,
}

/// The urgent octet, as a reader of the stream meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UrgentOctet {
    pub(crate) at: Offset,
    /// It is part of what a reader gets.
    pub(crate) in_line: bool,
    pub(crate) taken: bool,
}

impl Urgent {
    /// All written up to `mark` is urgent.
    pub(crate) fn send_until(&mut self, mark: Offset) {
        let marks = self.marks.get_or_insert_default();
        marks.send = marks.send.max(mark);
    }

    /// What was written after `end` is forgotten.
    pub(crate) fn forget_after(&mut self, end: Offset) {
        if let Some(marks) = &mut self.marks {
            marks.send = marks.send.min(end);
        }
    }

    /// The urgent pointer of a segment that begins at `seq`, if urgent data is at or after it.
    #[inline]
    pub(crate) fn pointer(&self, seq: Offset) -> Option<u16> {
        let marks = self.marks.as_ref().filter(|marks| marks.send > seq)?;
        // MUST-31: longer urgent data shows its full length in later segments.
        Some(u16::try_from(marks.send - seq).unwrap_or(u16::MAX))
    }

    /// A pointer arrived that names `mark`; says whether it advanced beyond what was told and `read` (MUST-32).
    pub(crate) fn receive_until(&mut self, mark: Offset, read: Offset) -> bool {
        let marks = self.marks.get_or_insert_default();
        let news = mark > marks.receive && mark > read;
        marks.receive = marks.receive.max(mark);
        marks.taken &= !news;
        news
    }

    /// Octets from the read position up to the mark (MUST-33).
    pub(crate) fn remaining(&self, read: Offset) -> u64 {
        self.received().map_or(0, |mark| mark.saturating_since(read))
    }

    /// Whether there are marks at all.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.marks.is_some()
    }

    /// `SO_OOBINLINE`.
    pub(crate) fn set_in_line(&mut self, on: bool) {
        self.marks.get_or_insert_default().in_line = Some(on);
    }

    /// `SO_OOBINLINE`.
    pub(crate) fn is_in_line(&self, rule: UrgentRule) -> bool {
        let said = self.marks.as_ref().and_then(|marks| marks.in_line);
        said.unwrap_or(rule == UrgentRule::InLine)
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.marks.as_ref().map_or(0, |_| size_of::<Marks>())
    }

    fn received(&self) -> Option<Offset> {
        self.marks.as_ref().map(|marks| marks.receive).filter(|&mark| mark != Offset::default())
    }

    fn take_octet(&mut self) {
        self.marks.get_or_insert_default().taken = true;
    }
}

/// The octet before the mark, unless a reader has passed it.
pub(crate) fn octet(tcb: &Tcb) -> Option<UrgentOctet> {
    let rule = tcb.config.arrival.urgent;
    let marks = tcb.urgent.marks.as_ref()?;
    let at = Offset(tcb.urgent.received()?.0 - 1);
    let ahead = at >= tcb.receive.read_position();
    ahead.then(|| UrgentOctet { at, in_line: tcb.urgent.is_in_line(rule), taken: marks.taken })
}

/// A pointer arrived that names `mark`. Says whether that is news. An urgent octet at the read position that nobody has
/// taken is lost then, as in the kernels.
pub(crate) fn receive_until(tcb: &mut Tcb, mark: Offset) -> bool {
    let read = tcb.receive.read_position();
    // In the kernels what has arrived does not become urgent any more.
    if tcb.config.arrival.urgent != UrgentRule::InLine && mark <= tcb.receive.next() {
        return false;
    }
    let before = octet(tcb).filter(|octet| octet.at == read && !octet.in_line);
    let news = tcb.urgent.receive_until(mark, read);
    if news && before.is_some() && tcb.receive.readable() > 0 {
        tcb.receive.read(1);
    }
    news
}

/// How a read of at most `max` octets goes: whether it passes over an urgent octet that is not part of the stream, and
/// how far it may go then. It never goes from before the urgent octet on to it, unless that is in line by the letter.
pub(crate) fn reach(tcb: &Tcb, max: u64) -> (bool, u64) {
    let Some(octet) = octet(tcb) else { return (false, max) };
    let read = tcb.receive.read_position();
    if octet.at == read {
        return (!octet.in_line && tcb.receive.readable() > 0, max);
    }
    let stops = !octet.in_line || tcb.config.arrival.urgent != UrgentRule::InLine;
    (false, if stops { max.min(octet.at - read) } else { max })
}

/// As [`reach`], and what is passed over is gone.
pub(crate) fn begin_read(tcb: &mut Tcb, max: u64) -> u64 {
    let (passes_over, max) = reach(tcb, max);
    if passes_over {
        tcb.receive.read(1);
    }
    max
}

/// Octets that the next reads give before or after the urgent octet.
pub(crate) fn readable(tcb: &Tcb) -> u64 {
    let all = tcb.receive.readable();
    match octet(tcb).filter(|octet| !octet.in_line) {
        None => all,
        Some(octet) => match octet.at - tcb.receive.read_position() {
            0 => all.saturating_sub(1),
            before => all.min(before),
        },
    }
}

/// Whether the reader stands at the mark: behind the urgent data by the letter, before its last octet in the kernels.
pub(crate) fn is_at_mark(tcb: &Tcb) -> bool {
    let read = tcb.receive.read_position();
    match tcb.config.arrival.urgent {
        UrgentRule::InLine => tcb.urgent.received() == Some(read),
        UrgentRule::Octet | UrgentRule::OctetAtZeroToo => octet(tcb).is_some_and(|octet| octet.at == read),
    }
}

/// What `recv` with `MSG_OOB` finds.
pub(crate) fn read_octet(tcb: &mut Tcb) -> crate::connection::UrgentRead {
    use crate::connection::UrgentRead;
    let Some(octet) = octet(tcb).filter(|octet| !octet.in_line && !octet.taken) else {
        return UrgentRead::Nothing;
    };
    if octet.at >= tcb.receive.next() || octet.at - tcb.receive.read_position() >= tcb.receive.readable() {
        return UrgentRead::NotYet;
    }
    tcb.urgent.take_octet();
    UrgentRead::Octet(tcb.receive.at(octet.at))
}
