//! The functions of a network.

use crate::backend::WorstCase;
use crate::backend::avr::arriving::absorb;
use crate::backend::avr::form::CodeForm;
use crate::backend::avr::infer;
use crate::backend::avr::isa::abi;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::registers::Registers;
use crate::backend::avr::layer::unit;
use crate::backend::avr::segments::{grid, windows};
use crate::backend::avr::worst_case::{self, Frame};
use crate::network::NodeId;
use crate::program::{Job, Program};
use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// A network's functions.
#[derive(Clone, Debug)]
pub struct Code {
    /// `absorb`, `infer`, those of streamed poolings and of segments, then every
    /// other layer's.
    pub functions: Vec<Function>,
    pub(crate) core: Core,
    pub(crate) frame: Frame,
    /// What is known of its worst case, and after how many steps.
    pub(crate) looked_at: Cell<Option<(u64, Option<WorstCase>)>>,
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

    /// All functions as one program for an assembler, each with its label.
    pub fn program_text(&self) -> String {
        let mut text = String::new();
        for function in &self.functions {
            let mut body = function.text();
            for callee in &self.functions {
                let name = callee.id.to_string();
                body = body.replace(&format!("{{{name}}}"), &name);
            }
            let name = function.id;
            let _ = writeln!(
                text,
                ".type {name}, @function\n{name}:\n{body}\n.p2align 1\n.size {name}, . - {name}"
            );
        }
        text
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

    /// See [`MachineCode::worst_case`](crate::backend::MachineCode::worst_case).
    pub fn worst_case(&self, steps: u64) -> Option<WorstCase> {
        match self.looked_at.get() {
            Some((_, Some(worst))) => Some(worst),
            Some((before, None)) if before >= steps => None,
            Some((_, None)) | None => {
                let worst = worst_case::worst_case(self, steps);
                self.looked_at.set(Some((steps, worst)));
                worst
            }
        }
    }

    /// Expected cycles of an inference.
    pub fn cycles(&self) -> f64 {
        self.functions.iter().map(|function| function.cycles).sum()
    }
}

/// Writes a program down, each layer in its form in the way that takes the fewest cycles.
pub fn emit(program: &Program, core: Core, form_of: impl Fn(NodeId) -> CodeForm) -> Code {
    let cycles = |way: &[Function]| way.iter().map(|function| function.cycles).sum::<f64>();
    emit_best(program, core, form_of, |a, b| {
        cycles(a).total_cmp(&cycles(b))
    })
}

/// The same in the way that takes the fewest bytes of flash.
pub fn emit_smallest(program: &Program, core: Core, form_of: impl Fn(NodeId) -> CodeForm) -> Code {
    let bytes = |way: &[Function]| way.iter().map(Function::all_flash_bytes).sum::<u32>();
    emit_best(program, core, form_of, |a, b| bytes(a).cmp(&bytes(b)))
}

/// The same in the least way by that order; those whose jumps do not reach come last.
fn emit_best(
    program: &Program,
    core: Core,
    form_of: impl Fn(NodeId) -> CodeForm,
    order: impl Fn(&[Function], &[Function]) -> Ordering,
) -> Code {
    let units = unit::units(program).into_iter();
    let units: Vec<_> = units
        .map(|unit| (unit, form_of(unit.part().node())))
        .collect();
    let done_with_another: Vec<NodeId> = units
        .iter()
        .filter_map(|&(unit, form)| unit.done_with_another(form))
        .collect();
    let mut layers = Vec::new();
    for (unit, form) in units {
        let ways = unit.ways(program, core, form).into_iter();
        let spans = |way: &[Function]| way.iter().all(|function| function.spans);
        let way = ways.min_by(|a, b| spans(b).cmp(&spans(a)).then_with(|| order(a, b)));
        layers.extend(way.into_iter().flatten());
    }
    let fixed = fixed(program, core, &[], Registers::ALL);
    of_layers(program, core, &done_with_another, (fixed, layers))
}

/// The code whose layers have these functions, and a form. `fixed_functions`: those of [`fixed`] that
/// save every register, and call every layer.
pub(crate) fn of_layers(
    program: &Program,
    core: Core,
    done_with_another: &[NodeId],
    (fixed_functions, layers): (Vec<Function>, Vec<Function>),
) -> Code {
    let changes = fixed_functions.iter().chain(&layers).map(Function::changes);
    let changed = changes.fold(Registers::default(), Registers::union);
    let saves_all = abi::call_saved().all(|register| changed.contains(register));
    let mut functions = match saves_all && done_with_another.is_empty() {
        true => fixed_functions,
        false => fixed(program, core, done_with_another, changed),
    };
    functions.extend(layers);
    Code {
        functions,
        core,
        frame: Frame::of(program),
        looked_at: Cell::default(),
    }
}

/// The functions that have no form to choose. `done_with_another`: layers that have none; `changed`:
/// registers that the code changes anywhere, of which those are saved that the C ABI wants saved.
pub(crate) fn fixed(
    program: &Program,
    core: Core,
    done_with_another: &[NodeId],
    changed: Registers,
) -> Vec<Function> {
    let mut functions = vec![
        absorb::emit(program, core, changed),
        infer::emit(program, core, done_with_another, changed),
    ];
    functions.extend(windows::emit(program, core));
    for (job, completed) in program.jobs.iter().enumerate().skip(1) {
        match completed {
            Job::Segment(segment) => {
                functions.push(grid::emit_completed(program, core, (job, segment)));
            }
            Job::Layer(_) => {}
        }
    }
    functions
}
