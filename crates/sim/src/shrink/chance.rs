//! Decisions of chance as items of the search: what belongs together, and smaller amounts of each.

use std::sync::Arc;

use faultwire_base::Duration;
use xxhash_rust::xxh3::xxh3_128;

use super::amount::{Wish, times};
use crate::replay::{ChanceAction, RecordedDecision, Recording};

/// More decisions than this are left as large as they are: each costs some tries.
const REDUCED_MAX: usize = 64;

/// A decision, with a key that is equal for equal ones.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    pub(crate) decision: RecordedDecision,
    key: u128,
}

impl Chance {
    pub(crate) fn new(decision: RecordedDecision) -> Self {
        let RecordedDecision { on, packet, action, .. } = &decision;
        let key = xxh3_128(format!("{on} {packet:?} {action:?}").as_bytes());
        Self { decision, key }
    }

    pub(crate) fn all(recording: Recording) -> Vec<Self> {
        recording.decisions.into_iter().map(Self::new).collect()
    }

    /// What chance did, by the impairment's name.
    pub(crate) fn class(&self) -> String {
        match self.decision.action {
            ChanceAction::Drop => "loss",
            ChanceAction::Mark => "mark",
            ChanceAction::Duplicate => "duplicate",
            ChanceAction::Corrupt { .. } => "corrupt",
            ChanceAction::Delay { .. } => "jitter",
            ChanceAction::SendAtOnce => "reorder",
        }
        .to_owned()
    }

    /// The direction that it was done in.
    pub(crate) fn direction(&self) -> String {
        self.decision.on.to_string()
    }

    /// The conversation and kind of its packet.
    pub(crate) fn kind(&self) -> String {
        let packet = &self.decision.packet;
        format!("{:?} {:?}", packet.conversation, packet.kind)
    }
}

/// A key for the whole list.
pub(crate) fn key_of(list: &[Chance]) -> u128 {
    let keys: Vec<u8> = list.iter().flat_map(|chance| chance.key.to_le_bytes()).collect();
    xxh3_128(&keys)
}

pub(crate) fn recording_of(list: &[Chance]) -> Arc<Recording> {
    Arc::new(Recording { decisions: list.iter().map(|chance| chance.decision.clone()).collect() })
}

/// Every list in which one decision does less: a shorter or rounder deviation of the delay, fewer bits.
pub(crate) fn reductions(list: &[Chance]) -> Vec<Vec<Chance>> {
    if list.len() > REDUCED_MAX {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (index, chance) in list.iter().enumerate() {
        for action in less(&chance.decision.action) {
            let mut changed = list.to_vec();
            changed[index] = Chance::new(RecordedDecision { action, ..chance.decision.clone() });
            all.push(changed);
        }
    }
    all
}

/// The action with less in it, the least first.
fn less(action: &ChanceAction) -> Vec<ChanceAction> {
    match action {
        ChanceAction::Delay { deviation } => {
            let sign = deviation.signum();
            let shorter = times(Duration::from_nanos(deviation.unsigned_abs()), Wish::Less);
            let nanos = shorter.into_iter().filter_map(|time| i64::try_from(time.as_nanos()).ok());
            nanos.map(|nanos| ChanceAction::Delay { deviation: sign * nanos }).collect()
        }
        ChanceAction::Corrupt { bits } if bits.len() > 1 => {
            let one = bits.iter().map(|bit| vec![*bit]);
            let halves = bits.chunks(bits.len().div_ceil(2)).map(<[u32]>::to_vec);
            one.chain(halves).map(|bits| ChanceAction::Corrupt { bits }).collect()
        }
        _ => Vec::new(),
    }
}
