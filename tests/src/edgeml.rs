//! EdgeML's models, imported by `docs/exporters/import_edgeml.py`: those that were published, and
//! those that a driver makes of random numbers.
//!
//! They are there where `python3`, or what `HERRINGBONE_PYTHON` names, has numpy and safetensors.

use crate::shared::shared;
use herringbone_compiler::network::Network;
use herringbone_compiler::weights::{self, Weights};
use herringbone_compiler::{syntax, weights::WeightsError};
use safetensors::SafeTensors;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Models that EdgeML trained on the digits of USPS.
pub const PUBLISHED: [(&str, &str); 7] = [
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

/// Models of which classes in floating point were published, and no integers.
pub const IN_FLOATING_POINT: [(&str, &str); 2] = [
    (
        "fastgrnn_ref",
        "[16, 16, 1] => < G(32, gate: sigmoid), D*(10) >",
    ),
    (
        "fastgrnn_lrs",
        "[16, 16, 1] => < G(24, rank: 8x8, gate: sigmoid), D*(10) >",
    ),
];

/// The bits that they are declared with.
pub const BITS: &str = "bits: { weights: 8, activations: 8 }";

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

/// Lets the driver write models and results there; `None` where Python lacks what it imports.
///
/// # Panics
/// When the driver fails.
pub fn driven(folder: &Path, data: &[&Path]) -> Option<PathBuf> {
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
    fs::create_dir_all(folder).unwrap();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exporters/edgeml.py");
    let status = python().arg(driver).arg(folder).args(data).status();
    assert!(status.unwrap().success(), "edgeml.py fails");
    Some(folder.to_owned())
}

/// The network of a list.
fn network(list: &str) -> Network {
    let text = format!("Imported: {list}, {BITS}");
    let parsed = syntax::parse(text.parse().unwrap());
    let told = || panic!("{}", parsed.errors.messages().join("; "));
    parsed.declaration.unwrap_or_else(told).network
}

/// An imported model, and what it computes.
pub struct Model {
    /// The network that it is imported as.
    pub network: Network,
    /// Its weights.
    pub weights: Weights,
    /// The weights file.
    pub file: Vec<u8>,
    /// Inputs to run it on.
    pub inputs: Vec<Vec<u8>>,
    /// The class of each.
    pub classes: Vec<u8>,
    /// The results of the first ones.
    pub results: Vec<Vec<i64>>,
}

impl Model {
    /// Reads what the driver wrote.
    ///
    /// # Panics
    /// When it is not there or no model of that list.
    pub fn read(folder: &Path, name: &str, list: &str) -> Self {
        let network = network(list);
        let file = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let weights = weights::read(&network, &file).unwrap_or_else(|errors| {
            let told: Vec<String> = errors.iter().map(WeightsError::to_string).collect();
            panic!("{name}: {}", told.join("; "))
        });
        let results = fs::read(folder.join(format!("{name}.results.safetensors"))).unwrap();
        let results = SafeTensors::deserialize(&results).unwrap();
        let bytes = |name| results.tensor(name).map(|tensor| tensor.data().to_vec());
        let words = bytes("results").unwrap_or_default();
        let words = words.chunks_exact(4);
        let words = words.map(|word| i32::from_le_bytes(word.try_into().unwrap()).into());
        let inputs = bytes("inputs").unwrap();
        let inputs = inputs.chunks_exact(network.input().values() as usize);
        Self {
            weights,
            file,
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

/// Imports the published models into a folder there; `None` where those or Python are missing.
pub fn published(folder: &Path) -> Option<PathBuf> {
    let (vectors, usps) = (shared("kinds/vectors")?, shared("usps")?);
    driven(&folder.join("edgeml_published"), &[&vectors, &usps])
}
