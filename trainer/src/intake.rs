//! From bytes to what a network's first weighted layer reads.

use burn::tensor::{Device, TensorData};
use herringbone_compiler::network::{Kernel, LayerKind, Network, Shape};
use herringbone_dataset::InputShape;
use rayon::prelude::*;

use crate::EXAMPLES;
use crate::ops::Maps;

/// How a network takes its input in: an `A` that computes first adds bytes up, else
/// each one is shortened to an activation's bits.
#[derive(Clone, Copy, Debug)]
pub struct Intake {
    input: Shape,
    output: Shape,
    window: Kernel,
    /// Bits that a window's sum is shifted down by.
    shift: u32,
    /// Bits of an activation.
    bits: u32,
}

impl Intake {
    /// A network's.
    pub fn of(network: &Network) -> Self {
        let input = network.input();
        let (window, output) = match network.computing_layers().next() {
            Some(layer) => match layer.kind {
                LayerKind::AveragePool { window } => (window, layer.output),
                _ => (Kernel::square(1), input),
            },
            None => (Kernel::square(1), input),
        };
        let bits = network.bits().activations;
        Self {
            input,
            output,
            window,
            shift: 8 - bits + window.taps().ilog2(),
            bits,
        }
    }

    /// The shape of the raw input.
    pub fn input(&self) -> InputShape {
        InputShape {
            height: self.input.height,
            width: self.input.width,
            channels: self.input.channels,
        }
    }

    /// Activations of an input.
    pub fn activations(&self) -> usize {
        self.output.values() as usize
    }

    /// The activations of an input's bytes.
    pub fn take(&self, bytes: &[u8], activations: &mut [u8]) {
        let channels = self.input.channels as usize;
        let width = self.input.width as usize;
        let (rows, columns) = (self.window.height as usize, self.window.width as usize);
        let pixels = activations.chunks_exact_mut(channels);
        for (at, pixel) in pixels.enumerate() {
            let row = at / self.output.width as usize * rows;
            let column = at % self.output.width as usize * columns;
            for (channel, activation) in pixel.iter_mut().enumerate() {
                let mut sum = 0;
                for row in row..row + rows {
                    for column in column..column + columns {
                        sum += u32::from(bytes[(row * width + column) * channels + channel]);
                    }
                }
                *activation = (sum >> self.shift) as u8;
            }
        }
    }

    /// The maps of a batch, `fill` giving each example's activations; behind the
    /// last example, zeros fill the last block. `scratch` makes memory that `fill` is
    /// given again and again, at least once a thread; what it gives must not depend on
    /// what is left there.
    pub fn maps<S>(
        &self,
        examples: usize,
        device: &Device,
        scratch: impl Fn() -> S + Sync + Send,
        fill: impl Fn(&mut S, usize, &mut [u8]) + Sync + Send,
    ) -> Maps {
        let values = self.activations();
        let blocks = examples.div_ceil(EXAMPLES);
        let mut numbers = vec![0.0; blocks * values * EXAMPLES];
        let step = (-(self.bits as f32)).exp2();
        let numbers_of_blocks = numbers.par_chunks_mut(values * EXAMPLES).enumerate();
        numbers_of_blocks.for_each_init(
            || (scratch(), vec![0; values]),
            |(scratch, activations), (block, numbers)| {
                let first = block * EXAMPLES;
                for example in first..examples.min(first + EXAMPLES) {
                    fill(scratch, example, activations);
                    let lanes = numbers[example - first..].iter_mut().step_by(EXAMPLES);
                    for (number, &activation) in lanes.zip(&*activations) {
                        *number = f32::from(activation) * step;
                    }
                }
            },
        );
        let Shape {
            height,
            width,
            channels,
        } = self.output;
        let [height, width, channels] = [height, width, channels].map(|it| it as usize);
        let shape = [blocks, height, width, channels, EXAMPLES];
        Maps::from_data(TensorData::new(numbers, shape), device)
    }
}
