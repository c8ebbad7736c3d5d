//! Reads and writes.
