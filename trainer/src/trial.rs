//! A training that a search compares with others: rounds in floating point, which a longer one goes
//! on with.

use std::sync::atomic::AtomicBool;

use anyhow::Result;
use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::weights::written_bits;

use crate::checkpoint::{self, Checkpoint, Identity};
use crate::model::as_written;
use crate::recipe::Recipe;
use crate::session::Data;
use crate::training::{Outcome, Training};

/// Where a training stands after its rounds.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The share of the validation examples that are classified rightly, by the running mean of the
    /// weights: 0 to 1; `None` where the training diverged.
    pub accuracy: Option<f64>,
    /// The mean loss of the validation examples.
    pub loss: f64,
    /// What a longer training goes on with.
    pub checkpoint: Vec<u8>,
}

/// Trains a network for the rounds of a recipe, from where `former` stands: a checkpoint of the same
/// training after fewer rounds. One that is none, or of another training, is as good as none.
/// `None` when `stop` was set meanwhile.
///
/// # Errors
/// When the checkpoint cannot be written.
pub fn run(
    network: &Network,
    data: &Data,
    recipe: &Recipe,
    former: Option<&[u8]>,
    device: &Device,
    stop: &AtomicBool,
) -> Result<Option<Standing>> {
    let identity = identity(network, data, recipe);
    let (training, validation) = (&data.training, &data.validation);
    let device = || device.clone();
    let former = former
        .and_then(|bytes| checkpoint::from_bytes(bytes, &identity, network, recipe, &device()).ok())
        .filter(|former| former.state.epoch <= recipe.epochs);
    let mut training = match former {
        Some(Checkpoint { state, .. }) => {
            Training::from_state(network, recipe, training, validation, state, device())
        }
        None => Training::new(network, recipe, training, validation, device()),
    };
    while !training.is_done() {
        if training.epoch(stop, || {}) == Outcome::Stopped {
            return Ok(None);
        }
        let record = training.state().records.last();
        if record.is_some_and(|it| !it.training_loss.is_finite()) {
            break;
        }
    }
    let state = training.state();
    let last = state.records.last();
    let loss = last.map_or(f64::NAN, |it| it.validation_loss);
    let is_sound = loss.is_finite() && last.is_some_and(|it| it.training_loss.is_finite());
    let seconds = vec![0.0; state.records.len()];
    Ok(Some(Standing {
        accuracy: last.map(|it| it.validation_accuracy).filter(|_| is_sound),
        loss,
        checkpoint: checkpoint::to_bytes(&identity, state, &seconds)?,
    }))
}

/// What must be the same to go on: all but how many rounds there are.
fn identity(network: &Network, data: &Data, recipe: &Recipe) -> Identity {
    let options = Recipe {
        epochs: 0,
        ..recipe.clone()
    }
    .options();
    let mut all = vec![
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("network".to_owned(), as_written(network)),
        ("bits".to_owned(), written_bits(network.bits())),
        ("data's SHA-256".to_owned(), data.checksum.clone()),
        ("schedule".to_owned(), format!("{:?}", recipe.schedule)),
    ];
    all.extend(
        options
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Identity(all)
}
