//! Oracles: laws that every run is watched for, asked or not (DESIGN §7), and those of conformance, which run where an
//! expectation names them.

pub(crate) mod conformance;
pub(crate) mod laws;
pub(crate) mod stream;
mod war;

use std::fmt;

/// The laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OracleName {
    /// The byte stream arrives exactly once and in order.
    ByteStream,
    /// No byte of an old incarnation is delivered to a new one.
    Incarnation,
    /// Sequence, window and transition laws of TCP.
    Sequence,
    /// Packets and octets are conserved on each link.
    Conservation,
    /// Nothing is stuck after `heal`.
    Convergence,
    /// No storm of ACKs or retransmissions.
    Storm,
    /// Retransmissions, probes and their timers (RFC 6298; RFC 9293 §3.8.4, §3.8.6.1).
    Timers,
    /// Data is acknowledged in time (RFC 9293 §3.8.6.3; RFC 5681 §4.2).
    Acknowledgments,
    /// Initial window, slow start, loss window (RFC 5681 §3.1; RFC 6928).
    Congestion,
    /// What may end or change a connection (RFC 9293 §3.10.7; RFC 5961; RFC 7323 §5.3).
    Acceptance,
    /// FIN and TIME-WAIT (RFC 9293 §3.6).
    Closing,
    /// Offered windows (RFC 9293 §3.8.6).
    Windows,
    /// What is sent again (RFC 2018; RFC 6675; RFC 1191).
    Retransmissions,
}

impl OracleName {
    /// Those that watch every run, in the order of the report.
    pub const STANDING: [Self; 6] = [
        Self::ByteStream,
        Self::Incarnation,
        Self::Sequence,
        Self::Conservation,
        Self::Convergence,
        Self::Storm,
    ];

    /// Those of conformance: they cost time, and run only where an expectation names them.
    pub const CONFORMANCE: [Self; 7] = [
        Self::Timers,
        Self::Acknowledgments,
        Self::Congestion,
        Self::Acceptance,
        Self::Closing,
        Self::Windows,
        Self::Retransmissions,
    ];

    /// All of them, in the order of the report.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::STANDING.into_iter().chain(Self::CONFORMANCE)
    }

    /// The name in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByteStream => "byte_stream",
            Self::Incarnation => "incarnation",
            Self::Sequence => "sequence",
            Self::Conservation => "conservation",
            Self::Convergence => "convergence",
            Self::Storm => "storm",
            Self::Timers => "timers",
            Self::Acknowledgments => "acknowledgments",
            Self::Congestion => "congestion",
            Self::Acceptance => "acceptance",
            Self::Closing => "closing",
            Self::Windows => "windows",
            Self::Retransmissions => "retransmissions",
        }
    }
}

impl fmt::Display for OracleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a law fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OracleResult {
    /// It held.
    #[default]
    Held,
    /// It was broken in a way that the protocol permits.
    Hazard,
    /// An endpoint broke it: the run fails.
    Broken,
}

impl OracleResult {
    /// The word in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Hazard => "hazard",
            Self::Broken => "broken",
        }
    }
}

impl fmt::Display for OracleResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that an oracle found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) oracle: OracleName,
    pub(crate) result: OracleResult,
    pub(crate) detail: String,
}

/// The worst finding of each oracle, the first of its severity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    worst: Vec<Finding>,
}

impl Findings {
    /// Keeps a finding if it is the first or a worse one of its oracle.
    pub(crate) fn add(&mut self, finding: Finding) {
        match self.worst.iter_mut().find(|known| known.oracle == finding.oracle) {
            None => self.worst.push(finding),
            Some(known) if known.result < finding.result => *known = finding,
            Some(_) => {}
        }
    }

    /// Takes the finding of an oracle out.
    pub(crate) fn take(&mut self, oracle: OracleName) -> Option<Finding> {
        let at = self.worst.iter().position(|finding| finding.oracle == oracle)?;
        Some(self.worst.remove(at))
    }

    /// How an oracle fared, and the detail.
    pub(crate) fn of(&self, oracle: OracleName) -> (OracleResult, Option<&str>) {
        self.worst
            .iter()
            .find(|finding| finding.oracle == oracle)
            .map_or((OracleResult::Held, None), |finding| (finding.result, Some(finding.detail.as_str())))
    }
}
