//! The socket layer: descriptors, listeners, UDP, demultiplexing, for faultwire.

mod arrive;
mod binding;
mod config;
mod connections;
mod demux;
mod descriptor;
mod errno;
mod event;
mod host;
mod icmp;
mod isn;
mod life;
mod listener;
mod numbering;
mod option;
mod outbox;
mod path;
mod port;
mod readiness;
mod report;
mod segment;
mod socket;
mod stack;
mod sysctl;
mod udp;

pub use config::{HostConfig, Interface, IpConfig, ListenConfig, Route};
pub use descriptor::Fd;
pub use errno::{Errno, UnknownErrno};
pub use event::{DropReason, HostEvent};
pub use host::Host;
pub use numbering::ConnectionId;
pub use option::{OptionError, SocketOption};
pub use readiness::Readiness;
pub use report::{ConnectionDetail, ConnectionReport};
pub use socket::{How, Received, ReceivedFrom, SocketKind};
pub use sysctl::{SysctlError, SysctlValue, apply_sysctl, sysctl_names};
