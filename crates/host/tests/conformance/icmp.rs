//! RFC 9293 §3.9.2.2, §3.9.1.8: ICMP errors and what the user is told of them.

use faultwire_host::{Errno, HostEvent, SocketOption};
use faultwire_tcp::{Config, ConnectionError, SoftError, State};

use crate::drill::Drill;
use crate::{open, profiles};

/// The soft errors that the owner was told of.
fn told(t: &Drill) -> Vec<ConnectionError> {
    let soft = |event: &HostEvent| match event {
        HostEvent::SoftError { error: SoftError::Unreachable(error), .. } => Some(*error),
        _ => None,
    };
    t.told.iter().filter_map(soft).collect()
}

const SOFT: [(&str, ConnectionError, Errno); 8] = [
    ("unreachable net_unreachable", ConnectionError::NetworkUnreachable, Errno::NetworkUnreachable),
    ("unreachable host_unreachable", ConnectionError::HostUnreachable, Errno::HostUnreachable),
    ("unreachable source_route_failed", ConnectionError::HostUnreachable, Errno::HostUnreachable),
    ("time_exceeded ttl_exceeded_in_transit", ConnectionError::HostUnreachable, Errno::HostUnreachable),
    ("time_exceeded frag_reass_exceeded", ConnectionError::HostUnreachable, Errno::HostUnreachable),
    ("parameter_problem 0", ConnectionError::ProtocolError, Errno::ProtocolError),
    ("parameter_problem 1", ConnectionError::ProtocolError, Errno::ProtocolError),
    ("parameter_problem 2", ConnectionError::ProtocolError, Errno::ProtocolError),
];

/// RFC 9293 §3.9.2.2 (SHLD-25, MUST-56, MUST-54), §3.9.1.8 (MUST-47, SHLD-20): errors that may pass are told, to the user
/// only with IP_RECVERR, and end nothing; the data goes on.
#[test]
fn soft_errors_are_told_and_end_nothing() {
    for config in [Config::rfc(), Config::linux()] {
        let is_linux = config == Config::linux();
        for (message, mut error, mut errno) in SOFT {
            if is_linux && message == "unreachable source_route_failed" {
                (error, errno) = (ConnectionError::SourceRouteFailed, Errno::NotSupported);
            }
            for reports in [false, true] {
                let (mut t, fd) = open(config.clone());
                t.setsockopt(fd, SocketOption::ErrorReports(reports));
                t.write(fd, 10).unwrap();
                t.expect("P. 1:11(10) ack 1");
                t.inject(&format!("+0.01 icmp {message} [1:11(10)]"));
                assert_eq!(told(&t), [error], "{message}");
                assert_eq!(t.state(), State::Established);
                // Linux: SO_ERROR falls back to the soft error.
                assert_eq!(t.error(fd), (reports || is_linux).then_some(errno), "{message}");
                t.inject("+0.09 . 1:1(0) ack 11");
                t.write(fd, 10).unwrap();
                t.expect("P. 11:21(10) ack 1");
                t.inject("+0.1 . 1:1(0) ack 21");
            }
        }
    }
}

/// RFC 9293 §3.9.2.2 (MUST-56): and in every other state too. (Linux, and FreeBSD for some of them, give up
/// in SYN-SENT: RFC 5461 §4.)
#[test]
fn soft_errors_end_nothing_in_any_state() {
    let config = Config::rfc();
    for (message, ..) in SOFT {
        let mut t = Drill::new(config.clone());
        let fd = t.connect();
        t.expect("S 0:0(0) <...>");
        t.inject(&format!("icmp {message} [0:0(0)]"));
        assert_eq!((t.state(), t.error(fd)), (State::SynSent, None));
        t.inject("+0.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        t.shutdown(fd, faultwire_host::How::Write).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject(&format!("icmp {message} [1:1(0)]"));
        assert_eq!(t.state(), State::FinWait1);
        t.inject("F. 1:1(0) ack 1");
        t.expect(". 2:2(0) ack 2");
        t.inject(&format!("icmp {message} [1:1(0)]"));
        assert_eq!(t.state(), State::Closing);
        t.inject(". 2:2(0) ack 2");
        t.inject(&format!("icmp {message} [1:1(0)]"));
        assert_eq!(t.state(), State::TimeWait);

        let (mut t, fd) = open(config.clone());
        t.inject("F. 1:1(0) ack 1");
        t.expect(". 1:1(0) ack 2");
        t.write(fd, 10).unwrap();
        t.expect("P. 1:11(10) ack 2");
        t.inject(&format!("icmp {message} [1:11(10)]"));
        assert_eq!(t.state(), State::CloseWait);
        t.close(fd);
        t.expect("F. 11:11(0) ack 2");
        t.inject(&format!("icmp {message} [1:11(10)]"));
        assert_eq!(t.state(), State::LastAck);
        t.inject(". 2:2(0) ack 12");
    }
}

/// RFC 9293 §3.9.2.2 (SHLD-26), RFC 5461 §4: unreachable protocol or port ends an attempt to connect at once; an open
/// connection by the letter, and on Linux not, where `SO_ERROR` tells of it all the same.
#[test]
fn hard_errors_abort() {
    let hard = [
        ("unreachable protocol_unreachable", Errno::NoProtocolOption),
        ("unreachable port_unreachable", Errno::ConnectionRefused),
    ];
    for (config, ends) in [(Config::rfc(), true), (Config::linux(), false)] {
        for (message, errno) in hard {
            let mut t = Drill::new(config.clone());
            let fd = t.connect();
            t.expect("S 0:0(0) <...>");
            t.inject(&format!("+0.01 icmp {message} [0:0(0)]"));
            assert_eq!((t.state(), t.error(fd)), (State::Closed, Some(errno)));
            t.expect_nothing_for_ms(5000);

            let (mut t, fd) = open(config.clone());
            t.write(fd, 10).unwrap();
            t.expect("P. 1:11(10) ack 1");
            t.inject(&format!("+0.01 icmp {message} [1:11(10)]"));
            let expected = if ends { State::Closed } else { State::Established };
            assert_eq!((t.state(), t.error(fd)), (expected, Some(errno)));
            t.forget_sent();
        }
    }
}

/// RFC 9293 §3.9.2.2 (MUST-54), RFC 5927 §4.1: an error goes to the connection that it quotes, and to no other; one
/// about what is not on its way is not believed.
#[test]
fn an_error_goes_to_the_connection_that_it_quotes() {
    for config in profiles() {
        let (mut t, one) = open(config);
        t.new_peer();
        let two = t.passive("mss 1000");
        for fd in [one, two] {
            t.setsockopt(fd, SocketOption::ErrorReports(true));
            t.write(fd, 10).unwrap();
        }
        t.forget_sent();
        for quote in ["[12:22(10)]", "[0:10(10)]", "[100000:100010(10)]"] {
            t.inject(&format!("icmp unreachable host_unreachable {quote}"));
        }
        assert_eq!((t.error(one), t.error(two)), (None, None));
        t.inject("icmp unreachable host_unreachable [1:11(10)]");
        assert_eq!((t.error(one), t.error(two)), (None, Some(Errno::HostUnreachable)));
        t.forget_sent();
    }
}

/// RFC 9293 §3.9.2.2 (MUST-55): source quench is dropped without a word: same state, same window, same timer.
#[test]
fn source_quench_is_dropped() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 3000).unwrap();
        t.forget_sent();
        let before = format!("{:?}", t.info(fd));
        t.inject("icmp source_quench [1:1001(1000)]");
        assert_eq!(format!("{:?}", t.info(fd)), before);
        assert_eq!((told(&t), t.error(fd)), (Vec::new(), None));
        t.expect_nothing();
        t.inject("+0.1 . 1:1(0) ack 3001");
    }
}
