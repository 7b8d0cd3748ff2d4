//! Series, as plots: a line for each channel.

use super::super::canvas::{Anchor, Canvas};
use super::super::font::Font;
use super::{Axes, Shape};

/// The size of a plot, in pixels.
pub(super) const SIZE: (f64, f64) = (290.0, 110.0);

/// What the ends of the time take below a plot, in pixels.
pub(super) const BELOW: f64 = 13.0;

/// Colours that the colour-blind can distinguish (Okabe & Ito, "Color Universal Design",
/// 2008).
const CHANNELS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1a1a1a",
];

/// Draws the series; the plot's height is the range from 0 to 255. An input of one sample
/// is drawn as the series of its channels.
pub(super) fn draw(canvas: &mut Canvas, (left, top): (f64, f64), input: &[u8], shape: Shape) {
    let (width, height) = SIZE;
    for quarter in 1..4 {
        let y = top + height * f64::from(quarter) / 4.0;
        canvas.line((left, y), (left + width, y), r##"stroke="#e4e4e4""##);
    }
    // Of one sample it is the channels that follow each other.
    let (samples, unit) = match shape.width {
        1 => (shape.channels, "channel"),
        width => (width, "sample"),
    };
    let foot = top + height + BELOW - 1.0;
    let small = Font::FAINT.sized(9.0);
    canvas.text((left, foot), Anchor::Start, small, "0");
    let last = format!("{unit} {}", samples.saturating_sub(1));
    canvas.text((left + width, foot), Anchor::End, small, &last);
    let lines = lines(shape);
    for line in 0..lines {
        let values: Vec<u8> = input.iter().skip(line).step_by(lines).copied().collect();
        let last = values.len().saturating_sub(1).max(1) as f64;
        let place = |(index, &value): (usize, &u8)| {
            (
                left + 3.0 + (width - 6.0) * index as f64 / last,
                top + 3.0 + (height - 6.0) * (1.0 - f64::from(value) / 255.0),
            )
        };
        let points: Vec<_> = values.iter().enumerate().map(place).collect();
        let colour = CHANNELS[line % CHANNELS.len()];
        match points[..] {
            [point] => canvas.disc(point, 3.0, colour),
            _ => canvas.polyline(&points, colour, 1.4),
        }
    }
}

/// What the lines are.
pub(super) fn draw_legend(canvas: &mut Canvas, (left, y): (f64, f64), shape: Shape, axes: &Axes) {
    let Axes { least, greatest } = axes;
    let text = format!("from the foot of a plot, {least}, to its top, {greatest}");
    let text = Font::FAINT.fitted(&text, 480.0);
    canvas.text((left, y), Anchor::Start, Font::FAINT, &text);
    let mut x = left + Font::FAINT.width(&text) + 20.0;
    let lines = lines(shape);
    if !(2..=CHANNELS.len()).contains(&lines) {
        return;
    }
    for (line, colour) in CHANNELS.into_iter().enumerate().take(lines) {
        let name = format!("channel {line}");
        canvas.polyline(&[(x, y - 4.0), (x + 14.0, y - 4.0)], colour, 3.0);
        canvas.text((x + 18.0, y), Anchor::Start, Font::FAINT, &name);
        x += 18.0 + Font::FAINT.width(&name) + 14.0;
    }
}

fn lines(shape: Shape) -> usize {
    match shape.width {
        1 => 1,
        _ => shape.channels,
    }
}
