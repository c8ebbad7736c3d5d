//! Captures and written traces of the hand-made story.

use super::hand_made::{CLIENT, SERVER, late_copy, legend};
use super::{Vantage, write_capture};
use crate::output::trace_json::write_trace;

#[test]
fn a_capture_shows_one_vantage_point() {
    let story = late_copy();
    // Each packet is seen once from either end, the copy only where it arrives, and the lost
    // SYN only where it was sent.
    let sent_by_client = 8;
    let sent_by_server = 4;
    let copies_to_client = 1;
    let capture = |host| {
        let mut file = Vec::new();
        let vantage = Vantage { host, link: None };
        let written = write_capture(&mut file, &legend(), &story.trace, &vantage).unwrap();
        (written, file)
    };
    let (at_client, file) = capture(CLIENT);
    assert_eq!(at_client, sent_by_client + sent_by_server + copies_to_client);
    let (at_server, _) = capture(SERVER);
    assert_eq!(at_server, sent_by_client - 1 + sent_by_server);
    let text = String::from_utf8_lossy(&file);
    for comment in [
        "#1, opens the connection, dropped by \"no SYN\"",
        "#2, #1 again: retransmission timer ran out",
        "#3, answers #2",
        "#6, copied by \"late copy\" as #7",
        "#7, copy of #6, the original was copied by \"late copy\"",
    ] {
        assert!(text.contains(comment), "{comment}");
    }
}

#[test]
fn interfaces_are_named_after_host_and_link() {
    let names: Vec<_> = Vantage::all(&legend()).iter().map(|vantage| vantage.name(&legend())).collect();
    assert_eq!(names, ["client-wire", "server-wire"]);
}

#[test]
fn a_trace_is_one_json_object_a_line() {
    let story = late_copy();
    let mut file = Vec::new();
    write_trace(&mut file, "linux", &legend(), &story.trace).unwrap();
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), story.trace.entries().len());
    assert_eq!(
        lines[..4],
        [
            r#"{"case":"linux","at_ns":0,"place":"client","event":"state","flow":"client.1","connection":1,"from":"CLOSED","to":"SYN_SENT"}"#,
            r#"{"case":"linux","at_ns":0,"place":"client","event":"sent","packet":1,"link":"wire>server","source":"10.0.0.1:40000","destination":"10.0.0.2:80","protocol":"tcp","length":40,"data":0,"flags":"SYN","seq":100,"window":65535,"flow":"client.1","transmission":1,"reason":"syn","cause":"call"}"#,
            r#"{"case":"linux","at_ns":0,"place":"wire>server","event":"link","packet":1,"link":"wire>server","what":"dropped by \"no SYN\""}"#,
            r#"{"case":"linux","at_ns":1000000000,"place":"client","event":"sent","packet":2,"link":"wire>server","source":"10.0.0.1:40000","destination":"10.0.0.2:80","protocol":"tcp","length":40,"data":0,"flags":"SYN","seq":100,"window":65535,"flow":"client.1","transmission":2,"reason":"timeout_retransmission","cause":"call"}"#,
        ]
    );
}
