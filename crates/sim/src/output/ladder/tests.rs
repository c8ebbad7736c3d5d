//! Ladders of traces written by hand, compared as text.

use faultwire_base::Duration;
use faultwire_tcp::State;
use faultwire_wire::{Flags, Reason};

use super::{LadderOptions, ladder};
use crate::output::ChangeLegend;
use crate::output::hand_made::{CLIENT, SERVER, Story, late_copy, legend, ms};
use crate::plan::DirectionId;

fn draw(story: &Story) -> String {
    ladder(&legend(), &story.trace, LadderOptions::default())
}

/// The lines from the heading on.
fn rows(text: &str) -> &str {
    &text[text.find("#  ").expect("a heading")..]
}

#[test]
fn a_whole_story_reads_like_a_textbook_figure() {
    let expected = "\
Time runs down, in milliseconds of virtual time. seq and ack count from the start of each stream.
# numbers packets in the order of sending.  ─▶ arrives   ─✗ lost   ┄▶ arrives later than it should, or twice

TCP  client 10.0.0.1:40000 ⟷ server 10.0.0.2:80  (client/first)

  #    sent ms    arrives  client                                              server
  1      0.000       lost  SYN_SENT    │── [SYN] seq 0 ───────────✗          │               opens the connection;
                                       │                                     │               dropped by \"no SYN\"
  2   1000.000   1050.000              │── [SYN] seq 0 ─────────────────────▶│ SYN_RECEIVED  #1 again: retransmission
                                       │                                     │               timer ran out
  3   1050.000   1100.000  ESTABLISHED │◀─────────── [SYN,ACK] seq 0 ack 1 ──│               answers #2
  4   1100.000   1150.000              │── [ACK] seq 1 ack 1 ───────────────▶│               completes the handshake
  5   1100.000   1151.000              │── [PSH,ACK] seq 1 ack 1 len 80 ────▶│
  4              1150.000              │ ┄ #4 arrives ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│ ESTABLISHED
  6   1151.000   1202.000              │◀─ [PSH,ACK] seq 1 ack 81 len 1448 ──│               copied by \"late copy\" as #7
  8   1202.000   1252.000              │── [ACK] seq 81 ack 1449 ───────────▶│               answers #6
  9   1202.000   1252.000  FIN_WAIT_1  │── [FIN,ACK] seq 81 ack 1449 ───────▶│ CLOSE_WAIT    no more data will follow
 10   1252.000   1302.000  TIME_WAIT   │◀─────── [FIN,ACK] seq 1449 ack 82 ──│ LAST_ACK      no more data will follow
 11   1302.000   1352.000              │── [ACK] seq 82 ack 1450 ───────────▶│ CLOSED        answers #10
  7             11202.000              │◀┄ [PSH,ACK] seq 1 ack 81 len 1448 ┄ │               copy of #6, 10.051s after it
                                       │                                     │               was sent
 12  11202.000  11252.000              │── [ACK] seq 82 ack 1450 ───────────▶│               answers #7, which was old or
                                       │                                     │               outside the window
 13  11252.000  11302.000              │◀────────────────── [RST] seq 1450 ──│               reset: #12 fits no
                                       │                                     │               connection here
     71202.000             CLOSED      │                                     │               after 69.9s in TIME_WAIT
";
    assert_eq!(draw(&late_copy()), expected);
}

#[test]
fn data_acks_and_one_loss_of_a_long_transfer_are_summed_up() {
    let mut story = Story::default();
    for index in 0..100 {
        let at = 100 + 3 * u64::from(index);
        let data = (Flags::ACK, 1 + index * 1_448, 1, 1_448);
        let data = story.send(at, CLIENT, data, Reason::Data, None);
        if index == 50 {
            story.lost(at, data);
            continue;
        }
        story.arrive(at + 1, data);
        let ack = (Flags::ACK, 1, 1_449 + index * 1_448, 0);
        let ack = story.send(at + 1, SERVER, ack, Reason::Ack, Some(data));
        story.arrive(at + 2, ack);
    }
    let expected = "\
#  sent ms  arrives  client                                             server
  1  100.000  101.000           │── [ACK] seq 101 ack 301 len 1448 ────▶│
  2  101.000  102.000           │◀──────────── [ACK] seq 301 ack 1549 ──│           answers #1
  3  103.000  104.000           │── [ACK] seq 1549 ack 301 len 1448 ───▶│
  ⋮                             │ … 47 data packets (68,056 octets), 48 │
                                │         ACKs, all delivered …         │
 99  247.000  248.000           │── [ACK] seq 71053 ack 301 len 1448 ──▶│
100  248.000  249.000           │◀─────────── [ACK] seq 301 ack 72501 ──│           answers #99
101  250.000     lost           │── [ACK] seq 72501 ack 301 len 1448 ─✗ │           lost by chance
102  253.000  254.000           │── [ACK] seq 73949 ack 301 len 1448 ──▶│
103  254.000  255.000           │◀─────────── [ACK] seq 301 ack 75397 ──│           answers #102
104  256.000  257.000           │── [ACK] seq 75397 ack 301 len 1448 ──▶│
  ⋮                             │ … 46 data packets (66,608 octets), 47 │
                                │         ACKs, all delivered …         │
198  397.000  398.000           │── [ACK] seq 143453 ack 301 len 1448 ─▶│
199  398.000  399.000           │◀────────── [ACK] seq 301 ack 144901 ──│           answers #198
";
    let text = draw(&story);
    assert_eq!(rows(&text), expected);
    let full = ladder(&legend(), &story.trace, LadderOptions { full: true, ..LadderOptions::default() });
    assert_eq!(rows(&full).lines().count(), 1 + 199, "one row a packet");
}

#[test]
fn what_overtakes_and_what_comes_late_is_seen_where_it_arrives() {
    let mut story = Story::default();
    let held = story.datagram(0, CLIENT, 100);
    story.delayed_by_fault(0, held, Duration::from_millis(30));
    let second = story.datagram(1, CLIENT, 200);
    let third = story.datagram(2, CLIENT, 300);
    story.arrive(21, second);
    let answer = story.datagram(21, SERVER, 50);
    story.arrive(31, answer);
    story.arrive(50, held);
    // Overtaken without anybody having said so.
    story.arrive(51, third);
    let expected = "\
#  sent ms  arrives  client                                    server
  1    0.000    later           │── UDP len 100 ───────┄       │           delayed 30ms by \"no SYN\"
  2    1.000   21.000           │── UDP len 200 ──────────────▶│
  3    2.000   51.000           │── UDP len 300 ──────────────▶│
  4   21.000   31.000           │◀─────────────── UDP len 50 ──│
  1            50.000           │ ┄ #1 arrives ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│           delayed 30ms by \"no SYN\"
";
    let text = draw(&story);
    assert_eq!(rows(&text), expected);
}

#[test]
fn a_cut_is_told_and_what_it_takes_is_summed_up() {
    let mut legend = legend();
    let change =
        |at, direction, what: &str| ChangeLegend { at, direction: DirectionId(direction), what: what.into() };
    legend.changes = vec![
        change(ms(10), 0, "is cut"),
        change(ms(10), 1, "is cut"),
        change(ms(90), 1, "works again"),
        change(ms(1_000), 1, "heals"),
    ];
    let mut story = Story::default();
    for index in 0..100 {
        let datagram = story.datagram(index, CLIENT, 100);
        if (10..90).contains(&index) {
            story.cut(index, datagram);
        } else {
            story.arrive(index, datagram);
        }
    }
    let expected = "\
#  sent ms  arrives  client                                    server
  1    0.000    0.000           │── UDP len 100 ──────────────▶│
  2    1.000    1.000           │── UDP len 100 ──────────────▶│
  3    2.000    2.000           │── UDP len 100 ──────────────▶│
  ⋮                             │ … 5 datagrams, all delivered │
                                │              …               │
  9    8.000    8.000           │── UDP len 100 ──────────────▶│
 10    9.000    9.000           │── UDP len 100 ──────────────▶│
      10.000                    │      ** wire is cut **       │
 11   10.000     lost           │── UDP len 100 ───────✗       │           dropped: the link is cut
 12   11.000     lost           │── UDP len 100 ───────✗       │           dropped: the link is cut
 13   12.000     lost           │── UDP len 100 ───────✗       │           dropped: the link is cut
  ⋮                             │  … 75 datagrams, all lost …  │
 89   88.000     lost           │── UDP len 100 ───────✗       │           dropped: the link is cut
 90   89.000     lost           │── UDP len 100 ───────✗       │           dropped: the link is cut
      90.000                    │** wire>server works again ** │
 91   90.000   90.000           │── UDP len 100 ──────────────▶│
 92   91.000   91.000           │── UDP len 100 ──────────────▶│
 93   92.000   92.000           │── UDP len 100 ──────────────▶│
  ⋮                             │ … 5 datagrams, all delivered │
                                │              …               │
 99   98.000   98.000           │── UDP len 100 ──────────────▶│
100   99.000   99.000           │── UDP len 100 ──────────────▶│
";
    let text = ladder(&legend, &story.trace, LadderOptions::default());
    assert_eq!(rows(&text), expected);
}

#[test]
fn nothing_sent_is_said() {
    assert_eq!(draw(&Story::default()), "No packet was sent.\n");
}

#[test]
fn a_connection_that_an_injected_syn_opens_has_its_states_too() {
    let mut story = Story::default();
    story.is_strange = true;
    let syn = story.injected_syn(0);
    story.arrive(50, syn);
    story.opened(50, SERVER);
    story.state(50, SERVER, State::Listen, State::SynReceived);
    let syn_ack = (Flags::SYN | Flags::ACK, 0, 1, 0);
    let syn_ack = story.send(50, SERVER, syn_ack, Reason::SynAck, Some(syn));
    story.arrive(100, syn_ack);
    let reset = story.send(100, CLIENT, (Flags::RST, 1, 0, 0), Reason::Reset, Some(syn_ack));
    story.arrive(150, reset);
    story.state(150, SERVER, State::SynReceived, State::Listen);
    let expected = "\
#  sent ms  arrives  client                                    server
  1    0.000   50.000           │── [SYN] seq 0 ──────────────▶│ SYN_RECEIVED  injected by \"late copy\"
  2   50.000  100.000           │◀──── [SYN,ACK] seq 0 ack 1 ──│               answers #1
  3  100.000  150.000           │── [RST] seq 1 ──────────────▶│ LISTEN        reset: #2 fits no connection here
";
    assert_eq!(rows(&draw(&story)), expected);
}
