//! The options of a connection: what a user may change while it lives, and reads back.

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, EcnCodepoint};

use crate::config::{AskedSizes, UrgentRule, UserTimeoutFrom};
use crate::connection::Connection;
use crate::keepalive::KeepAliveSetting;
use crate::negotiate::Negotiated;
use crate::offset::Offset;
use crate::state::State;
use crate::timer::Timer;
use crate::urgent;

/// Options.
impl Connection {
    /// TCP_NODELAY: small segments are not held back (RFC 9293 §3.7.4, MUST-17). What waits goes now, past a cork too.
    pub fn set_no_delay(&mut self, no_delay: bool) {
        self.begin_call();
        let end = self.tcb.send_buffer.end();
        self.tcb.hold.set_no_delay(no_delay, end);
    }

    /// TCP_QUICKACK: ACKs are not delayed; an ACK that waits goes at once.
    pub fn set_quick_ack(&mut self, quick: bool) {
        self.begin_call();
        self.tcb.ack.set_quick(quick);
        if quick && self.tcb.timers.is_armed(Timer::DelayedAck) {
            self.tcb.timers.stop(Timer::DelayedAck);
            self.tcb.ack.demand(faultwire_wire::Reason::Ack, Cause::Call);
        }
    }

    /// SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT (RFC 9293 §3.8.4: MAY-5, MUST-24, MUST-27).
    pub fn set_keep_alive(&mut self, now: Instant, setting: KeepAliveSetting) {
        let tcb = &mut self.tcb;
        tcb.keep_alive.set(setting);
        let fast_open = crate::handshake::is_fast_open(tcb);
        let open = (tcb.state.is_synchronized() || fast_open) && tcb.state != State::TimeWait;
        if tcb.keep_alive.is_enabled() && open {
            tcb.timers.arm(Timer::KeepAlive, tcb.keep_alive.deadline(now));
        } else {
            tcb.timers.stop(Timer::KeepAlive);
        }
    }

    /// TCP_USER_TIMEOUT: how long data may stay unacknowledged (RFC 5482); `None` leaves it to R2 (MUST-21).
    pub fn set_user_timeout(&mut self, now: Instant, timeout: Option<Duration>) {
        let tcb = &mut self.tcb;
        tcb.user.timeout = timeout.unwrap_or(Duration::ZERO);
        tcb.user.timeout_fixed = true;
        tcb.timers.stop(Timer::User);
        let from_sending = tcb.config.give_up.user_timeout_from == UserTimeoutFrom::FirstSending;
        if let Some(timeout) = timeout
            && (tcb.send.in_flight() > 0 && from_sending
                || tcb.opening.is_some() && !crate::handshake::is_fast_open(tcb))
        {
            tcb.timers.arm(Timer::User, now.saturating_add(timeout));
        }
    }

    /// SO_SNDBUF, as the user asks for it; the buffer no longer grows by itself. Linux doubles it, within bounds.
    pub fn set_send_buffer(&mut self, octets: u64) {
        let size = self.tcb.config.buffers.asked.send(octets);
        self.tcb.send_buffer.set_capacity(size);
    }

    /// What the send buffer may hold, bookkeeping included.
    pub fn send_buffer_size(&self) -> u64 {
        self.tcb.send_buffer.capacity()
    }

    /// SO_RCVBUF, as the user asks for it; the buffer no longer grows by itself. A window once offered stays offered.
    pub fn set_receive_buffer(&mut self, octets: u64) {
        let tcb = &mut self.tcb;
        let buffers = &tcb.config.buffers;
        tcb.receive.set_size(buffers.asked.receive(octets), buffers);
        if tcb.state == State::SynSent && tcb.send.next() == Offset::ISN {
            tcb.path.receive_buffer = u32::try_from(octets.max(1)).unwrap_or(u32::MAX);
            let most = tcb.path.greatest_window(buffers);
            tcb.negotiated = Negotiated::offered(&tcb.config.options, tcb.path, most);
        }
    }

    /// What the receive buffer may hold, bookkeeping included.
    pub fn receive_buffer_size(&self) -> u64 {
        self.tcb.receive.size(&self.tcb.config.buffers)
    }

    /// IP_RECVERR: whether the user is told of soft errors at once (RFC 9293 §3.9.1.8, SHLD-20). The owner is told by
    /// [`crate::Event::SoftError`] in any case.
    pub fn set_error_reports(&mut self, on: bool) {
        self.tcb.user.error_reports = on;
    }

    /// TCP_MAXSEG: the largest segment to announce and to send. Once the SYN is out it changes nothing (as in Linux).
    pub fn set_segment_size_limit(&mut self, octets: u16) {
        let tcb = &mut self.tcb;
        if tcb.state == State::SynSent && tcb.send.next() == Offset::ISN {
            tcb.path.segment_size_limit = octets;
        }
    }

    /// TCP_LINGER2: how long the connection stays in FIN-WAIT-2 when nobody owns it, in whole seconds; zero leaves it to
    /// the configuration, and with `None` it is reset.
    pub fn set_orphan_linger(&mut self, time: Option<Duration>) {
        let seconds = |time: Duration| i16::try_from(time.as_nanos() / 1_000_000_000).unwrap_or(i16::MAX);
        self.tcb.user.orphan_linger = time.map_or(-1, seconds);
    }

    /// TCP_KEEPINIT: how long an active open may take from now on, in whole seconds.
    pub fn set_opening_limit(&mut self, now: Instant, limit: Duration) {
        let tcb = &mut self.tcb;
        tcb.user.opening_limit = u16::try_from(limit.as_nanos() / 1_000_000_000).unwrap_or(u16::MAX);
        if tcb.opening.is_some() && tcb.user.timeout.is_zero() {
            tcb.timers.arm(Timer::User, now.saturating_add(limit));
        }
    }

    /// TCP_NOOPT: its SYN carries no options; too late once that was sent.
    pub fn set_no_options(&mut self, on: bool) {
        let tcb = &mut self.tcb;
        if on && tcb.state == State::SynSent && tcb.send.next() == Offset::ISN {
            tcb.negotiated = tcb.negotiated.without_options();
            let size = tcb.negotiated.effective_segment_size(tcb.path, tcb.path.mtu);
            tcb.send.set_segment_size(size);
        }
    }

    /// TCP_NOOPT.
    pub fn has_no_options(&self) -> bool {
        self.tcb.negotiated.bare
    }

    /// TCP_SYNCNT: how often a SYN is sent again, or the SYN-ACK of Fast Open; 0 leaves it to the configuration.
    pub fn set_syn_count(&mut self, count: u8) {
        self.tcb.user.syn_count = count;
    }

    /// As [`set_orphan_linger`](Self::set_orphan_linger) had it.
    pub fn orphan_linger(&self) -> Option<Duration> {
        u64::try_from(self.tcb.user.orphan_linger).ok().map(Duration::from_secs)
    }

    /// TCP_KEEPINIT, or what is configured.
    pub fn opening_limit(&self) -> Option<Duration> {
        match self.tcb.user.opening_limit {
            0 => self.tcb.config.opening.limit,
            seconds => Some(Duration::from_secs(seconds.into())),
        }
    }

    /// TCP_SYNCNT, 0 if it was not set.
    pub fn syn_count(&self) -> u8 {
        self.tcb.user.syn_count
    }

    /// A user accepted it. Until then an ICMP error can end a connection that Fast Open made (as in Linux).
    pub fn accepted(&mut self) {
        if let Some(opening) = &mut self.tcb.opening {
            opening.accepted();
        }
    }

    /// TCP_CORK: small segments wait until it is taken off; if nothing is in flight, for a limited time.
    pub fn set_cork(&mut self, cork: bool) {
        self.begin_call();
        let end = self.tcb.send_buffer.end();
        self.tcb.hold.set_cork(cork, end);
    }

    /// SO_OOBINLINE: urgent data stays in the stream (RFC 6093 §5).
    pub fn set_urgent_in_line(&mut self, on: bool) {
        self.tcb.urgent.set_in_line(on);
    }

    /// TCP_NOTSENT_LOWAT in octets.
    pub fn set_unsent_limit(&mut self, octets: u32) {
        if self.tcb.send_buffer.set_unsent_limit(octets, self.tcb.send.next()) {
            self.tcb.events.writable();
        }
    }

    /// IP_TOS: DSCP and ECN bits of every later packet (RFC 9293 §3.9.1.9: MUST-48, SHLD-21). Applications should not
    /// change it without need (§3.9.2, SHLD-23).
    pub fn set_traffic_class(&mut self, traffic_class: u8) {
        // The ECN bits are the connection's own (RFC 3168 §6.1).
        self.tcb.user.traffic_class = EcnCodepoint::NotEct.put_into(traffic_class);
    }
}

/// What the options are.
impl Connection {
    /// Whether nobody owns it any more: its user closed it.
    pub fn is_orphan(&self) -> bool {
        self.tcb.user.orphan
    }

    /// Whether the reader stands at the urgent mark (`SIOCATMARK`): by the letter the next octet is the first after
    /// urgent data, in the kernels the last one of it.
    pub fn is_at_urgent_mark(&self) -> bool {
        urgent::is_at_mark(&self.tcb)
    }

    /// Whether urgent data is there that was not taken (`EPOLLPRI`); by the letter, or on its way.
    pub fn has_urgent_data(&self) -> bool {
        let tcb = &self.tcb;
        match tcb.config.arrival.urgent {
            UrgentRule::InLine => self.urgent_remaining() > 0,
            UrgentRule::Octet | UrgentRule::OctetAtZeroToo => {
                urgent::octet(tcb).is_some_and(|octet| !octet.taken && octet.at < tcb.receive.next())
            }
        }
    }

    /// SO_OOBINLINE.
    pub fn is_urgent_in_line(&self) -> bool {
        self.tcb.urgent.is_in_line(self.tcb.config.arrival.urgent)
    }

    /// Whether the user is told of soft errors at once.
    pub fn error_reports(&self) -> bool {
        self.tcb.user.error_reports
    }

    /// TCP_NODELAY.
    pub fn is_no_delay(&self) -> bool {
        self.tcb.hold.is_no_delay()
    }

    /// TCP_CORK.
    pub fn is_corked(&self) -> bool {
        self.tcb.hold.is_corked()
    }

    /// TCP_QUICKACK: whether an ACK of data would go at once.
    pub fn is_quick_ack(&self) -> bool {
        if self.tcb.config.acknowledgment.adaptive {
            !self.tcb.ack.is_interactive()
        } else {
            self.tcb.ack.is_quick()
        }
    }

    /// SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT.
    pub fn keep_alive(&self) -> (bool, Duration, Duration, u16) {
        self.tcb.keep_alive.settings()
    }

    /// TCP_USER_TIMEOUT.
    pub fn user_timeout(&self) -> Option<Duration> {
        (!self.tcb.user.timeout.is_zero()).then_some(self.tcb.user.timeout)
    }

    /// TCP_NOTSENT_LOWAT.
    pub fn unsent_limit(&self) -> u32 {
        self.tcb.send_buffer.unsent_limit()
    }

    /// IP_TOS.
    pub fn traffic_class(&self) -> u8 {
        self.tcb.user.traffic_class
    }

    /// Octets of data in a full segment that is sent (TCP_MAXSEG).
    pub fn send_segment_size(&self) -> u32 {
        self.tcb.send.segment_size()
    }
}

impl AskedSizes {
    /// The size of a send buffer for which a user asks for `octets`.
    pub fn send(&self, octets: u64) -> u64 {
        (octets.min(self.send_most) * self.factor).max(self.send_least)
    }

    /// The size of a receive buffer for which a user asks for `octets`.
    pub fn receive(&self, octets: u64) -> u64 {
        (octets.min(self.receive_most) * self.factor).max(self.receive_least)
    }
}
