//! Networks that begin with a recurrent cell go on after their input's end: what `step` gives for
//! each row, and the interpreter, is what the evaluator gives for all rows so far.

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::plan::{self, Strategy};
use herringbone_compiler::program::{self, Job, Operation};
use herringbone_compiler::syntax;
use herringbone_compiler::weights::Weights;
use herringbone_tests::networks::{Case, Noise};
use herringbone_tests::reference::{evaluate, evaluate_on};

/// Rows of a stream, of inputs with up to 7.
const ROWS: u32 = 24;
const SEEDS: u64 = 12;

macro_rules! declare {
    ($name:ident: [$height:literal, $width:literal, $channels:literal], { $($list:tt)* }, $bits:tt) => {
        herringbone::network! {
            $name: [$height, $width, $channels] => <$($list)*>,
            bits: $bits, weights: runtime, plan: streamed,
        }

        impl $name {
            const ROWS: usize = $height;

            /// The same, of inputs with that many rows.
            fn text(rows: u32) -> String {
                let list = stringify!($($list)*);
                let (width, channels) = ($width, $channels);
                let bits = stringify!($bits);
                format!(
                    "N: [{rows}, {width}, {channels}] => < {list} >, bits: {bits}, \
                     weights: runtime, plan: streamed"
                )
            }
        }
    };
}

declare!(Plain: [5, 6, 1], { G(4), D*(3) }, { weights: 8, biases: 16, activations: 8 });
declare!(Stacked: [4, 3, 2], { G(3, sequence: all), G(5), D*(4) },
    { weights: 8, biases: 16, activations: 8 });
declare!(Several: [6, 4, 3], { G(2, feed: multi), D(4), D*(3) },
    { weights: 4, biases: 16, activations: 4 });
declare!(Factored: [3, 4, 2], { G(4, feed: channel_major, rank: 2x3), D*(4) },
    { weights: 8, biases: 16, activations: 8 });
declare!(Logistic: [5, 3, 1], { G(4, gate: sigmoid), D*(3) },
    { weights: 8, biases: 16, activations: 8 });
declare!(Tangents: [6, 2, 2], { G(3, gate: tanh, feed: multi), D*(3) },
    { weights: 4, biases: 16, activations: 4 });
declare!(States: [7, 2, 1], { G(3) }, { weights: 8, biases: 8, activations: 8 });

fn declaration(text: &str) -> Declaration {
    let parsed = syntax::parse(text.parse().expect("tokens"));
    parsed.declaration.expect(text)
}

/// A stream of rows: of random bytes, or the same row again and again, which drives states to what
/// they are kept within.
fn stream(seed: u64, row_bytes: usize) -> Vec<Vec<u8>> {
    let mut noise = Noise(seed);
    let row = noise.bytes(row_bytes);
    let mut next = || match seed % 2 {
        0 => noise.bytes(row_bytes),
        _ => row.clone(),
    };
    (0..ROWS).map(|_| next()).collect()
}

/// What the interpreter gives after all `rows`, more than the `input_rows` of an input.
fn interpreted(text: &str, weights: &Weights, rows: &[Vec<u8>], input_rows: u32) -> Vec<i64> {
    let declaration = declaration(text);
    let network = &declaration.network;
    let proven = program::prove(network, weights).expect("sums of 32 bits hold them");
    let streamed = *Strategy::all(&network.dataflow()).last().expect("a plan");
    let plan = plan::plan(&network.dataflow(), &proven.sum_bytes(), streamed);
    let mut program = program::lower(&declaration, weights, &proven, &plan);
    for job in &mut program.jobs {
        let Job::Segment(segment) = job else { continue };
        for stage in &mut segment.stages {
            if let Operation::Recurrent(it) = &mut stage.operation {
                it.steps_of_input = it.steps_of_input * input_rows / rows.len() as u32;
            }
        }
    }
    let outcome = interpreter::run(&program, &rows.concat());
    outcome.expect("no fault").results
}

/// Lets a network go on, and counts the rows whose results would be others if states were not kept
/// within what they can be after an input.
macro_rules! beyond {
    ($name:ident) => {{
        const ROW_BYTES: usize = $name::INPUT_LEN / $name::ROWS;
        let network = |rows: usize| declaration(&$name::text(rows as u32)).network;
        let input_rows = $name::ROWS;
        let mut beyond = 0;
        for seed in 0..SEEDS {
            let case = Case::random(network(input_rows), seed);
            let text = $name::text(input_rows as u32);
            let parameters =
                herringbone_compiler::pack_parameters(text.parse().unwrap(), &case.file);
            let mut listener = $name::new();
            listener.params_mut().copy_from_slice(&parameters.unwrap());
            let rows = stream(seed, ROW_BYTES);
            // What was before is forgotten.
            let _ = listener.step(&[200; ROW_BYTES]);
            listener.begin();
            for count in 1..=rows.len() {
                let row = rows[count - 1].as_slice().try_into().unwrap();
                let given = listener.step(row);
                let so_far = &rows[..count];
                let trace = (count >= input_rows).then(|| {
                    let network = network(count);
                    let (bytes, height) = (so_far.concat(), input_rows as u32);
                    let trace = evaluate_on(&network, &case.weights, &bytes, height);
                    let without_bound = evaluate(&network, &case.weights, &bytes);
                    beyond += usize::from(trace.results() != without_bound.results());
                    trace
                });
                let told = format!("{text}, seed {seed}, row {count}");
                let given = given.map(|it| it.map(i64::from).to_vec());
                let expected = trace.map(|trace| trace.results().to_vec());
                assert_eq!(given, expected, "{told}");
                if let Some(expected) = expected.filter(|_| count % 5 == 0) {
                    let text = $name::text(count as u32);
                    let found = interpreted(&text, &case.weights, so_far, input_rows as u32);
                    assert_eq!(found, expected, "{told}");
                }
            }
        }
        beyond
    }};
}

#[test]
fn each_row_after_the_last_one_gives_the_results_of_all_rows_so_far() {
    let beyond = [
        beyond!(Plain),
        beyond!(Stacked),
        beyond!(Several),
        beyond!(Factored),
        beyond!(Logistic),
        beyond!(Tangents),
        beyond!(States),
    ];
    // Some states come to what they are kept within.
    assert!(beyond.iter().sum::<usize>() > 0, "{beyond:?}");
}

#[test]
fn a_step_after_a_complete_input_begins_again() {
    let mut listener = Plain::new();
    let mut other = Plain::new();
    let row = [7; 6];
    let _ = listener.run(&[9; Plain::INPUT_LEN]);
    for _ in 0..12 {
        assert_eq!(listener.step(&row), other.step(&row));
    }
}
