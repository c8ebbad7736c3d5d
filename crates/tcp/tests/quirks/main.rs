//! Each historical bug beside the behaviour that it breaks, packet by packet.

mod arrival;
mod ends;
#[path = "../endpoint/pair.rs"]
#[expect(dead_code, reason = "the endpoint tests use all of it")]
mod pair;
mod receiving;
mod sending;
mod table;
mod timers;

use std::sync::Arc;

use faultwire_tcp::{Config, Quirk, State};

use pair::{A, B, Pair, ms, rfc};

/// `config` with a quirk.
fn with(mut config: Config, quirk: Quirk) -> Config {
    quirk.apply(&mut config);
    config
}

/// By the letter, and the same with a quirk.
fn right_and_wrong<T>(quirk: Quirk, run: impl Fn(Config) -> T) -> (T, T) {
    right_and_wrong_of(rfc(), quirk, run)
}

/// `config`, and the same with a quirk.
fn right_and_wrong_of<T>(config: Config, quirk: Quirk, run: impl Fn(Config) -> T) -> (T, T) {
    (run(config.clone()), run(with(config, quirk)))
}

/// Both open, 150 ms after the start: A as it is told, B by the letter.
fn open(a: Config) -> Pair {
    open_between(a, rfc())
}

fn open_between(a: Config, b: Config) -> Pair {
    let mut pair = Pair::new(rfc());
    pair.configs = [Arc::new(a), Arc::new(b)];
    pair.connect(A);
    pair.run_for(ms(150));
    assert_eq!((pair.state(A), pair.state(B)), (State::Established, State::Established));
    pair
}
