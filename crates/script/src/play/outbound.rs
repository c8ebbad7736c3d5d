//! Packets that the stack must send: the next one of the socket under test, its time, its fields.

use faultwire_base::{Duration, Instant};
use faultwire_wire::Body;

use super::inbound::named;
use super::{Player, trouble};
use crate::bench::{Emitted, Origin, Trouble};
use crate::check::{self, Joined};
use crate::icmp;
use crate::mapping::Numbers;
use crate::notation;
use crate::problem::Problem;
use crate::rules::{Due, Seconds};
use crate::syntax::tree::{BodySpec, Event, PacketSpec, Time};

impl Player<'_> {
    pub(super) fn outbound(&mut self, event: &Event, spec: &PacketSpec) -> Result<(), Trouble> {
        if let Some(unknown) = unknown_part(spec) {
            let problem = Problem::Unknown(unknown);
            return Err(Trouble { line: event.at.line, problem, origin: Origin::Packet });
        }
        let due = self.schedule.begin(event, self.bench.now());
        self.take_ends(spec);
        let patience = self.patience(event, due);
        let Some(first) = self.next(spec, patience, event)? else {
            // If the script goes on, it does so when the wait is over.
            if event.time != Time::Any {
                self.bench.advance_to(patience)?;
            }
            return Err(self.nothing_sent(event, due, patience));
        };
        let (sent, broken) = self.whole(first, spec, patience, event)?;
        let rules = &self.rules;
        let mut unknown = Numbers::default();
        let numbers = match self.bench.tracking.under_test_mut() {
            Some(tracked) => &mut tracked.numbers,
            None => &mut unknown,
        };
        let compared = check::compare(spec, (sent.at, &sent.packet), numbers, rules);
        let mut differences =
            compared.map_err(|problem| Trouble { line: event.at.line, problem, origin: Origin::Packet })?;
        differences.extend(broken);
        if !due.allows(sent.at) {
            differences.push(format!("time: expected {due}, it is {}", Seconds::of(sent.at)));
        }
        if differences.is_empty() {
            return Ok(());
        }
        let (shown, at) = (self.show(&sent), Seconds::of(sent.at));
        let differences = differences.join("\n");
        let message = format!("expected {}, at {due}\nsent {shown}, at {at}\n{differences}", event.text);
        Err(trouble(event, message, Origin::Packet))
    }

    /// A packet that nobody expected, in words.
    pub(super) fn unexpected(&self, sent: &Emitted) -> String {
        format!("nobody expected it: {}, sent at {}", self.show(sent), Seconds::of(sent.at))
    }

    fn show(&self, sent: &Emitted) -> String {
        let numbers =
            sent.sender.map_or_else(Numbers::default, |index| self.bench.tracking.at(index).shown_numbers());
        notation::outbound(&sent.packet, &numbers)
    }

    /// A socket of UDP learns its ends from calls that leave no other trace.
    fn take_ends(&mut self, spec: &PacketSpec) {
        if matches!(spec.body, BodySpec::Udp { .. })
            && let Some(tracked) = self.bench.tracking.under_test_mut()
        {
            tracked.take_ends(&self.network, &self.bench.machine.host);
        }
    }

    /// Until when a packet is waited for: whole seconds of the time until it is due, and two more.
    fn patience(&self, event: &Event, due: Due) -> Instant {
        let now = self.bench.now();
        if event.time == Time::Any {
            return now.saturating_add(ANY_TIME_PATIENCE);
        }
        let seconds = due.to.saturating_since(now).as_nanos() / 1_000_000_000;
        now.saturating_add(Duration::from_secs(seconds + 2))
    }

    /// The next packet of the socket under test. Those of others are nobody's concern.
    fn next(
        &mut self,
        spec: &PacketSpec,
        patience: Instant,
        event: &Event,
    ) -> Result<Option<Emitted>, Trouble> {
        loop {
            while let Some(sent) = self.bench.take() {
                if self.is_expected(spec, &sent) {
                    if self.rules.strict && !icmp::survives_the_wire(&sent.packet) {
                        let message = format!("its octets do not decode to what it is: {}", self.show(&sent));
                        return Err(trouble(event, message, Origin::Packet));
                    }
                    return Ok(Some(sent));
                }
                if self.rules.strict && sent.counts {
                    return Err(trouble(event, self.unexpected(&sent), Origin::Packet));
                }
            }
            if !self.bench.step(patience)? {
                return Ok(None);
            }
        }
    }

    fn is_expected(&self, spec: &PacketSpec, sent: &Emitted) -> bool {
        let Some((_, tracked)) = self.bench.tracking.under_test() else { return false };
        match spec.ports {
            None => tracked.sends(&sent.packet),
            Some((local, remote)) => {
                let mut other = tracked.clone();
                other.local.set_port(named(Some(local)).unwrap_or(other.local.port()));
                other.remote.set_port(named(Some(remote)).unwrap_or(other.remote.port()));
                other.sends(&sent.packet)
            }
        }
    }

    /// The packet, with those behind it if the script expects more data than it has; and why they are not one.
    fn whole(
        &mut self,
        first: Emitted,
        spec: &PacketSpec,
        patience: Instant,
        event: &Event,
    ) -> Result<(Emitted, Option<String>), Trouble> {
        let (BodySpec::Tcp(expected), Body::Tcp(segment)) = (&spec.body, &first.packet.body) else {
            return Ok((first, None));
        };
        let wanted = u32::from(expected.length);
        if self.rules.strict_segments || segment.payload.is_empty() {
            return Ok((first, None));
        }
        let Emitted { mut at, packet, sender, counts } = first;
        let mut joined = Joined::of(packet);
        let mut broken = None;
        while joined.length() < wanted {
            let Some(next) = self.next(spec, patience, event)? else {
                broken = Some("the data behind it was not sent".to_owned());
                break;
            };
            if let Err(why) = check::join(&mut joined, &next.packet) {
                broken = Some(format!("{why}: {}", self.show(&next)));
                break;
            }
            at = next.at;
        }
        Ok((Emitted { at, packet: joined.packet, sender, counts }, broken))
    }

    fn nothing_sent(&self, event: &Event, due: Due, patience: Instant) -> Trouble {
        let patience = Seconds::of(patience);
        let message = format!("expected {}, at {due}\nnothing was sent until {patience}", event.text);
        trouble(event, message, Origin::Packet)
    }
}

/// What a script may say of a packet and this stack does not speak.
fn unknown_part(spec: &PacketSpec) -> Option<String> {
    if let Some(words) = &spec.encapsulation {
        return Some(format!("{words}: this stack speaks no such encapsulation"));
    }
    spec.ip
        .flow_label
        .filter(|&label| label != 0)
        .map(|label| format!("flow label 0x{label:x}: this stack sets none"))
}

/// How long a packet that may come at any time is waited for.
const ANY_TIME_PATIENCE: Duration = Duration::from_secs(86_400);
