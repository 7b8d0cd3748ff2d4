//! Divisions by constants, none of which the instruction set has.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{PRODUCT, Register, Registers, ZERO};

/// Divides a sum, which is changed, and rounds down; the quotient has `bits` bits,
/// two's complement in a byte where the sum is `signed`. `sum`, lowest byte first,
/// and the quotient are upper registers. The sum holds `divisor` times every number
/// of that many bits.
///
/// Bit by bit, the highest first: where the divisor, shifted up, can be taken off,
/// the quotient has that bit.
pub(crate) fn down(
    asm: &mut Assembly,
    sum: &[Register],
    (divisor, bits, signed): (u32, u32, bool),
    quotient: Register,
) {
    let changed = Registers::of(sum.iter().copied()).and([quotient]);
    asm.changing(changed, |asm| {
        let half = if signed { 1 << (bits - 1) } else { 0 };
        // Then it is not negative: `⌊(s + h·d) / d⌋ = ⌊s / d⌋ + h`.
        add(asm, sum, u64::from(divisor) * half);
        asm.ldi(quotient, 0);
        for bit in (0..bits).rev() {
            let part = u64::from(divisor) << bit;
            if part >> (8 * sum.len()) > 0 {
                continue;
            }
            let (too_large, next) = (asm.label(), asm.label());
            subtract(asm, sum, part);
            asm.branch(Condition::Lower, too_large, 0.5);
            asm.times(0.5, |asm| {
                asm.ori(quotient, 1 << bit);
                if bit > 0 {
                    asm.jump(next);
                }
            });
            asm.bind(too_large);
            if bit > 0 {
                asm.times(0.5, |asm| add(asm, sum, part));
            }
            asm.bind(next);
        }
        if half > 0 {
            asm.subi(quotient, half as u8);
        }
    })
}

fn add(asm: &mut Assembly, sum: &[Register], constant: u64) {
    if constant > 0 {
        subtract(asm, sum, constant.wrapping_neg());
    }
}

/// The carry says whether the constant was the larger.
fn subtract(asm: &mut Assembly, sum: &[Register], constant: u64) {
    for (index, (&register, byte)) in sum.iter().zip(constant.to_le_bytes()).enumerate() {
        if index == 0 {
            asm.subi(register, byte);
        } else {
            asm.sbci(register, byte);
        }
    }
}

/// Registers that [`with_remainder`] needs beside the number; upper ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// What is left.
    pub(crate) remainder: Register,
    /// Is changed.
    pub(crate) scratch: Register,
}

/// A number below `below`, in a byte or lowest byte first in two, becomes its
/// quotient, rounded down, by a divisor of up to 128.
pub(crate) fn with_remainder(
    asm: &mut Assembly,
    number: &[Register],
    (divisor, below): (u32, u32),
    Rest { remainder, scratch }: Rest,
) {
    let changed = Registers::of([remainder, scratch])
        .and(PRODUCT)
        .and(number.iter().copied());
    asm.changing(changed, |asm| {
        let low = number[0];
        if divisor.is_power_of_two() {
            asm.mov(remainder, low);
            asm.andi(remainder, (divisor - 1) as u8);
            for _ in 0..divisor.ilog2() {
                for (index, &register) in number.iter().rev().enumerate() {
                    if index == 0 {
                        asm.lsr(register);
                    } else {
                        asm.ror(register);
                    }
                }
            }
            return;
        }
        if let (true, [_], Some((factor, bits))) = (
            asm.core().multiplies,
            number,
            reciprocal(divisor, below.min(0x100)),
        ) {
            asm.mov(remainder, low);
            asm.ldi(scratch, factor);
            asm.mul(low, scratch);
            asm.mov(low, PRODUCT[1]);
            for _ in 8..bits {
                asm.lsr(low);
            }
            asm.ldi(scratch, divisor as u8);
            asm.mul(low, scratch);
            asm.sub(remainder, PRODUCT[0]);
            asm.clr(ZERO);
            return;
        }
        // Bit by bit; the quotient's go in where the number's go out.
        let rounds = 8 * number.len() as u32;
        asm.ldi(remainder, 0);
        asm.ldi(scratch, rounds as u8);
        let (next, too_large) = (asm.here(), asm.label());
        asm.times(rounds.into(), |asm| {
            asm.lsl(low);
            for &register in &number[1..] {
                asm.rol(register);
            }
            asm.rol(remainder);
            asm.cpi(remainder, divisor as u8);
            asm.branch(Condition::Lower, too_large, 0.5);
            asm.times(0.5, |asm| {
                asm.subi(remainder, divisor as u8);
                // The bit that came in is 0; only `inc` takes any register.
                asm.inc(low);
            });
            asm.bind(too_large);
            asm.dec(scratch);
            asm.loop_back(Condition::NotEqual, next, rounds.into());
        });
    })
}

/// A byte and a shift with which `⌊n · byte / 2^shift⌋` is `⌊n / divisor⌋` for every
/// `n` below.
fn reciprocal(divisor: u32, below: u32) -> Option<(u8, u32)> {
    (8..16).find_map(|shift| {
        let factor = (1u32 << shift).div_ceil(divisor);
        let exact = |n: u32| (n * factor) >> shift == n / divisor;
        let factor = u8::try_from(factor).ok()?;
        (0..below).all(exact).then_some((factor, shift))
    })
}

/// The odd number by which multiplying undoes multiplying by `odd`, in that many bits.
pub(crate) fn inverse(odd: u32, bits: u32) -> u32 {
    let mut inverse = odd;
    // Each round doubles the bits that are right, of which 3 are.
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse & (u32::MAX >> (32 - bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_divide_exactly() {
        assert_eq!(reciprocal(3, 256), Some((171, 9)));
        assert_eq!(reciprocal(7, 256), None);
        assert_eq!(reciprocal(7, 28), Some((37, 8)));
    }

    #[test]
    fn inverses_undo_multiplications() {
        for odd in (1..256).step_by(2) {
            assert_eq!((odd * inverse(odd, 8)) & 0xFF, 1);
            assert_eq!(odd.wrapping_mul(inverse(odd, 16)) & 0xFFFF, 1);
        }
    }
}
