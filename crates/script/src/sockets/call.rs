//! Which call it is, and which one waits.

use crate::sockets::epoll::{self, EpollWait};
use crate::sockets::open::{self, Accept, Close, Connect};
use crate::sockets::poll::{self, Poll};
use crate::sockets::transfer::{self, Receive, Send};
use crate::sockets::value::{Arguments, unknown};
use crate::sockets::{Progress, Stop, World, control, message, options};
use crate::syntax::tree::Call;

/// A call that has to wait, with all that it needs to go on.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Accept(Accept),
    Connect(Connect),
    Close(Close),
    Receive(Receive),
    Send(Send),
    Poll(Poll),
    EpollWait(EpollWait),
}

impl Pending {
    /// Tries again.
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        match self {
            Self::Accept(accept) => accept.attempt(world),
            Self::Connect(connect) => connect.attempt(world),
            Self::Close(close) => close.attempt(world),
            Self::Receive(receive) => receive.attempt(world),
            Self::Send(send) => send.attempt(world),
            Self::Poll(poll) => poll.attempt(world),
            Self::EpollWait(wait) => wait.attempt(world),
        }
    }
}

/// Makes a call.
pub(super) fn begin(world: &mut World<'_>, call: &Call) -> Result<Progress, Stop> {
    let Some(begin) = family(&call.name) else {
        return Err(unknown::<()>(format!("the call {}", call.name)).expect_err("it is an error").into());
    };
    begin(world, &Arguments::of(call, world.flavour)?)
}

type Begin = fn(&mut World<'_>, &Arguments<'_>) -> Result<Progress, Stop>;

fn family(name: &str) -> Option<Begin> {
    Some(match name {
        "socket" => open::socket,
        "bind" => open::bind,
        "listen" => open::listen,
        "accept" => open::accept,
        "accept4" => open::accept4,
        "connect" => open::connect,
        "shutdown" => open::shutdown,
        "close" => open::close,
        "read" => transfer::read,
        "readv" => transfer::readv,
        "recv" => transfer::recv,
        "recvfrom" => transfer::recvfrom,
        "recvmsg" => message::recvmsg,
        "write" => transfer::write,
        "writev" => transfer::writev,
        "send" => transfer::send,
        "sendto" => transfer::sendto,
        "sendmsg" => message::sendmsg,
        "getsockopt" => options::getsockopt,
        "setsockopt" => options::setsockopt,
        "fcntl" => control::fcntl,
        "ioctl" => control::ioctl,
        "poll" => poll::poll,
        "epoll_create" => epoll::create,
        "epoll_create1" => epoll::create1,
        "epoll_ctl" => epoll::control,
        "epoll_wait" => epoll::wait,
        _ => return None,
    })
}
