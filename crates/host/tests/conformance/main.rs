//! RFC 9293, clause by clause: what one host sends, and what it does not send, against scripted segments. One file for
//! each group of requirements of Appendix B.

#[path = "../drill/mod.rs"]
mod drill;

mod acknowledgment;
mod address;
mod checksums;
mod closing;
mod failures;
mod icmp;
mod ip;
mod isn;
mod keepalive;
mod opening;
mod options;
mod push;
mod retransmission;
mod sending;
mod urgent;
mod window;

use drill::Drill;
use faultwire_base::Duration;
use faultwire_tcp::Config;

/// The profiles, for rules that all of them obey.
fn profiles() -> [Config; 3] {
    [Config::rfc(), Config::linux(), Config::freebsd()]
}

/// An accepted connection without options but the MSS of 1000 octets, 100 ms old at the least.
fn open(config: Config) -> (Drill, faultwire_host::Fd) {
    let mut t = Drill::new(config);
    let fd = t.passive("mss 1000");
    t.pass_ms(100);
    (t, fd)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
