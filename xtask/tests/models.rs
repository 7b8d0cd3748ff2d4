//! Models of TensorFlow Lite on a simulated ATmega328P, against those of this machine. `cargo xtask
//! test` runs this test; `cargo test` alone ignores it, as it installs and builds what it needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use herringbone_tflite::{Graph, Values};
use serde::Deserialize;
use xtask::{build, paths, toolchain};

/// As the simulator prints it.
#[derive(Deserialize)]
struct Line {
    answer: Vec<u8>,
    cycles: u64,
    stack: u64,
}

/// The firmware with a model in it.
fn firmware(model: &Path) -> PathBuf {
    let folder = paths::root().join("examples/sine");
    let mut cargo = toolchain::avr().unwrap().build();
    let status = cargo
        .current_dir(&folder)
        .args(["--release", "--quiet"])
        .env("HERRINGBONE_MODEL", std::fs::canonicalize(model).unwrap())
        .status();
    assert!(status.unwrap().success());
    paths::firmware_target().join("avr-none/release/sine.elf")
}

/// Runs a model on that many inputs; prints what it takes.
fn check(model: &Path, inferences: u32) {
    let graph = Graph::read(&std::fs::read(model).unwrap()).unwrap();
    let values = graph.tensor(graph.inputs[0]).values();
    let results = graph.tensor(graph.outputs[0]).values();
    let mut child = Command::new(build::simulator().unwrap())
        .arg(firmware(model))
        .args(["--mcu=atmega328p", "--frequency=16000000", "--marker=62"])
        .arg(format!("--image-bytes={values}"))
        .arg(format!("--answer-bytes={results}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    println!("{}", lines.next().unwrap().unwrap());
    for inference in 0..inferences {
        let drawn = (0..values as u32).map(|index| {
            let hash = (index + values as u32 * inference).wrapping_mul(2_654_435_761);
            (hash >> 23) as i8
        });
        let drawn: Vec<i8> = drawn.collect();
        let expected = graph.run(&mut graph.state(), &[Values::Int8(drawn.clone())]);
        let expected = expected.unwrap();
        let bytes: Vec<u8> = drawn.iter().map(|&value| value as u8).collect();
        input.write_all(&bytes).unwrap();
        input.flush().unwrap();
        let line: Line = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let found: Vec<i8> = line.answer.iter().map(|&byte| byte as i8).collect();
        assert_eq!(Some(&found[..]), expected[0].int8(), "{}", model.display());
        println!(
            "{}: {} cycles, {} bytes of stack",
            model.display(),
            line.cycles,
            line.stack
        );
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "installs a toolchain and builds firmware; run by cargo xtask test"]
fn models_on_an_atmega328p_answer_as_on_this_machine() {
    check(&paths::root().join("tests/models/branches.tflite"), 3);
    let models = paths::shared().join("tflite/models");
    if !models.is_dir() {
        println!("skipped: {} is absent", models.display());
        return;
    }
    for name in [
        "microflow_sine",
        "tflm_hello_world",
        "tinymaix_mnist_arduino_q",
        "tinymaix_mnist_valid_q",
    ] {
        check(&models.join(format!("{name}.tflite")), 3);
    }
}
