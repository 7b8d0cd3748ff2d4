//! The rows of a tree whose nodes are in heap order, as `program/scores.rs` packs them: in a table,
//! or loaded with the network.

use super::multiply::add_multiple;
use super::products::Operands;
use super::scores::VALUES;
use super::weights::{ParameterPlace, WeightReader};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::registers::{Pointer, R18, R19, Register, X};
use crate::program::{Matrix, OwnPlace, Program, TreeLayout, TreeScores};

/// The node; on the stack while its classes are summed up.
pub(super) const NODE: Register = R18;
const FACTOR: Register = R19;
/// A byte holds the number of any node.
const MOST_DEPTH: u32 = 7;

/// Rows of packed weights.
pub(super) struct HeapRows<'a> {
    tree: &'a TreeScores,
    source: HeapSource,
}

enum HeapSource {
    /// The bytes of a table, and how far the sums of `V` are shifted down.
    Table(Vec<u8>, u8),
    Loaded(ParameterPlace),
}

/// The same, with the place of their first byte.
pub(super) struct PlacedHeap {
    layout: TreeLayout,
    classes: u32,
    place: ParameterPlace,
    /// How far the sums of `V` are shifted down; `None` where that is loaded.
    pub(super) gate_shift: Option<u8>,
}

impl<'a> HeapRows<'a> {
    /// `None` of trees whose nodes or bytes are too many.
    pub(super) fn of(program: &Program, tree: &'a TreeScores) -> Option<Self> {
        let fits = tree.depth <= MOST_DEPTH && tree.layout.bytes <= u32::from(u16::MAX);
        fits.then_some(())?;
        let source = match &tree.parameters {
            OwnPlace::Constant(constant) if constant.gate_shift < 32 => {
                HeapSource::Table(tree.packed()?, constant.gate_shift)
            }
            OwnPlace::Constant(_) => return None,
            OwnPlace::Runtime(first_byte) => {
                HeapSource::Loaded(ParameterPlace::loaded(program, *first_byte))
            }
        };
        Some(Self { tree, source })
    }

    pub(super) fn place(&self, asm: &mut Assembly) -> PlacedHeap {
        let (place, gate_shift) = match &self.source {
            HeapSource::Table(bytes, shift) => {
                let table = asm.near_table(bytes.clone());
                (ParameterPlace::Flash(table), Some(*shift))
            }
            HeapSource::Loaded(place) => (*place, None),
        };
        PlacedHeap {
            layout: self.tree.layout,
            classes: self.tree.classes,
            place,
            gate_shift,
        }
    }
}

impl PlacedHeap {
    pub(super) fn operands(&self) -> Operands {
        let reader = WeightReader::packed(self.place.memory(), self.layout.weight_bits);
        Operands::STATES.read_by(reader)
    }

    /// From a row of `W` to the one of `V`.
    pub(super) fn gate_bytes(&self) -> i32 {
        (self.layout.gate.first_byte - self.layout.score.first_byte) as i32
    }

    pub(super) fn row_bytes(&self) -> i32 {
        self.layout.score.row_bytes as i32
    }

    /// Z ← the first row of `W` of the node, which is pushed.
    pub(super) fn begin_node(&self, asm: &mut Assembly) {
        asm.push(NODE);
        self.point_at_row(asm, self.layout.score, self.classes);
    }

    /// Z ← the row of the node's branch; the node is pushed.
    pub(super) fn begin_branch(&self, asm: &mut Assembly) {
        asm.push(NODE);
        self.point_at_row(asm, self.layout.branch, 1);
    }

    fn point_at_row(&self, asm: &mut Assembly, matrix: Matrix, rows_of_node: u32) {
        self.place.point_at(asm, matrix.first_byte, VALUES);
        add_multiple(asm, NODE, FACTOR, rows_of_node * matrix.row_bytes);
    }

    /// How far the gate's sums are shifted down, which is loaded. Changes X.
    pub(super) fn load_shift(&self, asm: &mut Assembly, shift: Register) {
        match self.place {
            ParameterPlace::Sram(first_byte) => {
                asm.movw(X, VALUES);
                asm.add_to_pair(X, (first_byte + self.layout.shift_byte) as i32);
                asm.load(shift, Pointer::X, Mode::Plain);
            }
            ParameterPlace::Flash(_) => unreachable!("it is known"),
        }
    }
}
