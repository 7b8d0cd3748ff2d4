//! Weights that come at run time: packed parameters after the arena.

use std::cell::Cell;

use anyhow::{Context as _, Result, anyhow, ensure};
use herringbone_compiler::backend::lanes::{self, Form};
use herringbone_compiler::declaration::{CodeChoice, Declaration, WeightsSource};
use herringbone_compiler::plan;
use herringbone_compiler::program::{self, Accumulators, Program};
use herringbone_tests::networks::{Case, graphs_within};
use herringbone_tests::reference::evaluate;
use proptest::prelude::*;

use crate::device::{Device, Simulated, Taken};
use crate::published::{Published, mean_cycles, published};

/// More than the simulated part has room for beside the rest.
const MOST_PARAMETER_BYTES: usize = 6 << 10;

/// The programs of a case that store maps row by row, with their parameters: the one that computes
/// when the input is complete, then those that compute some layers, or all, as it arrives.
fn loaded(case: &Case) -> Vec<(Program, Vec<u8>)> {
    let declaration = Declaration {
        weights: WeightsSource::Runtime,
        code: CodeChoice::Table,
        ..crate::declaration(&case.network)
    };
    let flow = case.network.dataflow().with_rings(plan::Rings::Rows);
    let sum_bytes = Accumulators::at_run_time(&case.network).sum_bytes();
    let strategies = plan::Strategy::all(&flow).into_iter();
    let strategies = strategies.filter(|it| it.rest == plan::InPlace::RowMajor);
    let programs = strategies.filter_map(|strategy| {
        let plan = plan::plan(&flow, &sum_bytes, strategy);
        let program = program::lower_runtime(&declaration, &plan);
        // Sums may pass those that there are at run time.
        let parameters = program::pack_parameters(&declaration, &case.weights, &plan).ok()?;
        Some((program, parameters))
    });
    programs.collect()
}

/// Runs the code of a program whose parameters are loaded, on every core; whether there is any. Of
/// the forms, those that differ for such weights.
fn judge(case: &Case, (program, parameters): &(Program, Vec<u8>)) -> Result<bool> {
    if parameters.len() > MOST_PARAMETER_BYTES {
        return Ok(false);
    }
    let cores = Simulated::ALL.into_iter();
    let forms = [Form::TableByWords, Form::TableByValues];
    for (simulated, form) in cores.flat_map(|core| forms.map(|form| (core, form))) {
        let Ok(code) = lanes::emit(program, simulated.core(), |_| form) else {
            return Ok(false);
        };
        let mut device = Device::new(simulated, program, &code)?;
        device.load(parameters);
        for (input, taken) in case.inputs.iter().zip(Taken::ALL.iter().cycle()) {
            let inference = device.infer(input, &code, *taken)?;
            let expected = evaluate(&case.network, &case.weights, input);
            ensure!(
                inference.results == expected.results(),
                "{simulated:?} {form:?} {taken:?}: results are {:?}, not {:?}",
                inference.results,
                expected.results()
            );
        }
    }
    Ok(true)
}

/// How many programs there were, and how many of them have code: of those that compute when the
/// input is complete, and of others.
#[derive(Default)]
struct Judged(Cell<[[u32; 2]; 2]>);

impl Judged {
    fn add(&self, case: &Case) -> Result<(), TestCaseError> {
        for program in loaded(case) {
            let has_code = judge(case, &program).map_err(|error| {
                let stages = program.0.stages().len();
                TestCaseError::fail(format!(
                    "{} {}, {stages} streamed: {error:#}",
                    case.list(),
                    case.bits()
                ))
            })?;
            let mut judged = self.0.get();
            let [all, with_code] = &mut judged[usize::from(!program.0.stages().is_empty())];
            *all += 1;
            *with_code += u32::from(has_code);
            self.0.set(judged);
        }
        Ok(())
    }

    fn print(&self) -> [[u32; 2]; 2] {
        let judged = self.0.get();
        for ([all, with_code], told) in judged.iter().zip(["whole", "streamed"]) {
            println!("{with_code} of {all} {told} have machine code by loaded weights");
        }
        judged
    }
}

#[test]
fn machine_code_of_chains_by_loaded_weights_gives_what_the_evaluator_gives() {
    let judged = Judged::default();
    let strategy = (crate::networks(), any::<u64>());
    let result = crate::runner(150).run(&strategy, |(network, seed)| {
        judged.add(&Case::random(network, seed >> 8))
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let [[all, with_code], [streamed, streamed_with_code]] = judged.print();
    assert!(2 * with_code > all);
    assert!(2 * streamed_with_code > streamed);
}

#[test]
fn machine_code_of_graphs_by_loaded_weights_gives_what_the_evaluator_gives() {
    let judged = Judged::default();
    let result = crate::runner(150).run(&graphs_within(7), |recipe| judged.add(&recipe.case()));
    result.unwrap_or_else(|error| panic!("{error}"));
    let [[all, with_code], [streamed, streamed_with_code]] = judged.print();
    assert!(2 * with_code > all);
    assert!(2 * streamed_with_code > streamed);
}

/// A core, and the most cycles of `run`.
const ASKED: [(Simulated, u64); 3] = [
    (Simulated::CortexM0, 400_000),
    (Simulated::Rv32imc, 370_000),
    (Simulated::Ch32v003, 780_000),
];

#[test]
fn the_published_network_takes_what_the_readme_says_by_loaded_weights() -> Result<()> {
    let case = published(Published::Small, "digits")?;
    let programs = loaded(&case);
    let whole = programs.first().context("its sums fit")?;
    let streamed = programs.last().context("its sums fit")?;
    for (program, parameters) in [whole, streamed] {
        for (simulated, most_cycles) in ASKED {
            let choice = |_| CodeChoice::Fastest;
            let code = lanes::choose(program, simulated.core(), choice, u32::MAX)
                .map_err(|reason| anyhow!("{reason}"))?;
            let mut device = Device::new(simulated, program, &code)?;
            device.load(parameters);
            let mean = mean_cycles(&mut device, &case, &code)?.run;
            println!(
                "{simulated:?} by loaded weights, {} streamed: run {mean} cycles (expected {:.0}), {} B of flash, {} of stack, arena {}",
                program.stages().len(),
                code.cycles(),
                code.flash_bytes(),
                code.stack_bytes(),
                program.arena_bytes,
            );
            assert!(mean <= most_cycles, "{mean}");
        }
    }
    Ok(())
}
