//! Code for a single dense layer on nibbles, written by hand: what the judge
//! itself is judged by.

use std::fmt::Write as _;

use herringbone_compiler::backend::WorstCase;
use herringbone_compiler::network::NodeId;
use herringbone_compiler::program::{Accumulator, Program};
use herringbone_tests::networks::Case;

use crate::device::{Code, Function};

/// `absorb` and `infer` of a network of fewer than 256 values, stored as they
/// come, and one dense layer of exact 16-bit sums, without `mul`.
pub(crate) fn dense(case: &Case, program: &Program) -> Code {
    let cells = program.map(program.intake.value).shape.values();
    assert_eq!(
        (program.activation_bits, program.results.accumulator()),
        (4, Accumulator::I16)
    );
    let functions = [
        ("absorb", absorb(program, cells)),
        ("infer", infer(case, program)),
    ];
    let functions = functions.map(|(name, (text, words))| Function {
        name: name.to_owned(),
        text,
        flash_bytes: 2 * words,
    });
    Code {
        functions: functions.into(),
        table_bytes: 0,
        // Y and the return address, at most.
        stack_bytes: 2 + 3,
        worst_case: WorstCase {
            cycles: u64::MAX,
            push_cycles: u64::MAX,
        },
    }
}

/// Counts bytes in the first byte of the cursor.
fn absorb(program: &Program, cells: u32) -> (String, u32) {
    // Behind the cursor.
    let first = 6 + program.map(program.intake.value).first_cell;
    let text = format!(
        "movw r30, r24
        ld r18, Z
        mov r19, r18
        inc r19
        cpi r19, {cells}
        brne 1f
        clr r19
1:      st Z, r19
        subi r18, lo8(-({first}))
        movw r30, r24
        mov r21, r18
        lsr r21
        add r30, r21
        adc r31, r1
        ld r21, Z
        swap r22
        andi r22, 0x0F
        sbrc r18, 0
        rjmp 2f
        andi r21, 0xF0
        rjmp 3f
2:      swap r22
        andi r21, 0x0F
3:      or r21, r22
        st Z, r21
        clr r24
        cpse r19, r1
        ret
        inc r24
        ret"
    );
    let words = text.lines().count() as u32;
    (text, words)
}

/// Adds each activation as often as its weight says.
fn infer(case: &Case, program: &Program) -> (String, u32) {
    let [sum] = case.weights.node(NodeId::new(0)) else {
        panic!("a dense layer has one sum");
    };
    let mut text = "push r28\npush r29\nmovw r28, r22\n".to_owned();
    let cells = program.map(program.intake.value).shape.values() as usize;
    for (weights, bias) in sum.weight.chunks(cells).zip(&sum.bias) {
        text += "clr r18\nclr r19\n";
        for (weight, cell) in weights
            .iter()
            .zip(6 + program.map(program.intake.value).first_cell..)
        {
            let byte = cell / 2;
            let _ = writeln!(text, "movw r30, r24\nsubi r30, lo8(-({byte}))");
            let _ = writeln!(text, "sbci r31, hi8(-({byte}))\nld r20, Z");
            text += if cell % 2 == 1 {
                "swap r20\nandi r20, 15\n"
            } else {
                "andi r20, 15\n"
            };
            let add = if *weight < 0 {
                "sub r18, r20\nsbc r19, r1\n"
            } else {
                "add r18, r20\nadc r19, r1\n"
            };
            text += &add.repeat(weight.unsigned_abs().into());
        }
        text += &"lsl r18\nrol r19\n".repeat(sum.shift.left.into());
        let _ = writeln!(text, "subi r18, lo8(-({bias}))\nsbci r19, hi8(-({bias}))");
        text += "st Y+, r18\nst Y+, r19\n";
    }
    text += "pop r29\npop r28\nret";
    let words = text.lines().count() as u32;
    (text, words)
}
