//! Decisions of chance as values: kept while a run is recorded, taken from a list when it is replayed (DESIGN D8).

use faultwire_base::{Instant, LookupTable};
use faultwire_wire::{Flow, Packet};

use crate::chance::{Chosen, Taking};
use crate::decision::NameId;
use crate::identity::{Identities, PacketIdentity};
use crate::impairments::Impairments;

/// One thing that chance did to one packet. A packet to which it did several has one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChanceDecision {
    /// The packet, as it entered the direction.
    pub packet: PacketIdentity,
    /// When it entered.
    pub at: Instant,
    /// What was done.
    pub action: ChanceAction,
}

/// What chance does to a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChanceAction {
    /// It is lost.
    Drop,
    /// It is marked "congestion experienced" where it would have been lost.
    Mark,
    /// It is sent twice.
    Duplicate,
    /// These bits flip, counted from the most significant bit of the IP header's first octet.
    Corrupt {
        /// Which; those past the end of the packet are left out.
        bits: Vec<u32>,
    },
    /// Its delay deviates.
    Delay {
        /// By so many nanoseconds, which may be less than zero.
        deviation: i64,
    },
    /// It travels without the delay.
    SendAtOnce,
}

impl ChanceAction {
    /// Whether chance does such things to a copy that is judged: it takes, marks or corrupts one, but makes no copy of a
    /// copy, and the delay of a copy is that of its packet.
    pub fn can_befall_copies(&self) -> bool {
        match self {
            Self::Drop | Self::Mark | Self::Corrupt { .. } => true,
            Self::Duplicate | Self::Delay { .. } | Self::SendAtOnce => false,
        }
    }
}

/// Whether the packet of a decision has come in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Not so far.
    Not,
    /// At this time, and what is listed was done to it, unless an earlier stage took it.
    Decided(Instant),
    /// At this time, when a heal had ended chance: nothing was done.
    Healed(Instant),
}

/// Knows the packets of a direction by their identities, and what chance does to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracking {
    identities: Identities,
    /// What is done instead of drawing.
    replayed: Option<Replayed>,
    /// What was done so far, if that is to be kept.
    kept: Option<Vec<ChanceDecision>>,
}

/// The decisions of an earlier run.
#[derive(Clone, Debug, Default)]
struct Replayed {
    decisions: Vec<ChanceDecision>,
    /// For each.
    met: Vec<Met>,
    by_packet: LookupTable<PacketIdentity, Vec<u32>>,
    /// Chance has ended: a decision counts only where a later change in time has begun its impairment anew.
    healed: bool,
}

impl Tracking {
    pub(crate) fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    pub(crate) fn replay(&mut self, decisions: Vec<ChanceDecision>) {
        let mut by_packet: LookupTable<PacketIdentity, Vec<u32>> = LookupTable::default();
        for (index, decision) in (0..).zip(&decisions) {
            let ChanceDecision { packet, action, .. } = decision;
            assert!(packet.copy.is_none() || action.can_befall_copies(), "{action:?} can't befall a copy");
            by_packet.entry_or_insert_with(decision.packet, Vec::new).push(index);
        }
        let met = vec![Met::Not; decisions.len()];
        self.replayed = Some(Replayed { decisions, met, by_packet, healed: false });
    }

    pub(crate) fn bind_flow(&mut self, name: NameId, flow: Flow) {
        self.identities.bind_flow(name, flow);
    }

    /// The identity of the packet that enters now.
    pub(crate) fn meet(&mut self, packet: &Packet) -> PacketIdentity {
        self.identities.meet(packet)
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.replayed.is_some()
    }

    /// Chance has ended, in a replay as in any run.
    pub(crate) fn heal(&mut self) {
        if let Some(replayed) = &mut self.replayed {
            replayed.healed = true;
        }
    }

    /// What the list says about a packet that enters now; what is not listed passes. After a heal only an
    /// impairment that is `set` again acts.
    pub(crate) fn listed(
        &mut self,
        now: Instant,
        packet: &PacketIdentity,
        set: Option<&Impairments>,
    ) -> Chosen {
        let mut chosen = Chosen::default();
        let Some(replayed) = &mut self.replayed else { return chosen };
        for &index in replayed.by_packet.get(packet).into_iter().flatten() {
            let action = &replayed.decisions[index as usize].action;
            let acts = !replayed.healed || set.is_some_and(|impairments| impairments.may_do(action));
            replayed.met[index as usize] = if acts { Met::Decided(now) } else { Met::Healed(now) };
            if !acts {
                continue;
            }
            match action {
                ChanceAction::Drop => chosen.taken = Some(Taking::Drop),
                ChanceAction::Mark => chosen.taken = Some(Taking::Mark),
                ChanceAction::Duplicate => chosen.duplicated = true,
                ChanceAction::Corrupt { bits } => chosen.bits.clone_from(bits),
                ChanceAction::Delay { deviation } => chosen.jitter = *deviation,
                ChanceAction::SendAtOnce => chosen.sent_at_once = true,
            }
        }
        chosen
    }

    /// Keeps what was done to a packet.
    pub(crate) fn note(&mut self, now: Instant, packet: PacketIdentity, action: ChanceAction) {
        if let Some(kept) = &mut self.kept {
            kept.push(ChanceDecision { packet, at: now, action });
        }
    }

    pub(crate) fn kept(&self) -> &[ChanceDecision] {
        self.kept.as_deref().unwrap_or_default()
    }

    pub(crate) fn met(&self) -> &[Met] {
        self.replayed.as_ref().map_or(&[], |replayed| &replayed.met)
    }
}
