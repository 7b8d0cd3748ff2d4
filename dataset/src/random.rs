//! Random numbers that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What a generator is for. Its numbers are independent of those for another purpose.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Which examples are split off.
    Split = 1,
    /// How an example is augmented.
    Augment = 2,
    /// The weights that a training begins with.
    Weights = 3,
    /// The order of examples in an epoch.
    Order = 4,
    /// Which values are dropped.
    Dropout = 5,
}

/// A generator of random numbers: `ChaCha8`, whose stream is specified, so that it is the same on
/// every machine and with every version of this crate.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// A generator with a stream of its own for each purpose, seed, epoch and index: together they
    /// are the cipher's key, which needs no mixing to be safe from streams that look alike.
    pub fn new(purpose: Purpose, seed: u64, epoch: u32, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..20].copy_from_slice(&epoch.to_le_bytes());
        key[20] = purpose as u8;
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in −1 to 1, 1 left out, in steps of 2⁻²³.
    pub fn signed_unit(&mut self) -> f32 {
        // The upper 24 bits are an exact float.
        (self.0.next_u32() >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
    }

    /// Normally distributed, with mean 0 and deviation 1: the polar method of Marsaglia
    /// and Bray (1964).
    pub fn normal(&mut self) -> f32 {
        loop {
            let (one, other) = (self.signed_unit(), self.signed_unit());
            let square = one * one + other * other;
            if square > 0.0 && square < 1.0 {
                return one * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Uniform in 0 to `bound`, `bound` left out.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The bias of a product's upper half is `bound` in 2⁶⁴: none that could be seen.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts `items` in a random order: each one is as likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
