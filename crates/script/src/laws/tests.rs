use super::*;

fn segment(seq: u32, ack: u32, flags: Flags, window: u16) -> Segment {
    Segment { seq: Seq(seq), ack: Seq(ack), flags, window, ..Segment::default() }
}

/// Laws after a handshake; the peer's ISN is 99.
fn opened() -> Laws {
    let mut laws = Laws::default();
    laws.received(&segment(99, 0, Flags::SYN, 100));
    assert_eq!(laws.sent(&segment(5, 100, Flags::SYN | Flags::ACK, 1_000)), None);
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
