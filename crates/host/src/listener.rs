//! One listening socket: its accept queue and the number of its half-open connections.

use std::collections::VecDeque;

use crate::config::ListenConfig;
use crate::event::DropReason;
use crate::option::Preset;
use crate::port::Hold;

/// A listening socket. Its half-open connections stand in the connection table; here they are only counted.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) hold: Hold,
    /// What was set on it; connections that it accepts inherit that.
    pub(crate) options: Preset,
    backlog: u32,
    half_open: u32,
    established: VecDeque<u32>,
}

impl Listener {
    pub(crate) fn new(hold: Hold, options: Preset, backlog: u32) -> Self {
        Self { hold, options, backlog, half_open: 0, established: VecDeque::new() }
    }

    /// A further listen call changes the backlog.
    pub(crate) fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog;
    }

    /// Whether a SYN gets an entry: the kernel refuses it when the accept queue is full, when there are as many
    /// half-open connections as the backlog, and when three quarters of the SYN backlog are taken.
    pub(crate) fn admits_syn(&self, config: &ListenConfig) -> Result<(), DropReason> {
        if self.is_accept_queue_full() {
            return Err(DropReason::AcceptQueueFull);
        }
        let reserve = config.syn_backlog / 4;
        let full =
            self.half_open >= self.backlog || config.syn_backlog.saturating_sub(self.half_open) < reserve;
        if full { Err(DropReason::SynQueueFull) } else { Ok(()) }
    }

    /// Linux compares with "greater", so a backlog of n holds n + 1.
    pub(crate) fn is_accept_queue_full(&self) -> bool {
        self.established.len() > self.backlog as usize
    }

    pub(crate) fn opened(&mut self) {
        self.half_open += 1;
    }

    /// A half-open connection is no more.
    pub(crate) fn forgot(&mut self) {
        self.half_open -= 1;
    }

    /// A half-open connection became established.
    pub(crate) fn established(&mut self, slot: u32) {
        self.half_open -= 1;
        self.established.push_back(slot);
    }

    /// The oldest established connection.
    pub(crate) fn accept(&mut self) -> Option<u32> {
        self.established.pop_front()
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.established.is_empty()
    }

    /// Established connections that wait to be accepted, and half-open ones.
    pub(crate) fn lengths(&self) -> (u32, u32) {
        (self.established.len() as u32, self.half_open)
    }
}
