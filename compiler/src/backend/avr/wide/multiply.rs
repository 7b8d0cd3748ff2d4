//! Products of two bytes: by one instruction, or on cores that have none by a routine at the end of
//! the function, which shifts and adds.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{PRODUCT, R17, Register, Z};

/// What the routine multiplies with; the other factor is in the product's low byte.
const FACTOR: Register = R17;
const BITS: u32 = 8;

/// Which of the two bytes have a sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signs {
    None,
    First,
    Both,
}

/// The product of two bytes without signs, as `mul` makes it, but for the flags.
pub(super) fn mul(asm: &mut Assembly, one: Register, other: Register) {
    match asm.core().multiplies {
        true => asm.mul(one, other),
        false => by_routine(asm, Signs::None, one, other),
    }
}

/// Of one with a sign and one without, both in r16 to r23, as `mulsu` makes it: the carry is its sign.
pub(super) fn mulsu(asm: &mut Assembly, signed: Register, unsigned: Register) {
    match asm.core().multiplies {
        true => asm.mulsu(signed, unsigned),
        false => by_routine(asm, Signs::First, signed, unsigned),
    }
}

/// Of two with signs, both upper ones, as `muls` makes it: the carry is its sign.
pub(super) fn muls(asm: &mut Assembly, one: Register, other: Register) {
    match asm.core().multiplies {
        true => asm.muls(one, other),
        false => by_routine(asm, Signs::Both, one, other),
    }
}

fn by_routine(asm: &mut Assembly, signs: Signs, one: Register, other: Register) {
    let [low, high] = PRODUCT;
    let routine = asm.multiplication();
    asm.push(FACTOR);
    match other {
        FACTOR => asm.mov(low, one),
        _ => {
            asm.mov(low, other);
            if one != FACTOR {
                asm.mov(FACTOR, one);
            }
        }
    }
    asm.call(routine);
    // As a number without a sign, a negative one is 256 more.
    if signs != Signs::None {
        asm.skip_if_clear(one, 7);
        asm.sub(high, other);
    }
    if signs == Signs::Both {
        asm.skip_if_clear(other, 7);
        asm.sub(high, one);
    }
    if signs != Signs::None {
        asm.mov(FACTOR, high);
        asm.lsl(FACTOR);
    }
    asm.pop(FACTOR);
}

/// Adds an upper register times a constant to Z. Changes another upper register.
pub(super) fn add_multiple(asm: &mut Assembly, index: Register, spare: Register, constant: u32) {
    let [product_low, product_high] = PRODUCT;
    let [low, high, ..] = constant.to_le_bytes();
    asm.ldi(spare, low);
    mul(asm, index, spare);
    asm.add(Z, product_low);
    asm.adc(Z.next(), product_high);
    if high > 0 {
        asm.ldi(spare, high);
        mul(asm, index, spare);
        asm.add(Z.next(), product_low);
    }
}

/// Writes the routine down, where it was called: after a function's last return.
pub(super) fn write_routine(asm: &mut Assembly) {
    let [low, high] = PRODUCT;
    let Some((routine, calls)) = asm.called_multiplication() else {
        return;
    };
    let executions = asm.executions();
    asm.bind(routine);
    asm.times(calls / executions, |asm| {
        asm.sub(high, high);
        asm.lsr(low);
        for _ in 0..BITS {
            let zero = asm.label();
            asm.branch(Condition::SameOrHigher, zero, 0.5);
            asm.times(0.5, |asm| asm.add(high, FACTOR));
            asm.bind(zero);
            asm.ror(high);
            asm.ror(low);
        }
        asm.ret();
    });
}
