//! Settings of explicit congestion notification.

/// Explicit congestion notification (RFC 3168): when it is asked for and agreed to, and what stacks add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcnConfig {
    /// An active open asks for it (`tcp_ecn` 1, `net.inet.tcp.ecn.enable` 1).
    pub ask: bool,
    /// A passive open agrees to it (`tcp_ecn` and `net.inet.tcp.ecn.enable` 1 and 2).
    pub agree: bool,
    /// So many retransmissions of a SYN still ask (RFC 3168 §6.1.1.1: none; `net.inet.tcp.ecn.maxretries`); `None`: all
    /// do (`tcp_ecn_fallback` 0).
    pub syn_retries: Option<u32>,
    /// So many retransmissions of a SYN-ACK still agree; `None`: all do.
    pub syn_ack_retries: Option<u32>,
    /// A SYN that asks for ECN gets none if its own packet claims to be ECN-capable, which RFC 3168 §6.1.1 forbids
    /// (Linux).
    pub refuse_marked_syn: bool,
    /// CE counts on every segment (FreeBSD), not only on data inside the window (RFC 3168 §6.1.3, §6.1.5).
    pub marks_on_all: bool,
    /// The first mark makes for so many quick ACKs, and so does data that is not ECN-capable among data that is, since
    /// it was sent again (Linux: 2).
    pub quick: u8,
    /// Data with CWR is acknowledged at once: the peer's window may be down to one segment (Linux, FreeBSD).
    pub acknowledge_reduction: bool,
}

impl EcnConfig {
    pub(super) const fn rfc() -> Self {
        Self {
            ask: false,
            agree: true,
            syn_retries: Some(0),
            syn_ack_retries: None,
            refuse_marked_syn: false,
            marks_on_all: false,
            quick: 0,
            acknowledge_reduction: false,
        }
    }

    pub(super) const fn linux() -> Self {
        Self { refuse_marked_syn: true, quick: 2, acknowledge_reduction: true, ..Self::rfc() }
    }

    /// FreeBSD 15 with its default sysctls.
    pub const fn freebsd() -> Self {
        Self {
            syn_retries: Some(1),
            syn_ack_retries: Some(1),
            marks_on_all: true,
            acknowledge_reduction: true,
            ..Self::rfc()
        }
    }
}
