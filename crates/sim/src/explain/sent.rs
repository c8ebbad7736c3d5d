//! Why a packet was sent.

use faultwire_link::By;
use faultwire_wire::Cause;

use super::answer::Root;
use super::builder::Told;
use super::scene::{Scene, capitalized, length};
use super::{app, fate, provoked, timer};
use crate::output::PacketNumber;

/// Why a packet was sent or, for a copy, made.
pub(super) fn sent(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    if packet.copy_of.is_some() {
        return copied(scene, number);
    }
    let told = if let Some(fault) = packet.injected_by {
        let name = scene.legend.fault(fault);
        let sentence = format!("The fault \"{name}\" injects the {} here.", scene.noun_with_range(number));
        Told::new(packet.sent_at, packet.sender, sentence).rooted(Root::Fault { name: name.into() })
    } else {
        match packet.packet.tag.cause {
            Cause::Timer(timer) => timer::timed(scene, number, timer),
            Cause::Arrival(_) => match scene.cause(number) {
                Some(cause) => provoked::provoked(scene, number, cause),
                None => unknown(scene, number),
            },
            Cause::Call => app::called(scene, number),
            Cause::Injected | Cause::Unknown => unknown(scene, number),
        }
    };
    told.about(number).shown_by(scene.made(number))
}

fn unknown(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let sentence =
        format!("{} is sent; the records don't say why.", capitalized(&scene.noun_with_range(number)));
    Told::new(packet.sent_at, packet.sender, sentence).rooted(Root::Rule)
}

/// A copy: who made it, and when it arrives.
fn copied(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let copy = scene.packet(number);
    let original = copy.copy_of.expect("asked for copies only");
    let decision = (scene.packet(original).decisions.iter())
        .find(|(_, _, made)| *made == Some(number))
        .map(|(direction, decision, _)| (*direction, *decision));
    let (who, root) = match decision {
        Some((direction, faultwire_link::Decision::Duplicated { by, .. })) => {
            let root = fate::root_of(scene, direction, copy.sent_at, by);
            (fate::by_words(&root, by == By::Random), root)
        }
        _ => ("The link".to_owned(), Root::Rule),
    };
    let when = match (scene.arrival(number), scene.arrival(original)) {
        (Some((copy, _)), Some((first, _))) if copy > first => {
            format!(", and the copy arrives {} after it", length(copy - first))
        }
        (Some(_), _) => String::new(),
        (None, _) => ", and the copy never arrives".to_owned(),
    };
    let sentence = format!("{who} copies the {} as {number}{when}.", scene.noun_with_range(original));
    Told::new(copy.sent_at, copy.sender, sentence).rooted(root).about(number).shown_by(scene.made(number))
}
