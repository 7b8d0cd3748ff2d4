//! Images, pixel by pixel.

use super::super::{MARGIN, WIDTH};
use super::Shape;
use resvg::tiny_skia::{ColorU8, Pixmap};

/// An image is enlarged to about that many pixels.
const SIDE: usize = 84;

/// How many pixels of the sheet a pixel of an image takes, or the other way round.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    enlarged: usize,
    thinned: usize,
}

impl Scale {
    pub(super) fn of(shape: Shape) -> Self {
        let side = shape.height.max(shape.width).max(1);
        let widest = (WIDTH - 2.0 * MARGIN) as usize;
        Self {
            enlarged: (SIDE / side).max(1),
            thinned: side.div_ceil(widest),
        }
    }

    /// The size on the sheet, in pixels.
    pub(super) fn size(self, shape: Shape) -> (f64, f64) {
        let side = |side: usize| (side.div_ceil(self.thinned) * self.enlarged) as f64;
        (side(shape.width), side(shape.height))
    }

    /// Copies the image to the sheet.
    pub(super) fn copy(self, pixels: &mut Pixmap, at: (usize, usize), input: &[u8], shape: Shape) {
        let (width, height) = self.size(shape);
        let sheet_width = pixels.width() as usize;
        for y in 0..height as usize {
            for x in 0..width as usize {
                let source = |place| place / self.enlarged * self.thinned;
                let index = (source(y) * shape.width + source(x)) * shape.channels;
                let values = &input[index..index + shape.channels];
                let [red, green, blue] = colour(values);
                pixels.pixels_mut()[(at.1 + y) * sheet_width + at.0 + x] =
                    ColorU8::from_rgba(red, green, blue, 255).premultiply();
            }
        }
    }
}

fn colour(values: &[u8]) -> [u8; 3] {
    match *values {
        [red, green, blue] => [red, green, blue],
        [] => [0; 3],
        _ => {
            let sum: usize = values.iter().map(|&value| usize::from(value)).sum();
            [(sum / values.len()) as u8; 3]
        }
    }
}
