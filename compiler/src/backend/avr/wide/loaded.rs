//! Sums that are shifted down by as many bits as was loaded with the network.

use super::products::NIL;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{R2, R3, R4, R5, R18, R19, Register};

/// A sum.
pub(super) const ROUNDED: [Register; 4] = [R2, R3, R4, R5];
const SPARE: [Register; 2] = [R18, R19];
const BITS: u8 = 8;
/// The upper two bytes of `2^22`.
const MOST_UPPER: i16 = 0x40;

/// Shifts a number down by as many bits as an upper register says, halves going up. Changes that
/// register, and another in which the bits are that were shifted out.
pub(super) fn round_half_up(
    asm: &mut Assembly,
    number: [Register; 4],
    (count, out): (Register, Register),
) {
    let [lowest, low, high, top] = number;
    let (bits, done) = (asm.label(), asm.label());
    asm.mov(out, NIL);
    let next_byte = asm.here();
    // A shift is of about ten bits.
    asm.times(2.0, |asm| {
        asm.cpi(count, BITS);
        asm.branch(Condition::Lower, bits, 0.5);
    });
    asm.mov(out, lowest);
    asm.mov(lowest, low);
    asm.mov(low, high);
    asm.mov(high, top);
    asm.lsl(top);
    asm.sbc(top, top);
    asm.subi(count, BITS);
    asm.jump(next_byte);
    asm.bind(bits);
    let next_bit = asm.here();
    asm.times(3.0, |asm| {
        asm.subi(count, 1);
        asm.branch(Condition::Lower, done, 1.0 / 3.0);
    });
    asm.times(2.0, |asm| {
        asm.asr(top);
        for register in [high, low, lowest, out] {
            asm.ror(register);
        }
        asm.jump(next_bit);
    });
    asm.bind(done);
    // The last bit that was shifted out.
    asm.lsl(out);
    for register in number {
        asm.adc(register, NIL);
    }
}

/// `clamp16` of the sum: its low and its high byte. Changes r18 and r19.
pub(super) fn to_wide(asm: &mut Assembly) -> [Register; 2] {
    let [low, high, upper, top] = ROUNDED;
    let end = SPARE;
    let sign = end[0];
    let (beyond, within) = (asm.label(), asm.label());
    asm.mov(sign, high);
    asm.lsl(sign);
    asm.sbc(sign, sign);
    asm.cp(upper, sign);
    asm.branch(Condition::NotEqual, beyond, 0.05);
    asm.cp(top, sign);
    asm.branch(Condition::Equal, within, 0.95);
    asm.bind(beyond);
    asm.times(0.05, |asm| {
        let positive = asm.label();
        asm.ldi_pair(end[0], i16::MAX as u16);
        asm.tst(top);
        asm.branch(Condition::Plus, positive, 0.5);
        asm.com(end[0]);
        asm.com(end[1]);
        asm.bind(positive);
        asm.movw(low, end[0]);
    });
    asm.bind(within);
    [low, high]
}

/// Keeps the sum within 23 bits, of which every gate and every update is at one of its ends.
pub(super) fn to_24_bits(asm: &mut Assembly) {
    let [low, high, upper, top] = ROUNDED;
    let [end, sign] = SPARE;
    for (most, inside) in [
        (MOST_UPPER, Condition::Less),
        (-MOST_UPPER, Condition::GreaterOrEqual),
    ] {
        let within = asm.label();
        asm.ldi_pair(end, most as u16);
        asm.cp(upper, end);
        asm.cpc(top, sign);
        asm.branch(inside, within, 0.99);
        asm.times(0.01, |asm| {
            asm.movw(upper, end);
            asm.mov(low, NIL);
            asm.mov(high, NIL);
        });
        asm.bind(within);
    }
}
