//! On real firmware, instruction by instruction, the simulator goes where qemu goes. Needs
//! `qemu-system-arm`, `qemu-system-riscv32` and Rust's targets: run it with `--ignored`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use herringbone_simulator32::core::Core;
use herringbone_simulator32::machine::{Machine, Until};
use herringbone_simulator32::memory::Map;
use herringbone_simulator32::program::Program;
use herringbone_simulator32::risc_v::{self, Registers, RiscV};
use herringbone_simulator32::thumb::{self, Thumb};

const MICROBIT: Map = Map {
    flash_start: 0,
    flash_bytes: 256 << 10,
    sram_start: 0x2000_0000,
    sram_bytes: 16 << 10,
    uart: None,
    uart_receive: None,
    marker: None,
    registers: &[],
};
const VIRT: Map = Map {
    flash_start: 0x8000_0000,
    flash_bytes: 4 << 20,
    sram_start: 0x8040_0000,
    sram_bytes: 16 << 10,
    uart: None,
    uart_receive: None,
    marker: None,
    registers: &[],
};

/// The network's firmware for that target of Rust, linked by that script.
fn build(target: &str, script: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qemu");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = here.join("tests/fixtures");
    let root = here.parent().unwrap();
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"measured\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         herringbone.path = {:?}\n[profile.release]\nopt-level = 2\nlto = true\n\
         codegen-units = 1\n",
        root.join("runtime")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::copy(fixtures.join("firmware.rs"), folder.join("src/main.rs")).unwrap();
    let weights = root.join("template/digits.safetensors");
    fs::copy(weights, folder.join("digits.safetensors")).unwrap();
    let script = format!("-Clink-arg=-T{}", fixtures.join(script).display());
    let built = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--release",
            "--target",
            target,
            "--config",
        ])
        .arg(format!("target.{target}.rustflags = [{script:?}]"))
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .status();
    assert!(built.unwrap().success());
    folder.join("target").join(target).join("release/measured")
}

/// The address of every instruction that qemu executes, in order.
fn trace(qemu: &[&str], program: &Path) -> Vec<u32> {
    let log = program.with_extension("trace");
    // One instruction to a block of the trace is said otherwise from qemu 8.1 on.
    let help = Command::new(qemu[0]).arg("-help").output();
    let help = help.expect("qemu can be started").stdout;
    let single: &[&str] = if String::from_utf8_lossy(&help).contains("one-insn-per-tb") {
        &["-accel", "tcg,one-insn-per-tb=on"]
    } else {
        &["-singlestep"]
    };
    let mut qemu = Command::new(qemu[0])
        .args(&qemu[1..])
        .args(["-nographic", "-semihosting"])
        .args(single)
        .args(["-d", "exec,nochain", "-D"])
        .arg(&log)
        .arg("-kernel")
        .arg(program)
        .stdin(Stdio::null())
        .spawn()
        .expect("qemu can be started");
    assert!(qemu.wait().unwrap().success());
    let lines = BufReader::new(fs::File::open(&log).unwrap()).lines();
    // `Trace 0: 0x7f0… [flags/address/flags/flags] symbol`
    let addresses = lines.filter_map(|line| {
        let line = line.unwrap();
        let address = line.strip_prefix("Trace")?.split('/').nth(1)?;
        Some(u64::from_str_radix(address, 16).unwrap() as u32)
    });
    let addresses = addresses.collect();
    fs::remove_file(log).unwrap();
    addresses
}

/// Where the simulator goes from reset to `finish`, and what it takes by each core's costs.
fn compare<C: Core + Clone>(cores: &[(&str, C)], map: Map, program: &Path, trace: &[u32]) {
    let program = Program::parse(&fs::read(program).unwrap()).unwrap();
    let (start, finish) = (program.entry & !1, program.address("finish").unwrap());
    // qemu's own instructions come before the program's.
    let first = trace.iter().position(|&address| address == start).unwrap();
    let end = trace.iter().position(|&address| address == finish).unwrap();
    let trace = &trace[first..end];
    assert!(trace.len() > 100_000, "{} instructions", trace.len());

    let mut machine = Machine::new(cores[0].1.clone(), map, program.clone()).unwrap();
    machine
        .core
        .reset(&mut machine.memory, program.entry)
        .unwrap();
    for (step, &address) in trace.iter().enumerate() {
        assert_eq!(
            machine.core.program_counter(),
            address,
            "after {step} instructions"
        );
        machine.core.step(&mut machine.memory).unwrap();
    }
    assert_eq!(machine.core.program_counter(), finish);

    for (name, core) in cores {
        let mut machine = Machine::new(core.clone(), map, program.clone()).unwrap();
        let whole = machine
            .run_from_reset(Until::Address(finish), 1 << 30)
            .unwrap();
        assert_eq!(whole.instructions, trace.len() as u64);
        let class = machine.core.register(C::ARGUMENTS[0]);
        let again = machine.call("classify", &[], 1 << 30).unwrap();
        assert_eq!(machine.core.register(C::ARGUMENTS[0]), class);
        let profiled: u64 = again.profile.iter().map(|share| share.cycles).sum();
        assert_eq!(profiled, again.cycles);
        println!(
            "{name}: class {class}, {} instructions, {} cycles, {} bytes of stack",
            again.instructions, again.cycles, again.stack_bytes
        );
    }
}

#[test]
#[ignore = "builds for a bare core and runs in qemu"]
fn thumb_code_goes_the_way_that_it_goes_in_qemu() {
    let program = build("thumbv6m-none-eabi", "arm.x");
    let trace = trace(&["qemu-system-arm", "-machine", "microbit"], &program);
    let cores = [
        ("Cortex-M0", Thumb::new(thumb::Cost::CORTEX_M0)),
        ("Cortex-M0+", Thumb::new(thumb::Cost::CORTEX_M0_PLUS)),
        (
            "Cortex-M0, small multiplier",
            Thumb::new(thumb::Cost::CORTEX_M0.with_small_multiplier()),
        ),
    ];
    compare(&cores, MICROBIT, &program, &trace);
}

#[test]
#[ignore = "builds for a bare core and runs in qemu"]
fn risc_v_code_goes_the_way_that_it_goes_in_qemu() {
    let program = build("riscv32imc-unknown-none-elf", "riscv.x");
    let qemu = ["qemu-system-riscv32", "-machine", "virt", "-bios", "none"];
    let trace = trace(&qemu, &program);
    let registers = Registers {
        count: 32,
        multiplies: true,
    };
    let cores = [
        ("RV32IMC", RiscV::new(registers, risc_v::Cost::GENERIC)),
        ("Hazard3", RiscV::new(registers, risc_v::Cost::HAZARD3)),
        ("QingKe V2", RiscV::new(registers, risc_v::Cost::QINGKE_V2)),
        (
            "QingKe V2, 1 wait state",
            RiscV::new(registers, risc_v::Cost::QINGKE_V2_ONE_WAIT_STATE),
        ),
    ];
    compare(&cores, VIRT, &program, &trace);
}

#[test]
#[ignore = "builds for a bare core and runs in qemu"]
fn risc_v_code_without_a_multiplier_goes_the_way_that_it_goes_in_qemu() {
    let program = build("riscv32i-unknown-none-elf", "riscv.x");
    let qemu = ["qemu-system-riscv32", "-machine", "virt", "-bios", "none"];
    let trace = trace(&qemu, &program);
    let registers = Registers {
        count: 32,
        multiplies: false,
    };
    let cores = [("RV32I", RiscV::new(registers, risc_v::Cost::GENERIC))];
    compare(&cores, VIRT, &program, &trace);
}
