//! Sysctls that change nothing on this host, and the values for which that is true.

/// A sysctl whose meaning this host has built in.
pub(super) struct Fixed {
    name: &'static str,
    accepts: Accepts,
    /// Why other values are refused.
    why: &'static str,
}

#[derive(Clone, Copy)]
enum Accepts {
    /// The kernel makes nothing of it either, or nothing that a script can see.
    Anything,
    /// Only this.
    Value(&'static str),
    /// A number from this on.
    AtLeast(i64),
}

/// Whether `value` of the sysctl `name` is what the host does anyway; `None`: it is no such sysctl.
pub(super) fn accepts(name: &str, value: &str) -> Option<Result<(), String>> {
    let fixed = TABLE.iter().find(|fixed| fixed.name == name)?;
    let good = match fixed.accepts {
        Accepts::Anything => true,
        Accepts::Value(only) => value == only,
        Accepts::AtLeast(least) => value.parse().is_ok_and(|number: i64| number >= least),
    };
    Some(if good { Ok(()) } else { Err(format!("{name} can't be {value} here: {}", fixed.why)) })
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|fixed| fixed.name)
}

const fn anything(name: &'static str) -> Fixed {
    Fixed { name, accepts: Accepts::Anything, why: "" }
}

const fn only(name: &'static str, value: &'static str, why: &'static str) -> Fixed {
    Fixed { name, accepts: Accepts::Value(value), why }
}

/// In alphabetical order.
const TABLE: &[Fixed] = &[
    // How far a sleep may be late; virtual time is exact.
    anything("kern.timecounter.alloweddeviation"),
    anything("net.core.default_qdisc"),
    anything("net.core.netdev_max_backlog"),
    anything("net.core.optmem_max"),
    // Of datagrams that are sent, which never wait here.
    anything("net.core.wmem_default"),
    only("net.inet.tcp.functions_default", "freebsd", "there is no other stack"),
    only("net.inet.tcp.pmtud_blackhole_detection", "0", "segments do not shrink because nobody answers"),
    // Without detection they mean nothing.
    anything("net.inet.tcp.pmtud_blackhole_mss"),
    anything("net.inet.tcp.v6pmtud_blackhole_mss"),
    only("net.ipv4.ip_no_pmtu_disc", "0", "every packet has the DF bit"),
    // Since Linux 6.6 each socket measures it.
    anything("net.ipv4.tcp_adv_win_scale"),
    anything("net.ipv4.tcp_allowed_congestion_control"),
    only("net.ipv4.tcp_app_win", "31", "no part of the window is kept for applications"),
    // A wire that is never busy has nothing to cork for.
    anything("net.ipv4.tcp_autocorking"),
    anything("net.ipv4.tcp_base_mss"),
    Fixed {
        name: "net.ipv4.tcp_challenge_ack_limit",
        accepts: Accepts::AtLeast(1_000),
        why: "the host has no limit of its own besides that of each connection",
    },
    anything("net.ipv4.tcp_early_demux"),
    // Without any effect since Linux 4.15.
    anything("net.ipv4.tcp_fack"),
    only("net.ipv4.tcp_fwmark_accept", "0", "packets have no marks"),
    Fixed {
        name: "net.ipv4.tcp_limit_output_bytes",
        accepts: Accepts::AtLeast(262_144),
        why: "the wire is never busy, so no small queue stops a sender",
    },
    // Without any effect since Linux 4.14.
    anything("net.ipv4.tcp_low_latency"),
    anything("net.ipv4.tcp_max_orphans"),
    anything("net.ipv4.tcp_max_tw_buckets"),
    // Memory is never short.
    anything("net.ipv4.tcp_mem"),
    only("net.ipv4.tcp_moderate_rcvbuf", "1", "receive buffers grow with the rate of reading"),
    only("net.ipv4.tcp_mtu_probing", "0", "the path MTU is not probed for"),
    only("net.ipv4.tcp_no_metrics_save", "1", "windows and times of a connection are not kept for the next"),
    only("net.ipv4.tcp_plb_enabled", "0", "flow labels never change"),
    only("net.ipv4.tcp_reflect_tos", "0", "the traffic class of a SYN is not taken over"),
    only("net.ipv4.tcp_retrans_collapse", "1", "small segments that are sent again may be put together"),
    only("net.ipv4.tcp_stdurg", "0", "the urgent pointer is read as RFC 6093 has it"),
    only("net.ipv4.tcp_thin_linear_timeouts", "0", "thin streams back off like others"),
    only("net.ipv4.tcp_workaround_signed_windows", "0", "windows are taken as they stand"),
    only("net.ipv6.auto_flowlabels", "0", "packets have no flow label"),
    only("net.ipv6.conf.all.disable_ipv6", "0", "both versions of IP are on"),
    only("net.ipv6.conf.default.disable_ipv6", "0", "both versions of IP are on"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_alphabetical_order() {
        assert!(names().is_sorted());
    }
}
