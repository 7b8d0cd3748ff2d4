//! Loops that a register counts.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::Register;

/// A loop of `count` rounds; says how often its body is written down.
pub(crate) fn counted(
    asm: &mut Assembly,
    count: u32,
    counter: Register,
    mut body: impl FnMut(&mut Assembly),
) -> u32 {
    let mut written = 0;
    let mut left = count;
    while left > 0 {
        // What a byte counts.
        let rounds = left.min(0xFF);
        if rounds == 1 {
            body(asm);
        } else {
            asm.ldi(counter, rounds as u8);
            let next = asm.here();
            asm.times(rounds.into(), |asm| {
                body(asm);
                asm.dec(counter);
                asm.loop_back(Condition::NotEqual, next, rounds.into());
            });
        }
        left -= rounds;
        written += 1;
    }
    written
}
