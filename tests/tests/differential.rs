//! Random networks × plans × forms of code × weights × inputs: the planned
//! program, on an arena that faults at every wrong read and write, gives what
//! the naive evaluator gives, layer by layer.
//!
//! `PROPTEST_CASES` says how many networks of either kind.

use herringbone_compiler::backend::interpreter::{self, Fault, FaultKind, Outcome};
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{Bits, Kernel, Network, Shape};
use herringbone_compiler::plan::{self, Order, Rings, Strategy, SumBytes};
use herringbone_compiler::program::{self, Accumulators, Job, Program, Step};
use herringbone_compiler::weights;
use herringbone_tests::fixtures;
use herringbone_tests::layers::average;
use herringbone_tests::networks::{self, Case, graphs, recipes, steps};
use herringbone_tests::published::convolution;
use herringbone_tests::reference::{FeatureMap, Trace, evaluate};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// The values of the rows and columns that a shape has.
fn cropped(map: &FeatureMap, shape: Shape) -> Vec<i64> {
    let mut values = Vec::new();
    for row in 0..shape.height {
        let first = (row * map.shape.width * shape.channels) as usize;
        values.extend(&map.values[first..][..(shape.width * shape.channels) as usize]);
    }
    values
}

/// The outcome must be what the naive evaluator gives, layer by layer.
fn agrees(told: &str, trace: &Trace, outcome: Result<Outcome, Fault>) -> Result<(), TestCaseError> {
    match outcome {
        Err(fault) => prop_assert!(false, "{told}: {fault}"),
        Ok(outcome) => {
            for (&value, map) in &outcome.maps {
                let expected = cropped(trace.value(value), map.shape);
                prop_assert_eq!(&map.values, &expected, "{}: map {}", told, value);
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
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code,
        layer_code: BTreeMap::new(),
    }
}

fn agree(case: &Case, code: CodeChoice) -> Result<(), TestCaseError> {
    let declaration = declaration(&case.network, code);
    let proven = match program::prove(&case.network, &case.weights) {
        Ok(proven) => proven,
        Err(errors) => {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Err(TestCaseError::reject(errors.join("; ")));
        }
    };
    let inputs = case.inputs.iter();
    let traces = inputs.map(|input| (input, evaluate(&case.network, &case.weights, input)));
    let traces: Vec<(&Vec<u8>, Trace)> = traces.collect();
    let flow = case.network.dataflow();
    // Rings of whole rows are for some backends, and right for all.
    let flows: Vec<_> = [Rings::Pixels, Rings::Rows]
        .iter()
        .map(|&rings| (rings, flow.clone().with_rings(rings)))
        .collect();
    let all = Strategy::all(&flow);
    let plans = flows
        .iter()
        .flat_map(|flow| all.iter().map(move |&it| (flow, it)));
    for ((rings, flow), planned) in plans {
        let plan = plan::plan(flow, &proven.sum_bytes(), planned);
        let strategy = planned.name(flow);
        let program = program::lower(&declaration, &case.weights, &proven, &plan);
        // Sums at run time may be narrower than these weights need.
        let at_run_time = Accumulators::at_run_time(&case.network).sum_bytes();
        let plan = plan::plan(flow, &at_run_time, planned);
        let parameters = program::pack_parameters(&declaration, &case.weights, &plan).ok();
        let loaded = program::lower_runtime(&declaration, &plan);
        for (input, trace) in &traces {
            let told = format!("{} {} {strategy}, {rings:?}", case.list(), case.bits());
            agrees(&told, trace, interpreter::run(&program, input))?;
            if let Some(parameters) = &parameters {
                let outcome = interpreter::run_with_parameters(&loaded, parameters, input);
                agrees(&format!("{told}, loaded"), trace, outcome)?;
            }
        }
    }
    Ok(())
}

fn config(networks: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default.cases,
        None => networks,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        // Sums of some random weights pass 32 bits.
        max_global_rejects: cases + 1000,
        ..default
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn the_planned_program_computes_what_the_design_says(
        recipe in recipes(),
        code in select(vec![CodeChoice::Table, CodeChoice::Unrolled]),
    ) {
        agree(&recipe.case(), code)?;
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn the_planned_program_of_a_graph_computes_what_the_design_says(
        recipe in graphs(),
        code in select(vec![CodeChoice::Table, CodeChoice::Unrolled]),
    ) {
        agree(&recipe.case(), code)?;
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn recurrent_cells_trees_and_prototypes_compute_what_the_design_says(
        recipe in steps(),
        code in select(vec![CodeChoice::Table, CodeChoice::Unrolled]),
    ) {
        agree(&recipe.case(), code)?;
    }
}

/// By every plan, on a random image.
#[test]
fn the_planned_fixtures_compute_what_the_design_says() -> Result<(), TestCaseError> {
    for (name, list) in fixtures::ALL {
        println!("{name}");
        agree(&Case::random(fixtures::network(list), 3), CodeChoice::Table)?;
    }
    Ok(())
}

/// `[16, 16, 1] => < A, C1(3,3), C1(4,3) >`, row-major: its maps are at the high
/// end, the low end and the high end of the arena.
fn tampered(tamper: impl Fn(&mut Program)) -> FaultKind {
    let window = Kernel::square(2);
    let kinds = [average(window), convolution(3, 3), convolution(4, 3)];
    let network = Network::new(Shape::new(16, 16, 1), Bits::default(), &kinds).unwrap();
    let file = networks::greatest_weights(&network);
    let weights = weights::read(&network, &file).unwrap();
    let sum_bytes = SumBytes::all(&network.dataflow(), 2);
    let plan = plan::plan(&network.dataflow(), &sum_bytes, Strategy::ROW_MAJOR);
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
    let kind = tampered(|program| {
        let written = step(program, 0).writes;
        let map = program.maps[written].as_mut();
        map.expect("the step stores a map").first_cell += 1;
    });
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

#[test]
fn a_step_in_another_order_faults() {
    let kind = tampered(|program| step(program, 1).order = Order::RowMajor);
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

#[test]
fn a_field_moved_by_two_rows_faults() {
    let kind = tampered(|program| step(program, 0).field.top = 2);
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

#[test]
fn sums_in_a_stored_map_fault() {
    let kind = tampered(|program| {
        let first_cell = program.map(program.intake.value).first_cell;
        if let Some(pool) = &mut program.intake.pool {
            pool.windows.first_cell = first_cell / 2 * 2;
        }
    });
    assert!(matches!(kind, FaultKind::OverwritesLive { .. }), "{kind}");
}

/// That one of the nodes that are computed alone.
fn step(program: &mut Program, index: usize) -> &mut Step {
    let mut steps = program.jobs.iter_mut().filter_map(|job| match job {
        Job::Layer(step) => Some(step),
        Job::Segment(_) => None,
    });
    steps.nth(index).expect("there is such a step")
}
