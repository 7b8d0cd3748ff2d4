use std::fmt;

use crate::InputShape;

/// Labelled examples as they were recorded, before they are the bytes that a network takes.
#[derive(Clone, PartialEq)]
pub struct Recordings {
    /// The shape of every one.
    pub shape: InputShape,
    /// The values one after the other: `shape.values()` each, row-major, channels last.
    pub values: Values,
    /// Each one's class, counted from 0.
    pub labels: Vec<u16>,
    /// What to call each in a picture or an error: its file, or its index in the data.
    pub names: Vec<String>,
    /// What each is of (a person, a session), where it was asked for; else empty. A split never
    /// parts a group.
    pub groups: Vec<String>,
    /// What was done to them on the way, for the user: cut, padded, composed.
    pub notes: Vec<String>,
}

/// Recorded values.
#[derive(Clone, PartialEq)]
pub enum Values {
    /// Bytes: grey levels, or whatever was quantised already.
    Bytes(Vec<u8>),
    /// Numbers of any range, all finite.
    Numbers(Vec<f32>),
}

impl Recordings {
    /// Recordings of bytes that have no names but their indices.
    pub(crate) fn of_bytes(shape: InputShape, values: Vec<u8>, labels: Vec<u16>) -> Self {
        let names = (0..labels.len()).map(|index| format!("image {index}"));
        Self {
            shape,
            names: names.collect(),
            values: Values::Bytes(values),
            labels,
            groups: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

impl Values {
    /// The least and the greatest value; `None` where there is none.
    pub fn range(&self) -> Option<(f32, f32)> {
        match self {
            Self::Bytes(bytes) => {
                let (least, greatest) = (bytes.iter().min()?, bytes.iter().max()?);
                Some((f32::from(*least), f32::from(*greatest)))
            }
            Self::Numbers(numbers) => {
                let first = *numbers.first()?;
                let widen =
                    |(least, greatest): (f32, f32), &it: &f32| (least.min(it), greatest.max(it));
                Some(numbers.iter().fold((first, first), widen))
            }
        }
    }
}

/// Shape and count: the values of thousands of recordings say nothing.
impl fmt::Debug for Recordings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recordings")
            .field("shape", &self.shape)
            .field("len", &self.len())
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}
