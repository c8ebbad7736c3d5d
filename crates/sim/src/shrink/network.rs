//! What hangs on what in an experiment: links on hosts, faults on links, apps on their peers.

use std::collections::BTreeSet;

use super::edit::{Edit, Trail, member};
use crate::experiment::{Node, Value};

/// The parts of an experiment that name one another.
pub(crate) struct Network<'t> {
    root: &'t Node,
    hosts: Vec<Named<'t>>,
    routers: Vec<Named<'t>>,
    links: Vec<Link<'t>>,
    apps: Vec<App<'t>>,
    faults: Vec<Fault<'t>>,
}

struct Named<'t> {
    name: &'t str,
    trail: Trail,
}

struct Link<'t> {
    name: &'t str,
    trail: Trail,
    between: Vec<&'t str>,
}

struct App<'t> {
    trail: Trail,
    on: &'t str,
    /// HOST and PORT of everything that it connects or sends to.
    targets: Vec<(&'t str, &'t str)>,
    /// Ports that it listens on.
    ports: Vec<String>,
    /// Octets that its steps write and read, with the place of the step.
    writes: Vec<(&'t str, Trail)>,
    reads: Vec<(&'t str, Trail)>,
}

struct Fault<'t> {
    trail: Trail,
    /// Links and hosts that it sits on.
    on: Vec<&'t str>,
    /// Which packet it picks, if that is one by count.
    nth: Option<(u64, Trail)>,
}

impl<'t> Network<'t> {
    pub(crate) fn of(root: &'t Node) -> Self {
        let list = |key: &str| -> Vec<(Trail, &'t Node)> {
            let Some(at) = member(root, &[], key) else { return Vec::new() };
            let items = root.get(key).map_or(&[][..], Node::items);
            items.iter().enumerate().map(|(index, item)| ([&at[..], &[index]].concat(), item)).collect()
        };
        let map = |key: &str| -> Vec<Named<'t>> {
            let Some(at) = member(root, &[], key) else { return Vec::new() };
            let members = root.get(key).map_or(&[][..], Node::members);
            let named = |(index, name)| Named { name, trail: [&at[..], &[index]].concat() };
            members.iter().map(|member| member.key.as_str()).enumerate().map(named).collect()
        };
        Self {
            root,
            hosts: map("hosts"),
            routers: map("routers"),
            links: list("links").into_iter().map(|(trail, node)| Link::of(trail, node)).collect(),
            apps: list("apps").into_iter().map(|(trail, node)| App::of(trail, node)).collect(),
            faults: list("faults").into_iter().map(|(trail, node)| Fault::of(root, trail, node)).collect(),
        }
    }

    /// Each host alone with its links, its apps, and the apps that talk to it.
    pub(crate) fn without_hosts(&self) -> Vec<Edit> {
        let gone = |host: &Named<'t>| {
            let apps = self.apps.iter().filter(|app| {
                app.on == host.name || app.targets.iter().any(|&(target, _)| target == host.name)
            });
            let apps: Vec<Trail> = apps.map(|app| app.trail.clone()).collect();
            Edit::without([vec![host.trail.clone()], apps, self.links_and_faults(host.name)].concat())
        };
        self.hosts.iter().map(gone).collect()
    }

    /// Each router alone with its links; one between two nodes is also left out by joining its links.
    pub(crate) fn without_routers(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for router in &self.routers {
            let touching: Vec<&Link<'t>> =
                self.links.iter().filter(|link| link.between.contains(&router.name)).collect();
            edits.push(Edit::without(
                [vec![router.trail.clone()], self.links_and_faults(router.name)].concat(),
            ));
            if let [one, other] = touching[..] {
                edits.extend(self.joined(router, one, other));
                edits.extend(self.joined(router, other, one));
            }
        }
        edits
    }

    /// `kept` takes over the far end of `gone`, and the router between them goes.
    fn joined(&self, router: &Named<'t>, kept: &Link<'t>, gone: &Link<'t>) -> Option<Edit> {
        let between = member(self.root, &kept.trail, "between")?;
        let far = gone.between.iter().find(|&&node| node != router.name)?;
        let at_router = kept.between.iter().position(|&node| node == router.name)?;
        let faults = self.faults_on(&[gone.name]);
        let mut edit = Edit::without([vec![router.trail.clone(), gone.trail.clone()], faults].concat());
        edit.replaced.push(([&between[..], &[at_router]].concat(), Value::Text((*far).to_owned())));
        Some(edit)
    }

    /// Each link alone with its faults.
    pub(crate) fn without_links(&self) -> Vec<Edit> {
        let gone = |link: &Link<'t>| {
            Edit::without([vec![link.trail.clone()], self.faults_on(&[link.name])].concat())
        };
        self.links.iter().map(gone).collect()
    }

    /// Each app with the peers that it talks to, and with all that talk to it.
    pub(crate) fn without_apps(&self) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        for (index, app) in self.apps.iter().enumerate() {
            let mut group = BTreeSet::from([index]);
            group.extend((0..self.apps.len()).filter(|&other| app.talks_to(&self.apps[other])));
            let servers = group.clone();
            group.extend((0..self.apps.len()).filter(|&other| {
                servers.iter().any(|&server| self.apps[other].talks_to(&self.apps[server]))
            }));
            for group in [servers, group] {
                let edit = Edit::without(group.iter().map(|&index| self.apps[index].trail.clone()));
                if group.len() > 1 && !edits.contains(&edit) {
                    edits.push(edit);
                }
            }
        }
        let recounted: Vec<Edit> = edits.iter().flat_map(|edit| self.recounted(edit)).collect();
        edits.extend(recounted);
        edits
    }

    /// The same edit, with a fault that counts packets counting to less: those of what is gone were among them.
    fn recounted(&self, edit: &Edit) -> Vec<Edit> {
        let counted = self.faults.iter().filter_map(|fault| fault.nth.as_ref());
        let lower =
            counted.flat_map(|(nth, trail)| (1..(*nth).min(COUNTS_MAX)).map(move |count| (count, trail)));
        lower
            .map(|(count, trail)| {
                let mut edit = edit.clone();
                edit.replaced.push((trail.clone(), Value::Number(count.to_string())));
                edit
            })
            .collect()
    }

    /// Each write with a read of as much at the other end.
    pub(crate) fn without_exchanges(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (index, writer) in self.apps.iter().enumerate() {
            for (other, reader) in self.apps.iter().enumerate() {
                let peers = index != other && (writer.talks_to(reader) || reader.talks_to(writer));
                for (written, write) in writer.writes.iter().filter(|_| peers) {
                    for (_, read) in reader.reads.iter().filter(|(read, _)| read == written) {
                        edits.push(Edit::without([write.clone(), read.clone()]));
                    }
                }
            }
        }
        edits
    }

    /// Links that end at a node, with their faults and those of the node.
    fn links_and_faults(&self, node: &'t str) -> Vec<Trail> {
        let links: Vec<&Link<'t>> = self.links.iter().filter(|link| link.between.contains(&node)).collect();
        let names: Vec<&str> = links.iter().map(|link| link.name).chain([node]).collect();
        links.iter().map(|link| link.trail.clone()).chain(self.faults_on(&names)).collect()
    }

    /// Faults that sit on nothing but these.
    fn faults_on(&self, names: &[&str]) -> Vec<Trail> {
        let gone = |fault: &&Fault<'t>| !fault.on.is_empty() && fault.on.iter().all(|on| names.contains(on));
        self.faults.iter().filter(gone).map(|fault| fault.trail.clone()).collect()
    }
}

/// Counts above this are not tried anew when something else goes.
const COUNTS_MAX: u64 = 12;

impl<'t> Fault<'t> {
    fn of(root: &'t Node, trail: Trail, node: &'t Node) -> Self {
        let on = node.get("on").map(texts).unwrap_or_default();
        let at = member(root, &trail, "match").and_then(|at| member(root, &at, "nth"));
        let nth = at.and_then(|at| {
            let value = super::edit::at(root, &at)?;
            match &value.value {
                Value::List(items) if items.len() == 1 => {
                    Some((number(&items[0])?.parse().ok()?, [&at[..], &[0]].concat()))
                }
                _ => Some((number(value)?.parse().ok()?, at)),
            }
        });
        Self { trail, on, nth }
    }
}

impl<'t> Link<'t> {
    fn of(trail: Trail, node: &'t Node) -> Self {
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        Self { name, trail, between: node.get("between").map(texts).unwrap_or_default() }
    }
}

impl<'t> App<'t> {
    fn of(trail: Trail, node: &'t Node) -> Self {
        let text = |node: &'t Node, key: &str| node.get(key).and_then(Node::text);
        let mut app = Self {
            trail,
            on: text(node, "on").unwrap_or_default(),
            targets: Vec::new(),
            ports: Vec::new(),
            writes: Vec::new(),
            reads: Vec::new(),
        };
        app.ports.extend(node.get("listen").and_then(number));
        for generator in ["bulk", "request_response", "on_off", "churn"] {
            app.targets.extend(node.get(generator).and_then(|node| text(node, "to")).and_then(target));
        }
        let Some(at) = node.members().iter().position(|member| member.key == "run") else { return app };
        for (index, step) in node.members()[at].node.items().iter().enumerate() {
            let place = || [&app.trail[..], &[at, index]].concat();
            let target_text = text(step, "connect").or_else(|| text(step, "send_to"));
            app.targets.extend(target_text.and_then(target));
            app.ports.extend(step.get("listen").and_then(number));
            app.writes.extend(text(step, "write").map(|size| (size, place())));
            app.reads.extend(text(step, "read").map(|size| (size, place())));
        }
        app
    }

    fn talks_to(&self, server: &Self) -> bool {
        self.targets
            .iter()
            .any(|&(host, port)| host == server.on && server.ports.iter().any(|own| own == port))
    }
}

fn target(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once(':')
}

fn number(node: &Node) -> Option<String> {
    if let Value::Number(number) = &node.value { Some(number.clone()) } else { None }
}

/// A text, or all texts of a list.
fn texts(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::text).collect(),
        _ => node.text().into_iter().collect(),
    }
}
