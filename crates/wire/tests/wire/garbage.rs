//! Hostile bytes: never a panic, and what is accepted can be sent on.

use faultwire_base::Instant;
use faultwire_wire::{Body, CaptureWriter, Packet, Quote, Tag, decode};
use proptest::prelude::*;

use crate::samples::plain_checksum;

/// Uses everything that a receiver would look at.
fn use_up(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = Quote::parse(bytes);
    let Ok((ip, body)) = decode(bytes) else { return Ok(()) };
    match &body {
        Body::Tcp(segment) => {
            prop_assert!(segment.options.iter().count() <= 20);
            let _ = (segment.options.timestamps(), segment.options.sack_blocks().count());
            let _ = format!("{segment:?}");
        }
        Body::Icmp(message) => {
            let _ = message.quote();
        }
        Body::Udp(_) | Body::Raw(_) => {}
    }
    let packet = Packet { ip, body, tag: Tag::default() };
    let again = packet.encode();
    prop_assert_eq!(again.len(), packet.length() as usize);
    prop_assert_eq!(decode(&again), Ok((packet.ip, packet.body)));
    Ok(())
}

/// Garbage as the payload of a good IPv4 packet, its transport checksum at `checksum_at` made right.
fn framed(protocol: u8, checksum_at: usize, garbage: &[u8]) -> Vec<u8> {
    let mut payload = garbage.to_vec();
    let length = payload.len() as u16;
    let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    bytes[2..4].copy_from_slice(&(20 + length).to_be_bytes());
    let checksum = plain_checksum(&bytes);
    bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
    if payload.len() >= checksum_at + 2 {
        payload[checksum_at..checksum_at + 2].fill(0);
        let mut summed = Vec::new();
        if protocol != 1 {
            summed.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, protocol]);
            summed.extend(length.to_be_bytes());
        }
        summed.extend(&payload);
        let checksum = plain_checksum(&summed);
        payload[checksum_at..checksum_at + 2].copy_from_slice(&checksum.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        use_up(&bytes)?;
    }

    /// The first octet says IPv4 or IPv6, so that the rest is looked at.
    #[test]
    fn random_ip(ipv6: bool, mut bytes in prop::collection::vec(any::<u8>(), 1..100)) {
        bytes[0] = if ipv6 { 0x60 } else { 0x45 } | bytes[0] & 0x0F;
        if ipv6 && bytes.len() >= 40 {
            let length = bytes.len() as u16 - 40;
            bytes[4..6].copy_from_slice(&length.to_be_bytes());
            bytes[6] = [6, 17, 58, bytes[6]][usize::from(bytes[6] & 3)];
        }
        use_up(&bytes)?;
    }

    /// Random transport headers behind right checksums: these are accepted unless a length is wrong.
    #[test]
    fn random_transport(which in 0..3_usize, garbage in prop::collection::vec(any::<u8>(), 0..90)) {
        let (protocol, checksum_at) = [(6, 16), (17, 6), (1, 2)][which];
        use_up(&framed(protocol, checksum_at, &garbage))?;
    }
}

/// The frames above do reach the readers of transport headers.
#[test]
fn frames_are_accepted() {
    let mut segment = [0x5A; 40];
    segment[12] = 0x80;
    assert!(matches!(decode(&framed(6, 16, &segment)), Ok((_, Body::Tcp(_)))));
    let mut datagram = [0x5A; 40];
    datagram[4..6].copy_from_slice(&[0, 40]);
    assert!(matches!(decode(&framed(17, 6, &datagram)), Ok((_, Body::Udp(_)))));
    assert!(matches!(decode(&framed(1, 2, &[0x5A; 40])), Ok((_, Body::Icmp(_)))));
}

proptest! {
    /// A capture takes any bytes.
    #[test]
    fn captured(bytes in prop::collection::vec(any::<u8>(), 0..100), at: u64, comment: Option<String>) {
        let mut capture = CaptureWriter::new(Vec::new(), "link", &[]).unwrap();
        capture.write(Instant::from_nanos(at), &bytes, comment.as_deref()).unwrap();
        prop_assert_eq!(capture.finish().unwrap().len() % 4, 0);
    }
}
