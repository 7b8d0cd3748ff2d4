//! Changes of photographs: mirrored, cropped and partly hidden.

use super::Augmentation;
use crate::{InputShape, Rng};

/// Changes an image in place. Draws nothing of `random` for what is switched off. `copy` is
/// memory for the image as it was.
pub(super) fn change(
    limits: &Augmentation,
    shape: InputShape,
    random: &mut Rng,
    values: &mut [u8],
    copy: &mut Vec<u8>,
) {
    let [height, width, channels] =
        [shape.height, shape.width, shape.channels].map(|side| side as usize);
    let is_mirrored = limits.mirrors && random.below(2) == 1;
    let crop = limits.crop_pixels as usize;
    let mut shift = |side: usize| match crop {
        // A side of one pixel is never left.
        1.. if side > 1 => random.below(2 * crop + 1) as isize - crop as isize,
        _ => 0,
    };
    let [down, right] = [height, width].map(&mut shift);
    if is_mirrored || down != 0 || right != 0 {
        copy.clear();
        copy.extend_from_slice(values);
        // What is beyond an edge is what is at it.
        let from =
            |at: usize, shift: isize, side: usize| at.saturating_add_signed(-shift).min(side - 1);
        for (row, pixels) in values.chunks_exact_mut(width * channels).enumerate() {
            let first = from(row, down, height) * width;
            for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                let column = from(column, right, width);
                let column = if is_mirrored {
                    width - 1 - column
                } else {
                    column
                };
                pixel.copy_from_slice(&copy[(first + column) * channels..][..channels]);
            }
        }
    }
    if limits.cutout_pixels > 0 {
        cut_out(
            limits.cutout_pixels as usize,
            [height, width, channels],
            random,
            values,
        );
    }
}

/// Fills a square, whose centre is anywhere in the image, with the image's mean (DeVries & Taylor
/// 2017, "Improved regularization of convolutional neural networks with cutout").
fn cut_out(
    size: usize,
    [height, width, channels]: [usize; 3],
    random: &mut Rng,
    values: &mut [u8],
) {
    let mut span = |side: usize| {
        let centre = random.below(side);
        let first = centre.saturating_sub(size / 2);
        first..(centre + size.div_ceil(2)).min(side)
    };
    let (rows, columns) = (span(height), span(width));
    for channel in 0..channels {
        let all = values.iter().skip(channel).step_by(channels);
        let sum: u64 = all.map(|&value| u64::from(value)).sum();
        let mean = (sum / (height * width) as u64) as u8;
        for row in rows.clone() {
            for column in columns.clone() {
                values[(row * width + column) * channels + channel] = mean;
            }
        }
    }
}
