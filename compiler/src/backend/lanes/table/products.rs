//! How the products of a value and of all its weights are added.

use super::{Pass, Registers, Table};
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::frame;
use crate::backend::lanes::isa::{Condition, Operation, Register};

impl Table<'_> {
    /// `to` ← the weights of a sum, of their word.
    fn unpack(
        &self,
        asm: &mut Assembly<'_>,
        (to, word): (Register, Register),
        place: usize,
        mask: Register,
    ) {
        let by = place as u32 * self.bits;
        if self.lanes == 2 {
            if by == 0 && to != word {
                asm.emit(Operation::Move(to, word));
            } else if by > 0 {
                asm.emit(Operation::ShiftRight(to, word, by as u8));
            }
            asm.emit(Operation::And(to, mask));
            return;
        }
        if self.loaded.is_some() && by + self.bits == 8 {
            asm.emit(Operation::ShiftRight(to, word, by as u8));
            return;
        }
        let above = 32 - self.bits - by;
        let mut from = word;
        if above > 0 {
            asm.emit(Operation::ShiftLeft(to, word, above as u8));
            from = to;
        }
        let down = (32 - self.bits) as u8;
        asm.emit(match self.loaded {
            Some(_) => Operation::ShiftRight(to, from, down),
            None => Operation::ShiftRightSigned(to, from, down),
        });
    }

    /// `to` ← a word of weights, or, of those that are loaded, a byte, whose halves go to the
    /// lanes of sums that have such. Changes `scratch`.
    fn load_word(
        &self,
        asm: &mut Assembly<'_>,
        [to, scratch]: [Register; 2],
        (weights, byte): (Register, u32),
    ) {
        if self.loaded.is_none() {
            asm.emit(Operation::Load(to, weights, byte));
            return;
        }
        asm.emit(Operation::LoadByte(to, weights, byte));
        if self.lanes == 2 {
            asm.emit(Operation::ShiftLeft(scratch, to, 12));
            asm.emit(Operation::Or(to, scratch));
        }
    }

    pub(super) fn multiply(&self, asm: &mut Assembly<'_>, pass: &Pass, byte: u32) {
        let Registers {
            weights,
            value,
            packed,
            scratch: [product, _],
            ..
        } = self.registers;
        for (word, sums) in (0..).zip(pass.sums.chunks(self.per_word())) {
            let word_byte = byte + self.word_bytes() * word;
            self.load_word(asm, [packed, product], (weights, word_byte));
            // Without any mask or shift.
            let takes_whole_word =
                self.lanes == 2 && self.loaded.is_none() || self.takes_fields_above;
            for (place, &(sum, _)) in sums.iter().enumerate() {
                if place == 0 && takes_whole_word {
                    continue;
                }
                if self.takes_fields_above {
                    let by = place as u32 * self.bits;
                    asm.emit(Operation::ShiftRight(product, packed, by as u8));
                } else {
                    let mask = self.registers.mask.get(asm, product);
                    self.unpack(asm, (product, packed), place, mask);
                }
                asm.emit(Operation::Multiply(product, value));
                asm.emit(Operation::Add(sum, sum, product));
            }
            if takes_whole_word {
                let (sum, _) = sums[0];
                asm.emit(Operation::Multiply(packed, value));
                asm.emit(Operation::Add(sum, sum, packed));
            }
        }
    }

    pub(super) fn double(&self, asm: &mut Assembly<'_>, pass: &Pass, byte: u32) {
        let Registers {
            weights,
            value,
            scratch: [_, bit],
            ..
        } = self.registers;
        let at_once = self.registers.doubled.len();
        let chunks = pass.sums.len().div_ceil(at_once);
        if chunks > 1 {
            asm.emit(Operation::StoreSlot(value, frame::VALUE));
        }
        for chunk in 0..chunks {
            let first = chunk * at_once;
            let sums = &pass.sums[first..pass.sums.len().min(first + at_once)];
            if chunk > 0 {
                asm.emit(Operation::LoadSlot(value, frame::VALUE));
            }
            let mask = |asm: &mut Assembly<'_>| match self.lanes {
                1 => bit,
                _ => self.registers.mask.get(asm, bit),
            };
            let mut known_mask = None;
            let doubled = &self.registers.doubled[..sums.len()];
            for (index, &to) in doubled.iter().enumerate() {
                let place = (first + index) % self.per_word();
                let left = self.per_word() - place;
                // The last register that this word is for holds it.
                let word = doubled[(index + left - 1).min(sums.len() - 1)];
                if place == 0 || index == 0 {
                    let index = ((first + index) / self.per_word()) as u32;
                    let word_byte = byte + self.word_bytes() * index;
                    self.load_word(asm, [word, bit], (weights, word_byte));
                    // That of a byte has changed it.
                    known_mask = known_mask.filter(|_| self.loaded.is_none());
                }
                let mask = *known_mask.get_or_insert_with(|| mask(asm));
                self.unpack(asm, (to, word), place, mask);
                if self.weights.left > 0 {
                    asm.emit(Operation::ShiftLeft(to, to, self.weights.left));
                }
            }
            let done = asm.label();
            for value_bit in 0..self.value_bits {
                let is_last = value_bit + 1 == self.value_bits;
                let zero = asm.label();
                // Where the last bit is reached, it is set.
                if !is_last {
                    asm.emit(Operation::ShiftLeft(bit, value, 31));
                    asm.branch(Condition::Zero(bit), 0.5, zero);
                }
                asm.times(if is_last { 1.0 } else { 0.5 }, |asm| {
                    if is_last && self.has_signed_values() {
                        for &weight in doubled {
                            asm.emit(Operation::Negate(weight, weight));
                        }
                    }
                    for (&(sum, _), &weight) in sums.iter().zip(doubled) {
                        asm.emit(Operation::Add(sum, sum, weight));
                    }
                });
                asm.bind(zero);
                if !is_last {
                    asm.emit(Operation::ShiftRight(value, value, 1));
                    let share = 1.0 / f64::from(self.value_bits);
                    asm.branch(Condition::Zero(value), share, done);
                    for &weight in doubled {
                        asm.emit(Operation::Add(weight, weight, weight));
                    }
                }
            }
            asm.bind(done);
        }
    }

    /// Whether values are two's complement, and are taken as they are.
    pub(super) fn has_signed_values(&self) -> bool {
        self.loaded.is_some_and(|loaded| loaded.signed_values)
    }
}
