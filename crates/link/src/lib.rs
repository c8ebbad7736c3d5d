//! Link directions: rate, queue, delay, impairments and targeted faults, for faultwire.
//!
//! Start with [`Direction`]: packets go in by [`Direction::offer`] and come out by [`Direction::take_arrival`]; what it is
//! built from is a [`DirectionConfig`]. Every decision that is not to pass a packet plainly is told as a [`LinkEvent`].
//!
//! ```
//! use std::net::Ipv4Addr;
//!
//! use faultwire_base::{Duration, Instant, PlaceId, SeedTree};
//! use faultwire_link::{Direction, DirectionConfig};
//! use faultwire_wire::{Body, Datagram, IpHeader, Packet, Payload, Tag};
//!
//! let config = DirectionConfig {
//!     rate: "10Mbit".parse().ok(),
//!     delay: Duration::from_millis(50),
//!     ..DirectionConfig::default()
//! };
//! let mut direction = Direction::new(&config, PlaceId(2), "wire>server", SeedTree::new(1));
//!
//! let ip = IpHeader {
//!     source: Ipv4Addr::new(10, 0, 0, 1).into(),
//!     destination: Ipv4Addr::new(10, 0, 0, 2).into(),
//!     hop_limit: 64,
//!     traffic_class: 0,
//!     identification: 0,
//!     dont_fragment: true,
//! };
//! let datagram = Datagram { source_port: 1, destination_port: 2, payload: Payload::Zeros { len: 1472 } };
//! let packet = Packet { ip, body: Body::Udp(datagram), tag: Tag::default() };
//!
//! // 1500 octets take 1.2 ms at 10 Mbit/s, then the delay.
//! let offer = direction.offer(Instant::ZERO, packet.clone());
//! let arrival = Instant::ZERO + "51.2ms".parse().unwrap();
//! assert_eq!(offer.arrives, Some(arrival));
//! assert_eq!(direction.take_arrival(arrival), Some(packet));
//! ```
//!
//! # Stages
//!
//! A packet that enters passes, in this order: cut, MTU, targeted faults (in the order of the file), loss, duplication,
//! corruption, queue limit, serialisation, holds, propagation with jitter and reordering. Copies follow their original
//! through queue and serialisation and share its jitter; nothing judges them again, unless the fault that made them says
//! `impaired` (then loss and corruption do).
//!
//! # Randomness
//!
//! Each purpose (loss, duplicate, corrupt, jitter, reorder) has a stream of its own, named after the direction, and takes
//! a fixed number of words for each packet offered, even when an earlier stage takes the packet. So the n-th packet's
//! fate by chance depends on n only: a cut, a fault or another impairment moves no draw.
//!
//! # Recording and replay
//!
//! What chance does can be kept ([`Direction::keep_decisions`]) as a list of [`ChanceDecision`]s, each with the
//! [`PacketIdentity`] of its packet, and such a list can decide in the place of chance ([`Direction::replay`]). Then
//! nothing is drawn, whatever changes in time, and a packet that is not listed passes. Faults that are data already
//! (targeted faults, the timeline) act as ever, and a heal ends the list too.
//!
//! # Where netem differs
//!
//! - Jitter keeps the order of packets unless [`Jitter::reorders`] or a [`Reorder`] is set; netem's never does.
//! - A shorter [`Change::SetDelay`] does not let packets overtake.
//! - A packet that is lost is not duplicated; in netem both may happen to one, and one copy survives.
//! - netem's `limit` counts everything inside, also what only waits for the delay; here it counts what waits for the
//!   rate, so that delay alone never drops.
//! - The rate is exact over a busy period; netem rounds each packet.
//! - Corruption can flip several bits, and also those of the headers; a checksum that is wrong stays wrong.
//! - There is no correlation of successive draws.
//!
//! # Left out
//!
//! Active queue management, and more than one queue: what netem itself leaves to other disciplines.

mod chance;
mod config;
mod counters;
mod decision;
mod direction;
mod faults;
mod field;
mod hold;
mod identity;
mod impairments;
mod jitter;
mod judge;
mod kind;
mod ledger;
mod loss;
mod path;
mod recorded;
mod ring;
mod targeted;
mod timeline;
mod transmitter;
mod travel;

pub use config::{
    Change, Corrupt, DirectionConfig, Distribution, Jitter, Loss, Queue, QueueLimit, Reorder, ScheduledChange,
};
pub use counters::{Counters, DropCounters, FaultCounts, Tally};
pub use decision::{By, Decision, DropCause, FaultIndex, LinkEvent, NameId};
pub use direction::{Direction, Offer};
pub use field::HeaderField;
pub use identity::{Conversation, PacketIdentity};
pub use kind::PacketKind;
pub use recorded::{ChanceAction, ChanceDecision, Met};
pub use targeted::{Action, FieldMatch, HoldUntil, Match, Nth, TargetedFault};
