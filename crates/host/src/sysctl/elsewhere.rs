//! What Linux sets elsewhere than by sysctls: metrics of routes, parameters of modules. A host has one way to everywhere, so
//! a metric is one of the host.

use faultwire_base::Duration;
use faultwire_tcp::{InitialWindow, SlowStartExit};

use super::{INT_MAX, Kind, Sysctl, host, tcp};

/// In alphabetical order.
pub(super) const TABLE: &[Sysctl] = &[
    Sysctl { name: "route.congctl", kind: Kind::Algorithm },
    host("route.hoplimit", 1, 255, |host, hops| host.ip.hop_limit = hops as u8),
    tcp("route.initcwnd", 1, 65_535, |tcp, count| {
        tcp.congestion.initial_window = InitialWindow::Segments(count as u32)
    }),
    tcp("route.rto_min", 1, INT_MAX, |tcp, millis| tcp.retransmission.min = Duration::from_millis(millis)),
    tcp("tcp_cubic.hystart", 0, 1, |tcp, on| {
        tcp.congestion.slow_start_exit = if on == 1 { SlowStartExit::HyStart } else { SlowStartExit::AtLoss }
    }),
];
