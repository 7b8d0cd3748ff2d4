//! Random networks × plans × forms of code × weights × inputs: the planned
//! program, on an arena that faults at every wrong read and write, gives what
//! the naive evaluator gives, layer by layer.

use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::interpreter::{self, Fault, FaultKind, Outcome};
use herringbone_compiler::network::{Bits, Kernel, LayerKind, Network, Shape};
use herringbone_compiler::plan::{self, Intake, Order, Strategy};
use herringbone_compiler::program::{self, Program};
use herringbone_compiler::weights;
use herringbone_tests::networks::{self, Case, Recipe, recipes};
use herringbone_tests::published::convolution;
use herringbone_tests::reference::{Trace, evaluate};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// The maps that a program stores: what the intake makes of the input, then
/// every layer's output but logits.
fn stored_maps<'a>(case: &Case, trace: &'a Trace) -> Vec<&'a [i64]> {
    let mut maps = Vec::new();
    let layers = case.network.layers().iter().zip(&trace.layers);
    let mut layers = layers.filter(|(layer, _)| !layer.is_dropout()).peekable();
    let pooled = |kind| matches!(kind, LayerKind::AveragePool { .. });
    if !layers.peek().is_some_and(|(first, _)| pooled(first.kind)) {
        maps.push(&trace.input.values[..]);
    }
    maps.extend(layers.map(|(_, map)| &map.values[..]));
    if case.network.gives_logits() {
        maps.pop();
    }
    maps
}

/// The outcome must be what the naive evaluator gives, layer by layer.
fn agrees(
    case: &Case,
    told: &str,
    trace: &Trace,
    outcome: Result<Outcome, Fault>,
) -> Result<(), TestCaseError> {
    match outcome {
        Err(fault) => prop_assert!(false, "{told}: {fault}"),
        Ok(outcome) => {
            let expected = stored_maps(case, trace);
            prop_assert_eq!(outcome.maps.len(), expected.len(), "{}", told);
            for (index, (map, expected)) in outcome.maps.iter().zip(expected).enumerate() {
                prop_assert_eq!(map, expected, "{}: map {}", told, index);
            }
            prop_assert_eq!(&outcome.results, trace.results(), "{}", told);
        }
    }
    Ok(())
}

fn declaration(network: &Network, code: CodeChoice) -> Declaration {
    Declaration {
        network: network.clone(),
        budget: Budget::default(),
        reserve: Reserve::default(),
        weights: WeightsSource::File,
        plan: PlanChoice::default(),
        code,
        layer_code: BTreeMap::new(),
    }
}

fn agree(recipe: &Recipe, code: CodeChoice) -> Result<(), TestCaseError> {
    let case = recipe.case();
    let declaration = declaration(&case.network, code);
    let proven = match program::prove(&case.network, &case.weights) {
        Ok(proven) => proven,
        Err(errors) => {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Err(TestCaseError::reject(errors.join("; ")));
        }
    };
    for strategy in [Strategy::ROW_MAJOR, Strategy::HERRINGBONE] {
        let plan = plan::plan(&case.network, strategy);
        let program = program::lower(&declaration, &case.weights, &proven, &plan);
        // Sums at run time may be narrower than these weights need.
        let parameters = program::pack_parameters(&declaration, &case.weights, &plan).ok();
        let loaded = program::lower_runtime(&declaration, &plan);
        for input in &case.inputs {
            let trace = evaluate(&case.network, &case.weights, input);
            let told = format!("{} {} {strategy}", case.list(), case.bits());
            agrees(&case, &told, &trace, interpreter::run(&program, input))?;
            if let Some(parameters) = &parameters {
                let outcome = interpreter::run_with_parameters(&loaded, parameters, input);
                agrees(&case, &format!("{told}, loaded"), &trace, outcome)?;
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_planned_program_computes_what_the_design_says(
        recipe in recipes(),
        code in select(vec![CodeChoice::Table, CodeChoice::Unrolled]),
    ) {
        agree(&recipe, code)?;
    }
}

/// `[16, 16, 1] => < A, C1(3,3), C1(4,3) >`, row-major: its maps are at the high
/// end, the low end and the high end of the arena.
fn tampered(tamper: impl Fn(&mut Program)) -> FaultKind {
    let window = Kernel::square(2);
    let kinds = [
        LayerKind::AveragePool { window },
        convolution(3, 3),
        convolution(4, 3),
    ];
    let network = Network::new(Shape::new(16, 16, 1), Bits::default(), &kinds).unwrap();
    let file = networks::greatest_weights(&network);
    let weights = weights::read(&network, &file).unwrap();
    let plan = plan::plan(&network, Strategy::ROW_MAJOR);
    let declaration = declaration(&network, CodeChoice::Table);
    let proven = program::prove(&network, &weights).unwrap();
    let mut program = program::lower(&declaration, &weights, &proven, &plan);
    let input = [200; 256];
    interpreter::run(&program, &input).unwrap();
    tamper(&mut program);
    interpreter::run(&program, &input).unwrap_err().kind
}

#[test]
fn a_smaller_arena_faults() {
    let kind = tampered(|program| program.arena_bytes -= 1);
    assert!(matches!(kind, FaultKind::OutsideArena { .. }), "{kind}");
}

#[test]
fn a_map_moved_by_a_cell_faults() {
    let kind = tampered(|program| program.maps[1].first_cell += 1);
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

#[test]
fn a_step_in_another_order_faults() {
    let kind = tampered(|program| program.steps[1].order = Order::RowMajor);
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

#[test]
fn a_field_moved_by_a_column_faults() {
    let kind = tampered(|program| program.steps[0].field.column_stride = 2);
    assert!(matches!(kind, FaultKind::OutsideMap { .. }), "{kind}");
}

#[test]
fn sums_in_a_stored_map_fault() {
    let kind = tampered(|program| {
        let first_cell = program.maps[0].first_cell;
        if let Intake::Pool {
            sums_first_byte, ..
        } = &mut program.intake.intake
        {
            *sums_first_byte = first_cell / 2;
        }
    });
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}
