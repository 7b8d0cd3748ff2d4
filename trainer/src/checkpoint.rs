//! What of a training is kept, so that it goes on where it was stopped.
//!
//! A checkpoint is a safetensors file. Its metadata has an entry `herringbone`, JSON of
//! what the training is of, the epochs that are done, the scales, and which epoch is the
//! best; and an entry `sha256`, of that and all tensors. Weighted sums are counted from
//! 0, in the order of computing; those of ones have no tensors. After them come the nodes
//! with parameters of their own, all of a node in one tensor.
//!
//! | tensor | dtype, shape | |
//! | --- | --- | --- |
//! | `model.i.weights`, `model.i.biases` | F32 | what steps change |
//! | `exponents` | F32 `[sums, 2]` | those of scales that are learned, while they are |
//! | `mean.i.weights`, `mean.i.biases` | F32 | the running mean |
//! | `best.i.weights`, `best.i.biases` | F32 | those of the best epoch, if there is one |
//! | `best.figures` | F64 `[3]` | its accuracy, loss and score in validation |
//! | `records` | F64 `[epochs, 5]` | loss and accuracy in training, in validation, seconds |
//! | `optimizer` | U8 | burn's record of the optimizer |

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Bytes, Device};
use herringbone_compiler::network::Network;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Model, sum_places};
use crate::own::own_places;
use crate::pictures::EpochRecord;
use crate::quantise::Scales;
use crate::recipe::Recipe;
use crate::training::{Best, State, optimizer};

/// The entries of the metadata.
const HEADER: &str = "herringbone";
const CHECKSUM: &str = "sha256";
/// Figures an epoch.
const FIGURES: usize = 5;

/// Weights and biases of each weighted sum.
type Numbers = Vec<(Vec<f32>, Vec<f32>)>;

/// What a training is of: names and values, for people to read. A training goes on
/// from a checkpoint only where all of them are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity(pub Vec<(String, String)>);

impl Identity {
    /// What differs between the checkpoint's and what is wanted, a line each.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let value_in = |of: &Self, name: &str| {
            let found = of.0.iter().find(|(other, _)| other == name);
            found.map_or("nothing".to_owned(), |(_, value)| value.clone())
        };
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in self.0.iter().chain(&wanted.0) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let pairs = names
            .into_iter()
            .map(|name| (name, value_in(self, name), value_in(wanted, name)));
        pairs
            .filter(|(_, its, given)| its != given)
            .map(|(name, its, given)| format!("{name}: {its} in the checkpoint, {given} given"))
            .collect()
    }
}

/// A training as it is kept.
pub struct Checkpoint {
    /// What it is of.
    pub identity: Identity,
    /// Where it stands.
    pub state: State,
    /// What every epoch took.
    pub seconds: Vec<f64>,
}

/// What is not a tensor.
#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    /// Epochs that are done.
    epoch: u32,
    scales: Option<Scales>,
    best: Option<BestHeader>,
}

#[derive(Serialize, Deserialize)]
struct BestHeader {
    epoch: u32,
    scales: Scales,
}

/// The bytes of a checkpoint's file.
///
/// # Errors
/// When burn cannot write the optimizer's record.
pub fn to_bytes(identity: &Identity, state: &State, seconds: &[f64]) -> Result<Vec<u8>> {
    let mut tensors = Vec::new();
    let mut put = |name: String, dtype, shape: Vec<usize>, bytes: Vec<u8>| {
        tensors.push((name, dtype, shape, bytes));
    };
    let best = state.best.as_ref();
    let model = state.model.numbers();
    for (set, numbers) in [
        ("model", Some(&model)),
        ("mean", Some(&state.mean)),
        ("best", best.map(|best| &best.numbers)),
    ] {
        for (index, (weights, biases)) in numbers.into_iter().flatten().enumerate() {
            let halves = [("weights", weights), ("biases", biases)];
            for (half, values) in halves.into_iter().filter(|(_, values)| !values.is_empty()) {
                let bytes = values.iter().flat_map(|it| it.to_le_bytes()).collect();
                let name = format!("{set}.{index}.{half}");
                put(name, Dtype::F32, vec![values.len()], bytes);
            }
        }
    }
    if let Some(exponents) = state.model.exponents() {
        let shape = vec![exponents.len(), 2];
        let numbers = exponents.iter().flatten();
        let bytes = numbers.flat_map(|it| it.to_le_bytes()).collect();
        put("exponents".to_owned(), Dtype::F32, shape, bytes);
    }
    let doubles = |values: &[f64]| values.iter().flat_map(|it| it.to_le_bytes()).collect();
    if let Some(best) = best {
        let figures = doubles(&[best.accuracy, best.loss, best.score]);
        put("best.figures".to_owned(), Dtype::F64, vec![3], figures);
    }
    let records = state.records.iter().zip(seconds);
    let records: Vec<f64> = records
        .flat_map(|(record, &seconds)| {
            [
                record.training_loss,
                record.training_accuracy,
                record.validation_loss,
                record.validation_accuracy,
                seconds,
            ]
        })
        .collect();
    let shape = vec![records.len() / FIGURES, FIGURES];
    put("records".to_owned(), Dtype::F64, shape, doubles(&records));
    let optimizer = state.optimizer.into_bytes()?;
    let length = vec![optimizer.len()];
    put(
        "optimizer".to_owned(),
        Dtype::U8,
        length,
        optimizer.to_vec(),
    );

    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &tensors {
        views.push((
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes)?,
        ));
    }
    let header = serde_json::to_string(&Header {
        identity: identity.clone(),
        epoch: state.epoch,
        scales: state.scales.clone(),
        best: best.map(|best| BestHeader {
            epoch: best.epoch,
            scales: best.scales.clone(),
        }),
    })?;
    let checksum = checksum(
        &header,
        views.iter().map(|(name, view)| (*name, view.data())),
    );
    let metadata = HashMap::from([(HEADER.to_owned(), header), (CHECKSUM.to_owned(), checksum)]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}

/// Reads a checkpoint, which must be of what is `wanted`: of that network and recipe.
///
/// # Errors
/// When the bytes are no checkpoint, are damaged, or are of something else; then it says
/// of what.
pub fn from_bytes(
    bytes: &[u8],
    wanted: &Identity,
    network: &Network,
    recipe: &Recipe,
    device: &Device,
) -> Result<Checkpoint> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).context("it is no checkpoint")?;
    let entry = |name: &str| metadata.metadata().as_ref()?.get(name).map(String::as_str);
    let text = entry(HEADER).context("it is no checkpoint: its metadata has no `herringbone`")?;
    let header: Header = serde_json::from_str(text).context("its header is damaged")?;
    let differences = header.identity.differences(wanted);
    if !differences.is_empty() {
        bail!(
            "it belongs to another training:\n       {}",
            differences.join("\n       ")
        );
    }
    let tensors = Tensors(SafeTensors::deserialize(bytes).context("it is damaged")?);
    ensure!(
        entry(CHECKSUM) == Some(tensors.checksum(text).as_str()),
        "it is damaged: its checksum is not that of its contents"
    );
    let numbers = |set: &str| tensors.numbers(network, set);
    let best = header.best.map(|best| -> Result<Best> {
        let figures = tensors.doubles("best.figures")?;
        ensure!(figures.len() == 3, "`best.figures` must be 3 values");
        Ok(Best {
            epoch: best.epoch,
            accuracy: figures[0],
            loss: figures[1],
            score: figures[2],
            numbers: numbers("best")?,
            scales: best.scales,
        })
    });
    let records = tensors.doubles("records")?;
    let (records, rest) = records.as_chunks::<FIGURES>();
    ensure!(
        rest.is_empty() && records.len() == header.epoch as usize,
        "`records` must be {FIGURES} values an epoch, of {} epochs",
        header.epoch
    );
    let mut model = Model::of_numbers(network, numbers("model")?, device);
    if let Some(exponents) = tensors.exponents(model.sums.len())? {
        model.set_exponents(Some(&exponents), device);
    }
    let optimizer_bytes = Bytes::from_bytes_vec(tensors.bytes("optimizer")?.to_vec());
    Ok(Checkpoint {
        identity: header.identity,
        seconds: records.iter().map(|record| record[4]).collect(),
        state: State {
            epoch: header.epoch,
            model,
            mean: numbers("mean")?,
            scales: header.scales,
            optimizer: optimizer().from_bytes(optimizer_bytes)?,
            records: (0..).zip(records).map(|it| record(recipe, it)).collect(),
            best: best.transpose()?,
        },
    })
}

fn record(recipe: &Recipe, (epoch, figures): (u32, &[f64; FIGURES])) -> EpochRecord {
    EpochRecord {
        epoch: epoch + 1,
        phase: recipe.phase(epoch).name().to_owned(),
        training_loss: figures[0],
        training_accuracy: figures[1],
        validation_loss: figures[2],
        validation_accuracy: figures[3],
    }
}

/// The tensors of a file.
struct Tensors<'a>(SafeTensors<'a>);

impl Tensors<'_> {
    fn bytes(&self, name: &str) -> Result<&[u8]> {
        let view = self.0.tensor(name);
        Ok(view.with_context(|| format!("`{name}` is missing"))?.data())
    }

    fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        let (words, _) = self.bytes(name)?.as_chunks();
        Ok(words.iter().map(|&word| f64::from_le_bytes(word)).collect())
    }

    fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>> {
        let bytes = self.bytes(name)?;
        ensure!(
            bytes.len() == count * size_of::<f32>(),
            "`{name}` must be {count} values of 4 bytes, found {} bytes",
            bytes.len()
        );
        let (words, _) = bytes.as_chunks();
        Ok(words.iter().map(|&word| f32::from_le_bytes(word)).collect())
    }

    /// A pair a weighted sum, if they are there.
    fn exponents(&self, sums: usize) -> Result<Option<Vec<[f32; 2]>>> {
        if self.0.tensor("exponents").is_err() {
            return Ok(None);
        }
        let numbers = self.floats("exponents", 2 * sums)?;
        Ok(Some(numbers.as_chunks().0.to_vec()))
    }

    fn numbers(&self, network: &Network, set: &str) -> Result<Numbers> {
        let places = sum_places(network);
        let own = (places.len()..).zip(own_places(network));
        let of_own = own.map(|(index, place)| {
            let name = format!("{set}.{index}.weights");
            Ok((self.floats(&name, place.len())?, Vec::new()))
        });
        let sums = places.into_iter().enumerate();
        sums.map(|(index, place)| {
            let [weights, biases] = place.counts();
            let floats = |half, count| match count {
                // A sum of ones has no tensors.
                0 => Ok(Vec::new()),
                _ => self.floats(&format!("{set}.{index}.{half}"), count),
            };
            Ok((floats("weights", weights)?, floats("biases", biases)?))
        })
        .chain(of_own)
        .collect()
    }

    fn checksum(&self, header: &str) -> String {
        let names = self.0.names().into_iter();
        let tensors = names.filter_map(|name| Some((name, self.bytes(name).ok()?)));
        checksum(header, tensors)
    }
}

/// SHA-256 of the header, and of the names and bytes of all tensors in the order of
/// their names; each after its length.
fn checksum<'a>(header: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_unstable();
    let mut hash = Sha256::new();
    let mut update = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    update(header.as_bytes());
    for (name, bytes) in tensors {
        update(name.as_bytes());
        update(bytes);
    }
    hexadecimal(&hash.finalize())
}

/// `0a1b…`.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
