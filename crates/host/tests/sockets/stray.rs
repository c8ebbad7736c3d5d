//! Packets that are for nobody, damaged, or from nowhere; echo; ICMP errors for TCP.

use faultwire_host::{DropReason, Errno};
use faultwire_wire::{Body, Flags, IcmpKind, IcmpMessage, IpHeader, Packet, Reason, Tag};

use crate::network::{CLIENT, Network, SERVER, address};

/// RFC 9293 §3.1, MUST-3: a segment with a wrong checksum is dropped, here for every single bit of it.
#[test]
fn a_damaged_packet_is_dropped_with_its_reason() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    net.send(CLIENT, client, b"precious").unwrap();
    net.passes = |packet| packet.tag.reason != Reason::Data;
    net.drain();
    let data = net.sent.last().unwrap().1.clone();
    let bits = data.length() * 8;
    for bit in 0..bits {
        net.put(net.now, data.corrupt(&[bit]));
    }
    net.run_millis(1);
    assert_eq!(net.read(SERVER, server), Err(Errno::WouldBlock));
    assert_eq!(net.drops(SERVER).len(), bits as usize);
    assert!(net.drops(SERVER).iter().filter(|&&reason| reason == DropReason::BadChecksum).count() > 400);
    // Undamaged, though as bytes, it arrives.
    let bytes = Packet { body: Body::Raw(data.encode().into()), ..data };
    net.put(net.now, bytes);
    net.run_millis(1);
    assert_eq!(net.read(SERVER, server), Ok(Some(b"precious".to_vec())));
}

/// RFC 9293 §3.9.2.3, MUST-57 and MUST-63: a SYN to or from a broadcast or multicast address gets no answer; nor does
/// one that is for another host.
#[test]
fn packets_from_or_to_no_single_host_are_dropped() {
    let mut net = Network::linux();
    net.listen(80, 5);
    net.connect(80);
    net.drain();
    let syn = net.sent[0].1.clone();
    let with = |source: &str, destination: &str| {
        let ip =
            IpHeader { source: source.parse().unwrap(), destination: destination.parse().unwrap(), ..syn.ip };
        Packet { ip, ..syn.clone() }
    };
    net.passes = |_| false;
    for (source, destination) in [
        ("10.0.0.1", "255.255.255.255"),
        ("10.0.0.1", "224.0.0.1"),
        ("10.0.0.1", "10.0.0.77"),
        ("255.255.255.255", "10.0.0.2"),
        ("239.0.0.1", "10.0.0.2"),
        ("0.0.0.0", "10.0.0.2"),
    ] {
        let packet = with(source, destination);
        net.hosts[SERVER].receive(net.now, packet);
    }
    net.drain();
    assert_eq!(net.sent.len(), 1, "no answer");
    let foreign = [DropReason::ForeignDestination; 3];
    assert_eq!(net.drops(SERVER), [foreign, [DropReason::BadSource; 3]].concat());
}

fn icmp(kind: IcmpKind, about: &Packet) -> Packet {
    Packet {
        ip: IpHeader { source: address(SERVER), destination: about.ip.source, ..about.ip },
        body: Body::Icmp(IcmpMessage::quoting(kind, about)),
        tag: Tag::default(),
    }
}

#[test]
fn an_echo_is_answered() {
    let mut net = Network::linux();
    let request = Packet {
        ip: IpHeader {
            source: address(CLIENT),
            destination: address(SERVER),
            hop_limit: 64,
            traffic_class: 0,
            identification: 0,
            dont_fragment: true,
        },
        body: Body::Icmp(IcmpMessage {
            kind: IcmpKind::EchoRequest { identifier: 3, sequence: 4 },
            body: b"hello"[..].into(),
        }),
        tag: Tag::default(),
    };
    net.put(net.now, request);
    net.run_millis(5);
    let Body::Icmp(reply) = &net.sent[0].1.body else { panic!("an echo reply") };
    assert_eq!(reply.kind, IcmpKind::EchoReply { identifier: 3, sequence: 4 });
    assert_eq!(&reply.body[..], b"hello");
    assert_eq!((net.sent[0].1.ip.source, net.sent[0].1.ip.destination), (address(SERVER), address(CLIENT)));
}

/// RFC 9293 §3.9.2.2, MUST-54: an ICMP error goes to the connection that it quotes. A hard error ends an attempt to
/// connect; one that quotes something else changes nothing (RFC 5927).
#[test]
fn icmp_errors_find_their_connection() {
    let mut net = Network::linux();
    net.passes = |_| false;
    let fd = net.connect(80);
    net.drain();
    let syn = net.sent[0].1.clone();
    let unreachable = IcmpKind::DestinationUnreachable { code: 3 };
    let mut other = syn.clone();
    let Body::Tcp(segment) = &mut other.body else { unreachable!() };
    segment.source_port ^= 1;
    net.put(net.now, icmp(unreachable, &other));
    net.run_millis(1);
    assert_eq!(net.drops(CLIENT), [DropReason::UnmatchedIcmp]);
    assert_eq!(net.hosts[CLIENT].take_error(fd), Ok(None));
    net.put(net.now, icmp(unreachable, &syn));
    net.run_millis(1);
    assert_eq!(net.hosts[CLIENT].take_error(fd), Ok(Some(Errno::ConnectionRefused)));
}

/// A segment of no connection is answered by a reset from its acknowledgment number, a reset by nothing.
#[test]
fn segments_of_no_connection() {
    let mut net = Network::linux();
    let (client, _, _) = net.connected();
    net.send(CLIENT, client, b"x").unwrap();
    net.passes = |packet| packet.tag.reason != Reason::Data;
    net.drain();
    let mut stray = net.sent.last().unwrap().1.clone();
    let Body::Tcp(segment) = &mut stray.body else { unreachable!() };
    segment.destination_port = 4444;
    let ack = segment.ack;
    net.put(net.now, stray.clone());
    net.passes = |_| false;
    net.run_millis(1);
    assert_eq!(net.segments(SERVER, Flags::RST)[0].1.seq, ack);
    let Body::Tcp(segment) = &mut stray.body else { unreachable!() };
    segment.flags = Flags::RST;
    net.put(net.now, stray);
    net.run_millis(1);
    assert_eq!(net.segments(SERVER, Flags::RST).len(), 1);
    assert_eq!(net.drops(SERVER), [DropReason::ClosedPort; 2]);
}

/// RFC 1191 §3: a link on the way has a smaller MTU. The connection sends smaller segments at once, and the next
/// connection to that host begins with them.
#[test]
fn a_smaller_path_is_learnt() {
    let mut net = Network::linux();
    let (client, _, _) = net.connected();
    net.passes = |packet| packet.length() <= 1400;
    let data = faultwire_wire::Payload::Zeros { len: 1448 };
    net.hosts[CLIENT].send(net.now, client, data.clone()).unwrap();
    net.drain();
    let large = net.sent.last().unwrap().1.clone();
    assert_eq!(large.length(), 1500);
    net.put(net.now, icmp(IcmpKind::PacketTooBig { mtu: 1400 }, &large));
    net.run_millis(1);
    let again = &net.sent[net.sent.len() - 2].1;
    assert_eq!(again.length(), 1400, "the first part of it, at once");
    let next = net.connect(80);
    net.run_millis(50);
    net.hosts[CLIENT].send(net.now, next, data).unwrap();
    net.drain();
    assert!(net.sent.last().unwrap().1.length() <= 1400);
}

mod hostile {
    //! Whatever arrives, a host goes on.

    use proptest::prelude::*;

    use super::*;
    use faultwire_wire::{Options, Payload, Segment, Seq};

    #[derive(Clone, Debug)]
    struct Blow {
        flags: u16,
        seq: i32,
        ack: i32,
        window: u16,
        length: u32,
        options: Vec<u8>,
        target: u8,
        pause: u8,
    }

    fn blow() -> impl Strategy<Value = Blow> {
        let near = prop_oneof![-3..3i32, -70_000..70_000i32, any::<i32>()];
        let octets = prop::collection::vec(any::<u8>(), 0..40);
        (0..512u16, near.clone(), near, any::<u16>(), 0..1500u32, octets, 0..4u8, any::<u8>()).prop_map(
            |(flags, seq, ack, window, length, options, target, pause)| Blow {
                flags,
                seq,
                ack,
                window,
                length,
                options,
                target,
                pause,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn segments_break_no_host(blows in prop::collection::vec(blow(), 1..60), leave in 0..4u8) {
            let mut net = Network::linux();
            let (client, server, listener) = net.connected();
            net.send(CLIENT, client, b"some data").unwrap();
            net.run_millis(15);
            let pattern = net.sent.iter().rfind(|(_, it)| it.ip.source == address(CLIENT)).unwrap().1.clone();
            if leave & 1 == 1 {
                net.close(SERVER, server);
            }
            if leave & 2 == 2 {
                net.close(CLIENT, client);
            }
            for blow in blows {
                let mut packet = pattern.clone();
                let Body::Tcp(segment) = &mut packet.body else { unreachable!() };
                *segment = Segment {
                    flags: Flags(blow.flags),
                    seq: Seq(segment.seq.0.wrapping_add_signed(blow.seq)),
                    ack: Seq(segment.ack.0.wrapping_add_signed(blow.ack)),
                    window: blow.window,
                    options: Options::from_bytes(&blow.options).unwrap(),
                    payload: Payload::Zeros { len: blow.length },
                    ..segment.clone()
                };
                match blow.target {
                    0 => segment.source_port = segment.source_port.wrapping_add(blow.seq as u16),
                    1 => segment.destination_port = 81,
                    _ => {}
                }
                net.put(net.now, packet);
                net.run_millis(u64::from(blow.pause));
            }
            net.run(faultwire_base::Duration::from_secs(2_000));
            for fd in [client, server, listener] {
                for host in [CLIENT, SERVER] {
                    let _ = net.read(host, fd);
                    let _ = net.hosts[host].close(net.now, fd);
                }
            }
            net.run(faultwire_base::Duration::from_secs(2_000));
            for host in &net.hosts {
                prop_assert_eq!(host.connections().count(), 0, "{:?}", host.connections().collect::<Vec<_>>());
            }
        }

        #[test]
        fn bytes_break_no_host(bytes in prop::collection::vec(any::<u8>(), 0..120), bits in prop::collection::vec(any::<u32>(), 0..5)) {
            let mut net = Network::linux();
            net.connected();
            let mut packet = net.sent[2].1.clone();
            let length = packet.length() * 8;
            let flipped: Vec<u32> = bits.iter().map(|bit| bit % length).collect();
            net.put(net.now, packet.corrupt(&flipped));
            packet.body = Body::Raw(bytes.into());
            net.put(net.now, packet);
            net.run_millis(100);
        }
    }
}
