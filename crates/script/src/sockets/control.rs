//! fcntl and ioctl.

use crate::sockets::file::File;
use crate::sockets::reply::Reply;
use crate::sockets::value::{Arguments, unknown};
use crate::sockets::{Progress, Stop, World};

pub(super) fn fcntl(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.between(2, 3)?;
    let flavour = world.flavour;
    let number = arguments.integer(0)?;
    let command = arguments.integer(1)?;
    let argument = || if arguments.between(3, 3).is_ok() { arguments.integer(2) } else { Ok(0) };
    let read_write = flavour.known("O_RDWR");
    let nonblock = flavour.known("O_NONBLOCK");
    let file = match world.files.get(number)? {
        File::Socket(_) => world.files.socket_mut(number)?,
        File::Epoll(_) => return Ok(unknown("fcntl of an epoll instance".into())?),
    };
    let result = match COMMANDS.into_iter().find(|name| flavour.known(name) == command) {
        Some("F_GETFL") => read_write | if file.nonblocking { nonblock } else { 0 },
        Some("F_SETFL") => {
            file.nonblocking = argument()? & nonblock != 0;
            0
        }
        Some("F_GETFD") => i64::from(file.close_on_exec),
        Some("F_SETFD") => {
            file.close_on_exec = argument()? & 1 != 0;
            0
        }
        _ => return Ok(unknown(format!("the fcntl {command}"))?),
    };
    Ok(Reply::value(result).into())
}

pub(super) fn ioctl(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let flavour = world.flavour;
    let number = arguments.integer(0)?;
    let request = arguments.integer(1)?;
    let fd = world.files.socket(number)?.fd;
    let name = REQUESTS.into_iter().find(|name| flavour.number(name) == Some(request));
    let Some(name) = name else { return Ok(unknown(format!("the ioctl {request:#x}"))?) };
    if arguments.get(2).is_null() {
        return Err("EFAULT".into());
    }
    let argument = arguments.get(2).pointed()?;
    if name == "FIONBIO" {
        world.files.socket_mut(number)?.nonblocking = argument.is_some_and(|on| on != 0);
        return Ok(Reply::value(0).into());
    }
    let host = world.host();
    let listens = host.queue_lengths(fd).is_ok();
    // A socket that has no connection has nothing in its queues; only of a listener it can't be asked.
    let queued = if host.info(fd).is_err() && !listens { Ok(Default::default()) } else { host.queued(fd) };
    let queued = match queued {
        Err(_) if flavour.is_freebsd() => Default::default(),
        result => result?,
    };
    let value = match name {
        "FIONREAD" => queued.unread,
        "SIOCOUTQ" | "FIONWRITE" => queued.unacknowledged,
        "SIOCOUTQNSD" => queued.unsent,
        _ => u64::from(queued.at_mark),
    };
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    let differs = argument
        .filter(|&expected| expected != value)
        .map(|expected| format!("{name} is {value}, and not {expected}"));
    Ok(Reply::value(0).wrote(differs).into())
}

const COMMANDS: [&str; 4] = ["F_GETFL", "F_SETFL", "F_GETFD", "F_SETFD"];
const REQUESTS: [&str; 6] = ["FIONREAD", "FIONBIO", "SIOCOUTQ", "SIOCOUTQNSD", "FIONWRITE", "SIOCATMARK"];
