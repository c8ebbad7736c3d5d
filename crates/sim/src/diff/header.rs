//! The header fields of a packet in words, its numbers counted from the start of each stream.

use faultwire_wire::{Body, Flags, Packet, Payload, Segment, TcpOption};

use super::numbers::Start;
use crate::output::words;

/// A field that differs; `None` where a packet does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldDifference {
    pub(super) name: String,
    pub(super) values: [Option<String>; 2],
}

/// The fields of a packet, in the order of the wire. `starts` are those of its sender and of its receiver.
pub(super) fn fields(packet: &Packet, starts: [Start; 2]) -> Vec<(String, String)> {
    let mut fields = Fields::default();
    match &packet.body {
        Body::Tcp(segment) => tcp(&mut fields, segment, starts),
        Body::Udp(datagram) => {
            fields.add("len", datagram.payload.len());
            fields.data(&datagram.payload);
        }
        Body::Icmp(message) => {
            fields.add("ICMP", words::icmp(message, packet.ip.source.is_ipv6()));
            fields.add("len", message.body.len());
        }
        Body::Raw(bytes) => fields.add("octets", bytes.len()),
    }
    let ip = &packet.ip;
    fields.add("hop limit", ip.hop_limit);
    fields.add("traffic class", format!("{:#04x}", ip.traffic_class));
    fields.add("don't fragment", ip.dont_fragment);
    fields.add("reason", words::reason_word(packet.tag.reason).replace('_', " "));
    fields.list
}

/// The fields in which two lists differ.
pub(super) fn differences(one: &[(String, String)], other: &[(String, String)]) -> Vec<FieldDifference> {
    let value = |list: &[(String, String)], name: &str| {
        list.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let mut found = Vec::new();
    let more = other.iter().filter(|(name, _)| value(one, name).is_none());
    for (name, _) in one.iter().chain(more) {
        let values = [value(one, name), value(other, name)];
        if values[0] != values[1] {
            found.push(FieldDifference { name: name.clone(), values });
        }
    }
    found
}

/// The fields in which the headers of two packets differ and a reader of a ladder wants to know: those that the label
/// does not show, without timestamps, which tell the time of sending once more, and the reason, which has its remark.
pub(super) fn unlabelled(differences: Vec<FieldDifference>) -> Vec<FieldDifference> {
    let shown =
        ["flags", "seq", "ack", "len", "timestamp", "timestamp echo", "reason", "ICMP", "SACK", "octets"];
    differences.into_iter().filter(|field| !shown.contains(&field.name.as_str())).collect()
}

/// A packet as a ladder labels it.
pub(super) fn label(packet: &Packet, starts: [Start; 2]) -> String {
    match &packet.body {
        Body::Tcp(segment) => {
            let mut label = format!("[{}] seq {}", segment.flags, sequence(segment, starts));
            if segment.flags.contains(Flags::ACK) {
                label.push_str(&format!(" ack {}", relative(segment.ack.0, starts[1].sequence)));
            }
            if !segment.payload.is_empty() {
                label.push_str(&format!(" len {}", segment.payload.len()));
            }
            label
        }
        Body::Udp(datagram) => format!("datagram of {} octets", datagram.payload.len()),
        Body::Icmp(message) => format!("ICMP {}", words::icmp(message, packet.ip.source.is_ipv6())),
        Body::Raw(bytes) => format!("raw packet of {} octets", bytes.len()),
    }
}

#[derive(Default)]
struct Fields {
    list: Vec<(String, String)>,
}

impl Fields {
    fn add(&mut self, name: &str, value: impl ToString) {
        self.list.push((name.to_owned(), value.to_string()));
    }

    /// Generated octets follow from the seed and the offset, which is part of a packet's identity; those that were
    /// written are compared.
    fn data(&mut self, payload: &Payload) {
        if let Payload::Bytes { .. } = payload {
            let octets = payload.to_vec();
            self.add("data", format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&octets)));
        }
    }
}

fn tcp(fields: &mut Fields, segment: &Segment, starts: [Start; 2]) {
    fields.add("flags", segment.flags);
    fields.add("seq", sequence(segment, starts));
    if segment.flags.contains(Flags::ACK) {
        fields.add("ack", relative(segment.ack.0, starts[1].sequence));
    }
    fields.add("len", segment.payload.len());
    fields.add("window", segment.window);
    if segment.flags.contains(Flags::URG) {
        fields.add("urgent", segment.urgent);
    }
    for option in segment.options.iter() {
        match option {
            TcpOption::MaximumSegmentSize(size) => fields.add("mss", size),
            TcpOption::WindowScale(shift) => fields.add("window scale", shift),
            TcpOption::SackPermitted => fields.add("SACK permitted", "yes"),
            TcpOption::Sack(_) => {
                let edge = |edge: u32| relative(edge, starts[1].sequence);
                let blocks: Vec<String> = (segment.options.sack_blocks())
                    .map(|(left, right)| format!("{}-{}", edge(left.0), edge(right.0)))
                    .collect();
                fields.add("SACK", blocks.join(" "));
            }
            TcpOption::Timestamps { value, echo } => {
                fields.add("timestamp", relative(value, starts[0].timestamp));
                if echo != 0 {
                    fields.add("timestamp echo", relative(echo, starts[1].timestamp));
                }
            }
            TcpOption::UserTimeout(field) => fields.add("user timeout", field),
            TcpOption::FastOpen { cookie, .. } => {
                fields.add("Fast Open", format!("cookie of {} octets", cookie.len()));
            }
            TcpOption::Unknown { kind, data } => {
                fields.add(&format!("option {kind}"), format!("{data:02x?}"));
            }
        }
    }
    fields.data(&segment.payload);
}

fn sequence(segment: &Segment, starts: [Start; 2]) -> i64 {
    relative(segment.seq.0, starts[0].sequence)
}

/// A number counted from the start of its stream; a little before it is negative.
fn relative(number: u32, start: Option<u32>) -> i64 {
    match start {
        None => i64::from(number),
        Some(start) => {
            let distance = number.wrapping_sub(start);
            // Up to 1 MiB before the start; anything else is ahead.
            if distance > u32::MAX - (1 << 20) {
                i64::from(distance) - (1 << 32)
            } else {
                i64::from(distance)
            }
        }
    }
}
