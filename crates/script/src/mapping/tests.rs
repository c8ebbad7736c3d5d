use super::*;
use crate::syntax::parse;
use crate::syntax::tree::{Action, BodySpec};

/// The segment that a packet of the peer is written as.
fn spec(text: &str) -> TcpSpec {
    let script = parse(&format!("0 < {text}\n"), &[], None).unwrap_or_else(|error| panic!("{error}"));
    match &script.events[0].action {
        Action::Inbound(packet) => match &packet.body {
            BodySpec::Tcp(spec) => spec.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Our ISN is 7 in the script and 5,000,000,000 - 2^32 on the wire; the peer's is 100.
fn numbers() -> Numbers {
    let mut numbers = Numbers::default();
    numbers.set_local_isn(7, Seq(705_032_704));
    numbers.set_remote_isn(100);
    numbers
}

fn inbound(text: &str) -> Segment {
    numbers().inbound(&spec(text), false).unwrap()
}

/// PACKETDRILL.md §3.2.
#[test]
fn a_syn_is_literal_and_everything_else_counts_from_it() {
    assert_eq!(inbound("S 300:300(0) win 10").seq, Seq(300));
    assert_eq!(inbound("S. 300:300(0) ack 8 win 10").ack, Seq(705_032_705));
    let data = inbound("P. 1:11(10) ack 1 win 10");
    assert_eq!((data.seq, data.ack, data.window), (Seq(101), Seq(705_032_705), 10));
    assert_eq!(data.payload, Payload::Zeros { len: 10 });
    assert_eq!(inbound(". 1:1(0)! ack 1 win 10").seq, Seq(1));
    // Nothing is added to a field that does not count.
    assert_eq!(inbound("P 1:11(10) ack 77 win 10").ack, Seq(77));
}

#[test]
fn numbers_wrap() {
    assert_eq!(inbound(". 4294967295:4294967295(0) ack 4294967295 win 1").seq, Seq(99));
    assert_eq!(numbers().local(u32::MAX), Seq(705_032_703));
}

#[test]
fn sack_edges_move_with_the_acknowledgment() {
    let segment = inbound(". 1:1(0) ack 1 win 10 <nop,nop,sack 1001:2001 5001:6001>");
    let blocks: Vec<_> = segment.options.sack_blocks().map(|(left, right)| (left.0, right.0)).collect();
    assert_eq!(blocks, [(705_033_705, 705_034_705), (705_037_705, 705_038_705)]);
}

/// PACKETDRILL.md §3.3.
#[test]
fn echoes_are_looked_up_and_only_then_scaled() {
    let mut numbers = numbers();
    let written = spec(". 1:1(0) ack 1 win 10 <nop,nop,TS val 5 ecr 250>");
    let echo = |numbers: &Numbers, scales| {
        numbers.inbound(&written, scales).map(|segment| segment.options.timestamps().unwrap())
    };
    assert!(echo(&numbers, false).is_err());
    assert!(echo(&numbers, true).is_err(), "there is nothing to count from");
    numbers.note_timestamp(100, 9_000);
    numbers.note_timestamp(200, 9_090);
    assert!(echo(&numbers, false).is_err());
    assert_eq!(echo(&numbers, true), Ok((5, 9_150)));
    numbers.note_timestamp(250, 9_149);
    assert_eq!(echo(&numbers, false), Ok((5, 9_149)));
    assert_eq!(numbers.script_timestamp(9_150), Some(250));
    // Without the ACK bit, or where the script says so, it is literal.
    for text in ["S 0:0(0) win 1 <TS val 5 ecr 3>", ". 1:1(0) ack 1 win 1 <TS val 5 ecr 3!>"] {
        let segment = numbers.inbound(&spec(text), false).unwrap();
        assert_eq!(segment.options.timestamps(), Some((5, 3)), "{text}");
    }
}

#[test]
fn options_stand_on_the_wire_as_written() {
    let octets = |text: &str| inbound(text).options.as_bytes().to_vec();
    assert_eq!(
        octets("S 0:0(0) win 1 <mss 1460,nop,wscale 7,sackOK,eol,eol>"),
        [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 0, 0]
    );
    assert_eq!(octets("S 0:0(0) win 1 <FO abcd>"), [34, 4, 0xab, 0xcd]);
    assert_eq!(octets("S 0:0(0) win 1 <FOEXP abcd>"), [254, 6, 0xF9, 0x89, 0xab, 0xcd]);
    // The parser refuses these; a tree can hold them.
    let options = OptionsSpec::These(vec![OptionSpec::Sack(vec![(1, 2); 5])]);
    let long = TcpSpec { options, ..spec(". 1:1(0) ack 1 win 1") };
    assert!(numbers().inbound(&long, false).is_err(), "42 octets are too many");
}
