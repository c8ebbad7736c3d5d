use crate::settings::{Profile, Settings};
use crate::{play, syntax};

#[test]
fn a_ladder_shows_packets_calls_states_and_timers_in_order() {
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 10:10(0) <...>
+1 > S 10:10(0) <...>
+.5 < R. 0:0(0) ack 1 win 0
";
    let settings = Settings { profile: Some(Profile::Rfc), ..Settings::default() };
    let script = syntax::parse(text, &[], None).unwrap();
    let ladder = play(&script, &settings).ladder;
    let expected = "    0.000000 - 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
    0.000000 - +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
    0.000000 - +0 connect(3, ..., ...) = -1 EINPROGRESS
    0.000000 * CLOSED -> SYN_SENT
    0.000000 > S 10:10(0) win 65535 <mss 1460,nop,wscale 5,nop,nop,sackOK,nop,nop,TS val 0 ecr 0>
    1.000000 > S 10:10(0) win 65535 <mss 1460,nop,wscale 5,nop,nop,sackOK,nop,nop,TS val 1000 ecr 0>  (retransmission timer)
    1.500000 < R. 0:0(0) ack 1 win 0
    1.500000 * SYN_SENT -> CLOSED
    1.500000 * the connection failed: ECONNREFUSED
";
    assert_eq!(ladder, expected);
}
