//! Socket options under the kernel's names, bare values in the kernel's units. Only those that act here exist.

mod preset;
mod table;

use std::fmt;

use faultwire_base::Duration;
use thiserror::Error;

pub(crate) use preset::Preset;
pub(crate) use table::{Reading, Source};

/// An option and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketOption {
    /// `SO_REUSEADDR`: a port can be bound that others have who allow it too.
    ReuseAddress(bool),
    /// `SO_RCVBUF`: octets that the user asks for. (Linux doubles them and keeps half for bookkeeping.)
    ReceiveBuffer(u32),
    /// `SO_SNDBUF`: as `SO_RCVBUF`, for the send buffer.
    SendBuffer(u32),
    /// `SO_LINGER`: whether and how long a close waits for the peer to acknowledge; zero resets.
    Linger(Option<Duration>),
    /// `SO_OOBINLINE`: urgent data stays in the stream (RFC 6093).
    UrgentInline(bool),
    /// `IP_TOS`, `IPV6_TCLASS`: traffic class of what is sent, DSCP in the upper six bits.
    TrafficClass(u8),
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`: hop limit of what is sent; `None`: the host's.
    HopLimit(Option<u8>),
    /// `SO_KEEPALIVE`: an idle connection is probed (RFC 9293 §3.8.4).
    KeepAlive(bool),
    /// `TCP_KEEPIDLE`, in seconds: idle time before the first probe.
    KeepIdle(Duration),
    /// `TCP_KEEPINTVL`, in seconds: time between probes.
    KeepInterval(Duration),
    /// `TCP_KEEPCNT`: unanswered probes that end a connection.
    KeepCount(u16),
    /// `TCP_LINGER2`, in seconds: how long a connection that nobody owns stays in FIN-WAIT-2, at most two minutes. Zero
    /// leaves it to the configuration; `None` (-1): it is reset.
    OrphanLinger(Option<Duration>),
    /// `TCP_MAXSEG`, in octets: the largest segment to announce and to send, options included. It counts from the SYN on.
    SegmentSize(u16),
    /// FreeBSD's `TCP_KEEPINIT`, in seconds: how long an active open may take.
    OpeningLimit(Duration),
    /// FreeBSD's `TCP_NOOPT`: SYNs carry no options, and so none are agreed on.
    NoOptions(bool),
    /// `TCP_NODELAY`: small segments are sent at once (RFC 9293 §3.7.4).
    NoDelay(bool),
    /// `TCP_CORK`, FreeBSD's `TCP_NOPUSH`: small segments wait until it is taken off.
    Cork(bool),
    /// `TCP_QUICKACK`: ACKs are not delayed.
    QuickAck(bool),
    /// `TCP_FASTOPEN`: how many connections of a listener may be open by Fast Open before their handshake is complete.
    FastOpen(u32),
    /// `TCP_FASTOPEN_CONNECT`: connect waits for the first write if there is a cookie, and the SYN takes that along.
    FastOpenConnect(bool),
    /// `TCP_FASTOPEN_NO_COOKIE`: Fast Open works without a cookie, for a client and for a listener.
    FastOpenNoCookie(bool),
    /// `TCP_DEFER_ACCEPT`, in seconds: a connection is there for the listener once it has data, or after so long.
    DeferAccept(u32),
    /// `TCP_SYNCNT`: retransmissions of a SYN.
    SynCount(u8),
    /// `TCP_NOTSENT_LOWAT`: so much unsent data is enough.
    UnsentLimit(u32),
    /// `TCP_USER_TIMEOUT`, in milliseconds: how long data may stay unacknowledged; 0 leaves it to R2.
    UserTimeout(Option<Duration>),
    /// `IP_RECVERR`: ICMP errors that do not end the connection are told too (RFC 9293 §3.9.1.8, SHLD-20).
    ErrorReports(bool),
}

/// Why there is no such option or value. The message names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionError {
    /// Not the name of an option that acts here.
    #[error("{name:?} is no socket option that acts here; the nearest is {nearest}")]
    UnknownName {
        /// As written.
        name: String,
        /// The nearest known name.
        nearest: &'static str,
    },
    /// An option that is left out for good.
    #[error("{name} is refused: {reason}")]
    Refused {
        /// The option.
        name: &'static str,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// A value that the option can't have.
    #[error("{name} can't be {value}: a number from {low} to {high} is needed")]
    OutOfRange {
        /// The option.
        name: &'static str,
        /// As written.
        value: i64,
        /// Least value.
        low: i64,
        /// Greatest value.
        high: i64,
    },
    /// An option that can only be asked for.
    #[error("{name} can only be read")]
    ReadOnly {
        /// The option.
        name: &'static str,
    },
}

/// The name of an option, to read it by.
#[derive(Clone, Copy)]
pub struct OptionName(&'static table::Known);

impl SocketOption {
    /// The option with the kernel's `name` and a bare `value`. `SO_LINGER` is the time in seconds, and -1 is off.
    ///
    /// # Errors
    /// [`OptionError`] if no such option acts here or it can't have that value.
    pub fn parse(name: &str, value: i64) -> Result<Self, OptionError> {
        let known = OptionName::parse(name)?.0;
        let Some(set) = &known.set else { return Err(OptionError::ReadOnly { name: known.name }) };
        if (set.low..=set.high).contains(&value) {
            Ok((set.make)(value))
        } else {
            Err(OptionError::OutOfRange { name: known.name, value, low: set.low, high: set.high })
        }
    }

    /// Names of all options that can be set.
    pub fn names() -> impl Iterator<Item = &'static str> {
        table::TABLE.iter().filter(|known| known.set.is_some()).map(|known| known.name)
    }

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        table::known_of(self).name
    }
}

impl OptionName {
    /// The option with the kernel's `name`.
    ///
    /// # Errors
    /// [`OptionError::UnknownName`] or [`OptionError::Refused`] if no such option acts here.
    pub fn parse(name: &str) -> Result<Self, OptionError> {
        if let Some(known) = table::TABLE.iter().find(|known| known.name == name) {
            return Ok(Self(known));
        }
        if let Some(&(name, reason)) = table::REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(OptionError::Refused { name, reason });
        }
        let distance = |known: &&table::Known| strsim::damerau_levenshtein(known.name, name);
        let nearest = table::TABLE.iter().min_by_key(distance).expect("there are options").name;
        Err(OptionError::UnknownName { name: name.into(), nearest })
    }

    /// The kernel's name.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// Its value, in the kernel's units.
    pub(crate) fn read(self, reading: &Reading<'_>) -> i64 {
        (self.0.get)(reading)
    }
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for OptionName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for OptionName {}

impl fmt::Debug for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_the_kernels() {
        for name in SocketOption::names().filter(|name| !ALIASES.contains(name)) {
            let value = if name == "TCP_MAXSEG" { 88 } else { 1 };
            assert_eq!(SocketOption::parse(name, value).unwrap().name(), name);
        }
        assert!(
            SocketOption::parse("TCP_MAXSEG", 87).is_err()
                && SocketOption::parse("TCP_MAXSEG", 32_768).is_err()
        );
        for alias in ALIASES {
            assert_ne!(SocketOption::parse(alias, 1).unwrap().name(), alias);
        }
        let timeout = |millis| SocketOption::parse("TCP_USER_TIMEOUT", millis);
        assert_eq!(timeout(30_000), Ok(SocketOption::UserTimeout(Some(Duration::from_secs(30)))));
        assert_eq!(timeout(0), Ok(SocketOption::UserTimeout(None)));
        assert_eq!(SocketOption::parse("SO_LINGER", -1), Ok(SocketOption::Linger(None)));
    }

    const ALIASES: [&str; 3] = ["IPV6_TCLASS", "IPV6_UNICAST_HOPS", "TCP_NOPUSH"];

    #[test]
    fn mistakes_are_named() {
        let unknown = SocketOption::parse("TCP_NODELY", 1).unwrap_err();
        assert_eq!(unknown, OptionError::UnknownName { name: "TCP_NODELY".into(), nearest: "TCP_NODELAY" });
        let range = SocketOption::parse("TCP_NODELAY", 2).unwrap_err();
        assert_eq!(range.to_string(), "TCP_NODELAY can't be 2: a number from 0 to 1 is needed");
        let read_only = SocketOption::parse("SO_ERROR", 0).unwrap_err();
        assert_eq!(read_only.to_string(), "SO_ERROR can only be read");
    }

    /// RFC 9293 §3.9.2.1: MUST-51..53, SHLD-24, source routes, are refused with the reason.
    #[test]
    fn source_routes_are_refused() {
        let error = SocketOption::parse("IP_OPTIONS", 0).unwrap_err();
        assert!(matches!(error, OptionError::Refused { name: "IP_OPTIONS", .. }));
        let text = error.to_string();
        assert!(
            text.starts_with("IP_OPTIONS is refused: ") && text.contains("give the hosts routes instead"),
            "{text}"
        );
        assert!(SocketOption::names().all(|name| name != "IP_OPTIONS"));
    }
}
