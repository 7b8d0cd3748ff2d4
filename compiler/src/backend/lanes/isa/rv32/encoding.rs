//! Instructions as bits, in their shortest form.

use super::super::{Instruction, Register};
use super::Rv32;

pub(super) const ZERO: Register = Register(0);
pub(super) const LINK: Register = Register(1);
pub(super) const STACK: Register = Register(2);

const OP: u32 = 0b011_0011;
const OP_IMMEDIATE: u32 = 0b001_0011;
const LOAD: u32 = 0b000_0011;
const STORE: u32 = 0b010_0011;
const BRANCH: u32 = 0b110_0011;

pub(super) fn name(register: Register) -> String {
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
pub(super) fn compressed(register: Register) -> Option<u32> {
    (8..16)
        .contains(&register.0)
        .then(|| u32::from(register.0) - 8)
}

pub(super) fn number(register: Register) -> u32 {
    register.0.into()
}

pub(super) fn bits(value: u32, from: u32, count: u32) -> u32 {
    value >> from & ((1 << count) - 1)
}

pub(super) fn fits(value: i32, bits: u32) -> bool {
    let most = 1 << (bits - 1);
    (-most..most).contains(&value)
}

impl Rv32 {
    pub(super) fn narrow(&self, bits: u32, cycles: f64, text: String) -> Instruction {
        debug_assert!(bits <= 0xFFFF, "{text}");
        Instruction {
            bits,
            bytes: 2,
            cycles,
            text,
        }
    }

    pub(super) fn wide(&self, bits: u32, cycles: f64, text: String) -> Instruction {
        Instruction {
            bits,
            bytes: 4,
            cycles: cycles.max(self.wide_cycles),
            text,
        }
    }

    pub(super) fn three(
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

    pub(super) fn immediate_operation(
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
    pub(super) fn two(
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

    pub(super) fn mv(&self, to: Register, from: Register) -> Instruction {
        let text = format!("c.mv {}, {}", name(to), name(from));
        let bits = 0b1000 << 12 | number(to) << 7 | number(from) << 2 | 0b10;
        self.narrow(bits, 1.0, text)
    }

    pub(super) fn add_immediate(&self, to: Register, value: i32) -> Instruction {
        if fits(value, 6) {
            let immediate = value as u32;
            let text = format!("c.addi {}, {value}", name(to));
            let bits =
                bits(immediate, 5, 1) << 12 | number(to) << 7 | bits(immediate, 0, 5) << 2 | 0b01;
            return self.narrow(bits, 1.0, text);
        }
        self.immediate_operation(0, "addi", (to, to), value)
    }

    pub(super) fn immediate(&self, register: Register, value: i32) -> Vec<Instruction> {
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
    pub(super) fn shift_right(
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

    pub(super) fn shift_left(&self, to: Register, from: Register, by: u8) -> Instruction {
        if to == from && by > 0 {
            let text = format!("c.slli {}, {by}", name(to));
            let bits = number(to) << 7 | u32::from(by) << 2 | 0b10;
            return self.narrow(bits, 1.0, text);
        }
        self.immediate_operation(0b001, "slli", (to, from), by.into())
    }

    pub(super) fn load_word(&self, to: Register, base: Register, offset: u32) -> Instruction {
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

    pub(super) fn load(
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

    pub(super) fn store_word(&self, from: Register, base: Register, offset: u32) -> Instruction {
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

    pub(super) fn store(
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

    pub(super) fn jump(&self, form: usize, distance: i64) -> Option<Instruction> {
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
    pub(super) fn conditional(
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

    pub(super) fn compressed_conditional(
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
    pub(super) fn saved(&self) -> Vec<Register> {
        let mut registers = vec![LINK, Register(8), Register(9)];
        if self.embedded {
            registers.push(Register(4));
        } else {
            registers.extend((18..28).map(Register));
        }
        registers
    }
}
