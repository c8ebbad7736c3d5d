use faultwire_wire::Options;

use super::*;

fn segment(seq: u32, ack: u32, flags: Flags, window: u16) -> Segment {
    Segment { seq: Seq(seq), ack: Seq(ack), flags, window, ..Segment::default() }
}

fn with_scale(mut segment: Segment, shift: u8) -> Segment {
    segment.options = Options::EMPTY;
    segment.options.push_window_scale(shift);
    segment
}

/// Laws after a handshake in which both offered window scales; the peer's ISN is 99.
fn opened() -> Laws {
    let mut laws = Laws::default();
    laws.received(&with_scale(segment(99, 0, Flags::SYN, 100), 2));
    let syn_ack = with_scale(segment(5, 100, Flags::SYN | Flags::ACK, 1_000), 4);
    assert_eq!(laws.sent(&syn_ack), None);
    laws
}

/// RFC 9293 §3.2, MUST-65.
#[test]
fn an_mss_stands_on_a_syn_only() {
    let mut laws = opened();
    let mut wrong = segment(6, 100, Flags::ACK, 1_000);
    wrong.options.push_maximum_segment_size(1_460);
    assert!(laws.sent(&wrong).unwrap().contains("MUST-65"));
}

#[test]
fn only_what_was_sent_is_acknowledged() {
    let mut laws = opened();
    laws.received(&segment(100, 6, Flags::ACK | Flags::FIN, 100));
    assert_eq!(laws.sent(&segment(6, 101, Flags::ACK, 1_000)), None);
    assert!(laws.sent(&segment(6, 102, Flags::ACK, 1_000)).is_some());
    // A reset answers what came, and is no acknowledgment of a window.
    assert_eq!(laws.sent(&segment(6, 102, Flags::ACK | Flags::RST, 0)), None);
}

/// RFC 9293 §3.8.6, SHLD-14: the edge counts in scaled units, so less than one unit is nothing.
#[test]
fn the_window_does_not_shrink() {
    let mut laws = opened();
    assert_eq!(laws.sent(&segment(6, 100, Flags::ACK, 100)), None, "1,600 octets, more than before");
    laws.received(&segment(100, 6, Flags(Flags::ACK.0 | Flags::PSH.0), 100));
    let mut data = segment(100, 6, Flags::ACK, 100);
    data.payload = faultwire_wire::Payload::Zeros { len: 40 };
    laws.received(&data);
    assert_eq!(laws.sent(&segment(6, 115, Flags::ACK, 99)), None, "15 octets acknowledged, 16 less");
    assert!(laws.sent(&segment(6, 115, Flags::ACK, 98)).is_some());
}

/// RFC 5961 §4: a SYN on a connection is challenged, and changes nothing.
#[test]
fn a_stray_syn_is_no_new_beginning() {
    let mut laws = opened();
    assert_eq!(laws.sent(&segment(6, 100, Flags::ACK, 100)), None);
    laws.received(&segment(50, 0, Flags::SYN, 100));
    assert_eq!(laws.sent(&segment(6, 100, Flags::ACK, 100)), None);
    // Unless it is answered: then it counts.
    laws.received(&segment(5_000, 0, Flags::SYN, 100));
    assert_eq!(laws.sent(&segment(900, 5_001, Flags::SYN | Flags::ACK, 100)), None);
    assert!(laws.sent(&segment(901, 5_002, Flags::ACK, 100)).is_some());
}
