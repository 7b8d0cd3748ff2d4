//! 8-bit models on simulated AVR parts: the machine code gives what the model's own graph gives,
//! whatever the plan and the form of the code, in the flash that it was expected to take.

use std::cell::Cell;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use herringbone_compiler::backend::avr::{self, CodeForm};
use herringbone_compiler::target::Target;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_simulator::network::{NetworkCode, SimulatedNetwork};
use herringbone_tests::random_models::{ModelRecipe, models};
use herringbone_tests::shared::shared;
use herringbone_tflite::operators::Softmax;
use herringbone_tflite::{Graph, Node, Operator, Values};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// Bytes of flash before the code.
const VECTORS_BYTES: u32 = 0x400;

/// What a model takes on a part, to be printed.
#[derive(Clone, Copy, Debug, Default)]
#[expect(dead_code, reason = "it is printed whole")]
struct Cost {
    cycles: u64,
    state_bytes: u32,
    stack_bytes: u16,
    flash_bytes: u32,
}

/// Bytes that differ from model to model.
fn input_of(graph: &Graph, seed: u32) -> Vec<u8> {
    let values = graph.tensor(graph.inputs[0]).values() as u32;
    let bytes = (1..=values).map(|index| {
        let mixed = index.wrapping_add(seed).wrapping_mul(2_654_435_761);
        (mixed >> 23) as u8
    });
    bytes.collect()
}

fn softmax(graph: &Graph) -> Option<&Softmax> {
    graph.nodes.iter().rev().find_map(|node| match node {
        Node::Compute {
            operator: Operator::Softmax(it),
            ..
        } => Some(it),
        Node::Compute { .. } | Node::Load { .. } | Node::Store { .. } => None,
    })
}

/// Runs a model by that plan in that form; `None` where it has portable code.
fn run(
    (graph, model): (&Graph, &Model),
    plan: &herringbone_compiler::tflite::Plan,
    (part, form): (&Target, CodeForm),
) -> Result<Option<Cost>> {
    let program = lower(graph, model, &plan.memory);
    let Ok(split) = avr::of_model(&program, avr::Core::of(part)) else {
        return Ok(None);
    };
    let code = avr::emit(&split.program, avr::Core::of(part), |_| form);
    if code.flash_bytes() + VECTORS_BYTES > part.flash_bytes {
        return Ok(None);
    }
    let state_bytes = program.arena_bytes + program.cursor_bytes;
    let mut network = SimulatedNetwork::new(&NetworkCode {
        mcu: part.name.to_owned(),
        text: code.program_text(),
        input_bytes: program.input.values() as usize,
        cursor_bytes: program.cursor_bytes as u16,
        state_bytes: state_bytes as u16,
        parameters: Vec::new(),
        results_bytes: program.results.count as u16,
    })?;
    let mut cost = Cost {
        state_bytes,
        flash_bytes: code.flash_bytes(),
        ..Cost::default()
    };
    for seed in 0..3 {
        let input = input_of(graph, seed);
        let values = Values::Int8(input.iter().map(|&byte| byte as i8).collect());
        let expected = graph.run(&mut graph.state(), &[values])?;
        let Values::Int8(expected) = &expected[0] else {
            return Ok(None);
        };
        let inference = network.infer(&input)?;
        let bytes: Vec<i8> = inference.results.iter().map(|&byte| byte as i8).collect();
        let results = match (split.shares, softmax(graph)) {
            (Some(_), Some(softmax)) => softmax.compute(&bytes),
            _ => bytes,
        };
        ensure!(&results == expected, "{results:?} instead of {expected:?}");
        cost.cycles = cost.cycles.max(inference.cycles);
        cost.stack_bytes = cost.stack_bytes.max(inference.stack_bytes);
    }
    let expected_bytes = code.stack_bytes();
    ensure!(
        u32::from(cost.stack_bytes) <= expected_bytes,
        "{} bytes of stack instead of at most {expected_bytes}",
        cost.stack_bytes
    );
    Ok(Some(cost))
}

/// A random model by one of its plans, in one of both forms.
fn check_random(recipe: &ModelRecipe, (drawn, form): (usize, CodeForm)) -> Result<bool> {
    let graph = Graph::read(&recipe.file())?;
    let Ok(model) = Model::of(&graph) else {
        return Ok(false);
    };
    let part = Target::named("atmega1284p").context("the part is known")?;
    let plans = PlannedModel::of(&model, |_| {}).plans;
    let plan = &plans[drawn % plans.len()];
    let cost = run((&graph, &model), plan, (part, form));
    let cost = cost.with_context(|| format!("{recipe:?}, {}, {form:?}", plan.name))?;
    Ok(cost.is_some())
}

#[test]
fn random_models_compute_as_their_graphs_do() {
    let given = env::var("PROPTEST_CASES").ok();
    let cases = given.map_or(150, |cases| cases.parse().expect("it is a number"));
    let seed = env::var("PROPTEST_RNG_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("it is a number"));
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let forms = prop_oneof![Just(CodeForm::Table), Just(CodeForm::Unrolled)];
    let has_code = Cell::new(0);
    runner
        .run(
            &(models(), any::<usize>(), forms),
            |(recipe, drawn, form)| {
                match check_random(&recipe, (drawn, form)) {
                    Ok(ran) => has_code.set(has_code.get() + u32::from(ran)),
                    Err(error) => return Err(TestCaseError::fail(format!("{error:#}"))),
                }
                Ok(())
            },
        )
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        has_code.get() > cases / 2,
        "only {} of {cases} models had code",
        has_code.get()
    );
}

/// Runs a model by all of its plans that the part has room for, in both forms; how many.
fn check(name: &str, file: &[u8], part: &str) -> Result<usize> {
    let graph = Graph::read(file)?.without_constant_channels();
    let model = Model::of(&graph)?;
    let part = Target::named(part).context("no such part")?;
    let mut runs = 0;
    for plan in &PlannedModel::of(&model, |_| {}).plans {
        if plan.memory.arena_bytes + 400 > part.sram_bytes {
            continue;
        }
        for form in [CodeForm::Table, CodeForm::Unrolled] {
            let cost = run((&graph, &model), plan, (part, form));
            let cost = cost.with_context(|| format!("{name}, {}, {form:?}", plan.name));
            if let Some(cost) = cost? {
                eprintln!("{name}, {}, {form:?}: {cost:?}", plan.name);
                runs += 1;
            }
        }
    }
    Ok(runs)
}

#[test]
fn models_that_others_have_published_compute_as_their_graphs_do() -> Result<()> {
    let Some(models) = shared("tflite/models") else {
        return Ok(());
    };
    for (name, part) in [
        ("microflow_sine", "atmega328p"),
        ("tflm_hello_world", "atmega328p"),
        ("tinymaix_mnist_arduino_q", "atmega328p"),
        ("tinymaix_mnist_valid_q", "atmega328p"),
        ("tflm_micro_speech", "atmega328p"),
        ("mlperf_kws_dscnn", "atmega2560"),
    ] {
        let file = fs::read(models.join(format!("{name}.tflite")))?;
        ensure!(check(name, &file, part)? > 0, "{name} has portable code");
    }
    Ok(())
}
