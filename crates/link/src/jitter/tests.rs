//! Tests of jitter.
