//! RV32E or RV32I with the C and maybe the M extension ("The RISC-V Instruction Set
//! Manual, Volume I", version 20240411, chapters 2, 3, 13 and 26).

mod encoding;

use super::{Branch, Condition, Instruction, InstructionSet, Operation, Register, Roles};
use encoding::{STACK, ZERO, bits, fits, name, number};

/// What a core has, and its cycles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rv32 {
    /// Whether it has 16 registers, not 32.
    pub(crate) embedded: bool,
    pub(crate) multiplies: bool,
    pub(crate) load_cycles: f64,
    pub(crate) store_cycles: f64,
    pub(crate) taken_branch_cycles: f64,
    pub(crate) jump_cycles: f64,
    /// Of an instruction of 32 bits, where flash is read by halfwords.
    pub(crate) wide_cycles: f64,
}

impl Rv32 {
    /// QingKe V2A of the CH32V003 at 48 MHz, one wait state (measured by jnk0le,
    /// <https://github.com/jnk0le/random>, "pipeline cycle test").
    pub(crate) const QINGKE_V2: Self = Self {
        embedded: true,
        multiplies: false,
        load_cycles: 2.0,
        store_cycles: 2.0,
        taken_branch_cycles: 4.5,
        jump_cycles: 4.5,
        wide_cycles: 2.0,
    };
    /// A plain pipeline: assumed, not measured. Half of the loads wait for what they load.
    pub(crate) const GENERIC: Self = Self {
        embedded: false,
        multiplies: true,
        load_cycles: 1.5,
        store_cycles: 1.0,
        taken_branch_cycles: 3.0,
        jump_cycles: 2.0,
        wide_cycles: 1.0,
    };
}

impl InstructionSet for Rv32 {
    fn encode(&self, operation: Operation) -> Vec<Instruction> {
        use Operation::*;
        let add = (0, 0);
        let one = match operation {
            Move(to, from) => self.mv(to, from),
            Immediate(register, value) => return self.immediate(register, value),
            Add(to, one, other) if to == one || to == other => {
                let added = if to == one { other } else { one };
                let text = format!("c.add {}, {}", name(to), name(added));
                let bits = 0b1001 << 12 | number(to) << 7 | number(added) << 2 | 0b10;
                self.narrow(bits, 1.0, text)
            }
            Add(to, one, other) => self.three(add, "add", [to, one, other]),
            Subtract(to, one, other) => self.two(0b00, (0b010_0000, 0), "sub", [to, one, other]),
            Negate(to, from) => self.two(0b00, (0b010_0000, 0), "sub", [to, ZERO, from]),
            AddImmediate(_, 0) => return Vec::new(),
            AddImmediate(register, value) => {
                let mut left = value;
                let mut instructions = Vec::new();
                while left != 0 {
                    let part = left.clamp(-2048, 2047);
                    instructions.push(self.add_immediate(register, part));
                    left -= part;
                }
                return instructions;
            }
            And(to, from) => self.two(0b11, (0, 0b111), "and", [to, to, from]),
            Or(to, from) => self.two(0b10, (0, 0b110), "or", [to, to, from]),
            Xor(to, from) => self.two(0b01, (0, 0b100), "xor", [to, to, from]),
            Multiply(to, from) => self.three((1, 0), "mul", [to, to, from]),
            ShiftLeft(to, from, by) => self.shift_left(to, from, by),
            ShiftRight(to, from, by) => return self.shift_right((to, from), by, false),
            ShiftRightSigned(to, from, by) => return self.shift_right((to, from), by, true),
            ShiftLeftBy(to, by) => self.three((0, 0b001), "sll", [to, to, by]),
            ShiftRightBy(to, by) => self.three((0, 0b101), "srl", [to, to, by]),
            ShiftRightSignedBy(to, by) => self.three((0b010_0000, 0b101), "sra", [to, to, by]),
            SignExtend(to, from) => {
                let mut instructions = vec![self.shift_left(to, from, 16)];
                instructions.extend(self.shift_right((to, to), 16, true));
                return instructions;
            }
            Load(to, base, offset) => self.load_word(to, base, offset),
            Store(from, base, offset) => self.store_word(from, base, offset),
            LoadByte(to, base, offset) => self.load(0b100, "lbu", to, base, offset),
            LoadHalf(to, base, offset) => self.load(0b101, "lhu", to, base, offset),
            LoadSignedByte(to, base, offset) => self.load(0b000, "lb", to, base, offset),
            StoreByte(from, base, offset) => self.store(0b000, "sb", from, base, offset),
            LoadSlot(to, offset) => self.load_word(to, STACK, offset),
            StoreSlot(from, offset) => self.store_word(from, STACK, offset),
            SlotAddress(to, offset) => {
                self.immediate_operation(0, "addi", (to, STACK), offset as i32)
            }
            AddToStackPointer(bytes) => {
                let text = format!("c.addi16sp sp, {bytes}");
                let value = bytes as u32;
                if bytes % 16 == 0 && fits(bytes, 10) && bytes != 0 {
                    let bits = 0b011 << 13
                        | bits(value, 9, 1) << 12
                        | 2 << 7
                        | bits(value, 4, 1) << 6
                        | bits(value, 6, 1) << 5
                        | bits(value, 7, 2) << 3
                        | bits(value, 5, 1) << 2
                        | 0b01;
                    self.narrow(bits, 1.0, text)
                } else {
                    self.immediate_operation(0, "addi", (STACK, STACK), bytes)
                }
            }
            RoundHalfToEven(value, scratch, right) => {
                let mut instructions = vec![self.shift_left(scratch, value, 31 - right)];
                instructions.extend(self.shift_right((scratch, scratch), 31, false));
                instructions.extend(self.encode(Add(value, value, scratch)));
                let half = (1 << (right - 1)) - 1;
                if half > 4094 {
                    instructions.extend(self.immediate(scratch, half));
                    instructions.extend(self.encode(Add(value, value, scratch)));
                } else {
                    instructions.extend(self.encode(AddImmediate(value, half)));
                }
                return instructions;
            }
            Return => self.narrow(0x8082, self.jump_cycles, "c.jr ra".to_owned()),
        };
        vec![one]
    }

    fn flags_of(&self, _: Operation) -> Option<Register> {
        None
    }

    fn branch_forms(&self) -> usize {
        3
    }

    /// Compressed, wide, over a jump.
    fn branch(&self, condition: Condition, _: bool, form: usize, distance: i64) -> Option<Branch> {
        let (before, funct3, registers) = match condition {
            Condition::Always => {
                let jump = self.jump(form, distance)?;
                let taken_cycles = jump.cycles;
                return Some(Branch {
                    instructions: vec![jump],
                    taken_cycles,
                });
            }
            Condition::Zero(register) => (Vec::new(), 0, [register, ZERO]),
            Condition::NotZero(register) => (Vec::new(), 1, [register, ZERO]),
            Condition::Negative(register) => (Vec::new(), 4, [register, ZERO]),
            Condition::Above(register, bits, scratch) => {
                let shift = self.shift_right((scratch, register), bits, false);
                (shift, 1, [scratch, ZERO])
            }
            Condition::Less(one, other) => (Vec::new(), 4, [one, other]),
        };
        let at: i64 = before.iter().map(|it| i64::from(it.bytes)).sum();
        let before_cycles: f64 = before.iter().map(|it| it.cycles).sum();
        let mut instructions = before;
        let distance = distance - at;
        let taken_cycles = before_cycles + self.taken_branch_cycles;
        match form {
            0 => {
                let [register, other] = registers;
                let narrow = (other == ZERO)
                    .then(|| self.compressed_conditional(funct3, register, distance))
                    .flatten();
                instructions.push(narrow?);
            }
            1 => instructions.push(self.conditional(funct3, registers, distance)?),
            _ => {
                let over = self.conditional(funct3 ^ 1, registers, 8)?;
                let mut jump = self.jump(1, distance - 4)?;
                let jump_cycles = jump.cycles;
                jump.cycles = self.taken_branch_cycles - 1.0;
                instructions.extend([over, jump]);
                return Some(Branch {
                    instructions,
                    taken_cycles: before_cycles + 1.0 + jump_cycles,
                });
            }
        }
        Some(Branch {
            instructions,
            taken_cycles,
        })
    }

    fn address(&self, register: Register, distance: i64) -> Vec<Instruction> {
        let upper = (distance as u32).wrapping_add(0x800) & 0xFFFF_F000;
        let lower = (distance as u32).wrapping_sub(upper) as i32;
        let text = format!("auipc {}, {:#x}", name(register), upper >> 12);
        vec![
            self.wide(upper | number(register) << 7 | 0b001_0111, 1.0, text),
            self.immediate_operation(0, "addi", (register, register), lower),
        ]
    }

    fn roles(&self) -> Roles {
        let registers = |numbers: &[u8]| numbers.iter().copied().map(Register).collect();
        let (low, high): (&[u8], &[u8]) = match self.embedded {
            true => (&[13, 14, 15], &[5, 6, 7, 1, 4]),
            // No gp, by which linkers relax addresses, and no tp, which an operating
            // system may read in an interrupt.
            false => (
                &[
                    13, 14, 15, 16, 17, 5, 6, 7, 28, 29, 30, 31, 1, 18, 19, 20, 21, 22, 23, 24, 25,
                    26, 27,
                ],
                &[],
            ),
        };
        Roles {
            base: Register(8),
            word: Register(9),
            value: Register(10),
            multiple: Register(11),
            mask: Register(12),
            low: registers(low),
            high: registers(high),
        }
    }

    fn save(&self) -> Vec<Instruction> {
        let bytes = self.saved_bytes();
        let mut instructions = self.encode(Operation::AddToStackPointer(-(bytes as i32)));
        for (slot, register) in (0..).zip(self.saved()) {
            instructions.push(self.store_word(register, STACK, 4 * slot));
        }
        instructions
    }

    fn restore_and_return(&self) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        for (slot, register) in (0..).zip(self.saved()) {
            instructions.push(self.load_word(register, STACK, 4 * slot));
        }
        let bytes = self.saved_bytes() as i32;
        instructions.extend(self.encode(Operation::AddToStackPointer(bytes)));
        instructions.extend(self.encode(Operation::Return));
        instructions
    }

    fn saved_bytes(&self) -> u32 {
        (4 * self.saved().len() as u32).next_multiple_of(self.stack_alignment())
    }

    fn stack_alignment(&self) -> u32 {
        if self.embedded { 4 } else { 16 }
    }

    fn arguments(&self) -> [Register; 2] {
        [Register(10), Register(11)]
    }

    fn scratch(&self) -> ([Register; 5], usize) {
        ([12, 13, 14, 15, 5].map(Register), 5)
    }

    fn load_many(&self, _: Register, _: &[Register]) -> Option<Instruction> {
        None
    }

    fn multiplies(&self) -> bool {
        self.multiplies
    }

    fn three_operand_cycles(&self) -> u32 {
        self.wide_cycles as u32
    }

    fn directives(&self) -> (&'static str, &'static str) {
        (".2byte", ".4byte")
    }
}
