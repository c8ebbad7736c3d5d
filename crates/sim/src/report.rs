//! The JSON report of a run: documented, versioned, free of anything that depends on the machine (DESIGN §8).

use serde::{Deserialize, Serialize};

/// Version of the report's schema; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// The report of one `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of faultwire that ran.
    pub faultwire_version: &'static str,
    /// Name of the experiment.
    pub name: String,
    /// Seed of the run.
    pub seed: u64,
    /// Digest of the effective experiment.
    pub experiment_digest: String,
    /// Fingerprint of all cases together.
    pub fingerprint: String,
    /// `passed` if every case passed.
    pub outcome: Outcome,
    /// Each case in the order of the file.
    pub cases: Vec<CaseReport>,
}

/// How a case or run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything that was asked held.
    Passed,
    /// An expectation, oracle or app step failed.
    Failed,
    /// The run itself could not go on (a bound was passed).
    Error,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, one sentence each.
    pub failures: Vec<String>,
    /// Fingerprint of the run.
    pub fingerprint: String,
    /// Virtual time at the end, in nanoseconds.
    pub virtual_time_ns: u64,
    /// Semantic events (packets sent, link decisions, arrivals, state changes, steps).
    pub events: u64,
    /// Historical bugs that were put back into hosts, in the order of hosts; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<QuirkReport>,
    /// Sums over all links.
    pub packets: PacketCounts,
    /// Each direction of each link.
    pub links: Vec<LinkReport>,
    /// Each fault that waits for packets or injects one (timeline faults just act at their time).
    pub faults: Vec<FaultReport>,
    /// Each connection, in the order of hosts and of opening (the first thousand of each host).
    pub connections: Vec<ConnectionReport>,
    /// Connections beyond those listed.
    pub connections_not_listed: u64,
    /// Each app.
    pub apps: Vec<AppReport>,
    /// Each expectation.
    pub expectations: Vec<ExpectationReport>,
    /// Each oracle.
    pub oracles: Vec<OracleReport>,
}

/// A historical bug that was put back into a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuirkReport {
    /// The host.
    pub host: String,
    /// The quirk, as in the host's `quirks`.
    pub name: &'static str,
    /// What a host does that has it.
    pub what: &'static str,
    /// Who told of it or had it, and the clause that it breaks.
    pub source: &'static str,
}

/// Packet counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PacketCounts {
    /// Packets made by hosts and injected (each counted once, however many links it crosses).
    pub sent: u64,
    /// Packets that reached a host.
    pub delivered: u64,
    /// Packets taken by links.
    pub dropped: u64,
    /// Copies made by links.
    pub duplicated: u64,
    /// Packets whose bits a link changed.
    pub corrupted: u64,
    /// Packets on the way at the end.
    pub in_flight: u64,
}

/// One direction of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkReport {
    /// `LINK>NODE`.
    pub name: String,
    /// Packets that entered.
    pub offered: u64,
    /// Packets that left at the far end.
    pub delivered: u64,
    /// Packets taken, by all causes.
    pub dropped: u64,
    /// Of these: by random loss.
    pub dropped_by_loss: u64,
    /// By a full queue.
    pub dropped_by_queue: u64,
    /// By targeted faults.
    pub dropped_by_fault: u64,
    /// By a cut, entering or in flight.
    pub dropped_by_cut: u64,
    /// For being larger than the MTU.
    pub dropped_by_mtu: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Packets whose bits were changed.
    pub corrupted: u64,
    /// Packets sent ahead of others.
    pub reordered: u64,
    /// ECN-capable packets that random loss marked instead of taking them.
    pub marked: u64,
    /// Packets on the way at the end.
    pub in_flight: u64,
    /// Octets that entered.
    pub offered_bytes: u64,
    /// Octets that left at the far end.
    pub delivered_bytes: u64,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// Its name.
    pub name: String,
    /// Packets that satisfied its keys but `nth` (targeted faults), or times that it took effect.
    pub matched: u64,
    /// Packets it acted on.
    pub acted: u64,
}

/// A state that a connection entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StateEntry {
    /// When, in nanoseconds.
    pub at_ns: u64,
    /// Its name as `ss` and the RFC write it, with underscores.
    pub state: &'static str,
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionReport {
    /// `HOST/NAME`, or `HOST/#K` for the K-th connection if no app named it.
    pub name: String,
    /// Local address and port.
    pub local: String,
    /// Remote address and port.
    pub remote: String,
    /// State at the end.
    pub final_state: &'static str,
    /// Every state entered.
    pub states: Vec<StateEntry>,
    /// The error the connection ended with, by its errno name.
    pub error: Option<String>,
    /// Segments sent.
    pub segments_sent: u64,
    /// Segments received.
    pub segments_received: u64,
    /// Segments that carried data or a SYN or FIN again.
    pub retransmissions: u64,
    /// Of these: by fast retransmit and fast recovery.
    pub fast_retransmissions: u64,
    /// Expirations of the retransmission timer.
    pub timeouts: u64,
    /// Duplicate ACKs received (RFC 5681 §2).
    pub duplicate_acks_received: u64,
    /// Octets of data sent, retransmissions included.
    pub bytes_sent: u64,
    /// Octets delivered to the app.
    pub bytes_delivered: u64,
    /// Octets delivered per second between first and last delivery, in bits.
    pub goodput_bps: u64,
    /// From opening to TIME_WAIT or CLOSED, in nanoseconds; `null` if it entered neither.
    pub completion_ns: Option<u64>,
    /// Smoothed round-trip time (RFC 6298), in nanoseconds.
    pub srtt_ns: Option<u64>,
    /// Challenge ACKs sent (RFC 5961).
    pub challenge_acks: u64,
    /// Zero-window probes sent.
    pub zero_window_probes: u64,
    /// Time spent in TIME_WAIT.
    pub time_wait_ns: u64,
}

/// One app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppReport {
    /// Its name.
    pub name: String,
    /// `done`, `failed` or `unfinished`.
    pub outcome: &'static str,
    /// Steps that ended.
    pub steps_done: u64,
    /// When the last step ended, in nanoseconds.
    pub finished_ns: Option<u64>,
    /// For a failed or unfinished app: the step, and what it waits for.
    pub detail: Option<String>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectationReport {
    /// Its name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub observed: String,
}

/// One oracle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OracleReport {
    /// Its name.
    pub name: &'static str,
    /// `held`, `broken` or `hazard`.
    pub result: &'static str,
    /// What was found, if anything.
    pub detail: Option<String>,
}
