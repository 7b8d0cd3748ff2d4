//! Networks for CIFAR-10, larger than the others by far: what their plans take
//! of memory, that AVR parts have room for them, and that their emitted code
//! computes what the naive evaluator does.

use herringbone_compiler::budget::Verdict;
use herringbone_compiler::report;
use herringbone_tests::cifar::{Cifar, NETWORKS, design};
use herringbone_tests::crates::Crates;
use herringbone_tests::networks::Case;
use herringbone_tests::reference::evaluate;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// Values of the key `plan`, each a strategy.
const PLANS: [&str; 3] = ["row_major", "herringbone", "streamed"];

#[test]
fn weights_take_8_to_58_kilobytes() {
    for (network, kilobytes) in NETWORKS.iter().zip([8, 16, 32, 58]) {
        let network = network.declaration("").network;
        let weights: u64 = network.nodes().iter().map(|it| it.weight_count()).sum();
        let bytes = weights * u64::from(network.bits().weights) / 8;
        let difference = bytes.abs_diff(kilobytes * 1024);
        assert!(20 * difference < bytes, "{bytes} bytes, not {kilobytes} KB");
    }
}

#[test]
fn the_smallest_plan_takes_no_more_than_any_strategy() {
    for network in &NETWORKS {
        let case = network.case();
        let arena_bytes = |plan: &str| {
            let declaration = network.declaration(&format!("plan: {plan}"));
            let (design, _) = design(&declaration, &case);
            let bytes = design.plan.arena_bytes;
            println!("{}, plan {plan}: {bytes} bytes of arena", network.name);
            bytes
        };
        let smallest = arena_bytes("smallest");
        for plan in PLANS {
            assert!(smallest <= arena_bytes(plan), "{}, {plan}", network.name);
        }
    }
}

#[test]
fn each_network_fits_parts_of_8_kilobytes_of_sram_and_more() {
    for network in &NETWORKS {
        for part in ["atmega2560", "avr128db64"] {
            let declaration = network.on(part);
            let (design, verdict) = design(&declaration, &network.case());
            let plan = report::text(network.name, &declaration, &design);
            println!("{part}: {plan}");
            if let Verdict::Over(over) = verdict {
                let told: Vec<String> = over.iter().map(ToString::to_string).collect();
                panic!("{}: {}", network.name, told.join("; "));
            }
        }
    }
}

/// What one network prints: its results for each input, a line each.
const MAIN: &str = r#"
macro_rules! report {
    ($name:ident, $plan:literal, $($input:literal,)*) => {
        pub(crate) fn report() {
            let mut net = Box::new($name::new());
            for (number, input) in [$(include_bytes!($input)),*].into_iter().enumerate() {
                let results = net.run(input).map(|value| value.to_string());
                println!("{} {} {number}: {}", stringify!($name), $plan, results.join(" "));
            }
        }
    };
}
"#;

/// Writes a crate of every network with every plan, and gives the lines that it
/// has to print.
fn write_crate(crates: &Crates) -> Vec<String> {
    let mut main = format!("#![forbid(unsafe_code)]\n#![deny(warnings)]\n{MAIN}");
    let (mut calls, mut expected) = (String::new(), Vec::new());
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for network in &NETWORKS {
        let Cifar { name, list } = network;
        let case = network.case();
        let results = results(&case);
        let mut inputs = String::new();
        for (number, bytes) in case.inputs.into_iter().enumerate() {
            let input = format!("{name}.{number}.input");
            write!(inputs, "{input:?}, ").unwrap();
            files.push((format!("src/{input}"), bytes));
        }
        files.push((format!("{name}.safetensors"), case.file));
        for plan in PLANS {
            let module = format!("{name}_{plan}").to_lowercase();
            writeln!(
                main,
                "mod {module} {{
    herringbone::network! {{
        pub(crate) {name}: {list}, plan: {plan}, weights: \"{name}.safetensors\"
    }}
    report!({name}, {plan:?}, {inputs});
}}"
            )
            .unwrap();
            writeln!(calls, "    {module}::report();").unwrap();
            for (number, results) in results.iter().enumerate() {
                expected.push(format!("{name} {plan} {number}: {results}"));
            }
        }
    }
    writeln!(main, "fn main() {{\n{calls}}}").unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    crates.add("cifar", "2024", "herringbone", &files);
    expected
}

/// What the naive evaluator gives for each input, no two the same.
fn results(case: &Case) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let results = case.inputs.iter().map(|input| {
        let trace = evaluate(&case.network, &case.weights, input);
        let results: Vec<String> = trace.results().iter().map(i64::to_string).collect();
        let results = results.join(" ");
        assert!(seen.insert(results.clone()), "{}: {results}", case.list());
        results
    });
    results.collect()
}

#[test]
fn emitted_code_of_large_networks_computes_what_the_design_says() {
    let crates = Crates::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cifar"));
    let expected = write_crate(&crates);
    let printed = crates.cargo(&["run", "--quiet"]);
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed, expected);
}
