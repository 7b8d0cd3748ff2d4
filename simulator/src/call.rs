//! Calls of single functions of machine code, under the rules of avr-gcc's calling convention
//! (<https://gcc.gnu.org/wiki/avr-gcc>): a breach is an error.

use std::iter;
use std::ops::Range;

use anyhow::{Result, anyhow, bail, ensure};

use crate::assembly::{Assembly, FIRST};
use crate::machine::Machine;
use crate::stack::StackWatch;

/// Registers that a function gives back as it found them, r1 aside, which is 0.
const PRESERVED: [u8; 18] = [
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29,
];

/// The interrupt flag in the status register.
const INTERRUPTS: u8 = 1 << 7;

/// The address of RAMPZ in data space: the part of an address that `elpm` takes from it is free
/// for use in a function (ATmega2560 datasheet, DS40002211A, "RAMPZ").
const RAMPZ: u16 = 0x5B;
/// The addresses of the stack pointer and the status register, which are checked as such.
const STACK_POINTER_AND_STATUS: Range<u16> = 0x5D..0x60;

/// Where a called function returns to; the label and the instruction in front of it.
const RETURN: &str = "herringbone.return";

/// A clock that no code here can see.
const FREQUENCY_HERTZ: u32 = 16_000_000;

/// No function that is called here takes as long.
pub(crate) const MOST_CYCLES: u64 = 50_000_000;

/// A microcontroller that calls functions of a program.
///
/// Before each call all registers that carry no argument hold noise, and so does the status
/// register.
pub struct Caller {
    machine: Machine,
    assembly: Assembly,
    noise: u64,
}

/// What a call took and gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// r0 to r31.
    pub registers: [u8; 32],
    /// The status register.
    pub status: u8,
    /// Cycles from the function's first instruction to its return, both counted.
    pub cycles: u64,
    /// The deepest stack in bytes, the return address counted.
    pub stack_bytes: u16,
}

/// What is reported of a function within a call that returns.
pub type Observer<'a> = &'a mut dyn FnMut(&str, &Machine);

impl Caller {
    /// A `mcu` with the program `text`, its code from `base_bytes` of flash on; `noise` is what registers
    /// and SRAM hold to begin with, as a seed.
    ///
    /// # Errors
    /// When the text cannot be assembled for the part, or the part has no such flash.
    pub fn new(mcu: &str, base_bytes: u32, text: &str, noise: u64) -> Result<Self> {
        // The machine takes a jump to address 0 for a crash.
        let text = format!(
            "\t.section {FIRST}, \"ax\"\n\tnop\n{RETURN}:\n\tbreak\n\t.text\n{text}\n\t.p2align 1\n"
        );
        let assembly = Assembly::new(mcu, base_bytes, &text)?;
        let mut machine = Machine::new(mcu, FREQUENCY_HERTZ, &assembly.segments)?;
        let mut noise = noise;
        let first = usize::from(machine.ram_start());
        machine.data_space_mut()[first..].fill_with(|| random_byte(&mut noise));
        Ok(Self {
            machine,
            assembly,
            noise,
        })
    }

    #[must_use]
    pub fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// The microcontroller, between two calls.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The microcontroller, to set its SRAM between two calls.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Calls `function` with `arguments` in their registers; it may write to `writable` addresses
    /// of data space, and to its stack at the end of SRAM. `observer` hears of every labelled
    /// function within it that returns.
    ///
    /// # Errors
    /// When the function crashes, never returns, or breaks a rule: a register that is not given
    /// back, an r1 that is not 0, a switch of the interrupt flag, a wrong stack pointer, a byte of
    /// data space that is written and is not `writable`, a stack that reaches what is.
    pub fn call(
        &mut self,
        function: &str,
        arguments: &[(u8, u8)],
        writable: &[Range<u16>],
        observer: Option<Observer<'_>>,
    ) -> Result<Returned> {
        self.enter(function, arguments)?;
        let before = Snapshot::of(&self.machine);
        let (cycles, lowest) = self.run(observer)?;
        let after = Snapshot::of(&self.machine);

        for register in PRESERVED {
            let (given, back) = (before.register(register), after.register(register));
            ensure!(
                given == back,
                "{function} does not preserve r{register}: {given:#04x} became {back:#04x}"
            );
        }
        let r1 = after.register(1);
        ensure!(r1 == 0, "{function} leaves {r1:#04x} in r1, not 0");
        ensure!(
            (before.status ^ after.status) & INTERRUPTS == 0,
            "{function} switches interrupts"
        );

        let stack = lowest + 1..self.machine.ram_end() + 1;
        for range in writable {
            ensure!(
                range.end <= stack.start,
                "the stack of {function} reaches {:#06x}, and data end at {:#06x}",
                stack.start,
                range.end
            );
        }
        let mut writable = writable.to_vec();
        writable.extend([stack.clone(), STACK_POINTER_AND_STATUS, RAMPZ..RAMPZ + 1]);
        if let Some(address) = before.first_change(&after, &writable) {
            let (old, new) = (before.data(address), after.data(address));
            let culprit = self.writer(&before, address)?;
            bail!(
                "{function} writes to {address:#06x} at {culprit}: {old:#04x} became {new:#04x}, \
                 and only {writable:04x?} are its to write"
            );
        }

        Ok(Returned {
            registers: std::array::from_fn(|register| after.register(register as u8)),
            status: after.status,
            cycles,
            stack_bytes: self.machine.ram_end() - lowest,
        })
    }

    /// Sets everything as the first instruction of `function` finds it.
    pub(crate) fn enter(&mut self, function: &str, arguments: &[(u8, u8)]) -> Result<()> {
        for register in 0..32 {
            let value = random_byte(&mut self.noise);
            self.machine.set_register(register, value);
        }
        self.machine.set_register(1, 0);
        for &(register, value) in arguments {
            self.machine.set_register(register, value);
        }
        let status = random_byte(&mut self.noise);
        self.machine.set_status(status);

        // As `call` does: in words, the most significant byte at the lowest address.
        let words = self.assembly.address(RETURN)? / 2;
        let end = self.machine.ram_end();
        let bytes = self.machine.return_address_bytes();
        for index in 0..bytes {
            let byte = words.to_le_bytes()[usize::from(index)];
            self.machine.set_data(end - u16::from(index), byte);
        }
        self.machine.set_stack_pointer(end - u16::from(bytes));
        let start = self.assembly.address(function)?;
        self.machine.set_program_counter(start);
        Ok(())
    }

    /// Executes until the entered function returns; its cycles and its lowest stack pointer.
    fn run(&mut self, mut observer: Option<Observer<'_>>) -> Result<(u64, u16)> {
        let stop = self.assembly.address(RETURN)?;
        let start = self.machine.cycle();
        let mut stack = StackWatch::new(self.machine.stack_pointer());
        let mut calls = Calls::default();
        while self.machine.program_counter() != stop {
            if observer.is_some() {
                calls.enter(&self.assembly, &self.machine);
            }
            self.step(&mut stack)?;
            if let Some(observer) = &mut observer {
                calls.leave(&self.machine, observer);
            }
            if self.machine.cycle() - start > MOST_CYCLES {
                let place = self.assembly.place(self.machine.program_counter());
                bail!("it has not returned after {MOST_CYCLES} cycles: it is at {place}");
            }
        }
        let (returned, end) = (self.machine.stack_pointer(), self.machine.ram_end());
        ensure!(
            returned == end,
            "the stack pointer is {returned:#06x} after the call, not {end:#06x}"
        );
        Ok((self.machine.cycle() - start, stack.lowest()))
    }

    pub(crate) fn step(&mut self, stack: &mut StackWatch) -> Result<()> {
        let pc = self.machine.program_counter();
        let opcode = self.machine.opcode(pc);
        self.machine
            .step()
            .map_err(|error| anyhow!("the code {error} at {}", self.assembly.place(pc)))?;
        stack.observe(opcode, &self.machine);
        Ok(())
    }

    /// The place of the instruction that first writes another value to `address`, in a run from
    /// `before` on.
    fn writer(&mut self, before: &Snapshot, address: u16) -> Result<String> {
        let stop = self.assembly.address(RETURN)?;
        before.restore(&mut self.machine);
        let mut stack = StackWatch::new(self.machine.stack_pointer());
        loop {
            let pc = self.machine.program_counter();
            self.step(&mut stack)?;
            if self.machine.data(address) != before.data(address) {
                return Ok(self.assembly.place(pc));
            }
            ensure!(
                self.machine.program_counter() != stop,
                "the second run of a call differs from the first"
            );
        }
    }
}

/// Functions that are entered and have not returned: names, and the stack pointer at entry.
#[derive(Default)]
struct Calls(Vec<(String, u16)>);

impl Calls {
    fn enter(&mut self, assembly: &Assembly, machine: &Machine) {
        if let Some(name) = assembly.label_at(machine.program_counter()) {
            let stack_pointer = machine.stack_pointer();
            // A loop whose head is the function's first instruction is no call.
            if !self.0.iter().any(|(_, entered)| *entered == stack_pointer) {
                self.0.push((name.to_owned(), stack_pointer));
            }
        }
    }

    fn leave(&mut self, machine: &Machine, observer: &mut Observer<'_>) {
        let stack_pointer = machine.stack_pointer();
        while let Some((name, entered)) = self.0.last()
            && *entered < stack_pointer
        {
            observer(name, machine);
            self.0.pop();
        }
    }
}

/// A microcontroller's state.
struct Snapshot {
    data_space: Vec<u8>,
    status: u8,
    program_counter: u32,
}

impl Snapshot {
    fn of(machine: &Machine) -> Self {
        Self {
            data_space: machine.data_space().to_vec(),
            status: machine.status(),
            program_counter: machine.program_counter(),
        }
    }

    fn restore(&self, machine: &mut Machine) {
        machine.data_space_mut().copy_from_slice(&self.data_space);
        machine.set_status(self.status);
        machine.set_program_counter(self.program_counter);
    }

    fn register(&self, register: u8) -> u8 {
        self.data(register.into())
    }

    fn data(&self, address: u16) -> u8 {
        self.data_space[usize::from(address)]
    }

    /// The first address after the registers that holds another byte in `after` and is not
    /// `writable`.
    fn first_change(&self, after: &Self, writable: &[Range<u16>]) -> Option<u16> {
        const REGISTERS: usize = 32;
        let mut expected = self.data_space.clone();
        let bytes = writable
            .iter()
            .map(|it| usize::from(it.start)..it.end.into());
        for range in iter::once(0..REGISTERS).chain(bytes) {
            expected[range.clone()].copy_from_slice(&after.data_space[range]);
        }
        // Slices are compared far faster than their bytes are.
        if expected == after.data_space {
            return None;
        }
        let mut pairs = expected.iter().zip(&after.data_space);
        let address = pairs.position(|(expected, found)| expected != found)?;
        u16::try_from(address).ok()
    }
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a byte of it.
fn random_byte(state: &mut u64) -> u8 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed >> 56) as u8
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    /// Calls `f`, which may write to the 16 bytes from 0x0180 on.
    fn call(mcu: &str, text: &str) -> Result<Returned> {
        let mut caller = Caller::new(mcu, 0x100, text, 1)?;
        let writable = 0x0180..0x0190;
        caller.call("f", &[(24, 7), (22, 5)], slice::from_ref(&writable), None)
    }

    #[test]
    fn a_call_has_its_result_cycles_and_stack() {
        let text = "f: push r2\nmov r2, r24\nadd r2, r22\nrcall g\npop r2\nret\n\
                    g: mov r24, r2\nsts 0x0180, r2\nret";
        for (mcu, address_bytes) in [("attiny85", 2), ("atmega328p", 2), ("atmega2560", 3)] {
            let returned = call(mcu, text).unwrap();
            assert_eq!(returned.registers[24], 12, "{mcu}");
            assert_eq!(returned.stack_bytes, 2 * address_bytes + 1, "{mcu}");
            // ATmega328P datasheet, DS40002061B, "Instruction Set Summary".
            let expected = if address_bytes == 2 { 20 } else { 23 };
            assert_eq!(returned.cycles, expected, "{mcu}");
        }
    }

    #[test]
    fn every_broken_rule_is_reported() {
        let broken = [
            ("f: com r17\nret", "f does not preserve r17: "),
            ("f: inc r1\nret", "f leaves 0x01 in r1, not 0"),
            (
                "f: sts 0x0190, r24\nret",
                "f writes to 0x0190 at 0x0100, 0 bytes into f: ",
            ),
            (
                "f: sts 0x0160, r24\nret",
                "f writes to 0x0160 at 0x0100, 0 bytes into f: ",
            ),
            (
                "f: out 0x12, r24\nret",
                "f writes to 0x0032 at 0x0100, 0 bytes into f: ",
            ),
            (
                "f: ldi r24, 0x80\nin r25, 0x3f\neor r25, r24\nout 0x3f, r25\nret",
                "f switches ",
            ),
            (
                "f: pop r24\npop r25\nadiw r30, 0\npush r25\npush r24\npush r24\nret",
                "the code started over: ",
            ),
            ("f: rjmp f", "it has not returned after "),
            ("f: ldi r30, 0xff\nldi r31, 0x7f\nijmp", "the code "),
            (
                "f: ldi r30, 1\nclr r31\nijmp",
                "the stack pointer is 0x08fd after the call, not ",
            ),
        ];
        for (text, message) in broken {
            let error = call("atmega328p", text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn the_stack_may_not_reach_the_data() {
        let text = "f: ldi r24, 0x7f\nldi r25, 1\nin r22, 0x3d\nin r23, 0x3e\nin r0, 0x3f\ncli\n\
                    out 0x3e, r25\nout 0x3d, r24\nnop\nout 0x3e, r23\nout 0x3d, r22\n\
                    out 0x3f, r0\nret";
        let error = call("atmega328p", text).unwrap_err().to_string();
        assert_eq!(
            error,
            "the stack of f reaches 0x0180, and data end at 0x0190"
        );
    }

    #[test]
    fn functions_within_a_call_are_observed() {
        let text = "f: rcall g\nrcall h\nret\ng: dec r24\nbrne g\nret\nh: rcall g\nret";
        let mut caller = Caller::new("atmega328p", 0x100, text, 1).unwrap();
        let mut seen = Vec::new();
        let mut observer = |name: &str, _: &Machine| seen.push(name.to_owned());
        caller.call("f", &[], &[], Some(&mut observer)).unwrap();
        assert_eq!(seen, ["g", "g", "h", "f"]);
    }
}
