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

    fn with(&self, action: ChanceAction) -> Self {
        Self::new(RecordedDecision { action, ..self.decision.clone() })
    }

    fn deviation(&self) -> Option<i64> {
        if let ChanceAction::Delay { deviation } = self.decision.action { Some(deviation) } else { None }
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
            changed[index] = chance.with(action);
            all.push(changed);
        }
    }
    all
}

/// Every list in which one deviation of the delay takes over another of its direction, so that there is one less.
pub(crate) fn merged(list: &[Chance]) -> Vec<Vec<Chance>> {
    let deviations: Vec<(usize, i64)> = list
        .iter()
        .enumerate()
        .filter_map(|(index, chance)| Some((index, chance.deviation()?)))
        .take(REDUCED_MAX)
        .collect();
    let mut all = Vec::new();
    for (place, &(kept, deviation)) in deviations.iter().enumerate() {
        let from = place.saturating_sub(NEIGHBOURS);
        for &(gone, other) in deviations.iter().skip(from).take(2 * NEIGHBOURS + 1) {
            if gone == kept || list[gone].decision.on != list[kept].decision.on {
                continue;
            }
            let sum = deviation.unsigned_abs().saturating_add(other.unsigned_abs());
            let Ok(sum) = i64::try_from(sum) else { continue };
            let mut changed = list.to_vec();
            changed[kept] = list[kept].with(ChanceAction::Delay { deviation: deviation.signum() * sum });
            changed.remove(gone);
            all.push(changed);
        }
    }
    all
}

/// Every list in which a packet is not early, but one that it overtook is late: no fault can make a packet early by an
/// amount. `met` are the decisions of the original; where there is jitter, every packet has one.
pub(crate) fn turned(list: &[Chance], met: &[Chance]) -> Vec<Vec<Chance>> {
    let mut all = Vec::new();
    for (index, chance) in list.iter().enumerate().take(REDUCED_MAX) {
        let Some(early) = chance.deviation().filter(|deviation| *deviation < 0) else { continue };
        let decision = &chance.decision;
        let before = met.iter().rev().map(|chance| &chance.decision).filter(|other| {
            other.on == decision.on && other.at <= decision.at && other.packet != decision.packet
        });
        for other in before.take(NEIGHBOURS) {
            for factor in [1, 2, 10] {
                let deviation = early.saturating_mul(-factor);
                let late = RecordedDecision { action: ChanceAction::Delay { deviation }, ..other.clone() };
                let mut changed = list.to_vec();
                changed.remove(index);
                changed
                    .retain(|chance| chance.decision.packet != late.packet || chance.deviation().is_none());
                let place = changed.partition_point(|chance| chance.decision.at <= late.at);
                changed.insert(place, Chance::new(late));
                all.push(changed);
            }
        }
    }
    all
}

/// Lists in which all decisions sit earlier in the stream of their one conversation, by whole segments; so that less has
/// to be sent.
pub(crate) fn shifted(list: &[Chance]) -> Vec<Vec<Chance>> {
    let bytes: Vec<u64> = list.iter().filter_map(|chance| chance.decision.packet.byte).collect();
    let one =
        list.iter().all(|chance| chance.decision.packet.conversation == list[0].decision.packet.conversation);
    let Some(&least) = bytes.iter().min().filter(|_| one) else { return Vec::new() };
    let mut all = Vec::new();
    for segment in
        SEGMENTS.into_iter().filter(|segment| bytes.iter().all(|byte| byte.is_multiple_of(*segment)))
    {
        let most = least / segment;
        for count in [most, most - most / 10, most / 2, most / 4, 1]
            .into_iter()
            .filter(|count| (1..=most).contains(count))
        {
            let moved = |chance: &Chance| {
                let mut decision = chance.decision.clone();
                decision.packet.byte = decision.packet.byte.map(|byte| byte - count * segment);
                Chance::new(decision)
            };
            all.push(list.iter().map(moved).collect());
        }
    }
    all
}

/// How far two packets may stand apart to change their parts.
const NEIGHBOURS: usize = 3;

/// Octets of data in a full segment of the usual MTU, with timestamps and without, for IPv4 and IPv6.
const SEGMENTS: [u64; 4] = [1_448, 1_460, 1_428, 1_440];

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
