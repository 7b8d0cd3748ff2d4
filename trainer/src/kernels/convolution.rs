//! Convolutions, of which a dense layer is the one whose kernel is as large as its
//! input.

use pulp::{Arch, Simd, WithSimd};

use super::{EXAMPLES, Extent, MapShape, for_each_block, sum_over_blocks};

/// Outputs whose sums are in registers at a time.
const OUTPUTS: usize = 8;

/// Each output's sum over its kernel. `weights`: `[output][row][column][channel]`.
pub(crate) fn convolve(
    input: &[f32],
    input_shape: MapShape,
    weights: &[f32],
    kernel: Extent,
    outputs: usize,
) -> Vec<f32> {
    let shape = MapShape {
        height: input_shape.height + 1 - kernel.height,
        width: input_shape.width + 1 - kernel.width,
        channels: outputs,
    };
    let packed = packed(
        weights,
        kernel,
        input_shape.channels,
        outputs,
        |o, tap, c| (o * kernel.taps() + tap) * input_shape.channels + c,
    );
    let gather = Gather {
        source: input_shape,
        target: shape,
        kernel,
        packed: &packed,
        forwards: true,
    };
    gather.all(input)
}

/// How the loss changes with each input of a convolution, of how it changes with
/// each output.
pub(crate) fn input_gradient(
    gradient: &[f32],
    gradient_shape: MapShape,
    weights: &[f32],
    kernel: Extent,
    channels: usize,
) -> Vec<f32> {
    let shape = MapShape {
        height: gradient_shape.height + kernel.height - 1,
        width: gradient_shape.width + kernel.width - 1,
        channels,
    };
    let outputs = gradient_shape.channels;
    let packed = packed(weights, kernel, outputs, channels, |c, tap, o| {
        (o * kernel.taps() + tap) * channels + c
    });
    let gather = Gather {
        source: gradient_shape,
        target: shape,
        kernel,
        packed: &packed,
        forwards: false,
    };
    gather.all(gradient)
}

/// Weights by tap, then by channel read, then by channel written, those in the order
/// of their registers.
fn packed(
    weights: &[f32],
    kernel: Extent,
    read: usize,
    written: usize,
    place: impl Fn(usize, usize, usize) -> usize,
) -> Vec<f32> {
    let mut packed = Vec::with_capacity(weights.len());
    for tap in 0..kernel.taps() {
        for read in 0..read {
            packed.extend((0..written).map(|written| weights[place(written, tap, read)]));
        }
    }
    packed
}

/// Sums, for each pixel of a target, over the pixels of a source that a kernel
/// connects it with.
struct Gather<'a> {
    source: MapShape,
    target: MapShape,
    kernel: Extent,
    packed: &'a [f32],
    /// Whether the source is the kernel's input.
    forwards: bool,
}

impl Gather<'_> {
    fn all(&self, source: &[f32]) -> Vec<f32> {
        let blocks = source.len() / self.source.block();
        let mut target = vec![0.0; blocks * self.target.block()];
        let arch = Arch::new();
        for_each_block(&mut target, self.target.block(), |index, target| {
            let source = &source[index * self.source.block()..][..self.source.block()];
            arch.dispatch(GatherBlock {
                gather: self,
                source,
                target,
            });
        });
        target
    }

    /// The taps of a line of the kernel that lie within the source, and where the
    /// first of them reads.
    fn taps(&self, at: usize, taps: usize, length: usize) -> (usize, usize) {
        if self.forwards {
            (0, taps)
        } else {
            // at - tap is within 0..length.
            ((at + 1).saturating_sub(length), taps.min(at + 1))
        }
    }

    fn place(&self, at: usize, tap: usize) -> usize {
        if self.forwards { at + tap } else { at - tap }
    }

    #[inline(always)]
    fn outputs<S: Simd, const COUNT: usize>(
        &self,
        simd: S,
        (row, column, first): (usize, usize, usize),
        source: &[f32],
        target: &mut [f32],
    ) {
        let written = self.target.channels;
        let lanes = S::F32_LANES.min(EXAMPLES);
        let rows = self.taps(row, self.kernel.height, self.source.height);
        let columns = self.taps(column, self.kernel.width, self.source.width);
        for lane in (0..EXAMPLES).step_by(lanes) {
            let mut sums = [simd.splat_f32s(0.0); COUNT];
            for tap_row in rows.0..rows.1 {
                for tap_column in columns.0..columns.1 {
                    let at = self
                        .source
                        .at(self.place(row, tap_row), self.place(column, tap_column));
                    let pixel = &source[at..at + self.source.pixel()];
                    let tap = tap_row * self.kernel.width + tap_column;
                    let weights = &self.packed[tap * self.source.channels * written..]
                        [..self.source.channels * written];
                    for (values, weights) in pixel
                        .chunks_exact(EXAMPLES)
                        .zip(weights.chunks_exact(written))
                    {
                        let value = load(simd, &values[lane..lane + lanes]);
                        let weights: &[f32; COUNT] =
                            weights[first..first + COUNT].try_into().expect("that many");
                        for (sum, &weight) in sums.iter_mut().zip(weights) {
                            *sum = simd.mul_add_e_f32s(value, simd.splat_f32s(weight), *sum);
                        }
                    }
                }
            }
            for (output, sum) in sums.into_iter().enumerate() {
                let at = (first + output) * EXAMPLES + lane;
                store(simd, &mut target[at..at + lanes], sum);
            }
        }
    }
}

struct GatherBlock<'a> {
    gather: &'a Gather<'a>,
    source: &'a [f32],
    target: &'a mut [f32],
}

impl WithSimd for GatherBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            gather,
            source,
            target,
        } = self;
        let shape = gather.target;
        for row in 0..shape.height {
            for column in 0..shape.width {
                let at = shape.at(row, column);
                let target = &mut target[at..at + shape.pixel()];
                let mut first = 0;
                while first < shape.channels {
                    let place = (row, column, first);
                    let left = shape.channels - first;
                    first += match left {
                        OUTPUTS.. => {
                            gather.outputs::<S, OUTPUTS>(simd, place, source, target);
                            OUTPUTS
                        }
                        5.. => {
                            gather.outputs::<S, 5>(simd, place, source, target);
                            5
                        }
                        3.. => {
                            gather.outputs::<S, 3>(simd, place, source, target);
                            3
                        }
                        _ => {
                            gather.outputs::<S, 1>(simd, place, source, target);
                            1
                        }
                    };
                }
            }
        }
    }
}

/// How the loss changes with each weight: `[output][row][column][channel]`.
pub(crate) fn weight_gradient(
    input: &[f32],
    input_shape: MapShape,
    gradient: &[f32],
    gradient_shape: MapShape,
    kernel: Extent,
) -> Vec<f32> {
    let blocks = input.len() / input_shape.block();
    let weights = gradient_shape.channels * kernel.taps() * input_shape.channels;
    let arch = Arch::new();
    sum_over_blocks(blocks, weights, |index, sums| {
        arch.dispatch(WeightGradient {
            input: &input[index * input_shape.block()..][..input_shape.block()],
            input_shape,
            gradient: &gradient[index * gradient_shape.block()..][..gradient_shape.block()],
            gradient_shape,
            kernel,
            sums,
        });
    })
}

struct WeightGradient<'a> {
    input: &'a [f32],
    input_shape: MapShape,
    gradient: &'a [f32],
    gradient_shape: MapShape,
    kernel: Extent,
    sums: &'a mut [f32],
}

impl WeightGradient<'_> {
    /// Of `READ` channels and `WRITTEN` outputs of one tap.
    #[inline(always)]
    fn tile<S: Simd, const READ: usize, const WRITTEN: usize>(
        &mut self,
        simd: S,
        (tap_row, tap_column): (usize, usize),
        (first_read, first_written): (usize, usize),
    ) {
        let lanes = S::F32_LANES.min(EXAMPLES);
        let mut sums = [[simd.splat_f32s(0.0); READ]; WRITTEN];
        for row in 0..self.gradient_shape.height {
            for column in 0..self.gradient_shape.width {
                let read =
                    self.input_shape.at(row + tap_row, column + tap_column) + first_read * EXAMPLES;
                let read = &self.input[read..read + READ * EXAMPLES];
                let written = self.gradient_shape.at(row, column) + first_written * EXAMPLES;
                let written = &self.gradient[written..written + WRITTEN * EXAMPLES];
                for lane in (0..EXAMPLES).step_by(lanes) {
                    let values: [S::f32s; READ] = std::array::from_fn(|channel| {
                        load(simd, &read[channel * EXAMPLES + lane..][..lanes])
                    });
                    for (output, sums) in sums.iter_mut().enumerate() {
                        let gradient = load(simd, &written[output * EXAMPLES + lane..][..lanes]);
                        for (sum, &value) in sums.iter_mut().zip(&values) {
                            *sum = simd.mul_add_e_f32s(value, gradient, *sum);
                        }
                    }
                }
            }
        }
        let channels = self.input_shape.channels;
        let tap = tap_row * self.kernel.width + tap_column;
        for (output, sums) in sums.into_iter().enumerate() {
            let place = ((first_written + output) * self.kernel.taps() + tap) * channels;
            for (channel, sum) in sums.into_iter().enumerate() {
                self.sums[place + first_read + channel] += simd.reduce_sum_f32s(sum);
            }
        }
    }
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (read, written) = (self.input_shape.channels, self.gradient_shape.channels);
        for tap_row in 0..self.kernel.height {
            for tap_column in 0..self.kernel.width {
                let tap = (tap_row, tap_column);
                for first_written in (0..written).step_by(4) {
                    for first_read in (0..read).step_by(3) {
                        let first = (first_read, first_written);
                        match (read - first_read, written - first_written) {
                            (3.., 4..) => self.tile::<S, 3, 4>(simd, tap, first),
                            (2, 4..) => self.tile::<S, 2, 4>(simd, tap, first),
                            (1, 4..) => self.tile::<S, 1, 4>(simd, tap, first),
                            (3.., 3) => self.tile::<S, 3, 3>(simd, tap, first),
                            (2, 3) => self.tile::<S, 2, 3>(simd, tap, first),
                            (1, 3) => self.tile::<S, 1, 3>(simd, tap, first),
                            (3.., 2) => self.tile::<S, 3, 2>(simd, tap, first),
                            (2, 2) => self.tile::<S, 2, 2>(simd, tap, first),
                            (1, 2) => self.tile::<S, 1, 2>(simd, tap, first),
                            (3.., _) => self.tile::<S, 3, 1>(simd, tap, first),
                            (2, _) => self.tile::<S, 2, 1>(simd, tap, first),
                            _ => self.tile::<S, 1, 1>(simd, tap, first),
                        }
                    }
                }
            }
        }
    }
}

/// The first of the vectors that numbers are.
#[inline(always)]
pub(super) fn load<S: Simd>(_: S, numbers: &[f32]) -> S::f32s {
    S::as_simd_f32s(numbers).0[0]
}

#[inline(always)]
pub(super) fn store<S: Simd>(_: S, numbers: &mut [f32], vector: S::f32s) {
    S::as_mut_simd_f32s(numbers).0[0] = vector;
}
