//! getsockopt, setsockopt, fcntl, ioctl.
