//! Virtual clock and wake-up queue of faultwire.
//!
//! Start with [`WakeupQueue`]: one pending wake-up a key (a place of the world, or a connection of a host), given
//! back in the order of (time, key), whatever the order in which they were asked for (DESIGN D2).
//!
//! ```
//! use faultwire_base::Instant;
//! use faultwire_engine::WakeupQueue;
//!
//! let at = Instant::from_nanos;
//! let mut queue = WakeupQueue::new();
//! queue.schedule(at(30), 0);
//! queue.schedule(at(20), 1);
//! queue.schedule(at(10), 0); // earlier: replaces the one at 30
//! queue.schedule(at(40), 1); // later: ignored, the key is woken at 20 anyway
//!
//! assert_eq!(queue.next_time(), Some(at(10)));
//! assert_eq!(queue.pop_due(at(15)), Some((at(10), 0)));
//! assert_eq!(queue.pop_due(at(15)), None);
//! assert_eq!(queue.pop(), Some((at(20), 1)));
//! assert!(queue.is_empty());
//! ```

mod armed;
mod bags;
mod entry;
mod queue;
mod wakeup;
mod wheel;

pub use entry::Entry;
pub use queue::EntryQueue;
pub use wakeup::WakeupQueue;
