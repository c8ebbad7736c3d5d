//! Explicit congestion notification: negotiation, marks seen and echoed, reductions announced (RFC 3168 §6.1).

use faultwire_wire::{EcnCodepoint, Flags};

use crate::ack_policy::AckPolicy;
use crate::arriving::Arriving;
use crate::config::EcnConfig;
use crate::tcb::Tcb;

/// What one end of a connection knows of ECN.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ecn {
    /// The codepoint of the packet that brought the segment at hand.
    arriving: EcnCodepoint,
    agreed: bool,
    /// Our SYN asked for it.
    asked: bool,
    /// A mark came in, and no CWR since: every segment carries ECE.
    echoing: bool,
    /// The window was reduced: the next new data carries CWR.
    reduced: bool,
    /// ECN-capable data was seen.
    seen: bool,
    /// Segments that the peer acknowledged with ECE.
    delivered_marked: u32,
    mark_reductions: u32,
}

impl Ecn {
    /// Both sides agreed to it.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.agreed
    }

    /// ECN-capable data was seen (`TCPI_OPT_ECN_SEEN`).
    pub(crate) fn is_seen(&self) -> bool {
        self.seen
    }

    /// Segments that the peer acknowledged with ECE (`tcpi_delivered_ce`).
    pub(crate) fn delivered_marked(&self) -> u32 {
        self.delivered_marked
    }

    /// Reductions of the congestion window for marks.
    pub(crate) fn mark_reductions(&self) -> u32 {
        self.mark_reductions
    }

    /// The codepoint of the packet that brings the next segment.
    #[inline]
    pub(crate) fn arrives(&mut self, codepoint: EcnCodepoint) {
        self.arriving = codepoint;
    }

    /// A passive open ended; the SYN-ACK agreed or did not.
    pub(crate) fn accept(agreed: bool) -> Self {
        Self { agreed, ..Self::default() }
    }

    /// Flags of our SYN after so many timeouts (RFC 3168 §6.1.1, §6.1.1.1): whether they ask.
    pub(crate) fn ask(&mut self, config: &EcnConfig, timeouts: u32) -> Flags {
        if !config.ask || config.syn_retries.is_some_and(|most| timeouts > most) {
            return Flags::NONE;
        }
        self.asked = true;
        Flags::ECE | Flags::CWR
    }

    /// Flags of the SYN-ACK of a simultaneous open.
    pub(crate) fn answer(&self) -> Flags {
        if self.agreed { Flags::ECE } else { Flags::NONE }
    }

    /// The peer's SYN or SYN-ACK has these flags (RFC 3168 §6.1.1). A SYN-ACK with both flags is one that mirrors
    /// whatever it gets.
    pub(crate) fn learn(&mut self, flags: Flags) {
        let setup = Flags::ECE | Flags::CWR;
        let agrees = if flags.contains(Flags::ACK) {
            flags.contains(Flags::ECE) && !flags.contains(Flags::CWR)
        } else {
            flags.contains(setup)
        };
        self.agreed = self.asked && agrees;
    }

    /// The congestion window was reduced, for whatever reason (RFC 3168 §6.1.2).
    #[inline]
    pub(crate) fn on_reduction(&mut self) {
        self.reduced = self.agreed;
    }

    /// What an ACK made of the congestion window: a reduction that is taken back is not announced (Linux
    /// `tcp_ecn_withdraw_cwr`).
    #[inline]
    pub(crate) fn announce(&mut self, reduced: bool, undone: bool) {
        self.reduced = self.agreed && (reduced || (self.reduced && !undone));
    }

    /// The congestion window was reduced for a mark.
    pub(crate) fn on_mark_reduction(&mut self) {
        self.mark_reductions = self.mark_reductions.wrapping_add(1);
        self.on_reduction();
    }

    /// `segments` were acknowledged by a segment with ECE.
    pub(crate) fn on_delivered_marked(&mut self, segments: u32) {
        self.delivered_marked = self.delivered_marked.wrapping_add(segments);
    }

    /// The flag that every segment carries while a mark is being echoed (RFC 3168 §6.1.3).
    #[inline]
    pub(crate) fn echo(&self) -> Flags {
        if self.echoing { Flags::ECE } else { Flags::NONE }
    }

    /// New data goes out, for the first time: its codepoint (RFC 9293 §3.8.2, SHLD-8; RFC 3168 §6.1.2: ECT(0)) and CWR if it is the first after
    /// a reduction.
    pub(crate) fn mark_new_data(&mut self) -> (EcnCodepoint, Flags) {
        let reduced = std::mem::take(&mut self.reduced);
        (EcnCodepoint::Ect0, if reduced { Flags::CWR } else { Flags::NONE })
    }

    /// Text of a segment with these flags arrived inside the window. CWR ends the echo of earlier marks, and its own
    /// mark begins it again (RFC 3168 §6.1.3). Says whether it is to be acknowledged at once.
    fn on_text(&mut self, config: &EcnConfig, flags: Flags, ack: &mut AckPolicy) -> bool {
        let at_once = flags.contains(Flags::CWR) && config.acknowledge_reduction;
        if flags.contains(Flags::CWR) {
            self.echoing = false;
        }
        match self.arriving {
            EcnCodepoint::NotEct => {
                if self.seen {
                    ack.quicken(config.quick);
                }
            }
            EcnCodepoint::Ce => {
                if !self.echoing {
                    ack.quicken(config.quick);
                }
                (self.echoing, self.seen) = (true, true);
            }
            EcnCodepoint::Ect0 | EcnCodepoint::Ect1 => self.seen = true,
        }
        at_once
    }

    /// Any segment with these flags arrived (FreeBSD).
    fn on_segment(&mut self, flags: Flags) {
        if flags.contains(Flags::CWR) {
            self.echoing = false;
        }
        self.echoing |= self.arriving == EcnCodepoint::Ce;
    }
}

/// A segment arrived for a synchronized connection that uses ECN.
#[inline]
pub(crate) fn on_segment(tcb: &mut Tcb, flags: Flags) {
    if tcb.config.ecn.marks_on_all {
        tcb.ecn.on_segment(flags);
    } else if flags.contains(Flags::CWR) && tcb.config.ecn.acknowledge_reduction {
        // Linux: on a segment without text too.
        tcb.ecn.echoing = false;
    }
}

/// Text arrived inside the window of a connection that uses ECN: before its acknowledgment is decided.
pub(crate) fn on_text(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    if tcb.ecn.on_text(&tcb.config.ecn, arriving.segment.flags, &mut tcb.ack) {
        tcb.ack.demand(faultwire_wire::Reason::Ack, arriving.cause);
    }
}

/// Whether `segment` says that a mark came through to the peer (RFC 3168 §6.1.2).
#[inline]
pub(crate) fn is_echo(tcb: &Tcb, flags: Flags) -> bool {
    tcb.ecn.is_on() && flags.contains(Flags::ECE) && !flags.contains(Flags::SYN)
}

/// Whether a passive open agrees: the SYN asks, in a packet with this codepoint.
pub(crate) fn agrees(config: &EcnConfig, syn: Flags, codepoint: EcnCodepoint) -> bool {
    config.agree
        && syn.contains(Flags::ECE | Flags::CWR)
        && !(config.refuse_marked_syn && codepoint.is_capable())
}

#[cfg(test)]
mod tests;
