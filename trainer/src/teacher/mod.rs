//! A larger network that is trained, by whose answers a smaller one learns what labels
//! do not say: how sure to be, and which classes are alike (Hinton, Vinyals & Dean 2015,
//! "Distilling the Knowledge in a Neural Network").

mod grouping;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use herringbone_compiler::network::Network;
use herringbone_compiler::weights;
use herringbone_dataset::Examples;
use sha2::{Digest, Sha256};

use self::grouping::Grouping;
use crate::arithmetic::Arithmetic;
use crate::batches::Batches;
use crate::checkpoint::hexadecimal;
use crate::evaluate::{Results, evaluate};
use crate::export::{all_told, import};
use crate::model::{Model, as_written};
use crate::quantise::Scales;
use crate::recipe::Recipe;
use crate::training::Outcome;

/// What logits are divided by before they are compared, so that unlikely classes count
/// (section 2 of the paper).
const TEMPERATURE: f64 = 2.0;

/// How much of the loss is by the teacher's answers; the rest is by labels.
const SHARE_OF_TEACHER: f64 = 0.5;

/// The teacher answers the examples as they are changed in that many epochs, and later
/// ones change them the same way again: more of them teach no more.
const EPOCHS_ANSWERED: u32 = 16;

/// Examples that are answered together.
const BATCH: usize = 512;

/// A trained network.
pub struct Teacher {
    network: Network,
    model: Model,
    scales: Scales,
    checksum: String,
    grouping: Option<Grouping>,
}

impl Teacher {
    /// That of a declaration and the bytes of its weights file, for a training of
    /// `student` on `device`. A teacher that tells more classes apart says to which class of the
    /// student each of its own belongs: `class_of`.
    ///
    /// # Errors
    /// When the two do not read the same input, when a class of one has none of the other, and
    /// with everything that is wrong with the weights.
    pub fn new(
        network: &Network,
        weights: &[u8],
        student: &Network,
        class_of: Option<&[u16]>,
        device: &Device,
    ) -> Result<Self> {
        let [reads, read] = [network, student].map(Network::input);
        if reads != read {
            bail!(
                "the teacher reads {reads}, and the network that it is to teach {read}: they must \
                 be the same"
            );
        }
        let [told, asked] = [network, student].map(|it| it.output().values() as usize);
        let grouping = match class_of {
            Some(class_of) => Some(Grouping::new(class_of, told, asked)?),
            None if told == asked => None,
            None => bail!(
                "the teacher tells {told} classes apart, and the network that it is to teach \
                 {asked}: say to which of these each class of the teacher belongs (`--teacher-classes 0,0,1`)"
            ),
        };
        let read = weights::read(network, weights).map_err(all_told)?;
        let (model, scales) = import(network, &read, &device.clone().inner());
        Ok(Self {
            network: network.clone(),
            model,
            scales,
            checksum: hexadecimal(&Sha256::digest(weights)),
            grouping,
        })
    }

    /// What makes it the same one: its layers, the SHA-256 of its weights file, and how its
    /// classes are grouped.
    pub fn identity(&self) -> String {
        let one = format!("{}, SHA-256 {}", as_written(&self.network), self.checksum);
        match &self.grouping {
            Some(grouping) => format!("{one}, classes {grouping}"),
            None => one,
        }
    }

    /// Its layers, as a declaration writes them.
    pub fn written(&self) -> String {
        as_written(&self.network)
    }

    /// The logits of the student's classes, from its own of some examples that are multiplied by
    /// `scale`.
    fn answers<'a>(&'a self, logits: &'a [f64], scale: f64) -> impl Iterator<Item = f64> + 'a {
        let classes = self.network.output().values() as usize;
        logits.chunks_exact(classes).flat_map(move |logits| {
            let logits: Vec<f64> = logits.iter().map(|it| it * scale).collect();
            match &self.grouping {
                Some(grouping) => grouping.logits(&logits),
                None => logits,
            }
        })
    }

    /// By what its logits must be multiplied to give the labels of the student's classes the
    /// largest likelihood.
    fn likeliest_scale(&self, results: &Results, labels: &[u16]) -> f64 {
        likeliest_scale(|scale| {
            let logits: Vec<f64> = self.answers(&results.logits, scale).collect();
            let classes = logits.len() / labels.len().max(1);
            Results { classes, logits }.loss(labels)
        })
    }
}

/// A teacher at work: what it has answered of the examples of a training.
pub(crate) struct Lessons<'a> {
    teacher: &'a Teacher,
    batches: Batches<'a>,
    device: Device,
    /// What its logits are to be multiplied by.
    scale: f64,
    /// The logits of all examples, of each epoch whose changes are used.
    answers: Vec<Option<Vec<f32>>>,
}

impl<'a> Lessons<'a> {
    /// Of a training by that recipe with these examples, on a device without `autodiff`.
    pub(crate) fn new(
        teacher: &'a Teacher,
        recipe: &'a Recipe,
        examples: &'a Examples,
        validation: &Examples,
        device: Device,
    ) -> Self {
        let Teacher {
            network,
            model,
            scales,
            ..
        } = teacher;
        let results = evaluate(network, model, Some(scales), validation, &device);
        let batches = Batches::new(network, recipe, examples);
        let epochs = if batches.stay() { 1 } else { EPOCHS_ANSWERED };
        Self {
            teacher,
            batches,
            device,
            scale: teacher.likeliest_scale(&results, &validation.labels),
            answers: vec![None; epochs as usize],
        }
    }

    /// The epoch whose changes of the examples are those of `epoch`.
    pub(crate) fn epoch_of_changes(&self, epoch: u32) -> u32 {
        epoch % self.answers.len() as u32
    }

    /// Has the teacher answer all examples as they are changed in `epoch`, unless `stop`
    /// is set.
    pub(crate) fn prepare(&mut self, epoch: u32, stop: &AtomicBool) -> Outcome {
        let answers = &mut self.answers[epoch as usize];
        if answers.is_some() {
            return Outcome::Done;
        }
        let Teacher {
            network,
            model,
            scales,
            ..
        } = self.teacher;
        let examples: Vec<usize> = (0..self.batches.examples().len()).collect();
        let mut all = Vec::new();
        for batch in examples.chunks(BATCH) {
            if stop.load(Ordering::Relaxed) {
                return Outcome::Stopped;
            }
            let maps = self.batches.maps(batch, epoch, &self.device);
            let logits = model.forward(network, Arithmetic::Integers(scales), maps, None);
            let mut logits = Results::of_tensor(logits);
            logits.logits.truncate(batch.len() * logits.classes);
            let answers = self.teacher.answers(&logits.logits, self.scale);
            all.extend(answers.map(|it| it as f32));
        }
        *answers = Some(all);
        Outcome::Done
    }

    /// The loss by labels, and by the answers to these examples in an epoch that is
    /// prepared, together.
    pub(crate) fn loss(
        &self,
        by_labels: Tensor<1>,
        logits: Tensor<2>,
        batch: &[usize],
        epoch: u32,
    ) -> Tensor<1> {
        let all = self.answers[epoch as usize].as_ref();
        let all = all.expect("the epoch is prepared");
        let [_, classes] = logits.dims();
        let answers = batch.iter().flat_map(|&at| &all[at * classes..][..classes]);
        let answers = TensorData::new(answers.copied().collect::<Vec<f32>>(), logits.dims());
        let answers = Tensor::<2>::from_data(answers, &logits.device());
        let wanted = softmax(answers / TEMPERATURE, 1);
        let given = log_softmax(logits / TEMPERATURE, 1);
        let by_teacher = (wanted * given).sum_dim(1).mean().neg();
        // Softened, gradients are smaller by the temperature squared (section 2).
        let weight = SHARE_OF_TEACHER * TEMPERATURE * TEMPERATURE;
        by_labels * (1.0 - SHARE_OF_TEACHER) + by_teacher * weight
    }
}

/// By what logits must be multiplied to give the labels the largest likelihood: integers
/// have lost their scale (Guo et al. 2017, "On Calibration of Modern Neural Networks",
/// section 4.2, have the same of networks that are too sure).
///
/// `loss` is that of a scale.
fn likeliest_scale(loss: impl Fn(f64) -> f64) -> f64 {
    /// Ends of the search, and how close it comes, as powers of two.
    const ENDS: (f64, f64) = (-24.0, 8.0);
    const CLOSE: f64 = 0.01;

    let loss = |exponent: f64| loss(exponent.exp2());
    // The loss is convex in the scale, where no classes are grouped: thirds are left out until
    // one place is left.
    let (mut low, mut high) = ENDS;
    while high - low > CLOSE {
        let third = (high - low) / 3.0;
        if loss(low + third) <= loss(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    ((low + high) / 2.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_scale_gives_labels_the_odds_that_they_have() {
        // Three of four of these examples are of class 1: e to the logit's power.
        let logit = 3.0_f64.ln();
        let labels = [1, 1, 0, 1];
        for factor in [0.01, 0.3, 1.0, 40_000.0] {
            let scale = likeliest_scale(|scale| {
                let own = [0.0, logit * factor * scale];
                let logits = labels.iter().flat_map(|_| own).collect();
                Results { classes: 2, logits }.loss(&labels)
            });
            assert!((scale * factor - 1.0).abs() < 0.01, "{factor}: {scale}");
        }
    }
}
