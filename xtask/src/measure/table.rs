//! Measurements for a terminal.

use console::style;
use indicatif::HumanCount;

use super::{KINDS, Measurement, Part};
use crate::bare;
use crate::sensing;

pub(super) fn print(
    measurements: &[Measurement],
    bare: &[bare::measure::Measurement],
    sensing: &[sensing::Measurement],
) {
    for (index, measurement) in measurements.iter().enumerate() {
        if index > 0 {
            println!();
        }
        print_one(measurement);
    }
    for (index, measurement) in bare.iter().enumerate() {
        if index > 0 || !measurements.is_empty() {
            println!();
        }
        println!("{}", measurement.text());
    }
    for (index, measurement) in sensing.iter().enumerate() {
        if index > 0 || !measurements.is_empty() || !bare.is_empty() {
            println!();
        }
        let heads = sensing::Measurement::HEADS.iter();
        for (head, cell) in heads.zip(measurement.cells()) {
            println!("{head:<28} {cell}");
        }
    }
}

fn print_one(it: &Measurement) {
    let milliseconds = it.cycles.mean as f64 * 1e3 / f64::from(it.frequency);
    println!(
        "{}, plan {}: {} cycles an image, {milliseconds:.1} ms at {} MHz ({} to {} cycles, {} images{})",
        style(format!("{} on {}", it.firmware, it.mcu)).bold(),
        it.plan,
        HumanCount(it.cycles.mean),
        it.frequency / 1_000_000,
        HumanCount(it.cycles.min),
        HumanCount(it.cycles.max),
        it.images,
        it.cycles_predicted
            .map_or_else(String::new, |cycles| format!(
                "; predicted: {}",
                HumanCount(cycles)
            )),
    );
    println!(
        "SRAM: {} static ({} of them the arena) + {} of stack (predicted: {} and main's) = {} bytes",
        it.sram_static,
        it.arena,
        it.stack,
        it.stack_predicted,
        it.sram_static + it.stack
    );
    println!(
        "flash: {} bytes, {} of them the network's (predicted: {})",
        HumanCount(it.flash),
        HumanCount(it.flash_network),
        HumanCount(it.flash_predicted)
    );

    let mut heads = vec!["layer", "cycles"];
    heads.extend(KINDS);
    heads.extend(["mult.-accs", "cycles each", "flash"]);
    println!("{}", style(row(&heads)).bold());
    for part in &it.parts {
        println!("{}", row(&cells(part)));
    }
    let mut total = vec!["together".to_owned(), count(it.cycles.mean)];
    total.extend(it.cycles_by_kind.by_kind().map(count));
    total.extend([
        count(it.multiply_accumulates),
        format!("{:.2}", it.cycles_per_multiply_accumulate),
        count(it.flash),
    ]);
    println!("{}", row(&total));
}

fn cells(part: &Part) -> Vec<String> {
    let mut cells = vec![part.name.clone(), count(part.cycles)];
    cells.extend(part.cycles_by_kind.by_kind().map(count));
    cells.extend([
        part.multiply_accumulates.map_or_else(String::new, count),
        part.cycles_per_multiply_accumulate
            .map_or_else(String::new, |each| format!("{each:.2}")),
        count(part.flash),
    ]);
    cells
}

/// Names to the left, numbers to the right.
fn row(cells: &[impl AsRef<str>]) -> String {
    let mut row = String::new();
    for (column, cell) in cells.iter().map(AsRef::as_ref).enumerate() {
        row += &match column {
            0 => format!("{cell:<20}"),
            _ => format!(" {cell:>11}"),
        };
    }
    row
}

/// Nothing for zero: what matters stands out.
fn count(number: u64) -> String {
    match number {
        0 => String::new(),
        number => HumanCount(number).to_string(),
    }
}
