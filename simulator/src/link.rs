//! How bytes go to a firmware, and back.

use anyhow::{Context, Result, ensure};

use crate::machine::Machine;

/// How a firmware takes images and gives answers.
#[derive(Debug)]
pub enum Link {
    /// USART0: a byte arrives whenever the firmware waits for one.
    Serial,
    /// USART0, and a sender that waits for answers alone: an image's bytes arrive at the line's
    /// rate, whether the firmware is ready or not.
    Paced(Pace),
    /// Two of the general purpose I/O registers, for parts without a serial line: the images are
    /// the firmware's own.
    Registers(Registers),
}

/// How fast bytes arrive.
#[derive(Debug)]
pub struct Pace {
    cycles_per_byte: u64,
    /// The cycle of the last byte's arrival.
    last: Option<u64>,
}

impl Pace {
    /// A byte each `cycles_per_byte` of the firmware's cycles.
    #[must_use]
    pub fn new(cycles_per_byte: u64) -> Self {
        Self {
            cycles_per_byte,
            last: None,
        }
    }
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
            Self::Serial | Self::Paced(_) => machine
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

    /// Whether the next byte is due, or, where the firmware gets none, it may be asked for its next
    /// answer. `computing` is what it has marked.
    pub(crate) fn is_due(&self, machine: &Machine, computing: bool) -> bool {
        match self {
            Self::Serial => machine.waits_for_byte() && !computing,
            Self::Paced(pace) => {
                let elapsed = pace.last.map(|last| machine.cycle() - last);
                machine.receives() && elapsed.is_none_or(|cycles| cycles >= pace.cycles_per_byte)
            }
            Self::Registers(_) => !computing,
        }
    }

    /// Lets `byte` arrive.
    ///
    /// # Errors
    /// When USART0 has no room for it.
    pub(crate) fn send(&mut self, machine: &mut Machine, byte: u8) -> Result<()> {
        /// What USART0 buffers (ATmega328P datasheet, DS40002061B, "Receiver": "a two level
        /// receive buffer"). The next byte waits in the shift register until another one begins,
        /// which it does at once on a busy line.
        const BUFFERED_BYTES: usize = 2;

        if let Self::Paced(pace) = self {
            ensure!(
                machine.unread() < BUFFERED_BYTES,
                "the firmware has lost a byte: it has not taken the last {BUFFERED_BYTES}, and \
                 USART0 holds no more"
            );
            pace.last = Some(machine.cycle());
        }
        machine.send(byte);
        Ok(())
    }

    /// How many bytes the firmware has sent that were not yet taken.
    pub(crate) fn received(&self, machine: &Machine) -> usize {
        match self {
            Self::Serial | Self::Paced(_) => machine.received(),
            Self::Registers(registers) => registers.sent.len(),
        }
    }

    /// The bytes that the firmware has sent since the last call.
    pub(crate) fn take_received(&mut self, machine: &mut Machine) -> Vec<u8> {
        match self {
            Self::Serial | Self::Paced(_) => machine.take_received(),
            Self::Registers(registers) => std::mem::take(&mut registers.sent),
        }
    }
}
