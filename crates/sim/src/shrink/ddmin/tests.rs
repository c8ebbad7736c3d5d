//! Laws of delta debugging, on lists of numbers and any predicate.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;

use super::minimise;
use crate::shrink::Settings;
use crate::shrink::trials::{Candidate, Cut, Trials, Verdict};

/// Fails if all the wanted numbers are there, at least so many in all, and none of a pair alone.
#[derive(Clone, Debug)]
struct Law {
    needed: Vec<u32>,
    at_least: usize,
    /// Two numbers of which one must not be there without the other: the predicate is not monotone.
    together: Option<(u32, u32)>,
}

impl Law {
    fn fails(&self, items: &[u32]) -> bool {
        let has = |number: &u32| items.contains(number);
        self.needed.iter().all(has)
            && items.len() >= self.at_least
            && self.together.is_none_or(|(one, other)| has(&one) == has(&other))
    }
}

struct Numbers {
    items: Vec<u32>,
    law: Arc<Law>,
}

impl Candidate for Numbers {
    fn key(&self) -> u128 {
        let bytes: Vec<u8> = self.items.iter().flat_map(|item| item.to_le_bytes()).collect();
        xxhash_rust::xxh3::xxh3_128(&bytes)
    }

    fn verdict(&self) -> Verdict {
        if self.law.fails(&self.items) { Verdict::Same } else { Verdict::Different }
    }
}

fn shrunk(items: &[u32], law: &Law, jobs: usize, tries_max: u64) -> (Vec<u32>, u64, Option<Cut>) {
    let law = Arc::new(law.clone());
    let settings = Settings { jobs, tries_max, ..Settings::default() };
    let mut trials = Trials::new(&settings, |_| ControlFlow::Continue(()));
    let build = |items: &[u32]| Numbers { items: items.to_vec(), law: Arc::clone(&law) };
    let left = minimise(
        items.to_vec(),
        &[&|item: &u32| (item % 5).to_string(), &|item: &u32| (item % 2).to_string()],
        &mut trials,
        &build,
        &|_| {},
    );
    (left, trials.tried(), trials.cut())
}

/// A list and a law that it fails by.
fn failing() -> impl Strategy<Value = (Vec<u32>, Law)> {
    (1usize..120).prop_flat_map(|count| {
        let items: Vec<u32> = (0..count as u32).collect();
        let needed = proptest::sample::subsequence(items.clone(), 0..=count.min(6));
        let pair = proptest::option::of((0..count as u32, 0..count as u32));
        (Just(items), needed, 0..=count.min(8), pair)
            .prop_map(|(items, needed, at_least, together)| (items, Law { needed, at_least, together }))
    })
}

proptest! {
    #[test]
    fn what_is_left_fails_and_nothing_of_it_can_go((items, law) in failing()) {
        prop_assert!(law.fails(&items));
        let (left, _, cut) = shrunk(&items, &law, 1, u64::MAX);
        prop_assert_eq!(cut, None);
        prop_assert!(law.fails(&left), "{:?}", left);
        for index in 0..left.len() {
            let mut less = left.clone();
            less.remove(index);
            prop_assert!(!law.fails(&less), "{} of {:?} is not needed", left[index], left);
        }
        prop_assert!(left.is_sorted(), "the order of the items is kept");
    }

    #[test]
    fn result_and_count_of_tries_are_the_same_for_any_number_of_threads((items, law) in failing(), tries in 0u64..400) {
        let alone = shrunk(&items, &law, 1, tries);
        prop_assert_eq!(&alone, &shrunk(&items, &law, 2, tries));
        prop_assert_eq!(&alone, &shrunk(&items, &law, 8, tries));
        prop_assert!(alone.1 <= tries);
        prop_assert!(law.fails(&alone.0), "what a bound leaves behind still fails: {:?}", alone.0);
    }
}

#[test]
fn two_of_ten_thousand_are_found_in_some_hundred_tries() {
    let items: Vec<u32> = (0..10_000).collect();
    let law = Law { needed: vec![17, 8_123], at_least: 0, together: None };
    let (left, tried, _) = shrunk(&items, &law, 2, u64::MAX);
    assert_eq!(left, [17, 8_123]);
    assert!(tried < 150, "{tried} tries");
}

#[test]
fn nothing_is_left_of_items_that_do_not_matter() {
    let law = Law { needed: Vec::new(), at_least: 0, together: None };
    assert_eq!(shrunk(&(0..500).collect::<Vec<_>>(), &law, 1, u64::MAX), (Vec::new(), 1, None));
}

#[test]
fn an_interrupted_search_keeps_what_it_had() {
    let items: Vec<u32> = (0..1_000).collect();
    let law = Arc::new(Law { needed: vec![3, 500, 997], at_least: 0, together: None });
    let settings = Settings { jobs: 1, ..Settings::default() };
    let mut trials =
        Trials::new(
            &settings,
            |tried| {
                if tried >= 12 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
    let build = |items: &[u32]| Numbers { items: items.to_vec(), law: Arc::clone(&law) };
    let left = minimise(items, &[], &mut trials, &build, &|_| {});
    assert_eq!(trials.cut(), Some(Cut::Interrupted));
    assert_eq!(trials.tried(), 12);
    assert!(law.fails(&left) && left.len() < 1_000, "{} left", left.len());
}

/// Numbers whose run panics without one of them, which is nothing that the law needs.
struct Fragile(Numbers);

impl Candidate for Fragile {
    fn key(&self) -> u128 {
        self.0.key()
    }

    fn verdict(&self) -> Verdict {
        assert!(self.0.items.contains(&41), "41 is missing");
        self.0.verdict()
    }
}

#[test]
fn a_candidate_that_panics_fails_in_another_way_and_the_search_goes_on() {
    let law = Arc::new(Law { needed: vec![3, 500], at_least: 0, together: None });
    for jobs in [1, 4] {
        let settings = Settings { jobs, ..Settings::default() };
        let mut trials = Trials::new(&settings, |_| ControlFlow::Continue(()));
        let build = |items: &[u32]| Fragile(Numbers { items: items.to_vec(), law: Arc::clone(&law) });
        let left = minimise((0..1_000).collect(), &[], &mut trials, &build, &|_| {});
        assert_eq!((left, trials.cut()), (vec![3, 41, 500], None));
        assert_eq!(trials.into_panicked().as_deref(), Some("41 is missing"));
    }
}
