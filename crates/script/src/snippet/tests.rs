//! Snippets: what holds, what does not, what is not known.

use std::sync::Arc;

use faultwire_base::{PlaceId, SeedTree};
use faultwire_host::{HostConfig, Interface, SocketKind};
use proptest::prelude::*;

use super::*;
use crate::syntax::tree::Position;

fn machine(profile: Profile) -> Machine {
    let interface = Interface { address: "192.168.0.1".parse().unwrap(), mtu: 1500 };
    let config = HostConfig::new("host", PlaceId(0), interface, Arc::new(profile.config()));
    Machine::new(config, SeedTree::new(1))
}

fn code(text: &str) -> Command {
    Command { at: Position::default(), text: text.into() }
}

fn run(text: &str) -> Result<Vec<String>, Problem> {
    Snippets::default().run(&code(text), &machine(Profile::Linux), None, Profile::Linux)
}

/// A socket that is being connected, and what a snippet finds on it.
fn run_connecting(profile: Profile, text: &str) -> Result<Vec<String>, Problem> {
    let mut machine = machine(profile);
    let fd = machine.host.socket(SocketKind::Tcp, false);
    machine.host.connect(machine.now(), fd, "192.0.2.1:8080".parse().unwrap()).unwrap_err();
    machine.drain();
    Snippets::default().run(&code(text), &machine, Some(fd), profile)
}

#[test]
fn what_holds() {
    for text in [
        "assert 1 == 1",
        " assert (0x10 == 16)",
        "assert 1 < 2 <= 2 != 3 > 2 >= 1, 'chained'",
        "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 7 % -3 == -2",
        "assert 1 | 6 ^ 2 & 3 == 1 | (6 ^ (2 & 3))",
        "assert 2 + 3 * 4 - 1 == 13 and (2 + 3) * 4 == 20",
        "assert 1 << 4 >> 2 == 4",
        "assert ~0 == -1 and - -1 == 1 and -2 ** 2 == -4 and 2 ** -1 == 0.5",
        "assert not 1 == 2",
        "assert not not 1",
        "assert 1 in (1, 2) and 3 not in [1, 2] and 'a' in 'bar'",
        "assert abs(-3) == 3 and min(3, 1, 2) == 1 and max([3, 1]) == 3 and int('4') == 4 and len('abc') == 3",
        "assert 7 / 2 == 3.5 and 1e3 == 1000 and int(2.9) == 2",
        "assert 'a' 'b' == 'ab' == \"a\" + \"b\"",
        "x = 3; x += 2; x -= 1; x *= 5; x //= 3; x <<= 2; x |= 1; x &= 0x1f; x ^= 1; x %= 7\nassert x == 3, x",
        "# a comment\nassert 1 == 1 # another",
        "assert (1 +\n  1) == 2",
        "assert 1 == 1, \\\n 'continued'",
        "if 1 == 2: assert 0\nelif 1 == 1: x = 4\nelse:\n  assert 0\nassert x == 4",
        "if 1:\n  y = 1\n  if 0:\n    y = 2\n  else:\n    y = 3\nassert y == 3",
        "assert (1 if 0 else 2) == 2",
        "assert TCP_CA_Open == 0 and TCP_CA_Loss == 4 and TCP_ESTABLISHED == 1 and TCP_CLOSE_WAIT == 8",
        "assert TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE | TCPI_OPT_ECN == 15",
        "assert True and None == None and (False or 1) == 1",
        "pass",
        "",
    ] {
        assert_eq!(run(text), Ok(vec![]), "{text}");
    }
}

/// A failing assertion says what it is, what came, and its message.
#[test]
fn what_does_not_hold() {
    for (text, message) in [
        ("assert 1 == 2", "assert 1 == 2 does not hold: 1 == 2"),
        (
            "x = 4\nassert x + 1 == 6, 'not %d but %s' % (6, x)",
            "assert x + 1 == 6 does not hold: 5 == 6; not 6 but 4",
        ),
        ("assert 1 == 1 and 1 < 0", "assert 1 == 1 and 1 < 0 does not hold: 1 < 0"),
        ("assert 1 == 2 or 3 == 4", "assert 1 == 2 or 3 == 4 does not hold: 1 == 2, 3 == 4"),
        ("assert 1 <\n 0", ""),
        ("assert not 5", "assert not 5 does not hold: not 5"),
        ("assert 0, nowhere", "assert 0 does not hold: 0; the name nowhere in a snippet is not known here"),
        ("assert 1 // 0", "a division by zero in the snippet"),
        ("assert 'a' < 1", "Python can't compute \"a\" < 1"),
    ] {
        match run(text) {
            Err(Problem::Differs(found)) => assert_eq!(found, message, "{text}"),
            other => assert!(message.is_empty(), "{text}: {other:?}"),
        }
    }
}

/// What is not known never passes.
#[test]
fn what_is_not_known() {
    for text in [
        "import os",
        "for x in (1, 2): assert x",
        "while 1: pass",
        "assert x",
        "def f(): pass",
        "assert tcp_info.state == 1",
        "assert a[0] == 1",
        "assert {1: 2}",
        "assert lambda: 0",
        "assert 1 is 1",
        "assert f'{1}' == '1'",
        "assert sorted((1, 2))",
        "assert 1 = 1",
        "assert 1 ==",
        "assert (1",
        "assert 1 1",
        "x = y = 1",
        "assert 0777 == 1",
        "assert '''a'''",
        "assert 1 << 200",
        "if 1:",
        "else: pass",
        "assert 'open",
        "assert vegas_rtt == 1",
        "assert tcpv_rtt == 1",
        "assert SK_MEMINFO_RCVBUF == 1",
    ] {
        assert!(matches!(run(text), Err(Problem::Unknown(_))), "{text}: {:?}", run(text));
    }
    let Err(Problem::Unknown(text)) = run_connecting(Profile::Linux, "assert tcpi_foo == 1") else {
        panic!()
    };
    assert!(text.starts_with("no tcp_info field tcpi_foo"), "{text}");
}

#[test]
fn variables_persist_from_snippet_to_snippet() {
    let machine = machine(Profile::Linux);
    let mut snippets = Snippets::default();
    let mut run = |text| snippets.run(&code(text), &machine, None, Profile::Linux);
    run("sent = 10").unwrap();
    run("sent += 2").unwrap();
    assert_eq!(
        run("print('sent', sent, \"%05.2f|%-3d|%x\" % (1.5, 7, 255))"),
        Ok(vec!["sent 12 01.50|7  |ff".into()])
    );
    assert!(run("assert sent == 10").is_err());
}

#[test]
fn fields_of_tcp_info_are_those_of_the_instant() {
    let passes = |profile, text: &str| assert_eq!(run_connecting(profile, text), Ok(vec![]), "{text}");
    passes(Profile::Linux, "assert tcpi_state == TCP_SYN_SENT and tcpi_snd_cwnd == 10 and tcpi_options == 0");
    passes(Profile::Linux, "assert tcpi_state == 2 and tcpi_fackets == 0, tcpi_state");
    // FreeBSD numbers states by tcp_fsm.h, counts windows in octets, and tells of SACK before the peer agreed.
    passes(
        Profile::Freebsd,
        "assert tcpi_state == TCPS_SYN_SENT == TCPI_SYN_SENT == 2 and tcpi_options == TCPI_OPT_SACK",
    );
    passes(
        Profile::Freebsd,
        "assert TCPS_ESTABLISHED == 4 and TCPI_CLOSE_WAIT == 5 and tcpi_snd_ssthresh == 1073725440",
    );
    let failed = run_connecting(Profile::Linux, "assert tcpi_state == TCP_ESTABLISHED, tcpi_state");
    let expected = "assert tcpi_state == TCP_ESTABLISHED does not hold: 2 == 1; 2";
    assert_eq!(failed, Err(Problem::Differs(expected.into())));
}

#[test]
fn a_socket_without_a_connection_has_a_state() {
    let mut machine = machine(Profile::Linux);
    let fd = machine.host.socket(SocketKind::Tcp, false);
    let closed = code("assert tcpi_state == TCP_CLOSE and tcpi_unacked == 0");
    assert_eq!(Snippets::default().run(&closed, &machine, Some(fd), Profile::Linux), Ok(vec![]));
    machine.host.bind(fd, "0.0.0.0:8080".parse().unwrap()).unwrap();
    machine.host.listen(fd, 1).unwrap();
    for (profile, text) in [
        (Profile::Linux, "assert tcpi_state == TCP_LISTEN == 10"),
        (Profile::Freebsd, "assert tcpi_state == TCPS_LISTEN == 1"),
    ] {
        assert_eq!(Snippets::default().run(&code(text), &machine, Some(fd), profile), Ok(vec![]));
    }
    assert!(matches!(run("assert tcpi_state == 1"), Err(Problem::Differs(_))));
}

proptest! {
    /// Any text is run, fails or is refused; none panics.
    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = run(&text);
    }

    /// Nor does any sequence of words that Python has.
    #[test]
    fn no_words_panic(words in proptest::collection::vec(proptest::sample::select(&[
        "assert", "print", "if", "else", "elif", ":", "\n", "  ", "(", ")", "[", "]", ",", ";", "x", "=", "+=", "==", "<",
        "not", "in", "and", "or", "-", "~", "**", "//", "%", "<<", ">>", "1", "0", "0x7f", "99999999999999999999",
        "'a%d'", "\"", "1.5", "1e400", "tcpi_rtt", "min", "abs", "#", "\\\n", "i128", "é",
    ][..]), 0..30)) {
        let _ = run(&words.join(" "));
    }
}

#[test]
fn an_expression_as_long_as_a_book_is_refused_and_does_not_overflow() {
    let long = |count| format!("x = {}1", "1+".repeat(count));
    assert_eq!(run(&long(300)), Ok(Vec::new()));
    assert!(matches!(run(&long(100_000)), Err(Problem::Unknown(_))));
}
