//! Ten thousand connections at once, equal runs from equal seeds and from clones.

use faultwire_base::Duration;
use faultwire_host::{Errno, Fd, HostEvent};
use faultwire_tcp::{Config, State};

use crate::network::{CLIENT, Network, SERVER, config};

/// What a run showed, for comparison.
fn transcript(net: &Network) -> Vec<String> {
    let sent = net.sent.iter().map(|it| format!("{it:?}"));
    sent.chain(net.told.iter().map(|it| format!("{it:?}"))).collect()
}

/// Opens `count` connections, sends through each, closes half of them.
fn opened(count: usize) -> (Network, Vec<Fd>) {
    let mut server = config(SERVER, Config::linux());
    (server.listen.backlog_max, server.listen.syn_backlog) = (100_000, 100_000);
    let mut net = Network::of([config(CLIENT, Config::linux()), server]);
    let listener = net.listen(80, 100_000);
    let mut clients = Vec::new();
    for batch in 0..count / 500 {
        clients.extend((0..500).map(|_| net.connect(80)));
        net.run_millis(7);
        assert_eq!(clients.len(), (batch + 1) * 500);
    }
    net.run_millis(100);
    for &client in &clients {
        net.send(CLIENT, client, b"hello").unwrap();
    }
    net.run_millis(100);
    let mut accepted = 0;
    while let Ok((fd, _)) = net.hosts[SERVER].accept(listener) {
        accepted += 1;
        assert_eq!(net.read(SERVER, fd), Ok(Some(b"hello".to_vec())));
        if accepted % 2 == 0 {
            net.close(SERVER, fd);
        }
    }
    assert_eq!(accepted, count);
    net.run_millis(100);
    (net, clients)
}

#[test]
fn ten_thousand_connections_at_once() {
    let (mut net, clients) = opened(10_000);
    let in_state = |net: &Network, host: usize, state| {
        net.hosts[host].connections().filter(|it| it.state == state).count()
    };
    assert_eq!(in_state(&net, CLIENT, State::Established), 5_000);
    assert_eq!(in_state(&net, CLIENT, State::CloseWait), 5_000);
    assert_eq!(in_state(&net, SERVER, State::FinWait2), 5_000);
    let mut ended = 0;
    for client in clients {
        match net.read(CLIENT, client) {
            Ok(None) => {
                net.close(CLIENT, client);
                ended += 1;
            }
            other => assert_eq!(other, Err(Errno::WouldBlock)),
        }
    }
    assert_eq!(ended, 5_000);
    net.run_millis(100);
    assert_eq!(in_state(&net, SERVER, State::TimeWait), 5_000);
    net.run(Duration::from_secs(61));
    assert_eq!(net.hosts[SERVER].connections().count(), 5_000);
    assert_eq!(net.hosts[CLIENT].connections().count(), 5_000);
    let gone =
        net.told.iter().filter(|(.., event)| matches!(event, HostEvent::ConnectionGone { .. })).count();
    assert_eq!(gone, 10_000);
    assert_eq!(net.hosts[SERVER].deadline(), None);
}

/// DESIGN D9: a clone goes on as its original; D1: the same seed gives the same run.
#[test]
fn clones_and_repetitions_are_equal() {
    let (mut one, clients) = opened(1_000);
    let (two, _) = opened(1_000);
    assert_eq!(transcript(&one), transcript(&two));
    let mut clone = one.clone();
    for net in [&mut one, &mut clone] {
        for &client in &clients {
            if net.read(CLIENT, client) == Ok(None) {
                net.close(CLIENT, client);
            }
        }
        net.run(Duration::from_secs(61));
    }
    assert_eq!(transcript(&one), transcript(&clone));
}
