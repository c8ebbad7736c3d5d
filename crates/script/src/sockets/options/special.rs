//! Options that are no plain number of the host: structures, names, what a descriptor says itself.

use faultwire_base::Duration;
use faultwire_host::{OptionName, SocketKind, SocketOption};
use faultwire_tcp::CongestionAlgorithm;

use super::Found;
use crate::problem::Problem;
use crate::sockets::open;
use crate::sockets::value::{Value, latin, unknown};
use crate::sockets::{Stop, World};

/// Sets an option if it is one of these; says whether.
pub(super) fn set(
    world: &mut World<'_>,
    number: i64,
    name: &'static str,
    value: &Value,
    length: i64,
) -> Result<bool, Stop> {
    match name {
        "SO_LINGER" => set_linger(world, number, value)?,
        "SO_RCVTIMEO" => world.files.socket_mut(number)?.waits.receive = time(value)?,
        "SO_SNDTIMEO" => world.files.socket_mut(number)?.waits.send = time(value)?,
        "SO_RCVLOWAT" => {
            let octets = value.pointed()?.unwrap_or(0).clamp(1, i64::from(i32::MAX));
            world.files.socket_mut(number)?.waits.low_water = octets.unsigned_abs();
        }
        "SO_SNDLOWAT" if !world.flavour.is_freebsd() => return Err("ENOPROTOOPT".into()),
        "TCP_INQ" => match value.pointed()? {
            None | Some(0) => world.files.socket_mut(number)?.tells_queue = false,
            Some(1) => world.files.socket_mut(number)?.tells_queue = true,
            Some(_) => return Err("EINVAL".into()),
        },
        // 3: as a client or as a server.
        "TCP_FASTOPEN" if world.flavour.is_freebsd() && world.host().config().fast_open.modes & 3 == 0 => {
            return Err("EPERM".into());
        }
        "TCP_FASTOPEN_KEY" => set_fast_open_key(world, number, value, length)?,
        "TCP_CONGESTION" => {
            let Value::Text(text) = value else { return Ok(unknown(format!("{value} as an algorithm"))?) };
            set_algorithm(world, text)?;
        }
        "TCP_FUNCTION_BLK" => check_function_block(value)?,
        // They belong to another TCP of FreeBSD, which has to be chosen first.
        name if name.starts_with("TCP_RACK_") => return Err("ENOPROTOOPT".into()),
        "IP_MTU_DISCOVER" | "IPV6_MTU_DISCOVER" if !matches!(value.pointed()?, Some(1 | 2)) => {
            return Ok(unknown(format!("{name} {value}"))?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// What an option is, if it is one of these.
pub(super) fn get(world: &mut World<'_>, number: i64, name: &'static str) -> Result<Option<Found>, Stop> {
    let file = world.files.socket(number)?.clone();
    let found = match name {
        "SO_ERROR" => {
            let error = world.host().take_error(file.fd)?;
            Found::Number(error.map_or(0, |error| world.flavour.errno(error.name())))
        }
        "SO_LINGER" => {
            let known = OptionName::parse("SO_LINGER").expect("the host has it");
            let seconds = world.host().option(file.fd, known)?;
            Found::Fields(vec![(ON, i64::from(seconds >= 0)), (LINGER, seconds.max(0))], 8)
        }
        "SO_RCVTIMEO" => time_fields(file.waits.receive),
        "SO_SNDTIMEO" => time_fields(file.waits.send),
        "SO_RCVLOWAT" => Found::Number(file.waits.low_water as i64),
        "SO_TYPE" => Found::Number(if file.kind == SocketKind::Tcp { 1 } else { 2 }),
        "SO_PROTOCOL" => Found::Number(if file.kind == SocketKind::Tcp { 6 } else { 17 }),
        "SO_DOMAIN" => Found::Number(world.flavour.known(if file.ipv6 { "AF_INET6" } else { "AF_INET" })),
        "TCP_INQ" => Found::Number(file.tells_queue.into()),
        "TCP_CONGESTION" => {
            let algorithm = world.host().config().tcp.congestion.algorithm;
            Found::Name(algorithm_name(algorithm, world.flavour.is_freebsd()).into(), 16)
        }
        "IP_MTU" => Found::Number(world.host().info(file.fd)?.path_mtu.into()),
        name if name.starts_with("TCP_RACK_") => return Err("ENOPROTOOPT".into()),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

fn set_linger(world: &mut World<'_>, number: i64, value: &Value) -> Result<(), Stop> {
    let all: Vec<&str> = ON.iter().chain(LINGER).copied().collect();
    value.has_only(&all)?;
    let read = |names| match value.member(names)? {
        Some(value) => value.integer(),
        None => Ok(0),
    };
    let (on, seconds) = (read(ON)?, read(LINGER)?);
    let time = (on != 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)));
    let (now, fd) = (world.now(), world.files.socket(number)?.fd);
    Ok(world.host().set_option(now, fd, SocketOption::Linger(time))?)
}

/// A `timeval`; zero is for ever.
fn time(value: &Value) -> Result<Option<Duration>, Stop> {
    let all: Vec<&str> = SECONDS.iter().chain(MICROSECONDS).copied().collect();
    value.has_only(&all)?;
    let read = |names| match value.member(names)? {
        Some(value) => value.integer(),
        None => Ok(0),
    };
    let (seconds, micros) = (read(SECONDS)?, read(MICROSECONDS)?);
    if !(0..1_000_000).contains(&micros) {
        return Err("EDOM".into());
    }
    let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let time = time.saturating_add(Duration::from_micros(micros.unsigned_abs()));
    Ok((!time.is_zero()).then_some(time))
}

fn time_fields(time: Option<Duration>) -> Found {
    let micros = time.map_or(0, Duration::as_micros);
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    Found::Fields(vec![(SECONDS, seconds as i64), (MICROSECONDS, rest as i64)], 16)
}

/// Before the socket listens, the key waits for that.
fn set_fast_open_key(world: &mut World<'_>, number: i64, value: &Value, length: i64) -> Result<(), Stop> {
    if !matches!(length, 16 | 32) {
        return Err("EINVAL".into());
    }
    let mut octets = match value {
        Value::Any => Vec::new(),
        Value::Text(text) => latin(text),
        other => return Ok(unknown(format!("{other} as a key"))?),
    };
    octets.resize(length as usize, 0);
    let fd = world.files.socket(number)?.fd;
    if world.host().queue_lengths(fd).is_ok() {
        return open::set_fast_open_key(world, fd, &octets);
    }
    world.files.socket_mut(number)?.fast_open_key = Some(octets);
    Ok(())
}

/// The algorithm of a connection is that of its host.
fn set_algorithm(world: &mut World<'_>, text: &str) -> Result<(), Stop> {
    let name = text.trim_end_matches('\0');
    let current = world.host().config().tcp.congestion.algorithm;
    if name == algorithm_name(current, world.flavour.is_freebsd()) {
        return Ok(());
    }
    Ok(unknown(format!("the congestion control {name:?} for one socket"))?)
}

fn algorithm_name(algorithm: CongestionAlgorithm, freebsd: bool) -> &'static str {
    match algorithm {
        CongestionAlgorithm::Cubic => "cubic",
        CongestionAlgorithm::NewReno if freebsd => "newreno",
        CongestionAlgorithm::NewReno => "reno",
    }
}

/// Of FreeBSD's TCPs, only the one that all sockets have.
fn check_function_block(value: &Value) -> Result<(), Problem> {
    let name = match value {
        Value::Text(text) => Some(text),
        other => match other.member(&["function_set_name"])? {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        },
    };
    match name {
        Some(name) if name.trim_end_matches('\0') == "freebsd" => Ok(()),
        _ => unknown(format!("the TCP {value}")),
    }
}

const ON: &[&str] = &["onoff", "l_onoff"];
const LINGER: &[&str] = &["linger", "l_linger"];
const SECONDS: &[&str] = &["tv_sec", "sec"];
const MICROSECONDS: &[&str] = &["tv_usec", "usec"];
