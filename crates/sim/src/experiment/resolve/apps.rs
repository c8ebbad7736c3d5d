//! Applications: each app of the file to one or more lists of steps.

use std::collections::{BTreeMap, BTreeSet};

use faultwire_base::{Instant, PlaceId};

use super::generators;
use super::routes::Routes;
use super::sockets::Sockets;
use super::steps::{self, Scene};
use super::topology::Topology;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{AppPlan, Step};

/// All apps in the order of the file, shorthands expanded.
pub(crate) fn read(
    root: &Item<'_>,
    topology: &Topology,
    routes: &Routes,
    sockets: &mut Sockets,
) -> Result<Vec<AppPlan>, Problem> {
    let mut apps = Vec::new();
    let items = root.list("apps");
    // Generators name their sockets first, since steps of any app may refer to them.
    let mut expanded = Vec::with_capacity(items.len());
    for item in &items {
        let generated = if item.has("run") {
            None
        } else {
            Some(generators::expand(item, &Scene::of(item, topology, routes)?, sockets)?)
        };
        expanded.push(generated);
    }
    let mut names = BTreeSet::new();
    let mut listening = Listening::default();
    for (item, generated) in items.iter().zip(expanded) {
        let plans = match generated {
            Some(plans) => plans,
            None => vec![steps_of(item, &Scene::of(item, topology, routes)?, sockets)?],
        };
        for app in plans {
            if !names.insert(app.name.to_string()) {
                let name = item.require("name")?;
                return Err(name.problem(format!(
                    "there are two apps called {:?}, counting those of generators",
                    app.name
                )));
            }
            listening.add(&app, item)?;
            apps.push(app);
        }
    }
    Ok(apps)
}

/// Ports that are listened on and never given back.
#[derive(Default)]
struct Listening {
    ports: BTreeMap<(PlaceId, bool, u16), String>,
}

impl Listening {
    /// Refuses a port that another listener of the host has for good, unless the step must fail.
    fn add(&mut self, app: &AppPlan, item: &Item<'_>) -> Result<(), Problem> {
        for planned in &app.steps {
            let Step::Listen { port, udp, name, .. } = planned.step else { continue };
            let is_closed = app.steps.iter().any(|other| match other.step {
                Step::Close { on } | Step::Abort { on } => on == name,
                _ => false,
            });
            if planned.fails.is_some() || is_closed {
                continue;
            }
            if let Some(owner) = self.ports.insert((app.host, udp, port), app.name.to_string()) {
                let message = format!(
                    "port {port} of this host is listened on already, by the app {owner:?}: use another port"
                );
                let step = item.list("run").into_iter().find_map(|step| step.get("listen"));
                return Err(step
                    .or_else(|| item.get("listen"))
                    .unwrap_or_else(|| item.clone())
                    .problem(message));
            }
        }
        Ok(())
    }
}

fn steps_of(item: &Item<'_>, scene: &Scene<'_>, sockets: &Sockets) -> Result<AppPlan, Problem> {
    Ok(AppPlan {
        name: item.require("name")?.text()?.into(),
        host: scene.place(),
        start: item.get("start").map_or(Ok(Instant::ZERO), |start| start.instant())?,
        may_be_unfinished: item.flag_or("may_be_unfinished", false)?,
        steps: steps::read(item, scene, sockets)?,
    })
}
