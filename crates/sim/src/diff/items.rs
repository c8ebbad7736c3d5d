//! The records of a run as a list in which each has an identity that it shares with its mate in another run.

use faultwire_base::{Instant, LookupTable};

use super::identity::{Id, Identities, Interner};
use super::numbers::Numbers;
use crate::output::{Entry, Legend, Trace, What};

/// What a record tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Sent,
    Forwarded,
    Link,
    Arrived,
    Discarded,
    State,
    Step,
    Host,
    Injected,
}

/// Identity of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) sort: Sort,
    /// The packet, conversation, app, host or fault.
    subject: Id,
    /// Where.
    place: Id,
    /// Index of an app's step.
    step: u32,
    /// Which of those that agree in all this, from 1.
    nth: u32,
}

/// A record that is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) at: Instant,
    pub(super) key: Key,
    /// Index of the trace's entry.
    pub(super) entry: usize,
}

/// All records of a run, with what it takes to compare them.
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    pub(super) trace: &'a Trace,
    pub(super) items: Vec<Item>,
    pub(super) identities: Identities,
    pub(super) numbers: Numbers,
    by_key: LookupTable<Key, usize>,
}

impl<'a> Items<'a> {
    pub(super) fn of(trace: &'a Trace, legend: &Legend, interner: &mut Interner) -> Self {
        let identities = Identities::of(trace, legend, interner);
        let mut items = Vec::with_capacity(trace.entries().len());
        let mut counts: LookupTable<Key, u32> = LookupTable::default();
        let mut by_key = LookupTable::default();
        for (index, entry) in trace.entries().iter().enumerate() {
            let Some(mut key) = key(entry, legend, &identities, interner) else { continue };
            let count = counts.entry_or_insert_with(key, || 0);
            *count += 1;
            key.nth = *count;
            by_key.insert(key, items.len());
            items.push(Item { at: entry.at, key, entry: index });
        }
        let numbers = Numbers::of(trace, &identities);
        Self { trace, items, identities, numbers, by_key }
    }

    /// Index of the record with this identity.
    pub(super) fn find(&self, key: Key) -> Option<usize> {
        self.by_key.get(&key).copied()
    }

    /// The trace's entry of a record.
    pub(super) fn entry(&self, index: usize) -> &'a Entry {
        &self.trace.entries()[self.items[index].entry]
    }
}

/// Identity of an entry, without its number among equals. That a connection exists, and what it is called, shows in
/// its packets and states.
fn key(entry: &Entry, legend: &Legend, identities: &Identities, interner: &mut Interner) -> Option<Key> {
    let place = interner.name(legend.place(entry.place));
    let (sort, subject, step) = match entry.what {
        What::Sent { packet, origin, direction } => {
            let sort = if origin { Sort::Sent } else { Sort::Forwarded };
            let place = interner.name(legend.direction_name(direction));
            return Some(Key { sort, subject: identities.packet(packet), place, step: 0, nth: 0 });
        }
        What::Link { packet, .. } => (Sort::Link, identities.packet(packet), 0),
        What::Arrived { packet, .. } => (Sort::Arrived, identities.packet(packet), 0),
        What::Discarded { packet, .. } => (Sort::Discarded, identities.packet(packet), 0),
        What::StateChanged { flow, .. } => (Sort::State, interner.name(identities.flow_name(flow)), 0),
        What::StepEnded { app, step, .. } => (Sort::Step, interner.name(legend.app(app)), step),
        What::HostChanged { .. } => (Sort::Host, place, 0),
        What::Injected { fault } => (Sort::Injected, interner.name(legend.fault(fault)), 0),
        What::Opened { .. } | What::Named(_) => return None,
    };
    Some(Key { sort, subject, place, step, nth: 0 })
}
