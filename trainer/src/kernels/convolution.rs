//! Convolutions, of which a dense layer is the one whose kernel is as large as its
//! input.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{EXAMPLES, Field, MapShape, map_blocks, sum_over_blocks};

/// Outputs whose sums are in registers at a time, of 16 that there are.
const OUTPUTS: usize = 12;

/// Each output's sum over its kernel. `weights`: `[output][row][column][channel]`.
pub(crate) fn convolve(
    input: &[f32],
    weights: &[f32],
    outputs: usize,
    channels: usize,
    field: Field,
) -> Vec<f32> {
    let taps = field.taps();
    let packed = packed(weights, taps, channels, outputs, |o, tap, c| {
        (o * taps + tap) * channels + c
    });
    let source = field.input(channels);
    let weights_of_tap = channels * outputs;
    let row_weights = field.columns.taps * weights_of_tap;
    let gather = Gather {
        source,
        target: field.output(outputs),
        rows: &places(
            field.rows.reads(),
            row_weights,
            source.pixel() * source.width,
        ),
        columns: &places(field.columns.reads(), weights_of_tap, source.pixel()),
        packed: &packed,
    };
    gather.all(input)
}

/// How the loss changes with each input of a convolution, of how it changes with
/// each output.
pub(crate) fn input_gradient(
    gradient: &[f32],
    weights: &[f32],
    outputs: usize,
    channels: usize,
    field: Field,
) -> Vec<f32> {
    let taps = field.taps();
    let packed = packed(weights, taps, outputs, channels, |c, tap, o| {
        (o * taps + tap) * channels + c
    });
    let source = field.output(outputs);
    let weights_of_tap = channels * outputs;
    let row_weights = field.columns.taps * weights_of_tap;
    let gather = Gather {
        source,
        target: field.input(channels),
        rows: &places(
            field.rows.readers(),
            row_weights,
            source.pixel() * source.width,
        ),
        columns: &places(field.columns.readers(), weights_of_tap, source.pixel()),
        packed: &packed,
    };
    gather.all(gradient)
}

/// Taps and lines as places of weights and of numbers.
fn places(
    lines: Vec<Vec<(usize, usize)>>,
    weights: usize,
    numbers: usize,
) -> Vec<Vec<(usize, usize)>> {
    let places = |line: Vec<(usize, usize)>| {
        let places = line.into_iter();
        places
            .map(|(tap, at)| (tap * weights, at * numbers))
            .collect()
    };
    lines.into_iter().map(places).collect()
}

/// Weights by tap, then by channel read, then by channel written, those in the order
/// of their registers.
fn packed(
    weights: &[f32],
    taps: usize,
    read: usize,
    written: usize,
    place: impl Fn(usize, usize, usize) -> usize,
) -> Vec<f32> {
    let mut packed = Vec::with_capacity(weights.len());
    for tap in 0..taps {
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
    /// Of each line of the target, where the weights of its taps begin, and the lines of
    /// the source that they connect it with.
    rows: &'a [Vec<(usize, usize)>],
    columns: &'a [Vec<(usize, usize)>],
    packed: &'a [f32],
}

impl Gather<'_> {
    fn all(&self, source: &[f32]) -> Vec<f32> {
        let arch = Arch::new();
        let (from_block, to_block) = (self.source.block(), self.target.block());
        map_blocks(source, from_block, to_block, |source, target| {
            arch.dispatch(GatherBlock {
                gather: self,
                source,
                target,
            });
        })
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
        for lane in (0..EXAMPLES).step_by(lanes) {
            let mut sums = [simd.splat_f32s(0.0); COUNT];
            for &(row_weights, row) in &self.rows[row] {
                for &(column_weights, column) in &self.columns[column] {
                    let pixel = &source[row + column..][..self.source.pixel()];
                    let weights = &self.packed[row_weights + column_weights..]
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
                for part in parts(shape.channels, OUTPUTS) {
                    let place = (row, column, part.start);
                    macro_rules! outputs {
                        ($($count:literal)*) => {
                            match part.len() {
                                $($count => {
                                    gather.outputs::<S, $count>(simd, place, source, target);
                                })*
                                _ => unreachable!("a part has 1 to 12 outputs"),
                            }
                        };
                    }
                    outputs!(1 2 3 4 5 6 7 8 9 10 11 12);
                }
            }
        }
    }
}

/// Channels in parts of at most that many, and of about the same size.
#[inline(always)]
fn parts(channels: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = channels.div_ceil(most);
    (0..count).map(move |part| part * channels / count..(part + 1) * channels / count)
}

/// How the loss changes with each weight: `[output][row][column][channel]`.
pub(crate) fn weight_gradient(
    input: &[f32],
    gradient: &[f32],
    outputs: usize,
    channels: usize,
    field: Field,
) -> Vec<f32> {
    let (input_shape, gradient_shape) = (field.input(channels), field.output(outputs));
    let blocks = input.len() / input_shape.block();
    let weights = outputs * field.taps() * channels;
    let arch = Arch::new();
    sum_over_blocks(blocks, weights, |index, sums| {
        arch.dispatch(WeightGradient {
            input: &input[index * input_shape.block()..][..input_shape.block()],
            input_shape,
            gradient: &gradient[index * gradient_shape.block()..][..gradient_shape.block()],
            gradient_shape,
            field,
            sums,
        });
    })
}

/// Adds to `sums`, which have a number for each example of a block.
struct WeightGradient<'a> {
    input: &'a [f32],
    input_shape: MapShape,
    gradient: &'a [f32],
    gradient_shape: MapShape,
    field: Field,
    sums: &'a mut [f32],
}

/// Pixels whose products are added up in registers: enough that loading and storing
/// the sums does not count, and few enough that all that is read stays in the
/// nearest cache for all taps.
const PIXELS: usize = 16;

/// What a tile of weights connects: outputs of those rows and columns, by a tap.
struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
    tap: (usize, usize),
    first_read: usize,
    first_written: usize,
}

impl WeightGradient<'_> {
    /// Of `READ` channels and `WRITTEN` outputs of one tap.
    #[inline(always)]
    fn tile<S: Simd, const READ: usize, const WRITTEN: usize>(&mut self, simd: S, tile: &Tile) {
        let lanes = S::F32_LANES.min(EXAMPLES);
        let channels = self.input_shape.channels;
        let Field { rows, columns } = self.field;
        let tap = tile.tap.0 * columns.taps + tile.tap.1;
        let taps = self.field.taps();
        let place = |output: usize| {
            let row = (tile.first_written + output) * taps + tap;
            (row * channels + tile.first_read) * EXAMPLES
        };
        let input_step = columns.stride * self.input_shape.pixel();
        let gradient_step = self.gradient_shape.pixel();
        for lane in (0..EXAMPLES).step_by(lanes) {
            let mut sums: [[S::f32s; READ]; WRITTEN] = std::array::from_fn(|output| {
                std::array::from_fn(|channel| {
                    let at = place(output) + channel * EXAMPLES + lane;
                    load(simd, &self.sums[at..at + lanes])
                })
            });
            for row in tile.rows.clone() {
                let first = tile.columns.start;
                let (input_row, input_column) = (
                    rows.input(row, tile.tap.0),
                    columns.input(first, tile.tap.1),
                );
                let read =
                    self.input_shape.at(input_row, input_column) + tile.first_read * EXAMPLES;
                let written = self.gradient_shape.at(row, first) + tile.first_written * EXAMPLES;
                for index in 0..tile.columns.len() {
                    let read = read + index * input_step;
                    let inputs = &self.input[read..read + READ * EXAMPLES];
                    let written = written + index * gradient_step;
                    let outputs = &self.gradient[written..written + WRITTEN * EXAMPLES];
                    let values: [S::f32s; READ] = std::array::from_fn(|channel| {
                        load(simd, &inputs[channel * EXAMPLES + lane..][..lanes])
                    });
                    for (output, sums) in sums.iter_mut().enumerate() {
                        let gradient = load(simd, &outputs[output * EXAMPLES + lane..][..lanes]);
                        for (sum, &value) in sums.iter_mut().zip(&values) {
                            *sum = simd.mul_add_e_f32s(value, gradient, *sum);
                        }
                    }
                }
            }
            for (output, sums) in sums.into_iter().enumerate() {
                for (channel, sum) in sums.into_iter().enumerate() {
                    let at = place(output) + channel * EXAMPLES + lane;
                    store(simd, &mut self.sums[at..at + lanes], sum);
                }
            }
        }
    }

    #[inline(always)]
    fn rows<S: Simd>(&mut self, simd: S, rows: &Range<usize>) {
        // A machine with vectors of 16 numbers has twice as many registers.
        let (most_read, most_written) = if S::F32_LANES >= EXAMPLES {
            (4, 6)
        } else {
            (3, 4)
        };
        let width = self.field.columns.taps;
        for tap in 0..self.field.taps() {
            let tap = (tap / width, tap % width);
            let inside = self.field.rows.outputs_of(tap.0);
            let inside = inside.start.max(rows.start)..inside.end.min(rows.end);
            let columns = self.field.columns.outputs_of(tap.1);
            if inside.is_empty() || columns.is_empty() {
                continue;
            }
            for written in parts(self.gradient_shape.channels, most_written) {
                for read in parts(self.input_shape.channels, most_read) {
                    let tile = Tile {
                        rows: inside.clone(),
                        columns: columns.clone(),
                        tap,
                        first_read: read.start,
                        first_written: written.start,
                    };
                    macro_rules! tiles {
                        ($($read:literal $written:literal),*) => {
                            match (read.len(), written.len()) {
                                $(($read, $written) => {
                                    self.tile::<S, $read, $written>(simd, &tile);
                                })*
                                _ => unreachable!("tiles have 1 to 4 by 1 to 6 weights"),
                            }
                        };
                    }
                    tiles!(
                        1 1, 1 2, 1 3, 1 4, 1 5, 1 6, 2 1, 2 2, 2 3, 2 4, 2 5, 2 6, 3 1, 3 2, 3 3,
                        3 4, 3 5, 3 6, 4 1, 4 2, 4 3, 4 4, 4 5, 4 6
                    );
                }
            }
        }
    }
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let height = self.gradient_shape.height;
        let rows = PIXELS.div_ceil(self.gradient_shape.width);
        for first in (0..height).step_by(rows) {
            self.rows(simd, &(first..height.min(first + rows)));
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
