//! Half-close, close, abort, reset.

use faultwire_base::Duration;
use faultwire_tcp::{ConnectionError, Event, State};
use faultwire_wire::{Flags, Payload, Reason};

use crate::pair::*;

/// S20: A shuts its sending side down; B sends a megabyte, and only then closes.
#[test]
fn half_close() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.call(A, |a, now| a.shutdown_write(now));
        pair.run_for(ms(100));
        assert_eq!((pair.state(A), pair.state(B)), (State::FinWait2, State::CloseWait));
        assert!(pair.end(B).at_eof());
        let mut written = 0;
        while written < 1_000_000 {
            written += pair.write(B, written, (1_000_000 - written) as u32);
            pair.run_for(ms(50));
        }
        pair.close(B);
        pair.run_to_end();
        assert_eq!(pair.octets_read(A), data(0, 1_000_000).to_vec());
        assert_eq!(
            pair.state_names(A),
            ["CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"]
        );
        assert_eq!(
            pair.state_names(B),
            ["LISTEN", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]
        );
        assert_eq!((pair.end(A).error(), pair.end(B).error()), (None, None));
    }
}

/// S21, SHLD-3: closing with unread data resets.
#[test]
fn close_with_unread_data() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.auto_read[B] = false;
        pair.write(A, 0, 100);
        pair.run_for(ms(100));
        pair.close(B);
        assert_eq!(pair.state(B), State::Closed);
        let reset = pair.sent.last().unwrap();
        assert_eq!(reset.reason, Reason::UnreadData);
        assert!(reset.segment.flags.contains(Flags::RST));
        assert_eq!(reset.segment.seq.0, 301);
        pair.run_for(ms(100));
        assert_eq!(pair.state(A), State::Closed);
        assert_eq!(pair.end(A).error(), Some(ConnectionError::Reset));
    }
}

/// SHLD-3: data that arrives after the close resets as well, by a RST that takes its number from the ACK field of what
/// it answers (§3.5.2). In CLOSE-WAIT Linux tells the user of it by EPIPE.
#[test]
fn data_after_close() {
    for (config, error) in [(rfc(), ConnectionError::Reset), (linux(), ConnectionError::PipeBroken)] {
        let mut pair = Pair::open(config);
        pair.close(B);
        pair.run_for(ms(100));
        assert_eq!((pair.state(A), pair.state(B)), (State::CloseWait, State::FinWait2));
        pair.write(A, 0, 100);
        pair.run_for(ms(100));
        assert_eq!((pair.state(A), pair.state(B)), (State::Closed, State::Closed));
        let reset = pair.sent.last().unwrap();
        assert_eq!((show(&reset.segment).as_str(), reset.reason), ("<SEQ=302><CTL=RST>", Reason::UnreadData));
        assert_eq!(pair.end(A).error(), Some(error));
    }
}

/// S22: a lost FIN goes again after the RTO, with the same SEQ.
#[test]
fn lost_fin() {
    // A probe (RFC 8985 §7) would come before the RTO.
    let mut pair = Pair::open(without_probe(rfc()));
    pair.script(|sent| if sent.reason == Reason::Fin && sent.from == A { DROP } else { PASS });
    pair.close(A);
    pair.run_for(ms(1500));
    let fins: Vec<_> = pair
        .sent
        .iter()
        .filter(|sent| sent.from == A && sent.segment.flags.contains(Flags::FIN))
        .map(|sent| (sent.at, sent.segment.seq.0, sent.transmission))
        .collect();
    assert_eq!(fins, [(at(150), 101, 1), (at(1150), 101, 2)]);
    // MUST-61: PSH belongs to data.
    let flags = |sent: &&Sent| sent.segment.flags.contains(Flags::FIN | Flags::PSH);
    assert_eq!(pair.sent.iter().filter(flags).count(), 0);
    assert_eq!(pair.state(A), State::FinWait2);
}

/// S23: the ACK of the FIN is lost, the peer's FIN with the same ACK leads straight to TIME-WAIT (figure 5, note 2).
#[test]
fn fin_with_the_ack_of_our_fin() {
    let mut pair = Pair::open(rfc());
    pair.script(|sent| if sent.from == B && sent.reason == Reason::Ack { DROP } else { PASS });
    pair.close(A);
    pair.run_for(ms(60));
    pair.close(B);
    pair.run_for(ms(100));
    assert_eq!(pair.state_names(A), ["CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "TIME_WAIT"]);
}

/// S24: the last ACK is lost; the FIN comes again, is acknowledged again and restarts 2 MSL.
#[test]
fn lost_last_ack() {
    for config in [rfc(), linux()] {
        let length = config.time_wait.length;
        let mut pair = Pair::open(config);
        pair.close(A);
        pair.run_for(ms(100));
        let sent_by_a = pair.sent.iter().filter(|sent| sent.from == A).count();
        pair.script(move |sent| if sent.from == A && sent.count == sent_by_a + 1 { DROP } else { PASS });
        pair.close(B);
        pair.run_to_end();
        let second_fin = pair
            .sent
            .iter()
            .filter(|sent| sent.from == B && sent.segment.flags.contains(Flags::FIN))
            .nth(1)
            .unwrap();
        assert_eq!(second_fin.transmission, 2);
        assert_eq!(pair.entered(A, State::Closed), second_fin.at + ms(50) + length);
        assert_eq!(pair.entered(B, State::Closed), second_fin.at + ms(100));
    }
}

/// S25: a FIN that overtakes data waits for it.
#[test]
fn fin_overtakes_data() {
    let mut pair = Pair::open(rfc());
    pair.script(|sent| {
        let last_data = sent.from == A && sent.segment.payload.len() == 100;
        Fate { delay: if last_data { ms(30) } else { ms(0) }, ..PASS }
    });
    pair.write(A, 0, 1448);
    pair.call(A, |a, _| a.set_no_delay(true));
    pair.write(A, 1448, 100);
    pair.close(A);
    pair.run_for(ms(60));
    assert_eq!(pair.state(B), State::Established, "the FIN waits");
    assert!(!pair.end(B).at_eof());
    pair.run_for(ms(60));
    assert_eq!(pair.state(B), State::CloseWait);
    assert_eq!(pair.octets_read(B), data(0, 1548).to_vec());
}

/// ABORT: `<SEQ=SND.NXT><CTL=RST>` by the letter, with an ACK on Linux (RFC 9293 §3.10.5).
#[test]
fn abort() {
    for (config, text) in [(rfc(), "<SEQ=111><CTL=RST>"), (linux(), "<SEQ=111><ACK=301><CTL=RST,ACK>")] {
        let mut pair = Pair::open(config);
        pair.write(A, 0, 10);
        pair.call(A, |a, now| a.abort(now));
        assert_eq!(show(&pair.sent.last().unwrap().segment), text);
        assert_eq!(pair.state(A), State::Closed);
        pair.run_for(ms(100));
        assert_eq!(pair.state(B), State::Closed);
        assert_eq!(pair.octets_read(B).len(), 10);
        assert!(pair.events[B].iter().any(|(_, event)| *event == Event::Error(ConnectionError::Reset)));
    }
}

/// Linux: an orphan leaves FIN-WAIT-2 after tcp_fin_timeout; by the letter it waits for ever.
#[test]
fn orphan_in_fin_wait_2() {
    let mut pair = Pair::open(linux());
    pair.close(A);
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.entered(A, State::Closed), at(150 + 100 + 60_000));
    let mut pair = Pair::open(rfc());
    pair.close(A);
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.state(A), State::FinWait2);
    // Not an orphan: Linux waits too.
    let mut pair = Pair::open(linux());
    pair.call(A, |a, now| a.shutdown_write(now));
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.state(A), State::FinWait2);
}

/// CLOSE in SYN-SENT; a half-close before the handshake is over sends its data, then the FIN.
#[test]
fn close_while_opening() {
    let mut pair = Pair::new(rfc());
    pair.connect(A);
    pair.close(A);
    assert_eq!(pair.state(A), State::Closed);

    let mut pair = Pair::new(rfc());
    pair.connect(A);
    pair.write(A, 0, 100);
    pair.call(A, |a, now| a.shutdown_write(now));
    pair.run_for(ms(300));
    assert_eq!((pair.state(A), pair.state(B)), (State::FinWait2, State::CloseWait));
    assert_eq!(pair.octets_read(B), data(0, 100).to_vec());
    assert_eq!(pair.write(A, 100, 1), 0, "nothing after the end of the stream");
}

/// S05, MUST-11: a RST in SYN-RECEIVED reached by an active OPEN means refused.
#[test]
fn reset_in_simultaneous_open() {
    let mut pair = Pair::new(rfc());
    pair.connect(A);
    let syn = pair.forged(B, 300, 0, Flags::SYN);
    pair.inject(A, &syn);
    assert_eq!(pair.state(A), State::SynReceived);
    let reset = pair.forged(B, 301, 0, Flags::RST);
    pair.inject(A, &reset);
    assert_eq!(pair.state(A), State::Closed);
    assert_eq!(pair.end(A).error(), Some(ConnectionError::Refused));
}

/// S10: nobody listens.
#[test]
fn refused() {
    let mut pair = Pair::new(rfc());
    pair.ends[B] = End::Closed;
    pair.connect(A);
    pair.run_for(ms(100));
    assert_eq!(pair.lines[1], "CLOSED <-- <SEQ=0><ACK=101><CTL=RST,ACK> <-- CLOSED");
    assert_eq!(pair.end(A).error(), Some(ConnectionError::Refused));
}

/// S13: a SYN,ACK that acknowledges something else is answered by a RST, and nothing changes.
#[test]
fn wrong_ack_in_syn_sent() {
    let mut pair = Pair::new(rfc());
    pair.connect(A);
    let forged = pair.forged(B, 300, 999, Flags::SYN | Flags::ACK);
    pair.inject(A, &forged);
    assert_eq!(show(&pair.sent.last().unwrap().segment), "<SEQ=999><CTL=RST>");
    assert_eq!(pair.state(A), State::SynSent);
    pair.run_for(ms(200));
    assert_eq!(pair.state(A), State::Established);
}

/// SHLD-2: a RST may carry data; it is not delivered.
#[test]
fn reset_with_data() {
    let mut pair = Pair::open(rfc());
    let mut reset = pair.forged(A, 101, 301, Flags::RST);
    reset.payload = Payload::Zeros { len: 10 };
    pair.inject(B, &reset);
    assert_eq!(pair.state(B), State::Closed);
    assert!(pair.octets_read(B).is_empty());
}
