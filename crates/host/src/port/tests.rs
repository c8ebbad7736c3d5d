use super::*;
use faultwire_base::SeedTree;

fn hold(address: &str, sharing: Sharing) -> Hold {
    Hold { address: Bound::to(address.parse().unwrap()), port: 80, sharing }
}

fn table() -> PortTable {
    PortTable::new(Secrets::new(SeedTree::new(1), "client/1"), "tcp ports", 32_768..=60_999)
}

#[test]
fn sharing_follows_the_kernels_table() {
    use Sharing::{Connected, Exclusive, Listening, Reusable};
    let refused = |held, wanted| {
        let mut ports = table();
        ports.take(hold("10.0.0.1", held));
        ports.is_taken(hold("10.0.0.1", wanted))
    };
    let all = [Exclusive, Reusable, Listening, Connected];
    let accepted: Vec<_> = all
        .iter()
        .flat_map(|&held| all.iter().map(move |&wanted| (held, wanted)))
        .filter(|&(held, wanted)| !refused(held, wanted))
        .collect();
    assert_eq!(accepted, [(Reusable, Reusable), (Reusable, Listening), (Connected, Connected)]);
}

#[test]
fn only_overlapping_addresses_collide() {
    let mut ports = table();
    ports.take(hold("10.0.0.1", Sharing::Exclusive));
    assert!(ports.is_taken(hold("0.0.0.0", Sharing::Exclusive)));
    assert!(!ports.is_taken(hold("10.0.0.2", Sharing::Exclusive)));
    assert!(!ports.is_taken(hold("::", Sharing::Exclusive)));
    assert!(!ports.is_taken(Hold { port: 81, ..hold("10.0.0.1", Sharing::Exclusive) }));
    ports.give_back(hold("10.0.0.1", Sharing::Exclusive));
    assert!(!ports.is_taken(hold("0.0.0.0", Sharing::Exclusive)));
}

/// RFC 6056: every port of the range is found, and none twice, in an order that does not count upwards.
#[test]
fn ephemeral_ports_use_the_whole_range() {
    let mut ports = PortTable::new(Secrets::new(SeedTree::new(1), "client/1"), "tcp ports", 40_000..=40_099);
    let take = |ports: &mut PortTable| {
        let exclusive = |port| Hold { port, ..hold("10.0.0.1", Sharing::Exclusive) };
        let port = ports.choose(|ports, port| !ports.is_taken(exclusive(port)))?;
        ports.take(exclusive(port));
        Ok(port)
    };
    let chosen: Vec<u16> = (0..100).map(|_| take(&mut ports).unwrap()).collect();
    assert_eq!(take(&mut ports), Err(Errno::AddressNotAvailable));
    assert!(chosen.windows(2).filter(|pair| pair[1] == pair[0] + 1).count() < 50);
    let mut sorted = chosen;
    sorted.sort_unstable();
    assert_eq!(sorted, (40_000..=40_099).collect::<Vec<u16>>());
}

/// RFC 6056 §3.3.4, as Linux has it: every port is found, even ones first; two destinations have their own sequences;
/// and from one connect to the next the step is even, small, and not always the same.
#[test]
fn hashed_ports_use_the_whole_range() {
    let destination = |host| SocketAddr::from(([10, 0, 0, host], 80));
    let local = [10, 0, 0, 1].into();
    let mut ports = PortTable::new(Secrets::new(SeedTree::new(1), "client/1"), "tcp ports", 40_000..=40_099);
    let mut taken = Vec::new();
    for _ in 0..100 {
        let port = ports.choose_towards(local, destination(2), |_, port| !taken.contains(&port)).unwrap();
        taken.push(port);
    }
    assert!(taken[..50].iter().all(|port| port % 2 == 0) && taken[50..].iter().all(|port| port % 2 == 1));
    let none = ports.choose_towards(local, destination(2), |_, port| !taken.contains(&port));
    assert_eq!(none, Err(Errno::AddressNotAvailable));
    taken.sort_unstable();
    assert_eq!(taken, (40_000..=40_099).collect::<Vec<u16>>());

    let mut ports = table();
    let mut sequence = |host| -> Vec<u16> {
        (0..64).map(|_| ports.choose_towards(local, destination(host), |_, _| true).unwrap()).collect()
    };
    let (first, second) = (sequence(2), sequence(3));
    assert_ne!(first[0], second[0]);
    let steps: std::collections::BTreeSet<u32> =
        first.windows(2).map(|pair| (u32::from(pair[1]) + 28_232 - u32::from(pair[0])) % 28_232).collect();
    assert_eq!(steps, (1..=8).map(|step| 2 * step).collect(), "eight steps, and which one can't be told");
}
