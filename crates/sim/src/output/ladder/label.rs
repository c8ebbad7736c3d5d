//! What stands on an arrow: a packet in Wireshark's words, its numbers relative to the start of each stream.

use faultwire_wire::{Body, Flags, Segment, Seq};

use crate::output::conversation::Side;
use crate::output::trace::TracedPacket;
use crate::output::words;

/// Labels of one conversation's packets, in the order of sending.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// The streams that each side has begun.
    streams: [Vec<Stream>; 2],
}

/// A stream, from the SYN that begins it.
#[derive(Clone, Copy, Debug)]
struct Stream {
    initial: Seq,
    /// One past the highest relative number sent.
    highest: i64,
}

impl Labels {
    /// What a packet is.
    pub(super) fn label(&mut self, from: Side, traced: &TracedPacket) -> String {
        let packet = &traced.packet;
        match &packet.body {
            Body::Tcp(segment) => {
                let seq = self.sequence(from, segment);
                let mut label = format!("[{}] seq {seq}", segment.flags);
                if segment.flags.contains(Flags::ACK) {
                    label.push_str(&format!(" ack {}", self.acknowledged(from, segment.ack)));
                }
                if !segment.payload.is_empty() {
                    label.push_str(&format!(" len {}", segment.payload.len()));
                }
                if segment.window == 0 && !segment.flags.intersects(Flags::RST) {
                    label.push_str(" win 0");
                }
                label
            }
            Body::Udp(datagram) => format!("UDP len {}", datagram.payload.len()),
            Body::Icmp(message) => {
                format!("ICMP {}", words::icmp(message, packet.ip.source.is_ipv6()))
            }
            Body::Raw(bytes) => format!("raw packet of {} octets", bytes.len()),
        }
    }

    /// The first SACK block of a segment, which is the newest (RFC 2018 §4), relative like its ACK.
    pub(super) fn sack(&self, from: Side, traced: &TracedPacket) -> Option<String> {
        let Body::Tcp(segment) = &traced.packet.body else { return None };
        let mut blocks = segment.options.sack_blocks();
        let (left, right) = blocks.next()?;
        let (left, right) = (self.acknowledged(from, left), self.acknowledged(from, right));
        Some(match blocks.count() {
            0 => format!("SACK {left}-{right}"),
            more => format!("SACK {left}-{right} and {more} more"),
        })
    }

    /// A sequence number, counted from the sender's first one if that is known.
    fn sequence(&mut self, from: Side, segment: &Segment) -> i64 {
        let streams = &mut self.streams[from as usize];
        if segment.flags.contains(Flags::SYN) && streams.iter().all(|stream| stream.initial != segment.seq) {
            streams.push(Stream { initial: segment.seq, highest: 0 });
        }
        let Some((stream, seq)) = nearest(streams, segment.seq) else { return i64::from(segment.seq.0) };
        let highest = &mut streams[stream].highest;
        *highest = (*highest).max(seq + i64::from(segment.sequence_length()));
        seq
    }

    /// A number in the stream of the other side.
    fn acknowledged(&self, from: Side, number: Seq) -> i64 {
        nearest(&self.streams[from.other() as usize], number)
            .map_or(i64::from(number.0), |(_, relative)| relative)
    }
}

/// The stream whose progress a number is nearest to, and the number counted from its beginning.
fn nearest(streams: &[Stream], number: Seq) -> Option<(usize, i64)> {
    let relative = |stream: &Stream| unwrap(number.0.wrapping_sub(stream.initial.0), stream.highest);
    let distance = |stream: &Stream| relative(stream).abs_diff(stream.highest);
    let (index, stream) = streams.iter().enumerate().rev().min_by_key(|(_, stream)| distance(stream))?;
    Some((index, relative(stream)))
}

/// The number that is `low` in its low 32 bits and nearest to `near`.
fn unwrap(low: u32, near: i64) -> i64 {
    near + i64::from(low.wrapping_sub(near as u32) as i32)
}

#[cfg(test)]
mod tests {
    use faultwire_wire::Seq;

    use super::{Stream, nearest, unwrap};

    #[test]
    fn a_number_belongs_to_the_stream_that_it_is_near() {
        let streams =
            [Stream { initial: Seq(1_000), highest: 20_482 }, Stream { initial: Seq(7_000_000), highest: 1 }];
        assert_eq!(nearest(&streams, Seq(21_482)), Some((0, 20_482)));
        assert_eq!(nearest(&streams, Seq(7_000_100)), Some((1, 100)));
        assert_eq!(nearest(&[], Seq(5)), None);
    }

    #[test]
    fn numbers_go_on_past_four_gibibytes_and_below_zero() {
        assert_eq!(unwrap(5, 1), 5);
        assert_eq!(unwrap(3, 0xFFFF_FFF0), 0x1_0000_0003);
        assert_eq!(unwrap(0xFFFF_FFFF, 1), -1);
    }
}
