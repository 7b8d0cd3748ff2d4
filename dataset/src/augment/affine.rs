//! The affine map from a pixel of the output to where it comes from in the input.

use super::Augmentation;
use crate::{InputShape, Rng};

/// `(x, y)` of the output comes from `(x0 + xx·x + xy·y, y0 + yx·x + yy·y)` of the input, in pixels
/// from the centre of the upper left one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) x0: f32,
    pub(super) xx: f32,
    pub(super) xy: f32,
    pub(super) y0: f32,
    pub(super) yx: f32,
    pub(super) yy: f32,
}

impl Affine {
    /// Draws a map: six numbers of `random`, whatever is switched on.
    pub(super) fn draw(limits: &Augmentation, shape: InputShape, random: &mut Rng) -> Self {
        let (is_wide, is_high) = (shape.width > 1, shape.height > 1);
        let mut draw = |limit: f64, applies: bool| {
            let unit = random.signed_unit();
            if applies { limit as f32 * unit } else { 0.0 }
        };
        let shift_x = draw(limits.shift_pixels, is_wide);
        let shift_y = draw(limits.shift_pixels, is_high);
        let scale_x = 1.0 + draw(limits.scale, is_wide);
        let scale_y = 1.0 + draw(limits.scale, is_high);
        let angle = draw(limits.rotate_degrees, is_wide && is_high).to_radians();
        let tilt = draw(limits.shear_degrees, is_wide && is_high)
            .to_radians()
            .tan();

        // About the centre, the output is the input scaled, sheared, turned, then shifted: undone
        // from the last to the first.
        let (sin, cos) = angle.sin_cos();
        let (xx, xy) = ((cos + tilt * sin) / scale_x, (sin - tilt * cos) / scale_x);
        let (yx, yy) = (-sin / scale_y, cos / scale_y);
        let [centre_x, centre_y] = [shape.width, shape.height].map(|side| (side - 1) as f32 / 2.0);
        let (to_x, to_y) = (centre_x + shift_x, centre_y + shift_y);
        Self {
            x0: centre_x - xx * to_x - xy * to_y,
            xx,
            xy,
            y0: centre_y - yx * to_x - yy * to_y,
            yx,
            yy,
        }
    }
}
