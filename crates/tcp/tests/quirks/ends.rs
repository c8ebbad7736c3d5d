//! How connections open and close.

use faultwire_base::Duration;
use faultwire_tcp::{ConnectionError, Quirk, State};
use faultwire_wire::Flags;

use crate::pair::*;
use crate::{open, right_and_wrong, right_and_wrong_of};

/// RFC 9293 §3.5, MUST-10: SYNs that cross open one connection, or A answers B's by a RST.
#[test]
fn no_simultaneous_open() {
    let ends = |config| {
        let mut pair = Pair::new(rfc());
        pair.configs[A] = std::sync::Arc::new(config);
        pair.connect(A);
        pair.connect(B);
        pair.run_for(ms(400));
        (pair.state(A), pair.state(B), pair.end(A).error(), pair.end(B).error())
    };
    for config in [rfc(), linux()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::NoSimultaneousOpen, ends);
        assert_eq!(right, (State::Established, State::Established, None, None));
        let refused = Some(ConnectionError::Refused);
        assert_eq!(wrong, (State::Closed, State::Closed, refused, refused));
    }
}

/// RFC 9293 §3.4: a FIN that got lost goes again in its place, and the connection ends; or one beyond, and it never does.
#[test]
fn fin_sequence_wrong() {
    let fins = |config| {
        let mut pair = open(without_probe(config));
        pair.script(|sent| {
            let fin = sent.from == A && sent.segment.flags.contains(Flags::FIN);
            if fin && sent.transmission == 1 { DROP } else { PASS }
        });
        pair.close(A);
        pair.run_for(ms(2500));
        let fins = pair.trace(A).into_iter().filter(|(_, line)| line.contains("FIN")).collect::<Vec<_>>();
        (fins, pair.state(A))
    };
    let (right, wrong) = right_and_wrong(Quirk::FinSequenceWrong, fins);
    let sent =
        |times: &[(u64, &str)]| times.iter().map(|&(at, line)| (at, line.to_owned())).collect::<Vec<_>>();
    let first = "<SEQ=101><ACK=301><CTL=FIN,ACK>";
    assert_eq!(right, (sent(&[(150, first), (1150, first)]), State::FinWait2));
    let beyond = "<SEQ=102><ACK=301><CTL=FIN,ACK>";
    assert_eq!(wrong, (sent(&[(150, first), (1150, beyond)]), State::FinWait1));
}

/// RFC 9293 §3.6.1, RFC 1337 §1: TIME-WAIT lasts 2 MSL, or next to nothing of it.
#[test]
fn short_time_wait() {
    let length = |config| {
        let (mut pair, _) = in_time_wait(config);
        let entered = pair.entered(A, State::TimeWait);
        pair.run_to_end();
        pair.entered(A, State::Closed).saturating_since(entered)
    };
    let (right, wrong) = right_and_wrong(Quirk::ShortTimeWait, length);
    assert_eq!((right, wrong), (Duration::from_secs(240), ms(480)));
    let (right, wrong) = right_and_wrong_of(linux(), Quirk::ShortTimeWait, length);
    assert_eq!((right, wrong), (Duration::from_secs(60), ms(120)));
}
