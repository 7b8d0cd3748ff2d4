//! Generated code in crates of any edition, under any name, beside any items
//! and under any lints.

use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Shape};
use herringbone_compiler::plan::{self, Strategy, SumBytes};
use herringbone_tests::crates::Crates;
use herringbone_tests::layers::{average, convolution, dense, dropout, maximum, separable};
use herringbone_tests::networks::Case;
use herringbone_tests::reference::evaluate;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The older one has its own test: it has no `::crate` paths.
const EDITIONS: [&str; 3] = ["2018", "2021", "2024"];

const HOSTILE: &[u8] = include_bytes!("../fixtures/hygiene/hostile.rs");
const STRICT: &[u8] = include_bytes!("../fixtures/hygiene/strict.rs");
const PLAIN: &[u8] = include_bytes!("../fixtures/hygiene/plain.rs");

/// `[12, 13, 2] => < A, C1(3,3), C2*(4,3), Dr, M, D(5), D*(3) >`.
fn first() -> Case {
    let kernel = Kernel::square(3);
    let window = Kernel::square(2);
    let kinds = [
        average(window),
        convolution(3, kernel, Activation::Relu),
        separable(4, kernel, Activation::Linear),
        dropout(),
        maximum(window),
        dense(5, Activation::Relu),
        dense(3, Activation::Linear),
    ];
    let network = Network::new(Shape::new(12, 13, 2), Bits::default(), &kinds);
    Case::random(network.unwrap(), 1)
}

/// `[5, 7, 1] => < M, C1(3,1), A >`.
fn second() -> Case {
    let window = Kernel::square(2);
    let kinds = [
        maximum(window),
        convolution(3, Kernel::square(1), Activation::Relu),
        average(window),
    ];
    let bits = Bits {
        weights: 8,
        biases: 8,
        activations: 8,
    };
    Case::random(Network::new(Shape::new(5, 7, 1), bits, &kinds).unwrap(), 2)
}

/// A crate of each edition.
fn each_edition(name: &str, main: &str, source: &[u8]) -> (Crates, Vec<String>) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let crates = Crates::new(folder);
    let (first, second) = (first().file, second().file);
    let editions = EDITIONS;
    let names = editions.map(|edition| {
        let name = format!("{name}_{edition}");
        let files = [
            (main, source),
            ("first.safetensors", &first),
            ("second.safetensors", &second),
        ];
        crates.add(&name, edition, "hb", &files);
        name
    });
    (crates, names.into())
}

#[test]
fn no_name_or_lint_of_the_user_breaks_generated_code() {
    let (crates, _) = each_edition("hostile", "src/lib.rs", HOSTILE);
    crates.cargo(&["build", "--quiet", "--workspace"]);
}

#[test]
fn a_user_who_forbids_every_lint_and_has_traits_for_every_type_is_at_home() {
    let (crates, _) = each_edition("strict", "src/lib.rs", STRICT);
    crates.cargo(&["build", "--quiet", "--workspace"]);
}

#[test]
fn every_edition_computes_the_same_in_the_planned_size() {
    let (crates, names) = each_edition("plain", "src/main.rs", PLAIN);
    let results = |case: &Case| {
        let count = case.network.input().values() as usize;
        let image: Vec<u8> = (0..count).map(|index| (7 * index) as u8).collect();
        let trace = evaluate(&case.network, &case.weights, &image);
        (format!("{:?}", trace.results()), trace.class().to_string())
    };
    let (first, second) = (first(), second());
    let (logits, class) = results(&first);
    let (activations, _) = results(&second);
    let arena = |case: &Case, strategy| {
        let sum_bytes = SumBytes::all(&case.network.dataflow(), 2);
        plan::plan(&case.network.dataflow(), &sum_bytes, strategy).arena_bytes
    };
    // Plans without stages have the row, column and channel of the next byte.
    let cursor_bytes = 3;
    let first_bytes = arena(&first, Strategy::ROW_MAJOR);
    let second_bytes = arena(&second, Strategy::HERRINGBONE);
    let expected = BTreeMap::from([
        ("first", logits),
        ("class", class),
        ("second", activations.clone()),
        ("inner", activations.clone()),
        ("local", activations),
        ("size first", (first_bytes + cursor_bytes).to_string()),
        ("size second", (second_bytes + cursor_bytes).to_string()),
        ("arena first", first_bytes.to_string()),
        ("arena second", second_bytes.to_string()),
        ("size loaded", cursor_bytes.to_string()),
    ]);
    for name in names {
        let printed = crates.cargo(&["run", "--quiet", "--package", &name]);
        let lines = printed.lines().map(|line| line.split_once(": ").unwrap());
        let printed: BTreeMap<_, _> = lines.map(|(key, value)| (key, value.to_owned())).collect();
        assert_eq!(printed, expected, "{name}");
    }
}

#[test]
fn the_oldest_edition_shows_what_is_wrong_with_a_declaration() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oldest");
    let crates = Crates::new(folder);
    let list = |outputs: u32| {
        format!(
            "extern crate herringbone;\nherringbone::network! {{ pub N: [4, 4, 1] => < \
             C1({outputs},3), D*(2) >, weights: runtime }}\nfn main() {{ N::new(); }}\n"
        )
    };
    crates.add(
        "right",
        "2015",
        "herringbone",
        &[("src/main.rs", list(2).as_bytes())],
    );
    crates.add(
        "wrong",
        "2015",
        "herringbone",
        &[("src/main.rs", list(0).as_bytes())],
    );
    crates.cargo(&["check", "--quiet", "--package", "right"]);
    let errors = crates.cargo_fails(&["check", "--quiet", "--package", "wrong"]);
    assert!(
        errors.contains("`C1` takes from 1 to 255 outputs"),
        "{errors}"
    );
    assert!(!errors.contains("crate root"), "{errors}");
}

#[test]
fn a_declaration_always_expands_to_the_same_code() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("expansion");
    std::fs::create_dir_all(&folder).unwrap();
    let weights = folder.join("first.safetensors");
    std::fs::write(&weights, first().file).unwrap();
    for code in ["table", "unrolled"] {
        let expand = || {
            let declaration = format!(
                "::hb; pub Net: [12, 13, 2] => < A, C1(3,3), C2*(4,3), Dr, M, D(5), D*(3) >, \
                 weights: {weights:?}, code: {code}, plan: herringbone,"
            );
            herringbone_compiler::expand(declaration.parse().unwrap()).to_string()
        };
        let once = expand();
        assert!(once.contains("fn infer"), "{once}");
        for _ in 0..5 {
            assert_eq!(expand(), once);
        }
    }
}
