//! Weights for a design that has none yet: to see it run, and what it takes.

use super::{Parameters, Shift, Weights};
use crate::network::{Bits, Network, SumShape};

/// Weights of that network, the same each time: as spread as trained ones are, so that
/// neither all activations are 0 nor all of them at their largest. What they compute means
/// nothing.
pub fn invented(network: &Network) -> Weights {
    let mut noise = Noise(0x9E37_79B9);
    let nodes = network.nodes().iter();
    let nodes = nodes.map(|node| {
        let sums = node.sums();
        sums.map(|sum| of_sum(network.bits(), &sum, &mut noise))
            .collect()
    });
    Weights::new(nodes.collect())
}

fn of_sum(bits: Bits, sum: &SumShape, noise: &mut Noise) -> Parameters {
    if sum.tensor().is_none() {
        return Parameters {
            weight: vec![1; sum.outputs as usize],
            bias: vec![0; sum.outputs as usize],
            shift: Shift {
                left: 0,
                right: 0,
                skip: 0,
            },
        };
    }
    let largest = (1 << (bits.weights - 1)) - 1;
    // Sums of that many products of both signs deviate by the root of their number.
    let taps = sum.weights() / u64::from(sum.outputs.max(1));
    let right = bits.weights - 1 + taps.max(1).ilog2() / 2;
    Parameters {
        weight: (0..sum.weights()).map(|_| noise.weight(largest)).collect(),
        bias: vec![0; sum.biases() as usize],
        shift: Shift {
            left: 0,
            right: right as u8,
            // A map that is added counts as much as the sums.
            skip: if sum.adds { right as u8 } else { 0 },
        },
    }
}

/// A linear congruential generator (Knuth, The Art of Computer Programming, volume 2, table 1
/// of section 3.3.4, line 16).
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }

    /// The sum of two even ones: small weights are more frequent.
    fn weight(&mut self, largest: i32) -> i8 {
        let span = 2 * largest as u32 + 1;
        let sum = self.next() % span + self.next() % span;
        (sum as i32 / 2 - largest) as i8
    }
}
