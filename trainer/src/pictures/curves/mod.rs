//! Learning curves: error rate and loss by epoch, of training and of validation.

mod panel;
mod phases;

use serde::{Deserialize, Serialize};

use super::axis::{Axis, trimmed};
use super::canvas::{Anchor, Canvas};
use super::font::Font;
use super::{MARGIN, Picture, WIDTH};
use crate::recipe::Phase;
use panel::Panel;

/// Validation is blue, training vermilion: colours that the colour-blind can distinguish
/// (Okabe & Ito, "Color Universal Design", 2008).
const VALIDATION: &str = "#0072b2";
const TRAINING: &str = "#d55e00";

/// Where the panels begin and end, in pixels.
const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH - 76.0;
const ERROR_PANEL: f64 = 270.0;
const LOSS_PANEL: f64 = 190.0;
const BETWEEN_PANELS: f64 = 24.0;

/// What one epoch gave. Where there is no figure, it is NaN, and left out of the curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Which epoch it is, counted through all phases.
    pub epoch: u32,
    /// What kind of training it was: "float", "quantised", …
    pub phase: String,
    /// The mean loss of the training samples.
    pub training_loss: f64,
    /// The share of the training samples that were classified rightly, 0 to 1.
    pub training_accuracy: f64,
    /// The mean loss of the validation samples.
    pub validation_loss: f64,
    /// The share of the validation samples that were classified rightly, 0 to 1.
    pub validation_accuracy: f64,
}

impl EpochRecord {
    fn training_error_percent(&self) -> f64 {
        100.0 * (1.0 - self.training_accuracy)
    }

    fn validation_error_percent(&self) -> f64 {
        100.0 * (1.0 - self.validation_accuracy)
    }
}

/// Draws the records, which are in the order of their epochs: error rate above, loss below.
/// A scale is logarithmic where its values span more than a decade. The best epoch is
/// marked, if any of the records is of it.
pub fn draw(records: &[EpochRecord], best_epoch: Option<u32>, title: &str) -> Picture {
    let mut canvas = Canvas::default();
    let fitted = Font::TITLE.fitted(title, WIDTH - 2.0 * MARGIN);
    canvas.text((MARGIN, 36.0), Anchor::Start, Font::TITLE, &fitted);
    let best = best_epoch.and_then(|best| records.iter().rfind(|record| record.epoch == best));
    let float = Phase::Float.name();
    let float = records.iter().rfind(|record| record.phase == float);
    legend(&mut canvas, best, float, 62.0);

    let epochs = epoch_axis(records);
    let phases = phases::of(records, &epochs);
    let top = 84.0 + phases::rows_height(&phases);
    let error_panel = Panel {
        top,
        bottom: top + ERROR_PANEL,
        name: "error rate (%)",
        opposite_name: Some("accuracy (%)"),
        curves: [
            EpochRecord::training_error_percent,
            EpochRecord::validation_error_percent,
        ],
    };
    let loss_top = error_panel.bottom + BETWEEN_PANELS;
    let loss_panel = Panel {
        top: loss_top,
        bottom: loss_top + LOSS_PANEL,
        name: "loss",
        opposite_name: None,
        curves: [
            |record| record.training_loss,
            |record| record.validation_loss,
        ],
    };
    phases::name(&mut canvas, &phases, top);
    for panel in [&error_panel, &loss_panel] {
        panel.draw(&mut canvas, records, &epochs, &phases, best);
    }
    let bottom = loss_panel.bottom;
    let ticks = epochs.ticks(60.0, true).into_iter();
    for tick in ticks.filter(|_| !records.is_empty()) {
        let text = (tick.place, bottom + 18.0);
        canvas.text(text, Anchor::Middle, Font::FAINT, &tick.text);
    }
    let middle = (LEFT + RIGHT) / 2.0;
    canvas.text(
        (middle, bottom + 38.0),
        Anchor::Middle,
        Font::PLAIN,
        "epoch",
    );
    let below = notes(
        &mut canvas,
        records,
        [&error_panel, &loss_panel],
        bottom + 62.0,
    );
    canvas.finish(WIDTH, below, title)
}

/// Half an epoch is free at either end.
fn epoch_axis(records: &[EpochRecord]) -> Axis {
    let epochs = records.iter().map(|record| f64::from(record.epoch));
    let ends = epochs.fold(None, |ends: Option<[f64; 2]>, epoch| {
        let [first, last] = ends.unwrap_or([epoch, epoch]);
        Some([first.min(epoch), last.max(epoch)])
    });
    let [first, last] = ends.unwrap_or([1.0, 1.0]);
    Axis::linear([first - 0.5, last + 0.5], [LEFT, RIGHT])
}

fn legend(canvas: &mut Canvas, best: Option<&EpochRecord>, float: Option<&EpochRecord>, y: f64) {
    let mut x = MARGIN;
    for (colour, name) in [(TRAINING, "training"), (VALIDATION, "validation")] {
        canvas.polyline(&[(x, y - 4.0), (x + 26.0, y - 4.0)], colour, 3.0);
        canvas.text((x + 33.0, y), Anchor::Start, Font::PLAIN, name);
        x += 33.0 + Font::PLAIN.width(name) + 26.0;
    }
    let Some(best) = best else { return };
    panel::diamond(canvas, (x + 6.0, y - 4.0));
    let accuracy = best.validation_accuracy * 100.0;
    let text = match accuracy.is_finite() {
        true => format!(
            "best epoch: {}, with {} % of the validation samples right",
            best.epoch,
            trimmed(&format!("{accuracy:.3}")),
        ),
        false => format!("best epoch: {}", best.epoch),
    };
    let before = float.map(|record| record.validation_accuracy * 100.0);
    let text = match before.filter(|it| it.is_finite()) {
        Some(before) => {
            let before = format!("{before:.2}");
            format!("{text}, {} % before quantisation", trimmed(&before))
        }
        None => text,
    };
    let text = Font::BOLD.fitted(&text, WIDTH - MARGIN - x - 20.0);
    canvas.text((x + 20.0, y), Anchor::Start, Font::BOLD, &text);
}

/// What a person who has never seen curves wants to know; the foot of it.
fn notes(canvas: &mut Canvas, records: &[EpochRecord], panels: [&Panel; 2], y: f64) -> f64 {
    let scaled = panels.map(|panel| panel.axis(records).is_logarithmic());
    let scale = match scaled {
        [true, true] => "Both upright scales are logarithmic: equal steps are equal factors.",
        [true, false] => "The error rate's scale is logarithmic: equal steps are equal factors.",
        [false, true] => "The loss' scale is logarithmic: equal steps are equal factors.",
        [false, false] => "",
    };
    let lines = [
        "Error rate: the share of the samples that were classified wrongly. Loss: what training makes small. Of both, lower is better.",
        "In an epoch every training sample is seen once. Validation samples are never trained on.",
    ];
    canvas.text((MARGIN, y), Anchor::Start, Font::FAINT, lines[0]);
    let second = format!("{} {scale}", lines[1]);
    canvas.text(
        (MARGIN, y + 16.0),
        Anchor::Start,
        Font::FAINT,
        second.trim_end(),
    );
    y + 32.0
}
