//! TCP options on their way through bytes: unknown ones are passed over, illegal lengths end the list.

use faultwire_wire::{Body, Options, Segment, Seq, TcpOption, decode};

use crate::samples::{data_segment, packet, v4};

/// The segment after encode and decode.
fn through_bytes(options: &[u8]) -> Segment {
    let options = Options::from_bytes(options).unwrap();
    let bytes = packet(v4(), Body::Tcp(Segment { options, ..data_segment() })).encode();
    match decode(&bytes) {
        Ok((_, Body::Tcp(segment))) => segment,
        other => panic!("{other:?}"),
    }
}

/// Kinds with a meaning here and their legal lengths; END and NOP have none, and Fast Open (34) judges its length later.
const KNOWN: [(u8, &[u8]); 6] =
    [(2, &[4]), (3, &[3]), (4, &[2]), (5, &[10, 18, 26, 34]), (8, &[10]), (28, &[4])];

/// RFC 9293 §3.1, MUST-6: an option that is not implemented is ignored, and what follows it is read.
#[test]
fn unknown_kinds_are_passed_over() {
    let mut tried = 0;
    for kind in (2..=255_u8).filter(|&kind| kind != 34) {
        for length in 2..=38_u8 {
            if KNOWN.iter().any(|(known, lengths)| *known == kind && lengths.contains(&length)) {
                continue;
            }
            let mut bytes = vec![0x99; usize::from(length)];
            (bytes[0], bytes[1]) = (kind, length);
            let data = bytes[2..].to_vec();
            bytes.extend([4, 2]);
            let segment = through_bytes(&bytes);
            assert_eq!(
                segment.options.iter().collect::<Vec<_>>(),
                [TcpOption::Unknown { kind, data: &data }, TcpOption::SackPermitted],
                "kind {kind}, length {length}"
            );
            assert_eq!(segment.payload, data_segment().payload);
            tried += 1;
        }
    }
    assert_eq!(tried, 253 * 37 - 9);
}

/// RFC 9293 §3.1, MUST-7: an illegal length (0, 1, past the end) does no harm: the options before it count.
#[test]
fn illegal_lengths_end_the_list() {
    for kind in 2..=255_u8 {
        for length in (0..=1).chain(39..=255) {
            let segment = through_bytes(&[4, 2, kind, length, 4, 2, 1, 1]);
            assert_eq!(segment.options.iter().collect::<Vec<_>>(), [TcpOption::SackPermitted]);
            assert_eq!(segment.payload, data_segment().payload);
        }
        let last = through_bytes(&[4, 2, 1, kind]);
        assert_eq!(last.options.iter().collect::<Vec<_>>(), [TcpOption::SackPermitted]);
    }
}

/// What follows the end of the list is padding, whatever it says.
#[test]
fn nothing_counts_after_the_end() {
    let segment = through_bytes(&[1, 3, 3, 7, 0, 4, 2, 0]);
    assert_eq!(segment.options.iter().collect::<Vec<_>>(), [TcpOption::WindowScale(7)]);
    assert_eq!(segment.options.as_bytes(), [1, 3, 3, 7, 0, 4, 2, 0], "kept as they came");
}

/// RFC 7323 Appendix A's layout, and any other one, gives the same timestamps and SACK blocks.
#[test]
fn typed_access_finds_options_in_any_layout() {
    let stamp = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    let sack = [5, 10, 0, 0, 0, 3, 0, 0, 0, 4];
    for (octets, stamped, blocks) in [
        ([&[1, 1][..], &stamp].concat(), true, 0),
        ([&stamp[..], &[1, 1]].concat(), true, 0),
        ([&[1][..], &stamp, &[1]].concat(), true, 0),
        ([&[1, 1][..], &stamp, &[1, 1], &sack].concat(), true, 1),
        ([&sack[..], &stamp].concat(), true, 1),
        ([&[1, 1][..], &sack].concat(), false, 1),
        (vec![], false, 0),
        // The end comes first.
        ([&[0, 0][..], &stamp].concat(), false, 0),
        // The last octet is missing.
        ([&[1, 1][..], &stamp[..9]].concat(), false, 0),
    ] {
        let options = Options::from_bytes(&octets).unwrap();
        assert_eq!(options.timestamps(), stamped.then_some((1, 2)), "{octets:?}");
        assert_eq!(options.sack_blocks().count(), blocks, "{octets:?}");
    }
}

#[test]
fn forty_octets_and_no_more() {
    assert!(Options::from_bytes(&[1; 40]).is_some());
    assert!(Options::from_bytes(&[1; 41]).is_none());
    assert_eq!(through_bytes(&[1; 40]).header_length(), 60);
}

/// RFC 9293 §3.1, MUST-4: end of list, no-operation and the MSS, to the octet and back.
#[test]
fn the_options_that_everybody_knows() {
    let mut options = Options::EMPTY;
    options.push_nop();
    options.push_maximum_segment_size(1460);
    options.push_end();
    assert_eq!(options.as_bytes(), [1, 2, 4, 0x05, 0xb4, 0]);
    let segment = through_bytes(options.as_bytes());
    assert_eq!(segment.options.iter().collect::<Vec<_>>(), [TcpOption::MaximumSegmentSize(1460)]);
}

/// RFC 9293 §3.2, MUST-64: an option is read wherever it begins.
#[test]
fn options_begin_at_any_octet() {
    let options: [(&[u8], TcpOption<'_>); 5] = [
        (&[2, 4, 0x05, 0xb4], TcpOption::MaximumSegmentSize(1460)),
        (&[3, 3, 7], TcpOption::WindowScale(7)),
        (&[4, 2], TcpOption::SackPermitted),
        (&[5, 10, 0, 0, 0, 3, 0, 0, 0, 4], TcpOption::Sack(&[0, 0, 0, 3, 0, 0, 0, 4])),
        (&[8, 10, 0, 0, 0, 1, 0, 0, 0, 2], TcpOption::Timestamps { value: 1, echo: 2 }),
    ];
    for (octets, option) in options {
        for before in 0..=30 {
            let bytes = [&vec![1; before][..], octets].concat();
            let segment = through_bytes(&bytes);
            assert_eq!(segment.options.iter().collect::<Vec<_>>(), [option], "after {before} octets");
        }
    }
}

/// RFC 9293 §3.1, MUST-68: whatever is written but end of list and no-operation has its length behind its kind, and only
/// those two are read as one octet.
#[test]
fn all_options_but_two_have_a_length() {
    const BLOCK: (Seq, Seq) = (Seq(3), Seq(4));
    let writers: [fn(&mut Options); 6] = [
        |options| options.push_maximum_segment_size(1460),
        |options| options.push_window_scale(7),
        |options| options.push_sack_permitted(),
        |options| options.push_timestamps(1, 2),
        |options| options.push_sack(&[BLOCK]),
        |options| options.push_sack(&[BLOCK, BLOCK, BLOCK]),
    ];
    for write in writers {
        let mut options = Options::EMPTY;
        write(&mut options);
        assert_eq!(usize::from(options.as_bytes()[1]), options.as_bytes().len());
    }
    for kind in 0..=255_u8 {
        // As a length, 4 takes what follows up to the last option; as an option of its own, it is SACK-permitted.
        let segment = through_bytes(&[kind, 4, 2, 0x99, 3, 3, 7]);
        let read: Vec<_> = segment.options.iter().collect();
        match kind {
            0 => assert_eq!(read, []),
            1 => assert_eq!(read[0], TcpOption::SackPermitted),
            _ => assert_eq!((read.len(), read[1]), (2, TcpOption::WindowScale(7)), "kind {kind}"),
        }
    }
}

/// RFC 7413 §4.1.1 and its appendix: kind 34, or kind 254 with the magic number; RFC 5482 §3: kind 28.
#[test]
fn fast_open_and_user_timeout() {
    let mut options = Options::EMPTY;
    options.push_user_timeout(0x8002);
    options.push_fast_open(&[1, 2, 3, 4], false);
    options.push_fast_open(&[5, 6, 7, 8], true);
    options.push_fast_open(&[], true);
    assert_eq!(
        options.as_bytes(),
        [28, 4, 0x80, 2, 34, 6, 1, 2, 3, 4, 254, 8, 0xf9, 0x89, 5, 6, 7, 8, 254, 4, 0xf9, 0x89]
    );
    assert_eq!(
        options.iter().collect::<Vec<_>>(),
        [
            TcpOption::UserTimeout(0x8002),
            TcpOption::FastOpen { cookie: &[1, 2, 3, 4], experimental: false },
            TcpOption::FastOpen { cookie: &[5, 6, 7, 8], experimental: true },
            TcpOption::FastOpen { cookie: &[], experimental: true },
        ]
    );
    let other = through_bytes(&[254, 4, 0xf9, 0x88]);
    let data: &[u8] = &[0xf9, 0x88];
    assert_eq!(other.options.iter().collect::<Vec<_>>(), [TcpOption::Unknown { kind: 254, data }]);
}

/// What an earlier segment left in the place of the options does not count.
#[test]
fn options_are_made_in_place() {
    let mut options = Options::EMPTY;
    options.push_timestamps(1, 2);
    options.push_sack(&[(Seq(3), Seq(4)), (Seq(5), Seq(6))]);
    options.clear();
    assert_eq!(options, Options::EMPTY);
    options.set_aligned_timestamps(7, 8);
    assert_eq!(options, Options::aligned_timestamps(7, 8));
    assert_eq!(options.plain_timestamps(), Some([0, 0, 0, 7, 0, 0, 0, 8]));
    options.push_nop();
    assert_eq!(options.plain_timestamps(), None);
}
