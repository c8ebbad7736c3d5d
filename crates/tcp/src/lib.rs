//! One sans-io TCP endpoint, for faultwire.
