//! `sockstat ... | grep ... | grep -c STATE | grep N`: a state check.

use super::words::Simple;
use super::{SocketCount, Wanted};
use crate::snippet::state_named;

/// The check that a pipeline is, `None` if it is none that is known.
pub(super) fn recognise(table: &Simple, filters: &[Simple]) -> Option<SocketCount> {
    let mut count = of_arguments(table)?;
    let (mut counted, mut decided) = (false, false);
    for filter in filters {
        let words: Vec<&str> = filter.words.iter().map(String::as_str).collect();
        if decided || filter.output.as_deref().is_some_and(|file| file != "/dev/null") {
            return None;
        }
        match words.as_slice() {
            ["wc", "-l"] if !counted => counted = true,
            ["grep" | "egrep", arguments @ ..] => {
                let (switches, pattern) = pattern(arguments)?;
                if counted {
                    // The original matches a text; the number must be that.
                    let digits = pattern.trim_start_matches('^').trim_end_matches('$');
                    count.wanted = Wanted::Exactly(number(digits)?);
                    decided = true;
                } else {
                    narrow(&mut count, pattern)?;
                    counted = switches.contains('c');
                }
            }
            _ => return None,
        }
    }
    // A last grep that matches something succeeds, also when it only counts.
    (!filters.is_empty() && (decided || filters.last()?.words[0] != "wc")).then_some(count)
}

fn of_arguments(table: &Simple) -> Option<SocketCount> {
    let mut count =
        SocketCount { ipv6: None, port: None, open: false, state: None, wanted: Wanted::AtLeastOne };
    let (mut four, mut six, mut tcp, mut states) = (false, false, false, false);
    let mut words = table.words[1..].iter();
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-')?;
        for (at, letter) in letters.char_indices() {
            match letter {
                '4' => four = true,
                '6' => six = true,
                's' => states = true,
                'n' | 'q' | 'w' => {}
                'P' | 'p' => {
                    let inline = &letters[at + 1..];
                    let value = if inline.is_empty() { words.next()?.as_str() } else { inline };
                    if letter == 'p' {
                        count.port = Some(value.parse().ok()?);
                    } else if value != "tcp" {
                        return None;
                    } else {
                        tcp = true;
                    }
                    break;
                }
                _ => return None,
            }
        }
    }
    if four != six {
        count.ipv6 = Some(six);
    }
    (tcp && states && table.output.is_none()).then_some(count)
}

/// The letters of the switches, and the one word that is not a switch.
fn pattern<'a>(arguments: &[&'a str]) -> Option<(String, &'a str)> {
    let mut letters = String::new();
    let mut found = None;
    for argument in arguments {
        match argument.strip_prefix('-') {
            Some(switches) if found.is_none() && switches.chars().all(|letter| "cqwxE".contains(letter)) => {
                letters.push_str(switches);
            }
            Some(_) => return None,
            None if found.is_some() => return None,
            None => found = Some(*argument),
        }
    }
    Some((letters, found?))
}

fn narrow(count: &mut SocketCount, pattern: &str) -> Option<()> {
    // The name of the tool, which sockstat cuts off.
    if pattern.len() >= 4 && "packetdrill".starts_with(pattern) {
        count.open = true;
        return Some(());
    }
    match pattern {
        "tcp4" => count.ipv6 = Some(false),
        "tcp6" => count.ipv6 = Some(true),
        _ => {
            let state =
                state_named(pattern).filter(|_| pattern.bytes().any(|letter| letter.is_ascii_uppercase()))?;
            if count.state.is_some_and(|known| known != state) {
                return None;
            }
            count.state = Some(state);
        }
    }
    Some(())
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
