//! `evaluate --on PART`: a network's machine code in the simulator.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use herringbone_compiler::Planned;
use herringbone_compiler::backend::{WorstCase, avr};
use herringbone_compiler::declaration::{Declaration, WeightsSource};
use herringbone_compiler::program::{Accumulator, pack_parameters};
use herringbone_compiler::report::thousands;
use herringbone_compiler::target::Target;
use herringbone_compiler::weights;
use herringbone_dataset::Examples;
use serde::{Deserialize, Serialize};

use crate::text::MOST_STEPS;

/// The program that runs code in simavr. It is one of its own, because simavr is under the
/// GPL.
const SIMULATOR: &str = "herringbone-simulate-network";

/// What the simulator is given: see its `NetworkCode`.
#[derive(Serialize)]
struct NetworkCode {
    mcu: &'static str,
    text: String,
    input_bytes: u32,
    cursor_bytes: u32,
    state_bytes: u32,
    parameters: Vec<u8>,
    results_bytes: u32,
}

/// What it says of an input: see its `Inference`.
#[derive(Deserialize)]
struct Inference {
    results: Vec<u8>,
    cycles: u64,
    push_cycles: u64,
    stack_bytes: u32,
}

/// A network's code for a part.
pub(crate) struct SimulatedPart {
    code: NetworkCode,
    accumulator: Accumulator,
    worst_case: Option<WorstCase>,
}

/// What all inputs gave and took.
pub(crate) struct Measured {
    pub(crate) classes: Vec<usize>,
    cycles: u64,
    most_cycles: u64,
    most_push_cycles: u64,
    stack_bytes: u32,
    worst_case: Option<WorstCase>,
}

/// The part of that name.
pub(crate) fn part(name: &str) -> Result<&'static Target> {
    let Some(target) = Target::named(name) else {
        let nearest = Target::nearest(name);
        let names: Vec<&str> = nearest.iter().map(|it| it.name).collect();
        bail!(
            "no part is called `{name}`; near it are {}",
            names.join(", ")
        );
    };
    Ok(target)
}

/// The declaration as it is for another part: what it says of its own budget is left out.
pub(crate) fn declared_for(mut declaration: Declaration, name: &str) -> Result<Declaration> {
    let target = part(name)?;
    if declaration.budget.target != Some(target) {
        declaration.budget.target = Some(target);
        declaration.budget.sram_bytes = Some(target.sram_bytes);
        declaration.budget.flash_bytes = Some(target.flash_bytes);
    }
    Ok(declaration)
}

impl SimulatedPart {
    /// The code of a network that was planned for a part.
    pub(crate) fn new(
        declaration: &Declaration,
        planned: &Planned,
        weights_file: &[u8],
    ) -> Result<Self> {
        let target = declaration.budget.target.context("there is no target")?;
        let design = &planned.design;
        let code = design.footprint.code.as_ref();
        let code = code.and_then(|code| code.as_any().downcast_ref::<avr::Code>());
        let Some(code) = code else {
            bail!(
                "`{}` does not run code for AVR: only AVR parts are simulated",
                target.name
            );
        };
        let told = |errors: Vec<String>| anyhow::anyhow!("{}", errors.join("; "));
        let parameters = match declaration.weights {
            WeightsSource::Runtime => {
                let weights = weights::read(&declaration.network, weights_file);
                let weights = weights
                    .map_err(|errors| told(errors.iter().map(ToString::to_string).collect()))?;
                pack_parameters(declaration, &weights, &design.plan)
                    .map_err(|errors| told(errors.iter().map(ToString::to_string).collect()))?
            }
            WeightsSource::File | WeightsSource::Nowhere => Vec::new(),
        };
        let program = planned.program(declaration);
        let results = program.results;
        Ok(Self {
            code: NetworkCode {
                mcu: target.name,
                text: code.program_text(),
                input_bytes: program.input.values(),
                cursor_bytes: program.cursor_bytes,
                state_bytes: program.cursor_bytes + program.arena_bytes,
                parameters,
                results_bytes: results.count * results.integer.bytes(),
            },
            accumulator: results.accumulator(),
            worst_case: code.worst_case(MOST_STEPS),
        })
    }

    /// Runs it on every example.
    pub(crate) fn measure(&self, examples: &Examples) -> Result<Measured> {
        let mut child = start()?;
        let mut input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let mut measured = Measured {
            classes: Vec::with_capacity(examples.len()),
            cycles: 0,
            most_cycles: 0,
            most_push_cycles: 0,
            stack_bytes: 0,
            worst_case: self.worst_case,
        };
        let head = serde_json::to_string(&self.code)? + "\n";
        // Where writing fails, the simulator has ended, and says why.
        let mut goes_on = input.write_all(head.as_bytes()).is_ok();
        for example in 0..examples.len() {
            goes_on = goes_on
                && input.write_all(examples.input(example)).is_ok()
                && input.flush().is_ok();
            let Some(line) = lines.next().filter(|_| goes_on) else {
                let mut message = String::new();
                if let Some(mut errors) = child.stderr.take() {
                    errors.read_to_string(&mut message)?;
                }
                child.wait()?;
                bail!(
                    "the simulator stops at {}: {}",
                    examples.names[example],
                    message.trim()
                );
            };
            let inference: Inference = serde_json::from_str(&line?)?;
            measured.classes.push(self.class_of(&inference.results)?);
            measured.cycles += inference.cycles;
            measured.most_cycles = measured.most_cycles.max(inference.cycles);
            measured.most_push_cycles = measured.most_push_cycles.max(inference.push_cycles);
            measured.stack_bytes = measured.stack_bytes.max(inference.stack_bytes);
        }
        drop(input);
        child.wait()?;
        Ok(measured)
    }

    /// The first of the largest.
    fn class_of(&self, results: &[u8]) -> Result<usize> {
        let values: Vec<i32> = match self.accumulator {
            Accumulator::I16 => {
                let chunks = results.as_chunks().0.iter();
                chunks
                    .map(|&bytes| i16::from_le_bytes(bytes).into())
                    .collect()
            }
            Accumulator::I32 => {
                let chunks = results.as_chunks().0.iter();
                chunks.map(|&bytes| i32::from_le_bytes(bytes)).collect()
            }
        };
        let largest = values.iter().max().context("there are no results")?;
        let class = values.iter().position(|value| value == largest);
        class.context("the largest is one of them")
    }
}

impl Measured {
    /// A line of text.
    pub(crate) fn told(&self) -> String {
        let mean = self.cycles / self.classes.len().max(1) as u64;
        let bound = |bound: Option<u64>| {
            bound.map_or(String::new(), |it| {
                format!(" (never above {})", thousands(it))
            })
        };
        format!(
            "cycles: {} on average, {} at most{}; longest `push`: {}{}; deepest stack: {} bytes",
            thousands(mean),
            thousands(self.most_cycles),
            bound(self.worst_case.map(|it| it.cycles)),
            thousands(self.most_push_cycles),
            bound(self.worst_case.map(|it| it.push_cycles)),
            self.stack_bytes
        )
    }
}

/// Starts the simulator: the one beside this program, or in the path.
fn start() -> Result<Child> {
    let beside = std::env::current_exe().ok();
    let beside = beside.map(|program| program.with_file_name(SIMULATOR));
    let program = beside.filter(|program| program.exists());
    let program = program.unwrap_or_else(|| PathBuf::from(SIMULATOR));
    ensure!(
        is_there("avr-as"),
        "assembling for AVR needs binutils-avr: sudo apt install binutils-avr"
    );
    Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| {
            format!(
                "cannot start {SIMULATOR}: install it from a checkout of herringbone by\n\
                 \x20   sudo apt install gcc make pkg-config libclang-dev libelf-dev libzstd-dev \
                 zlib1g-dev avr-libc\n\
                 \x20   cargo install --locked --path simulator"
            )
        })
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
