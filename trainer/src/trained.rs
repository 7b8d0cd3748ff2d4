//! Weights that are there already, tried on examples.

use anyhow::Result;
use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::weights::{self, Metadata};
use herringbone_dataset::{Examples, Normalisation};

use crate::evaluate::{Results, evaluate};
use crate::export::{all_told, import};
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

    /// What it computes of examples, with the integers that the chip computes with.
    pub fn results(&self, examples: &Examples) -> Results {
        let (model, scales) = (&self.model, Some(&self.scales));
        evaluate(&self.network, model, scales, examples, &self.device)
    }
}
