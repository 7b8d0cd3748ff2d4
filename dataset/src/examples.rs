use std::fmt;

use crate::InputShape;

/// Labelled examples.
#[derive(Clone, PartialEq, Eq)]
pub struct Examples {
    /// The shape of every input.
    pub shape: InputShape,
    /// The inputs one after the other: `shape.values()` bytes each, row-major, channels last.
    pub inputs: Vec<u8>,
    /// Each input's class, counted from 0.
    pub labels: Vec<u16>,
    /// What to call each in a picture or an error: its file, or its index in the data.
    pub names: Vec<String>,
    /// What each is of (a person, a session), where it is known; else empty. A split never parts a
    /// group.
    pub groups: Vec<String>,
}

impl Examples {
    /// No example.
    pub const fn none(shape: InputShape) -> Self {
        Self {
            shape,
            inputs: Vec::new(),
            labels: Vec::new(),
            names: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Examples of arrays, which have no names but their indices.
    pub(crate) fn indexed(shape: InputShape, inputs: Vec<u8>, labels: Vec<u16>) -> Self {
        let names = (0..labels.len()).map(|index| format!("image {index}"));
        Self {
            names: names.collect(),
            shape,
            inputs,
            labels,
            groups: Vec::new(),
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

    /// The bytes of an example's input.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn input(&self, index: usize) -> &[u8] {
        let values = self.shape.values();
        &self.inputs[index * values..][..values]
    }

    /// How many examples there are of each of `classes`.
    ///
    /// # Panics
    /// When a label is none of them.
    pub fn counts(&self, classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// Copies of the examples at `indices`, in that order.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut selected = Self::none(self.shape);
        selected
            .inputs
            .reserve_exact(indices.len() * self.shape.values());
        for &index in indices {
            selected.inputs.extend_from_slice(self.input(index));
            selected.labels.push(self.labels[index]);
            selected.names.push(self.names[index].clone());
            selected.groups.extend(self.groups.get(index).cloned());
        }
        selected
    }
}

/// Shape and count: the bytes of thousands of images say nothing.
impl fmt::Debug for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Examples")
            .field("shape", &self.shape)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
