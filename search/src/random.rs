//! Random numbers that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// `ChaCha8`, whose stream is specified.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// A generator of its own for each seed, stage and index.
    pub(crate) fn new(seed: u64, stage: u32, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..20].copy_from_slice(&stage.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in 0 to `bound`, `bound` left out, which is above 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The bias of a product's upper half is `bound` in 2⁶⁴.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Uniform in 0 to `bound`, `bound` left out, which is above 0.
    pub(crate) fn below_wide(&mut self, bound: u128) -> u128 {
        let wide = (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64());
        wide % bound
    }

    /// Uniform in 0 to 1, 1 left out.
    pub(crate) fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
