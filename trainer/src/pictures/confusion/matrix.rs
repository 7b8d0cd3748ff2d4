//! The cells of a confusion matrix, and what their colours mean.

use super::super::MARGIN;
use super::super::canvas::{Anchor, Canvas};
use super::super::font::Font;
use super::{Confusion, percent};

/// What the legend takes, in pixels.
pub(super) const LEGEND: f64 = 2.0 * MARGIN + 2.0 * SCALE + 30.0;
const SCALE: f64 = 200.0;
/// The text of a cell has at least that size, in pixels, or is left out.
const LEAST_FONT: f64 = 8.0;
/// Cells smaller than that, in pixels, have no lines between them.
const LEAST_GRID: f64 = 8.0;
/// So little of a colour is seen.
const FAINTEST: f64 = 0.22;

type Colour = [f64; 3];
/// None and all of a class, where it is right: quiet, for it is what is expected.
const RIGHT: [Colour; 2] = [[247.0, 251.0, 255.0], [158.0, 202.0, 225.0]];
/// None and all of a class, where it is wrong.
const WRONG: [Colour; 2] = [[255.0, 245.0, 240.0], [179.0, 18.0, 24.0]];

pub(super) struct Matrix<'a> {
    pub(super) confusion: &'a Confusion,
    /// The upper left corner.
    pub(super) corner: (f64, f64),
    /// The side of a cell.
    pub(super) cell: f64,
}

impl Matrix<'_> {
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let classes = self.confusion.class_names().len();
        let (left, top) = self.corner;
        let side = self.cell * classes as f64;
        canvas.rectangle((left, top), (side, side), r##"fill="#fff" stroke="#999""##);
        for line in (1..classes).filter(|_| self.cell >= LEAST_GRID) {
            let offset = line as f64 * self.cell;
            let grid = r##"stroke="#ececec""##;
            canvas.line((left + offset, top), (left + offset, top + side), grid);
            canvas.line((left, top + offset), (left + side, top + offset), grid);
        }
        for actual in 0..classes {
            for predicted in 0..classes {
                self.draw_cell(canvas, actual, predicted);
            }
        }
    }

    fn draw_cell(&self, canvas: &mut Canvas, actual: usize, predicted: usize) {
        let count = self.confusion.count(actual, predicted);
        let Some(share) = self.confusion.share(actual, predicted) else {
            return;
        };
        if count == 0 && actual != predicted {
            return;
        }
        let strength = match actual == predicted {
            true => share,
            false => wrong_strength(share),
        };
        let scale = if actual == predicted { RIGHT } else { WRONG };
        let (x, y) = (
            self.corner.0 + predicted as f64 * self.cell,
            self.corner.1 + actual as f64 * self.cell,
        );
        let names = self.confusion.class_names();
        canvas.begin(&format!(
            "{} classified as {}: {count} ({} %)",
            names[actual],
            names[predicted],
            percent(share, 2),
        ));
        let fill = format!(r#"fill="{}""#, hexadecimal(mixed(scale, strength)));
        canvas.rectangle((x + 0.5, y + 0.5), (self.cell - 1.0, self.cell - 1.0), fill);
        let is_dark = actual != predicted && strength > 0.55;
        let font = Font::PLAIN.coloured(if is_dark { "#fff" } else { "#1a1a1a" });
        let text = count.to_string();
        let room = (self.cell - 3.0).max(0.0);
        let widest = font.size_pixels * room / font.width(&text).max(1.0);
        let size = widest
            .min(room)
            .min(if self.cell > 40.0 { 13.0 } else { 12.0 });
        if size >= LEAST_FONT {
            let font = font.sized(size);
            let foot = (x + self.cell / 2.0, y + self.cell / 2.0 + size * 0.36);
            canvas.text(foot, Anchor::Middle, font, &text);
        }
        canvas.end();
    }

    /// What the colours mean; the foot of it.
    pub(super) fn draw_legend(&self, canvas: &mut Canvas, y: f64) -> f64 {
        let scales = [
            (RIGHT, "right", "0 %", "100 % of the class"),
            (WRONG, "wrong", "above 0 %", "100 % of the class"),
        ];
        let shown = if self.confusion.right() < self.confusion.total() {
            2
        } else {
            1
        };
        for (index, (scale, name, from, to)) in scales.into_iter().take(shown).enumerate() {
            let x = MARGIN + index as f64 * (SCALE + 30.0);
            canvas.text((x, y + 4.0), Anchor::Start, Font::PLAIN, name);
            let steps = 20;
            for step in 0..steps {
                let share = f64::from(step) / f64::from(steps - 1);
                let strength = match index {
                    0 => share,
                    _ => wrong_strength(share),
                };
                let place = (x + f64::from(step) * SCALE / f64::from(steps), y + 11.0);
                let fill = format!(r#"fill="{}""#, hexadecimal(mixed(scale, strength)));
                canvas.rectangle(place, (SCALE / f64::from(steps), 12.0), fill);
            }
            canvas.text((x, y + 37.0), Anchor::Start, Font::FAINT, from);
            canvas.text((x + SCALE, y + 37.0), Anchor::End, Font::FAINT, to);
        }
        y + 54.0
    }
}

/// How strong the colour of a wrong share is: the same share has the same one in every
/// picture, and an error that is seen at all is seen well.
fn wrong_strength(share: f64) -> f64 {
    FAINTEST + (1.0 - FAINTEST) * share.clamp(0.0, 1.0).sqrt()
}

fn mixed([none, all]: [Colour; 2], strength: f64) -> Colour {
    std::array::from_fn(|channel| none[channel] + (all[channel] - none[channel]) * strength)
}

fn hexadecimal(colour: Colour) -> String {
    let [red, green, blue] = colour.map(|channel| channel.round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}
