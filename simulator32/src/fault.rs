//! Why a program was stopped.

use std::fmt;

/// What a core refuses to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A read outside the part's memory.
    Read {
        /// Its byte address.
        address: u32,
    },
    /// A write outside the part's SRAM and its stubs.
    Write {
        /// Its byte address.
        address: u32,
    },
    /// An access that is not aligned to its size.
    Unaligned {
        /// Its byte address.
        address: u32,
        /// How many bytes are read or written.
        bytes: u32,
    },
    /// An instruction that is fetched from outside the part's memory.
    Fetch,
    /// An instruction that the core does not have; its bits, the first halfword lowest.
    Undefined {
        /// The instruction.
        instruction: u32,
    },
    /// A breakpoint or a call of the system.
    Trap,
    /// The program ran for longer than it was given.
    CycleLimit {
        /// The most cycles that it was given.
        cycles: u64,
    },
}

/// A [`Cause`] and the instruction that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub cause: Cause,
    /// The byte address of the instruction.
    pub program_counter: u32,
    /// The function that the instruction is in, if it is in one.
    pub symbol: Option<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Read { address } => {
                write!(
                    formatter,
                    "read outside the part's memory, at {address:#010x}"
                )
            }
            Self::Write { address } => {
                write!(
                    formatter,
                    "write outside the part's SRAM, at {address:#010x}"
                )
            }
            Self::Unaligned { address, bytes } => write!(
                formatter,
                "access to {bytes} bytes at {address:#010x}, which is not aligned"
            ),
            Self::Fetch => write!(formatter, "instruction outside the part's memory"),
            Self::Undefined { instruction } => {
                write!(formatter, "undefined instruction {instruction:#x}")
            }
            Self::Trap => write!(formatter, "breakpoint or system call"),
            Self::CycleLimit { cycles } => write!(formatter, "still running after {cycles} cycles"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            cause,
            program_counter,
            symbol,
        } = self;
        write!(
            formatter,
            "{cause}, by the instruction at {program_counter:#010x}"
        )?;
        match symbol {
            Some(symbol) => write!(formatter, " in {symbol}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
