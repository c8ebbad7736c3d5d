//! getsockopt and setsockopt.

mod special;

use faultwire_host::{OptionError, OptionName, SocketOption};

use crate::problem::Problem;
use crate::sockets::reply::Reply;
use crate::sockets::value::{Arguments, Value, unknown};
use crate::sockets::{Progress, Stop, World};

/// What an option is found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// An `int`.
    Number(i64),
    /// A name in a buffer of so many octets.
    Name(String, i64),
    /// A structure of so many octets: the names of each field, and its value.
    Fields(Vec<(&'static [&'static str], i64)>, i64),
}

pub(super) fn setsockopt(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(5)?;
    let number = arguments.integer(0)?;
    world.files.socket(number)?;
    let name = name(world, arguments)?;
    let (value, length) = (arguments.get(3), arguments.integer(4)?);
    if value.is_null() {
        return Err("EFAULT".into());
    }
    if special::set(world, number, name, value, length)? {
        return Ok(Reply::value(0).into());
    }
    let asked = value.pointed().map_err(|problem| match problem {
        Problem::Unknown(text) => Problem::Unknown(format!("{name}: {text}")),
        differs @ Problem::Differs(_) => differs,
    })?;
    let asked = asked.unwrap_or(0);
    // Only these have always been octets, too.
    let least = if matches!(name, "IP_TOS" | "IP_TTL") && !world.flavour.is_freebsd() { 1 } else { 4 };
    if length < least {
        return Err("EINVAL".into());
    }
    if stored(world, number, name)? {
        let value = if is_switch(name) { i64::from(asked != 0) } else { asked };
        world.files.socket_mut(number)?.stored.insert(name, value);
        return Ok(Reply::value(0).into());
    }
    let option = match SocketOption::parse(host_name(name), asked) {
        // The kernels take any number for a switch, and fit the size of a buffer.
        Err(OptionError::OutOfRange { low: 0, high: 1, .. }) => SocketOption::parse(host_name(name), 1),
        Err(OptionError::OutOfRange { .. }) if matches!(name, "SO_SNDBUF" | "SO_RCVBUF") => {
            SocketOption::parse(host_name(name), 0)
        }
        result => result,
    };
    let option = match option {
        Ok(option) => option,
        Err(OptionError::OutOfRange { .. }) => return Err("EINVAL".into()),
        Err(OptionError::ReadOnly { .. }) => return Err("ENOPROTOOPT".into()),
        Err(OptionError::UnknownName { .. }) => return Ok(unknown(format!("the socket option {name}"))?),
        Err(error @ OptionError::Refused { .. }) => return Err(Problem::Unknown(error.to_string()).into()),
    };
    let (now, fd) = (world.now(), world.files.socket(number)?.fd);
    world.host().set_option(now, fd, option)?;
    Ok(Reply::value(0).into())
}

pub(super) fn getsockopt(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(5)?;
    let number = arguments.integer(0)?;
    world.files.socket(number)?;
    let name = name(world, arguments)?;
    let (expected, length) = (arguments.get(3), arguments.get(4).pointed()?);
    if expected.is_null() {
        return Err("EFAULT".into());
    }
    let found = match special::get(world, number, name)? {
        Some(found) => found,
        None if stored(world, number, name)? => {
            let file = world.files.socket(number)?;
            let initial = initial(name, world.flavour.is_freebsd());
            Found::Number(file.stored.get(name).copied().unwrap_or(initial))
        }
        None => Found::Number(of_host(world, number, name)?),
    };
    let differs = found.differs(expected)?.or_else(|| {
        // The kernel cuts the length to that of the option.
        let octets = found.length();
        let wrong = length.filter(|&length| length > octets)?;
        Some(format!("the length is {octets}, and not {wrong}"))
    });
    let differs = differs.map(|text| format!("{name}: {text}"));
    Ok(Reply::value(0).wrote(differs).into())
}

impl Found {
    fn differs(&self, expected: &Value) -> Result<Option<String>, Problem> {
        match self {
            Self::Number(found) => {
                let wrong = expected.pointed()?.filter(|expected| expected != found);
                Ok(wrong.map(|expected| format!("the value is {found}, and not {expected}")))
            }
            Self::Name(found, _) => match expected {
                Value::Text(expected) if expected.trim_end_matches('\0') != found => {
                    Ok(Some(format!("the value is {found:?}, and not {expected:?}")))
                }
                Value::Text(_) | Value::Any => Ok(None),
                other => unknown(format!("{other} where a name belongs")),
            },
            Self::Fields(fields, _) => {
                if *expected == Value::Any {
                    return Ok(None);
                }
                let all: Vec<&str> = fields.iter().flat_map(|(names, _)| names.iter().copied()).collect();
                expected.has_only(&all)?;
                for (names, found) in fields {
                    let wanted = expected.member(names)?.map(Value::pointed).transpose()?.flatten();
                    if let Some(wanted) = wanted.filter(|wanted| wanted != found) {
                        return Ok(Some(format!("{} is {found}, and not {wanted}", names[0])));
                    }
                }
                Ok(None)
            }
        }
    }

    fn length(&self) -> i64 {
        match self {
            Self::Number(_) => 4,
            &Self::Name(_, octets) | &Self::Fields(_, octets) => octets,
        }
    }
}

/// The option's name, found by its level and number as the kernel does.
fn name(world: &World<'_>, arguments: &Arguments<'_>) -> Result<&'static str, Problem> {
    let (level, number) = (arguments.integer(1)?, arguments.integer(2)?);
    match world.flavour.option(level, number) {
        Some(name) => Ok(name),
        None => unknown(format!("the socket option {number} of level {level}")),
    }
}

/// What the host calls it.
fn host_name(name: &str) -> &str {
    if name == "IPV6_RECVERR" { "IP_RECVERR" } else { name }
}

/// Whether an option does nothing here but to be read back: it concerns nothing that TCP does on this network.
fn stored(world: &World<'_>, number: i64, name: &str) -> Result<bool, Stop> {
    let ipv6 = world.network.is_ipv6();
    if name.starts_with("IPV6_") && !world.files.socket(number)?.ipv6 {
        return Err(if world.flavour.is_freebsd() { "EINVAL" } else { "ENOPROTOOPT" }.into());
    }
    let of_other_version = if ipv6 { name.starts_with("IP_") } else { name.starts_with("IPV6_") };
    Ok(of_other_version || STORED.iter().any(|(stored, _)| *stored == name))
}

/// The value of a stored option that was not set.
fn initial(name: &str, freebsd: bool) -> i64 {
    match name {
        "SO_SNDLOWAT" if freebsd => 2048,
        "IPV6_V6ONLY" => i64::from(freebsd),
        _ => STORED.iter().find(|(stored, _)| *stored == name).map_or(0, |&(_, initial)| initial),
    }
}

fn is_switch(name: &str) -> bool {
    !matches!(name, "SO_PRIORITY" | "SO_MARK" | "SO_BUSY_POLL" | "SO_SNDLOWAT" | "TCP_SAVE_SYN")
        && !name.ends_with("MTU_DISCOVER")
        && !matches!(name, "IP_TOS" | "IP_TTL" | "IPV6_TCLASS" | "IPV6_UNICAST_HOPS")
}

/// The value of an option that the host has. FreeBSD reads switches as their bits.
fn of_host(world: &mut World<'_>, number: i64, name: &'static str) -> Result<i64, Stop> {
    let fd = world.files.socket(number)?.fd;
    let known = match OptionName::parse(host_name(name)) {
        Ok(known) => known,
        Err(OptionError::UnknownName { .. }) => return Ok(unknown(format!("the socket option {name}"))?),
        Err(error) => return Err(Problem::Unknown(error.to_string()).into()),
    };
    let value = world.host().option(fd, known)?;
    let bit = match name {
        _ if value == 0 || !world.flavour.is_freebsd() => return Ok(value),
        "SO_REUSEADDR" | "SO_KEEPALIVE" | "SO_OOBINLINE" | "SO_ACCEPTCONN" => world.flavour.known(name),
        "TCP_NODELAY" => 4,
        "TCP_NOOPT" => 8,
        "TCP_NOPUSH" => 0x1000,
        _ => value,
    };
    Ok(bit)
}

/// Stored options and what they are at first.
const STORED: &[(&str, i64)] = &[
    ("SO_DEBUG", 0),
    ("SO_DONTROUTE", 0),
    ("SO_BROADCAST", 0),
    ("SO_NO_CHECK", 0),
    ("SO_PRIORITY", 0),
    ("SO_BSDCOMPAT", 0),
    ("SO_REUSEPORT", 0),
    ("SO_REUSEPORT_LB", 0),
    ("SO_PASSCRED", 0),
    ("SO_SNDLOWAT", 1),
    ("SO_MARK", 0),
    ("SO_RXQ_OVFL", 0),
    ("SO_BUSY_POLL", 0),
    ("SO_ZEROCOPY", 0),
    ("SO_TXREHASH", 1),
    ("SO_USELOOPBACK", 0),
    ("SO_NOSIGPIPE", 0),
    ("TCP_SAVE_SYN", 0),
    ("IP_PKTINFO", 0),
    ("IP_RECVTTL", 0),
    ("IP_RECVTOS", 0),
    ("IP_BIND_ADDRESS_NO_PORT", 0),
    ("IP_DONTFRAG", 0),
    ("IPV6_V6ONLY", 0),
    ("IPV6_DONTFRAG", 0),
    ("IPV6_RECVTCLASS", 0),
    ("IPV6_AUTOFLOWLABEL", 1),
    // Path MTU discovery is always on; `special` refuses to turn it off.
    ("IP_MTU_DISCOVER", 1),
    ("IPV6_MTU_DISCOVER", 1),
];
