//! A sheet of the inputs that were classified worst.

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

/// Draws the inputs in the order given, as a PNG at most 960 pixels wide. They are enlarged
/// by a whole number of pixels; ones wider than the sheet are thinned out likewise.
///
/// # Panics
/// If an input has not the values of its shape.
pub fn draw(worst: &[Worst<'_>], shape: Shape, title: &str) -> Vec<u8> {
    let values = shape.height * shape.width * shape.channels;
    for one in worst {
        let given = one.input.len();
        assert_eq!(given, values, "values of {} for {shape:?}", one.name);
    }
    let scaled = image::Scale::of(shape);
    let (width, height) = match shape.is_series() {
        true => series::SIZE,
        false => scaled.size(shape),
    };
    let cell = width.max(CAPTION);
    let is_long = worst
        .iter()
        .any(|one| Font::BOLD.width(&one.classes()) > cell);
    let step = (
        cell + GAP,
        height + LINE * if is_long { 4.0 } else { 3.0 } + GAP + 2.0,
    );
    let columns = (((WIDTH - 2.0 * MARGIN + GAP) / step.0) as usize).max(1);
    let rows = worst.len().div_ceil(columns);
    let needed = worst.len().min(columns) as f64 * step.0 - GAP + 2.0 * MARGIN;
    let sheet_width = needed
        .max(LEAST_WIDTH)
        .max(Font::TITLE.width(title) + 2.0 * MARGIN)
        .min(WIDTH);

    let mut canvas = Canvas::default();
    let fitted = Font::TITLE.fitted(title, sheet_width - 2.0 * MARGIN);
    canvas.text((MARGIN, 36.0), Anchor::Start, Font::TITLE, &fitted);
    let note = match worst {
        [] => "none was classified wrongly",
        _ => {
            "actual class → predicted class; margin: how far the wrong class' logit is above the right one's"
        }
    };
    canvas.text((MARGIN, 58.0), Anchor::Start, Font::FAINT, note);
    if shape.is_series() && !worst.is_empty() {
        series::draw_legend(&mut canvas, (MARGIN, 76.0), shape);
    }
    let top = if shape.is_series() { 94.0 } else { 76.0 };
    let place = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        (MARGIN + column as f64 * step.0, top + row as f64 * step.1)
    };
    for (index, one) in worst.iter().enumerate() {
        let (x, y) = place(index);
        let frame = ((cell - width) / 2.0).floor();
        let (corner, size) = ((x + frame - 0.5, y - 0.5), (width + 1.0, height + 1.0));
        canvas.rectangle(corner, size, r##"fill="none" stroke="#bbb""##);
        if shape.is_series() {
            series::draw(&mut canvas, (x, y), one.input, shape);
        }
        caption(
            &mut canvas,
            one,
            (x + cell / 2.0, y + height + LINE),
            cell,
            is_long,
        );
    }
    let sheet_height = top + rows as f64 * step.1;
    let mut pixels = canvas.finish(sheet_width, sheet_height, title).pixels();
    if !shape.is_series() {
        for (index, one) in worst.iter().enumerate() {
            let (x, y) = place(index);
            let x = x + ((cell - width) / 2.0).floor();
            scaled.copy(&mut pixels, (x as usize, y as usize), one.input, shape);
        }
    }
    picture::encode(&pixels)
}

impl Worst<'_> {
    fn classes(&self) -> String {
        format!("{} → {}", self.actual, self.predicted)
    }
}

/// Under an input: its classes, in two lines if they are long, its name and its margin.
fn caption(canvas: &mut Canvas, one: &Worst<'_>, (x, y): (f64, f64), width: f64, is_long: bool) {
    let classes = match is_long {
        true => vec![one.actual.clone(), format!("→ {}", one.predicted)],
        false => vec![one.classes()],
    };
    let margin = match one.margin.is_finite() {
        true => format!("margin {:.1}", one.margin),
        false => "margin –".to_owned(),
    };
    let classes = classes.into_iter().map(|text| (Font::BOLD, text));
    let rest = [one.name.clone(), margin].map(|text| (Font::FAINT, text));
    for (line, (font, text)) in classes.chain(rest).enumerate() {
        let text = font.fitted(&text, width + GAP - 6.0);
        canvas.text((x, y + line as f64 * LINE), Anchor::Middle, font, &text);
    }
}
