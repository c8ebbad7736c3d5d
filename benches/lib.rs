//! Shared works of the benchmarks.
