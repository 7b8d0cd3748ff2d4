//! No kernel of the AVR backend runs out of registers, however many channels
//! and whichever order, bits, form and core.

use herringbone_compiler::backend::avr::{self, CodeForm, Core};
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{Activation, Bits, Kernel, Kind, Network, Shape};
use herringbone_compiler::plan::{self, Strategy, SumBytes};
use herringbone_compiler::program::{self, Program};
use herringbone_compiler::target::Target;
use herringbone_tests::layers::{self, average, dense, maximum};
use herringbone_tests::networks::Case;
use std::collections::BTreeMap;

/// Channel counts around each limit of the register file, and all below.
const CHANNELS: std::ops::RangeInclusive<u32> = 1..=65;

/// Every way in which cores differ in the registers that kernels want: without
/// and with `mul`, and with tables beyond 64 KB.
const PARTS: [&str; 3] = ["attiny85", "atmega328p", "atmega2560"];

fn convolution(outputs: u32, kernel: Kernel) -> Kind {
    layers::convolution(outputs, kernel, Activation::Relu)
}

fn separable(outputs: u32, kernel: Kernel) -> Kind {
    layers::separable(outputs, kernel, Activation::Linear)
}

/// Small networks that together have every kind of layer read, make and pass on
/// that many channels.
fn networks(channels: u32, bits: Bits) -> Vec<Network> {
    let row = Kernel {
        height: 1,
        width: 2,
    };
    let square = Kernel::square(2);
    let last = dense(2, Activation::Linear);
    let lists = [
        vec![maximum(square), last],
        vec![average(row), convolution(3, square), last],
        vec![
            convolution(channels, square),
            maximum(row),
            average(row),
            last,
        ],
        vec![
            separable(channels, square),
            maximum(square),
            separable(channels, Kernel::square(1)),
            dense(channels, Activation::Relu),
            dense(channels, Activation::Linear),
        ],
        vec![
            separable(channels, row),
            average(square),
            convolution(channels, Kernel::square(1)),
        ],
    ];
    let inputs = [channels, channels, 1, 2, channels];
    inputs
        .into_iter()
        .zip(lists)
        .map(|(inputs, kinds)| {
            Network::new(Shape::new(4, 5, inputs), bits, &kinds).expect("the kernels fit")
        })
        .collect()
}

/// One width of weights and activations each, in turn, or all of them where
/// `HERRINGBONE_LONG` is set.
#[test]
fn every_channel_count_has_registers_in_every_kernel_order_and_core() {
    let widths = [(2, 4), (4, 4), (8, 4), (2, 8), (4, 8), (8, 8)];
    let all = std::env::var_os("HERRINGBONE_LONG").is_some();
    for channels in CHANNELS {
        for (index, (weights, activations)) in widths.into_iter().enumerate() {
            let bits = Bits {
                weights,
                biases: 16,
                activations,
            };
            for (number, network) in networks(channels, bits).iter().enumerate() {
                if all || (channels as usize + number) % widths.len() == index {
                    emit_all(network);
                }
            }
        }
    }
}

/// Windows of every shape after a map of that many channels, and over the input: every
/// plan, each on the next part in turn, where `HERRINGBONE_LONG` is not set.
#[test]
fn every_channel_count_has_registers_in_windows_of_every_shape() {
    let all = std::env::var_os("HERRINGBONE_LONG").is_some();
    let mut turn = 0;
    for channels in 1..=80 {
        for (height, width) in [(2, 2), (1, 2), (2, 1), (3, 3)] {
            for activations in [4, 8] {
                let bits = Bits {
                    weights: 4,
                    biases: 16,
                    activations,
                };
                let pool = maximum(Kernel { height, width });
                let first = convolution(channels, Kernel::square(1));
                let last = dense(1, Activation::Linear);
                let lists = [(1, vec![first, pool, last]), (channels, vec![pool, last])];
                let (inputs, kinds) = &lists[turn / 3 % 2];
                let network = Network::new(Shape::new(3, 4, *inputs), bits, kinds);
                let network = network.expect("the windows fit");
                if all {
                    emit_all(&network);
                } else {
                    emit_in_turn(&network, turn);
                }
                turn += 1;
            }
        }
    }
}

/// By every plan, in one form and for one core.
fn emit_in_turn(network: &Network, turn: usize) {
    let case = Case::random(network.clone(), 7);
    let proven = program::prove(network, &case.weights).expect("such sums fit");
    for (index, strategy) in Strategy::all(&network.dataflow()).into_iter().enumerate() {
        let plan = plan::plan(
            &network.dataflow(),
            &SumBytes::all(&network.dataflow(), 4),
            strategy,
        );
        let constant = declaration(network, WeightsSource::File);
        let program = program::lower(&constant, &case.weights, &proven, &plan);
        let form = [CodeForm::Table, CodeForm::Unrolled][(turn + index) / 3 % 2];
        emit_for(&program, PARTS[(turn + index) % 3], &[form]);
    }
}

/// Writes the network down by every plan, in both forms and with parameters that
/// come at run time, for every core.
fn emit_all(network: &Network) {
    let case = Case::random(network.clone(), 7);
    let proven = program::prove(network, &case.weights).ok();
    for strategy in Strategy::all(&network.dataflow()) {
        let plan = plan::plan(
            &network.dataflow(),
            &SumBytes::all(&network.dataflow(), 4),
            strategy,
        );
        let runtime = program::lower_runtime(&declaration(network, WeightsSource::Runtime), &plan);
        emit(&runtime, &[CodeForm::Table]);
        if let Some(proven) = &proven {
            let constant = declaration(network, WeightsSource::File);
            let program = program::lower(&constant, &case.weights, proven, &plan);
            emit(&program, &[CodeForm::Unrolled, CodeForm::Table]);
        }
    }
}

fn emit(program: &Program, forms: &[CodeForm]) {
    for part in PARTS {
        emit_for(program, part, forms);
    }
}

fn emit_for(program: &Program, part: &str, forms: &[CodeForm]) {
    let core = Core::of(Target::named(part).expect("the part is known"));
    for &form in forms {
        let code = avr::emit(program, core, |_| form);
        assert!(code.flash_bytes() > 0);
    }
}

fn declaration(network: &Network, weights: WeightsSource) -> Declaration {
    Declaration {
        network: network.clone(),
        budget: Budget::default(),
        reserve: Reserve::default(),
        weights,
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code: CodeChoice::default(),
        layer_code: BTreeMap::new(),
    }
}
