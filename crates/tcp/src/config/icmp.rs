//! Settings of what ICMP errors do to connections.

/// What ICMP errors do to connections (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpConfig {
    /// Which error is which to the user, and which are hard.
    pub errors: IcmpErrors,
    /// Hard errors are taken for hard (RFC 9293 §3.9.2.2, SHLD-26); otherwise they are soft too (FreeBSD
    /// `net.inet.tcp.icmp_may_rst` 0).
    pub hard_is_hard: bool,
    /// An error may quote SND.NXT itself, which was not sent yet (Linux); otherwise only what is in flight
    /// (RFC 5927 §4.1).
    pub quotes_next: bool,
    /// An error that says that a packet was too big is believed (FreeBSD `net.inet.tcp.path_mtu_discovery`).
    pub path_mtu_discovery: bool,
    /// A second soft error ends an attempt that has timed out more than three times (FreeBSD).
    pub insistence_ends: bool,
    /// Which errors end a half-open connection of a listener.
    pub half_open: HalfOpenErrors,
    /// `SO_ERROR` tells a soft error too, if nothing worse happened (Linux; SHLD-25).
    pub soft_is_pending: bool,
    /// Net or host unreachable for what a timeout sent again takes a doubling of the timeout back (RFC 6069; Linux).
    pub reverts_back_off: bool,
    /// Least MTU that is believed of an IPv4 path: 68 (RFC 1191 §3), 552 (`route.min_pmtu`), 256 (FreeBSD).
    pub least_mtu: u32,
    /// An error without an MTU, from an old router, makes for the next smaller usual one (RFC 1191 §7.1); otherwise for
    /// the least.
    pub plateaus: bool,
}

/// Which ICMP error is which to the user, and which are hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpErrors {
    /// RFC 9293 §3.9.2.2: IPv4's protocol and port unreachable are hard, IPv6's port unreachable too.
    Letter,
    /// `icmp_err_convert` and `icmpv6_err_convert`: an errno for each code; none counts as hard.
    Linux,
    /// `icmp_errmap` and `icmp6_errmap`: what is prohibited counts as refused, and is hard as time exceeded is.
    FreeBsd,
}

/// Which errors end a half-open connection of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfOpenErrors {
    /// Hard ones.
    Hard,
    /// Net and host unreachable, time exceeded, parameter problem (Linux `tcp_req_err`).
    Unreachable,
    /// Any, if it is not the first and the SYN-ACK was sent again three times (FreeBSD `syncache_unreach`).
    Insistent,
}

impl IcmpConfig {
    pub(super) const fn rfc() -> Self {
        Self {
            errors: IcmpErrors::Letter,
            hard_is_hard: true,
            quotes_next: false,
            path_mtu_discovery: true,
            insistence_ends: false,
            half_open: HalfOpenErrors::Hard,
            soft_is_pending: false,
            reverts_back_off: false,
            least_mtu: 68,
            plateaus: true,
        }
    }

    pub(super) const fn linux() -> Self {
        Self {
            errors: IcmpErrors::Linux,
            quotes_next: true,
            half_open: HalfOpenErrors::Unreachable,
            soft_is_pending: true,
            reverts_back_off: true,
            least_mtu: 552,
            plateaus: false,
            ..Self::rfc()
        }
    }

    /// FreeBSD 15, `net.inet.tcp.icmp_may_rst` 1.
    pub const fn freebsd() -> Self {
        Self {
            errors: IcmpErrors::FreeBsd,
            insistence_ends: true,
            half_open: HalfOpenErrors::Insistent,
            least_mtu: 256,
            ..Self::rfc()
        }
    }
}
