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

/// The program of a case that computes when the input is complete, row by row, with its parameters;
/// `None` where its sums may pass those that there are at run time.
fn loaded(case: &Case) -> Option<(Program, Vec<u8>)> {
    let declaration = Declaration {
        weights: WeightsSource::Runtime,
        code: CodeChoice::Table,
        ..crate::declaration(&case.network)
    };
    let flow = case.network.dataflow();
    let sum_bytes = Accumulators::at_run_time(&case.network).sum_bytes();
    let mut strategies = plan::Strategy::all(&flow).into_iter();
    let strategy = strategies.find(|it| it.rest == plan::InPlace::RowMajor)?;
    let plan = plan::plan(&flow, &sum_bytes, strategy);
    let program = program::lower_runtime(&declaration, &plan);
    let parameters = program::pack_parameters(&declaration, &case.weights, &plan).ok()?;
    Some((program, parameters))
}

/// Runs the code of a case whose parameters are loaded, on every core; whether there is any. Of
/// the forms, those that differ for such weights.
fn judge(case: &Case) -> Result<bool> {
    let Some((program, parameters)) = loaded(case) else {
        return Ok(false);
    };
    if parameters.len() > MOST_PARAMETER_BYTES {
        return Ok(false);
    }
    let cores = Simulated::ALL.into_iter();
    let forms = [Form::TableByWords, Form::TableByValues];
    for (simulated, form) in cores.flat_map(|core| forms.map(|form| (core, form))) {
        let Ok(code) = lanes::emit(&program, simulated.core(), |_| form) else {
            return Ok(false);
        };
        let mut device = Device::new(simulated, &program, &code)?;
        device.load(&parameters);
        for input in &case.inputs {
            let inference = device.infer(input, &code, Taken::Whole)?;
            let expected = evaluate(&case.network, &case.weights, input);
            ensure!(
                inference.results == expected.results(),
                "{simulated:?} {form:?}: results are {:?}, not {:?}",
                inference.results,
                expected.results()
            );
        }
    }
    Ok(true)
}

/// How many cases there were, and how many of them have code.
#[derive(Default)]
struct Judged(Cell<[u32; 2]>);

impl Judged {
    fn add(&self, case: &Case) -> Result<(), TestCaseError> {
        let has_code = judge(case).map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        })?;
        let [all, with_code] = self.0.get();
        self.0.set([all + 1, with_code + u32::from(has_code)]);
        Ok(())
    }

    fn assert_half(&self) {
        let [all, with_code] = self.0.get();
        println!("{with_code} of {all} have machine code by loaded weights");
        assert!(2 * with_code > all, "{with_code} of {all}");
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
    judged.assert_half();
}

#[test]
fn machine_code_of_graphs_by_loaded_weights_gives_what_the_evaluator_gives() {
    let judged = Judged::default();
    let result = crate::runner(150).run(&graphs_within(7), |recipe| judged.add(&recipe.case()));
    result.unwrap_or_else(|error| panic!("{error}"));
    judged.assert_half();
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
    let (program, parameters) = loaded(&case).context("its sums fit")?;
    for (simulated, most_cycles) in ASKED {
        let choice = |_| CodeChoice::Fastest;
        let code = lanes::choose(&program, simulated.core(), choice, u32::MAX)
            .map_err(|reason| anyhow!("{reason}"))?;
        let mut device = Device::new(simulated, &program, &code)?;
        device.load(&parameters);
        let mean = mean_cycles(&mut device, &case, &code)?.run;
        println!(
            "{simulated:?} by loaded weights: run {mean} cycles (expected {:.0}), {} B of flash, {} of stack",
            code.cycles(),
            code.flash_bytes(),
            code.stack_bytes(),
        );
        assert!(mean <= most_cycles, "{mean}");
    }
    Ok(())
}
