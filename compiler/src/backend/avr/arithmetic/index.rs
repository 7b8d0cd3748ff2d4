//! The index of a row, a column or a pixel: a byte, or a pair where there are many.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{Register, Registers};

/// Whether rows or columns of a map of that many take two bytes.
pub(crate) const fn is_wide(side: u32) -> bool {
    side > 0xFF
}

/// The registers of a row or column of a map, or a grid, of that many, the first
/// being that one.
pub(crate) fn registers(first: Register, side: u32) -> Vec<Register> {
    let mut registers = vec![first];
    if is_wide(side) {
        registers.push(first.next());
    }
    registers
}

/// Compares a row or column with a constant.
pub(crate) fn compare(
    asm: &mut Assembly,
    registers: &[Register],
    constant: u32,
    scratch: Register,
) {
    let changed = Registers::of([scratch]);
    asm.changing(changed, |asm| {
        let [low, high, ..] = constant.to_le_bytes();
        asm.cpi(registers[0], low);
        if let Some(&upper) = registers.get(1) {
            asm.ldi(scratch, high);
            asm.cpc(upper, scratch);
        }
    })
}

/// Adds 1 to a row or column in upper registers.
pub(crate) fn increment(asm: &mut Assembly, registers: &[Register]) {
    match *registers {
        [low, high] => {
            asm.subi(low, 0xFF);
            asm.sbci(high, 0xFF);
        }
        _ => asm.inc(registers[0]),
    }
}
