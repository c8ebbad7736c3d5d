//! Errno: why a call failed, under the kernel's names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Declares the errors once: the variant, the kernel's name, the meaning.
macro_rules! errnos {
    ($($variant:ident, $name:literal, $meaning:literal;)*) => {
        /// Why a call failed. Displays as the kernel's name, for example `ECONNREFUSED`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Errno {
            $(#[doc = $meaning] $variant,)*
        }

        impl Errno {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kernel's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

errnos! {
    AccessDenied, "EACCES", "The network forbids it.";
    AddressInUse, "EADDRINUSE", "The address and port are taken.";
    AddressNotAvailable, "EADDRNOTAVAIL", "No such address here, or no free port.";
    AddressFamilyNotSupported, "EAFNOSUPPORT", "An address of the other version of IP.";
    WouldBlock, "EAGAIN", "The call would have to wait.";
    AlreadyInProgress, "EALREADY", "The connection is already being opened.";
    BadDescriptor, "EBADF", "No such descriptor.";
    ConnectionRefused, "ECONNREFUSED", "The peer refused: no listener, no socket.";
    ConnectionReset, "ECONNRESET", "The peer reset the connection.";
    DestinationRequired, "EDESTADDRREQ", "No destination, and the socket is not connected.";
    HostDown, "EHOSTDOWN", "The network says that there is no such host.";
    HostUnreachable, "EHOSTUNREACH", "The network says that the host can't be reached.";
    InProgress, "EINPROGRESS", "The connection is being opened; readiness tells when it is.";
    Invalid, "EINVAL", "Not a call for a socket in this state, or a value out of range.";
    IsConnected, "EISCONN", "The socket is connected already.";
    MessageSize, "EMSGSIZE", "The datagram is larger than the path allows.";
    NetworkUnreachable, "ENETUNREACH", "No route to that address.";
    NotOnNetwork, "ENONET", "The network says that this host is cut off from it.";
    NoProtocolOption, "ENOPROTOOPT", "No such option for this socket, or the peer lacks the protocol.";
    NotConnected, "ENOTCONN", "The socket is not connected.";
    NotSupported, "EOPNOTSUPP", "Not a call for a socket of this kind.";
    PipeBroken, "EPIPE", "The sending side is closed.";
    ProtocolError, "EPROTO", "The network reports a protocol error.";
    TimedOut, "ETIMEDOUT", "The peer did not answer in time.";
}

/// A text that is no errno's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is no errno; the nearest is {nearest}")]
pub struct UnknownErrno {
    /// What was written.
    pub text: String,
    /// The nearest known name.
    pub nearest: Errno,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::error::Error for Errno {}

impl FromStr for Errno {
    type Err = UnknownErrno;

    /// Parses the kernel's name; `EWOULDBLOCK` is the same error as `EAGAIN`.
    fn from_str(text: &str) -> Result<Self, UnknownErrno> {
        if text == "EWOULDBLOCK" {
            return Ok(Self::WouldBlock);
        }
        let known = Self::ALL.iter().copied();
        known.clone().find(|errno| errno.name() == text).ok_or_else(|| {
            let distance = |errno: &Self| strsim::damerau_levenshtein(errno.name(), text);
            let nearest = known.min_by_key(distance).expect("there are errnos");
            UnknownErrno { text: text.into(), nearest }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_stand_in_order() {
        for errno in Errno::ALL {
            assert_eq!(errno.to_string().parse(), Ok(*errno));
        }
        let names: Vec<_> = Errno::ALL.iter().map(|errno| errno.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        assert_eq!("EWOULDBLOCK".parse(), Ok(Errno::WouldBlock));
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest() {
        let error = "ECONREFUSED".parse::<Errno>().unwrap_err();
        assert_eq!(error.nearest, Errno::ConnectionRefused);
        assert!(error.to_string().contains("ECONNREFUSED"));
    }
}
