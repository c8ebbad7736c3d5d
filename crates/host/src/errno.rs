//! Errno: why a call failed, under the kernel's names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Declares the errors once: the variant, the kernel's name and number, the meaning.
macro_rules! errnos {
    ($($variant:ident, $name:literal, $number:literal, $meaning:literal;)*) => {
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

            /// Linux's number, as SO_ERROR gives it.
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)* }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

errnos! {
    AccessDenied, "EACCES", 13, "The network forbids it.";
    AddressInUse, "EADDRINUSE", 98, "The address and port are taken.";
    AddressNotAvailable, "EADDRNOTAVAIL", 99, "No such address here, or no free port.";
    AddressFamilyNotSupported, "EAFNOSUPPORT", 97, "An address of the other version of IP.";
    WouldBlock, "EAGAIN", 11, "The call would have to wait.";
    AlreadyInProgress, "EALREADY", 114, "The connection is already being opened.";
    BadDescriptor, "EBADF", 9, "No such descriptor.";
    ConnectionRefused, "ECONNREFUSED", 111, "The peer refused: no listener, no socket.";
    ConnectionReset, "ECONNRESET", 104, "The peer reset the connection.";
    DestinationRequired, "EDESTADDRREQ", 89, "No destination, and the socket is not connected.";
    HostDown, "EHOSTDOWN", 112, "The network says that there is no such host.";
    HostUnreachable, "EHOSTUNREACH", 113, "The network says that the host can't be reached.";
    InProgress, "EINPROGRESS", 115, "The connection is being opened; readiness tells when it is.";
    Invalid, "EINVAL", 22, "Not a call for a socket in this state, or a value out of range.";
    IsConnected, "EISCONN", 106, "The socket is connected already.";
    MessageSize, "EMSGSIZE", 90, "The datagram is larger than the path allows.";
    NetworkUnreachable, "ENETUNREACH", 101, "No route to that address.";
    NotOnNetwork, "ENONET", 64, "The network says that this host is cut off from it.";
    NoProtocolOption, "ENOPROTOOPT", 92, "No such option for this socket, or the peer lacks the protocol.";
    NotConnected, "ENOTCONN", 107, "The socket is not connected.";
    NotSupported, "EOPNOTSUPP", 95, "Not a call for a socket of this kind.";
    PipeBroken, "EPIPE", 32, "The sending side is closed.";
    ProtocolError, "EPROTO", 71, "The network reports a protocol error.";
    TimedOut, "ETIMEDOUT", 110, "The peer did not answer in time.";
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
