//! Where this host is and how it reaches others: its addresses, source selection, path MTU (RFC 1191, 8201).

use std::net::IpAddr;

use faultwire_base::{Duration, Instant, LookupTable};

use crate::config::{Interface, Route};

/// A host's addresses and routes, and what it learnt about path MTUs.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    interfaces: Vec<Interface>,
    /// In the order of destinations.
    routes: Vec<Route>,
    learnt: LookupTable<IpAddr, Learnt>,
}

/// How one destination is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) source: IpAddr,
    pub(crate) mtu: u32,
}

#[derive(Clone, Copy, Debug)]
struct Learnt {
    mtu: u32,
    until: Instant,
}

impl Paths {
    pub(crate) fn new(interfaces: &[Interface], routes: &[Route]) -> Self {
        let mut routes = routes.to_vec();
        routes.sort_unstable_by_key(|route| route.destination);
        let doubled = routes.windows(2).any(|pair| pair[0].destination == pair[1].destination);
        assert!(!doubled, "one route a destination");
        Self { interfaces: interfaces.to_vec(), routes, learnt: LookupTable::default() }
    }

    /// Whether `address` is one of the host's own.
    #[inline]
    pub(crate) fn is_local(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.address == address)
    }

    /// The source address and MTU towards `destination`: its route, or else the first interface of its version.
    pub(crate) fn towards(&self, destination: IpAddr, now: Instant) -> Option<Path> {
        let known = self.routes.binary_search_by_key(&destination, |route| route.destination);
        let mut path = match known {
            Ok(at) => Path { source: self.routes[at].source, mtu: self.routes[at].mtu },
            Err(_) => {
                let same_version = |it: &&Interface| it.address.is_ipv4() == destination.is_ipv4();
                let interface = self.interfaces.iter().find(same_version)?;
                Path { source: interface.address, mtu: interface.mtu }
            }
        };
        if let Some(learnt) = self.learnt.get(&destination).filter(|learnt| now < learnt.until) {
            path.mtu = path.mtu.min(learnt.mtu);
        }
        Some(path)
    }

    /// Forgets what was learnt about path MTUs.
    pub(crate) fn forget(&mut self) {
        self.learnt = LookupTable::default();
    }

    /// Notes that packets larger than `mtu` do not get through to `destination`; never below what every link of that
    /// version must carry (RFC 1191 §3: 68 octets; RFC 8201 §4: 1280).
    pub(crate) fn learn(&mut self, destination: IpAddr, mtu: u32, now: Instant) {
        let least = if destination.is_ipv4() { 68 } else { 1280 };
        let learnt = Learnt { mtu: mtu.max(least), until: now.saturating_add(PATH_MTU_LIFE) };
        self.learnt.insert(destination, learnt);
    }
}

/// How long a path MTU is believed (RFC 1191 §6.3: 10 minutes recommended).
const PATH_MTU_LIFE: Duration = Duration::from_secs(600);

/// Whether an address names exactly one host: no broadcast, multicast or unspecified address. Those are no source, no
/// place to connect to, and no segment to them is answered (RFC 9293 §3.9.1.1 MUST-46, §3.9.2.3 MUST-57, MUST-63).
#[inline]
pub(crate) fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0)
        }
        IpAddr::V6(address) => !(address.is_multicast() || address.is_unspecified()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 1));
    const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));

    fn paths() -> Paths {
        let interfaces = [Interface { address: HERE, mtu: 1500 }, Interface { address: OTHER, mtu: 9000 }];
        Paths::new(&interfaces, &[Route { destination: FAR, source: OTHER, mtu: 9000 }])
    }

    #[test]
    fn a_route_wins_over_the_first_interface() {
        assert_eq!(paths().towards(FAR, Instant::ZERO), Some(Path { source: OTHER, mtu: 9000 }));
        let unrouted = "10.0.0.8".parse().unwrap();
        assert_eq!(paths().towards(unrouted, Instant::ZERO), Some(Path { source: HERE, mtu: 1500 }));
        assert_eq!(paths().towards("fd00::1".parse().unwrap(), Instant::ZERO), None);
    }

    /// RFC 1191 §6.3: what was learnt is forgotten after 10 minutes.
    #[test]
    fn a_learnt_mtu_holds_for_ten_minutes() {
        let mut paths = paths();
        paths.learn(FAR, 1400, Instant::ZERO);
        let mtu =
            |seconds| paths.towards(FAR, Instant::ZERO + Duration::from_secs(seconds)).map(|path| path.mtu);
        assert_eq!(mtu(0), Some(1400));
        assert_eq!(mtu(599), Some(1400));
        assert_eq!(mtu(600), Some(9000));
        paths.learn(FAR, 0, Instant::ZERO);
        assert_eq!(paths.towards(FAR, Instant::ZERO).map(|path| path.mtu), Some(68));
    }

    #[test]
    fn addresses_of_many_hosts_or_none_are_not_unicast() {
        for text in ["255.255.255.255", "224.0.0.1", "239.1.2.3", "0.0.0.0", "0.1.2.3", "ff02::1", "::"] {
            assert!(!is_unicast(text.parse().unwrap()), "{text}");
        }
        for text in ["10.0.0.1", "127.0.0.1", "fd00::1", "::1"] {
            assert!(is_unicast(text.parse().unwrap()), "{text}");
        }
    }
}
