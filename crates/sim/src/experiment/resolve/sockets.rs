//! Names of sockets: unique on each host, known before any step refers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultwire_link::NameId;

use super::topology::Topology;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketKind {
    /// A TCP socket that listens.
    Listener,
    /// A TCP connection.
    Connection,
    /// A UDP socket.
    Datagrams,
}

/// A named socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Socket {
    pub(crate) id: NameId,
    pub(crate) host: usize,
    pub(crate) kind: SocketKind,
}

/// All named sockets.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    names: Vec<Arc<str>>,
    /// Which app opens each.
    owners: Vec<String>,
    by_name: BTreeMap<String, Socket>,
}

impl Sockets {
    /// Names a new socket; `item` is where its name or its opening step stands.
    pub(crate) fn open(
        &mut self,
        (topology, host): (&Topology, usize),
        app: &str,
        name: &str,
        kind: SocketKind,
        item: &Item<'_>,
    ) -> Result<NameId, Problem> {
        let full = full_name(topology, host, name);
        if self.by_name.contains_key(&full) {
            let host = &topology.stations[host].name;
            let message = format!(
                "a socket called {name:?} is opened on {host:?} already: give this one another name (with \"as\")"
            );
            return Err(item.problem(message));
        }
        let id = NameId(self.names.len() as u32);
        self.names.push(full.as_str().into());
        self.owners.push(app.to_owned());
        self.by_name.insert(full, Socket { id, host, kind });
        Ok(id)
    }

    /// The socket `name` of a host.
    pub(crate) fn on_host(&self, topology: &Topology, host: usize, name: &str) -> Option<Socket> {
        self.by_name.get(&full_name(topology, host, name)).copied()
    }

    /// The socket written here as `host/name`.
    pub(crate) fn find(&self, item: &Item<'_>) -> Result<Socket, Problem> {
        self.by_name
            .get(item.text()?)
            .copied()
            .ok_or_else(|| item.unknown("socket", self.by_name.keys().map(String::as_str)))
    }

    /// The socket of this full name.
    pub(crate) fn get(&self, full_name: &str) -> Option<Socket> {
        self.by_name.get(full_name).copied()
    }

    /// The app that opens a socket.
    pub(crate) fn owner(&self, id: NameId) -> Option<&str> {
        self.owners.get(id.0 as usize).map(String::as_str)
    }

    /// All full names in ascending order.
    pub(crate) fn full_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_name.keys().map(String::as_str)
    }

    /// Names on one host, without the host.
    pub(crate) fn names_on<'s>(
        &'s self,
        topology: &'s Topology,
        host: usize,
    ) -> impl Iterator<Item = &'s str> + Clone {
        let prefix = topology.stations[host].name.len() + 1;
        self.by_name
            .iter()
            .filter(move |(_, socket)| socket.host == host)
            .map(move |(name, _)| &name[prefix..])
    }

    /// The table of the plan.
    pub(crate) fn into_names(self) -> Vec<Arc<str>> {
        self.names
    }
}

fn full_name(topology: &Topology, host: usize, name: &str) -> String {
    format!("{}/{name}", topology.stations[host].name)
}

/// Names the sockets that the steps of all apps open, so that a step can refer to another app's.
pub(crate) fn declare(root: &Item<'_>, topology: &Topology) -> Result<Sockets, Problem> {
    let mut sockets = Sockets::default();
    for app in root.list("apps") {
        if !app.has("run") {
            continue;
        }
        let host = topology.host(&app.require("on")?)?;
        let mut context = Opening { app: app.require("name")?.text()?, latest_datagrams: false };
        if let Some(port) = app.get("listen") {
            let opened = context.listener(&port, &app)?;
            sockets.open((topology, host), context.app, &opened.name, opened.kind, &port)?;
        }
        for step in app.list("run") {
            if let Some(opened) = context.opened_by(&step)? {
                let place = step.get("as").or_else(|| step.get("accept")).unwrap_or(step);
                sockets.open((topology, host), context.app, &opened.name, opened.kind, &place)?;
            }
        }
    }
    Ok(sockets)
}

/// Which socket a step opens, if any.
pub(crate) struct Opening<'a> {
    pub(crate) app: &'a str,
    /// Whether the app has a UDP socket already, which `send_to` then uses.
    pub(crate) latest_datagrams: bool,
}

/// A socket that a step opens.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) kind: SocketKind,
}

impl Opening<'_> {
    /// What `listen` on a port opens; `item` is the step, or the app with the shorthand.
    pub(crate) fn listener(&mut self, port: &Item<'_>, item: &Item<'_>) -> Result<Opened, Problem> {
        let udp = is_udp(item)?;
        self.latest_datagrams |= udp;
        let kind = if udp { SocketKind::Datagrams } else { SocketKind::Listener };
        let default = || Ok(format!("{}:{}", self.app, port.integer::<u16>()?));
        let name = match item.get("as") {
            Some(name) => name.text()?.to_owned(),
            None => default()?,
        };
        Ok(Opened { name, kind })
    }

    pub(crate) fn opened_by(&mut self, step: &Item<'_>) -> Result<Option<Opened>, Problem> {
        let named = || step.get("as").map_or(Ok(self.app.to_owned()), |name| name.text().map(str::to_owned));
        if let Some(port) = step.get("listen") {
            return self.listener(&port, step).map(Some);
        }
        if step.has("connect") {
            let udp = is_udp(step)?;
            let kind = if udp { SocketKind::Datagrams } else { SocketKind::Connection };
            let name = named()?;
            self.latest_datagrams |= udp;
            return Ok(Some(Opened { name, kind }));
        }
        if let Some(name) = step.get("accept") {
            return Ok(Some(Opened { name: name.text()?.to_owned(), kind: SocketKind::Connection }));
        }
        let opens = step.has("as") || step.has("from_port") || !self.latest_datagrams;
        if step.has("send_to") && !step.has("on") && opens {
            let name = named()?;
            self.latest_datagrams = true;
            return Ok(Some(Opened { name, kind: SocketKind::Datagrams }));
        }
        Ok(None)
    }
}

/// Whether `protocol` says UDP.
pub(crate) fn is_udp(item: &Item<'_>) -> Result<bool, Problem> {
    item.get("protocol").map_or(Ok(false), |protocol| Ok(protocol.text()? == "udp"))
}
