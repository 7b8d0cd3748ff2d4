//! From 32 bits to instructions.

/// An instruction; registers by number, offsets in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instruction {
    LoadUpper {
        d: u8,
        value: u32,
    },
    AddUpperToProgramCounter {
        d: u8,
        value: u32,
    },
    Jump {
        d: u8,
        offset: u32,
    },
    JumpRegister {
        d: u8,
        base: u8,
        offset: u32,
    },
    Branch {
        condition: Condition,
        left: u8,
        right: u8,
        offset: u32,
    },
    Load {
        d: u8,
        base: u8,
        offset: u32,
        bytes: u8,
        signed: bool,
    },
    Store {
        source: u8,
        base: u8,
        offset: u32,
        bytes: u8,
    },
    Immediate {
        operation: Operation,
        d: u8,
        left: u8,
        value: u32,
    },
    Register {
        operation: Operation,
        d: u8,
        left: u8,
        right: u8,
    },
    Multiply {
        operation: Multiply,
        d: u8,
        left: u8,
        right: u8,
    },
    Fence,
    /// `csrr*`: what machine-mode registers hold is not simulated.
    Status {
        d: u8,
    },
    /// `ecall` and `ebreak`.
    Trap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Less,
    NotLess,
    LessUnsigned,
    NotLessUnsigned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    ShiftLeft,
    Less,
    LessUnsigned,
    ExclusiveOr,
    ShiftRight,
    ShiftRightArithmetic,
    Or,
    And,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Multiply {
    Low,
    High,
    HighSignedUnsigned,
    HighUnsigned,
    Divide,
    DivideUnsigned,
    Remainder,
    RemainderUnsigned,
}

/// Bits `low` and up of `code`, `count` of them.
pub(super) const fn bits(code: u32, low: u32, count: u32) -> u32 {
    code >> low & ((1 << count) - 1)
}

/// The lowest `count` bits of `value` as a signed number.
pub(super) const fn sign(value: u32, count: u32) -> u32 {
    let unused = 32 - count;
    ((value << unused).cast_signed() >> unused).cast_unsigned()
}

/// The instruction; none if RV32IM does not have it.
pub(super) fn full(code: u32) -> Option<Instruction> {
    use Instruction as I;
    let d = bits(code, 7, 5) as u8;
    let left = bits(code, 15, 5) as u8;
    let right = bits(code, 20, 5) as u8;
    let function = bits(code, 12, 3);
    let immediate = (code.cast_signed() >> 20).cast_unsigned();
    Some(match code & 0x7F {
        0x37 => I::LoadUpper {
            d,
            value: code & !0xFFF,
        },
        0x17 => I::AddUpperToProgramCounter {
            d,
            value: code & !0xFFF,
        },
        0x6F => {
            let offset = bits(code, 31, 1) << 20
                | bits(code, 12, 8) << 12
                | bits(code, 20, 1) << 11
                | bits(code, 21, 10) << 1;
            I::Jump {
                d,
                offset: sign(offset, 21),
            }
        }
        0x67 if function == 0 => I::JumpRegister {
            d,
            base: left,
            offset: immediate,
        },
        0x63 => {
            let offset = bits(code, 31, 1) << 12
                | bits(code, 7, 1) << 11
                | bits(code, 25, 6) << 5
                | bits(code, 8, 4) << 1;
            let condition = match function {
                0 => Condition::Equal,
                1 => Condition::NotEqual,
                4 => Condition::Less,
                5 => Condition::NotLess,
                6 => Condition::LessUnsigned,
                7 => Condition::NotLessUnsigned,
                _ => return None,
            };
            I::Branch {
                condition,
                left,
                right,
                offset: sign(offset, 13),
            }
        }
        0x03 => {
            let (bytes, signed) = match function {
                0 => (1, true),
                1 => (2, true),
                2 => (4, false),
                4 => (1, false),
                5 => (2, false),
                _ => return None,
            };
            I::Load {
                d,
                base: left,
                offset: immediate,
                bytes,
                signed,
            }
        }
        0x23 if function < 3 => {
            let offset = sign(bits(code, 25, 7) << 5 | bits(code, 7, 5), 12);
            I::Store {
                source: right,
                base: left,
                offset,
                bytes: 1 << function,
            }
        }
        0x13 => {
            let above = bits(code, 25, 7);
            let (operation, value) = match (function, above) {
                (1, 0) => (Operation::ShiftLeft, right.into()),
                (5, 0) => (Operation::ShiftRight, right.into()),
                (5, 0x20) => (Operation::ShiftRightArithmetic, right.into()),
                (1 | 5, _) => return None,
                (function, _) => (operation(function), immediate),
            };
            I::Immediate {
                operation,
                d,
                left,
                value,
            }
        }
        0x33 => match (bits(code, 25, 7), function) {
            (1, function) => {
                let operation = match function {
                    0 => Multiply::Low,
                    1 => Multiply::High,
                    2 => Multiply::HighSignedUnsigned,
                    3 => Multiply::HighUnsigned,
                    4 => Multiply::Divide,
                    5 => Multiply::DivideUnsigned,
                    6 => Multiply::Remainder,
                    _ => Multiply::RemainderUnsigned,
                };
                I::Multiply {
                    operation,
                    d,
                    left,
                    right,
                }
            }
            (0, function) => I::Register {
                operation: operation(function),
                d,
                left,
                right,
            },
            (0x20, 0) => I::Register {
                operation: Operation::Subtract,
                d,
                left,
                right,
            },
            (0x20, 5) => I::Register {
                operation: Operation::ShiftRightArithmetic,
                d,
                left,
                right,
            },
            _ => return None,
        },
        0x0F if function < 2 => I::Fence,
        0x73 if function == 0 => match code {
            0x73 | 0x10_0073 => I::Trap,
            // `wfi`: nothing to wait for.
            0x1050_0073 => I::Fence,
            _ => return None,
        },
        0x73 if function != 4 => I::Status { d },
        _ => return None,
    })
}

fn operation(function: u32) -> Operation {
    match function {
        0 => Operation::Add,
        1 => Operation::ShiftLeft,
        2 => Operation::Less,
        3 => Operation::LessUnsigned,
        4 => Operation::ExclusiveOr,
        5 => Operation::ShiftRight,
        6 => Operation::Or,
        _ => Operation::And,
    }
}
