//! A simulated part with a network's machine code in its flash.

use anyhow::{Result, ensure};
use herringbone_compiler::backend::lanes::{Code, Core as Written};
use herringbone_compiler::program::Program as Network;
use herringbone_simulator32::core::Core;
use herringbone_simulator32::machine::Machine;
use herringbone_simulator32::memory::Map;
use herringbone_simulator32::program::{Function, InstructionSet, Program};
use herringbone_simulator32::risc_v::{self, Registers, RiscV};
use herringbone_simulator32::thumb::{self, Thumb};

pub(crate) const MAP: Map = Map {
    flash_start: 0,
    flash_bytes: 1 << 20,
    sram_start: 0x2000_0000,
    sram_bytes: 16 << 10,
    uart: None,
    uart_receive: None,
    marker: None,
    registers: &[],
};
/// Not even: a network may begin anywhere, unless its code says that it has to be aligned.
const UNALIGNED: u32 = MAP.sram_start + 61;
/// Nor may an input.
const INPUT: u32 = MAP.sram_start + (8 << 10) + 3;
const MOST_CYCLES: u64 = 100_000_000;

/// A core with its cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    CortexM0,
    CortexM0Plus,
    Rv32imc,
    /// A CH32V003 at 48 MHz.
    Ch32v003,
}

impl Simulated {
    pub(crate) const ALL: [Self; 4] = [
        Self::CortexM0,
        Self::CortexM0Plus,
        Self::Rv32imc,
        Self::Ch32v003,
    ];

    pub(crate) fn core(self) -> Written {
        match self {
            Self::CortexM0 => Written::CortexM0,
            Self::CortexM0Plus => Written::CortexM0Plus,
            Self::Rv32imc => Written::Rv32imc,
            Self::Ch32v003 => Written::Rv32ec,
        }
    }

    /// A part with that program in its flash, and the registers that a caller wants kept.
    pub(crate) fn machine(
        self,
        segments: Vec<(u32, Vec<u8>)>,
        functions: Vec<Function>,
        symbols: Vec<(String, u32)>,
    ) -> Result<(AnyMachine, Vec<usize>)> {
        let (instruction_set, kept) = match self {
            Self::CortexM0 | Self::CortexM0Plus => (InstructionSet::Thumb, (4..12).collect()),
            Self::Rv32imc => (
                InstructionSet::RiscV,
                [3, 4, 8, 9].into_iter().chain(18..28).collect(),
            ),
            Self::Ch32v003 => (InstructionSet::RiscV, vec![3, 4, 8, 9]),
        };
        let program = Program {
            instruction_set,
            segments,
            functions,
            entry: 0,
            symbols,
        };
        let registers = |count: u8, multiplies: bool| Registers { count, multiplies };
        let machine = match self {
            Self::CortexM0 => AnyMachine::Thumb(Machine::new(
                Thumb::new(thumb::Cost::CORTEX_M0),
                MAP,
                program,
            )?),
            Self::CortexM0Plus => AnyMachine::Thumb(Machine::new(
                Thumb::new(thumb::Cost::CORTEX_M0_PLUS),
                MAP,
                program,
            )?),
            Self::Rv32imc => AnyMachine::RiscV(Machine::new(
                RiscV::new(registers(32, true), risc_v::Cost::GENERIC),
                MAP,
                program,
            )?),
            Self::Ch32v003 => AnyMachine::RiscV(Machine::new(
                RiscV::new(registers(16, false), risc_v::Cost::QINGKE_V2_ONE_WAIT_STATE),
                MAP,
                program,
            )?),
        };
        Ok((machine, kept))
    }
}

/// How an input is taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    /// Byte by byte.
    Bytes,
    /// At once, or row by row, where there is code for that.
    Whole,
    /// Some rows at once, others byte by byte, where there is code for rows.
    SomeRows,
}

impl Taken {
    pub(crate) const ALL: [Self; 3] = [Self::Bytes, Self::Whole, Self::SomeRows];

    /// Whether that row of those of an input is taken in at once.
    fn takes_row(self, row: usize) -> bool {
        match self {
            Self::Bytes => false,
            Self::Whole => true,
            Self::SomeRows => row % 3 == 1 || row % 4 == 2,
        }
    }
}

/// What an inference gave and took.
pub(crate) struct Inference {
    pub(crate) results: Vec<i64>,
    /// Of what takes the input in, and of `infer`.
    pub(crate) cycles: u64,
    pub(crate) infer_cycles: u64,
}

pub(crate) enum AnyMachine {
    Thumb(Machine<Thumb>),
    RiscV(Machine<RiscV>),
}

impl AnyMachine {
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) {
        let memory = match self {
            Self::Thumb(machine) => &mut machine.memory,
            Self::RiscV(machine) => &mut machine.memory,
        };
        memory.set_bytes(address, bytes).expect("it is SRAM");
    }

    pub(crate) fn sram(&self) -> &[u8] {
        let memory = match self {
            Self::Thumb(machine) => &machine.memory,
            Self::RiscV(machine) => &machine.memory,
        };
        let bytes = memory.bytes(MAP.sram_start, MAP.sram_bytes);
        bytes.expect("it is SRAM")
    }

    /// The result, cycles and bytes of stack of a function, which keeps those registers.
    pub(crate) fn call(
        &mut self,
        symbol: &str,
        arguments: &[u32],
        kept: &[usize],
    ) -> Result<(u32, u64, u32)> {
        match self {
            Self::Thumb(machine) => call(machine, symbol, arguments, kept),
            Self::RiscV(machine) => call(machine, symbol, arguments, kept),
        }
    }
}

pub(crate) struct Device {
    machine: AnyMachine,
    /// Where the network is.
    network: u32,
    /// Bytes that the code may write to; parameters come after these.
    network_bytes: u32,
    /// Their first address, how many there are, and bytes of each.
    results: (u32, u32, u32),
    /// Registers that a caller wants kept.
    kept: Vec<usize>,
    stack_bytes: u32,
}

impl Device {
    pub(crate) fn new(simulated: Simulated, network: &Network, code: &Code) -> Result<Self> {
        let address = UNALIGNED.next_multiple_of(code.alignment());
        // What there is of `absorb_input`, and nothing to call.
        let whole = code.absorb_input_bytes().unwrap_or(&[0; 2]);
        let absorb_input = (code.absorb_bytes().len() as u32).next_multiple_of(4) + 4;
        let infer = absorb_input + (whole.len() as u32).next_multiple_of(4) + 4;
        let function = |name: &str, address: u32, bytes: &[u8]| Function {
            name: name.to_owned(),
            address,
            bytes: bytes.len() as u32,
        };
        let segments = vec![
            (0, code.absorb_bytes().to_vec()),
            (absorb_input, whole.to_vec()),
            (infer, code.infer_bytes().to_vec()),
        ];
        let functions = vec![
            function("absorb", 0, code.absorb_bytes()),
            function("absorb_input", absorb_input, whole),
            function("infer", infer, code.infer_bytes()),
        ];
        let symbols = [
            ("absorb", 0),
            ("absorb_input", absorb_input),
            ("infer", infer),
        ];
        let symbols = symbols.map(|(name, address)| (name.to_owned(), address));
        let symbols = symbols.to_vec();
        let (machine, kept) = simulated.machine(segments, functions, symbols)?;
        let network_bytes = network.cursor_bytes + network.arena_bytes;
        // After a gap that nothing may be written to.
        let results = (
            address + network_bytes + network.parameter_bytes + 37,
            network.results.count,
            network.results.integer.bytes(),
        );
        let mut device = Self {
            machine,
            network: address,
            network_bytes,
            results,
            kept,
            stack_bytes: code.stack_bytes(),
        };
        // A new network's memory: a cursor of zeros, an arena of whatever there is.
        let noise: Vec<u8> = (0..MAP.sram_bytes)
            .map(|at| (at * 37 % 251) as u8)
            .collect();
        device.machine.write(MAP.sram_start, &noise);
        device
            .machine
            .write(address, &vec![0; network.cursor_bytes as usize]);
        Ok(device)
    }

    /// Loads parameters.
    pub(crate) fn load(&mut self, parameters: &[u8]) {
        let first = self.network + self.network_bytes;
        self.machine.write(first, parameters);
    }

    /// Takes an input in, and computes.
    pub(crate) fn infer(&mut self, input: &[u8], code: &Code, taken: Taken) -> Result<Inference> {
        let is_whole = match taken {
            Taken::Whole => code.absorb_input_bytes().is_some(),
            Taken::Bytes | Taken::SomeRows => false,
        };
        self.machine.write(INPUT, input);
        let before = self.machine.sram().to_vec();
        let (mut cycles, mut deepest) = (0, 0);
        // The next byte.
        let mut next = 0;
        if is_whole {
            let (_, taken, stack) =
                self.machine
                    .call("absorb_input", &[self.network, INPUT], &self.kept)?;
            (cycles, deepest, next) = (taken, stack, input.len());
        }
        while next < input.len() {
            let row_bytes = code.row_bytes().map(|it| it as usize);
            let row_bytes = row_bytes.filter(|it| next % it == 0 && taken.takes_row(next / it));
            let (arguments, bytes) = match (row_bytes, code.row_bytes()) {
                (Some(bytes), _) => (vec![self.network, 0, INPUT + next as u32], bytes),
                (None, Some(_)) => (vec![self.network, input[next].into(), 0], 1),
                (None, None) => (vec![self.network, input[next].into()], 1),
            };
            let (is_complete, taken, stack) =
                self.machine.call("absorb", &arguments, &self.kept)?;
            next += bytes;
            ensure!(
                is_complete == u32::from(next == input.len()),
                "after {next} bytes absorb gives {is_complete}"
            );
            cycles += taken;
            deepest = deepest.max(stack);
        }
        let (first, count, bytes_each) = self.results;
        let (_, infer_cycles, stack) =
            self.machine
                .call("infer", &[self.network, first], &self.kept)?;
        deepest = deepest.max(stack);
        ensure!(
            deepest == code.stack_bytes(),
            "{deepest} bytes of stack, not {}",
            code.stack_bytes()
        );
        let after = self.machine.sram();
        for (offset, (old, new)) in (0..).zip(before.iter().zip(after)) {
            let address = MAP.sram_start + offset;
            let network = self.network..self.network + self.network_bytes;
            let is_ours = network.contains(&address);
            let is_result = (first..first + count * bytes_each).contains(&address);
            let is_stack = offset >= MAP.sram_bytes - self.stack_bytes;
            ensure!(
                is_ours || is_result || is_stack || old == new,
                "a stray write at {address:#x}"
            );
        }
        let results = &after[(first - MAP.sram_start) as usize..];
        let results = results
            .chunks(bytes_each as usize)
            .map(|bytes| match *bytes {
                [low, high] => i64::from(i16::from_le_bytes([low, high])),
                [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
                _ => 0,
            });
        Ok(Inference {
            results: results.take(count as usize).collect(),
            cycles: cycles + infer_cycles,
            infer_cycles,
        })
    }
}

/// Calls a function, and looks whether it keeps those registers.
fn call<C: Core>(
    machine: &mut Machine<C>,
    symbol: &str,
    arguments: &[u32],
    kept: &[usize],
) -> Result<(u32, u64, u32)> {
    let value = |register: usize| 0x1357_9BDF_u32.wrapping_mul(register as u32 + 3);
    for &register in kept {
        machine.core.set_register(register, value(register));
    }
    let run = machine.call(symbol, arguments, MOST_CYCLES)?;
    for &register in kept {
        ensure!(
            machine.core.register(register) == value(register),
            "{symbol} does not keep register {register}"
        );
    }
    let result = machine.core.register(C::ARGUMENTS[0]);
    Ok((result, run.cycles, run.stack_bytes))
}
