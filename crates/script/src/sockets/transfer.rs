//! read, write and their like.

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_host::{Errno, Fd, How, OptionName, Received, SocketKind};
use faultwire_tcp::{State, WriteFlags};
use faultwire_wire::Payload;

use crate::problem::Problem;
use crate::sockets::call::Pending;
use crate::sockets::file::SocketFile;
use crate::sockets::message::ExpectedMessage;
use crate::sockets::open;
use crate::sockets::reply::Reply;
use crate::sockets::symbols::Flavour;
use crate::sockets::value::{Address, Arguments, Value, unknown};
use crate::sockets::{Opened, Progress, Stop, World};

/// The flags of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    bits: i64,
    flavour: Flavour,
}

impl Flags {
    /// These bits, if all are known to a call.
    fn of(bits: i64, flavour: Flavour, known: &[&str]) -> Result<Self, Problem> {
        let all = known.iter().filter_map(|name| flavour.number(name)).fold(0, |all, bit| all | bit);
        if bits & !all != 0 {
            return unknown(format!("the flag {:#x}", bits & !all));
        }
        Ok(Self { bits, flavour })
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.flavour.number(name).is_some_and(|bit| self.bits & bit != 0)
    }

    /// Whether a call with them waits on that descriptor.
    fn waits(self, file: &SocketFile) -> bool {
        !(file.nonblocking || self.has("MSG_DONTWAIT") || self.has("MSG_NBIO"))
    }
}

pub(super) fn read(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    receive(world, arguments, 0, None)
}

pub(super) fn recv(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(4)?;
    receive(world, arguments, arguments.integer(3)?, None)
}

pub(super) fn recvfrom(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(6)?;
    receive(world, arguments, arguments.integer(3)?, None)
}

fn receive(
    world: &mut World<'_>,
    arguments: &Arguments<'_>,
    flags: i64,
    message: Option<ExpectedMessage>,
) -> Result<Progress, Stop> {
    let length = arguments.length(2)?;
    let null = arguments.get(1).buffer(length)?.is_none();
    Receive::begin(world, arguments.integer(0)?, Space { length: length.into(), null }, flags, message)
}

pub(super) fn readv(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let data = gather(arguments.get(1))?;
    let space = Space { length: data.as_ref().map_or(0, |data| data.len().into()), null: data.is_none() };
    Receive::begin(world, arguments.integer(0)?, space, 0, None)
}

/// Where received octets go to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) length: u64,
    pub(super) null: bool,
}

/// A read that waits for data.
#[derive(Clone, Debug)]
pub(super) struct Receive {
    number: i64,
    space: Space,
    flags: Flags,
    taken: u64,
    message: Option<ExpectedMessage>,
    until: Option<Instant>,
}

impl Receive {
    pub(super) fn begin(
        world: &mut World<'_>,
        number: i64,
        space: Space,
        flags: i64,
        message: Option<ExpectedMessage>,
    ) -> Result<Progress, Stop> {
        let flags = Flags::of(flags, world.flavour, RECEIVE_FLAGS)?;
        let until = world.after(world.files.socket(number)?.waits.receive);
        Self { number, space, flags, taken: 0, message, until }.attempt(world)
    }

    pub(super) fn attempt(mut self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let file = world.files.socket(self.number)?.clone();
        if self.flags.has("MSG_ERRQUEUE") {
            return no_reports(world, &file);
        }
        loop {
            let left = self.space.length - self.taken;
            match self.take(world, file.fd, left) {
                Ok(Received::Data(data)) => self.taken += u64::from(data.len()),
                Ok(Received::Eof) => break,
                Err(Stop::Errno("EAGAIN")) if self.taken >= self.enough(&file) && self.taken > 0 => break,
                Err(Stop::Errno("EAGAIN")) if self.flags.waits(&file) && !world.is_over(self.until) => {
                    let until = self.until;
                    return Ok(Progress::Wait { pending: Pending::Receive(self), until });
                }
                // What was taken is told first, the error by the next call.
                Err(_) if self.taken > 0 => break,
                Err(stop) => return Err(stop),
            }
            let once =
                self.flags.has("MSG_PEEK") || self.flags.has("MSG_OOB") || file.kind == SocketKind::Udp;
            if once || self.taken == self.space.length || !self.goes_on(world, &file) {
                break;
            }
        }
        let reply = Reply::octets(self.taken);
        let differs = match &self.message {
            Some(message) => message.compare(world, &file)?,
            None => None,
        };
        Ok(reply.wrote(differs).into())
    }

    /// The next octets, all of one kind.
    fn take(&self, world: &mut World<'_>, fd: Fd, left: u64) -> Result<Received, Stop> {
        let now = world.now();
        let host = world.host();
        if self.space.null && self.space.length > 0 {
            return match host.peek(fd, 1)? {
                Received::Data(_) => Err("EFAULT".into()),
                Received::Eof => Ok(Received::Eof),
            };
        }
        Ok(if self.flags.has("MSG_OOB") {
            host.recv_urgent(fd)?
        } else if self.flags.has("MSG_PEEK") {
            host.peek(fd, left)?
        } else {
            host.recv(now, fd, left)?
        })
    }

    /// Octets with which a call that waits returns.
    fn enough(&self, file: &SocketFile) -> u64 {
        let asked = if self.flags.has("MSG_WAITALL") { u64::MAX } else { file.waits.low_water };
        asked.min(self.space.length).max(1)
    }

    /// Whether there is more to take, or to wait for.
    fn goes_on(&self, world: &World<'_>, file: &SocketFile) -> bool {
        let queued = world.machine.host.queued(file.fd).unwrap_or_default();
        if queued.at_mark {
            return false;
        }
        queued.unread > 0 || self.flags.waits(file) && self.taken < self.enough(file)
    }
}

/// The queue of errors: there is something only with `IP_RECVERR`, timestamps or zero copy.
fn no_reports(world: &mut World<'_>, file: &SocketFile) -> Result<Progress, Stop> {
    let reports = OptionName::parse("IP_RECVERR").expect("the host has it");
    if file.kind == SocketKind::Tcp && world.host().option(file.fd, reports)? == 1 {
        return Ok(unknown("MSG_ERRQUEUE with IP_RECVERR".into())?);
    }
    Err("EAGAIN".into())
}

pub(super) fn write(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    transmit(world, arguments, 0, None)
}

pub(super) fn send(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(4)?;
    transmit(world, arguments, arguments.integer(3)?, None)
}

pub(super) fn sendto(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(6)?;
    let to = destination(world, arguments.get(4))?;
    transmit(world, arguments, arguments.integer(3)?, Some(to))
}

fn transmit(
    world: &mut World<'_>,
    arguments: &Arguments<'_>,
    flags: i64,
    to: Option<Address>,
) -> Result<Progress, Stop> {
    let data = arguments.get(1).buffer(arguments.length(2)?)?;
    let data = if arguments.length(2)? == 0 { Some(Payload::EMPTY) } else { data };
    Send::begin(world, arguments.integer(0)?, data, flags, to)
}

pub(super) fn writev(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    Send::begin(world, arguments.integer(0)?, gather(arguments.get(1))?, 0, None)
}

/// Where a message goes to.
pub(super) fn destination(world: &World<'_>, value: &Value) -> Result<Address, Problem> {
    let default = world.network.remote_end();
    Ok(match value.address(world.flavour, &world.network, default)? {
        Address::Default => Address::Given(default),
        other => other,
    })
}

/// `[{..., 1000}, {..., 500}]`: the buffers of a vector, one behind the other; `None` if one of them is no buffer.
pub(super) fn gather(vector: &Value) -> Result<Option<Payload>, Problem> {
    let mut pieces = Vec::new();
    for item in vector.items()? {
        item.has_only(&["", "iov_base", "iov_len"])?;
        let [base, length] = item.members()? else { return unknown(format!("{item} in a vector")) };
        let length = length.value.integer()?;
        let length = u32::try_from(length).or_else(|_| unknown(format!("the length {length}")))?;
        match base.value.buffer(length)? {
            Some(piece) => pieces.push(piece),
            None if length == 0 => {}
            None => return Ok(None),
        }
    }
    Ok(Some(Payload::join(&pieces)))
}

/// A write that waits for room.
#[derive(Clone, Debug)]
pub(super) struct Send {
    number: i64,
    /// `None`: from a null pointer.
    data: Option<Payload>,
    flags: Flags,
    sent: u64,
    /// It opened the connection, and that goes on.
    opening: bool,
    until: Option<Instant>,
}

impl Send {
    pub(super) fn begin(
        world: &mut World<'_>,
        number: i64,
        data: Option<Payload>,
        flags: i64,
        to: Option<Address>,
    ) -> Result<Progress, Stop> {
        let flags = Flags::of(flags, world.flavour, SEND_FLAGS)?;
        let file = world.files.socket(number)?.clone();
        let until = world.after(file.waits.send);
        if flags.has("MSG_ZEROCOPY") && file.stored.get("SO_ZEROCOPY") == Some(&1) {
            return Ok(unknown("MSG_ZEROCOPY".into())?);
        }
        let send = Self { number, data, flags, sent: 0, opening: false, until };
        match (file.kind, to) {
            (SocketKind::Udp, Some(Address::Given(to))) => {
                let Some(data) = send.data else { return Err("EFAULT".into()) };
                let now = world.now();
                Ok(Reply::octets(world.host().send_to(now, file.fd, to, data)?).into())
            }
            (SocketKind::Tcp, to) if flags.has("MSG_FASTOPEN") => send.open(world, &file, to),
            (SocketKind::Tcp, Some(Address::Given(to))) if world.flavour.is_freebsd() => {
                send.open_by_option(world, &file, to)
            }
            _ => send.attempt(world),
        }
    }

    /// `MSG_FASTOPEN` (RFC 7413 §4.2.1).
    fn open(
        mut self,
        world: &mut World<'_>,
        file: &SocketFile,
        to: Option<Address>,
    ) -> Result<Progress, Stop> {
        let to: SocketAddr = match to {
            Some(Address::Given(to)) => to,
            Some(Address::Unspecified) => return Err("EOPNOTSUPP".into()),
            Some(Address::Default) | Some(Address::Null) | None => world.network.remote_end(),
        };
        let Some(data) = self.data.clone() else { return Err("EFAULT".into()) };
        let now = world.now();
        let result = world.host().send_fast_open(now, file.fd, to, &data);
        if matches!(result, Ok(_) | Err(Errno::InProgress)) {
            world.opened.push_back(Opened::Connecting { fd: file.fd });
        }
        match result {
            Err(Errno::InProgress) if self.flags.waits(file) => {}
            Ok(taken) if self.flags.waits(file) => self.sent = taken,
            result => return Ok(Reply::octets(result?).into()),
        }
        self.opening = true;
        self.attempt(world)
    }

    /// FreeBSD's sendto of a socket that is not connected: it connects, and does not wait for that.
    fn open_by_option(
        self,
        world: &mut World<'_>,
        file: &SocketFile,
        to: SocketAddr,
    ) -> Result<Progress, Stop> {
        if world.host().info(file.fd).is_ok() {
            return Err("EISCONN".into());
        }
        if !open::connects_by_option(world, file.fd)? {
            return Ok(unknown("a sendto that connects without TCP_FASTOPEN".into())?);
        }
        let Some(data) = &self.data else { return Err("EFAULT".into()) };
        let now = world.now();
        let taken = world.host().connect_fast_open(now, file.fd, to, Some(data))?;
        world.opened.push_back(Opened::Connecting { fd: file.fd });
        Ok(Reply::octets(taken).into())
    }

    pub(super) fn attempt(mut self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let file = world.files.socket(self.number)?.clone();
        let fd = file.fd;
        let waits = self.flags.waits(&file);
        if self.opening {
            if open::is_opening(world, fd) {
                return self.wait(world, "EINPROGRESS");
            }
            open::opened(world, fd)?;
            self.opening = false;
        }
        let total = self.data.as_ref().map_or(0, |data| data.len().into());
        if self.sent > 0 && self.sent == total {
            return Ok(Reply::octets(total).into());
        }
        let readiness = world.host().readiness(fd);
        if self.sent > 0 && readiness.error {
            return Ok(Reply::octets(self.sent).into());
        }
        // Room has to be worth it: a writer who found none is not woken for a few octets.
        if self.sent > 0 && !readiness.writable && waits {
            return self.wait(world, "EAGAIN");
        }
        let held = readiness.writable && is_syn_sent(world, fd);
        match self.hand_over_all(world, &file, total) {
            Ok(()) | Err(Stop::Errno("EAGAIN")) => {}
            Err(Stop::Errno("EINPROGRESS")) if held && waits => {}
            Err(Stop::Errno(_)) if self.sent > 0 => return Ok(Reply::octets(self.sent).into()),
            Err(stop) => return Err(stop),
        }
        if held && is_syn_sent(world, fd) && waits {
            self.opening = true;
            return self.wait(world, "EINPROGRESS");
        }
        if self.sent == total {
            self.finish(world, fd)?;
            return Ok(Reply::octets(total).into());
        }
        // Linux tells of room only whoever found none.
        world.host().poll(fd);
        world.files.socket_mut(self.number)?.watched.wants_room = true;
        if waits {
            return self.wait(world, "EAGAIN");
        }
        if self.sent > 0 { Ok(Reply::octets(self.sent).into()) } else { Err("EAGAIN".into()) }
    }

    /// Writes as much of the rest as there is room for; the stack transmits in between as the kernel does.
    fn hand_over_all(&mut self, world: &mut World<'_>, file: &SocketFile, total: u64) -> Result<(), Stop> {
        loop {
            let taken = self.hand_over(world, file)?;
            self.sent += taken;
            if taken == 0 || self.sent == total || is_syn_sent(world, file.fd) {
                return Ok(());
            }
            world.machine.drain();
        }
    }

    /// Writes some of the rest.
    fn hand_over(&self, world: &mut World<'_>, file: &SocketFile) -> Result<u64, Stop> {
        let now = world.now();
        let freebsd = world.flavour.is_freebsd();
        if file.kind == SocketKind::Tcp && freebsd {
            // sosend: a socket that was not connected yet says so.
            let unconnected = world.host().info(file.fd).is_err();
            if unconnected || open::is_opening(world, file.fd) && !world.host().readiness(file.fd).writable {
                return Err("ENOTCONN".into());
            }
            if self.flags.has("MSG_EOR") {
                return Err("EINVAL".into());
            }
        }
        let host = world.host();
        let Some(data) = &self.data else {
            host.send(now, file.fd, Payload::EMPTY)?;
            return Err("EFAULT".into());
        };
        let rest = data.slice(self.sent as u32, data.len() - self.sent as u32);
        if self.flags.has("MSG_OOB") {
            return Ok(host.send_urgent(now, file.fd, rest)?);
        }
        let flags = WriteFlags {
            more: self.flags.has("MSG_MORE"),
            record_end: self.flags.has("MSG_EOR"),
            by_part: true,
            ..WriteFlags::default()
        };
        Ok(host.send_with(now, file.fd, rest, flags)?)
    }

    /// FreeBSD's `MSG_EOF`: nothing comes behind it.
    fn finish(&self, world: &mut World<'_>, fd: Fd) -> Result<(), Stop> {
        if self.flags.has("MSG_EOF") {
            let now = world.now();
            world.host().shutdown(now, fd, How::Write)?;
        }
        Ok(())
    }

    fn wait(self, world: &mut World<'_>, in_vain: &'static str) -> Result<Progress, Stop> {
        if !world.is_over(self.until) {
            if self.data.as_ref().is_some_and(|data| self.sent < data.len().into()) {
                let fd = world.files.socket(self.number)?.fd;
                world.host().writer_waits(fd);
            }
            let until = self.until;
            return Ok(Progress::Wait { pending: Pending::Send(self), until });
        }
        if self.sent > 0 { Ok(Reply::octets(self.sent).into()) } else { Err(in_vain.into()) }
    }
}

/// Whether the SYN was not answered, or not even sent.
fn is_syn_sent(world: &World<'_>, fd: Fd) -> bool {
    world.machine.host.info(fd).is_ok_and(|info| info.state == State::SynSent)
}

/// Flags of a read. On a stream, those of datagrams do nothing.
const RECEIVE_FLAGS: &[&str] = &[
    "MSG_OOB",
    "MSG_PEEK",
    "MSG_TRUNC",
    "MSG_DONTWAIT",
    "MSG_WAITALL",
    "MSG_ERRQUEUE",
    "MSG_NOSIGNAL",
    "MSG_CMSG_CLOEXEC",
    "MSG_NBIO",
];

/// Flags of a write.
const SEND_FLAGS: &[&str] = &[
    "MSG_OOB",
    "MSG_DONTROUTE",
    "MSG_DONTWAIT",
    "MSG_EOR",
    "MSG_CONFIRM",
    "MSG_NOSIGNAL",
    "MSG_MORE",
    "MSG_ZEROCOPY",
    "MSG_FASTOPEN",
    "MSG_EOF",
    "MSG_NBIO",
];
