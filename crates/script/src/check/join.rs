//! Segments sent one after another, taken for the one large segment that a script expects.
//!
//! A kernel hands large segments to its device, which cuts them; scripts are written against what the kernel hands over.

use faultwire_wire::{Body, Flags, Packet, Payload};

/// What was put together so far.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// The segment so far.
    pub(crate) packet: Packet,
    /// Octets of data of each piece but the last.
    piece: u32,
    /// Octets of data of the last piece.
    last: u32,
}

impl Joined {
    /// Begins with this packet.
    pub(crate) fn of(packet: Packet) -> Self {
        let length = data(&packet);
        Self { packet, piece: length, last: length }
    }

    /// Octets of data so far.
    pub(crate) fn length(&self) -> u32 {
        data(&self.packet)
    }
}

/// Appends `next` to what is there: its flags and timestamps count, but the sequence number and CWR are those of the
/// first.
///
/// # Errors
/// Why the two are no parts of one segment.
pub(crate) fn join(joined: &mut Joined, next: &Packet) -> Result<(), String> {
    // All these may change within what the kernel cuts.
    const FREE: Flags = Flags(Flags::FIN.0 | Flags::PSH.0 | Flags::CWR.0);
    let (Body::Tcp(first), Body::Tcp(segment)) = (&mut joined.packet.body, &next.body) else {
        return Err("the next packet is no segment".into());
    };
    let differs = |what: &str| Err(format!("the next segment has another {what}, so the two are not one"));
    if joined.last != joined.piece {
        return differs("length");
    }
    if segment.seq != first.seq + first.payload.len() {
        return differs("place in the stream");
    }
    if segment.payload.is_empty() {
        return differs("length");
    }
    if segment.flags.without(FREE) != first.flags.without(FREE) {
        return differs("set of flags");
    }
    if segment.ack != first.ack {
        return differs("acknowledgment number");
    }
    if segment.window != first.window {
        return differs("window");
    }
    if segment.options.padded_length() != first.options.padded_length() {
        return differs("length of options");
    }
    joined.last = segment.payload.len();
    first.payload = Payload::join(&[first.payload.clone(), segment.payload.clone()]);
    let reduced = Flags(first.flags.0 & Flags::CWR.0);
    first.flags = segment.flags.without(Flags::CWR) | reduced;
    first.options = segment.options;
    Ok(())
}

fn data(packet: &Packet) -> u32 {
    match &packet.body {
        Body::Tcp(segment) => segment.payload.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
