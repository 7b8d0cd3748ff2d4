//! What normalises each channel of a batch.

use herringbone_compiler::network::Bits;
use pulp::{Simd, with_simd};

use super::activation::channel_sums;
use super::{EXAMPLES, for_each_block, map_blocks, sum_over_blocks};

/// What is added to the variance, lest a channel that is always the same be divided by 0.
pub(crate) const LEAST_VARIANCE: f32 = 1e-3;

/// What a channel is divided by, less its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// Its own deviation.
    OfChannel,
    /// That of all channels: the root of their mean variance.
    OfLayer,
}

impl Deviation {
    /// What suits weights with that many bits. Folding divides each channel's weights by what the
    /// channel is divided by, and integers of a layer have one power of two: of 2 bits, most of a
    /// channel whose weights become small would round to 0.
    pub fn for_bits(bits: Bits) -> Self {
        match bits.weights {
            2 => Self::OfLayer,
            _ => Self::OfChannel,
        }
    }

    /// Of something of each channel, what each is to have.
    fn share(self, of_channels: &mut [f32]) {
        match self {
            Self::OfChannel => {}
            Self::OfLayer => {
                let mean = of_channels.iter().sum::<f32>() / of_channels.len() as f32;
                of_channels.fill(mean);
            }
        }
    }
}

/// Of each channel of a batch, the mean and the inverse of the deviation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moments {
    pub(crate) means: Vec<f32>,
    pub(crate) inverses: Vec<f32>,
}

impl Moments {
    /// Those of sums, in blocks of that many numbers.
    pub(crate) fn of(sums: &[f32], channels: usize, block: usize, deviation: Deviation) -> Self {
        let count = (sums.len() / channels).max(1) as f32;
        let mut means = channel_sums(sums, channels, block);
        means.iter_mut().for_each(|sum| *sum /= count);
        let blocks = sums.len() / block;
        let mut squares = sum_over_blocks(blocks, channels, |index, squares| {
            add_squares(&sums[index * block..][..block], &means, squares);
        });
        deviation.share(&mut squares);
        let inverses = squares.iter().map(|sum| inverse(sum / count));
        Self {
            inverses: inverses.collect(),
            means,
        }
    }
}

/// The inverse of the deviation.
fn inverse(variance: f32) -> f32 {
    1.0 / (variance + LEAST_VARIANCE).sqrt()
}

#[with_simd(add_squares = pulp::Arch::new())]
#[inline(always)]
fn add_squares_with_simd<'a, S: Simd>(
    _: S,
    sums: &'a [f32],
    means: &'a [f32],
    squares: &'a mut [f32],
) {
    let squares = squares.as_chunks_mut::<EXAMPLES>().0;
    for sums in sums.chunks_exact(means.len() * EXAMPLES) {
        let sums = sums.as_chunks::<EXAMPLES>().0;
        for ((squares, sums), &mean) in squares.iter_mut().zip(sums).zip(means) {
            for (square, &sum) in squares.iter_mut().zip(sums) {
                *square += (sum - mean) * (sum - mean);
            }
        }
    }
}

/// Each channel less its mean, by the deviation.
pub(crate) fn normalise(sums: &[f32], moments: &Moments, block: usize) -> Vec<f32> {
    map_blocks(sums, block, block, |sums, normal| {
        normalise_block(sums, &moments.means, &moments.inverses, normal);
    })
}

#[with_simd(normalise_block = pulp::Arch::new())]
#[inline(always)]
fn normalise_block_with_simd<'a, S: Simd>(
    _: S,
    sums: &'a [f32],
    means: &'a [f32],
    inverses: &'a [f32],
    normal: &'a mut [f32],
) {
    let pixel = means.len() * EXAMPLES;
    for (normal, sums) in normal.chunks_exact_mut(pixel).zip(sums.chunks_exact(pixel)) {
        let normal = normal.as_chunks_mut::<EXAMPLES>().0;
        let sums = sums.as_chunks::<EXAMPLES>().0;
        let of_channels = means.iter().zip(inverses);
        for ((normal, sums), (&mean, &inverse)) in normal.iter_mut().zip(sums).zip(of_channels) {
            for (normal, &sum) in normal.iter_mut().zip(sums) {
                *normal = (sum - mean) * inverse;
            }
        }
    }
}

/// How the loss changes with each sum (Ioffe & Szegedy 2015, section 3). `normal`: the
/// sums, normalised.
pub(crate) fn normalisation_gradient(
    normal: &[f32],
    gradient: &[f32],
    inverses: &[f32],
    block: usize,
    deviation: Deviation,
) -> Vec<f32> {
    let channels = inverses.len();
    let count = (normal.len() / channels).max(1) as f32;
    let mut means = channel_sums(gradient, channels, block);
    let blocks = normal.len() / block;
    let mut products = sum_over_blocks(blocks, channels, |index, products| {
        let normal = &normal[index * block..][..block];
        add_products(normal, &gradient[index * block..][..block], products);
    });
    let both = means.iter_mut().chain(&mut products);
    both.for_each(|sum| *sum /= count);
    deviation.share(&mut products);
    let mut of_sums = vec![0.0; normal.len()];
    for_each_block(&mut of_sums, block, |index, of_sums| {
        let normal = &normal[index * block..][..block];
        let gradient = &gradient[index * block..][..block];
        gradient_block(normal, gradient, &means, &products, inverses, of_sums);
    });
    of_sums
}

#[with_simd(add_products = pulp::Arch::new())]
#[inline(always)]
fn add_products_with_simd<'a, S: Simd>(
    _: S,
    normal: &'a [f32],
    gradient: &'a [f32],
    products: &'a mut [f32],
) {
    let pixel = products.len();
    for (normal, gradient) in normal.chunks_exact(pixel).zip(gradient.chunks_exact(pixel)) {
        for ((product, &normal), &gradient) in products.iter_mut().zip(normal).zip(gradient) {
            *product += normal * gradient;
        }
    }
}

#[with_simd(gradient_block = pulp::Arch::new())]
#[inline(always)]
fn gradient_block_with_simd<'a, S: Simd>(
    _: S,
    normal: &'a [f32],
    gradient: &'a [f32],
    means: &'a [f32],
    products: &'a [f32],
    inverses: &'a [f32],
    of_sums: &'a mut [f32],
) {
    let pixel = means.len() * EXAMPLES;
    for ((of_sums, normal), gradient) in of_sums
        .chunks_exact_mut(pixel)
        .zip(normal.chunks_exact(pixel))
        .zip(gradient.chunks_exact(pixel))
    {
        let of_sums = of_sums.as_chunks_mut::<EXAMPLES>().0;
        let normal = normal.as_chunks::<EXAMPLES>().0;
        let gradient = gradient.as_chunks::<EXAMPLES>().0;
        let of_channels = means.iter().zip(products).zip(inverses);
        for (((of_sums, normal), gradient), ((&mean, &product), &inverse)) in of_sums
            .iter_mut()
            .zip(normal)
            .zip(gradient)
            .zip(of_channels)
        {
            for ((of_sum, &normal), &gradient) in of_sums.iter_mut().zip(normal).zip(gradient) {
                *of_sum = inverse * (gradient - mean - normal * product);
            }
        }
    }
}
