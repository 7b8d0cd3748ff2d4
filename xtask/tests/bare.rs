//! The firmware of parts with 32-bit cores, from reset in the simulator. `cargo xtask test` runs these
//! tests; `cargo test` alone ignores them, as they build what they need.

use std::path::PathBuf;

use xtask::bare::{self, Bare, Board};
use xtask::classifier::{Host, Verdict};
use xtask::digits::{self, Digit};
use xtask::microbit;
use xtask::paths::Weights;
use xtask::{build, firmware};

fn built(name: &str) -> (&'static Bare, PathBuf) {
    let bare = bare::find(name).unwrap();
    let built = bare::build(bare, &Weights::default()).unwrap();
    assert_eq!(built.warnings, 0, "{name}");
    (bare, built.executable)
}

/// The digits that ship, each with what this machine makes of it.
fn expected() -> Vec<(Digit, Verdict)> {
    let uno = firmware::find("uno").unwrap();
    let host = build::host(uno, &Weights::default()).unwrap();
    let mut host = Host::start(&host, None).unwrap();
    let digits = digits::shipped().unwrap().into_iter();
    let with_verdict = digits.map(|digit| {
        let verdict = host.classify(&digit.input).unwrap();
        (digit, verdict)
    });
    with_verdict.collect()
}

// One test: there is one folder of builds for each, and one host.
#[test]
#[ignore = "builds firmware; run by cargo xtask test"]
fn every_part_answers_as_this_machine_does_within_its_memory() {
    let expected = expected();
    for bare in &bare::ALL {
        let (_, elf) = built(bare.name);
        let board = Board::new(bare, &elf).unwrap();
        for (digit, verdict) in &expected {
            let (found, cost) = board.classify(&[&digit.input]).unwrap();
            assert_eq!(found, *verdict, "{}, {}", bare.name, digit.name);
            // The simulator stops what leaves the memory; what is static is not in the stack's way.
            let sram_bytes = microbit::static_bytes(&elf).unwrap() + u64::from(cost.stack_bytes);
            assert!(sram_bytes <= bare.map.sram_bytes.into(), "{}", bare.name);
        }
        // An inference does not change the next one.
        let images: Vec<_> = expected[..3]
            .iter()
            .map(|(digit, _)| digit.input.as_slice())
            .collect();
        let (found, _) = board.classify(&images).unwrap();
        assert_eq!(found, expected[2].1, "{}", bare.name);
    }
}

#[test]
#[ignore = "builds firmware; run by cargo xtask test"]
fn rows_that_arrive_take_150_000_cycles_and_600_bytes_of_sram_on_a_ch32v003() {
    let (bare, elf) = built("ch32v003-streamed");
    let board = Board::new(bare, &elf).unwrap();
    let static_bytes = microbit::static_bytes(&elf).unwrap();
    let digits = digits::shipped().unwrap();
    let mut cycles = 0;
    for digit in &digits {
        let (_, cost) = board.classify(&[&digit.input]).unwrap();
        cycles += cost.cycles;
        let sram_bytes = static_bytes + u64::from(cost.stack_bytes);
        assert!(sram_bytes <= 600, "{sram_bytes} bytes");
    }
    let mean = cycles / digits.len() as u64;
    assert!(mean <= 150_000, "{mean} cycles");
}

#[test]
#[ignore = "builds firmware; run by cargo xtask test"]
fn a_part_without_a_multiplier_calls_no_product() {
    let (bare, elf) = built("ch32v003");
    let board = Board::new(bare, &elf).unwrap();
    let products = board.program().functions.iter();
    let products: Vec<_> = products
        .filter(|function| function.name.contains("__mul"))
        .collect();
    assert!(products.is_empty(), "{products:?}");
}

#[test]
#[ignore = "needs qemu-system-arm and builds firmware; run by cargo xtask test where qemu is there"]
fn a_micro_bit_in_qemu_answers_as_this_machine_does() {
    let (_, elf) = built("microbit");
    let mut board = microbit::Board::start(&elf).unwrap();
    for (digit, verdict) in expected().iter().take(3) {
        let answer = board.exchange(&digit.input, 21).unwrap();
        assert_eq!(answer[20], verdict.class, "{}", digit.name);
        let logits: Vec<i32> = answer[..20]
            .chunks(2)
            .map(|it| i16::from_le_bytes([it[0], it[1]]).into())
            .collect();
        assert_eq!(logits, verdict.logits, "{}", digit.name);
    }
}
