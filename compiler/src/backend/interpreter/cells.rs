//! Wide values and the cells that they are made of.

use super::{ComputedMap, Machine};
use crate::network::{Element, Shape, ValueId};
use crate::program::Program;

impl ComputedMap {
    /// The same of values, where the channels of a wide map are cells.
    pub(super) fn of_values(self, program: &Program, value: ValueId) -> Self {
        let cells = program.cells_of(value);
        match program.elements[value] {
            Element::Activation => self,
            Element::Wide => Self {
                shape: Shape {
                    channels: self.shape.channels / cells,
                    ..self.shape
                },
                values: joined_cells(&self.values, cells),
            },
        }
    }
}

/// The integers of 16 bits whose cells, the least first, follow one another.
pub(super) fn joined_cells(cells: &[i64], each: u32) -> Vec<i64> {
    let bits = 16 / each;
    let values = cells.chunks(each as usize);
    values
        .map(|cells| {
            let cells = (0..).step_by(bits as usize).zip(cells);
            i64::from(cells.fold(0, |value, (shift, &cell)| value | cell << shift) as i16)
        })
        .collect()
}

impl Machine<'_> {
    /// The cells of values of a map.
    pub(super) fn cells(&self, map: ValueId, values: Vec<i64>) -> Vec<i64> {
        let each = self.program.cells_of(map);
        let width = self.program.activation_bits;
        match self.program.elements[map] {
            Element::Activation => values,
            Element::Wide => values
                .into_iter()
                .flat_map(|value| (0..each).map(move |cell| value >> (cell * width)))
                .map(|bits| bits & ((1 << width) - 1))
                .collect(),
        }
    }
}
