//! How often which duration was seen: small, mergeable, and the same buckets everywhere and always.
//!
//! Buckets are log-linear: single milliseconds up to 32, from there sixteen to each doubling, so that a bucket is never wider than
//! a sixteenth of what is in it. The last ends at 2^32 ms, seven weeks; what is longer is in it.
//!
//! ```text
//! stored   version 1 | (gap to the bucket before: varint, count: varint) ...
//! ```

use std::collections::BTreeMap;

/// How many buckets there are.
pub const BUCKETS: usize = 464;

/// Buckets to each doubling, as a power of two.
const FINE: u32 = 4;
/// The highest value that has a bucket of its own.
const MAX: u64 = (1 << 32) - 1;
/// The version of the stored form.
const VERSION: u8 = 1;

/// The bucket of a duration in milliseconds.
pub fn bucket(ms: u64) -> usize {
    let ms = ms.min(MAX);
    let whole = usize::try_from(ms).unwrap_or(0);
    if whole < 1 << FINE {
        return whole;
    }
    let shift = ms.ilog2() - FINE;
    (shift as usize) * (1 << FINE) + (whole >> shift)
}

/// The longest duration of a bucket, in milliseconds.
pub fn longest(bucket: usize) -> u64 {
    let (coarse, fine) = (bucket >> FINE, bucket & ((1 << FINE) - 1));
    match coarse.checked_sub(1) {
        None => fine as u64,
        Some(shift) => (((1 << FINE) + fine as u64 + 1) << shift) - 1,
    }
}

/// Durations by bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Counts durations of one bucket.
    pub fn add(&mut self, bucket: usize, count: u64) {
        if count > 0
            && let Ok(bucket) = u16::try_from(bucket.min(BUCKETS - 1))
        {
            let held = self.0.entry(bucket).or_insert(0);
            *held = held.saturating_add(count);
        }
    }

    /// Counts one duration.
    pub fn record(&mut self, ms: u64) {
        self.add(bucket(ms), 1);
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.add(usize::from(*bucket), *count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration in milliseconds that `per_cent` of all do not exceed; never understated, and overstated by a sixteenth at the
    /// most. `None` where there is none.
    pub fn percentile(&self, per_cent: u8) -> Option<u64> {
        let wanted = u128::from(self.count()) * u128::from(per_cent.min(100));
        let wanted = wanted.div_ceil(100).max(1);
        let mut seen = 0_u128;
        for (bucket, count) in &self.0 {
            seen += u128::from(*count);
            if seen >= wanted {
                return Some(longest(usize::from(*bucket)));
            }
        }
        None
    }

    /// Writes it; nothing where there is none.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.0.is_empty() {
            return out;
        }
        out.push(VERSION);
        let mut before = 0;
        for (bucket, count) in &self.0 {
            write_varint(u64::from(bucket - before), &mut out);
            write_varint(*count, &mut out);
            before = *bucket;
        }
        out
    }

    /// Reads what [`Histogram::write`] has written; `None` where it is something else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        read.absorb(bytes)?;
        Some(read)
    }

    /// Counts what [`Histogram::write`] has written; `None` where it is something else, of which a part may have been counted.
    pub fn absorb(&mut self, bytes: &[u8]) -> Option<()> {
        let Some((version, mut rest)) = bytes.split_first() else { return Some(()) };
        if *version != VERSION {
            return None;
        }
        let mut bucket = 0;
        while !rest.is_empty() {
            bucket += usize::try_from(read_varint(&mut rest)?).ok().filter(|gap| *gap < BUCKETS)?;
            let count = read_varint(&mut rest)?;
            if bucket >= BUCKETS {
                return None;
            }
            self.add(bucket, count);
        }
        Some(())
    }
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut next = 0;
        for number in 0..BUCKETS {
            assert_eq!((bucket(next), bucket(longest(number))), (number, number));
            next = longest(number) + 1;
        }
        assert_eq!(next - 1, MAX);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_of_known_durations() {
        let mut seen = Histogram::default();
        assert_eq!(seen.percentile(50), None);
        (1..=20).for_each(|ms| seen.record(ms));
        assert_eq!([0, 50, 95, 100].map(|p| seen.percentile(p)), [Some(1), Some(10), Some(19), Some(20)]);
        seen.add(bucket(60_000), 980);
        let p50 = seen.percentile(50).unwrap();
        assert!((60_000..64_000).contains(&p50), "{p50}");
        assert_eq!((seen.percentile(1), seen.count()), (Some(10), 1000));
    }

    #[test]
    fn what_was_not_written_is_not_read() {
        assert_eq!(Histogram::read(&[]), Some(Histogram::default()));
        for bad in [&[2][..], &[1, 0], &[1, 0x80], &[1, 0xff, 0x7f, 1], &[1, 0xcf, 3, 1, 1, 1]] {
            assert_eq!(Histogram::read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_read_back_merges_like_one_and_never_understates(
            left in prop::collection::vec(0_u64..5_000_000, 0..80),
            right in prop::collection::vec(any::<u64>(), 0..20),
        ) {
            let (mut one, mut two, mut all) = (Histogram::default(), Histogram::default(), Histogram::default());
            left.iter().for_each(|ms| one.record(*ms));
            right.iter().for_each(|ms| two.record(*ms));
            left.iter().chain(&right).for_each(|ms| all.record(*ms));
            one.merge(&two);
            prop_assert_eq!(&one, &all);
            prop_assert_eq!(Histogram::read(&all.write()), Some(all.clone()));
            let mut sorted: Vec<u64> = left.iter().chain(&right).map(|ms| (*ms).min(MAX)).collect();
            sorted.sort_unstable();
            for per_cent in [1_u8, 50, 95, 99, 100] {
                let exact = sorted.get((sorted.len() * usize::from(per_cent)).div_ceil(100).max(1) - 1);
                match (all.percentile(per_cent), exact) {
                    (None, None) => {}
                    (Some(said), Some(exact)) => prop_assert!(*exact <= said && said <= exact + exact / 16, "{said} {exact}"),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}
