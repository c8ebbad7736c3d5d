//! What stands before the first event: where the script comes from, the stack, addresses, settings.

use std::net::IpAddr;

use faultwire_host::SysctlValue;
use faultwire_sim::plan::HostPlan;

use super::connection::End;

/// The lines before the first event.
///
/// # Errors
/// What a script can't set.
pub(crate) fn heading(host: &HostPlan, end: &End, title: &str) -> Result<String, String> {
    if host.stack.own_time_wait {
        return Err("its host has a TIME-WAIT of its own length, for which no kernel has a setting".into());
    }
    if let Some(quirk) = host.stack.quirks.first() {
        return Err(format!("its host has the quirk {quirk}, which no script can ask for"));
    }
    let (local, remote) = (end.local.ip(), end.remote.ip());
    let version = if local.is_ipv4() { "ipv4" } else { "ipv6" };
    let mut lines = vec![
        format!("// {} of {title}: what this end sees and does.", end.name),
        format!("// profile: {}", host.stack.profile),
        format!("--ip_version={version}"),
        format!("--local_ip={local}"),
        format!("--remote_ip={remote}"),
        format!("--gateway_ip={}", gateway(local, remote)),
    ];
    if local.is_ipv4() {
        lines.push("--netmask_ip=255.255.0.0".into());
    }
    let mtu = mtu(host, remote);
    if mtu != ETHERNET {
        lines.push(format!("--mtu={mtu}"));
    }
    if !host.stack.sysctls.is_empty() {
        let settings: Vec<String> =
            host.stack.sysctls.iter().map(|(name, value)| sysctl(name, value)).collect();
        lines.push(format!("`sysctl -q {}`", settings.join(" ")));
    }
    lines.push(String::new());
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// MTU of a link that says nothing of it.
const ETHERNET: u32 = 1_500;

fn mtu(host: &HostPlan, remote: IpAddr) -> u32 {
    let route = host.config.routes.iter().find(|route| route.destination == remote);
    let interface =
        host.config.interfaces.iter().find(|interface| interface.address.is_ipv4() == remote.is_ipv4());
    route.map(|route| route.mtu).or(interface.map(|interface| interface.mtu)).unwrap_or(ETHERNET)
}

/// An address on our network that neither end has: a kernel's tool wants a way to the peer.
fn gateway(local: IpAddr, remote: IpAddr) -> IpAddr {
    let free = |last: u8| match local {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, last])
        }
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[15] = last;
            IpAddr::from(octets)
        }
    };
    [254, 253, 252]
        .into_iter()
        .map(free)
        .find(|free| *free != local && *free != remote)
        .expect("three, and two are taken")
}

/// `net.ipv4.tcp_sack=0`; experiments may leave the first two words out.
fn sysctl(name: &str, value: &SysctlValue) -> String {
    let is_full = name.starts_with("net.") || name.starts_with("kern.");
    let name = match name {
        _ if is_full => name.to_owned(),
        "somaxconn" | "rmem_max" | "wmem_max" | "rmem_default" => format!("net.core.{name}"),
        _ => format!("net.ipv4.{name}"),
    };
    match value {
        SysctlValue::Integer(number) => format!("{name}={number}"),
        SysctlValue::Text(text) => format!("{name}={text}"),
        SysctlValue::List(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            format!("{name}=\"{}\"", numbers.join(" "))
        }
    }
}
