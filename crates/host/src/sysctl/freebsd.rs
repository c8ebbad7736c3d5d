//! The sysctls of FreeBSD, under their full names and in the kernel's units: mostly milliseconds.

use faultwire_base::Duration;
use faultwire_tcp::{GiveUp, InitialWindow, SynCookiePolicy};

use super::{INT_MAX, Kind, Sysctl, host, tcp};
use crate::config::{ClosedPort, HostConfig};
use crate::fast_open::FastOpenConfig;

/// In alphabetical order.
pub(super) const TABLE: &[Sysctl] = &[
    // The window scale is chosen for it.
    tcp("kern.ipc.maxsockbuf", 2_048, u32::MAX as i64, |tcp, octets| tcp.buffers.receive_max = octets),
    host("net.inet.ip.ttl", 1, 255, |host, hops| host.ip.hop_limit = hops as u8),
    tcp("net.inet.tcp.always_keepalive", 0, 1, |tcp, on| tcp.keep_alive.enabled = on == 1),
    host("net.inet.tcp.blackhole", 0, 3, |host, mode| {
        host.listen.closed_port = match mode {
            0 => ClosedPort::Resets,
            1 => ClosedPort::IgnoresSyn,
            _ => ClosedPort::IgnoresAll,
        };
    }),
    Sysctl { name: "net.inet.tcp.cc.algorithm", kind: Kind::Algorithm },
    tcp("net.inet.tcp.delacktime", 1, 499, |tcp, millis| {
        tcp.acknowledgment.delay = Duration::from_millis(millis)
    }),
    tcp("net.inet.tcp.drop_synfin", 0, 1, |tcp, on| tcp.arrival.drop_syn_fin = on == 1),
    tcp("net.inet.tcp.ecn.enable", 0, 2, |tcp, mode| (tcp.ecn.ask, tcp.ecn.agree) = (mode == 1, mode != 0)),
    tcp("net.inet.tcp.ecn.maxretries", 0, 255, |tcp, count| tcp.ecn.syn_retries = Some(count as u32)),
    // Otherwise 8 probe intervals and one (see ClosingConfig).
    tcp("net.inet.tcp.fast_finwait2_recycle", 0, 1, |tcp, on| {
        tcp.closing.fin_wait_2 = Some(Duration::from_secs(if on == 1 { 60 } else { 675 }))
    }),
    host("net.inet.tcp.fastopen.client_enable", 0, 1, |host, on| switch(host, FastOpenConfig::CLIENT, on)),
    host("net.inet.tcp.fastopen.path_disable_time", 0, INT_MAX, |host, seconds| {
        host.fast_open.path_disable_time = Duration::from_secs(seconds);
    }),
    host("net.inet.tcp.fastopen.server_enable", 0, 1, |host, on| switch(host, FastOpenConfig::SERVER, on)),
    tcp("net.inet.tcp.icmp_may_rst", 0, 1, |tcp, on| tcp.icmp.hard_is_hard = on == 1),
    tcp("net.inet.tcp.initcwnd_segments", 1, 255, |tcp, count| {
        tcp.congestion.initial_window = InitialWindow::Segments(count as u32)
    }),
    tcp("net.inet.tcp.insecure_rst", 0, 1, |tcp, on| tcp.arrival.insecure_reset = on == 1),
    tcp("net.inet.tcp.insecure_syn", 0, 1, |tcp, on| tcp.arrival.insecure_syn = on == 1),
    tcp("net.inet.tcp.keepcnt", 1, 127, |tcp, probes| tcp.keep_alive.probes = probes as u32),
    tcp("net.inet.tcp.keepidle", 1, INT_MAX, |tcp, millis| {
        tcp.keep_alive.idle = Duration::from_millis(millis)
    }),
    tcp("net.inet.tcp.keepinit", 1, INT_MAX, |tcp, millis| {
        tcp.opening.limit = Some(Duration::from_millis(millis))
    }),
    tcp("net.inet.tcp.keepintvl", 1, INT_MAX, |tcp, millis| {
        tcp.keep_alive.interval = Duration::from_millis(millis)
    }),
    tcp("net.inet.tcp.minmss", 64, 65_535, |tcp, octets| tcp.options.least_segment_size = octets as u16),
    tcp("net.inet.tcp.msl", 1, INT_MAX, |tcp, millis| {
        tcp.time_wait.length = Duration::from_millis(2 * millis)
    }),
    tcp("net.inet.tcp.mssdflt", 64, 65_535, |tcp, octets| {
        tcp.options.default_segment_size[0] = octets as u16;
    }),
    tcp("net.inet.tcp.path_mtu_discovery", 0, 1, |tcp, on| tcp.icmp.path_mtu_discovery = on == 1),
    tcp("net.inet.tcp.recvspace", 1, INT_MAX, |tcp, octets| tcp.buffers.receive = octets),
    tcp("net.inet.tcp.retries", 1, 12, |tcp, count| tcp.give_up.r2 = GiveUp::Timeouts(count as u32)),
    // From the third retransmission on.
    tcp("net.inet.tcp.rexmit_drop_options", 0, 1, |tcp, on| {
        tcp.handshake.drop_options_at = if on == 1 { 3 } else { 0 }
    }),
    tcp("net.inet.tcp.rexmit_initial", 1, INT_MAX, |tcp, millis| {
        tcp.retransmission.initial = Duration::from_millis(millis)
    }),
    tcp("net.inet.tcp.rexmit_min", 1, INT_MAX, |tcp, millis| {
        tcp.retransmission.min = Duration::from_millis(millis)
    }),
    tcp("net.inet.tcp.rexmit_slop", 0, 65_535, |tcp, millis| {
        tcp.retransmission.slop = Duration::from_millis(millis)
    }),
    // 2 is scaling alone, 3 is timestamps alone.
    tcp("net.inet.tcp.rfc1323", 0, 3, |tcp, mode| {
        (tcp.options.window_scaling, tcp.options.timestamps) =
            (mode == 1 || mode == 2, mode == 1 || mode == 3)
    }),
    tcp("net.inet.tcp.rfc3042", 0, 1, |tcp, on| tcp.congestion.limited_transmit = on == 1),
    tcp("net.inet.tcp.sack.enable", 0, 1, |tcp, on| tcp.options.sack = on == 1),
    tcp("net.inet.tcp.sendspace", 1, INT_MAX, |tcp, octets| tcp.buffers.send = octets),
    tcp("net.inet.tcp.syncache.rexmtlimit", 0, 255, |tcp, count| tcp.opening.synack_retries = count as u32),
    tcp("net.inet.tcp.syncookies", 0, 1, |tcp, on| {
        tcp.handshake.syn_cookies = if on == 1 { SynCookiePolicy::WhenFull } else { SynCookiePolicy::Never };
    }),
    tcp("net.inet.tcp.syncookies_only", 0, 1, |tcp, on| {
        tcp.handshake.syn_cookies = if on == 1 { SynCookiePolicy::Always } else { SynCookiePolicy::WhenFull };
    }),
    tcp("net.inet.tcp.tolerate_missing_ts", 0, 1, |tcp, on| tcp.options.require_timestamps = on == 0),
    tcp("net.inet.tcp.v6mssdflt", 64, 65_535, |tcp, octets| {
        tcp.options.default_segment_size[1] = octets as u16;
    }),
];

/// Puts a mode of Fast Open on or off.
fn switch(host: &mut HostConfig, mode: u32, on: u64) {
    host.fast_open.modes = if on == 1 { host.fast_open.modes | mode } else { host.fast_open.modes & !mode };
}
