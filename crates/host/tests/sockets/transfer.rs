//! Reading, writing, ends of streams, errors, readiness, and descriptors that outlive their connection.

use faultwire_base::{Duration, StreamId};
use faultwire_host::{ConnectionId, Errno, How, Received, SocketKind, SocketOption};
use faultwire_tcp::State;
use faultwire_wire::{Flags, Payload};

use crate::network::{CLIENT, Network, SERVER};

#[test]
fn half_close_lets_the_other_direction_go_on() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    net.send(CLIENT, client, b"question").unwrap();
    net.hosts[CLIENT].shutdown(net.now, client, How::Write).unwrap();
    assert_eq!(net.send(CLIENT, client, b"more"), Err(Errno::PipeBroken));
    net.run_millis(50);
    assert_eq!(net.read(SERVER, server), Ok(Some(b"question".to_vec())));
    assert_eq!(net.read(SERVER, server), Ok(None));
    assert_eq!(net.read(SERVER, server), Ok(None), "the end of a stream stays");
    assert_eq!(net.send(SERVER, server, b"answer"), Ok(6));
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Ok(Some(b"answer".to_vec())));
    assert_eq!(net.states(CLIENT, ConnectionId(1)).last(), Some(&State::FinWait2));
    net.close(SERVER, server);
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Ok(None));
    assert_eq!(net.states(CLIENT, ConnectionId(1)).last(), Some(&State::TimeWait));
}

#[test]
fn descriptors_outlive_the_connection() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    net.send(SERVER, server, b"last words").unwrap();
    net.run_millis(50);
    net.hosts[SERVER].abort(net.now, server).unwrap();
    net.run_millis(50);
    let readiness = net.hosts[CLIENT].readiness(client);
    assert!(readiness.error && readiness.hangup && readiness.readable && readiness.writable);
    // As the kernel: what had arrived can be read, then the error is told once, then the end.
    assert_eq!(net.read(CLIENT, client), Ok(Some(b"last words".to_vec())));
    assert_eq!(net.read(CLIENT, client), Err(Errno::ConnectionReset));
    assert_eq!(net.read(CLIENT, client), Ok(None));
    assert_eq!(net.send(CLIENT, client, b"x"), Err(Errno::PipeBroken));
    assert_eq!(net.hosts[CLIENT].connections().count(), 1);
    net.close(CLIENT, client);
    assert_eq!(net.hosts[CLIENT].connections().count(), 0);
    assert_eq!(net.read(CLIENT, client), Err(Errno::BadDescriptor));
}

#[test]
fn peeking_takes_nothing() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    assert_eq!(net.hosts[SERVER].peek(server, 10), Err(Errno::WouldBlock));
    net.send(CLIENT, client, b"abcdef").unwrap();
    net.run_millis(50);
    for _ in 0..2 {
        let Ok(Received::Data(seen)) = net.hosts[SERVER].peek(server, 4) else { panic!("data") };
        assert_eq!(seen.to_vec(), b"abcd");
    }
    assert_eq!(net.read(SERVER, server), Ok(Some(b"abcdef".to_vec())));
    net.close(CLIENT, client);
    net.run_millis(50);
    assert_eq!(net.hosts[SERVER].peek(server, 4), Ok(Received::Eof));
}

/// Readiness is a level: it does not go away by being asked, and an event says only that it may have changed.
#[test]
fn readiness_is_a_level() {
    let mut net = Network::linux();
    let listener = net.listen(80, 5);
    let client = net.connect(80);
    net.drain();
    assert!(net.ready.is_empty());
    assert_eq!(net.hosts[CLIENT].readiness(client), Default::default());
    net.run_millis(100);
    assert!(net.ready.contains(&(CLIENT, client)) && net.ready.contains(&(SERVER, listener)));
    assert!(net.hosts[SERVER].readiness(listener).readable);
    let (server, _) = net.hosts[SERVER].accept(listener).unwrap();
    assert!(!net.hosts[SERVER].readiness(listener).readable);
    for fd in [(CLIENT, client), (SERVER, server)] {
        let readiness = net.hosts[fd.0].readiness(fd.1);
        assert!(readiness.writable && !readiness.readable && !readiness.hangup && !readiness.error);
    }
    // Fill the way: the reader does not read, so that the window and the send buffer run full.
    let stream = Payload::Generated { stream: StreamId(7), offset: 0, len: 64 << 20 };
    let mut written = 0;
    for _ in 0..100 {
        let rest = stream.slice(written as u32, (64 << 20) - written as u32);
        match net.hosts[CLIENT].send(net.now, client, rest) {
            Ok(octets) => written += octets,
            Err(error) => assert_eq!(error, Errno::WouldBlock),
        }
        net.run_millis(100);
    }
    assert!(written > 1 << 16 && written < 64 << 20, "{written}");
    assert!(!net.hosts[CLIENT].readiness(client).writable);
    net.ready.clear();
    let mut taken = 0;
    while taken < written / 2 {
        match net.hosts[SERVER].recv(net.now, server, 1 << 16) {
            Ok(Received::Data(payload)) => {
                assert_eq!(payload, stream.slice(taken as u32, payload.len()), "one run, in order");
                taken += u64::from(payload.len());
            }
            Ok(Received::Eof) => panic!("no end was sent"),
            Err(error) => {
                assert_eq!(error, Errno::WouldBlock);
                net.run_millis(10);
            }
        }
    }
    net.run(Duration::from_secs(1));
    assert!(net.ready.contains(&(CLIENT, client)), "room is told");
    assert!(net.hosts[CLIENT].readiness(client).writable);
}

#[test]
fn calls_on_the_wrong_kind_of_socket() {
    let mut net = Network::linux();
    let (client, _, listener) = net.connected();
    let now = net.now;
    let host = &mut net.hosts[SERVER];
    let data = || Payload::Zeros { len: 1 };
    let anywhere = "10.0.0.1:9".parse().unwrap();
    assert_eq!(host.send(now, listener, data()), Err(Errno::PipeBroken));
    assert_eq!(host.recv(now, listener, 1), Err(Errno::NotConnected));
    assert_eq!(host.connect(now, listener, anywhere), Err(Errno::IsConnected));
    // Linux: a listener has nothing to shut down for writing, and says nothing.
    assert_eq!(host.shutdown(now, listener, How::Write), Ok(()));
    let fresh = host.socket(SocketKind::Tcp, false);
    assert_eq!(host.accept(fresh), Err(Errno::Invalid));
    assert_eq!(host.send(now, fresh, data()), Err(Errno::PipeBroken));
    assert_eq!(host.recv(now, fresh, 1), Err(Errno::NotConnected));
    let udp = host.socket(SocketKind::Udp, false);
    assert_eq!(host.listen(udp, 1), Err(Errno::NotSupported));
    assert_eq!(host.accept(udp), Err(Errno::NotSupported));
    assert_eq!(host.send(now, udp, data()), Err(Errno::DestinationRequired));
    let no_delay = SocketOption::parse("TCP_NODELAY", 1).unwrap();
    assert_eq!(host.set_option(now, udp, no_delay), Err(Errno::NoProtocolOption));
    let host = &mut net.hosts[CLIENT];
    assert_eq!(host.send_to(now, client, anywhere, data()), Err(Errno::IsConnected));
    assert_eq!(host.bind(client, anywhere), Err(Errno::Invalid));
    assert_eq!(host.listen(client, 1), Err(Errno::Invalid));
}

/// RFC 9293 §3.6.1, SHLD-3: a close with unread data resets.
#[test]
fn closing_with_unread_data_resets() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    net.send(CLIENT, client, b"unread").unwrap();
    net.run_millis(50);
    net.close(SERVER, server);
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Err(Errno::ConnectionReset));
    let resets = [Flags::RST, Flags::RST | Flags::ACK].map(|flags| net.segments(SERVER, flags).len());
    assert_eq!(resets.iter().sum::<usize>(), 1);
    assert_eq!(net.hosts[SERVER].connections().count(), 0);
}

/// The lowest free descriptor is used, from 3.
#[test]
fn descriptors_are_numbered_as_in_the_kernel() {
    let mut net = Network::linux();
    let host = &mut net.hosts[CLIENT];
    let numbers = [0; 3].map(|_| host.socket(SocketKind::Tcp, false).0);
    assert_eq!(numbers, [3, 4, 5]);
    host.close(net.now, faultwire_host::Fd(4)).unwrap();
    host.close(net.now, faultwire_host::Fd(3)).unwrap();
    assert_eq!(host.close(net.now, faultwire_host::Fd(3)), Err(Errno::BadDescriptor));
    assert_eq!([0; 3].map(|_| host.socket(SocketKind::Udp, false).0), [3, 4, 6]);
}
