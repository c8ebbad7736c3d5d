//! What an explanation is made of: answers, chains, steps and roots.

use std::fmt;
use std::sync::Arc;

use faultwire_base::{Instant, PlaceId};

use super::clause::Clause;
use crate::output::PacketNumber;

/// The answer to one question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is explained, in one sentence.
    pub subject: String,
    /// Its causes.
    pub chain: Chain,
}

/// Causes, from the outcome back. A step stands before its own causes, and no later than what it caused: times never
/// increase along the main line (depth 0) nor from a step to its side causes.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The steps in the order of telling.
    pub steps: Vec<Step>,
    /// Side causes that were cut off.
    pub left_out: usize,
}

/// One link of a chain.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it happened.
    pub at: Instant,
    /// Where.
    pub place: PlaceId,
    /// The packet it is about, if it is about one.
    pub packet: Option<PacketNumber>,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The rule behind it.
    pub clause: Option<Clause>,
    /// Index of the trace's entry that shows it, if there is one.
    pub entry: Option<usize>,
    /// 0 on the main line, one more for each side cause.
    pub depth: u32,
    /// If nothing is behind it: what it is.
    pub root: Option<Root>,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// A fault of the experiment, by its name.
    Fault {
        /// Its name.
        name: Arc<str>,
    },
    /// A fault that this case leaves out, or that never acted: what it would have done is missing.
    Absent {
        /// Its name.
        name: Arc<str>,
    },
    /// A random impairment of a link.
    Chance {
        /// The direction, `LINK>NODE`.
        direction: Arc<str>,
    },
    /// A property of a link: its queue, rate, delay or MTU.
    Link {
        /// The direction, `LINK>NODE`.
        direction: Arc<str>,
    },
    /// A historical bug that was put back into a host's stack.
    Quirk {
        /// The host.
        host: Arc<str>,
        /// The quirk, as in the host's `quirks`.
        name: &'static str,
    },
    /// A call of an application.
    Application {
        /// Its name, if it is known which.
        name: Option<Arc<str>>,
    },
    /// A rule of the protocol or of the stack, with nothing out of the ordinary before it.
    Rule,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { name } => write!(f, "the fault \"{name}\""),
            Self::Absent { name } => write!(f, "the fault \"{name}\", which did not act"),
            Self::Chance { direction } => write!(f, "chance on {direction}"),
            Self::Link { direction } => write!(f, "the link {direction} as it is"),
            Self::Quirk { host, name } => write!(f, "the quirk {name} of {host}"),
            Self::Application { name: Some(name) } => write!(f, "the app \"{name}\""),
            Self::Application { name: None } => write!(f, "an application"),
            Self::Rule => write!(f, "a rule of the protocol"),
        }
    }
}

impl Chain {
    /// Where the chain ends, each root once, in the order of telling: that of the main line and of the side causes.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.steps.iter().enumerate().filter_map(|(index, step)| {
            let root = step.root.as_ref()?;
            let told = self.steps[..index].iter().any(|other| other.root.as_ref() == Some(root));
            (!told).then_some(root)
        })
    }

    /// The packets that the chain is about, ascending.
    pub fn packets(&self) -> Vec<PacketNumber> {
        let mut packets: Vec<_> = self.steps.iter().filter_map(|step| step.packet).collect();
        packets.sort_unstable();
        packets.dedup();
        packets
    }
}
