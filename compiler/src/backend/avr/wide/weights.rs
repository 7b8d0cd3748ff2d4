//! How weights are read, from Z on: of a table in flash, or of what was loaded with the network.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Mode};
use crate::backend::avr::isa::registers::{Pointer, R16, R20, Register, Z};
use crate::program::{Program, pack_row};

/// A weight, as it is multiplied.
pub(super) const WEIGHT: Register = R20;

/// How weights are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// A byte of two's complement each.
    Bytes,
    /// As [`pack_row`](crate::program::pack_row) packs them, of that many bits.
    Packed(u32),
    /// The same, but one of each byte: that of the field.
    Field { bits: u32, field: u32 },
    /// A list of those that are not 0, bytes of two's complement: how many, and before each the byte
    /// that its value begins at, of values of `value_bytes`.
    List { value_bytes: u32 },
}

/// How weights are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct WeightReader {
    pub(super) memory: Memory,
    pub(super) coding: Coding,
    /// Bytes between one byte of weights and the next.
    pub(super) gap_bytes: u32,
    /// Where the byte is kept that packed weights came in.
    pub(super) byte: Register,
}

/// Where bytes are that Z goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    Flash,
    Sram,
}

impl Memory {
    /// The byte at Z, which goes on.
    pub(super) fn load(self, asm: &mut Assembly, register: Register) {
        match self {
            Self::Flash => asm.lpm_near(register),
            Self::Sram => asm.load(register, Pointer::Z, Mode::PostIncrement),
        }
    }
}

impl WeightReader {
    /// Of a table of bytes.
    pub(super) const TABLE: Self = Self {
        memory: Memory::Flash,
        coding: Coding::Bytes,
        gap_bytes: 0,
        byte: R16,
    };

    /// Of rows of packed weights, one after the other.
    pub(super) const fn packed(memory: Memory, bits: u32) -> Self {
        Self {
            memory,
            coding: Coding::Packed(bits),
            ..Self::TABLE
        }
    }

    /// Bits of a weight.
    pub(super) fn bits(self) -> u32 {
        match self.coding {
            Coding::Bytes | Coding::List { .. } => 8,
            Coding::Packed(bits) | Coding::Field { bits, .. } => bits,
        }
    }

    /// Weights of a byte.
    pub(super) fn per_byte(self) -> u32 {
        match self.coding {
            Coding::Bytes | Coding::Field { .. } | Coding::List { .. } => 1,
            Coding::Packed(bits) => 8 / bits,
        }
    }

    /// Whether they are `2^(bits − 1)` more than they stand for.
    pub(super) fn is_offset(self) -> bool {
        match self.coding {
            Coding::Bytes | Coding::List { .. } => false,
            Coding::Packed(_) | Coding::Field { .. } => true,
        }
    }

    /// The bits by which a weight is stored.
    pub(super) fn stored(self, weight: i8) -> u8 {
        let bits = self.bits();
        let offset = match self.is_offset() {
            true => 1 << (bits - 1),
            false => 0,
        };
        (weight as u8).wrapping_add(offset) & (0xFF >> (8 - bits))
    }

    /// The bytes of a row.
    pub(super) fn row(self, weights: &[i8]) -> Vec<u8> {
        match self.coding {
            Coding::Bytes => weights.iter().map(|&weight| weight as u8).collect(),
            Coding::Packed(bits) | Coding::Field { bits, .. } => pack_row(weights, bits),
            Coding::List { value_bytes } => {
                let entries = (0..).step_by(value_bytes as usize).zip(weights);
                let entries = entries.filter(|&(_, &weight)| weight != 0);
                let entries: Vec<u8> = entries
                    .flat_map(|(place, &weight): (u32, _)| [place as u8, weight as u8])
                    .collect();
                [vec![(entries.len() / 2) as u8], entries].concat()
            }
        }
    }

    /// Lists of the weights of rows, if they take fewer bytes than these would and a byte says where a
    /// value is.
    pub(super) fn as_lists(
        self,
        weights: &[i8],
        (columns, value_bytes): (u32, u32),
    ) -> Option<Self> {
        let lists = Self {
            coding: Coding::List { value_bytes },
            ..Self::TABLE
        };
        let bytes = |reader: Self| -> usize {
            let rows = weights.chunks(columns as usize);
            rows.map(|row| reader.row(row).len()).sum()
        };
        (columns * value_bytes <= 0x100 && bytes(lists) < bytes(self)).then_some(lists)
    }

    fn load(self, asm: &mut Assembly, register: Register) {
        self.memory.load(asm, register);
        asm.add_to_pair(Z, self.gap_bytes as i32);
    }

    /// [`WEIGHT`] ← the next weight, two's complement; `field`: that of a byte which it is.
    pub(super) fn weight(self, asm: &mut Assembly, field: u32) {
        let bits = self.bits();
        match self.coding {
            Coding::Bytes | Coding::List { .. } => self.load(asm, WEIGHT),
            Coding::Packed(8) | Coding::Field { bits: 8, .. } => {
                self.load(asm, WEIGHT);
                asm.subi(WEIGHT, 0x80);
            }
            Coding::Packed(_) => {
                match field {
                    0 => self.load(asm, self.byte),
                    _ => shift_fields(asm, self.byte, bits, 1),
                }
                asm.mov(WEIGHT, self.byte);
                take_field(asm, WEIGHT, bits);
            }
            Coding::Field { field, .. } => {
                self.load(asm, WEIGHT);
                shift_fields(asm, WEIGHT, bits, field);
                take_field(asm, WEIGHT, bits);
            }
        }
    }

    /// The bits of the next weight are the lowest ones of a register, which holds the rest of a byte
    /// before.
    pub(super) fn bits_of_weight(self, asm: &mut Assembly, field: u32, register: Register) {
        match self.coding {
            Coding::Bytes | Coding::List { .. } => self.load(asm, register),
            Coding::Packed(_) => {
                if field == 0 {
                    self.load(asm, register);
                }
            }
            Coding::Field { bits, field } => {
                self.load(asm, register);
                shift_fields(asm, register, bits, field);
            }
        }
    }
}

/// Moves fields down; what is above them then may be anything.
fn shift_fields(asm: &mut Assembly, register: Register, bits: u32, fields: u32) {
    let mut left = fields * bits;
    if left >= 4 {
        asm.swap(register);
        left -= 4;
    }
    for _ in 0..left {
        asm.lsr(register);
    }
}

/// The lowest field alone, as the number that it stands for.
fn take_field(asm: &mut Assembly, register: Register, bits: u32) {
    asm.andi(register, 0xFF >> (8 - bits));
    asm.subi(register, 1 << (bits - 1));
}

/// The bytes of an operation's parameters, as they are packed.
#[derive(Clone, Copy)]
pub(super) enum ParameterPlace {
    /// A table.
    Flash(CodeLabel),
    /// From that byte of the network's value on.
    Sram(u32),
}

impl ParameterPlace {
    /// Of parameters that are loaded from that byte of all on.
    pub(super) fn loaded(program: &Program, first_byte: u32) -> Self {
        Self::Sram(program.cursor_bytes + program.arena_bytes + first_byte)
    }

    pub(super) fn memory(self) -> Memory {
        match self {
            Self::Flash(_) => Memory::Flash,
            Self::Sram(_) => Memory::Sram,
        }
    }

    /// Z ← the address of a byte, of a network at the address in a pair.
    pub(super) fn point_at(self, asm: &mut Assembly, byte: u32, network: Register) {
        match self {
            Self::Flash(table) => {
                asm.ldi_address(Z, (table, byte), 0);
                asm.ldi_address(Z.next(), (table, byte), 1);
            }
            Self::Sram(first_byte) => {
                asm.movw(Z, network);
                asm.add_to_pair(Z, (first_byte + byte) as i32);
            }
        }
    }
}
