//! The AVR backend writes every network down, however many channels it has:
//! registers never run out.

use herringbone_compiler::avr::{self, Core, Form};
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Shape};
use herringbone_compiler::plan::{self, Strategy, SumBytes};
use herringbone_compiler::program;
use herringbone_compiler::target::Target;
use herringbone_tests::layers::{average, convolution, dense, maximum, separable};
use herringbone_tests::networks::Case;
use std::collections::BTreeMap;

/// A convolution, a separable one, a pooling and a dense layer of that many
/// channels each, behind and in front of as many.
fn network(channels: u32, bits: Bits) -> Network {
    let kernel = Kernel::square(3);
    let linear = Activation::Linear;
    let window = Kernel::square(2);
    let kinds = [
        convolution(channels, kernel, Activation::Relu),
        separable(channels, kernel, linear),
        maximum(window),
        average(window),
        dense(channels, Activation::Relu),
        dense(channels, linear),
    ];
    Network::new(Shape::new(10, 9, 2), bits, &kinds).expect("the kernels fit")
}

#[test]
fn any_number_of_channels_has_registers() {
    for (weights, activations) in [(2, 4), (4, 4), (8, 4), (2, 8), (4, 8), (8, 8)] {
        let bits = Bits {
            weights,
            biases: 16,
            activations,
        };
        for channels in [1, 2, 5, 8, 11, 12, 13, 16, 17, 20, 21, 22, 24, 25, 65] {
            let network = network(channels, bits);
            for strategy in Strategy::all(&network) {
                emit_all(&network, strategy);
            }
        }
    }
}

/// Writes the network down in both forms, and with parameters that come at run
/// time, for parts of every kind.
fn emit_all(network: &Network, strategy: Strategy) {
    let case = Case::random(network.clone(), 7);
    let declaration = |weights| Declaration {
        network: network.clone(),
        budget: Budget::default(),
        reserve: Reserve::default(),
        weights,
        plan: PlanChoice::default(),
        code: CodeChoice::default(),
        layer_code: BTreeMap::new(),
    };
    let sum_bytes = SumBytes::all(network, 4);
    let plan = plan::plan(network, &sum_bytes, strategy);
    let mut programs = vec![program::lower_runtime(
        &declaration(WeightsSource::Runtime),
        &plan,
    )];
    if let Ok(proven) = program::prove(network, &case.weights) {
        let declaration = declaration(WeightsSource::File);
        programs.push(program::lower(&declaration, &case.weights, &proven, &plan));
    }
    for part in ["atmega328p", "attiny85", "atmega2560"] {
        let core = Core::of(Target::named(part).expect("the part is known"));
        for program in &programs {
            for form in [Form::Unrolled, Form::Table] {
                let code = avr::emit(program, core, |_| form);
                assert!(code.flash_bytes() > 0);
            }
        }
    }
}
