//! The peer's window and its right edge.

use super::*;

/// 10,000 octets are on their way, and the peer at its position `at` has offered 20,000.
fn sending(at: Offset) -> SendWindow {
    let mut send = SendWindow::new(Seq(1), 1000);
    send.advance(10_001);
    send.acknowledge(Offset::FIRST);
    send.update(at, Offset::FIRST, 20_000);
    send
}

#[test]
fn an_old_segment_does_not_change_the_window() {
    let at = Offset::FIRST + 5_000;
    let mut send = sending(at);
    assert!(!send.update(Offset::FIRST, Offset::FIRST, 7_000));
    assert_eq!(send.window(), 20_000);
    assert!(send.update(at, Offset::FIRST, 7_000));
}

#[test]
fn a_retransmission_that_acknowledges_more_takes_its_window_along() {
    // RFC 9293 §3.8.6: the peer has read nothing; its right edge stays at 20,001.
    let at = Offset::FIRST + 5_000;
    let mut send = sending(at);
    let edge = send.right_edge();
    assert!(send.update(Offset::FIRST, Offset::FIRST + 6_000, 14_000));
    send.acknowledge(Offset::FIRST + 6_000);
    assert_eq!(send.right_edge(), edge);
    // What is older than the newest segment that brought a window stays old.
    assert!(!send.update(Offset::FIRST + 1_000, Offset::FIRST + 6_000, 30_000));
}
