//! Hosts and routers: profile, sysctls, addresses, routes.

use std::sync::Arc;

use faultwire_host::{HostConfig, Interface, Route, SysctlValue, apply_sysctl};
use faultwire_tcp::Config;

use super::links::MTU;
use super::quirks;
use super::routes::Routes;
use super::topology::Topology;
use crate::experiment::json::Value;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{DirectionId, DirectionPlan, HostPlan, RouterPlan, StackPlan};

/// All hosts in ascending order of place.
pub(crate) fn read(
    root: &Item<'_>,
    topology: &Topology,
    routes: &Routes,
    directions: &[DirectionPlan],
) -> Result<Vec<HostPlan>, Problem> {
    let items = root.map("hosts");
    let mut hosts = Vec::with_capacity(items.len());
    let mut stacks: Vec<Arc<Config>> = Vec::new();
    for station in topology.hosts() {
        let name = &*topology.stations[station].name;
        let (_, item) = items.iter().find(|(key, _)| *key == name).expect("hosts were read from this map");
        let mut leaving = topology.leaving(station);
        let default_route = leaving.next().filter(|_| leaving.next().is_none());
        let (mut config, stack, lawful) = config(item, topology, station, routes, directions)?;
        // Hosts with the same stack share its table: thousands of copies would push everything else out of the cache.
        match stacks.iter().find(|stack| ***stack == *config.tcp) {
            Some(stack) => config.tcp = Arc::clone(stack),
            None => stacks.push(Arc::clone(&config.tcp)),
        }
        hosts.push(HostPlan {
            place: topology.stations[station].place,
            lawful,
            config,
            stack,
            default_route,
            routes: if default_route.is_some() { Vec::new() } else { routes.table(topology, station) },
            timeline: Vec::new(),
        });
    }
    Ok(hosts)
}

/// All routers in ascending order of place.
pub(crate) fn routers(topology: &Topology, routes: &Routes) -> Vec<RouterPlan> {
    let routers = topology.stations.iter().enumerate().filter(|(_, station)| station.is_router);
    routers
        .map(|(index, station)| RouterPlan {
            place: station.place,
            address: station.addresses[0],
            routes: routes.table(topology, index),
        })
        .collect()
}

fn config(
    item: &Item<'_>,
    topology: &Topology,
    station: usize,
    routes: &Routes,
    directions: &[DirectionPlan],
) -> Result<(HostConfig, StackPlan, Arc<Config>), Problem> {
    let mtu_of = |direction: DirectionId| directions[direction.0 as usize].config.mtu.unwrap_or(MTU);
    let leaving: Vec<DirectionId> = topology.leaving(station).collect();
    let mtu = leaving.iter().map(|&direction| mtu_of(direction)).min().unwrap_or(MTU);
    let own = &topology.stations[station];
    let interfaces: Vec<Interface> =
        own.addresses.iter().map(|&address| Interface { address, mtu }).collect();
    let (name, tcp) = profile(item)?;
    let mut stack = StackPlan { profile: name.into(), ..StackPlan::default() };
    let mut config = HostConfig::new(&own.name, own.place, interfaces[0], Arc::new(tcp));
    config.interfaces = interfaces;
    if leaving.iter().any(|&direction| mtu_of(direction) != mtu) {
        config.routes = routes
            .table(topology, station)
            .into_iter()
            .filter_map(|(destination, direction)| {
                let mut sources = own.addresses.iter().copied();
                let source = sources.find(|source| source.is_ipv4() == destination.is_ipv4())?;
                Some(Route { destination, source, mtu: mtu_of(direction) })
            })
            .collect();
    }
    for (name, value) in item.map("sysctl") {
        stack.sysctls.push((name.to_owned(), sysctl(&mut config, name, &value)?));
    }
    if let Some(tcp) = item.get("tcp") {
        if let Some(time_wait) = tcp.get("time_wait") {
            Arc::make_mut(&mut config.tcp).time_wait.length = time_wait.time()?;
            stack.own_time_wait = true;
        }
        if let Some(numbers) = tcp.get("initial_sequence_number") {
            config.initial_sequence_numbers =
                numbers.one_or_many().iter().map(Item::integer).collect::<Result<_, _>>()?;
        }
    }
    let lawful = Arc::clone(&config.tcp);
    if let Some(quirks) = item.get("quirks") {
        stack.quirks = quirks::apply(&quirks, Arc::make_mut(&mut config.tcp))?;
    }
    Ok((config, stack, lawful))
}

fn profile(item: &Item<'_>) -> Result<(&'static str, Config), Problem> {
    let Some(stack) = item.get("stack") else { return Ok(("linux", Config::linux())) };
    match stack.text()? {
        "rfc" => Ok(("rfc", Config::rfc())),
        "linux" => Ok(("linux", Config::linux())),
        "freebsd" => Ok(("freebsd", Config::freebsd())),
        other => {
            Err(stack
                .problem(format!("there is no profile {other:?}: use \"linux\", \"freebsd\" or \"rfc\"")))
        }
    }
}

fn sysctl(config: &mut HostConfig, name: &str, item: &Item<'_>) -> Result<SysctlValue, Problem> {
    let value = match &item.node().value {
        Value::Number(_) => SysctlValue::Integer(item.integer()?),
        Value::Text(text) => SysctlValue::Text(text.clone()),
        _ => SysctlValue::List(item.items().iter().map(Item::integer).collect::<Result<_, _>>()?),
    };
    apply_sysctl(config, name, &value).map_err(|error| item.problem(error.to_string()))?;
    Ok(value)
}
