//! The examples of a training.

use std::path::PathBuf;

use anyhow::{Result, bail};
use herringbone_compiler::network::Network;
use herringbone_dataset::{Examples, Options, Source, split};

use crate::EXAMPLES;
use crate::intake::Intake;

/// Which examples a network is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct DataOptions {
    /// Where they are: what [`Source`] reads.
    pub path: PathBuf,
    /// The share that validates, of those for training: above 0, at most 0.5.
    pub validation_share: f64,
    /// Whether images of another size are resized.
    pub resize: bool,
}

/// Examples that were read and split. Those for testing are not read yet.
pub struct Data {
    pub(super) options: DataOptions,
    pub(super) source: Source,
    /// The examples that weights are learnt from.
    pub training: Examples,
    /// The examples by which the best epoch is chosen.
    pub validation: Examples,
    /// SHA-256 of the files of training data, in hexadecimal.
    pub checksum: String,
}

impl Data {
    /// Reads the examples for training, which must be those of `network`'s input and
    /// classes. `seed` tells which of them validate.
    ///
    /// # Errors
    /// With everything that is wrong with the data.
    pub fn open(options: DataOptions, network: &Network, seed: u64) -> Result<Self> {
        let share = options.validation_share;
        if !(share > 0.0 && share <= 0.5) {
            bail!("a share of {share} for validation: it must be above 0 and at most 0.5");
        }
        let reading = Options {
            resize: options.resize,
        };
        let classes = network.output().values() as usize;
        let shape = Intake::of(network).input();
        let source = Source::open(&options.path, shape, classes, reading)?;
        let (training, validation) = split(source.training()?, share, seed);
        let path = options.path.display();
        if validation.is_empty() {
            bail!(
                "{path}: of {} examples, a share of {share} for validation is none: \
                 give more examples, or a larger share",
                training.len()
            );
        }
        if training.len() < EXAMPLES {
            bail!(
                "{path}: {} examples are left for training: there must be {EXAMPLES} at least",
                training.len()
            );
        }
        Ok(Self {
            checksum: source.checksum()?,
            options,
            source,
            training,
            validation,
        })
    }
}
