//! Multiplications by constants.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{PRODUCT, Register, Registers, SCRATCH, X, ZERO};

/// Makes a pair of its low byte times a constant of up to two bytes, which goes through an upper
/// register, modulo 2^16.
pub(crate) fn multiply_byte(asm: &mut Assembly, low: Register, constant: u32, through: Register) {
    let changed = Registers::of_pairs([low]).and([through]).and(PRODUCT);
    asm.changing(changed, |asm| {
        if !asm.core().multiplies || constant.is_power_of_two() {
            asm.clr(low.next());
            return multiply_by_constant(asm, low, constant);
        }
        let [low_byte, high_byte, ..] = constant.to_le_bytes();
        if high_byte == 0 {
            asm.ldi(through, low_byte);
            asm.mul(low, through);
            asm.movw(low, PRODUCT[0]);
        } else {
            asm.ldi(through, high_byte);
            asm.mul(low, through);
            asm.mov(low.next(), PRODUCT[0]);
            asm.ldi(through, low_byte);
            asm.mul(low, through);
            asm.mov(low, PRODUCT[0]);
            asm.add(low.next(), PRODUCT[1]);
        }
        asm.clr(ZERO);
    })
}

/// Multiplies a pair by a constant, by doubling and adding.
pub(crate) fn multiply_by_constant(asm: &mut Assembly, low: Register, constant: u32) {
    let changed = Registers::of_pairs([low]).and(PRODUCT);
    asm.changing(changed, |asm| {
        let [copy, copy_high] = PRODUCT;
        if constant.is_power_of_two() {
            for _ in 0..constant.ilog2() {
                asm.lsl(low);
                asm.rol(low.next());
            }
            return;
        }
        asm.movw(copy, low);
        for bit in (0..constant.ilog2()).rev() {
            asm.lsl(low);
            asm.rol(low.next());
            if constant >> bit & 1 == 1 {
                asm.add(low, copy);
                asm.adc(low.next(), copy_high);
            }
        }
        asm.clr(ZERO);
    })
}

/// Multiplies a byte or a pair by a constant, modulo what it holds.
pub(crate) fn multiply_wrapping(asm: &mut Assembly, registers: &[Register], constant: u32) {
    let changed = Registers::of_pairs([X])
        .and([SCRATCH])
        .and(PRODUCT)
        .and(registers.iter().copied());
    asm.changing(changed, |asm| {
        let [low_byte, high_byte, ..] = constant.to_le_bytes();
        match (registers, asm.core().multiplies) {
            (&[low, high], true) => {
                let factor = SCRATCH;
                asm.ldi(factor, low_byte);
                asm.mul(low, factor);
                asm.movw(X, PRODUCT[0]);
                asm.mul(high, factor);
                asm.add(X.next(), PRODUCT[0]);
                asm.ldi(factor, high_byte);
                asm.mul(low, factor);
                asm.add(X.next(), PRODUCT[0]);
                asm.movw(low, X);
                asm.clr(ZERO);
            }
            (&[low, _], false) => multiply_by_constant(asm, low, constant),
            (_, true) => {
                asm.ldi(SCRATCH, low_byte);
                asm.mul(registers[0], SCRATCH);
                asm.mov(registers[0], PRODUCT[0]);
                asm.clr(ZERO);
            }
            (_, false) => {
                asm.mov(PRODUCT[0], registers[0]);
                for bit in (0..constant.ilog2()).rev() {
                    asm.lsl(registers[0]);
                    if constant >> bit & 1 == 1 {
                        asm.add(registers[0], PRODUCT[0]);
                    }
                }
            }
        }
    })
}
