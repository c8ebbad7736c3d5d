//! The socket layer: descriptors, listeners, UDP, demultiplexing, for faultwire.
