//! Examples to learn from as a network reads them, changed again in each epoch.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;
use herringbone_dataset::augment::{self, Augmentation, Scratch};

use crate::intake::Intake;
use crate::ops::Maps;
use crate::recipe::Recipe;

pub(crate) struct Batches<'a> {
    examples: &'a Examples,
    augmentation: &'a Augmentation,
    seed: u64,
    intake: Intake,
    /// Activations of each example, where they are always the same.
    prepared: Option<Vec<u8>>,
}

impl<'a> Batches<'a> {
    pub(crate) fn new(network: &Network, recipe: &'a Recipe, examples: &'a Examples) -> Self {
        let intake = Intake::of(network);
        let prepared = recipe.augmentation.is_none().then(|| {
            let mut prepared = vec![0; examples.len() * intake.activations()];
            let all = prepared.chunks_exact_mut(intake.activations());
            for (index, activations) in all.enumerate() {
                intake.take(examples.input(index), activations);
            }
            prepared
        });
        Self {
            examples,
            augmentation: &recipe.augmentation,
            seed: recipe.seed,
            intake,
            prepared,
        }
    }

    pub(crate) fn examples(&self) -> &'a Examples {
        self.examples
    }

    /// Whether the examples are the same in every epoch.
    pub(crate) fn stay(&self) -> bool {
        self.prepared.is_some()
    }

    pub(crate) fn labels(&self, batch: &[usize]) -> Vec<u16> {
        batch.iter().map(|&at| self.examples.labels[at]).collect()
    }

    /// What is read of these examples in an epoch.
    pub(crate) fn maps(&self, batch: &[usize], epoch: u32, device: &Device) -> Maps {
        let scratch = || (vec![0; self.intake.input().values()], Scratch::default());
        self.intake.maps(
            batch.len(),
            device,
            scratch,
            |(augmented, scratch), at, activations| {
                let index = batch[at];
                if let Some(prepared) = &self.prepared {
                    let values = activations.len();
                    activations.copy_from_slice(&prepared[index * values..][..values]);
                    return;
                }
                let input = self.examples.input(index);
                let shape = self.intake.input();
                let mut random = augment::rng(self.seed, epoch, index);
                self.augmentation
                    .apply(input, shape, &mut random, augmented, scratch);
                self.intake.take(augmented, activations);
            },
        )
    }
}
