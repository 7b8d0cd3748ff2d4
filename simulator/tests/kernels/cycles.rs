//! What a multiply-accumulate takes in layers of each kind.
use super::graphs::*;
use herringbone_compiler::avr;
use herringbone_compiler::declaration::WeightsSource;
use herringbone_compiler::network::*;
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;

#[test]
fn table_of_cycles() {
    let part = Target::named("atmega2560").unwrap();
    for unrolled in [u32::MAX, 0] {
        for c in [4u32, 8, 16, 32] {
            for bits in [(4, 4), (8, 8)] {
                let w = |k: u32, s: u32, p| window((k, k), (s, s), p);
                let kinds: Vec<(&str, Kind)> = vec![
                    (
                        "C1(c,3)",
                        convolution(c, w(3, 1, Padding::NONE), Activation::Relu),
                    ),
                    (
                        "C1(c,3,same)",
                        convolution(c, w(3, 1, Padding::Same), Activation::Relu),
                    ),
                    (
                        "C1(c,3,s2)",
                        convolution(c, w(3, 2, Padding::NONE), Activation::Relu),
                    ),
                    (
                        "C1(c,1)",
                        convolution(c, w(1, 1, Padding::NONE), Activation::Relu),
                    ),
                    (
                        "C1(c,1,s2)",
                        convolution(c, w(1, 2, Padding::NONE), Activation::Relu),
                    ),
                    ("T(3)", depthwise(w(3, 1, Padding::NONE), Activation::Relu)),
                    (
                        "T(3,same)",
                        depthwise(w(3, 1, Padding::Same), Activation::Relu),
                    ),
                    (
                        "T(3,s2)",
                        depthwise(w(3, 2, Padding::NONE), Activation::Relu),
                    ),
                ];
                let mut row = format!("{unrolled:>10x} c={c:<3} {bits:?} ");
                for (name, kind) in kinds {
                    let bits = Bits {
                        weights: bits.0,
                        activations: bits.1,
                        ..Bits::default()
                    };
                    let network = Network::new(Shape::new(9, 9, c), bits, &[kind]).unwrap();
                    let case = Case::random(network, 3);
                    let strategy = herringbone_compiler::plan::Strategy::ROW_MAJOR;
                    let (program, _) =
                        crate::program(part, &case, strategy, WeightsSource::File).unwrap();
                    let form = if unrolled > 0 {
                        avr::Form::Unrolled
                    } else {
                        avr::Form::Table
                    };
                    let code = avr::emit(&program, avr::Core::of(part), |_| form);
                    let function = code.functions.last().unwrap();
                    let macs = case.network.multiply_accumulates() as f64;
                    row += &format!(
                        " {name} {:.2} ({}B)",
                        function.cycles / macs,
                        function.flash_bytes
                    );
                }
                println!("{row}");
            }
        }
    }
}
