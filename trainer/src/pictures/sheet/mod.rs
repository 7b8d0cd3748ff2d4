//! A sheet of inputs: of those that were classified worst, or of samples of data.

mod image;
mod series;

use super::canvas::{Anchor, Canvas};
use super::font::Font;
use super::{MARGIN, WIDTH, picture};

/// Between one input and the next, in pixels.
const GAP: f64 = 16.0;
const LINE: f64 = 15.0;
/// The least width of what stands under an input, in pixels.
const CAPTION: f64 = 84.0;
/// The least width of the sheet, in pixels: its note is written in one line.
const LEAST_WIDTH: f64 = 620.0;

/// The shape of every input: row-major, channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows; an input of one row is a series, and drawn as a plot.
    pub height: usize,
    /// Columns, or samples of a series.
    pub width: usize,
    /// Values of a pixel: 3 are red, green and blue, of any other count the mean is grey.
    pub channels: usize,
}

impl Shape {
    fn is_series(self) -> bool {
        self.height == 1
    }
}

/// An input that was classified wrongly.
#[derive(Clone, Debug)]
pub struct Worst<'a> {
    /// Its values, as many as the shape has.
    pub input: &'a [u8],
    /// What it is found by: a file's name, or its place in the data set.
    pub name: String,
    /// The class that it is of.
    pub actual: String,
    /// The class that it was taken for.
    pub predicted: String,
    /// The logit of the predicted class less that of the actual one.
    pub margin: f64,
}

/// An input and its class.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// Its values, as many as the shape has.
    pub input: &'a [u8],
    /// What it is found by: a file's name, or its place in the data set.
    pub name: String,
    /// The class that it is of.
    pub class: String,
}

/// What the axes of a series' plot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes {
    /// What a value of 0 is, at the foot of a plot.
    pub least: String,
    /// What a value of 255 is, at its top.
    pub greatest: String,
}

impl Axes {
    /// Of bytes as they are.
    pub fn of_bytes() -> Self {
        Self {
            least: "0".to_owned(),
            greatest: "255".to_owned(),
        }
    }
}

/// An input, and what is written under it.
struct Cell<'a> {
    input: &'a [u8],
    lines: Vec<(Font, String)>,
}

/// Draws the inputs in the order given, as a PNG at most 960 pixels wide. They are enlarged
/// by a whole number of pixels; ones wider than the sheet are thinned out likewise.
///
/// # Panics
/// If an input has not the values of its shape.
pub fn draw(worst: &[Worst<'_>], shape: Shape, axes: &Axes, title: &str) -> Vec<u8> {
    let is_long = is_long(worst.iter().map(Worst::classes), shape);
    let cells: Vec<_> = worst.iter().map(|one| one.cell(is_long)).collect();
    let note = match worst {
        [] => "none was classified wrongly",
        _ => {
            "actual class → predicted class; margin: how far the wrong class' logit is above the right one's"
        }
    };
    draw_cells(&cells, shape, axes, title, note)
}

/// Draws samples of data in the order given, as [`draw`] does.
///
/// # Panics
/// If an input has not the values of its shape.
pub fn draw_samples(samples: &[Sample<'_>], shape: Shape, axes: &Axes, title: &str) -> Vec<u8> {
    let cells = samples.iter().map(|one| Cell {
        input: one.input,
        lines: vec![
            (Font::BOLD, one.class.clone()),
            (Font::FAINT, one.name.clone()),
        ],
    });
    let cells: Vec<_> = cells.collect();
    draw_cells(
        &cells,
        shape,
        axes,
        title,
        "as a network sees them, each under its class",
    )
}

/// Whether any of these lines is wider than an input is drawn.
fn is_long(mut lines: impl Iterator<Item = String>, shape: Shape) -> bool {
    let cell = size_of(shape).0.max(CAPTION);
    lines.any(|line| Font::BOLD.width(&line) > cell)
}

/// The size of an input on the sheet, in pixels.
fn size_of(shape: Shape) -> (f64, f64) {
    match shape.is_series() {
        true => series::SIZE,
        false => image::Scale::of(shape).size(shape),
    }
}

fn draw_cells(cells: &[Cell<'_>], shape: Shape, axes: &Axes, title: &str, note: &str) -> Vec<u8> {
    let values = shape.height * shape.width * shape.channels;
    for one in cells {
        let given = one.input.len();
        assert_eq!(given, values, "values of an input for {shape:?}");
    }
    let scaled = image::Scale::of(shape);
    let (width, height) = size_of(shape);
    let cell = width.max(CAPTION);
    let lines = cells.iter().map(|one| one.lines.len()).max().unwrap_or(0);
    // Series have the ends of their time below them.
    let below = if shape.is_series() {
        series::BELOW
    } else {
        0.0
    };
    let step = (cell + GAP, height + below + LINE * lines as f64 + GAP + 2.0);
    let columns = (((WIDTH - 2.0 * MARGIN + GAP) / step.0) as usize).max(1);
    let rows = cells.len().div_ceil(columns);
    let needed = cells.len().min(columns) as f64 * step.0 - GAP + 2.0 * MARGIN;
    let sheet_width = needed
        .max(LEAST_WIDTH)
        .max(Font::TITLE.width(title) + 2.0 * MARGIN)
        .min(WIDTH);

    let mut canvas = Canvas::default();
    let fitted = Font::TITLE.fitted(title, sheet_width - 2.0 * MARGIN);
    canvas.text((MARGIN, 36.0), Anchor::Start, Font::TITLE, &fitted);
    canvas.text((MARGIN, 58.0), Anchor::Start, Font::FAINT, note);
    if shape.is_series() && !cells.is_empty() {
        series::draw_legend(&mut canvas, (MARGIN, 76.0), shape, axes);
    }
    let top = if shape.is_series() { 94.0 } else { 76.0 };
    let place = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        (MARGIN + column as f64 * step.0, top + row as f64 * step.1)
    };
    for (index, one) in cells.iter().enumerate() {
        let (x, y) = place(index);
        let frame = ((cell - width) / 2.0).floor();
        let (corner, size) = ((x + frame - 0.5, y - 0.5), (width + 1.0, height + 1.0));
        canvas.rectangle(corner, size, r##"fill="none" stroke="#bbb""##);
        if shape.is_series() {
            series::draw(&mut canvas, (x, y), one.input, shape);
        }
        for (line, (font, text)) in one.lines.iter().enumerate() {
            let text = font.fitted(text, cell + GAP - 6.0);
            let foot = y + height + below + LINE * (line + 1) as f64;
            canvas.text((x + cell / 2.0, foot), Anchor::Middle, *font, &text);
        }
    }
    let sheet_height = top + rows as f64 * step.1;
    let mut pixels = canvas.finish(sheet_width, sheet_height, title).pixels();
    if !shape.is_series() {
        for (index, one) in cells.iter().enumerate() {
            let (x, y) = place(index);
            let x = x + ((cell - width) / 2.0).floor();
            scaled.copy(&mut pixels, (x as usize, y as usize), one.input, shape);
        }
    }
    picture::encode(&pixels)
}

impl<'a> Worst<'a> {
    fn classes(&self) -> String {
        format!("{} → {}", self.actual, self.predicted)
    }

    /// Under it: its classes, in two lines if any are long, its name and its margin.
    fn cell(&self, is_long: bool) -> Cell<'a> {
        let classes = match is_long {
            true => vec![self.actual.clone(), format!("→ {}", self.predicted)],
            false => vec![self.classes()],
        };
        let margin = match self.margin.is_finite() {
            true => format!("margin {:.1}", self.margin),
            false => "margin –".to_owned(),
        };
        let classes = classes.into_iter().map(|text| (Font::BOLD, text));
        let rest = [self.name.clone(), margin].map(|text| (Font::FAINT, text));
        Cell {
            input: self.input,
            lines: classes.chain(rest).collect(),
        }
    }
}
