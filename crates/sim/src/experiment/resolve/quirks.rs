//! The historical bugs that a host is given back.

use faultwire_tcp::{Config, Quirk};

use crate::experiment::problem::Problem;
use crate::experiment::read::Item;

/// Puts the quirks of `item` into `config`, and gives them in the order of [`Quirk::ALL`]. Each has to change something
/// that the others leave alone.
pub(super) fn apply(item: &Item<'_>, config: &mut Config) -> Result<Vec<Quirk>, Problem> {
    let mut quirks: Vec<Quirk> = Vec::new();
    for item in item.one_or_many() {
        let name = item.text()?;
        let quirk: Quirk = name.parse().map_err(|error| item.problem(format!("{name:?} is {error}")))?;
        if quirks.contains(&quirk) {
            return Err(item.problem(format!("{name:?} is written twice: once is enough")));
        }
        if let Some(other) = quirks.iter().find(|other| quirk.excludes(**other)) {
            let other = other.as_str();
            let message = format!("{name:?} and {other:?} are two ways of one rule: a host has one of them");
            return Err(item.problem(message));
        }
        let before = config.clone();
        quirk.apply(config);
        if *config == before {
            let message = format!("{name:?} changes nothing here: the sysctls of this host do the same");
            return Err(item.problem(message));
        }
        quirks.push(quirk);
    }
    quirks.sort();
    Ok(quirks)
}
