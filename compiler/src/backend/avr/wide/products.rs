//! Sums of products of weights and values for a few outputs at once: each value is loaded once,
//! and their weights are beside one another in the table. Of weights that are packed, or loaded with
//! the network, one output at a time: they are rows, one an output.

use super::shifting::MOST_OUTPUTS;
use super::weights::{Coding, Memory, WEIGHT, WeightReader};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R2, R6, R18, R19, R21, R23, Register, X,
};

/// 0, while products are in r0 and r1.
pub(super) const NIL: Register = R23;
const LOW: Register = R18;
const HIGH: Register = R19;
const COUNT: Register = R21;
/// Where the values of a list begin: a pair, which a single sum leaves.
const VALUES: Register = R6;
const MOST_OF_A_ROUND: u32 = 8;

/// Sums of up to four outputs.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    /// The lowest byte of the first one.
    pub(super) first: Register,
    /// How many.
    pub(super) outputs: u8,
    /// Bytes of each.
    pub(super) bytes: u8,
}

/// What weights are multiplied with, from X on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Unsigned,
    Signed,
    /// Of 16 bits.
    Wide,
    /// Of 16 bits, and weights, as `offset.rs` says.
    Offset,
}

/// The values of a sum.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    pub(super) values: Values,
    /// Bytes between one and the next.
    pub(super) gap_bytes: u32,
    /// How their weights are read.
    pub(super) weights: WeightReader,
    /// The most of them that are written down in a loop over all.
    pub(super) most_of_a_round: u32,
    /// The share of bits of their weights that are 1, of those of lists alone.
    pub(super) ones: f64,
    /// The share of weights that are not 0.
    pub(super) listed: f64,
}

impl Operands {
    /// States, one after the other.
    pub(super) const STATES: Self = Self::in_a_row(Values::Wide);
    pub(super) const OFFSET_STATES: Self = Self::in_a_row(Values::Offset);

    /// One after the other.
    pub(super) const fn in_a_row(values: Values) -> Self {
        Self {
            values,
            gap_bytes: 0,
            weights: WeightReader::TABLE,
            most_of_a_round: MOST_OF_A_ROUND,
            ones: 0.5,
            listed: 1.0,
        }
    }

    /// The same, with weights that are read so.
    pub(super) fn read_by(self, weights: WeightReader) -> Self {
        Self { weights, ..self }
    }

    /// The same, with those weights of a table.
    pub(super) fn of_weights(self, weights: &[i8], reader: WeightReader) -> Self {
        let others = weights.iter().filter(|&&weight| weight != 0).count();
        let listed = others as f64 / weights.len().max(1) as f64;
        let count = match reader.coding {
            Coding::List { .. } => others,
            Coding::Bytes | Coding::Packed(_) | Coding::Field { .. } => weights.len(),
        };
        let ones = |&weight: &i8| reader.stored(weight).count_ones();
        let ones: u32 = weights.iter().map(ones).sum();
        let all = reader.bits() as usize * count.max(1);
        Self {
            ones: f64::from(ones) / all as f64,
            listed,
            ..self.read_by(reader)
        }
    }
}

impl Sums {
    /// As many, of that many bytes each.
    pub(super) const fn new(outputs: u8, bytes: u8) -> Self {
        Self {
            first: R2,
            outputs,
            bytes,
        }
    }

    /// The bytes of one of them, the lowest first.
    pub(super) fn registers(self, output: u8) -> Vec<Register> {
        self.first.after(4 * output).run(self.bytes).collect()
    }

    /// Whether that many products can be added: a byte counts rounds of eight.
    pub(super) fn counts(products: u32) -> bool {
        products / MOST_OF_A_ROUND < 0x100
    }

    /// Adds `count` products to each, the weights being from Z on: of each value, one an output.
    pub(super) fn add(self, asm: &mut Assembly, operands: Operands, count: u32) {
        match operands.weights.coding {
            Coding::Bytes | Coding::Packed(_) | Coding::Field { .. } => {}
            Coding::List { .. } => return self.add_list(asm, operands, count),
        }
        let per_byte = operands.weights.per_byte();
        let whole = count - count % per_byte;
        let fits = |each: &u32| whole.is_multiple_of(*each) && whole / each < 0x100;
        let most = operands.most_of_a_round;
        let mut sizes = (1..=most / per_byte).map(|bytes| bytes * per_byte);
        let equal = match asm.core().multiplies {
            true => sizes.rev().find(fits),
            // Code is long, and a loop around it takes little.
            false => sizes.find(fits),
        };
        let each = equal.unwrap_or(most);
        let rounds = whole / each;
        let body = |asm: &mut Assembly, products: u32| {
            for product in 0..products {
                self.value(asm, operands, product % per_byte);
            }
        };
        match rounds {
            0 => {}
            1 => body(asm, each),
            _ => {
                asm.ldi(COUNT, rounds as u8);
                let next = asm.here();
                asm.times(rounds.into(), |asm| {
                    body(asm, each);
                    asm.dec(COUNT);
                    asm.loop_back(Condition::NotEqual, next, rounds.into());
                });
            }
        }
        body(asm, whole % each);
        body(asm, count - whole);
        asm.ldi(NIL, 0);
    }

    /// The same of a list, for a single output.
    fn add_list(self, asm: &mut Assembly, operands: Operands, count: u32) {
        let memory = operands.weights.memory;
        let entries = f64::from(count) * operands.listed;
        let (done, next) = (asm.label(), asm.label());
        let in_place = Operands {
            gap_bytes: 0,
            ..operands
        };
        asm.movw(VALUES, X);
        memory.load(asm, COUNT);
        asm.tst(COUNT);
        asm.branch(Condition::Equal, done, 0.0);
        asm.bind(next);
        asm.times(entries, |asm| {
            asm.movw(X, VALUES);
            asm.ldi(NIL, 0);
            memory.load(asm, LOW);
            asm.add(X, LOW);
            asm.adc(X.next(), NIL);
            self.value(asm, in_place, 0);
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, entries.max(1.0));
        });
        asm.bind(done);
        asm.ldi(NIL, 0);
    }

    /// A value, whose weights are those of that field of a byte.
    fn value(self, asm: &mut Assembly, operands: Operands, field: u32) {
        debug_assert!(self.outputs == 1 || operands.weights == WeightReader::TABLE);
        if !asm.core().multiplies {
            return self.add_shifted(asm, operands, field);
        }
        let Operands {
            values, gap_bytes, ..
        } = operands;
        asm.load(LOW, Pointer::X, Mode::PostIncrement);
        match values {
            Values::Unsigned | Values::Signed => {}
            Values::Wide => asm.load(HIGH, Pointer::X, Mode::PostIncrement),
            Values::Offset => {
                asm.load(HIGH, Pointer::X, Mode::PostIncrement);
                asm.subi(HIGH, 0x80);
            }
        }
        asm.add_to_pair(X, gap_bytes as i32);
        for output in 0..self.outputs {
            let sum = self.registers(output);
            operands.weights.weight(asm, field);
            match values {
                Values::Unsigned => asm.mulsu(WEIGHT, LOW),
                Values::Signed => asm.muls(WEIGHT, LOW),
                Values::Wide => {
                    asm.mulsu(WEIGHT, LOW);
                    add_by_sign(asm, &sum);
                    asm.muls(WEIGHT, HIGH);
                    add_by_sign(asm, &sum[1..]);
                    continue;
                }
                Values::Offset => {
                    asm.mul(WEIGHT, LOW);
                    add_unsigned_product(asm, &sum);
                    asm.mul(WEIGHT, HIGH);
                    add_unsigned_product(asm, &sum[1..]);
                    continue;
                }
            }
            add_by_sign(asm, &sum);
        }
    }
}

/// Adds the signed product that was just made, whose sign, the carry, takes the place of [`NIL`].
fn add_by_sign(asm: &mut Assembly, sum: &[Register]) {
    let [low, high] = PRODUCT;
    if sum.len() > 2 {
        asm.sbc(NIL, NIL);
    }
    asm.add(sum[0], low);
    asm.adc(sum[1], high);
    for &upper in &sum[2..] {
        asm.adc(upper, NIL);
    }
}

/// Adds the signed product that was just made; the carry is its sign.
pub(super) fn add_product(asm: &mut Assembly, sum: &[Register]) {
    let [low, high] = PRODUCT;
    for &upper in &sum[2..] {
        asm.sbc(upper, NIL);
    }
    asm.add(sum[0], low);
    asm.adc(sum[1], high);
    for &upper in &sum[2..] {
        asm.adc(upper, NIL);
    }
}

/// Adds the unsigned product that was just made.
pub(super) fn add_unsigned_product(asm: &mut Assembly, sum: &[Register]) {
    let [low, high] = PRODUCT;
    asm.add(sum[0], low);
    asm.adc(sum[1], high);
    for &upper in &sum[2..] {
        asm.adc(upper, NIL);
    }
}

/// Shifts a signed number down, rounding down; the registers of its lower 24 bits then, the lowest
/// first.
pub(super) fn shifted_down(asm: &mut Assembly, sum: &[Register], bits: u32) -> Vec<Register> {
    let (gone, kept) = sum.split_at((bits / 8) as usize);
    let mut kept = kept.to_vec();
    for _ in 0..bits % 8 {
        let (&top, lower) = kept.split_last().expect("fewer bits than it has");
        asm.asr(top);
        for &register in lower.iter().rev() {
            asm.ror(register);
        }
    }
    for &register in gone {
        if kept.len() < 3 {
            let top = kept[kept.len() - 1];
            asm.mov(register, top);
            asm.lsl(register);
            asm.sbc(register, register);
            kept.push(register);
        }
    }
    kept.truncate(3);
    kept
}

/// The greatest number of outputs at once that makes equal blocks of them, `most` where the core
/// multiplies; one where weights are not read of bytes in flash.
pub(super) fn block_on(core: Core, weights: WeightReader, outputs: u32, most: u32) -> u32 {
    match (weights == WeightReader::TABLE, core.multiplies) {
        (false, _) => 1,
        (true, true) => block(outputs, most),
        (true, false) => block(outputs, most.min(MOST_OUTPUTS)),
    }
}

/// How a table has weights of that many bits.
pub(super) fn table_reader(weight_bits: u32) -> WeightReader {
    match weight_bits {
        8 => WeightReader::TABLE,
        bits => WeightReader::packed(Memory::Flash, bits),
    }
}

/// The greatest number up to `most` of outputs at once that makes equal blocks of them.
pub(super) fn block(outputs: u32, most: u32) -> u32 {
    let mut sizes = (1..=most).rev();
    sizes
        .find(|&size| outputs.is_multiple_of(size))
        .expect("1 divides all")
}
