//! Calls that wait: on whom, until when, to the nanosecond.
