//! The scores of a tree.
//!
//! Nodes are in the table in the order of a walk that goes to the first child first: of each class
//! the weights of `W` and of `V`, beside one another for each value; of an inner node then those of
//! the branch, and how far it is from what follows to the second child. Where weights are packed or
//! loaded with the network, nodes are in heap order (`heap.rs`).

use super::heap::{HeapRows, NODE, PlacedHeap};
use super::loaded::round_half_up;
use super::multiply::{mul, mulsu};
use super::products::{NIL, Operands, Sums};
use super::scores::{SCORE_BYTES, SCORES, ScoresPlace};
use super::weights::WeightReader;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R6, R8, R10, R11, R12, R13, R16, R17, R18, R19, R20, R21, R22, Register, Y,
    Z, ZERO,
};
use crate::backend::avr::layer::part::LayerPart;
use crate::network::TreeGate;
use crate::program::{Program, TreeScores};
use crate::weights::TreeParameters;

/// The sum of `W`, and that of `V`.
const PAIR: Sums = Sums::new(2, 4);
/// The same, one after the other.
const SCORE: Sums = Sums::new(1, 4);
const GATE_SUM: Sums = Sums {
    first: R6,
    ..Sums::new(1, 4)
};
/// That of the branch.
const BRANCH: Sums = Sums::new(1, 4);
/// Where the sum of `V` is rounded; its lowest byte is what a score is multiplied by then.
const GATE: [Register; 4] = [R18, R19, R20, R21];
/// Bit 7: whether that is negative.
const SIGN: Register = R16;
/// The product of a score and a gate.
const PART: [Register; 4] = [R10, R11, R12, R13];
const CLASSES: Register = R22;
const LEVELS: Register = R17;
/// The largest index of the table of the hyperbolic tangent, and the largest hard gate.
const MOST_GATE: u8 = 128;

pub(super) struct TreeCode<'a> {
    tree: &'a TreeScores,
    rows: TreeRows<'a>,
    place: ScoresPlace<'a>,
}

/// Where weights are.
enum TreeRows<'a> {
    /// In a table of bytes, in the order of a walk.
    Walked(&'a TreeParameters),
    /// As they are packed.
    Packed(HeapRows<'a>),
}

/// The same, where they are in the code.
enum PlacedRows {
    /// With how far the sums of `V` are shifted down.
    Walked(Operands, u8),
    Heap(PlacedHeap),
}

impl<'a> TreeCode<'a> {
    pub(super) fn of(
        program: &'a Program,
        part: LayerPart<'a>,
        tree: &'a TreeScores,
    ) -> Option<Self> {
        let rows = match tree.parameters.constant() {
            Some(parameters) if tree.layout.weight_bits == 8 => TreeRows::Walked(parameters),
            Some(_) | None => TreeRows::Packed(HeapRows::of(program, tree)?),
        };
        let network_stays = tree.parameters.loaded().is_some();
        let code = Self {
            tree,
            rows,
            place: ScoresPlace::of(program, part, tree.classes, network_stays)?,
        };
        let spans = match &code.rows {
            TreeRows::Walked(parameters) => {
                parameters.gate_shift < 32 && code.bytes_from(0) <= u32::from(u16::MAX)
            }
            TreeRows::Packed(_) => true,
        };
        spans.then_some(code)
    }

    /// Of a node and all below it.
    fn bytes_from(&self, level: u32) -> u32 {
        let own = 2 * self.tree.classes * self.tree.values;
        match level < self.tree.depth {
            true => own + self.tree.values + 2 + 2 * self.bytes_from(level + 1),
            false => own,
        }
    }

    /// The bytes of a node and all below it.
    fn table(&self, parameters: &TreeParameters, (node, level): (usize, u32), bytes: &mut Vec<u8>) {
        let values = self.tree.values as usize;
        let classes = self.tree.classes as usize;
        for row in node * classes..(node + 1) * classes {
            let row = row * values..(row + 1) * values;
            let scores = parameters.score[row.clone()].iter();
            let pairs = scores.zip(&parameters.gate[row]);
            bytes.extend(pairs.flat_map(|(&score, &gate)| [score as u8, gate as u8]));
        }
        if level < self.tree.depth {
            let branch = &parameters.branch[node * values..][..values];
            bytes.extend(branch.iter().map(|&weight| weight as u8));
            bytes.extend((self.bytes_from(level + 1) as u16).to_le_bytes());
            self.table(parameters, (2 * node + 1, level + 1), bytes);
            self.table(parameters, (2 * node + 2, level + 1), bytes);
        }
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let tangents = match self.tree.gate {
            TreeGate::Tanh => Some(asm.near_table(TreeScores::tanh_table().to_vec())),
            TreeGate::Hard => None,
        };
        self.place.begin(asm);
        let rows = match &self.rows {
            TreeRows::Walked(parameters) => {
                let mut bytes = Vec::new();
                self.table(parameters, (0, 0), &mut bytes);
                let nodes = asm.near_table(bytes);
                asm.ldi_address(Z, (nodes, 0), 0);
                asm.ldi_address(Z.next(), (nodes, 0), 1);
                let operands = Operands::STATES.of_weights(&parameters.score, WeightReader::TABLE);
                PlacedRows::Walked(operands, parameters.gate_shift)
            }
            TreeRows::Packed(heap) => {
                asm.ldi(NODE, 0);
                PlacedRows::Heap(heap.place(asm))
            }
        };
        asm.ldi(NIL, 0);
        let levels = self.tree.depth + 1;
        asm.ldi(LEVELS, levels as u8);
        let next = asm.here();
        asm.times(levels.into(), |asm| {
            if let PlacedRows::Heap(heap) = &rows {
                heap.begin_node(asm);
            }
            asm.movw(Y, SCORES);
            asm.ldi(CLASSES, self.tree.classes as u8);
            let class = asm.here();
            asm.times(self.tree.classes.into(), |asm| {
                self.class(asm, &rows, tangents);
                asm.dec(CLASSES);
                match self.tree.classes {
                    1 => {}
                    classes => asm.loop_back(Condition::NotEqual, class, classes.into()),
                }
            });
            if let PlacedRows::Heap(_) = rows {
                asm.pop(NODE);
            }
        });
        if levels > 1 {
            let done = asm.label();
            asm.times(levels.into(), |asm| {
                asm.dec(LEVELS);
                asm.branch(Condition::Equal, done, 1.0 / f64::from(levels));
            });
            asm.times(self.tree.depth.into(), |asm| {
                match &rows {
                    PlacedRows::Walked(operands, _) => self.descend(asm, *operands),
                    PlacedRows::Heap(heap) => self.descend_heap(asm, heap),
                }
                asm.jump(next);
            });
            asm.bind(done);
        }
        asm.clr(ZERO);
        asm.ret();
    }

    fn begin(&self, asm: &mut Assembly, sums: Sums) {
        for register in (0..sums.outputs).flat_map(|output| sums.registers(output)) {
            asm.mov(register, NIL);
        }
        self.place.point_at_values(asm);
    }

    /// Adds to the score at Y, and goes to the next.
    fn class(&self, asm: &mut Assembly, rows: &PlacedRows, tangents: Option<CodeLabel>) {
        asm.of(Purpose::MultiplyAccumulate, |asm| match rows {
            PlacedRows::Walked(operands, _) => {
                self.begin(asm, PAIR);
                PAIR.add(asm, *operands, self.tree.values);
            }
            PlacedRows::Heap(heap) => {
                let to_gate = heap.gate_bytes();
                for (sums, bytes) in [(SCORE, to_gate - heap.row_bytes()), (GATE_SUM, -to_gate)] {
                    self.begin(asm, sums);
                    sums.add(asm, heap.operands(), self.tree.values);
                    asm.add_to_pair(Z, bytes);
                }
            }
        });
        asm.of(Purpose::Requantise, |asm| {
            self.gate(asm, rows, tangents);
            self.weigh(asm);
            self.add(asm);
        });
    }

    /// The size of the gate in the lowest byte of [`GATE`], and its sign.
    fn gate(&self, asm: &mut Assembly, rows: &PlacedRows, tangents: Option<CodeLabel>) {
        asm.movw(GATE[0], R6);
        asm.movw(GATE[2], R8);
        let kept = match rows {
            PlacedRows::Walked(_, shift) => shifted_gate(asm, *shift),
            PlacedRows::Heap(heap) => match heap.gate_shift {
                Some(shift) => shifted_gate(asm, shift),
                None => {
                    heap.load_shift(asm, SIGN);
                    round_half_up(asm, GATE, (SIGN, PART[0]));
                    &GATE
                }
            },
        };
        let top = kept[kept.len() - 1];
        asm.mov(SIGN, top);
        let (positive, within, large) = (asm.label(), asm.label(), asm.label());
        asm.tst(SIGN);
        asm.branch(Condition::Plus, positive, 0.5);
        asm.times(0.5, |asm| {
            for &register in kept {
                asm.com(register);
            }
            asm.subi(kept[0], 0xFF);
            for &register in &kept[1..] {
                asm.sbci(register, 0xFF);
            }
        });
        asm.bind(positive);
        for &register in &kept[1..] {
            asm.tst(register);
            asm.branch(Condition::NotEqual, large, 0.2);
        }
        asm.cpi(kept[0], MOST_GATE);
        asm.branch(Condition::Lower, within, 0.6);
        asm.bind(large);
        asm.times(0.4, |asm| asm.ldi(kept[0], MOST_GATE));
        asm.bind(within);
        match tangents {
            Some(table) => {
                asm.movw(PART[0], Z);
                asm.ldi_address(Z, (table, 0), 0);
                asm.ldi_address(Z.next(), (table, 0), 1);
                asm.add(Z, kept[0]);
                asm.adc(Z.next(), NIL);
                asm.lpm_near(GATE[0]);
                asm.movw(Z, PART[0]);
            }
            None if kept[0] != GATE[0] => asm.mov(GATE[0], kept[0]),
            None => {}
        }
    }

    /// [`PART`] ← the score, rounded to its upper three bytes, times the gate's size.
    fn weigh(&self, asm: &mut Assembly) {
        let score = PAIR.registers(0);
        let high = GATE[3];
        // Rounds the lowest byte off.
        asm.ldi(GATE[1], 0x80);
        asm.add(score[0], GATE[1]);
        for &register in &score[1..] {
            asm.adc(register, NIL);
        }
        asm.mov(high, score[3]);
        let [low, upper] = PRODUCT;
        mul(asm, score[1], GATE[0]);
        asm.movw(PART[0], low);
        mulsu(asm, high, GATE[0]);
        asm.movw(PART[2], low);
        mul(asm, score[2], GATE[0]);
        asm.add(PART[1], low);
        asm.adc(PART[2], upper);
        asm.adc(PART[3], NIL);
    }

    /// Adds [`PART`] to the score at Y, or takes it away.
    fn add(&self, asm: &mut Assembly) {
        let (negative, added) = (asm.label(), asm.label());
        asm.tst(SIGN);
        asm.branch(Condition::Minus, negative, 0.5);
        asm.times(0.5, |asm| {
            update(asm, Assembly::add, Assembly::adc);
            asm.jump(added);
        });
        asm.bind(negative);
        asm.times(0.5, |asm| update(asm, Assembly::sub, Assembly::sbc));
        asm.bind(added);
        asm.add_to_pair(Y, SCORE_BYTES as i32);
    }

    /// [`NODE`] ← the child that the branch goes to.
    fn descend_heap(&self, asm: &mut Assembly, heap: &PlacedHeap) {
        let first = asm.label();
        heap.begin_branch(asm);
        self.begin(asm, BRANCH);
        BRANCH.add(asm, heap.operands(), self.tree.values);
        asm.pop(NODE);
        asm.lsl(NODE);
        asm.inc(NODE);
        branch_to_first(asm, first);
        asm.times(0.5, |asm| asm.inc(NODE));
        asm.bind(first);
    }

    /// Z ← the child that the branch goes to.
    fn descend(&self, asm: &mut Assembly, operands: Operands) {
        let first = asm.label();
        self.begin(asm, BRANCH);
        BRANCH.add(asm, operands, self.tree.values);
        let [low, high, ..] = GATE;
        asm.lpm_near(low);
        asm.lpm_near(high);
        branch_to_first(asm, first);
        asm.times(0.5, |asm| {
            asm.add(Z, low);
            asm.adc(Z.next(), high);
        });
        asm.bind(first);
    }
}

/// Branches where the sum is positive.
fn branch_to_first(asm: &mut Assembly, first: CodeLabel) {
    let sum = BRANCH.registers(0);
    asm.cp(NIL, sum[0]);
    for &register in &sum[1..] {
        asm.cpc(NIL, register);
    }
    asm.branch(Condition::Less, first, 0.5);
}

/// Shifts the sum of `V` down, halves going up; the bytes that are left.
fn shifted_gate(asm: &mut Assembly, shift: u8) -> &'static [Register] {
    let shift = u32::from(shift);
    if shift > 0 {
        let half = (1i32 << (shift - 1)).wrapping_neg().to_le_bytes();
        asm.subi(GATE[0], half[0]);
        for (&register, &byte) in GATE[1..].iter().zip(&half[1..]) {
            asm.sbci(register, byte);
        }
    }
    let kept = &GATE[(shift / 8) as usize..];
    let (&top, lower) = kept.split_last().expect("fewer bits than it has");
    for _ in 0..shift % 8 {
        asm.asr(top);
        for &register in lower.iter().rev() {
            asm.ror(register);
        }
    }
    kept
}

type Of = fn(&mut Assembly, Register, Register);

fn update(asm: &mut Assembly, first: Of, others: Of) {
    let byte = GATE[1];
    for (index, (place, register)) in (0..).zip(PART).enumerate() {
        asm.load(byte, Pointer::Y, Mode::Displacement(place));
        match index {
            0 => first(asm, byte, register),
            _ => others(asm, byte, register),
        }
        asm.store(Pointer::Y, Mode::Displacement(place), byte);
    }
}
