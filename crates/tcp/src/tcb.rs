//! The transmission control block: a struct of rooms (RFC 9293 §3.3.1), with the few verbs that need several of them.

use std::collections::VecDeque;
use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Seq};

use crate::ack_policy::AckPolicy;
use crate::burst::{Burst, SMALL_WINDOW};
use crate::chronograph::Chronograph;
use crate::config::{AckAtOnce, Config};
use crate::ecn::Ecn;
use crate::event::{ConnectionError, Event, Events, Outgoing};
use crate::fast_open::FastOpen;
use crate::handshake::Opening;
use crate::hold::Hold;
use crate::keepalive::KeepAlive;
use crate::negotiate::{Negotiated, PathInfo};
use crate::offset::Offset;
use crate::persist::Persist;
use crate::receive_buffer::ReceiveBuffer;
use crate::recovery::Recovery;
use crate::send_buffer::{SendBuffer, WriteTerms};
use crate::send_window::SendWindow;
use crate::state::State;
use crate::time_wait::TimeWait;
use crate::timer::{Timer, Timers};
use crate::timestamp::Timestamps;

use crate::urgent::Urgent;

/// All that one connection knows.
#[derive(Clone, Debug)]
pub(crate) struct Tcb {
    pub(crate) config: Arc<Config>,
    pub(crate) path: PathInfo,
    pub(crate) state: State,
    pub(crate) user: User,
    pub(crate) hold: Hold,
    pub(crate) negotiated: Negotiated,
    pub(crate) opening: Option<Box<Opening>>,
    pub(crate) fast_open: FastOpen,
    pub(crate) send: SendWindow,
    pub(crate) send_buffer: SendBuffer,
    pub(crate) receive: ReceiveBuffer,
    pub(crate) timestamps: Timestamps,
    pub(crate) ack: AckPolicy,
    pub(crate) ecn: Ecn,
    pub(crate) recovery: Recovery,
    pub(crate) persist: Persist,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) urgent: Urgent,
    pub(crate) timers: Timers,
    pub(crate) time_wait: Option<Box<TimeWait>>,
    pub(crate) outbox: Outbox,
    pub(crate) burst: Option<Burst>,
    /// The end of what was sent again last in this drain.
    pub(crate) resent_to: Offset,
    pub(crate) cause: Cause,
    pub(crate) events: Events,
    pub(crate) tally: Tally,
    pub(crate) chronograph: Chronograph,
}

/// What the user set, and what it was told last.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Nobody owns the connection any more: its user closed it.
    pub(crate) orphan: bool,
    /// Nothing that arrives will be read.
    pub(crate) deaf: bool,
    pub(crate) traffic_class: u8,
    /// Retransmissions of a SYN (`TCP_SYNCNT`); 0: as configured.
    pub(crate) syn_count: u8,
    /// Seconds in FIN-WAIT-2 without an owner (`TCP_LINGER2`); 0: as configured, -1: none.
    pub(crate) orphan_linger: i16,
    /// Seconds that an active open may take (`TCP_KEEPINIT`); 0: as configured.
    pub(crate) opening_limit: u16,
    /// The user set the timeout: the peer has no say in it (RFC 5482 §3.1, CHANGEABLE).
    pub(crate) timeout_fixed: bool,
    /// The next segment that is no SYN carries the user timeout option.
    pub(crate) announce_timeout: bool,
    /// User timeout; zero if R2 decides.
    pub(crate) timeout: Duration,
    pub(crate) error: Option<ConnectionError>,
    pub(crate) soft_error: Option<ConnectionError>,
    /// The user wants to be told of soft errors too.
    pub(crate) error_reports: bool,
}

/// Running totals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) segments_sent: u64,
    pub(crate) segments_received: u64,
    pub(crate) octets_sent: u64,
    pub(crate) octets_retransmitted: u64,
    pub(crate) data_segments_sent: u64,
    pub(crate) data_segments_received: u64,
    pub(crate) opened_at: Instant,
    pub(crate) data_sent_at: Instant,
    pub(crate) ack_received_at: Instant,
    pub(crate) challenge_acks: u32,
    pub(crate) out_of_order: u32,
    pub(crate) syn_retransmissions: u16,
    pub(crate) syn_timeouts: u16,
    pub(crate) probes: u32,
}

impl Tally {
    /// The last time that something was sent or arrived.
    pub(crate) fn latest(&self) -> Instant {
        self.opened_at.max(self.data_sent_at).max(self.ack_received_at)
    }
}

/// Segments that were built when something arrived and wait to be sent as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Boxed: an idle connection has none.
    #[expect(clippy::box_collection, reason = "a word in each idle connection instead of four")]
    waiting: Option<Box<VecDeque<Outgoing>>>,
}

impl Outbox {
    /// Appends one.
    pub(crate) fn push(&mut self, outgoing: Outgoing) {
        self.waiting.get_or_insert_default().push_back(outgoing);
    }

    /// Takes the oldest.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        self.waiting.as_mut()?.pop_front()
    }

    /// Whether nothing waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.as_ref().is_none_or(|waiting| waiting.is_empty())
    }

    /// Octets of heap.
    fn heap_octets(&self) -> usize {
        self.waiting
            .as_ref()
            .map_or(0, |waiting| size_of_val(&**waiting) + waiting.capacity() * size_of::<Outgoing>())
    }

    /// Frees the memory if it holds nothing.
    #[inline]
    pub(crate) fn release_memory(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| waiting.is_empty()) {
            self.waiting = None;
        }
    }
}

/// A window bounds segments to no less than this (a packet of 68 octets, its headers taken off).
const LEAST_BOUND: u64 = 28;

impl Tcb {
    /// A block in CLOSED, with our ISN.
    pub(crate) fn new(config: &Arc<Config>, path: PathInfo, isn: Seq) -> Self {
        let negotiated = Negotiated::offered(&config.options, path, path.greatest_window(&config.buffers));
        let segment_size = negotiated.effective_segment_size(path, path.mtu);
        Self {
            config: Arc::clone(config),
            path,
            state: State::Closed,
            user: User {
                orphan: false,
                deaf: false,
                traffic_class: 0,
                syn_count: 0,
                orphan_linger: 0,
                opening_limit: 0,
                timeout_fixed: config.give_up.user_timeout.is_some(),
                announce_timeout: config.handshake.user_timeout_option.is_some(),
                timeout: config.give_up.user_timeout.unwrap_or(Duration::ZERO),
                error: None,
                soft_error: None,
                error_reports: false,
            },
            hold: Hold::default(),
            negotiated,
            opening: None,
            fast_open: FastOpen::default(),
            send: SendWindow::new(isn, segment_size),
            send_buffer: SendBuffer::new(&config.buffers),
            receive: ReceiveBuffer::new(&config.buffers, path),
            timestamps: Timestamps::new(path.timestamp_offset),
            ack: AckPolicy::new(&config.acknowledgment),
            ecn: Ecn::default(),
            recovery: Recovery::new(config, false, segment_size, 0),
            persist: Persist::new(),
            keep_alive: KeepAlive::new(&config.keep_alive),
            urgent: Urgent::default(),
            timers: Timers::new(),
            time_wait: None,
            outbox: Outbox::default(),
            burst: None,
            resent_to: Offset::default(),
            cause: Cause::Unknown,
            events: Events::default(),
            tally: Tally::default(),
            chronograph: Chronograph::new(),
        }
    }

    /// Goes to another state. A transition that RFC 9293 does not know is a defect.
    pub(crate) fn become_state(&mut self, to: State) {
        let from = self.state;
        assert!(from.may_become(to), "illegal transition from {from} to {to}");
        self.state = to;
        self.events.push(Event::StateChanged { from, to });
    }

    /// Both SYNs are known and ours is acknowledged: ESTABLISHED. `round_trip` is what the handshake measured, and
    /// `syn_retransmissions` how often our SYN got lost, as far as is known.
    pub(crate) fn establish(&mut self, now: Instant, round_trip: Option<Duration>, syn_retransmissions: u32) {
        let segment_size = self.send.segment_size();
        self.recovery = Recovery::new(&self.config, self.negotiated.sack, segment_size, syn_retransmissions);
        match round_trip {
            Some(round_trip) => self.recovery.on_handshake_rtt(round_trip),
            None => self.recovery.on_handshake_unmeasured(&self.config.retransmission),
        }
        self.open(now);
    }

    /// Eff.snd.MSS follows the largest window that the peer offered, if it is bound to it (Linux
    /// `tcp_bound_to_half_wnd`).
    pub(crate) fn fit_segments_to_window(&mut self) {
        let window = self.send.window_max();
        if !self.config.sending.half_window || window == 0 {
            return;
        }
        let half = if window > SMALL_WINDOW { window / 2 } else { window };
        let size = u64::from(self.negotiated.effective_segment_size(self.path, self.path.mtu));
        let size = size.min(half.max(LEAST_BOUND)) as u32;
        if size != self.send.segment_size() {
            self.send.set_segment_size(size);
            self.recovery.set_segment_size(size);
        }
        if self.receive.next() == Offset::FIRST {
            // `tcp_initialize_rcv_mss`: a peer with a small window sends small segments.
            let half = self.receive.edge().saturating_since(Offset::FIRST) / 2;
            self.ack.expect_segments(size.min(u32::try_from(half).unwrap_or(u32::MAX)));
        }
    }

    /// The handshake is complete: ESTABLISHED, or further if the user closed meanwhile.
    pub(crate) fn open(&mut self, now: Instant) {
        let half_closed = self.opening.take().is_some_and(|opening| opening.is_half_closed());
        self.timers.stop(Timer::User);
        self.become_state(State::Established);
        self.keep_alive.on_heard(now);
        if self.keep_alive.is_enabled() {
            self.timers.arm(Timer::KeepAlive, self.keep_alive.deadline(now));
        }
        self.send_buffer.grow(self.automatic_send_buffer());
        self.events.writable();
        if half_closed {
            self.send_buffer.finish();
        }
        if self.send_buffer.is_finished() {
            self.become_state(State::FinWait1);
        }
    }

    /// The size of full segments is known, options counted as data: what the receiver reckons with (FreeBSD `tcp_mss`).
    pub(crate) fn fit_receiver(&mut self) {
        let segment = self.negotiated.peer_segment_size.min(self.path.announced_segment_size()).into();
        self.receive.fit_segments(&self.config.buffers, segment);
        if self.config.acknowledgment.at_once == AckAtOnce::SecondSegment {
            self.ack.set_full_segment(segment);
        }
    }

    /// The connection is over: CLOSED. What was received and not read stays readable.
    pub(crate) fn tear_down(&mut self, error: Option<ConnectionError>) {
        self.become_state(State::Closed);
        self.timers.stop_all();
        self.recovery.abandon(&self.config);
        self.send_buffer.clear();
        self.ack.take_due();
        self.opening = None;
        self.time_wait = None;
        self.burst = None;
        if let Some(error) = error {
            self.user.error = Some(error);
            self.events.push(Event::Error(error));
        }
        self.events.readable();
    }

    /// 2 MSL begin (RFC 9293 §3.6.1, MUST-13).
    pub(crate) fn enter_time_wait(&mut self, now: Instant) {
        self.become_state(State::TimeWait);
        self.timers.stop_all();
        self.recovery.stop_timer();
        self.recovery.release_memory();
        if self.ack.is_due() && self.config.time_wait.rule == crate::config::TimeWaitRule::Linux {
            // Linux (`tcp_fin`): the ACK of the FIN goes before, and TIME-WAIT keeps the window that it offers.
            self.receive.offer(self.negotiated.receive_shift, self.ack.full_segment());
        }
        self.receive.release_memory();
        self.time_wait = Some(Box::new(TimeWait::new(self, now)));
    }

    /// The position of a sequence number of the peer.
    #[inline]
    pub(crate) fn position(&self, seq: Seq) -> Offset {
        self.receive.widen(seq, self.config.arrival.sequence_order)
    }

    /// The position of a sequence number of our own, which the peer acknowledges or quotes.
    #[inline]
    pub(crate) fn own_position(&self, seq: Seq) -> Offset {
        self.send.widen(seq, self.config.arrival.sequence_order)
    }

    /// Whether our FIN was sent and acknowledged.
    #[inline]
    pub(crate) fn fin_acknowledged(&self) -> bool {
        self.send_buffer.is_finished() && self.send.unacknowledged() > self.send_buffer.end()
    }

    /// What a send buffer that sizes itself grows to: two congestion windows, and what their segments cost (Linux
    /// `tcp_sndbuf_expand`).
    #[inline]
    pub(crate) fn automatic_send_buffer(&self) -> u64 {
        let window = self.recovery.congestion_window();
        let most = self.config.buffers.send_max;
        let Some(parts) = self.config.buffers.send_parts else { return window.saturating_mul(2).min(most) };
        let segment = self.send.segment_size();
        let segments = (window / u64::from(segment.max(1))).max(10);
        let announced = u32::from(self.negotiated.peer_segment_size).max(segment);
        let each = u64::from((announced + parts.headers).next_power_of_two() + 256);
        (2 * segments * each).min(most)
    }

    /// What a write has to know.
    pub(crate) fn write_terms(&self) -> WriteTerms {
        let sendable = self.recovery.congestion_window().saturating_sub(self.send.in_flight());
        WriteTerms {
            next: self.send.next(),
            sendable: sendable.min(self.send.usable()),
            part: self.part_size(),
            window_max: self.send.window_max(),
            more: false,
            record_end: false,
            by_part: false,
        }
    }

    /// Data and FIN that were not sent yet, in octets of sequence space.
    #[inline]
    pub(crate) fn unsent(&self) -> u64 {
        let end = self.send_buffer.end() + u64::from(self.send_buffer.is_finished());
        end.saturating_since(self.send.next())
    }

    /// Octets of heap, payloads and configuration apart.
    pub(crate) fn heap_octets(&self) -> usize {
        self.recovery.heap_octets()
            + self.send_buffer.heap_octets()
            + self.receive.heap_octets()
            + self.events.heap_octets()
            + self.outbox.heap_octets()
            + self.fast_open.heap_octets()
            + self.urgent.heap_octets()
            + self.opening.as_ref().map_or(0, |_| size_of::<Opening>())
            + self.time_wait.as_ref().map_or(0, |_| size_of::<TimeWait>())
    }

    /// The offset in the byte stream that a tag shows for sequence position `at`.
    #[inline]
    pub(crate) fn stream_offset(&self, at: Offset) -> u64 {
        at.saturating_since(Offset::FIRST)
    }
}
