//! A plan for people to read: as text, as a table in the type's rustdoc, and as a
//! picture.

mod arena;
mod drawn;
mod functions;
mod markdown;
mod sharing;
mod svg;
mod text;
pub mod view;

pub use arena::{ArenaOverTime, Block, Owner, Peak, Phase};
pub use functions::{FunctionView, functions};
pub use markdown::markdown;
use sharing::{parts, sharing_summary, sharing_totals};
pub use svg::{ModelPicture, Picture, model_svg, svg};
pub(crate) use svg::{fits_rustdoc as picture_fits_rustdoc, rustdoc as rustdoc_picture};
pub use text::{text, text_of};

use crate::backend::avr::CodeForm;
use crate::budget::{Design, LayerFootprint, reserved_flash_bytes};
use crate::declaration::{Declaration, WeightsSource};
use crate::network::{Network, Node, NodeId, Shape};
use crate::plan::{JobPlan, Order, Ring, SegmentPlan, StagePlan};
use std::fmt;

/// A column of the table.
struct Column {
    head: &'static str,
    /// Numbers stand to the right, words to the left.
    is_number: bool,
}

const fn words(head: &'static str) -> Column {
    Column {
        head,
        is_number: false,
    }
}

const fn numbers(head: &'static str) -> Column {
    Column {
        head,
        is_number: true,
    }
}

/// What is known of every plan, then what is known of code for AVR.
const COLUMNS: [Column; 9] = [
    words("layer"),
    words("output"),
    words("order"),
    numbers("inputs live"),
    numbers("outputs live"),
    numbers("needs"),
    words("form"),
    numbers("flash"),
    numbers("cycles"),
];

/// Columns of every plan.
const MEMORY_COLUMNS: usize = 6;

/// What the table's numbers are.
const MEMORY_CAPTION: &str =
    "Bytes of the arena at worst; `needs` includes bytes in between that are not free yet";
/// And those of code.
const CODE_CAPTION: &str = ";\nbytes of flash of each layer's code and tables, and the cycles that \
     it is expected to take\nwith as many zeros as the weights file says, or a half";

/// Instructions that are looked at for the worst case of a network's code while it is
/// compiled: some tenths of a second in an unoptimised macro.
const MOST_STEPS: u64 = 1_000_000;

/// One row of the table.
type TableRow = Vec<String>;

fn caption(design: &Design) -> String {
    let code = design.footprint.code.as_ref();
    format!("{MEMORY_CAPTION}{}:", code.map_or("", |_| CODE_CAPTION))
}

fn summary(declaration: &Declaration, design: &Design) -> String {
    let network = &declaration.network;
    let bits = network.bits();
    format!(
        "{} bytes in, {} out, {} multiply-accumulates;\n\
         weights of {} bits, activations of {}; plan `{}`.",
        network.input().values(),
        network.output().values(),
        thousands(network.multiply_accumulates()),
        bits.weights,
        bits.activations,
        design.plan.strategy.name(&network.dataflow()),
    )
}

/// What the design takes as a whole, a line each.
fn totals(declaration: &Declaration, design: &Design) -> Vec<String> {
    let mut totals = vec![sram(declaration, design)];
    totals.extend(flash(declaration, design));
    if let Some(reason) = &design.footprint.portable_because {
        totals.push(format!(
            "Code: portable, of which the linker alone knows the flash: {reason}."
        ));
    }
    if let Some(code) = &design.footprint.code {
        totals.push(format!(
            "Stack: {} bytes of the reserve.",
            design.footprint.stack_bytes
        ));
        let cycles = code.cycles().round() as u64;
        let most = match code.worst_case(MOST_STEPS) {
            None => String::new(),
            Some(worst) => format!(
                ", {} at most, {} of them in the longest `push`",
                thousands(worst.cycles),
                thousands(worst.longest_push(declaration.window))
            ),
        };
        totals.push(format!("Cycles: {} expected{most}.", thousands(cycles)));
    }
    totals
}

fn sram(declaration: &Declaration, design: &Design) -> String {
    let mut text = format!(
        "SRAM: {} arena + {} state + {}{}{}{}{} reserve = {} bytes",
        design.plan.arena_bytes,
        design.plan.cursor_bytes(),
        match design.parameter_bytes {
            0 => String::new(),
            bytes => format!("{bytes} parameters + "),
        },
        match design.results_bytes {
            0 => String::new(),
            bytes => format!("{bytes} results + "),
        },
        match design.window_bytes {
            0 => String::new(),
            bytes => format!("{bytes} window + "),
        },
        match design.features_bytes {
            0 => String::new(),
            bytes => format!("{bytes} samples + "),
        },
        design.reserve_bytes,
        design.sram_bytes(),
    );
    text.push_str(&given(declaration, declaration.budget.sram_bytes));
    text
}

/// `None` where nothing is known of it: of portable code, the linker alone knows what it
/// takes.
fn flash(declaration: &Declaration, design: &Design) -> Option<String> {
    let own_bytes = design.footprint.flash_bytes;
    let given_bytes = declaration.budget.flash_bytes;
    let given = given(declaration, given_bytes);
    if design.footprint.code.is_none() {
        given_bytes?;
        if own_bytes == 0 {
            return Some(format!(
                "Flash: not counted, for only the linker knows it,{given}"
            ));
        }
        return Some(format!(
            "Flash: {own_bytes} bytes of tables alone, without the code,{given}"
        ));
    }
    let about = match declaration.weights {
        WeightsSource::Nowhere => "about ",
        WeightsSource::File | WeightsSource::Runtime => "",
    };
    let reserve_bytes = given_bytes.map_or(0, |given| reserved_flash_bytes(declaration, given));
    let all_bytes = own_bytes + u64::from(reserve_bytes);
    let reserve = match reserve_bytes {
        0 => String::new(),
        bytes => format!(" + {bytes} reserve = {all_bytes} bytes"),
    };
    Some(format!(
        "Flash: {about}{own_bytes} code and tables{reserve}{given}"
    ))
}

/// The end of a line of totals.
fn given(declaration: &Declaration, bytes: Option<u32>) -> String {
    let given = bytes.map_or(String::new(), |bytes| format!(" of {bytes}"));
    let target = declaration.budget.target.filter(|_| bytes.is_some());
    let target = target.map_or(String::new(), |target| format!(" ({})", target.name));
    format!("{given}{target}.")
}

fn table(declaration: &Declaration, design: &Design) -> (&'static [Column], Vec<TableRow>) {
    let layers = layers(declaration, design).into_iter();
    let rows = layers.map(|row| {
        let mut cells = vec![
            row.name,
            row.output.to_string(),
            row.order.to_string(),
            row.live_input_bytes.to_string(),
            row.live_output_bytes.to_string(),
            match row.needed_bytes {
                Some(bytes) if row.is_peak => format!("{bytes} (peak)"),
                Some(bytes) => bytes.to_string(),
                None => String::new(),
            },
        ];
        cells.extend(row.code.into_iter().flat_map(|code| {
            let form = match code.form {
                None => "–",
                Some(_) if declaration.weights == WeightsSource::Runtime => "loaded",
                Some(CodeForm::Unrolled) => "unrolled",
                Some(CodeForm::Table) => "table",
            };
            [
                form.to_owned(),
                code.flash_bytes.to_string(),
                thousands(code.cycles.round() as u64),
            ]
        }));
        cells
    });
    let count = match design.footprint.code {
        Some(_) => COLUMNS.len(),
        None => MEMORY_COLUMNS,
    };
    (&COLUMNS[..count], rows.collect())
}

/// What one layer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRow {
    /// The layer; `None` for the input.
    pub id: Option<NodeId>,
    /// As the declaration writes it, or `input`.
    pub name: String,
    /// The label of what it makes, without the apostrophe.
    pub label: Option<String>,
    /// What it reads, the running map first: labels, or the layers that make it.
    pub reads: Vec<String>,
    /// What it makes.
    pub output: Shape,
    /// How it is computed.
    pub order: LayerOrder,
    /// Bytes of its inputs that are alive at its worst moment; of a layer that is
    /// computed as the input arrives, the pixels that it keeps.
    pub live_input_bytes: u32,
    /// And of its outputs; of such a layer, windows and sums that it keeps.
    pub live_output_bytes: u32,
    /// Bytes from the first to the last that is in use then: `None` for layers that
    /// are computed together, but the last of them.
    pub needed_bytes: Option<u32>,
    /// Whether the arena's peak is here.
    pub is_peak: bool,
    /// What its code takes, on AVR.
    pub code: Option<LayerFootprint>,
}

/// When a layer's outputs are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerOrder {
    /// With the bytes of the input.
    AsItArrives,
    /// Pixel by pixel with other layers, from maps that are complete.
    PixelByPixel,
    /// All of them when the input is complete, in that order of pixels.
    Pixels(Order),
    /// All of them, one after the other.
    OneByOne,
}

impl fmt::Display for LayerOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerOrder::AsItArrives => f.write_str("as it arrives"),
            LayerOrder::PixelByPixel => f.write_str("pixel by pixel"),
            LayerOrder::Pixels(order) => order.fmt(f),
            LayerOrder::OneByOne => f.write_str("one by one"),
        }
    }
}

/// A row for the input, unless a layer takes it in, and for every layer that
/// computes something.
pub fn layers(declaration: &Declaration, design: &Design) -> Vec<LayerRow> {
    let network = &declaration.network;
    let plan = &design.plan;
    let peak = plan.peak();
    let arriving = plan.arriving();
    let stream = &arriving.need;
    let mut rows = Vec::new();
    let intake = design.footprint.code.as_ref().map(|code| code.intake());
    if arriving.stages.is_empty() {
        rows.push(LayerRow {
            id: None,
            name: "input".to_owned(),
            label: None,
            reads: Vec::new(),
            output: network.input(),
            order: LayerOrder::AsItArrives,
            live_input_bytes: 0,
            live_output_bytes: plan.bytes(stream.live_output_cells),
            needed_bytes: Some(plan.bytes(stream.cells)),
            is_peak: stream == peak,
            code: intake,
        });
    }
    for job in &plan.jobs {
        match job {
            JobPlan::Segment(segment) => {
                for (index, stage) in segment.stages.iter().enumerate() {
                    let is_last = index + 1 == segment.stages.len();
                    let intake = intake.filter(|_| segment.arriving && index == 0);
                    rows.push(stage_row(
                        (declaration, design),
                        (segment, stage),
                        is_last.then_some(&segment.need == peak),
                        intake,
                    ));
                }
            }
            JobPlan::Layer(step) => {
                let node = network.node(step.node);
                let need = &step.need;
                rows.push(LayerRow {
                    id: Some(node.id),
                    name: network.name_of(node.id),
                    label: network.value(node.writes).label.clone(),
                    reads: reads(network, node),
                    output: node.output,
                    order: match node.kind.is_dense() {
                        true => LayerOrder::OneByOne,
                        false => LayerOrder::Pixels(step.order),
                    },
                    live_input_bytes: plan.bytes(need.live_input_cells),
                    live_output_bytes: plan.bytes(need.live_output_cells),
                    needed_bytes: Some(plan.bytes(need.cells)),
                    is_peak: need == peak,
                    code: design.footprint.layers.get(&step.node).copied(),
                });
            }
        }
    }
    rows
}

fn reads(network: &Network, node: &Node) -> Vec<String> {
    let values = node.reads.iter();
    values.map(|&value| network.name_of_value(value)).collect()
}

/// The row of a stage; `is_peak` of the last one of its segment, whose need is
/// written there.
fn stage_row(
    (declaration, design): (&Declaration, &Design),
    (segment, stage): (&SegmentPlan, &StagePlan),
    is_peak: Option<bool>,
    intake: Option<LayerFootprint>,
) -> LayerRow {
    let plan = &design.plan;
    let network = &declaration.network;
    let node = network.node(stage.node);
    let ring_cells = stage.ring().map_or(0, Ring::cells);
    // The map that a segment stores belongs to the node that makes it.
    let map_cells = is_peak.map_or(0, |_| segment.need.live_output_cells);
    let kept_cells = stage.cells(plan.cells_per_byte) - ring_cells;
    let own = design.footprint.layers.get(&stage.node).copied();
    LayerRow {
        id: Some(node.id),
        name: network.name_of(node.id),
        label: network.value(node.writes).label.clone(),
        reads: reads(network, node),
        output: node.output,
        order: match segment.arriving {
            true => LayerOrder::AsItArrives,
            false => LayerOrder::PixelByPixel,
        },
        live_input_bytes: plan.bytes(ring_cells),
        live_output_bytes: plan.bytes(kept_cells + map_cells),
        needed_bytes: is_peak.map(|_| plan.bytes(segment.need.cells)),
        is_peak: is_peak.unwrap_or(false),
        code: own.or(intake),
    }
}

/// A number with commas: `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{self, Sums};
    use crate::program::Accumulator;
    use crate::syntax;

    fn rows_of(target: &str) -> Vec<Vec<String>> {
        let text = format!(
            "N: [28, 28, 1] => < A, C1(5,3), M, Dr, D*(10) >, {target} plan: row_major, weights: runtime"
        );
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let sums = Sums {
            widest: Accumulator::I16,
            constants: None,
        };
        let plan = super::text("N", &declaration, &budget::choose(&declaration, &sums));
        let table = plan.lines().skip_while(|line| !line.starts_with("layer "));
        table
            .take_while(|line| !line.is_empty())
            .map(|line| {
                let cells = line.split("  ").map(str::trim);
                cells
                    .filter(|cell| !cell.is_empty())
                    .map(str::to_owned)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_layer_has_a_row_and_on_avr_what_its_code_takes() {
        let (host, avr) = (rows_of(""), rows_of("target: atmega328p,"));
        let layers: Vec<_> = avr.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(layers, ["layer", "A", "C1(5,3)", "M", "D*(10)"]);
        assert!(
            host.iter()
                .zip(&avr)
                .all(|(host, avr)| avr.starts_with(host))
        );
        let code: Vec<_> = avr.iter().map(|row| &row[MEMORY_COLUMNS..]).collect();
        assert_eq!(code[0], ["form", "flash", "cycles"]);
        assert_eq!(code[2][0], "loaded");
        let taken = |cell: &str| cell.replace(',', "").parse::<u32>().unwrap() > 0;
        assert!(code[1..].iter().all(|row| taken(&row[1]) && taken(&row[2])));
    }
    #[test]
    fn a_row_says_the_labels_of_what_a_layer_makes_and_reads() {
        let text = "N: [12, 12, 1] => < 'stem: C1(4,3), R(3), 'left: C1(4,1), 'stem, T(1), \
                    C1(4,1, add: 'stem), Cat('left), D*(3) >, plan: row_major";
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let sums = Sums {
            widest: Accumulator::I16,
            constants: None,
        };
        let design = budget::choose(&declaration, &sums);
        let rows = layers(&declaration, &design);
        let row = rows.iter().find(|row| row.name.starts_with("Cat")).unwrap();
        assert_eq!(row.reads, ["C1(4,1, add: 'stem)", "'left"]);
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        // The plan may compute branches in another order.
        names.sort();
        assert_eq!(
            names,
            [
                "'left: C1(4,1)",
                "'stem, T(1)",
                "'stem: C1(4,3)",
                "C1(4,1, add: 'stem)",
                "Cat('left)",
                "D*(3)",
                "R(3) first",
                "R(3) second",
                "input",
            ]
        );
    }
}
