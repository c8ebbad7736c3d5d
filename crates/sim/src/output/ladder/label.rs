//! What stands on an arrow: a packet in Wireshark's words, its numbers relative to the start of each stream.

use faultwire_wire::{Body, Flags, Segment, Seq};

use crate::output::conversation::{Conversation, Side};
use crate::output::trace::TracedPacket;
use crate::output::words;

/// Labels of one conversation's packets, in the order of sending.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The first sequence number of each side.
    initial: [Option<Seq>; 2],
    /// One past the highest relative sequence number sent by each side, to unwrap the following ones.
    highest: [i64; 2],
}

impl Labels {
    pub(super) fn new(conversation: &Conversation) -> Self {
        Self { initial: conversation.ends.map(|end| end.initial), highest: [0; 2] }
    }

    /// What a packet is.
    pub(super) fn label(&mut self, from: Side, traced: &TracedPacket) -> String {
        let packet = &traced.packet;
        match &packet.body {
            Body::Tcp(segment) => {
                let seq = self.sequence(from, segment, traced.packet.tag.stream_offset);
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
    fn sequence(&mut self, from: Side, segment: &Segment, stream_offset: u64) -> i64 {
        let Some(initial) = self.initial[from as usize] else {
            return i64::from(segment.seq.0);
        };
        let highest = &mut self.highest[from as usize];
        let near = if stream_offset > 0 { stream_offset as i64 + 1 } else { *highest };
        let seq = unwrap(segment.seq.0.wrapping_sub(initial.0), near);
        *highest = (*highest).max(seq + i64::from(segment.sequence_length()));
        seq
    }

    /// A number in the stream of the other side.
    fn acknowledged(&self, from: Side, number: Seq) -> i64 {
        let other = from.other() as usize;
        match self.initial[other] {
            Some(initial) => unwrap(number.0.wrapping_sub(initial.0), self.highest[other]),
            None => i64::from(number.0),
        }
    }
}

/// The number that is `low` in its low 32 bits and nearest to `near`.
fn unwrap(low: u32, near: i64) -> i64 {
    near + i64::from(low.wrapping_sub(near as u32) as i32)
}

#[cfg(test)]
mod tests {
    use super::unwrap;

    #[test]
    fn numbers_go_on_past_four_gibibytes_and_below_zero() {
        assert_eq!(unwrap(5, 1), 5);
        assert_eq!(unwrap(3, 0xFFFF_FFF0), 0x1_0000_0003);
        assert_eq!(unwrap(0xFFFF_FFFF, 1), -1);
    }
}
