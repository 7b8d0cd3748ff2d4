//! A network that runs: in the simulated firmware, or on this machine.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::digits::{IMAGE_BYTES, Image};
use crate::firmware::Firmware;

/// The classes of the digits' network.
pub const CLASSES: usize = 10;
/// Two bytes a logit and one for the class.
const ANSWER_BYTES: usize = 2 * CLASSES + 1;

/// What the host's program says of the network.
#[derive(Debug, Deserialize)]
pub struct Description {
    /// Bytes of the arena.
    pub arena_bytes: u64,
    /// Bytes of the network's own SRAM, arena and all.
    pub sram_bytes: u64,
    /// Multiply-accumulates an image.
    pub macs: u64,
    /// The plan, as text.
    pub plan: String,
}

/// What a firmware takes before it runs.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Footprint {
    /// Bytes of flash.
    pub flash: u64,
    /// Bytes of SRAM in `.data`, `.bss` and `.noinit`.
    pub sram_static: u64,
}

/// What an image took in the simulator.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Cost {
    /// Cycles of computing.
    pub cycles: u64,
    /// Cycles of the longest stretch of computing before another byte of the image.
    pub longest_push: u64,
    /// The deepest stack so far, in bytes.
    pub stack: u64,
}

/// What a network makes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The logits.
    pub logits: [i16; CLASSES],
    /// The class that the network has answered.
    pub class: u8,
}

/// The network in a simulated firmware.
pub struct Simulated {
    /// What the firmware takes before it runs.
    pub footprint: Footprint,
    program: Program,
}

impl Simulated {
    /// Starts `simulator` with the `firmware` that was built as `elf`.
    ///
    /// # Errors
    /// When the firmware cannot be loaded.
    pub fn start(simulator: &Path, firmware: &Firmware, elf: &Path) -> Result<Self> {
        let mut command = Command::new(simulator);
        command
            .arg(elf)
            .args(["--mcu", firmware.mcu])
            .arg(format!("--frequency={}", firmware.frequency))
            .arg(format!("--marker={}", firmware.marker))
            .arg(format!("--image-bytes={IMAGE_BYTES}"))
            .arg(format!("--answer-bytes={ANSWER_BYTES}"));
        let mut program = Program::start(&mut command)?;
        let footprint = program.read_line()?;
        Ok(Self { footprint, program })
    }

    /// Classifies `image`.
    ///
    /// # Errors
    /// When the firmware crashes, hangs or overflows its stack.
    pub fn classify(&mut self, image: &Image) -> Result<(Verdict, Cost)> {
        #[derive(Deserialize)]
        struct Line {
            answer: Vec<u8>,
            #[serde(flatten)]
            cost: Cost,
        }
        let line: Line = self.program.exchange(image)?;
        Ok((Verdict::parse(&line.answer)?, line.cost))
    }
}

/// The network on this machine.
pub struct Host {
    /// The network.
    pub description: Description,
    program: Program,
}

impl Host {
    /// Starts the host's `program`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path) -> Result<Self> {
        let mut program = Program::start(&mut Command::new(program))?;
        let description = program.read_line()?;
        Ok(Self {
            description,
            program,
        })
    }

    /// Classifies `image`.
    ///
    /// # Errors
    /// When the program fails.
    pub fn classify(&mut self, image: &Image) -> Result<Verdict> {
        let answer: Vec<u8> = self.program.exchange(image)?;
        Verdict::parse(&answer)
    }
}

impl Verdict {
    fn parse(answer: &[u8]) -> Result<Self> {
        let answer: [u8; ANSWER_BYTES] = answer
            .try_into()
            .with_context(|| format!("expected {ANSWER_BYTES} bytes, got {}", answer.len()))?;
        let mut logits = [0; CLASSES];
        for (logit, bytes) in logits.iter_mut().zip(answer.as_chunks().0) {
            *logit = i16::from_le_bytes(*bytes);
        }
        let class = answer[ANSWER_BYTES - 1];
        ensure!(usize::from(class) < CLASSES, "there is no class {class}");
        Ok(Self { logits, class })
    }
}

/// A child that takes images and answers each with a line of JSON.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    fn exchange<T: DeserializeOwned>(&mut self, image: &Image) -> Result<T> {
        // Where this fails, the child has ended, and `read_line` says why.
        let _ = self
            .input
            .write_all(image)
            .and_then(|()| self.input.flush());
        self.read_line()
    }

    fn read_line<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let mut message = String::new();
            if let Some(stderr) = &mut self.child.stderr {
                stderr.read_to_string(&mut message)?;
            }
            let message = message.trim();
            bail!("{}", message.strip_prefix("error: ").unwrap_or(message));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Either call fails only where the child has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
