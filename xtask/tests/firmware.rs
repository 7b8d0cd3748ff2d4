//! The firmware in the simulator. `cargo xtask test` runs these tests; `cargo test` alone ignores
//! them, as they install and build what they need.

use std::path::PathBuf;
use std::sync::OnceLock;

use object::{Object as _, ObjectSymbol as _};
use xtask::classifier::{CLASSES, Host, Simulated, Verdict};
use xtask::digits::{self, Digit, IMAGE_BYTES, Image};
use xtask::firmware::{self, Firmware};
use xtask::paths::{self, Weights};
use xtask::{build, idx, toolchain};

/// A firmware, its network on this machine, and the simulator.
struct Programs {
    firmware: &'static Firmware,
    elf: PathBuf,
    host: PathBuf,
    simulator: PathBuf,
}

impl Programs {
    /// All firmware, built once for all tests.
    fn all() -> &'static [Self] {
        static PROGRAMS: OnceLock<Vec<Programs>> = OnceLock::new();
        PROGRAMS.get_or_init(|| {
            let weights = Weights::choose(None).unwrap();
            let toolchain = toolchain::avr().unwrap();
            let simulator = build::simulator().unwrap();
            let programs = firmware::ALL.iter().map(|firmware| Self {
                firmware,
                elf: build::firmware(firmware, &weights, toolchain)
                    .unwrap()
                    .executable,
                host: build::host(firmware, &weights).unwrap(),
                simulator: simulator.clone(),
            });
            programs.collect()
        })
    }

    fn simulate(&self) -> Simulated {
        Simulated::start(&self.simulator, self.firmware, &self.elf).unwrap()
    }

    fn host(&self) -> Host {
        Host::start(&self.host).unwrap()
    }
}

/// The first `count` digits of MNIST's test set.
fn mnist(count: usize) -> Vec<Digit> {
    idx::read(&paths::shared().join("mnist"), count)
        .expect("this test needs ../shared/mnist beside the checkout")
}

fn first_largest(logits: &[i16; CLASSES]) -> u8 {
    let largest = logits.iter().max();
    logits.iter().position(|it| Some(it) == largest).unwrap() as u8
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_firmware_answers_as_the_host_on_every_shipped_digit() {
    for programs in Programs::all() {
        let (mut simulated, mut host) = (programs.simulate(), programs.host());
        for digit in digits::shipped().unwrap() {
            let (answer, _) = simulated.classify(&digit.pixels).unwrap();
            let expected = host.classify(&digit.pixels).unwrap();
            let name = format!("{} of {}", digit.name, programs.firmware.name);
            assert_eq!(answer, expected, "{name}");
            assert_eq!(answer.class, digit.label, "{name}: {answer:?}");
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_firmware_answers_as_the_host_on_random_bytes() {
    let mut images: Vec<Image> = vec![[0; IMAGE_BYTES], [255; IMAGE_BYTES]];
    images.extend(random_images(48));
    for programs in Programs::all() {
        let (mut simulated, mut host) = (programs.simulate(), programs.host());
        for (index, image) in images.iter().enumerate() {
            let (answer, _) = simulated.classify(image).unwrap();
            let expected = host.classify(image).unwrap();
            let name = format!("image {index} of {}", programs.firmware.name);
            assert_eq!(answer, expected, "{name}");
            assert_eq!(answer.class, first_largest(&answer.logits), "{name}");
        }
    }
}

/// Images of random bytes, by the generator xorshift64 (Marsaglia 2003, "Xorshift RNGs").
fn random_images(count: usize) -> Vec<Image> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    (0..count)
        .map(|_| std::array::from_fn(|_| byte()))
        .collect()
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_logits_are_the_published_ones_on_100_images() {
    let path = paths::shared().join("reference/logits-first-100.csv");
    let table = std::fs::read_to_string(&path)
        .expect("this test needs ../shared/reference beside the checkout");
    let published: Vec<Vec<i16>> = table
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
    let digits = mnist(100);

    for programs in Programs::all() {
        let mut simulated = programs.simulate();
        for (digit, expected) in digits.iter().zip(&published) {
            let (Verdict { logits, class }, _) = simulated.classify(&digit.pixels).unwrap();
            assert_eq!(&logits[..], expected, "{}", digit.name);
            assert_eq!(class, first_largest(&logits), "{}", digit.name);
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn static_sram_and_the_deepest_stack_take_at_most_1024_bytes() {
    for programs in Programs::all() {
        let mut simulated = programs.simulate();
        for image in random_images(4) {
            let (_, cost) = simulated.classify(&image).unwrap();
            let sram = simulated.footprint.sram_static + cost.stack;
            assert!(sram <= 1_024, "{}: {sram} bytes", programs.firmware.name);
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn what_the_firmware_takes_of_sram_was_planned() {
    for programs in Programs::all() {
        let planned = programs.host().description.sram_bytes;
        let mut simulated = programs.simulate();
        for image in random_images(4) {
            let (_, cost) = simulated.classify(&image).unwrap();
            let sram = simulated.footprint.sram_static + cost.stack;
            let name = programs.firmware.name;
            assert!(sram <= planned, "{name}: {sram} bytes, {planned} planned");
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn the_program_leaves_the_boot_loader_its_flash() {
    for programs in Programs::all() {
        let (flash, firmware) = (programs.simulate().footprint.flash, programs.firmware);
        assert!(flash <= firmware.flash, "{}: {flash} bytes", firmware.name);
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn an_image_takes_at_most_2_500_000_cycles() {
    for programs in Programs::all() {
        let mut simulated = programs.simulate();
        for digit in digits::shipped().unwrap() {
            let (_, cost) = simulated.classify(&digit.pixels).unwrap();
            let (cycles, name) = (cost.cycles, programs.firmware.name);
            assert!(cycles <= 2_500_000, "{name}: {cycles} cycles");
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn no_pixel_takes_longer_than_the_next_needs_to_arrive() {
    // 10 bits a byte, 17 × 8 cycles a bit: UBRR = 16 with U2X (ATmega328P datasheet, DS40002061B,
    // "Equations for Calculating Baud Rate Register Setting").
    const CYCLES_PER_BYTE: u64 = 10 * 17 * 8;
    for programs in Programs::all() {
        let mut simulated = programs.simulate();
        for image in random_images(4) {
            let (_, cost) = simulated.classify(&image).unwrap();
            let (longest, name) = (cost.longest_push, programs.firmware.name);
            assert!(longest <= CYCLES_PER_BYTE, "{name}: {longest} cycles");
        }
    }
}

#[test]
#[ignore = "builds the firmware: cargo xtask test"]
fn nothing_in_the_firmware_can_panic() {
    for programs in Programs::all() {
        let elf = std::fs::read(&programs.elf).unwrap();
        let elf = object::File::parse(&*elf).unwrap();
        let names: Vec<_> = elf
            .symbols()
            .map(|symbol| rustc_demangle::demangle(symbol.name().unwrap()).to_string())
            .collect();
        assert!(names.iter().any(|name| name == "main"), "{names:?}");
        let panics: Vec<_> = names
            .iter()
            .filter(|name| {
                ["panic", "unwind", "core::fmt"]
                    .iter()
                    .any(|it| name.contains(it))
            })
            .collect();
        assert!(panics.is_empty(), "{}: {panics:?}", programs.firmware.name);
    }
}
