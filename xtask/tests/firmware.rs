//! The firmware in the simulator. `cargo xtask test` runs these tests; `cargo test` alone ignores
//! them, as they install and build what they need.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use object::{Object as _, ObjectSymbol as _};
use xtask::classifier::{CLASSES, Cost, Verdict};
use xtask::digits;
use xtask::firmware::{self, Link};
use xtask::panics;
use xtask::paths::{self, Weights};
use xtask::programs::Programs;
use xtask::{build, toolchain};

/// What a firmware may take.
struct Bounds {
    /// Cycles of computing an input, in the mean of those that it is tested on.
    mean_cycles: u64,
    /// Cycles of computing the worst of those, and of random bytes.
    worst_cycles: u64,
    /// Bytes of static SRAM and of the deepest stack.
    sram_bytes: u64,
    /// Bytes of flash.
    flash_bytes: u64,
}

/// The Uno's, where the image is averaged first: cycles for any weights, and SRAM with room for the
/// rest of a firmware.
const UNO: Bounds = Bounds {
    mean_cycles: 450_000,
    worst_cycles: 600_000,
    sram_bytes: 640,
    flash_bytes: 32_256,
};
const TINY85: Bounds = Bounds {
    mean_cycles: 3_500_000,
    worst_cycles: 4_000_000,
    sram_bytes: 512,
    flash_bytes: 8 * 1_024,
};

/// The tests of each firmware, in a module of its own: those of all, and its own.
macro_rules! firmware {
    ($($module:ident: $name:literal, [$($own:ident),* $(,)?], $bounds:expr;)*) => {
        $(mod $module {
            use super::*;

            /// Built once for all tests.
            fn programs() -> &'static Programs {
                static PROGRAMS: OnceLock<Programs> = OnceLock::new();
                PROGRAMS.get_or_init(|| build($name, None))
            }

            firmware!(@tests $bounds;
                it_answers_as_the_host,
                it_stays_within_its_bounds,
                its_sram_was_planned,
                its_stack_was_predicted,
                its_flash_was_predicted,
                it_cannot_panic,
                $($own,)*
            );
        })*

        #[test]
        fn every_firmware_is_tested() {
            assert_eq!(firmware::names().collect::<Vec<_>>(), [$($name),*]);
        }
    };
    (@tests $bounds:expr; $($fact:ident,)*) => {
        $(#[test]
        #[ignore = "builds the firmware: cargo xtask test"]
        fn $fact() {
            super::$fact(programs(), &$bounds);
        })*
    };
}

firmware! {
    uno: "uno", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        its_logits_are_the_published_ones,
        it_is_ready_for_the_next_pixel,
    ], UNO;
    uno_accurate: "uno-accurate", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
    ], Bounds {
        mean_cycles: 8_000_000,
        worst_cycles: 10_000_000,
        sram_bytes: 2_048,
        ..UNO
    };
    uno_herringbone: "uno-herringbone", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        its_logits_are_the_published_ones,
        it_is_ready_for_the_next_pixel,
    ], Bounds {
        mean_cycles: 550_000,
        worst_cycles: 700_000,
        ..UNO
    };
    uno_pruned: "uno-pruned", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        it_is_ready_for_the_next_pixel,
    ], Bounds {
        flash_bytes: 33 * 512,
        ..UNO
    };
    uno_residual: "uno-residual", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
    ], Bounds {
        mean_cycles: 8_000_000,
        worst_cycles: 11_000_000,
        sram_bytes: 2_048,
        ..UNO
    };
    uno_streamed: "uno-streamed", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        its_logits_are_the_published_ones,
    ], Bounds {
        sram_bytes: 400,
        ..UNO
    };
    uno_table: "uno-table", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        its_logits_are_the_published_ones,
        it_is_ready_for_the_next_pixel,
    ], Bounds {
        mean_cycles: 1_500_000,
        worst_cycles: 1_800_000,
        flash_bytes: 8 * 1_024,
        ..UNO
    };
    uno_runtime: "uno-runtime", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        its_logits_are_the_published_ones,
        it_is_ready_for_the_next_pixel,
    ], Bounds {
        mean_cycles: 1_800_000,
        worst_cycles: 2_200_000,
        sram_bytes: 2_048,
        flash_bytes: 8 * 1_024,
    };
    uno_keyword: "uno-keyword", [
        it_answers_as_the_host_on_random_bytes,
        it_knows_most_spoken_digits,
    ], Bounds {
        mean_cycles: 1_000_000,
        worst_cycles: 1_000_000,
        sram_bytes: 512,
        flash_bytes: 8 * 1_024,
    };
    uno_fastgrnn: "uno-fastgrnn", [
        it_answers_as_the_host_on_random_bytes,
        it_knows_most_digits,
    ], Bounds {
        mean_cycles: 500_000,
        worst_cycles: 500_000,
        sram_bytes: 300,
        flash_bytes: 8 * 1_024,
    };
    uno_bonsai: "uno-bonsai", [
        it_answers_as_the_host_on_random_bytes,
        it_knows_most_digits,
    ], Bounds {
        mean_cycles: 120_000,
        worst_cycles: 120_000,
        sram_bytes: 200,
        flash_bytes: 8 * 1_024,
    };
    uno_protonn: "uno-protonn", [
        it_answers_as_the_host_on_random_bytes,
        it_knows_most_digits,
    ], Bounds {
        mean_cycles: 120_000,
        worst_cycles: 120_000,
        sram_bytes: 200,
        flash_bytes: 8 * 1_024,
    };
    tiny85: "tiny85", [it_knows_most_digits], TINY85;
    tiny85_published: "tiny85-published", [it_knows_most_digits], TINY85;
    tiny25: "tiny25", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
    ], Bounds {
        mean_cycles: 400_000,
        worst_cycles: 600_000,
        sram_bytes: 128,
        flash_bytes: 2 * 1_024,
    };
    mega: "mega", [
        it_knows_most_digits,
        it_answers_as_the_host_on_random_bytes,
        it_is_ready_for_the_next_pixel,
        its_tables_lie_across_and_beyond_64_kb,
    ], Bounds {
        mean_cycles: 800_000,
        worst_cycles: 1_000_000,
        sram_bytes: 2_048,
        flash_bytes: 128 * 1_024,
    };
}

/// The firmware called `name`, built with the weights in that file or those that ship.
fn build(name: &str, weights: Option<PathBuf>) -> Programs {
    // Two variants of a firmware are built to the same path.
    static SIMULATOR: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut simulator = SIMULATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let simulator = simulator.get_or_insert_with(|| build::simulator().unwrap());
    let firmware = firmware::find(name).unwrap();
    let weights = Weights::choose_for(&[firmware], weights).unwrap();
    let toolchain = toolchain::avr().unwrap();
    Programs::build(firmware, &weights, toolchain, simulator).unwrap()
}

/// What firmware is tested on: digits where they ship, and where not, random bytes.
fn inputs(programs: &Programs) -> Vec<Vec<u8>> {
    programs.inputs(&digits::shipped().unwrap()).unwrap()
}

/// The first of the largest.
fn class(logits: &[i32; CLASSES]) -> u8 {
    let largest = logits.iter().max();
    logits.iter().position(|it| Some(it) == largest).unwrap() as u8
}

fn it_answers_as_the_host(programs: &Programs, _: &Bounds) {
    let (mut simulated, mut host) = (programs.simulate().unwrap(), programs.host().unwrap());
    for (index, input) in inputs(programs).iter().enumerate() {
        let (answer, _) = simulated.classify(input).unwrap();
        let expected = host.classify(input).unwrap();
        assert_eq!(answer, expected, "input {index}");
    }
}

/// They are drawn by other hands than those that it was trained on.
fn it_knows_most_digits(programs: &Programs, _: &Bounds) {
    let mut host = programs.host().unwrap();
    let mut wrong = programs.digits(&digits::shipped().unwrap()).unwrap();
    let count = wrong.len();
    wrong.retain(|digit| host.classify(&digit.input).unwrap().class != digit.label);
    let wrong: Vec<_> = wrong.into_iter().map(|digit| digit.name).collect();
    assert!(wrong.len() * 5 <= count, "{count}, and wrong are {wrong:?}");
}

/// Those for testing, which do not ship, in the simulator.
fn it_knows_most_spoken_digits(programs: &Programs, _: &Bounds) {
    let shared = paths::shared().join("fsdd");
    if !shared.is_dir() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    // The same files by the names that MNIST's have.
    let folder = paths::root().join("target/tmp/spoken-digits");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, here) in [
        (
            "fsdd-test-logmel-idx3-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
        ),
        (
            "fsdd-test-labels-idx1-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ),
    ] {
        std::fs::write(folder.join(here), std::fs::read(shared.join(name)).unwrap()).unwrap();
    }
    let digits = digits::spoken(&folder, 300).unwrap();
    let (mut simulated, mut host) = (programs.simulate().unwrap(), programs.host().unwrap());
    let mut right = 0;
    for digit in &digits {
        let (answer, _) = simulated.classify(&digit.input).unwrap();
        assert_eq!(
            answer,
            host.classify(&digit.input).unwrap(),
            "{}",
            digit.name
        );
        right += usize::from(answer.class == digit.label);
    }
    assert!(right * 20 >= digits.len() * 19, "{right} right");
}

fn it_answers_as_the_host_on_random_bytes(programs: &Programs, _: &Bounds) {
    let (mut simulated, mut host) = (programs.simulate().unwrap(), programs.host().unwrap());
    let bytes = host.description.input_bytes;
    let mut images = vec![vec![0; bytes], vec![255; bytes]];
    images.extend(digits::drawn(48, bytes));
    for (index, image) in images.iter().enumerate() {
        let (answer, _) = simulated.classify(image).unwrap();
        assert_eq!(answer, host.classify(image).unwrap(), "image {index}");
        assert_eq!(answer.class, class(&answer.logits), "image {index}");
    }
}

/// Built with the published weights, which do not ship.
fn its_logits_are_the_published_ones(programs: &Programs, _: &Bounds) {
    let shared = paths::shared();
    if !shared.is_dir() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    let table = std::fs::read_to_string(shared.join("reference/logits-first-100.csv")).unwrap();
    let published: Vec<Vec<i32>> = table
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .skip(1)
                .map(|it| it.parse().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(published.len(), 100);
    let digits = digits::mnist(&shared.join("mnist"), 100).unwrap();

    let weights = shared.join("reference/paper-mnist.safetensors");
    let programs = build(programs.firmware.name, Some(weights));
    let mut simulated = programs.simulate().unwrap();
    for (digit, expected) in digits.iter().zip(&published) {
        let (answer, _) = simulated.classify(&digit.input).unwrap();
        let Verdict { logits, class } = answer;
        assert_eq!(&logits[..], expected, "{}", digit.name);
        assert_eq!(class, self::class(&logits), "{}", digit.name);
    }
}

/// What each of the inputs, and of some more of random bytes, costs.
fn costs(programs: &Programs) -> Vec<Cost> {
    let mut simulated = programs.simulate().unwrap();
    let mut inputs = inputs(programs);
    if !matches!(programs.firmware.link, Link::Registers { .. }) {
        let bytes = programs.host().unwrap().description.input_bytes;
        inputs.extend(digits::drawn(4, bytes));
    }
    let costs = inputs.iter().map(|input| simulated.classify(input));
    costs.map(|it| it.unwrap().1).collect()
}

fn it_stays_within_its_bounds(programs: &Programs, bounds: &Bounds) {
    let footprint = programs.simulate().unwrap().footprint;
    let costs = costs(programs);
    let first = &costs[..inputs(programs).len()];
    let mean = first.iter().map(|cost| cost.cycles).sum::<u64>() / first.len() as u64;
    let worst = costs.iter().map(|cost| cost.cycles).max().unwrap();
    let sram = footprint.sram_static + costs.last().unwrap().stack;
    let flash = footprint.flash;
    assert!(mean <= bounds.mean_cycles, "{mean} cycles in the mean");
    assert!(worst <= bounds.worst_cycles, "{worst} cycles at worst");
    assert!(sram <= bounds.sram_bytes, "{sram} bytes of SRAM");
    assert!(flash <= bounds.flash_bytes, "{flash} bytes of flash");
    assert!(bounds.sram_bytes <= programs.firmware.sram);
    // The boot loader has the rest.
    assert!(bounds.flash_bytes <= programs.firmware.flash);
}

fn its_sram_was_planned(programs: &Programs, _: &Bounds) {
    let description = programs.host().unwrap().description;
    let stack = costs(programs).last().unwrap().stack;
    let sram = programs.simulate().unwrap().footprint.sram_static + stack;
    let planned = description.sram_bytes;
    assert!(sram <= planned, "{sram} bytes, {planned} planned");
}

fn its_stack_was_predicted(programs: &Programs, _: &Bounds) {
    // The firmware's own: what `main`, and a function between it and the network, keep at most. Each
    // has a return address, and they save 18 registers together (avr-gcc ABI, "Call-Saved
    // Registers").
    const OWN_BYTES: u64 = 2 * 3 + 18;
    let predicted = programs.host().unwrap().description.stack_bytes;
    let stack = costs(programs).last().unwrap().stack;
    assert!(
        stack <= predicted + OWN_BYTES,
        "{stack} bytes of stack, {predicted} predicted and {OWN_BYTES} of the firmware's own"
    );
}

fn its_flash_was_predicted(programs: &Programs, _: &Bounds) {
    // What `run` takes to call the network's functions, which is predicted too
    // (`compiler/src/backend/avr/backend.rs`). These firmwares have theirs inlined.
    const WAY_IN_BYTES: u64 = 84;
    let predicted = programs.host().unwrap().description.flash_bytes;
    let network = programs.simulate().unwrap().footprint.network();
    assert_eq!(network + WAY_IN_BYTES, predicted);
}

/// The dense layers' tables are parts of their functions, so that their addresses are near.
fn its_tables_lie_across_and_beyond_64_kb(programs: &Programs, _: &Bounds) {
    const WEIGHTS_OF_LAYER_4: u64 = 4 * 4 * 32 * 128;
    const WEIGHTS_OF_LAYER_5: u64 = 128 * 10;
    let elf = std::fs::read(&programs.elf).unwrap();
    let elf = object::File::parse(&*elf).unwrap();
    let function = |name: &str| {
        let is_it = |symbol: &object::Symbol| {
            let path = rustc_demangle::demangle(symbol.name().unwrap());
            format!("{path:#}").ends_with(&format!("::herringbone_code::{name}"))
        };
        let symbol = elf.symbols().find(is_it).unwrap();
        symbol.address()..symbol.address() + symbol.size()
    };

    let across = function("layer_4");
    let bytes = across.end - across.start;
    // A byte a weight, and the code around it; as instructions they would be two words.
    assert!((WEIGHTS_OF_LAYER_4..2 * WEIGHTS_OF_LAYER_4).contains(&bytes));
    assert!(across.contains(&0x1_0000), "{across:#x?}");
    let beyond = function("layer_5");
    let bytes = beyond.end - beyond.start;
    assert!((WEIGHTS_OF_LAYER_5..2 * WEIGHTS_OF_LAYER_5).contains(&bytes));
    assert!(beyond.start > 0x1_0000, "{beyond:#x?}");
}

fn it_is_ready_for_the_next_pixel(programs: &Programs, _: &Bounds) {
    for cost in costs(programs) {
        let longest = cost.longest_push;
        assert!(longest <= firmware::CYCLES_PER_BYTE, "{longest} cycles");
    }
}

fn it_cannot_panic(programs: &Programs, _: &Bounds) {
    assert_eq!(panics::of(&programs.elf).unwrap(), [""; 0]);
}
