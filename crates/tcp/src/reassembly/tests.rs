use faultwire_base::StreamId;
use proptest::prelude::*;

use super::*;

/// A limit that is never reached.
const AMPLE: u64 = 1 << 40;

fn at(position: u64) -> Offset {
    Offset::FIRST + position
}

fn data(position: u64, len: u32) -> Payload {
    Payload::Generated { stream: StreamId(1), offset: position, len }
}

fn report(reassembly: &Reassembly, room: usize) -> Vec<(u64, u64)> {
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let count = reassembly.report(room, &mut blocks);
    blocks[..count].iter().map(|&(start, end)| (start - Offset::FIRST, end - Offset::FIRST)).collect()
}

/// RFC 2018 §4: the first block holds the newest segment, the others follow by age.
#[test]
fn newest_block_first() {
    let mut reassembly = Reassembly::default();
    for position in [1000, 3000, 5000, 7000] {
        assert!(reassembly.insert(at(position), &data(position, 500), AMPLE) == Kept::New);
    }
    assert_eq!(report(&reassembly, 3), [(7000, 7500), (5000, 5500), (3000, 3500)]);
    reassembly.insert(at(1500), &data(1500, 500), AMPLE);
    assert_eq!(report(&reassembly, 3), [(1000, 2000), (7000, 7500), (5000, 5500)]);
    reassembly.insert(at(3500), &data(3500, 1500), AMPLE);
    assert_eq!(report(&reassembly, 4), [(3000, 5500), (1000, 2000), (7000, 7500)]);
    assert_eq!(reassembly.insert(at(3200), &data(3200, 100), AMPLE), Kept::Duplicate);
}

/// A later copy does not replace what is held.
#[test]
fn the_first_copy_counts() {
    let mut reassembly = Reassembly::default();
    reassembly.insert(at(10), &Payload::from_bytes(*b"bbb"), AMPLE);
    reassembly.insert(at(8), &Payload::from_bytes(*b"aaaaaaa"), AMPLE);
    let mut next = at(8);
    let mut octets = Vec::new();
    while let Some(payload) = reassembly.take(next) {
        next = next + u64::from(payload.len());
        octets.extend(payload.to_vec());
    }
    assert_eq!(octets, b"aabbbaa");
    assert!(reassembly.is_empty());
    assert_eq!(reassembly.octets(), 0);
}

/// Every other octet of a window of 1 MiB: what is held costs no more than the limit, whichever end it begins at, and
/// what lies nearest stays.
#[test]
fn islands_of_single_octets() {
    const LIMIT: u64 = 2 << 20;
    let islands = || (0..1u64 << 19).map(|island| 2 * island + 1);
    for backward in [false, true] {
        let mut reassembly = Reassembly::default();
        let mut refused = 0;
        let mut insert = |position| {
            refused +=
                usize::from(reassembly.insert(at(position), &data(position, 1), LIMIT) == Kept::NoRoom);
        };
        if backward {
            islands().rev().for_each(&mut insert)
        } else {
            islands().for_each(&mut insert)
        }
        let most = (LIMIT / (PIECE_OVERHEAD + 1)) as usize;
        assert_eq!(reassembly.pieces.len(), most);
        assert_eq!(refused == 0, backward);
        assert!(reassembly.heap_octets() < LIMIT as usize, "{}", reassembly.heap_octets());
        assert_eq!(reassembly.blocks[0], Block { start: at(1), end: at(2) });
        let newest = if backward { 1 } else { 2 * most as u64 - 1 };
        assert_eq!(report(&reassembly, 1), [(newest, newest + 1)]);
        // The holes are filled, and all of it is given.
        let mut next = 0;
        while !reassembly.is_empty() {
            next += 1;
            next += u64::from(reassembly.take(at(next)).unwrap().len());
        }
        assert_eq!((next, reassembly.octets()), (2 * most as u64, 0));
    }
}

/// A block loses its furthest pieces, and its report shrinks with it.
#[test]
fn the_furthest_goes_first() {
    let mut reassembly = Reassembly::default();
    let limit = 3 * (PIECE_OVERHEAD + 10);
    let bytes = || Payload::from_bytes(*b"0123456789");
    for position in [20, 30, 40] {
        assert_eq!(reassembly.insert(at(position), &bytes(), limit), Kept::New);
    }
    assert_eq!(reassembly.insert(at(60), &bytes(), limit), Kept::NoRoom);
    assert_eq!(report(&reassembly, 4), [(20, 50)]);
    assert_eq!(reassembly.insert(at(5), &bytes(), limit), Kept::New);
    assert_eq!(report(&reassembly, 4), [(5, 15), (20, 40)]);
}

proptest! {
    /// Against a vector with an entry an octet.
    #[test]
    fn like_a_map_of_octets(steps in prop::collection::vec((0u64..200, 1u32..40, prop::bool::weighted(0.2)), 0..60)) {
        let mut reassembly = Reassembly::default();
        let mut held = vec![false; 4000];
        let mut next = 0usize;
        for (position, len, advance) in steps {
            let position = position.max(next as u64 + 1);
            let range = position as usize..position as usize + len as usize;
            let new = held[range.clone()].iter().any(|octet| !octet);
            prop_assert_eq!(reassembly.insert(at(position), &data(position, len), AMPLE) == Kept::New, new);
            held[range].fill(true);
            if advance {
                // The missing octet arrives.
                next += 1;
                while let Some(payload) = reassembly.take(at(next as u64)) {
                    prop_assert_eq!(payload.to_vec(), data(next as u64, payload.len()).to_vec());
                    next += payload.len() as usize;
                }
                prop_assert!(!held[next]);
                held[..next].fill(false);
            }
            prop_assert_eq!(reassembly.octets(), held.iter().filter(|octet| **octet).count() as u64);
            let mut blocks = Vec::new();
            for position in next..3999 {
                if held[position] && (position == 0 || !held[position - 1]) {
                    blocks.push((position as u64, 0));
                }
                if held[position] && !held[position + 1] {
                    blocks.last_mut().unwrap().1 = position as u64 + 1;
                }
            }
            let shown: Vec<_> = reassembly.blocks.iter().map(|b| (b.start - Offset::FIRST, b.end - Offset::FIRST)).collect();
            prop_assert_eq!(&shown, &blocks);
            let reported = report(&reassembly, 4);
            prop_assert!(reported.iter().all(|block| blocks.contains(block)), "{:?} of {:?}", reported, blocks);
            prop_assert_eq!(reported.is_empty(), blocks.is_empty() || reassembly.recent.count == 0);
        }
    }
}
