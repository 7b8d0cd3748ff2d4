//! Features on a simulated ATmega328P, against those of this machine. `cargo xtask test`
//! runs these tests; `cargo test` alone ignores them, as they install and build what they need.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use herringbone_compiler::features::{Bank, Features, Mel, RowValues, StatisticSet, Statistics};
use serde::Deserialize;
use xtask::{build, paths, toolchain};

/// As the simulator prints it.
#[derive(Deserialize)]
struct Line {
    answer: Vec<u8>,
    cycles: u64,
    stack: u64,
}

/// What a row took.
#[derive(Debug)]
struct Cost {
    cycles: u64,
    stack: u64,
}

/// The name of the firmware for a design, and the design as a file of Rust, which it includes.
fn included(features: &Features) -> (&'static str, String) {
    match features {
        Features::Mel(mel) => ("features-firmware", tables(mel)),
        Features::Statistics(statistics) => {
            let samples = statistics.frame_samples();
            let design = statistics.design();
            let text = format!(
                "const SAMPLES: usize = {samples};\nconst DESIGN: StatisticsDesign = {design:?};\n"
            );
            ("statistics-firmware", text)
        }
    }
}

fn tables(mel: &Mel) -> String {
    let bank = Bank::of(mel);
    let mut text = format!(
        "const FRAME: usize = {};\nconst BANDS: u8 = {};\nconst POWER_SHIFT: u8 = {};\n\
         const FLOOR: u8 = {};\nconst COEFFICIENTS: u8 = {};\nconst TRANSFORM_SHIFT: u8 = {};\n",
        mel.frame, mel.bands, bank.power_shift, mel.floor, bank.coefficients, bank.transform_shift
    );
    let mut table = |name: &str, of: &str, entries: String, length: usize| {
        writeln!(
            text,
            "#[unsafe(link_section = \".progmem.data\")]\n\
             static {name}: Flash<{of}, {length}> = Flash::new({entries});"
        )
        .unwrap();
    };
    table(
        "SINES",
        "i16",
        format!("{:?}", bank.sines),
        bank.sines.len(),
    );
    table("BINS", "u8", format!("{:?}", bank.bins), bank.bins.len());
    let factors = &bank.transform;
    table("TRANSFORM", "i16", format!("{factors:?}"), factors.len());
    let shares = &bank.upper_shares;
    table("UPPER_SHARES", "u8", format!("{shares:?}"), shares.len());
    text
}

/// Builds the firmware for a design.
fn firmware(features: &Features) -> PathBuf {
    let folder = paths::root().join("features/firmware");
    let target = paths::firmware_target();
    std::fs::create_dir_all(&target).unwrap();
    let file = target.join("tables.rs");
    let (name, text) = included(features);
    std::fs::write(&file, text).unwrap();
    let mut cargo = toolchain::avr().unwrap().build();
    let status = cargo
        .current_dir(&folder)
        .args(["--release", "--quiet", "--bin", name])
        .env("HERRINGBONE_TABLES", &file)
        .status();
    assert!(status.unwrap().success());
    target.join(format!("avr-none/release/{name}.elf"))
}

/// The rows of those frames, as the firmware computes them.
fn rows(elf: &Path, features: &Features, frames: &[Vec<i16>]) -> Vec<(Vec<i16>, Cost)> {
    let mut child = Command::new(build::simulator().unwrap())
        .arg(elf)
        .args(["--mcu=atmega328p", "--frequency=16000000", "--marker=62"])
        .arg(format!("--image-bytes={}", 2 * samples_of(features)))
        .arg(format!("--answer-bytes={}", 2 * features.row_values()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let answer = |frame: &Vec<i16>| {
        let bytes: Vec<u8> = frame.iter().flat_map(|it| it.to_le_bytes()).collect();
        input.write_all(&bytes).unwrap();
        input.flush().unwrap();
        let line: Line = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let (pairs, _) = line.answer.as_chunks();
        let row = pairs.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
        let cost = Cost {
            cycles: line.cycles,
            stack: line.stack,
        };
        (row, cost)
    };
    let rows = frames.iter().map(answer).collect();
    drop(input);
    assert!(child.wait().unwrap().success());
    rows
}

/// Samples of a frame, of all channels.
fn samples_of(features: &Features) -> u32 {
    match features {
        Features::Mel(mel) => mel.frame,
        Features::Statistics(statistics) => statistics.frame_samples(),
    }
}

/// Silence, offsets, extremes, noise and tones of any loudness.
fn frames(length: usize) -> Vec<Vec<i16>> {
    let mut state = 0x9E37_79B9_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    };
    let mut frames: Vec<Vec<i16>> = [0, 1, -1, 512, i16::MAX, i16::MIN]
        .map(|offset| vec![offset; length])
        .to_vec();
    // One sample that is not as the others; alternating extremes; a square.
    for place in [0, 1, length / 2, length - 1] {
        let mut frame = vec![-7; length];
        frame[place] = -8;
        frames.push(frame);
    }
    for half in [1, 2, 8, length / 2] {
        let square = |at: usize| [i16::MAX, i16::MIN][at / half % 2];
        frames.push((0..length).map(square).collect());
    }
    for shift in 0..16 {
        frames.push((0..length).map(|_| random() >> shift).collect());
        let (hertz, loud) = (
            f64::from(random() as u16) / 131_072.0,
            f64::from(32_767 >> shift),
        );
        let tone = |at: usize| (std::f64::consts::TAU * hertz * at as f64).sin() * loud;
        let offset = random() >> 3;
        let sample = |at: usize| (tone(at) as i16).saturating_add(offset);
        frames.push((0..length).map(sample).collect());
    }
    frames
}

/// Compares all frames of a design; gives the most that one took.
fn compare(features: &Features) -> Cost {
    // All designs are built to the same path.
    static BUILT: Mutex<()> = Mutex::new(());
    let _built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let frames = frames(samples_of(features) as usize);
    let elf = firmware(features);
    let found = rows(&elf, features, &frames);
    let mut most = Cost {
        cycles: 0,
        stack: 0,
    };
    for (index, (frame, (row, cost))) in frames.iter().zip(found).enumerate() {
        let expected = features.of_samples(frame);
        assert_eq!(row, expected, "{features}, frame {index}");
        most.cycles = most.cycles.max(cost.cycles);
        most.stack = most.stack.max(cost.stack);
    }
    println!("{features}: {most:?} at most");
    most
}

fn design(rate_hertz: u32, frame: u32, bands: u32) -> Mel {
    Mel {
        rate_hertz,
        frame,
        hop: frame,
        bands,
        low_hertz: Mel::DEFAULT_LOW_HERTZ,
        high_hertz: rate_hertz / 2,
        floor: Mel::DEFAULT_FLOOR,
        values: RowValues::Bands,
    }
}

#[test]
#[ignore = "builds firmware: cargo xtask test"]
fn rows_on_avr_are_those_of_this_machine_within_160_000_cycles() {
    let cost = compare(&Features::Mel(design(8000, 256, 20)));
    assert!(cost.cycles <= 160_000, "{cost:?}");
}

#[test]
#[ignore = "builds firmware: cargo xtask test"]
fn rows_of_other_designs_on_avr_are_those_of_this_machine() {
    let mfcc = Mel {
        values: RowValues::Coefficients(13),
        ..design(8000, 256, 20)
    };
    for features in [
        design(1000, 64, 5),
        design(16_000, 128, 8),
        design(8000, 512, 40),
        mfcc,
    ] {
        compare(&Features::Mel(features));
    }
}

#[test]
#[ignore = "builds firmware: cargo xtask test"]
fn statistics_on_avr_are_those_of_this_machine() {
    for (channels, frame, floor) in [(3, 64, 0), (1, 512, 10), (16, 8, 2)] {
        compare(&Features::Statistics(Statistics {
            channels,
            frame,
            hop: frame,
            values: StatisticSet::ALL,
            floor,
        }));
    }
}
