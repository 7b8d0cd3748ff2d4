//! The functions of a model's layers.

use super::layers::LayerSums;
use super::pixel::{Block, PixelSums, Reach};
use super::unrolled::Unrolled;
use super::{depthwise, frame, rescale, table};
use crate::backend::avr::CodeForm;
use crate::backend::lanes::Core;
use crate::backend::lanes::assembly::{Assembled, Assembly};
use crate::backend::lanes::isa::{InstructionSet, Operation, Roles};
use crate::backend::lanes::strip::add_constant;
use crate::backend::mix::{Way, fastest_mix};
use crate::backend::{PixelCall, PixelFunctions};
use crate::declaration::CodeChoice;
use crate::network::NodeId;
use quote::{format_ident, quote};

/// The function of a layer, `extern "C" fn(values, bytes)`: it writes the bytes of a pixel of
/// outputs. Of a single piece `values` points at its values, else at the addresses of all pieces.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What it computes.
    pub sums: PixelSums,
    code: Assembled,
    form: CodeForm,
}

/// How often a value is 0 where that is not measured: as often as any other.
const ZERO: f64 = 1.0 / 256.0;

/// The functions of all layers that have one.
#[derive(Clone, Debug)]
pub struct Kernels {
    pub(crate) core: Core,
    kernels: Vec<Kernel>,
}

impl Kernels {
    /// Those of some layers, in the forms of the fewest cycles that take `most_bytes` at most;
    /// `choice` says which forms they may have.
    #[must_use]
    pub fn of(layers: &LayerSums, core: Core, choice: CodeChoice, most_bytes: u32) -> Self {
        let isa = core.instruction_set();
        let layers = layers.0.iter().map(|(sums, pixels)| {
            let least_bytes = 4 * sums.weights.iter().filter(|&&it| it != 0).count() as u64;
            let forms: &[CodeForm] = match choice {
                _ if !sums.can_be_unrolled() => &[CodeForm::Table],
                CodeChoice::Table => &[CodeForm::Table],
                CodeChoice::Unrolled => &[CodeForm::Unrolled],
                // A weight that is used once is hardly worth instructions.
                CodeChoice::Fastest if *pixels == 1 || least_bytes > most_bytes.into() => {
                    &[CodeForm::Table]
                }
                CodeChoice::Fastest => &[CodeForm::Table, CodeForm::Unrolled],
            };
            let forms = forms.iter();
            let forms = forms.map(|&form| Kernel::of(&*isa, sums.clone(), form));
            (forms.collect(), *pixels)
        });
        let layers: Vec<(Vec<Kernel>, u32)> = layers.collect();
        let ways = layers.iter().map(|(forms, pixels)| {
            let way = |kernel: &Kernel| Way {
                bytes: kernel.flash_bytes(),
                cycles: f64::from(*pixels) * kernel.cycles(),
            };
            forms.iter().map(way).collect()
        });
        let ways: Vec<Vec<Way>> = ways.collect();
        let mix = fastest_mix(&ways, 0, most_bytes);
        let kernels = layers.into_iter().zip(mix.ways);
        let kernels = kernels.map(|((mut forms, _), way)| forms.swap_remove(way));
        Self {
            core,
            kernels: kernels.collect(),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Kernel> {
        self.kernels.iter()
    }

    /// That of a layer.
    #[must_use]
    pub fn of_layer(&self, node: NodeId) -> Option<&Kernel> {
        self.kernels.iter().find(|kernel| kernel.sums.node == node)
    }

    /// As portable code calls them.
    pub(crate) fn functions(&self) -> PixelFunctions {
        let condition = self.core.condition();
        let name = |kernel: &Kernel| format_ident!("pixel_{}", kernel.sums.node.index());
        let items = self.kernels.iter().map(|kernel| {
            let (name, text) = (name(kernel), &kernel.code.text);
            quote! {
                #[cfg(#condition)]
                #[unsafe(naked)]
                unsafe extern "C" fn #name(values: *const u8, bytes: *mut u8) {
                    ::core::arch::naked_asm!(".p2align 2", #text, options(raw))
                }
            }
        });
        let items = items.collect();
        let calls = self.kernels.iter().map(|kernel| {
            let call = PixelCall {
                name: name(kernel),
                values: kernel.sums.values.clone(),
            };
            (kernel.sums.node, call)
        });
        PixelFunctions {
            items,
            calls: calls.collect(),
            condition,
        }
    }

    /// Bytes of flash of all functions, and of what aligns them.
    #[must_use]
    pub fn flash_bytes(&self) -> u32 {
        self.kernels.iter().map(Kernel::flash_bytes).sum()
    }
}

/// What is taken off sums, their scales and the weights; the frame keeps where each begins.
fn emit_tables(asm: &mut Assembly<'_>, sums: &PixelSums, weights: Vec<u32>) {
    let isa = asm.isa();
    let starts = (0..sums.outputs).map(|output| match sums.reach {
        Reach::All => sums.scales.start(output as usize) as u32,
        Reach::OwnChannel => depthwise::start(isa, sums, output) as u32,
    });
    let starts: Vec<u32> = starts.collect();
    let scales: Vec<u32> = rescale::table(&sums.scales).collect();
    let Roles { value, word, .. } = isa.roles();
    let (label, after) = (asm.label(), asm.label());
    asm.address(value, label);
    asm.emit(Operation::StoreSlot(value, frame::START));
    add_constant(asm, value, 4 * starts.len() as i64, word);
    asm.emit(Operation::StoreSlot(value, frame::SCALE));
    add_constant(asm, value, 4 * scales.len() as i64, word);
    asm.emit(Operation::StoreSlot(value, frame::WEIGHTS));
    asm.jump(after);
    asm.table(label, [starts, scales, weights].into_iter().flatten());
    asm.bind(after);
}

/// How the weights of a layer are read.
enum Written<'a> {
    Table(Vec<Block>),
    EachChannel(Vec<Block>),
    Unrolled(Box<Unrolled<'a>>),
}

impl<'a> Written<'a> {
    fn of(isa: &'a dyn InstructionSet, sums: &PixelSums, form: CodeForm) -> Self {
        match (sums.reach, form) {
            (Reach::OwnChannel, _) => Self::EachChannel(depthwise::blocks(isa, sums.outputs)),
            (Reach::All, CodeForm::Table) => Self::Table(table::blocks(isa, sums.outputs)),
            (Reach::All, CodeForm::Unrolled) => Self::Unrolled(Box::new(Unrolled::of(isa, sums))),
        }
    }

    /// The words of the weights.
    fn words(&self, sums: &PixelSums) -> Vec<u32> {
        let of_blocks = |blocks: &[Block], words: fn(&PixelSums, Block) -> Vec<u32>| {
            let blocks = blocks.iter();
            blocks.flat_map(|&block| words(sums, block)).collect()
        };
        match self {
            Self::Table(blocks) => of_blocks(blocks, table::words),
            Self::EachChannel(blocks) => of_blocks(blocks, depthwise::words),
            Self::Unrolled(_) => Vec::new(),
        }
    }

    fn emit(self, asm: &mut Assembly<'_>, sums: &PixelSums) {
        match self {
            Self::Table(blocks) => {
                for block in blocks {
                    table::emit(asm, sums, block, ZERO);
                }
            }
            Self::EachChannel(blocks) => {
                depthwise::begin(asm);
                for block in blocks {
                    depthwise::emit(asm, sums, block);
                }
            }
            Self::Unrolled(unrolled) => unrolled.emit(asm, sums, ZERO),
        }
    }
}

impl Kernel {
    fn of(isa: &dyn InstructionSet, sums: PixelSums, form: CodeForm) -> Self {
        let written = Written::of(isa, &sums, form);
        let frame_bytes = frame::bytes(isa);
        let mut asm = Assembly::new(isa);
        let [values, bytes] = isa.arguments();
        asm.instructions(isa.save());
        asm.emit(Operation::AddToStackPointer(-(frame_bytes as i32)));
        asm.emit(Operation::StoreSlot(values, frame::PIECES));
        asm.emit(Operation::StoreSlot(bytes, frame::OUTPUT));
        emit_tables(&mut asm, &sums, written.words(&sums));
        written.emit(&mut asm, &sums);
        asm.emit(Operation::AddToStackPointer(frame_bytes as i32));
        asm.instructions(isa.restore_and_return());
        Self {
            code: asm.finish(),
            form,
            sums,
        }
    }

    /// As it is in flash, from a word's address on.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.code.bytes
    }

    /// How its weights are read; those of a depthwise kernel are a table in any case.
    #[must_use]
    pub fn form(&self) -> CodeForm {
        self.form
    }

    /// Bytes of flash, and of what aligns it.
    #[must_use]
    pub fn flash_bytes(&self) -> u32 {
        self.bytes().len() as u32 + 2
    }

    /// Expected cycles of a pixel.
    #[must_use]
    pub fn cycles(&self) -> f64 {
        self.code.parts.iter().map(|part| part.cycles).sum()
    }
}
