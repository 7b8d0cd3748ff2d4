//! A plan for people to read: as text, and as a table in the type's rustdoc.

use crate::budget::{CURSOR_BYTES, Design};
use crate::declaration::Declaration;
use crate::network::{LayerKind, Network};
use crate::plan::{Intake, LayerPlan, MemoryPlan};

/// The heads of the table's columns.
const HEADS: [&str; 6] = [
    "layer",
    "output",
    "order",
    "inputs live",
    "outputs live",
    "needs",
];

/// What the table's numbers are.
const CAPTION: &str =
    "Bytes of the arena at worst; `needs` has what lies between, not yet free, too:";

/// One row of the table.
type Row = [String; HEADS.len()];

/// The plan as lines of text.
pub fn text(name: &str, declaration: &Declaration, design: &Design) -> String {
    let rows = rows(&declaration.network, &design.plan);
    let widths: [usize; HEADS.len()] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADS[column].len()]).max().unwrap_or(0)
    });
    let line = |cells: [&str; HEADS.len()]| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
            // Words to the left, numbers to the right.
            line.push_str(&match column {
                0..3 => format!("{cell:<width$}  "),
                _ => format!("{cell:>width$}  "),
            });
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text = format!("{name}: {}\n\n{CAPTION}\n\n", summary(declaration, design));
    text.push_str(&line(HEADS));
    for row in &rows {
        text.push_str(&line(std::array::from_fn(|column| row[column].as_str())));
    }
    text.push('\n');
    text.push_str(&sram(declaration, design));
    text
}

/// The plan as Markdown.
pub fn markdown(declaration: &Declaration, design: &Design) -> String {
    let mut text = format!(
        "# Memory plan\n\n{}\n\n{CAPTION}\n\n| {} |\n|---|---|---|---:|---:|---:|\n",
        summary(declaration, design),
        HEADS.join(" | ")
    );
    for row in rows(&declaration.network, &design.plan) {
        text.push_str(&format!("| {} |\n", row.join(" | ").replace('*', "\\*")));
    }
    text.push('\n');
    text.push_str(&sram(declaration, design));
    text
}

fn summary(declaration: &Declaration, design: &Design) -> String {
    let network = &declaration.network;
    let bits = network.bits();
    format!(
        "{} bytes in, {} out, {} multiply-accumulates;\n\
         weights of {} bits, activations of {}; plan `{}`.",
        network.input().values(),
        network.output().values(),
        thousands(network.multiply_accumulates()),
        bits.weights,
        bits.activations,
        design.plan.strategy,
    )
}

fn sram(declaration: &Declaration, design: &Design) -> String {
    let mut text = format!(
        "SRAM: {} arena + {CURSOR_BYTES} state + {}{} reserve = {} bytes",
        design.plan.arena_bytes,
        match design.parameter_bytes {
            0 => String::new(),
            bytes => format!("{bytes} parameters + "),
        },
        design.reserve_bytes,
        design.sram_bytes(),
    );
    if let Some(given) = declaration.budget.sram_bytes {
        text.push_str(&format!(" of {given}"));
        if let Some(target) = declaration.budget.target {
            text.push_str(&format!(" ({})", target.name));
        }
    }
    text + ".\n"
}

fn rows(network: &Network, plan: &MemoryPlan) -> Vec<Row> {
    let mut rows = Vec::new();
    let peak = plan.peak();
    let needs = |step: &LayerPlan| {
        let bytes = plan.bytes(step.need_cells);
        if step == peak {
            format!("{bytes} (peak)")
        } else {
            bytes.to_string()
        }
    };
    let intake = &plan.intake_need;
    let (name, output) = match plan.intake {
        Intake::Pool { layer, .. } => {
            let layer = network.layer(layer);
            (layer.to_string(), layer.output)
        }
        Intake::Store => ("input".to_owned(), network.input()),
    };
    rows.push([
        name,
        output.to_string(),
        "as it arrives".to_owned(),
        "0".to_owned(),
        plan.bytes(intake.live_output_cells).to_string(),
        needs(intake),
    ]);
    for step in &plan.steps {
        let layer = network.layer(step.layer);
        rows.push([
            layer.to_string(),
            layer.output.to_string(),
            match layer.kind {
                LayerKind::Dense { .. } => "one by one".to_owned(),
                _ => step.order.to_string(),
            },
            plan.bytes(step.live_input_cells).to_string(),
            plan.bytes(step.live_output_cells).to_string(),
            needs(step),
        ]);
    }
    rows
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}
