//! `examples/speech` on a simulated Cortex-M0 with 4 KB of SRAM, against TensorFlow Lite for
//! Microcontrollers. Builds firmware: run it with `--ignored`.
#![cfg(shared_models)]

use std::path::{Path, PathBuf};
use std::process::Command;

use herringbone_simulator32::core::Core;
use herringbone_simulator32::machine::Machine;
use herringbone_simulator32::memory::Map;
use herringbone_simulator32::program::Program;
use herringbone_simulator32::thumb::{Cost, Thumb};
use herringbone_tests::shared::shared;

#[path = "tflite/arrays.rs"]
mod arrays;

/// As many inputs are heard.
const MOST_INPUTS: usize = 4;

/// An STM32F030K6.
const PART: Map = Map {
    flash_start: 0x0800_0000,
    flash_bytes: 32 << 10,
    sram_start: 0x2000_0000,
    sram_bytes: 4 << 10,
    uart: None,
    uart_receive: None,
    marker: None,
    registers: &[],
};

fn firmware(model: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/speech");
    // Where `cargo xtask` builds all firmware.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/firmware");
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--release"])
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("HERRINGBONE_MODEL", model.canonicalize().unwrap())
        .current_dir(&folder)
        .status();
    assert!(built.unwrap().success());
    target.join("thumbv6m-none-eabi/release/speech")
}

/// The firmware while it runs.
struct Listener {
    machine: Machine<Thumb>,
    lowest_stack: u32,
    cycles: u64,
}

impl Listener {
    fn new(program: Program) -> Self {
        let entry = program.entry;
        let mut machine = Machine::new(Thumb::new(Cost::CORTEX_M0), PART, program).unwrap();
        machine.core.reset(&mut machine.memory, entry).unwrap();
        Self {
            machine,
            lowest_stack: u32::MAX,
            cycles: 0,
        }
    }

    fn mailbox(&self, name: &str) -> (u32, i32) {
        let address = self.machine.program().address(name).unwrap();
        let bytes = self.machine.memory.bytes(address, 4).unwrap();
        (address, i32::from_le_bytes(bytes.try_into().unwrap()))
    }

    /// Runs until the mailbox of features is empty.
    fn take(&mut self) {
        for _ in 0..10_000_000 {
            for _ in 0..20 {
                let step = self.machine.core.step(&mut self.machine.memory).unwrap();
                self.cycles += u64::from(step);
                let stack = self.machine.core.register(Thumb::STACK_POINTER);
                self.lowest_stack = self.lowest_stack.min(stack);
            }
            if self.mailbox("FEATURE").1 == i32::MIN {
                return;
            }
        }
        panic!("the firmware takes no feature");
    }

    fn hear(&mut self, feature: i8) {
        let (address, _) = self.mailbox("FEATURE");
        let bytes = i32::from(feature).to_le_bytes();
        self.machine.memory.set_bytes(address, &bytes).unwrap();
        self.take();
    }
}

#[test]
#[ignore = "builds firmware"]
fn speech_is_heard_in_4_kilobytes() {
    let model = shared("tflite/models/tflm_micro_speech.tflite");
    let vectors = shared("tflite/reference/tflm_micro_speech.npz");
    let (Some(model), Some(vectors)) = (model, vectors) else {
        return;
    };
    let arrays = arrays::read(&vectors);
    let (inputs, outputs) = (&arrays["input0"], &arrays["tflm_out0"]);
    let elf = std::fs::read(firmware(&model)).unwrap();
    let program = Program::parse(&elf).unwrap();
    let flash_bytes: usize = program.segments.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut listener = Listener::new(program);
    // The start-up code, and statics.
    listener.lowest_stack = u32::MAX;
    while listener.mailbox("FEATURE").1 != i32::MIN {
        listener
            .machine
            .core
            .step(&mut listener.machine.memory)
            .unwrap();
    }
    for index in 0..inputs.len().min(MOST_INPUTS) {
        listener.cycles = 0;
        for &feature in inputs.get(index).int8().unwrap() {
            listener.hear(feature);
        }
        let scores = outputs.get(index);
        let scores = scores.int8().unwrap();
        let most = scores.iter().max();
        let class = scores.iter().position(|score| Some(score) == most);
        let heard = listener.mailbox("CLASS").1;
        assert_eq!(usize::try_from(heard).ok(), class, "input {index}");
    }
    let stack_bytes = PART.sram_start + PART.sram_bytes - listener.lowest_stack;
    println!(
        "{flash_bytes} bytes of flash, {stack_bytes} of stack, {} cycles an inference",
        listener.cycles
    );
}
