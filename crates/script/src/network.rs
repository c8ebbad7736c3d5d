//! The network that a script is played on: both ends' addresses and ports, the version of IP, the link's MTU.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use faultwire_base::PlaceId;
use faultwire_host::{HostConfig, Interface};

use crate::settings::Profile;
use crate::syntax::tree::ScriptOption;

/// Where the stack under test is, and where its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The address of the stack under test, of the version that its packets have.
    pub(crate) local: IpAddr,
    /// The peer's address, of the same version.
    pub(crate) remote: IpAddr,
    /// What `bind` with `...` takes.
    pub(crate) local_port: u16,
    /// What `connect` with `...` goes to.
    pub(crate) remote_port: u16,
    /// Whether sockets are of IPv6 though packets are of IPv4 (`--ip_version=ipv4-mapped-ipv6`).
    pub(crate) mapped: bool,
    /// Octets of the largest IP packet on the link.
    pub(crate) mtu: u16,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            local: LOCAL.into(),
            remote: REMOTE.into(),
            local_port: 8080,
            remote_port: 8080,
            mapped: false,
            mtu: 1500,
        }
    }
}

impl Network {
    /// What the script's options make of the defaults.
    ///
    /// # Errors
    /// The option that can't be, and why.
    pub(crate) fn of(options: &[ScriptOption]) -> Result<Self, (&ScriptOption, String)> {
        let mut network = Self::default();
        let version = options.iter().rfind(|option| option.name == "ip_version");
        match version.map(|option| option.value.as_str()) {
            None | Some("ipv4") => {}
            Some("ipv6") => (network.local, network.remote) = (LOCAL_V6.into(), REMOTE_V6.into()),
            Some("ipv4-mapped-ipv6") => network.mapped = true,
            Some(other) => {
                let option = version.expect("it has a value");
                return Err((
                    option,
                    format!("{other:?} is no version of IP: ipv4, ipv6 or ipv4-mapped-ipv6"),
                ));
            }
        }
        for option in options {
            network.apply(option).map_err(|message| (option, message))?;
        }
        Ok(network)
    }

    /// The end under test, on the port that `bind` takes.
    pub(crate) fn local_end(&self) -> SocketAddr {
        (self.local, self.local_port).into()
    }

    /// The peer's end, on the port that `connect` goes to.
    pub(crate) fn remote_end(&self) -> SocketAddr {
        (self.remote, self.remote_port).into()
    }

    /// Whether packets are of IPv6.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.local.is_ipv6()
    }

    /// A host on this network with that stack.
    pub(crate) fn host(&self, profile: Profile) -> HostConfig {
        let interface = Interface { address: self.local, mtu: u32::from(self.mtu) };
        HostConfig::new("host", PlaceId(1), interface, Arc::new(profile.config()))
    }

    fn apply(&mut self, option: &ScriptOption) -> Result<(), String> {
        let ipv6 = self.is_ipv6();
        match option.name.as_str() {
            "local_ip" => self.local = address(&option.value, ipv6)?,
            "remote_ip" => self.remote = address(&option.value, ipv6)?,
            "bind_port" => self.local_port = number(&option.value, 1)?,
            "connect_port" => self.remote_port = number(&option.value, 1)?,
            "mtu" => self.mtu = number(&option.value, 68)?,
            // The route's advertised MSS; the link is as if it were just large enough for it.
            "mss" => self.mtu = number::<u16>(&option.value, 1)?.saturating_add(if ipv6 { 60 } else { 40 }),
            _ => {}
        }
        Ok(())
    }
}

/// A number of at least `least`, decimal or hexadecimal.
pub(crate) fn number<T: TryFrom<u64>>(text: &str, least: u64) -> Result<T, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let fits = parsed.filter(|&value| value >= least).and_then(|value| T::try_from(value).ok());
    fits.ok_or_else(|| format!("{text:?} is no number that can stand here"))
}

/// An address of that version; one of IPv4 may be written as mapped into IPv6.
fn address(text: &str, ipv6: bool) -> Result<IpAddr, String> {
    // Google's suites give the length of a prefix behind it.
    let bare = text.split('/').next().expect("a split gives one piece at least");
    let parsed: Option<IpAddr> = bare.parse().ok();
    let wanted = parsed.map(|address| if ipv6 { address } else { address.to_canonical() });
    wanted
        .filter(|address| address.is_ipv6() == ipv6)
        .ok_or_else(|| format!("{text:?} is no address of IPv{}", if ipv6 { 6 } else { 4 }))
}

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const LOCAL_V6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1);
const REMOTE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

#[cfg(test)]
mod tests;
