//! Link directions: rate, queue, delay, impairments and targeted faults, for faultwire.
