//! TIME-WAIT by profile: what answers, restarts, ends or reopens it (S26 to S37; D0 to D9 measured on Linux 6.18).

use faultwire_base::{Duration, Instant};
use faultwire_tcp::{Config, TimeWait, TimeWaitVerdict};
use faultwire_wire::{Cause, Flags, Payload, Segment, Seq};

use crate::pair::*;

/// RCV.NXT and SND.NXT of the connection in TIME-WAIT.
const R: u32 = 302;
const S: u32 = 102;

/// A connection in TIME-WAIT without timestamps, and when its 2 MSL end.
fn plain(config: Config) -> (TimeWait, Instant, Instant) {
    let mut config = config;
    config.options.timestamps = false;
    let (pair, time_wait) = in_time_wait(config);
    let deadline = time_wait.deadline();
    (time_wait, pair.now, deadline)
}

fn stamped(config: Config) -> (TimeWait, Instant, u32) {
    let (pair, time_wait) = in_time_wait(config);
    // B's clock at its FIN.
    (time_wait, pair.now, 90_000 + 200)
}

fn segment(seq: u32, ack: u32, flags: Flags) -> Segment {
    Segment {
        source_port: 80,
        destination_port: 40_000,
        seq: Seq(seq),
        ack: Seq(ack),
        flags,
        window: 1000,
        ..Segment::default()
    }
}

fn with_time(mut segment: Segment, value: u32) -> Segment {
    segment.options.push_raw(&[1, 1]);
    segment.options.push_timestamps(value, 0);
    segment
}

fn answer(verdict: &TimeWaitVerdict) -> String {
    match verdict {
        TimeWaitVerdict::Ignore(_) => "silence".into(),
        TimeWaitVerdict::Reply(outgoing) => show(&outgoing.segment),
        TimeWaitVerdict::Closed => "closed".into(),
        TimeWaitVerdict::Reopen { minimum_isn } => format!("reopen {}", minimum_isn.0 - S),
    }
}

const ACK: &str = "<SEQ=102><ACK=302><CTL=ACK>";

/// Each row: what arrives 3 s later, the answer and whether the clock starts again, by the letter and on Linux.
#[test]
fn segments() {
    let fin = segment(R - 1, S, Flags::FIN | Flags::ACK);
    let mut old_data = segment(R - 50, S, Flags::ACK);
    old_data.payload = Payload::Zeros { len: 10 };
    let mut new_data = segment(R, S, Flags::ACK);
    new_data.payload = Payload::Zeros { len: 10 };
    let bare_ack = segment(R, S, Flags::ACK);
    let syn_ack = segment(300, 101, Flags::SYN | Flags::ACK);
    let old_syn = segment(300, 0, Flags::SYN);
    let new_syn = segment(R + 1, 0, Flags::SYN);
    let half_way = segment(R.wrapping_add(i32::MAX as u32), 0, Flags::SYN);
    let beyond = segment(R.wrapping_add((1 << 31) + 1), 0, Flags::SYN);
    let reset_near = segment(R + 1, 0, Flags::RST);
    let reset_far = segment(R - 1, 0, Flags::RST);
    let rows = [
        ("D1 FIN again", fin, (ACK, true), (ACK, true)),
        ("D2 old data", old_data, (ACK, false), (ACK, true)),
        ("new data", new_data, ("silence", false), (ACK, true)),
        ("bare ACK", bare_ack, ("silence", false), ("silence", true)),
        ("old SYN,ACK", syn_ack, (ACK, false), (ACK, true)),
        ("D5 old SYN", old_syn, ("silence", false), (ACK, false)),
        ("D6 new SYN", new_syn, ("reopen 65536", false), ("reopen 65537", false)),
        ("D9 half way round", half_way, ("reopen 65536", false), ("reopen 65537", false)),
        ("beyond half way", beyond, ("silence", false), (ACK, false)),
        ("RST in the window", reset_near, (ACK, false), ("silence", false)),
        ("RST outside", reset_far, ("silence", false), ("silence", false)),
    ];
    for (name, segment, by_letter, on_linux) in rows {
        for (config, (reply, restarts)) in [(rfc(), by_letter), (linux(), on_linux)] {
            let length = config.time_wait.length;
            let (mut time_wait, now, deadline) = plain(config);
            let later = now + Duration::from_secs(3);
            let verdict = time_wait.receive(later, &segment, Cause::Unknown);
            assert_eq!(answer(&verdict), reply, "{name}");
            let expected = if restarts { later + length } else { deadline };
            assert_eq!(time_wait.deadline(), expected, "{name}");
        }
    }
}

/// D3, D4: RFC 1337 decides on a RST at RCV.NXT.
#[test]
fn assassination() {
    for config in [rfc(), linux()] {
        for (protected, reply) in [(false, "closed"), (true, "silence")] {
            let mut config = config.clone();
            config.time_wait.rfc1337 = protected;
            let (mut time_wait, now, deadline) = plain(config);
            let verdict = time_wait.receive(now, &segment(R, 0, Flags::RST), Cause::Unknown);
            assert_eq!(answer(&verdict), reply);
            assert_eq!(time_wait.deadline(), deadline);
        }
    }
}

/// D7, D8, RFC 6191 §2: the timestamp decides before the sequence number.
#[test]
fn syns_with_timestamps() {
    let rows = [
        ("newer, smaller SEQ", 300, 1, "reopen 65536", "reopen 65537"),
        ("equal, larger SEQ", R + 1, 0, "reopen 65536", "reopen 65537"),
        ("equal, smaller SEQ", 300, 0, "silence", ACK),
        ("older, larger SEQ", R + 1, -1, "silence", ACK),
    ];
    for (name, seq, newer, by_letter, on_linux) in rows {
        for (config, reply) in [(rfc(), by_letter), (linux(), on_linux)] {
            let (mut time_wait, now, recent) = stamped(config);
            let syn = with_time(segment(seq, 0, Flags::SYN), recent.wrapping_add_signed(newer));
            let verdict = time_wait.receive(now + Duration::from_secs(3), &syn, Cause::Unknown);
            assert_eq!(answer(&verdict), reply, "{name}");
        }
    }
    // The old connection had none, the SYN has: accepted.
    let (mut time_wait, now, _) = {
        let mut config = rfc();
        config.options.timestamps = false;
        let (pair, time_wait) = in_time_wait(config);
        (time_wait, pair.now, 0)
    };
    let syn = with_time(segment(300, 0, Flags::SYN), 5);
    // This endpoint was told not to use timestamps, so the rule does not apply.
    assert_eq!(answer(&time_wait.receive(now, &syn, Cause::Unknown)), "silence");
}

/// PAWS guards TIME-WAIT as well: an old duplicate is acknowledged.
#[test]
fn old_timestamps() {
    for config in [rfc(), linux()] {
        let (mut time_wait, now, recent) = stamped(config);
        let old = with_time(segment(R, S, Flags::ACK), recent - 1);
        assert_eq!(answer(&time_wait.receive(now, &old, Cause::Unknown)), ACK);
    }
}

/// Linux answers empty segments at most every 500 ms, so that two ends do not fight (tcp_invalid_ratelimit).
#[test]
fn replies_are_limited_on_linux() {
    let (mut time_wait, now, _) = plain(linux());
    let old = segment(R - 10, S, Flags::ACK);
    let replies: Vec<_> =
        (0..12).map(|n| answer(&time_wait.receive(now + ms(100) * n, &old, Cause::Unknown)) == ACK).collect();
    assert_eq!(replies.iter().filter(|reply| **reply).count(), 3);
}

/// A whole connection embeds the same room: a late copy of data is acknowledged, never delivered (S28).
#[test]
fn in_a_whole_connection() {
    let mut pair = Pair::open(linux());
    pair.write(B, 0, 1000);
    pair.run_for(ms(200));
    let late = pair.sent.iter().find(|sent| sent.segment.payload.len() == 1000).unwrap().segment.clone();
    pair.close(A);
    pair.run_for(ms(100));
    pair.close(B);
    pair.run_for(ms(200));
    let before = pair.sent.len();
    pair.run_for(Duration::from_secs(10));
    pair.inject(A, &late);
    assert_eq!(pair.sent.len(), before + 1);
    assert_eq!(show(&pair.sent[before].segment), "<SEQ=102><ACK=1302><CTL=ACK>");
    let restarted = pair.now;
    assert_eq!(pair.octets_read(A).len(), 1000);
    // The closed peer answers by a RST, which ends TIME-WAIT where RFC 1337 is off (S34).
    pair.run_to_end();
    assert_eq!(pair.entered(A, faultwire_tcp::State::Closed), restarted + ms(100));
}

#[test]
fn the_record_is_small() {
    assert!(size_of::<TimeWait>() <= 96, "{}", size_of::<TimeWait>());
}
