//! What wakes a poller: levels as poll gives them, and the edges between two looks.

use faultwire_host::{Fd, Host, Readiness};
use faultwire_tcp::State;

use crate::sockets::file::{Files, SocketFile};

/// Bits of events, as Linux numbers them.
pub(super) type Events = u32;

pub(super) const IN: Events = 1;
pub(super) const PRIORITY: Events = 2;
pub(super) const OUT: Events = 4;
pub(super) const ERROR: Events = 8;
pub(super) const HANGUP: Events = 0x10;
pub(super) const READ_NORMAL: Events = 0x40;
pub(super) const READ_BAND: Events = 0x80;
pub(super) const WRITE_NORMAL: Events = 0x100;
pub(super) const WRITE_BAND: Events = 0x200;
pub(super) const READ_HANGUP: Events = 0x2000;

/// What was seen of a socket when it was looked at last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    seen: Seen,
    /// A writer or poller found no room and is to be told when there is (`SOCK_NOSPACE`).
    pub(super) wants_room: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    state: Option<State>,
    /// Octets that came in order so far.
    received: u64,
    /// Connections that wait to be accepted.
    waiting: u32,
    error: bool,
    urgent: bool,
}

impl Seen {
    fn of(host: &Host, fd: Fd) -> Self {
        let readiness = host.readiness(fd);
        let info = host.info(fd).ok();
        Self {
            state: info.map(|info| info.state),
            received: info.map_or(0, |info| info.received),
            waiting: host.queue_lengths(fd).map_or(0, |(waiting, _)| waiting),
            error: readiness.error,
            urgent: readiness.priority,
        }
    }
}

/// Network and timers have done something since the last call, perhaps: whoever watches a socket is woken. As in the kernel, data
/// wakes readers, room wakes writers who found none, a change of the state wakes everybody.
pub(super) fn observe(files: &mut Files, host: &Host) {
    let mut woken = Vec::new();
    for (number, file) in files.sockets_mut() {
        let (before, now) = (file.watched.seen, Seen::of(host, file.fd));
        file.watched.seen = now;
        let mut edges = 0;
        if now.state != before.state {
            edges = Events::MAX;
        }
        if now.received > before.received || now.waiting > before.waiting || now.urgent && !before.urgent {
            edges |= IN | READ_NORMAL | READ_BAND | PRIORITY;
        }
        if now.error && !before.error {
            edges |= ERROR;
        }
        if file.watched.wants_room && host.readiness(file.fd).writable {
            file.watched.wants_room = false;
            edges |= OUT | WRITE_NORMAL | WRITE_BAND;
        }
        if edges != 0 {
            woken.push((number, edges));
        }
    }
    for (number, edges) in woken {
        files.epolls_mut().for_each(|epoll| epoll.wake(number, edges));
    }
}

/// What a call itself has changed wakes nobody.
pub(super) fn refresh(files: &mut Files, host: &Host) {
    for (_, file) in files.sockets_mut() {
        file.watched.seen = Seen::of(host, file.fd);
    }
}

/// What poll finds (`tcp_poll`). Who finds no room is told when there is.
pub(super) fn level(host: &mut Host, file: &mut SocketFile) -> Events {
    let readiness = host.poll(file.fd);
    if !readiness.writable {
        file.watched.wants_room = true;
    }
    let few = file.waits.low_water > 1 && is_below(host, file, readiness);
    [
        (readiness.readable && !few, IN | READ_NORMAL),
        (readiness.writable, OUT | WRITE_NORMAL),
        (readiness.priority, PRIORITY),
        (readiness.read_hangup, READ_HANGUP),
        (readiness.error, ERROR),
        (readiness.hangup, HANGUP),
    ]
    .into_iter()
    .fold(0, |events, (is, bits)| if is { events | bits } else { events })
}

/// Whether there is less to read than the reader wants to be told of (`SO_RCVLOWAT`).
fn is_below(host: &Host, file: &SocketFile, readiness: Readiness) -> bool {
    let unread = host.queued(file.fd).map_or(u64::MAX, |queued| queued.unread);
    unread < file.waits.low_water && !readiness.error && !readiness.read_hangup
}
