//! Tests of the calls, each as a script has it: two hosts on a wire without delay, one of them under test.

mod blocking;
mod open;
mod options;
mod transfer;
mod waking;

use faultwire_base::{Instant, PlaceId, SeedTree};
use faultwire_host::{Fd, HostConfig, Interface, SocketKind};
use faultwire_wire::Payload;

use super::*;
use crate::syntax::tree::Action;

/// The host under test with its script's sockets, and its peer.
struct Bench {
    machine: Machine,
    peer: Machine,
    network: Network,
    sockets: Sockets,
}

impl Bench {
    fn new(profile: Profile) -> Self {
        Self::on(profile, Network::default())
    }

    fn on(profile: Profile, network: Network) -> Self {
        let interface = Interface { address: network.remote, mtu: 1500 };
        let config = std::sync::Arc::new(profile.config());
        let peer = HostConfig::new("peer", PlaceId(2), interface, config);
        Self {
            machine: Machine::new(network.host(profile), SeedTree::new(1)),
            peer: Machine::new(peer, SeedTree::new(2)),
            network,
            sockets: Sockets::new(profile),
        }
    }

    /// Makes the call.
    fn says(&mut self, text: &str) -> Result<Called, Problem> {
        let script = crate::syntax::parse(&format!("0 {text}"), &[], None)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let Action::Call(call) = &script.events[0].action else { panic!("{text} is no call") };
        self.sockets.call(&mut self.machine, &self.network, call)
    }

    /// The calls return as is written.
    fn calls<const N: usize>(&mut self, texts: [&str; N]) -> &mut Self {
        for text in texts {
            assert_eq!(self.says(text), Ok(Called::Returned), "{text}");
        }
        self
    }

    /// The call waits.
    fn waits(&mut self, text: &str) {
        assert_eq!(self.says(text), Ok(Called::Waiting), "{text}");
        assert!(self.sockets.is_waiting());
    }

    fn differs(&mut self, text: &str) -> String {
        match self.says(text) {
            Err(Problem::Differs(message)) => message,
            other => panic!("{text} gave {other:?}"),
        }
    }

    fn unknown(&mut self, text: &str) -> String {
        match self.says(text) {
            Err(Problem::Unknown(message)) => message,
            other => panic!("{text} gave {other:?}"),
        }
    }

    fn resume(&mut self) -> Result<Called, Problem> {
        self.sockets.resume(&mut self.machine)
    }

    fn returns(&mut self) {
        assert_eq!(self.resume(), Ok(Called::Returned));
        assert!(!self.sockets.is_waiting());
    }

    fn goes_on_waiting(&mut self) {
        assert_eq!(self.resume(), Ok(Called::Waiting));
    }

    /// Everything that is under way arrives.
    fn exchange(&mut self) -> &mut Self {
        self.machine.drain();
        self.peer.drain();
        loop {
            if let Some(sent) = self.machine.sent.pop_front() {
                self.peer.receive(sent.packet);
            } else if let Some(sent) = self.peer.sent.pop_front() {
                self.machine.receive(sent.packet);
            } else {
                return self;
            }
        }
    }

    /// Time passes at both ends, and nothing arrives.
    fn at_ms(&mut self, millis: u64) -> &mut Self {
        let at = Instant::from_nanos(millis * 1_000_000);
        self.machine.advance_to(at);
        self.peer.advance_to(at);
        self
    }

    /// The peer connects to port 8080 here; what it has open then.
    fn peer_connects(&mut self) -> Fd {
        let fd = self.peer.host.socket(SocketKind::Tcp, self.network.is_ipv6());
        let now = self.peer.now();
        let _ = self.peer.host.connect(now, fd, self.network.local_end());
        self.exchange();
        fd
    }

    /// The peer listens on port 8080.
    fn peer_listens(&mut self) -> Fd {
        let fd = self.peer.host.socket(SocketKind::Tcp, self.network.is_ipv6());
        self.peer.host.bind(fd, self.network.remote_end()).unwrap();
        self.peer.host.listen(fd, 8).unwrap();
        fd
    }

    fn peer_sends(&mut self, fd: Fd, octets: u32) -> &mut Self {
        let now = self.peer.now();
        assert_eq!(self.peer.host.send(now, fd, Payload::Zeros { len: octets }), Ok(octets.into()));
        self.exchange()
    }

    fn peer_reads(&mut self, fd: Fd) -> &mut Self {
        let now = self.peer.now();
        while self.peer.host.recv(now, fd, 1 << 20).is_ok() {}
        self.exchange()
    }

    /// A listener with number 3 and a connection with number 4, accepted; what the peer has open for it.
    fn accepted(&mut self) -> Fd {
        self.calls([
            "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
            "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
            "bind(3, ..., ...) = 0",
            "listen(3, 1) = 0",
        ]);
        let fd = self.peer_connects();
        self.calls(["accept(3, ..., ...) = 4"]);
        fd
    }
}
