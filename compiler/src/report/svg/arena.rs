//! The arena over time: address by moment, a colour a layer.

use super::canvas::{Anchor, Canvas, Font, Number};
use super::{MARGIN, Subject, WIDTH, palette};
use crate::program::Map;
use crate::report::{ArenaOverTime, Block, Phase};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

/// The chart, from its left edge to its right one.
const LEFT: f64 = 84.0;
const CHART_WIDTH: f64 = 620.0;
const CHART_HEIGHT: f64 = 320.0;
/// The chart of bytes below it.
const BYTES_HEIGHT: f64 = 70.0;
const LEGEND_LEFT: f64 = LEFT + CHART_WIDTH + 28.0;

/// How fine a picture is.
#[derive(Clone, Copy)]
pub(super) struct Detail {
    /// Rectangles at most.
    rectangles: usize,
    /// Moments that can be distinguished.
    columns: usize,
}

impl Detail {
    pub(super) const FILE: Self = Self {
        rectangles: 4000,
        columns: 1240,
    };
    pub(super) const RUSTDOC: Self = Self {
        rectangles: 900,
        columns: 620,
    };
}

/// The explanation for those who see such a picture for the first time.
const EXPLANATION: &str = "How to read it: time runs from left to right, and the arena's addresses from \
    bottom to top. A patch of colour is values of the layer of that colour: it begins when they are \
    stored, and ends when they are read for the last time. From then on their bytes are free, and later \
    values take them: that is how everything fits.";

/// And of plans that go around.
const RING: &str = " Values that reach the top of the arena continue at its bottom.";

/// Draws it from `top` on; gives where it ends.
pub(super) fn draw(canvas: &mut Canvas, subject: &Subject<'_>, detail: Detail, top: f64) -> f64 {
    let arena = subject.arena;
    let band_top = top + 14.0;
    let chart_top = band_top + 26.0;
    let chart_bottom = chart_top + CHART_HEIGHT;
    canvas.text((LEFT, top + 6.0), Anchor::Start, Font::FAINT, "what runs");
    phases(canvas, subject, band_top);
    canvas.rectangle(
        (LEFT, chart_top),
        (CHART_WIDTH, CHART_HEIGHT),
        format_args!(r##"fill="{}" stroke="#999""##, palette::FREE),
    );
    blocks(canvas, arena, detail, chart_top);
    addresses(canvas, arena, chart_top);
    let bytes_top = chart_bottom + 18.0;
    let bytes_bottom = bytes_top + BYTES_HEIGHT;
    live_bytes(canvas, arena, bytes_top);
    times(canvas, bytes_bottom);
    peak(canvas, arena, chart_top, bytes_top);
    let legend_bottom = legend(canvas, subject, chart_top);
    let mut maps = subject.program.maps.entries().iter().flatten();
    let ring = if maps.any(Map::wraps) { RING } else { "" };
    canvas.paragraph(
        (MARGIN, (bytes_bottom + 66.0).max(legend_bottom + 20.0)),
        WIDTH - 2.0 * MARGIN,
        Font::PLAIN,
        &format!("{EXPLANATION}{ring}"),
    )
}

fn x_of(share: f64) -> f64 {
    LEFT + share * CHART_WIDTH
}

/// What runs, above the chart, and a line down where it changes.
fn phases(canvas: &mut Canvas, subject: &Subject<'_>, top: f64) {
    let arena = subject.arena;
    for (index, phase) in arena.phases.iter().enumerate() {
        let (from, to) = extent(arena, phase);
        let owner = arena.owners.iter().position(|it| it.layer == phase.layer);
        let owner = owner.filter(|_| phase.layer.is_some()).unwrap_or(0);
        canvas.rectangle(
            (from, top),
            (to - from, 20.0),
            format_args!(
                r##"fill="{}" fill-opacity="0.35" stroke="#fff""##,
                palette::colour(owner)
            ),
        );
        let names: Vec<String> = match phase.layer {
            Some(_) => vec![arena.owners[owner].name.clone()],
            None if subject.program.stages().is_empty() => {
                vec!["the input arrives".to_owned(), "input".to_owned()]
            }
            None => vec![
                "the input arrives, and goes through the layers at once".to_owned(),
                "input, and layers at once".to_owned(),
                "input".to_owned(),
            ],
        };
        let fits = |name: &&String| Font::PLAIN.width(name) < to - from;
        if let Some(name) = names.iter().find(fits) {
            let middle = f64::midpoint(from, to);
            canvas.text((middle, top + 14.0), Anchor::Middle, Font::PLAIN, name);
        }
        if index > 0 {
            canvas.line((from, top + 20.0), (from, top + 26.0), r##"stroke="#555""##);
        }
    }
}

fn extent(arena: &ArenaOverTime, phase: &Phase) -> (f64, f64) {
    let Range { start, end } = phase.events;
    (x_of(arena.start_of(start)), x_of(arena.end_of(end - 1)))
}

/// Everything that is stored, a path a colour.
fn blocks(canvas: &mut Canvas, arena: &ArenaOverTime, detail: Detail, top: f64) {
    let cells = arena.arena_bytes * arena.cells_per_byte;
    let pixels_per_cell = CHART_HEIGHT / f64::from(cells.max(1));
    let merged = merged(arena, detail);
    let pixels_per_column = CHART_WIDTH / merged.columns as f64;
    for ((owner, is_partial), rectangles) in &merged.rectangles {
        let mut data = String::new();
        for (columns, cells) in rectangles {
            let x = LEFT + columns.start as f64 * pixels_per_column;
            let width = (columns.end - columns.start) as f64 * pixels_per_column;
            let y = top + CHART_HEIGHT - f64::from(cells.end) * pixels_per_cell;
            let height = f64::from(cells.end - cells.start) * pixels_per_cell;
            let [x, y, width, height, back] = [x, y, width, height, -width].map(Number);
            let _ = write!(data, "M{x} {y}h{width}v{height}h{back}z");
        }
        let colour = palette::colour(*owner);
        let opacity = if *is_partial { 0.5 } else { 1.0 };
        // Crisp, or there would be seams between neighbours.
        canvas.path(
            &data,
            format_args!(
                r#"fill="{colour}" fill-opacity="{opacity}" shape-rendering="crispEdges""#
            ),
        );
    }
}

type Rectangle = (Range<usize>, Range<u32>);

/// Blocks as rectangles on a grid of moments.
struct Merged {
    columns: usize,
    /// By owner, and whether they are partial.
    rectangles: BTreeMap<(usize, bool), Vec<Rectangle>>,
}

/// Neighbours that are born and die at nearly the same time are one, on as fine a
/// grid as keeps them few.
fn merged(arena: &ArenaOverTime, detail: Detail) -> Merged {
    let cells = arena.arena_bytes * arena.cells_per_byte;
    let (mut columns, mut rows_per_pixel) = (detail.columns, 2);
    loop {
        // Cells less than half a pixel apart are drawn as one, and so is less than a cell.
        let coarse_cells = (cells / (CHART_HEIGHT as u32 * rows_per_pixel)).max(1);
        let rectangles = rectangles(arena, columns, coarse_cells);
        let count: usize = rectangles.values().map(Vec::len).sum();
        if count <= detail.rectangles || columns <= 32 {
            return Merged {
                columns,
                rectangles,
            };
        }
        columns = columns * 4 / 5;
        rows_per_pixel = 1;
    }
}

fn rectangles(
    arena: &ArenaOverTime,
    columns: usize,
    coarse_cells: u32,
) -> BTreeMap<(usize, bool), Vec<Rectangle>> {
    let column = |share: f64| (share * columns as f64).round() as usize;
    let mut cells_by_extent: BTreeMap<_, Vec<Range<u32>>> = BTreeMap::new();
    for block in &arena.blocks {
        let Block { born, dies, .. } = *block;
        let extent = (column(arena.end_of(born)), column(arena.end_of(dies)));
        if extent.0 < extent.1 {
            let key = (block.owner, block.is_partial, extent);
            let start = block.cells.start / coarse_cells * coarse_cells;
            let end = block.cells.end.next_multiple_of(coarse_cells);
            cells_by_extent.entry(key).or_default().push(start..end);
        }
    }
    let mut rectangles: BTreeMap<_, Vec<Rectangle>> = BTreeMap::new();
    for ((owner, is_partial, (from, to)), mut cells) in cells_by_extent {
        cells.sort_by_key(|range| range.start);
        let all = rectangles.entry((owner, is_partial)).or_default();
        let first = all.len();
        for range in cells {
            match all[first..].last_mut() {
                Some((_, last)) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => all.push((from..to, range)),
            }
        }
    }
    rectangles
}

/// The vertical axis.
fn addresses(canvas: &mut Canvas, arena: &ArenaOverTime, top: f64) {
    let bytes = f64::from(arena.arena_bytes.max(1));
    for byte in ticks(bytes) {
        let y = top + CHART_HEIGHT * (1.0 - byte / bytes);
        canvas.line((LEFT - 5.0, y), (LEFT, y), r##"stroke="#555""##);
        canvas.text(
            (LEFT - 8.0, y + 4.0),
            Anchor::End,
            Font::FAINT,
            &format!("{byte}"),
        );
    }
    canvas.text_upwards(
        (MARGIN + 8.0, top + CHART_HEIGHT / 2.0),
        Font::FAINT,
        "address in the arena (bytes)",
    );
}

/// Round numbers, and the last one.
fn ticks(last: f64) -> Vec<f64> {
    let rough = last / 5.0;
    let power = 10f64.powf(rough.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|&step| step >= rough);
    let step = step.unwrap_or(power * 10.0);
    let count = (last / step) as usize;
    let round = (0..=count).map(|index| index as f64 * step);
    // A number too near to the last one would lie over it.
    let mut ticks: Vec<f64> = round.filter(|tick| last - tick > 0.4 * step).collect();
    ticks.push(last);
    ticks
}

/// How many bytes are alive, below the chart and on its scale of time.
fn live_bytes(canvas: &mut Canvas, arena: &ArenaOverTime, top: f64) {
    let columns = CHART_WIDTH as usize / 2;
    let cells = f64::from((arena.arena_bytes * arena.cells_per_byte).max(1));
    let bottom = top + BYTES_HEIGHT;
    let mut data = format!("M{} {}", Number(LEFT), Number(bottom));
    let mut last = 0;
    for (column, live) in arena.live_cells_by_column(columns).into_iter().enumerate() {
        let y = bottom - f64::from(live) / cells * BYTES_HEIGHT;
        if live != last {
            let x = LEFT + column as f64 * 2.0;
            let _ = write!(data, "H{}V{}", Number(x), Number(y));
            last = live;
        }
    }
    let _ = write!(data, "H{}V{}z", Number(LEFT + CHART_WIDTH), Number(bottom));
    canvas.rectangle(
        (LEFT, top),
        (CHART_WIDTH, BYTES_HEIGHT),
        format_args!(r##"fill="{}" stroke="#999""##, palette::FREE),
    );
    canvas.path(&data, r##"fill="#444""##);
    for (byte, y) in [(0, bottom), (arena.arena_bytes, top)] {
        canvas.text(
            (LEFT - 8.0, y + 4.0),
            Anchor::End,
            Font::FAINT,
            &format!("{byte}"),
        );
    }
    let middle = f64::midpoint(top, bottom);
    canvas.text_upwards((MARGIN + 8.0, middle), Font::FAINT, "bytes in use");
}

/// The horizontal axis.
fn times(canvas: &mut Canvas, top: f64) {
    for percent in [0, 25, 50, 75, 100] {
        let x = x_of(f64::from(percent) / 100.0);
        canvas.line((x, top), (x, top + 5.0), r##"stroke="#555""##);
        canvas.text(
            (x, top + 18.0),
            Anchor::Middle,
            Font::FAINT,
            &format!("{percent} %"),
        );
    }
    canvas.text(
        (LEFT + CHART_WIDTH / 2.0, top + 36.0),
        Anchor::Middle,
        Font::FAINT,
        "time, as a share of all values that are read and written →",
    );
}

fn peak(canvas: &mut Canvas, arena: &ArenaOverTime, chart_top: f64, bytes_top: f64) {
    let x = x_of(arena.end_of(arena.peak.event));
    canvas.line(
        (x, chart_top - 6.0),
        (x, bytes_top + BYTES_HEIGHT),
        r##"stroke="#000" stroke-width="1.5" stroke-dasharray="5 3""##,
    );
    let label = format!("peak: {} bytes", arena.bytes(arena.peak.live_cells));
    let width = Font::BOLD.width(&label) + 8.0;
    // To the side on which there is room.
    let left = if x + width < LEFT + CHART_WIDTH {
        x + 4.0
    } else {
        x - width - 4.0
    };
    canvas.rectangle(
        (left, chart_top + 6.0),
        (width, 19.0),
        r##"fill="#fff" stroke="#000" rx="3""##,
    );
    canvas.text(
        (left + width / 2.0, chart_top + 20.0),
        Anchor::Middle,
        Font::BOLD,
        &label,
    );
}

/// What the colours are, where no graph says it, and what is in the peak; gives
/// where it ends.
fn legend(canvas: &mut Canvas, subject: &Subject<'_>, top: f64) -> f64 {
    let arena = subject.arena;
    let mut y = top + 8.0;
    let is_chain = subject.drawn.flow.is_chain();
    let owners = if is_chain { &arena.owners[..] } else { &[] };
    let head = match is_chain {
        true => "Values of",
        false => "Colours: see the network",
    };
    canvas.text((LEGEND_LEFT, y), Anchor::Start, Font::BOLD, head);
    y += 10.0;
    let line = (230.0 / owners.len().max(1) as f64).clamp(13.0, 20.0);
    let size = Font {
        size: line.min(14.0) - 2.0,
        ..Font::PLAIN
    };
    let stored =
        |owner: usize| move |block: &&Block| block.owner == owner && block.born < block.dies;
    for (index, owner) in owners.iter().enumerate() {
        let is_stored = arena.blocks.iter().any(|block| stored(index)(&block));
        if is_stored {
            swatch(canvas, y, line, palette::colour(index), 1.0);
        }
        let font = Font {
            is_faint: !is_stored,
            ..size
        };
        let goes = match is_stored {
            true => "",
            false if index + 1 == owners.len() => " (to the caller)",
            false => " (not kept)",
        };
        let text = format!("{} {}{goes}", owner.name, owner.output);
        let x = LEGEND_LEFT + 22.0;
        let room = (WIDTH - x) / font.width(&text);
        let font = Font {
            size: font.size * room.min(1.0),
            ..font
        };
        canvas.text((x, y + line - 6.0), Anchor::Start, font, &text);
        y += line;
    }
    let mut extra = |canvas: &mut Canvas, colour, opacity, text| {
        swatch(canvas, y, line, colour, opacity);
        let x = LEGEND_LEFT + 22.0;
        canvas.text((x, y + line - 6.0), Anchor::Start, size, text);
        y += line;
    };
    let partial = arena.blocks.iter().find(|block| block.is_partial);
    if let Some(block) = partial {
        let colour = palette::colour(block.owner);
        extra(canvas, colour, 0.5, "pale: sums not complete yet");
    }
    extra(canvas, palette::FREE, 1.0, "free");
    y += 26.0;
    canvas.text((LEGEND_LEFT, y), Anchor::Start, Font::BOLD, "At the peak");
    let running = &arena.owners[arena.peak.owner].name;
    let mut text = format!("while {running} runs, these bytes are in use:");
    let held = arena.peak.cells_by_owner.iter().zip(&arena.owners);
    let held = held.filter(|&(&cells, _)| cells > 0);
    let held: Vec<String> = held
        .map(|(&cells, owner)| format!("{} of {}", arena.bytes(cells), owner.name))
        .collect();
    let _ = write!(text, " {}.", held.join(", "));
    let width = WIDTH - MARGIN - LEGEND_LEFT;
    let font = Font {
        size: 11.5,
        ..Font::PLAIN
    };
    canvas.paragraph((LEGEND_LEFT, y + 18.0), width, font, &text)
}

fn swatch(canvas: &mut Canvas, y: f64, line: f64, colour: &str, opacity: f64) {
    canvas.rectangle(
        (LEGEND_LEFT, y + 2.0),
        (15.0, line - 5.0),
        format_args!(r##"fill="{colour}" fill-opacity="{opacity}" stroke="#999""##),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_but_for_the_last() {
        assert_eq!(ticks(431.0), [0.0, 100.0, 200.0, 300.0, 431.0]);
        assert_eq!(ticks(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }
}
