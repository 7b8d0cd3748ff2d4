//! No declaration is a panic, a hang or wrong code: from its text and a weights file to
//! tokens, and what it computes on an arena that faults at every wrong access.
#![no_main]

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::{Planned, syntax};
use herringbone_fuzz::network_declaration;
use herringbone_tests::networks::Case;
use herringbone_tests::reference::evaluate;
use libfuzzer_sys::fuzz_target;
use std::fs;

/// What a run of the interpreter may take.
const MOST_MULTIPLY_ACCUMULATES: u64 = 300_000;
const MOST_VALUES: u32 = 50_000;

fuzz_target!(|data: &[u8]| {
    let text = network_declaration(data);
    let tokens = || text.parse().expect("words make tokens");
    let Some(declaration) = syntax::parse(tokens()).declaration else {
        let expanded =
            herringbone_compiler::expand(format!("::herringbone; {text}").parse().unwrap());
        assert!(expanded.to_string().contains("compile_error"), "{text}");
        return;
    };
    let network = &declaration.network;
    let largest = network
        .nodes()
        .iter()
        .map(|node| node.output.values())
        .max();
    if network.multiply_accumulates() > MOST_MULTIPLY_ACCUMULATES
        || largest.max(Some(network.input().values())) > Some(MOST_VALUES)
    {
        // To size it alone.
        let expanded =
            herringbone_compiler::expand(format!("::herringbone; {text}").parse().unwrap());
        assert!(!expanded.is_empty());
        return;
    }
    let case = Case::random(
        network.clone(),
        data.first().copied().unwrap_or_default().into(),
    );
    let path = std::env::temp_dir().join(format!(
        "herringbone-fuzz-{}.safetensors",
        std::process::id()
    ));
    fs::write(&path, &case.file).expect("there is room for a file");
    let text = format!("{text}, weights: {:?}", path.display().to_string());
    let expanded = herringbone_compiler::expand(format!("::herringbone; {text}").parse().unwrap());
    let expanded = expanded.to_string();
    let with_weights = syntax::parse(text.parse().unwrap())
        .declaration
        .expect("only `weights` is new");
    let planned = Planned::of(&with_weights, Some(Ok(path)));
    // Where there are none, the only error is for builds for another part.
    for problem in &planned.problems {
        let first_line = problem.message.lines().next().unwrap_or_default();
        assert!(expanded.contains(first_line), "{text}: {first_line}");
    }
    assert!(
        !planned.problems.is_empty() || !expanded.contains("over budget"),
        "{text}"
    );
    if planned.accumulators.is_none() {
        return;
    }
    // Whether or not its part has room for it.
    let program = planned.program(&with_weights);
    for input in &case.inputs {
        let outcome = interpreter::run(&program, input);
        let outcome = outcome.unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let trace = evaluate(network, &case.weights, input);
        assert_eq!(outcome.results, trace.results(), "{text}");
    }
});
