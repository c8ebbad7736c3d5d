//! What a snippet can ask of the socket under test: `tcp_info` as the kernel of the profile fills it in.

use faultwire_host::Fd;
use faultwire_tcp::{INFO_FIELDS, Info, State};

use super::constants::{constant, state_number};
use super::evaluate::Names;
use super::value::Value;
use crate::machine::Machine;
use crate::problem::Problem;
use crate::settings::Profile;

/// The names of one instant.
#[derive(Clone, Copy)]
pub(super) struct Questions<'a> {
    pub(super) machine: &'a Machine,
    /// The socket to ask.
    pub(super) fd: Option<Fd>,
    pub(super) profile: Profile,
}

/// The field of its name that both kernels have, and FreeBSD fills in otherwise.
const FREEBSD_STATE_AND_OPTIONS: &[&str] = &["options", "rcv_wscale", "rto", "snd_wscale", "state"];
/// Slow-start threshold of FreeBSD before the first loss: `TCP_MAXWIN << TCP_MAX_WINSHIFT`.
const FREEBSD_NO_THRESHOLD: u64 = 65_535 << 14;
/// What timestamps take of a segment.
const TIMESTAMP_OCTETS: u64 = 12;

impl Names for Questions<'_> {
    fn value(&self, name: &str) -> Result<Value, Problem> {
        if let Some(value) = constant(self.profile, name) {
            return Ok(Value::Integer(value.into()));
        }
        if let Some(field) = name.strip_prefix("tcpi_") {
            return self.field(field).map(|value| Value::Integer(value.into()));
        }
        let foreign = ["tcpv_", "dctcp_", "bbr_", "sk_", "SK_"];
        Err(Problem::Unknown(if foreign.iter().any(|prefix| name.starts_with(prefix)) {
            format!("{name} is not kept by this stack")
        } else {
            format!("the name {name} in a snippet is not known here")
        }))
    }
}

impl Questions<'_> {
    fn field(&self, field: &str) -> Result<u64, Problem> {
        let fd = self.fd.ok_or_else(|| {
            Problem::Differs(format!("tcpi_{field} is asked of no socket: none of the script is open"))
        })?;
        let value = match self.machine.host.info_at(self.machine.now(), fd) {
            Ok(info) if self.profile == Profile::Freebsd => self.of_freebsd(&info, field),
            Ok(info) => of_linux(&info, field),
            Err(_) => self.without_connection(fd, field),
        };
        value.ok_or_else(|| {
            let distance = |known: &&&str| strsim::damerau_levenshtein(known, field);
            let nearest = INFO_FIELDS.iter().min_by_key(distance).expect("there are fields");
            Problem::Unknown(format!(
                "no tcp_info field tcpi_{field} is known here; the nearest is tcpi_{nearest}"
            ))
        })
    }

    /// `tcp_get_info` of a socket that has no connection: it was not connected yet, or listens.
    fn without_connection(&self, fd: Fd, field: &str) -> Option<u64> {
        let sockets = self.machine.host.sockets();
        let state = sockets.iter().find(|socket| socket.fd == Some(fd))?.state;
        let freebsd = self.profile == Profile::Freebsd;
        let config = &self.machine.host.config().tcp;
        Some(match field {
            "state" => state_number(self.profile, state),
            // FreeBSD tells of SACK as soon as it is wanted (TF_SACK_PERMIT).
            "options" if freebsd => u64::from(config.options.sack) << 1,
            "options" | "snd_wscale" | "rcv_wscale" => 0,
            _ if freebsd => return None,
            "unacked" if state == State::Listen => self.machine.host.queue_lengths(fd).ok()?.0.into(),
            "sacked" if state == State::Listen => return None,
            "snd_cwnd" => 10,
            "reordering" => config.congestion.duplicate_threshold.into(),
            "ca_state" | "probes" | "backoff" | "retrans" | "lost" | "sacked" | "unacked"
            | "total_retrans" | "bytes_acked" | "bytes_received" | "bytes_sent" | "bytes_retrans"
            | "segs_in" | "segs_out" | "data_segs_in" | "data_segs_out" | "delivered" | "delivered_ce"
            | "dsack_dups" | "reord_seen" | "notsent_bytes" | "rtt" => 0,
            _ => return None,
        })
    }

    /// `tcp_fill_info` of FreeBSD, which counts windows in octets. A field with two underscores before its name is
    /// never filled in.
    fn of_freebsd(&self, info: &Info, field: &str) -> Option<u64> {
        let offered = info.state == State::SynSent && self.machine.host.config().tcp.options.sack;
        let segment =
            || u64::from(info.send_segment_size) + if info.timestamps { TIMESTAMP_OCTETS } else { 0 };
        Some(match field {
            "state" => state_number(self.profile, info.state),
            "options" => info.field("options")? & 0xf | u64::from(offered) << 1,
            "snd_cwnd" => info.congestion_window,
            "snd_ssthresh" => info.slow_start_threshold.unwrap_or(FREEBSD_NO_THRESHOLD),
            "snd_mss" | "rcv_mss" => segment(),
            "snd_rexmitpack" => info.history.retransmissions,
            "rttmin" => info.rtt_min?.as_micros(),
            "rtt" | "rttvar" | "rcv_ooopack" | "snd_wnd" => info.field(field)?,
            _ if FREEBSD_STATE_AND_OPTIONS.contains(&field) => info.field(field)?,
            _ => return None,
        })
    }
}

/// `tcp_get_info`.
fn of_linux(info: &Info, field: &str) -> Option<u64> {
    match field {
        // Fields that the kernel has and never fills in.
        "fackets" | "last_ack_sent" => Some(0),
        // Without SO_MAX_PACING_RATE.
        "max_pacing_rate" => Some(u64::MAX),
        // `tcp_time_wait` leaves a small entry in its place: what the descriptor has is closed.
        "state" if info.state == State::TimeWait => Some(State::Closed.number()),
        _ => info.field(field),
    }
}
