//! How bytes go to a firmware, and back.

use anyhow::{Context, Result};

use crate::machine::Machine;

/// How a firmware takes images and gives answers.
#[derive(Debug)]
pub enum Link {
    /// USART0: a byte arrives whenever the firmware waits for one.
    Serial,
    /// Two of the general purpose I/O registers, for parts without a serial line: the images are
    /// the firmware's own.
    Registers(Registers),
}

/// The I/O registers by which a firmware answers.
#[derive(Debug)]
pub struct Registers {
    /// The address in data space of the register that takes each byte of an answer.
    byte: u16,
    /// The address of the register that changes with each byte of an answer.
    strobe: u16,
    last_strobe: u8,
    sent: Vec<u8>,
}

impl Registers {
    /// The register at the address `byte` in data space takes each byte of an answer, then that
    /// at `strobe` changes.
    #[must_use]
    pub fn new(byte: u16, strobe: u16) -> Self {
        Self {
            byte,
            strobe,
            // What an I/O register holds after a reset.
            last_strobe: 0,
            sent: Vec::new(),
        }
    }
}

impl Link {
    /// Checks that `machine` has what the link is made of.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) fn check(&self, machine: &Machine) -> Result<()> {
        match self {
            Self::Serial => machine
                .has_serial_line()
                .then_some(())
                .context("the part has no USART0"),
            Self::Registers(registers) => (registers.byte.max(registers.strobe)
                <= machine.ram_end())
            .then_some(())
            .with_context(|| {
                format!(
                    "the registers' addresses {:#x} and {:#x} are not both in data space",
                    registers.byte, registers.strobe
                )
            }),
        }
    }

    /// Notes what the last instruction has sent.
    pub(crate) fn observe(&mut self, machine: &Machine) {
        if let Self::Registers(registers) = self {
            let strobe = machine.data(registers.strobe);
            if strobe != registers.last_strobe {
                registers.last_strobe = strobe;
                registers.sent.push(machine.data(registers.byte));
            }
        }
    }

    /// Whether the firmware has nothing to do until it gets a byte, or, where it gets none, until
    /// it is asked for its next answer.
    pub(crate) fn waits(&self, machine: &Machine) -> bool {
        match self {
            Self::Serial => machine.waits_for_byte(),
            Self::Registers(_) => true,
        }
    }

    /// How many bytes the firmware has sent that were not yet taken.
    pub(crate) fn received(&self, machine: &Machine) -> usize {
        match self {
            Self::Serial => machine.received(),
            Self::Registers(registers) => registers.sent.len(),
        }
    }

    /// The bytes that the firmware has sent since the last call.
    pub(crate) fn take_received(&mut self, machine: &mut Machine) -> Vec<u8> {
        match self {
            Self::Serial => machine.take_received(),
            Self::Registers(registers) => std::mem::take(&mut registers.sent),
        }
    }
}
