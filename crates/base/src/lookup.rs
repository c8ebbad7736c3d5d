//! A hash table that can be looked up but never iterated, so that no order can leak into a run.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Key-value lookup with a fixed hasher and no iteration (DESIGN D1: nothing depends on an unordered map).
#[derive(Clone, Debug)]
pub struct LookupTable<K, V> {
    entries: HashMap<K, V, FixedState>,
}

impl<K, V> Default for LookupTable<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::with_hasher(FixedState::with_seed(0)) }
    }
}

impl<K: Eq + Hash, V> LookupTable<K, V> {
    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Sets the value of `key` and returns the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.entries.insert(key, value)
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key)
    }

    /// The value of `key`, made by `make` if it has none.
    pub fn entry_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.entries.entry(key).or_insert_with(make)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all keys, keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
