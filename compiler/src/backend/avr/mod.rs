//! The AVR backend: a program written down as assembly, one function a layer.
//!
//! Every instruction is ours, so bytes, cycles and stack are known before
//! anything is assembled; [`choose`] weighs real kernels against each other.
//!
//! A weight is an instruction where its layer is unrolled: the activation's
//! multiples are made once and added to each output's register pair, two
//! cycles a weight (`unrolled`). Where flash is dear, weights are read from a
//! table, an activation's row for all outputs (`table`). Either way an
//! activation that is 0 is skipped: after ReLU most are.
//!
//! Registers: r1 is zero between kernels, r25:r24 the position of the input
//! field, X what is read or written, r0 and Z scratch. Functions of layers are
//! called by `infer` alone, which saves what the C ABI wants saved.

mod arithmetic;
mod arriving;
mod backend;
mod choice;
mod glue;
mod infer;
mod isa;
mod kernels;
mod layer;
mod memory;
mod round;
mod segments;
mod walk;

pub use choice::{Choice, Mix, NoMixFits, choose};

use crate::network::NodeId;
use crate::program::{Job, Program};
use crate::target::Target;
use isa::instruction::ProgramCounter;
use isa::listing::Listing;
use std::fmt;

/// What a part's instruction set can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// Whether it has `mul`.
    multiplies: bool,
    /// Whether tables may lie beyond the 64 KB that `lpm` reaches.
    extended_flash: bool,
    /// Whether it has `jmp` and `call`; without, `rjmp` wraps around all flash.
    has_jmp: bool,
    program_counter: ProgramCounter,
}

impl Core {
    /// The core of a part.
    pub fn of(target: &Target) -> Self {
        Self {
            multiplies: target.multiplies,
            extended_flash: target.flash_bytes > 1 << 16,
            has_jmp: target.flash_bytes > 1 << 13 || has_jmp_below_16_kilobytes(target),
            program_counter: ProgramCounter::of_flash(target.flash_bytes),
        }
    }

    /// What rustc's `target_feature`s say of a build for this core: each with
    /// whether it is there.
    pub(crate) fn features(self) -> [(&'static str, bool); 3] {
        [
            ("mul", self.multiplies),
            ("jmpcall", self.has_jmp),
            ("eijmpcall", self.program_counter.bytes == 3),
        ]
    }
}

/// Of parts with 8 KB and less, avr25 and avr4 do without `jmp` and `call`;
/// avr35 and the AVRxt core of tinyAVR 0, 1 and 2, which multiplies, have them
/// (AVR Instruction Set Manual, JMP, and avr-gcc's `__AVR_HAVE_JMP_CALL__`).
fn has_jmp_below_16_kilobytes(target: &Target) -> bool {
    let avr35 = ["at90usb82", "atmega8u2"].contains(&target.name);
    avr35 || target.name.starts_with("attiny") && target.multiplies
}

/// What instructions are for, in the numbers of `.debug_herringbone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Loops, calls.
    Other = 0,
    /// Finding and unpacking activations.
    Load = 1,
    /// Multiples, products and sums.
    MultiplyAccumulate = 2,
    /// From sums to activations.
    Requantise = 3,
    /// Packing and storing activations.
    Store = 4,
    /// Pooling, that of the raw input too.
    Pool = 5,
}

/// How a layer's weights are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As instructions.
    Unrolled,
    /// From a table in flash, or from parameters in SRAM.
    Table,
}

/// What a function is for; shown as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionId {
    /// Takes a byte of the input in.
    Absorb,
    /// Takes a pixel into a window of that streamed pooling.
    Take(NodeId),
    /// Computes the results from a complete input.
    Infer,
    /// Computes that layer's outputs; of a streamed one, the next.
    Layer(NodeId),
    /// Runs the segment that is that job, over maps that are complete.
    Segment(usize),
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absorb => f.write_str("absorb"),
            Self::Take(layer) => write!(f, "take_{}", layer.index()),
            Self::Infer => f.write_str("infer"),
            Self::Layer(layer) => write!(f, "layer_{}", layer.index()),
            Self::Segment(job) => write!(f, "segment_{job}"),
        }
    }
}

/// A function, to be the text of a naked one.
#[derive(Clone, Debug)]
pub struct Function {
    /// What it is for.
    pub id: FunctionId,
    /// Whether it runs while the input arrives.
    pub streamed: bool,
    listing: Listing,
    /// Whether the part's jumps span it; without `jmp`, they span 4 KB.
    pub spans: bool,
    /// Bytes of flash, tables included.
    pub flash_bytes: u32,
    /// Bytes of tables apart from the function, in the first 64 KB.
    pub near_table_bytes: u32,
    /// Expected cycles, half of all unsigned activations being 0.
    pub cycles: f64,
    /// The deepest that it pushes, and calls its own subroutines, its own return
    /// address not counted.
    pub stack_bytes: u32,
    /// The other functions that it calls, with the bytes on its stack then.
    calls: Vec<(FunctionId, u32)>,
}

impl Function {
    /// Instructions and tables, a line each; calls of other functions stand as
    /// their names in braces. Marks for the section `.debug_herringbone` stand
    /// between them: from that address on, instructions are of that [`Kind`].
    pub fn text(&self) -> String {
        self.listing.text(self.id)
    }

    /// Bytes of flash, those of tables apart from it included.
    pub fn all_flash_bytes(&self) -> u32 {
        self.flash_bytes + self.near_table_bytes
    }
}

/// A network's functions.
#[derive(Clone, Debug)]
pub struct Code {
    /// `absorb`, `infer`, those of streamed poolings and of segments, then every
    /// other layer's.
    pub functions: Vec<Function>,
    core: Core,
}

impl Code {
    /// Bytes of flash, tables included.
    pub fn flash_bytes(&self) -> u32 {
        self.functions.iter().map(Function::all_flash_bytes).sum()
    }

    /// The deepest stack below the caller of `absorb` or `infer`, return
    /// addresses included.
    pub fn stack_bytes(&self) -> u32 {
        let entries = [FunctionId::Absorb, FunctionId::Infer];
        let deepest = entries.map(|entry| self.stack_bytes_of(entry));
        deepest.into_iter().max().unwrap_or(0)
    }

    /// The deepest stack of a function and all that it calls, its return address
    /// included. None calls itself, by whatever way.
    fn stack_bytes_of(&self, id: FunctionId) -> u32 {
        let return_bytes = u32::from(self.core.program_counter.bytes);
        let Some(function) = self.functions.iter().find(|function| function.id == id) else {
            return 0;
        };
        let calls = function
            .calls
            .iter()
            .map(|&(callee, before)| before + self.stack_bytes_of(callee));
        return_bytes + calls.fold(function.stack_bytes, u32::max)
    }

    /// The function that takes the input in.
    pub fn intake(&self) -> &Function {
        &self.functions[0]
    }

    /// The functions of a layer that has any: a leading average pooling is done
    /// as the input is taken in.
    pub fn layer(&self, layer: NodeId) -> impl Iterator<Item = &Function> {
        let ids = [FunctionId::Layer(layer), FunctionId::Take(layer)];
        self.functions
            .iter()
            .filter(move |function| ids.contains(&function.id))
    }

    /// Expected cycles of an inference.
    pub fn cycles(&self) -> f64 {
        self.functions.iter().map(|function| function.cycles).sum()
    }
}

/// Writes a program down, each layer in its form.
pub fn emit(program: &Program, core: Core, form_of: impl Fn(NodeId) -> Form) -> Code {
    let mut functions = fixed(program, core);
    for part in layer::parts(program) {
        let form = form_of(part.node());
        functions.push(layer::emit(program, core, part, form));
    }
    Code { functions, core }
}

/// The functions that have no form to choose.
fn fixed(program: &Program, core: Core) -> Vec<Function> {
    let mut functions = vec![
        arriving::absorb::emit(program, core),
        infer::emit(program, core),
    ];
    functions.extend(segments::windows::emit(program, core));
    for (job, completed) in program.jobs.iter().enumerate().skip(1) {
        match completed {
            Job::Segment(segment) => {
                functions.push(segments::grid::emit_completed(
                    program,
                    core,
                    (job, segment),
                ));
            }
            Job::Layer(_) => {}
        }
    }
    functions
}
