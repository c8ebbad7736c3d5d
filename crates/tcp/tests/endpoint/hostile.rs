//! Segments that no peer sends: blind attacks (RFC 5961), forged numbers, garbage.

use faultwire_base::Duration;
use faultwire_tcp::{Arrival, DropReason, Event, State};
use faultwire_wire::{Cause, Flags, Options, Payload, Reason, Segment, Seq};
use proptest::prelude::*;

use crate::pair::*;

fn plain(config: faultwire_tcp::Config) -> Pair {
    let mut config = config;
    config.options.timestamps = false;
    Pair::open(config)
}

fn dropped(pair: &Pair, side: usize) -> Vec<DropReason> {
    pair.events[side]
        .iter()
        .filter_map(|(_, event)| if let Event::Dropped(reason) = event { Some(*reason) } else { None })
        .collect()
}

/// S61, RFC 5961 §3.2: only SEQ = RCV.NXT resets; in the window it is challenged, outside dropped.
#[test]
fn blind_reset() {
    for config in [rfc(), linux()] {
        let mut pair = plain(config);
        for (seq, reason) in [
            (100, DropReason::ResetOutsideWindow),
            (102, DropReason::ResetNotExact),
            (101 + 70_000_000, DropReason::ResetOutsideWindow),
        ] {
            let reset = pair.forged(A, seq, 0, Flags::RST);
            let before = pair.sent.len();
            pair.inject(B, &reset);
            assert_eq!(dropped(&pair, B).last(), Some(&reason));
            assert_eq!(pair.state(B), State::Established);
            assert_eq!(pair.sent.len() - before, usize::from(reason == DropReason::ResetNotExact));
        }
        assert_eq!(pair.sent.last().unwrap().reason, Reason::ChallengeAck);
        assert_eq!(show(&pair.sent.last().unwrap().segment), "<SEQ=301><ACK=101><CTL=ACK>");
        let exact = pair.forged(A, 101, 0, Flags::RST);
        pair.inject(B, &exact);
        assert_eq!(pair.state(B), State::Closed);
    }
}

/// S62, RFC 5961 §4.2: a SYN is challenged, whatever its number; challenges are limited.
#[test]
fn blind_syn() {
    for (config, most) in [(rfc(), 10), (linux(), 1)] {
        let mut pair = plain(config);
        let before = pair.sent.len();
        for n in 0..100 {
            let syn = pair.forged(A, 200 + n, 0, Flags::SYN);
            pair.inject(B, &syn);
        }
        assert_eq!(pair.sent.len() - before, most);
        assert_eq!(pair.end(B).counters().challenge_acks, most as u64);
        assert_eq!(pair.state(B), State::Established);
    }
}

/// S60, RFC 5961 §5.2: data with an impossible ACK is not taken.
#[test]
fn blind_data() {
    for config in [rfc(), linux()] {
        let mut pair = plain(config);
        for (ack, reason) in
            [(302, DropReason::AckOfUnsent), (301u32.wrapping_sub(1 << 30), DropReason::AckTooOld)]
        {
            let mut data = pair.forged(A, 101, ack, Flags::ACK);
            data.payload = Payload::Zeros { len: 100 };
            pair.inject(B, &data);
            assert_eq!(dropped(&pair, B).last(), Some(&reason));
            pair.run_for(Duration::from_secs(1));
        }
        assert!(pair.octets_read(B).is_empty());
        assert_eq!(pair.state(B), State::Established);
    }
}

/// S12: a late copy of the SYN,ACK is acknowledged and changes nothing.
#[test]
fn late_syn_ack() {
    for config in [rfc(), linux()] {
        let mut pair = plain(config);
        let copy = pair.sent.iter().find(|sent| sent.reason == Reason::SynAck).unwrap().segment.clone();
        pair.run_for(Duration::from_secs(10));
        let before = pair.end(A).info();
        pair.inject(A, &copy);
        assert_eq!(show(&pair.sent.last().unwrap().segment), "<SEQ=101><ACK=301><CTL=ACK>");
        let after = faultwire_tcp::Info { history: before.history, ..pair.end(A).info() };
        assert_eq!(after, before);
    }
}

/// RFC 7323 §5.3: a segment with an old timestamp is acknowledged and dropped, a RST is not judged by it.
#[test]
fn old_timestamp() {
    let mut pair = Pair::open(rfc());
    pair.write(A, 0, 10);
    pair.run_for(ms(500));
    let mut forged = pair.forged(A, 111, 301, Flags::ACK);
    forged.payload = Payload::Zeros { len: 10 };
    forged.options.push_raw(&[1, 1]);
    forged.options.push_timestamps(1, 0);
    let before = pair.sent.len();
    pair.inject(B, &forged);
    assert_eq!(dropped(&pair, B), [DropReason::OldTimestamp]);
    assert_eq!(pair.sent.len(), before + 1);
    assert_eq!(pair.octets_read(B).len(), 10);
    // By the letter a segment without timestamps is dropped in silence; Linux takes it.
    forged.options = Options::EMPTY;
    pair.inject(B, &forged);
    assert_eq!(dropped(&pair, B)[1..], [DropReason::NoTimestamp]);
    assert_eq!(pair.sent.len(), before + 1);
}

/// Two ends with different ideas don't fight for ever (RFC 5961 §7, tcp_invalid_ratelimit).
#[test]
fn no_ack_war_on_linux() {
    let mut pair = plain(linux());
    let mut other = plain(linux());
    other.run_for(ms(10));
    // A of one connection with B of another: their numbers do not fit.
    pair.isns = [100, 300];
    let stranger = pair.forged(A, 50_000_000, 301, Flags::ACK);
    for _ in 0..1000 {
        pair.inject(B, &stranger);
    }
    let replies = pair.sent.iter().filter(|sent| sent.reason == Reason::UnacceptableAck).count();
    assert_eq!(replies, 1);
}

fn any_segment() -> impl Strategy<Value = Segment> {
    // Numbers near the connection's own, so that they reach every step.
    let near = |base: u32| {
        prop_oneof![
            3 => (-3i64..3).prop_map(move |d| base.wrapping_add(d as u32)),
            2 => (-5000i64..70_000).prop_map(move |d| base.wrapping_add(d as u32)),
            1 => any::<u32>(),
        ]
    };
    let options = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..=40),
        (any::<u32>(), any::<u32>()).prop_map(|(value, echo)| {
            let mut options = Options::EMPTY;
            options.push_raw(&[1, 1]);
            options.push_timestamps(value % 200_000, echo % 10_000);
            options.as_bytes().to_vec()
        }),
        prop::collection::vec((0u32..5000, 0u32..5000), 1..4).prop_map(|blocks| {
            let mut options = Options::EMPTY;
            let blocks: Vec<_> = blocks.iter().map(|&(a, b)| (Seq(290 + a), Seq(290 + b))).collect();
            options.push_raw(&[1, 1]);
            options.push_sack(&blocks);
            options.as_bytes().to_vec()
        }),
    ];
    (near(101), near(301), 0u16..64, any::<u16>(), any::<u16>(), options, prop_oneof![Just(0u32), 0..3000u32])
        .prop_map(|(seq, ack, flags, window, urgent, options, len)| Segment {
            source_port: PATH_A.local_port,
            destination_port: PATH_A.remote_port,
            seq: Seq(seq),
            ack: Seq(ack),
            flags: Flags(flags),
            window,
            urgent,
            options: Options::from_bytes(&options).unwrap(),
            payload: Payload::Zeros { len },
        })
}

/// What the peer under attack does in between.
#[derive(Clone, Debug)]
enum Act {
    Segment(Box<Segment>),
    Write(u32),
    Read(u64),
    Wait(u64),
    Shutdown,
    Close,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => any_segment().prop_map(|segment| Act::Segment(Box::new(segment))),
        3 => (0..20_000u32).prop_map(Act::Write),
        2 => (0..9_000u64).prop_map(Act::Read),
        3 => (0..5_000u64).prop_map(Act::Wait),
        1 => Just(Act::Shutdown),
        1 => Just(Act::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Nothing that arrives makes an endpoint panic, leave its states, answer without end, or hand out more than it got.
    #[test]
    fn arbitrary_segments(
        linux_like in any::<bool>(),
        timestamps in any::<bool>(),
        active in any::<bool>(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut config = if linux_like { linux() } else { rfc() };
        config.options.timestamps = timestamps;
        let mut pair = Pair::new(config);
        let side = if active {
            pair.isns[A] = 300;
            pair.connect(A);
            A
        } else {
            pair.connect(A);
            pair.run_for(ms(150));
            B
        };
        pair.script(|_| DROP);
        let mut written = 0;
        for act in acts {
            if pair.state(side) == State::Closed {
                break;
            }
            let before = pair.sent.len();
            match act {
                Act::Segment(segment) => pair.inject(side, &segment),
                Act::Write(len) => written += if matches!(pair.ends[side], End::Open(_)) { pair.write(side, written, len) } else { 0 },
                Act::Read(max) => if let End::Open(_) = pair.ends[side] { pair.call(side, |end, now| end.read(now, max)); },
                Act::Wait(millis) => pair.run_for(ms(millis)),
                Act::Shutdown => if let End::Open(_) = pair.ends[side] { pair.call(side, |end, now| end.shutdown_write(now)) },
                Act::Close => if let End::Open(_) = pair.ends[side] { pair.close(side) },
            }
            prop_assert!(pair.sent.len() - before < 5000);
        }
    }
}

/// A segment for a closed connection is reported, not answered by the connection itself.
#[test]
fn closed() {
    let mut pair = plain(rfc());
    pair.call(A, |a, now| a.abort(now));
    let forged = pair.forged(B, 301, 101, Flags::ACK);
    let now = pair.now;
    assert_eq!(pair.end(A).receive(now, &forged, Cause::Unknown), Arrival::Handled);
    let events: Vec<_> = std::iter::from_fn(|| pair.end(A).event()).collect();
    assert_eq!(events, [Event::Dropped(DropReason::Closed)]);
}
