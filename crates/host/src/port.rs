//! Local ports: who holds which, when they may be shared, and the choice of an ephemeral one (RFC 6056).

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use faultwire_base::{LookupTable, Stream};

use crate::errno::Errno;
use crate::isn::{halves, sip_hash};
use crate::secrets::Secrets;

/// The ports of one protocol of one host.
#[derive(Clone, Debug)]
pub(crate) struct PortTable {
    holders: LookupTable<u16, Vec<Holders>>,
    ephemeral: RangeInclusive<u16>,
    secrets: Secrets,
    purpose: &'static str,
    /// From the first choice on.
    chance: Option<Chance>,
    /// Linux `table_perturb`; empty until a connect needs it.
    perturbations: Vec<u32>,
}

/// What choices of ports rest on.
#[derive(Clone, Debug)]
struct Chance {
    choices: Stream,
    secret: [u64; 2],
}

/// Entries of the table of algorithm 4 (RFC 6056 §3.3.4).
const PERTURBATIONS: usize = 256;

/// A port as one socket or connection holds it. Every hold that is taken is given back with the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The address it is bound to.
    pub(crate) address: Bound,
    pub(crate) port: u16,
    /// Who else may have it.
    pub(crate) sharing: Sharing,
}

/// The address part of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// Every address of that version of IP.
    Any {
        /// Version 6, not 4.
        ipv6: bool,
    },
    /// One address.
    One(IpAddr),
}

/// With whom a port may be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Nobody: bound without `SO_REUSEADDR`.
    Exclusive,
    /// Others that share: bound with `SO_REUSEADDR`, and not listening.
    Reusable,
    /// As [`Sharing::Reusable`], but a listener, beside which nobody else may bind.
    Listening,
    /// Chosen by connect: shared with other connects to other destinations, not with a bind.
    Connected,
}

/// The holders of one port at one address.
#[derive(Clone, Copy, Debug)]
struct Holders {
    address: Bound,
    counts: [u32; 4],
}

impl PortTable {
    pub(crate) fn new(secrets: Secrets, purpose: &'static str, range: RangeInclusive<u16>) -> Self {
        assert!(!range.is_empty() && *range.start() > 0, "an empty range of ephemeral ports");
        Self {
            holders: LookupTable::default(),
            ephemeral: range,
            secrets,
            purpose,
            chance: None,
            perturbations: Vec::new(),
        }
    }

    fn chance(&mut self) -> &mut Chance {
        let (secrets, purpose) = (&self.secrets, self.purpose);
        self.chance
            .get_or_insert_with(|| Chance { choices: secrets.stream(purpose), secret: secrets.key(purpose) })
    }

    /// Ephemeral ports are chosen from another range from now on.
    pub(crate) fn change_range(&mut self, range: RangeInclusive<u16>) {
        assert!(!range.is_empty() && *range.start() > 0, "an empty range of ephemeral ports");
        self.ephemeral = range;
    }

    /// Whether `wanted` would collide with a holder.
    pub(crate) fn is_taken(&self, wanted: Hold) -> bool {
        let Some(holders) = self.holders.get(&wanted.port) else { return false };
        holders
            .iter()
            .filter(|holders| holders.address.overlaps(wanted.address))
            .any(|holders| holders.refuses(wanted.sharing))
    }

    /// Takes a hold.
    pub(crate) fn take(&mut self, hold: Hold) {
        let holders = self.holders.entry_or_insert_with(hold.port, || Vec::with_capacity(1));
        let at = holders.iter().position(|known| known.address == hold.address).unwrap_or_else(|| {
            holders.push(Holders { address: hold.address, counts: [0; 4] });
            holders.len() - 1
        });
        holders[at].counts[hold.sharing as usize] += 1;
    }

    /// Gives a hold back.
    pub(crate) fn give_back(&mut self, hold: Hold) {
        let holders = self.holders.get_mut(&hold.port).expect("the port is held");
        let at = holders.iter().position(|known| known.address == hold.address).expect("at that address");
        holders[at].counts[hold.sharing as usize] -= 1;
        if holders[at].counts == [0; 4] {
            holders.remove(at);
            if holders.is_empty() {
                self.holders.remove(&hold.port);
            }
        }
    }

    /// An ephemeral port that `fits`, for a connection from `local` to `remote`: a keyed hash of both and a table entry that
    /// moves on give the place to begin at; from there on all ports of the first one's parity come, then the others
    /// (RFC 6056 §3.3.4; Linux `__inet_hash_connect`).
    pub(crate) fn choose_towards(
        &mut self,
        local: IpAddr,
        remote: SocketAddr,
        fits: impl Fn(&Self, u16) -> bool,
    ) -> Result<u16, Errno> {
        if self.perturbations.is_empty() {
            let choices = &mut self.chance().choices;
            self.perturbations = (0..PERTURBATIONS).map(|_| choices.below(1 << 32) as u32).collect();
        }
        let ([a, b], [c, d]) = (halves(local), halves(remote.ip()));
        let hash = sip_hash(self.chance().secret, &[a, b, c, d, remote.port().into()]);
        let (low, high) = (u32::from(*self.ephemeral.start()), u32::from(*self.ephemeral.end()));
        let count = high - low + 1;
        let remaining = if count > 1 { count & !1 } else { count };
        let index = hash as usize % PERTURBATIONS;
        let start = (self.perturbations[index].wrapping_add((hash >> 32) as u32) % remaining) & !1;
        for parity in 0..remaining.min(2) {
            for step in (0..remaining).step_by(2) {
                let port = low + (start + parity + step) % remaining;
                if fits(self, port as u16) {
                    let bump = step.max(2 * self.chance().choices.below(8) as u32) + 2;
                    self.perturbations[index] = self.perturbations[index].wrapping_add(bump);
                    return Ok(port as u16);
                }
            }
        }
        Err(Errno::AddressNotAvailable)
    }

    /// An ephemeral port that `fits`: a random one, drawn again a few times while it does not fit (RFC 6056 §3.3.2),
    /// and then the next above it, around the range, so that a port is found if there is one.
    pub(crate) fn choose(&mut self, fits: impl Fn(&Self, u16) -> bool) -> Result<u16, Errno> {
        let (low, high) = (u32::from(*self.ephemeral.start()), u32::from(*self.ephemeral.end()));
        let count = high - low + 1;
        let mut start = 0;
        for _ in 0..DRAWS_MAX {
            start = self.chance().choices.below(u64::from(count)) as u32;
            let port = (low + start) as u16;
            if fits(self, port) {
                return Ok(port);
            }
        }
        (1..count)
            .map(|step| (low + (start + step) % count) as u16)
            .find(|&port| fits(self, port))
            .ok_or(Errno::AddressNotAvailable)
    }
}

/// Random ports to try before all are tried in turn: with nine of ten ports taken, 3 % of the choices come to that.
const DRAWS_MAX: u32 = 32;

impl Hold {
    pub(crate) fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }
}

impl Bound {
    /// The binding that the address of a bind call means.
    pub(crate) fn to(address: IpAddr) -> Self {
        if address.is_unspecified() { Self::Any { ipv6: address.is_ipv6() } } else { Self::One(address) }
    }

    fn is_ipv6(self) -> bool {
        match self {
            Self::Any { ipv6 } => ipv6,
            Self::One(address) => address.is_ipv6(),
        }
    }

    fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(two)) => one == two,
            _ => self.is_ipv6() == other.is_ipv6(),
        }
    }
}

impl Holders {
    /// The kernel's rule (`inet_csk_bind_conflict`): both must have `SO_REUSEADDR`, and neither may listen. A connect
    /// without a bind takes only ports that nobody bound, and shares them with its like (`__inet_hash_connect`).
    fn refuses(&self, wanted: Sharing) -> bool {
        let some = |sharing: Sharing| self.counts[sharing as usize] > 0;
        match wanted {
            Sharing::Exclusive => true,
            Sharing::Reusable | Sharing::Listening => {
                some(Sharing::Exclusive) || some(Sharing::Listening) || some(Sharing::Connected)
            }
            Sharing::Connected => {
                some(Sharing::Exclusive) || some(Sharing::Listening) || some(Sharing::Reusable)
            }
        }
    }
}

#[cfg(test)]
mod tests;
