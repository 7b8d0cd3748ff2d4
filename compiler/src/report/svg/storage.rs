//! How the map that matters most is stored, at the moment that matters most: in
//! which order, what of it is still needed, and what one output reads.

use super::canvas::{Anchor, Canvas, Font, Number};
use super::{MARGIN, Subject, WIDTH, palette};
use crate::network::{NodeId, Pixel, ReceptiveField, Shape, ValueId};
use crate::plan::{FlowNode, Order, Ring};
use crate::program::{Stage, Step};
use std::fmt::Write;

/// The map is drawn within that.
const MOST_WIDTH: f64 = 420.0;
const MOST_HEIGHT: f64 = 300.0;
const LARGEST_PIXEL: f64 = 26.0;
/// Left of the map.
const LEFT: f64 = 84.0;
/// Smaller pixels have no numbers.
const SMALLEST_NUMBERED: f64 = 11.0;
/// Smaller pixels have no borders, and not every line of them an arrow.
const SMALLEST_BORDERED: f64 = 6.0;

/// A moment of a map.
struct Scene<'a> {
    /// The layer that reads it.
    layer: &'a FlowNode,
    /// What it is called.
    name: String,
    map: Shape,
    /// Its order in memory.
    storage: Order,
    /// The output, and what outputs read.
    output: Pixel,
    field: ReceptiveField,
    /// Whether another layer reads the map later.
    is_kept: bool,
    /// Whose values they are.
    owner: usize,
    moment: Progress,
}

enum Progress {
    /// Of a map that is there as a whole, whose reader computes in that order and
    /// is done with an output: at the peak, or halfway.
    InPlace {
        order: Order,
        ordinal: u32,
        is_peak: bool,
    },
    /// Of a map that is never there as a whole.
    Streamed { ring: Ring },
}

/// What a pixel is at that moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PixelState {
    Live,
    Free,
    NotYet,
}

/// Draws it from `top` on, if there is a map to draw; gives where it ends.
pub(super) fn draw(canvas: &mut Canvas, subject: &Subject<'_>, top: f64) -> f64 {
    let Some(scene) = scene(subject) else {
        return top;
    };
    let Shape { height, width, .. } = scene.map;
    let side = (MOST_WIDTH / f64::from(width))
        .min(MOST_HEIGHT / f64::from(height))
        .min(LARGEST_PIXEL);
    let heading = match scene.moment {
        Progress::InPlace { .. } => format!(
            "How the {} map that {} reads is stored",
            scene.map, scene.name
        ),
        Progress::Streamed { .. } => format!(
            "What is kept of the {} map that {} reads",
            scene.map, scene.name
        ),
    };
    canvas.text((MARGIN, top + 12.0), Anchor::Start, Font::HEADING, &heading);
    let map_top = top + 36.0;
    let at = |(row, column): Pixel| {
        let (row, column) = (f64::from(row), f64::from(column));
        (LEFT + column * side, map_top + row * side)
    };
    pixels(canvas, &scene, side, at);
    arrows(canvas, &scene, side, at);
    let (start, end) = scene.field_ends();
    let size = (
        f64::from(end.1 + 1 - start.1) * side,
        f64::from(end.0 + 1 - start.0) * side,
    );
    canvas.rectangle(
        at(start),
        size,
        r##"fill="none" stroke="#000" stroke-width="2.5""##,
    );
    let map_bottom = map_top + f64::from(height) * side;
    let text_left = LEFT + f64::from(width) * side + 36.0;
    let text_width = WIDTH - MARGIN - text_left;
    let mut y = map_top + 10.0;
    for text in explanations(&scene, side) {
        y = canvas.paragraph((text_left, y), text_width, Font::PLAIN, &text) + 8.0;
    }
    for (state, text) in key(&scene) {
        let style = match state {
            Some(state) => fill(&scene, state, true),
            None => r##"fill="none" stroke="#000" stroke-width="2.5""##.to_owned(),
        };
        canvas.rectangle((text_left, y - 10.0), (13.0, 13.0), style);
        canvas.text(
            (text_left + 22.0, y + 1.0),
            Anchor::Start,
            Font::PLAIN,
            text,
        );
        y += 20.0;
    }
    map_bottom.max(y) + MARGIN
}

/// The map that is read at the peak; of layers that are streamed, the one of the
/// largest ring.
fn scene<'a>(subject: &'a Subject<'a>) -> Option<Scene<'a>> {
    let program = subject.program;
    let peak = &subject.arena.peak;
    let phases = subject.arena.phases.iter();
    let phase = phases
        .clone()
        .find(|phase| phase.events.contains(&peak.event))?;
    let ring = program
        .stages()
        .iter()
        .filter_map(|stage| Some((stage, stage.plan.ring()?)))
        .filter(|(_, ring)| ring.pixels > 1)
        .max_by_key(|(_, ring)| ring.cells());
    let drawn = &subject.drawn;
    let flow = &drawn.flow;
    let owner_of = |value| {
        let maker = super::super::arena::maker_of(flow, value);
        super::super::arena::owner_of(&subject.arena.owners, maker)
    };
    if let (Some((stage, ring)), None) = (ring, phase.layer) {
        let node = flow.node(stage.plan.node);
        return Some(Scene {
            name: drawn.node(node.id).short_name.clone(),
            ..streamed(node, owner_of(stage.input), stage, ring)
        });
    }
    let reads_later = |value: ValueId, node: NodeId| {
        // Owners are in the order of computing.
        let owners = &subject.arena.owners;
        let place = |node| super::super::arena::owner_of(owners, Some(node));
        let mut readers = flow.value(value).readers.iter();
        readers.any(|&reader| place(reader) > place(node))
    };
    // Where the input is the peak, the layer that reads it.
    let step = match phase.layer {
        Some(layer) => program.steps().find(|step| step.node == layer),
        None => program.steps().next(),
    }?;
    let ordinal = phase.layer.map(|_| peak.event - phase.events.start);
    let storage = subject.plan.placement(step.input)?.storage;
    let node = flow.node(step.node);
    let scene = in_place(node, owner_of(step.input), step, storage, ordinal);
    Some(Scene {
        name: drawn.node(step.node).short_name.clone(),
        is_kept: reads_later(step.input, step.node),
        ..scene
    })
}

fn in_place<'a>(
    layer: &'a FlowNode,
    owner: usize,
    step: &Step,
    storage: Order,
    ordinal_of_peak: Option<u32>,
) -> Scene<'a> {
    let output = step.output;
    let outputs = step.order.pixels(output.height, output.width);
    let ordinal = ordinal_of_peak.unwrap_or(output.pixels() / 2);
    // A dense layer has several events a pixel.
    let ordinal = ordinal.min(outputs.len() as u32 - 1);
    Scene {
        layer,
        name: String::new(),
        map: layer.input,
        storage,
        output: outputs[ordinal as usize],
        field: step.field,
        is_kept: false,
        owner,
        moment: Progress::InPlace {
            order: step.order,
            ordinal,
            is_peak: ordinal_of_peak.is_some(),
        },
    }
}

/// At an output in the middle.
fn streamed<'a>(layer: &'a FlowNode, owner: usize, stage: &Stage, ring: Ring) -> Scene<'a> {
    let output = stage.plan.output;
    Scene {
        layer,
        name: String::new(),
        map: stage.plan.input,
        storage: Order::RowMajor,
        output: (output.height / 2, output.width / 2),
        field: stage.field,
        is_kept: false,
        owner,
        moment: Progress::Streamed { ring },
    }
}

impl Scene<'_> {
    /// The first and the last pixel that the output has read.
    fn field_ends(&self) -> (Pixel, Pixel) {
        let mut pixels = self.field.pixels(self.output);
        let first = pixels.next().unwrap_or((0, 0));
        (first, pixels.last().unwrap_or(first))
    }

    /// What every pixel is, row by row.
    fn states(&self) -> Vec<PixelState> {
        let Shape { height, width, .. } = self.map;
        let index = |(row, column): Pixel| (row * width + column) as usize;
        match self.moment {
            Progress::InPlace { order, ordinal, .. } => {
                let read = if self.is_kept {
                    PixelState::Live
                } else {
                    PixelState::Free
                };
                let mut states = vec![read; (height * width) as usize];
                let output = self.layer.output;
                let outputs = match self.layer.is_dense() {
                    true => vec![(0, 0)],
                    false => order.pixels(output.height, output.width),
                };
                for &pixel in outputs.iter().skip(ordinal as usize + 1) {
                    for read in self.field.pixels(pixel) {
                        states[index(read)] = PixelState::Live;
                    }
                }
                states
            }
            Progress::Streamed { ring } => {
                let newest = index(self.field_ends().1);
                let state = |pixel: usize| match pixel {
                    _ if pixel > newest => PixelState::NotYet,
                    _ if pixel + ring.pixels as usize > newest => PixelState::Live,
                    _ => PixelState::Free,
                };
                (0..(height * width) as usize).map(state).collect()
            }
        }
    }
}

fn fill(scene: &Scene<'_>, state: PixelState, is_bordered: bool) -> String {
    let (fill, stroke) = match state {
        PixelState::Live => (palette::colour(scene.owner), "#777"),
        PixelState::Free => ("#fff", "#aaa"),
        PixelState::NotYet => ("#e4e4e4", "#ccc"),
    };
    let stroke = if is_bordered { stroke } else { "none" };
    let opacity = if state == PixelState::Live { 0.55 } else { 1.0 };
    format!(r#"fill="{fill}" fill-opacity="{opacity}" stroke="{stroke}""#)
}

fn pixels(canvas: &mut Canvas, scene: &Scene<'_>, side: f64, at: impl Fn(Pixel) -> (f64, f64)) {
    let Shape { height, width, .. } = scene.map;
    let is_bordered = side >= SMALLEST_BORDERED;
    let states = scene.states();
    let mut data: [String; 3] = Default::default();
    for (row, states) in (0..height).zip(states.chunks(width as usize)) {
        let mut column = 0;
        // Without borders, neighbours are drawn as one.
        for run in states.chunk_by(|one, other| one == other && !is_bordered) {
            let (x, y) = at((row, column));
            let run_width = run.len() as f64 * side;
            let [x, y, run_width, side, back] = [x, y, run_width, side, -run_width].map(Number);
            let _ = write!(data[run[0] as usize], "M{x} {y}h{run_width}v{side}h{back}z");
            column += run.len() as u32;
        }
    }
    for state in [PixelState::NotYet, PixelState::Free, PixelState::Live] {
        canvas.path(&data[state as usize], fill(scene, state, is_bordered));
    }
    let size = (f64::from(width) * side, f64::from(height) * side);
    canvas.rectangle(at((0, 0)), size, r##"fill="none" stroke="#777""##);
    if let Progress::Streamed { .. } = scene.moment {
        let (x, y) = at(scene.field_ends().1);
        let (x, y) = (Number(x + side / 2.0), Number(y + side / 2.0));
        let radius = Number((side * 0.28).max(2.0));
        canvas.element("circle", format_args!(r#"cx="{x}" cy="{y}" r="{radius}""#));
    }
}

/// The lines of an order: rows, or rows and columns in turn, from the first pixel
/// of each to the last.
fn lines(order: Order, map: Shape) -> Vec<(Pixel, Pixel)> {
    let mut lines: Vec<(Pixel, Pixel)> = Vec::new();
    for pixel in order.pixels(map.height, map.width) {
        let goes_on = lines.last().is_some_and(|&(start, end)| {
            let beside = end.0 == pixel.0 && end.1 + 1 == pixel.1 && start.0 == end.0;
            let below = end.0 + 1 == pixel.0 && end.1 == pixel.1 && start.1 == end.1;
            // Rows of a single pixel are still rows.
            beside || below && order == Order::Herringbone
        });
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, end)) => *end = pixel,
            None => lines.push((pixel, pixel)),
        }
    }
    lines
}

/// The order in memory, by numbered arrows.
fn arrows(canvas: &mut Canvas, scene: &Scene<'_>, side: f64, at: impl Fn(Pixel) -> (f64, f64)) {
    let middle = |pixel| {
        let (x, y) = at(pixel);
        (x + side / 2.0, y + side / 2.0)
    };
    let lines = lines(scene.storage, scene.map);
    let (mut shafts, mut heads) = (String::new(), String::new());
    let half = side.min(12.0) * 0.3;
    let [back, long, short] = [-half, 1.6 * half, 2.0 * half].map(Number);
    let every = (SMALLEST_BORDERED / side).ceil() as usize;
    let drawn = lines.iter().step_by(every);
    for &(start, end) in drawn.filter(|(start, end)| start != end) {
        let (from, to) = (middle(start), middle(end));
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(Number);
        let _ = write!(shafts, "M{x1} {y1}L{x2} {y2}");
        let _ = match start.0 == end.0 {
            true => write!(heads, "M{x2} {y2}m0 {back}v{short}l{long} {back}z"),
            false => write!(heads, "M{x2} {y2}m{back} 0h{short}l{back} {long}z"),
        };
    }
    canvas.path(&shafts, r##"fill="none" stroke="#333" stroke-width="1""##);
    canvas.path(&heads, r##"fill="#333""##);
    if side < SMALLEST_NUMBERED || matches!(scene.moment, Progress::Streamed { .. }) {
        return;
    }
    let font = Font {
        size: (side * 0.48).min(11.0),
        ..Font::PLAIN
    };
    for (number, &(start, _)) in (1..).zip(&lines) {
        let (x, y) = middle(start);
        let radius = Number(side * 0.36);
        canvas.element(
            "circle",
            format_args!(
                r##"cx="{}" cy="{}" r="{radius}" fill="#fff" stroke="#333""##,
                Number(x),
                Number(y)
            ),
        );
        let foot = (x, y + font.size * 0.36);
        canvas.text(foot, Anchor::Middle, font, &format!("{number}"));
    }
}

fn explanations(scene: &Scene<'_>, side: f64) -> Vec<String> {
    let layer = &scene.name;
    let pixels = scene.map.pixels();
    let marks = if side < SMALLEST_NUMBERED {
        "arrows"
    } else {
        "numbers"
    };
    match scene.moment {
        Progress::InPlace { order, is_peak, .. } => {
            let lies = match scene.storage {
                _ if scene.is_kept => format!(
                    "Its {pixels} pixels are in memory row by row, as the arrows say. Another layer \
                     reads the map later, so all of it is kept, and {layer} writes its outputs \
                     elsewhere."
                ),
                Order::Herringbone => format!(
                    "Its {pixels} pixels are in memory line by line, as the {marks} say: a row, then a \
                     column, then a row… of what is left. {layer} computes its outputs in the same order. \
                     So it is done with its inputs in the order in which they are in memory, and its \
                     outputs follow closely: nothing is ever moved."
                ),
                Order::RowMajor | Order::RowMajorBackward => format!(
                    "Its {pixels} pixels are in memory row by row, as the arrows say. {layer} computes \
                     its outputs {}: it is done with its inputs from that end on, and its outputs take \
                     their place.",
                    match order {
                        Order::RowMajorBackward => "from the last row up",
                        Order::RowMajor | Order::Herringbone => "from the first row down",
                    }
                ),
            };
            let moment = if is_peak {
                "of the peak"
            } else {
                "when half of it is done"
            };
            vec![
                lies,
                format!("This is the moment {moment}, right after an output was computed:"),
            ]
        }
        Progress::Streamed { ring } => vec![
            format!(
                "The map is never there as a whole. Its pixels are made row by row, and at most {} of \
                 the {pixels} are kept, in a ring: the newest one (the dot) takes the bytes of the oldest.",
                ring.pixels
            ),
            format!(
                "With each new pixel {layer} computes one output, and hands it on to the next layer at \
                 once. This is one such moment:"
            ),
        ],
    }
}

/// What the pixels' looks mean; `None`: the outline.
fn key(scene: &Scene<'_>) -> Vec<(Option<PixelState>, &'static str)> {
    let outline = (None, "what this output has read");
    match scene.moment {
        Progress::InPlace { .. } if scene.is_kept => {
            vec![
                (Some(PixelState::Live), "kept: another layer reads it later"),
                outline,
            ]
        }
        Progress::InPlace { .. } => vec![
            (Some(PixelState::Live), "still to be read by later outputs"),
            (
                Some(PixelState::Free),
                "read for the last time: its bytes are free",
            ),
            outline,
        ],
        Progress::Streamed { .. } => vec![
            (Some(PixelState::Live), "kept"),
            (
                Some(PixelState::Free),
                "forgotten: no later output reads it",
            ),
            (Some(PixelState::NotYet), "not made yet"),
            outline,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn herringbone_is_a_row_then_a_column() {
        let lines = lines(Order::Herringbone, Shape::new(4, 4, 1));
        assert_eq!(
            lines[..3],
            [((0, 0), (0, 3)), ((1, 0), (3, 0)), ((1, 1), (1, 3))]
        );
    }

    #[test]
    fn rows_of_one_pixel_are_rows() {
        assert_eq!(lines(Order::RowMajor, Shape::new(3, 1, 1)).len(), 3);
        assert_eq!(lines(Order::RowMajor, Shape::new(3, 2, 1)).len(), 3);
    }
}
