//! Applications: each app of the file to one or more lists of steps.

use std::collections::BTreeSet;

use faultwire_base::Instant;

use super::generators;
use super::routes::Routes;
use super::sockets::Sockets;
use super::steps::{self, Scene};
use super::topology::Topology;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::AppPlan;

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
            apps.push(app);
        }
    }
    Ok(apps)
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
