//! Chance that can be repeated: one seed, printed, and set again by `FALAJ_SEED`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A splitmix64 generator.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Takes the seed from `FALAJ_SEED` or the clock, and prints it.
    pub fn for_test(name: &str) -> Self {
        let seed = match std::env::var("FALAJ_SEED") {
            Ok(text) => text.parse().expect("FALAJ_SEED is a whole number"),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").subsec_nanos().into(),
        };
        println!("{name}: repeat these dice with FALAJ_SEED={seed}");
        Self(seed)
    }

    /// Takes this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator that goes its own way from here.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time between two times.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from((most - least).as_micros()).expect("a short time");
        least + Duration::from_micros(self.below(span.max(1)))
    }
}
