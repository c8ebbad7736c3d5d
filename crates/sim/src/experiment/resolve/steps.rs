//! Steps of an app: which socket each means, and whether it can make sense.

use std::net::{IpAddr, SocketAddr};

use faultwire_base::{Duration, PlaceId};
use faultwire_host::{Errno, OptionName, SocketOption};
use faultwire_link::NameId;
use faultwire_tcp::{State, WriteFlags};

use super::routes::Routes;
use super::sockets::{Opening, Socket, SocketKind, Sockets, is_udp};
use super::topology::Topology;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{Direction, ReadUntil, Step, StepPlan, WaitUntil};

/// Where an app runs.
pub(crate) struct Scene<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) routes: &'a Routes,
    pub(crate) host: usize,
}

impl<'a> Scene<'a> {
    pub(crate) fn of(app: &Item<'_>, topology: &'a Topology, routes: &'a Routes) -> Result<Self, Problem> {
        Ok(Self { topology, routes, host: topology.host(&app.require("on")?)? })
    }

    pub(crate) fn place(&self) -> PlaceId {
        self.topology.stations[self.host].place
    }

    /// Whether a listener of this host uses IPv6, unless its step says.
    pub(crate) fn prefers_ipv6(&self) -> bool {
        self.topology.stations[self.host].addresses.iter().all(IpAddr::is_ipv6)
    }

    /// `HOST:PORT`, or an address in the place of the host; and the host, if it is one.
    pub(crate) fn destination(&self, item: &Item<'_>) -> Result<(SocketAddr, Option<usize>), Problem> {
        destination(item, self.topology, Some((self.host, self.routes)))
    }
}

/// Reads `HOST:PORT`; seen from a host, the address is of a version that it has too, and there must be a way.
pub(crate) fn destination(
    item: &Item<'_>,
    topology: &Topology,
    from: Option<(usize, &Routes)>,
) -> Result<(SocketAddr, Option<usize>), Problem> {
    let text = item.text()?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address, None));
    }
    let form = || item.problem(format!("{text:?} is not HOST:PORT: write it like \"server:80\""));
    let (name, port) = text.rsplit_once(':').ok_or_else(form)?;
    let port: u16 = port.parse().ok().filter(|&port| port > 0).ok_or_else(|| {
        item.problem(format!("{port:?} is not a port: HOST:PORT has a number from 1 to 65535 at its end"))
    })?;
    let host = topology.host_named(name).ok_or_else(|| {
        let known: Vec<&str> = topology.hosts().map(|host| &*topology.stations[host].name).collect();
        let hint = crate::experiment::problem::did_you_mean(name, known.iter().copied());
        let list = crate::experiment::problem::quoted_list(known);
        item.problem(format!(
            "there is no host {name:?}{}",
            if hint.is_empty() { format!(": there is {list}") } else { hint }
        ))
    })?;
    let theirs = &topology.stations[host];
    let Some((own, routes)) = from else {
        return Ok((SocketAddr::new(theirs.addresses[0], port), Some(host)));
    };
    let ours = &topology.stations[own];
    let suits = |address: &&IpAddr| ours.addresses.iter().any(|own| own.is_ipv4() == address.is_ipv4());
    let address = theirs.addresses.iter().find(suits).ok_or_else(|| {
        item.problem(format!("{:?} and {:?} have no version of IP in common", ours.name, theirs.name))
    })?;
    if own != host && routes.next(own, host).is_none() {
        return Err(item.problem(format!(
            "no way leads from {:?} to {:?}: hosts don't forward, so a chain of links and routers has to join them",
            ours.name, theirs.name
        )));
    }
    Ok((SocketAddr::new(*address, port), Some(host)))
}

/// All steps of an app, with the one of its `listen` shorthand first.
pub(crate) fn read(app: &Item<'_>, scene: &Scene<'_>, sockets: &Sockets) -> Result<Vec<StepPlan>, Problem> {
    let opening = Opening { app: app.require("name")?.text()?, latest_datagrams: false };
    let mut reader = Reader { scene, sockets, opening, own: Vec::new(), steps: Vec::new() };
    match app.get("listen") {
        Some(port) => {
            let step = reader.listen(app, &port)?;
            reader.steps.push(StepPlan { step, fails: None });
        }
        None => {
            if let Some(idle) = ["as", "backlog", "protocol"].into_iter().find_map(|key| app.get(key)) {
                return Err(idle.problem("this does nothing here: it belongs to \"listen\""));
            }
        }
    }
    for item in app.list("run") {
        let fails = item.get("fails").map(|errno| self::errno(&errno)).transpose()?;
        reader.step(&item, fails)?;
    }
    Ok(reader.steps)
}

/// An errno by its kernel name.
pub(crate) fn errno(item: &Item<'_>) -> Result<Errno, Problem> {
    item.text()?.parse().map_err(|error: faultwire_host::UnknownErrno| item.problem(error.to_string()))
}

/// A state by its name.
pub(crate) fn state(item: &Item<'_>) -> Result<State, Problem> {
    let text = item.text()?;
    text.parse().map_err(|_| item.problem(format!("{text:?} is no state")))
}

/// Socket options set before connecting or by generators.
pub(crate) fn options(item: &Item<'_>, key: &str) -> Result<Vec<SocketOption>, Problem> {
    item.map(key)
        .into_iter()
        .map(|(name, value)| {
            SocketOption::parse(name, value.integer()?).map_err(|error| value.problem(error.to_string()))
        })
        .collect()
}

/// The errno's number, if an error is asked for by name.
fn errno_number(name: OptionName, value: &Item<'_>) -> Result<Option<i64>, Problem> {
    if name.as_str() != "SO_ERROR" || !value.is_text() {
        return Ok(None);
    }
    Ok(Some(if value.text()? == "none" { 0 } else { errno(value)?.number().into() }))
}

fn write_flags(item: &Item<'_>) -> Result<WriteFlags, Problem> {
    let flags = WriteFlags {
        more: item.flag_or("more", false)?,
        record_end: item.flag_or("eor", false)?,
        push: item.flag_or("push", false)?,
        urgent: item.flag_or("oob", false)?,
        by_part: false,
    };
    if flags.more && flags.push {
        let push = item.require("push")?;
        return Err(push.problem("\"more\" holds the data back and \"push\" sends it: leave one out"));
    }
    Ok(flags)
}

/// A socket that this app opened.
struct Own {
    name: String,
    socket: Socket,
    closed_by: Option<usize>,
}

struct Reader<'a> {
    scene: &'a Scene<'a>,
    sockets: &'a Sockets,
    opening: Opening<'a>,
    own: Vec<Own>,
    steps: Vec<StepPlan>,
}

impl Reader<'_> {
    fn step(&mut self, item: &Item<'_>, fails: Option<Errno>) -> Result<(), Problem> {
        if item.has("setsockopt") && !item.has("connect") {
            return self.set_options(item, fails);
        }
        if item.has("getsockopt") {
            return self.get_options(item, fails);
        }
        let step = self.read(item)?;
        self.steps.push(StepPlan { step, fails });
        Ok(())
    }

    fn set_options(&mut self, item: &Item<'_>, fails: Option<Errno>) -> Result<(), Problem> {
        let on = self.on(item, Use::Options)?;
        let options = options(item, "setsockopt")?;
        if options.is_empty() || fails.is_some() && options.len() > 1 {
            let remedy = if options.is_empty() {
                "name an option to set"
            } else {
                "with \"fails\", set one option a step"
            };
            return Err(item.require("setsockopt")?.problem(remedy));
        }
        self.steps.extend(
            options.into_iter().map(|option| StepPlan { step: Step::SetSocketOption { on, option }, fails }),
        );
        Ok(())
    }

    fn get_options(&mut self, item: &Item<'_>, fails: Option<Errno>) -> Result<(), Problem> {
        let on = self.on(item, Use::Options)?;
        for (name, value) in item.map("getsockopt") {
            let name = OptionName::parse(name).map_err(|error| value.problem(error.to_string()))?;
            let value = match errno_number(name, &value)? {
                Some(number) => number,
                None => value.integer()?,
            };
            self.steps.push(StepPlan { step: Step::GetSocketOption { on, name, value }, fails });
        }
        Ok(())
    }

    fn read(&mut self, item: &Item<'_>) -> Result<Step, Problem> {
        if let Some(port) = item.get("listen") {
            return self.listen(item, &port);
        }
        if let Some(to) = item.get("connect") {
            return self.connect(item, &to);
        }
        if item.has("accept") {
            let on = self.listener(item)?;
            let name = self.open(item)?;
            return Ok(Step::Accept { on, name });
        }
        if let Some(size) = item.get("write") {
            let rate = item.get("rate").map(|rate| rate.rate()).transpose()?;
            let flags = write_flags(item)?;
            return Ok(Step::Write { on: self.on(item, Use::Stream)?, size: size.size()?, rate, flags });
        }
        if let Some(until) = item.get("read") {
            let eof = until.text()? == "eof";
            let until = if eof { ReadUntil::Eof } else { ReadUntil::Bytes(until.size()?) };
            let rate = item.get("rate").map(|rate| rate.rate()).transpose()?;
            let peek = item.flag_or("peek", false)?;
            if peek && (eof || rate.is_some()) {
                let what = item.get("rate").unwrap_or(item.require("read")?);
                return Err(what.problem("\"peek\" takes nothing, so it needs a size and no rate"));
            }
            return Ok(Step::Read { on: self.on(item, Use::Stream)?, until, rate, peek });
        }
        if let Some(until) = item.get("wait") {
            return self.wait(item, &until);
        }
        if let Some(time) = item.get("sleep") {
            return Ok(Step::Sleep { time: time.time()? });
        }
        if let Some(how) = item.get("shutdown") {
            let direction = match how.text()? {
                "read" => Direction::Read,
                "both" => Direction::Both,
                _ => Direction::Write,
            };
            return Ok(Step::Shutdown { on: self.on(item, Use::Stream)?, how: direction });
        }
        if let Some(name) = item.get("close") {
            return Ok(Step::Close { on: self.close(&name)? });
        }
        if let Some(name) = item.get("abort") {
            return Ok(Step::Abort { on: self.close(&name)? });
        }
        if let Some(to) = item.get("send_to") {
            return self.send_to(item, &to);
        }
        let wanted = item.require("recv_from")?;
        self.receive_from(item, &wanted)
    }

    fn listen(&mut self, item: &Item<'_>, port: &Item<'_>) -> Result<Step, Problem> {
        let udp = is_udp(item)?;
        if let Some(backlog) = item.get("backlog").filter(|_| udp) {
            return Err(backlog.problem("UDP has no backlog: leave the key out"));
        }
        let name = self.opening.listener(port, item)?.name;
        let id = self.opened(&name, port)?;
        Ok(Step::Listen {
            port: port.integer()?,
            udp,
            backlog: item.integer_or("backlog", BACKLOG)?,
            name: id,
            ipv6: item.flag_or("ipv6", self.scene.prefers_ipv6())?,
        })
    }

    fn connect(&mut self, item: &Item<'_>, to: &Item<'_>) -> Result<Step, Problem> {
        let (address, _) = self.scene.destination(to)?;
        let name = self.open(item)?;
        Ok(Step::Connect {
            to: address,
            from_port: item.get("from_port").map(|port| port.integer()).transpose()?,
            udp: is_udp(item)?,
            no_wait: !item.flag_or("wait", true)?,
            name,
            options: options(item, "setsockopt")?,
        })
    }

    fn wait(&mut self, item: &Item<'_>, until: &Item<'_>) -> Result<Step, Problem> {
        let until = match until.text()? {
            "readable" => WaitUntil::Readable,
            "writable" => WaitUntil::Writable,
            "error" => WaitUntil::Error,
            "priority" => WaitUntil::Priority,
            "read_hangup" => WaitUntil::ReadHangup,
            "hangup" => WaitUntil::Hangup,
            "drained" => WaitUntil::Drained,
            _ => WaitUntil::State(state(until)?),
        };
        let use_ = match until {
            WaitUntil::State(_)
            | WaitUntil::Drained
            | WaitUntil::Priority
            | WaitUntil::ReadHangup
            | WaitUntil::Hangup => Use::Stream,
            WaitUntil::Readable | WaitUntil::Writable | WaitUntil::Error => Use::Options,
        };
        Ok(Step::Wait { on: self.on(item, use_)?, until })
    }

    fn send_to(&mut self, item: &Item<'_>, to: &Item<'_>) -> Result<Step, Problem> {
        let (address, _) = self.scene.destination(to)?;
        if let (Some(_), Some(other)) = (item.get("on"), item.get("as").or_else(|| item.get("from_port"))) {
            return Err(
                other.problem("this is for a new socket, and \"on\" names one that is open: leave one out")
            );
        }
        let from_port = item.get("from_port").map(|port| port.integer()).transpose()?;
        let opened = self.opening.opened_by(item)?;
        let on = match opened {
            Some(opened) => self.opened(&opened.name, &item.get("as").unwrap_or_else(|| to.clone()))?,
            None => self.on(item, Use::Datagrams)?,
        };
        Ok(Step::SendTo {
            on,
            from_port,
            to: address,
            size: item.require("size")?.size()?,
            count: item.integer_or("count", 1)?,
            interval: item.time_or("interval", Duration::ZERO)?,
        })
    }

    fn receive_from(&mut self, item: &Item<'_>, wanted: &Item<'_>) -> Result<Step, Problem> {
        let count = if wanted.is_number() { Some(wanted.integer()?) } else { None };
        let within = item.get("within").map(|within| within.time()).transpose()?;
        if count.is_none() && within.is_none() {
            return Err(wanted.problem("\"all\" needs \"within\", which says when it is over, like \"5s\""));
        }
        Ok(Step::RecvFrom {
            on: self.on(item, Use::Datagrams)?,
            count,
            within,
            echo: item.flag_or("echo", false)?,
        })
    }

    /// The name that a step opens, by the same rule as when it was declared.
    fn open(&mut self, item: &Item<'_>) -> Result<NameId, Problem> {
        let opened = self.opening.opened_by(item)?.expect("this step opens a socket");
        self.opened(&opened.name, item)
    }

    fn opened(&mut self, name: &str, item: &Item<'_>) -> Result<NameId, Problem> {
        let socket = self.sockets.on_host(self.scene.topology, self.scene.host, name);
        let socket = socket.ok_or_else(|| item.problem(format!("the socket {name:?} was not declared")))?;
        self.own.push(Own { name: name.to_owned(), socket, closed_by: None });
        Ok(socket.id)
    }

    fn close(&mut self, item: &Item<'_>) -> Result<NameId, Problem> {
        let socket = self.named(item)?;
        let step = self.steps.len();
        if let Some(own) = self.own.iter_mut().find(|own| own.socket.id == socket.id) {
            own.closed_by = Some(step);
        }
        Ok(socket.id)
    }

    /// The socket named here: an open one of this app, or one of another app on this host.
    fn named(&self, item: &Item<'_>) -> Result<Socket, Problem> {
        let name = item.text()?;
        if let Some(own) = self.own.iter().find(|own| own.name == name) {
            return match own.closed_by {
                None => Ok(own.socket),
                Some(_) => Err(item.problem(format!("the socket {name:?} was closed by an earlier step"))),
            };
        }
        let (topology, host) = (self.scene.topology, self.scene.host);
        let Some(socket) = self.sockets.on_host(topology, host, name) else {
            return Err(item.unknown("socket", self.sockets.names_on(topology, host)));
        };
        if self.is_opened_later(socket) {
            return Err(item.problem(format!("the socket {name:?} is not open yet: a later step opens it")));
        }
        Ok(socket)
    }

    /// Whether this very app opens the socket, but has not so far.
    fn is_opened_later(&self, socket: Socket) -> bool {
        self.sockets.owner(socket.id) == Some(self.opening.app)
    }

    /// The socket that a step means: named by `on`, else the app's latest.
    fn on(&self, item: &Item<'_>, use_: Use) -> Result<NameId, Problem> {
        let (socket, place) = match item.get("on") {
            Some(on) => (self.named(&on)?, on),
            None => {
                let latest = self.own.iter().rev().find(|own| own.socket.kind != SocketKind::Listener);
                let Some(own) = latest else {
                    return Err(item.problem("the app has opened no socket for this step: open one before, or name one with \"on\""));
                };
                if own.closed_by.is_some() {
                    let message = format!(
                        "the app's latest socket {:?} was closed by an earlier step: name another with \"on\"",
                        own.name
                    );
                    return Err(item.problem(message));
                }
                (own.socket, item.clone())
            }
        };
        let fits = match use_ {
            Use::Stream => socket.kind == SocketKind::Connection,
            Use::Datagrams => socket.kind == SocketKind::Datagrams,
            Use::Options => true,
        };
        if fits { Ok(socket.id) } else { Err(place.problem(misuse(use_, socket.kind))) }
    }

    fn listener(&self, item: &Item<'_>) -> Result<NameId, Problem> {
        if let Some(on) = item.get("on") {
            let socket = self.named(&on)?;
            if socket.kind == SocketKind::Listener {
                return Ok(socket.id);
            }
            return Err(on.problem("only a listening TCP socket accepts connections"));
        }
        let latest = self.own.iter().rev().find(|own| own.socket.kind == SocketKind::Listener);
        match latest {
            Some(own) if own.closed_by.is_none() => Ok(own.socket.id),
            Some(own) => {
                Err(item.problem(format!("the listener {:?} was closed by an earlier step", own.name)))
            }
            None => {
                Err(item
                    .problem("the app listens nowhere: give it \"listen\", or name a listener with \"on\""))
            }
        }
    }
}

/// What a step does with its socket.
#[derive(Clone, Copy)]
enum Use {
    Stream,
    Datagrams,
    Options,
}

fn misuse(use_: Use, kind: SocketKind) -> String {
    let what = match kind {
        SocketKind::Listener => "a listening socket",
        SocketKind::Connection => "a TCP connection",
        SocketKind::Datagrams => "a UDP socket",
    };
    let needed = match use_ {
        Use::Datagrams => "a UDP socket",
        Use::Stream | Use::Options => "a TCP connection",
    };
    format!("this step needs {needed}, and the socket is {what}")
}

/// Backlog of a listener that gives none; the kernel's somaxconn.
pub(crate) const BACKLOG: u32 = 4_096;
