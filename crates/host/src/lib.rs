//! The socket layer of a simulated host: descriptors, listeners, UDP, demultiplexing, ICMP.
//!
//! Start with [`Host`]: five verbs on the side of the network, the kernel's calls on the side of applications, all with
//! the time as an argument and none that waits. [`HostConfig`] says what a host is; [`apply_sysctl`] and
//! [`SocketOption::parse`] take the kernel's own words; [`Errno`] gives them. [`HostEvent`] tells what happened,
//! [`DropReason`] why a packet went no further.
//!
//! Inside, from the top: `host` (the face); `arrive` and `segment` (what to do with a packet), `socket` (the calls);
//! `life` (a connection in its table: told of, woken, transmitting, gone); `stack` (a struct of rooms); the rooms:
//! `connections` with `demux`, `descriptor`, `listener`, `udp`, `port` and `binding`, `path`, `isn`, `outbox`,
//! `numbering`.
//!
//! A host scales to many connections: their deadlines are in one wake-up queue, their turns to transmit in one queue,
//! half-open connections and those in TIME-WAIT are compact entries, and no table of all of them is walked.
//!
//! Left out: fragments (a datagram above the MTU is refused, an arriving fragment dropped), dual-stack
//! sockets, `SO_REUSEPORT`, UDP `shutdown`, a limit on the rate of ICMP errors, loopback (a packet to an
//! own address is handed out like any other).
//!
//! ```
//! use std::sync::Arc;
//!
//! use faultwire_base::{Instant, PlaceId, SeedTree};
//! use faultwire_host::{Errno, Host, HostConfig, Interface, Received, SocketKind};
//! use faultwire_tcp::Config;
//! use faultwire_wire::Payload;
//!
//! let host = |name, rank, last| {
//!     let interface = Interface { address: [10, 0, 0, last].into(), mtu: 1500 };
//!     Host::new(HostConfig::new(name, PlaceId(rank), interface, Arc::new(Config::linux())), SeedTree::new(1))
//! };
//! let (mut client, mut server) = (host("client", 0, 1), host("server", 1, 2));
//! let now = Instant::ZERO;
//!
//! let listener = server.socket(SocketKind::Tcp, false);
//! server.bind(listener, "0.0.0.0:80".parse().unwrap())?;
//! server.listen(listener, 16)?;
//! let fd = client.socket(SocketKind::Tcp, false);
//! assert_eq!(client.connect(now, fd, "10.0.0.2:80".parse().unwrap()), Err(Errno::InProgress));
//!
//! // A wire without delay: what one sends arrives at the other, until nobody sends.
//! let exchange = |client: &mut Host, server: &mut Host| {
//!     let mut quiet = false;
//!     while !quiet {
//!         quiet = true;
//!         while let Some(packet) = client.transmit(now) {
//!             (quiet, _) = (false, server.receive(now, packet));
//!         }
//!         while let Some(packet) = server.transmit(now) {
//!             (quiet, _) = (false, client.receive(now, packet));
//!         }
//!     }
//! };
//! exchange(&mut client, &mut server);
//! let (accepted, _) = server.accept(listener)?;
//! client.send(now, fd, Payload::from_bytes(*b"hello"))?;
//! exchange(&mut client, &mut server);
//! let Received::Data(data) = server.recv(now, accepted, 100)? else { panic!("no end yet") };
//! assert_eq!(data.to_vec(), b"hello");
//! # Ok::<(), Errno>(())
//! ```

mod arrive;
mod binding;
mod config;
mod connections;
mod demux;
mod descriptor;
mod errno;
mod event;
mod fast_open;
mod host;
mod icmp;
mod isn;
mod life;
mod listener;
mod numbering;
mod option;
mod outbox;
mod path;
mod port;
mod readiness;
mod report;
mod secrets;
mod segment;
mod socket;
mod stack;
mod syn_cookie;
mod sysctl;
mod udp;

pub use config::{ClosedPort, HostConfig, Interface, IpConfig, ListenConfig, Route};
pub use descriptor::Fd;
pub use errno::{Errno, UnknownErrno};
pub use event::{DropReason, HostEvent};
pub use fast_open::{BadFastOpenKey, FastOpenConfig, FastOpenKey, FastOpenKeys};
pub use host::{Host, SocketReport};
pub use numbering::ConnectionId;
pub use option::{OptionError, OptionName, SocketOption};
pub use readiness::Readiness;
pub use report::{ConnectionDetail, ConnectionReport};
pub use socket::{How, Queued, Received, ReceivedFrom, SocketKind};
pub use sysctl::{SysctlError, SysctlValue, apply_setting, apply_sysctl, sysctl_names};
