//! What is written into a weights file besides its weights.

use anyhow::Result;
use herringbone_compiler::network::{ByNode, Network};
use herringbone_compiler::weights::{self, Activity, Metadata, canonical, written_bits};
use herringbone_dataset::{Normalisation, Scale};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use crate::checkpoint::hexadecimal;

/// What a training knows of the weights that it gave.
pub(crate) struct Known<'a> {
    pub(crate) class_names: Vec<String>,
    pub(crate) normalisation: &'a Normalisation,
    pub(crate) activities: ByNode<Option<Activity>>,
    /// Shares of examples that are classified rightly, 0 to 1.
    pub(crate) validation: f64,
    pub(crate) test: Option<f64>,
    pub(crate) before_quantisation: Option<f64>,
}

impl Known<'_> {
    /// The weights file with all that is known.
    ///
    /// # Errors
    /// When the bytes are no weights file.
    pub(crate) fn add_to(&self, network: &Network, weights: &[u8]) -> Result<Vec<u8>> {
        let metadata = Metadata {
            class_names: self.class_names.clone(),
            normalisation: written(self.normalisation),
            activities: Some(self.activities.clone()),
        };
        let mut entries = metadata.entries(network);
        let declaration = format!("{}, {}", canonical(network), written_bits(network.bits()));
        let figures = [
            ("validation_accuracy", Some(self.validation)),
            ("test_accuracy", self.test),
            ("float_validation_accuracy", self.before_quantisation),
        ];
        let texts = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("sha256", hexadecimal(&Sha256::digest(&declaration))),
            ("declaration", declaration),
        ];
        let figures = figures
            .into_iter()
            .filter_map(|(name, figure)| Some((name, figure?.to_string())));
        for (name, text) in texts.into_iter().chain(figures) {
            entries.insert(format!("herringbone.{name}"), text);
        }
        let file = SafeTensors::deserialize(weights)?;
        // Written in the order of their names, so that the same training gives the same bytes.
        let ordered = Ordered::of(entries);
        ordered.serialize(&file)
    }
}

/// A weights file with what was measured of its network in place of what it said of that.
///
/// # Errors
/// When the bytes are no weights file.
pub(crate) fn with_activities(
    weights: &[u8],
    activities: &ByNode<Option<Activity>>,
) -> Result<Vec<u8>> {
    let (_, header) = SafeTensors::read_metadata(weights)?;
    let mut entries = header.metadata().clone().unwrap_or_default();
    let (name, text) = weights::activity_entry(activities);
    entries.insert(name, text);
    Ordered::of(entries).serialize(&SafeTensors::deserialize(weights)?)
}

/// Entries of the metadata in the order of their names.
struct Ordered(std::collections::BTreeMap<String, String>);

impl Ordered {
    fn of(entries: std::collections::HashMap<String, String>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// The bytes of a file: as `safetensors` writes them, but for the metadata's order, which it
    /// leaves to a hash map of random order.
    fn serialize(&self, file: &SafeTensors<'_>) -> Result<Vec<u8>> {
        let mut tensors = file.tensors();
        tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
        // Values that are wider come first, so that each is aligned.
        tensors.sort_by_key(|(_, view)| std::cmp::Reverse(view.dtype().bitsize()));
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".to_owned(), serde_json::to_value(&self.0)?);
        let mut data = Vec::new();
        for (name, view) in &tensors {
            let first = data.len();
            data.extend_from_slice(view.data());
            let entry = serde_json::json!({
                "dtype": view.dtype(),
                "shape": view.shape(),
                "data_offsets": [first, data.len()],
            });
            header.insert(name.clone(), entry);
        }
        let mut text = serde_json::to_vec(&header)?;
        text.resize(text.len().next_multiple_of(8), b' ');
        let length = (text.len() as u64).to_le_bytes();
        Ok([&length[..], &text, &data].concat())
    }
}

/// As the macro reads it; none where bytes stay what they are.
fn written(normalisation: &Normalisation) -> Option<weights::Normalisation> {
    let scales = normalisation.channels.iter();
    (!normalisation.is_identity()).then(|| weights::Normalisation {
        counts_per_unit: normalisation.counts_per_unit,
        scales: scales
            .map(|scale| weights::Scale {
                offset: scale.offset,
                multiplier: scale.multiplier,
                shift: scale.shift,
            })
            .collect(),
    })
}

/// As examples are scaled.
pub(crate) fn read(metadata: &Metadata) -> Normalisation {
    match &metadata.normalisation {
        None => Normalisation::identity(),
        Some(normalisation) => Normalisation {
            counts_per_unit: normalisation.counts_per_unit,
            channels: normalisation
                .scales
                .iter()
                .map(|scale| Scale {
                    offset: scale.offset,
                    multiplier: scale.multiplier,
                    shift: scale.shift,
                })
                .collect(),
        },
    }
}
