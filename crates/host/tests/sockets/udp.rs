//! Datagrams: who hears them, ICMP errors, sizes, queues, flows.

use faultwire_base::Duration;
use faultwire_host::{DropReason, Errno, Fd, ReceivedFrom, SocketKind, SocketOption};
use faultwire_wire::{Body, IcmpKind, IcmpMessage, Packet, Payload, Reason};

use crate::network::{CLIENT, Network, SERVER, address, socket_address};

fn udp(net: &mut Network, host: usize, port: u16) -> Fd {
    let fd = net.hosts[host].socket(SocketKind::Udp, false);
    net.hosts[host].bind(fd, ([0, 0, 0, 0], port).into()).unwrap();
    fd
}

fn send_to(net: &mut Network, host: usize, fd: Fd, to: std::net::SocketAddr, octets: &[u8]) {
    let payload = Payload::from_bytes(octets);
    assert_eq!(net.hosts[host].send_to(net.now, fd, to, payload), Ok(octets.len() as u64));
}

#[test]
fn datagrams_go_there_and_back_in_one_flow() {
    let mut net = Network::linux();
    let server = udp(&mut net, SERVER, 53);
    let client = net.hosts[CLIENT].socket(SocketKind::Udp, false);
    send_to(&mut net, CLIENT, client, socket_address(SERVER, 53), b"question");
    net.run_millis(20);
    assert!(net.ready.contains(&(SERVER, server)));
    let ReceivedFrom { from, payload, truncated } = net.hosts[SERVER].recv_from(server, 4).unwrap();
    assert_eq!((from.ip(), payload.to_vec().as_slice(), truncated), (address(CLIENT), &b"ques"[..], true));
    assert_eq!(from.port(), net.hosts[CLIENT].local_address(client).unwrap().port());
    assert_eq!(net.hosts[SERVER].recv_from(server, 9), Err(Errno::WouldBlock));
    send_to(&mut net, SERVER, server, from, b"");
    net.run_millis(20);
    let empty = net.hosts[CLIENT].recv_from(client, 9).unwrap();
    assert_eq!((empty.payload.len(), empty.truncated), (0, false));
    assert_eq!(net.sent[0].1.tag.flow, net.sent[1].1.tag.flow);
    assert_eq!(net.sent[0].1.tag.reason, Reason::Datagram);
}

/// RFC 1122 §4.1.3.1: nobody has the port; the error quotes the datagram, and a connected socket is told.
#[test]
fn a_port_that_nobody_has_is_unreachable() {
    let mut net = Network::linux();
    let client = net.hosts[CLIENT].socket(SocketKind::Udp, false);
    let remote = socket_address(SERVER, 9);
    // Not connected: nobody is told.
    send_to(&mut net, CLIENT, client, remote, b"x");
    net.run_millis(50);
    assert_eq!(net.hosts[CLIENT].take_error(client), Ok(None));
    assert_eq!(net.drops(SERVER), [DropReason::NoSocket]);
    let Body::Icmp(message) = &net.sent[1].1.body else { panic!("an ICMP error") };
    assert_eq!(message.kind, IcmpKind::DestinationUnreachable { code: 3 });
    assert_eq!(message.body[..], net.sent[0].1.encode()[..], "the whole datagram fits the quote");

    assert_eq!(net.hosts[CLIENT].connect(net.now, client, remote), Ok(()));
    assert_eq!(net.hosts[CLIENT].peer_address(client), Ok(remote));
    net.send(CLIENT, client, b"y").unwrap();
    net.run_millis(50);
    assert!(net.hosts[CLIENT].readiness(client).error);
    assert_eq!(net.read(CLIENT, client), Err(Errno::ConnectionRefused));
    assert_eq!(net.read(CLIENT, client), Err(Errno::WouldBlock), "told once");
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    let mut net = Network::linux();
    let share = SocketOption::parse("SO_REUSEADDR", 1).unwrap();
    let [one, two] = [0; 2].map(|_| {
        let fd = net.hosts[SERVER].socket(SocketKind::Udp, false);
        net.hosts[SERVER].set_option(net.now, fd, share).unwrap();
        net.hosts[SERVER].bind(fd, ([0, 0, 0, 0], 53).into()).unwrap();
        fd
    });
    net.hosts[SERVER].connect(net.now, one, socket_address(CLIENT, 1000)).unwrap();
    for port in [1000, 2000] {
        let fd = udp(&mut net, CLIENT, port);
        send_to(&mut net, CLIENT, fd, socket_address(SERVER, 53), b"hello");
    }
    net.run_millis(20);
    for (fd, port) in [(one, 1000), (two, 2000)] {
        assert_eq!(net.hosts[SERVER].recv_from(fd, 9).unwrap().from.port(), port);
        assert_eq!(net.hosts[SERVER].recv_from(fd, 9), Err(Errno::WouldBlock));
    }
}

/// Nothing is fragmented: what is larger than the path's MTU is refused, also after ICMP has told of a smaller one.
#[test]
fn datagrams_fit_the_path() {
    let mut net = Network::linux();
    let client = net.hosts[CLIENT].socket(SocketKind::Udp, false);
    let remote = socket_address(SERVER, 53);
    udp(&mut net, SERVER, 53);
    let send =
        |net: &mut Network, len| net.hosts[CLIENT].send_to(net.now, client, remote, Payload::Zeros { len });
    assert_eq!(send(&mut net, 1473), Err(Errno::MessageSize));
    assert_eq!(send(&mut net, 1472), Ok(1472));
    net.hosts[CLIENT].connect(net.now, client, remote).unwrap();
    net.drain();
    let told = Packet {
        ip: faultwire_wire::IpHeader {
            source: "10.0.9.9".parse().unwrap(),
            destination: address(CLIENT),
            ..net.sent[0].1.ip
        },
        body: Body::Icmp(IcmpMessage::quoting(IcmpKind::PacketTooBig { mtu: 1400 }, &net.sent[0].1)),
        tag: Default::default(),
    };
    net.put(net.now, told);
    net.run_millis(1);
    assert_eq!(send(&mut net, 1372), Err(Errno::MessageSize), "the pending error, once");
    assert_eq!(send(&mut net, 1373), Err(Errno::MessageSize));
    assert_eq!(send(&mut net, 1372), Ok(1372));
    net.run(Duration::from_secs(601));
    assert_eq!(send(&mut net, 1472), Ok(1472), "forgotten after ten minutes");
}

#[test]
fn a_full_queue_drops() {
    let mut net = Network::linux();
    let server = udp(&mut net, SERVER, 53);
    // The kernel doubles the value: room for 2000 octets, headers included.
    net.hosts[SERVER].set_option(net.now, server, SocketOption::parse("SO_RCVBUF", 1000).unwrap()).unwrap();
    let client = udp(&mut net, CLIENT, 1000);
    for _ in 0..4 {
        send_to(&mut net, CLIENT, client, socket_address(SERVER, 53), &[7; 472]);
    }
    send_to(&mut net, CLIENT, client, socket_address(SERVER, 53), b"");
    net.run_millis(20);
    assert_eq!(net.drops(SERVER), [DropReason::ReceiveBufferFull]);
    for _ in 0..4 {
        net.hosts[SERVER].recv_from(server, 2000).unwrap();
    }
    assert_eq!(net.hosts[SERVER].recv_from(server, 2000), Err(Errno::WouldBlock));
}
