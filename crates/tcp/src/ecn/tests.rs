use super::*;
use crate::config::Config;

fn asked(config: &EcnConfig, timeouts: u32) -> (Ecn, Flags) {
    let mut ecn = Ecn::default();
    let flags = ecn.ask(config, timeouts);
    (ecn, flags)
}

/// RFC 9293 §3.8.2, SHLD-8; RFC 3168 §6.1.1: who asks, and which answers agree.
#[test]
fn negotiation() {
    let config = EcnConfig { ask: true, ..Config::rfc().ecn };
    let both = Flags::ECE | Flags::CWR;
    for (answer, agreed) in [
        (Flags::SYN | Flags::ACK | Flags::ECE, true),
        (Flags::SYN | Flags::ACK, false),
        (Flags::SYN | Flags::ACK | Flags::CWR, false),
        (Flags::SYN | Flags::ACK | both, false),
        (Flags::SYN | both, true),
        (Flags::SYN | Flags::ECE, false),
    ] {
        let (mut ecn, flags) = asked(&config, 0);
        assert_eq!(flags, both);
        ecn.learn(answer);
        assert_eq!(ecn.is_on(), agreed, "{answer}");
    }
    let (mut silent, flags) = asked(&Config::rfc().ecn, 0);
    assert_eq!(flags, Flags::NONE);
    silent.learn(Flags::SYN | Flags::ACK | Flags::ECE);
    assert!(!silent.is_on(), "nobody asked");
}

/// RFC 3168 §6.1.1.1: the SYN sent again asks no more; `tcp_ecn_fallback` 0 and FreeBSD's `maxretries` say otherwise.
#[test]
fn a_syn_sent_again_does_not_ask() {
    let asks = |retries: Option<u32>| -> Vec<bool> {
        let config = EcnConfig { ask: true, syn_retries: retries, ..Config::rfc().ecn };
        (0..4).map(|timeouts| asked(&config, timeouts).1 != Flags::NONE).collect()
    };
    assert_eq!(asks(Some(0)), [true, false, false, false]);
    assert_eq!(asks(Some(1)), [true, true, false, false]);
    assert_eq!(asks(None), [true; 4]);
}

/// RFC 3168 §6.1.1: a SYN must not be ECN-capable itself; Linux does not trust one that is.
#[test]
fn a_marked_syn() {
    let syn = Flags::SYN | Flags::ECE | Flags::CWR;
    for codepoint in [EcnCodepoint::Ect0, EcnCodepoint::Ect1, EcnCodepoint::Ce] {
        assert!(agrees(&Config::rfc().ecn, syn, codepoint));
        assert!(!agrees(&Config::linux().ecn, syn, codepoint));
    }
    assert!(agrees(&Config::linux().ecn, syn, EcnCodepoint::NotEct));
    assert!(!agrees(&Config::linux().ecn, Flags::SYN | Flags::ECE, EcnCodepoint::NotEct));
    assert!(!agrees(&EcnConfig { agree: false, ..Config::rfc().ecn }, syn, EcnCodepoint::NotEct));
}

/// RFC 3168 §6.1.3: from the mark to the CWR, and anew if the segment with CWR is marked.
#[test]
fn the_echo_lasts_until_cwr() {
    let config = Config::rfc();
    let mut ack = AckPolicy::new(&config.acknowledgment);
    let mut ecn = Ecn::accept(true);
    let mut text = |codepoint, flags| {
        ecn.arrives(codepoint);
        ecn.on_text(&config.ecn, flags, &mut ack);
        ecn.echo()
    };
    assert_eq!(text(EcnCodepoint::Ect0, Flags::ACK), Flags::NONE);
    assert_eq!(text(EcnCodepoint::Ce, Flags::ACK), Flags::ECE);
    assert_eq!(text(EcnCodepoint::Ect0, Flags::ACK), Flags::ECE);
    assert_eq!(text(EcnCodepoint::Ce, Flags::ACK | Flags::CWR), Flags::ECE);
    assert_eq!(text(EcnCodepoint::Ect0, Flags::ACK | Flags::CWR), Flags::NONE);
}

/// RFC 3168 §6.1.2: CWR once, on new data, after a reduction; never without ECN.
#[test]
fn cwr_is_said_once() {
    let mut ecn = Ecn::accept(true);
    ecn.on_reduction();
    assert_eq!(ecn.mark_new_data(), (EcnCodepoint::Ect0, Flags::CWR));
    assert_eq!(ecn.mark_new_data(), (EcnCodepoint::Ect0, Flags::NONE));
    let mut without = Ecn::accept(false);
    without.on_reduction();
    assert_eq!(without.mark_new_data().1, Flags::NONE);
}
