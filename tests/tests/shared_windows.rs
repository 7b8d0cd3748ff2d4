//! Windows of a stream that share what the first layers compute: the emitted code of random
//! networks gives, every stride, what the naive evaluator gives for the newest window.

use herringbone_compiler::Planned;
use herringbone_compiler::syntax;
use herringbone_tests::crates::Crates;
use herringbone_tests::networks::{Noise, StreamCase};
use herringbone_tests::reference::evaluate;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Random networks, as many as compile in half a minute.
const NETWORKS: usize = 24;

/// Windows of a stream that are judged.
const WINDOWS: usize = 7;

const MAIN: &str = r#"
macro_rules! report {
    ($index:literal) => {
        pub(crate) fn report() {
            static STREAM: &[u8] = include_bytes!(concat!($index, ".stream"));
            let mut net = Net::new();
            let print = |method: &str, taken: usize, values: &[String]| {
                println!("{} {taken} {method} {}", $index, values.join(" "));
            };
            for (byte, taken) in STREAM.iter().zip(1..) {
                if let Some(results) = net.push(*byte) {
                    print("push", taken, &results.map(|value| value.to_string()));
                }
            }
            // What a stream that ended anywhere left has no effect.
            net.begin();
            for (byte, taken) in STREAM.iter().zip(1..) {
                if let Some(results) = net.push_in_place(*byte) {
                    let results: Vec<_> = results.iter().map(|value| value.to_string()).collect();
                    print("again", taken, &results);
                    assert!(net.results().is_some());
                }
            }
            let (input, rest) = STREAM.split_first_chunk::<{ Net::INPUT_LEN }>().unwrap();
            print("run", input.len(), &net.run(input).map(|value| value.to_string()));
            let (results, after) = net.push_slice(rest).unwrap();
            print("slice", STREAM.len() - after.len(), &results.map(|value| value.to_string()));
        }
    };
}
"#;

fn cases() -> Vec<(StreamCase, String)> {
    let cases = (0..).filter_map(|number| {
        let stream = StreamCase::of(number)?;
        let StreamCase {
            case,
            length,
            stride,
        } = &stream;
        let text = format!(
            "{}, bits: {}, window: {{ length: {length}, stride: {stride} }}, weights: \"w\"",
            case.list(),
            case.bits(),
        );
        let tokens = format!("Net: {text}").parse().expect("tokens");
        let declaration = syntax::parse(tokens).declaration.expect("a declaration");
        let planned = Planned::with_weights(&declaration, Some(Ok(case.file.clone())));
        let shares = planned.problems.is_empty() && planned.sharing.is_some();
        shares.then_some((stream, text))
    });
    cases.take(NETWORKS).collect()
}

#[test]
fn windows_that_share_layers_give_what_the_design_says_of_each() {
    let mut main = format!("#![forbid(unsafe_code)]\n#![deny(warnings)]\n{MAIN}");
    let (mut calls, mut files) = (String::new(), Vec::new());
    let mut expected = BTreeMap::new();
    let cases = cases();
    for (index, (stream, text)) in cases.iter().enumerate() {
        let case = &stream.case;
        let input_bytes = case.network.input().values() as usize;
        let stride_bytes = stream.stride as usize * stream.sample_bytes();
        let bytes = Noise(index as u64).bytes(input_bytes + WINDOWS * stride_bytes - 1);
        for window in 0..WINDOWS {
            let first = window * stride_bytes;
            let taken = first + input_bytes;
            let trace = evaluate(&case.network, &case.weights, &bytes[first..taken]);
            let results: Vec<String> = trace.results().iter().map(i64::to_string).collect();
            let mut methods = vec!["push", "again"];
            methods.extend(["run", "slice"].get(window));
            for method in methods {
                expected.insert(format!("{index} {taken} {method}"), results.join(" "));
            }
        }
        let text = text.replace("\"w\"", &format!("\"{index}.safetensors\""));
        writeln!(
            main,
            "mod network_{index} {{\n    herringbone::network! {{ pub(crate) Net: {text} }}\n    \
             report!({index});\n}}"
        )
        .unwrap();
        writeln!(calls, "    network_{index}::report();").unwrap();
        files.push((format!("{index}.safetensors"), case.file.clone()));
        files.push((format!("src/{index}.stream"), bytes));
    }
    writeln!(main, "fn main() {{\n{calls}}}").unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    let crates = Crates::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("shared"));
    crates.add("windows", "2024", "herringbone", &files);
    for profile in ["dev", "release"] {
        let printed = crates.cargo(&["run", "--quiet", "--profile", profile, "-p", "windows"]);
        let printed: BTreeMap<String, String> = printed
            .lines()
            .filter_map(|line| {
                let mut fields = line.splitn(4, ' ');
                let key: Vec<&str> = fields.by_ref().take(3).collect();
                Some((key.join(" "), fields.next()?.to_owned()))
            })
            .collect();
        let wrong = expected
            .iter()
            .filter(|(key, results)| printed.get(*key) != Some(*results))
            .map(|(key, results)| {
                let index: usize = key.split(' ').next().unwrap().parse().unwrap();
                let found = printed.get(key).map_or("nothing", String::as_str);
                format!("{key}: {}: {found}, not {results}", cases[index].1)
            });
        assert_eq!(wrong.collect::<Vec<_>>(), [""; 0], "{profile}");
        assert_eq!(printed.len(), expected.len(), "{profile}");
    }
}
