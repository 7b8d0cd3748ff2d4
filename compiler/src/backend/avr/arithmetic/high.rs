//! The upper half of a product of 32 bits, which softmax is made of.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{
    PRODUCT, R13, R17, R18, R21, R22, R25, R26, R27, R30, R31, Register, ZERO,
};

/// `high(a: r25:r22, b: r21:r18) -> r25:r22`, `(a·b + 2^30) >> 31` of two's complement: bytes of
/// the product column by column, the lowest first (M. Comba, "Exponentiation cryptosystems on the
/// IBM PC", 1990).
pub(crate) fn emit(core: Core) -> Function {
    let mut asm = Assembly::new(core);
    let (a, b): (Vec<Register>, Vec<Register>) = (R22.to(R25).collect(), R18.to(R21).collect());
    let result: Vec<Register> = R13.to(R17).collect();
    let mut column = [R26, R27, R30];
    let zero = R31;
    for &register in &result {
        asm.push(register);
    }
    for register in column.into_iter().chain([zero]) {
        asm.ldi(register, 0);
    }
    for place in 0..8_usize {
        if place == 3 {
            // Half of what is dropped: 2^30.
            asm.subi(column[0], 0x40_u8.wrapping_neg());
            asm.sbci(column[1], 0xFF);
            asm.sbci(column[2], 0xFF);
        }
        for (low, &register) in a.iter().enumerate() {
            let Some(&factor) = place.checked_sub(low).and_then(|other| b.get(other)) else {
                continue;
            };
            asm.mul(register, factor);
            asm.add(column[0], PRODUCT[0]);
            asm.adc(column[1], PRODUCT[1]);
            asm.adc(column[2], zero);
        }
        if place >= 3 {
            asm.mov(result[place - 3], column[0]);
        }
        asm.ldi(column[0], 0);
        column.rotate_left(1);
    }
    // As unsigned numbers, negative ones were 2^32 too large.
    for (negative, other) in [(&a, &b), (&b, &a)] {
        let positive = asm.label();
        asm.tst(negative[3]);
        asm.branch(Condition::Plus, positive, 0.9);
        asm.times(0.1, |asm| {
            for (byte, (&to, &what)) in result[1..].iter().zip(other).enumerate() {
                match byte {
                    0 => asm.sub(to, what),
                    _ => asm.sbc(to, what),
                }
            }
        });
        asm.bind(positive);
    }
    asm.lsl(result[0]);
    for &register in &result[1..] {
        asm.rol(register);
    }
    for (&to, &from) in a.iter().zip(&result[1..]) {
        asm.mov(to, from);
    }
    for &register in result.iter().rev() {
        asm.pop(register);
    }
    asm.clr(ZERO);
    asm.ret();
    asm.finish(FunctionId::High)
}
