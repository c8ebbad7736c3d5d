//! socket, bind, listen, accept, connect, shutdown, close.

use faultwire_base::Instant;
use faultwire_host::{Errno, FastOpenKey, FastOpenKeys, Fd, How, OptionName, SocketKind, SocketOption};
use faultwire_tcp::State;

use crate::sockets::call::Pending;
use crate::sockets::file::{File, SocketFile};
use crate::sockets::reply::Reply;
use crate::sockets::value::{Address, Arguments, unknown};
use crate::sockets::{Opened, Progress, Stop, World};

pub(super) fn socket(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let flavour = world.flavour;
    let wire_ipv6 = world.network.is_ipv6();
    let (inet, inet6) = (flavour.known("AF_INET"), flavour.known("AF_INET6"));
    // In mapped mode the script's sockets are of IPv6, and the host's of IPv4, as their packets are.
    let ipv6 = match arguments.get(0).pointed()? {
        None => wire_ipv6 || world.network.mapped,
        Some(family) if family == inet => false,
        Some(family) if family == inet6 => true,
        Some(family) => return Ok(unknown(format!("the family {family}"))?),
    };
    let (nonblocking, close_on_exec) = (flavour.known("SOCK_NONBLOCK"), flavour.known("SOCK_CLOEXEC"));
    let asked = arguments.integer(1)?;
    let protocol = arguments.integer(2)?;
    let kind = match (asked & !(nonblocking | close_on_exec), protocol) {
        (1, 0 | 6) => SocketKind::Tcp,
        (2, 0 | 17) => SocketKind::Udp,
        (1, 17) | (2, 6) => return Err("EPROTONOSUPPORT".into()),
        (kind, protocol) => return Ok(unknown(format!("a socket of kind {kind}, protocol {protocol},"))?),
    };
    let fd = world.host().socket(kind, ipv6 && wire_ipv6);
    let mut file = SocketFile::new(fd, kind, ipv6);
    (file.nonblocking, file.close_on_exec) = (asked & nonblocking != 0, asked & close_on_exec != 0);
    world.opened.push_back(Opened::Created { fd });
    Ok(Reply::file(File::Socket(file)).into())
}

pub(super) fn bind(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let fd = world.files.socket(arguments.integer(0)?)?.fd;
    let default = world.network.local_end();
    let address = match arguments.get(1).address(world.flavour, &world.network, default)? {
        Address::Default => default,
        Address::Given(address) => address,
        Address::Unspecified => return Err("EAFNOSUPPORT".into()),
        Address::Null => return Err("EFAULT".into()),
    };
    world.host().bind(fd, address)?;
    Ok(Reply::value(0).into())
}

pub(super) fn listen(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(2)?;
    let number = arguments.integer(0)?;
    let backlog = arguments.integer(1)?;
    let file = world.files.socket_mut(number)?;
    let (fd, key) = (file.fd, file.fast_open_key.take());
    // A negative backlog is the largest in both kernels.
    world.host().listen(fd, u32::try_from(backlog).unwrap_or(u32::MAX))?;
    if let Some(key) = key {
        set_fast_open_key(world, fd, &key)?;
    }
    world.opened.push_back(Opened::Listening { fd });
    Ok(Reply::value(0).into())
}

/// `TCP_FASTOPEN_KEY`: 16 octets, or 32 with a backup.
pub(super) fn set_fast_open_key(world: &mut World<'_>, fd: Fd, octets: &[u8]) -> Result<(), Stop> {
    let key = |octets: &[u8]| octets.try_into().map(FastOpenKey).map_err(|_| Stop::Errno("EINVAL"));
    let (first, second) = octets.split_at_checked(16).ok_or("EINVAL")?;
    let backup = if second.is_empty() { None } else { Some(key(second)?) };
    Ok(world.host().set_fast_open_keys(fd, FastOpenKeys { primary: key(first)?, backup })?)
}

pub(super) fn accept(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    begin_accept(world, arguments, None)
}

pub(super) fn accept4(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(4)?;
    begin_accept(world, arguments, Some(arguments.integer(3)?))
}

fn begin_accept(
    world: &mut World<'_>,
    arguments: &Arguments<'_>,
    flags: Option<i64>,
) -> Result<Progress, Stop> {
    let number = arguments.integer(0)?;
    let file = world.files.socket(number)?;
    let until = world.after(file.waits.receive);
    let default = world.network.remote_end();
    let peer = match arguments.get(1).address(world.flavour, &world.network, default)? {
        Address::Given(address) => Some(address.ip()),
        Address::Default | Address::Null | Address::Unspecified => None,
    };
    Accept { number, flags, peer, until }.attempt(world)
}

/// An accept that waits for a connection.
#[derive(Clone, Debug)]
pub(super) struct Accept {
    number: i64,
    /// Those of accept4.
    flags: Option<i64>,
    peer: Option<std::net::IpAddr>,
    until: Option<Instant>,
}

impl Accept {
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let listener = world.files.socket(self.number)?.clone();
        let (fd, peer) = match world.host().accept(listener.fd) {
            Err(Errno::WouldBlock) if !listener.nonblocking && !world.is_over(self.until) => {
                let until = self.until;
                return Ok(Progress::Wait { pending: Pending::Accept(self), until });
            }
            result => result?,
        };
        let mut file = listener.accepted(fd);
        match self.flags {
            // FreeBSD's accept hands the flag on, Linux's does not; accept4 says it itself.
            None => file.nonblocking = world.flavour.is_freebsd() && listener.nonblocking,
            Some(flags) => {
                file.nonblocking = flags & world.flavour.known("SOCK_NONBLOCK") != 0;
                file.close_on_exec = flags & world.flavour.known("SOCK_CLOEXEC") != 0;
            }
        }
        world.opened.push_back(Opened::Accepted { fd, peer });
        let differs = self
            .peer
            .filter(|&wanted| wanted != peer.ip())
            .map(|wanted| format!("the peer is {}, and not {wanted}", peer.ip()));
        Ok(Reply::file(File::Socket(file)).wrote(differs).into())
    }
}

pub(super) fn connect(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let number = arguments.integer(0)?;
    let file = world.files.socket(number)?;
    let (fd, nonblocking, until) = (file.fd, file.nonblocking, world.after(file.waits.send));
    let default = world.network.remote_end();
    let address = match arguments.get(1).address(world.flavour, &world.network, default)? {
        Address::Default => default,
        Address::Given(address) => address,
        Address::Null => return Err("EFAULT".into()),
        Address::Unspecified => {
            let now = world.now();
            world.host().disconnect(now, fd)?;
            world.opened.push_back(Opened::Disconnected { fd });
            return Ok(Reply::value(0).into());
        }
    };
    let now = world.now();
    let result = if connects_by_option(world, fd)? {
        world.host().connect_fast_open(now, fd, address, None).and(Err(Errno::InProgress))
    } else {
        world.host().connect(now, fd, address)
    };
    // Whether or not the connection came about: what is sent now is of this socket.
    if matches!(result, Ok(()) | Err(Errno::InProgress)) {
        world.opened.push_back(Opened::Connecting { fd });
    }
    let freebsd = world.flavour.is_freebsd();
    match result {
        Err(Errno::InProgress) if !nonblocking => {}
        // Linux waits with whoever began it.
        Err(Errno::AlreadyInProgress) if !nonblocking && !freebsd => {}
        result => {
            result?;
            return Ok(Reply::value(0).into());
        }
    }
    Connect { number, until }.attempt(world)
}

/// Whether a socket opens by Fast Open as FreeBSD's do: it has `TCP_FASTOPEN`.
pub(super) fn connects_by_option(world: &mut World<'_>, fd: Fd) -> Result<bool, Stop> {
    let option = OptionName::parse("TCP_FASTOPEN").expect("the host has it");
    let unconnected = world.host().info(fd).is_err();
    Ok(world.flavour.is_freebsd() && unconnected && world.host().option(fd, option).is_ok_and(|on| on > 0))
}

/// A connect that waits for the handshake.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    number: i64,
    until: Option<Instant>,
}

impl Connect {
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let fd = world.files.socket(self.number)?.fd;
        if is_opening(world, fd) {
            if world.is_over(self.until) {
                return Err(Errno::InProgress.into());
            }
            let until = self.until;
            return Ok(Progress::Wait { pending: Pending::Connect(self), until });
        }
        opened(world, fd)?;
        // Who waited need not be told by another call.
        let (now, peer) = (world.now(), world.host().peer_address(fd)?);
        let _ = world.host().connect(now, fd, peer);
        Ok(Reply::value(0).into())
    }
}

/// Whether an active open goes on.
pub(super) fn is_opening(world: &World<'_>, fd: Fd) -> bool {
    let state = world.machine.host.info(fd).map(|info| info.state);
    matches!(state, Ok(State::SynSent | State::SynReceived))
}

/// How an active open that is over ended.
pub(super) fn opened(world: &mut World<'_>, fd: Fd) -> Result<(), Stop> {
    if let Some(error) = world.host().take_error(fd)? {
        return Err(error.into());
    }
    match world.host().info(fd) {
        Ok(info) if info.state != State::Closed => Ok(()),
        _ => Err("ECONNABORTED".into()),
    }
}

pub(super) fn shutdown(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(2)?;
    let fd = world.files.socket(arguments.integer(0)?)?.fd;
    let how = match arguments.integer(1)? {
        0 => How::Read,
        1 => How::Write,
        2 => How::Both,
        _ => return Err("EINVAL".into()),
    };
    let now = world.now();
    world.host().shutdown(now, fd, how)?;
    Ok(Reply::value(0).into())
}

pub(super) fn close(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(1)?;
    Close { number: arguments.integer(0)? }.attempt(world)
}

/// A close that waits for the peer to acknowledge (`SO_LINGER`).
#[derive(Clone, Debug)]
pub(super) struct Close {
    number: i64,
}

impl Close {
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let number = self.number;
        let (fd, nonblocking) = match world.files.get(number)? {
            File::Socket(socket) => (socket.fd, socket.nonblocking),
            File::Epoll(_) => {
                world.files.remove(number);
                return Ok(Reply::value(0).into());
            }
        };
        let now = world.now();
        match world.host().close(now, fd) {
            // FreeBSD's close of such a descriptor does not wait; Linux's does.
            Err(Errno::WouldBlock) if nonblocking && world.flavour.is_freebsd() => {
                world.host().set_option(now, fd, SocketOption::Linger(None))?;
                world.host().close(now, fd)?;
            }
            Err(Errno::WouldBlock) => {
                let until = world.host().lingers_until(fd);
                return Ok(Progress::Wait { pending: Pending::Close(self), until });
            }
            result => result?,
        }
        world.files.remove(number);
        world.opened.push_back(Opened::Closed { fd });
        Ok(Reply::value(0).into())
    }
}
