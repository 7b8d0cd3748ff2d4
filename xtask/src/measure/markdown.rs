//! Measurements for the README.

use indicatif::HumanCount;

use super::{KINDS, Measurement};
use crate::bare;
use crate::sensing;

/// A table of all firmware that takes images, one of the first one's layers, and one of all that
/// reads a sensor.
pub(super) fn print(
    measurements: &[Measurement],
    bare: &[bare::measure::Measurement],
    sensing: &[sensing::Measurement],
) {
    if !measurements.is_empty() || !bare.is_empty() {
        print_all(measurements, bare);
    }
    if let Some(first) = measurements.first() {
        println!();
        print_layers(first);
    }
    if !sensing.is_empty() {
        println!();
        print_heads(&sensing::Measurement::HEADS, 2);
        for measurement in sensing {
            print_row(&measurement.cells());
        }
    }
}

fn print_all(measurements: &[Measurement], bare: &[bare::measure::Measurement]) {
    let heads = [
        "firmware",
        "part",
        "cycles (mean)",
        "min",
        "max",
        "ms",
        "cycles a multiply-accumulate",
        "static SRAM",
        "deepest stack",
        "flash",
        "of it the network",
        "predicted",
    ];
    print_heads(&heads, 2);
    for it in measurements {
        let milliseconds = it.cycles.mean as f64 * 1e3 / f64::from(it.frequency);
        print_row(&[
            format!("`{}`", it.firmware),
            format!("{}, {} MHz", it.mcu, it.frequency / 1_000_000),
            count(it.cycles.mean),
            count(it.cycles.min),
            count(it.cycles.max),
            format!("{milliseconds:.1}"),
            format!("{:.2}", it.cycles_per_multiply_accumulate),
            count(it.sram_static),
            count(it.stack),
            count(it.flash),
            count(it.flash_network),
            count(it.flash_predicted),
        ]);
    }
    for it in bare {
        print_row(&it.cells());
    }
}

fn print_layers(it: &Measurement) {
    let first = format!("`{}`, by layer", it.firmware);
    let mut heads = vec![first.as_str(), "cycles"];
    heads.extend(KINDS);
    heads.extend(["cycles a multiply-accumulate", "flash"]);
    print_heads(&heads, 1);
    for part in &it.parts {
        let name = if part
            .symbols
            .iter()
            .any(|symbol| symbol.starts_with("layer_"))
        {
            format!("`{}`", part.name)
        } else {
            part.name.clone()
        };
        let mut cells = vec![name, count(part.cycles)];
        cells.extend(part.cycles_by_kind.by_kind().map(count));
        let each = part.cycles_per_multiply_accumulate;
        cells.extend([
            each.map_or_else(String::new, |each| format!("{each:.2}")),
            count(part.flash),
        ]);
        print_row(&cells);
    }
    let mut total = vec!["together".to_owned(), count(it.cycles.mean)];
    total.extend(it.cycles_by_kind.by_kind().map(count));
    total.extend([
        format!("{:.2}", it.cycles_per_multiply_accumulate),
        count(it.flash),
    ]);
    print_row(&total);
}

/// The heads, the first `words` of which are above words, the others above numbers.
fn print_heads(heads: &[&str], words: usize) {
    println!("| {} |", heads.join(" | "));
    let rules = (0..heads.len()).map(|column| if column < words { "---" } else { "---:" });
    println!("| {} |", rules.collect::<Vec<_>>().join(" | "));
}

fn print_row(cells: &[String]) {
    // An empty cell takes one space, not two.
    println!("| {} |", cells.join(" | ").replace("  ", " "));
}

/// Nothing for zero: what matters stands out.
fn count(number: u64) -> String {
    match number {
        0 => String::new(),
        number => HumanCount(number).to_string(),
    }
}
