//! Sampling an input where the map and the field say: bilinear, in fixed point.

use super::affine::Affine;
use super::elastic::Field;
use crate::InputShape;

/// Coordinates are in steps of 1/256 pixel.
const FRACTION_BITS: u32 = 8;
const ONE: u32 = 1 << FRACTION_BITS;

/// What is sampled.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) input: &'a [u8],
    pub(super) shape: InputShape,
    /// Whether beyond its edges is what is at them, else 0.
    pub(super) repeats_edges: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sampler {
    /// The input within a frame of zeros, or of its edges: one pixel above and on the left, two below and on the
    /// right. Every coordinate that is clamped to it has four neighbours.
    framed: Vec<u8>,
    /// Where the pixels of a row come from.
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Sampler {
    pub(super) fn sample(
        &mut self,
        source: Source<'_>,
        map: Affine,
        field: Option<&Field>,
        output: &mut [u8],
    ) {
        // With the count known, the loop over channels is gone.
        match source.shape.channels {
            1 => self.sample_channels(source, 1, map, field, output),
            channels => self.sample_channels(source, channels as usize, map, field, output),
        }
    }

    #[inline(always)]
    fn sample_channels(
        &mut self,
        source: Source<'_>,
        channels: usize,
        map: Affine,
        field: Option<&Field>,
        output: &mut [u8],
    ) {
        let Source {
            input,
            shape,
            repeats_edges,
        } = source;
        let (width, height) = (shape.width as usize, shape.height as usize);
        let stride = (width + 3) * channels;
        self.frame(input, width * channels, channels, height);
        if repeats_edges {
            self.repeat_edges(width * channels, channels, height);
        }
        self.x.resize(width, 0.0);
        self.y.resize(width, 0.0);

        for (row, pixels) in output.chunks_exact_mut(width * channels).enumerate() {
            // The frame's first pixel is at −1.
            let x0 = map.x0 + map.xy * row as f32 + 1.0;
            let y0 = map.y0 + map.yy * row as f32 + 1.0;
            for (column, (x, y)) in self.x.iter_mut().zip(&mut self.y).enumerate() {
                *x = x0 + map.xx * column as f32;
                *y = y0 + map.yx * column as f32;
            }
            if let Some(field) = field {
                field.displace(row, &mut self.x, &mut self.y);
            }
            let (most_x, most_y) = ((width + 1) as f32, (height + 1) as f32);
            for ((pixel, x), y) in pixels.chunks_exact_mut(channels).zip(&self.x).zip(&self.y) {
                let (column, right) = fixed(*x, most_x);
                let (row, lower) = fixed(*y, most_y);
                let first = row * stride + column * channels;
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let corner = first + channel;
                    let [upper_left, upper_right, lower_left, lower_right] =
                        [0, channels, stride, stride + channels]
                            .map(|offset| u32::from(self.framed[corner + offset]));
                    let upper_value = upper_left * (ONE - right) + upper_right * right;
                    let lower_value = lower_left * (ONE - right) + lower_right * right;
                    let sum = upper_value * (ONE - lower) + lower_value * lower;
                    *value = ((sum + ONE * ONE / 2) >> (2 * FRACTION_BITS)) as u8;
                }
            }
        }
    }

    fn frame(&mut self, input: &[u8], row_bytes: usize, pixel_bytes: usize, height: usize) {
        let stride = row_bytes + 3 * pixel_bytes;
        self.framed.clear();
        self.framed.resize(stride * (height + 3), 0);
        let rows = self.framed[stride..].chunks_exact_mut(stride);
        for (framed, row) in rows.zip(input.chunks_exact(row_bytes)) {
            framed[pixel_bytes..][..row_bytes].copy_from_slice(row);
        }
    }
}

impl Sampler {
    /// Fills the frame with what is at the input's edges.
    fn repeat_edges(&mut self, row_bytes: usize, pixel_bytes: usize, height: usize) {
        let stride = row_bytes + 3 * pixel_bytes;
        for row in 1..=height {
            let row = &mut self.framed[row * stride..][..stride];
            row.copy_within(pixel_bytes..2 * pixel_bytes, 0);
            for right in 0..2 {
                let to = pixel_bytes + row_bytes + right * pixel_bytes;
                row.copy_within(row_bytes..row_bytes + pixel_bytes, to);
            }
        }
        self.framed.copy_within(stride..2 * stride, 0);
        for below in 1..=2 {
            let last = height * stride;
            self.framed
                .copy_within(last..last + stride, last + below * stride);
        }
    }
}

/// A coordinate, 0 to `most`, as whole pixels and the rest in steps.
fn fixed(coordinate: f32, most: f32) -> (usize, u32) {
    let steps = (coordinate.clamp(0.0, most) * ONE as f32 + 0.5) as i32 as u32;
    ((steps >> FRACTION_BITS) as usize, steps % ONE)
}
