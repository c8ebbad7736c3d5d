//! Which segments are taken, refused and answered.

use faultwire_tcp::{Config, ConnectionError, Quirk, State};
use faultwire_wire::{Cause, Flags, IcmpKind, Payload, Reason, Seq};

use crate::pair::*;
use crate::{open, right_and_wrong, right_and_wrong_of};

/// A segment comes a second time, and A sees what B makes of it: what B sent, and A's state.
fn old_duplicate(config: Config) -> (Vec<String>, State) {
    let mut pair = crate::open_between(rfc(), config);
    pair.write(A, 0, 100);
    pair.run_for(ms(400));
    let before = pair.trace(B).len();
    let mut copy = pair.forged(A, 101, 301, Flags::ACK | Flags::PSH);
    copy.payload = data(0, 100);
    copy.options = pair.sent.iter().find(|sent| sent.segment.payload.len() == 100).unwrap().segment.options;
    pair.inject(B, &copy);
    pair.run_for(ms(60));
    let sent = pair.trace(B).split_off(before).into_iter().map(|(_, line)| line).collect();
    (sent, pair.state(A))
}

/// RFC 9293 §3.10.7.4, first: an old duplicate is acknowledged, or gets nothing.
#[test]
fn old_duplicate_unanswered() {
    for config in [rfc(), linux(), Config::freebsd()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::OldDuplicateUnanswered, old_duplicate);
        assert_eq!(right, (vec!["<SEQ=301><ACK=201><CTL=ACK>".to_owned()], State::Established));
        assert_eq!(wrong, (vec![], State::Established));
    }
}

/// RFC 9293 §3.10.7.4, first: or gets a RST, which is where the sender expects one.
#[test]
fn old_duplicate_reset() {
    for config in [rfc(), linux(), Config::freebsd()] {
        let (_, wrong) = right_and_wrong_of(config, Quirk::OldDuplicateReset, old_duplicate);
        assert_eq!(wrong, (vec!["<SEQ=301><CTL=RST>".to_owned()], State::Closed));
    }
}

/// RFC 1337 §1, RFC 9293 §3.10.7.4: the peer's FIN comes again in TIME-WAIT.
#[test]
fn old_duplicates_in_time_wait() {
    let answer = |config| {
        let (mut pair, _) = in_time_wait(config);
        let before = pair.trace(A).len();
        let mut fin = pair.sent.iter().rev().find(|sent| sent.from == B).unwrap().segment.clone();
        fin.source_port = PATH_B.local_port;
        pair.inject(A, &fin);
        pair.trace(A).split_off(before).into_iter().map(|(_, line)| line).collect::<Vec<_>>()
    };
    let (right, wrong) = right_and_wrong(Quirk::OldDuplicateUnanswered, answer);
    assert_eq!((right, wrong), (vec!["<SEQ=102><ACK=302><CTL=ACK>".to_owned()], vec![]));
    let (_, wrong) = right_and_wrong(Quirk::OldDuplicateReset, answer);
    assert_eq!(wrong, ["<SEQ=102><CTL=RST>"]);
}

/// RFC 7323 §5.3 R1: text with the timestamp of long ago is refused, or taken.
#[test]
fn no_paws() {
    let read = |config: Config| {
        let mut pair = open(config);
        pair.write(B, 0, 100);
        pair.run_for(ms(400));
        let mut old = pair.forged(B, 401, 101, Flags::ACK | Flags::PSH);
        old.payload = Payload::Zeros { len: 50 };
        old.options.set_aligned_timestamps(PATH_B.timestamp_offset - 1000, 0);
        pair.inject(A, &old);
        pair.octets_read(A).len()
    };
    for config in [rfc(), linux(), Config::freebsd()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::NoPaws, read);
        assert_eq!((right, wrong), (100, 150));
    }
}

/// RFC 9293 §3.4: A's ISN is 2^32 - 1000, and it writes 2000 octets. All of them are acknowledged, or none of those beyond
/// the wrap.
#[test]
fn sequence_wrap() {
    let acknowledged = |config: Config| {
        let mut pair = Pair::new(rfc());
        pair.configs[A] = std::sync::Arc::new(config);
        pair.isns[A] = u32::MAX - 999;
        pair.connect(A);
        pair.run_for(ms(150));
        pair.write(A, 0, 500);
        pair.run_for(ms(1000));
        let before = pair.end(A).send_queued();
        pair.write(A, 500, 1500);
        pair.run_for(ms(5000));
        assert_eq!(pair.octets_read(B).len(), 2000);
        (before, pair.end(A).send_queued())
    };
    let (right, wrong) = right_and_wrong(Quirk::SequenceWrap, acknowledged);
    assert_eq!((right, wrong), ((0, 0), (0, 1500)));
    let (right, wrong) = right_and_wrong_of(linux(), Quirk::SequenceWrap, acknowledged);
    assert_eq!((right, wrong), ((0, 0), (0, 1500)));
}

/// RFC 5961 §3.2: a RST inside the window, but not at its left edge, is challenged, or believed.
#[test]
fn reset_anywhere_in_window() {
    let end = |config| {
        let mut pair = open(config);
        let reset = pair.forged(B, 301 + 5000, 101, Flags::RST);
        pair.inject(A, &reset);
        (pair.end(A).error(), pair.sent.last().unwrap().reason)
    };
    for config in [rfc(), linux(), Config::freebsd()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::ResetAnywhereInWindow, end);
        assert_eq!(right, (None, Reason::ChallengeAck));
        assert_eq!(wrong.0, Some(ConnectionError::Reset));
    }
}

/// RFC 9293 §3.5.1, RFC 5961 §4.2: a SYN of a peer that restarted is answered, so that the peer can reset what it finds, or
/// is not.
#[test]
fn half_open_undiscovered() {
    let answers = |config| {
        let mut pair = open(config);
        let before = pair.trace(A).len();
        let mut syn = pair.forged(B, 77_000, 0, Flags::SYN);
        syn.options.set_aligned_timestamps(PATH_B.timestamp_offset + 1000, 0);
        pair.inject(A, &syn);
        pair.trace(A).into_iter().map(|(_, line)| line).skip(before).collect::<Vec<_>>()
    };
    for config in [rfc(), linux(), Config::freebsd()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::HalfOpenUndiscovered, answers);
        assert_eq!((right, wrong), (vec!["<SEQ=101><ACK=301><CTL=ACK>".to_owned()], vec![]));
    }
}

/// RFC 5961 §7: a hundred forged RSTs in a second get as many challenge ACKs as the limit permits, or a hundred.
#[test]
fn challenge_ack_storm() {
    let challenges = |config| {
        let mut pair = open(config);
        let reset = pair.forged(B, 301 + 5000, 101, Flags::RST);
        for _ in 0..100 {
            pair.inject(A, &reset);
            pair.run_for(ms(10));
        }
        pair.times(A, |sent| sent.reason == Reason::ChallengeAck).len()
    };
    for (config, limit) in [(rfc(), 10), (linux(), 2), (Config::freebsd(), 5)] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::ChallengeAckStorm, challenges);
        assert_eq!((right, wrong), (limit, 100));
    }
}

/// RFC 1191 §3: an error that says that a packet was too big makes segments smaller, or nothing.
#[test]
fn packet_too_big_ignored() {
    let sizes = |config| {
        let mut pair = open(config);
        pair.script(|sent| if sent.segment.payload.len() > 1000 { DROP } else { PASS });
        pair.write(A, 0, 1448);
        let kind = IcmpKind::PacketTooBig { mtu: 600 };
        let believed =
            pair.call(A, |connection, now| connection.on_icmp(now, kind, Seq(101), Cause::Injected));
        pair.run_for(ms(5000));
        (believed, pair.octets_read(B).len())
    };
    let (right, wrong) = right_and_wrong(Quirk::PacketTooBigIgnored, sizes);
    assert_eq!((right, wrong), ((true, 1448), (false, 0)));
}
