//! Products of a value and the weights of up to two outputs on cores that do not multiply: the value
//! is doubled from bit to bit of the weights, for both at once.

use super::products::{Operands, Sums, Values};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{PRODUCT, Pointer, R18, R19, R20, R23, Register, X};

/// As many outputs leave registers for the value and the weights.
pub(super) const MOST_OUTPUTS: u32 = 2;

/// The value, the lowest byte first: as many as a sum has.
const VALUE: [Register; 4] = [R18, R19, R23, R20];

impl Sums {
    /// Adds a product to each, and goes to the next value; `field`: that of a byte which the weight is.
    pub(super) fn add_shifted(self, asm: &mut Assembly, operands: Operands, field: u32) {
        debug_assert!(u32::from(self.outputs) <= MOST_OUTPUTS);
        let value = &VALUE[..self.bytes.into()];
        let value_bytes = load(asm, operands, value);
        let weights = &PRODUCT[..self.outputs.into()];
        let reader = operands.weights;
        for &weight in weights {
            reader.bits_of_weight(asm, field, weight);
        }
        let bits = reader.bits();
        for bit in 0..bits {
            let is_last = bit + 1 == bits;
            // The last bit is a sign, and the other way round where weights are offset.
            let (nothing, share) = match is_last && reader.is_offset() {
                true => (Condition::Lower, 1.0 - operands.ones),
                false => (Condition::SameOrHigher, operands.ones),
            };
            for (output, &weight) in (0..).zip(weights) {
                let zero = asm.label();
                asm.lsr(weight);
                asm.branch(nothing, zero, 1.0 - share);
                asm.times(share, |asm| {
                    let sum = self.registers(output);
                    for (index, (&to, &what)) in sum.iter().zip(value).enumerate() {
                        match (is_last, index) {
                            (false, 0) => asm.add(to, what),
                            (false, _) => asm.adc(to, what),
                            (true, 0) => asm.sub(to, what),
                            (true, _) => asm.sbc(to, what),
                        }
                    }
                });
                asm.bind(zero);
            }
            if !is_last {
                // Beyond these bytes there are signs, which stay.
                let (&low, upper) = value[..value_bytes + 1].split_first().expect("two or more");
                asm.lsl(low);
                for &register in upper {
                    asm.rol(register);
                }
            }
        }
    }
}

/// Loads a value; says how many bytes it has before its signs.
fn load(asm: &mut Assembly, operands: Operands, value: &[Register]) -> usize {
    asm.load(value[0], Pointer::X, Mode::PostIncrement);
    let bytes = match operands.values {
        Values::Unsigned | Values::Signed => 1,
        Values::Wide => {
            asm.load(value[1], Pointer::X, Mode::PostIncrement);
            2
        }
        Values::Offset => unreachable!("they are for cores that multiply"),
    };
    asm.add_to_pair(X, operands.gap_bytes as i32);
    let (own, signs) = value.split_at(bytes);
    for &sign in signs {
        match operands.values {
            Values::Unsigned => asm.sub(sign, sign),
            Values::Signed | Values::Wide | Values::Offset => {
                asm.mov(sign, own[bytes - 1]);
                asm.lsl(sign);
                asm.sbc(sign, sign);
            }
        }
    }
    bytes
}
