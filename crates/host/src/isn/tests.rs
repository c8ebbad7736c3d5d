use super::*;
use faultwire_base::{Duration, SeedTree};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

#[test]
fn sip_hash_has_its_published_value() {
    // The reference vector of SipHash-2-4: key 00..0f, message 00..07 and the empty message.
    let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
    assert_eq!(sip_hash(key, &[]), 0x726f_db47_dd0e_0e31);
    assert_eq!(sip_hash(key, &[0x0706_0504_0302_0100]), 0x93f5_f579_9a93_2462);
}

/// RFC 9293 §3.4.1, MUST-8: two opens of one pair of sockets are apart by the time between them in units of 4 us.
#[test]
fn the_clock_ticks_every_four_microseconds() {
    let mut isn = InitialSequence::new(&Secrets::new(SeedTree::new(1), "client/1"), Vec::new());
    let mut choose = |at: Instant| isn.choose(at, address(40_000), address(80));
    let first = choose(Instant::ZERO);
    for (apart, ticks) in [
        (Duration::from_nanos(3_999), 0),
        (Duration::from_nanos(4_000), 1),
        (Duration::from_secs(1), 250_000),
        (Duration::from_nanos((1u64 << 32) * 4_000), 0),
        (Duration::from_nanos((1u64 << 32) * 4_000 + 8_000), 2),
    ] {
        assert_eq!(choose(Instant::ZERO + apart), first + ticks, "{apart}");
    }
}

/// RFC 9293 §3.4.1, SHLD-1: at one instant the offsets of different connections look uniform.
#[test]
fn offsets_of_different_connections_are_spread_evenly() {
    let mut isn = InitialSequence::new(&Secrets::new(SeedTree::new(1), "client/1"), Vec::new());
    let mut bins = [0u32; 64];
    for port in 0..=u16::MAX {
        bins[(isn.choose(Instant::ZERO, address(port), address(80)).0 >> 26) as usize] += 1;
    }
    let chi_square: f64 = bins.iter().map(|&n| (f64::from(n) - 1024.0).powi(2) / 1024.0).sum();
    assert!(chi_square < 103.4, "63 degrees of freedom, p = 0.001: {chi_square}");
}

#[test]
fn a_reboot_and_a_seed_change_the_offset_and_a_fixed_number_stays() {
    let sequence = |seed, name, fixed: &[u32]| {
        InitialSequence::new(&Secrets::new(SeedTree::new(seed), name), fixed.to_vec())
    };
    let choose = |isn: &mut InitialSequence| isn.choose(Instant::ZERO, address(1), address(2));
    let first = choose(&mut sequence(1, "a/1", &[]));
    assert_ne!(first, choose(&mut sequence(1, "a/2", &[])));
    assert_ne!(first, choose(&mut sequence(2, "a/1", &[])));
    let mut one = sequence(1, "a/1", &[300]);
    assert_eq!([choose(&mut one), choose(&mut one)], [Seq(300); 2]);
    // A list goes on in the next life, and its last number stays.
    let mut list = sequence(1, "a/1", &[300, 400, 500]);
    assert_eq!([choose(&mut list), choose(&mut list)], [Seq(300), Seq(400)]);
    let mut next_life = sequence(1, "a/2", list.left());
    assert_eq!([choose(&mut next_life), choose(&mut next_life)], [Seq(500); 2]);
    assert_eq!(next_life.left(), [500]);
}
