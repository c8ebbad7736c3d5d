//! The table of legal transitions.

use faultwire_tcp::{State, TRANSITIONS};

/// A printed table that a person can review. `x` is a legal transition from the row to the column.
#[test]
fn table() {
    let mut table = String::new();
    for from in State::ALL {
        let marks: Vec<_> =
            State::ALL.iter().map(|&to| if from.may_become(to) { "x" } else { "." }).collect();
        table += &format!("{from:12} {}\n", marks.join(" "));
    }
    // Columns in the order of the rows.
    assert_eq!(
        table,
        "\
CLOSED       . x x . . . . . . . .
LISTEN       x . x x . . . . . . .
SYN_SENT     x . . x x . . . . . .
SYN_RECEIVED x x . . x x . . . . x
ESTABLISHED  x . . . . x . x . . .
FIN_WAIT_1   x . . . . . x . x . x
FIN_WAIT_2   x . . . . . . . . . x
CLOSE_WAIT   x . . . . . . . . x .
CLOSING      x . . . . . . . . . x
LAST_ACK     x . . . . . . . . . .
TIME_WAIT    x . . x . . . . . . .
"
    );
}

#[test]
fn no_transition_is_listed_twice_and_names_parse() {
    for (index, &(from, to, _)) in TRANSITIONS.iter().enumerate() {
        assert_ne!(from, to);
        assert!(!TRANSITIONS[..index].iter().any(|&(a, b, _)| (a, b) == (from, to)), "{from} to {to}");
    }
    for state in State::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    assert!("ESTAB".parse::<State>().is_err());
}
