//! Random impairments of a direction: one stream a purpose, the same words for every packet offered (DESIGN D3).

use std::sync::Arc;

use faultwire_base::{Probability, SeedTree, Stream};

use crate::config::{Corrupt, DirectionConfig, Jitter, Loss, Reorder};
use crate::loss::LossProcess;
use crate::recorded::ChanceAction;

/// Where a direction's streams come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) seeds: SeedTree,
}

/// One impairment: its setting, and its stream from the first time that it is set.
#[derive(Clone, Debug)]
struct Stage<T> {
    setting: Option<T>,
    stream: Option<Stream>,
}

/// All random impairments of a direction.
#[derive(Clone, Debug)]
pub(crate) struct Impairments {
    /// `None` in a replay: a list decides, nothing is drawn, and the settings say only whether packets keep their order.
    source: Option<Source>,
    loss: Stage<LossProcess>,
    duplicate: Stage<Probability>,
    corrupt: Stage<Corrupt>,
    jitter: Stage<Jitter>,
    reorder: Stage<Gap>,
    /// Loss and corruption of copies that are judged, on streams of their own, so that a fault that makes copies moves
    /// no other packet's fate.
    copy_loss: Stage<LossProcess>,
    copy_corrupt: Stage<Corrupt>,
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    reorder: Reorder,
    /// Packets with the full delay since the last that was sent at once.
    passed: u32,
}

/// What chance has for one packet, should no earlier stage take it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Draw {
    pub(crate) lost: bool,
    pub(crate) duplicated: bool,
    pub(crate) corruption: Option<Corruption>,
    /// Deviation of the delay in nanoseconds.
    pub(crate) jitter: i64,
    pub(crate) sent_at_once: bool,
}

impl Draw {
    /// Whether chance does more than to vary the delay.
    #[inline]
    pub(crate) fn is_eventful(&self) -> bool {
        self.lost || self.duplicated || self.corruption.is_some() || self.sent_at_once
    }
}

/// A corruption that was drawn: how many bits, and the word that says which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corruption {
    bits: u32,
    word: u64,
}

impl Impairments {
    pub(crate) fn new(config: &DirectionConfig, source: Source) -> Self {
        let mut all = Self {
            source: Some(source),
            loss: Stage::default(),
            duplicate: Stage::default(),
            corrupt: Stage::default(),
            jitter: Stage::default(),
            reorder: Stage::default(),
            copy_loss: Stage::default(),
            copy_corrupt: Stage::default(),
        };
        all.set_loss(config.loss.clone());
        all.set_duplicate(config.duplicate);
        all.set_corrupt(config.corrupt);
        all.set_jitter(config.jitter.clone());
        all.set_reorder(config.reorder);
        all
    }

    pub(crate) fn set_loss(&mut self, loss: Option<Loss>) {
        let process = loss.map(LossProcess::new);
        self.loss.set(process.clone(), self.source.as_ref(), "loss");
        self.copy_loss.setting = process;
    }

    pub(crate) fn set_duplicate(&mut self, probability: Option<Probability>) {
        self.duplicate.set(probability, self.source.as_ref(), "duplicate");
    }

    pub(crate) fn set_corrupt(&mut self, corrupt: Option<Corrupt>) {
        self.corrupt.set(corrupt, self.source.as_ref(), "corrupt");
        self.copy_corrupt.setting = corrupt;
    }

    pub(crate) fn set_jitter(&mut self, jitter: Option<Jitter>) {
        self.jitter.set(jitter, self.source.as_ref(), "jitter");
    }

    pub(crate) fn set_reorder(&mut self, reorder: Option<Reorder>) {
        let gap = reorder.map(|reorder| Gap { reorder, passed: 0 });
        self.reorder.set(gap, self.source.as_ref(), "reorder");
    }

    /// Draws no more: every draw is plain from now on.
    pub(crate) fn silence(&mut self) {
        self.source = None;
        self.loss.stream = None;
        self.duplicate.stream = None;
        self.corrupt.stream = None;
        self.jitter.stream = None;
        self.reorder.stream = None;
        self.copy_loss.stream = None;
        self.copy_corrupt.stream = None;
    }

    /// Ends them all.
    pub(crate) fn heal(&mut self) {
        self.set_loss(None);
        self.set_duplicate(None);
        self.set_corrupt(None);
        self.set_jitter(None);
        self.set_reorder(None);
    }

    /// Whether an impairment is set that does such things.
    pub(crate) fn may_do(&self, action: &ChanceAction) -> bool {
        match action {
            ChanceAction::Drop | ChanceAction::Mark => self.loss.is_set(),
            ChanceAction::Duplicate => self.duplicate.is_set(),
            ChanceAction::Corrupt { .. } => self.corrupt.is_set(),
            ChanceAction::Delay { .. } => self.jitter.is_set(),
            ChanceAction::SendAtOnce => self.reorder.is_set(),
        }
    }

    /// Whether a packet arrives no earlier than the one sent before it.
    pub(crate) fn keep_order(&self) -> bool {
        !self.reorder.is_set() && self.jitter.setting.as_ref().is_none_or(|jitter| !jitter.reorders)
    }

    /// Draws for the next packet that is offered. The number of words depends on the settings only.
    #[inline]
    pub(crate) fn draw(&mut self) -> Draw {
        Draw {
            lost: self.loss.draw(LossProcess::draw).unwrap_or(false),
            duplicated: self.duplicate.draw(|chance, stream| chance.hits(stream.next_u64())).unwrap_or(false),
            corruption: self.corrupt.draw(draw_corruption).flatten(),
            jitter: self.jitter.draw(|jitter, stream| jitter.draw(stream)).unwrap_or(0),
            sent_at_once: self.reorder.draw(Gap::draw).unwrap_or(false),
        }
    }

    /// Draws for a copy that is judged: loss and corruption only.
    pub(crate) fn draw_for_copy(&mut self) -> Draw {
        // Few runs ever judge a copy: these streams are derived for the first one.
        self.copy_loss.derive(self.source.as_ref(), "loss of copies");
        self.copy_corrupt.derive(self.source.as_ref(), "corruption of copies");
        Draw {
            lost: self.copy_loss.draw(LossProcess::draw).unwrap_or(false),
            corruption: self.copy_corrupt.draw(draw_corruption).flatten(),
            ..Draw::default()
        }
    }
}

impl<T> Default for Stage<T> {
    fn default() -> Self {
        Self { setting: None, stream: None }
    }
}

impl<T> Stage<T> {
    fn set(&mut self, setting: Option<T>, source: Option<&Source>, purpose: &str) {
        self.setting = setting;
        self.derive(source, purpose);
    }

    /// Derives the stream if the stage is set and has none.
    fn derive(&mut self, source: Option<&Source>, purpose: &str) {
        if self.setting.is_some()
            && self.stream.is_none()
            && let Some(source) = source
        {
            self.stream = Some(source.seeds.stream(&source.name, purpose));
        }
    }

    fn is_set(&self) -> bool {
        self.setting.is_some()
    }

    #[inline]
    fn draw<R>(&mut self, draw: impl FnOnce(&mut T, &mut Stream) -> R) -> Option<R> {
        match (&mut self.setting, &mut self.stream) {
            (Some(setting), Some(stream)) => Some(draw(setting, stream)),
            _ => None,
        }
    }
}

impl Gap {
    fn draw(&mut self, stream: &mut Stream) -> bool {
        let hit = self.reorder.probability.hits(stream.next_u64());
        if hit && self.passed >= self.reorder.gap.saturating_sub(1) {
            self.passed = 0;
            return true;
        }
        self.passed = self.passed.saturating_add(1);
        false
    }
}

fn draw_corruption(corrupt: &mut Corrupt, stream: &mut Stream) -> Option<Corruption> {
    let (chance, word) = (stream.next_u64(), stream.next_u64());
    corrupt.probability.hits(chance).then_some(Corruption { bits: corrupt.bits, word })
}

impl Corruption {
    /// Which bits of a packet of `length` octets flip: all different, in the order drawn.
    pub(crate) fn positions(self, length: u32) -> Vec<u32> {
        let total = u64::from(length) * 8;
        let count = u64::from(self.bits).min(total);
        let mut state = self.word;
        let mut positions = Vec::with_capacity(count as usize);
        // Floyd's sampling without repetition: as many draws as bits.
        for last in total - count..total {
            let drawn = ((u128::from(mix(&mut state)) * u128::from(last + 1)) >> 64) as u32;
            positions.push(if positions.contains(&drawn) { last as u32 } else { drawn });
        }
        positions
    }
}

/// SplitMix64: further words out of one.
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
