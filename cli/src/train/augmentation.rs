//! The options that say how examples are changed.

use clap::Args;
use herringbone_dataset::InputShape;
use herringbone_dataset::augment::{Augmentation, Elastic, InputKind};
use herringbone_trainer::recipe::{Recipe, share_of_augmentation};

use super::Switch;

/// The most that an example is changed, again in each epoch. Each default depends on the
/// size of the input; 0 switches it off.
#[derive(Args)]
#[command(next_help_heading = "Augmentation")]
pub(super) struct AugmentationArguments {
    /// Train on the examples as they are
    #[arg(
        long,
        conflicts_with_all = [
            "augmentation", "shift", "rotate", "scale", "shear", "elastic", "mirror", "crop",
            "cutout", "gain", "noise", "time_mask", "frequency_mask",
        ]
    )]
    no_augmentation: bool,
    /// All of these, as a share of what suits a large network [default: 0.3]
    #[arg(long, value_name = "SHARE")]
    augmentation: Option<f64>,
    /// Largest shift, in pixels
    #[arg(long, value_name = "PX")]
    shift: Option<f64>,
    /// Largest rotation, in degrees
    #[arg(long, value_name = "DEG")]
    rotate: Option<f64>,
    /// Largest change of scale: 0.1 is 0.9 to 1.1
    #[arg(long, value_name = "SHARE")]
    scale: Option<f64>,
    /// Largest shear, in degrees
    #[arg(long, value_name = "DEG")]
    shear: Option<f64>,
    /// Mean elastic displacement, in pixels
    #[arg(long, value_name = "PX")]
    elastic: Option<f64>,
    /// Exchange left and right in every other image [default: on for images in colour]: no
    /// class may be another one's mirror image
    #[arg(long, value_enum, value_name = "WHETHER")]
    mirror: Option<Switch>,
    /// Largest shift by whole pixels [default: a tenth of the side, for images in colour]
    #[arg(long, value_name = "PX")]
    crop: Option<u32>,
    /// Side of a square to hide [default: 0]
    #[arg(long, value_name = "PX")]
    cutout: Option<u32>,
    /// Largest change of a signal's loudness: 0.1 is 0.9 to 1.1
    #[arg(long, value_name = "SHARE")]
    gain: Option<f64>,
    /// Largest noise added to a signal, in levels of 256
    #[arg(long, value_name = "LEVELS")]
    noise: Option<f64>,
    /// Most time steps to hide
    #[arg(long, value_name = "N")]
    time_mask: Option<u32>,
    /// Most bands of a spectrogram to hide
    #[arg(long, value_name = "N")]
    frequency_mask: Option<u32>,
}

impl AugmentationArguments {
    pub(super) fn changes(&self, shape: InputShape, kind: InputKind) -> Augmentation {
        if self.no_augmentation {
            return Augmentation::none();
        }
        let share = self.augmentation.unwrap_or(Recipe::AUGMENTATION_SHARE);
        let defaults = share_of_augmentation(shape, kind, share);
        let elastic = match (self.elastic, defaults.elastic) {
            (None, elastic) => elastic,
            (Some(0.0), _) => None,
            (Some(alpha_pixels), elastic) => Some(Elastic {
                alpha_pixels,
                // A series has none of its own: a wave about as long as a sixth of it.
                sigma_pixels: elastic
                    .map_or(f64::from(shape.width) / 6.0, |it| it.sigma_pixels)
                    .max(1.0),
            }),
        };
        Augmentation {
            shift_pixels: self.shift.unwrap_or(defaults.shift_pixels),
            rotate_degrees: self.rotate.unwrap_or(defaults.rotate_degrees),
            scale: self.scale.unwrap_or(defaults.scale),
            shear_degrees: self.shear.unwrap_or(defaults.shear_degrees),
            elastic,
            repeats_edges: defaults.repeats_edges,
            mirrors: self.mirror.map_or(defaults.mirrors, |it| it == Switch::On),
            crop_pixels: self.crop.unwrap_or(defaults.crop_pixels),
            cutout_pixels: self.cutout.unwrap_or(defaults.cutout_pixels),
            gain: self.gain.unwrap_or(defaults.gain),
            noise_levels: self.noise.unwrap_or(defaults.noise_levels),
            time_mask: self.time_mask.unwrap_or(defaults.time_mask),
            frequency_mask: self.frequency_mask.unwrap_or(defaults.frequency_mask),
        }
    }
}
