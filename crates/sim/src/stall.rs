//! What an unfinished app waits for: its step, and how both ends of its connection stand.

use crate::world::{AppRun, HostPlace, World};

/// The step in hand, then this end and the other one: state, what is to read, in flight and to send, windows, timers.
pub(crate) fn describe(world: &World, place: &HostPlace, run: &AppRun) -> String {
    let plan = world.plan();
    let (mut text, fd) = place.apps().step_in_hand(run, plan);
    let Some(fd) = fd else { return text };
    let host = place.host();
    let name = |place: &HostPlace| &plan.places[place.place().index()];
    text.push_str(&format!("; at {} it is {}", name(place), host.describe(fd)));
    let (Ok(local), Ok(remote)) = (host.local_address(fd), host.peer_address(fd)) else { return text };
    let others = world.hosts().iter().filter(|other| other.place() != place.place());
    let mut peers = others.filter(|other| {
        let interfaces = &other.host().config().interfaces;
        interfaces.iter().any(|interface| interface.address == remote.ip())
    });
    let Some(peer) = peers.next() else { return text };
    let there = peer.host().describe_between(remote, local);
    let there = there.unwrap_or_else(|| "not known (any more)".into());
    text.push_str(&format!("; at {} it is {there}", name(peer)));
    text
}
