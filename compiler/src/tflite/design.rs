//! Which plan of a model is taken, and what its target has for it.

use super::{Model, ModelCode, ModelNode, Plan, lower};
use crate::backend::PixelValues;
use crate::backend::avr::NoCode;
use crate::backend::lanes::{self, Core, Kernels, KnownScales, LayerSums};
use crate::declaration::{ModelDeclaration, PlanChoice};
use crate::network::NodeId;
use crate::plan::{self, JobPlan, MemoryPlan, Strategy};
use crate::program::{Operation, Pixelwise, Program};
use crate::report::thousands;
use crate::target::Target;
use herringbone_tflite::Graph;
use std::fmt::Write as _;

/// Bytes kept for the rest of the firmware where the declaration does not say.
const DEFAULT_RESERVE_BESIDE_STACK_BYTES: u32 = 64;

/// Return addresses and saved registers from the caller's `run` or `push` down to a kernel; see
/// `stack.rs`, whose bounds were measured on a Cortex-M0. Rescaling keeps some more words.
const FRAMES_BYTES: u32 = 448;

/// The same of the functions of a segment.
const SEGMENT_FRAMES_BYTES: u32 = 192;

/// Bytes of flash of the code around the sums of a model, and of what is portable, more than
/// measured on a Cortex-M0.
const AROUND_BYTES: u32 = 4096;
/// The same, of each operator.
const AROUND_OPERATOR_BYTES: u32 = 1536;

/// What nested loops over values that are moved keep.
const LOOPS_BYTES: u32 = 96;

/// A model's plan, and what it takes of the target.
#[derive(Clone, Debug)]
pub struct ModelDesign {
    /// The plan that is taken.
    pub plan: Plan,
    /// Its machine code, or why there is none; `None` of a target that has portable code alone.
    pub code: Option<Result<ModelCode, NoCode>>,
    /// Machine code of its sums, of a target whose other code is portable.
    pub kernels: Option<Kernels>,
    /// The deepest stack, an upper bound.
    pub stack_bytes: u32,
    /// Kept for the stack and the rest of the firmware.
    pub reserve_bytes: u32,
}

impl ModelDesign {
    /// The plan that the declaration asks for: of several, the first that fits, for they are in
    /// the order of the work that they make; or else the smallest.
    pub fn choose((graph, model): (&Graph, &Model), declaration: &ModelDeclaration) -> Self {
        let mut known = KnownScales::default();
        let design = Self::planned((graph, model), declaration, &mut known);
        let core = declaration.budget.target.and_then(Core::written_for);
        let kernels = core.map(|core| {
            let program = lower(graph, model, &design.plan.memory);
            let most_bytes = bytes_for_kernels(declaration, &program);
            let layers = LayerSums::of(&program, &mut known);
            Kernels::of(&layers, core, declaration.code, most_bytes)
        });
        Self { kernels, ..design }
    }

    /// The same without machine code of sums, whose stack is the same in any form.
    fn planned(
        (graph, model): (&Graph, &Model),
        declaration: &ModelDeclaration,
        known: &mut KnownScales,
    ) -> Self {
        let flow = &model.dataflow;
        let strategies = match declaration.plan {
            PlanChoice::Named(strategy) => vec![strategy],
            PlanChoice::Streamed { layers } => {
                let rests = plan::orders(flow).into_iter();
                rests
                    .map(|rest| Strategy {
                        streamed_layers: layers,
                        rest,
                    })
                    .collect()
            }
            PlanChoice::Fastest | PlanChoice::Smallest => Strategy::all(flow),
        };
        let takes_smallest = match declaration.plan {
            PlanChoice::Smallest => true,
            PlanChoice::Fastest | PlanChoice::Named(_) | PlanChoice::Streamed { .. } => false,
        };
        let mut smallest: Option<Self> = None;
        for strategy in strategies {
            let strategy = strategy.of(flow);
            let memory = plan::plan(flow, &model.sum_bytes, strategy);
            let name = strategy.name(flow);
            let plan = Plan { name, memory };
            let design = Self::of((graph, model), declaration, plan, known);
            let given = declaration.budget.sram_bytes;
            let fits = given.is_none_or(|given| design.sram_bytes() <= given);
            if fits && !takes_smallest {
                return design;
            }
            if smallest
                .as_ref()
                .is_none_or(|other| design.state_bytes() < other.state_bytes())
            {
                smallest = Some(design);
            }
        }
        smallest.expect("a model has a plan")
    }

    fn of(
        (graph, model): (&Graph, &Model),
        declaration: &ModelDeclaration,
        plan: Plan,
        known: &mut KnownScales,
    ) -> Self {
        let code = ModelCode::of((graph, model), declaration, &plan);
        let core = declaration.budget.target.and_then(Core::written_for);
        let layers = core.map(|core| {
            let program = lower(graph, model, &plan.memory);
            (core, LayerSums::of(&program, known))
        });
        let stack_bytes = match &code {
            Some(Ok(code)) => code.stack_bytes,
            Some(Err(_)) | None => stack_bytes(model, &plan.memory, layers.as_ref()),
        };
        let default_bytes = stack_bytes + DEFAULT_RESERVE_BESIDE_STACK_BYTES;
        Self {
            plan,
            code,
            kernels: None,
            stack_bytes,
            reserve_bytes: declaration.reserve.sram_bytes.unwrap_or(default_bytes),
        }
    }

    /// Its machine code.
    pub fn machine_code(&self) -> Option<&ModelCode> {
        self.code.as_ref()?.as_ref().ok()
    }

    /// Why a target that has a backend has none for the model, in words.
    pub fn lacks_code(&self, model: &Model) -> Option<String> {
        let reason = self.code.as_ref()?.as_ref().err()?;
        let node = reason.node().map(|node| &model.nodes[node.index()].name);
        Some(match node {
            Some(name) => format!("`{name}` has portable code: {reason}"),
            None => format!("the model has portable code: {reason}"),
        })
    }

    /// Bytes of the type.
    pub fn state_bytes(&self) -> u32 {
        self.plan.memory.arena_bytes + self.plan.memory.cursor_bytes()
    }

    /// Bytes of SRAM that the design needs.
    pub fn sram_bytes(&self) -> u32 {
        self.state_bytes().saturating_add(self.reserve_bytes)
    }

    /// What the target has too little of, in words.
    pub fn over(
        &self,
        (graph, model): (&Graph, &Model),
        declaration: &ModelDeclaration,
        tables_bytes: u64,
    ) -> Vec<String> {
        let owner = declaration.budget.target;
        let owner = owner.map_or("the budget", |target| target.name);
        let mut problems = Vec::new();
        if let Some(given) = declaration.budget.sram_bytes
            && self.sram_bytes() > given
        {
            problems.push(self.over_sram((graph, model), declaration, (owner, given)));
        }
        let (flash_bytes, what) = match self.machine_code() {
            Some(code) => (code.flash_bytes.into(), "the model takes {} bytes of flash"),
            None if self.kernels.is_some() => (
                tables_bytes,
                "the model's tables and the machine code of its sums take {} bytes of flash, the \
                 code around them not counted,",
            ),
            None => (
                tables_bytes,
                "the model's tables take {} bytes of flash, its code not counted,",
            ),
        };
        let reserved = u64::from(declaration.reserve.flash_bytes.unwrap_or(0));
        if let Some(given) = declaration.budget.flash_bytes
            && flash_bytes + reserved > given.into()
        {
            problems.push(format!(
                "over budget: {} and {owner} has {}{}\nwhat would fit: {}",
                what.replace("{}", &thousands(flash_bytes)),
                thousands(given.into()),
                match reserved {
                    0 => String::new(),
                    bytes => format!(", of which {} are reserved", thousands(bytes)),
                },
                parts_that_fit(self.sram_bytes(), flash_bytes + reserved),
            ));
        }
        if let Some(target) = owner_is_avr(declaration)
            && self.state_bytes() > crate::budget::LARGEST_AVR_ARRAY_BYTES
        {
            problems.push(format!(
                "over budget: the network is a value of {} bytes, and one on {} takes at most {}",
                thousands(self.state_bytes().into()),
                target.name,
                crate::budget::LARGEST_AVR_ARRAY_BYTES
            ));
        }
        problems
    }

    fn over_sram(
        &self,
        (graph, model): (&Graph, &Model),
        declaration: &ModelDeclaration,
        (owner, given): (&str, u32),
    ) -> String {
        let memory = &self.plan.memory;
        let peak = &model.nodes[memory.peak().node.index()];
        let mut text = format!(
            "over budget: the model needs {} bytes of SRAM, and {owner} has {}\n\
             needed: {} of arena (plan `{}`, peak at `{}`), {} of state, {} of reserve",
            thousands(self.sram_bytes().into()),
            thousands(given.into()),
            thousands(memory.arena_bytes.into()),
            self.plan.name,
            peak.name,
            memory.cursor_bytes(),
            thousands(self.reserve_bytes.into()),
        );
        if declaration.reserve.sram_bytes.is_none() {
            let _ = write!(
                text,
                " (a stack of up to {} and {DEFAULT_RESERVE_BESIDE_STACK_BYTES})",
                self.stack_bytes
            );
        }
        let smallest = Self::choose(
            (graph, model),
            &ModelDeclaration {
                plan: PlanChoice::Smallest,
                ..declaration.clone()
            },
        );
        text.push_str("\nwhat would fit: ");
        if smallest.sram_bytes() <= given {
            let _ = write!(
                text,
                "`plan: smallest`, with {} bytes of arena; or ",
                thousands(smallest.plan.memory.arena_bytes.into())
            );
        }
        text.push_str(&parts_that_fit(smallest.sram_bytes(), model.constant_bytes));
        text
    }
}

fn owner_is_avr(declaration: &ModelDeclaration) -> Option<&'static Target> {
    let target = declaration.budget.target?;
    (!target.architecture.has_32_bit_registers()).then_some(target)
}

/// The part with the least SRAM that has as much of both.
fn parts_that_fit(sram_bytes: u32, flash_bytes: u64) -> String {
    let fitting = Target::all().filter(|target| {
        target.sram_bytes >= sram_bytes && u64::from(target.flash_bytes) >= flash_bytes
    });
    match fitting.min_by_key(|target| (target.sram_bytes, target.flash_bytes, target.name)) {
        Some(target) => format!(
            "a larger part, such as `target: {}`, with {} bytes of SRAM and {} of flash",
            target.name,
            thousands(target.sram_bytes.into()),
            thousands(target.flash_bytes.into())
        ),
        None => "none of the parts that are known; take a smaller model".to_owned(),
    }
}

/// Bytes of flash that the machine code of sums may take: what is left by the rest of a firmware
/// and the code around the sums.
fn bytes_for_kernels(declaration: &ModelDeclaration, program: &Program) -> u32 {
    let Some(flash_bytes) = declaration.budget.flash_bytes else {
        return u32::MAX;
    };
    let for_firmware = declaration.reserve.flash_bytes;
    let for_firmware = for_firmware.unwrap_or_else(|| (flash_bytes / 16).clamp(512, 4096));
    let around = AROUND_BYTES + AROUND_OPERATOR_BYTES * program.operations().count() as u32;
    flash_bytes.saturating_sub(for_firmware + around)
}

/// Bytes of the tables of a model's program, and of the machine code of sums, whose tables are in
/// it.
pub fn tables_bytes(program: &Program, kernels: Option<&Kernels>) -> u64 {
    let steps = program.steps().map(|step| (step.node, &step.operation));
    let stages = program.all_stages();
    let stages = stages.map(|stage| (stage.plan.node, &stage.operation));
    let has_kernel = |node: NodeId| kernels.is_some_and(|it| it.of_layer(node).is_some());
    let of_kernels = kernels.map_or(0, |kernels| kernels.flash_bytes().into());
    let tables = steps.chain(stages);
    let of_tables: u64 = tables
        .map(|(node, operation)| match operation {
            Operation::Quantised(it) => {
                let sum = it.kernel.sum().filter(|_| !has_kernel(node));
                let sum = sum.map_or(0, |sum| {
                    let outputs = u64::from(sum.products.outputs);
                    let rescales = if sum.single_rescale().is_some() { 0 } else { 5 };
                    u64::from(sum.products.rows) * outputs + (4 + rescales) * outputs
                });
                let followers = it.followers.iter().map(|follower| match follower {
                    Pixelwise::ByteMap(_) => 256,
                    Pixelwise::Softmax(it) => 4 * it.powers.len() as u64,
                    Pixelwise::Addition(..) | Pixelwise::Multiplication(..) => 0,
                });
                sum + followers.sum::<u64>()
            }
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Concat => 0,
            Operation::Rearrange(it) => it.table_bytes(),
        })
        .sum();
    of_tables + of_kernels
}

/// The deepest stack of the generated code: a node holds the values of a tap, its sums twice, and
/// its outputs, once more with each operator that goes over them.
/// Sums that have machine code are in its frame.
fn stack_bytes(model: &Model, plan: &MemoryPlan, layers: Option<&(Core, LayerSums)>) -> u32 {
    let of_node = |id: NodeId| {
        let (node, ModelNode { operators, .. }) =
            (model.dataflow.node(id), &model.nodes[id.index()]);
        if node.moves() {
            return LOOPS_BYTES;
        }
        let (inputs, outputs) = (node.input.channels, node.output.channels);
        let of_outputs = (2 + 2 * operators.len() as u32) * outputs;
        let by_kernel = layers.and_then(|(core, sums)| Some((*core, sums.of_layer(id)?)));
        if let Some((core, sums)) = by_kernel {
            let argument_bytes = match &sums.values {
                // They are where they are stored.
                _ if node.is_dense() => 0,
                PixelValues::OfOneTap(_) => 4,
                // Of each tap also the cell, while these are found.
                PixelValues::Together => 5 * sums.values_of_piece,
                PixelValues::ByAddress(taps) => 8 * taps.len() as u32,
            };
            return argument_bytes + lanes::stack_bytes(core) + of_outputs;
        }
        let sums = match node.is_dense() {
            // Those of a group, or in the arena.
            true => 256,
            false => 8 * outputs,
        };
        inputs + sums + of_outputs
    };
    let jobs = plan.jobs.iter().map(|job| match job {
        JobPlan::Layer(layer) => of_node(layer.node),
        JobPlan::Segment(segment) => {
            let stages = segment.stages.iter().map(|stage| of_node(stage.node));
            let cursor = if segment.arriving {
                0
            } else {
                plan.cursor_bytes()
            };
            SEGMENT_FRAMES_BYTES + cursor + stages.max().unwrap_or(0)
        }
    });
    FRAMES_BYTES + 3 * model.output_bytes + jobs.max().unwrap_or(0)
}
