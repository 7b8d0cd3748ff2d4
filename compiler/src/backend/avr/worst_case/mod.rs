//! How long code takes at most, from the code itself.
//!
//! The functions are run with an input of which nothing is known. What does not depend
//! on it, such as addresses, counters, positions and weights, is known to the bit, so
//! loops end where they do on the part. Where a branch depends on the input, both ways are
//! run to where they meet again (`flow.rs`); the longer one counts, and what they leave
//! differently is unknown from there on. So the bound holds for every input, and is
//! exceeded by none; it may be above all of them, for no input need take the longer way
//! at every branch.
//!
//! Cycles are those of the classic cores, as everywhere in this backend.

mod byte;
mod flow;
mod memory;
mod run;

use crate::backend::WorstCase;
use crate::backend::avr::code::Code;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::program::Program;
use byte::Byte;
use run::Runner;

/// What of a program the length of its code depends on beside the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Bytes of an input.
    input_bytes: u32,
    /// Bytes of the network's value that are 0 when an input begins.
    cursor_bytes: u32,
    /// Bytes of the value.
    network_bytes: u32,
    /// Bytes of the results.
    results_bytes: u32,
    /// How the input goes on, if it has no end.
    endless: Option<Endless>,
}

/// What an input that goes on without end does to the cursor.
#[derive(Clone, Copy, Debug)]
struct Endless {
    /// Bytes before the first output, and from one to the next.
    input_bytes: [u32; 2],
    /// The row and the column, from which on the cursor then goes.
    pixels: [[u16; 2]; 2],
    /// Bytes of the row, and of the column.
    axis_bytes: [u16; 2],
}

impl Endless {
    fn of(program: &Program) -> Option<Self> {
        let repeat = program.repeat?;
        let input = program.input;
        let samples = [repeat.first, repeat.period];
        let sample_bytes = input.values() / repeat.axis.length(input);
        let (rows, columns) = program.cursor_axis_bytes();
        Some(Self {
            input_bytes: samples.map(|samples| samples * sample_bytes),
            pixels: samples.map(|samples| {
                let (row, column) = repeat.pixel(input, samples);
                [row as u16, column as u16]
            }),
            axis_bytes: [rows as u16, columns as u16],
        })
    }
}

impl Frame {
    pub(crate) fn of(program: &Program) -> Self {
        Self {
            input_bytes: program.input.values(),
            cursor_bytes: program.cursor_bytes,
            network_bytes: program.cursor_bytes + program.arena_bytes + program.parameter_bytes,
            results_bytes: program.results.count * program.results.integer.bytes(),
            endless: Endless::of(program),
        }
    }
}

/// The most cycles of an inference and of a `push`; `None` of code that runs for longer
/// than there is time to look at it, or that its part has no room for.
pub(crate) fn worst_case(code: &Code, steps: u64) -> Option<WorstCase> {
    let frame = code.frame;
    let network = run::first_address(code.core);
    let results = network.checked_add(u16::try_from(frame.network_bytes).ok()?)?;
    let top = u32::from(results) + frame.results_bytes + code.stack_bytes() + 1;
    let mut runner = Runner::new(code, u16::try_from(top).ok()?, steps);
    for address in (network..).take(frame.cursor_bytes as usize) {
        runner.set_byte(address, Byte::ZERO)?;
    }
    if let Some(endless) = frame.endless {
        return endless_worst_case(&mut runner, network, &frame, &endless);
    }
    let mut worst = WorstCase::default();
    for index in 1..=frame.input_bytes {
        let mut cycles = runner.call(FunctionId::Absorb, &[(24, network)])?;
        if index == frame.input_bytes {
            cycles += runner.call(FunctionId::Infer, &[(24, network), (22, results)])?;
        }
        worst.cycles += cycles;
        worst.push_cycles = worst.push_cycles.max(cycles);
    }
    Some(worst)
}

/// The most cycles from one output to the next, and of a `push`, without what becomes of the
/// outputs: over as many periods as it takes until all rings are where they were.
fn endless_worst_case(
    runner: &mut Runner,
    network: u16,
    frame: &Frame,
    endless: &Endless,
) -> Option<WorstCase> {
    let mut worst = WorstCase::default();
    let mut seen = Vec::new();
    for period in 0.. {
        let which = usize::from(period > 0);
        let mut address = network;
        for (place, bytes) in endless.pixels[which].into_iter().zip(endless.axis_bytes) {
            for (byte, address) in place
                .to_le_bytes()
                .into_iter()
                .zip((address..).take(bytes.into()))
            {
                runner.set_byte(address, Byte::new(byte))?;
            }
            address += bytes;
        }
        let cursor = (network..).take(frame.cursor_bytes as usize);
        let cursor: Option<Vec<u8>> = cursor.map(|address| runner.known_byte(address)).collect();
        let cursor = cursor?;
        if seen.contains(&cursor) {
            break;
        }
        seen.push(cursor);
        let mut cycles = 0;
        for _ in 0..endless.input_bytes[which] {
            let push_cycles = runner.call(FunctionId::Absorb, &[(24, network)])?;
            worst.push_cycles = worst.push_cycles.max(push_cycles);
            cycles += push_cycles;
        }
        worst.cycles = worst.cycles.max(cycles);
    }
    Some(worst)
}
