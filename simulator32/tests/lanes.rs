//! Random networks on simulated cores of 32 bits: the backend's machine code gives what the
//! naive evaluator gives, in the flash and the stack that it was expected to take, keeps the
//! registers that a caller wants kept, and writes to nothing but its own memory.
//!
//! `PROPTEST_CASES` says how many networks, `PROPTEST_RNG_SEED` which: the same ones each
//! time, unless it is given.

#[path = "lanes/blocks.rs"]
mod blocks;
#[path = "lanes/device.rs"]
mod device;
#[path = "lanes/eight_bits.rs"]
mod eight_bits;
#[path = "lanes/large_windows.rs"]
mod large_windows;
#[path = "lanes/leading_averages.rs"]
mod leading_averages;
#[path = "lanes/loaded.rs"]
mod loaded;
#[path = "lanes/published.rs"]
mod published;
#[path = "lanes/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context as _, Result, anyhow, ensure};
use herringbone_compiler::backend::lanes::{self, Code, Form};
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{
    Activation, Bits, Convolution, Dense, Depthwise, Entry, Item, Kernel, Kind, Network, Padding,
    Separable, Shape, Stride, Window,
};
use herringbone_compiler::plan;
use herringbone_compiler::program::{self, Program};
use herringbone_compiler::weights::Weights;
use herringbone_tests::layers::{average, dense, maximum};
use herringbone_tests::networks::{Case, graphs_within, recipes};
use herringbone_tests::published::convolution;
use herringbone_tests::reference::evaluate;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use device::{Device, Simulated, Taken};

/// So that a change is judged by the same networks as the code before it.
const DEFAULT_SEED: u64 = 1;

/// A network without a budget, weights as instructions.
fn declaration(network: &Network) -> Declaration {
    Declaration {
        network: network.clone(),
        budget: Budget {
            target: None,
            sram_bytes: None,
            flash_bytes: None,
        },
        reserve: Reserve::default(),
        weights: WeightsSource::File,
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code: CodeChoice::Unrolled,
        layer_code: BTreeMap::new(),
    }
}

/// The programs of a network that stores its maps row by row: one that computes when the input
/// is complete, and those that compute some layers, or all, as it arrives.
fn programs(case: &Case) -> Result<Vec<Program>> {
    let declaration = declaration(&case.network);
    let proven = program::prove(&case.network, &case.weights).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!("{}", errors.join("; "))
    })?;
    let flow = case.network.dataflow().with_rings(plan::Rings::Rows);
    let mut strategies = plan::Strategy::all(&flow);
    strategies.retain(|strategy| strategy.rest == plan::InPlace::RowMajor);
    let programs = strategies.into_iter().map(|strategy| {
        let plan = plan::plan(&flow, &proven.sum_bytes(), strategy);
        program::lower(&declaration, &case.weights, &proven, &plan)
    });
    // A leading `A` is pooled as the input arrives in any case.
    Ok(programs.collect())
}

/// The program that computes when the input is complete.
fn program(case: &Case) -> Result<Program> {
    let first = programs(case)?.into_iter().next();
    first.context("there is a plan row by row")
}

/// Runs the code of a case on every core; `None` where there is none of a program that computes
/// when the input is complete.
fn judge(case: &Case) -> Result<Option<Judged>> {
    let mut judged = Judged::default();
    for (index, program) in programs(case)?.iter().enumerate() {
        let stages = program.stages().len();
        let runs = judge_program(case, program).with_context(|| format!("{stages} streamed"))?;
        match (index, runs) {
            (0, None) => return Ok(None),
            (0, Some(runs)) => judged.runs = runs,
            (_, runs) => {
                judged.streamed += 1;
                judged.streamed_with_code += usize::from(runs.is_some());
            }
        }
    }
    Ok(Some(judged))
}

/// What the code of a case took, and how many of its plans with streamed layers have code.
#[derive(Default)]
struct Judged {
    runs: Vec<(Simulated, Code, u64)>,
    streamed: usize,
    streamed_with_code: usize,
}

/// Runs the code of a program on every core, in each form; `None` where there is none.
fn judge_program(case: &Case, program: &Program) -> Result<Option<Vec<(Simulated, Code, u64)>>> {
    let mut judged = Vec::new();
    let cores = Simulated::ALL.into_iter();
    for (simulated, form) in cores.flat_map(|core| Form::ALL.map(|form| (core, form))) {
        let Ok(code) = lanes::emit(program, simulated.core(), |_| form) else {
            return Ok(None);
        };
        let mut device = Device::new(simulated, program, &code)?;
        let mut cycles = 0;
        for input in &case.inputs {
            // Several times: what an inference leaves in memory changes no later one.
            for taken in Taken::ALL {
                let told = || format!("{simulated:?} {form:?} {taken:?}");
                let inference = device.infer(input, &code, taken).with_context(told)?;
                let expected = evaluate(&case.network, &case.weights, input);
                ensure!(
                    inference.results == expected.results(),
                    "{simulated:?} {form:?} {taken:?}: results are {:?}, not {:?}",
                    inference.results,
                    expected.results()
                );
                cycles = inference.cycles;
            }
        }
        judged.push((simulated, code, cycles));
    }
    Ok(Some(judged))
}

fn window() -> impl Strategy<Value = Window> {
    let kernel = (select(vec![1u32, 2, 3, 5]), select(vec![1u32, 2, 3, 4, 5]));
    let stride = (1u32..=3, 1u32..=3);
    let padding = prop_oneof![
        3 => Just(Padding::NONE),
        2 => Just(Padding::Same),
        1 => Just(Padding::Each(1)),
    ];
    (kernel, stride, padding).prop_map(|(kernel, stride, padding)| Window {
        kernel: Kernel {
            height: kernel.0,
            width: kernel.1,
        },
        stride: Stride {
            rows: stride.0,
            columns: stride.1,
        },
        padding,
    })
}

/// Chains of what this backend has kernels for.
fn networks() -> impl Strategy<Value = Network> {
    let signs = || select(vec![Activation::Relu, Activation::Relu, Activation::Linear]);
    let convolution = (1u32..=14, window(), signs()).prop_map(|(outputs, window, activation)| {
        Kind::Convolution(Convolution {
            outputs,
            window,
            activation,
            adds: false,
        })
    });
    let depthwise = (window(), signs()).prop_map(|(window, activation)| {
        Kind::Depthwise(Depthwise {
            window,
            activation,
            adds: false,
        })
    });
    let separable = (1u32..=14, window(), signs()).prop_map(|(outputs, window, activation)| {
        Kind::Separable(Separable {
            outputs,
            window,
            activation,
            adds: false,
        })
    });
    let hidden = (1u32..=14, signs()).prop_map(|(outputs, activation)| dense(outputs, activation));
    let side = || select(vec![1u32, 2, 2, 3, 4]);
    let pooling =
        (any::<bool>(), side(), side()).prop_map(|(is_average, height, width)| match is_average {
            true => average(Kernel { height, width }),
            false => maximum(Kernel { height, width }),
        });
    let windowed = prop_oneof![3 => convolution, 1 => depthwise, 1 => separable];
    let letters =
        prop::collection::vec((windowed, proptest::option::weighted(0.4, pooling)), 0..=3);
    let leading = proptest::option::weighted(
        0.3,
        select(vec![(2, 2), (1, 2), (4, 2)])
            .prop_map(|(height, width)| average(Kernel { height, width })),
    );
    let bits = (
        select(vec![2u32, 4, 8]),
        select(vec![8u32, 16]),
        select(vec![4u32, 4, 8]),
    );
    (
        (1u32..=14, 1u32..=14, 1u32..=5),
        bits,
        (leading, letters, proptest::option::weighted(0.3, hidden)),
        (1u32..=13, prop::bool::weighted(0.8)),
    )
        .prop_filter_map(
            "its layers fit their maps",
            |(shape, bits, (leading, letters, hidden), (outputs, has_sums))| {
                let mut kinds: Vec<Kind> = leading.into_iter().collect();
                for (convolution, pooling) in letters {
                    kinds.push(convolution);
                    kinds.extend(pooling);
                }
                kinds.extend(hidden);
                // Else results are activations.
                if has_sums {
                    kinds.push(dense(outputs, Activation::Linear));
                }
                let bits = Bits {
                    weights: bits.0,
                    biases: bits.1,
                    activations: bits.2,
                };
                Network::new(Shape::new(shape.0, shape.1, shape.2), bits, &kinds).ok()
            },
        )
}

fn runner(cases: u32) -> TestRunner {
    let seed = env::var("PROPTEST_RNG_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let cases = env::var("PROPTEST_CASES")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(cases);
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed.unwrap_or(DEFAULT_SEED)),
        failure_persistence: None,
        max_global_rejects: 1 << 20,
        ..Config::default()
    })
}

#[test]
fn machine_code_of_random_networks_gives_what_the_evaluator_gives() {
    let judged = std::cell::Cell::new((0, 0));
    let streamed = std::cell::Cell::new((0, 0));
    let result = runner(60).run(&(networks(), any::<u64>()), |(network, seed)| {
        let case = Case::random(network, seed >> 8);
        let found = judge(&case).map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        })?;
        let (all, with_code) = judged.get();
        judged.set((all + 1, with_code + u32::from(found.is_some())));
        if let Some(found) = found {
            let (all, with_code) = streamed.get();
            streamed.set((all + found.streamed, with_code + found.streamed_with_code));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (all, with_code) = judged.get();
    println!("{with_code} of {all} networks have machine code");
    assert!(
        4 * with_code > 3 * all,
        "{with_code} of {all} networks have code"
    );
    let (all, with_code) = streamed.get();
    println!("{with_code} of {all} plans with streamed layers have machine code");
    assert!(
        3 * with_code > 2 * all,
        "{with_code} of {all} plans with streamed layers have code"
    );
}

#[test]
fn whatever_machine_code_there_is_of_any_chain_is_right() {
    let result = runner(40).run(&recipes(), |recipe| {
        let case = recipe.case();
        if program::prove(&case.network, &case.weights).is_err() {
            return Ok(());
        }
        let found = judge(&case).map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        });
        found.map(|_| ())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Sums of two pixels are in the lanes of a register, and a shift leaves fewer bits of each than an
/// activation has: those that come from the upper lane must not get into the lower one's activation.
#[test]
fn streamed_activations_of_few_bits_of_a_sum_are_right() -> Result<()> {
    let text =
        "N: [1, 4, 3] => < C1(1,1), C1(1,1) >, bits: { weights: 2, biases: 8, activations: 8 }";
    let parsed = herringbone_compiler::syntax::parse(text.parse().expect("tokens"));
    let network = parsed.declaration.expect("it is right").network;
    for seed in 0..8 {
        let case = Case::random(network.clone(), seed);
        let ids = network.nodes().iter().map(|node| node.id);
        let mut sums: Vec<_> = ids.map(|id| case.weights.node(id).to_vec()).collect();
        let first = &mut sums[0][0];
        first.weight.fill(1);
        first.bias.fill(100);
        first.shift.left = 1;
        first.shift.right = 11;
        let case = Case {
            weights: Weights::new(sums),
            ..case
        };
        ensure!(judge(&case)?.is_some(), "there is code");
    }
    Ok(())
}

/// What a maximum finds over sums is not stored; here another layer reads it too.
#[test]
fn a_convolution_that_is_read_again_is_stored_before_its_maximum() -> Result<()> {
    let named = |label: &str, kind: Kind| Item {
        label: Some(label.to_owned()),
        ..Item::layer(kind)
    };
    let dense_of_both = Entry::Layer {
        kind: Kind::Dense(Dense {
            outputs: 3,
            activation: Activation::Linear,
            adds: true,
        }),
        labels: vec!["scores".to_owned()],
    };
    let items = vec![
        named("map", convolution(2, 3)),
        Item::layer(maximum(Kernel::square(2))),
        named("scores", dense(3, Activation::Relu)),
        Item {
            label: None,
            entry: Entry::From("map".to_owned()),
        },
        Item {
            label: None,
            entry: dense_of_both,
        },
    ];
    let network = Network::of_list(Shape::new(8, 8, 1), Bits::default(), items);
    let network = network.map_err(|errors| anyhow!("{errors:?}"))?;
    let judged = judge(&Case::random(network, 1))?;
    ensure!(judged.is_some(), "there is code");
    Ok(())
}

/// Residual blocks, branches and what joins them.
#[test]
fn machine_code_of_random_graphs_gives_what_the_evaluator_gives() {
    let judged = std::cell::Cell::new([0; 3]);
    let streamed = std::cell::Cell::new((0, 0));
    let result = runner(150).run(&graphs_within(8), |recipe| {
        let case = recipe.case();
        if program::prove(&case.network, &case.weights).is_err() {
            return Ok(());
        }
        let found = judge(&case).map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        })?;
        let joins = case.network.nodes().iter().any(|it| it.reads.len() > 1);
        let [all, with_code, joined_with_code] = judged.get();
        let has_code = u32::from(found.is_some());
        judged.set([
            all + 1,
            with_code + has_code,
            joined_with_code + has_code * u32::from(joins),
        ]);
        if let Some(found) = found
            && joins
        {
            let (all, with_code) = streamed.get();
            streamed.set((all + found.streamed, with_code + found.streamed_with_code));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let [all, with_code, joined_with_code] = judged.get();
    println!("{with_code} of {all} graphs have machine code, {joined_with_code} of them join maps");
    assert!(2 * joined_with_code > all, "{joined_with_code} of {all}");
    let (all, with_code) = streamed.get();
    println!("{with_code} of {all} plans with streamed layers that join maps have machine code");
    assert!(
        2 * with_code > all,
        "{with_code} of {all} plans with streamed layers have code"
    );
}
