//! Addresses: as written, or from a hash of the name (10.0.0.0/8, fd00::/8), a collision being an error (DESIGN D3).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use xxhash_rust::xxh3::xxh3_128;

use crate::experiment::problem::Problem;
use crate::experiment::read::Item;

/// Addresses given so far, and to whom.
#[derive(Default)]
pub(crate) struct Addresses {
    taken: BTreeMap<IpAddr, String>,
}

impl Addresses {
    /// The addresses of a host or router.
    pub(crate) fn of(
        &mut self,
        item: &Item<'_>,
        name: &str,
        is_router: bool,
    ) -> Result<Vec<IpAddr>, Problem> {
        let Some(written) = item.get("address") else {
            let address = hashed(name, false);
            self.take(address, name, item)?;
            return Ok(vec![address]);
        };
        let mut addresses = Vec::new();
        for part in written.one_or_many() {
            let address = parse(&part, name)?;
            if is_router && !address.is_ipv4() {
                return Err(part.problem("a router's own address is an IPv4 address"));
            }
            self.take(address, name, &part)?;
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(written.problem("a host needs at least one address"));
        }
        Ok(addresses)
    }

    fn take(&mut self, address: IpAddr, name: &str, item: &Item<'_>) -> Result<(), Problem> {
        match self.taken.insert(address, name.to_owned()) {
            None => Ok(()),
            Some(owner) if owner == name => Err(item.problem(format!("{address} is given twice"))),
            Some(owner) => Err(item.problem(format!(
                "{name:?} would have the address {address} of {owner:?}: write another \"address\" for one of them"
            ))),
        }
    }
}

fn parse(item: &Item<'_>, name: &str) -> Result<IpAddr, Problem> {
    match item.text()? {
        "ipv4" => Ok(hashed(name, false)),
        "ipv6" => Ok(hashed(name, true)),
        text => {
            let address: IpAddr = text.parse().map_err(|_| {
                item.problem(format!("{text:?} is not an address: write it like \"10.0.0.1\" or \"fd00::1\", or \"ipv4\" or \"ipv6\""))
            })?;
            let unfit = match address {
                IpAddr::V4(v4) => {
                    v4.is_unspecified()
                        || v4.is_broadcast()
                        || v4.is_multicast()
                        || v4.is_loopback()
                        || v4.octets()[0] == 0
                }
                IpAddr::V6(v6) => {
                    v6.is_unspecified()
                        || v6.is_multicast()
                        || v6.is_loopback()
                        || v6.to_ipv4_mapped().is_some()
                }
            };
            if unfit {
                return Err(item.problem(format!("{address} can't be the address of one host")));
            }
            Ok(address)
        }
    }
}

/// An address from the name alone, so that adding a host moves no other's.
fn hashed(name: &str, ipv6: bool) -> IpAddr {
    let hash = xxh3_128(name.as_bytes());
    if ipv6 {
        let mut octets = hash.to_be_bytes();
        octets[0] = 0xfd;
        return IpAddr::V6(Ipv6Addr::from(octets));
    }
    // Host part 1 to 2^24 - 2: neither the network nor its broadcast address.
    let host_part = 1 + (hash % ((1 << 24) - 2)) as u32;
    IpAddr::V4(Ipv4Addr::from(10 << 24 | host_part))
}
