//! The products of one activation.

use super::{
    ConstantProducts, FACTOR, MULTIPLE, MULTIPLE_HIGH, SIGN, SummedChannels, UnpackedValue,
    Unrolled, most_narrow_multiple,
};
use crate::backend::avr::arithmetic::wide::SumRegisters;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{Register, ZERO};
use crate::backend::avr::kernels::multiples::{self, Holder, Link, MultipleStep};
use std::collections::BTreeMap;

/// The sums that want each multiple of an input, and whether they subtract it.
pub(super) type WeightsByMagnitude = BTreeMap<u32, Vec<(usize, bool)>>;

impl Unrolled<'_> {
    /// Adds an activation's products, the flags saying whether it is 0, as that share of them is.
    pub(crate) fn use_value(
        &self,
        asm: &mut Assembly,
        value: UnpackedValue,
        (weights, zero): (&WeightsByMagnitude, f64),
        accumulators: &SumRegisters,
    ) {
        let next = asm.label();
        // To add it takes no longer than to skip that.
        let is_added_once = weights.len() == 1 && weights.get(&1).is_some_and(|it| it.len() == 1);
        if self.channels == SummedChannels::Own && is_added_once {
            let value = value.whole(asm);
            if self.sum.signed_input {
                self.extend_sign(asm, value);
            }
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                self.accumulate(asm, value, weights, accumulators);
            });
            return;
        }
        asm.branch(Condition::Equal, next, zero);
        asm.times(1.0 - zero, |asm| {
            let value = value.whole(asm);
            if self.sum.signed_input {
                self.extend_sign(asm, value);
            }
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                self.accumulate(asm, value, weights, accumulators);
            });
        });
        asm.bind(next);
    }

    pub(crate) fn extend_sign(&self, asm: &mut Assembly, value: Register) {
        if self.input.stored_bits() == 4 {
            asm.skip_if_clear(value, 3);
            asm.ori(value, 0xF0);
        }
        asm.clr(SIGN);
        asm.skip_if_clear(value, 7);
        asm.com(SIGN);
    }

    /// The sums that want each multiple of an input, and whether they subtract
    /// it.
    pub(crate) fn weights_by_magnitude(
        &self,
        input: usize,
        outputs: usize,
        first: usize,
    ) -> WeightsByMagnitude {
        let all = self.sum.program.outputs as usize;
        let mut by_magnitude = WeightsByMagnitude::new();
        for index in 0..outputs {
            let output = first + index;
            let weight = match self.channels {
                SummedChannels::All => self.constants.weights[input * all + output],
                SummedChannels::Own | SummedChannels::OwnThenPointwise if input % all == output => {
                    self.constants.weights[input]
                }
                SummedChannels::Own | SummedChannels::OwnThenPointwise => 0,
            };
            if weight != 0 {
                let magnitude = weight.unsigned_abs().into();
                by_magnitude
                    .entry(magnitude)
                    .or_default()
                    .push((index, weight < 0));
            }
        }
        by_magnitude
    }

    /// Adds one activation's products to the sums.
    pub(crate) fn accumulate(
        &self,
        asm: &mut Assembly,
        value: Register,
        weights: &WeightsByMagnitude,
        accumulators: &SumRegisters,
    ) {
        if self.products == ConstantProducts::Narrow {
            return self.accumulate_narrow(asm, value, weights, accumulators);
        }
        let sign = self.sign();
        let mut multiple = 0;
        for (&magnitude, terms) in weights {
            let product = if magnitude == 1 {
                [value, sign]
            } else {
                match self.products {
                    ConstantProducts::Multiplied => {
                        asm.ldi(FACTOR, magnitude as u8);
                        asm.mul(value, FACTOR);
                        if self.sum.signed_input {
                            // As an unsigned number, it was 256 too large.
                            asm.skip_if_clear(value, 7);
                            asm.sub(ZERO, FACTOR);
                        }
                        [MULTIPLE, ZERO]
                    }
                    ConstantProducts::Narrow => unreachable!("these have a chain"),
                    ConstantProducts::Wide => {
                        for step in multiples::steps(multiple, magnitude) {
                            match step {
                                MultipleStep::Reset => {
                                    asm.mov(MULTIPLE, value);
                                    asm.mov(MULTIPLE_HIGH, sign);
                                }
                                MultipleStep::Increment => {
                                    asm.add(MULTIPLE, value);
                                    asm.adc(MULTIPLE_HIGH, sign);
                                }
                                MultipleStep::Double => {
                                    asm.lsl(MULTIPLE);
                                    asm.rol(MULTIPLE_HIGH);
                                }
                            }
                        }
                        [MULTIPLE, MULTIPLE_HIGH]
                    }
                }
            };
            if magnitude > 1 {
                multiple = magnitude;
            }
            self.add_product(asm, product, terms, accumulators);
        }
    }

    /// The same where a multiple is a byte, by the shortest chain of additions. Changes the
    /// value.
    fn accumulate_narrow(
        &self,
        asm: &mut Assembly,
        value: Register,
        weights: &WeightsByMagnitude,
        accumulators: &SumRegisters,
    ) {
        let wanted: Vec<u32> = weights.keys().copied().collect();
        let register = |holder: Holder| match holder {
            Holder::Value => value,
            Holder::Multiple => MULTIPLE,
        };
        for &link in multiples::chain(&wanted, most_narrow_multiple(self.sum)).iter() {
            match link {
                Link::Copy { from } => asm.mov(register(from.other()), register(from)),
                Link::Add { to, what } => asm.add(register(to), register(what)),
                Link::Subtract { from } => asm.sub(register(from), register(from.other())),
                Link::Use { multiple, holder } => {
                    let product = [register(holder), self.sign()];
                    self.add_product(asm, product, &weights[&multiple], accumulators);
                }
            }
        }
    }

    /// Adds a product to the sums that want it, or takes it off.
    fn add_product(
        &self,
        asm: &mut Assembly,
        product: [Register; 2],
        terms: &[(usize, bool)],
        accumulators: &SumRegisters,
    ) {
        let sign = self.sign();
        for &(index, subtract) in terms {
            for (byte, &register) in accumulators[index].iter().enumerate() {
                let addend = product.get(byte).copied().unwrap_or(sign);
                match (subtract, byte) {
                    (false, 0) => asm.add(register, addend),
                    (false, _) => asm.adc(register, addend),
                    (true, 0) => asm.sub(register, addend),
                    (true, _) => asm.sbc(register, addend),
                }
            }
        }
    }
}
