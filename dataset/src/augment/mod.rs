//! Augmentation: each epoch sees every image a little moved, turned, scaled and bent, every signal
//! a little later, louder and noisier.
//!
//! One affine map and one smooth field of displacements give for each pixel of the output where in
//! the input it comes from; the input is sampled there once, so nothing is blurred twice.

mod affine;
mod elastic;
mod kind;
mod photograph;
mod sample;
mod signal;

use crate::problems::Checks;
use crate::random::Purpose;
use crate::{InputShape, Problems, Rng};
use affine::Affine;
pub use kind::InputKind;

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
    /// What is beyond the edges: what is at the edge, as in a signal, else 0, as on paper.
    pub repeats_edges: bool,
    /// Whether left and right are exchanged in every other image.
    pub mirrors: bool,
    /// Shift along each side by whole pixels, which blurs nothing; what comes in repeats the
    /// edges. 0 to 255.
    pub crop_pixels: u32,
    /// The side of a square that is hidden somewhere, in pixels: 0 to 255.
    pub cutout_pixels: u32,
    /// Loudness: 0.1 is 0.9 to 1.1 of how far each value is from its channel's mean. 0 to 0.9.
    pub gain: f64,
    /// Deviation of the noise that is added, in levels of 256: 0 to 64.
    pub noise_levels: f64,
    /// Rows next to each other that are hidden, which are moments of a spectrogram; of a series,
    /// columns. 0 to 255.
    pub time_mask: u32,
    /// Columns next to each other that are hidden, which are bands of a spectrogram; none of a
    /// series. 0 to 255.
    pub frequency_mask: u32,
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
            repeats_edges: false,
            mirrors: false,
            crop_pixels: 0,
            cutout_pixels: 0,
            gain: 0.0,
            noise_levels: 0.0,
            time_mask: 0,
            frequency_mask: 0,
        }
    }

    /// What keeps handwritten digits, and most small images, what they are; what a sensor that is
    /// read a moment later, closer by or with more noise gives; and, of spectrograms, what a few
    /// hidden moments and bands leave (Park et al., "`SpecAugment`", Interspeech 2019).
    pub fn default_for(shape: InputShape, kind: InputKind) -> Self {
        let side = match kind {
            InputKind::Series if shape.height == 1 => shape.width,
            InputKind::Series => shape.height,
            InputKind::Image | InputKind::Spectrogram => shape.height.min(shape.width),
        };
        let relative = f64::from(side) / DIGIT_SIDE_PIXELS;
        let moved = Self {
            shift_pixels: 2.0 * relative,
            scale: 0.1,
            ..Self::none()
        };
        let heard = Self {
            repeats_edges: true,
            gain: 0.2,
            noise_levels: 6.0,
            ..moved
        };
        match kind {
            // What is photographed in colour is not written: mirrored, it is of the same class.
            InputKind::Image if shape.channels == 3 => {
                return Self {
                    mirrors: true,
                    crop_pixels: (side / 10).max(1),
                    repeats_edges: true,
                    ..Self::none()
                };
            }
            InputKind::Image => {}
            // Columns of several rows are sensors, or what is computed of them: between two is none.
            InputKind::Series if shape.height > 1 && shape.width > 1 => {
                return Self {
                    shift_pixels: 0.0,
                    scale: 0.0,
                    ..heard
                };
            }
            InputKind::Series => return heard,
            InputKind::Spectrogram => {
                return Self {
                    time_mask: shape.height / 6,
                    frequency_mask: shape.width / 6,
                    ..heard
                };
            }
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
            ..moved
        }
    }

    /// That share of all of it; of what is no matter of size, mirroring and cropping, all or
    /// nothing.
    pub fn scaled(self, share: f64) -> Self {
        let rounded = |count: u32| (f64::from(count) * share).round() as u32;
        let elastic = self.elastic.filter(|_| share != 0.0);
        Self {
            shift_pixels: self.shift_pixels * share,
            rotate_degrees: self.rotate_degrees * share,
            scale: self.scale * share,
            shear_degrees: self.shear_degrees * share,
            elastic: elastic.map(|elastic| Elastic {
                alpha_pixels: elastic.alpha_pixels * share,
                ..elastic
            }),
            repeats_edges: self.repeats_edges,
            mirrors: self.mirrors && share > 0.0,
            crop_pixels: if share > 0.0 { self.crop_pixels } else { 0 },
            cutout_pixels: rounded(self.cutout_pixels),
            gain: self.gain * share,
            noise_levels: self.noise_levels * share,
            time_mask: rounded(self.time_mask),
            frequency_mask: rounded(self.frequency_mask),
        }
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        let unmoved = Self {
            repeats_edges: false,
            ..*self
        };
        unmoved == Self::none()
    }

    /// Whether pixels move by other than whole ones.
    fn moves(&self) -> bool {
        let still = Self {
            repeats_edges: self.repeats_edges,
            mirrors: self.mirrors,
            crop_pixels: self.crop_pixels,
            cutout_pixels: self.cutout_pixels,
            gain: self.gain,
            noise_levels: self.noise_levels,
            time_mask: self.time_mask,
            frequency_mask: self.frequency_mask,
            ..Self::none()
        };
        still != *self
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
        check("the gain", self.gain, 0.0, 0.9);
        check("the noise in levels", self.noise_levels, 0.0, 64.0);
        check("the crop in pixels", self.crop_pixels.into(), 0.0, 255.0);
        check(
            "the cutout in pixels",
            self.cutout_pixels.into(),
            0.0,
            255.0,
        );
        check("the time mask", self.time_mask.into(), 0.0, 255.0);
        check("the frequency mask", self.frequency_mask.into(), 0.0, 255.0);
        checks.finish()
    }

    /// Augments `input` into `output`: bilinear sampling, then gain, noise and masks. What comes out is
    /// given by `random` only: with elastic distortion switched off, the rest is the same.
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
        let source = sample::Source {
            input,
            shape,
            repeats_edges: self.repeats_edges,
        };
        match self.moves() {
            true => scratch.sampler.sample(source, map, field, output),
            false => output.copy_from_slice(input),
        }
        photograph::change(self, shape, random, output, &mut scratch.copy);
        signal::change(self, shape, random, output);
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
    /// An image before it is cropped.
    copy: Vec<u8>,
}
