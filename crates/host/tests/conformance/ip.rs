//! RFC 9293 §3.9.1.9, §3.9.2: what TCP has to do with IP headers.

use faultwire_host::SocketOption;
use faultwire_tcp::State;
use faultwire_wire::{Body, Packet};

use crate::drill::Drill;
use crate::{open, profiles};

/// The packet with these options in its IPv4 header.
fn with_ip_options(packet: &Packet, options: &[u8]) -> Packet {
    let mut bytes = packet.encode();
    let mut padded = options.to_vec();
    padded.resize(options.len().next_multiple_of(4), 0);
    bytes.splice(20..20, padded.iter().copied());
    let header = 20 + padded.len();
    bytes[0] = 0x40 | (header / 4) as u8;
    let length = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[10..12].fill(0);
    let sum: u32 = bytes[..header].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum & 0xFFFF) + (sum >> 16)) as u16;
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    Packet { body: Body::Raw(bytes.into()), ..packet.clone() }
}

/// A whole exchange in which every packet of the peer has these options; what the host sends has none.
fn exchange_with(options: &[u8]) {
    for config in profiles() {
        let mut t = Drill::new(config);
        t.listen();
        let inject = |t: &mut Drill, line: &str| {
            let packet = t.written(line);
            t.inject_packet(with_ip_options(&packet, options));
        };
        inject(&mut t, "S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        t.pass_ms(100);
        inject(&mut t, ". 1:1(0) ack 1");
        let fd = t.accept();
        inject(&mut t, "P. 1:11(10) ack 1");
        assert_eq!(t.read(fd, 100), Ok(10));
        t.write(fd, 1000).unwrap();
        let data = loop {
            let packet = t.expect_any();
            assert_eq!(packet.encode()[0], 0x45, "no options");
            assert_eq!(packet.ip.destination, t.remote.ip());
            if packet.encode().len() > 1000 {
                break packet;
            }
        };
        assert_eq!(data.encode().len(), 20 + 20 + 1000, "room is not kept for options");
        t.pass_ms(100);
        inject(&mut t, "F. 11:11(0) ack 1001");
        t.forget_sent();
        assert_eq!(t.state(), State::CloseWait);
    }
}

/// RFC 9293 §3.9.2 (MUST-50): segments with IP options that nobody knows are processed as without.
#[test]
fn unknown_ip_options_are_ignored() {
    exchange_with(&[222, 6, 1, 2, 3, 4]);
    exchange_with(&[1, 1, 1, 158, 3, 9, 0]);
}

/// RFC 9293 §3.9.2 (MAY-10): an IP timestamp option is one of those that are ignored: nobody writes into it, none comes
/// back.
#[test]
fn the_ip_timestamp_option_is_ignored() {
    exchange_with(&[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/// RFC 9293 §3.9.2 (MAY-11): and so is a record route option.
#[test]
fn the_record_route_option_is_ignored() {
    exchange_with(&[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/// RFC 9293 §3.9.2.1 (MUST-53): a source route that arrives is neither kept nor answered along, but ignored.
#[test]
fn a_source_route_that_arrives_is_ignored() {
    exchange_with(&[131, 7, 8, 10, 0, 0, 9]);
    exchange_with(&[137, 7, 8, 10, 0, 0, 9]);
}

/// RFC 9293 §3.9.1.9 (MUST-48, SHLD-21, SHLD-22): the traffic class is what the user set, unchanged, on all segments
/// from then on, and can be set again; without a call it is 0.
#[test]
fn the_user_sets_the_traffic_class() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 10).unwrap();
        t.expect("[tos 0x0] P. 1:11(10) ack 1");
        t.inject("+0.1 . 1:1(0) ack 11");
        for (n, class) in [(0, 0xb8), (1, 0x28), (2, 0xfc), (3, 0)] {
            t.setsockopt(fd, SocketOption::TrafficClass(class));
            let at = 11 + 10 * n;
            t.write(fd, 10).unwrap();
            t.expect(&format!("[tos {class}] P. {at}:{}(10) ack 1", at + 10));
            t.inject(&format!("+0.1 . 1:1(0) ack {}", at + 10));
            t.inject("+1 P. 5001:5011(10) ack 1");
            t.expect(&format!("[tos {class}] . {}:{}(0) ack 1 <...>", at + 10, at + 10));
        }
    }
}

/// RFC 9293 §3.9.1.9 (MAY-9): the traffic class of what arrives is not shown to the user and changes nothing.
#[test]
fn the_traffic_class_of_what_arrives_does_not_matter() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        for (n, class) in [0x00, 0xb8, 0x20, 0xfc].into_iter().enumerate() {
            let at = 1 + 10 * n;
            t.inject(&format!("+1 [tos {class}] P. {at}:{}(10) ack 1", at + 10));
            assert_eq!(t.read(fd, 100), Ok(10));
            t.expect(&format!("* [tos 0] . 1:1(0) ack {}", at + 10));
        }
    }
}
