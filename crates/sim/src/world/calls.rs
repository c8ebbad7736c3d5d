//! Tells a sink that wants to know what apps ask of their host.

use faultwire_host::{Errno, Fd, Received};

use super::app::Surroundings;
use crate::call::{Call, CallKind};
use crate::record::{Event, Record, Sink};

impl Surroundings<'_> {
    /// A call and its result; nobody but such a sink learns of it.
    #[inline]
    pub(super) fn called<S: Sink>(&self, sink: &mut S, fd: Fd, kind: CallKind, result: Result<i64, Errno>) {
        if S::WANTS_CALLS {
            let event = Event::Called(Call { fd, kind, result });
            sink.record(&Record { at: self.now, place: self.place, event });
        }
    }
}

/// The result of a call that says only whether it worked.
pub(super) fn zero<T>(result: &Result<T, Errno>) -> Result<i64, Errno> {
    match result {
        Ok(_) => Ok(0),
        Err(errno) => Err(*errno),
    }
}

/// The result of a read: octets, 0 at the end of the stream.
pub(super) fn octets(result: &Result<Received, Errno>) -> Result<i64, Errno> {
    match result {
        Ok(Received::Data(payload)) => Ok(payload.len().into()),
        Ok(Received::Eof) => Ok(0),
        Err(errno) => Err(*errno),
    }
}
