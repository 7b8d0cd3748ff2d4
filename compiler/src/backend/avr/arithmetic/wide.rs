//! Numbers of several bytes, the lowest first.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{R30, Register, SUM};

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

/// Loads a constant into any registers, through Z.
pub(crate) fn load_constant(asm: &mut Assembly, registers: &[Register], constant: i32) {
    let spare = R30;
    let bytes = constant.to_le_bytes();
    let mut byte = 0;
    while byte < registers.len() {
        let register = registers[byte];
        if register.is_upper() {
            asm.ldi(register, bytes[byte]);
            byte += 1;
        } else if bytes[byte] == 0 {
            asm.clr(register);
            byte += 1;
        } else if register.is_even() && byte + 1 < registers.len() {
            asm.ldi_pair(spare, u16::from_le_bytes([bytes[byte], bytes[byte + 1]]));
            asm.movw(register, spare);
            byte += 2;
        } else {
            asm.ldi(spare, bytes[byte]);
            asm.mov(register, spare);
            byte += 1;
        }
    }
}
