//! TensorFlow Lite models on a BBC micro:bit v1, in qemu.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use herringbone_tflite::{Element, Graph, Values};
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{Object, ObjectSection, SectionFlags};

use crate::build::cargo_program;
use crate::report::succeed;
use crate::{packages, paths};

/// Bytes of SRAM of the nRF51822-QFAA.
pub const SRAM_BYTES: u64 = 16_384;

/// Where the firmware is, from the root of the checkout.
const FOLDER: &str = "examples/microbit";

/// How long an answer may take: qemu is slow on a busy machine.
const MOST_WAIT: Duration = Duration::from_secs(120);

/// The firmware with a model in it.
#[derive(Debug)]
pub struct Built {
    /// Its ELF file.
    pub elf: PathBuf,
    /// Bytes of SRAM that are taken before it runs.
    pub static_bytes: u64,
    /// Bytes of flash: code, tables and initial values.
    pub flash_bytes: u64,
}

/// What a model took.
#[derive(Debug)]
pub struct Measured {
    /// The firmware.
    pub built: Built,
    /// Multiply-accumulates of an inference.
    pub multiply_accumulates: u64,
    /// Bytes of stack, at the deepest.
    pub stack_bytes: u64,
    /// How many inferences there were, all of them equal to the evaluator's.
    pub inferences: usize,
}

impl Measured {
    /// Bytes of SRAM, the stack included.
    #[must_use]
    pub fn sram_bytes(&self) -> u64 {
        self.built.static_bytes + self.stack_bytes
    }
}

/// Builds the firmware with each model, runs it on that many drawn inputs, and prints what it
/// takes.
///
/// # Errors
/// When a build fails, or an answer is not that of the evaluator on this machine.
pub fn run(models: &[PathBuf], inferences: usize) -> Result<()> {
    println!("| model | multiply-accumulates | flash | static SRAM | + stack | of 16,384 |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for model in models {
        let measured = measure(model, inferences)?;
        let name = model.file_stem().unwrap_or_default().to_string_lossy();
        println!(
            "| `{name}` | {} | {} | {} | {} | {} |",
            measured.multiply_accumulates,
            measured.built.flash_bytes,
            measured.built.static_bytes,
            measured.stack_bytes,
            measured.sram_bytes(),
        );
    }
    println!(
        "\n{inferences} drawn inputs each: every answer equals the evaluator's on this machine"
    );
    Ok(())
}

/// Builds the firmware with a model, and runs it on that many drawn inputs.
///
/// # Errors
/// When the build fails, or an answer is not that of the evaluator on this machine.
pub fn measure(model: &Path, inferences: usize) -> Result<Measured> {
    let bytes = fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
    let graph = match Graph::read(&bytes) {
        Ok(graph) => graph,
        Err(problems) => bail!("{}: {problems}", model.display()),
    };
    let built = build(model)?;
    let mut board = Board::start(&built.elf)?;
    let mut stack_bytes = 0;
    for inference in 0..inferences {
        let input = drawn(&graph, inference as u32)?;
        let expected = graph.run(&mut graph.state(), &[Values::Int8(input.clone())])?;
        let Values::Int8(expected) = &expected[0] else {
            bail!("{}: the firmware is for results of int8", model.display());
        };
        let (found, stack) = board.infer(&input, expected.len())?;
        if found != *expected {
            bail!(
                "{}: inference {inference} gives {found:?}, and should give {expected:?}",
                model.display()
            );
        }
        stack_bytes = stack;
    }
    Ok(Measured {
        built,
        multiply_accumulates: graph.multiply_accumulates(),
        stack_bytes: stack_bytes.into(),
        inferences,
    })
}

/// Values that look like noise, others for each inference.
fn drawn(graph: &Graph, inference: u32) -> Result<Vec<i8>> {
    let tensor = graph.tensor(graph.inputs[0]);
    if tensor.element != Element::Int8 {
        bail!(
            "the firmware is for inputs of int8, and this one is {}",
            tensor.element
        );
    }
    let mut state = inference.wrapping_mul(0x9E37_79B9).wrapping_add(1);
    let values = (0..tensor.values()).map(|_| {
        // xorshift32 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as i8
    });
    Ok(values.collect())
}

/// Builds the firmware with a model in it.
///
/// # Errors
/// When that fails.
pub fn build(model: &Path) -> Result<Built> {
    let model =
        fs::canonicalize(model).with_context(|| format!("cannot read {}", model.display()))?;
    let mut add = Command::new("rustup");
    succeed(add.args(["target", "add", TARGET]))?;
    let folder = paths::root().join(FOLDER);
    let mut cargo = Command::new(cargo_program());
    // Flags of the environment would replace the firmware's own.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("HERRINGBONE_MODEL", &model)
        .current_dir(&folder)
        .args(["build", "--release", "--quiet", "--bin=microbit"])
        .env("CARGO_TARGET_DIR", paths::firmware_target());
    succeed(&mut cargo)?;
    let elf = paths::firmware_target()
        .join(TARGET)
        .join("release/microbit");
    sized(elf)
}

const TARGET: &str = "thumbv6m-none-eabi";

/// Bytes of SRAM that a program takes before it runs.
///
/// # Errors
/// When `elf` is no such file.
pub fn static_bytes(elf: &Path) -> Result<u64> {
    Ok(sized(elf.to_owned())?.static_bytes)
}

/// Adds the sections of an ELF file up that a board loads.
pub(crate) fn sized(elf: PathBuf) -> Result<Built> {
    let bytes = fs::read(&elf)?;
    let file = object::File::parse(&*bytes)?;
    let (mut static_bytes, mut flash_bytes) = (0, 0);
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        if !sh_flags.contains(SHF_ALLOC) {
            continue;
        }
        if sh_flags.contains(SHF_WRITE) {
            static_bytes += section.size();
        }
        if section.file_range().is_some() {
            flash_bytes += section.size();
        }
    }
    Ok(Built {
        elf,
        static_bytes,
        flash_bytes,
    })
}

/// A board that runs the firmware.
#[derive(Debug)]
pub struct Board {
    qemu: Child,
    line: ChildStdin,
    answers: Receiver<u8>,
}

impl Board {
    /// Starts one, of qemu's machine `microbit`.
    ///
    /// # Errors
    /// When qemu does not start.
    pub fn start(elf: &Path) -> Result<Self> {
        packages::install("running a micro:bit", &["qemu-system-arm"])?;
        let mut qemu = Command::new("qemu-system-arm")
            .args(["-M", "microbit", "-display", "none", "-monitor", "none"])
            .args(["-serial", "stdio", "-kernel"])
            .arg(elf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start qemu-system-arm")?;
        let (line, output) = (qemu.stdin.take(), qemu.stdout.take());
        let (Some(line), Some(mut output)) = (line, output) else {
            bail!("qemu-system-arm has no serial line");
        };
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut byte = [0];
            while output.read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
        });
        Ok(Self {
            qemu,
            line,
            answers,
        })
    }

    /// The results of an input, and the deepest stack so far in bytes.
    ///
    /// # Errors
    /// When the board does not answer in time.
    pub fn infer(&mut self, input: &[i8], results: usize) -> Result<(Vec<i8>, u16)> {
        let bytes: Vec<u8> = input.iter().map(|&value| value as u8).collect();
        let answer = self.exchange(&bytes, results + 2)?;
        let stack = u16::from_le_bytes([answer[results], answer[results + 1]]);
        let results = answer[..results].iter().map(|&byte| byte as i8);
        Ok((results.collect(), stack))
    }

    /// Sends bytes, and gives as many as are to come back.
    ///
    /// # Errors
    /// When the board does not answer in time.
    pub fn exchange(&mut self, sent: &[u8], answer_bytes: usize) -> Result<Vec<u8>> {
        self.line.write_all(sent)?;
        self.line.flush()?;
        let mut answer = Vec::with_capacity(answer_bytes);
        while answer.len() < answer_bytes {
            let byte = self.answers.recv_timeout(MOST_WAIT);
            answer.push(byte.context("the micro:bit does not answer")?);
        }
        Ok(answer)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
