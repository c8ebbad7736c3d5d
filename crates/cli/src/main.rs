//! The `faultwire` command.
fn main() {}
