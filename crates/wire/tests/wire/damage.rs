//! What the checksums catch and what they can't (RFC 9293 §3.1, MUST-3; RFC 1071), exhaustively.

use faultwire_base::{PacketId, PlaceId};
use faultwire_wire::{
    Body, Datagram, DecodeError, IcmpMessage, Packet, Payload, Protocol, Segment, Tag, decode,
};

use crate::samples::{any_packet, as_decoded, data_segment, every_kind, packet, v4, v6};
use proptest::prelude::*;

const BAD_TCP: DecodeError = DecodeError::BadChecksum { protocol: Protocol::TCP };

/// The octets of a corrupted packet.
fn raw(packet: &Packet) -> &[u8] {
    match &packet.body {
        Body::Raw(octets) => octets,
        other => panic!("{other:?} isn't raw"),
    }
}

#[test]
fn corruption_keeps_header_and_tag() {
    let tag = Tag { id: PacketId::new(PlaceId(3), 9), stream_offset: 77, ..Tag::default() };
    let good = Packet { tag, ..packet(v4(), Body::Tcp(data_segment())) };
    // The first bit, the last bit of the third octet, and the last bit of all.
    let bits = [0, 23, good.length() * 8 - 1];
    let damaged = good.corrupt(&bits);
    assert_eq!((damaged.ip, damaged.tag, damaged.length()), (good.ip, tag, good.length()));
    let mut expected = good.encode();
    expected[0] ^= 0x80;
    expected[2] ^= 0x01;
    *expected.last_mut().unwrap() ^= 0x01;
    assert_eq!(raw(&damaged), expected);
    assert_eq!(raw(&damaged.corrupt(&bits)), good.encode(), "the same bits again mend it");
    assert_eq!(raw(&good.corrupt(&[good.length() * 8, u32::MAX])), good.encode(), "past the end");
    assert_eq!(raw(&good.corrupt(&[5, 5])), good.encode(), "twice is not at all");
}

#[test]
fn every_single_bit_of_a_segment_is_caught() {
    for (ip, bad) in [(v4(), BAD_TCP), (v6(), BAD_TCP)] {
        let good = packet(ip, Body::Tcp(data_segment()));
        for bit in good.ip.length() as u32 * 8..good.length() * 8 {
            assert_eq!(decode(raw(&good.corrupt(&[bit]))), Err(bad), "bit {bit}");
        }
    }
}

/// Of an IPv4 packet no bit may flip unseen. IPv6 has no header checksum: traffic class, flow label and hop limit are
/// not protected, but they harm nothing that is above.
#[test]
fn every_single_bit_of_the_ip_header_is_caught_or_harmless() {
    for good in [packet(v4(), Body::Tcp(data_segment())), packet(v6(), Body::Tcp(data_segment()))] {
        for bit in 0..good.ip.length() as u32 * 8 {
            let unprotected = good.ip.source.is_ipv6() && matches!(bit, 4..32 | 56..64);
            match decode(raw(&good.corrupt(&[bit]))) {
                Ok((_, body)) => {
                    assert!(unprotected, "bit {bit} of the header passed");
                    assert_eq!(body, good.body);
                }
                Err(_) => assert!(!unprotected, "bit {bit}"),
            }
        }
    }
}

/// O20: every burst of up to 15 bits: a first flipped bit and any pattern in the 14 after it.
#[test]
fn every_burst_of_fifteen_bits_is_caught() {
    let good = packet(v4(), Body::Tcp(data_segment())).encode();
    let mut bytes = good.clone();
    bytes.push(0);
    let mut tried = 0_u32;
    for start in 20 * 8..good.len() * 8 {
        for rest in 0..1_u32 << 14 {
            let pattern = ((1 << 14 | rest) << 9) >> (start % 8);
            let flips = pattern.to_be_bytes();
            let at = start / 8;
            if at + 3 > good.len() && (flips[3] != 0 || at + 2 > good.len() && flips[2] != 0) {
                continue;
            }
            let apply = |bytes: &mut [u8]| {
                bytes[at..].iter_mut().zip(&flips[1..]).for_each(|(octet, flip)| *octet ^= flip);
            };
            apply(&mut bytes);
            assert_eq!(decode(&bytes), Err(BAD_TCP), "burst {pattern:024b} at bit {start}");
            apply(&mut bytes);
            tried += 1;
        }
    }
    assert!(tried > 7_000_000, "{tried}");
}

/// Sixteen bits are too many: an all-zero word and an all-ones word are the same number in one's complement.
#[test]
fn a_burst_of_sixteen_bits_may_pass() {
    let good = packet(v4(), Body::Tcp(data_segment()));
    let urgent_pointer: Vec<u32> = (38 * 8..40 * 8).collect();
    let (_, body) = decode(raw(&good.corrupt(&urgent_pointer))).unwrap();
    assert_eq!(body, Body::Tcp(Segment { urgent: 0xFFFF, ..data_segment() }));
    assert!(decode(raw(&good.corrupt(&urgent_pointer[..15]))).is_err());
}

/// O20: addition doesn't know order.
#[test]
fn swapped_words_are_never_caught() {
    let good = packet(v4(), Body::Tcp(data_segment()));
    let bytes = good.encode();
    let data = 20 + 32;
    for first in (data..bytes.len()).step_by(2) {
        for second in (data..first).step_by(2) {
            let mut swapped = bytes.clone();
            swapped[first..first + 2].swap_with_slice(&mut bytes.clone()[second..second + 2]);
            swapped[second..second + 2].copy_from_slice(&bytes[first..first + 2]);
            let (_, body) = decode(&swapped).expect("swapped words pass");
            let Body::Tcp(segment) = body else { panic!("{body:?}") };
            assert_eq!(segment.payload.to_vec(), swapped[data..]);
        }
    }
}

/// O20: two flips pass exactly if they hit the same column of two words that differ there. Over random data of 32 words
/// that is (w - 1) / (2 (16 w - 1)) = 3.03 % of all pairs; over this data the count is known.
#[test]
fn two_flips_are_missed_as_often_as_theory_says() {
    let segment = Segment {
        payload: Payload::Generated { stream: faultwire_base::StreamId(20), offset: 0, len: 32 },
        ..data_segment()
    };
    let good = packet(v4(), Body::Tcp(segment));
    let bytes = good.encode();
    let words = (bytes.len() - 20) / 2;
    assert_eq!(words, 32);
    let mut missed = 0;
    let mut damaged = bytes.clone();
    let bits = bytes.len() * 8;
    for first in 160..bits {
        damaged[first / 8] ^= 0x80 >> (first % 8);
        for second in first + 1..bits {
            damaged[second / 8] ^= 0x80 >> (second % 8);
            missed += u32::from(decode(&damaged) != Err(BAD_TCP));
            damaged[second / 8] ^= 0x80 >> (second % 8);
        }
        damaged[first / 8] ^= 0x80 >> (first % 8);
    }
    let expected: u32 = (0..16)
        .map(|column| {
            let ones = bytes[20..]
                .chunks_exact(2)
                .filter(|word| u16::from_be_bytes([word[0], word[1]]) >> column & 1 == 1)
                .count() as u32;
            ones * (32 - ones)
        })
        .sum();
    assert_eq!(missed, expected);
    let share = f64::from(missed) / f64::from(512 * 511 / 2);
    assert!((share - 0.0303).abs() < 0.003, "{share}");
}

/// O20: garbage passes once in 2^16: whatever the rest is, one value of a word is right (two if that is 0 or ffff).
#[test]
fn garbage_passes_once_in_65536() {
    let segment = Segment { payload: Payload::Zeros { len: 8 }, ..data_segment() };
    for seed in 0..3_u8 {
        let mut bytes = packet(v4(), Body::Tcp(segment.clone())).encode();
        bytes[24..32].fill(seed.wrapping_mul(151).wrapping_add(17));
        let passed: Vec<u16> = (0..=u16::MAX)
            .filter(|word| {
                bytes[56..58].copy_from_slice(&word.to_be_bytes());
                decode(&bytes).is_ok()
            })
            .collect();
        assert!(passed.len() == 1 || passed == [0, 0xFFFF], "{passed:?}");
    }
}

/// The hazard of optional checksums (RFC 768): one flip can turn a checksum into "none".
#[test]
fn a_udp_checksum_of_one_bit_can_be_switched_off() {
    let datagram =
        Datagram { source_port: 1, destination_port: 2, payload: Payload::from_bytes([0xeb, 0xd3]) };
    let good = packet(v4(), Body::Udp(datagram));
    assert_eq!(good.encode()[26..28], [0x00, 0x01]);
    let (_, body) = decode(raw(&good.corrupt(&[27 * 8 + 7]))).unwrap();
    assert_eq!(body, good.body, "the data itself is whole");
}

#[test]
fn every_single_bit_of_icmp_is_caught() {
    for good in every_kind() {
        let Body::Icmp(IcmpMessage { .. }) = good.body else { continue };
        for bit in good.ip.length() as u32 * 8..good.length() * 8 {
            assert!(
                matches!(decode(raw(&good.corrupt(&[bit]))), Err(DecodeError::BadChecksum { .. })),
                "bit {bit} of {good:?}"
            );
        }
    }
}

proptest! {
    /// Damage is harmless or seen, up to what the sum can't see: never a panic, and without flips never a loss.
    #[test]
    fn any_damage(packet in any_packet(), bits in prop::collection::vec(0..16_000_u32, 0..20)) {
        let damaged = packet.corrupt(&bits);
        let _ = decode(raw(&damaged));
        prop_assert_eq!(decode(raw(&packet.corrupt(&[]))), Ok((packet.ip, as_decoded(&packet.body))));
    }
}
