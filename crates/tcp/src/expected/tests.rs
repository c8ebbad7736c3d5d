//! What is taken in one go leaves the connection as all steps would.

use std::sync::Arc;

use faultwire_base::{Duration, Instant, PacketId, PlaceId, StreamId};
use faultwire_wire::{Cause, Payload, Segment, Seq};
use proptest::prelude::*;

use super::take;
use crate::arrive;
use crate::config::Config;
use crate::embryo::Embryo;
use crate::event::Bare;
use crate::handshake;
use crate::negotiate::PathInfo;
use crate::tcb::Tcb;
use crate::timeout;
use crate::transmit;

/// What happens next between two ends.
#[derive(Clone, Debug)]
enum Step {
    Write {
        end: usize,
        octets: u32,
    },
    Read {
        end: usize,
        octets: u64,
    },
    /// The oldest segment on the way to this end arrives.
    Deliver {
        end: usize,
    },
    /// The oldest segment on the way to this end is put behind the others.
    Delay {
        end: usize,
    },
    Lose {
        end: usize,
    },
    Wait {
        millis: u64,
    },
    Finish {
        end: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let end = 0..2usize;
    prop_oneof![
        4 => (end.clone(), 1..20_000u32).prop_map(|(end, octets)| Step::Write { end, octets }),
        3 => (end.clone(), 1..40_000u64).prop_map(|(end, octets)| Step::Read { end, octets }),
        30 => end.clone().prop_map(|end| Step::Deliver { end }),
        1 => end.clone().prop_map(|end| Step::Delay { end }),
        1 => end.clone().prop_map(|end| Step::Lose { end }),
        3 => (1..300u64).prop_map(|millis| Step::Wait { millis }),
        1 => end.prop_map(|end| Step::Finish { end }),
    ]
}

/// Two ends, the segments on the way to each, and how many were taken in one go.
struct Pair {
    ends: [Tcb; 2],
    ways: [Vec<Segment>; 2],
    now: Instant,
    written: [u64; 2],
    taken: u32,
}

impl Pair {
    fn new(config: &Arc<Config>) -> Self {
        let path = PathInfo {
            local_port: 40_000,
            remote_port: 80,
            ipv6: false,
            mtu: 1500,
            timestamp_offset: 7,
            segment_size_limit: 0,
            receive_buffer: 0,
        };
        let back = PathInfo { local_port: 80, remote_port: 40_000, ..path };
        let now = Instant::ZERO;
        let mut client = handshake::open(config, path, Seq(u32::MAX - 3000), now);
        let syn = transmit::next(&mut client, now, Bare::default())
            .map(|outgoing| outgoing.segment)
            .expect("a SYN");
        let mut embryo = Embryo::new(config, back, &syn, Seq(300), now, Cause::Unknown);
        let syn_ack = embryo.transmit(now).expect("a SYN,ACK").segment;
        arrive::segment_arrives(&mut client, now, &syn_ack, Cause::Unknown).expect("taken");
        let ack = transmit::next(&mut client, now, Bare::default())
            .map(|outgoing| outgoing.segment)
            .expect("an ACK");
        let mut server = handshake::accept(&embryo, &ack, now, Cause::Unknown);
        arrive::segment_arrives(&mut server, now, &ack, Cause::Unknown).expect("taken");
        Self { ends: [client, server], ways: [Vec::new(), Vec::new()], now, written: [0; 2], taken: 0 }
    }

    fn deliver(&mut self, end: usize) {
        if self.ways[end].is_empty() {
            return;
        }
        let segment = self.ways[end].remove(0);
        self.now += Duration::from_micros(300);
        let cause = Cause::Arrival(PacketId::new(PlaceId(1), 5));
        let tcb = &mut self.ends[end];
        tcb.burst = None;
        let mut step_by_step = tcb.clone();
        if take(tcb, self.now, &segment, cause) {
            self.taken += 1;
            let result = arrive::segment_arrives(&mut step_by_step, self.now, &segment, cause);
            assert_eq!(result, Ok(()), "{segment:?}");
            assert_eq!(format!("{tcb:?}"), format!("{step_by_step:?}"), "{segment:?}");
        } else {
            assert_eq!(format!("{tcb:?}"), format!("{step_by_step:?}"), "left untouched by {segment:?}");
            // What is dropped is dropped.
            let _ = arrive::segment_arrives(tcb, self.now, &segment, cause);
        }
        self.drain(end);
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Write { end, octets } if !self.ends[end].send_buffer.is_finished() => {
                let offset = self.written[end];
                let payload = Payload::Generated { stream: StreamId(end as u64), offset, len: octets };
                let terms = self.ends[end].write_terms();
                self.written[end] += self.ends[end].send_buffer.write(&payload, &terms);
                self.drain(end);
            }
            Step::Read { end, octets } => {
                let tcb = &mut self.ends[end];
                if tcb.receive.readable() > 0 {
                    tcb.receive.read(octets);
                }
            }
            Step::Deliver { end } => self.deliver(end),
            Step::Delay { end } if !self.ways[end].is_empty() => {
                let segment = self.ways[end].remove(0);
                self.ways[end].push(segment);
            }
            Step::Lose { end } if !self.ways[end].is_empty() => {
                self.ways[end].remove(0);
            }
            Step::Wait { millis } => {
                self.now += Duration::from_millis(millis);
                for end in 0..2 {
                    timeout::advance(&mut self.ends[end], self.now);
                    self.drain(end);
                }
            }
            Step::Finish { end } => {
                crate::close::shutdown_write(&mut self.ends[end]);
                self.drain(end);
            }
            _ => {}
        }
    }

    fn drain(&mut self, end: usize) {
        while let Some(segment) =
            transmit::next(&mut self.ends[end], self.now, Bare::default()).map(|outgoing| outgoing.segment)
        {
            self.ways[1 - end].push(segment);
        }
    }
}

fn config(linux: bool, timestamps: bool, sack: bool) -> Arc<Config> {
    let mut config = if linux { Config::linux() } else { Config::rfc() };
    config.options.timestamps = timestamps;
    config.options.sack = sack;
    Arc::new(config)
}

proptest! {
    /// RFC 9293 §3.10.7.4: whatever is written, read, lost, delayed and closed, each segment that is taken in one go
    /// leaves the same connection as all steps do.
    #[test]
    fn one_go_is_as_all_steps(
        (linux, timestamps, sack) in any::<(bool, bool, bool)>(),
        steps in prop::collection::vec(step(), 1..250),
    ) {
        let mut pair = Pair::new(&config(linux, timestamps, sack));
        steps.iter().for_each(|step| pair.run(step));
    }
}

/// In a bulk transfer nearly every segment and every ACK is an expected one.
#[test]
fn bulk_is_expected() {
    let mut pair = Pair::new(&config(true, true, true));
    let mut delivered = 0;
    for _ in 0..100 {
        pair.run(&Step::Write { end: 0, octets: 14_480 });
        while pair.ways.iter().any(|way| !way.is_empty()) {
            for end in [1, 0] {
                delivered += u32::from(!pair.ways[end].is_empty());
                pair.deliver(end);
            }
            pair.run(&Step::Read { end: 1, octets: u64::MAX });
        }
    }
    assert!(delivered > 1000 && pair.taken * 20 > delivered * 19, "{} of {delivered}", pair.taken);
}
