//! What the numbers in records stand for: names of places, hosts with addresses, directions, faults, sockets, apps.

use std::net::IpAddr;
use std::sync::Arc;

use faultwire_base::{Instant, PlaceId};
use faultwire_link::{Change, NameId};

use super::words;
use crate::plan::{DirectionId, FaultId, Plan};

/// The names behind the ids of one run's records.
#[derive(Clone, Debug, Default)]
pub struct Legend {
    /// Names of all places; a [`PlaceId`] is an index.
    pub places: Vec<Arc<str>>,
    /// Hosts and routers with their addresses, in ascending order of place.
    pub nodes: Vec<NodeLegend>,
    /// Link directions; a [`DirectionId`] is an index.
    pub directions: Vec<DirectionLegend>,
    /// Names of sockets, `HOST/NAME`; a [`NameId`] is an index.
    pub sockets: Vec<Arc<str>>,
    /// Names of faults; a [`FaultId`] is an index.
    pub faults: Vec<Arc<str>>,
    /// Names of apps in the order of the file.
    pub apps: Vec<Arc<str>>,
    /// What changes on links at given times, in order of time.
    pub changes: Vec<ChangeLegend>,
}

/// A change of a link in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLegend {
    /// When.
    pub at: Instant,
    /// On which direction.
    pub direction: DirectionId,
    /// What, in words that follow the name of the link.
    pub what: String,
}

/// A host or router.
#[derive(Clone, Debug)]
pub struct NodeLegend {
    /// Its place.
    pub place: PlaceId,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is a host and no router.
    pub is_host: bool,
}

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct DirectionLegend {
    /// Its place, named `LINK>NODE`.
    pub place: PlaceId,
    /// Name of the link.
    pub link: Arc<str>,
    /// Who sends into it.
    pub from: PlaceId,
    /// Who receives from it.
    pub to: PlaceId,
    /// Names of its targeted faults, by their index in this direction.
    pub faults: Vec<Arc<str>>,
}

impl Legend {
    /// The names of a plan.
    pub fn of(plan: &Plan) -> Self {
        let hosts = plan.hosts.iter().map(|host| NodeLegend {
            place: host.place,
            addresses: host.config.interfaces.iter().map(|interface| interface.address).collect(),
            is_host: true,
        });
        let routers = plan.routers.iter().map(|router| NodeLegend {
            place: router.place,
            addresses: vec![router.address],
            is_host: false,
        });
        let mut nodes: Vec<_> = hosts.chain(routers).collect();
        nodes.sort_by_key(|node| node.place);
        let directions = plan.directions.iter().map(|direction| DirectionLegend {
            place: direction.place,
            link: Arc::clone(&direction.link),
            from: direction.from,
            to: direction.to,
            faults: direction.config.faults.iter().map(|fault| Arc::clone(&fault.name)).collect(),
        });
        Self {
            places: plan.places.clone(),
            nodes,
            directions: directions.collect(),
            sockets: plan.names.clone(),
            faults: plan.faults.iter().map(|fault| Arc::clone(&fault.name)).collect(),
            apps: plan.apps.iter().map(|app| Arc::clone(&app.name)).collect(),
            changes: changes(plan),
        }
    }

    /// Name of a place.
    pub fn place(&self, place: PlaceId) -> &str {
        self.places.get(place.index()).map_or("?", |name| name)
    }

    /// The host or router that owns an address.
    pub fn owner(&self, address: IpAddr) -> Option<&NodeLegend> {
        self.nodes.iter().find(|node| node.addresses.contains(&address))
    }

    /// The place with this name, if it is a host.
    pub fn host_named(&self, name: &str) -> Option<PlaceId> {
        self.hosts().find(|host| self.place(host.place) == name).map(|host| host.place)
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &NodeLegend> {
        self.nodes.iter().filter(|node| node.is_host)
    }

    /// A direction.
    pub fn direction(&self, direction: DirectionId) -> Option<&DirectionLegend> {
        self.directions.get(direction.0 as usize)
    }

    /// Name of a direction, `LINK>NODE`.
    pub fn direction_name(&self, direction: DirectionId) -> &str {
        self.direction(direction).map_or("?", |direction| self.place(direction.place))
    }

    /// Name of the fault that is the `index`-th of a direction.
    pub fn direction_fault(&self, direction: DirectionId, index: u32) -> &str {
        self.direction(direction)
            .and_then(|direction| direction.faults.get(index as usize))
            .map_or("?", |name| name)
    }

    /// Name of a fault.
    pub fn fault(&self, fault: FaultId) -> &str {
        self.faults.get(fault.0 as usize).map_or("?", |name| name)
    }

    /// Name of a socket, `HOST/NAME`.
    pub fn socket(&self, name: NameId) -> &str {
        self.sockets.get(name.0 as usize).map_or("?", |name| name)
    }

    /// Name of an app.
    pub fn app(&self, app: u32) -> &str {
        self.apps.get(app as usize).map_or("?", |name| name)
    }
}

/// The timelines of all directions together.
fn changes(plan: &Plan) -> Vec<ChangeLegend> {
    let mut changes = Vec::new();
    for (direction, id) in plan.directions.iter().zip(0..) {
        for scheduled in &direction.config.changes {
            let what = words::change(&scheduled.change);
            changes.push(ChangeLegend { at: scheduled.at, direction: DirectionId(id), what });
        }
        if let Some(heal) = plan.heal {
            let what = words::change(&Change::Heal);
            changes.push(ChangeLegend { at: heal.at, direction: DirectionId(id), what });
        }
    }
    changes.sort_by_key(|change| change.at);
    changes
}
