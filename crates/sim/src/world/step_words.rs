//! A step in words, for stall reports, and the socket that it uses.

use faultwire_link::NameId;

use crate::plan::{ReadUntil, Step, WaitUntil};

impl Step {
    /// The socket that the step uses.
    pub(crate) fn socket(&self) -> Option<NameId> {
        match *self {
            Self::Listen { name, .. } | Self::Connect { name, .. } => Some(name),
            Self::Accept { on, .. }
            | Self::Write { on, .. }
            | Self::Read { on, .. }
            | Self::Wait { on, .. }
            | Self::SetSocketOption { on, .. }
            | Self::GetSocketOption { on, .. }
            | Self::Shutdown { on, .. }
            | Self::Close { on }
            | Self::Abort { on }
            | Self::SendTo { on, .. }
            | Self::RecvFrom { on, .. } => Some(on),
            Self::Sleep { .. } | Self::Repeat { .. } => None,
        }
    }

    /// The socket that must be open for the step to do anything.
    pub(super) fn uses_open_socket(&self) -> Option<NameId> {
        match self {
            Self::Listen { .. } | Self::Connect { .. } | Self::SendTo { .. } => None,
            _ => self.socket(),
        }
    }

    /// The step in words, with what it has done so far.
    pub(crate) fn describe(&self, progress: u64) -> String {
        match self {
            Self::Listen { port, .. } => format!("listen on port {port}"),
            Self::Connect { to, .. } => format!("connect to {to}"),
            Self::Accept { .. } => "accept: no connection has come".into(),
            Self::Write { size, .. } => format!("write: {progress} of {} octets taken", size.as_u64()),
            Self::Read { until: ReadUntil::Bytes(size), .. } => {
                format!("read: {progress} of {} octets", size.as_u64())
            }
            Self::Read { until: ReadUntil::Eof, .. } => {
                format!("read to end of file: {progress} octets so far")
            }
            Self::Wait { until, .. } => match until {
                WaitUntil::State(state) => format!("wait for {}", state.as_str()),
                other => format!("wait until {}", format!("{other:?}").to_lowercase()),
            },
            Self::Sleep { time } => format!("sleep {time}"),
            Self::SetSocketOption { .. } => "setsockopt".into(),
            Self::GetSocketOption { name, value, .. } => {
                format!("getsockopt {}, {value} wanted", name.as_str())
            }
            Self::Shutdown { .. } => "shutdown".into(),
            Self::Close { .. } => "close".into(),
            Self::Abort { .. } => "abort".into(),
            Self::SendTo { count, .. } => format!("send_to: {progress} of {count} datagrams"),
            Self::RecvFrom { count: Some(count), .. } => {
                format!("recv_from: {progress} of {count} datagrams")
            }
            Self::RecvFrom { count: None, .. } => format!("recv_from: {progress} datagrams so far"),
            Self::Repeat { times, .. } => format!("repeat {times} times"),
        }
    }
}
