//! The importer of EdgeML's models, `docs/exporters/import_edgeml.py`: what they compute, the
//! integers that it writes give too; and those of published models give what was published, by
//! the naive evaluator and by generated code.
//!
//! The tests run where `python3`, or what `HERRINGBONE_PYTHON` names, has numpy and safetensors.

use herringbone_compiler::network::Network;
use herringbone_compiler::weights::{self, Weights};
use herringbone_compiler::{syntax, weights::WeightsError};
use herringbone_tests::crates::Crates;
use herringbone_tests::reference::evaluate;
use herringbone_tests::shared::shared;
use safetensors::SafeTensors;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Models of random numbers, and the lists that they are imported as.
const RANDOM: [(&str, &str); 3] = [
    ("random_bonsai", "[1, 24, 1] => < Bonsai(2, 8, 4) >"),
    ("random_proto", "[1, 24, 1] => < Proto(6, 9, 4) >"),
    ("random_fastgrnn", "[6, 4, 1] => < G(8), D*(4) >"),
];

/// Models that EdgeML trained on the digits of USPS.
const PUBLISHED: [(&str, &str); 7] = [
    ("bonsai_small", "[16, 16, 1] => < Bonsai(2, 10, 10) >"),
    (
        "bonsai_small_hard",
        "[16, 16, 1] => < Bonsai(2, 10, 10, gate: hard) >",
    ),
    ("bonsai_ref", "[16, 16, 1] => < Bonsai(3, 28, 10) >"),
    (
        "bonsai_ref_hard",
        "[16, 16, 1] => < Bonsai(3, 28, 10, gate: hard) >",
    ),
    ("protonn_small", "[16, 16, 1] => < Proto(10, 20, 10) >"),
    ("protonn_ref", "[16, 16, 1] => < Proto(60, 80, 10) >"),
    ("fastgrnn_q", "[16, 16, 1] => < G(16), D*(10) >"),
];

/// Images of the test set of USPS.
const IMAGES: usize = 2007;

const BITS: &str = "bits: { weights: 8, activations: 8 }";

/// Tells what ran and what did not, where the test harness keeps `println` from view.
fn say(what: &str) {
    let line = format!("\nedgeml: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn python() -> Command {
    let name = env::var_os("HERRINGBONE_PYTHON").unwrap_or(OsString::from("python3"));
    let mut python = Command::new(name);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// Where the driver wrote models and results; `None` where Python lacks what it imports.
fn driven(folder: &str, data: &[&Path]) -> Option<PathBuf> {
    let there = python()
        .args(["-c", "import numpy, safetensors.numpy"])
        .output();
    match there {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            say(&format!(
                "skipped: {}",
                errors.lines().last().unwrap_or("Python fails")
            ));
            return None;
        }
        Err(error) => {
            say(&format!("skipped: Python cannot be started: {error}"));
            return None;
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).unwrap();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exporters/edgeml.py");
    let status = python().arg(driver).arg(&folder).args(data).status();
    assert!(status.unwrap().success(), "edgeml.py fails");
    Some(folder)
}

fn network(list: &str) -> Network {
    let text = format!("Imported: {list}, {BITS}");
    let parsed = syntax::parse(text.parse().unwrap());
    let told = || panic!("{}", parsed.errors.messages().join("; "));
    parsed.declaration.unwrap_or_else(told).network
}

/// An imported model, and what it computes.
struct Model {
    network: Network,
    weights: Weights,
    inputs: Vec<Vec<u8>>,
    classes: Vec<u8>,
    /// Those of the first inputs.
    results: Vec<Vec<i64>>,
}

impl Model {
    fn read(folder: &Path, name: &str, list: &str) -> Self {
        let network = network(list);
        let file = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let weights = weights::read(&network, &file).unwrap_or_else(|errors| {
            let told: Vec<String> = errors.iter().map(WeightsError::to_string).collect();
            panic!("{name}: {}", told.join("; "))
        });
        let file = fs::read(folder.join(format!("{name}.results.safetensors"))).unwrap();
        let file = SafeTensors::deserialize(&file).unwrap();
        let bytes = |name| file.tensor(name).map(|tensor| tensor.data().to_vec());
        let words = bytes("results").unwrap_or_default();
        let words = words.chunks_exact(4);
        let words = words.map(|word| i32::from_le_bytes(word.try_into().unwrap()).into());
        let inputs = bytes("inputs").unwrap();
        let inputs = inputs.chunks_exact(network.input().values() as usize);
        Self {
            weights,
            inputs: inputs.map(<[u8]>::to_vec).collect(),
            classes: bytes("classes").unwrap(),
            results: words
                .collect::<Vec<i64>>()
                .chunks(network.output().values() as usize)
                .map(<[i64]>::to_vec)
                .collect(),
            network,
        }
    }
}

#[test]
fn imported_models_give_the_classes_that_they_gave_in_floating_point() {
    let Some(folder) = driven("edgeml", &[]) else {
        return;
    };
    for (name, list) in RANDOM {
        let model = Model::read(&folder, name, list);
        let of = |input: &Vec<u8>| evaluate(&model.network, &model.weights, input).class();
        let pairs = model.inputs.iter().zip(&model.classes);
        let same = pairs.filter(|(input, class)| of(input) == usize::from(**class));
        let same = same.count();
        assert!(10 * same >= 9 * model.inputs.len(), "{name}: {same}");
        let most = (0..4).map(|class| model.classes.iter().filter(|&&it| it == class).count());
        assert!(most.max().unwrap() < 180, "{name} gives one class alone");
    }
}

/// Where the published models are imported.
fn published() -> Option<PathBuf> {
    let (vectors, usps) = (shared("kinds/vectors")?, shared("usps")?);
    driven("edgeml_published", &[&vectors, &usps])
}

#[test]
#[cfg_attr(not(shared_models), ignore = "../shared is not there")]
fn published_models_give_the_published_integers() {
    let Some(folder) = published() else { return };
    for (name, list) in PUBLISHED {
        let model = Model::read(&folder, name, list);
        assert_eq!(model.inputs.len(), IMAGES);
        let images = model.inputs.iter().zip(&model.classes).enumerate();
        for (image, (input, &class)) in images {
            let trace = evaluate(&model.network, &model.weights, input);
            assert_eq!(trace.class(), usize::from(class), "{name}, image {image}");
            if let Some(results) = model.results.get(image) {
                assert_eq!(trace.results(), results, "{name}, image {image}");
            }
        }
    }
}

#[test]
#[cfg_attr(not(shared_models), ignore = "../shared is not there")]
fn published_models_as_declared_give_every_published_class() {
    let Some(folder) = published() else { return };
    let mut main = "#![forbid(unsafe_code)]\n".to_owned();
    let (mut calls, mut expected) = (String::new(), String::new());
    let mut files = Vec::new();
    for (name, list) in PUBLISHED {
        let Model {
            inputs, classes, ..
        } = Model::read(&folder, name, list);
        writeln!(
            main,
            "mod {name} {{
    herringbone::network! {{
        Imported: {list}, {BITS}, weights: \"{name}.safetensors\"
    }}
    pub(crate) fn report() {{
        let mut net = Box::new(Imported::new());
        let images = include_bytes!(\"{name}.images\").chunks_exact(Imported::INPUT_LEN);
        for image in images {{
            println!(\"{name} {{}}\", net.classify(image.try_into().unwrap()));
        }}
    }}
}}"
        )
        .unwrap();
        writeln!(calls, "    {name}::report();").unwrap();
        for class in classes {
            writeln!(expected, "{name} {class}").unwrap();
        }
        let weights = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        files.push((format!("{name}.safetensors"), weights));
        files.push((format!("src/{name}.images"), inputs.concat()));
    }
    writeln!(main, "fn main() {{\n{calls}}}").unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    let crates = Crates::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("edgeml_declared"));
    crates.add("edgeml", "2024", "herringbone", &files);
    let printed = crates.cargo(&["run", "--quiet"]);
    for (line, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(printed, expected, "line {line}");
    }
    assert_eq!(printed.lines().count(), expected.lines().count());
}
