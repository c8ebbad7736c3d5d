//! Tests of direction.
