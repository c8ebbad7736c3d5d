//! Tests of field.
