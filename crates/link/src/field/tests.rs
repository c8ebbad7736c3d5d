//! Reading and rewriting header fields.

use super::HeaderField;
use crate::direction::tests::packets::{datagram, segment};

#[test]
fn what_is_written_is_read() {
    for field in HeaderField::ALL.into_iter().filter(|field| field.can_be_rewritten()) {
        let mut packet = segment(100);
        for value in [1, 0, field.largest()] {
            assert!(field.write(&mut packet, value), "{field}");
            assert_eq!(field.read(&packet), Some(value), "{field}");
        }
    }
}

#[test]
fn lengths_are_read_only() {
    let packet = segment(100);
    assert_eq!(HeaderField::PayloadLength.read(&packet), Some(100));
    assert_eq!(HeaderField::Length.read(&packet), Some(140));
    assert!(!HeaderField::Length.can_be_rewritten() && !HeaderField::PayloadLength.can_be_rewritten());
}

#[test]
fn a_datagram_has_no_sequence_number() {
    let mut packet = datagram(10);
    assert_eq!(HeaderField::Seq.read(&packet), None);
    assert!(!HeaderField::Seq.write(&mut packet, 1));
    assert_eq!(packet, datagram(10));
    assert_eq!(HeaderField::DestinationPort.read(&packet), Some(2));
}

#[test]
fn raw_bytes_are_left_alone() {
    let mut raw = segment(10).corrupt(&[0]);
    assert!(!HeaderField::HopLimit.write(&mut raw, 1));
    assert_eq!(HeaderField::SourcePort.read(&raw), None);
}

#[test]
fn names_lead_back() {
    for field in HeaderField::ALL {
        assert_eq!(field.as_str().parse(), Ok(field));
    }
    assert_eq!("colour".parse::<HeaderField>(), Err(()));
}
