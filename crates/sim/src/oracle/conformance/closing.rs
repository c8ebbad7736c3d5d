//! `closing`: where the FIN stands, and how long TIME-WAIT lasts (RFC 9293 §3.6, §3.6.1; RFC 1337; RFC 6191).

use faultwire_base::Instant;
use faultwire_tcp::State;
use faultwire_wire::{Flags, Reason};

use super::end::{ISN, Seen};
use super::{Stage, memory};

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing(Vec<Quiet>);

/// TIME-WAIT of one end.
#[derive(Clone, Copy, Debug, Default)]
struct Quiet {
    entered: Option<Instant>,
    /// When a RST arrived.
    reset: Option<Instant>,
    /// Past the last octet of data that was sent.
    text_end: u64,
}

impl Closing {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let quiet = memory(&mut self.0, stage.index);
        let text_end = seen.start + u64::from(seen.segment.payload.len()) + u64::from(seen.has(Flags::SYN));
        if seen.has(Flags::RST) || !seen.is_long() || seen.tag.reason == Reason::KeepAlive {
            return None;
        }
        let before = quiet.text_end.max(ISN + 1);
        let fin = stage.end.sent.fin;
        if !seen.segment.payload.is_empty() {
            quiet.text_end = before.max(text_end);
        }
        let wrong = if let Some(fin) = fin {
            if seen.has(Flags::FIN) && text_end != fin {
                Some(format!("the FIN moved by {:+}", text_end as i64 - fin as i64))
            } else {
                (text_end > fin).then(|| format!("{} octets were sent beyond the FIN", text_end - fin))
            }
        } else if seen.start > before && seen.start > stage.end.sent.end {
            Some(format!("{} sequence numbers were left out", seen.start - before))
        } else if seen.has(Flags::FIN) && text_end < before {
            Some(format!("the FIN stands {} octets before the end of the data", before - text_end))
        } else {
            None
        };
        wrong.map(|text| format!("{text} (RFC 9293 §3.4, §3.6)"))
    }

    pub(super) fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let quiet = memory(&mut self.0, stage.index);
        if seen.has(Flags::RST) {
            quiet.reset = Some(stage.at);
        }
        None
    }

    /// RFC 9293 §3.6.1 (MUST-13): TIME-WAIT lasts 2 MSL, unless a RST ends it (RFC 1337 forbids that, as far as it is
    /// followed) or a SYN (MAY-2).
    pub(super) fn state_changed(&mut self, stage: Stage<'_>, from: State, to: State) -> Option<String> {
        let quiet = memory(&mut self.0, stage.index);
        if to == State::TimeWait {
            quiet.entered.get_or_insert(stage.at);
        }
        if from != State::TimeWait || to != State::Closed {
            return None;
        }
        let entered = quiet.entered?;
        let (lasted, least) = (stage.at - entered, stage.lawful.tcp.time_wait.length);
        let killed = quiet.reset == Some(stage.at) && !stage.lawful.tcp.time_wait.rfc1337;
        (lasted < least && !killed && !stage.end.superseded)
            .then(|| format!("TIME-WAIT lasted {lasted} instead of {least} (RFC 9293 §3.6.1)"))
    }
}
