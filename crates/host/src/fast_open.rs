//! Fast Open of one host (RFC 7413): the keys of its cookies, the cookies that it got, and whether it is trusted now.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use faultwire_base::{Duration, Instant};
use faultwire_tcp::{FastOpenAnswer, FastOpenCookie};
use thiserror::Error;

use crate::descriptor::Fd;
use crate::isn::sip_hash;
use crate::secrets::Secrets;

/// Settings of Fast Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastOpenConfig {
    /// The bits of Linux `tcp_fastopen`: [`FastOpenConfig::CLIENT`] and the other constants here.
    pub modes: u32,
    /// The keys of cookies (`tcp_fastopen_key`); a restarted host keeps them. `None`: one that the seed gives.
    pub keys: Option<FastOpenKeys>,
    /// How long Fast Open is left out for every destination after a path seemed to swallow it, doubled each time up to 64
    /// times (`tcp_fastopen_blackhole_timeout_sec`); zero: never.
    pub black_hole_timeout: Duration,
    /// How long Fast Open is left out towards one port after it gave no cookie there (FreeBSD
    /// `net.inet.tcp.fastopen.path_disable_time`).
    pub path_disable_time: Duration,
}

impl FastOpenConfig {
    /// A client may send data on a SYN.
    pub const CLIENT: u32 = 0x1;
    /// A listener may take data from a SYN, if it has a Fast Open backlog.
    pub const SERVER: u32 = 0x2;
    /// A client sends data without having a cookie.
    pub const CLIENT_WITHOUT_COOKIE: u32 = 0x4;
    /// A listener takes data without a cookie.
    pub const SERVER_WITHOUT_COOKIE: u32 = 0x200;
    /// Every listener has a Fast Open backlog, as large as its other one.
    pub const ALL_LISTENERS: u32 = 0x400;

    /// Whether all bits of `mode` are set.
    pub(crate) const fn has(&self, mode: u32) -> bool {
        self.modes & mode == mode
    }
}

impl Default for FastOpenConfig {
    /// As the kernel: for clients only, which have to ask for it.
    fn default() -> Self {
        Self {
            modes: Self::CLIENT,
            keys: None,
            black_hole_timeout: Duration::ZERO,
            path_disable_time: Duration::from_secs(900),
        }
    }
}

/// A key and perhaps the one before it, whose cookies are good for a while longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FastOpenKeys {
    /// The key of new cookies.
    pub primary: FastOpenKey,
    /// Cookies under this key are taken too, and answered with one under the other.
    pub backup: Option<FastOpenKey>,
}

/// A key of 16 octets. As text: four groups of hexadecimal digits, as in `00112233-44556677-8899aabb-ccddeeff`; each is
/// a number of 32 bits in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FastOpenKey(pub [u8; 16]);

impl FastOpenKey {
    fn words(self) -> [u64; 2] {
        let bits = u128::from_le_bytes(self.0);
        [bits as u64, (bits >> 64) as u64]
    }

    fn of_words([low, high]: [u64; 2]) -> Self {
        Self((u128::from(low) | u128::from(high) << 64).to_le_bytes())
    }
}

/// Not a Fast Open key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a Fast Open key is four groups of hexadecimal digits, as in 00112233-44556677-8899aabb-ccddeeff")]
pub struct BadFastOpenKey;

impl FromStr for FastOpenKey {
    type Err = BadFastOpenKey;

    fn from_str(text: &str) -> Result<Self, BadFastOpenKey> {
        let mut octets = [0; 16];
        let mut groups = text.split('-');
        for place in octets.chunks_exact_mut(4) {
            let group = groups.next().filter(|group| (1..=8).contains(&group.len())).ok_or(BadFastOpenKey)?;
            if !group.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(BadFastOpenKey);
            }
            let number = u32::from_str_radix(group, 16).map_err(|_| BadFastOpenKey)?;
            place.copy_from_slice(&number.to_le_bytes());
        }
        if groups.next().is_some() { Err(BadFastOpenKey) } else { Ok(Self(octets)) }
    }
}

impl FromStr for FastOpenKeys {
    type Err = BadFastOpenKey;

    /// One key, or two with a comma between.
    fn from_str(text: &str) -> Result<Self, BadFastOpenKey> {
        match text.split_once(',') {
            Some((primary, backup)) => Ok(Self { primary: primary.parse()?, backup: Some(backup.parse()?) }),
            None => Ok(Self { primary: text.parse()?, backup: None }),
        }
    }
}

impl fmt::Display for FastOpenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for group in self.0.chunks_exact(4) {
            let number = u32::from_le_bytes([group[0], group[1], group[2], group[3]]);
            write!(f, "{separator}{number:08x}")?;
            separator = "-";
        }
        Ok(())
    }
}

impl FastOpenKeys {
    /// Whether `offered` is the cookie of `client` at `server` under the primary or the backup key.
    pub(crate) fn check(&self, offered: &FastOpenCookie, client: IpAddr, server: IpAddr) -> Option<Verified> {
        let good = |key: FastOpenKey| offered.octets() == cookie(key, client, server);
        if good(self.primary) {
            return Some(Verified::Current);
        }
        self.backup.filter(|&key| good(key)).map(|_| Verified::Former)
    }

    /// The cookie of `client` at `server`.
    pub(crate) fn issue(&self, client: IpAddr, server: IpAddr, experimental: bool) -> FastOpenCookie {
        FastOpenCookie::new(&cookie(self.primary, client, server), experimental).expect("eight octets")
    }
}

/// Under which key a cookie is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The one of new cookies.
    Current,
    /// The one before.
    Former,
}

/// SipHash-2-4 over the addresses as they stand in the header of the SYN (RFC 7413 §4.1.2 leaves the function to the
/// server; this is Linux's, so that one cookie is good at both).
fn cookie(key: FastOpenKey, client: IpAddr, server: IpAddr) -> [u8; 8] {
    let hash = match (client, server) {
        (IpAddr::V4(client), IpAddr::V4(server)) => {
            let ([a, b, c, d], [e, f, g, h]) = (client.octets(), server.octets());
            sip_hash(key.words(), &[u64::from_le_bytes([a, b, c, d, e, f, g, h])])
        }
        _ => {
            let words = |address: IpAddr| {
                let bits = match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                    IpAddr::V6(address) => address.to_bits(),
                };
                [((bits >> 64) as u64).swap_bytes(), (bits as u64).swap_bytes()]
            };
            let ([a, b], [c, d]) = (words(client), words(server));
            sip_hash(key.words(), &[a, b, c, d])
        }
    };
    hash.to_le_bytes()
}

/// What a host keeps for Fast Open in one life.
#[derive(Clone, Debug)]
pub(crate) struct FastOpen {
    secrets: Secrets,
    /// Those given, or the host's own from the first time that they are needed.
    keys: Option<FastOpenKeys>,
    peers: BTreeMap<IpAddr, Peer>,
    /// FreeBSD's cache: from one address to a port of another.
    paths: BTreeMap<(IpAddr, SocketAddr), Way>,
    /// Connections that Fast Open made and whose handshake is not complete, with their listeners.
    pending: BTreeMap<u32, Fd>,
    distrusted_since: Instant,
    distrusted_times: u32,
}

/// What is known of one destination.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    segment_size: Option<u16>,
    cookie: Option<FastOpenCookie>,
    /// 1: it did not answer a request in option 34, so 254 is tried; 2: nor that, so 34 again.
    refusals: u8,
}

/// What is known of one path (FreeBSD `tcp_fastopen_ccache_entry`).
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The latest cookie, and the peer's MSS.
    Cookie(FastOpenCookie, u16),
    /// It gave no cookie at this time.
    DisabledSince(Instant),
}

/// How a client's SYN is to use Fast Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opportunity {
    pub(crate) option: Option<FastOpenCookie>,
    /// Data may go with the SYN.
    pub(crate) text: bool,
    pub(crate) segment_size: Option<u16>,
}

impl FastOpen {
    /// A host that was given no key has one out of `secrets`.
    pub(crate) fn new(config: &FastOpenConfig, secrets: Secrets) -> Self {
        Self {
            secrets,
            keys: config.keys,
            peers: BTreeMap::new(),
            paths: BTreeMap::new(),
            pending: BTreeMap::new(),
            distrusted_since: Instant::ZERO,
            distrusted_times: 0,
        }
    }

    /// The host's keys.
    pub(crate) fn keys(&mut self) -> FastOpenKeys {
        let secrets = &self.secrets;
        let own =
            || FastOpenKeys { primary: FastOpenKey::of_words(secrets.key("fast open key")), backup: None };
        *self.keys.get_or_insert_with(own)
    }

    /// The settings were changed: keys that they name are in force from now on.
    pub(crate) fn change_keys(&mut self, config: &FastOpenConfig) {
        self.keys = config.keys.or(self.keys);
    }

    /// How a SYN to `peer` is to use Fast Open now.
    pub(crate) fn opportunity(
        &self,
        config: &FastOpenConfig,
        now: Instant,
        peer: IpAddr,
        without_cookie: bool,
    ) -> Opportunity {
        let known = self.peers.get(&peer).copied().unwrap_or_default();
        let segment_size = known.segment_size;
        if self.is_distrusted(config, now) {
            return Opportunity { option: None, text: false, segment_size };
        }
        if without_cookie || config.has(FastOpenConfig::CLIENT_WITHOUT_COOKIE) {
            return Opportunity { option: None, text: true, segment_size };
        }
        match known.cookie {
            Some(cookie) => Opportunity { option: Some(cookie), text: true, segment_size },
            None => {
                let request = FastOpenCookie::request(known.refusals == 1);
                Opportunity { option: Some(request), text: false, segment_size }
            }
        }
    }

    /// Remembers what `peer` said.
    pub(crate) fn learn(&mut self, peer: IpAddr, answer: &FastOpenAnswer) {
        let known = self.peers.entry(peer).or_default();
        known.segment_size = Some(answer.segment_size);
        if answer.cookie.is_some() {
            known.cookie = answer.cookie;
        } else if let Some(experimental) = answer.refused
            && known.cookie.is_none()
        {
            known.refusals = known.refusals.max(if experimental { 2 } else { 1 });
        }
    }

    /// How a SYN with data is to use Fast Open on this path now (FreeBSD `tcp_fastopen_connect`).
    pub(crate) fn opportunity_on(
        &self,
        config: &FastOpenConfig,
        now: Instant,
        path: (IpAddr, SocketAddr),
    ) -> Opportunity {
        let disabled = |since| now.saturating_since(since) <= config.path_disable_time;
        match self.paths.get(&path) {
            Some(&Way::Cookie(cookie, size)) => {
                Opportunity { option: Some(cookie), text: true, segment_size: Some(size) }
            }
            Some(&Way::DisabledSince(since)) if disabled(since) => {
                Opportunity { option: None, text: false, segment_size: None }
            }
            Some(Way::DisabledSince(_)) | None => {
                Opportunity { option: Some(FastOpenCookie::request(false)), text: false, segment_size: None }
            }
        }
    }

    /// The answer to a SYN on this path: its cookie, or that it gave none (FreeBSD `tcp_fastopen_update_cache`,
    /// `tcp_fastopen_disable_path`).
    pub(crate) fn learn_on(
        &mut self,
        config: &FastOpenConfig,
        now: Instant,
        path: (IpAddr, SocketAddr),
        answer: &FastOpenAnswer,
    ) {
        let way = match (answer.cookie, self.paths.get(&path)) {
            (Some(cookie), _) => Way::Cookie(cookie, answer.segment_size),
            (None, Some(&Way::DisabledSince(since)))
                if now.saturating_since(since) <= config.path_disable_time =>
            {
                Way::DisabledSince(since)
            }
            (None, _) => Way::DisabledSince(now),
        };
        self.paths.insert(path, way);
    }

    /// Forgets what was learned of destinations (`ip tcp_metrics flush`).
    pub(crate) fn forget_peers(&mut self) {
        self.peers.clear();
        self.paths.clear();
    }

    /// A path seems to swallow Fast Open (RFC 7413 §4.1.3, §7.1): it is left out everywhere for a while.
    pub(crate) fn distrust(&mut self, config: &FastOpenConfig, now: Instant) {
        if !config.black_hole_timeout.is_zero() {
            self.distrusted_since = now;
            self.distrusted_times += 1;
        }
    }

    /// Fast Open worked again, data and all.
    pub(crate) fn trust(&mut self, config: &FastOpenConfig, now: Instant) {
        if !self.is_distrusted(config, now) {
            self.distrusted_times = 0;
        }
    }

    fn is_distrusted(&self, config: &FastOpenConfig, now: Instant) -> bool {
        if self.distrusted_times == 0 {
            return false;
        }
        let factor = 1 << (self.distrusted_times - 1).min(6);
        now < self.distrusted_since.saturating_add(config.black_hole_timeout.saturating_mul(factor))
    }

    /// `slot` has a connection that Fast Open made for the listener `fd`.
    pub(crate) fn opened(&mut self, slot: u32, fd: Fd) {
        self.pending.insert(slot, fd);
    }

    /// Connections of the listener `fd` whose handshake is not complete.
    pub(crate) fn pending_of(&self, fd: Fd) -> usize {
        self.pending.values().filter(|&&listener| listener == fd).count()
    }

    /// The handshake of `slot` is complete, or has failed: its listener, if that lives and this was pending.
    pub(crate) fn settled(&mut self, slot: u32) -> Option<Fd> {
        self.pending.remove(&slot)
    }

    /// The listener `fd` was closed.
    pub(crate) fn listener_closed(&mut self, fd: Fd) {
        self.pending.retain(|_, listener| *listener != fd);
    }
}

#[cfg(test)]
mod tests;
