//! The instructions that the kernels use, with their sizes and cycles.
//!
//! Cycles are those of the classic cores (AVR Instruction Set Manual,
//! DS40002198B, section 5, column AVRe+); xmega and AVR Dx differ by a cycle
//! here and there, which changes no choice worth mentioning.

use crate::backend::avr::isa::core::ProgramCounter;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::registers::{PRODUCT, Pointer, Register, Registers, Z};
use std::fmt;

/// How a load or store finds its byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// At the pointer.
    Plain,
    /// At the pointer, which then goes up.
    PostIncrement,
    /// The pointer goes down first.
    PreDecrement,
    /// At the pointer plus 0 to 63; not by X.
    Displacement(u8),
}

impl Mode {
    /// The registers of the pointer, where it goes elsewhere.
    fn changes(self, pointer: Pointer) -> Registers {
        match self {
            Mode::PostIncrement | Mode::PreDecrement => Registers::of_pairs([pointer.low()]),
            Mode::Plain | Mode::Displacement(_) => Registers::default(),
        }
    }
}

/// A place in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CodeLabel(pub(crate) u32);

/// An eight-bit constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    /// As it is.
    Value(u8),
    /// A byte of an address in flash, that far after a label: 0 is the lowest.
    AddressByte {
        label: CodeLabel,
        offset_bytes: u32,
        byte: u8,
    },
}

macro_rules! mnemonics {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),* }

        impl $name {
            fn mnemonic(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

mnemonics! {
    /// Of two registers, the first being the destination.
    Two {
        Add => "add", Adc => "adc", Sub => "sub", Sbc => "sbc", And => "and", Or => "or",
        Eor => "eor", Mov => "mov", Movw => "movw", Cp => "cp", Cpc => "cpc", Mul => "mul",
        Muls => "muls", Mulsu => "mulsu",
    }
}

mnemonics! {
    /// Of an upper register and a constant.
    Immediate {
        Ldi => "ldi", Subi => "subi", Sbci => "sbci", Andi => "andi", Ori => "ori", Cpi => "cpi",
    }
}

mnemonics! {
    /// Of one register.
    One {
        Lsr => "lsr", Asr => "asr", Ror => "ror", Swap => "swap", Inc => "inc", Dec => "dec",
        Com => "com", Push => "push", Pop => "pop",
    }
}

mnemonics! {
    /// What a branch asks of the flags.
    Condition {
        Equal => "breq", NotEqual => "brne", Lower => "brlo", SameOrHigher => "brsh",
        Minus => "brmi", Plus => "brpl", Less => "brlt", GreaterOrEqual => "brge",
    }
}

impl Condition {
    pub(crate) fn inverse(self) -> Self {
        use Condition::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            Lower => SameOrHigher,
            SameOrHigher => Lower,
            Minus => Plus,
            Plus => Minus,
            Less => GreaterOrEqual,
            GreaterOrEqual => Less,
        }
    }
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    Two(Two, Register, Register),
    Immediate(Immediate, Register, Constant),
    /// `adiw` of r24 or a pointer.
    AddToWord(Register, u8),
    One(One, Register),
    Load(Register, Pointer, Mode),
    Store(Pointer, Mode, Register),
    /// `lpm Rd, Z+`, or `elpm` where the flash is larger than 64 KB.
    LoadProgram {
        register: Register,
        extended: bool,
    },
    /// `sbrc`: skips the next instruction.
    SkipIfClear {
        register: Register,
        bit: u8,
    },
    /// `sbrs`: skips the next instruction.
    SkipIfSet {
        register: Register,
        bit: u8,
    },
    Branch(Condition, CodeLabel),
    Jump(CodeLabel),
    Call(CodeLabel),
    /// Calls another function of the network.
    CallFunction {
        function: FunctionId,
        far: bool,
    },
    Return,
    In(Register, u8),
    Out(u8, Register),
}

impl Instruction {
    /// The registers that it changes. A call changes what it changes that is called: all
    /// of them, of another function; what it says itself, of a subroutine.
    pub(crate) fn changes(&self) -> Registers {
        match *self {
            Self::Two(operation, to, _) => match operation {
                Two::Add | Two::Adc | Two::Sub | Two::Sbc => Registers::of([to]),
                Two::And | Two::Or | Two::Eor | Two::Mov => Registers::of([to]),
                Two::Movw => Registers::of_pairs([to]),
                Two::Cp | Two::Cpc => Registers::default(),
                Two::Mul | Two::Muls | Two::Mulsu => Registers::of(PRODUCT),
            },
            Self::Immediate(operation, to, _) => match operation {
                Immediate::Ldi | Immediate::Subi | Immediate::Sbci => Registers::of([to]),
                Immediate::Andi | Immediate::Ori => Registers::of([to]),
                Immediate::Cpi => Registers::default(),
            },
            Self::One(operation, to) => match operation {
                One::Lsr | One::Asr | One::Ror | One::Swap | One::Inc | One::Dec | One::Com => {
                    Registers::of([to])
                }
                One::Pop => Registers::of([to]),
                One::Push => Registers::default(),
            },
            Self::AddToWord(low, _) => Registers::of_pairs([low]),
            Self::Load(to, pointer, mode) => mode.changes(pointer).and([to]),
            Self::Store(pointer, mode, _) => mode.changes(pointer),
            Self::LoadProgram { register, .. } => Registers::of_pairs([Z]).and([register]),
            Self::In(to, _) => Registers::of([to]),
            Self::CallFunction { .. } => Registers::ALL,
            Self::SkipIfClear { .. }
            | Self::SkipIfSet { .. }
            | Self::Branch(..)
            | Self::Jump(_)
            | Self::Call(_)
            | Self::Return
            | Self::Out(..) => Registers::default(),
        }
    }

    /// Cycles; of a branch and a skip, those when it goes on.
    pub(crate) fn cycles(&self, pc: ProgramCounter) -> u32 {
        let wide_pc = u32::from(pc.bytes) - 2;
        match self {
            Self::Two(Two::Mul | Two::Muls | Two::Mulsu, ..) => 2,
            Self::AddToWord(..) | Self::Load(..) | Self::Store(..) | Self::Jump(_) => 2,
            Self::One(One::Push | One::Pop, _) => 2,
            Self::LoadProgram { .. } => 3,
            Self::Call(_) | Self::CallFunction { far: false, .. } => 3 + wide_pc,
            Self::CallFunction { far: true, .. } => 4 + wide_pc,
            Self::Return => 4 + wide_pc,
            _ => 1,
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Two(operation, to, from) => write!(f, "{} {to}, {from}", operation.mnemonic()),
            Self::Immediate(operation, register, Constant::Value(value)) => {
                write!(f, "{} {register}, {value}", operation.mnemonic())
            }
            Self::AddToWord(register, value) => write!(f, "adiw {register}, {value}"),
            Self::One(operation, register) => write!(f, "{} {register}", operation.mnemonic()),
            Self::Load(register, pointer, mode) => match mode {
                Mode::Plain => write!(f, "ld {register}, {pointer}"),
                Mode::PostIncrement => write!(f, "ld {register}, {pointer}+"),
                Mode::PreDecrement => write!(f, "ld {register}, -{pointer}"),
                Mode::Displacement(bytes) => write!(f, "ldd {register}, {pointer}+{bytes}"),
            },
            Self::Store(pointer, mode, register) => match mode {
                Mode::Plain => write!(f, "st {pointer}, {register}"),
                Mode::PostIncrement => write!(f, "st {pointer}+, {register}"),
                Mode::PreDecrement => write!(f, "st -{pointer}, {register}"),
                Mode::Displacement(bytes) => write!(f, "std {pointer}+{bytes}, {register}"),
            },
            Self::LoadProgram { register, extended } => {
                write!(f, "{}lpm {register}, Z+", if *extended { "e" } else { "" })
            }
            Self::SkipIfClear { register, bit } => write!(f, "sbrc {register}, {bit}"),
            Self::SkipIfSet { register, bit } => write!(f, "sbrs {register}, {bit}"),
            Self::CallFunction { function, far } => {
                write!(f, "{} {{{function}}}", if *far { "call" } else { "rcall" })
            }
            Self::Return => f.write_str("ret"),
            Self::In(register, port) => write!(f, "in {register}, {port}"),
            Self::Out(port, register) => write!(f, "out {port}, {register}"),
            // What names a label needs to know on which side it is.
            Self::Immediate(operation, register, Constant::AddressByte { .. }) => {
                write!(f, "{} {register}, ", operation.mnemonic())
            }
            Self::Branch(condition, _) => f.write_str(condition.mnemonic()),
            Self::Jump(_) => f.write_str("jmp"),
            Self::Call(_) => f.write_str("call"),
        }
    }
}
