//! The seed tree: every random stream of a run is ChaCha8 keyed by (seed, component name, purpose) (DESIGN D3).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Root of all randomness of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedTree {
    seed: u64,
}

impl SeedTree {
    /// The tree of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The run's seed.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The stream for one `purpose` (for example `"loss"`) of the component with the stable name `component`.
    pub fn stream(self, component: &str, purpose: &str) -> Stream {
        Stream { words: ChaCha8Rng::from_seed(self.key(component, purpose)) }
    }

    /// A 128-bit secret for a keyed function, derived like a stream (for example for ISNs, RFC 6528 §3).
    pub fn secret(self, component: &str, purpose: &str) -> [u64; 2] {
        let mut stream = self.stream(component, purpose);
        [stream.next_u64(), stream.next_u64()]
    }

    /// Absorbs the seed and both names into a ChaCha8 sponge: each 24-byte block re-keys the generator. The length
    /// octets keep ("ab", "c") and ("a", "bc") apart.
    fn key(self, component: &str, purpose: &str) -> [u8; 32] {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        for name in [component, purpose] {
            let mut chunks = name.as_bytes().chunks(23).peekable();
            loop {
                let chunk = chunks.next().unwrap_or(&[]);
                let last = chunks.peek().is_none();
                let mut block = [0u8; 32];
                ChaCha8Rng::from_seed(key).fill_bytes(&mut block);
                block[8] ^= chunk.len() as u8 | if last { 0x80 } else { 0 };
                for (slot, byte) in block[9..].iter_mut().zip(chunk) {
                    *slot ^= byte;
                }
                key = block;
                if last {
                    break;
                }
            }
        }
        key
    }
}

/// One named stream of random words. There is no constructor but [`SeedTree::stream`].
#[derive(Clone, Debug)]
pub struct Stream {
    words: ChaCha8Rng,
}

impl Stream {
    /// The next 64-bit word.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.words.next_u64()
    }

    /// The next 32-bit word.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// A whole number in `0..bound`, one word, by fixed-point multiplication (bias below `bound / 2^64`).
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no numbers");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_fixed_values() {
        // A change of these moves every seed of every user: a new fingerprint version is needed.
        let mut stream = SeedTree::new(1).stream("wire>client", "loss");
        let words: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        assert_eq!(words, EXPECTED);
    }

    const EXPECTED: [u64; 3] =
        [7_889_718_646_929_833_313, 17_589_349_146_690_559_569, 13_825_171_972_669_358_905];

    #[test]
    fn names_do_not_run_together() {
        let tree = SeedTree::new(1);
        let first = |a: &str, b: &str| tree.stream(a, b).next_u64();
        assert_ne!(first("ab", "c"), first("a", "bc"));
        assert_ne!(first("a", ""), first("", "a"));
        let long = "x".repeat(23);
        assert_ne!(first(&long, "y"), first(&format!("{long}y"), ""));
        assert_ne!(SeedTree::new(2).stream("a", "b").next_u64(), first("a", "b"));
    }

    #[test]
    fn below_stays_in_range() {
        let mut stream = SeedTree::new(3).stream("t", "below");
        assert!((0..10_000).all(|_| stream.below(7) < 7));
        assert_eq!(stream.below(1), 0);
    }
}
