//! Augmentation: each epoch sees every image a little moved, turned, scaled and bent.
//!
//! One affine map and one smooth field of displacements tell for each pixel of the output where in
//! the input it comes from; the input is sampled there once, so nothing is blurred twice.

mod affine;
mod elastic;
mod sample;

use crate::problems::Checks;
use crate::random::Purpose;
use crate::{InputShape, Problems, Rng};
use affine::Affine;

/// The side of MNIST's images, at which the defaults were chosen.
const DIGIT_SIDE_PIXELS: f64 = 28.0;

/// How much an input is changed at most. Zero switches a change off.
///
/// Every change is drawn uniformly from both directions. A side of one pixel is never left: inputs
/// of height 1 are moved, scaled and bent along their width alone, and never turned or sheared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Shift along each side, in pixels: 0 or more.
    pub shift_pixels: f64,
    /// Rotation about the centre, in degrees: 0 to 180.
    pub rotate_degrees: f64,
    /// Scale of each side by itself: 0.1 is 0.9 to 1.1. 0 to 0.9.
    pub scale: f64,
    /// Horizontal shear, in degrees that vertical lines are tilted by: 0 to 60.
    pub shear_degrees: f64,
    /// Elastic distortion.
    pub elastic: Option<Elastic>,
}

/// Elastic distortion: a random displacement of each pixel, alike for neighbours.
///
/// Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual
/// document analysis", ICDAR 2003, section 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// Root mean square of the displacements along each side, in pixels: 0 or more. This is the
    /// size that is seen; the paper's α scales a field of another size for each σ.
    pub alpha_pixels: f64,
    /// How far neighbours are displaced alike: standard deviation of the kernel that smooths the
    /// displacements, in pixels, 1 or more.
    pub sigma_pixels: f64,
}

impl Augmentation {
    /// No change.
    pub const fn none() -> Self {
        Self {
            shift_pixels: 0.0,
            rotate_degrees: 0.0,
            scale: 0.0,
            shear_degrees: 0.0,
            elastic: None,
        }
    }

    /// What keeps handwritten digits, and most small images, what they are. Inputs of height 1 are
    /// shifted and scaled along their width alone.
    pub fn default_for(shape: InputShape) -> Self {
        let is_series = shape.height == 1;
        let side = if is_series {
            shape.width
        } else {
            shape.height.min(shape.width)
        };
        let relative = f64::from(side) / DIGIT_SIDE_PIXELS;
        let series = Self {
            shift_pixels: 2.0 * relative,
            scale: 0.1,
            ..Self::none()
        };
        if is_series {
            return series;
        }
        Self {
            rotate_degrees: 10.0,
            shear_degrees: 8.0,
            // Little enough for the field never to fold: the grid's points are displaced by less
            // than 0.48 of their spacing (Choi & Lee, "Injectivity conditions of 2D and 3D uniform
            // cubic B-spline functions", Graphical Models 62, 2000).
            elastic: Some(Elastic {
                alpha_pixels: 0.8 * relative,
                sigma_pixels: (4.0 * relative).max(1.0),
            }),
            ..series
        }
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Checks that every value is within its range.
    ///
    /// # Errors
    /// With each that is not.
    pub fn check(&self) -> Result<(), Problems> {
        let mut checks = Checks::default();
        let mut check = |name: &str, value: f64, least: f64, most: f64| {
            if !(least..=most).contains(&value) {
                checks.fail(format!(
                    "augmentation: {name} must be {least} to {most}, found {value}"
                ));
            }
        };
        check("the shift in pixels", self.shift_pixels, 0.0, 255.0);
        check("the rotation in degrees", self.rotate_degrees, 0.0, 180.0);
        check("the scale", self.scale, 0.0, 0.9);
        check("the shear in degrees", self.shear_degrees, 0.0, 60.0);
        if let Some(elastic) = self.elastic {
            check("elastic alpha in pixels", elastic.alpha_pixels, 0.0, 255.0);
            check("elastic sigma in pixels", elastic.sigma_pixels, 1.0, 255.0);
        }
        checks.finish()
    }

    /// Augments `input` into `output`: bilinear sampling, 0 beyond the edge. What comes out is
    /// told by `random` alone: with elastic distortion switched off, the rest is the same.
    ///
    /// # Panics
    /// When `input` or `output` has another length than `shape.values()`.
    pub fn apply(
        &self,
        input: &[u8],
        shape: InputShape,
        random: &mut Rng,
        output: &mut [u8],
        scratch: &mut Scratch,
    ) {
        assert_eq!(input.len(), shape.values(), "bytes of the input");
        assert_eq!(output.len(), shape.values(), "bytes of the output");
        if self.is_none() {
            output.copy_from_slice(input);
            return;
        }
        let map = Affine::draw(self, shape, random);
        if let Some(elastic) = self.elastic {
            scratch.field.draw(elastic, shape, random);
        }
        let field = self.elastic.map(|_| &scratch.field);
        scratch.sampler.sample(input, shape, map, field, output);
    }
}

/// The generator for augmenting one example in one epoch: the same whatever was augmented before,
/// and on whichever thread, so that a resumed training goes on as if it had not stopped.
pub fn rng(seed: u64, epoch: u32, index: usize) -> Rng {
    Rng::new(Purpose::Augment, seed, epoch, index as u64)
}

/// Memory that [`Augmentation::apply`] uses again and again. Each thread has its own.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    field: elastic::Field,
    sampler: sample::Sampler,
}
