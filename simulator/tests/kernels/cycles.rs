//! What a multiply-accumulate is expected to take in layers of each kind, beside a 3×3
//! convolution of the same channels.

use anyhow::Result;
use herringbone_compiler::backend::avr;
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::{Activation, Bits, Kind, Network, Padding, Shape};
use herringbone_compiler::plan::Strategy;
use herringbone_compiler::syntax;
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;

use crate::graphs::{convolution, depthwise, window};
use crate::program;
use crate::shapes::judge_every_form;

/// Expected cycles of a layer's function for each of its multiply-accumulates.
fn cycles_of(kind: Kind, channels: u32, form: avr::CodeForm) -> Result<f64> {
    let part = Target::named("atmega2560").expect("the part is known");
    let network = Network::new(Shape::new(9, 9, channels), Bits::default(), &[kind]);
    let case = Case::random(network.expect("the kernel fits"), 3);
    let (program, _) = program(part, &case, Strategy::ROW_MAJOR, WeightsSource::File)?;
    let code = avr::emit(&program, avr::Core::of(part), |_| form);
    let node = case.network.last_node();
    let cycles: f64 = code.layer(node.id).map(|function| function.cycles).sum();
    Ok(cycles / node.multiply_accumulates() as f64)
}

#[test]
fn strides_and_zeros_around_a_map_cost_next_to_nothing_and_1x1_little() -> Result<()> {
    let of =
        |side: u32, stride: u32, padding: Padding| window((side, side), (stride, stride), padding);
    for form in [avr::CodeForm::Unrolled, avr::CodeForm::Table] {
        for channels in [8, 16, 32] {
            let relu = Activation::Relu;
            let mut row = format!("{form:?}, {channels} channels:");
            let mut cycles = |name: &str, kind: Kind| -> Result<f64> {
                let cycles = cycles_of(kind, channels, form)?;
                row += &format!(" {name} {cycles:.2}");
                Ok(cycles)
            };
            let plain = cycles(
                "C1(n,3)",
                convolution(channels, of(3, 1, Padding::NONE), relu),
            )?;
            let strided = convolution(channels, of(3, 2, Padding::NONE), relu);
            let strided = cycles("stride 2", strided)?;
            let padded = convolution(channels, of(3, 1, Padding::Same), relu);
            let padded = cycles("same", padded)?;
            let pointwise = convolution(channels, of(1, 1, Padding::NONE), relu);
            let pointwise = cycles("C1(n,1)", pointwise)?;
            cycles("T(3)", depthwise(of(3, 1, Padding::NONE), relu))?;
            println!("{row}");
            assert!(strided < 1.1 * plain && padded < 1.1 * plain, "{row}");
            // What rounds a sum is divided among few.
            let most = if channels == 32 { 1.5 } else { 2.0 };
            assert!(pointwise < most * plain, "{row}");
        }
    }
    Ok(())
}

/// How many functions layers have in the code of a list.
fn functions_of_layers(list: &str, form: avr::CodeForm) -> Result<usize> {
    let part = Target::named("atmega328p").expect("the part is known");
    let parsed = syntax::parse(format!("N: {list}").parse().expect("tokens"));
    let network = parsed.declaration.expect("it is right").network;
    let case = Case::random(network, 3);
    let (program, _) = program(part, &case, Strategy::ROW_MAJOR, WeightsSource::File)?;
    let code = avr::emit(&program, avr::Core::of(part), |_| form);
    let names = code
        .functions
        .iter()
        .map(|function| function.id.to_string());
    Ok(names.filter(|name| name.starts_with("layer")).count())
}

#[test]
fn a_maximum_has_no_function_where_it_is_of_sums_that_are_not_rounded_yet() -> Result<()> {
    let list = "[10, 10, 8] => < C1(8,3), M, D*(4) >";
    assert_eq!(functions_of_layers(list, avr::CodeForm::Unrolled)?, 2);
    assert_eq!(functions_of_layers(list, avr::CodeForm::Table)?, 3);
    Ok(())
}

#[test]
fn maxima_of_fields_beyond_the_map_are_found_over_sums_too() -> Result<()> {
    let part = Target::named("atmega328p").expect("the part is known");
    for list in [
        "[9, 8, 8] => < C1(4,3, padding: same), M, D*(4) >",
        "[8, 11, 8] => < C1(6,5, padding: 2), M(3), D*(4) >",
        "[6, 6, 8] => < C1(20,2, padding: same), M, D*(4) >",
    ] {
        let parsed = syntax::parse(format!("N: {list}").parse().expect("tokens"));
        let network = parsed.declaration.expect("it is right").network;
        judge_every_form(part, 0x100, &Case::random(network, 7))?;
        let functions = functions_of_layers(list, avr::CodeForm::Unrolled)?;
        println!("{list}: {functions} functions");
    }
    Ok(())
}
