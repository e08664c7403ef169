//! A bounded memory of what was written lately. Losing an entry costs a read, never a truth.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations: what is used moves to the young one, and when that is full the old one is dropped as a whole. No entry
/// is older than two fillings, and nothing is ever searched for the least recently used.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    weight: usize,
    weight_max: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// A cache whose entries weigh at most `weight_max` together.
    pub(super) fn new(weight_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), weight: 0, weight_max: weight_max / 2 }
    }

    /// Keeps an entry.
    pub(super) fn insert(&mut self, key: K, value: V, weight: usize) {
        if self.weight + weight > self.weight_max {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.old.remove(&key);
        self.weight += weight;
        if let Some((_, before)) = self.young.insert(key, (value, weight)) {
            self.weight -= before;
        }
    }

    /// Looks for an entry.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let found = match self.young.get_mut(key) {
            Some(entry) => Some(entry),
            None => self.old.get_mut(key),
        };
        found.map(|(value, _)| value)
    }

    /// Forgets an entry.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some((_, weight)) = self.young.remove(key) {
            self.weight -= weight;
        }
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_fits_and_forgets_the_rest() {
        let mut cache = Cache::new(20);
        for n in 0..100 {
            cache.insert(n, n, 1);
            assert_eq!(cache.get_mut(&n), Some(&mut n.clone()));
        }
        let kept = (0..100).filter(|n| cache.get_mut(n).is_some()).count();
        assert!((10..=20).contains(&kept), "{kept}");
        cache.remove(&99);
        assert_eq!(cache.get_mut(&99), None);
    }

    #[test]
    fn an_entry_put_twice_is_there_once() {
        let mut cache = Cache::new(4);
        for _ in 0..10 {
            cache.insert("a", 1, 1);
        }
        cache.insert("a", 2, 1);
        assert_eq!(cache.get_mut(&"a"), Some(&mut 2));
        cache.remove(&"a");
        assert_eq!(cache.get_mut(&"a"), None);
    }
}
