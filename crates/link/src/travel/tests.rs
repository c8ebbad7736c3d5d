//! Tests of travel.
