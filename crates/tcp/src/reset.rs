//! The RST that answers a segment of no connection (RFC 9293 §3.10.7.1).

use faultwire_wire::{Flags, Segment, Seq};

/// The RST that a closed port sends for `segment`; `None` if that is a RST itself.
pub fn reset_for(segment: &Segment) -> Option<Segment> {
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    let mut reset = Segment {
        source_port: segment.destination_port,
        destination_port: segment.source_port,
        flags: Flags::RST,
        ..Segment::default()
    };
    if segment.flags.contains(Flags::ACK) {
        // <SEQ=SEG.ACK><CTL=RST>
        reset.seq = segment.ack;
    } else {
        // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
        reset.seq = Seq(0);
        reset.ack = segment.seq + segment.sequence_length();
        reset.flags = Flags::RST | Flags::ACK;
    }
    Some(reset)
}

#[cfg(test)]
mod tests {
    use faultwire_wire::Payload;

    use super::*;

    /// RFC 9293 §3.10.7.1, S10: no listener answers SYN 100 by SEQ 0, ACK 101.
    #[test]
    fn exact_numbers() {
        let syn = Segment {
            source_port: 1,
            destination_port: 2,
            seq: Seq(100),
            flags: Flags::SYN,
            ..Segment::default()
        };
        let reset = reset_for(&syn).unwrap();
        assert_eq!((reset.source_port, reset.destination_port), (2, 1));
        assert_eq!((reset.seq, reset.ack, reset.flags), (Seq(0), Seq(101), Flags::RST | Flags::ACK));

        let data = Segment {
            seq: Seq(100),
            ack: Seq(300),
            flags: Flags::ACK | Flags::FIN,
            payload: Payload::Zeros { len: 10 },
            ..Segment::default()
        };
        let reset = reset_for(&data).unwrap();
        assert_eq!((reset.seq, reset.flags), (Seq(300), Flags::RST));
        let flags = data.flags.without(Flags::ACK);
        assert_eq!(reset_for(&Segment { flags, ..data }).unwrap().ack, Seq(111));
        assert_eq!(reset_for(&reset), None);
    }
}
