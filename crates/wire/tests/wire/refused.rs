//! Each error of `decode`, made one at a time from a good packet.

use faultwire_wire::{Body, DecodeError, IpHeader, Packet, Protocol, decode};

use crate::samples::{as_decoded, data_segment, every_kind, packet, plain_checksum, v4, v6};

fn segment_v4() -> Packet {
    packet(v4(), Body::Tcp(data_segment()))
}

/// Recomputes the IPv4 header checksum over the length that the header itself gives.
fn fix_header(bytes: &mut [u8]) {
    let length = usize::from(bytes[0] & 15) * 4;
    bytes[10..12].fill(0);
    let checksum = plain_checksum(&bytes[..length]);
    bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// The error of the IPv4 segment after `change`, with its header checksum made right again.
fn error_after(change: impl FnOnce(&mut Vec<u8>)) -> DecodeError {
    let mut bytes = segment_v4().encode();
    change(&mut bytes);
    fix_header(&mut bytes);
    decode(&bytes).unwrap_err()
}

#[test]
fn every_prefix_is_truncated() {
    for packet in every_kind() {
        let bytes = packet.encode();
        for length in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..length]),
                Err(DecodeError::Truncated),
                "{length} octets of {packet:?}"
            );
        }
    }
}

/// Link layers pad short frames; the IP length rules.
#[test]
fn link_padding_is_ignored() {
    for packet in every_kind() {
        let mut bytes = packet.encode();
        bytes.extend([0xAA; 7]);
        assert_eq!(decode(&bytes), Ok((packet.ip, as_decoded(&packet.body))));
    }
}

#[test]
fn wrong_versions() {
    for version in (0..16).filter(|version| ![4, 6].contains(version)) {
        let mut bytes = segment_v4().encode();
        bytes[0] = version << 4 | 5;
        assert_eq!(decode(&bytes), Err(DecodeError::BadIpVersion(version)));
    }
}

#[test]
fn ip_header_lengths() {
    for words in 0..5 {
        let mut bytes = segment_v4().encode();
        bytes[0] = 0x40 | words;
        assert_eq!(decode(&bytes), Err(DecodeError::BadIpHeaderLength(words * 4)));
    }
    assert_eq!(error_after(|bytes| bytes[2..4].copy_from_slice(&[0, 19])), DecodeError::BadLength);
    let beyond_options = error_after(|bytes| {
        bytes[0] = 0x46;
        bytes[2..4].copy_from_slice(&[0, 23]);
    });
    assert_eq!(beyond_options, DecodeError::BadLength);
    assert_eq!(error_after(|bytes| bytes[2..4].copy_from_slice(&[0, 39])), DecodeError::Truncated);
    assert_eq!(error_after(|bytes| bytes[2..4].copy_from_slice(&[0xFF, 0xFF])), DecodeError::Truncated);
}

#[test]
fn ip_header_checksum() {
    let mut bytes = segment_v4().encode();
    bytes[8] -= 1;
    assert_eq!(decode(&bytes), Err(DecodeError::BadIpHeaderChecksum));
    fix_header(&mut bytes);
    assert_eq!(decode(&bytes).unwrap().0, IpHeader { hop_limit: 63, ..v4() });
}

/// RFC 9293 §3.9.2, MUST-50: a segment is processed as without the options.
#[test]
fn ip_options_are_skipped() {
    let good = segment_v4();
    for words in 1..=10_u8 {
        let mut bytes = good.encode();
        let length = usize::from(words) * 4;
        // A kind that nobody knows, of an illegal length: it isn't looked at.
        bytes.splice(20..20, [vec![0x5E, 1], vec![0xEE; length - 2]].concat());
        bytes[0] = 0x45 + words;
        let total = good.length() as u16 + u16::from(words) * 4;
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        fix_header(&mut bytes);
        assert_eq!(decode(&bytes), Ok((good.ip, good.body.clone())));
    }
}

#[test]
fn fragments() {
    for fragmentation in [0x2000_u16, 0x0001, 0x1FFF, 0x3000, 0x6000] {
        let error = error_after(|bytes| bytes[6..8].copy_from_slice(&fragmentation.to_be_bytes()));
        assert_eq!(error, DecodeError::Fragment, "{fragmentation:#06x}");
    }
}

#[test]
fn protocols() {
    for number in (0..=255).filter(|number| ![1, 6, 17].contains(number)) {
        assert_eq!(error_after(|bytes| bytes[9] = number), DecodeError::UnknownProtocol(number));
    }
    for number in (0..=255).filter(|number| ![6, 17, 58].contains(number)) {
        let mut bytes = packet(v6(), Body::Tcp(data_segment())).encode();
        bytes[6] = number;
        let expected = match number {
            44 => DecodeError::Fragment,
            0 | 43 | 50 | 51 | 60 | 135 | 139 | 140 => DecodeError::ExtensionHeader(number),
            _ => DecodeError::UnknownProtocol(number),
        };
        assert_eq!(decode(&bytes), Err(expected));
    }
}

#[test]
fn tcp_header_lengths() {
    // 20 octets, 12 of options, 24 of data: 14 words in all.
    for words in (0..5).chain(15..16_u8) {
        let error = error_after(|bytes| {
            let (old, new) = (bytes[32], words << 4 | bytes[32] & 15);
            bytes[32] = new;
            // RFC 1624 §3: the checksum follows the changed word.
            let checksum = u16::from_be_bytes([bytes[36], bytes[37]]);
            let sum = u32::from(!checksum) + u32::from(!(u16::from(old) << 8)) + (u32::from(new) << 8);
            let sum = (sum & 0xFFFF) + (sum >> 16);
            let sum = (sum & 0xFFFF) + (sum >> 16);
            bytes[36..38].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        });
        assert_eq!(error, DecodeError::BadTcpHeaderLength(words * 4));
    }
}

/// An IP packet may end inside the fixed part of its transport header.
#[test]
fn short_transport_headers() {
    for (number, fixed) in [(6, 20), (17, 8), (1, 8)] {
        for length in 0..fixed {
            let error = error_after(|bytes| {
                bytes[9] = number;
                bytes[2..4].copy_from_slice(&(20 + length as u16).to_be_bytes());
                bytes.truncate(20 + length);
            });
            assert_eq!(error, DecodeError::Truncated, "protocol {number}, {length} octets");
        }
    }
}

/// RFC 768: the length counts the header. RFC 2675's length 0 (jumbograms) is not spoken here.
#[test]
fn udp_lengths() {
    for length in 0..=60_u16 {
        let datagram = [&[0, 1, 0, 2][..], &length.to_be_bytes(), &[0, 0], &[0x5A; 32]].concat();
        let mut bytes = packet(v4(), Body::Raw(datagram.into())).encode();
        let mut header = segment_v4().encode()[..20].to_vec();
        (header[2], header[3], header[9]) = (0, 60, 17);
        bytes.splice(0..0, header);
        fix_header(&mut bytes);
        match decode(&bytes) {
            Ok((_, Body::Udp(datagram))) => {
                assert!((8..=40).contains(&length), "{length}");
                assert_eq!(datagram.payload.len(), u32::from(length) - 8);
            }
            Err(DecodeError::BadLength) => assert!(length < 8, "{length}"),
            Err(DecodeError::Truncated) => assert!(length > 40, "{length}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Errors come in a host's order: the IP header before the segment, the checksum before what it protects.
#[test]
fn the_first_error_wins() {
    let mut bytes = segment_v4().encode();
    bytes[32] = 0;
    assert_eq!(decode(&bytes), Err(DecodeError::BadChecksum { protocol: Protocol::TCP }));
    bytes[8] = 0;
    assert_eq!(decode(&bytes), Err(DecodeError::BadIpHeaderChecksum));
    assert_eq!(decode(&[]), Err(DecodeError::Truncated));
}
