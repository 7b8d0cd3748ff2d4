//! Portable code on bare 32-bit cores, in qemu, at every opt-level from 1 up: its stack is
//! never deeper than `STACK_BYTES`, and no product is a call of `__mulsi3`. Needs `qemu-system-arm` and
//! `qemu-system-riscv32`, and the targets of Rust; `cargo xtask test --long` installs
//! and runs them.

use herringbone_tests::crates::Crates;
use herringbone_tests::networks::{Case, graphs, list, recipes};
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A chip that is not named: for parts with these cores the code would be machine code.
const BUDGET: &str = "sram: 64_000, flash: 1_000_000";

/// Straight-line code of more weights takes long to compile.
const MOST_WEIGHTS: u64 = 1200;

/// A core: what it is to Rust, its linker script, and its machine in qemu.
struct Core {
    target: &'static str,
    script: &'static str,
    qemu: &'static [&'static str],
}

const CORES: [Core; 3] = [
    Core {
        target: "thumbv6m-none-eabi",
        script: "arm.x",
        qemu: &["qemu-system-arm", "-machine", "mps2-an385"],
    },
    Core {
        target: "riscv32imc-unknown-none-elf",
        script: "riscv.x",
        qemu: &["qemu-system-riscv32", "-machine", "virt", "-bios", "none"],
    },
    Core {
        target: "riscv32i-unknown-none-elf",
        script: "riscv.x",
        qemu: &["qemu-system-riscv32", "-machine", "virt", "-bios", "none"],
    },
];

/// The same random chains and graphs at every run.
fn cases() -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let small = |case: &Case| {
        let weights = case.network.nodes().iter().map(|node| node.weight_count());
        weights.sum::<u64>() <= MOST_WEIGHTS
    };
    let mut cases = Vec::new();
    while cases.len() < 24 {
        let recipe = recipes().new_tree(&mut runner).unwrap().current();
        cases.extend(Some(recipe.case()).filter(small));
    }
    while cases.len() < 40 {
        let recipe = graphs().new_tree(&mut runner).unwrap().current();
        cases.extend(Some(recipe.case()).filter(small));
    }
    cases
}

/// The program that measures those networks, and their weights.
fn files(cases: &[Case]) -> Vec<(String, Vec<u8>)> {
    let mut main = include_str!("../fixtures/stack/main.rs").to_owned();
    let (mut calls, mut files) = (String::new(), Vec::new());
    for (index, case) in cases.iter().enumerate() {
        let weights = format!("{index}.safetensors");
        let source = match index % 3 {
            0 => "weights: runtime".to_owned(),
            1 => format!("weights: {weights:?}, code: unrolled"),
            _ => format!("weights: {weights:?}, code: table"),
        };
        writeln!(
            main,
            "herringbone::network! {{ N{index}: {}, bits: {}, {BUDGET}, {source} }}",
            list(&case.network),
            case.bits(),
        )
        .unwrap();
        let prepare = match index % 3 {
            0 => {
                "network.params_mut().iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8)"
            }
            _ => "let _ = network",
        };
        writeln!(
            calls,
            "    measure!({index}, N{index}, |network: &mut N{index}| {{ {prepare}; }});"
        )
        .unwrap();
        files.push((weights, case.file.clone()));
    }
    write!(
        main,
        "#[unsafe(no_mangle)]\nextern \"C\" fn start() -> ! {{\n{calls}    exit()\n}}\n"
    )
    .unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    files
}

#[test]
#[ignore = "builds for bare 32-bit cores and runs in qemu: cargo xtask test --long"]
fn portable_code_keeps_to_its_stack_and_calls_no_product_at_every_opt_level() {
    let cases = cases();
    let crates = Crates::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stack"));
    let files = files(&cases);
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    crates.add("measured", "2024", "herringbone", &files);
    let mut faults = Vec::new();
    for core in &CORES {
        for level in ["1", "2", "3", "\"s\"", "\"z\""] {
            let target = core.target;
            let program = build(&crates, core, level);
            let bytes = fs::read(&program).unwrap();
            if bytes.windows(8).any(|name| name == b"__mulsi3") {
                faults.push(format!("{target}, {level}: `__mulsi3` is called"));
            }
            let measured = run(core, &program);
            assert_eq!(measured.len(), 3 * cases.len(), "{target}, {level}");
            for (index, method, bound_bytes, bytes) in measured {
                println!("{target} {level} {index} {method} {bound_bytes} {bytes}");
                if bytes > bound_bytes {
                    let list = list(&cases[index].network);
                    faults.push(format!(
                        "{target}, {level}: {bytes} of {bound_bytes} bytes by {method} of {list}"
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The crate at that opt-level for that core.
fn build(crates: &Crates, core: &Core, level: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/stack")
        .join(core.script);
    let link = format!("link-arg=-T{}", script.display());
    crates.cargo(&[
        "build",
        "--quiet",
        "--release",
        &format!("--target={}", core.target),
        "--config",
        &format!("target.{}.rustflags = [\"-C\", {link:?}]", core.target),
        "--config",
        &format!("profile.release.opt-level = {level}"),
    ]);
    crates.target().join(core.target).join("release/measured")
}

/// What the program prints: network, method, the bound and what was used, in bytes.
fn run(core: &Core, program: &Path) -> Vec<(usize, String, u32, u32)> {
    let qemu = Command::new(core.qemu[0])
        .args(&core.qemu[1..])
        .args(["-nographic", "-semihosting", "-kernel"])
        .arg(program)
        .output()
        .expect("qemu can be started");
    let printed = [qemu.stdout, qemu.stderr].concat();
    String::from_utf8_lossy(&printed)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            Some((
                fields.next()?.parse().ok()?,
                fields.next()?.to_owned(),
                fields.next()?.parse().ok()?,
                fields.next()?.parse().ok()?,
            ))
        })
        .collect()
}
