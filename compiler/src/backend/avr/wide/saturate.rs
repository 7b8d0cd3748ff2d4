//! From sums to values of 16 bits: halves go up, and what is beyond becomes the nearest.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{R16, R20, R21, R22, Register};

/// Where the lowest byte of the sum that is rounded has to be; the others follow.
pub(super) const ROUNDED: Register = R16;
/// The most bytes of a sum, and one more.
const LAST: Register = R20;
const SIGN: Register = R21;
const SPARE: Register = R22;

/// `clamp16(rsh(v, right))` of a sum of `bytes` bytes from [`ROUNDED`] on: the low and the high
/// byte. Changes r16 to r22.
pub(super) fn to_wide(asm: &mut Assembly, bytes: u32, right: u32) -> [Register; 2] {
    if right > 8 * bytes {
        // Less than half of what it is divided by, or just half below 0.
        asm.ldi(ROUNDED, 0);
        asm.ldi(SPARE, 0);
        return [ROUNDED, SPARE];
    }
    let sum: Vec<Register> = ROUNDED.run(bytes as u8 + 1).collect();
    debug_assert!(sum.iter().all(|&register| register <= LAST));
    let (&top, lower) = sum.split_last().expect("two at least");
    extend(asm, top, lower[lower.len() - 1]);
    let half = if right > 0 { 1i64 << (right - 1) } else { 0 };
    for (index, (&register, byte)) in sum.iter().zip((-half).to_le_bytes()).enumerate() {
        match index {
            _ if half == 0 => {}
            0 => asm.subi(register, byte),
            _ => asm.sbci(register, byte),
        }
    }
    let kept = &sum[(right / 8) as usize..];
    let (&top, lower) = kept
        .split_last()
        .expect("it has more bytes than are dropped");
    for _ in 0..right % 8 {
        asm.asr(top);
        for &register in lower.iter().rev() {
            asm.ror(register);
        }
    }
    let (low, upper) = match *kept {
        [low] => {
            extend(asm, SPARE, low);
            return [low, SPARE];
        }
        [low, high] => return [low, high],
        [low, high, ref upper @ ..] => ([low, high], upper),
        [] => unreachable!("it has more bytes than are dropped"),
    };
    let (within, beyond) = (asm.label(), asm.label());
    extend(asm, SIGN, low[1]);
    for &register in &upper[1..] {
        asm.cp(register, SIGN);
        asm.branch(Condition::NotEqual, beyond, 0.1);
    }
    asm.cp(upper[0], SIGN);
    asm.branch(Condition::Equal, within, 0.9);
    asm.bind(beyond);
    asm.times(0.1, |asm| {
        asm.ldi(low[0], 0xFF);
        asm.ldi(low[1], 0x7F);
        let positive = asm.label();
        asm.tst(top);
        asm.branch(Condition::Plus, positive, 0.5);
        asm.com(low[0]);
        asm.com(low[1]);
        asm.bind(positive);
    });
    asm.bind(within);
    low
}

/// A byte that has the sign of another.
fn extend(asm: &mut Assembly, to: Register, from: Register) {
    asm.mov(to, from);
    asm.lsl(to);
    asm.sbc(to, to);
}
