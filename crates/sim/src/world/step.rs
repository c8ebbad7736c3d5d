//! One step of an app: what it does at each attempt, and when it has ended.

use faultwire_base::{ByteCount, Instant, StreamId};
use faultwire_host::{Errno, Fd, Host, Received};
use faultwire_link::NameId;
use faultwire_tcp::WriteFlags;
use faultwire_wire::Payload;

use super::app::{Apps, Surroundings, paced};
use super::calls::{octets, zero};
use super::datagram_steps::name_datagrams;
use super::sockets::{Binding, SocketIndex};
use crate::call::CallKind;
use crate::plan::{Direction, ReadUntil, Step, WaitUntil};
use crate::record::{Event, Record, Sink};

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// The step has ended.
    Done,
    /// It goes on when the socket changes or the time comes.
    Blocked { fd: Option<Fd>, until: Option<Instant> },
    /// It goes on when another app of the host has opened the socket of this name.
    Unopened(NameId),
    /// It goes on when everything written to the socket is acknowledged, or the socket fails.
    Undrained(Fd),
    /// It can't go on.
    Failed(Trouble),
}

/// Why a step did not end as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A call failed.
    Errno(Errno),
    /// The stream ended early.
    EndOfFile { got: u64, wanted: u64 },
    /// A socket option had this value instead of another.
    Value { seen: i64 },
    /// It should have failed.
    Succeeded { expected: Errno },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Errno(errno) => {
                write!(f, "{errno} ({})", errno.meaning().trim_end_matches('.').to_lowercase())
            }
            Self::EndOfFile { got, wanted } => write!(f, "end of file after {got} of {wanted} octets"),
            Self::Value { seen } => write!(f, "it is {seen}"),
            Self::Succeeded { expected } => write!(f, "it succeeded, and {expected} was expected"),
        }
    }
}

/// Octets taken from a socket at once.
pub(super) const READ_MAX: u64 = 1 << 20;

pub(super) type Attempt<T> = Result<T, Errno>;

impl Apps {
    /// Tries to get on with the step in hand of app `local`.
    pub(super) fn attempt<S: Sink>(
        &mut self,
        local: usize,
        step: &Step,
        host: &mut Host,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) -> Progress {
        // A step that has done something has found its socket; if it is closed meanwhile, the call will say so.
        if self.runs[local].progress == 0
            && let Some(name) = step.uses_open_socket()
            && !self.sockets.was_opened(name)
        {
            return Progress::Unopened(name);
        }
        let result = match *step {
            Step::Listen { port, udp, backlog, name, ipv6 } => {
                self.listen(host, (around, sink), (port, udp, ipv6), backlog, name).map(|()| Progress::Done)
            }
            Step::Connect { name, .. } if self.runs[local].progress > 0 => {
                self.await_connect(host, (around, sink), name)
            }
            Step::Connect { .. } => self.connect(local, step, host, around, sink),
            Step::Accept { on, name } => {
                let accepted = self.accept(on, name, host, around, sink);
                self.runs[local].accepting = matches!(accepted, Ok(Progress::Blocked { .. }));
                accepted
            }
            Step::Write { on, size, rate, flags } => {
                self.write(local, (on, size, rate), flags, host, (around, sink))
            }
            Step::Read { on, until, peek: true, .. } => self.peek(local, (on, until), host, (around, sink)),
            Step::Read { on, until, rate, .. } => {
                return self.read(local, (on, until, rate), host, (around, sink));
            }
            Step::Wait { on, until } => self.wait_for(on, until, host, around),
            Step::Sleep { time } => Ok(sleep_until(self.runs[local].started + time, around.now)),
            Step::SetSocketOption { on, ref option } => self.fd(on).and_then(|fd| {
                let result = host.set_option(around.now, fd, *option);
                around.called(sink, fd, CallKind::SetOption(*option), zero(&result));
                result.map(|()| Progress::Done)
            }),
            Step::GetSocketOption { on, name, value } => {
                let seen = self.fd(on).and_then(|fd| {
                    let result = host.option(fd, name);
                    around.called(sink, fd, CallKind::Option(name), result);
                    result
                });
                match seen {
                    Ok(seen) if seen != value => return Progress::Failed(Trouble::Value { seen }),
                    result => result.map(|_| Progress::Done),
                }
            }
            Step::Shutdown { on, how } => self
                .fd(on)
                .and_then(|fd| {
                    let how = match how {
                        Direction::Read => faultwire_host::How::Read,
                        Direction::Write => faultwire_host::How::Write,
                        Direction::Both => faultwire_host::How::Both,
                    };
                    let result = host.shutdown(around.now, fd, how);
                    around.called(sink, fd, CallKind::Shutdown(how), zero(&result));
                    result
                })
                .map(|()| Progress::Done),
            Step::Close { on } => self.close(on, host, (around, sink)),
            Step::Abort { on } => self.unbind(on).and_then(|fd| {
                let result = host.abort(around.now, fd);
                around.called(sink, fd, CallKind::Abort, zero(&result));
                result.map(|()| Progress::Done)
            }),
            Step::SendTo { .. } => self.send_to(local, step, host, around),
            Step::RecvFrom { on, count, within, echo } => {
                self.receive_from(local, (on, count, within, echo), host, around)
            }
            Step::Repeat { .. } => Ok(Progress::Done),
        };
        result.unwrap_or_else(|errno| Progress::Failed(Trouble::Errno(errno)))
    }

    /// Where the socket of the step in hand is kept, looked up once.
    #[inline]
    pub(super) fn socket_of(&mut self, local: usize, name: NameId) -> Option<SocketIndex> {
        let run = &mut self.runs[local];
        if run.socket.is_none() {
            run.socket = self.sockets.index(name);
        }
        run.socket
    }

    pub(super) fn fd(&self, name: NameId) -> Attempt<Fd> {
        self.sockets.get(name).map(|binding| binding.fd).ok_or(Errno::BadDescriptor)
    }

    /// With `SO_LINGER` a close waits.
    fn close<S: Sink>(
        &mut self,
        on: NameId,
        host: &mut Host,
        (around, sink): (&Surroundings<'_>, &mut S),
    ) -> Attempt<Progress> {
        let fd = self.fd(on)?;
        let result = host.close(around.now, fd);
        around.called(sink, fd, CallKind::Close, zero(&result));
        match result {
            Err(Errno::WouldBlock) => Ok(Progress::Blocked { fd: Some(fd), until: host.lingers_until(fd) }),
            result => {
                self.unbind(on)?;
                result.map(|()| Progress::Done)
            }
        }
    }

    fn unbind(&mut self, name: NameId) -> Attempt<Fd> {
        self.sockets.remove(name).map(|binding| binding.fd).ok_or(Errno::BadDescriptor)
    }

    pub(super) fn bind_name(&mut self, name: NameId, fd: Fd, port: u16) {
        let binding = Binding {
            fd,
            connection: None,
            conversation: None,
            log: None,
            written: 0,
            read: 0,
            port,
            timestamps: false,
        };
        self.sockets.insert(name, binding);
        self.wake_name(name);
        if port != 0 {
            self.ports.insert(name, port);
        }
    }

    /// Makes the name known: to the records, and to faults that pick packets by it.
    pub(super) fn name_connection<S: Sink>(
        &mut self,
        name: NameId,
        host: &Host,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) {
        let Some(binding) = self.sockets.get_mut(name) else { return };
        let Some((connection, flow)) = host.connection(binding.fd) else { return };
        binding.connection = Some((connection, flow));
        around.network.bind_flow(name, flow);
        let event = Event::Named { name, connection, flow };
        (&mut *around.watch, &mut *sink).record(&Record { at: around.now, place: around.place, event });
    }

    /// The stream that a socket of this host writes: it names host, life and connection.
    pub(super) fn stream(&self, binding: &Binding) -> StreamId {
        let (connection, boot) =
            binding.connection.map_or((0, 0), |(connection, flow)| (connection.0, flow.boot));
        let own = u64::from(boot) << 48 | u64::from(connection) << 16 | u64::from(binding.port);
        StreamId(self.host_hash ^ own.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn write<S: Sink>(
        &mut self,
        local: usize,
        (on, size, rate): (NameId, ByteCount, Option<faultwire_base::BitRate>),
        flags: WriteFlags,
        host: &mut Host,
        (around, sink): (&mut Surroundings<'_>, &mut S),
    ) -> Attempt<Progress> {
        let binding = *self.sockets.get(on).ok_or(Errno::BadDescriptor)?;
        let stream = self.stream(&binding);
        if binding.written == 0
            && let Some((_, flow)) = binding.connection
        {
            around.watch.laws.set_stream(flow, around.place, stream);
            around.watch.streams.register(stream, flow);
        }
        let run = &mut self.runs[local];
        let (allowed, next) =
            rate.map_or((u64::MAX, Instant::ZERO), |rate| paced(rate, run.started, around.now));
        let mut offset = binding.written;
        let outcome = loop {
            if run.progress >= size.as_u64() {
                break Ok(Progress::Done);
            }
            let room = size.as_u64().min(allowed) - run.progress.min(allowed);
            if room == 0 {
                break Ok(Progress::Blocked { fd: None, until: Some(next) });
            }
            let len = room.min(1 << 30) as u32;
            let payload = Payload::Generated { stream, offset, len };
            let result = host.send_with(around.now, binding.fd, payload, flags);
            let call = CallKind::Send { octets: len.into(), flags };
            around.called(sink, binding.fd, call, result.map(|taken| taken as i64));
            match result {
                Ok(0) | Err(Errno::WouldBlock | Errno::InProgress) => {
                    break Ok(Progress::Blocked { fd: Some(binding.fd), until: None });
                }
                Ok(taken) => {
                    run.progress += taken;
                    offset += taken;
                }
                Err(errno) => break Err(errno),
            }
        };
        if binding.written == 0 && binding.connection.is_none() {
            name_datagrams(on, binding.fd, host, around);
        }
        if let Some(binding) = self.sockets.get_mut(on) {
            binding.written = offset;
        }
        outcome
    }

    /// Waits until so much is there; nothing is taken.
    fn peek<S: Sink>(
        &mut self,
        local: usize,
        (on, until): (NameId, ReadUntil),
        host: &mut Host,
        (around, sink): (&Surroundings<'_>, &mut S),
    ) -> Attempt<Progress> {
        let fd = self.fd(on)?;
        let ReadUntil::Bytes(size) = until else { unreachable!("a peek has a size") };
        let wanted = size.as_u64();
        let result = host.peek(fd, wanted);
        around.called(sink, fd, CallKind::Receive { octets: wanted, peek: true }, octets(&result));
        self.runs[local].progress = match result {
            Ok(Received::Data(payload)) => payload.len().into(),
            Ok(Received::Eof) | Err(Errno::WouldBlock) => 0,
            Err(errno) => return Err(errno),
        };
        let got = self.runs[local].progress;
        if got >= wanted {
            return Ok(Progress::Done);
        }
        if host.readiness(fd).read_hangup {
            return Ok(Progress::Failed(Trouble::EndOfFile { got, wanted }));
        }
        Ok(Progress::Blocked { fd: Some(fd), until: None })
    }

    fn wait_for(
        &mut self,
        on: NameId,
        until: WaitUntil,
        host: &mut Host,
        around: &mut Surroundings<'_>,
    ) -> Attempt<Progress> {
        let fd = self.fd(on)?;
        let readiness = host.poll(fd);
        let reached = match until {
            WaitUntil::State(state) => {
                around.watch.connections.named(on).is_some_and(|log| log.entered(state).is_some())
            }
            WaitUntil::Readable => readiness.readable,
            WaitUntil::Writable => readiness.writable,
            WaitUntil::Error => readiness.error,
            WaitUntil::Priority => readiness.priority,
            WaitUntil::ReadHangup => readiness.read_hangup,
            WaitUntil::Hangup => readiness.hangup,
            WaitUntil::Drained => host.is_drained(fd),
        };
        // A connection that failed has nothing left to acknowledge either.
        if until == WaitUntil::Drained
            && let Some(errno) = host.take_error(fd)?
        {
            return Err(errno);
        }
        if reached {
            return Ok(Progress::Done);
        }
        if until == WaitUntil::Drained {
            return Ok(Progress::Undrained(fd));
        }
        Ok(Progress::Blocked { fd: Some(fd), until: None })
    }
}

fn sleep_until(end: Instant, now: Instant) -> Progress {
    if now >= end { Progress::Done } else { Progress::Blocked { fd: None, until: Some(end) } }
}
