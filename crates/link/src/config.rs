//! What a direction is built from: its parameters, its impairments in netem's words, its timeline.

use std::sync::Arc;

use faultwire_base::{BitRate, Duration, Instant, Probability};

use crate::targeted::TargetedFault;

/// Everything about one direction of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectionConfig {
    /// Bits a second; `None` is unlimited, and then there is no queue.
    pub rate: Option<BitRate>,
    /// Propagation time, one way.
    pub delay: Duration,
    /// Variation of the delay.
    pub jitter: Option<Jitter>,
    /// Random loss.
    pub loss: Option<Loss>,
    /// Random loss marks ECN-capable packets "congestion experienced" instead of taking them (netem's `ecn`).
    pub loss_marks: bool,
    /// Random duplication: the probability that a packet is sent twice.
    pub duplicate: Option<Probability>,
    /// Random corruption.
    pub corrupt: Option<Corrupt>,
    /// Random reordering.
    pub reorder: Option<Reorder>,
    /// Where packets wait for the rate.
    pub queue: Queue,
    /// Largest packet in octets with its IP header; `None` is no limit.
    pub mtu: Option<u32>,
    /// Targeted faults in the order of the file; a [`FaultIndex`](crate::FaultIndex) is an index here.
    pub faults: Vec<TargetedFault>,
    /// Changes in time. Changes of one instant apply in the order given.
    pub changes: Vec<ScheduledChange>,
}

/// The queue in front of a rate. The packet in service is not in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// First in, first out; what finds it full is dropped.
    DropTail {
        /// How much may wait.
        limit: QueueLimit,
    },
}

/// How much may wait in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueLimit {
    /// That many packets.
    Packets(u32),
    /// That many octets. A packet that finds the link idle does not wait and is never refused.
    Bytes(u64),
}

impl Default for Queue {
    /// 1000 packets, netem's default.
    fn default() -> Self {
        Self::DropTail { limit: QueueLimit::Packets(1000) }
    }
}

/// Variation of the delay. The delay of a packet is never less than zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jitter {
    /// Half the width (uniform) or the scale of the variation (otherwise; netem's sigma).
    pub amount: Duration,
    /// Its distribution.
    pub distribution: Distribution,
    /// Whether packets may overtake each other by it, as in netem. Otherwise a packet arrives no earlier than the one
    /// before it.
    pub reorders: bool,
}

/// Distributions of jitter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly from `-amount` to below `amount`.
    #[default]
    Uniform,
    /// Normal with `amount` as standard deviation, cut at 4 of them like netem's table.
    Normal,
    /// Pareto with shape 3, shifted to mean zero and scaled like netem's table: `(u^(-1/3) - 3/2) * 4/3`, at most 4
    /// amounts.
    Pareto,
    /// A quarter of a normal plus three quarters of a Pareto variate.
    ParetoNormal,
    /// An entry drawn evenly from a table in netem's form: 8192 is one amount. An empty table never deviates.
    Table(Arc<[i16]>),
}

/// Models of random loss, in netem's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each packet alone.
    Random {
        /// Probability of loss.
        probability: Probability,
        /// Cap on consecutive losses.
        max_burst: Option<u32>,
    },
    /// Gilbert-Elliott: a good and a bad state. As in netem a packet is judged by the state before its transition.
    GilbertElliott {
        /// From the good to the bad state.
        p: Probability,
        /// From the bad to the good state.
        r: Probability,
        /// Loss in the bad state.
        one_minus_h: Probability,
        /// Loss in the good state.
        one_minus_k: Probability,
        /// Cap on consecutive losses.
        max_burst: Option<u32>,
    },
    /// netem's four states: 1 received in a gap, 2 received in a burst, 3 lost in a burst, 4 lost alone in a gap.
    State {
        /// From gap to burst loss.
        p13: Probability,
        /// From burst loss to gap.
        p31: Probability,
        /// From burst loss to burst reception.
        p32: Probability,
        /// From burst reception to burst loss.
        p23: Probability,
        /// From gap to a single loss.
        p14: Probability,
        /// Cap on consecutive losses.
        max_burst: Option<u32>,
    },
    /// A fixed pattern, repeated: `true` is lost. An empty one loses nothing.
    Pattern(Arc<[bool]>),
}

/// Random corruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// Probability that a packet is corrupted.
    pub probability: Probability,
    /// How many different bits flip (all, if the packet has fewer).
    pub bits: u32,
}

/// Random reordering, netem's way: a packet is sent at once, without the delay, and so overtakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reorder {
    /// Probability to be sent at once.
    pub probability: Probability,
    /// At least `gap - 1` packets with the full delay lie between two that are sent at once; 0 counts as 1.
    pub gap: u32,
}

/// A change and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledChange {
    /// When. It applies to everything that happens at that time.
    pub at: Instant,
    /// What.
    pub change: Change,
}

/// What can change in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Drops what enters from now on.
    Cut {
        /// Whether what is on the way (queued, travelling, held) is dropped too.
        in_flight_drop: bool,
    },
    /// Ends a cut.
    Uncut,
    /// The rate for packets that enter later; what is queued keeps its departure.
    SetRate(Option<BitRate>),
    /// The delay for packets that enter later. Order is kept: they don't overtake those that travel.
    SetDelay(Duration),
    /// Random loss; the model starts in its first state.
    SetLoss(Option<Loss>),
    /// Whether random loss marks ECN-capable packets instead of taking them.
    SetLossMarks(bool),
    /// Jitter.
    SetJitter(Option<Jitter>),
    /// Random duplication.
    SetDuplicate(Option<Probability>),
    /// Random corruption.
    SetCorrupt(Option<Corrupt>),
    /// Random reordering.
    SetReorder(Option<Reorder>),
    /// The queue's limit. What waits already stays.
    SetQueue(Queue),
    /// The MTU.
    SetMtu(Option<u32>),
    /// Holds what enters from now on, after its serialisation.
    HoldAll,
    /// Lets go what [`Change::HoldAll`] held, in its order, and holds no more. It then takes the delay of the link.
    ReleaseAll,
    /// Ends every fault: cut and holds end (what is held travels on), targeted faults and random impairments (jitter
    /// included) are over for good, and rate, delay, queue and MTU are what they were at the start. Changes that are
    /// scheduled later still happen.
    Heal,
}
