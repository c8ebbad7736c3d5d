//! Settings under the names of the kernels' sysctls, bare values in the kernels' units. Only those that act here exist.

mod elsewhere;
mod freebsd;

use std::fmt;
use std::sync::Arc;

use faultwire_base::{ByteCount, Duration};
use faultwire_tcp::{
    ChallengeLimit, Config, GiveUp, LossDetection, OrphanProbing, RackConfig, SynCookiePolicy, TailLossProbe,
};
use thiserror::Error;

use crate::config::HostConfig;

/// A value as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SysctlValue {
    /// One number.
    Integer(i64),
    /// Several numbers, as `tcp_rmem` has.
    List(Vec<i64>),
    /// A word, as `tcp_congestion_control` has.
    Text(String),
}

/// Why a sysctl can't be set. The message names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SysctlError {
    /// Not the name of a sysctl that acts here.
    #[error("{name:?} is no sysctl that acts here; the nearest is {nearest}")]
    UnknownName {
        /// As written.
        name: String,
        /// The nearest known name.
        nearest: &'static str,
    },
    /// A value that the sysctl can't have.
    #[error("{name} can't be {value}: {expected}")]
    BadValue {
        /// Name of the sysctl.
        name: &'static str,
        /// The value as written.
        value: String,
        /// What it can be.
        expected: String,
    },
}

/// Sets the sysctl `name` of a host: one of Linux, with or without `net.ipv4.` or `net.core.`, or one of FreeBSD under its
/// full name.
///
/// # Errors
/// [`SysctlError`] if there is no such sysctl or it can't have that value; `config` is unchanged then.
pub fn apply_sysctl(config: &mut HostConfig, name: &str, value: &SysctlValue) -> Result<(), SysctlError> {
    let bare = name.strip_prefix("net.ipv4.").or_else(|| name.strip_prefix("net.core.")).unwrap_or(name);
    apply(config, &[TABLE, freebsd::TABLE], name, bare, value)
}

/// Sets what Linux has elsewhere: `route.` and the name of a metric of all routes (`rto_min` in milliseconds), or the name
/// of a module, a dot and that of its parameter.
///
/// # Errors
/// As [`apply_sysctl`].
pub fn apply_setting(config: &mut HostConfig, name: &str, value: &SysctlValue) -> Result<(), SysctlError> {
    apply(config, &[elsewhere::TABLE], name, name, value)
}

fn apply(
    config: &mut HostConfig,
    tables: &[&'static [Sysctl]],
    name: &str,
    bare: &str,
    value: &SysctlValue,
) -> Result<(), SysctlError> {
    let known = || tables.iter().flat_map(|table| table.iter());
    let Some(sysctl) = known().find(|sysctl| sysctl.name == bare) else {
        let distance = |sysctl: &&Sysctl| strsim::damerau_levenshtein(sysctl.name, bare);
        let nearest = known().min_by_key(distance).expect("there are sysctls").name;
        return Err(SysctlError::UnknownName { name: name.into(), nearest });
    };
    let applied = match (&sysctl.kind, value) {
        (&Kind::Number { low, high, apply }, &SysctlValue::Integer(number)) => {
            (low..=high).contains(&number).then(|| apply(config, number as u64))
        }
        (&Kind::Tcp { low, high, apply }, &SysctlValue::Integer(number)) => {
            (low..=high).contains(&number).then(|| apply(Arc::make_mut(&mut config.tcp), number as u64))
        }
        (&Kind::Sizes { apply }, SysctlValue::List(sizes)) => match sizes[..] {
            [low, middle, high] if 0 < low && low <= middle && middle <= high => {
                apply(Arc::make_mut(&mut config.tcp), middle as u64, high as u64);
                Some(())
            }
            _ => None,
        },
        (Kind::Ports, SysctlValue::List(ports)) => port_range(config, ports),
        (Kind::Algorithm, SysctlValue::Text(text)) => {
            let algorithm = text.parse().ok();
            algorithm.map(|algorithm| Arc::make_mut(&mut config.tcp).congestion.algorithm = algorithm)
        }
        (Kind::FastOpenKeys, SysctlValue::Text(text)) => {
            text.parse().ok().map(|keys| config.fast_open.keys = Some(keys))
        }
        _ => None,
    };
    applied.ok_or_else(|| SysctlError::BadValue {
        name: sysctl.name,
        value: value.to_string(),
        expected: sysctl.kind.to_string(),
    })
}

/// Names of all sysctls that act here, in alphabetical order, those of Linux first.
pub fn sysctl_names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().chain(freebsd::TABLE).map(|sysctl| sysctl.name)
}

fn port_range(config: &mut HostConfig, ports: &[i64]) -> Option<()> {
    let &[low, high] = ports else { return None };
    let (low, high) = (u16::try_from(low).ok()?, u16::try_from(high).ok()?);
    (0 < low && low <= high).then(|| config.ephemeral_ports = low..=high)
}

struct Sysctl {
    name: &'static str,
    kind: Kind,
}

/// What a sysctl's value is, and what it does.
enum Kind {
    /// A number that concerns the host.
    Number { low: i64, high: i64, apply: fn(&mut HostConfig, u64) },
    /// A number that concerns TCP.
    Tcp { low: i64, high: i64, apply: fn(&mut Config, u64) },
    /// Least, default and greatest size of a buffer; the least acts only under memory pressure, which there is none of.
    Sizes { apply: fn(&mut Config, u64, u64) },
    /// First and last port.
    Ports,
    /// A congestion control.
    Algorithm,
    /// One or two Fast Open keys.
    FastOpenKeys,
}

const fn tcp(name: &'static str, low: i64, high: i64, apply: fn(&mut Config, u64)) -> Sysctl {
    Sysctl { name, kind: Kind::Tcp { low, high, apply } }
}

const fn host(name: &'static str, low: i64, high: i64, apply: fn(&mut HostConfig, u64)) -> Sysctl {
    Sysctl { name, kind: Kind::Number { low, high, apply } }
}

const INT_MAX: i64 = i32::MAX as i64;

/// The sysctls in alphabetical order.
const TABLE: &[Sysctl] = &[
    host("ip_default_ttl", 1, 255, |host, hops| host.ip.hop_limit = hops as u8),
    Sysctl { name: "ip_local_port_range", kind: Kind::Ports },
    host("rmem_default", 2304, INT_MAX, |host, octets| host.datagram_buffer = ByteCount::new(octets)),
    tcp("rmem_max", 2_304, INT_MAX, |tcp, octets| tcp.buffers.asked.receive_most = octets),
    tcp("route.min_pmtu", 68, 65_535, |tcp, octets| tcp.icmp.least_mtu = octets as u32),
    host("somaxconn", 0, INT_MAX, |host, limit| host.listen.backlog_max = limit as u32),
    host("tcp_abort_on_overflow", 0, 1, |host, on| host.listen.abort_on_overflow = on == 1),
    Sysctl { name: "tcp_congestion_control", kind: Kind::Algorithm },
    tcp("tcp_dsack", 0, 1, |tcp, on| tcp.options.duplicate_sack = on == 1),
    // 3 and 4 are on; what 1 and 2 did is no more in the kernel.
    tcp("tcp_early_retrans", 0, 4, |tcp, mode| {
        tcp.loss_recovery.tail_loss_probe = if mode >= 3 { TailLossProbe::LINUX } else { TailLossProbe::Off };
    }),
    tcp("tcp_ecn", 0, 2, |tcp, mode| (tcp.ecn.ask, tcp.ecn.agree) = (mode == 1, mode != 0)),
    tcp("tcp_ecn_fallback", 0, 1, |tcp, on| tcp.ecn.syn_retries = (on == 1).then_some(0)),
    host("tcp_fastopen", 0, INT_MAX, |host, modes| host.fast_open.modes = modes as u32),
    host("tcp_fastopen_blackhole_timeout_sec", 0, INT_MAX, |host, seconds| {
        host.fast_open.black_hole_timeout = Duration::from_secs(seconds);
    }),
    Sysctl { name: "tcp_fastopen_key", kind: Kind::FastOpenKeys },
    tcp("tcp_fin_timeout", 1, INT_MAX, |tcp, seconds| {
        tcp.closing.fin_wait_2 = Some(Duration::from_secs(seconds))
    }),
    tcp("tcp_frto", 0, 2, |tcp, on| tcp.loss_recovery.forward_rto = on != 0),
    tcp("tcp_invalid_ratelimit", 0, INT_MAX, |tcp, millis| {
        let gap = Duration::from_millis(millis);
        tcp.acknowledgment.challenge_limit =
            if millis == 0 { ChallengeLimit::None } else { ChallengeLimit::Gap(gap) };
    }),
    tcp("tcp_keepalive_intvl", 1, 32_767, |tcp, seconds| {
        tcp.keep_alive.interval = Duration::from_secs(seconds)
    }),
    tcp("tcp_keepalive_probes", 1, 127, |tcp, probes| tcp.keep_alive.probes = probes as u32),
    tcp("tcp_keepalive_time", 1, 32_767, |tcp, seconds| tcp.keep_alive.idle = Duration::from_secs(seconds)),
    tcp("tcp_max_reordering", 1, 65_535, |tcp, segments| tcp.loss_recovery.reordering_max = segments as u32),
    host("tcp_max_syn_backlog", 1, INT_MAX, |host, limit| host.listen.syn_backlog = limit as u32),
    tcp("tcp_min_tso_segs", 1, 65_535, |tcp, segments| tcp.sending.burst_least_segments = segments as u32),
    tcp("tcp_notsent_lowat", 0, u32::MAX as i64, |tcp, octets| tcp.buffers.unsent_limit = octets as u32),
    // 0 means 8, as in the kernel.
    tcp("tcp_orphan_retries", 0, 255, |tcp, retries| {
        tcp.persist.orphan = OrphanProbing::Probes(retries as u32);
        let retries = if retries == 0 { 8 } else { retries as u32 };
        tcp.give_up.r2_orphan = Some(GiveUp::Retransmissions(retries));
    }),
    tcp("tcp_pacing_ca_ratio", 0, 1_000, |tcp, percent| tcp.sending.pacing_percent[1] = percent as u32),
    tcp("tcp_pacing_ss_ratio", 0, 1_000, |tcp, percent| tcp.sending.pacing_percent[0] = percent as u32),
    tcp("tcp_recovery", 0, 7, |tcp, bits| {
        tcp.loss_recovery.detection = match bits & 1 {
            0 => LossDetection::Sack,
            _ => LossDetection::Rack(RackConfig {
                static_window: bits & 2 != 0,
                ignore_threshold: bits & 4 != 0,
                ..RackConfig::LINUX
            }),
        };
    }),
    tcp("tcp_reordering", 1, 127, |tcp, segments| tcp.congestion.duplicate_threshold = segments as u32),
    tcp("tcp_retries1", 0, 255, |tcp, retries| tcp.give_up.r1 = retries as u32),
    tcp("tcp_retries2", 0, 255, |tcp, retries| tcp.give_up.r2 = GiveUp::Retransmissions(retries as u32)),
    tcp("tcp_rfc1337", 0, 1, |tcp, on| tcp.time_wait.rfc1337 = on == 1),
    Sysctl {
        name: "tcp_rmem",
        kind: Kind::Sizes {
            apply: |tcp, middle, high| (tcp.buffers.receive, tcp.buffers.receive_max) = (middle, high),
        },
    },
    tcp("tcp_rto_max_ms", 1_000, 120_000, |tcp, millis| {
        tcp.retransmission.max = Duration::from_millis(millis)
    }),
    tcp("tcp_rto_min_us", 1, INT_MAX, |tcp, micros| tcp.retransmission.min = Duration::from_micros(micros)),
    tcp("tcp_sack", 0, 1, |tcp, on| tcp.options.sack = on == 1),
    tcp("tcp_slow_start_after_idle", 0, 1, |tcp, on| tcp.congestion.slow_start_after_idle = on == 1),
    tcp("tcp_syn_linear_timeouts", 0, 127, |tcp, count| tcp.opening.syn_linear_timeouts = count as u32),
    tcp("tcp_syn_retries", 1, 127, |tcp, retries| tcp.opening.syn_retries = retries as u32),
    tcp("tcp_synack_retries", 0, 255, |tcp, retries| tcp.opening.synack_retries = retries as u32),
    tcp("tcp_syncookies", 0, 2, |tcp, mode| {
        tcp.handshake.syn_cookies = match mode {
            0 => SynCookiePolicy::Never,
            1 => SynCookiePolicy::WhenFull,
            _ => SynCookiePolicy::Always,
        };
    }),
    tcp("tcp_timestamps", 0, 1, |tcp, on| tcp.options.timestamps = on == 1),
    tcp("tcp_tso_rtt_log", 0, 255, |tcp, power| tcp.sending.burst_round_trip_log = power as u8),
    tcp("tcp_tso_win_divisor", 0, INT_MAX, |tcp, part| tcp.sending.window_divisor = part as u32),
    // 2 is for loopback, which there is none of.
    tcp("tcp_tw_reuse", 0, 2, |tcp, mode| {
        tcp.time_wait.reuse_after = (mode == 1).then_some(Duration::from_secs(1));
    }),
    tcp("tcp_window_scaling", 0, 1, |tcp, on| tcp.options.window_scaling = on == 1),
    Sysctl {
        name: "tcp_wmem",
        kind: Kind::Sizes {
            apply: |tcp, middle, high| (tcp.buffers.send, tcp.buffers.send_max) = (middle, high),
        },
    },
    tcp("wmem_max", 4_608, INT_MAX, |tcp, octets| tcp.buffers.asked.send_most = octets),
];

impl fmt::Display for SysctlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::List(numbers) => write!(f, "{numbers:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { low, high, .. } | Self::Tcp { low, high, .. } => {
                write!(f, "a number from {low} to {high} is needed")
            }
            Self::Sizes { .. } => {
                f.write_str("three ascending sizes in octets are needed: [least, default, most]")
            }
            Self::Ports => f.write_str("two ascending ports are needed: [first, last]"),
            Self::Algorithm => f.write_str("\"reno\" or \"cubic\" is needed"),
            Self::FastOpenKeys => f.write_str(
                "a key like \"00112233-44556677-8899aabb-ccddeeff\" is needed, or two with a comma between",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
