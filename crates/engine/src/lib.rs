//! Virtual clock and wake-up queue of faultwire.
