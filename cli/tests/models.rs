//! `cargo herringbone plan`, `check` and `reorder` of TensorFlow Lite files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use herringbone_tests::tflite_file::{Field, branches};
use serde_json::Value;

fn herringbone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
        .arg("herringbone")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).unwrap()
}

/// A folder with a model.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.tflite"), branches().bytes()).unwrap();
    folder
}

#[test]
fn a_model_is_planned_as_it_is() {
    let folder = folder();
    let plan = |arguments: &[&str]| {
        let arguments = [&["plan", "model.tflite"], arguments].concat();
        herringbone(folder.path(), &arguments)
    };
    let printed = text(&plan(&[]));
    assert!(printed.starts_with("model.tflite: plan "), "{printed}");
    assert!(
        printed.contains("4×4×1 in, 3 out, 4,656 multiply-accumulates"),
        "{printed}"
    );
    assert!(printed.contains("FULLY_CONNECTED"), "{printed}");
    assert_eq!(printed.matches('►').count(), 1, "{printed}");

    let picture = text(&plan(&["--svg", "-"]));
    assert!(picture.starts_with("<svg") && picture.contains("FULLY_CONNECTED"));

    let json: Value = serde_json::from_slice(&plan(&["--json"]).stdout).unwrap();
    let alternatives = json["alternatives"].as_array().unwrap().iter();
    let arenas = alternatives.map(|plan| plan["arena_bytes"].as_u64().unwrap());
    assert_eq!(json["arena_bytes"].as_u64(), arenas.min());
    let operators: Vec<u64> = json["operators"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|node| node["operators"].as_array().unwrap())
        .map(|number| number.as_u64().unwrap())
        .collect();
    let mut sorted = operators.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6], "{json}");

    let csv = text(&plan(&["--csv"]));
    assert!(
        csv.starts_with("operators,name,rows,columns,channels,how,"),
        "{csv}"
    );
    let fields: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(fields.iter().all(|&count| count == 8), "{csv}");

    let fits = plan(&["--target", "atmega328p"]);
    assert!(fits.status.success(), "{}", text(&fits));
    let does_not = plan(&["--target", "attiny13a"]);
    assert!(!does_not.status.success());
    assert!(
        text(&does_not).contains("it does not fit"),
        "{}",
        text(&does_not)
    );
    let unknown = text(&plan(&["--target", "atmega32x"]));
    assert!(
        unknown.contains("no part is called `atmega32x`; near it are"),
        "{unknown}"
    );
    let unknown = text(&plan(&["--plan", "best"]));
    assert!(
        unknown.contains("no plan `best`: this model has smallest, "),
        "{unknown}"
    );
}

#[test]
fn a_model_is_checked_on_data() {
    let folder = folder();
    for class in 0..3_u8 {
        let images = folder.path().join(format!("data/{class}"));
        fs::create_dir_all(&images).unwrap();
        for number in 0..4_u8 {
            let mut image = b"P5 4 4 255\n".to_vec();
            image.extend((0..16_u8).map(|pixel| pixel * (class * 5 + number)));
            fs::write(images.join(format!("{number}.pgm")), image).unwrap();
        }
    }
    let output = herringbone(folder.path(), &["check", "model.tflite", "--data", "data"]);
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("bytes go in less 128"), "{printed}");
    assert!(printed.contains(" of 12"), "{printed}");
}

#[test]
fn a_model_is_reordered_to_the_least_memory() {
    let folder = folder();
    let reorder = |from: &str, to: &str| {
        let output = herringbone(folder.path(), &["reorder", from, "--out", to]);
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let printed = reorder("model.tflite", "better.tflite");
    assert!(
        printed
            .contains("need 272 bytes in the order of model.tflite, 160 in that of better.tflite"),
        "{printed}"
    );
    assert!(printed.contains("the least of all orders"), "{printed}");
    let again = reorder("better.tflite", "again.tflite");
    assert!(
        again.contains("need 160 bytes in the order of better.tflite, 160"),
        "{again}"
    );
}

#[test]
fn what_is_not_understood_is_named() {
    let folder = folder();
    let mut file = branches();
    let read = file.outputs[0];
    let made = file.activation(&[1, 3]);
    // An operator of a later schema than any.
    file.operator(4000, &[read], &[made], vec![(0, Field::Byte(0))]);
    file.outputs = vec![made];
    fs::write(folder.path().join("model.tflite"), file.bytes()).unwrap();
    let printed = text(&herringbone(folder.path(), &["plan", "model.tflite"]));
    assert!(
        printed.contains("operator 7, operator code 4000, which makes `tensor18`: "),
        "{printed}"
    );
}
