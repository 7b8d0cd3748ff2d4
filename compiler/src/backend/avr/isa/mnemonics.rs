//! One method of [`Assembly`] an instruction.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{
    CodeLabel, Constant, Immediate, Instruction, Mode, One, Two,
};
use crate::backend::avr::isa::registers::{Pointer, Register};

macro_rules! two_registers {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(crate) fn $name(&mut self, to: Register, from: Register) {
                self.emit(Instruction::Two(Two::$operation, to, from));
            })*
        }
    };
}

two_registers! {
    add => Add, adc => Adc, sub => Sub, sbc => Sbc, and => And, or => Or, eor => Eor, mov => Mov,
    movw => Movw, cp => Cp, cpc => Cpc, mul => Mul, muls => Muls, mulsu => Mulsu,
}

macro_rules! immediates {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(crate) fn $name(&mut self, register: Register, value: u8) {
                debug_assert!(register.is_upper());
                let constant = Constant::Value(value);
                self.emit(Instruction::Immediate(Immediate::$operation, register, constant));
            })*
        }
    };
}

immediates! {
    ldi => Ldi, subi => Subi, sbci => Sbci, andi => Andi, ori => Ori, cpi => Cpi,
}

macro_rules! one_register {
    ($($name:ident => $operation:ident),* $(,)?) => {
        impl Assembly {
            $(pub(crate) fn $name(&mut self, register: Register) {
                self.emit(Instruction::One(One::$operation, register));
            })*
        }
    };
}

one_register! {
    lsr => Lsr, asr => Asr, ror => Ror, swap => Swap, inc => Inc, dec => Dec,
    com => Com, push => Push, pop => Pop,
}

impl Assembly {
    pub(crate) fn lsl(&mut self, register: Register) {
        self.add(register, register);
    }

    pub(crate) fn rol(&mut self, register: Register) {
        self.adc(register, register);
    }

    pub(crate) fn clr(&mut self, register: Register) {
        self.eor(register, register);
    }

    pub(crate) fn tst(&mut self, register: Register) {
        self.emit(Instruction::Two(Two::And, register, register));
    }

    pub(crate) fn load(&mut self, register: Register, pointer: Pointer, mode: Mode) {
        self.emit(Instruction::Load(register, pointer, mode));
    }

    pub(crate) fn store(&mut self, pointer: Pointer, mode: Mode, register: Register) {
        self.emit(Instruction::Store(pointer, mode, register));
    }

    /// `lpm register, Z+` of a table that [`Assembly::near_table`] made.
    pub(crate) fn lpm_near(&mut self, register: Register) {
        self.emit(Instruction::LoadProgram {
            register,
            extended: false,
        });
    }

    /// `lpm register, Z+` of a table that [`Assembly::table`] made.
    pub(crate) fn lpm(&mut self, register: Register) {
        let extended = self.core().extended_flash;
        self.emit(Instruction::LoadProgram { register, extended });
    }

    /// `sbrc`: skips the next instruction.
    pub(crate) fn skip_if_clear(&mut self, register: Register, bit: u8) {
        self.emit(Instruction::SkipIfClear { register, bit });
    }

    /// `sbrs`: skips the next instruction.
    pub(crate) fn skip_if_set(&mut self, register: Register, bit: u8) {
        self.emit(Instruction::SkipIfSet { register, bit });
    }

    /// `in`.
    pub(crate) fn read_port(&mut self, register: Register, port: u8) {
        self.emit(Instruction::In(register, port));
    }

    /// `out`.
    pub(crate) fn write_port(&mut self, port: u8, register: Register) {
        self.emit(Instruction::Out(port, register));
    }

    pub(crate) fn jump(&mut self, label: CodeLabel) {
        self.emit(Instruction::Jump(label));
    }

    pub(crate) fn call(&mut self, label: CodeLabel) {
        self.emit(Instruction::Call(label));
    }

    pub(crate) fn ret(&mut self) {
        self.emit(Instruction::Return);
    }

    /// A byte of an address that far after the start of a table.
    pub(crate) fn ldi_address(
        &mut self,
        register: Register,
        (label, offset_bytes): (CodeLabel, u32),
        byte: u8,
    ) {
        let constant = Constant::AddressByte {
            label,
            offset_bytes,
            byte,
        };
        self.emit(Instruction::Immediate(Immediate::Ldi, register, constant));
    }

    /// Adds a constant to a pair, in the shortest way.
    pub(crate) fn add_to_pair(&mut self, low: Register, value: i32) {
        let high = low.next();
        let [low_byte, high_byte, ..] = value.wrapping_neg().to_le_bytes();
        match value {
            0 => {}
            1..=63 if low.takes_adiw() => {
                self.emit(Instruction::AddToWord(low, value as u8));
            }
            _ if low.is_upper() => {
                self.subi(low, low_byte);
                self.sbci(high, high_byte);
            }
            _ => unreachable!("{low} takes no constant"),
        }
    }

    /// Loads a 16-bit constant into an upper pair.
    pub(crate) fn ldi_pair(&mut self, low: Register, value: u16) {
        let [low_byte, high_byte] = value.to_le_bytes();
        self.ldi(low, low_byte);
        self.ldi(low.next(), high_byte);
    }
}
