//! The network as a picture: a box a layer in the order of the list, an arrow from
//! each to the next, and a line at the side to other layers that read its map.

use super::MARGIN;
use super::canvas::{Anchor, Canvas, Font, Number};
use crate::network::{NodeId, Part, Shape, ValueId};
use crate::plan::FlowNode;
use crate::report::drawn::{Drawn, DrawnNode};
use crate::tflite::Joins;
use std::fmt::Write;

/// From a box to the next one, and its height.
const PITCH: f64 = 42.0;
const BOX_HEIGHT: f64 = 28.0;
const LEAST_BOX_WIDTH: f64 = 170.0;
const MOST_BOX_WIDTH: f64 = 330.0;
/// Between the text of a box and its edge.
const PADDING: f64 = 8.0;
/// From a line at the side to the next one, and from a box to the first.
const LANE: f64 = 13.0;
const FIRST_LANE: f64 = 22.0;
/// Of the corners of a line.
const RADIUS: f64 = 8.0;
/// Of the sign where a line joins.
const SIGN_RADIUS: f64 = 7.0;

/// The explanation for those who see such a picture for the first time.
const EXPLANATION: &str =
    "The lines at the side are maps that are read again: + adds one, ‖ concatenates it.";

/// A box: a map, and the layer that makes it.
struct Station<'a> {
    /// `None` for an input, or what is kept.
    node: Option<(&'a FlowNode, &'a DrawnNode)>,
    value: ValueId,
    text: String,
    shape: Shape,
}

/// A map that others than the layer after its own read, or that it reads once more.
struct Trunk {
    /// The box that makes it.
    from: usize,
    /// Where it is read from the side.
    to: Vec<Inlet>,
    lane: usize,
}

/// Where a line comes in.
struct Inlet {
    reader: usize,
    sign: Sign,
    /// How far below the box's middle.
    below_middle: f64,
}

/// What a layer does with a map that comes from the side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It is the running map.
    Goes,
    Joins(Joins),
}

impl Sign {
    const fn text(self) -> &'static str {
        match self {
            Sign::Goes => "",
            Sign::Joins(Joins::Adds) => "+",
            Sign::Joins(Joins::Subtracts) => "−",
            Sign::Joins(Joins::Multiplies) => "×",
            Sign::Joins(Joins::Concatenates) => "‖",
        }
    }
}

/// How much room a graph takes.
pub(super) struct Extent {
    pub(super) width: f64,
    pub(super) bottom: f64,
}

/// Draws it from `top` on, at the left; `colour` is that of the map that a node
/// makes, or of the input.
pub(super) fn draw(
    canvas: &mut Canvas,
    drawn: &Drawn,
    colour: impl Fn(Option<NodeId>) -> &'static str,
    top: f64,
) -> Extent {
    let boxes = boxes(drawn);
    let trunks = trunks(&boxes);
    let lanes = trunks.iter().map(|trunk| trunk.lane + 1).max().unwrap_or(0);
    let gutter = FIRST_LANE + lanes as f64 * LANE;
    let left = MARGIN + gutter;
    let box_width = boxes.iter().map(Station::width).fold(0.0, f64::max);
    let box_width = box_width.clamp(LEAST_BOX_WIDTH, MOST_BOX_WIDTH);
    canvas.text((MARGIN, top + 6.0), Anchor::Start, Font::HEADING, "Network");
    let first = top + 24.0;
    let middle_of = |index: usize| first + index as f64 * PITCH + BOX_HEIGHT / 2.0;
    residuals(canvas, &boxes, (left, box_width), &middle_of);
    for trunk in &trunks {
        let stroke = colour(boxes[trunk.from].id());
        let lane = left - FIRST_LANE - trunk.lane as f64 * LANE;
        side_line(canvas, trunk, (left, lane), &middle_of, stroke);
    }
    for (index, each) in boxes.iter().enumerate() {
        let next = boxes.get(index + 1);
        if next.is_some_and(|next| next.reads_first(each.value)) {
            arrow(canvas, left + box_width / 2.0, middle_of(index));
        }
        each.draw(
            canvas,
            (left, middle_of(index)),
            box_width,
            colour(each.id()),
        );
    }
    for trunk in &trunks {
        for entry in &trunk.to {
            sign(canvas, (left, middle_of(entry.reader)), entry);
        }
    }
    let width = gutter + box_width;
    let font = Font {
        size: 11.5,
        ..Font::FAINT
    };
    let below = first + boxes.len() as f64 * PITCH + 10.0;
    let bottom = canvas.paragraph((MARGIN, below), width, font, EXPLANATION);
    Extent { width, bottom }
}

fn boxes(drawn: &Drawn) -> Vec<Station<'_>> {
    let flow = &drawn.flow;
    let input = Station {
        node: None,
        value: flow.input_value(),
        text: "input".to_owned(),
        shape: flow.input(),
    };
    let others = flow.other_sources().map(|(value, source)| Station {
        node: None,
        value,
        text: match source.kept_in {
            Some(_) => "variable".to_owned(),
            None => "another input".to_owned(),
        },
        shape: source.shape,
    });
    let nodes = flow.computing_nodes().map(|node| {
        let of_node = drawn.node(node.id);
        Station {
            node: Some((node, of_node)),
            value: node.writes,
            text: of_node.text.clone(),
            shape: node.output,
        }
    });
    [input].into_iter().chain(others).chain(nodes).collect()
}

/// The maps that are read from the side, each with a lane that no other one uses
/// there: the shortest are next to the boxes.
fn trunks(boxes: &[Station<'_>]) -> Vec<Trunk> {
    let mut trunks: Vec<Trunk> = Vec::new();
    for (from, made) in boxes.iter().enumerate() {
        let readers = boxes.iter().enumerate().skip(from + 1);
        let to: Vec<Inlet> = readers
            .flat_map(|(index, reader)| {
                let signs = reader.signs(made.value, index == from + 1);
                signs.map(move |sign| Inlet {
                    reader: index,
                    sign,
                    below_middle: 0.0,
                })
            })
            .collect();
        if !to.is_empty() {
            trunks.push(Trunk { from, to, lane: 0 });
        }
    }
    trunks.sort_by_key(|trunk| (trunk.end() - trunk.from, trunk.from));
    for index in 0..trunks.len() {
        let (placed, rest) = trunks.split_at_mut(index);
        let trunk = &mut rest[0];
        let meets = |other: &&Trunk| other.from < trunk.end() && trunk.from < other.end();
        let taken: Vec<usize> = placed
            .iter()
            .filter(meets)
            .map(|other| other.lane)
            .collect();
        trunk.lane = (0..).find(|lane| !taken.contains(lane)).unwrap_or(0);
    }
    spread(&mut trunks, boxes.len());
    trunks
}

/// Lines that come into the same box do so below one another, the inner ones on
/// top: so they do not cross.
fn spread(trunks: &mut [Trunk], boxes: usize) {
    const ROOM: f64 = 10.0;
    trunks.sort_by_key(|trunk| trunk.lane);
    for reader in 0..boxes {
        let entries = trunks.iter_mut().flat_map(|trunk| &mut trunk.to);
        let mut entries: Vec<_> = entries.filter(|entry| entry.reader == reader).collect();
        let last = entries.len().saturating_sub(1).max(1) as f64;
        let alone = entries.len() == 1;
        for (index, entry) in entries.iter_mut().enumerate() {
            let share = if alone {
                0.0
            } else {
                index as f64 / last - 0.5
            };
            entry.below_middle = share * ROOM - 3.0;
        }
    }
}

impl Trunk {
    fn end(&self) -> usize {
        self.to
            .iter()
            .map(|entry| entry.reader)
            .max()
            .unwrap_or(self.from)
    }
}

impl Station<'_> {
    fn id(&self) -> Option<NodeId> {
        self.node.map(|(node, _)| node.id)
    }

    fn reads_first(&self, value: ValueId) -> bool {
        self.node.is_some_and(|(node, _)| node.reads[0] == value)
    }

    /// How it reads a map from the side; the running map of the box above comes
    /// from above.
    fn signs(&self, value: ValueId, is_next: bool) -> impl Iterator<Item = Sign> + use<> {
        let reads = self.node.map_or(Vec::new(), |(node, drawn)| {
            let joins = Sign::Joins(drawn.joins);
            let reads = node.reads.iter().enumerate();
            let from_side = reads.filter(|&(at, &read)| read == value && !(at == 0 && is_next));
            from_side
                .map(|(at, _)| if at == 0 { Sign::Goes } else { joins })
                .collect()
        });
        reads.into_iter()
    }

    /// Of a box around its text.
    fn width(&self) -> f64 {
        let text = Font::PLAIN.width(&self.text) + Font::FAINT.width(&self.shape.to_string());
        text + 4.0 * PADDING + SIGN_RADIUS
    }

    fn draw(&self, canvas: &mut Canvas, (left, middle): (f64, f64), width: f64, colour: &str) {
        let (corner, size) = ((left, middle - BOX_HEIGHT / 2.0), (width, BOX_HEIGHT));
        canvas.rectangle(corner, size, r##"fill="#fff" rx="4""##);
        let style = format!(
            r#"fill="{colour}" fill-opacity="0.22" stroke="{colour}" stroke-width="1.5" rx="4""#
        );
        canvas.rectangle(corner, size, style);
        let shape = self.shape.to_string();
        let foot = middle + 4.2;
        canvas.text(
            (left + width - PADDING, foot),
            Anchor::End,
            Font::FAINT,
            &shape,
        );
        let start = PADDING + SIGN_RADIUS;
        let room = width - start - 2.0 * PADDING - Font::FAINT.width(&shape);
        let share = (room / Font::PLAIN.width(&self.text)).min(1.0);
        let font = Font {
            size: Font::PLAIN.size * share,
            ..Font::PLAIN
        };
        canvas.text((left + start, foot), Anchor::Start, font, &self.text);
    }
}

/// Behind the two convolutions of an `R`.
fn residuals(
    canvas: &mut Canvas,
    boxes: &[Station<'_>],
    (left, box_width): (f64, f64),
    middle_of: &impl Fn(usize) -> f64,
) {
    for (index, each) in boxes.iter().enumerate() {
        if each
            .node
            .is_some_and(|(_, drawn)| drawn.part == Part::First)
        {
            let margin = 5.0;
            let top = middle_of(index) - BOX_HEIGHT / 2.0 - margin;
            let size = (box_width + 2.0 * margin, PITCH + BOX_HEIGHT + 2.0 * margin);
            let style = r##"fill="#f2f2f2" stroke="#ccc" rx="7""##;
            canvas.rectangle((left - margin, top), size, style);
        }
    }
}

/// From a box to the next one.
fn arrow(canvas: &mut Canvas, x: f64, middle: f64) {
    let (from, to) = (middle + BOX_HEIGHT / 2.0, middle + PITCH - BOX_HEIGHT / 2.0);
    canvas.line(
        (x, from),
        (x, to - 4.0),
        r##"stroke="#555" stroke-width="1.5""##,
    );
    head(canvas, (x, to), (0.0, 1.0));
}

/// The tip of an arrow that points there.
fn head(canvas: &mut Canvas, (x, y): (f64, f64), (right, down): (f64, f64)) {
    let (long, half) = (6.0, 4.0);
    let (back_x, back_y) = (x - long * right, y - long * down);
    let [x1, y1] = [back_x - half * down, back_y + half * right].map(Number);
    let [x2, y2] = [back_x + half * down, back_y - half * right].map(Number);
    let (x, y) = (Number(x), Number(y));
    canvas.path(
        &format!("M{x} {y}L{x1} {y1}L{x2} {y2}z"),
        r##"fill="#555""##,
    );
}

/// Out of a box, down its lane, and into every box that reads it.
fn side_line(
    canvas: &mut Canvas,
    trunk: &Trunk,
    (left, lane): (f64, f64),
    middle_of: &impl Fn(usize) -> f64,
    stroke: &str,
) {
    // It leaves below the middle, so that it is not where others come in.
    let start = middle_of(trunk.from) + BOX_HEIGHT / 4.0;
    let mut data = String::new();
    for entry in &trunk.to {
        let end = middle_of(entry.reader) + entry.below_middle;
        let [from_x, lane_x] = [left, lane].map(Number);
        let [start_y, down_y, up_y, end_y] = [start, start + RADIUS, end - RADIUS, end].map(Number);
        let turn = Number(lane + RADIUS);
        let _ = write!(
            data,
            "M{from_x} {start_y}H{turn}Q{lane_x} {start_y} {lane_x} {down_y}V{up_y}\
             Q{lane_x} {end_y} {turn} {end_y}H{from_x}"
        );
    }
    canvas.path(
        &data,
        format_args!(r#"fill="none" stroke="{stroke}" stroke-width="2""#),
    );
}

/// Where a line comes in: an arrow, or what is done with the map.
fn sign(canvas: &mut Canvas, (left, middle): (f64, f64), entry: &Inlet) {
    if entry.sign == Sign::Goes {
        head(canvas, (left, middle + entry.below_middle), (1.0, 0.0));
        return;
    }
    // Lines that are joined by the same sum end in one sign.
    let y = middle - 3.0;
    let [x, centre, radius] = [left, y, SIGN_RADIUS].map(Number);
    canvas.element(
        "circle",
        format_args!(
            r##"cx="{x}" cy="{centre}" r="{radius}" fill="#fff" stroke="#333" stroke-width="1.2""##
        ),
    );
    canvas.text(
        (left, y + 4.2),
        Anchor::Middle,
        Font::BOLD,
        entry.sign.text(),
    );
}
