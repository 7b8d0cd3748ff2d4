//! From bytes to what a network's first weighted layer reads.

use burn::tensor::{Device, TensorData};
use herringbone_compiler::network::{Network, ReceptiveField, Shape, ValueId};
use herringbone_dataset::InputShape;
use rayon::prelude::*;

use crate::EXAMPLES;
use crate::ops::Maps;

/// How a network takes its input in: an `A` that reads it adds bytes up, else each one
/// is shortened to an activation's bits.
#[derive(Clone, Copy, Debug)]
pub struct Intake {
    input: Shape,
    output: Shape,
    /// What is taken in.
    value: ValueId,
    field: ReceptiveField,
    /// Bits of an activation.
    bits: u32,
}

impl Intake {
    /// A network's.
    pub fn of(network: &Network) -> Self {
        let input = network.input_value();
        let mut readers = network.value(input).readers.iter();
        let averages = readers.find(|&&node| network.averages_raw_input(node));
        let (value, field) = match averages {
            Some(&node) => {
                let node = network.node(node);
                (node.writes, node.field())
            }
            None => (input, ReceptiveField::pixelwise(network.input())),
        };
        Self {
            input: network.input(),
            output: network.value(value).shape,
            value,
            field,
            bits: network.bits().activations,
        }
    }

    /// What is taken in: the input, or what an `A` makes of it.
    pub fn value(&self) -> ValueId {
        self.value
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
        let width = self.input.width;
        // floor(sum · 2^bits / (256 · count))
        let whole = u64::from(self.field.kernel.taps()) << (8 - self.bits);
        let (high, wide) = (self.output.height, self.output.width);
        let pixels = (0..high).flat_map(|row| (0..wide).map(move |column| (row, column)));
        for (pixel, activations) in pixels.zip(activations.chunks_exact_mut(channels)) {
            for (channel, activation) in activations.iter_mut().enumerate() {
                let read = self.field.pixels(pixel).map(|(row, column)| {
                    let pixel = (row * width + column) as usize;
                    u64::from(bytes[pixel * channels + channel])
                });
                *activation = (read.sum::<u64>() / whole) as u8;
            }
        }
    }

    /// The maps of a batch, `fill` giving each example's activations; after the
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
