//! Bytes over time, drawn in letters.

use anstyle::{AnsiColor, Style};
use herringbone_compiler::report::view::{FollowedView, View};

/// Lines of the chart.
const HEIGHT: usize = 8;
/// A column's top, by eighths of a line.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const BARS: Style = AnsiColor::Blue.on_default();
const PEAK: Style = AnsiColor::Red.on_default().bold();

/// The chart in that many columns of text.
pub(crate) fn draw(view: &View, followed: &FollowedView, width: usize) -> String {
    let arena_bytes = f64::from(view.arena_bytes.max(1));
    let axis = view.arena_bytes.to_string().len().max(4);
    let columns = width.saturating_sub(axis + 3).clamp(20, 160);
    let live = columns_of(&followed.time.live_bytes, columns);
    let peak = ((followed.peak.time_share * columns as f64) as usize).min(columns - 1);
    let mut lines = vec![mark(followed, axis, columns, peak)];
    for line in (0..HEIGHT).rev() {
        let label = match line {
            _ if line + 1 == HEIGHT => format!("{:>axis$} ┤", view.arena_bytes),
            0 => format!("{:>axis$} ┤", 0),
            _ => format!("{:>axis$} │", ""),
        };
        let mut text = label;
        for (column, &bytes) in live.iter().enumerate() {
            let eighths = (bytes / arena_bytes * HEIGHT as f64 * 8.0).round() as usize;
            let letter = EIGHTHS[eighths.saturating_sub(line * 8).min(8)];
            let style = if column == peak { PEAK } else { BARS };
            match letter {
                ' ' => text.push(' '),
                _ => text.push_str(&format!("{style}{letter}{style:#}")),
            }
        }
        lines.push(text.trim_end().to_owned());
    }
    lines.push(phases(followed, axis, columns));
    lines.join("\n")
}

/// The most in each of the columns.
fn columns_of(live_bytes: &[f64], columns: usize) -> Vec<f64> {
    let of = |column: usize| {
        let first = column * live_bytes.len() / columns;
        let end = ((column + 1) * live_bytes.len()).div_ceil(columns);
        live_bytes[first..end].iter().copied().fold(0.0, f64::max)
    };
    (0..columns).map(of).collect()
}

/// What the peak is, above its column.
fn mark(followed: &FollowedView, axis: usize, columns: usize, peak: usize) -> String {
    let text = format!("peak: {} bytes", followed.peak.live_bytes);
    let length = text.len() + 2;
    let indent = axis + 2;
    match peak + length <= columns || peak < length {
        true => format!("{:1$}{PEAK}▼ {text}{PEAK:#}", "", indent + peak),
        false => format!(
            "{:1$}{PEAK}{text} ▼{PEAK:#}",
            "",
            indent + peak + 1 - length
        ),
    }
}

/// What runs, below its columns.
fn phases(followed: &FollowedView, axis: usize, columns: usize) -> String {
    let mut letters = vec![' '; columns];
    for phase in &followed.time.phases {
        let column = |share: f64| ((share * columns as f64).round() as usize).min(columns);
        let (start, end) = (column(phase.start_share), column(phase.end_share));
        let room = end.saturating_sub(start + 1);
        let name = phase.layer.as_deref().unwrap_or("input");
        // A name that does not fit, or the mark of where it begins alone.
        let name = if name.chars().count() <= room {
            name
        } else {
            ""
        };
        let text = ['╵'].into_iter().chain(name.chars());
        for (place, letter) in letters[start.min(columns)..end].iter_mut().zip(text) {
            *place = letter;
        }
    }
    let letters: String = letters.into_iter().collect();
    format!("{:axis$}  {}", "", letters.trim_end())
}
