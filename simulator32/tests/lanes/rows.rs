//! Chains that are computed row by row, all of them, as the input arrives.

use herringbone_compiler::network::{
    Activation, Bits, Convolution, Depthwise, Kernel, Kind, Network, Padding, Shape, Stride, Window,
};
use herringbone_tests::layers::{average, dense, maximum};
use herringbone_tests::networks::Case;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;

use crate::{judge_program, programs, runner};

/// Mostly what keeps pairs of pixels between layers, and takes rows of a single channel together,
/// with that share of the poolings that there may be between layers, and of paddings.
fn chains((pooled, padded): (f64, f64)) -> impl Strategy<Value = Network> {
    let side = || select(vec![1u32, 2, 3, 3]);
    let stride = || select(vec![1u32, 1, 1, 2]);
    let sign = select(vec![
        Activation::Relu,
        Activation::Relu,
        Activation::Relu,
        Activation::Linear,
    ]);
    let padding = select(vec![
        Padding::Same,
        Padding::Same,
        Padding::Each(1),
        Padding::Each(2),
    ]);
    let padding = proptest::option::weighted(padded, padding);
    let convolution = (
        (1u32..=11, select(vec![false, false, false, true])),
        (side(), side()),
        (stride(), stride()),
        (sign, padding),
    );
    let convolution = convolution.prop_map(|(outputs, kernel, stride, (activation, padding))| {
        let (outputs, is_depthwise) = outputs;
        let window = Window {
            kernel: Kernel {
                height: kernel.0,
                width: kernel.1,
            },
            stride: Stride {
                rows: stride.0,
                columns: stride.1,
            },
            padding: padding.unwrap_or(Padding::NONE),
        };
        if is_depthwise && padding.is_some() {
            return Kind::Depthwise(Depthwise {
                window,
                activation,
                adds: false,
            });
        }
        Kind::Convolution(Convolution {
            outputs,
            window,
            activation,
            adds: false,
        })
    });
    let window = select(vec![
        (2u32, 2u32),
        (2, 2),
        (2, 2),
        (1, 2),
        (4, 2),
        (2, 3),
        (3, 3),
        (3, 1),
    ]);
    let is_average = select(vec![false, false, true]);
    let pooling = (window, is_average).prop_map(|((height, width), is_average)| {
        let kernel = Kernel { height, width };
        match is_average {
            true => average(kernel),
            false => maximum(kernel),
        }
    });
    let last = proptest::option::weighted(0.6, pooling.clone());
    let pooling = || proptest::option::weighted(pooled, pooling.clone());
    let leading = proptest::option::weighted(0.3, Just(average(Kernel::square(2))));
    let shape = (6u32..=16, 4u32..=16, select(vec![1u32, 1, 2, 3]));
    let bits = (
        select(vec![2u32, 4, 4, 8]),
        // Of 16 bits, sums mostly do not fit lanes.
        select(vec![8u32, 8, 8, 16]),
        select(vec![4u32, 4, 4, 8]),
    );
    let layers = (
        leading,
        pooling(),
        prop::collection::vec((convolution, pooling(), pooling()), 1..=3),
        last,
    );
    (shape, bits, layers, 1u32..=10).prop_filter_map(
        "its layers fit their maps",
        |(shape, (weights, biases, activations), (leading, pooled, layers, last), classes)| {
            let mut kinds: Vec<Kind> = leading.into_iter().chain(pooled).collect();
            for (convolution, pooling, another) in layers {
                kinds.push(convolution);
                kinds.extend(pooling);
                kinds.extend(another);
            }
            kinds.extend(last);
            kinds.push(dense(classes, Activation::Linear));
            let bits = Bits {
                weights,
                biases,
                activations,
            };
            let (height, width, channels) = shape;
            Network::new(Shape::new(height, width, channels), bits, &kinds).ok()
        },
    )
}

/// How many chains there were, how many of them have code that computes all rows as the input
/// arrives, and how many of these keep words between layers.
fn judge_chains(shares: (f64, f64)) -> [u32; 3] {
    let judged = Cell::new([0; 3]);
    let result = runner(60).run(&(chains(shares), any::<u64>()), |(network, seed)| {
        let case = Case::random(network, seed >> 8);
        let found = programs(&case).and_then(|programs| match programs.last() {
            Some(program) => judge_program(&case, program),
            None => Ok(None),
        });
        let found = found.map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        })?;
        let [all, with_code, with_words] = judged.get();
        let mut codes = found.iter().flatten().map(|(_, code, _)| code);
        let loads_words = codes.any(|code| code.alignment() > 1);
        judged.set([
            all + 1,
            with_code + u32::from(found.is_some()),
            with_words + u32::from(loads_words),
        ]);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    judged.get()
}

#[test]
fn rows_give_what_the_evaluator_gives_however_they_are_kept() {
    let [all, with_code, with_words] = judge_chains((0.05, 0.03));
    println!("{with_code} of {all} chains have machine code, {with_words} keep words");
    assert!(3 * with_code > all, "{with_code} of {all} have code");
    assert!(8 * with_words > all, "{with_words} of {all} keep words");
}

#[test]
fn rows_of_poolings_between_layers_give_what_the_evaluator_gives() {
    let [all, with_code, _] = judge_chains((0.5, 0.03));
    println!("{with_code} of {all} chains with poolings have machine code");
    assert!(4 * with_code > 3 * all, "{with_code} of {all} have code");
}

#[test]
fn rows_of_layers_with_padding_give_what_the_evaluator_gives() {
    let [all, with_code, _] = judge_chains((0.2, 0.7));
    println!("{with_code} of {all} chains with padding have machine code");
    assert!(3 * with_code > 2 * all, "{with_code} of {all} have code");
}
