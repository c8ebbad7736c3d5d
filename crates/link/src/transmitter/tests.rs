//! Tests of transmitter.
