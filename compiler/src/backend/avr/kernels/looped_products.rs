//! Products with the weights of a row, one after the other, each added to a sum in memory.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R20, Register, Registers, VALUE, WEIGHT, Z, ZERO,
};
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::round::sum::Sum;

/// A weight alone, or the high byte of its product.
const ALONE: Register = R20;

/// How a value is multiplied with a weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoopedProducts {
    weight_bits: u32,
    multiplies: bool,
    /// Goes through the sums.
    sums: Pointer,
}

impl LoopedProducts {
    /// Without `mul`, products have to fit a byte.
    pub(crate) fn of(sum: &Sum<'_>, core: Core, sums: Pointer) -> Option<Self> {
        let is_narrow = sum.activation_bits == 4 && sum.weight_bits <= 4;
        (core.multiplies || is_narrow).then_some(Self {
            weight_bits: sum.weight_bits,
            multiplies: core.multiplies,
            sums,
        })
    }

    /// What [`Self::add_row`] reads and changes, beside its pointers and the count.
    pub(crate) fn registers(self) -> Registers {
        Registers::of([VALUE, WEIGHT, ALONE]).and(PRODUCT)
    }

    /// Adds the value's products with the row at Z to the sums that the pointer is at; both are then
    /// after them.
    pub(crate) fn add_row(self, asm: &mut Assembly, rows: Rows, count: Register, outputs: u32) {
        let changed = Registers::of_pairs([self.sums.low(), Z]).and([count]);
        asm.changing(changed.union(self.registers()), |asm| {
            asm.ldi(count, 0);
            let next = asm.here();
            asm.times(f64::from(outputs), |asm| {
                self.load_weights(asm, rows, count);
                self.add_product(asm);
                match self.weight_bits {
                    4 => asm.swap(WEIGHT),
                    bits => (0..bits % 8).for_each(|_| asm.lsr(WEIGHT)),
                }
                asm.inc(count);
                asm.cpi(count, outputs as u8);
                asm.loop_back(Condition::NotEqual, next, f64::from(outputs));
            });
            asm.clr(ZERO);
        });
    }

    /// [`WEIGHT`] ← the next byte of weights, where the output that is counted is the first of one.
    fn load_weights(self, asm: &mut Assembly, rows: Rows, count: Register) {
        let per_byte = 8 / self.weight_bits;
        let loaded = asm.label();
        if per_byte > 1 {
            asm.mov(ALONE, count);
            asm.andi(ALONE, (per_byte - 1) as u8);
            asm.branch(Condition::NotEqual, loaded, 1.0 - 1.0 / f64::from(per_byte));
        }
        asm.times(1.0 / f64::from(per_byte), |asm| rows.load(asm, WEIGHT));
        asm.bind(loaded);
    }

    /// Adds the product with the lowest weight of the byte to the sum at the pointer. Changes [`ZERO`].
    fn add_product(self, asm: &mut Assembly) {
        let (low, high, sum) = if self.multiplies {
            self.multiply(asm);
            (PRODUCT[0], PRODUCT[1], ALONE)
        } else {
            self.multiply_bit_by_bit(asm);
            (PRODUCT[0], ALONE, ZERO)
        };
        asm.load(sum, self.sums, Mode::Plain);
        asm.add(sum, low);
        asm.store(self.sums, Mode::PostIncrement, sum);
        asm.load(sum, self.sums, Mode::Plain);
        asm.adc(sum, high);
        asm.store(self.sums, Mode::PostIncrement, sum);
    }

    /// r1:r0 ← the product, the weight being `u − 2^(bits − 1)`.
    fn multiply(self, asm: &mut Assembly) {
        asm.mov(ALONE, WEIGHT);
        if self.weight_bits < 8 {
            asm.andi(ALONE, 0xFF >> (8 - self.weight_bits));
        }
        asm.subi(ALONE, 1 << (self.weight_bits - 1));
        asm.mulsu(ALONE, VALUE);
    }

    /// r0 ← the same, and r20 its sign, by Horner's rule from the highest bit on, which is 0 of
    /// negative weights.
    fn multiply_bit_by_bit(self, asm: &mut Assembly) {
        let product = PRODUCT[0];
        asm.clr(product);
        asm.skip_if_set(WEIGHT, (self.weight_bits - 1) as u8);
        asm.sub(product, VALUE);
        for bit in (0..self.weight_bits - 1).rev() {
            asm.lsl(product);
            asm.skip_if_clear(WEIGHT, bit as u8);
            asm.add(product, VALUE);
        }
        asm.mov(ALONE, product);
        asm.lsl(ALONE);
        asm.sbc(ALONE, ALONE);
    }
}
