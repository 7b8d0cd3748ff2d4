//! A firmware that listens: sound as a voltage at its analogue input, its answers on USART0.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::firmware::{Firmware, Symbol};
use crate::machine::Machine;
use crate::stack::StackWatch;

/// What the part is supplied with, in millivolts; a sound rests at half of it.
const SUPPLY_MILLIVOLTS: u16 = 5000;
/// Instructions within which a firmware has opened its serial port.
const PATIENCE_CYCLES: u32 = 1_000_000;
/// Cycles after which it waits for a byte.
const STARTED_CYCLES: u64 = 100_000;
/// Counts of an ADC of 10 bits.
const COUNTS: i32 = 1024;

/// A machine whose analogue input hears sounds.
pub struct Listener {
    machine: Machine,
    stack: StackWatch,
    cycles_per_sample: u64,
    symbols: Vec<Symbol>,
    /// Of each byte address of flash: which of the symbols it is in.
    owners: Vec<Option<usize>>,
    /// Cycles of each symbol's own instructions.
    cycles: Vec<u64>,
}

/// What the firmware has made of a sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The line that it has answered with, without its end.
    pub line: String,
    /// Cycles from the byte that asked it to listen to the end of its line.
    pub cycles: u64,
    /// The deepest stack in bytes so far, interrupts included.
    pub stack_bytes: u16,
}

impl Listener {
    /// Starts `firmware` on a `mcu` clocked at `frequency` hertz, which hears `rate` samples a
    /// second.
    ///
    /// # Errors
    /// As [`Machine::new`].
    pub fn new(mcu: &str, frequency: u32, rate: u32, firmware: &Firmware) -> Result<Self> {
        let mut machine = Machine::new(mcu, frequency, &firmware.segments)?;
        machine.set_supply(SUPPLY_MILLIVOLTS);
        machine.set_analogue_input(millivolts(0));
        let stack = StackWatch::new(machine.ram_end());
        let symbols = firmware.symbols.clone();
        let end = symbols.iter().map(|it| it.address + it.bytes).max();
        let mut owners = vec![None; end.unwrap_or(0) as usize];
        for (index, symbol) in symbols.iter().enumerate() {
            let first = symbol.address as usize;
            owners[first..][..symbol.bytes as usize].fill(Some(index));
        }
        Ok(Self {
            cycles: vec![0; symbols.len()],
            symbols,
            owners,
            machine,
            stack,
            cycles_per_sample: u64::from(frequency / rate),
        })
    }

    /// Asks the firmware to listen, lets it hear `samples` and then silence, and takes its line.
    ///
    /// # Errors
    /// When it crashes, or has not answered a second after the last sample.
    pub fn hear(&mut self, samples: &[i16]) -> Result<Heard> {
        let mut patience = PATIENCE_CYCLES;
        while !self.machine.receives() || self.machine.cycle() < STARTED_CYCLES {
            self.step()?;
            patience = patience
                .checked_sub(1)
                .context("the firmware opens no USART0")?;
        }
        self.machine.send(b's');
        let start = self.machine.cycle();
        let patience = self.cycles_per_sample * (samples.len() as u64 + 16_000);
        let mut line = Vec::new();
        let mut heard = 0;
        loop {
            let elapsed = self.machine.cycle() - start;
            if elapsed >= heard * self.cycles_per_sample {
                let sample = samples.get(heard as usize).copied().unwrap_or(0);
                self.machine.set_analogue_input(millivolts(sample));
                heard += 1;
            }
            if elapsed > patience {
                bail!("the firmware has not answered within {elapsed} cycles");
            }
            self.step()?;
            if self.machine.received() > 0 {
                line.extend(self.machine.take_received());
                if line.last() == Some(&b'\n') {
                    line.pop();
                    return Ok(Heard {
                        line: String::from_utf8_lossy(&line).into_owned(),
                        cycles: self.machine.cycle() - start,
                        stack_bytes: self.machine.ram_end() - self.stack.lowest(),
                    });
                }
            }
        }
    }

    /// Cycles of each function's own instructions so far.
    pub fn cycles_of_functions(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (symbol, cycles) in self.symbols.iter().zip(&self.cycles) {
            *all.entry(symbol.path.clone()).or_default() += cycles;
        }
        all.retain(|_, cycles| *cycles > 0);
        all
    }

    fn step(&mut self) -> Result<()> {
        let counter = self.machine.program_counter();
        let opcode = self.machine.opcode(counter);
        let before = self.machine.cycle();
        self.machine.step()?;
        if let Some(Some(owner)) = self.owners.get(counter as usize) {
            self.cycles[*owner] += self.machine.cycle() - before;
        }
        self.stack.observe(opcode, &self.machine);
        Ok(())
    }
}

/// The least voltage that simavr converts to a sample's highest ten bits, of which 0 is silence.
fn millivolts(sample: i16) -> u16 {
    let count = i32::from(sample >> 6) + COUNTS / 2;
    let most = COUNTS - 1;
    let millivolts = (count * i32::from(SUPPLY_MILLIVOLTS) + most - 1) / most;
    millivolts as u16
}
