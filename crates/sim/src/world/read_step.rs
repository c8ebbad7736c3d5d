//! The step that reads a stream: until the socket has no more, and each read judged against what the peer wrote.

use faultwire_base::Instant;
use faultwire_host::{Errno, Host, Received};
use faultwire_link::NameId;
use faultwire_wire::Payload;

use super::app::{Apps, Surroundings, paced};
use super::calls::octets;
use super::sockets::SocketIndex;
use super::step::{Progress, READ_MAX, Trouble};
use crate::call::CallKind;
use crate::oracle::stream::Read;
use crate::plan::ReadUntil;
use crate::record::Sink;

impl Apps {
    pub(super) fn read<S: Sink>(
        &mut self,
        local: usize,
        (on, until, rate): (NameId, ReadUntil, Option<faultwire_base::BitRate>),
        host: &mut Host,
        (around, sink): (&mut Surroundings<'_>, &mut S),
    ) -> Progress {
        let socket = self.socket_of(local, on);
        let socket = socket.and_then(|index| Some((index, self.sockets.at_mut(index)?.fd)));
        let Some((index, fd)) = socket else {
            return Progress::Failed(Trouble::Errno(Errno::BadDescriptor));
        };
        let wanted = match until {
            ReadUntil::Bytes(size) => size.as_u64(),
            ReadUntil::Eof => u64::MAX,
        };
        loop {
            let run = &mut self.runs[local];
            if run.progress >= wanted {
                return Progress::Done;
            }
            let (allowed, next) =
                rate.map_or((u64::MAX, Instant::ZERO), |rate| paced(rate, run.started, around.now));
            let room = wanted.min(allowed) - run.progress.min(allowed);
            if room == 0 {
                return Progress::Blocked { fd: None, until: Some(next) };
            }
            let result = host.recv(around.now, fd, room.min(READ_MAX));
            let call = CallKind::Receive { octets: room.min(READ_MAX), peek: false };
            around.called(sink, fd, call, octets(&result));
            match result {
                Ok(Received::Data(payload)) => {
                    run.progress += u64::from(payload.len());
                    let is_through = run.progress >= wanted;
                    self.judge(index, &payload, host, around);
                    if rate.is_none() && !is_through && host.is_drained_by_reading(fd) {
                        // As the next call would say.
                        return Progress::Blocked { fd: Some(fd), until: None };
                    }
                }
                Ok(Received::Eof) if until == ReadUntil::Eof => return Progress::Done,
                Ok(Received::Eof) => {
                    return Progress::Failed(Trouble::EndOfFile { got: run.progress, wanted });
                }
                Err(Errno::WouldBlock) => {
                    return Progress::Blocked { fd: Some(fd), until: None };
                }
                Err(errno) => return Progress::Failed(Trouble::Errno(errno)),
            }
        }
    }

    /// Compares what was read with what the peer wrote.
    #[inline]
    fn judge(&mut self, index: SocketIndex, payload: &Payload, host: &Host, around: &mut Surroundings<'_>) {
        let Some(binding) = self.sockets.at_mut(index) else { return };
        let Some((connection, flow)) = binding.connection else { return };
        let watch = &mut *around.watch;
        if binding.read == 0 {
            binding.timestamps = host.info(binding.fd).is_ok_and(|info| info.timestamps);
            binding.log = watch.connections.index(around.place, connection);
        }
        let conversation = *binding.conversation.get_or_insert_with(|| watch.laws.index(flow));
        let offset = binding.read;
        let octets = u64::from(payload.len());
        binding.read += octets;
        watch.read(around.now, (around.place, flow), binding.read);
        let (expected, deceived) = watch.laws.peer(conversation, flow, around.place);
        let timestamps = binding.timestamps;
        let read = Read { at: around.now, flow, expected, offset, payload, deceived, timestamps };
        let finding = watch.streams.judge(read);
        if let Some(log) = binding.log {
            let delivered = &mut watch.connections.at_mut(log).delivered;
            delivered.first.get_or_insert(around.now);
            delivered.last = Some(around.now);
            delivered.octets += octets;
            delivered.intact += if finding.is_none() { octets } else { 0 };
        }
        if let Some(finding) = finding {
            watch.findings.add(finding);
        }
    }
}
