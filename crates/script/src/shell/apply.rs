//! What a command does to the host, or finds there.

use faultwire_base::Duration;
use faultwire_host::{SocketReport, SysctlError, SysctlValue};

use super::defaults::DEFAULTS;
use super::{Action, SocketCount, Wanted, fixed};
use crate::machine::Machine;
use crate::problem::Problem;

pub(super) fn apply(action: &Action, machine: &mut Machine) -> Result<(), Problem> {
    match action {
        Action::Defaults => DEFAULTS.iter().try_for_each(|(name, value)| sysctl(machine, name, value))?,
        Action::Sysctl { name, value } => sysctl(machine, name, value)?,
        Action::Setting { name, value } => {
            machine.host.set_setting(name, &parsed(value)).map_err(|error| refused(&error))?;
        }
        Action::FlushMetrics => machine.host.flush_metrics(),
        Action::DropTimeWait => {
            machine.host.drop_time_wait(machine.now());
        }
        Action::LoseEgress(lost) => machine.loses_egress = *lost,
        &Action::Sleep(time) => sleep(machine, time),
        Action::CountSockets(count) => count_sockets(machine, count)?,
    }
    machine.drain();
    Ok(())
}

fn sleep(machine: &mut Machine, time: Duration) {
    let until = machine.now().saturating_add(time);
    machine.advance_to(until);
}

/// The families of names that the host knows without these prefixes; a full name says which is meant.
const CORE: &[&str] = &["rmem_default", "rmem_max", "somaxconn", "wmem_max"];

fn sysctl(machine: &mut Machine, name: &str, value: &str) -> Result<(), Problem> {
    if let Some(accepted) = fixed::accepts(name, value) {
        return accepted.map_err(Problem::Unknown);
    }
    let full = match (name.strip_prefix("net.core."), name.strip_prefix("net.ipv4.")) {
        (Some(rest), _) => CORE.contains(&rest),
        (_, Some(rest)) => !CORE.contains(&rest),
        _ => true,
    };
    if !full {
        return Err(Problem::Unknown(format!("there is no sysctl {name}")));
    }
    match (name, value) {
        // Any write of a number but 0 purges.
        ("net.inet.tcp.hostcache.purgenow", "0") => return Ok(()),
        ("net.inet.tcp.hostcache.purgenow", _) => machine.host.purge_host_cache(),
        _ => machine.host.set_sysctl(name, &parsed(value)).map_err(|error| refused(&error))?,
    }
    Ok(())
}

fn refused(error: &SysctlError) -> Problem {
    let mut text = error.to_string();
    if let SysctlError::UnknownName { name, nearest } = error {
        let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
        let bare = name.rsplit('.').next().unwrap_or(name);
        if let Some(closer) = fixed::names().min_by_key(distance)
            && strsim::damerau_levenshtein(closer, name) < strsim::damerau_levenshtein(nearest, bare)
        {
            text = format!("{name:?} is no sysctl that is known here; the nearest is {closer}");
        }
    }
    Problem::Unknown(text)
}

/// A value as the kernels read it: numbers may be hexadecimal or octal.
fn parsed(value: &str) -> SysctlValue {
    let numbers: Option<Vec<i64>> = value.split_whitespace().map(number).collect();
    match numbers.as_deref() {
        Some(&[single]) => SysctlValue::Integer(single),
        Some(several @ [_, ..]) => SysctlValue::List(several.to_vec()),
        _ => SysctlValue::Text(value.to_owned()),
    }
}

fn number(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    if !digits.bytes().next()?.is_ascii_digit() {
        return None;
    }
    let magnitude = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8),
        None => digits.parse(),
    };
    magnitude.ok()?.checked_mul(sign)
}

fn count_sockets(machine: &Machine, count: &SocketCount) -> Result<(), Problem> {
    let sockets = machine.host.sockets();
    let found = sockets.iter().filter(|socket| is_meant(socket, count)).count() as u64;
    let good = match count.wanted {
        Wanted::Exactly(wanted) => found == wanted,
        Wanted::AtLeastOne => found > 0,
    };
    if good {
        return Ok(());
    }
    let wanted = match count.wanted {
        Wanted::Exactly(wanted) => wanted.to_string(),
        Wanted::AtLeastOne => "at least one".into(),
    };
    let all: Vec<String> = sockets.iter().map(describe).collect();
    let all = if all.is_empty() { "none".into() } else { all.join("; ") };
    Err(Problem::Differs(format!(
        "expected {wanted} such sockets, there are {found}; all TCP sockets: {all}"
    )))
}

fn is_meant(socket: &SocketReport, count: &SocketCount) -> bool {
    let has_port =
        |port| socket.local.port() == port || socket.remote.is_some_and(|remote| remote.port() == port);
    count.ipv6.is_none_or(|ipv6| socket.ipv6 == ipv6)
        && count.port.is_none_or(has_port)
        && count.state.is_none_or(|state| socket.state == state)
        && (!count.open || socket.fd.is_some())
}

fn describe(socket: &SocketReport) -> String {
    let remote = socket.remote.map_or_else(|| "*".into(), |remote| remote.to_string());
    let open = if socket.fd.is_some() { "" } else { ", not open" };
    format!("{} {} > {remote}{open}", socket.state, socket.local)
}
