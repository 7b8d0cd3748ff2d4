//! From the bytes of a safetensors file to checked integers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use safetensors::{SafeTensorError, SafeTensors, tensor::Metadata, tensor::TensorView};

use super::cells;
use super::error::{WeightsError, range};
use super::expected::{
    ExpectedTensor, Role, bias_role, expected_tensors, own_tensor_name, tensor_name,
};
use super::{OwnParameters, Parameters, Shift, Weights};
use crate::network::{Bits, LayerId, Network, Node, SumShape, TensorRole};

/// Bytes of the length that a file starts with.
const LENGTH_BYTES: usize = size_of::<u64>();
/// Bits that a sum is shifted at most: the widest accumulator has 32.
const MOST_SHIFT: u8 = 31;

/// Reads the bytes of a weights file of `network`: of a regular file, and no
/// more than such a file can have.
///
/// # Errors
/// [`WeightsError::Unreadable`] with what the system says, or with what is no
/// file of weights; [`WeightsError::TooLarge`].
pub fn load(path: &Path, network: &Network) -> Result<Vec<u8>, WeightsError> {
    let unreadable = |reason: String| WeightsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let of_system = |error: std::io::Error| {
        unreadable(match error.kind() {
            std::io::ErrorKind::NotFound => {
                "no such file: `cargo herringbone train` makes it from a data set".to_owned()
            }
            std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
            _ => error.to_string(),
        })
    };
    // Before it is opened, for which a pipe waits.
    let metadata = std::fs::metadata(path).map_err(of_system)?;
    if metadata.is_dir() {
        return Err(unreadable("it is a directory".to_owned()));
    }
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    let most_bytes = most_file_bytes(network);
    let too_large = |found| WeightsError::TooLarge { most_bytes, found };
    if metadata.len() > most_bytes {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(of_system)?;
    // It may have grown since.
    let mut file = file.take(most_bytes + 1);
    file.read_to_end(&mut bytes).map_err(of_system)?;
    let found = bytes.len() as u64;
    if found > most_bytes {
        return Err(too_large(found));
    }
    Ok(bytes)
}

/// Bytes that a file of weights may have: its tensors in 64 bits each, so that
/// those of a network that is not quantised yet are read and said to be, and a
/// header.
fn most_file_bytes(network: &Network) -> u64 {
    const MOST_HEADER_BYTES: u64 = 1 << 20;
    const WIDEST_VALUE_BYTES: u64 = 8;
    let values = expected_tensors(network).into_iter().map(|tensor| {
        let lengths = tensor.shape.iter().map(|&length| length as u64);
        lengths.fold(1, u64::saturating_mul)
    });
    values
        .fold(0, u64::saturating_add)
        .saturating_mul(WIDEST_VALUE_BYTES)
        .saturating_add(MOST_HEADER_BYTES)
}

/// Reads the weights of `network` from the bytes of a safetensors file.
///
/// # Errors
/// Everything that is wrong with the file: see [`WeightsError`].
pub fn read(network: &Network, bytes: &[u8]) -> Result<Weights, Vec<WeightsError>> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| vec![broken(bytes, error)])?;
    let file = File(file.tensors().into_iter().collect());
    let expected = expected_tensors(network);
    if let Some(error) = file.renumbered(&expected) {
        return Err(vec![error]);
    }

    let mut errors = Vec::new();
    let mut misnamed = file.misnamed(&expected);
    for tensor in &expected {
        match file.0.get(&tensor.name) {
            Some(view) if fits(tensor, view) => {
                errors.extend(values_out_of_range(tensor, view, network.bits()));
            }
            Some(view) => errors.push(WeightsError::Mismatch {
                expected: Box::new(tensor.clone()),
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
            }),
            None => errors.push(match misnamed.remove(&tensor.name) {
                Some(found) => WeightsError::Misnamed {
                    found,
                    expected: Box::new(tensor.clone()),
                },
                None => WeightsError::Missing(tensor.clone()),
            }),
        }
    }
    let renamed: BTreeSet<_> = errors
        .iter()
        .filter_map(|error| match error {
            WeightsError::Misnamed { found, .. } => Some(found.clone()),
            _ => None,
        })
        .collect();
    for name in file
        .surplus(&expected)
        .filter(|name| !renamed.contains(*name))
    {
        let reason = why_surplus(network, name);
        errors.push(WeightsError::Surplus {
            name: name.to_owned(),
            reason,
        });
    }
    if !errors.is_empty() {
        return Err(some_of_each_kind(errors));
    }
    let weights = file.weights(network);
    let errors = cells::wrong(network, &weights);
    match errors.is_empty() {
        true => Ok(weights),
        false => Err(some_of_each_kind(errors)),
    }
}

/// The first errors of each kind, and how many more of it there are.
fn some_of_each_kind(errors: Vec<WeightsError>) -> Vec<WeightsError> {
    const MOST_OF_A_KIND: usize = 10;
    let mut kinds: Vec<(std::mem::Discriminant<WeightsError>, usize)> = Vec::new();
    let mut some = Vec::new();
    for error in errors {
        let kind = std::mem::discriminant(&error);
        let at = kinds.iter().position(|(other, _)| *other == kind);
        let at = at.unwrap_or_else(|| {
            kinds.push((kind, 0));
            kinds.len() - 1
        });
        kinds[at].1 += 1;
        if kinds[at].1 <= MOST_OF_A_KIND {
            some.push(error);
        }
    }
    let more = kinds
        .iter()
        .map(|(_, count)| count.saturating_sub(MOST_OF_A_KIND));
    match more.sum() {
        0 => some,
        count => {
            some.push(WeightsError::More { count });
            some
        }
    }
}

/// Why the bytes are no safetensors file.
fn broken(bytes: &[u8], error: SafeTensorError) -> WeightsError {
    if bytes.starts_with(b"version https://git-lfs") {
        return WeightsError::LfsPointer;
    }
    let Some((length, after)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return WeightsError::NoHeaderLength { found: bytes.len() };
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length)
        .ok()
        .and_then(|length| after.split_at_checked(length));
    let Some((header, data)) = header else {
        return WeightsError::HeaderCut {
            needed: length,
            found: after.len(),
        };
    };
    if let SafeTensorError::MetadataIncompleteBuffer = error
        && let Ok(metadata) = serde_json::from_slice::<Metadata>(header)
    {
        return WeightsError::DataLength {
            needed: metadata.data_len(),
            found: data.len(),
        };
    }
    WeightsError::BadHeader {
        length,
        reason: error.to_string(),
    }
}

fn fits(expected: &ExpectedTensor, view: &TensorView<'_>) -> bool {
    view.dtype() == expected.role.dtype() && view.shape() == expected.shape
}

/// The tensors of a file by name.
struct File<'a>(BTreeMap<String, TensorView<'a>>);

impl File<'_> {
    fn surplus(&self, expected: &[ExpectedTensor]) -> impl Iterator<Item = &str> {
        let expected: BTreeSet<_> = expected.iter().map(|tensor| tensor.name.clone()).collect();
        self.0
            .keys()
            .map(String::as_str)
            .filter(move |name| !expected.contains(*name))
    }

    /// Whether the file has every tensor of every layer, in order, and only
    /// their numbers are others: counted from 1, or over layers with weights.
    fn renumbered(&self, expected: &[ExpectedTensor]) -> Option<WeightsError> {
        let mut found = BTreeMap::<usize, BTreeSet<&str>>::new();
        for name in self.0.keys() {
            let (number, rest) = name.split_once('.')?;
            found.entry(number.parse().ok()?).or_default().insert(rest);
        }
        let mut wanted = BTreeMap::<LayerId, BTreeSet<&str>>::new();
        for tensor in expected {
            let (_, rest) = tensor.name.split_once('.')?;
            wanted.entry(tensor.layer).or_default().insert(rest);
        }
        let first = found
            .keys()
            .zip(wanted.keys())
            .find(|(found, wanted)| **found != wanted.0);
        let (&found_number, &expected) = first.filter(|_| found.values().eq(wanted.values()))?;
        let all = wanted.into_keys().collect();
        Some(WeightsError::Renumbered {
            found: found_number,
            expected,
            all,
        })
    }

    /// Missing tensors, and the surplus ones that have their type and shape, and
    /// their last word or all but a letter: `conv1.weight` or `1.weights` for
    /// `1.weight`.
    fn misnamed(&self, expected: &[ExpectedTensor]) -> BTreeMap<String, String> {
        let mut surplus: Vec<_> = self.surplus(expected).collect();
        let last_word = |name: &str| name.rsplit(['.', '_', '/']).next().map(str::to_lowercase);
        let mut pairs = BTreeMap::new();
        for tensor in expected
            .iter()
            .filter(|tensor| !self.0.contains_key(&tensor.name))
        {
            let nearest = (0..surplus.len())
                .filter(|&at| fits(tensor, &self.0[surplus[at]]))
                .filter(|&at| {
                    last_word(surplus[at]) == last_word(&tensor.name)
                        || strsim::osa_distance(surplus[at], &tensor.name) == 1
                })
                .min_by_key(|&at| strsim::osa_distance(surplus[at], &tensor.name));
            if let Some(at) = nearest {
                pairs.insert(tensor.name.clone(), surplus.remove(at).to_owned());
            }
        }
        pairs
    }

    /// The integers of a file without errors.
    fn weights(&self, network: &Network) -> Weights {
        let nodes = network.nodes().iter();
        let nodes = nodes.map(|node| node.sums().map(|sum| self.sum(node, &sum)).collect());
        let own = network.nodes().iter().map(|node| self.own(node));
        Weights::with_own(nodes.collect(), own.collect())
    }

    /// What a node has beside the parameters of its sums.
    fn own(&self, node: &Node) -> OwnParameters {
        OwnParameters::read(node, |role: TensorRole| {
            let view = self.0.get(&own_tensor_name(node, role));
            view.map_or(&[][..], |view| view.data())
        })
    }

    fn sum(&self, node: &Node, sum: &SumShape) -> Parameters {
        let data = |role: Role| self.0[&tensor_name(node, sum, role)].data();
        let shift = |name: &str| {
            let (names, _) = sum.shifts();
            let place = names.iter().position(|&other| other == name);
            place.map_or(0, |place| data(Role::Shift)[place])
        };
        let (weight, bias) = if sum.tensor().is_some() {
            (
                data(Role::Weight)
                    .iter()
                    .map(|&byte| i8::from_le_bytes([byte]))
                    .collect(),
                match bias_role(sum) {
                    Role::WideBias => long_words(data(Role::WideBias)).collect(),
                    role => words(data(role)).map(i32::from).collect(),
                },
            )
        } else {
            let outputs = sum.outputs as usize;
            (vec![1; outputs], vec![0; outputs])
        };
        Parameters {
            weight,
            bias,
            shift: Shift {
                left: shift("left"),
                right: shift("right"),
                skip: shift("skip"),
            },
        }
    }
}

pub(super) fn long_words(data: &[u8]) -> impl Iterator<Item = i32> {
    let words = data.chunks_exact(4);
    words.map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

pub(super) fn words(data: &[u8]) -> impl Iterator<Item = i16> {
    data.chunks_exact(2)
        .map(|word| i16::from_le_bytes([word[0], word[1]]))
}

fn values_out_of_range(
    tensor: &ExpectedTensor,
    view: &TensorView<'_>,
    bits: Bits,
) -> Vec<WeightsError> {
    let name = tensor.name.clone();
    let data = view.data();
    let (values, entry, bits, widths): (Vec<i32>, _, _, &[u32]) = match tensor.role {
        Role::WideBias => return Vec::new(),
        Role::Own(TensorRole::Shift(names), _) => {
            let names = names.names();
            let of_each_cell = data.chunks(names.len());
            let named = of_each_cell.flat_map(|bits| names.iter().zip(bits));
            return named
                .filter(|&(&shifted, &bits)| bits > MOST_SHIFT && shifted != cells::FRACTION)
                .map(|(&shifted, &bits)| WeightsError::OwnShift {
                    name: name.clone(),
                    shifted,
                    bits,
                })
                .collect();
        }
        Role::Own(role, _) if !role.is_weight() => return Vec::new(),
        Role::Weight | Role::Own(_, _) => {
            let values = data
                .iter()
                .map(|&byte| i8::from_le_bytes([byte]).into())
                .collect();
            (values, "weights", bits.weights, &[2, 4, 8])
        }
        Role::Bias => (
            words(data).map(i32::from).collect(),
            "biases",
            bits.biases,
            &[8, 16],
        ),
        Role::Shift => {
            let names = tensor.axes.trim_matches(['[', ']']).split(", ");
            return names
                .zip(data)
                .filter(|&(_, &bits)| bits > MOST_SHIFT)
                .map(|(direction, &bits)| WeightsError::Shift {
                    name: name.clone(),
                    direction: direction.to_owned(),
                    bits,
                })
                .collect();
        }
    };
    let outside = |bits: u32, value: i32| {
        let (least, most) = range(bits);
        !(least..=most).contains(&value)
    };
    let Some(first) = values.iter().position(|&value| outside(bits, value)) else {
        return Vec::new();
    };
    vec![WeightsError::OutOfRange {
        name,
        entry,
        bits,
        index: index(first, &tensor.shape),
        value: values[first],
        count: values.iter().filter(|&&value| outside(bits, value)).count(),
        would_fit: widths
            .iter()
            .copied()
            .find(|&wider| !values.iter().any(|&value| outside(wider, value))),
    }]
}

/// The index along each axis of the value at `position`, the last axis
/// counting fastest.
fn index(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (index, length) in index.iter_mut().zip(shape).rev() {
        *index = position % length;
        position /= length;
    }
    index
}

fn why_surplus(network: &Network, name: &str) -> String {
    let number = name
        .split('.')
        .next()
        .and_then(|number| number.parse::<usize>().ok());
    let layers = network.layer_count();
    match number {
        Some(number) if number >= layers => {
            format!("the list has {layers} layers, 0 to {}", layers - 1)
        }
        Some(number) => {
            let layer = LayerId(number);
            let own: Vec<_> = expected_tensors(network)
                .into_iter()
                .filter(|tensor| tensor.layer == layer)
                .map(|tensor| format!("`{}`", tensor.name))
                .collect();
            let written = network.written(layer);
            if own.is_empty() {
                format!("layer {number}, `{written}`, has no weights")
            } else {
                format!("layer {number}, `{written}`, takes {}", own.join(", "))
            }
        }
        None => "a name starts with its layer's position in the list, as in `1.weight`".to_owned(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
