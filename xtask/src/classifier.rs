//! A network that runs: in the simulated firmware, or on this machine.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digits::Digit;
use crate::firmware::{Firmware, Link};

/// The classes of the digits' network.
pub const CLASSES: usize = 10;

/// What the host's program says of the network.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    /// Bytes of the arena.
    pub arena_bytes: u64,
    /// Bytes of the network's own SRAM, arena and all.
    pub sram_bytes: u64,
    /// Bytes of the deepest stack of the network's own methods, as expected.
    pub stack_bytes: u64,
    /// Bytes of the network's code and tables in flash, as expected.
    pub flash_bytes: u64,
    /// Multiply-accumulates an image.
    pub macs: u64,
    /// The plan, as text.
    pub plan: String,
    /// Bytes of the network's state, which the firmware keeps in static SRAM.
    pub state_bytes: u64,
    /// Bytes of an input.
    pub input_bytes: usize,
    /// Bytes of an answer: the logits and the class.
    answer_bytes: usize,
    /// The images that the firmware has in its flash: one of each digit, from 0 up.
    own_images: Vec<Vec<u8>>,
}

impl Description {
    /// The digits that the firmware has in its flash, in the order in which it classifies them.
    #[must_use]
    pub fn own_digits(&self) -> Vec<Digit> {
        (0..)
            .zip(&self.own_images)
            .map(|(label, pixels)| Digit {
                name: format!("the {label} in flash"),
                label,
                input: pixels.clone(),
            })
            .collect()
    }

    /// The digits that the firmware has in its flash, or `others` where it takes any.
    #[must_use]
    pub fn digits_or<'digits>(&self, others: &'digits [Digit]) -> Cow<'digits, [Digit]> {
        if self.own_images.is_empty() {
            others.into()
        } else {
            self.own_digits().into()
        }
    }
}

/// What a firmware takes before it runs.
#[derive(Debug, Clone, Deserialize)]
pub struct Footprint {
    /// Bytes of flash.
    pub flash: u64,
    /// Bytes of SRAM in `.data`, `.bss` and `.noinit`.
    pub sram_static: u64,
    /// Bytes of flash of the network's functions and tables, by name.
    pub parts: BTreeMap<String, u64>,
}

impl Footprint {
    /// Bytes of flash of all of the network's functions and tables.
    #[must_use]
    pub fn network(&self) -> u64 {
        self.parts.values().sum()
    }
}

/// Cycles by kind of instruction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycles {
    /// Getting activations and weights into registers.
    pub load: u64,
    /// Products and their sums.
    pub multiply_accumulate: u64,
    /// Rounding and clamping sums to activations.
    pub requantise: u64,
    /// Putting activations into SRAM.
    pub store: u64,
    /// Averages and maxima.
    pub pool: u64,
    /// Loops, addresses, calls, and all code that does not say what it is for.
    pub other: u64,
}

/// Where the cycles of an image went.
#[derive(Debug, Clone, Deserialize)]
pub struct Profile {
    /// By function of the network.
    pub functions: BTreeMap<String, Cycles>,
    /// Everything around them.
    pub rest: Cycles,
}

/// What an image took in the simulator.
#[derive(Debug, Clone, Deserialize)]
pub struct Cost {
    /// Cycles of computing.
    pub cycles: u64,
    /// Cycles of the longest stretch of computing before another byte of the image.
    pub longest_push: u64,
    /// The deepest stack so far, in bytes.
    pub stack: u64,
    /// Where the cycles went.
    pub profile: Profile,
}

/// What a network makes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub logits: [i32; CLASSES],
    /// The class that the network has answered.
    pub class: u8,
}

/// The network in a simulated firmware.
pub struct Simulated {
    /// What the firmware takes before it runs.
    pub footprint: Footprint,
    /// The digits in the firmware's flash, of which it classifies one after the other.
    own_digits: Vec<Digit>,
    /// How many images it has classified.
    count: usize,
    program: Program,
}

impl Simulated {
    /// Starts `simulator` with the `firmware` that was built as `elf`, and whose network is as the
    /// host's `description` says. `preamble` is what it gets before the first image.
    ///
    /// # Errors
    /// When the firmware cannot be loaded, or does not take the preamble.
    pub fn start(
        simulator: &Path,
        firmware: &Firmware,
        elf: &Path,
        description: &Description,
        preamble: Option<&Path>,
    ) -> Result<Self> {
        let mut command = Command::new(simulator);
        command
            .arg(elf)
            .args(["--mcu", firmware.mcu])
            .arg(format!("--frequency={}", firmware.frequency))
            .arg(format!("--marker={}", firmware.marker))
            .arg(format!("--answer-bytes={}", description.answer_bytes));
        let input_bytes = description.input_bytes;
        match firmware.link {
            Link::Serial => command.arg(format!("--image-bytes={input_bytes}")),
            Link::Paced { cycles_per_byte } => command
                .arg(format!("--image-bytes={input_bytes}"))
                .arg(format!("--cycles-per-byte={cycles_per_byte}")),
            Link::Registers { byte, strobe } => command
                .arg("--image-bytes=0")
                .arg("--answer-registers")
                .args([byte, strobe].map(|address| address.to_string())),
            Link::Slave {
                control,
                status,
                byte,
                strobe,
            } => command
                .arg(format!("--image-bytes={input_bytes}"))
                .arg("--slave-registers")
                .args([control, status].map(|address| address.to_string()))
                .arg("--answer-registers")
                .args([byte, strobe].map(|address| address.to_string())),
        };
        if let Some(preamble) = preamble {
            command.arg("--preamble").arg(preamble);
        }
        let mut program = Program::start(&mut command)?;
        let footprint = program.read_line()?;
        Ok(Self {
            footprint,
            own_digits: description.own_digits(),
            count: 0,
            program,
        })
    }

    /// Classifies `image`; where the firmware has its own, that has to be the next of them.
    ///
    /// # Errors
    /// When the firmware crashes, hangs or overflows its stack.
    pub fn classify(&mut self, image: &[u8]) -> Result<(Verdict, Cost)> {
        #[derive(Deserialize)]
        struct Line {
            answer: Vec<u8>,
            #[serde(flatten)]
            cost: Cost,
        }
        let line: Line = if self.own_digits.is_empty() {
            self.program.exchange(image)?
        } else {
            let next = &self.own_digits[self.count % self.own_digits.len()];
            ensure!(
                next.input == image,
                "the firmware classifies the images in its flash alone, next {}",
                next.name
            );
            self.program.exchange(b"?")?
        };
        self.count += 1;
        Ok((Verdict::parse(&line.answer)?, line.cost))
    }
}

/// The network on this machine.
pub struct Host {
    pub description: Description,
    program: Program,
}

impl Host {
    /// Starts the host's `program`, whose network loads `parameters`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path, parameters: Option<&Path>) -> Result<Self> {
        let mut program = Program::start(Command::new(program).args(parameters))?;
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
    pub fn classify(&mut self, image: &[u8]) -> Result<Verdict> {
        let answer: Vec<u8> = self.program.exchange(image)?;
        Verdict::parse(&answer)
    }
}

impl Verdict {
    pub(crate) fn parse(answer: &[u8]) -> Result<Self> {
        let (&class, logits) = answer.split_last().context("an answer has a class")?;
        ensure!(usize::from(class) < CLASSES, "there is no class {class}");
        let logits: Vec<i32> = if logits.len() == CLASSES * size_of::<i16>() {
            let narrow = logits.as_chunks().0.iter();
            narrow.map(|&it| i16::from_le_bytes(it).into()).collect()
        } else {
            let wide = logits.as_chunks().0.iter();
            wide.map(|&it| i32::from_le_bytes(it)).collect()
        };
        let logits = logits.try_into().ok().with_context(|| {
            format!(
                "an answer of {} bytes is not one of {CLASSES} logits",
                answer.len()
            )
        })?;
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

    fn exchange<T: DeserializeOwned>(&mut self, image: &[u8]) -> Result<T> {
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
