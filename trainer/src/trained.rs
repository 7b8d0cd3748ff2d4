//! Weights that are there already, tried on examples.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::weights::{self, Metadata};
use herringbone_dataset::{Examples, Normalisation};

use crate::activity::activities;
use crate::evaluate::{Results, evaluate};
use crate::export::{all_told, import};
use crate::files;
use crate::metadata;
use crate::model::Model;
use crate::quantise::Scales;

/// A network with the weights of a file, and what the file knows of them.
pub struct Trained {
    network: Network,
    model: Model,
    scales: Scales,
    device: Device,
    /// What each class is called; its number, where the file does not say.
    pub class_names: Vec<String>,
    /// How recordings become bytes.
    pub normalisation: Normalisation,
}

impl Trained {
    /// Reads the bytes of a weights file of `network`.
    ///
    /// # Errors
    /// With everything that is wrong with the file.
    pub fn new(network: &Network, bytes: &[u8]) -> Result<Self> {
        let metadata = Metadata::read(network, bytes).map_err(all_told)?;
        let weights = weights::read(network, bytes).map_err(all_told)?;
        let device = Device::flex();
        let (model, scales) = import(network, &weights, &device);
        let numbers = 0..network.output().values();
        Ok(Self {
            network: network.clone(),
            model,
            scales,
            device,
            normalisation: metadata::read(&metadata),
            class_names: match metadata.class_names.is_empty() {
                true => numbers.map(|class| class.to_string()).collect(),
                false => metadata.class_names,
            },
        })
    }

    /// Writes the weights file, whose bytes these are, with how often values are 0 in these
    /// examples.
    ///
    /// # Errors
    /// When the bytes are no weights file, and when it cannot be written.
    pub fn record_zeros(&self, file: (&Path, &[u8]), examples: &Examples) -> Result<()> {
        let model = (&self.model, &self.device);
        let activities = activities(&self.network, model, &self.scales, examples);
        files::write(file.0, &metadata::with_activities(file.1, &activities)?)
    }

    /// What it computes of examples, with the integers that the chip computes with.
    pub fn results(&self, examples: &Examples) -> Results {
        let (model, scales) = (&self.model, Some(&self.scales));
        evaluate(&self.network, model, scales, examples, &self.device)
    }
}
