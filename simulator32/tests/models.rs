//! 8-bit models on simulated cores of 32 bits: the function of a layer gives the bytes that the
//! model's own arithmetic gives, in the stack that it was expected to take, keeps the registers
//! that a caller wants kept, and writes to nothing but its stack and these bytes.
//!
//! `PROPTEST_CASES` says how many models, `PROPTEST_RNG_SEED` which.

#[path = "lanes/device.rs"]
#[expect(dead_code, reason = "networks are run as a whole")]
mod device;

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context as _, Result, ensure};
use herringbone_compiler::backend::PixelValues;
use herringbone_compiler::backend::lanes::{self, Kernel, Kernels, KnownScales, LayerSums};
use herringbone_compiler::declaration::CodeChoice;
use herringbone_compiler::network::NodeId;
use herringbone_compiler::program::{Program, QuantisedKernel, RescaledSum, SumParameters};
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_simulator32::program::Function;
use herringbone_tests::random_models::{ModelRecipe, models};
use herringbone_tests::tflite_file::{CONV_2D, Field, ModelFile};
use herringbone_tflite::Graph;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use device::{AnyMachine, MAP, Simulated};

/// Where a function's values begin, which are at no word; those of the pieces are that far apart.
const VALUES: u32 = MAP.sram_start + 0x203;
/// The addresses of pieces.
const ADDRESSES: u32 = MAP.sram_start;

/// A layer's function in a part's flash.
struct Part {
    machine: AnyMachine,
    kept: Vec<usize>,
    stack_bytes: u32,
}

/// What a call gave and took.
struct Called {
    bytes: Vec<i8>,
    cycles: u64,
}

impl Part {
    fn new(simulated: Simulated, kernel: &Kernel) -> Result<Self> {
        let bytes = kernel.bytes();
        let function = Function {
            name: "layer".to_owned(),
            address: 0,
            bytes: bytes.len() as u32,
        };
        let (machine, kept) = simulated.machine(
            vec![(0, bytes.to_vec())],
            vec![function],
            vec![("layer".to_owned(), 0)],
        )?;
        Ok(Self {
            machine,
            kept,
            stack_bytes: lanes::stack_bytes(simulated.core()),
        })
    }

    /// Calls the function with the values of each tap.
    fn call(&mut self, kernel: &Kernel, taps: &[Vec<i8>]) -> Result<Called> {
        let sums = &kernel.sums;
        let bytes = |values: &[i8]| values.iter().map(|&it| it as u8).collect::<Vec<u8>>();
        let mut at = VALUES;
        let values = match &sums.values {
            PixelValues::Together => {
                self.machine.write(at, &bytes(&taps.concat()));
                VALUES
            }
            PixelValues::OfOneTap(tap) => {
                self.machine.write(at, &bytes(&taps[*tap as usize]));
                VALUES
            }
            PixelValues::ByAddress(pieces) => {
                let mut addresses = Vec::new();
                for &tap in pieces {
                    self.machine.write(at, &bytes(&taps[tap as usize]));
                    addresses.extend(at.to_le_bytes());
                    at += sums.values_of_piece + 5;
                }
                self.machine.write(ADDRESSES, &addresses);
                ADDRESSES
            }
        };
        let output = at + sums.values_of_piece + 3;
        let before = self.machine.sram().to_vec();
        let (_, cycles, stack) = self.machine.call("layer", &[values, output], &self.kept)?;
        ensure!(
            stack == self.stack_bytes,
            "{stack} bytes of stack, not {}",
            self.stack_bytes
        );
        let after = self.machine.sram();
        let first = (output - MAP.sram_start) as usize;
        let outputs = first..first + sums.outputs as usize;
        for (offset, (old, new)) in before.iter().zip(after).enumerate() {
            let is_stack = offset as u32 >= MAP.sram_bytes - stack;
            ensure!(
                old == new || is_stack || outputs.contains(&offset),
                "a stray write {offset} bytes after the start"
            );
        }
        let bytes = after[outputs].iter().map(|&byte| byte as i8).collect();
        Ok(Called { bytes, cycles })
    }
}

/// The weighted sums of each layer.
fn layers(program: &Program) -> BTreeMap<NodeId, (&QuantisedKernel, u32)> {
    let steps = program.steps();
    let steps = steps.map(|step| (step.node, &step.operation, step.field.kernel.taps()));
    let stages = program.all_stages();
    let stages = stages.map(|it| (it.plan.node, &it.operation, it.field.kernel.taps()));
    let kernels = steps.chain(stages).filter_map(|(node, operation, taps)| {
        let kernel = &operation.quantised()?.kernel;
        kernel.sum()?;
        Some((node, (kernel, taps)))
    });
    kernels.collect()
}

/// The bytes of a pixel, of the values of each tap.
fn expected(kernel: &QuantisedKernel, sum: &RescaledSum, taps: &[Vec<i8>]) -> Vec<i8> {
    let SumParameters::Constant(constants) = &sum.products.parameters else {
        return Vec::new();
    };
    let outputs = sum.products.outputs as usize;
    let products = |output: usize| -> i32 {
        let weight = |row: usize| i32::from(constants.weights[row * outputs + output]);
        match kernel {
            QuantisedKernel::Depthwise { multiplier, .. } => {
                let channel = output / *multiplier as usize;
                let taps = taps.iter().enumerate();
                taps.map(|(tap, values)| weight(tap) * i32::from(values[channel]))
                    .sum()
            }
            _ => {
                let values = taps.iter().flatten().enumerate();
                values.map(|(row, &it)| weight(row) * i32::from(it)).sum()
            }
        }
    };
    (0..outputs)
        .map(|output| sum.byte_of(output, products(output)))
        .collect()
}

/// Bytes of which many are those of 0 after an activation.
fn drawn(state: &mut u32) -> i8 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    match *state >> 29 {
        0 | 1 => i8::MIN,
        2 => i8::MAX,
        _ => (*state >> 16) as i8,
    }
}

/// Runs the functions of a model's layers on every core; how many layers there are, and how many
/// of these have functions.
fn judge(recipe: &ModelRecipe, drawn_plan: usize) -> Result<(usize, usize)> {
    let graph = Graph::read(&recipe.file())?;
    let Ok(model) = Model::of(&graph) else {
        return Ok((0, 0));
    };
    let plans = PlannedModel::of(&model, |_| {}).plans;
    let plan = &plans[drawn_plan % plans.len()];
    let program = lower(&graph, &model, &plan.memory);
    let layers = layers(&program);
    let mut with_code = 0;
    let mut known = KnownScales::default();
    let forms = [CodeChoice::Table, CodeChoice::Unrolled];
    let cores = Simulated::ALL.into_iter();
    for (simulated, form) in cores.flat_map(|core| forms.map(|form| (core, form))) {
        let layer_sums = LayerSums::of(&program, &mut known);
        let kernels = Kernels::of(&layer_sums, simulated.core(), form, u32::MAX);
        with_code = kernels.iter().count();
        for kernel in kernels.iter() {
            let node = kernel.sums.node;
            let (quantised, taps) = layers[&node];
            let sum = quantised.sum().context("it has sums")?;
            let values = match quantised {
                QuantisedKernel::Dense(_) => sum.products.rows,
                QuantisedKernel::Depthwise { multiplier, .. } => sum.products.outputs / multiplier,
                _ => sum.products.inputs,
            };
            let taps = match quantised {
                QuantisedKernel::Dense(_) => 1,
                _ => taps,
            };
            let mut part = Part::new(simulated, kernel)?;
            let mut state = node.index() as u32;
            for _ in 0..4 {
                let taps: Vec<Vec<i8>> = (0..taps)
                    .map(|_| (0..values).map(|_| drawn(&mut state)).collect())
                    .collect();
                let called = part.call(kernel, &taps);
                let told = || format!("{simulated:?}, {form:?}, node {node}");
                let called = called.with_context(told)?;
                let expected = expected(quantised, sum, &taps);
                ensure!(
                    called.bytes == expected,
                    "{simulated:?}, {form:?}, node {node}: {:?} instead of {expected:?}",
                    called.bytes
                );
            }
        }
    }
    Ok((layers.len(), with_code))
}

#[test]
fn layers_of_random_models_give_the_bytes_of_their_own_arithmetic() {
    let number = |name: &str, default: u32| {
        let given = env::var(name).ok();
        given.map_or(default, |it| it.parse().expect("it is a number"))
    };
    let mut runner = TestRunner::new(Config {
        cases: number("PROPTEST_CASES", 100),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(number("PROPTEST_RNG_SEED", 1).into()),
        ..Config::default()
    });
    let found = std::cell::Cell::new((0, 0));
    let result = runner.run(&(models(), any::<usize>()), |(recipe, drawn_plan)| {
        let (layers, with_code) = judge(&recipe, drawn_plan)
            .map_err(|error| TestCaseError::fail(format!("{recipe:?}: {error:#}")))?;
        let (all, all_with_code) = found.get();
        found.set((all + layers, all_with_code + with_code));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (all, with_code) = found.get();
    println!("{with_code} of {all} layers have machine code");
    assert!(
        10 * with_code > 8 * all,
        "{with_code} of {all} layers have code"
    );
}

/// A model of one convolution of 3×3 taps of that many channels to 8 outputs.
fn convolution(channels: i32) -> Vec<u8> {
    let mut file = ModelFile::default();
    let input = file.scaled(&[1, 3, 3, channels], (1.0 / 64.0, -128));
    let count = 8 * 9 * channels;
    let mut state = 1;
    let weights: Vec<i8> = (0..count).map(|_| drawn(&mut state) | 1).collect();
    let weights = file.weights(&[8, 3, 3, channels], &weights);
    let biases = file.ints(&[8], &[100; 8]);
    let output = file.scaled(&[1, 1, 1, 8], (1.0, 3));
    let options = vec![
        (0, Field::Byte(1)),
        (1, Field::Int(1)),
        (2, Field::Int(1)),
        (3, Field::Byte(0)),
    ];
    file.operator(CONV_2D, &[input, weights, biases], &[output], options);
    file.inputs = vec![input];
    file.outputs = vec![output];
    file.bytes()
}

/// Cycles of its only layer, of values of which none is skipped.
fn cycles((simulated, form): (Simulated, CodeChoice), channels: i32) -> Result<u64> {
    let graph = Graph::read(&convolution(channels))?;
    let model = Model::of(&graph)?;
    let plans = PlannedModel::of(&model, |_| {}).plans;
    let program = lower(&graph, &model, &plans[0].memory);
    let layer_sums = LayerSums::of(&program, &mut KnownScales::default());
    let kernels = Kernels::of(&layer_sums, simulated.core(), form, u32::MAX);
    let kernel = kernels.iter().next().context("the layer has code")?;
    let taps = vec![vec![77; channels as usize]; 9];
    Ok(Part::new(simulated, kernel)?.call(kernel, &taps)?.cycles)
}

#[test]
fn a_multiply_accumulate_takes_at_most_6_cycles_by_table_and_4_unrolled() -> Result<()> {
    for simulated in Simulated::ALL {
        for (form, most) in [(CodeChoice::Table, 6.0), (CodeChoice::Unrolled, 4.0)] {
            // Rescaling and all else that every pixel takes is the same of both.
            let more = cycles((simulated, form), 32)? - cycles((simulated, form), 16)?;
            let each = more as f64 / f64::from(8 * 9 * 16);
            println!("{simulated:?}, {form:?}: {each:.2} cycles");
            let multiplies = simulated != Simulated::Ch32v003;
            ensure!(
                !multiplies || each <= most,
                "{simulated:?}, {form:?}: {each:.2}"
            );
        }
    }
    Ok(())
}
