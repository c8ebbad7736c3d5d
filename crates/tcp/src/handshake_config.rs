//! How connections open where standards leave a choice and stacks differ.

use faultwire_base::Duration;

use crate::user_timeout::UserTimeoutOption;

/// Settings of the handshake beyond its retransmissions, which are in [`crate::OpeningConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeConfig {
    /// Text on a SYN without Fast Open is kept until the connection is ESTABLISHED (RFC 9293 §3.4). Otherwise it is
    /// neither kept nor acknowledged, and the peer sends it again (Linux, FreeBSD).
    pub text_on_syn: bool,
    /// Text and FIN on a SYN-ACK without Fast Open are taken (RFC 9293 §3.10.7.3). Otherwise the peer sends them again
    /// (Linux).
    pub text_on_syn_ack: bool,
    /// In SYN-RECEIVED a RST anywhere in the window ends a connection that Fast Open made (Linux); otherwise only one at
    /// RCV.NXT (RFC 5961 §3.2).
    pub reset_in_window: bool,
    /// A repeated SYN that gets the SYN-ACK again also restarts the timer of its retransmission, as what is sent
    /// again then.
    pub repeated_syn_restarts: bool,
    /// In a simultaneous open (RFC 9293 §3.5, figure 7) our SYN goes again as it was, with an ACK and on its own timer, and
    /// the peer's SYN,ACK is answered (Linux). Otherwise our SYN,ACK says what was agreed on and is timed anew, and the
    /// peer's ends the handshake in silence.
    pub syn_stays: bool,
    /// The ACK that ends an active open waits for a writer who waits for the connection, or for somebody who would not be
    /// asked for an answer at once, 200 ms at most (Linux).
    pub ack_waits_for_writer: bool,
    /// The first connect call after a connection came about without its caller waiting says that it did (Linux);
    /// otherwise it fails with EISCONN.
    pub connect_tells_success: bool,
    /// Retransmissions of a SYN-ACK whose connection Fast Open made already, beyond
    /// [`crate::OpeningConfig::synack_retries`].
    pub fast_open_extra_retries: u32,
    /// A connection that Fast Open made and that is reset before it was accepted is forgotten, as if it had stayed
    /// half-open (RFC 9293 §3.10.7.4, MUST-11). Otherwise it can be accepted, and says that it was reset.
    pub forget_reset_child: bool,
    /// From this retransmission on a SYN carries no options but the MSS (FreeBSD `rexmit_drop_options`: 3); 0: always
    /// all of them.
    pub drop_options_at: u32,
    /// When a listener answers a SYN without keeping anything (RFC 4987 §3.6, `tcp_syncookies`).
    pub syn_cookies: SynCookiePolicy,
    /// Segments with a signature (MD5 of RFC 2385, or RFC 5925) are dropped, since there is no key for them (Linux).
    /// Otherwise the option is ignored like every unknown one (RFC 9293 §3.1, MUST-6).
    pub drop_signed: bool,
    /// Sockets are as 4.4BSD has them: a send without a connection fails with ENOTCONN, a connect between ends that
    /// are taken with EADDRINUSE, and Fast Open keeps its cookies by path (FreeBSD).
    pub bsd_sockets: bool,
    /// How connect chooses a port (RFC 6056).
    pub port_choice: PortChoice,
    /// The user timeout option (RFC 5482); `None`: it is neither sent nor read.
    pub user_timeout_option: Option<UserTimeoutOption>,
    /// What a SYN gets in SYN-SENT.
    pub simultaneous_open: SimultaneousOpen,
}

/// What a SYN without ACK gets in SYN-SENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimultaneousOpen {
    /// A SYN with the ACK of it: both sides open one connection (RFC 9293 §3.5, MUST-10).
    Joins,
    /// A RST, as at a port where nobody listens, and the attempt is over ([`crate::Quirk::NoSimultaneousOpen`]).
    Refuses,
}

/// How connect chooses a local port (RFC 6056 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortChoice {
    /// At random, and again while the port is taken (algorithm 2).
    Random,
    /// From a place that a keyed hash of the destination gives, moved on by each use; even ports before odd ones, which
    /// are left for binds (algorithm 4, as Linux has it).
    DoubleHash,
}

/// When a listener answers a SYN without keeping anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynCookiePolicy {
    /// Never: what there is no room for is dropped.
    Never,
    /// When there are as many half-open connections as the backlog.
    WhenFull,
    /// Always.
    Always,
}

impl HandshakeConfig {
    /// The letter of the standards.
    pub const fn rfc() -> Self {
        Self {
            text_on_syn: true,
            text_on_syn_ack: true,
            reset_in_window: false,
            repeated_syn_restarts: false,
            syn_stays: false,
            ack_waits_for_writer: false,
            connect_tells_success: false,
            fast_open_extra_retries: 0,
            forget_reset_child: true,
            drop_options_at: 0,
            syn_cookies: SynCookiePolicy::Never,
            drop_signed: false,
            bsd_sockets: false,
            port_choice: PortChoice::Random,
            user_timeout_option: None,
            simultaneous_open: SimultaneousOpen::Joins,
        }
    }

    /// Linux 6.x.
    pub const fn linux() -> Self {
        Self {
            text_on_syn: false,
            text_on_syn_ack: false,
            reset_in_window: true,
            repeated_syn_restarts: true,
            syn_stays: true,
            ack_waits_for_writer: true,
            connect_tells_success: true,
            fast_open_extra_retries: 1,
            forget_reset_child: false,
            drop_options_at: 0,
            syn_cookies: SynCookiePolicy::WhenFull,
            drop_signed: true,
            bsd_sockets: false,
            port_choice: PortChoice::DoubleHash,
            user_timeout_option: None,
            simultaneous_open: SimultaneousOpen::Joins,
        }
    }

    /// FreeBSD 15.
    pub const fn freebsd() -> Self {
        Self {
            text_on_syn: false,
            text_on_syn_ack: true,
            reset_in_window: false,
            repeated_syn_restarts: true,
            syn_stays: false,
            ack_waits_for_writer: false,
            connect_tells_success: false,
            fast_open_extra_retries: 0,
            forget_reset_child: false,
            drop_options_at: 0,
            syn_cookies: SynCookiePolicy::WhenFull,
            drop_signed: false,
            bsd_sockets: true,
            port_choice: PortChoice::Random,
            user_timeout_option: None,
            simultaneous_open: SimultaneousOpen::Joins,
        }
    }
}

/// The number of SYN-ACK timeouts that `seconds` of deferring an accept come to (Linux `TCP_DEFER_ACCEPT`), with the
/// first timeout and the greatest one.
pub fn deferred_timeouts(seconds: u32, first: Duration, greatest: Duration) -> u8 {
    if seconds == 0 {
        return 0;
    }
    let wanted = Duration::from_secs(seconds.into());
    let (mut count, mut timeout, mut period) = (1_u8, first, first);
    while wanted > period && count < u8::MAX {
        count += 1;
        timeout = timeout.saturating_mul(2).min(greatest);
        period += timeout;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux `secs_to_retrans`: 1, 3, 7, 15 ... seconds are reached by 1, 2, 3, 4 ... timeouts of a second.
    #[test]
    fn seconds_to_timeouts() {
        let count = |seconds| deferred_timeouts(seconds, Duration::from_secs(1), Duration::from_secs(120));
        assert_eq!([0, 1, 2, 3, 4, 7, 8].map(count), [0, 1, 2, 2, 3, 3, 4]);
        assert_eq!(count(u32::MAX), 255);
    }
}
