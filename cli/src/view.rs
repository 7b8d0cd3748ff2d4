//! What is printed, as data: `--json` prints it as it is, so its names are kept.

use std::path::PathBuf;

use herringbone_compiler::Planned;
use herringbone_compiler::backend::avr::CodeForm;
use herringbone_compiler::budget::{Design, needed_flash_bytes};
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::network::Shape;
use herringbone_compiler::report::{self, ArenaOverTime, LayerRow};
use serde::Serialize;

use crate::source::Declared;

/// Points in time at which the bytes alive are reported.
const COLUMNS: usize = 200;

/// Instructions that are looked at for the worst case: some seconds' worth.
pub(crate) const MOST_STEPS: u64 = 300_000_000;

/// What a view is made of.
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) declared: &'a Declared,
    pub(crate) declaration: &'a Declaration,
    pub(crate) weights_file: Option<PathBuf>,
    pub(crate) planned: &'a Planned,
    pub(crate) alternatives: &'a [Design],
    pub(crate) arena: Option<&'a ArenaOverTime>,
    pub(crate) errors: &'a Diagnostics,
    pub(crate) notes: &'a [String],
}

#[derive(Serialize)]
pub(crate) struct View {
    pub(crate) network: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) target: Option<&'static str>,
    pub(crate) weights_file: Option<String>,
    pub(crate) plan: String,
    pub(crate) fits: bool,
    pub(crate) errors: Vec<Message>,
    pub(crate) notes: Vec<String>,
    pub(crate) input: ShapeView,
    pub(crate) outputs: u32,
    pub(crate) weight_bits: u32,
    pub(crate) bias_bits: u32,
    pub(crate) activation_bits: u32,
    pub(crate) multiply_accumulates: u64,
    pub(crate) arena_bytes: u32,
    pub(crate) state_bytes: u32,
    pub(crate) parameter_bytes: u32,
    pub(crate) results_bytes: u32,
    /// The newest samples of a stream.
    pub(crate) window_bytes: u32,
    pub(crate) features_bytes: u32,
    pub(crate) reserve_bytes: u32,
    pub(crate) stack_bytes: u32,
    pub(crate) sram_bytes: u32,
    pub(crate) sram_budget_bytes: Option<u32>,
    /// Code and tables on AVR, elsewhere tables.
    pub(crate) flash_bytes: u64,
    pub(crate) flash_with_reserve_bytes: Option<u64>,
    pub(crate) flash_budget_bytes: Option<u32>,
    pub(crate) predicted_cycles: Option<u64>,
    /// The most that an inference takes, whatever the input, and its longest `push`.
    pub(crate) most_cycles: Option<u64>,
    pub(crate) most_push_cycles: Option<u64>,
    pub(crate) layers: Vec<LayerView>,
    /// What its arena holds when; `None` of a network that is too large for that.
    #[serde(flatten)]
    pub(crate) followed: Option<FollowedView>,
    pub(crate) alternatives: Vec<Alternative>,
}

#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

#[derive(Serialize)]
pub(crate) struct ShapeView {
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) channels: u32,
}

#[derive(Serialize)]
pub(crate) struct LayerView {
    pub(crate) layer: String,
    pub(crate) label: Option<String>,
    /// Labels, or layers that have none.
    pub(crate) reads: Vec<String>,
    pub(crate) output: ShapeView,
    pub(crate) how: String,
    pub(crate) live_input_bytes: u32,
    pub(crate) live_output_bytes: u32,
    /// `None` for layers that are computed together, but the last of them.
    pub(crate) needed_bytes: Option<u32>,
    pub(crate) is_peak: bool,
    pub(crate) form: Option<&'static str>,
    pub(crate) flash_bytes: Option<u64>,
    pub(crate) predicted_cycles: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct FollowedView {
    pub(crate) peak: PeakView,
    pub(crate) time: TimeView,
}

#[derive(Serialize)]
pub(crate) struct PeakView {
    pub(crate) live_bytes: f64,
    pub(crate) while_layer: String,
    pub(crate) event: u32,
    pub(crate) time_share: f64,
    pub(crate) held: Vec<Held>,
}

#[derive(Serialize)]
pub(crate) struct Held {
    pub(crate) layer: String,
    pub(crate) bytes: f64,
}

/// Time is counted in values that are read and written.
#[derive(Serialize)]
pub(crate) struct TimeView {
    pub(crate) events: u32,
    pub(crate) values_read_and_written: u64,
    pub(crate) phases: Vec<PhaseView>,
    /// The most in each of as many equal parts of the time.
    pub(crate) live_bytes: Vec<f64>,
}

#[derive(Serialize)]
pub(crate) struct PhaseView {
    /// `None` while the input arrives.
    pub(crate) layer: Option<String>,
    pub(crate) start_share: f64,
    pub(crate) end_share: f64,
}

#[derive(Serialize)]
pub(crate) struct Alternative {
    pub(crate) plan: String,
    pub(crate) is_chosen: bool,
    pub(crate) arena_bytes: u32,
    pub(crate) sram_bytes: u32,
    pub(crate) flash_bytes: u64,
    pub(crate) flash_with_reserve_bytes: Option<u64>,
    pub(crate) predicted_cycles: Option<u64>,
    pub(crate) fits: bool,
    pub(crate) shortfall: Shortfall,
}

impl View {
    pub(crate) fn new(parts: &Parts<'_>) -> Self {
        let Parts {
            declaration,
            planned,
            arena,
            ..
        } = *parts;
        let network = &declaration.network;
        let design = &planned.design;
        let bits = network.bits();
        let code = design.footprint.code.as_ref();
        let worst = code.and_then(|code| code.worst_case(MOST_STEPS));
        Self {
            network: parts.name.to_owned(),
            file: parts.declared.file.path.display().to_string(),
            line: parts.declared.line,
            target: declaration.budget.target.map(|target| target.name),
            weights_file: parts
                .weights_file
                .as_ref()
                .map(|path| path.display().to_string()),
            plan: design.plan.strategy.name(&network.dataflow()),
            fits: Shortfall::of(declaration, design).is_none(),
            errors: messages(parts.errors),
            notes: parts.notes.to_vec(),
            input: network.input().into(),
            outputs: network.output().values(),
            weight_bits: bits.weights,
            bias_bits: bits.biases,
            activation_bits: bits.activations,
            multiply_accumulates: network.multiply_accumulates(),
            arena_bytes: design.plan.arena_bytes,
            state_bytes: design.plan.cursor_bytes(),
            parameter_bytes: design.parameter_bytes,
            results_bytes: design.results_bytes,
            window_bytes: design.window_bytes,
            features_bytes: design.features_bytes,
            reserve_bytes: design.reserve_bytes,
            stack_bytes: design.footprint.stack_bytes,
            sram_bytes: design.sram_bytes(),
            sram_budget_bytes: declaration.budget.sram_bytes,
            flash_bytes: design.footprint.flash_bytes,
            flash_with_reserve_bytes: needed_flash(declaration, design),
            flash_budget_bytes: declaration.budget.flash_bytes,
            predicted_cycles: predicted_cycles(design),
            most_cycles: worst.map(|worst| worst.cycles),
            most_push_cycles: worst.map(|worst| worst.longest_push(declaration.window)),
            layers: report::layers(declaration, design)
                .into_iter()
                .map(LayerView::from)
                .collect(),
            followed: arena.map(|arena| FollowedView {
                peak: peak(arena),
                time: time(arena),
            }),
            alternatives: alternatives(parts),
        }
    }
}

impl From<Shape> for ShapeView {
    fn from(shape: Shape) -> Self {
        let Shape {
            height,
            width,
            channels,
        } = shape;
        Self {
            height,
            width,
            channels,
        }
    }
}

impl std::fmt::Display for ShapeView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Shape::new(self.height, self.width, self.channels).fmt(f)
    }
}

impl From<LayerRow> for LayerView {
    fn from(row: LayerRow) -> Self {
        Self {
            layer: row.name,
            label: row.label,
            reads: row.reads,
            output: row.output.into(),
            how: row.order.to_string(),
            live_input_bytes: row.live_input_bytes,
            live_output_bytes: row.live_output_bytes,
            needed_bytes: row.needed_bytes,
            is_peak: row.is_peak,
            form: row.code.and_then(|code| code.form).map(|form| match form {
                CodeForm::Unrolled => "unrolled",
                CodeForm::Table => "table",
            }),
            flash_bytes: row.code.map(|code| code.flash_bytes),
            predicted_cycles: row.code.map(|code| code.cycles.round() as u64),
        }
    }
}

fn messages(errors: &Diagnostics) -> Vec<Message> {
    let messages = errors.spanned().into_iter().map(|(span, message)| {
        let start = span.start();
        Message {
            line: start.line,
            column: start.column + 1,
            message,
        }
    });
    messages.collect()
}

/// Only the code for AVR is known so well.
fn predicted_cycles(design: &Design) -> Option<u64> {
    let code = design.footprint.code.as_ref();
    code.map(|code| code.cycles().round() as u64)
}

/// Bytes that a design needs more than there are.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Shortfall {
    pub(crate) sram_bytes: u64,
    pub(crate) flash_bytes: u64,
}

impl Shortfall {
    fn of(declaration: &Declaration, design: &Design) -> Self {
        let budget = &declaration.budget;
        let more = |needed: u64, given: u32| needed.saturating_sub(given.into());
        Self {
            sram_bytes: budget
                .sram_bytes
                .map_or(0, |given| more(design.sram_bytes().into(), given)),
            flash_bytes: needed_flash(declaration, design)
                .zip(budget.flash_bytes)
                .map_or(0, |(needed, given)| more(needed, given)),
        }
    }

    pub(crate) fn is_none(self) -> bool {
        self.sram_bytes == 0 && self.flash_bytes == 0
    }
}

/// With what is kept of the flash for the rest of the firmware.
fn needed_flash(declaration: &Declaration, design: &Design) -> Option<u64> {
    let given = declaration.budget.flash_bytes;
    given.map(|given| needed_flash_bytes(declaration, design, given))
}

fn peak(arena: &ArenaOverTime) -> PeakView {
    let peak = &arena.peak;
    let held = peak.cells_by_owner.iter().zip(&arena.owners);
    PeakView {
        live_bytes: arena.bytes(peak.live_cells),
        while_layer: arena.owners[peak.owner].name.clone(),
        event: peak.event,
        time_share: arena.end_of(peak.event),
        held: held
            .filter(|&(&cells, _)| cells > 0)
            .map(|(&cells, owner)| Held {
                layer: owner.name.clone(),
                bytes: arena.bytes(cells),
            })
            .collect(),
    }
}

fn time(arena: &ArenaOverTime) -> TimeView {
    let phases = arena.phases.iter().map(|phase| {
        let named = arena.owners.iter().find(|it| it.layer == phase.layer);
        PhaseView {
            layer: named
                .filter(|_| phase.layer.is_some())
                .map(|owner| owner.name.clone()),
            start_share: arena.start_of(phase.events.start),
            end_share: arena.end_of(phase.events.end - 1),
        }
    });
    let live = arena.live_cells_by_column(COLUMNS).into_iter();
    TimeView {
        events: arena.events(),
        values_read_and_written: arena.values_moved(),
        phases: phases.collect(),
        live_bytes: live.map(|cells| arena.bytes(cells)).collect(),
    }
}

fn alternatives(parts: &Parts<'_>) -> Vec<Alternative> {
    let declaration = parts.declaration;
    let alternatives = parts.alternatives.iter().map(|design| {
        let shortfall = Shortfall::of(declaration, design);
        Alternative {
            plan: design.plan.strategy.name(&declaration.network.dataflow()),
            is_chosen: design.plan == parts.planned.design.plan,
            arena_bytes: design.plan.arena_bytes,
            sram_bytes: design.sram_bytes(),
            flash_bytes: design.footprint.flash_bytes,
            flash_with_reserve_bytes: needed_flash(declaration, design),
            predicted_cycles: predicted_cycles(design),
            fits: shortfall.is_none(),
            shortfall,
        }
    });
    alternatives.collect()
}
