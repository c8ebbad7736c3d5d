//! What two failures must have in common to be one.

use super::{Cluster, Failure, shape};

#[test]
fn a_shape_has_no_numbers_times_or_addresses_and_keeps_states_and_names() {
    for (sentence, expected) in [
        ("observed 1448 octets, intact and in order", "observed # octet, intact and in order"),
        ("observed 1 octet, intact and in order", "observed # octet, intact and in order"),
        ("at 150.137ms: seq 4294967295 is beyond 0x1f", "at #: seq # is beyond #"),
        (
            "it never left FIN_WAIT_1; it went SYN_SENT > FIN_WAIT_1",
            "it never left FIN_WAIT_1; it went SYN_SENT > FIN_WAIT_1",
        ),
        ("connect to 10.0.0.1:80", "connect to #"),
        ("connect to [fd00::1]:80: refused", "connect to # refused"),
        ("from fd00::1 on", "from # on"),
        ("app \"flow 7\" stalled: step 2", "app \"flow 7\" stalled: step #"),
        ("an open \" quote 7", "an open \" quote #"),
        ("3 at 0s, 1ms, 3.5ms", "# at #"),
        ("2 at 0s, 1ms", "# at #"),
        ("client/#3 and client/first", "client/# and client/first"),
        ("(12, 1448) came in", "(#) came in"),
        ("0.5% of 10Mbit, 64KiB.", "#% of #."),
        ("snd_cwnd -3..+10", "snd_cwnd #..+#"),
        ("größer als 3 µs", "größer als # µs"),
        ("", ""),
    ] {
        assert_eq!(shape(sentence), expected, "{sentence}");
    }
}

#[test]
fn a_cluster_is_the_set_of_names_and_shapes() {
    let failure = |name: &str, sentence: &str| Failure::new(name, sentence);
    let (read, stall) = (failure("all read", "observed 3"), failure("app:web", "stalled in SYN_SENT"));
    let cluster = |failures: &[Failure]| Cluster::of(failures).unwrap();
    let both = cluster(&[stall.clone(), read.clone()]);
    assert_eq!(both, cluster(&[read.clone(), stall.clone()]), "the order is no part of it");
    assert_eq!(both, cluster(&[failure("all read", "observed 4"), stall.clone()]));
    assert_eq!(both.names().collect::<Vec<_>>(), ["all read", "app:web"]);
    assert_eq!(both.to_string(), "observed #; stalled in SYN_SENT");
    for other in [
        cluster(std::slice::from_ref(&read)),
        cluster(&[read.clone(), failure("app:web", "stalled in FIN_WAIT_1")]),
        cluster(&[read, failure("app:browser", "stalled in SYN_SENT")]),
    ] {
        assert_ne!(both, other);
        assert_ne!(both.id(), other.id());
    }
    assert_eq!(Cluster::of(&[]), None);
}

#[test]
fn a_stalled_app_is_told_by_its_step_and_the_state_of_its_connection() {
    let cluster = |wait: &str| {
        Cluster::of(&[Failure::new("app:web", format!("app \"web\" stalled: step 2 ({wait}"))]).unwrap()
    };
    let reads = |own: &str, other: &str| {
        cluster(&format!("read: 1448 of 4096 octets); at server it is {own}; at client it is {other}"))
    };
    let one = reads(
        "ESTABLISHED, own window 4096, no timer runs",
        "ESTABLISHED, 3 in flight, timers: keep-alive at 7200s",
    );
    assert_eq!(
        one.to_string(),
        "app \"web\" stalled: step # (read: # of # octet); at server it is ESTABLISHED"
    );
    for same in [
        reads(
            "ESTABLISHED, 5 to send, own window 4096, timers: retransmission at 9s, keep-alive at 1s",
            "CLOSE_WAIT",
        ),
        reads("ESTABLISHED", "not known (any more)"),
    ] {
        assert_eq!(same, one);
    }
    for other in [
        reads("CLOSE_WAIT, own window 4096, no timer runs", "ESTABLISHED"),
        cluster(
            "write: 1448 of 4096 octets taken); at server it is ESTABLISHED, own window 4096, no timer runs",
        ),
        cluster("accept: no connection has come); at server it is listening, with 0 connections to accept"),
        cluster("sleep 3s)"),
    ] {
        assert_ne!(other, one);
    }
    // What an expectation says is told as a whole, whatever its words.
    let expectation = |rest: &str| {
        let sentence =
            format!("expectation \"x\" failed: app \"web\" stalled: at server it is ESTABLISHED, {rest}");
        Cluster::of(&[Failure::new("x", sentence)]).unwrap()
    };
    assert_ne!(expectation("one"), expectation("other"));
}

#[test]
fn the_id_of_a_cluster_is_a_contract() {
    // Ticket folders and lines of old sweeps are named by it.
    let cluster = Cluster::of(&[Failure::new("all read", "observed 3 octets")]).unwrap();
    assert_eq!(cluster.id(), "e90320fa");
}
