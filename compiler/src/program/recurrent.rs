//! Recurrent cells: how their steps go over what is taken in, and their parameters as bytes.
//!
//! | bytes of a cell | |
//! | --- | --- |
//! | 1 | Q, bits of the states' fraction |
//! | 1 | bits that the sums of the input are shifted down by |
//! | 1 | bits that those of the states are |
//! | 2, where it has a rank | bits that the products of the first factors are shifted down by, the input's and the states' |
//! | 2, 2 | ζ, ν |
//! | 4 a unit | what is added to the input's sums |
//! | 2 a unit | what is added before the gate |
//! | 2 a unit | what is added before the update |
//! | `[rank, values]`, where it has one, `[h, values or rank]` | what the input is multiplied by |
//! | `[rank, h]`, where it has one, `[h, h or rank]` | what the states are multiplied by |

use super::own::{Bytes, Matrix, OwnPlace, word};
use crate::network::{Element, Rank, ReceptiveField, Recurrent, Shape};
use crate::weights::{CellParameters, Factors};

/// A recurrent layer.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// What is computed.
    pub kind: Recurrent,
    /// What of its map is taken in at once.
    pub taken: ReceptiveField,
    /// The values of that: rows, columns, and values of a pixel.
    pub map: Shape,
    /// Steps over a whole input, which say what its states are kept within.
    pub steps_of_input: u32,
    /// What it reads is made of.
    pub reads: Element,
    /// Whether that may be negative.
    pub signed: bool,
    /// Where the parameters of a cell are among its bytes.
    pub layout: CellLayout,
    /// Those of each cell.
    pub parameters: OwnPlace<Vec<CellParameters>>,
}

/// Where the parameters of a cell are among its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellLayout {
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits of the states' fraction.
    pub fraction_byte: u32,
    /// What the input is multiplied by.
    pub input: FactorsLayout,
    /// What the states are multiplied by.
    pub state: FactorsLayout,
    /// The first byte of ζ and of ν, of two bytes each.
    pub mix_byte: u32,
    /// The first byte of what is added to the input's sums, of four bytes each.
    pub input_bias_byte: u32,
    /// The first byte of what is added before the gate, of two bytes each.
    pub gate_bias_byte: u32,
    /// The first byte of what is added before the update, of two bytes each.
    pub update_bias_byte: u32,
    /// Bytes of all.
    pub bytes: u32,
}

/// Where a matrix, or its two factors, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorsLayout {
    /// The first factor, and the byte that says how far its products are shifted down.
    pub first: Option<(Matrix, u32)>,
    /// The only or the second one.
    pub last: Matrix,
    /// The byte that says how far its sums are shifted down.
    pub shift_byte: u32,
}

impl CellLayout {
    /// Of a cell that reads a map of that shape.
    pub fn new(kind: &Recurrent, map: Shape, weight_bits: u32) -> Self {
        let mut bytes = Bytes::new(weight_bits);
        let (hidden, values) = (kind.hidden, kind.step_values(map));
        let fraction_byte = bytes.take(1);
        let (input_shift, state_shift) = (bytes.take(1), bytes.take(1));
        let first_shifts = kind.rank.map(|_| (bytes.take(1), bytes.take(1)));
        let mix_byte = bytes.take(4);
        let input_bias_byte = bytes.take(4 * hidden);
        let gate_bias_byte = bytes.take(2 * hidden);
        let update_bias_byte = bytes.take(2 * hidden);
        let mut factors = |columns: u32, shift_byte: u32, first: Option<(u32, u32)>| {
            let first = first.map(|(rank, shift)| (bytes.matrix(rank, columns), shift));
            let columns = first.map_or(columns, |(first, _)| first.rows);
            FactorsLayout {
                first,
                last: bytes.matrix(hidden, columns),
                shift_byte,
            }
        };
        let ranks = kind.rank.zip(first_shifts);
        let of_input = ranks.map(|(Rank { input, state: _ }, (shift, _))| (input, shift));
        let of_state = ranks.map(|(Rank { input: _, state }, (_, shift))| (state, shift));
        let input = factors(values, input_shift, of_input);
        let state = factors(hidden, state_shift, of_state);
        Self {
            weight_bits,
            fraction_byte,
            input,
            state,
            mix_byte,
            input_bias_byte,
            gate_bias_byte,
            update_bias_byte,
            bytes: bytes.count,
        }
    }

    fn pack(&self, cell: &CellParameters, bytes: &mut Vec<u8>) {
        bytes.extend([cell.fraction, cell.input.shift, cell.state.shift]);
        let firsts = [&cell.input, &cell.state].into_iter();
        bytes.extend(firsts.filter_map(|factors| Some(factors.first.as_ref()?.1)));
        for word in [cell.zeta, cell.nu] {
            bytes.extend(word.to_le_bytes());
        }
        let biases = cell.input_bias.iter();
        bytes.extend(biases.flat_map(|bias| bias.to_le_bytes()));
        let biases = cell.gate_bias.iter().chain(&cell.update_bias);
        bytes.extend(biases.flat_map(|bias| bias.to_le_bytes()));
        for (layout, factors) in [(&self.input, &cell.input), (&self.state, &cell.state)] {
            if let (Some((matrix, _)), Some((weights, _))) = (layout.first, &factors.first) {
                matrix.pack(weights, self.weight_bits, bytes);
            }
            layout.last.pack(&factors.weight, self.weight_bits, bytes);
        }
    }

    fn unpack(&self, bytes: &[u8]) -> CellParameters {
        let byte = |index: u32| bytes[index as usize];
        let hidden = self.input.last.rows;
        let words = |first: u32| (0..hidden).map(|index| word(bytes, first, index)).collect();
        let factors = |layout: &FactorsLayout| Factors {
            first: layout
                .first
                .map(|(matrix, shift)| (matrix.unpack(bytes, self.weight_bits), byte(shift))),
            weight: layout.last.unpack(bytes, self.weight_bits),
            shift: byte(layout.shift_byte),
        };
        let input_bias = |unit: u32| {
            let first = (self.input_bias_byte + 4 * unit) as usize;
            let bytes = [0, 1, 2, 3].map(|index| bytes[first + index]);
            i32::from_le_bytes(bytes)
        };
        CellParameters {
            input: factors(&self.input),
            input_bias: (0..hidden).map(input_bias).collect(),
            state: factors(&self.state),
            gate_bias: words(self.gate_bias_byte),
            update_bias: words(self.update_bias_byte),
            zeta: word(bytes, self.mix_byte, 0),
            nu: word(bytes, self.mix_byte, 1),
            fraction: byte(self.fraction_byte),
        }
    }
}

impl Recurrence {
    /// Cells, each with parameters and states of its own.
    pub fn cells(&self) -> u32 {
        self.kind.cells(self.map)
    }

    /// Steps over what is taken in at once.
    pub fn steps(&self) -> u32 {
        self.kind.steps(self.map)
    }

    /// Values of a step.
    pub fn step_values(&self) -> u32 {
        self.kind.step_values(self.map)
    }

    /// The place, among the values that are taken in, of one that a cell reads in a step.
    pub fn place(&self, cell: u32, step: u32, value: u32) -> u32 {
        self.kind.place(self.map, cell, step, value)
    }

    /// Values from one that a step reads to the next.
    pub fn stride(&self) -> u32 {
        match self.step_values() {
            1 => 1,
            _ => self.place(0, 0, 1) - self.place(0, 0, 0),
        }
    }

    /// Bytes of its parameters.
    pub fn bytes(&self) -> u32 {
        self.layout.bytes.saturating_mul(self.cells())
    }

    /// Its parameters as bytes, where they are known.
    pub fn packed(&self) -> Option<Vec<u8>> {
        let cells = self.parameters.constant()?;
        let mut bytes = Vec::new();
        for cell in cells {
            self.layout.pack(cell, &mut bytes);
        }
        Some(bytes)
    }

    pub(super) fn unpacked(&self, bytes: &[u8]) -> Vec<CellParameters> {
        let cells = bytes.chunks(self.layout.bytes as usize);
        cells.map(|cell| self.layout.unpack(cell)).collect()
    }
}
