use super::*;
use crate::demux::Ports;
use faultwire_base::{Duration, SeedTree};

fn ends(port: u16) -> Ends {
    let ports = Ports { local: 80, remote: port };
    Ends::new([10, 0, 0, 2].into(), [10, 0, 0, 1].into(), ports).unwrap()
}

fn ack(cookie: Seq, peer_isn: Seq) -> Segment {
    Segment { seq: peer_isn + 1, ack: cookie + 1, ..Segment::default() }
}

/// RFC 4987 §3.6: what went out comes back, for one to two minutes, on that connection only.
#[test]
fn cookies_come_back() {
    let mut cookies = SynCookies::new(Secrets::new(SeedTree::new(1), "server/1"));
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    for data in 0..4 {
        let cookie = cookies.issue(at(100), &ends(4000), Seq(77), data);
        for (now, found) in [(100, true), (179, true), (180, false), (59, false)] {
            let checked = cookies.check(at(now), &ends(4000), &ack(cookie, Seq(77)));
            assert_eq!(checked, found.then_some(data), "at {now} s");
        }
        assert_eq!(cookies.check(at(100), &ends(4001), &ack(cookie, Seq(77))), None);
        assert_eq!(cookies.check(at(100), &ends(4000), &ack(cookie, Seq(177))), None);
        let mut other = SynCookies::new(Secrets::new(SeedTree::new(2), "server/1"));
        assert_eq!(other.check(at(100), &ends(4000), &ack(cookie, Seq(77))), None);
    }
}

/// Guessing is as hard as 2^32 over 4 sizes and 2 periods: none of 100,000 guesses is right.
#[test]
fn guesses_are_wrong() {
    let mut cookies = SynCookies::new(Secrets::new(SeedTree::new(1), "server/1"));
    let right = (0..100_000u32)
        .filter(|&guess| {
            let guess = Seq(guess.wrapping_mul(2_654_435_761));
            cookies.check(Instant::ZERO, &ends(4000), &ack(guess, Seq(5))).is_some()
        })
        .count();
    assert_eq!(right, 0);
}
