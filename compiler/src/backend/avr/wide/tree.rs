//! The scores of a tree.
//!
//! Nodes are in the table in the order of a walk that goes to the first child first: of each class
//! the weights of `W` and of `V`, beside one another for each value; of an inner node then those of
//! the branch, and how far it is from what follows to the second child.

use super::multiply::{mul, mulsu};
use super::products::{NIL, Operands, Sums};
use super::scores::{SCORE_BYTES, SCORES, ScoresPlace, VALUES};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R6, R8, R10, R11, R12, R13, R16, R17, R18, R19, R20, R21, R22, Register, X,
    Y, Z, ZERO,
};
use crate::backend::avr::layer::part::LayerPart;
use crate::network::TreeGate;
use crate::program::{Program, TreeScores};
use crate::weights::TreeParameters;

/// The sum of `W`, and that of `V`.
const PAIR: Sums = Sums {
    outputs: 2,
    bytes: 4,
};
/// That of the branch.
const BRANCH: Sums = Sums {
    outputs: 1,
    bytes: 4,
};
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
    parameters: &'a TreeParameters,
    place: ScoresPlace<'a>,
}

impl<'a> TreeCode<'a> {
    pub(super) fn of(
        program: &'a Program,
        part: LayerPart<'a>,
        tree: &'a TreeScores,
    ) -> Option<Self> {
        let parameters = tree.parameters.constant()?;
        let code = Self {
            tree,
            parameters,
            place: ScoresPlace::of(program, part, tree.classes)?,
        };
        let is_plain = parameters.gate_shift < 32 && code.bytes_from(0) <= u32::from(u16::MAX);
        is_plain.then_some(code)
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
    fn table(&self, (node, level): (usize, u32), bytes: &mut Vec<u8>) {
        let values = self.tree.values as usize;
        let classes = self.tree.classes as usize;
        for row in node * classes..(node + 1) * classes {
            let of = |weights: &'a [i8]| &weights[row * values..][..values];
            let rows = [of(&self.parameters.score), of(&self.parameters.gate)];
            let pairs = rows[0].iter().zip(rows[1]);
            bytes.extend(pairs.flat_map(|(&score, &gate)| [score as u8, gate as u8]));
        }
        if level < self.tree.depth {
            let branch = &self.parameters.branch[node * values..][..values];
            bytes.extend(branch.iter().map(|&weight| weight as u8));
            bytes.extend((self.bytes_from(level + 1) as u16).to_le_bytes());
            self.table((2 * node + 1, level + 1), bytes);
            self.table((2 * node + 2, level + 1), bytes);
        }
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let mut bytes = Vec::new();
        self.table((0, 0), &mut bytes);
        let nodes = asm.near_table(bytes);
        let tangents = match self.tree.gate {
            TreeGate::Tanh => Some(asm.near_table(TreeScores::tanh_table().to_vec())),
            TreeGate::Hard => None,
        };
        self.place.begin(asm);
        asm.ldi_address(Z, (nodes, 0), 0);
        asm.ldi_address(Z.next(), (nodes, 0), 1);
        asm.ldi(NIL, 0);
        let levels = self.tree.depth + 1;
        asm.ldi(LEVELS, levels as u8);
        let next = asm.here();
        asm.times(levels.into(), |asm| {
            asm.movw(Y, SCORES);
            asm.ldi(CLASSES, self.tree.classes as u8);
            let class = asm.here();
            asm.times(self.tree.classes.into(), |asm| {
                self.class(asm, tangents);
                asm.dec(CLASSES);
                match self.tree.classes {
                    1 => {}
                    classes => asm.loop_back(Condition::NotEqual, class, classes.into()),
                }
            });
        });
        if levels > 1 {
            let done = asm.label();
            asm.times(levels.into(), |asm| {
                asm.dec(LEVELS);
                asm.branch(Condition::Equal, done, 1.0 / f64::from(levels));
            });
            asm.times(self.tree.depth.into(), |asm| {
                self.descend(asm);
                asm.jump(next);
            });
            asm.bind(done);
        }
        asm.clr(ZERO);
        asm.ret();
    }

    fn operands(&self) -> Operands {
        Operands::STATES.of_weights(&self.parameters.score)
    }

    fn begin(&self, asm: &mut Assembly, sums: Sums) {
        for register in (0..sums.outputs).flat_map(|output| sums.registers(output)) {
            asm.mov(register, NIL);
        }
        asm.movw(X, VALUES);
    }

    /// Adds to the score at Y, and goes to the next.
    fn class(&self, asm: &mut Assembly, tangents: Option<CodeLabel>) {
        self.begin(asm, PAIR);
        asm.of(Purpose::MultiplyAccumulate, |asm| {
            PAIR.add(asm, self.operands(), self.tree.values);
        });
        asm.of(Purpose::Requantise, |asm| {
            self.gate(asm, tangents);
            self.weigh(asm);
            self.add(asm);
        });
    }

    /// The size of the gate in the lowest byte of [`GATE`], and its sign.
    fn gate(&self, asm: &mut Assembly, tangents: Option<CodeLabel>) {
        let shift = u32::from(self.parameters.gate_shift);
        asm.movw(GATE[0], R6);
        asm.movw(GATE[2], R8);
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

    /// Z ← the child that the branch goes to.
    fn descend(&self, asm: &mut Assembly) {
        let first = asm.label();
        self.begin(asm, BRANCH);
        BRANCH.add(asm, self.operands(), self.tree.values);
        let [low, high, ..] = GATE;
        asm.lpm_near(low);
        asm.lpm_near(high);
        let sum = BRANCH.registers(0);
        asm.cp(NIL, sum[0]);
        for &register in &sum[1..] {
            asm.cpc(NIL, register);
        }
        asm.branch(Condition::Less, first, 0.5);
        asm.times(0.5, |asm| {
            asm.add(Z, low);
            asm.adc(Z.next(), high);
        });
        asm.bind(first);
    }
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
