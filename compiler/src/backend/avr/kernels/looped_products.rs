//! Products with the weights of a row, one after the other, each added to a sum in the arena.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R20, Register, Registers, VALUE, WEIGHT, X, ZERO,
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
    /// Holds a byte of a sum.
    sum_byte: Register,
}

impl LoopedProducts {
    /// Without `mul`, products have to fit a byte.
    pub(crate) fn of(sum: &Sum<'_>, core: Core, sum_byte: Register) -> Option<Self> {
        let is_narrow = sum.activation_bits == 4 && sum.weight_bits <= 4;
        (core.multiplies || is_narrow).then_some(Self {
            weight_bits: sum.weight_bits,
            multiplies: core.multiplies,
            sum_byte,
        })
    }

    /// What both change, beside X, Z and the count.
    pub(crate) fn registers(self) -> Registers {
        Registers::of([VALUE, WEIGHT, ALONE, self.sum_byte]).and(PRODUCT)
    }

    /// Goes through a row at Z, and through the sums at X.
    pub(crate) fn for_each_weight(
        self,
        asm: &mut Assembly,
        (rows, count): (Rows, Register),
        outputs: u32,
        product: CodeLabel,
    ) {
        let per_byte = 8 / self.weight_bits;
        let are_whole = outputs.is_multiple_of(per_byte);
        let bytes = outputs.div_ceil(per_byte);
        let (next, done) = (asm.label(), asm.label());
        asm.ldi(count, if are_whole { bytes } else { outputs } as u8);
        asm.bind(next);
        asm.times(f64::from(bytes), |asm| {
            rows.load(asm, WEIGHT);
            for field in 0..per_byte {
                asm.call(product);
                let is_last = field + 1 == per_byte;
                if !is_last && self.weight_bits == 4 {
                    asm.swap(WEIGHT);
                } else if !is_last {
                    (0..self.weight_bits).for_each(|_| asm.lsr(WEIGHT));
                }
                if !are_whole && field + 1 == outputs % per_byte {
                    asm.dec(count);
                    asm.branch(Condition::Equal, done, 1.0 / f64::from(bytes));
                } else if is_last || !are_whole {
                    asm.dec(count);
                }
            }
            asm.loop_back(Condition::NotEqual, next, f64::from(bytes));
        });
        asm.bind(done);
        if self.multiplies {
            asm.clr(ZERO);
        }
    }

    /// The subroutine: adds the value's product with the lowest weight of the byte to the sum at X.
    pub(crate) fn emit(self, asm: &mut Assembly) {
        let Self { sum_byte, .. } = self;
        let changed = Registers::of_pairs([X]).and([ALONE, sum_byte]).and(PRODUCT);
        asm.changing(changed, |asm| {
            let [low, high] = if self.multiplies {
                self.multiply(asm);
                PRODUCT
            } else {
                self.multiply_bit_by_bit(asm);
                [PRODUCT[0], ALONE]
            };
            asm.load(sum_byte, Pointer::X, Mode::Plain);
            asm.add(sum_byte, low);
            asm.store(Pointer::X, Mode::PostIncrement, sum_byte);
            asm.load(sum_byte, Pointer::X, Mode::Plain);
            asm.adc(sum_byte, high);
            asm.store(Pointer::X, Mode::PostIncrement, sum_byte);
            asm.ret();
        });
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

    /// The same by Horner's rule, from the bit of the sign on, which offset binary has inverted.
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
