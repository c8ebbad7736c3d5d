//! Decisions of chance that outlive the meaning of a seed: what a run recorded, and what a replay goes by (DESIGN D8).
//!
//! A run is recorded by asking its [`World`](crate::world::World) to [keep](crate::world::World::keep_decisions) its
//! decisions; it is replayed by a [`Plan`](crate::plan::Plan) that carries a [`Recording`]. In a replay nothing random is
//! drawn on any link: the list decides, and a packet that is not listed passes, also after the last one that is. Faults
//! that have a name (targeted, injected, changes in time, `heal`) are data already and stay in the experiment; a `heal`
//! ends the list as it ends chance.
//!
//! A packet is named by what it is, not by its count among all packets: the first name bound to its conversation, its
//! kind, its place in its sender's stream, which sending it is, and only among packets that agree in all of these, which.
//! So a decision still finds its packet when a host, a link, a flow or a fault is added that has nothing to do with it.
//!
//! # Replay files
//!
//! [`write()`] puts an experiment and its [recorded runs](record_case) into one JSON file, and
//! [`experiment::load`](crate::experiment::load) reads it where it reads an experiment: with every override, and with a
//! [`Replay`] beside the plans that says what was recorded. [`schema`] is its JSON Schema, `faultwire schema --replay`
//! prints it. The keys are:
//!
//! - `faultwire_replay`: version of this form, now [`REPLAY_VERSION`]. A file of a newer one is refused.
//! - `faultwire_version`, `command`: who wrote it, and how.
//! - `digest`: of experiment, seed and decisions, so that an edited file is known for one.
//! - `experiment`: the effective experiment, seed included, a plain object that can be edited.
//! - `runs`: for each case its name, outcome, failures, fingerprint, number of events and virtual time; its decisions of
//!   chance, one a line; and digests at up to 256 events on the way (`checkpoints`), to tell where a replay departs.
//!   A `digest` covers what the run came to (all but its decisions): a replay is compared with that, so a file in which
//!   it has been changed is refused as damaged.
//!
//! A decision names its direction (`on`), its packet by the keys of a targeted fault's `match`, when it was taken (`at`,
//! by which nothing is done), and what was done (`do`) in the words of targeted faults, besides `send_at_once` and a
//! `delay` that may be negative.

mod assign;
mod checkpoints;
mod compare;
mod file;
mod grammar;
mod read;
mod undrawn;
mod write;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_link::PacketKind;
pub use faultwire_link::{ChanceAction, Met};

use crate::experiment::{ExperimentError, Overrides, parse};

pub use crate::experiment::json::REPLAY_SIZE_MAX as SIZE_MAX;
pub(crate) use assign::{assigned, met, told};
pub use checkpoints::{CheckpointWatch, Checkpoints, Departure};
pub use compare::{Basis, Comparison, record_case, replay_case};
pub use file::{RecordedRun, Replay};
pub use grammar::REPLAY_VERSION;
pub(crate) use read::{is_changed, is_replay, read as read_parts};
pub(crate) use undrawn::draws_otherwise;
pub use undrawn::undrawn_note;
pub use write::write;

/// The decisions of chance of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// In the order of time, those of one instant in the order of the directions' names.
    pub decisions: Vec<RecordedDecision>,
}

/// One thing that chance did to one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDecision {
    /// The direction, `"LINK>NODE"`.
    pub on: Arc<str>,
    /// The packet, as it entered the direction.
    pub packet: RecordedPacket,
    /// When it entered in the run that was recorded; a replay goes by the packet alone.
    pub at: Instant,
    /// What was done to it.
    pub action: ChanceAction,
}

/// Who a packet is among all that enter a direction; see [`PacketIdentity`](faultwire_link::PacketIdentity).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedPacket {
    /// Its conversation.
    pub conversation: RecordedConversation,
    /// Its most special kind.
    pub kind: Option<PacketKind>,
    /// Offset of its first payload octet in its sender's stream, if it has any payload.
    pub byte: Option<u64>,
    /// Which sending of its data, SYN or FIN it is, from 1, if it takes sequence space.
    pub transmission: Option<u16>,
    /// Which of the packets that agree in all of these, from 1.
    pub nth: u64,
    /// Which copy of it, from 1, for a copy that chance judges itself.
    pub copy: Option<u32>,
}

/// A conversation by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedConversation {
    /// The packet belongs to none.
    None,
    /// That of the socket `"host/name"`.
    Named(Arc<str>),
    /// The `ordinal`-th that a host opened in one of its lives. Only where no socket has a name; an extra conversation
    /// that the host opens earlier moves it.
    Numbered {
        /// The host.
        opener: Arc<str>,
        /// Which of its conversations, from 1.
        ordinal: u32,
        /// In which of its lives, from 1.
        boot: u16,
    },
}

impl fmt::Display for RecordedConversation {
    /// `client/first`, `client:1`, after a restart of the host `client:1:2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no conversation"),
            Self::Named(name) => f.write_str(name),
            Self::Numbered { opener, ordinal, boot: 1 } => write!(f, "{opener}:{ordinal}"),
            Self::Numbered { opener, ordinal, boot } => write!(f, "{opener}:{ordinal}:{boot}"),
        }
    }
}

impl FromStr for RecordedConversation {
    type Err = ();

    /// Reads a numbered conversation. No host's name has a colon in it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(':');
        let opener = parts.next().filter(|opener| !opener.is_empty()).ok_or(())?;
        let ordinal = parts.next().and_then(|ordinal| ordinal.parse().ok()).filter(|ordinal| *ordinal > 0);
        let boot = parts.next().map_or(Some(1), |boot| boot.parse().ok()).filter(|boot| *boot > 0);
        match (ordinal, boot, parts.next()) {
            (Some(ordinal), Some(boot), None) => Ok(Self::Numbered { opener: opener.into(), ordinal, boot }),
            _ => Err(()),
        }
    }
}

/// Reads the text of a replay file; `file_name` is for messages only.
///
/// # Errors
/// [`ExperimentError`] with place and remedy, also for an experiment that is no replay.
pub fn read(text: impl AsRef<[u8]>, file_name: &str) -> Result<Replay, ExperimentError> {
    let experiment = parse(text, file_name, &Overrides::default())?;
    experiment.replay.ok_or_else(|| {
        let message =
            "this is an experiment, not a replay file: `faultwire run FILE --record REPLAY` makes one";
        ExperimentError::unreadable(file_name, message.to_owned())
    })
}

/// The JSON Schema of replay files.
pub fn schema() -> serde_json::Value {
    crate::experiment::schema_of(&grammar::REPLAY, "faultwire replay")
}

/// A signed time: `12ms`, `-3.2us`.
pub(crate) fn deviation(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}", Duration::from_nanos(nanos.unsigned_abs()))
}

#[cfg(test)]
mod tests;
