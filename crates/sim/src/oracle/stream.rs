//! The byte-stream and incarnation oracles: what an app reads is what the peer's app wrote, exactly once, in order.

use faultwire_base::{Instant, LookupTable, PacketId, StreamId};
use faultwire_wire::{Flow, Payload, generated_octet};

use super::{Finding, OracleName, OracleResult};

/// Corrupted packets of one conversation that hosts did not refuse.
#[derive(Clone, Debug, Default)]
struct Undetected {
    packets: Vec<PacketId>,
}

/// What reads are judged by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
    /// Who wrote each stream.
    writers: LookupTable<StreamId, Flow>,
    undetected: LookupTable<Flow, Undetected>,
    latest_raw: Option<(Flow, PacketId)>,
}

/// One read of an app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read<'a> {
    pub(crate) at: Instant,
    pub(crate) flow: Flow,
    /// The stream that should come; `None` while the peer's app has written nothing.
    pub(crate) expected: Option<StreamId>,
    /// Offset of the first octet.
    pub(crate) offset: u64,
    pub(crate) payload: &'a Payload,
    /// Whether segments that no endpoint made reached this conversation.
    pub(crate) deceived: bool,
    /// Whether timestamps protect the connection against old segments (RFC 7323 §5).
    pub(crate) timestamps: bool,
}

impl Streams {
    /// `flow` writes `stream`.
    pub(crate) fn register(&mut self, stream: StreamId, flow: Flow) {
        self.writers.insert(stream, flow);
    }

    /// A packet with changed bits has reached a host; unless it is refused at once, its checksum has missed it.
    pub(crate) fn raw_arrived(&mut self, flow: Flow, packet: PacketId) {
        self.undetected.entry_or_insert_with(flow, Undetected::default).packets.push(packet);
        self.latest_raw = Some((flow, packet));
    }

    /// The host refused a packet.
    pub(crate) fn raw_refused(&mut self, packet: PacketId) {
        if let Some((flow, latest)) = self.latest_raw
            && latest == packet
            && let Some(undetected) = self.undetected.get_mut(&flow)
        {
            undetected.packets.retain(|known| *known != packet);
        }
    }

    /// Judges what an app has read; `None`: it is what the peer wrote.
    #[inline]
    pub(crate) fn judge(&self, read: Read<'_>) -> Option<Finding> {
        if let Payload::Generated { stream, offset, .. } = *read.payload
            && Some(stream) == read.expected
            && offset == read.offset
        {
            return None;
        }
        self.judge_odd(read)
    }

    /// The read is not the generated stream as it is: equal octets, an old incarnation, or damage.
    fn judge_odd(&self, read: Read<'_>) -> Option<Finding> {
        if let (Some(expected), Payload::Bytes { .. }) = (read.expected, read.payload) {
            let same = read
                .payload
                .to_vec()
                .iter()
                .zip(read.offset..)
                .all(|(&octet, offset)| octet == generated_octet(expected, offset));
            if same {
                return None;
            }
        }
        let finding = |oracle, result, text: String| {
            Some(Finding { oracle, result, detail: format!("{}: offset {}: {text}", read.at, read.offset) })
        };
        if let Payload::Generated { stream, offset, len } = *read.payload
            && Some(stream) != read.expected
            && let Some(writer) = self.writers.get(&stream).filter(|writer| **writer != read.flow)
        {
            let text = format!(
                "{len} octets of conversation {} (its offset {offset}) were delivered to conversation {}",
                writer.ordinal, read.flow.ordinal
            );
            // RFC 1337 §2 (H1), RFC 7323 §5: without timestamps nothing in the header tells an old segment apart.
            let result = if read.timestamps { OracleResult::Broken } else { OracleResult::Hazard };
            return finding(OracleName::Incarnation, result, text);
        }
        if let Some(text) = wrapped(&read) {
            // RFC 7323 §5.1: without timestamps a segment of one round of the sequence numbers before looks new.
            let result = if read.timestamps { OracleResult::Broken } else { OracleResult::Hazard };
            return finding(OracleName::ByteStream, result, text);
        }
        let undetected = self.undetected.get(&read.flow).is_some_and(|known| !known.packets.is_empty());
        if undetected {
            let text = "octets changed by corruption that the checksum can't see";
            return finding(OracleName::ByteStream, OracleResult::Hazard, text.into());
        }
        let result = if read.deceived { OracleResult::Hazard } else { OracleResult::Broken };
        finding(
            OracleName::ByteStream,
            result,
            format!("{} octets are not what the peer wrote", read.payload.len()),
        )
    }
}

/// Octets of the same stream that have the same sequence numbers as those which should come, since these have come
/// round.
fn wrapped(read: &Read<'_>) -> Option<String> {
    let Payload::Generated { stream, offset, len } = *read.payload else { return None };
    let rounds = read.offset.checked_sub(offset)? >> 32;
    let is_wrapped = Some(stream) == read.expected && rounds > 0 && offset + (rounds << 32) == read.offset;
    is_wrapped.then(|| {
        format!(
            "{len} octets of the same sequence numbers {rounds} x 2^32 octets before (its offset {offset})"
        )
    })
}
