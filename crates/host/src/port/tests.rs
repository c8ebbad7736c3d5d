use super::*;

fn hold(address: &str, sharing: Sharing) -> Hold {
    Hold { address: Bound::to(address.parse().unwrap()), port: 80, sharing }
}

fn table() -> PortTable {
    PortTable::new(SeedTree::new(1), "client/1", "tcp ports", 32_768..=60_999)
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
    let mut ports = PortTable::new(SeedTree::new(1), "client/1", "tcp ports", 40_000..=40_099);
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
