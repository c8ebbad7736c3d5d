//! Listeners: backlog, SYN queue, closing a listener, stray segments for one, TIME-WAIT and new SYNs.

use faultwire_base::Duration;
use faultwire_host::{ConnectionId, DropReason, Errno, How, SocketKind, SocketOption};
use faultwire_tcp::{Config, State, SynCookiePolicy};
use faultwire_wire::{Body, Flags, Packet, Seq};

use crate::network::{CLIENT, Network, SERVER, config, has_flags, socket_address};

/// Linux: a backlog of n holds n + 1 connections; then SYNs are dropped.
#[test]
fn a_full_accept_queue_takes_no_syn() {
    let mut net = Network::linux();
    let listener = net.listen(80, 1);
    let clients = [0; 3].map(|_| {
        let fd = net.connect(80);
        net.run_millis(40);
        fd
    });
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((2, 0)));
    assert_eq!(net.drops(SERVER), [DropReason::AcceptQueueFull]);
    let writable = clients.map(|fd| net.hosts[CLIENT].readiness(fd).writable);
    assert_eq!(writable.iter().filter(|&&ready| ready).count(), 2);
    // Room: the SYN is repeated after a second and gets in.
    assert!(net.hosts[SERVER].accept(listener).is_ok());
    net.run_millis(1500);
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((2, 0)));
}

/// Handshakes that began when there was room end when there is none: the ACK is dropped, and the entry waits.
fn overflow(abort: bool) -> Network {
    let mut server = config(SERVER, Config::linux());
    server.listen.abort_on_overflow = abort;
    let mut net = Network::of([config(CLIENT, Config::linux()), server]);
    let listener = net.listen(80, 2);
    // Two SYNs at once meet an empty accept queue; then the backlog is made smaller.
    net.connect(80);
    net.connect(80);
    net.run_millis(15);
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((0, 2)));
    net.hosts[SERVER].listen(listener, 0).unwrap();
    net.run_millis(30);
    net
}

#[test]
fn overflow_drops_or_resets_as_configured() {
    let dropped = overflow(false);
    assert_eq!(dropped.drops(SERVER), [DropReason::AcceptQueueFull]);
    assert_eq!(dropped.hosts[SERVER].connections().filter(|it| it.state == State::SynReceived).count(), 1);
    assert!(dropped.segments(SERVER, Flags::RST).is_empty());
    let reset = overflow(true);
    assert_eq!(reset.drops(SERVER), [DropReason::AcceptQueueFull]);
    assert_eq!(reset.hosts[SERVER].connections().filter(|it| it.state == State::SynReceived).count(), 0);
    assert_eq!(reset.segments(SERVER, Flags::RST).len(), 1);
}

/// A SYN-RECEIVED entry whose ACK never comes is repeated and given up; one that is reset goes back to LISTEN (RFC 9293
/// §3.10.7.4, MUST-11).
#[test]
fn half_open_connections_end() {
    let mut net = Network::linux();
    let listener = net.listen(80, 5);
    net.passes = |packet| !has_flags(packet, Flags::ACK);
    let client = net.connect(80);
    net.run_millis(15);
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((0, 1)));
    net.run(Duration::from_secs(100));
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((0, 0)));
    let states = net.states(SERVER, ConnectionId(1));
    assert_eq!(states, [State::Listen, State::SynReceived, State::Closed]);
    // 1 and 5 repetitions (tcp_synack_retries).
    assert_eq!(net.segments(SERVER, Flags::SYN | Flags::ACK).len(), 6);
    net.hosts[CLIENT].abort(net.now, client).unwrap();
    net.run_millis(50);

    let client = net.connect(80);
    net.run_millis(25);
    net.passes = |_| true;
    net.hosts[CLIENT].abort(net.now, client).unwrap();
    net.run_millis(50);
    assert_eq!(net.states(SERVER, ConnectionId(2)), [State::Listen, State::SynReceived, State::Listen]);
    assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((0, 0)));
}

/// Linux without SYN cookies: no more half-open connections than the backlog and one, and none in the last quarter of
/// tcp_max_syn_backlog.
#[test]
fn the_syn_queue_has_an_end() {
    for (backlog, syn_backlog, expected) in [(4, 4096, 5), (100, 16, 13)] {
        let mut tcp = Config::linux();
        tcp.handshake.syn_cookies = SynCookiePolicy::Never;
        let mut server = config(SERVER, tcp);
        server.listen.syn_backlog = syn_backlog;
        let mut net = Network::of([config(CLIENT, Config::linux()), server]);
        let listener = net.listen(80, backlog);
        net.passes = |packet| has_flags(packet, Flags::SYN);
        for _ in 0..20 {
            net.connect(80);
        }
        net.run_millis(50);
        assert_eq!(net.hosts[SERVER].queue_lengths(listener), Ok((0, expected)));
        assert_eq!(net.drops(SERVER), vec![DropReason::SynQueueFull; 20 - expected as usize]);
    }
}

#[test]
fn closing_a_listener_resets_what_nobody_accepted() {
    let mut net = Network::linux();
    let listener = net.listen(80, 5);
    let client = net.connect(80);
    net.run_millis(50);
    let late = net.connect(80);
    net.run_millis(15);
    net.close(SERVER, listener);
    assert_eq!(net.hosts[SERVER].connections().count(), 0);
    net.run_millis(50);
    assert_eq!(net.read(CLIENT, client), Err(Errno::ConnectionReset));
    assert_eq!(net.read(CLIENT, late), Err(Errno::ConnectionReset));
    let again = net.listen(80, 5);
    assert_eq!(net.hosts[SERVER].accept(again), Err(Errno::WouldBlock));
}

#[test]
fn options_of_a_listener_are_inherited() {
    let mut net = Network::linux();
    let listener = net.listen(80, 5);
    let option = SocketOption::parse("IP_TOS", 0x10).unwrap();
    net.hosts[SERVER].set_option(net.now, listener, option).unwrap();
    net.connect(80);
    net.run_millis(50);
    let (server, _) = net.hosts[SERVER].accept(listener).unwrap();
    net.send(SERVER, server, b"x").unwrap();
    net.run_millis(50);
    let data = net
        .sent
        .iter()
        .find(|(_, packet)| matches!(&packet.body, Body::Tcp(segment) if !segment.payload.is_empty()));
    assert_eq!(data.unwrap().1.ip.traffic_class, 0x10);
}

/// RFC 9293 §3.10.7.2: in LISTEN an ACK is answered with a reset, a RST and nonsense with nothing.
#[test]
fn stray_segments_for_a_listener() {
    let mut net = Network::linux();
    net.listen(80, 5);
    let connect = net.connect(80);
    net.drain();
    let syn = net.sent[0].1.clone();
    net.hosts[CLIENT].abort(net.now, connect).unwrap();
    let with = |flags: Flags| {
        let mut packet = syn.clone();
        let Body::Tcp(segment) = &mut packet.body else { unreachable!() };
        (segment.flags, segment.ack, segment.source_port) = (flags, Seq(77), 9);
        packet
    };
    for flags in [Flags::ACK, Flags::RST, Flags::NONE, Flags::FIN] {
        net.put(net.now, with(flags));
    }
    net.passes = |_| false;
    net.run_millis(1);
    let resets = net.segments(SERVER, Flags::RST);
    assert_eq!(resets.iter().map(|(_, segment)| segment.seq).collect::<Vec<_>>(), [Seq(77)]);
    assert_eq!(net.drops(SERVER), vec![DropReason::NotForListener; 4]);
}

/// Server closes first and is in TIME-WAIT; a new SYN from the same port opens it again, with an initial sequence
/// number of old SND.NXT + 65537 (STANDARDS D6; RFC 9293 §3.6.1, MAY-2).
#[test]
fn a_new_syn_reopens_time_wait() {
    for (stack, gap) in [(Config::linux(), 65_537), (Config::rfc(), 65_536)] {
        let mut net = Network::pair(&stack);
        let listener = net.listen(80, 5);
        let open = |net: &mut Network| {
            let fd = net.hosts[CLIENT].socket(SocketKind::Tcp, false);
            net.hosts[CLIENT].bind(fd, socket_address(CLIENT, 40_000)).unwrap();
            net.connect_with(fd, 80);
            net.run_millis(50);
            fd
        };
        let client = open(&mut net);
        let (server, _) = net.hosts[SERVER].accept(listener).unwrap();
        net.close(SERVER, server);
        net.run_millis(50);
        assert_eq!(net.read(CLIENT, client), Ok(None));
        net.close(CLIENT, client);
        net.run_millis(50);
        assert_eq!(net.hosts[SERVER].connections().map(|it| it.state).collect::<Vec<_>>(), [State::TimeWait]);
        let old = net.segments(SERVER, Flags::SYN | Flags::ACK)[0].1.seq;
        net.run(Duration::from_secs(20));
        open(&mut net);
        assert!(net.hosts[SERVER].accept(listener).is_ok());
        let new = net.segments(SERVER, Flags::SYN | Flags::ACK)[1].1.seq;
        // SYN and FIN took one each.
        assert_eq!(new, old + 2 + gap);
        assert_eq!(net.states(SERVER, ConnectionId(1)).last(), Some(&State::Closed));
        assert_eq!(
            net.states(SERVER, ConnectionId(2)),
            [State::Listen, State::SynReceived, State::Established]
        );
    }
}

/// RFC 9293 §3.6.1, MAY-2 (2): the SYN that opened TIME-WAIT again proves to be an old duplicate; with the rfc stack
/// TIME-WAIT comes back and ends when it would have ended.
#[test]
fn an_old_syn_gives_time_wait_back() {
    let mut net = Network::pair(&Config::rfc());
    let listener = net.listen(80, 5);
    let client = net.connect(80);
    net.run_millis(50);
    let (server, _) = net.hosts[SERVER].accept(listener).unwrap();
    net.close(SERVER, server);
    net.run_millis(50);
    net.close(CLIENT, client);
    net.run_millis(50);
    let entered = net.told.iter().find_map(|(at, _, event)| match event {
        faultwire_host::HostEvent::StateChanged { to: State::TimeWait, .. } => Some(*at),
        _ => None,
    });
    let mut syn: Packet = net.sent[0].1.clone();
    let Body::Tcp(segment) = &mut syn.body else { unreachable!() };
    // As if a connection in between had used it: later numbers, later time.
    segment.seq = segment.seq + 1_000_000;
    segment.options = faultwire_wire::Options::EMPTY;
    let (value, _) = net.segments(CLIENT, Flags::SYN)[0].1.options.timestamps().unwrap();
    segment.options.push_timestamps(value + 100_000, 0);
    net.put(net.now, syn);
    net.run_millis(15);
    assert_eq!(net.hosts[SERVER].connections().map(|it| it.state).collect::<Vec<_>>(), [State::SynReceived]);
    net.run_millis(35);
    // The client knows nothing of it and resets it.
    assert_eq!(net.states(SERVER, ConnectionId(2)), [State::Listen, State::SynReceived, State::Listen]);
    assert_eq!(net.hosts[SERVER].connections().map(|it| it.state).collect::<Vec<_>>(), [State::TimeWait]);
    net.run(Duration::from_secs(240));
    let left = net.told.iter().find_map(|(at, _, event)| match event {
        faultwire_host::HostEvent::StateChanged { from: State::TimeWait, .. } => Some(*at),
        _ => None,
    });
    assert_eq!(left, entered.map(|at| at + Duration::from_secs(240)));
}

/// As above, while the application of the server still has the descriptor of the old connection.
#[test]
fn a_new_syn_reopens_time_wait_that_has_a_descriptor() {
    let mut net = Network::linux();
    let listener = net.listen(80, 5);
    let open = |net: &mut Network| {
        let fd = net.hosts[CLIENT].socket(SocketKind::Tcp, false);
        net.hosts[CLIENT].bind(fd, socket_address(CLIENT, 40_000)).unwrap();
        net.connect_with(fd, 80);
        net.run_millis(50);
        fd
    };
    let client = open(&mut net);
    let (server, _) = net.hosts[SERVER].accept(listener).unwrap();
    net.send(CLIENT, client, b"not read yet").unwrap();
    net.hosts[SERVER].shutdown(net.now, server, How::Write).unwrap();
    net.run_millis(50);
    net.close(CLIENT, client);
    net.run_millis(50);
    assert_eq!(net.states(SERVER, ConnectionId(1)).last(), Some(&State::TimeWait));
    net.run(Duration::from_secs(5));
    open(&mut net);
    assert_eq!(net.states(SERVER, ConnectionId(1)).last(), Some(&State::Closed));
    assert_eq!(net.read(SERVER, server), Ok(Some(b"not read yet".to_vec())));
    assert_eq!(net.read(SERVER, server), Ok(None));
    let (second, _) = net.hosts[SERVER].accept(listener).unwrap();
    assert_ne!(second, server);
    assert_eq!(net.states(SERVER, ConnectionId(2)).last(), Some(&State::Established));
}

/// Without a listener, a new SYN for TIME-WAIT is answered as by a closed port, and TIME-WAIT stays.
#[test]
fn a_new_syn_for_time_wait_without_a_listener_is_refused() {
    let mut net = Network::linux();
    let (client, server, listener) = net.connected();
    let local = net.hosts[CLIENT].local_address(client).unwrap();
    net.close(SERVER, server);
    net.run_millis(50);
    net.close(CLIENT, client);
    net.close(SERVER, listener);
    net.run_millis(50);
    let again = net.hosts[CLIENT].socket(SocketKind::Tcp, false);
    net.hosts[CLIENT].bind(again, local).unwrap();
    net.run(Duration::from_secs(1));
    net.connect_with(again, 80);
    net.run_millis(50);
    assert_eq!(net.hosts[CLIENT].take_error(again), Ok(Some(Errno::ConnectionRefused)));
    assert_eq!(net.states(SERVER, ConnectionId(1)).last(), Some(&State::TimeWait));
}
