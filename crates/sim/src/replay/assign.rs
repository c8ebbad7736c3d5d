//! Between a recording, which has names, and the directions of one world, which have numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultwire_base::PlaceId;
use faultwire_link::{ChanceDecision, Conversation, Direction, Met, NameId, PacketIdentity};
use faultwire_wire::Flow;

use super::{RecordedConversation, RecordedDecision, RecordedPacket, Recording};
use crate::plan::{DirectionId, Plan};

/// For each decision its direction, and what that is told of it. A decision about a direction, socket or host that the
/// plan does not have gets none: its packet never comes.
pub(crate) fn assigned(plan: &Plan, recording: &Recording) -> Vec<Option<(DirectionId, ChanceDecision)>> {
    let directions: BTreeMap<&str, DirectionId> = (0..)
        .map(DirectionId)
        .zip(&plan.directions)
        .map(|(id, direction)| (&*plan.places[direction.place.index()], id))
        .collect();
    let names: BTreeMap<&str, NameId> =
        (0..).map(NameId).zip(&plan.names).map(|(id, name)| (&**name, id)).collect();
    let assign = |decision: &RecordedDecision| {
        let RecordedPacket { ref conversation, kind, byte, transmission, nth, copy } = decision.packet;
        let conversation = known(conversation, &names, plan)?;
        let packet = PacketIdentity { conversation, kind, byte, transmission, nth, copy };
        let direction = *directions.get(&*decision.on)?;
        Some((direction, ChanceDecision { packet, at: decision.at, action: decision.action.clone() }))
    };
    recording.decisions.iter().map(assign).collect()
}

fn known(of: &RecordedConversation, names: &BTreeMap<&str, NameId>, plan: &Plan) -> Option<Conversation> {
    Some(match of {
        RecordedConversation::None => Conversation::None,
        RecordedConversation::Named(name) => Conversation::Named(*names.get(&**name)?),
        RecordedConversation::Numbered { opener, ordinal, boot } => {
            let place = plan.places.binary_search_by(|place| (**place).cmp(opener)).ok()?;
            let opener = Some(PlaceId(place as u32));
            Conversation::Unnamed(Flow { opener, ordinal: *ordinal, boot: *boot })
        }
    })
}

/// For each decision whether its packet has come.
pub(crate) fn met(plan: &Plan, recording: &Recording, directions: &[Direction]) -> Vec<Met> {
    let mut told: Vec<_> = directions.iter().map(|direction| direction.replayed().iter()).collect();
    assigned(plan, recording)
        .into_iter()
        .map(|assigned| {
            assigned.and_then(|(direction, _)| told[direction.0 as usize].next().copied()).unwrap_or(Met::Not)
        })
        .collect()
}

/// What all directions have kept, in the order of time.
pub(crate) fn told(plan: &Plan, directions: &[Direction]) -> Recording {
    let mut decisions: Vec<RecordedDecision> = plan
        .directions
        .iter()
        .zip(directions)
        .flat_map(|(direction, told)| {
            let on = &plan.places[direction.place.index()];
            told.decisions().iter().map(|decision| recorded(plan, on, decision))
        })
        .collect();
    // Stable: directions stand in the order of their names, and each has told of its packets in their order.
    decisions.sort_by_key(|decision| decision.at);
    Recording { decisions }
}

fn recorded(plan: &Plan, on: &Arc<str>, decision: &ChanceDecision) -> RecordedDecision {
    let PacketIdentity { conversation, kind, byte, transmission, nth, copy } = decision.packet;
    let conversation = match conversation {
        Conversation::Named(name) => RecordedConversation::Named(Arc::clone(&plan.names[name.0 as usize])),
        Conversation::Unnamed(Flow { opener: Some(opener), ordinal, boot }) => {
            let opener = Arc::clone(&plan.places[opener.index()]);
            RecordedConversation::Numbered { opener, ordinal, boot }
        }
        Conversation::Unnamed(flow @ Flow { opener: None, .. }) => {
            unreachable!("a conversation without an opener is none: {flow:?}")
        }
        Conversation::None => RecordedConversation::None,
    };
    let packet = RecordedPacket { conversation, kind, byte, transmission, nth, copy };
    RecordedDecision { on: Arc::clone(on), packet, at: decision.at, action: decision.action.clone() }
}
