//! A firmware with all that is needed to run it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::build;
use crate::classifier::{Host, Simulated};
use crate::digits::{self, Digit};
use crate::firmware::{Firmware, Inputs, WeightsSource};
use crate::params;
use crate::paths::Weights;
use crate::toolchain::Toolchain;

/// A firmware, its network on this machine, and the simulator.
#[derive(Debug)]
pub struct Programs {
    /// Which firmware.
    pub firmware: &'static Firmware,
    /// The firmware, built.
    pub elf: PathBuf,
    /// What it gets before the first image, and its network on this machine too: the parameters,
    /// where it loads them.
    pub preamble: Option<PathBuf>,
    host: PathBuf,
    simulator: PathBuf,
}

impl Programs {
    /// Builds `firmware`, to run in `simulator`.
    ///
    /// # Errors
    /// When something does not compile, or the weights are not such that the firmware can load them.
    pub fn build(
        firmware: &'static Firmware,
        weights: &Weights,
        toolchain: Toolchain,
        simulator: &Path,
    ) -> Result<Self> {
        let elf = build::firmware(firmware, weights, toolchain)?.executable;
        let preamble = match firmware.weights {
            WeightsSource::Loaded { .. } => {
                let file = elf.with_extension("parameters");
                params::write(firmware, weights, &file)?;
                Some(file)
            }
            WeightsSource::Fixed | WeightsSource::Given { .. } => None,
        };
        Ok(Self {
            firmware,
            host: build::host(firmware, weights)?,
            elf,
            preamble,
            simulator: simulator.to_owned(),
        })
    }

    /// `digits` as the firmware takes them, or those in its flash; none where it takes others.
    ///
    /// # Errors
    /// When the network does not start on this machine.
    pub fn digits(&self, digits: &[Digit]) -> Result<Vec<Digit>> {
        let description = self.host()?.description;
        Ok(match self.firmware.inputs {
            Inputs::Handwritten => description.digits_or(digits).into_owned(),
            Inputs::Reduced => digits.iter().map(Digit::reduced).collect(),
            Inputs::Spoken => Vec::new(),
        })
    }

    /// What to run the firmware on: those digits, or, where there are none, random bytes.
    ///
    /// # Errors
    /// When the network does not start on this machine.
    pub fn inputs(&self, digits: &[Digit]) -> Result<Vec<Vec<u8>>> {
        const DRAWN_INPUTS: usize = 20;
        let digits = self.digits(digits)?;
        if digits.is_empty() {
            let bytes = self.host()?.description.input_bytes;
            return Ok(digits::drawn(DRAWN_INPUTS, bytes));
        }
        Ok(digits.into_iter().map(|digit| digit.input).collect())
    }

    /// Starts the network on this machine.
    ///
    /// # Errors
    /// When it does not start.
    pub fn host(&self) -> Result<Host> {
        Host::start(&self.host, self.preamble.as_deref())
    }

    /// Starts the firmware in the simulator, from its reset on.
    ///
    /// # Errors
    /// When the firmware cannot be loaded.
    pub fn simulate(&self) -> Result<Simulated> {
        let description = self.host()?.description;
        Simulated::start(
            &self.simulator,
            self.firmware,
            &self.elf,
            &description,
            self.preamble.as_deref(),
        )
    }
}
