//! What stands around the matrix: the classes' names, and their accuracy.

use super::super::canvas::{Anchor, Canvas};
use super::super::font::Font;
use super::super::{MARGIN, WIDTH};
use super::{Confusion, percent};

/// Names are cut to that width, in pixels.
const NAME: f64 = 130.0;
/// A cell is at most and the matrix at most so wide, in pixels.
const CELL: f64 = 62.0;
const MATRIX: f64 = 660.0;
/// Names are written in at least that size, in pixels, else not all of them.
const LEAST_FONT: f64 = 8.0;
/// What the accuracy by class takes, in pixels.
const ACCURACY: f64 = 92.0;

/// Where the matrix is, and how its sides are written.
pub(super) struct Heads {
    /// The matrix' upper left corner.
    pub(super) corner: (f64, f64),
    /// The side of a cell.
    pub(super) cell: f64,
    font: Font,
    top: f64,
    /// Every how many classes one is named.
    every: usize,
    is_upright: bool,
}

impl Heads {
    /// Around a matrix of those classes, from `top` down.
    pub(super) fn of(confusion: &Confusion, top: f64) -> Self {
        let classes = confusion.class_names().len();
        let cell = (MATRIX / classes as f64).min(CELL);
        let cell = if cell >= 8.0 { cell.floor() } else { cell };
        let font = Font::PLAIN.sized((cell - 2.0).clamp(LEAST_FONT, 12.0));
        let every = ((LEAST_FONT + 2.0) / cell).ceil().max(1.0) as usize;
        let widths = confusion.class_names().iter().map(|name| font.width(name));
        let widest = widths.fold(0.0, f64::max).min(NAME);
        let is_upright = widest > cell - 4.0;
        let height = if is_upright { widest } else { font.size_pixels };
        let left = MARGIN + 22.0 + widest + 8.0;
        Self {
            corner: (left, top + 18.0 + height + 8.0),
            cell,
            font,
            top,
            every,
            is_upright,
        }
    }

    /// The side of the matrix.
    pub(super) fn side(&self, confusion: &Confusion) -> f64 {
        self.cell * confusion.class_names().len() as f64
    }

    /// The right end of all that is written.
    pub(super) fn right(&self, confusion: &Confusion) -> f64 {
        (self.corner.0 + self.side(confusion) + ACCURACY).min(WIDTH - MARGIN)
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, confusion: &Confusion) {
        let (left, top) = self.corner;
        let side = self.side(confusion);
        let (middle_x, middle_y) = (left + side / 2.0, top + side / 2.0);
        let title = Font::BOLD;
        let above = (middle_x, self.top + 8.0);
        canvas.text(above, Anchor::Middle, title, "predicted");
        canvas.text_upwards((MARGIN + 10.0, middle_y), Anchor::Middle, title, "actual");
        canvas.text(
            (left + side + 10.0, top - 8.0),
            Anchor::Start,
            title,
            "accuracy",
        );
        let drop = self.font.size_pixels * 0.36;
        let classes = confusion.class_names().iter().enumerate();
        for (class, name) in classes.step_by(self.every) {
            let middle = (class as f64 + 0.5) * self.cell;
            let name = self.font.fitted(name, NAME);
            let row = top + middle + drop;
            canvas.text((left - 8.0, row), Anchor::End, self.font, &name);
            if self.is_upright {
                let foot = (left + middle + drop, top - 8.0);
                canvas.text_upwards(foot, Anchor::Start, self.font, &name);
            } else {
                let foot = (left + middle, top - 8.0);
                canvas.text(foot, Anchor::Middle, self.font, &name);
            }
            let accuracy = confusion.accuracy_of(class);
            let text = accuracy.map_or("–".to_owned(), |share| percent(share, 1) + " %");
            let end = left + side + 10.0 + Font::BOLD.width("accuracy");
            canvas.text((end, row), Anchor::End, self.font, &text);
        }
    }
}
