//! The steps that open a socket: listen, connect, accept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use faultwire_base::Instant;
use faultwire_host::{Errno, Fd, Host, SocketKind, SocketOption};
use faultwire_link::NameId;

use super::app::{Apps, Surroundings};
use super::calls::zero;
use super::step::{Attempt, Progress};
use crate::call::CallKind;
use crate::plan::Step;
use crate::record::{Silent, Sink};

impl Apps {
    pub(super) fn listen<S: Sink>(
        &mut self,
        host: &mut Host,
        (around, sink): (&Surroundings<'_>, &mut S),
        (port, udp, ipv6): (u16, bool, bool),
        backlog: u32,
        name: NameId,
    ) -> Attempt<()> {
        if udp {
            let fd = host.socket(SocketKind::Udp, ipv6);
            host.bind(fd, unspecified(ipv6, port))?;
            self.bind_name(name, fd, port);
            return Ok(());
        }
        let fd = host.socket(SocketKind::Tcp, ipv6);
        around.called(sink, fd, CallKind::Socket, Ok(0));
        // As every server does, so that a restart does not have to wait for TIME_WAIT.
        let option = SocketOption::ReuseAddress(true);
        host.set_option(Instant::ZERO, fd, option)?;
        around.called(sink, fd, CallKind::SetOption(option), Ok(0));
        host.bind(fd, unspecified(ipv6, port))?;
        around.called(sink, fd, CallKind::Bind(port), Ok(0));
        host.listen(fd, backlog)?;
        around.called(sink, fd, CallKind::Listen(backlog), Ok(0));
        self.bind_name(name, fd, port);
        Ok(())
    }

    pub(super) fn connect<S: Sink>(
        &mut self,
        local: usize,
        step: &Step,
        host: &mut Host,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) -> Attempt<Progress> {
        let Step::Connect { to, from_port, udp, no_wait, name, ref options } = *step else {
            unreachable!("called for this step only")
        };
        let kind = if udp { SocketKind::Udp } else { SocketKind::Tcp };
        let fd = host.socket(kind, to.is_ipv6());
        let opened = if udp {
            open_connection(host, (around, &mut Silent), fd, (to, from_port), options)
        } else {
            around.called(sink, fd, CallKind::Socket, Ok(0));
            open_connection(host, (around, sink), fd, (to, from_port), options)
        };
        self.bind_name(name, fd, from_port.unwrap_or(0));
        match opened {
            Ok(()) if udp => return Ok(Progress::Done),
            // With TCP_FASTOPEN_CONNECT and a cookie: the first write sends the SYN.
            Ok(()) => {
                self.name_connection(name, host, around, sink);
                return Ok(Progress::Done);
            }
            Err(Errno::InProgress) => {}
            Err(errno) => {
                self.sockets.remove(name);
                give_up(host, (around, sink), fd, udp)?;
                return Err(errno);
            }
        }
        self.name_connection(name, host, around, sink);
        if no_wait {
            return Ok(Progress::Done);
        }
        self.runs[local].progress = 1;
        Ok(Progress::Blocked { fd: Some(fd), until: None })
    }

    pub(super) fn await_connect<S: Sink>(
        &mut self,
        host: &mut Host,
        (around, sink): (&Surroundings<'_>, &mut S),
        name: NameId,
    ) -> Attempt<Progress> {
        let fd = self.fd(name)?;
        let readiness = host.readiness(fd);
        if readiness.error {
            let errno = host.take_error(fd)?;
            around.called(sink, fd, CallKind::TakeError(errno), Ok(0));
            self.sockets.remove(name);
            give_up(host, (around, sink), fd, false)?;
            return Err(errno.unwrap_or(Errno::ConnectionReset));
        }
        if readiness.writable || readiness.readable {
            return Ok(Progress::Done);
        }
        Ok(Progress::Blocked { fd: Some(fd), until: None })
    }

    pub(super) fn accept<S: Sink>(
        &mut self,
        on: NameId,
        name: NameId,
        host: &mut Host,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) -> Attempt<Progress> {
        let listener = self.fd(on)?;
        match host.accept(listener) {
            Ok((fd, _)) => {
                around.called(sink, fd, CallKind::Accept { listener }, Ok(0));
                self.bind_name(name, fd, 0);
                self.name_connection(name, host, around, sink);
                if host.readiness(listener).readable {
                    self.wake(listener);
                }
                Ok(Progress::Done)
            }
            Err(Errno::WouldBlock) => Ok(Progress::Blocked { fd: Some(listener), until: None }),
            Err(errno) => Err(errno),
        }
    }
}

fn open_connection<S: Sink>(
    host: &mut Host,
    (around, sink): (&Surroundings<'_>, &mut S),
    fd: Fd,
    (to, from_port): (SocketAddr, Option<u16>),
    options: &[SocketOption],
) -> Attempt<()> {
    let reuse = from_port.map(|_| SocketOption::ReuseAddress(true));
    for option in options.iter().copied().chain(reuse) {
        host.set_option(around.now, fd, option)?;
        around.called(sink, fd, CallKind::SetOption(option), Ok(0));
    }
    if let Some(port) = from_port {
        host.bind(fd, unspecified(to.is_ipv6(), port))?;
        around.called(sink, fd, CallKind::Bind(port), Ok(0));
    }
    let result = host.connect(around.now, fd, to);
    around.called(sink, fd, CallKind::Connect, zero(&result));
    result
}

/// Closes a socket that did not get its connection.
fn give_up<S: Sink>(
    host: &mut Host,
    (around, sink): (&Surroundings<'_>, &mut S),
    fd: Fd,
    udp: bool,
) -> Attempt<()> {
    let result = host.close(around.now, fd);
    if !udp {
        around.called(sink, fd, CallKind::Close, zero(&result));
    }
    result
}

pub(super) fn unspecified(ipv6: bool, port: u16) -> SocketAddr {
    let address: IpAddr = if ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    SocketAddr::new(address, port)
}
