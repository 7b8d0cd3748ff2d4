//! What can be wrong with a weights file.

use std::fmt;
use std::path::PathBuf;

use safetensors::Dtype;

use super::expected::ExpectedTensor;
use crate::network::LayerId;

/// One thing that is wrong with a weights file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsError {
    /// The path needs an environment variable that cannot be had.
    Variable { name: String, reason: &'static str },
    /// The path has no characters.
    EmptyPath,
    /// The file could not be read.
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// More bytes than a weights file of the network can have.
    TooLarge {
        /// Bytes that it can have.
        most_bytes: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// A pointer of Git LFS in place of the file.
    LfsPointer,
    /// More errors of kinds that were shown.
    More { count: usize },
    /// Fewer bytes than the length of the header takes.
    NoHeaderLength {
        /// Bytes of the file.
        found: usize,
    },
    /// Fewer bytes than the header's length says.
    HeaderCut {
        /// Bytes of the header.
        needed: u64,
        /// Bytes after the header's length.
        found: usize,
    },
    /// The header is not what safetensors says.
    BadHeader {
        /// Bytes of the header.
        length: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Fewer or more bytes of values than the header says.
    DataLength {
        /// Bytes of all tensors.
        needed: usize,
        /// Bytes after the header.
        found: usize,
    },
    /// The file says that it was trained for another network.
    OtherNetwork {
        /// The list that it was trained for.
        trained: String,
        /// The list of the declaration.
        declared: String,
    },
    /// The file says that it was trained with other bits of activations.
    OtherBits {
        /// The bits that it was trained with.
        trained: String,
        /// The bits of the declaration.
        declared: String,
    },
    /// The file says that it was trained with other features, or with none.
    OtherFeatures {
        /// The features that it was trained with.
        trained: String,
        /// Those of the declaration.
        declared: String,
    },
    /// What the file says of itself cannot be.
    Metadata {
        /// The entry of its metadata.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// The file counts layers in another way.
    Renumbered {
        /// The first number in the file that is another than expected.
        found: usize,
        /// What it should be.
        expected: LayerId,
        /// All numbers that are expected.
        all: Vec<LayerId>,
    },
    /// A tensor is not there.
    Missing(
        /// What was expected.
        ExpectedTensor,
    ),
    /// A tensor is there under another name.
    Misnamed {
        /// Its name in the file.
        found: String,
        /// The tensor that is missing and has its type and shape.
        expected: Box<ExpectedTensor>,
    },
    /// A tensor of no use to the network.
    Surplus {
        name: String,
        /// Why it is of no use.
        reason: String,
    },
    /// A tensor of another type or shape.
    Mismatch {
        /// What was expected.
        expected: Box<ExpectedTensor>,
        /// The type that was found.
        dtype: Dtype,
        /// The shape that was found.
        shape: Vec<usize>,
    },
    /// Values that do not fit their bits.
    OutOfRange {
        name: String,
        /// `weights` or `biases`, the entry of `bits`.
        entry: &'static str,
        bits: u32,
        /// Where the first such value is.
        index: Vec<usize>,
        /// The first such value.
        value: i32,
        /// How many there are.
        count: usize,
        /// The least width of all that `bits` allows that holds all values.
        would_fit: Option<u32>,
    },
    /// A sum of a kind of its own is shifted by more bits than it has.
    OwnShift {
        name: String,
        /// What is shifted.
        shifted: &'static str,
        /// Bits.
        bits: u8,
    },
    /// A recurrent cell's state has a fraction that its integers don't have.
    Fraction {
        name: String,
        /// Bits.
        bits: u8,
        /// Those that there may be, with this gate.
        least: u8,
        most: u8,
        gate: &'static str,
    },
    /// A recurrent cell mixes its update in by less than nothing, or by more than all of it.
    Mix {
        name: String,
        /// `zeta` or `nu`.
        factor: &'static str,
        value: i16,
        /// Bits of the fraction.
        fraction: u8,
    },
    /// A recurrent cell's state may pass its 16 bits.
    State {
        name: String,
        /// Steps of an inference.
        steps: u32,
        /// What a state may be.
        bound: i64,
        /// Bits of the fraction.
        fraction: u8,
        /// The most bits with which it fits; `None` where it never does.
        fits: Option<u8>,
    },
    /// A shift by more bits than a sum has.
    Shift {
        name: String,
        /// `left` or `right`.
        direction: String,
        /// Bits.
        bits: u8,
    },
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, reason } => write!(
                f,
                "the environment variable `{name}` {reason}: set it for the build, or give a path"
            ),
            Self::EmptyPath => write!(f, "the path of the weights file is empty"),
            Self::Unreadable { path, reason } => {
                write!(
                    f,
                    "cannot read the weights file `{}`: {reason}",
                    path.display()
                )
            }
            Self::NoHeaderLength { found: 0 } => write!(f, "the weights file is empty"),
            Self::NoHeaderLength { found } => write!(
                f,
                "the weights file is truncated: a safetensors file starts with 8 bytes, the length of its header, found {found}"
            ),
            Self::HeaderCut { needed, found } => write!(
                f,
                "the weights file is truncated or not safetensors: its first 8 bytes announce a header of {needed} bytes, found {found} after them"
            ),
            Self::BadHeader { length, reason } => write!(
                f,
                "the weights file is not safetensors: its header of {length} bytes is wrong: {}",
                Shown(reason)
            ),
            Self::TooLarge { most_bytes, found } => write!(
                f,
                "the weights file has {found} bytes, and one of this network has at most {most_bytes}: give the path of its weights"
            ),
            Self::LfsPointer => f.write_str(
                "the weights file is a Git LFS pointer: fetch the file itself with `git lfs pull`",
            ),
            Self::More { count: 1 } => f.write_str("and 1 more error in the weights file"),
            Self::More { count } => write!(f, "and {count} more errors in the weights file"),
            Self::DataLength { needed, found } if found < needed => write!(
                f,
                "the weights file is truncated: its tensors take {needed} bytes, found {found}"
            ),
            Self::DataLength { needed, found } => write!(
                f,
                "the weights file is damaged: its tensors take {needed} bytes, found {found}"
            ),
            Self::OtherNetwork { trained, declared } => write!(
                f,
                "the weights were trained for `{trained}`, and this network is `{declared}`: train it, or declare what was trained"
            ),
            Self::OtherBits { trained, declared } => write!(
                f,
                "the weights were trained with `{trained}`, and this network has `{declared}`: train it, or declare what was trained"
            ),
            Self::OtherFeatures { trained, declared } => write!(
                f,
                "the weights were trained with `{trained}`, and this network has `{declared}`: train it, or declare what was trained"
            ),
            Self::Metadata { entry, reason } => write!(
                f,
                "the weights file's metadata is damaged: `{entry}`: {reason}: train again, or leave the entry out"
            ),
            Self::Renumbered {
                found,
                expected,
                all,
            } => {
                let all: Vec<_> = all.iter().map(LayerId::to_string).collect();
                write!(
                    f,
                    "`{found}.…`: expected `{expected}.…`: the layers with weights are at {} of the list, \
                     counted from 0 over every letter, `A`, `M` and `Dr` too",
                    all.join(", ")
                )
            }
            Self::Missing(expected) => {
                write!(
                    f,
                    "`{}` is missing: expected {}",
                    expected.name,
                    Wanted(expected)
                )
            }
            Self::Misnamed { found, expected } => write!(
                f,
                "this network has no tensor `{}`: it has the type and shape of `{}`, which is missing: rename it",
                Shown(found),
                expected.name
            ),
            Self::Surplus { name, reason } => {
                write!(f, "`{}` is surplus: {reason}", Shown(name))
            }
            Self::Mismatch {
                expected,
                dtype,
                shape,
            } => {
                const MOST_AXES: usize = 8;
                let found = match shape.get(..MOST_AXES + 1) {
                    Some(_) => format!("{dtype} of {} axes", shape.len()),
                    None => format!("{dtype} {shape:?}"),
                };
                write!(
                    f,
                    "`{}`: expected {}, found {found}",
                    expected.name,
                    Wanted(expected)
                )?;
                let mut sorted = (shape.clone(), expected.shape.clone());
                sorted.0.sort_unstable();
                sorted.1.sort_unstable();
                let float = matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
                match (float, *shape != expected.shape && sorted.0 == sorted.1) {
                    (true, _) => f.write_str(": quantise it to integers first"),
                    (false, true) => f.write_str(": put its axes into this order"),
                    (false, false) => Ok(()),
                }
            }
            Self::OutOfRange {
                name,
                entry,
                bits,
                index,
                value,
                count,
                would_fit,
            } => {
                let (least, most) = range(*bits);
                write!(
                    f,
                    "`{name}`: {value} at {index:?} does not fit {bits} bits, {least} to {most}"
                )?;
                match count {
                    0 | 1 => {}
                    2 => write!(f, ", nor does 1 more value")?,
                    _ => write!(f, ", nor do {} more values", count - 1)?,
                }
                write!(f, ": quantise to {bits} bits")?;
                match would_fit {
                    Some(wider) => write!(f, ", or set `bits: {{ {entry}: {wider} }}`"),
                    None => Ok(()),
                }
            }
            Self::OwnShift {
                name,
                shifted,
                bits,
            } => write!(
                f,
                "`{name}`: a shift of {shifted} by {bits} bits leaves nothing of a sum: expected 0 to 31"
            ),
            Self::Fraction {
                name,
                bits,
                least,
                most,
                gate,
            } => write!(
                f,
                "`{name}`: a state with a fraction of {bits} bits is not supported: expected {least} to {most} with `gate: {gate}`"
            ),
            Self::Mix {
                name,
                factor,
                value,
                fraction,
            } => write!(
                f,
                "`{name}`: {factor} is {value}: expected 0 to {}, which is 1 with a fraction of {fraction} bits",
                1 << fraction
            ),
            Self::State {
                name,
                steps,
                bound,
                fraction,
                fits,
            } => {
                write!(
                    f,
                    "`{name}`: with a fraction of {fraction} bits a state can be {bound} after {steps} steps, which does not fit 16 bits: "
                )?;
                match fits {
                    Some(fits) => write!(f, "quantise with a fraction of {fits} bits, which fits"),
                    None => f.write_str("use fewer steps, or a smaller nu"),
                }
            }
            Self::Shift {
                name,
                direction,
                bits,
            } => write!(
                f,
                "`{name}`: a shift to the {direction} of {bits} bits leaves nothing of a sum: expected 0 to 31"
            ),
        }
    }
}

impl std::error::Error for WeightsError {}

/// Text of a file, escaped, and no more than its first characters.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_CHARACTERS: usize = 120;
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(MOST_CHARACTERS) {
            match character {
                '"' | '\'' => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        match characters.next() {
            Some(_) => f.write_str("…"),
            None => Ok(()),
        }
    }
}

/// "I8 [5, 3, 3, 1], which is [out, rows, columns, in]".
struct Wanted<'a>(&'a ExpectedTensor);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExpectedTensor {
            role, shape, axes, ..
        } = self.0;
        write!(f, "{} {shape:?}, which is {axes}", role.dtype())
    }
}

/// The least and the largest two's-complement integer of that many bits.
pub(super) fn range(bits: u32) -> (i32, i32) {
    let half = 1 << (bits - 1);
    (-half, half - 1)
}
