//! SYN cookies: a listener that has no room keeps nothing of a SYN; its SYN-ACK says all that has to come back (RFC 4987
//! §3.6). The number of the SYN-ACK is made by the owner; here is what it has to hold, and the rest of the way.

use std::sync::Arc;

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Options, Segment, Seq};

use crate::config::Config;
use crate::embryo::Embryo;
use crate::negotiate::{Negotiated, Offer, PathInfo};

/// Segment sizes that a cookie can say (Linux `msstab`).
const SIZES: [u16; 4] = [536, 1300, 1440, 1460];
const SIZES_IPV6: [u16; 4] = [1220, 1420, 1440, 8940];

/// The lowest bits of a TSval: the peer's window shift, or that it has none; SACK; ECN (Linux `cookie_init_timestamp`).
const NO_SCALING: u32 = 0xf;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;

impl Embryo {
    /// The same, but nothing of it needs to be kept: its SYN-ACK is to be sent once, and then it is forgotten. `isn` makes
    /// the number of the SYN-ACK from a small number, below 4, that has to come back. Without timestamps all options but
    /// the MSS are lost, and that is rounded down.
    pub fn into_stateless(mut self, now: Instant, isn: impl FnOnce(u8) -> Seq) -> Self {
        let size = self.negotiated.peer_segment_size;
        let index = sizes(self.path).iter().rposition(|&known| known <= size).unwrap_or(0);
        if self.negotiated.timestamps {
            let scaling = self.negotiated.window_scaling;
            let mut tag = if scaling { u32::from(self.negotiated.send_shift) } else { NO_SCALING };
            tag |= if self.negotiated.sack { SACK } else { 0 };
            tag |= if self.ecn { ECN } else { 0 };
            self.stamp = Some(self.timestamps.tagged(now, tag));
        } else {
            let bare = self.negotiated.agreed(Offer::default());
            self.negotiated = Negotiated { peer_segment_size: size, ..bare };
            self.ecn = false;
        }
        self.isn = isn(index as u8);
        (self.text, self.fast_open) = (None, None);
        self
    }

    /// What [`Embryo::into_stateless`] was, from the ACK that answers it and the small number in it; `None` if its
    /// timestamp says what was never agreed to. It has accepted that ACK already.
    pub fn from_cookie(
        config: &Arc<Config>,
        path: PathInfo,
        ack: &Segment,
        index: u8,
        now: Instant,
        cause: Cause,
    ) -> Option<Self> {
        let mut syn =
            Segment { seq: ack.seq - 1, window: ack.window, flags: Flags::SYN, ..Segment::default() };
        let mut options = Options::EMPTY;
        options.push_maximum_segment_size(*sizes(path).get(usize::from(index))?);
        if let Some((value, echo)) = ack.options.timestamps() {
            let ours = &config.options;
            let tag = crate::timestamp::Timestamps::new(path.timestamp_offset).tag_of(echo);
            let scaling = tag & NO_SCALING != NO_SCALING;
            let sack = tag & SACK != 0;
            if !ours.timestamps || sack && !ours.sack || scaling && !ours.window_scaling {
                return None;
            }
            options.push_timestamps(value, echo);
            if sack {
                options.push_sack_permitted();
            }
            if scaling {
                options.push_window_scale((tag & NO_SCALING) as u8);
            }
            if tag & ECN != 0 {
                syn.flags |= Flags::ECE | Flags::CWR;
            }
        }
        syn.options = options;
        let mut embryo = Self::new(config, path, &syn, ack.ack - 1, now, cause);
        embryo.retry.due = false;
        embryo.retry.transmissions = 1;
        // When the SYN-ACK was sent is not known any more.
        embryo.retry.sent_at = Instant::FAR_FUTURE;
        Some(embryo)
    }
}

fn sizes(path: PathInfo) -> [u16; 4] {
    if path.ipv6 { SIZES_IPV6 } else { SIZES }
}
