//! Numbers of several bytes, the lowest first.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{Register, SUM, Z};

/// The registers of some sums: each the lowest byte first.
pub(crate) type SumRegisters = [Vec<Register>];

/// Copies a sum to [`SUM`].
pub(crate) fn load_sum(asm: &mut Assembly, accumulator: &[Register]) {
    let mut byte = 0;
    while byte < accumulator.len() {
        let (to, from) = (SUM[byte], accumulator[byte]);
        let pair =
            accumulator.get(byte + 1) == Some(&from.next()) && from.is_even() && to.is_even();
        if pair {
            asm.movw(to, from);
            byte += 2;
        } else {
            asm.mov(to, from);
            byte += 1;
        }
    }
}

/// Adds a constant to [`SUM`].
pub(crate) fn add_to_sum(asm: &mut Assembly, width: usize, addend: i32) {
    if addend == 0 {
        return;
    }
    let bytes = addend.wrapping_neg().to_le_bytes();
    asm.subi(SUM[0], bytes[0]);
    for (&register, &byte) in SUM[..width].iter().zip(&bytes).skip(1) {
        asm.sbci(register, byte);
    }
}

pub(crate) fn shift_up(asm: &mut Assembly, registers: &[Register]) {
    let Some((&low, upper)) = registers.split_first() else {
        return;
    };
    asm.lsl(low);
    for &register in upper {
        asm.rol(register);
    }
}

/// `to −= what`.
pub(crate) fn subtract(asm: &mut Assembly, to: &[Register], what: &[Register]) {
    for (byte, (&to, &what)) in to.iter().zip(what).enumerate() {
        if byte == 0 {
            asm.sub(to, what);
        } else {
            asm.sbc(to, what);
        }
    }
}

/// Halves a sum, rounding down.
pub(crate) fn shift_down(asm: &mut Assembly, sum: &[Register], signed: bool) {
    for (index, &register) in sum.iter().rev().enumerate() {
        match (index, signed) {
            (0, true) => asm.asr(register),
            (0, false) => asm.lsr(register),
            _ => asm.ror(register),
        }
    }
}

/// Loads constants into any registers, through Z: those with the same upper byte one after the
/// other, for Z keeps what it held.
pub(crate) fn load_constants(asm: &mut Assembly, sums: &SumRegisters, constants: &[i32]) {
    let mut all: Vec<(&Vec<Register>, i32)> = sums.iter().zip(constants.iter().copied()).collect();
    all.sort_by_key(|(_, constant)| constant.to_le_bytes()[1]);
    let mut held = [None; 2];
    for (registers, constant) in all {
        load_constant(asm, registers, constant, &mut held);
    }
}

/// `held`: what Z's bytes are known to hold.
fn load_constant(
    asm: &mut Assembly,
    registers: &[Register],
    constant: i32,
    held: &mut [Option<u8>; 2],
) {
    let bytes = constant.to_le_bytes();
    let mut hold = |asm: &mut Assembly, half: usize, byte: u8| {
        let register = Z.after(half as u8);
        if held[half] != Some(byte) {
            asm.ldi(register, byte);
            held[half] = Some(byte);
        }
        register
    };
    let mut byte = 0;
    while byte < registers.len() {
        let register = registers[byte];
        let upper = registers.get(byte + 1).map(|_| bytes[byte + 1]);
        if register.is_upper() {
            asm.ldi(register, bytes[byte]);
        } else if let (true, Some(upper)) = (
            register.is_even() && (bytes[byte], upper) != (0, Some(0)),
            upper,
        ) {
            hold(asm, 0, bytes[byte]);
            hold(asm, 1, upper);
            asm.movw(register, Z);
            byte += 1;
        } else if bytes[byte] == 0 {
            asm.clr(register);
        } else {
            let from = hold(asm, 0, bytes[byte]);
            asm.mov(register, from);
        }
        byte += 1;
    }
}
