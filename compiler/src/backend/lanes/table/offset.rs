//! What the offset of the weights has added to the sums.

use super::{Pass, Registers, Table};
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::Operation;

impl Table<'_> {
    /// After the last value: takes away what the offset of the weights has added.
    pub(crate) fn end(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        if self.lanes == 1 {
            if self.takes_fields_above {
                self.end_of_fields_above(asm, pass);
            } else if self.loaded.is_some() {
                self.end_of_loaded(asm, pass);
            }
            return;
        }
        let Registers {
            value,
            scratch: [scratch, _],
            ..
        } = self.registers;
        for sums in self.whole_words(pass) {
            let mut others = sums[1..].iter().rev();
            if let Some(&(last, _)) = others.next() {
                asm.emit(Operation::Move(scratch, last));
                asm.emit(Operation::ShiftLeft(scratch, scratch, self.bits as u8));
            }
            for &(sum, _) in others {
                asm.emit(Operation::Add(scratch, scratch, sum));
                asm.emit(Operation::ShiftLeft(scratch, scratch, self.bits as u8));
            }
            let (first, _) = sums[0];
            asm.emit(Operation::Negate(value, scratch));
            asm.emit(Operation::Add(first, first, value));
        }
        let mut sums = pass.sums.as_slice();
        match (pass.has_total, pass.sums.split_last()) {
            (true, Some((&(last, _), others))) => {
                sums = others;
                asm.emit(Operation::Move(value, last));
                asm.emit(Operation::ShiftLeft(value, value, 16));
                asm.emit(Operation::ShiftRight(value, value, 16));
                // Of its lanes, the lower one becomes 0, which borrows nothing.
                asm.emit(Operation::ShiftLeft(scratch, value, (15 + self.bits) as u8));
                asm.emit(Operation::Add(scratch, scratch, value));
                asm.emit(Operation::Negate(scratch, scratch));
                asm.emit(Operation::Add(last, last, scratch));
            }
            _ => {
                let total = self.registers.total.get(asm, value);
                if total != value {
                    asm.emit(Operation::Move(value, total));
                }
            }
        }
        if sums.is_empty() {
            return;
        }
        asm.emit(Operation::ShiftLeft(value, value, (self.bits - 1) as u8));
        asm.emit(Operation::ShiftLeft(scratch, value, 16));
        asm.emit(Operation::Add(value, value, scratch));
        asm.emit(Operation::Negate(scratch, value));
        for &(sum, _) in sums {
            asm.emit(Operation::Add(sum, sum, scratch));
        }
    }

    /// The same of sums that have taken the fields above their own too.
    fn end_of_fields_above(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Registers {
            value,
            scratch: [scratch, _],
            ..
        } = self.registers;
        let total = self.registers.total.get(asm, scratch);
        asm.emit(Operation::Move(value, total));
        asm.emit(Operation::ShiftLeft(value, value, (self.bits - 1) as u8));
        asm.emit(Operation::Negate(value, value));
        for sums in pass.sums.chunks(self.per_word()) {
            for (place, &(sum, _)) in sums.iter().enumerate() {
                if let Some(&(above, _)) = sums.get(place + 1) {
                    asm.emit(Operation::Move(scratch, above));
                    asm.emit(Operation::ShiftLeft(scratch, scratch, self.bits as u8));
                    asm.emit(Operation::Negate(scratch, scratch));
                    asm.emit(Operation::Add(sum, sum, scratch));
                }
                asm.emit(Operation::Add(sum, sum, value));
            }
        }
    }

    /// Takes away what the offset of loaded weights has added to sums that have registers alone.
    fn end_of_loaded(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Registers {
            value,
            scratch: [scratch, _],
            ..
        } = self.registers;
        let total = self.registers.total.get(asm, scratch);
        asm.emit(Operation::ShiftLeft(value, total, (self.bits - 1) as u8));
        asm.emit(Operation::Negate(value, value));
        for &(sum, _) in &pass.sums {
            asm.emit(Operation::Add(sum, sum, value));
        }
    }
}
