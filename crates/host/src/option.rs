//! Socket options under the kernel's names, bare values in the kernel's units. Only those that act here exist.

use std::fmt;
use std::mem::discriminant;

use faultwire_base::{Duration, Instant};
use faultwire_tcp::{Connection, KeepAliveSetting};
use thiserror::Error;

/// An option and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketOption {
    /// `SO_REUSEADDR`: a port can be bound that others have who allow it too.
    ReuseAddress(bool),
    /// `SO_RCVBUF`: octets of data in the receive buffer. (The kernel doubles it and keeps half for bookkeeping.)
    ReceiveBuffer(u32),
    /// `SO_SNDBUF`: octets of data in the send buffer, as for `SO_RCVBUF`.
    SendBuffer(u32),
    /// `IP_TOS`: traffic class of what is sent, DSCP in the upper six bits.
    TrafficClass(u8),
    /// `SO_KEEPALIVE`: an idle connection is probed (RFC 9293 §3.8.4).
    KeepAlive(bool),
    /// `TCP_KEEPIDLE`, in seconds: idle time before the first probe.
    KeepIdle(Duration),
    /// `TCP_KEEPINTVL`, in seconds: time between probes.
    KeepInterval(Duration),
    /// `TCP_KEEPCNT`: unanswered probes that end a connection.
    KeepCount(u16),
    /// `TCP_NODELAY`: small segments are sent at once (RFC 9293 §3.7.4).
    NoDelay(bool),
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
}

impl SocketOption {
    /// The option with the kernel's `name` and a bare `value`.
    ///
    /// # Errors
    /// [`OptionError`] if no such option acts here or it can't have that value.
    pub fn parse(name: &str, value: i64) -> Result<Self, OptionError> {
        if let Some(&(name, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(OptionError::Refused { name, reason });
        }
        let Some(known) = TABLE.iter().find(|known| known.name == name) else {
            let distance = |known: &&Known| strsim::damerau_levenshtein(known.name, name);
            let nearest = TABLE.iter().min_by_key(distance).expect("there are options").name;
            return Err(OptionError::UnknownName { name: name.into(), nearest });
        };
        let &Known { name, low, high, make } = known;
        if (low..=high).contains(&value) {
            Ok(make(value as u32))
        } else {
            Err(OptionError::OutOfRange { name, value, low, high })
        }
    }

    /// Names of all options that act here.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|known| known.name)
    }

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        let same = |known: &&Known| discriminant(&(known.make)(1)) == discriminant(&self);
        TABLE.iter().find(same).expect("every option is in the table").name
    }

    /// Sets it on a connection; [`SocketOption::ReuseAddress`] concerns only the port.
    pub(crate) fn apply(self, connection: &mut Connection, now: Instant) {
        match self {
            Self::ReuseAddress(_) => {}
            Self::ReceiveBuffer(octets) => connection.set_receive_buffer(octets.into()),
            Self::SendBuffer(octets) => connection.set_send_buffer(octets.into()),
            Self::TrafficClass(class) => connection.set_traffic_class(class),
            Self::KeepAlive(on) => connection.set_keep_alive(now, KeepAliveSetting::Enabled(on)),
            Self::KeepIdle(time) => connection.set_keep_alive(now, KeepAliveSetting::Idle(time)),
            Self::KeepInterval(time) => connection.set_keep_alive(now, KeepAliveSetting::Interval(time)),
            Self::KeepCount(probes) => connection.set_keep_alive(now, KeepAliveSetting::Probes(probes)),
            Self::NoDelay(on) => connection.set_no_delay(on),
            Self::QuickAck(on) => connection.set_quick_ack(on),
            Self::UserTimeout(time) => connection.set_user_timeout(now, time),
            Self::ErrorReports(on) => connection.set_error_reports(on),
            Self::SynCount(count) => connection.set_syn_count(count),
            Self::FastOpen(_)
            | Self::FastOpenConnect(_)
            | Self::FastOpenNoCookie(_)
            | Self::DeferAccept(_) => {}
        }
    }
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was set on a socket without a connection, for the connections to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preset {
    options: Vec<SocketOption>,
}

impl Preset {
    /// Keeps the latest value of each option.
    pub(crate) fn set(&mut self, option: SocketOption) {
        self.options.retain(|known| discriminant(known) != discriminant(&option));
        self.options.push(option);
    }

    pub(crate) fn apply(&self, connection: &mut Connection, now: Instant) {
        self.options.iter().for_each(|option| option.apply(connection, now));
    }

    pub(crate) fn reuses_address(&self) -> bool {
        self.options.contains(&SocketOption::ReuseAddress(true))
    }

    /// `TCP_FASTOPEN`, 0 if it was not set.
    pub(crate) fn fast_open(&self) -> u32 {
        self.find(|option| if let SocketOption::FastOpen(backlog) = option { Some(backlog) } else { None })
            .unwrap_or(0)
    }

    pub(crate) fn has(&self, option: SocketOption) -> bool {
        self.options.contains(&option)
    }

    /// `TCP_DEFER_ACCEPT`, 0 if it was not set.
    pub(crate) fn deferred_seconds(&self) -> u32 {
        self.find(|option| if let SocketOption::DeferAccept(seconds) = option { Some(seconds) } else { None })
            .unwrap_or(0)
    }

    /// `TCP_SYNCNT`, 0 if it was not set.
    pub(crate) fn syn_count(&self) -> u8 {
        self.find(|option| if let SocketOption::SynCount(count) = option { Some(count) } else { None })
            .unwrap_or(0)
    }

    fn find<T>(&self, read: impl Fn(SocketOption) -> Option<T>) -> Option<T> {
        self.options.iter().find_map(|&option| read(option))
    }

    pub(crate) fn traffic_class(&self) -> Option<u8> {
        self.options.iter().find_map(|option| match *option {
            SocketOption::TrafficClass(class) => Some(class),
            _ => None,
        })
    }
}

struct Known {
    name: &'static str,
    low: i64,
    high: i64,
    make: fn(u32) -> SocketOption,
}

const fn known(name: &'static str, low: i64, high: i64, make: fn(u32) -> SocketOption) -> Known {
    Known { name, low, high, make }
}

const INT_MAX: i64 = i32::MAX as i64;

/// Options that will not come. Source routes (RFC 9293 §3.9.2.1: MUST-51..53, SHLD-24) are the one part of the standard
/// that is left out: networks drop packets that have them (RFC 7126 §4.3, §4.4).
const REFUSED: &[(&str, &str)] = &[(
    "IP_OPTIONS",
    "no IP option is sent, a source route least of all, which networks drop (RFC 7126); give the hosts routes instead",
)];

const TABLE: &[Known] = &[
    known("IP_RECVERR", 0, 1, |on| SocketOption::ErrorReports(on == 1)),
    known("IP_TOS", 0, 255, |class| SocketOption::TrafficClass(class as u8)),
    known("SO_KEEPALIVE", 0, 1, |on| SocketOption::KeepAlive(on == 1)),
    known("SO_RCVBUF", 1, INT_MAX, SocketOption::ReceiveBuffer),
    known("SO_REUSEADDR", 0, 1, |on| SocketOption::ReuseAddress(on == 1)),
    known("SO_SNDBUF", 1, INT_MAX, SocketOption::SendBuffer),
    known("TCP_DEFER_ACCEPT", 0, INT_MAX, SocketOption::DeferAccept),
    known("TCP_FASTOPEN", 0, INT_MAX, SocketOption::FastOpen),
    known("TCP_FASTOPEN_CONNECT", 0, 1, |on| SocketOption::FastOpenConnect(on == 1)),
    known("TCP_FASTOPEN_NO_COOKIE", 0, 1, |on| SocketOption::FastOpenNoCookie(on == 1)),
    known("TCP_KEEPCNT", 1, 127, |probes| SocketOption::KeepCount(probes as u16)),
    known("TCP_KEEPIDLE", 1, 32_767, |seconds| SocketOption::KeepIdle(Duration::from_secs(seconds.into()))),
    known("TCP_KEEPINTVL", 1, 32_767, |seconds| {
        SocketOption::KeepInterval(Duration::from_secs(seconds.into()))
    }),
    known("TCP_NODELAY", 0, 1, |on| SocketOption::NoDelay(on == 1)),
    known("TCP_QUICKACK", 0, 1, |on| SocketOption::QuickAck(on == 1)),
    known("TCP_SYNCNT", 1, 127, |count| SocketOption::SynCount(count as u8)),
    known("TCP_USER_TIMEOUT", 0, INT_MAX, |millis| {
        SocketOption::UserTimeout((millis > 0).then(|| Duration::from_millis(millis.into())))
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_the_kernels() {
        for name in SocketOption::names() {
            assert_eq!(SocketOption::parse(name, 1).unwrap().name(), name);
        }
        let timeout = |millis| SocketOption::parse("TCP_USER_TIMEOUT", millis);
        assert_eq!(timeout(30_000), Ok(SocketOption::UserTimeout(Some(Duration::from_secs(30)))));
        assert_eq!(timeout(0), Ok(SocketOption::UserTimeout(None)));
    }

    #[test]
    fn mistakes_are_named() {
        let unknown = SocketOption::parse("TCP_NODELY", 1).unwrap_err();
        assert_eq!(unknown, OptionError::UnknownName { name: "TCP_NODELY".into(), nearest: "TCP_NODELAY" });
        let range = SocketOption::parse("TCP_NODELAY", 2).unwrap_err();
        assert_eq!(range.to_string(), "TCP_NODELAY can't be 2: a number from 0 to 1 is needed");
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

    #[test]
    fn a_preset_keeps_the_latest_value() {
        let mut preset = Preset::default();
        preset.set(SocketOption::ReuseAddress(true));
        assert!(preset.reuses_address());
        preset.set(SocketOption::ReuseAddress(false));
        assert!(!preset.reuses_address());
    }
}
