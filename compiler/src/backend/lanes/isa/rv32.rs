//! RV32E or RV32I with the C and maybe the M extension ("The RISC-V Instruction Set
//! Manual, Volume I", version 20240411, chapters 2, 3, 13 and 26).

use super::{Branch, Condition, Instruction, InstructionSet, Operation, Register, Roles};

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

const ZERO: Register = Register(0);
const LINK: Register = Register(1);
const STACK: Register = Register(2);

const OP: u32 = 0b011_0011;
const OP_IMMEDIATE: u32 = 0b001_0011;
const LOAD: u32 = 0b000_0011;
const STORE: u32 = 0b010_0011;
const BRANCH: u32 = 0b110_0011;

fn name(register: Register) -> String {
    match register.0 {
        0 => "zero".to_owned(),
        1 => "ra".to_owned(),
        2 => "sp".to_owned(),
        3 => "gp".to_owned(),
        4 => "tp".to_owned(),
        number @ 5..=7 => format!("t{}", number - 5),
        number @ 8..=9 => format!("s{}", number - 8),
        number @ 10..=17 => format!("a{}", number - 10),
        number @ 18..=27 => format!("s{}", number - 16),
        number => format!("t{}", number - 25),
    }
}

/// The number that a compressed instruction has 3 bits for.
fn compressed(register: Register) -> Option<u32> {
    (8..16)
        .contains(&register.0)
        .then(|| u32::from(register.0) - 8)
}

fn number(register: Register) -> u32 {
    register.0.into()
}

fn bits(value: u32, from: u32, count: u32) -> u32 {
    value >> from & ((1 << count) - 1)
}

fn fits(value: i32, bits: u32) -> bool {
    let most = 1 << (bits - 1);
    (-most..most).contains(&value)
}

impl Rv32 {
    fn narrow(&self, bits: u32, cycles: f64, text: String) -> Instruction {
        debug_assert!(bits <= 0xFFFF, "{text}");
        Instruction {
            bits,
            bytes: 2,
            cycles,
            text,
        }
    }

    fn wide(&self, bits: u32, cycles: f64, text: String) -> Instruction {
        Instruction {
            bits,
            bytes: 4,
            cycles: cycles.max(self.wide_cycles),
            text,
        }
    }

    fn three(
        &self,
        (funct7, funct3): (u32, u32),
        mnemonic: &str,
        [to, one, other]: [Register; 3],
    ) -> Instruction {
        let text = format!("{mnemonic} {}, {}, {}", name(to), name(one), name(other));
        let bits = funct7 << 25
            | number(other) << 20
            | number(one) << 15
            | funct3 << 12
            | number(to) << 7
            | OP;
        self.wide(bits, 1.0, text)
    }

    fn immediate_operation(
        &self,
        funct3: u32,
        mnemonic: &str,
        (to, from): (Register, Register),
        value: i32,
    ) -> Instruction {
        let text = format!("{mnemonic} {}, {}, {value}", name(to), name(from));
        let bits = (value as u32 & 0xFFF) << 20
            | number(from) << 15
            | funct3 << 12
            | number(to) << 7
            | OP_IMMEDIATE;
        self.wide(bits, 1.0, text)
    }

    /// `c.sub`, `c.or` and `c.and`, or their wide forms.
    fn two(
        &self,
        narrow: u32,
        wide: (u32, u32),
        mnemonic: &str,
        registers: [Register; 3],
    ) -> Instruction {
        let [to, one, other] = registers;
        match (compressed(to), compressed(other)) {
            (Some(to_bits), Some(other_bits)) if to == one => {
                let text = format!("c.{mnemonic} {}, {}", name(to), name(other));
                let bits = 0b10_0011 << 10 | to_bits << 7 | narrow << 5 | other_bits << 2 | 0b01;
                self.narrow(bits, 1.0, text)
            }
            _ => self.three(wide, mnemonic, registers),
        }
    }

    fn mv(&self, to: Register, from: Register) -> Instruction {
        let text = format!("c.mv {}, {}", name(to), name(from));
        let bits = 0b1000 << 12 | number(to) << 7 | number(from) << 2 | 0b10;
        self.narrow(bits, 1.0, text)
    }

    fn add_immediate(&self, to: Register, value: i32) -> Instruction {
        if fits(value, 6) {
            let immediate = value as u32;
            let text = format!("c.addi {}, {value}", name(to));
            let bits = bits(immediate, 5, 1) << 12
                | number(to) << 7
                | bits(immediate, 0, 5) << 2
                | 0b01;
            return self.narrow(bits, 1.0, text);
        }
        self.immediate_operation(0, "addi", (to, to), value)
    }

    fn immediate(&self, register: Register, value: i32) -> Vec<Instruction> {
        let unsigned = value as u32;
        if fits(value, 6) {
            let text = format!("c.li {}, {value}", name(register));
            let bits = 0b010 << 13
                | bits(unsigned, 5, 1) << 12
                | number(register) << 7
                | bits(unsigned, 0, 5) << 2
                | 0b01;
            return vec![self.narrow(bits, 1.0, text)];
        }
        if fits(value, 12) {
            return vec![self.immediate_operation(0, "addi", (register, ZERO), value)];
        }
        let upper = unsigned.wrapping_add(0x800) >> 12;
        let lower = unsigned.wrapping_sub(upper << 12) as i32;
        let signed = (upper << 12) as i32 >> 12;
        let lui = if fits(signed, 6) && signed != 0 {
            let text = format!("c.lui {}, {upper:#x}", name(register));
            let bits = 0b011 << 13
                | bits(upper, 5, 1) << 12
                | number(register) << 7
                | bits(upper, 0, 5) << 2
                | 0b01;
            self.narrow(bits, 1.0, text)
        } else {
            let text = format!("lui {}, {upper:#x}", name(register));
            self.wide(upper << 12 | number(register) << 7 | 0b011_0111, 1.0, text)
        };
        let mut instructions = vec![lui];
        if lower != 0 {
            instructions.push(self.add_immediate(register, lower));
        }
        instructions
    }

    /// A shift right of a register by itself has a short form.
    fn shift_right(
        &self,
        (to, from): (Register, Register),
        by: u8,
        signed: bool,
    ) -> Vec<Instruction> {
        if by == 0 {
            return match to == from {
                true => Vec::new(),
                false => vec![self.mv(to, from)],
            };
        }
        let mnemonic = if signed { "srai" } else { "srli" };
        match compressed(to) {
            Some(to_bits) if to == from => {
                let text = format!("c.{mnemonic} {}, {by}", name(to));
                let bits = 0b100 << 13
                    | u32::from(signed) << 10
                    | to_bits << 7
                    | u32::from(by) << 2
                    | 0b01;
                vec![self.narrow(bits, 1.0, text)]
            }
            _ => {
                let value = i32::from(by) | i32::from(signed) << 10;
                let mut shift = self.immediate_operation(0b101, mnemonic, (to, from), value);
                shift.text = format!("{mnemonic} {}, {}, {by}", name(to), name(from));
                vec![shift]
            }
        }
    }

    fn shift_left(&self, to: Register, from: Register, by: u8) -> Instruction {
        if to == from && by > 0 {
            let text = format!("c.slli {}, {by}", name(to));
            let bits = number(to) << 7 | u32::from(by) << 2 | 0b10;
            return self.narrow(bits, 1.0, text);
        }
        self.immediate_operation(0b001, "slli", (to, from), by.into())
    }

    fn load_word(&self, to: Register, base: Register, offset: u32) -> Instruction {
        let cycles = self.load_cycles;
        if base == STACK && offset < 256 {
            let text = format!("c.lwsp {}, {offset}(sp)", name(to));
            let bits = 0b010 << 13
                | bits(offset, 5, 1) << 12
                | number(to) << 7
                | bits(offset, 2, 3) << 4
                | bits(offset, 6, 2) << 2
                | 0b10;
            return self.narrow(bits, cycles, text);
        }
        match (compressed(to), compressed(base)) {
            (Some(to_bits), Some(base_bits)) if offset < 128 => {
                let text = format!("c.lw {}, {offset}({})", name(to), name(base));
                let bits = 0b010 << 13
                    | bits(offset, 3, 3) << 10
                    | base_bits << 7
                    | bits(offset, 2, 1) << 6
                    | bits(offset, 6, 1) << 5
                    | to_bits << 2;
                self.narrow(bits, cycles, text)
            }
            _ => self.load(0b010, "lw", to, base, offset),
        }
    }

    fn load(
        &self,
        funct3: u32,
        mnemonic: &str,
        to: Register,
        base: Register,
        offset: u32,
    ) -> Instruction {
        debug_assert!(offset < 2048);
        let text = format!("{mnemonic} {}, {offset}({})", name(to), name(base));
        let bits = offset << 20 | number(base) << 15 | funct3 << 12 | number(to) << 7 | LOAD;
        self.wide(bits, self.load_cycles, text)
    }

    fn store_word(&self, from: Register, base: Register, offset: u32) -> Instruction {
        let cycles = self.store_cycles;
        if base == STACK && offset < 256 {
            let text = format!("c.swsp {}, {offset}(sp)", name(from));
            let bits = 0b110 << 13
                | bits(offset, 2, 4) << 9
                | bits(offset, 6, 2) << 7
                | number(from) << 2
                | 0b10;
            return self.narrow(bits, cycles, text);
        }
        match (compressed(from), compressed(base)) {
            (Some(from_bits), Some(base_bits)) if offset < 128 => {
                let text = format!("c.sw {}, {offset}({})", name(from), name(base));
                let bits = 0b110 << 13
                    | bits(offset, 3, 3) << 10
                    | base_bits << 7
                    | bits(offset, 2, 1) << 6
                    | bits(offset, 6, 1) << 5
                    | from_bits << 2;
                self.narrow(bits, cycles, text)
            }
            _ => self.store(0b010, "sw", from, base, offset),
        }
    }

    fn store(
        &self,
        funct3: u32,
        mnemonic: &str,
        from: Register,
        base: Register,
        offset: u32,
    ) -> Instruction {
        debug_assert!(offset < 2048);
        let text = format!("{mnemonic} {}, {offset}({})", name(from), name(base));
        let bits = bits(offset, 5, 7) << 25
            | number(from) << 20
            | number(base) << 15
            | funct3 << 12
            | bits(offset, 0, 5) << 7
            | STORE;
        self.wide(bits, self.store_cycles, text)
    }

    fn jump(&self, form: usize, distance: i64) -> Option<Instruction> {
        let offset = distance as u32;
        if form == 0 {
            if !(-2048..=2046).contains(&distance) {
                return None;
            }
            let bits = 0b101 << 13
                | bits(offset, 11, 1) << 12
                | bits(offset, 4, 1) << 11
                | bits(offset, 8, 2) << 9
                | bits(offset, 10, 1) << 8
                | bits(offset, 6, 1) << 7
                | bits(offset, 7, 1) << 6
                | bits(offset, 1, 3) << 3
                | bits(offset, 5, 1) << 2
                | 0b01;
            return Some(self.narrow(bits, self.jump_cycles, format!("c.j {distance:+}")));
        }
        let bits = bits(offset, 20, 1) << 31
            | bits(offset, 1, 10) << 21
            | bits(offset, 11, 1) << 20
            | bits(offset, 12, 8) << 12
            | 0b110_1111;
        Some(self.wide(bits, self.jump_cycles, format!("j {distance:+}")))
    }

    /// A branch where `one` and `other` are equal, unequal or less.
    fn conditional(
        &self,
        funct3: u32,
        [one, other]: [Register; 2],
        distance: i64,
    ) -> Option<Instruction> {
        if !(-4096..=4094).contains(&distance) {
            return None;
        }
        let mnemonic = ["beq", "bne", "", "", "blt", "bge"][funct3 as usize];
        let text = format!("{mnemonic} {}, {}, {distance:+}", name(one), name(other));
        let offset = distance as u32;
        let bits = bits(offset, 12, 1) << 31
            | bits(offset, 5, 6) << 25
            | number(other) << 20
            | number(one) << 15
            | funct3 << 12
            | bits(offset, 1, 4) << 8
            | bits(offset, 11, 1) << 7
            | BRANCH;
        Some(self.wide(bits, 1.0, text))
    }

    fn compressed_conditional(
        &self,
        funct3: u32,
        register: Register,
        distance: i64,
    ) -> Option<Instruction> {
        let register_bits = compressed(register)?;
        if funct3 > 1 || !(-256..=254).contains(&distance) {
            return None;
        }
        let mnemonic = ["c.beqz", "c.bnez"][funct3 as usize];
        let offset = distance as u32;
        let bits = (0b110 | funct3) << 13
            | bits(offset, 8, 1) << 12
            | bits(offset, 3, 2) << 10
            | register_bits << 7
            | bits(offset, 6, 2) << 5
            | bits(offset, 1, 2) << 3
            | bits(offset, 5, 1) << 2
            | 0b01;
        let text = format!("{mnemonic} {}, {distance:+}", name(register));
        Some(self.narrow(bits, 1.0, text))
    }

    /// Registers that the ABI wants kept and kernels change, with their slots.
    fn saved(&self) -> Vec<Register> {
        let mut registers = vec![LINK, Register(8), Register(9)];
        if self.embedded {
            registers.push(Register(4));
        } else {
            registers.extend((18..28).map(Register));
        }
        registers
    }
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
            Subtract(to, one, other) => {
                self.two(0b00, (0b010_0000, 0), "sub", [to, one, other])
            }
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
            Multiply(to, from) => self.three((1, 0), "mul", [to, to, from]),
            ShiftLeft(to, from, by) => self.shift_left(to, from, by),
            ShiftRight(to, from, by) => return self.shift_right((to, from), by, false),
            ShiftRightSigned(to, from, by) => return self.shift_right((to, from), by, true),
            SignExtend(to, from) => {
                let mut instructions = vec![self.shift_left(to, from, 16)];
                instructions.extend(self.shift_right((to, to), 16, true));
                return instructions;
            }
            Load(to, base, offset) => self.load_word(to, base, offset),
            Store(from, base, offset) => self.store_word(from, base, offset),
            LoadByte(to, base, offset) => self.load(0b100, "lbu", to, base, offset),
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
    fn branch(
        &self,
        condition: Condition,
        _: bool,
        form: usize,
        distance: i64,
    ) -> Option<Branch> {
        let (before, funct3, registers) = match condition {
            Condition::Always => {
                let mut jump = self.jump(form, distance)?;
                let taken_cycles = jump.cycles;
                jump.cycles = taken_cycles;
                return Some(Branch {
                    instructions: vec![jump],
                    taken_cycles,
                });
            }
            Condition::Zero(register) => (Vec::new(), 0, [register, ZERO]),
            Condition::NotZero(register) => (Vec::new(), 1, [register, ZERO]),
            Condition::Negative(register) => (Vec::new(), 4, [register, ZERO]),
            Condition::Above(register, bits, scratch) => {
                let shift = self.shift_right((scratch, register), bits as u8, false);
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

    fn scratch(&self) -> ([Register; 3], bool) {
        ([Register(12), Register(13), Register(14)], false)
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
