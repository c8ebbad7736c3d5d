//! Laws of sequence numbers and payloads.

use faultwire_base::StreamId;
use faultwire_wire::{Payload, Seq, generated_octet};
use proptest::prelude::*;

use crate::samples::any_payload;

const HALF: u32 = 1 << 31;

#[test]
fn order_wraps() {
    assert!(Seq(u32::MAX).before(Seq(0)));
    assert!(Seq(0).after(Seq(u32::MAX)));
    assert!(!Seq(5).before(Seq(5)) && !Seq(5).after(Seq(5)));
    assert_eq!(Seq(u32::MAX) + 1, Seq(0));
    assert_eq!(Seq(0) - 1, Seq(u32::MAX));
    assert_eq!(Seq(3).distance_from(Seq(u32::MAX)), 4);
    assert_eq!(Seq(u32::MAX).to_string(), "4294967295");
}

/// RFC 9293 §3.4 leaves the opposite number undecided: here each of the two is before the other.
#[test]
fn opposite_numbers() {
    assert!(Seq(0).before(Seq(HALF)) && Seq(HALF).before(Seq(0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// RFC 9293 §3.4.
    #[test]
    fn before_and_after_are_antisymmetric(a: u32, b: u32) {
        let (a, b) = (Seq(a), Seq(b));
        prop_assert_eq!(a.before(b), b.after(a));
        if a != b && a - b.0 != Seq(HALF) {
            prop_assert!(a.before(b) != b.before(a));
        }
    }

    #[test]
    fn what_is_added_comes_after(start: u32, octets in 1..HALF) {
        let later = Seq(start) + octets;
        prop_assert!(later.after(Seq(start)) && Seq(start).before(later));
        prop_assert_eq!(later - octets, Seq(start));
        prop_assert_eq!(later.distance_from(Seq(start)), octets as i32);
        prop_assert_eq!(Seq(start).distance_from(later), -(octets as i32));
    }

    /// Order doesn't depend on where the numbers start.
    #[test]
    fn order_is_invariant_under_shift(a: u32, b: u32, shift: u32) {
        prop_assert_eq!(Seq(a).before(Seq(b)), (Seq(a) + shift).before(Seq(b) + shift));
    }

    /// Within a window of less than 2^31 the order is total.
    #[test]
    fn order_is_transitive_within_half_the_space(start: u32, a in 0..HALF / 2, b in 0..HALF / 2, c in 0..HALF / 2) {
        let mut offsets = [a, b, c];
        let mut seqs = offsets.map(|offset| Seq(start) + offset);
        offsets.sort_unstable();
        seqs.sort_by_key(|seq| seq.distance_from(Seq(start)));
        prop_assert_eq!(seqs, offsets.map(|offset| Seq(start) + offset));
        prop_assert!(!seqs[0].after(seqs[1]) && !seqs[1].after(seqs[2]) && !seqs[0].after(seqs[2]));
    }
}

/// Three cuts of a payload and where they are.
fn cut(payload: &Payload, at: (u32, u32)) -> [Payload; 3] {
    let first = at.0 % (payload.len() + 1);
    let second = first + at.1 % (payload.len() - first + 1);
    [
        payload.slice(0, first),
        payload.slice(first, second - first),
        payload.slice(second, payload.len() - second),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_slice_has_the_octets_of_its_range(payload in any_payload(), at: (u32, u32)) {
        let octets = payload.to_vec();
        prop_assert_eq!(octets.len(), payload.len() as usize);
        let pieces = cut(&payload, at);
        let mut start = 0;
        for piece in &pieces {
            let end = start + piece.len() as usize;
            prop_assert_eq!(piece.to_vec(), &octets[start..end]);
            start = end;
        }
        prop_assert_eq!(start, octets.len());
    }

    /// Neighbours of one payload join again without a copy, in any grouping.
    #[test]
    fn cut_pieces_append_to_the_whole(payload in any_payload(), at: (u32, u32)) {
        let [a, b, c] = cut(&payload, at);
        let mut left = a.clone();
        prop_assert!(left.try_append(&b) && left.try_append(&c));
        let mut tail = b.clone();
        prop_assert!(tail.try_append(&c));
        let mut right = a.clone();
        prop_assert!(right.try_append(&tail));
        prop_assert_eq!(left.to_vec(), payload.to_vec());
        prop_assert_eq!(Payload::join(&[a, b, c]).to_vec(), payload.to_vec());
        if !payload.is_empty() {
            prop_assert_eq!(&left, &payload);
            prop_assert_eq!(&right, &payload);
        }
    }

    /// Joining is concatenation of octets, whatever the kinds; a refused append changes nothing.
    #[test]
    fn join_concatenates(pieces in prop::collection::vec(any_payload(), 0..5)) {
        let expected: Vec<u8> = pieces.iter().flat_map(Payload::to_vec).collect();
        prop_assert_eq!(Payload::join(&pieces).to_vec(), expected);
        for pair in pieces.windows(2) {
            let mut grown = pair[0].clone();
            if grown.try_append(&pair[1]) {
                prop_assert_eq!(grown.to_vec(), [pair[0].to_vec(), pair[1].to_vec()].concat());
            } else {
                prop_assert_eq!(&grown, &pair[0]);
            }
        }
    }

    #[test]
    fn generated_octets_depend_on_the_offset_only(stream: u64, offset in 0..u64::MAX - 100, len in 0..100_u32) {
        let stream = StreamId(stream);
        let octets = Payload::Generated { stream, offset, len }.to_vec();
        let expected: Vec<u8> = (0..u64::from(len)).map(|at| generated_octet(stream, offset + at)).collect();
        prop_assert_eq!(octets, expected);
    }
}

#[test]
fn pieces_that_are_no_neighbours_do_not_append() {
    let stream = StreamId(1);
    let bytes = Payload::from_bytes(*b"abcdef");
    for (mut first, second) in [
        (Payload::Zeros { len: 1 }, bytes.clone()),
        (bytes.slice(0, 2), bytes.slice(3, 2)),
        (bytes.slice(0, 3), Payload::from_bytes(*b"abcdef").slice(3, 3)),
        (Payload::Generated { stream, offset: 0, len: 4 }, Payload::Generated { stream, offset: 5, len: 4 }),
        (
            Payload::Generated { stream, offset: 0, len: 4 },
            Payload::Generated { stream: StreamId(2), offset: 4, len: 4 },
        ),
        (Payload::Zeros { len: u32::MAX }, Payload::Zeros { len: 1 }),
    ] {
        let before = first.clone();
        assert!(!first.try_append(&second), "{first:?} {second:?}");
        assert_eq!(first, before);
    }
}

#[test]
#[should_panic(expected = "past the end")]
fn a_slice_past_the_end_is_a_broken_invariant() {
    let _ = Payload::Zeros { len: 3 }.slice(2, 2);
}
