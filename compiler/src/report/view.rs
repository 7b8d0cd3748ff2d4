//! A plan as data: what commands print and a page shows. `--json` prints it as it is, so its
//! names are kept.

use super::{ArenaOverTime, LayerRow, layers, sharing_summary};
use crate::Planned;
use crate::backend::avr::CodeForm;
use crate::budget::{Design, PartDesign, Sharing, needed_flash_bytes};
use crate::declaration::Declaration;
use crate::diagnostic::Diagnostics;
use crate::network::{NodeId, Shape};
use serde::Serialize;

/// Points in time at which the bytes alive are reported.
const COLUMNS: usize = 200;

/// What a view is made of.
pub struct Parts<'a> {
    /// The network's name.
    pub name: &'a str,
    /// The file that declares it.
    pub file: String,
    /// Where it begins there, from 1.
    pub line: usize,
    pub declaration: &'a Declaration,
    /// Its weights file, where it has one.
    pub weights_file: Option<String>,
    pub planned: &'a Planned,
    /// Every plan, the one taken included.
    pub alternatives: &'a [Design],
    /// What its arena holds when, where that is known.
    pub arena: Option<&'a ArenaOverTime>,
    /// Instructions that are looked at for the worst case; with 0, it is left out.
    pub most_steps: u64,
    pub errors: &'a Diagnostics,
    pub notes: &'a [String],
}

/// A network's plan.
#[derive(Serialize)]
pub struct View {
    pub network: String,
    pub file: String,
    pub line: usize,
    pub target: Option<&'static str>,
    pub weights_file: Option<String>,
    pub plan: String,
    pub fits: bool,
    pub errors: Vec<Message>,
    pub notes: Vec<String>,
    pub input: ShapeView,
    pub outputs: u32,
    pub weight_bits: u32,
    pub bias_bits: u32,
    pub activation_bits: u32,
    pub multiply_accumulates: u64,
    pub arena_bytes: u32,
    pub state_bytes: u32,
    pub parameter_bytes: u32,
    pub results_bytes: u32,
    /// The newest samples of a stream, or what is kept of them.
    pub window_bytes: u32,
    pub features_bytes: u32,
    pub reserve_bytes: u32,
    pub stack_bytes: u32,
    pub sram_bytes: u32,
    pub sram_budget_bytes: Option<u32>,
    /// Code and tables on AVR, elsewhere tables.
    pub flash_bytes: u64,
    pub flash_with_reserve_bytes: Option<u64>,
    pub flash_budget_bytes: Option<u32>,
    pub predicted_cycles: Option<u64>,
    /// The most that an inference takes, whatever the input, and its longest `push`.
    pub most_cycles: Option<u64>,
    pub most_push_cycles: Option<u64>,
    pub layers: Vec<LayerView>,
    /// What windows of a stream share, in words.
    pub sharing: Option<String>,
    /// What its arena holds when; `None` of a network that is too large for that.
    #[serde(flatten)]
    pub followed: Option<FollowedView>,
    pub alternatives: Vec<Alternative>,
}

/// An error at its place.
#[derive(Serialize)]
pub struct Message {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Values of a map.
#[derive(Serialize)]
pub struct ShapeView {
    pub height: u32,
    pub width: u32,
    pub channels: u32,
}

/// What one layer takes: see [`LayerRow`].
#[derive(Serialize)]
pub struct LayerView {
    pub layer: String,
    /// The node that it is of the network; `None` for the input.
    pub node: Option<usize>,
    pub label: Option<String>,
    /// Labels, or layers that have none.
    pub reads: Vec<String>,
    pub output: ShapeView,
    pub how: String,
    pub live_input_bytes: u32,
    pub live_output_bytes: u32,
    /// `None` for layers that are computed together, but the last of them.
    pub needed_bytes: Option<u32>,
    pub is_peak: bool,
    pub form: Option<&'static str>,
    pub flash_bytes: Option<u64>,
    pub predicted_cycles: Option<u64>,
}

/// What the arena holds when.
#[derive(Serialize)]
pub struct FollowedView {
    pub peak: PeakView,
    pub time: TimeView,
}

/// The moment at which most is alive.
#[derive(Serialize)]
pub struct PeakView {
    pub live_bytes: f64,
    pub while_layer: String,
    pub event: u32,
    pub time_share: f64,
    pub held: Vec<Held>,
}

/// Bytes of one layer's values that are alive.
#[derive(Serialize)]
pub struct Held {
    pub layer: String,
    pub bytes: f64,
}

/// Time is counted in values that are read and written.
#[derive(Serialize)]
pub struct TimeView {
    pub events: u32,
    pub values_read_and_written: u64,
    pub phases: Vec<PhaseView>,
    /// The most in each of as many equal parts of the time.
    pub live_bytes: Vec<f64>,
}

/// A run of events that belong together.
#[derive(Serialize)]
pub struct PhaseView {
    /// `None` while the input arrives.
    pub layer: Option<String>,
    pub start_share: f64,
    pub end_share: f64,
}

/// A plan, and what it takes.
#[derive(Serialize)]
pub struct Alternative {
    pub plan: String,
    pub is_chosen: bool,
    pub arena_bytes: u32,
    pub sram_bytes: u32,
    pub flash_bytes: u64,
    pub flash_with_reserve_bytes: Option<u64>,
    pub predicted_cycles: Option<u64>,
    pub fits: bool,
    pub shortfall: Shortfall,
}

impl View {
    /// All of it.
    pub fn new(parts: &Parts<'_>) -> Self {
        let Parts {
            declaration,
            planned,
            arena,
            ..
        } = *parts;
        let network = &declaration.network;
        let design = &planned.design;
        let bits = network.bits();
        let sharing = planned.sharing.as_ref();
        let worst = Some(parts.most_steps)
            .filter(|&steps| steps > 0)
            .and_then(|steps| planned.worst_case(declaration, steps));
        // What is beside the arenas.
        let own = sharing.map_or(design, |sharing| &sharing.trailing.design);
        let flash_bytes = needed_flash_of(declaration, planned);
        let shortfall = Shortfall::from_needs(declaration, planned.sram_bytes(), flash_bytes);
        Self {
            network: parts.name.to_owned(),
            file: parts.file.clone(),
            line: parts.line,
            target: declaration.budget.target.map(|target| target.name),
            weights_file: parts.weights_file.clone(),
            plan: planned.plan_name(declaration),
            fits: shortfall.is_none(),
            errors: messages(parts.errors),
            notes: parts.notes.to_vec(),
            input: network.input().into(),
            outputs: network.output().values(),
            weight_bits: bits.weights,
            bias_bits: bits.biases,
            activation_bits: bits.activations,
            multiply_accumulates: match sharing {
                Some(sharing) => sharing.prefix.multiply_accumulates(),
                None => network.multiply_accumulates(),
            },
            arena_bytes: planned.arena_bytes(),
            state_bytes: match sharing {
                Some(sharing) => sharing.cursor_bytes(),
                None => design.plan.cursor_bytes(),
            },
            parameter_bytes: own.parameter_bytes,
            results_bytes: own.results_bytes,
            window_bytes: match sharing {
                Some(sharing) => sharing.window_bytes,
                None => design.window_bytes,
            },
            features_bytes: design.features_bytes,
            reserve_bytes: planned.reserve_bytes(),
            stack_bytes: planned.stack_bytes(),
            sram_bytes: planned.sram_bytes(),
            sram_budget_bytes: declaration.budget.sram_bytes,
            flash_bytes: planned.flash_bytes(),
            flash_with_reserve_bytes: flash_bytes,
            flash_budget_bytes: declaration.budget.flash_bytes,
            predicted_cycles: planned.cycles().map(|cycles| cycles.round() as u64),
            most_cycles: worst.map(|worst| worst.cycles),
            most_push_cycles: worst.map(|worst| worst.push_cycles),
            layers: match sharing {
                Some(sharing) => layers_of_sharing(sharing),
                None => LayerView::all(layers(declaration, design), 0),
            },
            sharing: sharing.map(|sharing| sharing_summary(declaration, planned, sharing)),
            followed: arena
                .filter(|_| sharing.is_none())
                .map(|arena| FollowedView {
                    peak: peak(arena),
                    time: time(arena),
                }),
            alternatives: Alternative::all(declaration, planned, parts.alternatives),
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
            node: row.id.map(NodeId::index),
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

impl LayerView {
    /// Of nodes that are that far after their place in the network.
    fn all(rows: Vec<LayerRow>, nodes_before: usize) -> Vec<Self> {
        let rows = rows.into_iter().map(Self::from);
        rows.map(|row| Self {
            node: row.node.map(|node| node + nodes_before),
            ..row
        })
        .collect()
    }
}

/// The rows of both parts.
fn layers_of_sharing(sharing: &Sharing) -> Vec<LayerView> {
    let of = |part: &PartDesign| layers(&part.declaration, &part.design);
    let mut rows = LayerView::all(of(&sharing.leading), 0);
    rows.extend(LayerView::all(of(&sharing.trailing), sharing.prefix.nodes));
    rows
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

/// Only machine code is known so well.
fn predicted_cycles(design: &Design) -> Option<u64> {
    let code = design.footprint.code.as_ref();
    code.map(|code| code.cycles().round() as u64)
}

/// Bytes that a design needs more than there are.
#[derive(Clone, Copy, Serialize)]
pub struct Shortfall {
    pub sram_bytes: u64,
    pub flash_bytes: u64,
}

impl Shortfall {
    fn of(declaration: &Declaration, design: &Design) -> Self {
        let flash_bytes = needed_flash(declaration, design);
        Self::from_needs(declaration, design.sram_bytes(), flash_bytes)
    }

    fn from_needs(declaration: &Declaration, sram_bytes: u32, flash_bytes: Option<u64>) -> Self {
        let budget = &declaration.budget;
        let more = |needed: u64, given: u32| needed.saturating_sub(given.into());
        Self {
            sram_bytes: budget
                .sram_bytes
                .map_or(0, |given| more(sram_bytes.into(), given)),
            flash_bytes: flash_bytes
                .zip(budget.flash_bytes)
                .map_or(0, |(needed, given)| more(needed, given)),
        }
    }

    /// Whether the design fits.
    pub fn is_none(self) -> bool {
        self.sram_bytes == 0 && self.flash_bytes == 0
    }
}

/// With what is kept of the flash for the rest of the firmware.
fn needed_flash(declaration: &Declaration, design: &Design) -> Option<u64> {
    let given = declaration.budget.flash_bytes;
    given.map(|given| needed_flash_bytes(declaration, design, given))
}

/// The same of what is generated.
fn needed_flash_of(declaration: &Declaration, planned: &Planned) -> Option<u64> {
    let given = declaration.budget.flash_bytes;
    given.map(|given| planned.needed_flash_bytes(declaration, given))
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

impl Alternative {
    /// Of each of those designs, what it takes.
    pub fn all(declaration: &Declaration, planned: &Planned, designs: &[Design]) -> Vec<Self> {
        let alternatives = designs.iter().map(|design| {
            let shortfall = Shortfall::of(declaration, design);
            Self {
                plan: design.plan.strategy.name(&declaration.network.dataflow()),
                is_chosen: planned.sharing.is_none() && design.plan == planned.design.plan,
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
}
