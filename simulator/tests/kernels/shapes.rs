//! Networks of shapes that the random ones hardly have.

use anyhow::{Context, Result, ensure};
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Shape};
use herringbone_compiler::plan;
use herringbone_compiler::target::Target;
use herringbone_tests::layers;
use herringbone_tests::networks::Case;

use crate::device::Site;
use crate::judge::{Subject, judge};
use crate::{Choices, emit, program, told};

/// Wider than the random ones: several passes, outputs on the stack and in registers.
#[test]
fn code_for_wide_layers_computes_what_the_design_says() -> Result<()> {
    let part = Target::named("atmega2560").expect("the part is known");
    for outputs in [12, 13, 16, 17, 21, 23, 26, 33] {
        let relu = Activation::Relu;
        let kinds = [
            layers::convolution(outputs, Kernel::square(3), relu),
            layers::separable(outputs, Kernel::square(1), relu),
            layers::maximum(Kernel::square(2)),
            layers::dense(outputs + 21, relu),
            layers::dense(outputs, Activation::Linear),
        ];
        let network = Network::new(Shape::new(6, 5, 3), Bits::default(), &kinds);
        let network = network.expect("the kernels fit");
        judge_every_form(part, 0x200, &Case::random(network, outputs.into()))?;
    }
    Ok(())
}

/// Inputs of a single row, which kernels and windows of a single row read.
#[test]
fn code_for_time_series_computes_what_the_design_says() -> Result<()> {
    let row = |width| Kernel { height: 1, width };
    let convolution = |width| layers::convolution(8, row(width), Activation::Relu);
    let maximum = |width| layers::maximum(row(width));
    let average = layers::average(row(2));
    let dense = layers::dense(4, Activation::Linear);
    let rest = [
        convolution(5),
        maximum(2),
        convolution(3),
        maximum(4),
        dense,
    ];
    let pooled = [&[average], &rest[..]].concat();
    for (width, channels, kinds) in [(32, 3, &rest[..]), (64, 1, &pooled)] {
        let network = Network::new(Shape::new(1, width, channels), Bits::default(), kinds);
        let case = Case::random(network.expect("the kernels fit"), 1);
        for (part, base_bytes) in [("atmega328p", 0x100), ("attiny85", 0x40)] {
            let part = Target::named(part).expect("the part is known");
            judge_every_form(part, base_bytes, &case)?;
        }
    }
    Ok(())
}

/// As results and as inputs, in both widths.
#[test]
fn activations_of_wide_dense_layers_are_all_results() -> Result<()> {
    let part = Target::named("atmega2560").expect("the part is known");
    for (outputs, activations) in [(300, 8), (601, 4)] {
        let bits = Bits {
            activations,
            ..Bits::default()
        };
        let activation = Activation::Relu;
        let kinds = [7, outputs].map(|outputs| layers::dense(outputs, activation));
        let network = Network::new(Shape::new(1, 3, 1), bits, &kinds);
        let case = Case::random(network.expect("dense layers fit any map"), 5);
        let row_major = position(&case.network, plan::Strategy::ROW_MAJOR);
        judge_form(part, 0x200, &case, (row_major, WeightsSource::File, 0))?;
    }
    Ok(())
}

/// More rings than `ldd` reaches the positions of.
#[test]
fn code_for_many_streamed_layers_computes_what_the_design_says() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    let row = Kernel {
        height: 1,
        width: 3,
    };
    let convolution = layers::convolution(1, row, Activation::Relu);
    let dense = layers::dense(3, Activation::Linear);
    let kinds = [&[convolution; 33][..], &[dense]].concat();
    let network = Network::new(Shape::new(1, 72, 1), Bits::default(), &kinds);
    let case = Case::random(network.expect("the kernels fit"), 2);
    let streamed = position(&case.network, plan::Strategy::STREAMED);
    for unrolled in [0, u32::MAX] {
        judge_form(
            part,
            0x100,
            &case,
            (streamed, WeightsSource::File, unrolled),
        )?;
    }
    Ok(())
}

/// More bytes of weights than the position of a streamed dense layer counts.
#[test]
fn code_for_a_streamed_dense_layer_beyond_64_kilobytes_computes_what_the_design_says() -> Result<()>
{
    let part = Target::named("atmega2560").expect("the part is known");
    let bits = Bits {
        weights: 8,
        ..Bits::default()
    };
    let dense = layers::dense(110, Activation::Linear);
    let network = Network::new(Shape::new(4, 5, 40), bits, &[dense]);
    let case = Case::random(network.expect("a dense layer fits any map"), 7);
    let streamed = position(&case.network, plan::Strategy::STREAMED);
    judge_form(part, 0x200, &case, (streamed, WeightsSource::File, 0))
}

/// By every strategy, as instructions, from tables, and with weights in SRAM.
pub(crate) fn judge_every_form(part: &'static Target, base_bytes: u32, case: &Case) -> Result<()> {
    for form in every_form(case) {
        judge_form(part, base_bytes, case, form)?;
    }
    Ok(())
}

/// The strategy by its place among all; where the weights are; of the layers, which
/// are unrolled.
pub(crate) type Form = (usize, WeightsSource, u32);

/// Every strategy, with weights as instructions, from tables, and in SRAM.
pub(crate) fn every_form(case: &Case) -> impl Iterator<Item = Form> {
    let strategies = 0..plan::Strategy::all(&case.network.dataflow()).len();
    strategies.flat_map(|strategy| {
        [
            (strategy, WeightsSource::File, u32::MAX),
            (strategy, WeightsSource::File, 0),
            (strategy, WeightsSource::Runtime, 0),
        ]
    })
}

fn judge_form(part: &'static Target, base_bytes: u32, case: &Case, form: Form) -> Result<()> {
    let fits = judge_if_it_fits(part, base_bytes, case, form)?;
    ensure!(fits, "the part is too small");
    Ok(())
}

/// Whether it has room on the part.
pub(crate) fn judge_if_it_fits(
    part: &'static Target,
    base_bytes: u32,
    case: &Case,
    (strategy, weights, unrolled): Form,
) -> Result<bool> {
    let choices = Choices {
        strategy,
        weights,
        unrolled,
        is_smallest: false,
        site: Site {
            base_bytes,
            offset_bytes: 5,
            noise: 3,
        },
    };
    let strategy = choices.strategy(&case.network);
    let (program, parameters) = program(part, case, strategy, weights)?;
    let subject = Subject {
        part,
        case,
        program: &program,
        parameters: &parameters,
        code: &emit(part, &program, unrolled),
        site: choices.site,
    };
    if !subject.fits() {
        return Ok(false);
    }
    judge(subject).with_context(|| told(part, case, &choices))?;
    Ok(true)
}

fn position(network: &Network, strategy: plan::Strategy) -> usize {
    let all = plan::Strategy::all(&network.dataflow());
    let strategy = strategy.of(&network.dataflow());
    let position = all.iter().position(|&other| other == strategy);
    position.expect("the network has that plan")
}
