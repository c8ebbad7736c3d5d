//! What the owner of a connection is told, and what a connection gives to the wire.

use std::collections::VecDeque;
use std::fmt;

use faultwire_wire::{Cause, Reason, Segment};

use crate::state::State;

/// Something the owner of a connection may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection went from one state to another.
    StateChanged {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// Data or the end of the stream can be read. Told once per drain; the level is [`crate::Connection::readable`].
    Readable,
    /// There is room for data again after a write that was cut short.
    Writable,
    /// The connection was aborted, for this reason (RFC 9293 §3.9.1.5, MUST-12).
    Error(ConnectionError),
    /// Something was reported that does not end the connection (RFC 9293 §3.9.1.8, MUST-47).
    SoftError(SoftError),
    /// The peer has urgent data: this many octets from the read position up to the urgent mark (MUST-32).
    Urgent {
        /// Octets up to the mark.
        remaining: u64,
    },
    /// There is news of Fast Open: [`crate::Connection::take_fast_open_news`].
    FastOpen,
    /// An arriving segment was dropped, wholly or but for its acknowledgment.
    Dropped(DropReason),
}

/// Why a connection ended abnormally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionError {
    /// The peer answered our SYN with a RST, or a hard ICMP error came: ECONNREFUSED.
    Refused,
    /// The peer reset the connection: ECONNRESET.
    Reset,
    /// The peer reset the connection after it had closed its side: EPIPE.
    PipeBroken,
    /// Retransmissions, probes or keep-alives were not answered: ETIMEDOUT.
    TimedOut,
    /// ICMP said that the host can't be reached: EHOSTUNREACH.
    HostUnreachable,
    /// ICMP said that the network can't be reached: ENETUNREACH.
    NetworkUnreachable,
    /// ICMP said that the host has no TCP: ENOPROTOOPT.
    ProtocolUnreachable,
    /// ICMP said that a header is wrong: EPROTO.
    ProtocolError,
    /// ICMP said that the host is unknown: EHOSTDOWN.
    HostDown,
    /// ICMP said that our host is isolated: ENONET.
    NotOnNetwork,
    /// ICMP said that the path forbids it: EACCES.
    Prohibited,
    /// ICMP said that a source route failed: EOPNOTSUPP.
    SourceRouteFailed,
}

/// A report that does not end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftError {
    /// R1 retransmissions of one segment were not acknowledged (RFC 9293 §3.8.3, MUST-20): the path is in doubt.
    RetransmissionThreshold,
    /// An ICMP error that is only recorded (RFC 9293 §3.9.2.2, MUST-56).
    Unreachable(ConnectionError),
}

/// Why an arriving segment was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Outside the receive window (RFC 9293 §3.10.7.4, first).
    OutsideWindow,
    /// Text at a closed window; its acknowledgment was processed.
    WindowClosed,
    /// An old timestamp (RFC 7323 §5.3: PAWS).
    OldTimestamp,
    /// No timestamp although the connection uses them (RFC 7323 §3.2).
    NoTimestamp,
    /// A RST outside the window (RFC 5961 §3.2).
    ResetOutsideWindow,
    /// A RST in the window, but not at its left edge: challenged (RFC 5961 §3.2).
    ResetNotExact,
    /// A RST that TIME-WAIT ignores (RFC 1337).
    ResetInTimeWait,
    /// A SYN on a synchronized connection: challenged (RFC 5961 §4.2).
    UnexpectedSyn,
    /// No ACK bit.
    NoAck,
    /// It acknowledges what was never sent.
    AckOfUnsent,
    /// It acknowledges what is older than a window (RFC 5961 §5.2).
    AckTooOld,
    /// It doesn't acknowledge our SYN.
    AckNotOfSyn,
    /// Neither SYN nor RST in SYN-SENT.
    NotASyn,
    /// The connection is closed.
    Closed,
    /// A SYN that TIME-WAIT refuses (RFC 6191, MAY-2).
    OldSyn,
    /// Nothing new for TIME-WAIT.
    InTimeWait,
    /// Text or FIN after the peer's FIN.
    AfterFin,
    /// Text that arrived after the user closed: answered by a RST (SHLD-3).
    AfterClose,
    /// The ACK that ends a handshake without any data, while the listener waits for data (Linux `TCP_DEFER_ACCEPT`).
    AcceptDeferred,
    /// It is signed (RFC 2385, RFC 5925), and there is no key for it.
    UnexpectedSignature,
    /// SYN and FIN together.
    SynFin,
    /// Text ahead of RCV.NXT in so many small pieces that the memory for them is used up.
    NoRoomAhead,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutsideWindow => "outside the receive window",
            Self::WindowClosed => "the receive window is closed",
            Self::OldTimestamp => "old timestamp (PAWS)",
            Self::NoTimestamp => "no timestamp",
            Self::ResetOutsideWindow => "RST outside the receive window",
            Self::ResetNotExact => "RST not at RCV.NXT",
            Self::ResetInTimeWait => "RST in TIME_WAIT",
            Self::UnexpectedSyn => "SYN on a synchronized connection",
            Self::NoAck => "no ACK",
            Self::AckOfUnsent => "ACK of data never sent",
            Self::AckTooOld => "ACK too old",
            Self::AckNotOfSyn => "ACK not of our SYN",
            Self::NotASyn => "neither SYN nor RST",
            Self::Closed => "the connection is closed",
            Self::OldSyn => "SYN refused in TIME_WAIT",
            Self::InTimeWait => "nothing new for TIME_WAIT",
            Self::AfterFin => "after the peer's FIN",
            Self::AfterClose => "data after close",
            Self::AcceptDeferred => "accept deferred until data",
            Self::UnexpectedSignature => "signed, and no key",
            Self::SynFin => "SYN and FIN together",
            Self::NoRoomAhead => "no memory for what is out of order",
        })
    }
}

/// A segment to put on the wire, with what its tag needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The segment.
    pub segment: Segment,
    /// Why it is sent.
    pub reason: Reason,
    /// What made us send it.
    pub cause: Cause,
    /// Offset in the byte stream of the first payload octet, 0 being the first octet after the SYN; without data, of
    /// the next octet.
    pub stream_offset: u64,
    /// Which sending of this data (or SYN, FIN) it is, from 1; 0 if it takes no sequence space.
    pub transmission: u16,
    /// DSCP and ECN bits for the IP header.
    pub traffic_class: u8,
}

/// What an outgoing segment is labelled with: all of [`Outgoing`] but the segment itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// As [`Outgoing::reason`].
    pub reason: Reason,
    /// As [`Outgoing::cause`].
    pub cause: Cause,
    /// As [`Outgoing::stream_offset`].
    pub stream_offset: u64,
    /// As [`Outgoing::transmission`].
    pub transmission: u16,
    /// As [`Outgoing::traffic_class`].
    pub traffic_class: u8,
}

impl Label {
    /// Labels a segment.
    #[inline]
    pub(crate) fn on(self, segment: Segment) -> Outgoing {
        let Self { reason, cause, stream_offset, transmission, traffic_class } = self;
        Outgoing { segment, reason, cause, stream_offset, transmission, traffic_class }
    }
}

/// What a segment is put into where it is made, so that it is not moved there later. Implementations on a hot path are
/// inlined always.
pub trait Envelope: Sized {
    /// The closed envelope.
    type Packet;

    /// The place of the segment; whatever lies there is to be overwritten.
    fn segment(&mut self) -> &mut Segment;

    /// Closes the envelope around the segment in its place.
    fn seal(self, label: Label) -> Self::Packet;

    /// Puts a segment in that was made elsewhere.
    #[inline]
    fn close(mut self, outgoing: Outgoing) -> Self::Packet {
        let Outgoing { segment, reason, cause, stream_offset, transmission, traffic_class } = outgoing;
        *self.segment() = segment;
        self.seal(Label { reason, cause, stream_offset, transmission, traffic_class })
    }
}

/// No envelope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bare {
    segment: Segment,
}

impl Envelope for Bare {
    type Packet = Outgoing;

    #[inline(always)]
    fn segment(&mut self) -> &mut Segment {
        &mut self.segment
    }

    #[inline(always)]
    fn seal(self, label: Label) -> Outgoing {
        label.on(self.segment)
    }
}

/// Events that wait for the owner: two levels as bits, everything rarer in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    /// Boxed: an idle connection has none.
    #[expect(clippy::box_collection, reason = "a word in each idle connection instead of four")]
    rare: Option<Box<VecDeque<Event>>>,
    readable: bool,
    writable: bool,
}

impl Events {
    /// Tells something rare.
    pub(crate) fn push(&mut self, event: Event) {
        self.rare.get_or_insert_default().push_back(event);
    }

    /// Tells that there is something to read.
    #[inline]
    pub(crate) fn readable(&mut self) {
        self.readable = true;
    }

    /// Tells that there is room to write.
    #[inline]
    pub(crate) fn writable(&mut self) {
        self.writable = true;
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| size_of_val(&**rare) + rare.capacity() * size_of::<Event>())
    }

    /// Whether something rarer than the two levels may be told.
    #[inline]
    pub(crate) fn has_rare(&self) -> bool {
        self.rare.is_some()
    }

    /// Takes both levels, and says whether one was set.
    #[inline]
    pub(crate) fn take_levels(&mut self) -> bool {
        let readable = std::mem::take(&mut self.readable);
        std::mem::take(&mut self.writable) | readable
    }

    /// The next event.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        if let Some(rare) = &mut self.rare {
            if let Some(event) = rare.pop_front() {
                return Some(event);
            }
            // An idle connection owns no heap.
            self.rare = None;
        }
        if std::mem::take(&mut self.readable) {
            return Some(Event::Readable);
        }
        std::mem::take(&mut self.writable).then_some(Event::Writable)
    }
}
