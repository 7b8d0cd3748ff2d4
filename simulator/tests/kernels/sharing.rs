//! Windows of a stream that share what the first layers compute: both parts of the code, called
//! as the generated type does, give what the evaluator gives for each window, within their bounds.

use std::env;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use herringbone_compiler::Planned;
use herringbone_compiler::backend::{WorstCase, avr};
use herringbone_compiler::budget::{self, PartDesign, Sharing};
use herringbone_compiler::program::Program;
use herringbone_compiler::syntax;
use herringbone_simulator::call::Caller;
use herringbone_tests::networks::{Noise, StreamCase};
use herringbone_tests::reference::evaluate;

use crate::MOST_STEPS;

/// Random networks whose windows share something, each in every way that they can.
const NETWORKS: usize = 60;

/// Windows of a stream that are judged.
const WINDOWS: usize = 5;

/// A part of a network on a simulated microcontroller.
struct Device {
    caller: Caller,
    program: Program,
    worst_case: WorstCase,
    network: u16,
}

impl Device {
    fn new(mcu: &str, part: &PartDesign, noise: u64) -> Result<Self> {
        let code = part.design.footprint.code.as_ref();
        let code = code.and_then(|code| code.as_any().downcast_ref::<avr::Code>());
        let code = code.context("the part has no code of its own")?;
        let caller = Caller::new(mcu, 0x200, &code.program_text(), noise)?;
        let network = caller.machine().ram_start() + 8;
        let mut device = Self {
            caller,
            program: part.program(),
            worst_case: code.worst_case(MOST_STEPS).context("there is no bound")?,
            network,
        };
        let cursor = device.network..device.network + device.program.cursor_bytes as u16;
        for address in cursor {
            device.caller.machine_mut().set_data(address, 0);
        }
        Ok(device)
    }

    fn memory(&self) -> Range<u16> {
        let bytes = self.program.cursor_bytes + self.program.arena_bytes;
        self.network..self.network + bytes as u16
    }

    /// What `Cursor::go_to` does.
    fn go_to(&mut self, (row, column): (u32, u32)) {
        let (rows, columns) = self.program.cursor_axis_bytes();
        let mut address = self.network;
        for (place, bytes) in [(row, rows), (column, columns)] {
            for byte in place.to_le_bytes().into_iter().take(bytes as usize) {
                self.caller.machine_mut().set_data(address, byte);
                address += 1;
            }
        }
    }

    /// Whether the input is complete, and the cycles.
    fn absorb(&mut self, byte: u8) -> Result<(bool, u64)> {
        let [low, high] = self.network.to_le_bytes();
        let arguments = [(24, low), (25, high), (22, byte)];
        let returned = self
            .caller
            .call("absorb", &arguments, &[self.memory()], None)?;
        Ok((returned.registers[24] != 0, returned.cycles))
    }

    fn infer(&mut self) -> Result<(Vec<i64>, u64)> {
        let results = self.memory().end + 8;
        let each = self.program.results.integer.bytes() as u16;
        let bytes = self.program.results.count as u16 * each;
        let [low, high] = self.network.to_le_bytes();
        let [results_low, results_high] = results.to_le_bytes();
        let arguments = [(24, low), (25, high), (22, results_low), (23, results_high)];
        let writable = [self.memory(), results..results + bytes];
        let returned = self.caller.call("infer", &arguments, &writable, None)?;
        let machine = self.caller.machine();
        let result = |index: u16| {
            let first = results + index * each;
            let bytes = |at: u16| machine.data(first + at);
            match each {
                2 => i64::from(i16::from_le_bytes([bytes(0), bytes(1)])),
                _ => i64::from(i32::from_le_bytes([bytes(0), bytes(1), bytes(2), bytes(3)])),
            }
        };
        let count = self.program.results.count as u16;
        Ok(((0..count).map(result).collect(), returned.cycles))
    }

    /// The newest output of the first layers, as bytes of an input.
    fn output(&self) -> Vec<u8> {
        let map = self.program.map(self.program.output);
        let arena = self.network + self.program.cursor_bytes as u16;
        let bits = self.program.activation_bits;
        (map.first_cell..map.first_cell + map.shape.values())
            .map(|cell| match bits {
                8 => self.caller.machine().data(arena + cell as u16),
                _ => {
                    let byte = self.caller.machine().data(arena + (cell / 2) as u16);
                    (byte >> (4 * (cell % 2))) << 4
                }
            })
            .collect()
    }
}

fn judge(mcu: &str, stream: &StreamCase, sharing: &Sharing, number: u64) -> Result<()> {
    let case = &stream.case;
    let mut leading = Device::new(mcu, &sharing.leading, number)?;
    let mut trailing = Device::new(mcu, &sharing.trailing, number + 1)?;
    let repeat = leading.program.repeat.context("the input has an end")?;
    leading.go_to(repeat.pixel(leading.program.input, repeat.first));
    let input_bytes = case.network.input().values() as usize;
    let stride_bytes = stream.stride as usize * stream.sample_bytes();
    let kept_bytes = sharing.prefix.trailing.input().values() as usize;
    let bytes = Noise(number).bytes(input_bytes + (WINDOWS - 1) * stride_bytes);
    let mut kept = vec![0; kept_bytes];
    let (mut since_output, mut windows) = (0, 0);
    for (&byte, taken) in bytes.iter().zip(1..) {
        let (is_complete, cycles) = leading.absorb(byte)?;
        let bound = leading.worst_case.push_cycles;
        ensure!(cycles <= bound, "a push took {cycles}, more than {bound}");
        since_output += cycles;
        if is_complete {
            kept.extend(leading.output());
            leading.go_to(repeat.pixel(leading.program.input, repeat.period));
            let bound = leading.worst_case.cycles;
            ensure!(
                since_output <= bound,
                "an output took {since_output}, more than {bound}"
            );
            since_output = 0;
        }
        if taken < input_bytes || !(taken - input_bytes).is_multiple_of(stride_bytes) {
            continue;
        }
        let mut window_cycles = 0;
        trailing.go_to((0, 0));
        for &byte in &kept[kept.len() - kept_bytes..] {
            window_cycles += trailing.absorb(byte)?.1;
        }
        let (results, cycles) = trailing.infer()?;
        window_cycles += cycles;
        let bound = trailing.worst_case.cycles;
        ensure!(
            window_cycles <= bound,
            "a window took {window_cycles}, more than {bound}"
        );
        let trace = evaluate(
            &case.network,
            &case.weights,
            &bytes[taken - input_bytes..taken],
        );
        ensure!(
            results == trace.results(),
            "after {taken} bytes {results:?}, not {:?}",
            trace.results()
        );
        windows += 1;
    }
    ensure!(windows == WINDOWS, "{windows} windows");
    Ok(())
}

fn judge_on(mcu: &str, first: u64) {
    let networks = match env::var("PROPTEST_CASES") {
        Ok(cases) => cases.parse().expect("a number"),
        Err(_) => NETWORKS,
    };
    let mut judged = 0;
    for number in first.. {
        let Some(stream) = StreamCase::of(number) else {
            continue;
        };
        let StreamCase {
            case,
            length,
            stride,
        } = &stream;
        let text = format!(
            "Net: {}, bits: {}, window: {{ length: {length}, stride: {stride} }}, \
             weights: \"w\", target: {mcu}",
            case.list(),
            case.bits(),
        );
        let declaration = syntax::parse(text.parse().expect("tokens")).declaration;
        let declaration = declaration.expect("a declaration");
        let planned = Planned::with_weights(&declaration, Some(Ok(case.file.clone())));
        let sharings = budget::every_sharing(&declaration, &planned.sums(&declaration));
        judged += usize::from(!sharings.is_empty());
        for sharing in sharings {
            let nodes = sharing.prefix.nodes;
            if let Err(error) = judge(mcu, &stream, &sharing, number) {
                panic!("network {number}, cut after {nodes} nodes: {text}: {error:#}");
            }
        }
        if judged == networks {
            return;
        }
    }
}

#[test]
fn windows_that_share_layers_on_atmega328p_give_what_the_design_says() {
    judge_on("atmega328p", 0);
}

#[test]
fn windows_that_share_layers_on_atmega2560_give_what_the_design_says() {
    judge_on("atmega2560", 10_000);
}

#[test]
fn windows_that_share_layers_on_attiny85_give_what_the_design_says() {
    judge_on("attiny85", 20_000);
}
