//! What tensors are made of.

use std::fmt;

/// The type of a tensor's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 8 bits with a sign: every activation and weight.
    Int8,
    /// 8 bits without a sign: an input or output.
    Uint8,
    /// 32 bits: biases, and shapes.
    Int32,
    /// 64 bits: shapes.
    Int64,
    /// An input or output.
    Float32,
    /// A name of a variable.
    Resource,
    /// Any other, by its number in TensorFlow Lite's schema.
    Other(u8),
}

impl Element {
    /// By its number in TensorFlow Lite's schema, `TensorType`.
    pub(crate) const fn of(number: u8) -> Self {
        match number {
            0 => Self::Float32,
            2 => Self::Int32,
            3 => Self::Uint8,
            4 => Self::Int64,
            9 => Self::Int8,
            13 => Self::Resource,
            other => Self::Other(other),
        }
    }

    /// Bytes of a value; 0 of those that have none.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Int8 | Self::Uint8 => 1,
            Self::Int32 | Self::Float32 => 4,
            Self::Int64 => 8,
            Self::Resource | Self::Other(_) => 0,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The schema's `TensorType`, by number.
        const OTHERS: [&str; 19] = [
            "float32",
            "float16",
            "int32",
            "uint8",
            "int64",
            "string",
            "bool",
            "int16",
            "complex64",
            "int8",
            "float64",
            "complex128",
            "uint64",
            "resource",
            "variant",
            "uint32",
            "uint16",
            "int4",
            "bfloat16",
        ];
        match self {
            Self::Int8 => f.write_str("int8"),
            Self::Uint8 => f.write_str("uint8"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::Float32 => f.write_str("float32"),
            Self::Resource => f.write_str("resource"),
            Self::Other(number) => match OTHERS.get(usize::from(*number)) {
                Some(name) => f.write_str(name),
                None => write!(f, "type {number}"),
            },
        }
    }
}

/// The values of a tensor, the last dimension's first.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of [`Element::Int8`].
    Int8(Vec<i8>),
    /// Of [`Element::Uint8`].
    Uint8(Vec<u8>),
    /// Of [`Element::Int32`], and of [`Element::Int64`] where they fit.
    Int32(Vec<i32>),
    /// Of [`Element::Float32`].
    Float32(Vec<f32>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Int8(values) => values.len(),
            Self::Uint8(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Float32(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub const fn element(&self) -> Element {
        match self {
            Self::Int8(_) => Element::Int8,
            Self::Uint8(_) => Element::Uint8,
            Self::Int32(_) => Element::Int32,
            Self::Float32(_) => Element::Float32,
        }
    }

    /// The values of a constant; `None` where it has another number of bytes than its shape
    /// says, a type that is not here, or integers that 32 bits don't hold.
    pub(crate) fn of_bytes(element: Element, count: usize, bytes: &[u8]) -> Option<Self> {
        if count.checked_mul(element.bytes()) != Some(bytes.len()) {
            return None;
        }
        Some(match element {
            Element::Int8 => Self::Int8(bytes.iter().map(|&byte| byte as i8).collect()),
            Element::Uint8 => Self::Uint8(bytes.to_vec()),
            Element::Int32 => Self::Int32(words(bytes).map(i32::from_le_bytes).collect()),
            Element::Float32 => Self::Float32(words(bytes).map(f32::from_le_bytes).collect()),
            Element::Int64 => {
                let values = words(bytes).map(|word| i32::try_from(i64::from_le_bytes(word)));
                Self::Int32(values.collect::<Result<_, _>>().ok()?)
            }
            Element::Resource | Element::Other(_) => return None,
        })
    }

    /// Those of some places; `fill` where a place is `None`.
    pub(crate) fn pick(&self, places: impl Iterator<Item = Option<usize>>, fill: i8) -> Self {
        match self {
            Self::Int8(values) => Self::Int8(picked(values, places, fill)),
            Self::Uint8(values) => Self::Uint8(picked(values, places, fill as u8)),
            Self::Int32(values) => Self::Int32(picked(values, places, fill.into())),
            Self::Float32(values) => Self::Float32(picked(values, places, fill.into())),
        }
    }

    /// Values of several tensors of one type, one after the other, `lengths` of each in turn.
    ///
    /// `None` where their types differ.
    pub(crate) fn interleave(parts: &[&Self], lengths: &[usize]) -> Option<Self> {
        Some(match parts.first()? {
            Self::Int8(_) => Self::Int8(interleaved(parts, lengths, |part| match part {
                Self::Int8(values) => Some(values),
                Self::Uint8(_) | Self::Int32(_) | Self::Float32(_) => None,
            })?),
            Self::Uint8(_) => Self::Uint8(interleaved(parts, lengths, |part| match part {
                Self::Uint8(values) => Some(values),
                Self::Int8(_) | Self::Int32(_) | Self::Float32(_) => None,
            })?),
            Self::Int32(_) => Self::Int32(interleaved(parts, lengths, |part| match part {
                Self::Int32(values) => Some(values),
                Self::Int8(_) | Self::Uint8(_) | Self::Float32(_) => None,
            })?),
            Self::Float32(_) => Self::Float32(interleaved(parts, lengths, |part| match part {
                Self::Float32(values) => Some(values),
                Self::Int8(_) | Self::Uint8(_) | Self::Int32(_) => None,
            })?),
        })
    }

    /// The integers of an int8 tensor.
    pub fn int8(&self) -> Option<&[i8]> {
        match self {
            Self::Int8(values) => Some(values),
            Self::Uint8(_) | Self::Int32(_) | Self::Float32(_) => None,
        }
    }

    /// The bytes of a tensor of bytes, signed or not.
    pub fn bytes(&self) -> Option<Vec<i8>> {
        match self {
            Self::Int8(values) => Some(values.clone()),
            Self::Uint8(values) => Some(values.iter().map(|&value| value as i8).collect()),
            Self::Int32(_) | Self::Float32(_) => None,
        }
    }

    /// The integers of an int32 tensor.
    pub(crate) fn int32(&self) -> Option<&[i32]> {
        match self {
            Self::Int32(values) => Some(values),
            Self::Int8(_) | Self::Uint8(_) | Self::Float32(_) => None,
        }
    }
}

fn words<const BYTES: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; BYTES]> {
    bytes
        .chunks_exact(BYTES)
        .map(|word| word.try_into().expect("chunks of as many bytes"))
}

fn picked<T: Copy>(values: &[T], places: impl Iterator<Item = Option<usize>>, fill: T) -> Vec<T> {
    places
        .map(|place| place.map_or(fill, |place| values[place]))
        .collect()
}

fn interleaved<'a, T: Copy + 'a>(
    parts: &[&'a Values],
    lengths: &[usize],
    values: impl Fn(&'a Values) -> Option<&'a Vec<T>>,
) -> Option<Vec<T>> {
    let parts: Vec<&[T]> = parts
        .iter()
        .map(|part| values(part).map(Vec::as_slice))
        .collect::<Option<_>>()?;
    let mut chunks: Vec<_> = parts
        .iter()
        .zip(lengths)
        .map(|(part, &length)| part.chunks_exact(length.max(1)))
        .collect();
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    let mut turns = true;
    while turns {
        turns = false;
        for chunk in &mut chunks {
            if let Some(values) = chunk.next() {
                all.extend_from_slice(values);
                turns = true;
            }
        }
    }
    Some(all)
}
