//! Delta debugging: from a list of items that together make something fail to a part of it that still does.
//!
//! After Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002). What belongs together is
//! left out together first; then spans of the list, halving; at last each item alone, until no single one can go. That
//! end is theirs (*1-minimal*); the order inside a pass is that of lithium: one sweep over the spans of each length,
//! which needs as many tries as spans where restarting after each success needs their square.

use super::trials::{Candidate, Trials};

/// Smaller list that still fails. `build` makes the candidate in which just these items are left; `groups` tell, each in
/// its own way, what belongs together: whole groups are tried first, in the order given. `tell` is told how many are left.
///
/// The result is 1-minimal unless the trials were cut short: leaving out any one of its items gives something that does
/// not fail as the original. The original list itself is taken to fail.
pub(crate) fn minimise<T: Clone, C: Candidate>(
    mut items: Vec<T>,
    groups: &[&dyn Fn(&T) -> String],
    trials: &mut Trials<'_>,
    build: &dyn Fn(&[T]) -> C,
    tell: &dyn Fn(usize),
) -> Vec<T> {
    if items.is_empty() {
        return items;
    }
    if trials.first([build(&[])]).is_some() {
        return Vec::new();
    }
    for group in groups {
        items = by_group(items, *group, trials, build);
        tell(items.len());
    }
    let mut span = items.len().div_ceil(2);
    loop {
        let before = items.len();
        items = by_span(items, span, trials, build);
        tell(items.len());
        if span == 1 && (items.len() == before || items.len() <= 1) {
            return items;
        }
        if trials.cut().is_some() {
            return items;
        }
        if span > 1 {
            span = span.div_ceil(2).min(items.len().div_ceil(2)).max(1);
        }
    }
}

/// Keeps one group alone if that is enough, then leaves out every group that is not needed.
fn by_group<T: Clone, C: Candidate>(
    mut items: Vec<T>,
    group: &dyn Fn(&T) -> String,
    trials: &mut Trials<'_>,
    build: &dyn Fn(&[T]) -> C,
) -> Vec<T> {
    let names = group_names(&items, group);
    if names.len() < 2 {
        return items;
    }
    let only = |items: &[T], name: &str| -> Vec<T> {
        items.iter().filter(|item| group(item) == name).cloned().collect()
    };
    let alone = names.iter().map(|name| build(&only(&items, name)));
    if let Some((index, _)) = trials.first(alone) {
        return only(&items, &names[index]);
    }
    let without = |items: &[T], name: &str| -> Vec<T> {
        items.iter().filter(|item| group(item) != name).cloned().collect()
    };
    let mut from = 0;
    while let Some((index, _)) = trials.first(names[from..].iter().map(|name| build(&without(&items, name))))
    {
        items = without(&items, &names[from + index]);
        from += index + 1;
    }
    items
}

/// Names of groups in the order in which they appear first.
fn group_names<T>(items: &[T], group: &dyn Fn(&T) -> String) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = group(item);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// One sweep over the list that leaves out every span of this length that is not needed.
fn by_span<T: Clone, C: Candidate>(
    mut items: Vec<T>,
    span: usize,
    trials: &mut Trials<'_>,
    build: &dyn Fn(&[T]) -> C,
) -> Vec<T> {
    let without = |items: &[T], from: usize| -> Vec<T> {
        let until = (from + span).min(items.len());
        [&items[..from], &items[until..]].concat()
    };
    let mut from = 0;
    loop {
        let starts = (from..items.len()).step_by(span);
        // The whole list was tried before: leaving out everything is nothing new.
        let candidates = starts.map(|start| build(&without(&items, start)));
        let Some((index, _)) = trials.first(candidates) else { return items };
        from += index * span;
        items = without(&items, from);
    }
}

#[cfg(test)]
mod tests;
