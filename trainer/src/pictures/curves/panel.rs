//! One panel: a quantity by epoch, of training and of validation.

use super::super::axis::{Axis, is_drawn, trimmed};
use super::super::canvas::{Anchor, Canvas};
use super::super::font::Font;
use super::phases::{self, Phase};
use super::{EpochRecord, LEFT, RIGHT, TRAINING, VALIDATION};

/// Epochs at least this many pixels apart have a dot each.
const DOTTED: f64 = 14.0;
/// Between values that are written at the axis, in pixels.
const GAP: f64 = 20.0;

/// A quantity by epoch.
pub(super) struct Panel {
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) name: &'static str,
    /// What is written at the right: a hundred less the value.
    pub(super) opposite_name: Option<&'static str>,
    /// Training's, then validation's.
    pub(super) curves: [fn(&EpochRecord) -> f64; 2],
}

impl Panel {
    /// The upright axis.
    pub(super) fn axis(&self, records: &[EpochRecord]) -> Axis {
        Axis::around(self.values(records), [self.bottom, self.top])
    }

    fn values(&self, records: &[EpochRecord]) -> impl Iterator<Item = f64> {
        let curves = self.curves.iter();
        curves.flat_map(|curve| records.iter().map(curve))
    }

    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        records: &[EpochRecord],
        epochs: &Axis,
        phases: &[Phase],
        best: Option<&EpochRecord>,
    ) {
        let axis = self.axis(records);
        phases::mark(canvas, phases, self.top, self.bottom);
        let is_empty = self.values(records).all(|value| !is_drawn(value));
        self.draw_scale(canvas, (!is_empty).then_some(&axis));
        let place = |record: &EpochRecord, value| {
            (epochs.place(f64::from(record.epoch)), axis.place(value))
        };
        let best_value = best.map(|record| (record, self.curves[1](record)));
        if let Some((record, value)) = best_value {
            let (x, _) = place(record, value);
            canvas.line(
                (x, self.top),
                (x, self.bottom),
                r##"stroke="#000" stroke-opacity="0.35""##,
            );
        }
        let is_dotted = epochs.place(1.0) - epochs.place(0.0) >= DOTTED || records.len() == 1;
        for (value, colour) in self.curves.iter().zip([TRAINING, VALIDATION]) {
            let values = records.iter().map(|record| (record, value(record)));
            let values: Vec<_> = values.collect();
            // A value that cannot be drawn parts the line.
            for run in values.split(|(_, value)| !is_drawn(*value)) {
                let points: Vec<_> = run
                    .iter()
                    .map(|&(record, value)| place(record, value))
                    .collect();
                if points.len() > 1 {
                    canvas.polyline(&points, colour, 1.6);
                }
                if points.len() == 1 || is_dotted {
                    for &point in &points {
                        canvas.disc(point, 3.0, colour);
                    }
                }
            }
        }
        match best_value {
            Some((record, value)) if is_drawn(value) => diamond(canvas, place(record, value)),
            _ => {}
        }
        if is_empty {
            let middle = ((LEFT + RIGHT) / 2.0, (self.top + self.bottom) / 2.0 + 4.0);
            canvas.text(middle, Anchor::Middle, Font::PLAIN, "no figures");
        }
    }

    /// The frame, the grid and what is written next to it.
    fn draw_scale(&self, canvas: &mut Canvas, axis: Option<&Axis>) {
        for place in axis.into_iter().flat_map(Axis::minor_places) {
            canvas.line((LEFT, place), (RIGHT, place), r##"stroke="#efefef""##);
        }
        for tick in axis.into_iter().flat_map(|axis| axis.ticks(GAP, false)) {
            canvas.line(
                (LEFT, tick.place),
                (RIGHT, tick.place),
                r##"stroke="#dcdcdc""##,
            );
            let y = tick.place + 4.0;
            canvas.text((LEFT - 7.0, y), Anchor::End, Font::FAINT, &tick.text);
            if self.opposite_name.is_some() {
                let text = trimmed(&format!("{:.4}", 100.0 - tick.value));
                canvas.text((RIGHT + 7.0, y), Anchor::Start, Font::FAINT, &text);
            }
        }
        let size = (RIGHT - LEFT, self.bottom - self.top);
        canvas.rectangle((LEFT, self.top), size, r##"fill="none" stroke="#999""##);
        let middle = (self.top + self.bottom) / 2.0;
        canvas.text_upwards((20.0, middle), Anchor::Middle, Font::PLAIN, self.name);
        if let Some(name) = self.opposite_name {
            canvas.text_upwards((RIGHT + 66.0, middle), Anchor::Middle, Font::PLAIN, name);
        }
    }
}

/// What marks the best epoch.
pub(super) fn diamond(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.element(
        "path",
        format_args!(
            r##"transform="translate({x:.1} {y:.1})" d="M0,-7 L7,0 L0,7 L-7,0 Z" fill="{VALIDATION}" stroke="#000" stroke-width="1.5""##
        ),
    );
}
