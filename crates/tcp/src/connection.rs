//! The face of a connection: the five verbs and the user calls (RFC 9293 §3.9.1); no algorithm.

mod questions;

use std::sync::Arc;

use faultwire_base::Instant;
use faultwire_wire::{Cause, EcnCodepoint, IcmpKind, Payload, Segment, Seq, TimerKind};

use crate::arrive;
use crate::chronograph::Activity;
use crate::close;
use crate::config::Config;
use crate::embryo::Embryo;
use crate::event::{Bare, ConnectionError, Envelope, Event, Outgoing};
use crate::expected;
use crate::fast_open::{FastOpenAttempt, FastOpenCookie, FastOpenNews};
use crate::handshake;
use crate::info::{self, Counters, Info};
use crate::negotiate::PathInfo;
use crate::offset::Offset;
use crate::state::State;
use crate::tcb::Tcb;
use crate::time_wait::{Successor, TimeWait, TimeWaitVerdict};
use crate::timeout;
use crate::timer::Timer;
use crate::transmit;
use crate::urgent;

/// One end of a TCP connection, from its SYN to CLOSED.
///
/// Five verbs drive it: [`receive`](Self::receive) what arrived, [`advance`](Self::advance) at its
/// [`deadline`](Self::deadline), then drain [`transmit`](Self::transmit) and [`event`](Self::event). Drain `transmit`
/// once after all arrivals of an instant, so that they are acknowledged together (RFC 9293 §3.10.7.4, MUST-58,
/// MUST-59).
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) tcb: Tcb,
}

/// What became of an arriving segment.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The connection dealt with it.
    Handled,
    /// The connection is in TIME-WAIT and the segment is a SYN for a new one (RFC 9293 §3.6.1 MAY-2, RFC 6191): if
    /// somebody listens, it makes a new embryo, whose ISN is at least this.
    Reopen {
        /// The least ISN, above all that this connection used.
        minimum_isn: Seq,
    },
}

/// What a read of urgent data gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrgentRead {
    /// The octet.
    Octet(Payload),
    /// It was announced, and is not here yet.
    NotYet,
    /// There is none, or it was taken, or it stays in the stream.
    Nothing,
}

/// How a write is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteFlags {
    /// Another write follows soon: a small rest waits for it, and carries no PSH (`MSG_MORE`).
    pub more: bool,
    /// The last octet ends a record, which no segment crosses (`MSG_EOR`).
    pub record_end: bool,
    /// It goes out now, whatever holds small segments back (RFC 9293 §3.9.1.2, the PUSH flag, MAY-15).
    pub push: bool,
    /// It is urgent up to its end (RFC 9293 §3.8.5).
    pub urgent: bool,
    /// No more is taken than up to where the stack transmits within the call: Linux sends a part of the send buffer as
    /// soon as it is full, and what that leaves of it takes more. The caller transmits, and writes the rest.
    pub by_part: bool,
}

/// The five verbs.
impl Connection {
    /// Active OPEN: SYN-SENT, a SYN is due.
    pub fn connect(config: &Arc<Config>, path: PathInfo, isn: Seq, now: Instant) -> Self {
        Self { tcb: handshake::open(config, path, isn, now) }
    }

    /// Active OPEN between the ends of a connection in TIME-WAIT, whose place it takes (RFC 6191).
    pub fn connect_after(config: &Arc<Config>, path: PathInfo, before: &Successor, now: Instant) -> Self {
        let mut connection = Self::connect(config, path, before.isn, now);
        connection.tcb.timestamps.follow(before.latest);
        connection
    }

    /// The connection that an embryo became when it said [`crate::EmbryoVerdict::Accept`]: ESTABLISHED. Hand it the
    /// same segment by [`receive`](Self::receive).
    pub fn from_embryo(embryo: &Embryo, segment: &Segment, now: Instant, cause: Cause) -> Self {
        Self { tcb: handshake::accept(embryo, segment, now, cause) }
    }

    /// As [`Connection::from_embryo`] for a SYN with a good Fast Open cookie: SYN-RECEIVED, with the text of the SYN to
    /// be read, and open for writing (RFC 7413 §4.2.2). The SYN-ACK that is due acknowledges the text, and carries
    /// `cookie` if there is a new one.
    pub fn fast_open(
        embryo: &Embryo,
        syn: &Segment,
        cookie: Option<FastOpenCookie>,
        now: Instant,
        cause: Cause,
    ) -> Self {
        Self { tcb: handshake::accept_fast_open(embryo, syn, cookie, now, cause) }
    }

    /// Gives the SYN of an active open that was not sent yet a Fast Open option and text (RFC 7413 §4.2.1). Says how
    /// many octets of the text it takes; the rest is not written.
    pub fn attempt_fast_open(&mut self, attempt: &FastOpenAttempt<'_>) -> u64 {
        handshake::attempt_fast_open(&mut self.tcb, attempt)
    }

    /// The SYN that was not sent yet waits for the first write (`TCP_FASTOPEN_CONNECT`); `without_cookie` is kept for
    /// then.
    pub fn hold_syn(&mut self, without_cookie: bool) {
        if let Some(opening) = &mut self.tcb.opening {
            opening.hold(without_cookie);
        }
    }

    /// Whether the SYN waits for the first write.
    pub fn is_syn_held(&self) -> bool {
        self.tcb.opening.as_ref().is_some_and(|opening| opening.is_held())
    }

    /// The SYN waits no longer. Says what [`Connection::hold_syn`] was told.
    pub fn release_syn(&mut self) -> bool {
        self.begin_call();
        self.tcb.opening.as_mut().is_some_and(|opening| opening.release())
    }

    /// While the connection opens: somebody waits for that with something to write, or does no longer. The ACK that ends
    /// the handshake can wait for it.
    pub fn set_writer_waits(&mut self, waits: bool) {
        if let Some(opening) = &mut self.tcb.opening {
            opening.set_writer_waits(waits);
        }
    }

    /// What there is to know of Fast Open, once: after [`Event::FastOpen`].
    pub fn take_fast_open_news(&mut self) -> Option<FastOpenNews> {
        self.tcb.fast_open.take_news()
    }

    /// A segment arrives for this connection, in a packet that is not ECN-capable. What it provokes names `cause` as
    /// its cause.
    #[inline]
    pub fn receive(&mut self, now: Instant, segment: &Segment, cause: Cause) -> Arrival {
        self.receive_marked(now, segment, EcnCodepoint::NotEct, cause)
    }

    /// As [`receive`](Self::receive), in a packet with this ECN codepoint (RFC 3168 §6.1.3).
    #[inline]
    pub fn receive_marked(
        &mut self,
        now: Instant,
        segment: &Segment,
        ecn: EcnCodepoint,
        cause: Cause,
    ) -> Arrival {
        let tcb = &mut self.tcb;
        tcb.ecn.arrives(ecn);
        tcb.burst = None;
        tcb.cause = cause;
        tcb.tally.segments_received += 1;
        tcb.tally.data_segments_received += u64::from(!segment.payload.is_empty());
        if segment.flags.contains(faultwire_wire::Flags::ACK) {
            tcb.tally.ack_received_at = now;
        }
        if expected::take(tcb, now, segment, cause) {
            return Arrival::Handled;
        }
        if tcb.state == State::TimeWait {
            return self.receive_in_time_wait(now, segment, cause);
        }
        if let Err(reason) = arrive::segment_arrives(tcb, now, segment, cause) {
            tcb.events.push(Event::Dropped(reason));
        }
        Arrival::Handled
    }

    /// When [`advance`](Self::advance) has to be called next.
    #[inline]
    pub fn deadline(&self) -> Option<Instant> {
        timeout::deadline(&self.tcb)
    }

    /// Does what is due; harmless when early.
    pub fn advance(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.tcb.burst = None;
            if self.tcb.state == State::TimeWait {
                self.tcb.cause = Cause::Timer(TimerKind::TimeWait);
            }
            timeout::advance(&mut self.tcb, now);
        }
    }

    /// The next segment to send now; drain until `None`.
    #[inline]
    pub fn transmit(&mut self, now: Instant) -> Option<Outgoing> {
        self.transmit_in(now, Bare::default())
    }

    /// As [`transmit`](Self::transmit), with the segment put into its envelope where it is made.
    #[inline]
    pub fn transmit_in<E: Envelope>(&mut self, now: Instant, envelope: E) -> Option<E::Packet> {
        transmit::next(&mut self.tcb, now, envelope)
    }

    /// Whether [`transmit`](Self::transmit) would say `None` now, as it does in an established connection that owes
    /// nothing and has nothing to send. If so, what it would have done is done.
    #[inline]
    pub fn has_nothing_to_transmit(&mut self, now: Instant) -> bool {
        transmit::rests(&mut self.tcb, now)
    }

    /// The next thing to tell the owner; drain until `None`.
    #[inline]
    pub fn event(&mut self) -> Option<Event> {
        self.tcb.events.pop()
    }

    /// Whether [`event`](Self::event) has something other than [`Event::Readable`] and [`Event::Writable`], or may
    /// have.
    #[inline]
    pub fn has_rare_event(&self) -> bool {
        self.tcb.events.has_rare()
    }

    /// Takes [`Event::Readable`] and [`Event::Writable`] together, and says whether there was one. To be asked only
    /// without a [rare event](Self::has_rare_event), which comes first.
    #[inline]
    pub fn take_readiness(&mut self) -> bool {
        self.tcb.events.take_levels()
    }

    fn receive_in_time_wait(&mut self, now: Instant, segment: &Segment, cause: Cause) -> Arrival {
        let tcb = &mut self.tcb;
        let time_wait = tcb.time_wait.as_mut().expect("TIME-WAIT has its room");
        match time_wait.receive(now, segment, cause) {
            TimeWaitVerdict::Ignore(reason) => tcb.events.push(Event::Dropped(reason)),
            TimeWaitVerdict::Reply(outgoing) => tcb.outbox.push(outgoing),
            TimeWaitVerdict::Closed => tcb.tear_down(None),
            TimeWaitVerdict::Reopen { minimum_isn } => return Arrival::Reopen { minimum_isn },
        }
        Arrival::Handled
    }
}

/// User calls.
impl Connection {
    /// SEND: queues data and says how many octets of it were taken; 0 if the buffer is full or nothing may be written.
    /// Every write is pushed, unless it says otherwise (RFC 9293 §3.9.1.2).
    pub fn write(&mut self, now: Instant, payload: &Payload) -> u64 {
        self.write_with(now, payload, WriteFlags::default())
    }

    /// SEND with flags.
    pub fn write_with(&mut self, now: Instant, payload: &Payload, flags: WriteFlags) -> u64 {
        if !self.can_write() {
            return 0;
        }
        self.begin_call();
        let mut terms = self.tcb.write_terms();
        (terms.more, terms.record_end) = (flags.more && !flags.push, flags.record_end);
        terms.by_part = flags.by_part;
        let written = self.tcb.send_buffer.write(payload, &terms);
        if written > 0 {
            self.tcb.chronograph.start(now, Activity::Busy);
        }
        let all = written == u64::from(payload.len());
        self.tcb.hold.on_write(terms.more && all);
        if written > 0 && flags.push && all {
            self.tcb.hold.push(self.tcb.send_buffer.end());
        }
        if written > 0 && flags.urgent {
            self.tcb.urgent.send_until(self.tcb.send_buffer.end());
        }
        written
    }

    /// SEND with the urgent flag: all that was written up to the end of this is urgent (RFC 9293 §3.8.5, MUST-30). New
    /// applications do without (SHLD-13).
    pub fn write_urgent(&mut self, now: Instant, payload: &Payload) -> u64 {
        self.write_with(now, payload, WriteFlags { urgent: true, ..WriteFlags::default() })
    }

    /// FLUSH: forgets what was written and not sent yet, and says how many octets that were (RFC 9293 §3.9.1.7, MAY-14).
    /// What was sent stays, so that both sides go on to agree on the numbers.
    pub fn flush(&mut self) -> u64 {
        self.begin_call();
        let tcb = &mut self.tcb;
        // The octet of a probe may have been taken.
        let probed = u64::from(tcb.persist.octet_sent().is_some());
        let forgotten = tcb.send_buffer.truncate(tcb.send.next().max(Offset::FIRST) + probed);
        tcb.urgent.forget_after(tcb.send_buffer.end());
        if forgotten > 0 {
            tcb.events.writable();
        }
        if tcb.unsent() == 0 {
            tcb.timers.stop(Timer::Persist);
            tcb.timers.stop(Timer::SillyWindow);
        }
        forgotten
    }

    /// Whether data may be written at all: opening or open, and not shut down.
    pub fn can_write(&self) -> bool {
        let open = matches!(
            self.tcb.state,
            State::SynSent | State::SynReceived | State::Established | State::CloseWait
        );
        let half_closed = || self.tcb.opening.as_ref().is_some_and(|opening| opening.is_half_closed());
        open && !self.tcb.send_buffer.is_finished() && !half_closed()
    }

    /// Whether a write fails with EPIPE now, whatever error waits ([`crate::ClosingConfig::broken_pipe_first`]).
    pub fn is_pipe_broken_first(&self) -> bool {
        self.tcb.config.closing.broken_pipe_first && !self.can_write()
    }

    /// Octets that a write would take now.
    pub fn send_space(&self) -> u64 {
        if self.can_write() { self.tcb.send_buffer.room(&self.tcb.write_terms()) } else { 0 }
    }

    /// Whether a writer is told that there is room: for Linux only while a third of the buffer is free and little is
    /// unsent (TCP_NOTSENT_LOWAT).
    pub fn is_writable(&self) -> bool {
        let buffer = &self.tcb.send_buffer;
        self.can_write() && buffer.is_writable(self.tcb.send.next())
    }

    /// Asks to be told by [`Event::Writable`] when there is room, if there is none now.
    pub fn want_room(&mut self) {
        if !self.is_writable() {
            self.tcb.send_buffer.want_room();
        }
    }

    /// Octets written and not yet acknowledged.
    pub fn send_queued(&self) -> u64 {
        self.tcb.send_buffer.len()
    }

    /// Sequence space that was written and not acknowledged, sent or not, and the part of it that was not sent; the FIN
    /// included.
    pub fn send_sequence_space(&self) -> (u64, u64) {
        let unsent = self.tcb.unsent();
        (self.tcb.send.in_flight() + unsent, unsent)
    }

    /// RECEIVE: takes at most `max` octets, of one payload kind; `None` if nothing is there. A window update may be due
    /// afterwards.
    #[inline]
    pub fn read(&mut self, now: Instant, max: u64) -> Option<Payload> {
        let tcb = &mut self.tcb;
        if tcb.receive.readable() == 0 || max == 0 {
            return None;
        }
        let max = if tcb.urgent.is_any() { urgent::begin_read(tcb, max) } else { max };
        if tcb.receive.readable() == 0 {
            return None;
        }
        let segment = tcb.ack.full_segment();
        let round_trip = tcb.recovery.rtt().smoothed();
        let payload = tcb.receive.read(max);
        let shift = tcb.negotiated.receive_shift;
        tcb.receive.grow(now, &tcb.config.buffers, (round_trip, tcb.timestamps.enabled()), segment);
        let policy = tcb.config.acknowledgment.window_update;
        if tcb.state.takes_text() && tcb.receive.is_update_due(policy, shift, segment) {
            tcb.ack.demand(faultwire_wire::Reason::WindowUpdate, Cause::Call);
        } else if tcb.config.acknowledgment.adaptive
            && tcb.timers.is_armed(Timer::DelayedAck)
            && tcb.ack.is_due_after_read(
                tcb.config.acknowledgment.at_once,
                tcb.receive.next(),
                tcb.receive.readable() == 0,
            )
        {
            tcb.ack.demand(faultwire_wire::Reason::Ack, Cause::Call);
        }
        Some(payload)
    }

    /// Whether a read since `transmit` said `None` made something due: data waits, or an ACK is owed. If not,
    /// `transmit` would say `None` again and change nothing.
    #[inline]
    pub fn has_turn_after_read(&self) -> bool {
        self.tcb.ack.is_due() || self.tcb.unsent() > 0 || !self.tcb.state.is_synchronized()
    }

    /// What a read would give, up to `max` octets, in runs; nothing is taken.
    pub fn peek(&self, max: u64) -> Vec<Payload> {
        if !self.tcb.urgent.is_any() {
            return self.tcb.receive.peek(max);
        }
        let (passes_over, max) = urgent::reach(&self.tcb, max);
        let mut receive = self.tcb.receive.clone();
        if passes_over {
            receive.read(1);
        }
        receive.peek(max)
    }

    /// Octets that can be read.
    #[inline]
    pub fn readable(&self) -> u64 {
        if self.tcb.urgent.is_any() { urgent::readable(&self.tcb) } else { self.tcb.receive.readable() }
    }

    /// Whether the peer's FIN was reached and everything before it was read.
    pub fn at_eof(&self) -> bool {
        self.tcb.receive.is_finished() && self.readable() == 0
    }

    /// Whether the peer's FIN was reached; what came before it may be unread.
    pub fn has_received_all(&self) -> bool {
        self.tcb.receive.is_finished()
    }

    /// The urgent octet that is not part of the stream (`recv` with `MSG_OOB`). It is given once.
    pub fn read_urgent(&mut self) -> UrgentRead {
        urgent::read_octet(&mut self.tcb)
    }

    /// Octets from the read position up to the urgent mark (MUST-33).
    pub fn urgent_remaining(&self) -> u64 {
        self.tcb.urgent.remaining(self.tcb.receive.read_position())
    }

    /// Half-close: a FIN follows the data; reading goes on.
    pub fn shutdown_write(&mut self, now: Instant) {
        let _ = now;
        self.begin_call();
        close::shutdown_write(&mut self.tcb);
    }

    /// Nothing that arrives from now on will be read (`SHUT_RD`).
    pub fn shutdown_read(&mut self) {
        close::shutdown_read(&mut self.tcb);
    }

    /// CLOSE: nobody will read or write any more (RFC 9293 §3.6.1, MAY-1; half-close is
    /// [`shutdown_write`](Self::shutdown_write)). Queued data is still sent, unless unread data makes it a reset.
    pub fn close(&mut self, now: Instant) {
        self.begin_call();
        close::close(&mut self.tcb, now);
    }

    /// ABORT: a RST where the peer knows of the connection, then CLOSED.
    pub fn abort(&mut self, now: Instant) {
        self.begin_call();
        close::abort(&mut self.tcb, now);
    }

    /// An ICMP error quotes a segment of ours with this sequence number. Says whether it was believed (RFC 5927).
    pub fn on_icmp(&mut self, now: Instant, kind: IcmpKind, quoted: Seq, cause: Cause) -> bool {
        self.tcb.burst = None;
        crate::path_error::on_icmp(&mut self.tcb, now, kind, quoted, cause)
    }

    pub(crate) fn begin_call(&mut self) {
        self.tcb.burst = None;
        self.tcb.cause = Cause::Call;
    }
}
