//! A script from its first event to its last: each at its time, what it must find compared, and the verdict.

mod inbound;
mod outbound;
mod schedule;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Body, Flags, IpHeader, Packet, Segment, Tag};

use crate::bench::{Bench, Origin, Trouble};
use crate::ladder::Rung;
use crate::network::Network;
use crate::problem::Problem;
use crate::report::{Finding, Report, Verdict};
use crate::rules::{Due, Rules, Seconds};
use crate::settings::{Profile, Settings};
use crate::shell;
use crate::snippet::Snippets;
use crate::syntax::tree::{Action, Call, Command, Dialect, Event, Position, Script, ScriptOption};

use schedule::Schedule;

/// Plays a script against a fresh host in virtual time. The same script under the same settings gives the same report,
/// octet for octet.
pub fn play(script: &Script, settings: &Settings) -> Report {
    let profile = settings.profile.unwrap_or(match script.dialect {
        Dialect::Google => Profile::Linux,
        Dialect::Nplab => Profile::Freebsd,
    });
    match Player::new(script, settings, profile) {
        Ok(player) => player.run(),
        Err((option, message)) => {
            let finding = Finding { line: option.at.line, message };
            Report {
                verdict: Verdict::Skip(finding),
                profile,
                virtual_time: Duration::ZERO,
                ladder: String::new(),
            }
        }
    }
}

/// A script that is being played.
#[derive(Debug)]
struct Player<'a> {
    script: &'a Script,
    profile: Profile,
    rules: Rules,
    network: Network,
    bench: Bench,
    schedule: Schedule,
    snippets: Snippets,
    /// When the newest packet of the peer arrived.
    arrived: Option<Instant>,
    exact: bool,
}

impl<'a> Player<'a> {
    fn new(
        script: &'a Script,
        settings: &Settings,
        profile: Profile,
    ) -> Result<Self, (&'a ScriptOption, String)> {
        let rules = Rules::of(script, settings, profile)?;
        let network = Network::of(&script.options)?;
        let bench = Bench::new(network.host(profile), network, profile, rules.lets_calls_differ);
        let schedule = Schedule::new(rules.tolerance);
        let (snippets, arrived, exact) = (Snippets::default(), None, rules.tolerance.is_none());
        Ok(Self { script, profile, rules, network, bench, schedule, snippets, arrived, exact })
    }

    fn run(mut self) -> Report {
        let played = self.initialise().and_then(|()| self.events()).and_then(|()| self.leftovers());
        let virtual_time = self.bench.now().saturating_since(Instant::ZERO);
        let played = played.and_then(|()| {
            self.end();
            self.script.cleanup.as_ref().map_or(Ok(()), |command| self.command(command))
        });
        let verdict = match played {
            Ok(()) if self.proves_nothing() => {
                let line = self.script.events.first().map_or(1, |event| event.at.line);
                let message = "the script is empty: it expects no packet and asserts nothing".into();
                Verdict::Skip(Finding { line, message })
            }
            Ok(()) => Verdict::Pass,
            Err(Trouble { line, problem: Problem::Unknown(message), .. }) => {
                Verdict::Skip(Finding { line, message })
            }
            Err(Trouble { line, problem: Problem::Differs(message), .. }) => {
                let tail = self.bench.ladder.tail(TAIL, &self.bench.tracking);
                let message = format!("{message}\nthe last that happened:\n{}", tail.trim_end_matches('\n'));
                Verdict::Fail(Finding { line, message })
            }
        };
        let ladder = self.bench.ladder.write(&self.bench.tracking);
        Report { verdict, profile: self.profile, virtual_time, ladder }
    }

    /// What comes before the first event.
    fn initialise(&mut self) -> Result<(), Trouble> {
        let option = self.script.options.iter().find(|option| option.name == "init_scripts");
        for path in std::mem::take(&mut self.rules.initial_scripts) {
            let at = option.map_or_else(Position::default, |option| option.at);
            self.command(&Command { at, text: path })?;
        }
        if let Some(command) = &self.script.initialisation {
            self.command(command)?;
        }
        self.schedule.start(self.bench.now());
        Ok(())
    }

    fn events(&mut self) -> Result<(), Trouble> {
        let script = self.script;
        for event in &script.events {
            match self.event(event) {
                Err(Trouble { problem: Problem::Differs(message), origin: Origin::Packet, .. })
                    if self.rules.lets_packets_differ =>
                {
                    let note = format!("differs, which is not fatal: {message}");
                    self.bench.ladder.push(self.bench.now(), Rung::Note(note));
                }
                result => result?,
            }
            if let Some(law) = self.bench.broken_law().filter(|_| self.rules.strict) {
                return Err(trouble(event, law.to_owned(), Origin::Other));
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), Trouble> {
        match &event.action {
            Action::Inbound(spec) => self.inbound(event, spec),
            Action::Outbound(spec) => self.outbound(event, spec),
            Action::Call(call) => self.call(event, call),
            Action::Command(command) => {
                self.wait_for(event)?;
                self.bench.ladder.push(self.bench.now(), Rung::Did(event.text.clone()));
                self.command(command)
            }
            Action::Code(code) => {
                self.wait_for(event)?;
                self.bench.ladder.push(self.bench.now(), Rung::Did(event.text.clone()));
                self.code(code)
            }
        }
    }

    /// Lets time pass until an event that does not wait for a packet is due.
    fn wait_for(&mut self, event: &Event) -> Result<(), Trouble> {
        let due = self.schedule.begin(event, self.bench.now());
        self.bench.advance_to(due.from)?;
        self.check_time(event, due)
    }

    /// An event whose time has passed before it could happen is as wrong as a packet at the wrong time.
    fn check_time(&self, event: &Event, due: Due) -> Result<(), Trouble> {
        let now = self.bench.now();
        if due.allows(now) {
            return Ok(());
        }
        let origin = match event.action {
            Action::Inbound(_) | Action::Outbound(_) => Origin::Packet,
            Action::Call(_) => Origin::Call,
            Action::Command(_) | Action::Code(_) => Origin::Other,
        };
        let message = format!("{}\ntime: expected {due}, it is {}", event.text, Seconds::of(now));
        Err(trouble(event, message, origin))
    }

    fn call(&mut self, event: &Event, call: &Call) -> Result<(), Trouble> {
        let base = self.bench.now();
        self.wait_for(event)?;
        // One call at a time: the one that waits has a second to return.
        self.bench.await_call(self.bench.now().saturating_add(CALL_PATIENCE))?;
        let returns = self.schedule.returns(event, base);
        self.bench.call(event, call, returns)?;
        if returns.is_none() {
            self.bench.await_call(self.bench.now().saturating_add(PLAIN_CALL_PATIENCE))?;
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<(), Trouble> {
        let line = command.at.line;
        shell::run(command, &mut self.bench.machine).map_err(|problem| {
            let problem = match problem {
                Problem::Differs(message) => Problem::Differs(format!("`{}`\n{message}", command.text)),
                unknown @ Problem::Unknown(_) => unknown,
            };
            Trouble { line, problem, origin: Origin::Other }
        })?;
        self.bench.settle()
    }

    fn code(&mut self, code: &Command) -> Result<(), Trouble> {
        // As in the original: without a descriptor of its own the socket under test lends that of another one.
        let fd = self.bench.tracking.under_test().and_then(|(_, tracked)| tracked.fd);
        let fd = fd.or_else(|| self.bench.sockets.all_live().map(|(_, fd)| fd).last());
        let printed = self.snippets.run(code, &self.bench.machine, fd, self.profile);
        let printed = printed.map_err(|problem| {
            let line = code.at.line;
            let problem = match problem {
                Problem::Differs(message) => Problem::Differs(format!("%{{{}}}%\n{message}", code.text)),
                unknown @ Problem::Unknown(_) => unknown,
            };
            Trouble { line, problem, origin: Origin::Other }
        })?;
        for line in printed {
            self.bench.ladder.push(self.bench.now(), Rung::Note(format!("printed: {line}")));
        }
        Ok(())
    }

    /// A call that has not returned, and what nobody expected.
    fn leftovers(&mut self) -> Result<(), Trouble> {
        let until = self.bench.now();
        let line = self.script.events.last().map_or(1, |event| event.at.line);
        if self.rules.strict {
            let unexpected = self.bench.waiting().find(|sent| sent.counts && sent.at <= until).cloned();
            if let Some(sent) = unexpected {
                let message = self.unexpected(&sent);
                return Err(Trouble { line, problem: Problem::Differs(message), origin: Origin::Packet });
            }
        }
        self.bench.await_call(until.saturating_add(CALL_PATIENCE))
    }

    /// Resets every connection and closes every socket, as the original tool does.
    fn end(&mut self) {
        let resets: Vec<Packet> = self
            .bench
            .tracking
            .all()
            .iter()
            .filter_map(|tracked| {
                let (seq, ack) = tracked.reset()?;
                let segment = Segment {
                    source_port: tracked.remote.port(),
                    destination_port: tracked.local.port(),
                    seq,
                    ack,
                    flags: Flags::RST | Flags::ACK,
                    ..Segment::default()
                };
                let ip = peers_header(&self.network);
                Some(Packet { ip, body: Body::Tcp(segment), tag: Tag::default() })
            })
            .collect();
        for packet in resets {
            self.bench.machine.receive(packet);
        }
        let now = self.bench.now();
        let open: Vec<_> = self.bench.sockets.all_live().map(|(_, fd)| fd).collect();
        for fd in open {
            // A socket that lingers stays, and with the host it goes.
            let _ = self.bench.machine.host.close(now, fd);
        }
        self.bench.machine.drain();
    }

    /// Whether no event could have failed but for calls that set something up.
    fn proves_nothing(&self) -> bool {
        const SETS_UP: [&str; 7] = ["socket", "bind", "listen", "setsockopt", "fcntl", "connect", "close"];
        self.script.events.iter().all(|event| match &event.action {
            Action::Inbound(_) => true,
            Action::Outbound(_) | Action::Code(_) => false,
            Action::Command(command) => !command.text.contains("grep"),
            Action::Call(call) => call.errno.is_none() && SETS_UP.contains(&call.name.as_str()),
        })
    }
}

/// The IP header of what the peer sends.
fn peers_header(network: &Network) -> IpHeader {
    IpHeader {
        source: network.remote,
        destination: network.local,
        hop_limit: 255,
        traffic_class: 0,
        identification: 0,
        dont_fragment: true,
    }
}

fn trouble(event: &Event, message: String, origin: Origin) -> Trouble {
    Trouble { line: event.at.line, problem: Problem::Differs(message), origin }
}

/// How long a call that blocks may still take when another is made, or when the script ends.
const CALL_PATIENCE: Duration = Duration::from_secs(1);
/// How long a call may take that the script does not say to block.
const PLAIN_CALL_PATIENCE: Duration = Duration::from_secs(86_400);
/// Events in a message about a failure.
const TAIL: usize = 10;

#[cfg(test)]
mod tests;
