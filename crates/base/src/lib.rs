//! Vocabulary of faultwire: virtual time, quantities with units, ids, lookup tables and the seed tree.
//!
//! Start with [`Instant`] and [`Duration`] (integer nanoseconds of virtual time), then [`SeedTree`], from which
//! every random stream of a run is derived by name, so that adding a component moves no other's draws.
//!
//! ```
//! use faultwire_base::{Duration, Instant, SeedTree};
//!
//! let start = Instant::ZERO + "1.5ms".parse::<Duration>().unwrap();
//! assert_eq!(start.as_nanos(), 1_500_000);
//!
//! let mut loss = SeedTree::new(7).stream("wire>client", "loss");
//! let mut same = SeedTree::new(7).stream("wire>client", "loss");
//! assert_eq!(loss.next_u64(), same.next_u64());
//! ```

mod id;
mod lookup;
mod quantity;
mod seed;
mod time;

pub use id::{PacketId, PlaceId, StreamId};
pub use lookup::LookupTable;
pub use quantity::{BitRate, ByteCount, Probability, QuantityError};
pub use seed::{SeedTree, Stream};
pub use time::{Duration, Instant};
