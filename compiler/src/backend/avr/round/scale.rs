//! From sums to bytes of a model, by one multiplication.
//!
//! A subroutine: where its constants differ from output to output, those of each are a row in
//! flash, in the order in which they are used. The product is made factor byte by factor byte, the
//! lowest first; a byte of it that is complete makes room for the next one, so that four registers
//! hold it.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    PRODUCT, R16, R17, R18, R19, R26, R27, R28, R29, Register, Registers, Z, ZERO,
};
use crate::backend::avr::round::sum::Sum;
use crate::program::{ByteScale, ByteScales};
use std::rc::Rc;

/// The sum, the lowest byte first.
const SCALED: [Register; 4] = [R26, R27, R28, R29];
/// A byte of the factor, when the sum's highest one is known to be 0.
const FACTOR: Register = R29;
/// The bytes of the product that are not complete: byte `n` is in register `n` modulo 4.
const BYTES: [Register; 4] = [R16, R17, R18, R19];
/// Of the sums that are not below the least byte's, how many are not above the most.
const SHARE_INSIDE: f64 = 0.9;

/// The way from sums to bytes.
#[derive(Clone, Debug)]
pub(crate) struct Scaler {
    scales: Rc<ByteScales>,
    /// The rows, where the constants are no instructions, and the subroutine.
    labels: Option<(Option<CodeLabel>, CodeLabel)>,
    calls: f64,
}

/// The constants of an output, in the order in which they are used.
enum Constants {
    /// At Z.
    Row,
    /// Those of all outputs.
    Instructions(std::vec::IntoIter<u8>),
}

impl Constants {
    /// Loads the next one.
    fn load(&mut self, asm: &mut Assembly, register: Register) {
        match self {
            Self::Row => asm.lpm_near(register),
            Self::Instructions(bytes) => {
                let byte = bytes.next();
                asm.ldi(register, byte.expect("a row has all that is used"));
            }
        }
    }
}

impl Scaler {
    /// Of a model's sums; `None` of others.
    pub(crate) fn of(sum: &Sum<'_>) -> Option<Self> {
        sum.scales().map(|scales| Self::new(Rc::clone(scales)))
    }

    pub(crate) fn new(scales: Rc<ByteScales>) -> Self {
        Self {
            scales,
            labels: None,
            calls: 0.0,
        }
    }

    /// What it changes.
    pub(crate) fn registers() -> Registers {
        Registers::of(SCALED)
            .and(BYTES)
            .and([Z, Z.next()])
            .and(PRODUCT)
    }

    /// Bytes of a sum less its start.
    fn width(&self) -> usize {
        self.scales.signed_bytes as usize
    }

    /// Makes a byte of the sum of an output, of which it is enough to have the lower bytes; of a
    /// shorter one, the sign is what is missing. The byte is in the register that is returned.
    pub(crate) fn emit(&mut self, asm: &mut Assembly, sum: &[Register], output: usize) -> Register {
        self.calls += asm.executions();
        let (rows, subroutine) = match self.labels {
            Some(labels) => labels,
            None => {
                let rows = self.scales.scales.iter().flat_map(|it| self.row(it));
                let rows = (!self.has_instructions()).then(|| asm.near_table(rows.collect()));
                *self.labels.insert((rows, asm.label()))
            }
        };
        asm.changing(Self::registers(), |asm| {
            asm.of(Purpose::Requantise, |asm| {
                for (byte, &to) in SCALED[..self.width()].iter().enumerate() {
                    match sum.get(byte) {
                        Some(&from) => asm.mov(to, from),
                        None => {
                            asm.ldi(to, 0);
                            asm.skip_if_clear(sum[sum.len() - 1], 7);
                            asm.com(to);
                        }
                    }
                }
                let start = self.scales.start(output).to_le_bytes();
                for (byte, &register) in SCALED[..self.width()].iter().enumerate() {
                    match byte {
                        0 => asm.subi(register, start[byte]),
                        _ => asm.sbci(register, start[byte]),
                    }
                }
                let row = match self.scales.scales.len() {
                    1 => 0,
                    _ => output as u32 * self.row_bytes(),
                };
                if let Some(rows) = rows {
                    asm.ldi_address(Z, (rows, row), 0);
                    asm.ldi_address(Z.next(), (rows, row), 1);
                }
                asm.call(subroutine);
            });
        });
        self.result()
    }

    fn result(&self) -> Register {
        BYTES[self.scales.result_byte() as usize % BYTES.len()]
    }

    /// Whether the constants are those of all outputs.
    fn has_instructions(&self) -> bool {
        self.scales.scales.len() == 1 && !self.has_others()
    }

    /// Whether the addend depends on the sum.
    fn has_others(&self) -> bool {
        self.scales.scales.iter().any(|it| it.other.is_some())
    }

    /// The least byte of every output, if that is one.
    fn common_least(&self) -> Option<i8> {
        let (first, rest) = self.scales.scales.split_first()?;
        let is_common = rest.iter().all(|it| it.least == first.least);
        is_common.then_some(first.least)
    }

    fn row_bytes(&self) -> u32 {
        self.row(&self.scales.scales[0]).len() as u32
    }

    /// The constants of an output, in the order in which they are read.
    fn row(&self, scale: &ByteScale) -> Vec<u8> {
        let ByteScales {
            sum_bytes,
            factor_bytes,
            ..
        } = *self.scales;
        let bytes = |value: u32, count: u32| value.to_le_bytes().into_iter().take(count as usize);
        let mut row: Vec<u8> = bytes(scale.last, sum_bytes).collect();
        let factors = |row: &mut Vec<u8>, addend: u32| {
            let (addend, multiplier) = (addend.to_le_bytes(), scale.multiplier.to_le_bytes());
            let begun = sum_bytes.min(factor_bytes) as usize;
            row.extend(&addend[..begun]);
            for byte in 0..factor_bytes as usize {
                if byte >= begun {
                    row.push(addend[byte]);
                }
                row.push(multiplier[byte]);
            }
            if self.common_least().is_none() {
                row.push(scale.least as u8);
            }
        };
        if self.has_others() {
            // Of one that has none, all sums take the second addend, which is the first.
            let (from, other) = scale.other.unwrap_or((0, scale.addend));
            row.extend(bytes(from, sum_bytes));
            factors(&mut row, scale.addend);
            factors(&mut row, other);
        } else {
            factors(&mut row, scale.addend);
        }
        row
    }

    /// The subroutine, where nothing runs into it.
    pub(crate) fn subroutine(&self, asm: &mut Assembly) {
        let Some((_, entry)) = self.labels else {
            return;
        };
        asm.changing(Self::registers(), |asm| {
            asm.of(Purpose::Requantise, |asm| {
                asm.times(self.calls, |asm| {
                    asm.bind(entry);
                    self.emit_subroutine(asm);
                });
            });
        });
    }

    fn emit_subroutine(&self, asm: &mut Assembly) {
        let sum_bytes = self.scales.sum_bytes as usize;
        let sum = &SCALED[..sum_bytes];
        let (positive, begin, inside) = (asm.label(), asm.label(), asm.label());
        let common_least = self.common_least();
        let mut constants = match self.has_instructions() {
            true => Constants::Instructions(self.row(&self.scales.scales[0]).into_iter()),
            false => Constants::Row,
        };
        asm.tst(SCALED[self.width() - 1]);
        asm.branch(Condition::Plus, positive, 0.5);
        asm.times(0.5, |asm| match common_least {
            Some(least) => {
                asm.ldi(self.result(), least as u8);
                asm.ret();
            }
            None => {
                for &register in &SCALED[..self.width()] {
                    asm.ldi(register, 0);
                }
            }
        });
        asm.bind(positive);
        asm.times(0.5, |asm| {
            for &register in &BYTES[..sum_bytes] {
                constants.load(asm, register);
            }
            compare(
                asm,
                &SCALED[..self.width().max(sum_bytes)],
                &BYTES[..sum_bytes],
            );
            asm.branch(Condition::Lower, inside, SHARE_INSIDE);
            asm.times(1.0 - SHARE_INSIDE, |asm| {
                for (&to, &from) in sum.iter().zip(&BYTES) {
                    asm.mov(to, from);
                }
            });
            asm.bind(inside);
            if self.has_others() {
                for &register in &BYTES[..sum_bytes] {
                    constants.load(asm, register);
                }
                compare(asm, sum, &BYTES[..sum_bytes]);
                asm.branch(Condition::Lower, begin, 0.5);
                let first_bytes = 2 * self.scales.factor_bytes + u32::from(common_least.is_none());
                asm.times(0.5, |asm| asm.add_to_pair(Z, first_bytes as i32));
                asm.bind(begin);
            }
            self.multiply(asm, sum, &mut constants);
            match common_least {
                Some(least) => asm.subi(self.result(), least.wrapping_neg() as u8),
                None => {
                    constants.load(asm, FACTOR);
                    asm.add(self.result(), FACTOR);
                }
            }
            asm.ret();
        });
    }

    /// Multiplies, and adds the addend, up to the byte of the result.
    fn multiply(&self, asm: &mut Assembly, sum: &[Register], constants: &mut Constants) {
        let (last, factor_bytes) = (
            self.scales.result_byte() as usize,
            self.scales.factor_bytes as usize,
        );
        let begun = sum.len().min(factor_bytes);
        let place = |byte: usize| BYTES[byte % BYTES.len()];
        for byte in 0..begun {
            constants.load(asm, place(byte));
        }
        for byte in begun..sum.len() {
            asm.ldi(place(byte), 0);
        }
        for row in 0..factor_bytes {
            // The highest byte that this one adds to.
            let end = (row + sum.len()).min(last);
            if row + sum.len() == end {
                asm.ldi(place(end), 0);
            }
            if row >= begun {
                constants.load(asm, FACTOR);
            }
            if row >= begun && row <= last {
                asm.clr(ZERO);
                asm.add(place(row), FACTOR);
                for byte in row + 1..=end {
                    asm.adc(place(byte), ZERO);
                }
            }
            constants.load(asm, FACTOR);
            for (index, &register) in sum.iter().enumerate() {
                let low = row + index;
                if low > last {
                    continue;
                }
                asm.mul(register, FACTOR);
                asm.add(place(low), PRODUCT[0]);
                if low < end {
                    asm.adc(place(low + 1), PRODUCT[1]);
                }
                if low + 2 <= end {
                    // The carry stays.
                    asm.clr(ZERO);
                }
                for byte in low + 2..=end {
                    asm.adc(place(byte), ZERO);
                }
            }
        }
        for byte in factor_bytes + sum.len()..=last {
            asm.ldi(place(byte), 0);
        }
        asm.clr(ZERO);
    }
}

/// Compares two numbers, the bytes that the second one lacks being 0.
fn compare(asm: &mut Assembly, one: &[Register], other: &[Register]) {
    for (byte, &register) in one.iter().enumerate() {
        let other = other.get(byte).copied().unwrap_or(ZERO);
        match byte {
            0 => asm.cp(register, other),
            _ => asm.cpc(register, other),
        }
    }
}
