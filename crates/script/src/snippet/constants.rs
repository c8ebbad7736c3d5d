//! The constants that snippets know: states and bits, under all the names that scripts have for them.

use faultwire_tcp::State;

use crate::settings::Profile;

/// The value of the constant `name`.
pub(super) fn constant(profile: Profile, name: &str) -> Option<u64> {
    if let Some((_, value)) = TABLE.iter().find(|(known, _)| *known == name) {
        return Some(*value);
    }
    if let Some(bit) = name.strip_prefix("TCPI_OPT_") {
        return option_bit(profile, bit);
    }
    let state = ["TCPS_", "TCPI_", "TCP_"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    state_named(state).map(|state| state_number(profile, state))
}

/// Linux `enum tcp_ca_state`.
const TABLE: &[(&str, u64)] = &[
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_Loss", 4),
    ("TCP_CA_Open", 0),
    ("TCP_CA_Recovery", 3),
];

/// The bits of `tcpi_options`: the kernels agree up to ECN.
fn option_bit(profile: Profile, name: &str) -> Option<u64> {
    let freebsd = profile == Profile::Freebsd;
    Some(match name {
        "TIMESTAMPS" => 0x1,
        "SACK" => 0x2,
        "WSCALE" => 0x4,
        "ECN" => 0x8,
        "TOE" if freebsd => 0x10,
        "TFO" if freebsd => 0x20,
        "ECN_SEEN" if !freebsd => 0x10,
        "SYN_DATA" if !freebsd => 0x20,
        "USEC_TS" if !freebsd => 0x40,
        "TFO_CHILD" if !freebsd => 0x80,
        _ => return None,
    })
}

/// The state of this name: the kernels, the tools and the RFC write some of them differently.
pub(crate) fn state_named(name: &str) -> Option<State> {
    Some(match name {
        "CLOSE" => State::Closed,
        "SYN_RECV" | "SYN_RCVD" => State::SynReceived,
        "FIN_WAIT1" => State::FinWait1,
        "FIN_WAIT2" => State::FinWait2,
        _ => name.parse().ok()?,
    })
}

/// The number of a state in `tcpi_state`: that of Linux, or that of FreeBSD (`TCPS_` in netinet/tcp_fsm.h).
pub(super) fn state_number(profile: Profile, state: State) -> u64 {
    if profile != Profile::Freebsd {
        return state.number();
    }
    match state {
        State::Closed => 0,
        State::Listen => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::Established => 4,
        State::CloseWait => 5,
        State::FinWait1 => 6,
        State::Closing => 7,
        State::LastAck => 8,
        State::FinWait2 => 9,
        State::TimeWait => 10,
    }
}
