//! What a weights file knows of itself: the network that it was trained for, what its classes are
//! called, and how a sensor's counts become the bytes that it was trained on.
//!
//! | entry of the safetensors' metadata | value |
//! | --- | --- |
//! | `herringbone.network` | the list as a declaration writes it, without layers of training |
//! | `herringbone.bits` | JSON: `{"weights": 4, "biases": 16, "activations": 4}` |
//! | `herringbone.features` | the key `features`, all of it, or nothing |
//! | `herringbone.classes` | JSON: a name a class |
//! | `herringbone.normalisation` | JSON: `{"counts_per_unit": 1.0, "scales": [[offset, multiplier, shift], …]}`, a scale a channel or one of all |
//! | `herringbone.activity` | JSON, an entry each layer that computes: `{"zeros": […], "zero_pairs": […], "zero_columns": […], "between": 250}` in thousandths, as [`Activity`] says |
//!
//! Whatever else begins with `herringbone.` is for people. A file without any of them is as good.

use std::collections::HashMap;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use super::activity::{self, Activity};
use super::error::WeightsError;
use crate::features::Features;
use crate::network::{Bits, ByNode, Entry, Item, Network};

const NETWORK: &str = "herringbone.network";
const BITS: &str = "herringbone.bits";
const FEATURES: &str = "herringbone.features";
const CLASSES: &str = "herringbone.classes";
const NORMALISATION: &str = "herringbone.normalisation";
const ACTIVITY: &str = "herringbone.activity";
/// The longest name of a class, in bytes, that firmware carries.
const MOST_NAME_BYTES: usize = 255;

/// What a weights file says of itself; nothing, where it has no metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// What each class is called, in their order; none where that is not known.
    pub class_names: Vec<String>,
    /// How counts become bytes, where they do not stay what they are.
    pub normalisation: Option<Normalisation>,
    /// How often values are 0, where that was measured.
    pub activities: Option<ByNode<Option<Activity>>>,
}

/// How what a sensor gives becomes bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// Counts that a unit of the training data was.
    pub counts_per_unit: f64,
    /// A scale of each channel, or one of all.
    pub scales: Vec<Scale>,
}

/// How counts become bytes: `min(max(count − offset, 0) · multiplier >> shift, 255)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The count that becomes 0.
    pub offset: i16,
    /// 1 to 255.
    pub multiplier: u8,
    /// 0 to 16.
    pub shift: u8,
}

/// The layers that compute something, with the input's shape, as a declaration writes them.
pub fn canonical(network: &Network) -> String {
    let input = network.input();
    let items = network.items().iter();
    let layers = items
        .filter(|item| !is_training_only(item))
        .map(ToString::to_string);
    format!(
        "[{}, {}, {}] => < {} >",
        input.height,
        input.width,
        input.channels,
        layers.collect::<Vec<_>>().join(", ")
    )
}

/// Whether an item computes nothing on the device, and no other layer can name it.
fn is_training_only(item: &Item) -> bool {
    match &item.entry {
        Entry::Layer { kind, .. } => item.label.is_none() && kind.is_training_only(),
        Entry::From(_) | Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_) => false,
    }
}

/// A network's bits as a declaration writes them.
pub fn written_bits(bits: Bits) -> String {
    format!(
        "bits: {{ weights: {}, biases: {}, activations: {} }}",
        bits.weights, bits.biases, bits.activations
    )
}

/// The entry of the metadata that says what was measured of each node: its name and its text.
pub fn activity_entry(activities: &ByNode<Option<Activity>>) -> (String, String) {
    (ACTIVITY.to_owned(), activity::written(activities))
}

/// Features as a declaration writes them.
fn written_features(features: Option<&Features>) -> String {
    match features {
        Some(features) => format!("features: {features}"),
        None => "no features".to_owned(),
    }
}

impl Metadata {
    /// The entries of a file for `network`.
    pub fn entries(&self, network: &Network) -> HashMap<String, String> {
        let bits = network.bits();
        let bits = json!({
            "weights": bits.weights,
            "biases": bits.biases,
            "activations": bits.activations,
        });
        let mut entries = HashMap::from([
            (NETWORK.to_owned(), canonical(network)),
            (BITS.to_owned(), bits.to_string()),
        ]);
        if let Some(features) = network.features() {
            entries.insert(FEATURES.to_owned(), written_features(Some(features)));
        }
        if !self.class_names.is_empty() {
            entries.insert(CLASSES.to_owned(), json!(self.class_names).to_string());
        }
        if let Some(normalisation) = &self.normalisation {
            let scales = normalisation.scales.iter();
            let scales: Vec<_> = scales
                .map(|it| json!([it.offset, it.multiplier, it.shift]))
                .collect();
            let value = json!({
                "counts_per_unit": normalisation.counts_per_unit,
                "scales": scales,
            });
            entries.insert(NORMALISATION.to_owned(), value.to_string());
        }
        if let Some(activities) = &self.activities {
            entries.extend([activity_entry(activities)]);
        }
        entries
    }

    /// What the bytes of a weights file say, which must be one of `network`.
    ///
    /// # Errors
    /// When it was trained for another network or for other bits of activations, whose weights
    /// compute something else; and when what it says of its classes or inputs cannot be.
    pub fn read(network: &Network, bytes: &[u8]) -> Result<Self, Vec<WeightsError>> {
        // A file that is not safetensors is reported where the tensors are read.
        let Ok((_, header)) = SafeTensors::read_metadata(bytes) else {
            return Ok(Self::default());
        };
        let Some(entries) = header.metadata() else {
            return Ok(Self::default());
        };
        let mut errors = Vec::new();
        let declared = canonical(network);
        if let Some(trained) = entries.get(NETWORK).filter(|it| **it != declared) {
            errors.push(WeightsError::OtherNetwork {
                trained: trained.clone(),
                declared,
            });
        }
        let is_of_this_network = errors.is_empty();
        // A file without metadata of ours may be of any.
        let none = written_features(None);
        let trained = entries.get(FEATURES).unwrap_or(&none);
        let declared = written_features(network.features());
        if entries.contains_key(NETWORK) && *trained != declared {
            errors.push(WeightsError::OtherFeatures {
                trained: trained.clone(),
                declared,
            });
        }
        let json = |name: &str| {
            entries
                .get(name)
                .map(|text| serde_json::from_str::<Value>(text).unwrap_or(Value::Null))
        };
        if let Some(bits) = json(BITS) {
            let of = |name: &str| bits[name].as_u64().unwrap_or_default() as u32;
            let trained = Bits {
                weights: of("weights"),
                biases: of("biases"),
                activations: of("activations"),
            };
            // Weights and biases are whatever fits their bits.
            if trained.activations != network.bits().activations {
                errors.push(WeightsError::OtherBits {
                    trained: written_bits(trained),
                    declared: written_bits(network.bits()),
                });
            }
        }
        let mut damaged = |entry: &str, reason: String| {
            errors.push(WeightsError::Metadata {
                entry: entry.to_owned(),
                reason,
            });
        };
        let class_names = json(CLASSES).map(|value| class_names(network, &value));
        let class_names = class_names.unwrap_or_else(|| Ok(Vec::new()));
        let class_names = class_names.map_err(|reason| damaged(CLASSES, reason));
        let normalisation = json(NORMALISATION).map(|value| normalisation(network, &value));
        let normalisation = normalisation.transpose();
        let normalisation = normalisation.map_err(|reason| damaged(NORMALISATION, reason));
        // Of another network it would only be one mistake more.
        let activities = json(ACTIVITY).filter(|_| is_of_this_network);
        let activities = activities.map(|value| activity::read(network, &value));
        let activities = activities.transpose();
        let activities = activities.map_err(|reason| damaged(ACTIVITY, reason));
        match (class_names, normalisation, activities) {
            (Ok(class_names), Ok(normalisation), Ok(activities)) if errors.is_empty() => Ok(Self {
                class_names,
                normalisation,
                activities,
            }),
            _ => Err(errors),
        }
    }
}

fn class_names(network: &Network, value: &Value) -> Result<Vec<String>, String> {
    let names = value.as_array().map(|names| {
        let names = names.iter().map(|name| name.as_str().map(str::to_owned));
        names.collect::<Option<Vec<_>>>()
    });
    let names = names.flatten().ok_or("expected a list of names")?;
    let classes = network.output().values() as usize;
    if names.len() != classes {
        return Err(format!("{} names of {classes} classes", names.len()));
    }
    match names.iter().find(|name| name.len() > MOST_NAME_BYTES) {
        Some(name) => Err(format!(
            "a name of {} bytes: there may be {MOST_NAME_BYTES}",
            name.len()
        )),
        None => Ok(names),
    }
}

fn normalisation(network: &Network, value: &Value) -> Result<Normalisation, String> {
    let scale = |value: &Value| {
        let of = |at: usize| value.get(at)?.as_i64();
        let scale = Scale {
            offset: of(0)?.try_into().ok()?,
            multiplier: of(1)?.try_into().ok()?,
            shift: of(2)?.try_into().ok()?,
        };
        (scale.multiplier > 0 && scale.shift <= 16).then_some(scale)
    };
    let scales = value["scales"].as_array();
    let scales: Option<Vec<_>> = scales.and_then(|all| all.iter().map(scale).collect());
    let scales = scales.ok_or("expected scales: [offset, multiplier, shift] each")?;
    let channels = network.input().channels as usize;
    if scales.len() != 1 && scales.len() != channels {
        return Err(format!("{} scales of {channels} channels", scales.len()));
    }
    let counts_per_unit = value["counts_per_unit"].as_f64().unwrap_or(1.0);
    Ok(Normalisation {
        counts_per_unit,
        scales,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    fn network(text: &str) -> Network {
        let parsed = syntax::parse(text.parse().unwrap());
        parsed.declaration.unwrap().network
    }

    fn file(entries: HashMap<String, String>) -> Vec<u8> {
        let none: [(&str, safetensors::tensor::TensorView<'_>); 0] = [];
        safetensors::serialize(none, Some(entries)).unwrap()
    }

    fn messages(network: &Network, bytes: &[u8]) -> Vec<String> {
        let errors = Metadata::read(network, bytes).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_written_is_read_and_another_network_is_messages() {
        let trained = network("N: [4, 4, 2] => < C1(2,3), Dr, D*(2) >");
        let metadata = Metadata {
            class_names: vec!["no".to_owned(), "größer".to_owned()],
            normalisation: Some(Normalisation {
                counts_per_unit: 16384.0,
                scales: [-512, 0]
                    .map(|offset| Scale {
                        offset,
                        multiplier: 3,
                        shift: 9,
                    })
                    .into(),
            }),
            activities: Some(ByNode::new(vec![
                Some(Activity {
                    zeros: vec![0, 1000],
                    zero_pairs: vec![0, 900],
                    zero_columns: vec![0, 1000],
                    between: 250,
                }),
                None,
                Some(Activity {
                    zeros: vec![500, 501],
                    zero_pairs: vec![499, 0],
                    zero_columns: vec![0, 0],
                    between: 1000,
                }),
            ])),
        };
        let bytes = file(metadata.entries(&trained));
        assert_eq!(Metadata::read(&trained, &bytes), Ok(metadata));
        for same in [
            "N: [4, 4, 2] => < C1(2,3), Dr(0.1), D*(2) >",
            "N: [4, 4, 2] => < C1(2,3), Dr, D*(2) >, bits: { biases: 8 }, plan: streamed",
        ] {
            assert!(Metadata::read(&network(same), &bytes).is_ok(), "{same}");
        }
        let other = network("N: [4, 4, 2] => < C1(2,3), Dr, D(2) >, bits: { activations: 8 }");
        assert_eq!(
            messages(&other, &bytes),
            [
                "the weights were trained for `[4, 4, 2] => < C1(2,3), D*(2) >`, and this network \
                 is `[4, 4, 2] => < C1(2,3), D(2) >`: train it, or declare what was trained",
                "the weights were trained with `bits: { weights: 4, biases: 16, activations: 4 }`, \
                 and this network has `bits: { weights: 4, biases: 16, activations: 8 }`: train \
                 it, or declare what was trained",
            ]
        );
        let none = file(HashMap::new());
        assert_eq!(Metadata::read(&other, &none), Ok(Metadata::default()));
    }

    #[test]
    fn other_features_are_a_message_that_shows_both() {
        let declared = |features: &str| network(&format!("N: [4, 20, 1] => < D*(2) >{features}"));
        let short = "log_mel { rate: 8000, frame: 256, hop: 250, bands: 20 }";
        let written = "log_mel { rate: 8000, frame: 256, hop: 250, bands: 20, low: 100, high: \
                       4000, floor: 10 }";
        let longer = "log_mel { rate: 8000, frame: 512, hop: 250, bands: 20, low: 100, high: \
                      4000, floor: 10 }";
        let mfcc = "mfcc { rate: 8000, frame: 256, hop: 250, bands: 26, coefficients: 20, low: \
                    100, high: 4000, floor: 10 }";
        let none = "no features";
        let trained = |features: &str| {
            let features = match features == none {
                true => String::new(),
                false => format!(", features: {features}"),
            };
            let network = declared(&features);
            let bytes = file(Metadata::default().entries(&network));
            (network, bytes)
        };
        let (network, bytes) = trained(written);
        // What is left out is what its default says.
        assert!(Metadata::read(&network, &bytes).is_ok());
        let (network, _) = trained(short);
        assert!(Metadata::read(&network, &bytes).is_ok());
        for (one, other) in [
            (written, longer),
            (written, mfcc),
            (mfcc, none),
            (none, longer),
        ] {
            let (_, bytes) = trained(one);
            let (network, _) = trained(other);
            let shown = |features: &str| match features == none {
                true => none.to_owned(),
                false => format!("features: {features}"),
            };
            let (one, other) = (shown(one), shown(other));
            assert_eq!(
                messages(&network, &bytes),
                [format!(
                    "the weights were trained with `{one}`, and this network has `{other}`: train \
                     it, or declare what was trained"
                )]
            );
        }
    }

    #[test]
    fn entries_that_cannot_be_are_messages() {
        let network = network("N: [4, 4, 3] => < D*(2) >");
        let with = |name: &str, value: &str| file([(name.to_owned(), value.to_owned())].into());
        for (name, value, expected) in [
            (CLASSES, "[\"one\"]", "1 names of 2 classes"),
            (CLASSES, "oops", "expected a list of names"),
            (
                NORMALISATION,
                "{\"scales\": [[0, 1, 0], [0, 1, 0]]}",
                "2 scales of 3 channels",
            ),
            (
                NORMALISATION,
                "{\"scales\": [[0, 0, 0]]}",
                "expected scales",
            ),
            (
                NORMALISATION,
                "{\"scales\": [[70000, 1, 0]]}",
                "expected scales",
            ),
            (ACTIVITY, "[]", "expected 1 entries: one each layer"),
            (ACTIVITY, "[{}]", "of layer 0"),
            (
                ACTIVITY,
                "[{\"zeros\": [1, 2], \"zero_pairs\": [1, 2], \"zero_columns\": [1, 2], \
                 \"between\": 3}]",
                "of 3 channels",
            ),
        ] {
            let messages = messages(&network, &with(name, value));
            assert!(
                messages[0].contains(expected) && messages[0].contains(name),
                "{messages:?}"
            );
        }
    }
}
