//! Weights in a table: a value is multiplied by the weights of all outputs, which lie
//! beside one another in a few words.
//!
//! Where sums are proven to fit 16 bits, a register holds those of two outputs, and a
//! field of a word and another one 16 bits above it are two weights: one mask takes out
//! both, and one multiplication is two. Fields hold weights plus an offset, so that none
//! is negative; the offset times the total of all values is taken away in the end. All of
//! it is linear modulo 2³², so that in the end the lanes are right.
//!
//! Where sums have registers alone, so have those of all fields from each one on, and what the
//! fields above it have added is taken away in the end too: a field costs a shift, but no second
//! one that extends its sign.
//!
//! Where nothing multiplies in a cycle, weights of several fields are doubled one bit of
//! the value after the other.

mod offset;
mod products;
mod registers;

use crate::backend::lanes::assembly::{Assembly, Label};
use crate::backend::lanes::frame;
use crate::backend::lanes::isa::{Condition, InstructionSet, Operation, Register};
use crate::backend::lanes::layer::Weights;
use crate::backend::lanes::loaded::Loaded;
use crate::backend::lanes::sums::Located;
use std::ops::Range;

pub(crate) use registers::{Held, Registers};

/// What is in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Output(usize),
    /// The total of all values.
    Total,
    Nothing,
}

/// A layer's weights as words.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a> {
    weights: &'a Weights,
    registers: Registers,
    /// Of a weight.
    bits: u32,
    /// Sums of a register.
    lanes: u32,
    /// Bits of a value.
    value_bits: u32,
    /// Whether each value of a word has code of its own.
    pub(crate) by_words: bool,
    multiplies: bool,
    /// Whether values are offset first, so that none is negative.
    offsets: bool,
    /// Whether a sum that has a register alone takes the fields above its own too.
    takes_fields_above: bool,
    /// Of weights that come at run time, which are packed into bytes instead of words.
    loaded: Option<Loaded>,
}

/// Sums that are computed at once, in registers.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) outputs: Range<usize>,
    /// What is in each register of [`Self::sums`], the lower lane first.
    lanes: Vec<[Lane; 2]>,
    sums: Vec<(Register, bool)>,
    /// Whether a register has a single sum, of 32 bits.
    is_alone: bool,
    /// Whether a lane has the total of all values.
    has_total: bool,
    /// Of the table: where its biases and its weights begin.
    pub(crate) biases_byte: u32,
    pub(crate) weights_byte: u32,
    /// Bytes of the weights of a value.
    pub(crate) row_bytes: u32,
}

impl Pass {
    /// Registers of its sums.
    pub(crate) fn registers(&self) -> usize {
        self.lanes.len()
    }

    pub(crate) fn place(&self, output: usize) -> Located {
        let lanes = self.lanes.iter().zip(&self.sums);
        let mut lanes = lanes.flat_map(|(lanes, &sum)| {
            (0..)
                .zip(lanes)
                .map(move |(index, &lane)| (lane, index, sum))
        });
        let found = lanes.find(|&(lane, _, _)| lane == Lane::Output(output));
        let (_, lane, (register, is_low)) = found.expect("an output of this pass");
        Located {
            register,
            is_low,
            lane: (!self.is_alone).then_some(lane),
        }
    }
}

impl<'a> Table<'a> {
    /// `lanes` sums fit a register; values have that many bits; `by_words` says whether
    /// each value of a word has code of its own, `offsets`, whether values are two's
    /// complement, to which an offset is to be added.
    pub(crate) fn new(
        isa: &dyn InstructionSet,
        weights: &'a Weights,
        (lanes, value_bits, by_words, offsets): (u32, u32, bool, bool),
    ) -> Self {
        let registers = Registers::of(isa, by_words);
        let passes = |sums: usize| weights.outputs.div_ceil(sums);
        // The total of all values must take no sum's register that another pass would be for.
        let loaded = weights.loaded;
        let takes_fields_above = lanes == 1
            && isa.multiplies()
            && (loaded.is_some()
                || passes(registers.sums.len()) == passes(registers.without_total().len()));
        let bits = [2u32, 4].into_iter().find(|&bits| {
            let half = 1 << (bits - 1);
            weights
                .raw()
                .iter()
                .all(|&it| (-half..half).contains(&i32::from(it)))
        });
        Self {
            weights,
            registers,
            bits: loaded.map_or(bits.unwrap_or(8), |loaded| loaded.weight_bits),
            lanes,
            value_bits,
            by_words,
            multiplies: isa.multiplies(),
            offsets,
            takes_fields_above,
            loaded,
        }
    }

    /// Sums of a word that has those of several registers: what all fields of it make,
    /// which needs no mask, is added to the first one, and in the end that of the others
    /// is taken away.
    fn whole_words<'p>(&self, pass: &'p Pass) -> impl Iterator<Item = &'p [(Register, bool)]> {
        let is_used = self.multiplies && self.lanes == 2 && self.loaded.is_none();
        let words = pass.sums.chunks(self.per_word());
        words.filter(move |sums| is_used && sums.len() > 1)
    }

    pub(crate) fn registers(&self) -> &Registers {
        &self.registers
    }

    /// Registers of sums whose weights are in a word, or in a byte of those that are loaded.
    fn per_word(&self) -> usize {
        (8 * self.word_bytes() / self.lanes / self.bits) as usize
    }

    /// Bytes that are loaded at once.
    fn word_bytes(&self) -> u32 {
        match self.loaded {
            Some(_) => 1,
            None => 4,
        }
    }

    /// Outputs before which a pass may end, so that the next one begins at a byte of a pixel, and
    /// of weights that are loaded.
    fn step(&self) -> usize {
        match self.loaded {
            Some(_) => (8 / self.bits).max(2) as usize,
            None => 2,
        }
    }

    fn offset(&self) -> i32 {
        1 << (self.bits - 1)
    }

    /// Whether the lower 16 bits hold the total of all values.
    fn total_fits(&self) -> bool {
        let most = ((1u64 << self.value_bits) - 1) << self.weights.left;
        self.weights.rows() as u64 * most < 1 << 16
    }

    /// What the registers of those outputs hold.
    fn lanes_of(&self, outputs: Range<usize>) -> Vec<[Lane; 2]> {
        if self.lanes == 1 {
            return outputs
                .map(|it| [Lane::Output(it), Lane::Nothing])
                .collect();
        }
        let mut lanes: Vec<Lane> = outputs.map(Lane::Output).collect();
        if self.loaded.is_some() {
            // Those of the lower half of a byte, and of the upper one.
            let half = self.per_word();
            let bytes = lanes.chunks(2 * half);
            let pairs = bytes.flat_map(|byte| {
                (0..half.min(byte.len())).map(move |place| {
                    let upper = byte.get(half + place).copied();
                    [byte[place], upper.unwrap_or(Lane::Nothing)]
                })
            });
            return pairs.collect();
        }
        if lanes.len() % 2 == 1 {
            let place = lanes.len() - 1;
            match self.total_fits() {
                true => lanes.insert(place, Lane::Total),
                false => lanes.push(Lane::Nothing),
            }
        }
        lanes.chunks(2).map(|pair| [pair[0], pair[1]]).collect()
    }

    fn pass(&self, outputs: Range<usize>) -> Option<Pass> {
        let lanes = self.lanes_of(outputs.clone());
        let has_total = lanes.iter().any(|pair| pair[0] == Lane::Total);
        let mut sums = match has_total || self.lanes == 1 && !self.takes_fields_above {
            true => self.registers.without_total(),
            false => self.registers.sums.clone(),
        };
        if sums.len() < lanes.len() {
            return None;
        }
        sums.truncate(lanes.len());
        Some(Pass {
            outputs,
            row_bytes: match self.loaded {
                Some(loaded) => loaded.row_bytes,
                None => 4 * lanes.len().div_ceil(self.per_word()) as u32,
            },
            lanes,
            sums,
            is_alone: self.lanes == 1,
            has_total,
            biases_byte: 0,
            weights_byte: 0,
        })
    }

    /// All sums, as many at once as registers hold. `rows` are those of the weights in
    /// the order of the values, `None` for a value that is always 0.
    pub(crate) fn passes(&self, rows: &[Option<usize>]) -> (Vec<Pass>, Vec<u32>) {
        let all = self.weights.outputs;
        let mut passes = Vec::new();
        let step = self.step();
        let most = (1..=all)
            .rev()
            .find(|&count| (count == all || count % step == 0) && self.pass(0..count).is_some());
        let most = most.unwrap_or(1);
        let count = all.div_ceil(most);
        let each = match count {
            1 => all,
            _ => all.div_ceil(count).next_multiple_of(step).min(most),
        };
        let mut words = Vec::new();
        for first in (0..all).step_by(each) {
            let outputs = first..all.min(first + each);
            let mut pass = self.pass(outputs).expect("as many sums as registers hold");
            if let Some(loaded) = self.loaded {
                pass.weights_byte = loaded.first_weight + first as u32 * self.bits / 8;
                passes.push(pass);
                continue;
            }
            pass.biases_byte = 4 * words.len() as u32;
            words.extend(self.biases(&pass));
            pass.weights_byte = 4 * words.len() as u32;
            for &row in rows {
                words.extend(self.row(&pass, row));
            }
            passes.push(pass);
        }
        (passes, words)
    }

    /// What the registers begin with.
    fn biases(&self, pass: &Pass) -> Vec<u32> {
        let bias = |lane: Lane| match lane {
            Lane::Output(output) => self.weights.biases[output] as u32,
            Lane::Total | Lane::Nothing => 0,
        };
        let of_pair = |pair: &[Lane; 2]| match self.lanes {
            1 => bias(pair[0]),
            _ => (bias(pair[1]) << 16).wrapping_add(bias(pair[0])),
        };
        let mut biases: Vec<u32> = pass.lanes.iter().map(of_pair).collect();
        if self.takes_fields_above {
            for word in biases.chunks_mut(self.per_word()) {
                for place in (1..word.len()).rev() {
                    word[place - 1] = (word[place] << self.bits).wrapping_add(word[place - 1]);
                }
            }
        }
        if self.multiplies && self.lanes == 2 {
            for word in biases.chunks_mut(self.per_word()) {
                // What is taken away in the end.
                let all = word.iter().rev();
                word[0] = all.fold(0, |sum: u32, bias| (sum << self.bits).wrapping_add(*bias));
            }
        }
        biases
    }

    /// The words of a value.
    fn row(&self, pass: &Pass, row: Option<usize>) -> Vec<u32> {
        let mask = (1 << self.bits) - 1;
        let field = |lane: Lane| {
            let weight = |output| row.map_or(0, |row| self.weights.raw_of(row, output));
            let offset = match self.lanes == 1 && !self.takes_fields_above {
                true => 0,
                false => self.offset(),
            };
            match lane {
                Lane::Output(output) => (weight(output) + offset) as u32 & mask,
                Lane::Total => 1,
                Lane::Nothing => 0,
            }
        };
        let words = pass.lanes.chunks(self.per_word()).map(|pairs| {
            let mut word = 0;
            for (index, pair) in (0..).zip(pairs) {
                word |= field(pair[0]) << (index * self.bits);
                if self.lanes == 2 {
                    word |= field(pair[1]) << (16 + index * self.bits);
                }
            }
            word
        });
        words.collect()
    }

    /// The mask of a pair of weights.
    pub(crate) fn mask(&self) -> u32 {
        let field = (1 << self.bits) - 1;
        field << 16 | field
    }

    /// Before the first value: sums begin with the biases at `value`.
    pub(crate) fn begin(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Registers { value, scratch, .. } = self.registers;
        if self.loaded.is_some() {
            asm.emit(Operation::Immediate(scratch[0], 0));
        }
        for (index, &(sum, is_low)) in (0..).zip(&pass.sums) {
            if self.loaded.is_some() {
                asm.emit(Operation::Move(sum, scratch[0]));
            } else if is_low {
                asm.emit(Operation::Load(sum, value, 4 * index));
            } else {
                asm.emit(Operation::Load(scratch[0], value, 4 * index));
                asm.emit(Operation::Move(sum, scratch[0]));
            }
        }
        if let (2, Held::Register(mask)) = (self.lanes, self.registers.mask) {
            asm.emit(Operation::LoadSlot(mask, frame::MASK));
        }
        if self.adds_up(pass) {
            asm.emit(Operation::Immediate(scratch[0], 0));
            self.registers.total.put(asm, scratch[0]);
        }
    }

    /// Whether the total of all values is kept beside the sums.
    fn adds_up(&self, pass: &Pass) -> bool {
        self.takes_fields_above || self.loaded.is_some() || self.lanes == 2 && !pass.has_total
    }

    /// `value` ← the lowest value of `from`, or, if it is the last one there, that from bit
    /// `last_from` on; goes on at `zero` where it is 0.
    pub(crate) fn take(
        &self,
        asm: &mut Assembly<'_>,
        from: Register,
        last_from: Option<u32>,
        zero: Label,
    ) {
        let value = self.registers.value;
        let left = match asm.isa().multiplies() {
            true => self.weights.left,
            false => 0,
        };
        let around = (32 - self.value_bits) as u8;
        if self.has_signed_values() {
            let up = around - last_from.unwrap_or(0) as u8;
            asm.emit(Operation::ShiftLeft(value, from, up));
            asm.branch(Condition::Zero(value), 0.5, zero);
            // Bit by bit, the last one is the sign.
            asm.emit(match asm.isa().multiplies() {
                true => Operation::ShiftRightSigned(value, value, around),
                false => Operation::ShiftRight(value, value, around),
            });
            return;
        }
        let (up, down) = match last_from {
            Some(bit) => (0, bit as u8),
            None => (around, around),
        };
        if self.offsets {
            self.take_offset(asm, from, last_from, zero);
            return;
        }
        match (up, down) {
            (0, 0) if from == value => {}
            (0, 0) => asm.emit(Operation::Move(value, from)),
            (0, _) => asm.emit(Operation::ShiftRight(value, from, down)),
            (_, _) => asm.emit(Operation::ShiftLeft(value, from, up)),
        }
        asm.branch(Condition::Zero(value), 0.5, zero);
        let left_to_do = i32::from(left) - if up > 0 { i32::from(down) } else { 0 };
        match left_to_do {
            0 => {}
            by @ ..0 => asm.emit(Operation::ShiftRight(value, value, by.unsigned_abs() as u8)),
            by => asm.emit(Operation::ShiftLeft(value, value, by as u8)),
        }
    }

    /// The same of two's complement, to which an offset is added.
    fn take_offset(
        &self,
        asm: &mut Assembly<'_>,
        from: Register,
        last_from: Option<u32>,
        zero: Label,
    ) {
        let value = self.registers.value;
        let around = (32 - self.value_bits) as u8;
        asm.emit(Operation::ShiftRight(
            value,
            from,
            last_from.unwrap_or(0) as u8,
        ));
        asm.emit(Operation::AddImmediate(value, 1 << (self.value_bits - 1)));
        asm.emit(Operation::ShiftLeft(value, value, around));
        asm.branch(Condition::Zero(value), 0.1, zero);
        asm.emit(Operation::ShiftRight(value, value, around));
        if self.multiplies && self.weights.left > 0 {
            asm.emit(Operation::ShiftLeft(value, value, self.weights.left));
        }
    }

    /// Adds the products of the value in `value`, whose weights are that many bytes after
    /// those that the pointer points at. Changes it.
    pub(crate) fn add(&self, asm: &mut Assembly<'_>, pass: &Pass, byte: u32) {
        let value = self.registers.value;
        if self.adds_up(pass) {
            let scratch = self.registers.scratch[0];
            let mut added = value;
            if !asm.isa().multiplies() && self.weights.left > 0 {
                added = self.registers.scratch[1];
                asm.emit(Operation::ShiftLeft(added, value, self.weights.left));
            }
            if !asm.isa().multiplies() && self.has_signed_values() {
                added = self.registers.scratch[1];
                let around = (32 - self.value_bits) as u8;
                asm.emit(Operation::ShiftLeft(added, value, around));
                asm.emit(Operation::ShiftRightSigned(added, added, around));
            }
            let total = self.registers.total.get(asm, scratch);
            asm.emit(Operation::Add(total, total, added));
            self.registers.total.put(asm, total);
        }
        match asm.isa().multiplies() {
            true => self.multiply(asm, pass, byte),
            false => self.double(asm, pass, byte),
        }
    }
}
