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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::rng;

    const SHAPE: InputShape = InputShape {
        height: 7,
        width: 5,
        channels: 1,
    };

    fn draw(limits: Augmentation, shape: InputShape) -> impl Iterator<Item = Affine> {
        (0..100).map(move |index| Affine::draw(&limits, shape, &mut rng(1, 0, index)))
    }

    fn from(map: Affine, x: f32, y: f32) -> [f32; 2] {
        [
            map.x0 + map.xx * x + map.xy * y,
            map.y0 + map.yx * x + map.yy * y,
        ]
    }

    #[test]
    fn a_rotation_turns_about_the_centre() {
        let limits = Augmentation {
            rotate_degrees: 90.0,
            ..Augmentation::none()
        };
        for map in draw(limits, SHAPE) {
            let [x, y] = from(map, 2.0, 3.0);
            assert!((x - 2.0).abs() < 1e-4 && (y - 3.0).abs() < 1e-4, "{map:?}");
            let [x, y] = from(map, 5.0, 7.0);
            assert!(((x - 2.0).hypot(y - 3.0) - 5.0).abs() < 1e-4, "{map:?}");
        }
    }

    #[test]
    fn a_shear_leaves_rows_and_areas() {
        let limits = Augmentation {
            shear_degrees: 45.0,
            ..Augmentation::none()
        };
        for map in draw(limits, SHAPE) {
            assert_eq!([map.xx, map.yx.abs(), map.yy], [1.0, 0.0, 1.0]);
            assert!(map.xy.abs() <= 1.0);
        }
    }

    #[test]
    fn changes_use_all_of_their_range_and_no_more() {
        let limits = Augmentation {
            shift_pixels: 2.0,
            scale: 0.2,
            ..Augmentation::none()
        };
        let mut shifts = [0.0_f32; 2];
        let mut scales = [1.0_f32; 2];
        for map in draw(limits, SHAPE) {
            let scale = 1.0 / map.xx;
            scales = [scales[0].min(scale), scales[1].max(scale)];
            // Where the centre of the input goes.
            let shift = (2.0 - map.x0) / map.xx - 2.0;
            shifts = [shifts[0].min(shift), shifts[1].max(shift)];
        }
        assert!(-2.0 <= shifts[0] && shifts[0] < -1.8 && 1.8 < shifts[1] && shifts[1] <= 2.0);
        assert!(0.8 <= scales[0] && scales[0] < 0.82 && 1.18 < scales[1] && scales[1] <= 1.2);
    }

    #[test]
    fn a_side_of_one_pixel_is_never_left() {
        let limits = Augmentation {
            shift_pixels: 2.0,
            rotate_degrees: 90.0,
            scale: 0.2,
            shear_degrees: 45.0,
            ..Augmentation::none()
        };
        let series = InputShape { height: 1, ..SHAPE };
        for map in draw(limits, series) {
            assert_eq!(from(map, 4.0, 0.0)[1], 0.0);
        }
        let column = InputShape { width: 1, ..SHAPE };
        for map in draw(limits, column) {
            assert_eq!(from(map, 0.0, 4.0)[0], 0.0);
        }
    }
}
