//! Static shortest routes over routers: fewest hops, ties by the name of the direction.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::topology::Topology;
use crate::plan::DirectionId;

/// Next direction from each station to each other, by their indices.
pub(crate) struct Routes {
    stations: usize,
    next: Vec<Option<DirectionId>>,
}

impl Routes {
    /// A breadth-first search back from each destination; only routers forward.
    pub(crate) fn find(topology: &Topology) -> Self {
        let stations = topology.stations.len();
        let mut arriving: Vec<Vec<DirectionId>> = vec![Vec::new(); stations];
        for (index, course) in topology.courses.iter().enumerate() {
            arriving[course.to].push(DirectionId(index as u32));
        }
        let mut next = vec![None; stations * stations];
        let mut distance = vec![u32::MAX; stations];
        let mut queue = VecDeque::new();
        for destination in 0..stations {
            distance.fill(u32::MAX);
            distance[destination] = 0;
            queue.push_back(destination);
            while let Some(at) = queue.pop_front() {
                if at != destination && !topology.stations[at].is_router {
                    continue;
                }
                for &direction in &arriving[at] {
                    let from = topology.course(direction).from;
                    let best = &mut next[from * stations + destination];
                    if distance[from] == u32::MAX {
                        distance[from] = distance[at] + 1;
                        *best = Some(direction);
                        queue.push_back(from);
                    } else if distance[from] == distance[at] + 1 {
                        *best = (*best).min(Some(direction));
                    }
                }
            }
        }
        Self { stations, next }
    }

    /// The first direction on the way.
    pub(crate) fn next(&self, from: usize, to: usize) -> Option<DirectionId> {
        self.next[from * self.stations + to]
    }

    /// The table of one station, sorted by destination.
    pub(crate) fn table(&self, topology: &Topology, from: usize) -> Vec<(IpAddr, DirectionId)> {
        let mut table: Vec<(IpAddr, DirectionId)> = (0..self.stations)
            .filter_map(|to| self.next(from, to).map(|direction| (to, direction)))
            .flat_map(|(to, direction)| {
                topology.stations[to].addresses.iter().map(move |&address| (address, direction))
            })
            .collect();
        table.sort_unstable();
        table
    }
}
