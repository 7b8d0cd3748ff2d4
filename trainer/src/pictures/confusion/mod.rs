//! A confusion matrix: which classes are taken for which others.

mod counts;
mod heads;
mod matrix;

pub use counts::Confusion;

use super::canvas::{Anchor, Canvas};
use super::font::Font;
use super::{MARGIN, Picture, WIDTH};
use heads::Heads;
use matrix::Matrix;

/// Draws the matrix: a row for each actual class, a column for each predicted one. Right
/// ones are blue, by their share of the row; wrong ones are red, by the root of theirs, so
/// that few are seen where nearly all is right, and the same red is the same share in every
/// picture.
///
/// Good to read up to about 50 classes; with more, not every class is named.
pub fn draw(confusion: &Confusion, title: &str) -> Picture {
    let mut canvas = Canvas::default();
    let fitted = Font::TITLE.fitted(title, WIDTH - 2.0 * MARGIN);
    canvas.text((MARGIN, 36.0), Anchor::Start, Font::TITLE, &fitted);
    canvas.text(
        (MARGIN, 60.0),
        Anchor::Start,
        Font::PLAIN,
        &summary(confusion),
    );
    if confusion.class_names().is_empty() {
        canvas.text((MARGIN, 90.0), Anchor::Start, Font::PLAIN, "no classes");
        return canvas.finish(WIDTH, 108.0, title);
    }
    let heads = Heads::of(confusion, 84.0);
    heads.draw(&mut canvas, confusion);
    let matrix = Matrix {
        confusion,
        corner: heads.corner,
        cell: heads.cell,
    };
    matrix.draw(&mut canvas);
    let below = matrix.draw_legend(&mut canvas, heads.corner.1 + heads.side(confusion) + 20.0);
    let right = heads.right(confusion) + MARGIN;
    let least = 2.0 * MARGIN
        + Font::TITLE
            .width(&fitted)
            .max(Font::PLAIN.width(&summary(confusion)));
    canvas.finish(right.max(least).max(matrix::LEGEND), below, title)
}

fn summary(confusion: &Confusion) -> String {
    let [right, total] = [confusion.right(), confusion.total()];
    match confusion.accuracy() {
        Some(accuracy) => format!(
            "{} of {} samples right ({} %), {} wrong",
            grouped(right),
            grouped(total),
            percent(accuracy, 2),
            grouped(total - right),
        ),
        None => "no samples".to_owned(),
    }
}

/// A share in percent, never rounded up to all of it nor down to nothing.
fn percent(share: f64, decimals: i32) -> String {
    let unit = 10f64.powi(-decimals);
    let rounded = match share {
        0.0 | 1.0 => share * 100.0,
        _ => (share * 100.0).clamp(unit, 100.0 - unit),
    };
    format!("{rounded:.*}", decimals as usize)
}

/// With a comma before every three digits.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(0.99999, 1), "99.9");
        assert_eq!(percent(1.0, 1), "100.0");
        assert_eq!(percent(0.000_01, 2), "0.01");
        assert_eq!(percent(0.0, 2), "0.00");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }
}
