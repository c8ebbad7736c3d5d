//! The table of all options: name, range, how a value is made, how it is read.

use std::mem::discriminant;

use faultwire_base::{Duration, Instant};
use faultwire_tcp::{Connection, KeepAliveSetting, UrgentRule, deferred_timeouts};

use super::{Preset, SocketOption};
use crate::config::HostConfig;
use crate::connections::SocketSettings;

/// One option.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// `None`: it can only be read.
    pub(super) set: Option<Set>,
    pub(super) get: fn(&Reading<'_>) -> i64,
}

/// How an option is set.
pub(super) struct Set {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) make: fn(i64) -> SocketOption,
}

/// A socket whose options are read.
pub(crate) struct Reading<'a> {
    pub(crate) config: &'a HostConfig,
    pub(crate) source: Source<'a>,
    /// The pending error, by the kernel's number; it was taken.
    pub(crate) error: i64,
    pub(crate) listens: bool,
}

/// Where the values come from.
pub(crate) enum Source<'a> {
    /// What was set before there is a connection.
    Preset(&'a Preset),
    /// A connection and what its entry holds.
    Connection(&'a Connection, &'a SocketSettings),
}

impl Reading<'_> {
    /// The value that was set before there is a connection, or else what a new connection would have.
    fn preset(&self, pick: impl Fn(SocketOption) -> Option<i64>, initial: i64) -> i64 {
        match &self.source {
            Source::Preset(preset) => preset.iter().find_map(pick).unwrap_or(initial),
            Source::Connection(..) => initial,
        }
    }

    fn of(
        &self,
        connection: impl Fn(&Connection) -> i64,
        pick: impl Fn(SocketOption) -> Option<i64>,
        initial: i64,
    ) -> i64 {
        match self.source {
            Source::Connection(one, _) => connection(one),
            Source::Preset(_) => self.preset(pick, initial),
        }
    }

    fn setting(
        &self,
        entry: impl Fn(&SocketSettings) -> i64,
        pick: impl Fn(SocketOption) -> Option<i64>,
        initial: i64,
    ) -> i64 {
        match self.source {
            Source::Connection(_, settings) => entry(settings),
            Source::Preset(_) => self.preset(pick, initial),
        }
    }
}

/// Reads `$variant` of a preset as a number.
macro_rules! pick {
    ($variant:ident, $value:ident => $number:expr) => {
        |option| match option {
            SocketOption::$variant($value) => Some($number),
            _ => None,
        }
    };
}

const fn known(
    name: &'static str,
    low: i64,
    high: i64,
    make: fn(i64) -> SocketOption,
    get: fn(&Reading<'_>) -> i64,
) -> Known {
    Known { name, set: Some(Set { low, high, make }), get }
}

const fn read_only(name: &'static str, get: fn(&Reading<'_>) -> i64) -> Known {
    Known { name, set: None, get }
}

const INT_MAX: i64 = i32::MAX as i64;

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos() / 1_000_000_000).unwrap_or(INT_MAX)
}

fn millis(time: Option<Duration>) -> i64 {
    time.map_or(0, |time| i64::try_from(time.as_nanos() / 1_000_000).unwrap_or(INT_MAX))
}

fn linger(time: Option<Duration>) -> i64 {
    time.map_or(-1, seconds)
}

fn traffic_class(reading: &Reading<'_>) -> i64 {
    reading.of(|one| one.traffic_class().into(), pick!(TrafficClass, class => class.into()), 0)
}

fn hop_limit(reading: &Reading<'_>) -> i64 {
    let host = i64::from(reading.config.ip.hop_limit);
    reading.setting(
        |settings| settings.hop_limit.map_or(host, i64::from),
        pick!(HopLimit, hops => hops.map_or(host, i64::from)),
        host,
    )
}

fn cork(reading: &Reading<'_>) -> i64 {
    reading.of(|one| one.is_corked().into(), pick!(Cork, on => on.into()), 0)
}

/// As Linux, the time that the timeouts take that it comes to (`retrans_to_secs`).
fn deferred_seconds(reading: &Reading<'_>) -> i64 {
    let retransmission = &reading.config.tcp.retransmission;
    let asked = |option| match option {
        SocketOption::DeferAccept(seconds) => Some(seconds.into()),
        _ => None,
    };
    let asked = reading.preset(asked, 0) as u32;
    let (first, most) = (retransmission.initial, retransmission.max);
    let count = deferred_timeouts(asked, first, most);
    (0..count).fold(0, |sum, n| sum + seconds(first.saturating_mul(1 << n.min(40)).min(most)))
}

/// Two minutes at most (Linux `TCP_FIN_TIMEOUT_MAX`).
fn make_orphan_linger(time: i64) -> SocketOption {
    SocketOption::OrphanLinger(u64::try_from(time).ok().map(|time| Duration::from_secs(time.min(120))))
}

fn orphan_linger(reading: &Reading<'_>) -> i64 {
    let configured = reading.config.tcp.closing.fin_wait_2.map_or(0, seconds);
    let shown = |time: Option<Duration>| match time {
        None => -1,
        Some(Duration::ZERO) => configured,
        Some(time) => seconds(time),
    };
    reading.of(|one| shown(one.orphan_linger()), pick!(OrphanLinger, time => shown(time)), configured)
}

fn make_traffic_class(class: i64) -> SocketOption {
    SocketOption::TrafficClass(class as u8)
}

/// -1 is the host's.
fn make_hop_limit(hops: i64) -> SocketOption {
    SocketOption::HopLimit(u8::try_from(hops).ok())
}

fn make_cork(on: i64) -> SocketOption {
    SocketOption::Cork(on == 1)
}

/// Options that will not come. Source routes (RFC 9293 §3.9.2.1: MUST-51..53, SHLD-24) are the one part of the standard
/// that is left out: networks drop packets that have them (RFC 7126 §4.3, §4.4).
pub(super) const REFUSED: &[(&str, &str)] = &[
    (
        "IP_OPTIONS",
        "no IP option is sent, a source route least of all, which networks drop (RFC 7126); give the hosts routes instead",
    ),
    ("TCP_AO_ADD_KEY", UNSIGNED),
    ("TCP_AO_INFO", UNSIGNED),
    ("TCP_MD5SIG", UNSIGNED),
    ("TCP_MD5SIG_EXT", UNSIGNED),
];

const UNSIGNED: &str = "segments are not signed here (RFC 2385, RFC 5925); run without keys at both ends";

/// The first name of a variant is the one it is called by.
pub(super) static TABLE: &[Known] = &[
    known(
        "IP_RECVERR",
        0,
        1,
        |on| SocketOption::ErrorReports(on == 1),
        |reading| reading.of(|one| one.error_reports().into(), pick!(ErrorReports, on => on.into()), 0),
    ),
    known("IP_TOS", 0, 255, make_traffic_class, traffic_class),
    known("IPV6_TCLASS", 0, 255, make_traffic_class, traffic_class),
    known("IP_TTL", 1, 255, make_hop_limit, hop_limit),
    known("IPV6_UNICAST_HOPS", -1, 255, make_hop_limit, hop_limit),
    read_only("SO_ACCEPTCONN", |reading| reading.listens.into()),
    read_only("SO_ERROR", |reading| reading.error),
    known(
        "SO_KEEPALIVE",
        0,
        1,
        |on| SocketOption::KeepAlive(on == 1),
        |reading| {
            let initial = reading.config.tcp.keep_alive.enabled.into();
            reading.of(|one| one.keep_alive().0.into(), pick!(KeepAlive, on => on.into()), initial)
        },
    ),
    known(
        "SO_LINGER",
        -1,
        65_535,
        |time| SocketOption::Linger(u64::try_from(time).ok().map(Duration::from_secs)),
        |reading| {
            reading.setting(|settings| linger(settings.linger), pick!(Linger, time => linger(time)), -1)
        },
    ),
    known(
        "SO_OOBINLINE",
        0,
        1,
        |on| SocketOption::UrgentInline(on == 1),
        |reading| {
            let initial = (reading.config.tcp.arrival.urgent == UrgentRule::InLine).into();
            reading.of(|one| one.is_urgent_in_line().into(), pick!(UrgentInline, on => on.into()), initial)
        },
    ),
    known(
        "SO_RCVBUF",
        0,
        INT_MAX,
        |octets| SocketOption::ReceiveBuffer(octets as u32),
        |reading| {
            let buffers = &reading.config.tcp.buffers;
            reading.of(
                |one| one.receive_buffer_size() as i64,
                pick!(ReceiveBuffer, octets => buffers.asked.receive(octets.into()) as i64),
                buffers.receive as i64,
            )
        },
    ),
    known(
        "SO_REUSEADDR",
        0,
        1,
        |on| SocketOption::ReuseAddress(on == 1),
        |reading| {
            reading.setting(|settings| settings.reuse_address.into(), pick!(ReuseAddress, on => on.into()), 0)
        },
    ),
    known(
        "SO_SNDBUF",
        0,
        INT_MAX,
        |octets| SocketOption::SendBuffer(octets as u32),
        |reading| {
            let buffers = &reading.config.tcp.buffers;
            reading.of(
                |one| one.send_buffer_size() as i64,
                pick!(SendBuffer, octets => buffers.asked.send(octets.into()) as i64),
                buffers.send as i64,
            )
        },
    ),
    // SOCK_STREAM.
    read_only("SO_TYPE", |_| 1),
    known("TCP_CORK", 0, 1, make_cork, cork),
    known("TCP_DEFER_ACCEPT", 0, INT_MAX, |time| SocketOption::DeferAccept(time as u32), deferred_seconds),
    known(
        "TCP_FASTOPEN",
        0,
        INT_MAX,
        |limit| SocketOption::FastOpen(limit as u32),
        |reading| reading.preset(pick!(FastOpen, limit => limit.into()), 0),
    ),
    known(
        "TCP_FASTOPEN_CONNECT",
        0,
        1,
        |on| SocketOption::FastOpenConnect(on == 1),
        |reading| reading.preset(pick!(FastOpenConnect, on => on.into()), 0),
    ),
    known(
        "TCP_FASTOPEN_NO_COOKIE",
        0,
        1,
        |on| SocketOption::FastOpenNoCookie(on == 1),
        |reading| reading.preset(pick!(FastOpenNoCookie, on => on.into()), 0),
    ),
    known(
        "TCP_KEEPCNT",
        1,
        127,
        |probes| SocketOption::KeepCount(probes as u16),
        |reading| {
            let initial = reading.config.tcp.keep_alive.probes.into();
            reading.of(|one| one.keep_alive().3.into(), pick!(KeepCount, probes => probes.into()), initial)
        },
    ),
    known(
        "TCP_KEEPIDLE",
        1,
        32_767,
        |time| SocketOption::KeepIdle(Duration::from_secs(time as u64)),
        |reading| {
            let initial = seconds(reading.config.tcp.keep_alive.idle);
            reading.of(|one| seconds(one.keep_alive().1), pick!(KeepIdle, time => seconds(time)), initial)
        },
    ),
    known(
        "TCP_KEEPINTVL",
        1,
        32_767,
        |time| SocketOption::KeepInterval(Duration::from_secs(time as u64)),
        |reading| {
            let initial = seconds(reading.config.tcp.keep_alive.interval);
            reading.of(|one| seconds(one.keep_alive().2), pick!(KeepInterval, time => seconds(time)), initial)
        },
    ),
    known(
        "TCP_KEEPINIT",
        1,
        65_535,
        |time| SocketOption::OpeningLimit(Duration::from_secs(time as u64)),
        |reading| {
            let initial = reading.config.tcp.opening.limit.map_or(0, seconds);
            reading.of(
                |one| one.opening_limit().map_or(0, seconds),
                pick!(OpeningLimit, time => seconds(time)),
                initial,
            )
        },
    ),
    known("TCP_LINGER2", -1, INT_MAX, make_orphan_linger, orphan_linger),
    // As in Linux: what a socket that is not connected yet would send without a limit, is the default.
    known(
        "TCP_MAXSEG",
        88,
        32_767,
        |octets| SocketOption::SegmentSize(octets as u16),
        |reading| {
            reading.of(|one| one.send_segment_size().into(), pick!(SegmentSize, octets => octets.into()), 536)
        },
    ),
    known(
        "TCP_NODELAY",
        0,
        1,
        |on| SocketOption::NoDelay(on == 1),
        |reading| reading.of(|one| one.is_no_delay().into(), pick!(NoDelay, on => on.into()), 0),
    ),
    known(
        "TCP_NOOPT",
        0,
        1,
        |on| SocketOption::NoOptions(on == 1),
        |reading| reading.of(|one| one.has_no_options().into(), pick!(NoOptions, on => on.into()), 0),
    ),
    known("TCP_NOPUSH", 0, 1, make_cork, cork),
    known(
        "TCP_NOTSENT_LOWAT",
        0,
        u32::MAX as i64,
        |octets| SocketOption::UnsentLimit(octets as u32),
        |reading| {
            let initial = reading.config.tcp.buffers.unsent_limit.into();
            reading.of(|one| one.unsent_limit().into(), pick!(UnsentLimit, octets => octets.into()), initial)
        },
    ),
    known(
        "TCP_QUICKACK",
        0,
        1,
        |on| SocketOption::QuickAck(on == 1),
        |reading| {
            let initial = (reading.config.tcp.acknowledgment.quick > 0).into();
            reading.of(|one| one.is_quick_ack().into(), pick!(QuickAck, on => on.into()), initial)
        },
    ),
    known(
        "TCP_SYNCNT",
        1,
        127,
        |count| SocketOption::SynCount(count as u8),
        |reading| {
            let initial = reading.config.tcp.opening.syn_retries.into();
            let shown = |count: u8| if count == 0 { initial } else { count.into() };
            reading.of(|one| shown(one.syn_count()), pick!(SynCount, count => shown(count)), initial)
        },
    ),
    known(
        "TCP_USER_TIMEOUT",
        0,
        INT_MAX,
        |time| SocketOption::UserTimeout((time > 0).then(|| Duration::from_millis(time as u64))),
        |reading| {
            let initial = millis(reading.config.tcp.give_up.user_timeout);
            reading.of(|one| millis(one.user_timeout()), pick!(UserTimeout, time => millis(time)), initial)
        },
    ),
];

/// The row of an option.
pub(super) fn known_of(option: SocketOption) -> &'static Known {
    let same = |known: &&Known| {
        known.set.as_ref().is_some_and(|set| discriminant(&(set.make)(1)) == discriminant(&option))
    };
    TABLE.iter().find(same).expect("every option is in the table")
}

impl SocketOption {
    /// Sets it on a connection; what concerns only the socket is left to [`SocketSettings`].
    pub(crate) fn apply(self, connection: &mut Connection, now: Instant) {
        match self {
            Self::ReuseAddress(_)
            | Self::Linger(_)
            | Self::HopLimit(_)
            | Self::FastOpen(_)
            | Self::FastOpenConnect(_)
            | Self::FastOpenNoCookie(_)
            | Self::DeferAccept(_) => {}
            Self::ReceiveBuffer(octets) => connection.set_receive_buffer(octets.into()),
            Self::SendBuffer(octets) => connection.set_send_buffer(octets.into()),
            Self::TrafficClass(class) => connection.set_traffic_class(class),
            Self::KeepAlive(on) => connection.set_keep_alive(now, KeepAliveSetting::Enabled(on)),
            Self::KeepIdle(time) => connection.set_keep_alive(now, KeepAliveSetting::Idle(time)),
            Self::KeepInterval(time) => connection.set_keep_alive(now, KeepAliveSetting::Interval(time)),
            Self::KeepCount(probes) => connection.set_keep_alive(now, KeepAliveSetting::Probes(probes)),
            Self::NoDelay(on) => connection.set_no_delay(on),
            Self::Cork(on) => connection.set_cork(on),
            Self::UrgentInline(on) => connection.set_urgent_in_line(on),
            Self::QuickAck(on) => connection.set_quick_ack(on),
            Self::UnsentLimit(octets) => connection.set_unsent_limit(octets),
            Self::UserTimeout(time) => connection.set_user_timeout(now, time),
            Self::ErrorReports(on) => connection.set_error_reports(on),
            Self::OrphanLinger(time) => connection.set_orphan_linger(time),
            Self::SegmentSize(octets) => connection.set_segment_size_limit(octets),
            Self::NoOptions(on) => connection.set_no_options(on),
            Self::OpeningLimit(time) => connection.set_opening_limit(now, time),
            Self::SynCount(count) => connection.set_syn_count(count),
        }
    }
}

impl SocketSettings {
    /// Takes an option that does not concern TCP.
    pub(crate) fn set(&mut self, option: SocketOption) {
        match option {
            SocketOption::Linger(time) => self.linger = time,
            SocketOption::HopLimit(hops) => self.hop_limit = hops,
            SocketOption::ReuseAddress(on) => self.reuse_address = on,
            _ => {}
        }
    }
}
