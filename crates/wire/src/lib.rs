//! What a packet *is*: IP header, TCP segment, UDP datagram, ICMP message, their bytes, and the out-of-band [`Tag`].
//!
//! Protocol logic touches only the plain values here; real bytes are made at the edges (a capture, corruption, a real
//! peer). Start with [`Packet`], then [`Segment`] and its [`Seq`] and [`Options`]; [`Packet::encode`] and [`decode`] lead
//! to bytes and back, [`CaptureWriter`] puts them into a file.
//!
//! ```
//! use faultwire_wire::{Flags, Options, Segment, Seq};
//!
//! let mut options = Options::EMPTY;
//! options.push_maximum_segment_size(1460);
//! let syn = Segment { seq: Seq(100), flags: Flags::SYN, window: 65_535, options, ..Segment::default() };
//! assert_eq!(syn.sequence_length(), 1);
//! assert_eq!(syn.header_length(), 24);
//! ```

mod checksum;
mod codec;
mod corrupt;
mod ecn;
mod icmp;
mod options;
mod packet;
mod payload;
mod pcapng;
mod quote;
mod segment;
mod seq;
mod tag;

pub use codec::{DecodeError, Protocol, decode};
pub use ecn::EcnCodepoint;
pub use icmp::{IcmpKind, IcmpMessage};
pub use options::{Option as TcpOption, Options, OptionsIter};
pub use packet::{Body, Datagram, IpHeader, Packet};
pub use payload::{Payload, generated_octet};
pub use pcapng::CaptureWriter;
pub use quote::{Quote, QuotedTransport};
pub use segment::{Flags, Segment};
pub use seq::Seq;
pub use tag::{Cause, Flow, Reason, Tag, TimerKind};
