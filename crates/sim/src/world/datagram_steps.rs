//! The steps of UDP: sending a series of datagrams, receiving, echoing.

use faultwire_base::Duration;
use faultwire_host::{Errno, Fd, Host, SocketKind};
use faultwire_link::NameId;
use faultwire_wire::Payload;

use super::app::{Apps, Surroundings};
use super::open_step::unspecified;
use super::step::{Attempt, Progress};
use crate::plan::Step;

/// Makes the name of a UDP socket known to whoever picks packets by it, before the first datagram leaves.
#[cold]
pub(super) fn name_datagrams(name: NameId, fd: Fd, host: &Host, around: &mut Surroundings<'_>) {
    if let Some(flow) = host.datagram_flow(fd) {
        around.network.bind_flow(name, flow);
    }
}

impl Apps {
    pub(super) fn send_to(
        &mut self,
        local: usize,
        step: &Step,
        host: &mut Host,
        around: &mut Surroundings<'_>,
    ) -> Attempt<Progress> {
        let Step::SendTo { on, from_port, to, size, count, interval } = *step else {
            unreachable!("called for this step only")
        };
        if self.runs[local].progress == 0 && self.sockets.get(on).is_none() {
            let fd = host.socket(SocketKind::Udp, to.is_ipv6());
            host.bind(fd, unspecified(to.is_ipv6(), from_port.unwrap_or(0)))?;
            let port = host.local_address(fd).map_or(0, |address| address.port());
            self.bind_name(on, fd, port);
        }
        let index = self.socket_of(local, on).ok_or(Errno::BadDescriptor)?;
        let binding = *self.sockets.at_mut(index).ok_or(Errno::BadDescriptor)?;
        let stream = self.stream(&binding);
        let len = size.as_u64() as u32;
        let mut offset = binding.written;
        let run = &mut self.runs[local];
        let outcome = loop {
            if run.progress >= count {
                break Ok(Progress::Done);
            }
            let due = run.started + interval * run.progress;
            if due > around.now {
                break Ok(Progress::Blocked { fd: None, until: Some(due) });
            }
            if let Err(errno) =
                host.send_to(around.now, binding.fd, to, Payload::Generated { stream, offset, len })
            {
                break Err(errno);
            }
            offset += u64::from(len);
            run.progress += 1;
        };
        if binding.written == 0 {
            name_datagrams(on, binding.fd, host, around);
        }
        if let Some(binding) = self.sockets.at_mut(index) {
            binding.written = offset;
        }
        outcome
    }

    pub(super) fn receive_from(
        &mut self,
        local: usize,
        (on, count, within, echo): (NameId, Option<u64>, Option<Duration>, bool),
        host: &mut Host,
        around: &mut Surroundings<'_>,
    ) -> Attempt<Progress> {
        let index = self.socket_of(local, on).ok_or(Errno::BadDescriptor)?;
        let binding = *self.sockets.at_mut(index).ok_or(Errno::BadDescriptor)?;
        let port = if binding.port != 0 {
            binding.port
        } else {
            host.local_address(binding.fd).map_or(0, |address| address.port())
        };
        let run = &mut self.runs[local];
        let until = within.map(|within| run.started + within);
        loop {
            if count.is_some_and(|count| run.progress >= count) {
                return Ok(Progress::Done);
            }
            match host.recv_from(binding.fd, u64::MAX) {
                Ok(received) => {
                    run.progress += 1;
                    around.watch.datagrams.delivered(around.place, port, &received.payload);
                    if echo {
                        host.send_to(around.now, binding.fd, received.from, received.payload)?;
                    }
                }
                Err(Errno::WouldBlock) => {
                    return match until {
                        Some(until) if until <= around.now && count.is_none() => Ok(Progress::Done),
                        Some(until) if until <= around.now => Err(Errno::TimedOut),
                        _ => Ok(Progress::Blocked { fd: Some(binding.fd), until }),
                    };
                }
                Err(errno) => return Err(errno),
            }
        }
    }
}
