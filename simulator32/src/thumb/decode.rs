//! From halfwords to instructions.

use super::instruction::{Instruction, Logic, Operand, Order, Shift};

/// Whether an instruction that begins so has a second halfword.
pub(super) const fn is_wide(first: u16) -> bool {
    first >> 11 >= 0b11101
}

/// The instruction of 16 bits; none if ARMv6-M does not have it.
pub(super) fn narrow(code: u16) -> Option<Instruction> {
    use Instruction as I;
    let at = |bit: u32| (code >> bit) as u8 & 7;
    let five = (code >> 6) as u8 & 31;
    let low = u32::from(code & 0xFF);
    let register = |bit: u32| Operand::Register(at(bit));
    // Registers 0 to 15 of the instructions for high registers.
    let high_d = (code & 7) as u8 | (code >> 4) as u8 & 8;
    let high_m = (code >> 3) as u8 & 15;
    Some(match code >> 11 {
        0 => I::ShiftImmediate {
            shift: Shift::Left,
            d: at(0),
            m: at(3),
            by: five,
        },
        1 => I::ShiftImmediate {
            shift: Shift::Right,
            d: at(0),
            m: at(3),
            by: five,
        },
        2 => I::ShiftImmediate {
            shift: Shift::ArithmeticRight,
            d: at(0),
            m: at(3),
            by: five,
        },
        3 => {
            let immediate = Operand::Immediate(at(6).into());
            let operand = if code & 1 << 10 == 0 {
                register(6)
            } else {
                immediate
            };
            if code & 1 << 9 == 0 {
                I::Add {
                    d: at(0),
                    n: at(3),
                    operand,
                }
            } else {
                I::Subtract {
                    d: at(0),
                    n: at(3),
                    operand,
                }
            }
        }
        4 => I::Move {
            d: at(8),
            immediate: low as u8,
        },
        5 => I::Compare {
            n: at(8),
            operand: Operand::Immediate(low),
        },
        6 => I::Add {
            d: at(8),
            n: at(8),
            operand: Operand::Immediate(low),
        },
        7 => I::Subtract {
            d: at(8),
            n: at(8),
            operand: Operand::Immediate(low),
        },
        8 if code & 1 << 10 == 0 => data_processing(code),
        8 => match code >> 8 & 3 {
            0 => I::AddHigh {
                d: high_d,
                m: high_m,
            },
            1 => I::Compare {
                n: high_d,
                operand: Operand::Register(high_m),
            },
            2 => I::MoveHigh {
                d: high_d,
                m: high_m,
            },
            _ if code & 7 != 0 => return None,
            _ => I::Exchange {
                m: high_m,
                links: code & 1 << 7 != 0,
            },
        },
        9 => I::LoadLiteral {
            t: at(8),
            offset: low * 4,
        },
        10 | 11 => {
            let (t, n, offset) = (at(0), at(3), register(6));
            match code >> 9 & 7 {
                0 => I::Store {
                    t,
                    n,
                    offset,
                    bytes: 4,
                },
                1 => I::Store {
                    t,
                    n,
                    offset,
                    bytes: 2,
                },
                2 => I::Store {
                    t,
                    n,
                    offset,
                    bytes: 1,
                },
                3 => I::Load {
                    t,
                    n,
                    offset,
                    bytes: 1,
                    signed: true,
                },
                4 => I::Load {
                    t,
                    n,
                    offset,
                    bytes: 4,
                    signed: false,
                },
                5 => I::Load {
                    t,
                    n,
                    offset,
                    bytes: 2,
                    signed: false,
                },
                6 => I::Load {
                    t,
                    n,
                    offset,
                    bytes: 1,
                    signed: false,
                },
                _ => I::Load {
                    t,
                    n,
                    offset,
                    bytes: 2,
                    signed: true,
                },
            }
        }
        12..=17 => {
            let bytes = [4, 1, 2][usize::from(code >> 12) - 6];
            let offset = Operand::Immediate(u32::from(five) * u32::from(bytes));
            let (t, n) = (at(0), at(3));
            if code & 1 << 11 == 0 {
                I::Store {
                    t,
                    n,
                    offset,
                    bytes,
                }
            } else {
                I::Load {
                    t,
                    n,
                    offset,
                    bytes,
                    signed: false,
                }
            }
        }
        18 => I::Store {
            t: at(8),
            n: 13,
            offset: Operand::Immediate(low * 4),
            bytes: 4,
        },
        19 => {
            let offset = Operand::Immediate(low * 4);
            I::Load {
                t: at(8),
                n: 13,
                offset,
                bytes: 4,
                signed: false,
            }
        }
        20 => I::Address {
            d: at(8),
            offset: low * 4,
        },
        21 => I::AddStackPointer {
            d: at(8),
            offset: low * 4,
        },
        22 | 23 => return miscellaneous(code),
        24 | 25 if low == 0 => return None,
        24 => I::StoreMultiple {
            n: at(8),
            registers: low as u8,
        },
        25 => I::LoadMultiple {
            n: at(8),
            registers: low as u8,
        },
        26 | 27 => match (code >> 8) as u8 & 15 {
            14 => return None,
            15 => I::Trap,
            condition => I::BranchIf {
                condition,
                offset: ((low as u8).cast_signed() as i32 * 2) as u32,
            },
        },
        28 => I::Branch {
            offset: sign(u32::from(code & 0x7FF) << 1, 12),
        },
        _ => return None,
    })
}

fn data_processing(code: u16) -> Instruction {
    use Instruction as I;
    let (d, m) = (code as u8 & 7, (code >> 3) as u8 & 7);
    let logic = |operation| I::Logic { operation, d, m };
    let shift = |shift| I::Shift { shift, d, m };
    match code >> 6 & 15 {
        0 => logic(Logic::And),
        1 => logic(Logic::ExclusiveOr),
        2 => shift(Shift::Left),
        3 => shift(Shift::Right),
        4 => shift(Shift::ArithmeticRight),
        5 => I::AddCarry { d, m },
        6 => I::SubtractCarry { d, m },
        7 => shift(Shift::Rotate),
        8 => I::Test { n: d, m },
        9 => I::Negate { d, n: m },
        10 => I::Compare {
            n: d,
            operand: Operand::Register(m),
        },
        11 => I::CompareNegative { n: d, m },
        12 => logic(Logic::Or),
        13 => I::Multiply { d, m },
        14 => logic(Logic::Clear),
        _ => logic(Logic::Not),
    }
}

fn miscellaneous(code: u16) -> Option<Instruction> {
    use Instruction as I;
    let (d, m) = (code as u8 & 7, (code >> 3) as u8 & 7);
    let registers = code as u8;
    let bit_8 = code & 1 << 8 != 0;
    Some(match code >> 8 & 15 {
        0 => {
            let by = u32::from(code & 0x7F) * 4;
            I::MoveStackPointer {
                by: if code & 1 << 7 == 0 {
                    by
                } else {
                    by.wrapping_neg()
                },
            }
        }
        2 => match code >> 6 & 3 {
            0 => I::Extend {
                d,
                m,
                bytes: 2,
                signed: true,
            },
            1 => I::Extend {
                d,
                m,
                bytes: 1,
                signed: true,
            },
            2 => I::Extend {
                d,
                m,
                bytes: 2,
                signed: false,
            },
            _ => I::Extend {
                d,
                m,
                bytes: 1,
                signed: false,
            },
        },
        4 | 5 if registers != 0 || bit_8 => I::Push {
            registers,
            link: bit_8,
        },
        12 | 13 if registers != 0 || bit_8 => I::Pop {
            registers,
            program_counter: bit_8,
        },
        6 if code & 0xEF == 0x62 => I::Mask,
        10 => match code >> 6 & 3 {
            0 => I::Reverse {
                d,
                m,
                order: Order::Word,
            },
            1 => I::Reverse {
                d,
                m,
                order: Order::Halfwords,
            },
            3 => I::Reverse {
                d,
                m,
                order: Order::SignedHalfword,
            },
            _ => return None,
        },
        14 => I::Trap,
        15 if code & 15 == 0 => I::Hint,
        _ => return None,
    })
}

/// The instruction of two halfwords; none if ARMv6-M does not have it.
pub(super) fn wide(first: u16, second: u16) -> Option<Instruction> {
    use Instruction as I;
    if first >> 11 != 0b11110 || second & 1 << 15 == 0 {
        return None;
    }
    if second & 0x5000 == 0x5000 {
        let sign_bit = u32::from(first >> 10 & 1);
        let j = |bit: u32| u32::from(second >> bit & 1) ^ sign_bit ^ 1;
        let offset = sign_bit << 24
            | j(13) << 23
            | j(11) << 22
            | u32::from(first & 0x3FF) << 12
            | u32::from(second & 0x7FF) << 1;
        return Some(I::BranchLink {
            offset: sign(offset, 25),
        });
    }
    let (special, register) = ((second >> 8) as u8, second as u8);
    match first {
        0xF3BF if second & 0xFF00 == 0x8F00 && (4..7).contains(&(register >> 4)) => {
            Some(I::Barrier)
        }
        0xF3EF if special >> 4 == 8 => Some(I::ReadSpecial {
            d: special & 15,
            register,
        }),
        0xF380..=0xF38E if special == 0x88 => Some(I::WriteSpecial {
            n: first as u8 & 15,
            register,
        }),
        _ => None,
    }
}

/// The lowest `bits` of `value` as a signed number.
const fn sign(value: u32, bits: u32) -> u32 {
    let unused = 32 - bits;
    ((value << unused).cast_signed() >> unused).cast_unsigned()
}
