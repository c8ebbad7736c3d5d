//! Golden bytes of every body, round trips, and errors.
