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
    /// A serial interface that a master clocks, which sends a byte whenever the firmware waits for
    /// one; the firmware answers by registers.
    Slave(Slave, Registers),
}

/// A universal serial interface of three wires as a slave, whose master is here (ATtiny25/45/85
/// datasheet, Atmel-2586Q, "USI - Universal Serial Interface").
#[derive(Debug)]
pub struct Slave {
    /// The address in data space of USICR.
    control: u16,
    /// That of USISR.
    status: u16,
}

/// In USICR, its mode, and that of three wires.
const WIRE_MODE: u8 = 0b11 << 4;
const THREE_WIRES: u8 = 0b01 << 4;
/// In USISR: a byte is complete.
const OVERFLOW_FLAG: u8 = 1 << 6;
/// DI and USCK, of port B.
const DATA_PIN: u8 = 0;
const CLOCK_PIN: u8 = 2;

impl Slave {
    /// The registers at the addresses `control` and `status` in data space are USICR and USISR.
    #[must_use]
    pub fn new(control: u16, status: u16) -> Self {
        Self { control, status }
    }

    /// Whether the firmware has taken the last byte.
    fn waits_for_byte(&self, machine: &Machine) -> bool {
        machine.data(self.control) & WIRE_MODE == THREE_WIRES
            && machine.data(self.status) & OVERFLOW_FLAG == 0
    }
}

/// Clocks a byte in, the highest bit first.
fn clock_in(machine: &mut Machine, byte: u8) {
    for bit in (0..8).rev() {
        machine.set_pin(b'B', DATA_PIN, byte >> bit & 1 == 1);
        for level in [true, false] {
            machine.set_pin(b'B', CLOCK_PIN, level);
        }
    }
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

    /// Notes what the last instruction has sent.
    fn observe(&mut self, machine: &Machine) {
        let strobe = machine.data(self.strobe);
        if strobe != self.last_strobe {
            self.last_strobe = strobe;
            self.sent.push(machine.data(self.byte));
        }
    }

    /// Checks that they are in the machine's data space.
    fn check(&self, machine: &Machine) -> Result<()> {
        ensure!(
            self.byte.max(self.strobe) <= machine.ram_end(),
            "the registers' addresses {:#x} and {:#x} are not both in data space",
            self.byte,
            self.strobe
        );
        Ok(())
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
            Self::Registers(registers) => registers.check(machine),
            Self::Slave(slave, registers) => {
                ensure!(
                    slave.control.max(slave.status) <= machine.ram_end(),
                    "the registers' addresses {:#x} and {:#x} are not both in data space",
                    slave.control,
                    slave.status
                );
                registers.check(machine)
            }
        }
    }

    /// Notes what the last instruction has sent.
    pub(crate) fn observe(&mut self, machine: &Machine) {
        match self {
            Self::Serial | Self::Paced(_) => {}
            Self::Registers(registers) | Self::Slave(_, registers) => registers.observe(machine),
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
            Self::Slave(slave, _) => slave.waits_for_byte(machine) && !computing,
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

        match self {
            Self::Serial | Self::Registers(_) => {}
            Self::Paced(pace) => {
                ensure!(
                    machine.unread() < BUFFERED_BYTES,
                    "the firmware has lost a byte: it has not taken the last {BUFFERED_BYTES}, and \
                     USART0 holds no more"
                );
                pace.last = Some(machine.cycle());
            }
            Self::Slave(..) => {
                clock_in(machine, byte);
                return Ok(());
            }
        }
        machine.send(byte);
        Ok(())
    }

    /// How many bytes the firmware has sent that were not yet taken.
    pub(crate) fn received(&self, machine: &Machine) -> usize {
        match self {
            Self::Serial | Self::Paced(_) => machine.received(),
            Self::Registers(registers) | Self::Slave(_, registers) => registers.sent.len(),
        }
    }

    /// The bytes that the firmware has sent since the last call.
    pub(crate) fn take_received(&mut self, machine: &mut Machine) -> Vec<u8> {
        match self {
            Self::Serial | Self::Paced(_) => machine.take_received(),
            Self::Registers(registers) | Self::Slave(_, registers) => {
                std::mem::take(&mut registers.sent)
            }
        }
    }
}
