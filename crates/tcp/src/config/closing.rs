//! Settings of the end of a connection: half-close, close, abort, TIME-WAIT.

use faultwire_base::Duration;

/// Half-close, close, abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingConfig {
    /// Closing with unread data resets the connection (RFC 9293 §3.6.1, SHLD-3); otherwise the data is thrown away and a
    /// FIN is sent (FreeBSD).
    pub reset_unread: bool,
    /// New data that arrives after the close resets the connection (RFC 9293 §3.6.1, SHLD-3).
    pub reset_late_data: bool,
    /// How long a connection that nobody owns stays in FIN-WAIT-2 (`tcp_fin_timeout`); `None`: for ever.
    pub fin_wait_2: Option<Duration>,
    /// The time in FIN-WAIT-2 is three and a half RTOs at least (Linux).
    pub fin_wait_2_by_rto: bool,
    /// A shutdown in SYN-SENT ends the attempt, and one of the reading side of a listener ends the listening (Linux).
    /// Otherwise the FIN waits for the handshake, and a listener has nothing to shut down.
    pub shutdown_disconnects: bool,
    /// The RST of an abort carries an ACK (Linux, FreeBSD); the RFC's is `<SEQ=SND.NXT><CTL=RST>`.
    pub reset_carries_ack: bool,
    /// The RST of an abort offers the window (Linux); otherwise its window field is 0.
    pub reset_offers_window: bool,
    /// What the user is told of a RST in CLOSE-WAIT.
    pub reset_in_close_wait: ResetInCloseWait,
    /// The user is told of a RST in CLOSING and LAST-ACK (Linux, FreeBSD); by the letter those just end
    /// (RFC 9293 §3.10.7.4, second).
    pub reset_while_closing_is_error: bool,
    /// A write to a side that is closed fails with EPIPE, and an error that waits stays for a read (FreeBSD `sosend`);
    /// otherwise a write takes the error.
    pub broken_pipe_first: bool,
    /// A read finds the end of a stream that the peer's FIN ended, whatever error waits (Linux); otherwise the error comes
    /// first.
    pub end_before_error: bool,
    /// New data that arrives in FIN-WAIT-1 or FIN-WAIT-2 resets the connection when nobody wants to read it any more
    /// either (RFC 9293 §3.6.1, SHLD-3; Linux). Otherwise it is acknowledged, and lost.
    pub reset_unwanted_data: bool,
    /// A RST in SYN-RECEIVED of an active open tells the user "connection refused" (RFC 9293 §3.10.7.4, second; FreeBSD);
    /// otherwise that it was reset, as Linux does but in SYN-SENT.
    pub reset_in_syn_received_refuses: bool,
}

/// When a connection that nobody owns stops to probe a window that stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrphanProbing {
    /// Never, as long as it is answered (RFC 9293 §3.8.6.1, MUST-37).
    Endless,
    /// Be it answered or not, when the interval has grown to its greatest and so many probes were sent (Linux
    /// `tcp_orphan_retries`).
    Probes(u32),
    /// After the FIN of its user, when nothing was heard for so long (FreeBSD).
    Silence(Duration),
}

/// What the user is told of a RST in CLOSE-WAIT, where the peer will not write any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetInCloseWait {
    /// The connection was reset, as in every synchronized state (RFC 9293 §3.10.7.4, second).
    Resets,
    /// The pipe is broken: what is still written goes nowhere (Linux).
    BreaksPipe,
}

impl ClosingConfig {
    pub(super) const fn rfc() -> Self {
        Self {
            reset_unread: true,
            reset_late_data: true,
            fin_wait_2: None,
            fin_wait_2_by_rto: false,
            shutdown_disconnects: false,
            reset_carries_ack: false,
            reset_offers_window: false,
            reset_in_close_wait: ResetInCloseWait::Resets,
            reset_while_closing_is_error: false,
            broken_pipe_first: false,
            end_before_error: false,
            reset_unwanted_data: false,
            reset_in_syn_received_refuses: true,
        }
    }

    pub(super) fn linux() -> Self {
        Self {
            fin_wait_2: Some(Duration::from_secs(60)),
            fin_wait_2_by_rto: true,
            shutdown_disconnects: true,
            reset_carries_ack: true,
            reset_offers_window: true,
            reset_in_close_wait: ResetInCloseWait::BreaksPipe,
            reset_while_closing_is_error: true,
            end_before_error: true,
            reset_unwanted_data: true,
            reset_in_syn_received_refuses: false,
            ..Self::rfc()
        }
    }

    pub(super) fn freebsd() -> Self {
        Self {
            reset_unread: false,
            // TP_MAXIDLE is 8 probes of 75 s; at that very time it is not yet too long, and the timer looks again one
            // interval later (tcp_timer_2msl).
            fin_wait_2: Some(Duration::from_secs(9 * 75)),
            reset_carries_ack: true,
            reset_while_closing_is_error: true,
            broken_pipe_first: true,
            ..Self::rfc()
        }
    }
}

/// TIME-WAIT (RFC 9293 §3.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWaitConfig {
    /// 2 MSL.
    pub length: Duration,
    /// How much of 2 MSL is waited.
    pub share: TimeWaitShare,
    /// What arriving segments do.
    pub rule: TimeWaitRule,
    /// Ignore RST (RFC 1337, `tcp_rfc1337`); otherwise a RST at RCV.NXT ends TIME-WAIT.
    pub rfc1337: bool,
    /// How far above the old SND.NXT the ISN of an accepted new connection has to be (MAY-2).
    pub reopen_gap: u32,
    /// If the accepted SYN turns out to be an old duplicate, the connection goes back to TIME-WAIT (MAY-2 (2)).
    pub resume: bool,
    /// A connect may take the place of a connection with timestamps when the peer has been silent for so long (Linux
    /// `tcp_tw_reuse`); `None`: never.
    pub reuse_after: Option<Duration>,
}

/// How much of 2 MSL a connection stays in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWaitShare {
    /// All of it (RFC 9293 §3.6.1, MUST-13).
    Whole,
    /// A five-hundredth: 120 ms of Linux's minute ([`crate::Quirk::ShortTimeWait`]).
    FiveHundredth,
}

/// What arriving segments do in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWaitRule {
    /// RFC 9293 §3.10.7.4 with RFC 6191: a retransmitted FIN restarts the clock; a refused SYN gets nothing.
    Letter,
    /// Linux (`tcp_timewait_state_process`): an empty segment at RCV.NXT, one with ACK that is not acceptable and one that
    /// fails PAWS restart the clock; a refused SYN gets an ACK.
    Linux,
    /// FreeBSD (`tcp_twcheck`): a retransmitted FIN restarts the clock; a RST, a refused SYN and all else without ACK get
    /// nothing; timestamps let no SYN in, and no segment out of them.
    Bsd,
}

impl TimeWaitConfig {
    /// How long a connection stays in TIME-WAIT.
    pub fn duration(&self) -> Duration {
        match self.share {
            TimeWaitShare::Whole => self.length,
            TimeWaitShare::FiveHundredth => self.length / 500,
        }
    }

    pub(super) fn rfc() -> Self {
        Self {
            length: Duration::from_secs(240),
            share: TimeWaitShare::Whole,
            rule: TimeWaitRule::Letter,
            rfc1337: false,
            reopen_gap: 65_536,
            resume: true,
            reuse_after: None,
        }
    }

    pub(super) fn linux() -> Self {
        Self {
            length: Duration::from_secs(60),
            share: TimeWaitShare::Whole,
            rule: TimeWaitRule::Linux,
            rfc1337: false,
            reopen_gap: 65_537,
            resume: false,
            reuse_after: None,
        }
    }

    pub(super) fn freebsd() -> Self {
        Self {
            length: Duration::from_secs(60),
            share: TimeWaitShare::Whole,
            rule: TimeWaitRule::Bsd,
            rfc1337: true,
            // The ISN of the new connection is RFC 6528's, which has moved on.
            reopen_gap: 1,
            resume: false,
            reuse_after: None,
        }
    }
}
