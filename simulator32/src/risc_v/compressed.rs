//! From the 16 bits of the C extension to the instructions that they stand for.

use super::decode::{Condition, Instruction, Operation, bits, sign};

const RETURN: u8 = 1;
const STACK_POINTER: u8 = 2;

/// The instruction; none if C on RV32 does not have it.
pub(super) fn expand(code: u16) -> Option<Instruction> {
    use Instruction as I;
    let code = u32::from(code);
    // Registers 8 to 15 in the short forms, any in the long ones.
    let short_low = bits(code, 2, 3) as u8 + 8;
    let short_high = bits(code, 7, 3) as u8 + 8;
    let d = bits(code, 7, 5) as u8;
    let right = bits(code, 2, 5) as u8;
    let six = sign(bits(code, 12, 1) << 5 | bits(code, 2, 5), 6);
    let add = |d, left, value| I::Immediate {
        operation: Operation::Add,
        d,
        left,
        value,
    };
    Some(match (code & 3, bits(code, 13, 3)) {
        (0, 0) => {
            let value = bits(code, 7, 4) << 6
                | bits(code, 11, 2) << 4
                | bits(code, 5, 1) << 3
                | bits(code, 6, 1) << 2;
            if value == 0 {
                return None;
            }
            add(short_low, STACK_POINTER, value)
        }
        (0, function @ (2 | 6)) => {
            let offset = bits(code, 5, 1) << 6 | bits(code, 10, 3) << 3 | bits(code, 6, 1) << 2;
            if function == 2 {
                I::Load {
                    d: short_low,
                    base: short_high,
                    offset,
                    bytes: 4,
                    signed: false,
                }
            } else {
                I::Store {
                    source: short_low,
                    base: short_high,
                    offset,
                    bytes: 4,
                }
            }
        }
        (1, 0) => add(d, d, six),
        (1, 1) => I::Jump {
            d: RETURN,
            offset: jump(code),
        },
        (1, 2) => add(d, 0, six),
        (1, 3) if d == STACK_POINTER => {
            let value = bits(code, 12, 1) << 9
                | bits(code, 3, 2) << 7
                | bits(code, 5, 1) << 6
                | bits(code, 2, 1) << 5
                | bits(code, 6, 1) << 4;
            if value == 0 {
                return None;
            }
            add(d, d, sign(value, 10))
        }
        (1, 3) if six != 0 => I::LoadUpper {
            d,
            value: six << 12,
        },
        (1, 4) => return arithmetic(code, short_high, short_low, six),
        (1, 5) => I::Jump {
            d: 0,
            offset: jump(code),
        },
        (1, function @ (6 | 7)) => {
            let offset = bits(code, 12, 1) << 8
                | bits(code, 5, 2) << 6
                | bits(code, 2, 1) << 5
                | bits(code, 10, 2) << 3
                | bits(code, 3, 2) << 1;
            let condition = if function == 6 {
                Condition::Equal
            } else {
                Condition::NotEqual
            };
            I::Branch {
                condition,
                left: short_high,
                right: 0,
                offset: sign(offset, 9),
            }
        }
        // A shift by 32 and more is not for RV32.
        (2, 0) if bits(code, 12, 1) == 0 => I::Immediate {
            operation: Operation::ShiftLeft,
            d,
            left: d,
            value: right.into(),
        },
        (2, 2) if d != 0 => {
            let offset = bits(code, 2, 2) << 6 | bits(code, 12, 1) << 5 | bits(code, 4, 3) << 2;
            I::Load {
                d,
                base: STACK_POINTER,
                offset,
                bytes: 4,
                signed: false,
            }
        }
        (2, 4) => match (bits(code, 12, 1), d, right) {
            (0, 0, 0) => return None,
            (0, base, 0) => I::JumpRegister {
                d: 0,
                base,
                offset: 0,
            },
            (1, 0, 0) => I::Trap,
            (1, base, 0) => I::JumpRegister {
                d: RETURN,
                base,
                offset: 0,
            },
            (0, d, right) => I::Register {
                operation: Operation::Add,
                d,
                left: 0,
                right,
            },
            (_, d, right) => I::Register {
                operation: Operation::Add,
                d,
                left: d,
                right,
            },
        },
        (2, 6) => {
            let offset = bits(code, 7, 2) << 6 | bits(code, 9, 4) << 2;
            I::Store {
                source: right,
                base: STACK_POINTER,
                offset,
                bytes: 4,
            }
        }
        _ => return None,
    })
}

fn jump(code: u32) -> u32 {
    let offset = bits(code, 12, 1) << 11
        | bits(code, 8, 1) << 10
        | bits(code, 9, 2) << 8
        | bits(code, 6, 1) << 7
        | bits(code, 7, 1) << 6
        | bits(code, 2, 1) << 5
        | bits(code, 11, 1) << 4
        | bits(code, 3, 3) << 1;
    sign(offset, 12)
}

fn arithmetic(code: u32, d: u8, right: u8, value: u32) -> Option<Instruction> {
    use Instruction as I;
    let immediate = |operation, value| I::Immediate {
        operation,
        d,
        left: d,
        value,
    };
    let register = |operation| I::Register {
        operation,
        d,
        left: d,
        right,
    };
    let is_long = bits(code, 12, 1) != 0;
    Some(match (bits(code, 10, 2), bits(code, 5, 2)) {
        (0, _) if !is_long => immediate(Operation::ShiftRight, value),
        (1, _) if !is_long => immediate(Operation::ShiftRightArithmetic, value),
        (2, _) => immediate(Operation::And, value),
        (3, _) if is_long => return None,
        (3, 0) => register(Operation::Subtract),
        (3, 1) => register(Operation::ExclusiveOr),
        (3, 2) => register(Operation::Or),
        (3, 3) => register(Operation::And),
        _ => return None,
    })
}
