//! The phases of a training: where each begins, and where its name has room.

use super::super::axis::Axis;
use super::super::canvas::{Anchor, Canvas};
use super::super::font::Font;
use super::{EpochRecord, RIGHT};

/// Names of phases are cut to that width, in pixels.
const NAME: f64 = 200.0;
/// Rows of names; a name that has room in none is left out.
const ROWS: usize = 6;
const ROW_HEIGHT: f64 = 16.0;
/// What parts one phase from the next.
const LINE: &str = r##"stroke="#777" stroke-dasharray="4 3""##;

/// Epochs one after another that are of one kind.
pub(super) struct Phase {
    pub(super) name: String,
    /// Where its first epoch begins and its last one ends, in pixels.
    pub(super) start: f64,
    pub(super) end: f64,
    /// Where the name's left end stands and the row it is in, counted from above.
    label: Option<(f64, usize)>,
}

/// The phases of the records, their names laid out so that none meets another's or
/// another's line.
pub(super) fn of(records: &[EpochRecord], epochs: &Axis) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    for run in records.chunk_by(|a, b| a.phase == b.phase) {
        let place = |record: &EpochRecord, offset| epochs.place(f64::from(record.epoch) + offset);
        phases.push(Phase {
            name: Font::BOLD.fitted(&run[0].phase, NAME),
            start: place(&run[0], -0.5),
            end: place(&run[run.len() - 1], 0.5),
            label: None,
        });
    }
    let mut ends = [f64::NEG_INFINITY; ROWS];
    for phase in &mut phases {
        let width = Font::BOLD.width(&phase.name) + 8.0;
        let left = phase.start.min(RIGHT - width);
        // The line goes up to the name, through the rows below it.
        let row = ends
            .iter()
            .rposition(|&end| end > left)
            .map_or(0, |row| row + 1);
        if row < ROWS {
            ends[row] = left + width;
            phase.label = Some((left, row));
        }
    }
    phases
}

/// How high the rows of the names are, in pixels.
pub(super) fn rows_height(phases: &[Phase]) -> f64 {
    let rows = phases.iter().filter_map(|phase| phase.label);
    rows.map(|(_, row)| row + 1).max().unwrap_or(0) as f64 * ROW_HEIGHT
}

/// Writes the names into the rows that end at `bottom`.
pub(super) fn name(canvas: &mut Canvas, phases: &[Phase], bottom: f64) {
    let top = bottom - rows_height(phases);
    for phase in phases {
        let Some((left, row)) = phase.label else {
            continue;
        };
        let y = top + ROW_HEIGHT * row as f64;
        // A name that was moved to have room stands over its line, not beside it.
        let line_top = if left < phase.start {
            y + ROW_HEIGHT
        } else {
            y
        };
        canvas.line((phase.start, line_top), (phase.start, bottom), LINE);
        canvas.text(
            (left + 5.0, y + 11.0),
            Anchor::Start,
            Font::BOLD,
            &phase.name,
        );
    }
}

/// Where each phase begins, across a panel.
pub(super) fn mark(canvas: &mut Canvas, phases: &[Phase], top: f64, bottom: f64) {
    for (index, phase) in phases.iter().enumerate() {
        if index % 2 == 1 {
            let size = (phase.end - phase.start, bottom - top);
            canvas.rectangle((phase.start, top), size, r##"fill="#f3f5f8""##);
        }
    }
    for phase in &phases[phases.len().min(1)..] {
        canvas.line((phase.start, top), (phase.start, bottom), LINE);
    }
}
