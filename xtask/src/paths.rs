//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::firmware::{Firmware, WeightsSource};

/// The root of the checkout.
///
/// # Panics
/// Never: this crate lies one folder below the root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the checkout")
}

/// The folder beside the checkout that has data to test with: published weights and MNIST.
#[must_use]
pub fn shared() -> PathBuf {
    root().with_file_name("shared")
}

/// The weights that a network is built with.
#[derive(Debug, Clone)]
pub struct Weights(PathBuf);

impl Weights {
    /// The variable by which the network's declaration finds its weights.
    pub const VARIABLE: &str = "HERRINGBONE_WEIGHTS";

    /// `file`, or the published weights where none is given.
    ///
    /// # Errors
    /// When the file is not there.
    pub fn choose(file: Option<PathBuf>) -> Result<Self> {
        if let Some(file) = file {
            let file = file
                .canonicalize()
                .with_context(|| format!("cannot find the weights {}", file.display()))?;
            return Ok(Self(file));
        }
        let published = shared().join("reference/paper-mnist.safetensors");
        if !published.is_file() {
            bail!(
                "there are no weights: {} is not there; give some with --weights FILE",
                published.display()
            );
        }
        Ok(Self(published))
    }

    /// As [`Self::choose`], where one of `firmwares` wants weights.
    ///
    /// # Errors
    /// When the file is not there, or is given and nothing wants it.
    pub fn choose_for(firmwares: &[&Firmware], file: Option<PathBuf>) -> Result<Option<Self>> {
        if firmwares
            .iter()
            .any(|firmware| firmware.weights != WeightsSource::Shipped)
        {
            return Self::choose(file).map(Some);
        }
        if file.is_some() {
            let names: Vec<_> = firmwares.iter().map(|firmware| firmware.name).collect();
            bail!(
                "the weights of {} lie beside the declaration; leave --weights out",
                names.join(", ")
            );
        }
        Ok(None)
    }

    /// The file, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}
