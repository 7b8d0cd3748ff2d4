//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::firmware::{Firmware, WeightsSource};

/// The root of the checkout.
///
/// # Panics
/// Never: this crate is one folder below the root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the checkout")
}

/// Where all firmware is built: what the macro is made of is compiled once, not once a firmware.
#[must_use]
pub fn firmware_target() -> PathBuf {
    root().join("target/firmware")
}

/// The folder next to the checkout that has data to test with: published weights and MNIST.
#[must_use]
pub fn shared() -> PathBuf {
    root().with_file_name("shared")
}

/// The weights that networks are built with: a given file, or those that ship.
#[derive(Debug, Clone, Default)]
pub struct Weights(Option<PathBuf>);

impl Weights {
    /// The variable by which a network's declaration finds weights that can be given.
    pub const VARIABLE: &str = "HERRINGBONE_WEIGHTS";

    /// Those in `file`, or those that ship where none is given.
    ///
    /// # Errors
    /// When the file is not there.
    pub fn choose(file: Option<PathBuf>) -> Result<Self> {
        let find = |file: PathBuf| {
            file.canonicalize()
                .with_context(|| format!("cannot find the weights {}", file.display()))
        };
        file.map(find).transpose().map(Self)
    }

    /// As [`Self::choose`], for `firmwares`.
    ///
    /// # Errors
    /// When the file is not there, or none of them takes other weights than its own.
    pub fn choose_for(firmwares: &[&Firmware], file: Option<PathBuf>) -> Result<Self> {
        let only_own = |firmware: &&Firmware| firmware.weights == WeightsSource::Fixed;
        let names: Vec<_> = firmwares.iter().map(|firmware| firmware.name).collect();
        ensure!(
            file.is_none() || !firmwares.iter().all(only_own),
            "{} uses the weights file next to its declaration; leave --weights out",
            names.join(", ")
        );
        Self::choose(file)
    }

    /// The file for `firmware`, as an absolute path; none where its declaration names it.
    #[must_use]
    pub fn file(&self, firmware: &Firmware) -> Option<PathBuf> {
        match firmware.weights {
            WeightsSource::Fixed => None,
            WeightsSource::Given { shipped } | WeightsSource::Loaded { shipped } => {
                Some(self.0.clone().unwrap_or_else(|| root().join(shipped)))
            }
        }
    }

    /// What to call a program of `firmware` with these weights: not as one with others.
    #[must_use]
    pub fn name(&self, firmware: &Firmware) -> String {
        let stem = self.0.as_deref().and_then(Path::file_stem);
        match stem.filter(|_| firmware.weights != WeightsSource::Fixed) {
            Some(stem) => format!("{}-{}", firmware.name, stem.display()),
            None => firmware.name.to_owned(),
        }
    }
}
