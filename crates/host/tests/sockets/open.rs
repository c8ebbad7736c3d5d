//! Opening connections: connect, refused ports, errors of connect, ports, initial sequence numbers.

use faultwire_base::Duration;
use faultwire_host::{ConnectionId, DropReason, Errno, HostEvent, Received, SocketKind, SocketOption};
use faultwire_tcp::{Config, State};
use faultwire_wire::{Flags, Seq};

use crate::network::{CLIENT, Network, SERVER, address, address_v6, config, socket_address};

#[test]
fn a_connection_opens_and_carries_data_both_ways() {
    let mut net = Network::linux();
    let (client, server, _) = net.connected();
    assert_eq!(net.send(CLIENT, client, b"ping"), Ok(4));
    net.run_millis(50);
    assert_eq!(net.read(SERVER, server), Ok(Some(b"ping".to_vec())));
    assert_eq!(net.read(SERVER, server), Err(Errno::WouldBlock));
    assert_eq!(net.send(SERVER, server, b"pong!"), Ok(5));
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Ok(Some(b"pong!".to_vec())));
    net.close(CLIENT, client);
    net.run_millis(50);
    assert_eq!(net.read(SERVER, server), Ok(None));
    net.close(SERVER, server);
    net.run(Duration::from_secs(100));
    let connection = ConnectionId(1);
    assert_eq!(
        net.states(CLIENT, connection),
        [
            State::Closed,
            State::SynSent,
            State::Established,
            State::FinWait1,
            State::FinWait2,
            State::TimeWait,
            State::Closed
        ]
    );
    assert_eq!(
        net.states(SERVER, connection),
        [
            State::Listen,
            State::SynReceived,
            State::Established,
            State::CloseWait,
            State::LastAck,
            State::Closed
        ]
    );
    assert_eq!(net.hosts.iter().map(|host| host.connections().count()).sum::<usize>(), 0);
    let gone =
        net.told.iter().filter(|(.., event)| matches!(event, HostEvent::ConnectionGone { .. })).count();
    assert_eq!(gone, 2);
}

/// RFC 9293 §3.10.7.1: the reset that answers a SYN to a closed port is SEQ 0, ACK ISN + 1.
#[test]
fn a_closed_port_refuses() {
    let mut net = Network::linux();
    let fd = net.connect(81);
    assert!(!net.hosts[CLIENT].readiness(fd).writable);
    net.run_millis(20);
    let syn = &net.segments(CLIENT, Flags::SYN)[0].1;
    let (at, reset) = net.segments(SERVER, Flags::RST | Flags::ACK).remove(0);
    assert_eq!((at.as_nanos(), reset.seq, reset.ack), (10_000_000, Seq(0), syn.seq + 1));
    assert_eq!(net.drops(SERVER), [DropReason::ClosedPort]);
    let readiness = net.hosts[CLIENT].readiness(fd);
    assert!(readiness.error && readiness.writable && readiness.readable && readiness.hangup, "{readiness:?}");
    assert_eq!(net.hosts[CLIENT].take_error(fd), Ok(Some(Errno::ConnectionRefused)));
    assert_eq!(net.hosts[CLIENT].take_error(fd), Ok(None));
    // The same descriptor can try again.
    net.listen(81, 1);
    net.connect_with(fd, 81);
    net.run_millis(50);
    assert_eq!(net.hosts[CLIENT].connect(net.now, fd, socket_address(SERVER, 81)), Ok(()));
    assert_eq!(net.hosts[CLIENT].connect(net.now, fd, socket_address(SERVER, 81)), Err(Errno::IsConnected));
}

#[test]
fn connect_says_what_is_wrong() {
    let mut net = Network::linux();
    let host = &mut net.hosts[CLIENT];
    let fd = host.socket(SocketKind::Tcp, false);
    let mut connect = |to: &str| host.connect(net.now, fd, to.parse().unwrap());
    // RFC 9293 §3.9.1.1, MUST-46: no OPEN to a broadcast or multicast address.
    for to in ["255.255.255.255:80", "224.0.0.1:80", "0.0.0.0:80"] {
        assert_eq!(connect(to), Err(Errno::NetworkUnreachable), "{to}");
    }
    assert_eq!(connect("[fd00::1]:80"), Err(Errno::AddressFamilyNotSupported));
    assert_eq!(connect("10.0.0.2:0"), Err(Errno::AddressNotAvailable));
    assert_eq!(connect("10.0.0.2:80"), Err(Errno::InProgress));
    assert_eq!(connect("10.0.0.2:80"), Err(Errno::AlreadyInProgress));
    let six = net.hosts[CLIENT].socket(SocketKind::Tcp, true);
    let remote = "[ff02::1]:80".parse().unwrap();
    assert_eq!(net.hosts[CLIENT].connect(net.now, six, remote), Err(Errno::NetworkUnreachable));
    assert_eq!(net.hosts[CLIENT].connect(net.now, faultwire_host::Fd(99), remote), Err(Errno::BadDescriptor));
    net.drain();
    assert_eq!(net.sent.len(), 1);
}

#[test]
fn a_connect_without_answer_times_out() {
    let mut net = Network::linux();
    net.passes = |_| false;
    let fd = net.connect(80);
    net.run(Duration::from_secs(400));
    assert_eq!(net.read(CLIENT, fd), Err(Errno::TimedOut));
    let failed = |(.., event): &&(_, _, HostEvent)| {
        matches!(event, HostEvent::ConnectionFailed { error: Errno::TimedOut, .. })
    };
    assert_eq!(net.told.iter().filter(failed).count(), 1);
}

#[test]
fn binding_follows_the_kernels_rules() {
    let mut net = Network::linux();
    let host = &mut net.hosts[CLIENT];
    let one = host.socket(SocketKind::Tcp, false);
    let two = host.socket(SocketKind::Tcp, false);
    let any = |port: u16| ([0, 0, 0, 0], port).into();
    assert_eq!(host.bind(one, socket_address(SERVER, 80)), Err(Errno::AddressNotAvailable));
    assert_eq!(host.bind(one, "[::]:80".parse().unwrap()), Err(Errno::AddressFamilyNotSupported));
    assert_eq!(host.bind(one, any(80)), Ok(()));
    assert_eq!(host.bind(one, any(81)), Err(Errno::Invalid));
    assert_eq!(host.bind(two, socket_address(CLIENT, 80)), Err(Errno::AddressInUse));
    assert_eq!(host.bind(two, any(0)), Ok(()));
    assert!((32_768..=60_999).contains(&host.local_address(two).unwrap().port()));
    // Both allow it: bound together, but only one listens.
    let share = SocketOption::parse("SO_REUSEADDR", 1).unwrap();
    let [three, four] = [0; 2].map(|_| host.socket(SocketKind::Tcp, false));
    for fd in [three, four] {
        host.set_option(net.now, fd, share).unwrap();
        assert_eq!(host.bind(fd, any(90)), Ok(()));
    }
    assert_eq!(host.listen(three, 1), Ok(()));
    assert_eq!(host.listen(four, 1), Err(Errno::AddressInUse));
    assert_eq!(host.close(net.now, three), Ok(()));
    assert_eq!(host.listen(four, 1), Ok(()));
}

/// A port in TIME-WAIT can be bound again only with SO_REUSEADDR on both sockets, and a pair of ends in TIME-WAIT can't
/// be opened from here.
#[test]
fn a_port_in_time_wait_is_reused_only_with_reuse_address() {
    for reuse in [0, 1] {
        let mut net = Network::linux();
        let listener = net.listen(80, 5);
        let bind = |net: &mut Network| {
            let host = &mut net.hosts[CLIENT];
            let fd = host.socket(SocketKind::Tcp, false);
            host.set_option(net.now, fd, SocketOption::parse("SO_REUSEADDR", reuse).unwrap()).unwrap();
            host.bind(fd, ([0, 0, 0, 0], 40_000).into()).map(|()| fd)
        };
        let client = bind(&mut net).unwrap();
        net.connect_with(client, 80);
        net.run_millis(50);
        let (server, from) = net.hosts[SERVER].accept(listener).unwrap();
        assert_eq!(from, socket_address(CLIENT, 40_000));
        net.close(CLIENT, client);
        net.run_millis(50);
        net.close(SERVER, server);
        net.run_millis(50);
        let state = net.hosts[CLIENT].connections().next().unwrap().state;
        assert_eq!(state, State::TimeWait);
        if reuse == 0 {
            assert_eq!(bind(&mut net), Err(Errno::AddressInUse));
        } else {
            let again = bind(&mut net).unwrap();
            let now = net.now;
            let remote = socket_address(SERVER, 80);
            assert_eq!(net.hosts[CLIENT].connect(now, again, remote), Err(Errno::AddressNotAvailable));
        }
        net.run(Duration::from_secs(61));
        // A failed bind left nothing behind; a bound socket that did not connect still has the port.
        assert!(bind(&mut net).is_ok());
    }
}

/// RFC 9293 §3.9.1.1, MUST-42: a port that is in SYN-SENT can be listened on; both progress.
#[test]
fn listening_on_a_port_that_is_being_connected_from() {
    let mut net = Network::linux();
    net.listen(80, 5);
    let share = SocketOption::parse("SO_REUSEADDR", 1).unwrap();
    let local = socket_address(CLIENT, 40_000);
    let [active, passive] = [0; 2].map(|_| net.hosts[CLIENT].socket(SocketKind::Tcp, false));
    for fd in [active, passive] {
        net.hosts[CLIENT].set_option(net.now, fd, share).unwrap();
        net.hosts[CLIENT].bind(fd, local).unwrap();
    }
    net.connect_with(active, 80);
    assert_eq!(net.hosts[CLIENT].listen(passive, 1), Ok(()));
    let back = net.hosts[SERVER].socket(SocketKind::Tcp, false);
    assert_eq!(net.hosts[SERVER].connect(net.now, back, local), Err(Errno::InProgress));
    net.run_millis(100);
    assert!(net.hosts[CLIENT].readiness(active).writable);
    assert!(net.hosts[SERVER].readiness(back).writable);
    assert!(net.hosts[CLIENT].accept(passive).is_ok());
}

/// RFC 9293 §3.4.1, MUST-8: two opens of one pair of sockets have initial sequence numbers apart by the time between
/// them in units of 4 us.
#[test]
fn initial_sequence_numbers_follow_the_clock() {
    let mut net = Network::linux();
    let attempt = |net: &mut Network| {
        let fd = net.hosts[CLIENT].socket(SocketKind::Tcp, false);
        net.hosts[CLIENT].bind(fd, socket_address(CLIENT, 40_000)).unwrap();
        net.connect_with(fd, 81);
        net.run_millis(50);
        net.close(CLIENT, fd);
        net.segments(CLIENT, Flags::SYN).last().unwrap().1.seq
    };
    let first = attempt(&mut net);
    net.run_millis(950);
    let second = attempt(&mut net);
    assert_eq!(second, first + 250_000);
}

#[test]
fn figures_can_fix_the_initial_sequence_number() {
    let with = |host, isn| {
        let mut config = config(host, Config::rfc());
        config.initial_sequence_numbers = vec![isn];
        config
    };
    let mut net = Network::of([with(CLIENT, 100), with(SERVER, 300)]);
    net.connected();
    let numbers: Vec<_> = net.sent.iter().map(|(_, packet)| packet.clone()).collect();
    let line = |index: usize| match &numbers[index].body {
        faultwire_wire::Body::Tcp(it) => (it.seq.0, it.ack.0, it.flags),
        _ => unreachable!(),
    };
    // RFC 9293 §3.5, figure 6.
    assert_eq!(line(0), (100, 0, Flags::SYN));
    assert_eq!(line(1), (300, 101, Flags::SYN | Flags::ACK));
    assert_eq!(line(2), (101, 301, Flags::ACK));
}

#[test]
fn tags_tell_flow_cause_and_reason() {
    let mut net = Network::linux();
    let (client, _, _) = net.connected();
    net.send(CLIENT, client, b"data").unwrap();
    net.run_millis(200);
    let tags: Vec<_> = net.sent.iter().map(|(_, packet)| packet.tag).collect();
    assert!(tags.iter().all(|tag| tag.flow == tags[0].flow && tag.flow.opener.is_some()), "{tags:?}");
    use faultwire_wire::{Cause, Reason};
    assert_eq!((tags[0].reason, tags[0].cause, tags[0].transmission), (Reason::Syn, Cause::Call, 1));
    assert_eq!((tags[1].reason, tags[1].cause), (Reason::SynAck, Cause::Arrival(tags[0].id)));
    assert_eq!((tags[2].reason, tags[2].cause), (Reason::HandshakeAck, Cause::Arrival(tags[1].id)));
    assert_eq!((tags[3].reason, tags[3].cause, tags[3].stream_offset), (Reason::Data, Cause::Call, 0));
    assert_eq!(
        tags[4].cause,
        if tags[4].reason == Reason::DelayedAck {
            Cause::Timer(faultwire_wire::TimerKind::DelayedAck)
        } else {
            Cause::Arrival(tags[3].id)
        }
    );
    let mut ids: Vec<_> = tags.iter().map(|tag| tag.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), tags.len());
}

#[test]
fn a_restarted_host_answers_old_segments_with_a_reset() {
    let mut net = Network::linux();
    let (client, _, _) = net.connected();
    let mut again = config(SERVER, Config::linux());
    (again.boot, again.packets_before) = (2, net.hosts[SERVER].packets_made());
    net.hosts[SERVER] = faultwire_host::Host::new(again, faultwire_base::SeedTree::new(1));
    net.send(CLIENT, client, b"are you there?").unwrap();
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Err(Errno::ConnectionReset));
    assert_eq!(net.hosts[CLIENT].recv(net.now, client, 10), Ok(Received::Eof));
    let mut ids: Vec<_> = net.sent.iter().map(|(_, packet)| packet.tag.id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "no identity is used twice");
    assert_eq!(net.sent.last().unwrap().1.ip.source, address(SERVER));
}

#[test]
fn version_six_works_alike() {
    let mut net = Network::linux();
    let server = net.hosts[SERVER].socket(SocketKind::Tcp, true);
    net.hosts[SERVER].bind(server, "[::]:80".parse().unwrap()).unwrap();
    net.hosts[SERVER].listen(server, 5).unwrap();
    // A listener of version 4 has the port for itself.
    net.listen(80, 5);
    let fd = net.hosts[CLIENT].socket(SocketKind::Tcp, true);
    let remote = (address_v6(SERVER), 80).into();
    assert_eq!(net.hosts[CLIENT].connect(net.now, fd, remote), Err(Errno::InProgress));
    net.run_millis(50);
    let (accepted, from) = net.hosts[SERVER].accept(server).unwrap();
    assert_eq!((from.ip(), Ok(from)), (address_v6(CLIENT), net.hosts[CLIENT].local_address(fd)));
    assert_eq!(net.hosts[SERVER].peer_address(accepted), Ok(from));
    net.send(CLIENT, fd, b"six").unwrap();
    net.run_millis(50);
    assert_eq!(net.read(SERVER, accepted), Ok(Some(b"six".to_vec())));
    // 1500 octets less 40 and 20.
    let syn = &net.segments_of(address_v6(CLIENT), Flags::SYN)[0].1;
    assert!(syn.options.iter().any(|it| it == faultwire_wire::TcpOption::MaximumSegmentSize(1440)));
}

/// What an owner asks at the end of a run: does anything still go on?
#[test]
fn only_time_wait_is_quiet() {
    let mut net = Network::linux();
    let quiet = |net: &Network| [CLIENT, SERVER].map(|host| net.hosts[host].is_quiescent());
    assert_eq!(quiet(&net), [true, true]);
    let (client, server, _) = net.connected();
    assert_eq!(quiet(&net), [true, true], "established and idle");
    net.send(CLIENT, client, b"x").unwrap();
    assert_eq!(quiet(&net), [false, true], "data to send");
    net.drain();
    assert_eq!(quiet(&net), [false, true], "data to be acknowledged");
    assert!(!net.hosts[CLIENT].is_drained(client));
    net.run_millis(100);
    assert!(net.hosts[CLIENT].is_drained(client));
    assert_eq!(quiet(&net), [true, true]);
    net.read(SERVER, server).unwrap();
    net.close(CLIENT, client);
    net.run_millis(60);
    assert_eq!(quiet(&net), [false, true], "FIN-WAIT-2 of nobody has an end");
    net.close(SERVER, server);
    net.run_millis(100);
    assert_eq!(net.states(CLIENT, ConnectionId(1)).last(), Some(&State::TimeWait));
    assert_eq!(quiet(&net), [true, true]);
    assert!(net.hosts[CLIENT].deadline().is_some());
}
