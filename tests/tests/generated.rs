//! The emitted code of random networks, compiled and run, against the naive
//! evaluator: through `run`, `push` and `classify`, on arenas that are dirty
//! from another image, with overflow checks and without.

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::network::{Activation, Bits, Kernel, Kind, Network, Shape};
use herringbone_compiler::plan::{self, InPlace, MemoryPlan, Placement, Strategy, SumBytes};
use herringbone_compiler::program::{self, Program};
use herringbone_compiler::syntax;
use herringbone_tests::crates::Crates;
use herringbone_tests::layers;
use herringbone_tests::networks::{Case, GraphRecipe, graphs, recipes, steps};
use herringbone_tests::reference::evaluate;
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Random networks, as many as compile in half a minute.
const NETWORKS: usize = 40;

/// Random graphs, which have several plans each.
const GRAPHS: usize = 16;

/// Random networks of recurrent cells, trees and prototypes.
const STEPS: usize = 24;

/// Code of a tap each makes that of graphs longer.
const MOST_GRAPH_WEIGHTS: u64 = 500;

/// Straight-line code of more weights takes long to compile.
const MOST_WEIGHTS: u64 = 1200;

fn weight_count(network: &Network) -> u64 {
    let nodes = network.nodes().iter();
    nodes.map(|node| node.weight_count()).sum()
}

/// The same random networks at every run, with all strategies in turn; then some
/// more for each of the rare things that code has to get right.
fn random_cases() -> Vec<(Case, Strategy)> {
    let mut runner = TestRunner::deterministic();
    let mut networks = std::iter::from_fn(|| {
        let recipe = recipes().new_tree(&mut runner).unwrap().current();
        Some((recipe.network(), recipe))
    })
    .filter(|(network, _)| weight_count(network) <= MOST_WEIGHTS);
    let mut cases: Vec<_> = (0..)
        .zip(networks.by_ref().take(NETWORKS))
        .map(|(number, (network, recipe))| {
            let strategies = Strategy::all(&network.dataflow());
            // Every other one streams all that it can.
            let last = strategies.len() - 1;
            let strategy = [number / 2 % strategies.len(), last][number % 2];
            (recipe.case(), strategies[strategy])
        })
        .collect();
    for rare in [dense_reads_around_the_end, dense_stores_beside_an_input] {
        let found = networks.by_ref().filter_map(|(network, recipe)| {
            let is_rare = |&strategy: &Strategy| {
                let sum_bytes = SumBytes::all(&network.dataflow(), 2);
                rare(
                    &network,
                    &plan::plan(&network.dataflow(), &sum_bytes, strategy),
                )
            };
            Some((
                recipe.case(),
                Strategy::all(&network.dataflow())
                    .into_iter()
                    .find(is_rare)?,
            ))
        });
        cases.extend(found.take(4));
    }
    cases
}

fn dense_steps<'a>(
    network: &'a Network,
    plan: &'a MemoryPlan,
) -> impl Iterator<Item = (Placement, Option<Placement>)> + 'a {
    plan.layers().filter_map(|layer| {
        let node = network.node(layer.node);
        let input = plan.placement(node.reads[0]);
        let input = input.filter(|_| node.kind.is_dense())?;
        Some((*input, plan.placement(node.writes).copied()))
    })
}

/// A dense layer walks over a map that goes on at the arena's start.
fn dense_reads_around_the_end(network: &Network, plan: &MemoryPlan) -> bool {
    dense_steps(network, plan).any(|(input, _)| input.wraps())
}

/// The last value that a dense layer stores shares a byte with the first of its
/// inputs, which are read again for each output.
fn dense_stores_beside_an_input(network: &Network, plan: &MemoryPlan) -> bool {
    dense_steps(network, plan).any(|(input, output)| {
        let pixels = 0..input.shape.pixels();
        output.is_some_and(|output| {
            let end = output.end_cell();
            plan.cells_per_byte == 2
                && end % 2 == 1
                && pixels.into_iter().any(|pixel| input.cell(pixel) == end)
        })
    })
}

/// Networks at the limits of the language.
fn edge_cases() -> Vec<(Case, Strategy)> {
    let average = |side| layers::average(Kernel::square(side));
    let maximum = |side| layers::maximum(Kernel::square(side));
    let dense = |outputs| layers::dense(outputs, Activation::Linear);
    let separable = layers::separable(3, Kernel::square(7), Activation::Linear);
    let row = |width| Kernel { height: 1, width };
    let convolution = |outputs, width| layers::convolution(outputs, row(width), Activation::Relu);
    let row_maximum = |width| layers::maximum(row(width));
    let row_average = layers::average(row(4));
    let column = Kernel {
        height: 2,
        width: 1,
    };
    let column_average = layers::average(column);
    let cases: [(Shape, &[Kind]); 14] = [
        (Shape::new(255, 255, 1), &[average(4), maximum(4), dense(3)]),
        (Shape::new(255, 2, 3), &[average(2), dense(2)]),
        (Shape::new(2, 255, 1), &[maximum(2)]),
        (Shape::new(1, 1, 255), &[dense(255)]),
        (Shape::new(3, 3, 255), &[average(2)]),
        (Shape::new(1, 1, 1), &[dense(1)]),
        (Shape::new(7, 9, 2), &[separable, dense(2)]),
        // The end of a column arrives after the corner of the next ring, with
        // which it shares a byte.
        (Shape::new(9, 7, 3), &[dense(2)]),
        (Shape::new(5, 5, 1), &[dense(3)]),
        (Shape::new(8, 8, 3), &[average(2), dense(3)]),
        (Shape::new(8, 8, 1), &[average(2), dense(3)]),
        // Time series.
        (
            Shape::new(1, 32, 3),
            &[
                convolution(8, 5),
                row_maximum(2),
                convolution(8, 3),
                row_maximum(4),
                dense(4),
            ],
        ),
        (Shape::new(1, 255, 2), &[row_average, convolution(3, 7)]),
        (Shape::new(255, 1, 1), &[column_average, dense(2)]),
    ];
    let bits = [4, 8].map(|activations| Bits {
        activations,
        ..Bits::default()
    });
    let networks = cases.iter().zip(bits.iter().cycle());
    (0..)
        .zip(networks)
        .flat_map(|(seed, ((shape, kinds), &bits))| {
            let network = Network::new(*shape, bits, kinds).unwrap();
            let mut strategies = vec![Strategy::HERRINGBONE.of(&network.dataflow())];
            strategies.extend(Some(Strategy::STREAMED.of(&network.dataflow())));
            strategies.dedup();
            let case = move |strategy| (Case::random(network.clone(), seed), strategy);
            strategies.into_iter().map(case)
        })
        .collect()
}

/// Streamed poolings of signed values, and what reads their windows where they
/// are kept: another pooling, a kernel of one pixel, a dense layer in the middle;
/// and maps that a stage stores in herringbone order.
fn windows_that_stay() -> Vec<(Case, Strategy)> {
    use Activation::{Linear, Relu};
    let window = Kernel::square(2);
    let (average, maximum) = (layers::average(window), layers::maximum(window));
    let convolution = |side, activation| layers::convolution(3, Kernel::square(side), activation);
    let separable = layers::separable(3, Kernel::square(3), Linear);
    let dense = |activation| layers::dense(3, activation);
    let signed_sums = [
        convolution(3, Linear),
        average,
        maximum,
        convolution(1, Linear),
        dense(Linear),
    ];
    let signed_maxima = [separable, maximum, average, dense(Relu), dense(Linear)];
    let lists = [signed_sums, signed_maxima];
    let mut cases = Vec::new();
    for (seed, (list, activations)) in
        (0..).zip(lists.iter().flat_map(|list| [(list, 4), (list, 8)]))
    {
        let bits = Bits {
            activations,
            ..Bits::default()
        };
        let network = Network::new(Shape::new(11, 13, 1), bits, list).unwrap();
        let two = Strategy {
            streamed_layers: 2,
            rest: InPlace::Herringbone,
        };
        for strategy in [two, Strategy::STREAMED] {
            cases.push((Case::random(network.clone(), seed), strategy));
        }
    }
    cases
}

/// Random graphs, as many as compile in half a minute, each with two of its plans:
/// one after the other, and the one that streams the most.
fn random_graphs() -> Vec<(Case, Strategy)> {
    let mut runner = TestRunner::deterministic();
    let recipes = std::iter::repeat_with(|| graphs().new_tree(&mut runner).unwrap().current());
    let networks = recipes.filter_map(|recipe| {
        let network = recipe.network();
        if network.is_chain() || weight_count(&network) > MOST_GRAPH_WEIGHTS {
            return None;
        }
        let case = recipe.case();
        let fits = program::prove(&network, &case.weights).is_ok();
        fits.then_some((network, recipe))
    });
    let of_network = |(number, (network, recipe)): (usize, (Network, GraphRecipe))| {
        let strategies = Strategy::all(&network.dataflow());
        let mut plans = vec![number % strategies.len(), strategies.len() - 1];
        plans.dedup();
        let plans = plans.into_iter().map(move |plan| strategies[plan]);
        plans.map(move |strategy| (recipe.case(), strategy))
    };
    (0..)
        .zip(networks.take(GRAPHS))
        .flat_map(of_network)
        .collect()
}

/// Random networks of recurrent cells, trees and prototypes, each by its first and its last plan.
fn random_steps() -> Vec<(Case, Strategy)> {
    let mut runner = TestRunner::deterministic();
    let networks = std::iter::from_fn(|| {
        let recipe = steps().new_tree(&mut runner).unwrap().current();
        let case = recipe.case();
        let fits = program::prove(&case.network, &case.weights).is_ok();
        Some(fits.then_some(recipe))
    });
    let fitting = networks.flatten().take(STEPS);
    let by_plans = fitting.flat_map(|recipe| {
        let case = recipe.case();
        let strategies = Strategy::all(&case.network.dataflow());
        let mut plans = vec![0, strategies.len() - 1];
        plans.dedup();
        let plans = plans.into_iter();
        plans
            .map(|plan| (recipe.case(), strategies[plan]))
            .collect::<Vec<_>>()
    });
    by_plans.collect()
}

/// Graphs at the limits of the language: layer by layer, in segments, and streamed.
fn graphs_at_the_limits() -> Vec<(Case, Strategy)> {
    let lists = [
        // Rows and columns that a byte does not count, and fields beyond the last one.
        "[2, 300, 1] => < 'x: C1(2,3, padding: same), C1(2,3, padding: 1, add: 'x), A(all), D*(2) >",
        "[400, 1, 2] => < 'x: T(3x1, stride: 2x1, padding: same), T*(2x1, padding: same, add: 'x), \
         M(3x1, stride: 2x1), A(all) >",
        // Points beyond 255, of an input that a byte counts.
        "[255, 3, 1] => < C1(2,5, padding: 3), A(4x2, stride: 3x1), D(2) >",
        // More pixels than 16 bits count.
        "[3, 17000, 1] => < T(3, padding: same), A(all) >",
        "[258, 256, 1] => < 'x: T(1), T(2, padding: same), Add('x), A(all) >",
        // Sums of raw bytes.
        "[9, 11, 2] => < A(3, stride: 2), 'x: C1(3,3, padding: same), R(3), Cat('x), D*(3) >",
        "[9, 11, 2] => < A(2x3, stride: 1x2), M(2, stride: 1), D*(3) >",
        "[8, 9, 1] => < A(2, stride: 3), C1(2,2), A(all) >",
        "[17, 16, 3] => < A(all), D*(4) >",
        "[7, 6, 2] => < A(all), D(4), D*(2) >",
        "[300, 240, 1] => < A(all) >",
        // Joins of every kind of layer that adds, of both signs.
        "[7, 6, 2] => < 'x: C2*(4,3, padding: same), C2(4,1x3, padding: same, add: 'x), \
         'y: M(2), T*(3, padding: same, add: 'y), 'z: D(5), D*(5, add: 'z) >",
        "[6, 7, 3] => < 'x: C1*(3,3, padding: same), Add*('x), 'y: C1*(5,2, stride: 2, padding: same), \
         'x, M(2x1, stride: 2), C1*(5,1), N(0.1), Add*('y) >",
        "[6, 6, 2] => < 'x: C1(3,3, padding: same), 'input, C1(5,3, padding: same), Cat('x), \
         'y: C1(3,1), A(2), M(2x1), 'z: D(3), 'y, A(all), D(3, add: 'z) >",
    ];
    let numbered = (0..).zip(lists.iter().zip([4, 8].into_iter().cycle()));
    let cases = numbered.flat_map(|(seed, (list, activations))| {
        let text = format!("N: {list}, bits: {{ activations: {activations} }}");
        let parsed = syntax::parse(text.parse().unwrap());
        assert_eq!(parsed.errors.messages(), [""; 0], "{list}");
        let network = parsed.declaration.unwrap().network;
        let all = Strategy::all(&network.dataflow());
        let mut plans = vec![0, 1.min(all.len() - 1), all.len() - 1];
        plans.dedup();
        let case = move |plan| (Case::random(network.clone(), seed), all[plan]);
        plans.into_iter().map(case).collect::<Vec<_>>()
    });
    cases.collect()
}

/// What one network prints in the generated crate.
const MAIN: &str = r#"
macro_rules! report {
    ($index:literal, [$($input:literal,)*] $($parameters:literal)?) => {
        pub(crate) fn report() {
            static INPUTS: &[&[u8; Net::INPUT_LEN]] = &[$(include_bytes!($input)),*];
            static NET: std::sync::Mutex<Net> = std::sync::Mutex::new(Net::new());
            let mut net = NET.lock().unwrap();
            $(net.params_mut().copy_from_slice(include_bytes!($parameters));)?
            for (number, input) in INPUTS.iter().enumerate() {
                let print = |method: &str, values: &[String]| {
                    println!("{} {number} {method} {}", $index, values.join(" "));
                };
                print("run", &net.run(input).map(|value| value.to_string()));
                print("classify", &[net.classify(input).to_string()]);
                // An image that is given up leaves sums and a half-filled map.
                for byte in &input[..input.len() / 2] {
                    assert!(net.push(!byte).is_none());
                    assert!(net.results().is_none());
                }
                net.begin();
                for image in ["push", "push_again"] {
                    let (last, rest) = input.split_last().unwrap();
                    for byte in rest {
                        assert!(net.push(*byte).is_none());
                    }
                    let results = net.push(*last).unwrap();
                    print(image, &results.map(|value| value.to_string()));
                }
                assert!(net.results().is_none());
                let (last, rest) = input.split_last().unwrap();
                for byte in rest {
                    assert!(net.push_in_place(*byte).is_none());
                }
                let results = net.push_in_place(*last).unwrap();
                assert_eq!(results.len(), Net::CLASSES);
                let in_place: Vec<_> = results.iter().map(|value| value.to_string()).collect();
                print("in_place", &in_place);
                let index = |index| net.result(index).map(|value| value.to_string());
                assert_eq!((0..=Net::CLASSES).map_while(index).collect::<Vec<_>>(), in_place);
                print("class", &[net.class().unwrap().to_string()]);
                let block = [&input[..], &input[..1]].concat();
                let (results, rest) = net.push_slice(&block).unwrap();
                assert_eq!((rest.len(), net.class()), (1, None));
                print("push_slice", &results.map(|value| value.to_string()));
                net.begin();
                let (some, others) = block.split_at(input.len() / 2);
                assert!(net.push_slice_in_place(some).is_none());
                let (results, rest) = net.push_slice_in_place(others).unwrap();
                assert_eq!(rest.len(), 1);
                let in_place: Vec<_> = results.iter().map(|value| value.to_string()).collect();
                print("slice_in_place", &in_place);
                $(
                    let mut noisy = Net::new();
                    noisy.params_mut().copy_from_slice(include_bytes!($parameters));
                    for (position, byte) in noisy.params_mut().iter_mut().enumerate() {
                        *byte ^= (position * 151 / 8) as u8;
                    }
                    print("noise", &noisy.run(input).map(|value| value.to_string()));
                )?
            }
        }
    };
}
"#;

/// The program that takes its parameters at run time, and the bytes that they
/// are; `None` where sums do not fit the accumulator that they then have.
fn loaded(case: &Case, plan: Strategy) -> Option<(Program, Vec<u8>)> {
    let (list, bits) = (case.list(), case.bits());
    let name = plan.name(&case.network.dataflow());
    let text = format!("Net: {list}, bits: {bits}, plan: {name}, weights: runtime");
    let tokens = || text.parse().unwrap();
    let bytes = herringbone_compiler::pack_parameters(tokens(), &case.file).ok()?;
    let declaration = syntax::parse(tokens()).declaration.unwrap();
    let sum_bytes = program::Accumulators::at_run_time(&declaration.network).sum_bytes();
    let plan = plan::plan(&declaration.network.dataflow(), &sum_bytes, plan);
    Some((program::lower_runtime(&declaration, &plan), bytes))
}

/// Parameters that nobody has trained, as the crate makes them.
fn noise(parameters: &[u8]) -> Vec<u8> {
    let positions = parameters.iter().enumerate();
    positions
        .map(|(position, byte)| byte ^ (position * 151 / 8) as u8)
        .collect()
}

/// Writes a crate, and gives what it has to print, by network, input and method.
fn write_crate(
    crates: &Crates,
    crate_name: &str,
    cases: &[(Case, Strategy)],
) -> BTreeMap<String, String> {
    let mut main = format!("#![forbid(unsafe_code)]\n#![deny(warnings)]\n{MAIN}");
    let (mut calls, mut files) = (String::new(), Vec::new());
    let mut expected = BTreeMap::new();
    for (index, (case, plan)) in cases.iter().enumerate() {
        let name = plan.name(&case.network.dataflow());
        let weights = format!("{index}.safetensors");
        let parameters = loaded(case, *plan);
        let source = match (index / 2 % 3, &parameters) {
            (1, _) if weight_count(&case.network) <= MOST_WEIGHTS => {
                format!("code: unrolled, weights: {weights:?}")
            }
            (2, Some(_)) => "weights: runtime".to_owned(),
            _ => format!("code: table, weights: {weights:?}"),
        };
        let parameters = parameters.filter(|_| source == "weights: runtime");
        let parameters_file = format!("{index}.parameters");
        let mut inputs = String::new();
        for (number, input) in case.inputs.iter().enumerate() {
            let name = format!("{index}.{number}.input");
            write!(inputs, "{name:?}, ").unwrap();
            files.push((format!("src/{name}"), input.clone()));
            let trace = evaluate(&case.network, &case.weights, input);
            let results: Vec<String> = trace.results().iter().map(i64::to_string).collect();
            let methods = [
                "run",
                "push",
                "push_again",
                "in_place",
                "push_slice",
                "slice_in_place",
            ];
            for method in methods {
                expected.insert(format!("{index} {number} {method}"), results.join(" "));
            }
            if let Some((program, bytes)) = &parameters {
                let results = interpreter::run_with_parameters(program, &noise(bytes), input);
                let results = results
                    .expect("a program reads only what it stored")
                    .results;
                let results: Vec<String> = results.iter().map(i64::to_string).collect();
                expected.insert(format!("{index} {number} noise"), results.join(" "));
            }
            for method in ["classify", "class"] {
                expected.insert(
                    format!("{index} {number} {method}"),
                    trace.class().to_string(),
                );
            }
        }
        writeln!(
            main,
            "mod network_{index} {{
    herringbone::network! {{
        pub(crate) Net: {},
        bits: {},
        plan: {name},
        {source},
    }}
    report!({index}, [{inputs}] {});
}}",
            case.list(),
            case.bits(),
            match &parameters {
                Some(_) => format!("{parameters_file:?}"),
                None => String::new(),
            },
        )
        .unwrap();
        writeln!(calls, "    network_{index}::report();").unwrap();
        files.push((weights, case.file.clone()));
        if let Some((_, bytes)) = parameters {
            files.push((format!("src/{parameters_file}"), bytes));
        }
    }
    writeln!(main, "fn main() {{\n{calls}}}").unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    crates.add(crate_name, "2024", "herringbone", &files);
    expected
}

/// What the crate printed, by network, input and method.
fn fields(line: &str) -> Option<(String, String)> {
    let mut fields = line.splitn(4, ' ');
    let key: Vec<&str> = fields.by_ref().take(3).collect();
    Some((key.join(" "), fields.next()?.to_owned()))
}

#[test]
fn emitted_code_computes_what_the_design_says() {
    let mut chains = random_cases();
    chains.extend(edge_cases());
    chains.extend(windows_that_stay());
    let mut graphs = random_graphs();
    graphs.extend(graphs_at_the_limits());
    prints_what_it_should("emitted", [("chains", chains), ("graphs", graphs)]);
}

#[test]
fn emitted_cells_trees_and_prototypes_compute_what_the_design_says() {
    let cases = [("steps", random_steps())];
    prints_what_it_should("emitted_steps", cases);
}

/// Writes a crate for each of these groups in that folder, and runs them.
fn prints_what_it_should<const GROUPS: usize>(
    folder: &str,
    groups: [(&str, Vec<(Case, Strategy)>); GROUPS],
) {
    let crates = Crates::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder));
    let all = groups.map(|(name, cases)| {
        let expected = write_crate(&crates, name, &cases);
        (name, cases, expected)
    });
    for profile in ["dev", "release"] {
        crates.cargo(&["build", "--quiet", "--workspace", "--profile", profile]);
        for (name, cases, expected) in &all {
            let printed = crates.cargo(&["run", "--quiet", "--profile", profile, "-p", name]);
            let printed: BTreeMap<_, _> = printed.lines().filter_map(fields).collect();
            assert_eq!(printed.len(), expected.len(), "{profile}, {name}");
            let wrong = expected
                .iter()
                .filter(|(key, results)| printed.get(*key) != Some(*results));
            let wrong = wrong.map(|(key, results)| {
                let index: usize = key.split(' ').next().unwrap().parse().unwrap();
                let (case, plan) = &cases[index];
                let (list, bits, plan) = (
                    case.list(),
                    case.bits(),
                    plan.name(&case.network.dataflow()),
                );
                let found = printed.get(key).map_or("", String::as_str);
                format!("{name} {key}: {list} {bits} {plan}: {found}, not {results}")
            });
            assert_eq!(wrong.collect::<Vec<_>>(), [""; 0], "{profile}");
        }
    }
}
