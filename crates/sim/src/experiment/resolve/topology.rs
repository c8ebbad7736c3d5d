//! Hosts, routers and links by name, and their places.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use faultwire_base::PlaceId;

use super::addresses::Addresses;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::DirectionId;

/// The graph of a case.
pub(crate) struct Topology {
    /// Names of all places in ascending order.
    pub(crate) places: Vec<Arc<str>>,
    /// Hosts and routers in ascending order of name.
    pub(crate) stations: Vec<Station>,
    /// Links in the order of the file.
    pub(crate) wires: Vec<Wire>,
    /// Link directions in ascending order of name.
    pub(crate) courses: Vec<Course>,
    station_index: BTreeMap<String, usize>,
    wire_index: BTreeMap<String, usize>,
}

/// A host or router.
pub(crate) struct Station {
    pub(crate) name: Arc<str>,
    pub(crate) place: PlaceId,
    pub(crate) is_router: bool,
    pub(crate) addresses: Vec<IpAddr>,
}

/// A link between two stations; the direction at the same index leads to that end.
pub(crate) struct Wire {
    pub(crate) name: Arc<str>,
    pub(crate) ends: [usize; 2],
    pub(crate) towards: [DirectionId; 2],
}

/// One direction of a link.
pub(crate) struct Course {
    pub(crate) place: PlaceId,
    pub(crate) wire: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Reads the graph; each station and link must be joined in a way that makes sense.
pub(crate) fn read(root: &Item<'_>) -> Result<Topology, Problem> {
    let mut drafts: BTreeMap<String, (Item<'_>, bool)> = BTreeMap::new();
    for (key, is_router) in [("hosts", false), ("routers", true)] {
        for (name, item) in root.map(key) {
            if let Some((first, _)) = drafts.insert(name.to_owned(), (item.clone(), is_router)) {
                let message = format!("a host and a router are both called {name:?} ({})", first.path());
                return Err(item.problem(message));
            }
        }
    }
    if !drafts.values().any(|(_, is_router)| !is_router) {
        return Err(root.require("hosts")?.problem("there is no host: an experiment needs at least one"));
    }
    let station_index: BTreeMap<String, usize> =
        drafts.keys().enumerate().map(|(index, name)| (name.clone(), index)).collect();
    let ends = ends(root, &station_index)?;
    let names: Vec<&str> = drafts.keys().map(String::as_str).collect();
    let (places, wires, courses) = place(&ends, &names);
    let mut addresses = Addresses::default();
    let mut stations = Vec::with_capacity(drafts.len());
    for (name, (item, is_router)) in &drafts {
        stations.push(Station {
            place: place_of(&places, name),
            addresses: addresses.of(item, name, *is_router)?,
            name: name.as_str().into(),
            is_router: *is_router,
        });
    }
    let wire_index = wires.iter().enumerate().map(|(index, wire)| (wire.name.to_string(), index)).collect();
    Ok(Topology { places, stations, wires, courses, station_index, wire_index })
}

/// A link's name and its two ends.
type Joined = (Arc<str>, [usize; 2]);

/// Each link's name and its two ends.
fn ends(root: &Item<'_>, stations: &BTreeMap<String, usize>) -> Result<Vec<Joined>, Problem> {
    let mut ends = Vec::new();
    for link in root.list("links") {
        let name = link.require("name")?;
        if stations.contains_key(name.text()?) {
            return Err(name.problem("a host or router has this name too: a link needs one of its own"));
        }
        let between = link.require("between")?;
        let [first, second] = &between.items()[..] else {
            return Err(between.problem("a link is between exactly two"));
        };
        let pair = [first.find("host or router", stations)?, second.find("host or router", stations)?];
        if pair[0] == pair[1] {
            return Err(second.problem(format!("a link can't lead from {:?} to itself", second.text()?)));
        }
        ends.push((Arc::from(name.text()?), pair));
    }
    Ok(ends)
}

/// Names of all places in ascending order, links in the order of the file, directions in ascending order of name.
type Ranked = (Vec<Arc<str>>, Vec<Wire>, Vec<Course>);

/// Ranks all places by name.
fn place(ends: &[Joined], stations: &[&str]) -> Ranked {
    let direction_name = |link: &str, end: usize| format!("{link}>{}", stations[end]);
    let mut drafts: Vec<(String, usize, usize)> = Vec::with_capacity(2 * ends.len());
    for (wire, (link, pair)) in ends.iter().enumerate() {
        drafts.extend((0..2).map(|end| (direction_name(link, pair[end]), wire, end)));
    }
    drafts.sort_unstable();
    let mut places: Vec<Arc<str>> = stations
        .iter()
        .copied()
        .chain(drafts.iter().map(|(name, ..)| name.as_str()))
        .map(Arc::from)
        .collect();
    places.sort_unstable();
    let mut wires: Vec<Wire> = ends
        .iter()
        .map(|(name, pair)| Wire { name: Arc::clone(name), ends: *pair, towards: [DirectionId(0); 2] })
        .collect();
    let mut courses = Vec::with_capacity(drafts.len());
    for (name, wire, end) in drafts {
        wires[wire].towards[end] = DirectionId(courses.len() as u32);
        let pair = wires[wire].ends;
        courses.push(Course { place: place_of(&places, &name), wire, from: pair[1 - end], to: pair[end] });
    }
    (places, wires, courses)
}

fn place_of(places: &[Arc<str>], name: &str) -> PlaceId {
    let rank = places.binary_search_by(|place| (**place).cmp(name)).expect("every place was ranked");
    PlaceId(rank as u32)
}

impl Topology {
    /// The host written here.
    pub(crate) fn host(&self, item: &Item<'_>) -> Result<usize, Problem> {
        let index = self.station_index.get(item.text()?).copied();
        match index {
            Some(index) if !self.stations[index].is_router => Ok(index),
            Some(_) => Err(item.problem(format!("{:?} is a router: a host is needed here", item.text()?))),
            None => Err(item.unknown("host", self.hosts().map(|host| &*self.stations[host].name))),
        }
    }

    /// The host of this name.
    pub(crate) fn host_named(&self, name: &str) -> Option<usize> {
        self.station_index.get(name).copied().filter(|&index| !self.stations[index].is_router)
    }

    /// The host or router written here.
    pub(crate) fn station(&self, item: &Item<'_>) -> Result<usize, Problem> {
        item.find("host or router", &self.station_index)
    }

    /// The link written here.
    pub(crate) fn wire(&self, item: &Item<'_>) -> Result<usize, Problem> {
        item.find("link", &self.wire_index)
    }

    /// The link of this name.
    pub(crate) fn wire_named(&self, name: &str) -> Option<usize> {
        self.wire_index.get(name).copied()
    }

    /// Hosts in ascending order of name.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.stations.len()).filter(|&index| !self.stations[index].is_router)
    }

    /// The direction of a link towards the station written here.
    pub(crate) fn towards(&self, wire: usize, item: &Item<'_>) -> Result<DirectionId, Problem> {
        let station = self.station(item)?;
        let wire = &self.wires[wire];
        let end = wire.ends.iter().position(|&end| end == station).ok_or_else(|| {
            let [first, second] = wire.ends.map(|end| &self.stations[end].name);
            let message = format!(
                "the link {:?} joins {first:?} and {second:?}, not {:?}",
                wire.name, self.stations[station].name
            );
            item.problem(message)
        })?;
        Ok(wire.towards[end])
    }

    /// The direction called `LINK>NODE`.
    pub(crate) fn direction_named(&self, name: &str) -> Option<DirectionId> {
        let (link, node) = name.split_once('>')?;
        self.end_named(self.wire_named(link)?, node)
    }

    /// The direction of a link that leads to the station of this name.
    pub(crate) fn end_named(&self, wire: usize, station: &str) -> Option<DirectionId> {
        let station = *self.station_index.get(station)?;
        let wire = &self.wires[wire];
        wire.ends.iter().position(|&end| end == station).map(|end| wire.towards[end])
    }

    /// Directions that lead away from a station, in ascending order of name.
    pub(crate) fn leaving(&self, station: usize) -> impl Iterator<Item = DirectionId> + '_ {
        (0..self.courses.len())
            .filter(move |&at| self.courses[at].from == station)
            .map(|at| DirectionId(at as u32))
    }

    /// A direction's ends.
    pub(crate) fn course(&self, direction: DirectionId) -> &Course {
        &self.courses[direction.0 as usize]
    }
}
