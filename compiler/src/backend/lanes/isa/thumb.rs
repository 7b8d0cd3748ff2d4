//! ARMv6-M (ARM DDI 0419E, "ARMv6-M Architecture Reference Manual", chapter A6) on a
//! Cortex-M0 or M0+ without wait states (ARM DDI 0432C and 0484C, "Instruction set
//! summary").

use super::{Branch, Condition, Instruction, InstructionSet, Operation, Register, Roles};

/// Cycles in which the cores differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thumb {
    pub(crate) taken_branch_cycles: u32,
    pub(crate) link_cycles: u32,
}

impl Thumb {
    pub(crate) const CORTEX_M0: Self = Self {
        taken_branch_cycles: 3,
        link_cycles: 4,
    };
    pub(crate) const CORTEX_M0_PLUS: Self = Self {
        taken_branch_cycles: 2,
        link_cycles: 3,
    };
}

const STACK: Register = Register(13);
const LINK: u8 = 14;
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const MINUS: u32 = 4;
const HIGHER: u32 = 8;
const LESS: u32 = 11;
const NAMES: [&str; 15] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al",
];

fn low(register: Register) -> u32 {
    debug_assert!(register.0 < 8, "r{} is no low register", register.0);
    register.0.into()
}

fn is_low(register: Register) -> bool {
    register.0 < 8
}

fn name(register: Register) -> String {
    match register.0 {
        13 => "sp".to_owned(),
        14 => "lr".to_owned(),
        15 => "pc".to_owned(),
        number => format!("r{number}"),
    }
}

fn narrow(bits: u32, cycles: u32, text: String) -> Instruction {
    debug_assert!(bits <= 0xFFFF, "{text}");
    Instruction {
        bits,
        bytes: 2,
        cycles: cycles.into(),
        text,
    }
}

fn shift(opcode: u32, mnemonic: &str, to: Register, from: Register, by: u8) -> Instruction {
    let text = format!("{mnemonic} {}, {}, #{by}", name(to), name(from));
    narrow(
        opcode << 11 | u32::from(by % 32) << 6 | low(from) << 3 | low(to),
        1,
        text,
    )
}

fn two(opcode: u32, mnemonic: &str, to: Register, from: Register) -> Instruction {
    let text = format!("{mnemonic} {}, {}", name(to), name(from));
    narrow(opcode << 6 | low(from) << 3 | low(to), 1, text)
}

fn byte(opcode: u32, mnemonic: &str, register: Register, value: u32) -> Instruction {
    debug_assert!(value < 256);
    let text = format!("{mnemonic} {}, #{value}", name(register));
    narrow(opcode << 11 | low(register) << 8 | value, 1, text)
}

/// `add` and `mov` of any registers, which leave the flags.
fn any(opcode: u32, mnemonic: &str, to: Register, from: Register) -> Instruction {
    let (to_bits, from_bits) = (u32::from(to.0), u32::from(from.0));
    let text = format!("{mnemonic} {}, {}", name(to), name(from));
    let bits = opcode << 8 | (to_bits >> 3) << 7 | from_bits << 3 | (to_bits & 7);
    narrow(bits, 1, text)
}

fn immediate(register: Register, value: i32) -> Vec<Instruction> {
    let bits = value as u32;
    let mov = |value| byte(0b00100, "movs", register, value);
    if bits < 256 {
        return vec![mov(bits)];
    }
    if (-255..0).contains(&value) {
        return vec![
            mov(value.unsigned_abs()),
            two(0b01_0000_1001, "rsbs", register, register),
        ];
    }
    let zeros = bits.trailing_zeros();
    if bits >> zeros < 256 {
        let shifted = shift(0, "lsls", register, register, zeros as u8);
        return vec![mov(bits >> zeros), shifted];
    }
    // Byte by byte, zeros in between by one shift.
    let mut instructions = vec![mov(bits >> 24)];
    let mut begun = bits >> 24 != 0;
    let mut by = 0;
    for place in [16, 8, 0] {
        let next = bits >> place & 0xFF;
        by += 8;
        if next == 0 {
            continue;
        }
        if begun {
            instructions.push(shift(0, "lsls", register, register, by));
            instructions.push(byte(0b00110, "adds", register, next));
        } else {
            instructions = vec![mov(next)];
            begun = true;
        }
        by = 0;
    }
    if by > 0 {
        instructions.push(shift(0, "lsls", register, register, by));
    }
    instructions
}

/// A load or store of an offset of 5 bits, in units of its bytes.
fn access(
    (opcode, with_register): (u32, Option<u32>),
    mnemonic: &str,
    (register, base, offset): (Register, Register, u32),
    unit: u32,
) -> Vec<Instruction> {
    let text = format!("{mnemonic} {}, [{}, #{offset}]", name(register), name(base));
    if offset.is_multiple_of(unit) && offset / unit < 32 {
        let bits = opcode << 11 | (offset / unit) << 6 | low(base) << 3 | low(register);
        return vec![narrow(bits, 2, text)];
    }
    let opcode = with_register.expect("a store's offset fits the instruction");
    debug_assert_ne!(register, base);
    let mut instructions = immediate(register, offset as i32);
    let text = format!("{mnemonic} {1}, [{0}, {1}]", name(base), name(register));
    let bits = opcode << 9 | low(register) << 6 | low(base) << 3 | low(register);
    instructions.push(narrow(bits, 2, text));
    instructions
}

fn slot(opcode: u32, mnemonic: &str, register: Register, offset: u32, cycles: u32) -> Instruction {
    debug_assert!(offset.is_multiple_of(4) && offset < 1024);
    let text = format!("{mnemonic} {}, [sp, #{offset}]", name(register));
    let bits = opcode << 11 | low(register) << 8 | (offset / 4);
    narrow(bits, cycles, text)
}

impl InstructionSet for Thumb {
    fn encode(&self, operation: Operation) -> Vec<Instruction> {
        use Operation::*;
        match operation {
            Move(to, from) if is_low(to) && is_low(from) => vec![two(0, "movs", to, from)],
            Move(to, from) => vec![any(0b0100_0110, "mov", to, from)],
            Immediate(register, value) => immediate(register, value),
            Add(to, one, other) if [to, one, other].into_iter().all(is_low) => {
                let text = format!("adds {}, {}, {}", name(to), name(one), name(other));
                let bits = 0b000_1100 << 9 | low(other) << 6 | low(one) << 3 | low(to);
                vec![narrow(bits, 1, text)]
            }
            Add(to, one, other) if to == one => vec![any(0b0100_0100, "add", to, other)],
            Add(to, one, other) if to == other => vec![any(0b0100_0100, "add", to, one)],
            Add(to, one, other) => vec![
                any(0b0100_0110, "mov", to, one),
                any(0b0100_0100, "add", to, other),
            ],
            Subtract(to, one, other) => {
                let text = format!("subs {}, {}, {}", name(to), name(one), name(other));
                let bits = 0b000_1101 << 9 | low(other) << 6 | low(one) << 3 | low(to);
                vec![narrow(bits, 1, text)]
            }
            Negate(to, from) => vec![two(0b01_0000_1001, "rsbs", to, from)],
            AddImmediate(register, value) => {
                let (opcode, mnemonic) = match value < 0 {
                    false => (0b00110, "adds"),
                    true => (0b00111, "subs"),
                };
                let mut left = value.unsigned_abs();
                let mut instructions = Vec::new();
                while left > 0 {
                    let part = left.min(255);
                    instructions.push(byte(opcode, mnemonic, register, part));
                    left -= part;
                }
                instructions
            }
            And(to, from) => vec![two(0b01_0000_0000, "ands", to, from)],
            Or(to, from) => vec![two(0b01_0000_1100, "orrs", to, from)],
            Xor(to, from) => vec![two(0b01_0000_0001, "eors", to, from)],
            Multiply(to, from) => vec![two(0b01_0000_1101, "muls", to, from)],
            ShiftLeft(to, from, by) => vec![shift(0b00000, "lsls", to, from, by)],
            ShiftRight(to, from, 0) => vec![two(0, "movs", to, from)],
            ShiftRight(to, from, by) => vec![shift(0b00001, "lsrs", to, from, by)],
            ShiftRightSigned(to, from, by) => vec![shift(0b00010, "asrs", to, from, by)],
            ShiftLeftBy(to, by) => vec![two(0b01_0000_0010, "lsls", to, by)],
            ShiftRightBy(to, by) => vec![two(0b01_0000_0011, "lsrs", to, by)],
            ShiftRightSignedBy(to, by) => vec![two(0b01_0000_0100, "asrs", to, by)],
            SignExtend(to, from) => vec![two(0b10_1100_1000, "sxth", to, from)],
            Load(to, base, offset) => {
                access((0b01101, Some(0b010_1100)), "ldr", (to, base, offset), 4)
            }
            Store(from, base, offset) => access((0b01100, None), "str", (from, base, offset), 4),
            LoadByte(to, base, offset) => {
                access((0b01111, Some(0b010_1110)), "ldrb", (to, base, offset), 1)
            }
            LoadHalf(to, base, offset) => access((0b10001, None), "ldrh", (to, base, offset), 2),
            // There is none of a constant offset.
            LoadSignedByte(to, base, offset) => {
                debug_assert_ne!(to, base);
                let text = format!("ldrsb {1}, [{0}, {1}]", name(base), name(to));
                let bits = 0b010_1011 << 9 | low(to) << 6 | low(base) << 3 | low(to);
                let mut instructions = immediate(to, offset as i32);
                instructions.push(narrow(bits, 2, text));
                instructions
            }
            StoreByte(from, base, offset) => {
                access((0b01110, None), "strb", (from, base, offset), 1)
            }
            LoadSlot(to, offset) => vec![slot(0b10011, "ldr", to, offset, 2)],
            StoreSlot(from, offset) => vec![slot(0b10010, "str", from, offset, 2)],
            SlotAddress(to, offset) => {
                let text = format!("add {}, sp, #{offset}", name(to));
                debug_assert!(offset.is_multiple_of(4));
                if offset >= 1024 {
                    let mut instructions = immediate(to, offset as i32);
                    instructions.push(any(0b0100_0100, "add", to, STACK));
                    return instructions;
                }
                vec![narrow(0b10101 << 11 | low(to) << 8 | (offset / 4), 1, text)]
            }
            AddToStackPointer(bytes) => {
                let (opcode, mnemonic) = match bytes < 0 {
                    false => (0b1_0110_0000, "add"),
                    true => (0b1_0110_0001, "sub"),
                };
                let mut left = bytes.unsigned_abs();
                let mut instructions = Vec::new();
                while left > 0 {
                    let part = left.min(508);
                    let text = format!("{mnemonic} sp, #{part}");
                    instructions.push(narrow(opcode << 7 | (part / 4), 1, text));
                    left -= part;
                }
                instructions
            }
            RoundHalfToEven(value, scratch, right) => {
                let half = 1 << (right - 1);
                if half <= 256 {
                    // The bit that decides a tie goes to the carry, which `movs` leaves.
                    return vec![
                        shift(0b00001, "lsrs", scratch, value, right + 1),
                        byte(0b00100, "movs", scratch, half - 1),
                        two(0b01_0000_0101, "adcs", value, scratch),
                    ];
                }
                let mut instructions = vec![
                    shift(0b00000, "lsls", scratch, value, 31 - right),
                    shift(0b00001, "lsrs", scratch, scratch, 31),
                ];
                instructions.extend(self.encode(Add(value, value, scratch)));
                instructions.extend(immediate(scratch, half as i32 - 1));
                instructions.extend(self.encode(Add(value, value, scratch)));
                instructions
            }
            Return => vec![narrow(0x4770, self.taken_branch_cycles, "bx lr".to_owned())],
        }
    }

    fn flags_of(&self, operation: Operation) -> Option<Register> {
        use Operation::*;
        match operation {
            Add(to, one, other) => [to, one, other].into_iter().all(is_low).then_some(to),
            Move(to, from) => (is_low(to) && is_low(from)).then_some(to),
            AddImmediate(to, value) => (value != 0).then_some(to),
            Subtract(to, _, _)
            | And(to, _)
            | Negate(to, _)
            | Or(to, _)
            | Xor(to, _)
            | Multiply(to, _)
            | ShiftLeft(to, _, _)
            | ShiftRight(to, _, _)
            | ShiftRightSigned(to, _, _)
            | ShiftLeftBy(to, _)
            | ShiftRightBy(to, _)
            | ShiftRightSignedBy(to, _) => Some(to),
            Immediate(..) | SignExtend(..) | Load(..) | Store(..) | LoadByte(..) | LoadHalf(..)
            | LoadSignedByte(..) | StoreByte(..) | LoadSlot(..) | StoreSlot(..)
            | SlotAddress(..) | AddToStackPointer(_) | RoundHalfToEven(..) | Return => None,
        }
    }

    fn branch_forms(&self) -> usize {
        3
    }

    /// By a conditional branch, over one with 11 bits, over `bl`, which changes lr.
    fn branch(
        &self,
        condition: Condition,
        compared: bool,
        form: usize,
        distance: i64,
    ) -> Option<Branch> {
        let taken = f64::from(self.taken_branch_cycles);
        let zero = |register: Register| match compared {
            true => Vec::new(),
            false => vec![byte(0b00101, "cmp", register, 0)],
        };
        let (mut instructions, code) = match condition {
            Condition::Always => (Vec::new(), None),
            Condition::Zero(register) => (zero(register), Some(EQUAL)),
            Condition::NotZero(register) => (zero(register), Some(NOT_EQUAL)),
            Condition::Negative(register) => (zero(register), Some(MINUS)),
            Condition::Above(register, bits, _) => {
                let most = (1 << bits) - 1;
                (vec![byte(0b00101, "cmp", register, most)], Some(HIGHER))
            }
            Condition::Less(one, other) => {
                (vec![two(0b01_0000_1010, "cmp", one, other)], Some(LESS))
            }
        };
        let before = f64::from(instructions.len() as u32);
        let conditional = |code: u32, distance: i64| {
            let offset = distance - 4;
            let text = format!("b{} {distance:+}", NAMES[code as usize]);
            let bits = 0b1101 << 12 | code << 8 | (offset >> 1) as u32 & 0xFF;
            (-256..=254)
                .contains(&offset)
                .then(|| narrow(bits, 1, text))
        };
        let at = instructions.len() as i64 * 2;
        if let (Some(code), 0) = (code, form) {
            instructions.push(conditional(code, distance - at)?);
            return Some(Branch {
                instructions,
                taken_cycles: before + taken,
            });
        }
        let mut jumps_at = at;
        let mut over_cycles = 0.0;
        if let Some(code) = code {
            let jump_bytes = if form == 2 { 4 } else { 2 };
            let mut over = conditional(code ^ 1, 2 + jump_bytes)?;
            over.cycles = taken;
            over_cycles = 1.0;
            instructions.push(over);
            jumps_at += 2;
        }
        let offset = distance - jumps_at - 4;
        let (mut jump, cycles) = match form {
            2 => {
                let bits = (offset >> 1) as u32;
                let sign = u32::from(offset < 0);
                let (i1, i2) = (bits >> 22 & 1, bits >> 21 & 1);
                let (j1, j2) = (1 ^ i1 ^ sign, 1 ^ i2 ^ sign);
                let first = 0b11110 << 11 | sign << 10 | bits >> 11 & 0x3FF;
                let second = 0b11 << 14 | j1 << 13 | 1 << 12 | j2 << 11 | bits & 0x7FF;
                let jump = Instruction {
                    bits: first | second << 16,
                    bytes: 4,
                    cycles: 0.0,
                    text: format!("bl {distance:+}"),
                };
                (jump, f64::from(self.link_cycles))
            }
            _ => {
                if !(-2048..=2046).contains(&offset) {
                    return None;
                }
                let bits = 0b11100 << 11 | (offset >> 1) as u32 & 0x7FF;
                (narrow(bits, 0, format!("b {distance:+}")), taken)
            }
        };
        let is_always = code.is_none();
        jump.cycles = if is_always { cycles } else { 0.0 };
        instructions.push(jump);
        Some(Branch {
            instructions,
            taken_cycles: before + over_cycles + cycles,
        })
    }

    fn address(&self, register: Register, distance: i64) -> Vec<Instruction> {
        // From the instruction's address plus 4, rounded down to a word; the table is
        // at a word, and so is this instruction or the one after it.
        let offset = distance - 4;
        let words = (offset + 3).div_euclid(4);
        debug_assert!(
            (0..256).contains(&words),
            "a table comes after, and is near"
        );
        let text = format!("adr {}, {distance:+}", name(register));
        vec![narrow(
            0b10100 << 11 | low(register) << 8 | words as u32,
            1,
            text,
        )]
    }

    fn roles(&self) -> Roles {
        let registers = |numbers: &[u8]| numbers.iter().copied().map(Register).collect();
        Roles {
            base: Register(0),
            word: Register(1),
            value: Register(2),
            multiple: Register(3),
            mask: Register(4),
            low: registers(&[5, 6, 7]),
            high: registers(&[8, 9, 10, 11, 12, LINK]),
        }
    }

    fn save(&self) -> Vec<Instruction> {
        let mut instructions = vec![narrow(0xB5F0, 6, "push {r4-r7, lr}".to_owned())];
        for (to, from) in (4..8).zip(8..12) {
            instructions.push(any(0b0100_0110, "mov", Register(to), Register(from)));
        }
        instructions.push(narrow(0xB4F0, 5, "push {r4-r7}".to_owned()));
        instructions
    }

    fn restore_and_return(&self) -> Vec<Instruction> {
        let mut instructions = vec![narrow(0xBCF0, 5, "pop {r4-r7}".to_owned())];
        for (from, to) in (4..8).zip(8..12) {
            instructions.push(any(0b0100_0110, "mov", Register(to), Register(from)));
        }
        let cycles = 5 + self.taken_branch_cycles;
        instructions.push(narrow(0xBDF0, cycles, "pop {r4-r7, pc}".to_owned()));
        instructions
    }

    fn saved_bytes(&self) -> u32 {
        9 * 4
    }

    fn stack_alignment(&self) -> u32 {
        4
    }

    fn arguments(&self) -> [Register; 2] {
        [Register(0), Register(1)]
    }

    fn scratch(&self) -> ([Register; 5], usize) {
        ([2, 3, 4, 5, 6].map(Register), 2)
    }

    fn load_many(&self, pointer: Register, registers: &[Register]) -> Option<Instruction> {
        debug_assert!(registers.is_sorted() && !registers.contains(&pointer));
        let list = registers.iter().map(|&it| 1 << low(it)).sum::<u32>();
        let names: Vec<String> = registers.iter().copied().map(name).collect();
        let text = format!("ldmia {}!, {{{}}}", name(pointer), names.join(", "));
        let bits = 0b11001 << 11 | low(pointer) << 8 | list;
        Some(narrow(bits, 1 + registers.len() as u32, text))
    }

    fn multiplies(&self) -> bool {
        true
    }

    fn three_operand_cycles(&self) -> u32 {
        1
    }

    fn directives(&self) -> (&'static str, &'static str) {
        (".inst.n", ".inst.n")
    }
}
