//! Historical bugs of TCPs that can be put back one at a time, each a value of a named policy of [`Config`].
//!
//! A simulator that looks for bugs is worth what it finds, and these are bugs that were found the hard way. The rule itself
//! stands where it is decided, as one `match` over the legal policies and this one; here is only which policy it is, what
//! it does, and who had it.

use std::fmt;
use std::str::FromStr;

use faultwire_base::Duration;

use crate::config::{
    AckAtOnce, BackOff, ChallengeLimit, Config, DataAhead, DelayOver, EmptyFlight, InitialWindow,
    KeepAliveProbe, LossResponse, MeasuredSegments, OldDuplicate, OldTimestamp, PartialAck, ProbeContent,
    RepeatedFin, RightEdge, SackedData, SequenceOrder, TimeWaitShare, TimerRestart, WindowUpdate,
};
use crate::handshake_config::SimultaneousOpen;

/// A historical bug. None is in any profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quirk {
    /// A connection begins with a window as large as the peer's, so the first flight overruns every queue on the
    /// way.
    NoInitialSlowStart,
    /// After a timeout the window is half of what was in flight instead of one segment.
    NoSlowStartAfterTimeout,
    /// Neither a loss nor a timeout makes the window smaller.
    NoCongestionResponse,
    /// The first timeout is 100 ms, before any round trip is known.
    InitialRtoTooLow,
    /// A timeout does not double the next one, neither of data nor of a SYN.
    NoRetransmissionBackOff,
    /// An ACK of what was sent twice measures the round trip from the last sending, so a late ACK of the first
    /// makes the timeout too short.
    KarnIgnored,
    /// Every ACK starts the retransmission timer anew, those that acknowledge nothing new too, so that it may never
    /// run out.
    TimerRestartedByEveryAck,
    /// A closed window is never probed, so that one lost window update stops the connection for ever.
    NoZeroWindowProbe,
    /// A window that was closed and opens again is told to nobody: the peer has to probe.
    NoWindowUpdate,
    /// Data that nobody reads is taken off the window twice, so that its right edge moves left.
    WindowShrunk,
    /// Data is acknowledged at once only from eight full segments on.
    StretchAcks,
    /// A delayed ACK never goes out by itself: the last data waits until the peer sends it again.
    DelayedAckForgotten,
    /// A segment that was here before gets no ACK, so that a peer whose ACK got lost, or that probes, never hears.
    OldDuplicateUnanswered,
    /// A segment that was here before gets a RST instead of an ACK.
    OldDuplicateReset,
    /// Data that arrives ahead of a gap is thrown away.
    NoReassembly,
    /// Data that was reported by SACK is thrown away when the gap before it is filled.
    SackReneging,
    /// Data that was SACKed counts as acknowledged and is never sent again, whether the receiver kept it or not.
    SackedDataDiscarded,
    /// Fast recovery repairs one segment; what else was lost of the same window waits for the timer.
    PartialAckIgnored,
    /// A timestamp of long ago is no reason to refuse a segment.
    NoPaws,
    /// Sequence numbers are compared as plain numbers, so that what follows 2^32 - 1 counts as old.
    SequenceWrap,
    /// A RST anywhere in the window ends the connection, so that an old or a forged one does.
    ResetAnywhereInWindow,
    /// A SYN on an open connection gets no answer, so that a peer that restarted can't get rid of it.
    HalfOpenUndiscovered,
    /// A SYN that crosses ours gets a RST and ends our own attempt.
    NoSimultaneousOpen,
    /// A FIN that is sent again stands one beyond its place, so that the peer waits for an octet that never was.
    FinSequenceWrong,
    /// TIME_WAIT lasts a five-hundredth of 2 MSL.
    ShortTimeWait,
    /// A keep-alive probe stands at SND.NXT, where nobody answers it: idle connections die.
    KeepAliveAtNext,
    /// A flight that ran empty counts as idle time, so that CUBIC never grows out of a window of one or two
    /// segments.
    CubicStuckAtMinimum,
    /// An ICMP error that a packet was too big is ignored: a path with a smaller MTU is a black hole.
    PacketTooBigIgnored,
    /// Nothing limits challenge ACKs, nor the ACKs of segments that are refused.
    ChallengeAckStorm,
}

/// Not the name of a quirk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownQuirk;

impl Quirk {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::NoInitialSlowStart,
        Self::NoSlowStartAfterTimeout,
        Self::NoCongestionResponse,
        Self::InitialRtoTooLow,
        Self::NoRetransmissionBackOff,
        Self::KarnIgnored,
        Self::TimerRestartedByEveryAck,
        Self::NoZeroWindowProbe,
        Self::NoWindowUpdate,
        Self::WindowShrunk,
        Self::StretchAcks,
        Self::DelayedAckForgotten,
        Self::OldDuplicateUnanswered,
        Self::OldDuplicateReset,
        Self::NoReassembly,
        Self::SackReneging,
        Self::SackedDataDiscarded,
        Self::PartialAckIgnored,
        Self::NoPaws,
        Self::SequenceWrap,
        Self::ResetAnywhereInWindow,
        Self::HalfOpenUndiscovered,
        Self::NoSimultaneousOpen,
        Self::FinSequenceWrong,
        Self::ShortTimeWait,
        Self::KeepAliveAtNext,
        Self::CubicStuckAtMinimum,
        Self::PacketTooBigIgnored,
        Self::ChallengeAckStorm,
    ];

    /// Its name in an experiment file.
    pub const fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// What a host does that has it, in one sentence.
    pub const fn what(self) -> &'static str {
        self.entry().what
    }

    /// Who told of it or had it, and the clause that it breaks.
    pub const fn source(self) -> &'static str {
        self.entry().source
    }

    /// Puts it into `config`. Doing so twice changes nothing.
    pub fn apply(self, config: &mut Config) {
        match self {
            Self::NoInitialSlowStart => config.congestion.initial_window = InitialWindow::PeerWindow,
            Self::NoSlowStartAfterTimeout => config.congestion.loss_response = LossResponse::Threshold,
            Self::NoCongestionResponse => config.congestion.loss_response = LossResponse::Nothing,
            Self::InitialRtoTooLow => config.retransmission.initial = SHORT_INITIAL_RTO,
            Self::NoRetransmissionBackOff => config.retransmission.back_off = BackOff::Never,
            Self::KarnIgnored => config.retransmission.measured = MeasuredSegments::All,
            Self::TimerRestartedByEveryAck => config.retransmission.restart = TimerRestart::EveryAck,
            Self::NoZeroWindowProbe => config.persist.probe = ProbeContent::NoProbe,
            Self::NoWindowUpdate => config.acknowledgment.window_update = WindowUpdate::Never,
            Self::WindowShrunk => config.buffers.right_edge = RightEdge::MovesLeft,
            Self::StretchAcks => {
                config.acknowledgment.at_once = AckAtOnce::EightFullSegments;
                config.acknowledgment.window_update = WindowUpdate::Doubled;
            }
            Self::DelayedAckForgotten => config.acknowledgment.delay_over = DelayOver::Forgets,
            Self::OldDuplicateUnanswered => config.arrival.old_duplicate = OldDuplicate::Unanswered,
            Self::OldDuplicateReset => config.arrival.old_duplicate = OldDuplicate::Reset,
            Self::NoReassembly => config.buffers.ahead = DataAhead::Discarded,
            Self::SackReneging => config.buffers.ahead = DataAhead::Reneged,
            Self::SackedDataDiscarded => config.loss_recovery.sacked = SackedData::Forgotten,
            Self::PartialAckIgnored => config.loss_recovery.partial_ack = PartialAck::Waits,
            Self::NoPaws => config.arrival.old_timestamp = OldTimestamp::Accepted,
            Self::SequenceWrap => config.arrival.sequence_order = SequenceOrder::Plain,
            Self::ResetAnywhereInWindow => config.arrival.insecure_reset = true,
            Self::HalfOpenUndiscovered => config.arrival.drop_syn = true,
            Self::NoSimultaneousOpen => config.handshake.simultaneous_open = SimultaneousOpen::Refuses,
            Self::FinSequenceWrong => config.sending.repeated_fin = RepeatedFin::AtNext,
            Self::ShortTimeWait => config.time_wait.share = TimeWaitShare::FiveHundredth,
            Self::KeepAliveAtNext => config.keep_alive.probe = KeepAliveProbe::AtNext,
            Self::CubicStuckAtMinimum => config.congestion.empty_flight = EmptyFlight::Idle,
            Self::PacketTooBigIgnored => config.icmp.path_mtu_discovery = false,
            Self::ChallengeAckStorm => {
                config.acknowledgment.challenge_limit = ChallengeLimit::None;
                config.acknowledgment.limit_unacceptable = false;
            }
        }
    }

    /// Whether a host can't have both, since they are values of one policy.
    pub fn excludes(self, other: Self) -> bool {
        let mut both = Config::rfc();
        self.apply(&mut both);
        other.apply(&mut both);
        let mut again = both.clone();
        self.apply(&mut again);
        again != both
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    const fn entry(self) -> Entry {
        match self {
            Self::NoInitialSlowStart => Entry {
                name: "no_initial_slow_start",
                what: "A connection begins with a window as large as the peer's, so the first flight overruns every queue on the way.",
                source: "RFC 2525 §2.1; against RFC 5681 §3.1",
            },
            Self::NoSlowStartAfterTimeout => Entry {
                name: "no_slow_start_after_timeout",
                what: "After a timeout the window is half of what was in flight instead of one segment.",
                source: "RFC 2525 §2.2; against RFC 5681 §3.1",
            },
            Self::NoCongestionResponse => Entry {
                name: "no_congestion_response",
                what: "Neither a loss nor a timeout makes the window smaller.",
                source: "RFC 2525 §2.2 taken to its end; against RFC 5681 §3.1 and §3.2",
            },
            Self::InitialRtoTooLow => Entry {
                name: "initial_rto_too_low",
                what: "The first timeout is 100 ms, before any round trip is known.",
                source: "RFC 2525 §2.7; against RFC 6298 §2.1",
            },
            Self::NoRetransmissionBackOff => Entry {
                name: "no_retransmission_back_off",
                what: "A timeout does not double the next one, neither of data nor of a SYN.",
                source: "RFC 2525 §2.10; against RFC 6298 §5.5",
            },
            Self::KarnIgnored => Entry {
                name: "karn_ignored",
                what: "An ACK of what was sent twice measures the round trip from the last sending, so a late ACK of the first makes the timeout too short.",
                source: "Karn and Partridge 1987; against RFC 6298 §3",
            },
            Self::TimerRestartedByEveryAck => Entry {
                name: "timer_restarted_by_every_ack",
                what: "Every ACK starts the retransmission timer anew, those that acknowledge nothing new too, so that it may never run out.",
                source: "smoltcp issue 62; against RFC 6298 §5.3",
            },
            Self::NoZeroWindowProbe => Entry {
                name: "no_zero_window_probe",
                what: "A closed window is never probed, so that one lost window update stops the connection for ever.",
                source: "RFC 2525 §2.12; smoltcp issue 199, gVisor issue 10243; against RFC 9293 §3.8.6.1",
            },
            Self::NoWindowUpdate => Entry {
                name: "no_window_update",
                what: "A window that was closed and opens again is told to nobody: the peer has to probe.",
                source: "Zephyr issue 7876; against RFC 9293 §3.8.6.2.2",
            },
            Self::WindowShrunk => Entry {
                name: "window_shrunk",
                what: "Data that nobody reads is taken off the window twice, so that its right edge moves left.",
                source: "RFC 1122 §4.2.2.16; against RFC 9293 §3.8.6",
            },
            Self::StretchAcks => Entry {
                name: "stretch_acks",
                what: "Data is acknowledged at once only from eight full segments on.",
                source: "RFC 2525 §2.13; against RFC 9293 §3.8.6.3",
            },
            Self::DelayedAckForgotten => Entry {
                name: "delayed_ack_forgotten",
                what: "A delayed ACK never goes out by itself: the last data waits until the peer sends it again.",
                source: "RFC 1122 §4.2.3.2; against RFC 9293 §3.8.6.3",
            },
            Self::OldDuplicateUnanswered => Entry {
                name: "old_duplicate_unanswered",
                what: "A segment that was here before gets no ACK, so that a peer whose ACK got lost, or that probes, never hears.",
                source: "smoltcp issue 836; against RFC 9293 §3.10.7.4",
            },
            Self::OldDuplicateReset => Entry {
                name: "old_duplicate_reset",
                what: "A segment that was here before gets a RST instead of an ACK.",
                source: "RFC 1337 §1; against RFC 9293 §3.10.7.4",
            },
            Self::NoReassembly => Entry {
                name: "no_reassembly",
                what: "Data that arrives ahead of a gap is thrown away.",
                source: "RFC 2525 §2.5; against RFC 9293 §3.10.7.4",
            },
            Self::SackReneging => Entry {
                name: "sack_reneging",
                what: "Data that was reported by SACK is thrown away when the gap before it is filled.",
                source: "RFC 2018 §8",
            },
            Self::SackedDataDiscarded => Entry {
                name: "sacked_data_discarded",
                what: "Data that was SACKed counts as acknowledged and is never sent again, whether the receiver kept it or not.",
                source: "RFC 2018 §8, which forbids it",
            },
            Self::PartialAckIgnored => Entry {
                name: "partial_ack_ignored",
                what: "Fast recovery repairs one segment; what else was lost of the same window waits for the timer.",
                source: "RFC 6582 §1, the failing of Reno; against RFC 6582 §3.2 and RFC 6675 §5",
            },
            Self::NoPaws => Entry {
                name: "no_paws",
                what: "A timestamp of long ago is no reason to refuse a segment.",
                source: "against RFC 7323 §5.3",
            },
            Self::SequenceWrap => Entry {
                name: "sequence_wrap",
                what: "Sequence numbers are compared as plain numbers, so that what follows 2^32 - 1 counts as old.",
                source: "against RFC 9293 §3.4",
            },
            Self::ResetAnywhereInWindow => Entry {
                name: "reset_anywhere_in_window",
                what: "A RST anywhere in the window ends the connection, so that an old or a forged one does.",
                source: "CVE-2004-0230; against RFC 5961 §3.2",
            },
            Self::HalfOpenUndiscovered => Entry {
                name: "half_open_undiscovered",
                what: "A SYN on an open connection gets no answer, so that a peer that restarted can't get rid of it.",
                source: "against RFC 9293 §3.5.1 and RFC 5961 §4.2",
            },
            Self::NoSimultaneousOpen => Entry {
                name: "no_simultaneous_open",
                what: "A SYN that crosses ours gets a RST and ends our own attempt.",
                source: "against RFC 9293 §3.5, MUST-10",
            },
            Self::FinSequenceWrong => Entry {
                name: "fin_sequence_wrong",
                what: "A FIN that is sent again stands one beyond its place, so that the peer waits for an octet that never was.",
                source: "against RFC 9293 §3.4",
            },
            Self::ShortTimeWait => Entry {
                name: "short_time_wait",
                what: "TIME_WAIT lasts a five-hundredth of 2 MSL.",
                source: "RFC 1337 §1; against RFC 9293 §3.6.1",
            },
            Self::KeepAliveAtNext => Entry {
                name: "keep_alive_at_next",
                what: "A keep-alive probe stands at SND.NXT, where nobody answers it: idle connections die.",
                source: "against RFC 9293 §3.8.4",
            },
            Self::CubicStuckAtMinimum => Entry {
                name: "cubic_stuck_at_minimum",
                what: "A flight that ran empty counts as idle time, so that CUBIC never grows out of a window of one or two segments.",
                source: "quiche, told by Cloudflare in May 2026; against RFC 9438 §5.8",
            },
            Self::PacketTooBigIgnored => Entry {
                name: "packet_too_big_ignored",
                what: "An ICMP error that a packet was too big is ignored: a path with a smaller MTU is a black hole.",
                source: "RFC 2923 §2.1; against RFC 1191 §3 and RFC 8201 §4",
            },
            Self::ChallengeAckStorm => Entry {
                name: "challenge_ack_storm",
                what: "Nothing limits challenge ACKs, nor the ACKs of segments that are refused.",
                source: "Linux before 4.0 (tcp_invalid_ratelimit), FreeBSD D32938; against RFC 5961 §7",
            },
        }
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    fn from_str(name: &str) -> Result<Self, UnknownQuirk> {
        Self::ALL.into_iter().find(|quirk| quirk.as_str() == name).ok_or(UnknownQuirk)
    }
}

impl fmt::Display for UnknownQuirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known quirk; known are ")?;
        for (index, quirk) in Quirk::ALL.into_iter().enumerate() {
            write!(f, "{}{quirk}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownQuirk {}

/// What there is to tell of a quirk.
struct Entry {
    name: &'static str,
    what: &'static str,
    source: &'static str,
}

/// [`Quirk::InitialRtoTooLow`].
const SHORT_INITIAL_RTO: Duration = Duration::from_millis(100);
