//! The plan as text.

use anstyle::{AnsiColor, Style};
use herringbone_compiler::report::thousands;

use crate::chart;
use crate::tables::{self, table_within as table};
use herringbone_compiler::report::view::{PeakView, View};

/// Instructions that are looked at for the worst case: some seconds' worth.
pub(crate) const MOST_STEPS: u64 = 300_000_000;

const BOLD: Style = Style::new().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Prints it, in colours to a terminal.
pub(crate) fn print(view: &View) {
    let width = tables::width();
    for note in &view.notes {
        anstream::eprintln!("{NOTE}note{NOTE:#}: {note}\n");
    }
    anstream::println!("{}\n", summary(view));
    if let Some(sharing) = &view.sharing {
        anstream::println!("{BOLD}Windows{BOLD:#}\n{sharing}\n");
    }
    anstream::println!("{BOLD}Layers{BOLD:#}");
    anstream::println!("{}", layers(view, width));
    anstream::println!(
        "inputs, outputs: bytes of the arena in use at the layer's worst moment; of layers that run\n\
         while the input arrives, what they keep. needs: from the first such byte to the last\n"
    );
    match &view.followed {
        Some(followed) => {
            anstream::println!(
                "{BOLD}Bytes in use over time{BOLD:#}, of an arena of {}",
                view.arena_bytes
            );
            anstream::println!("{}", chart::draw(view, followed, width.into()));
            anstream::println!("{}\n", peak(&followed.peak));
        }
        // Each part has an arena of its own.
        None if view.sharing.is_some() => {}
        None => anstream::println!(
            "{BOLD}Bytes in use over time{BOLD:#} are not shown: the network is too large to follow \
             each of its values\n"
        ),
    }
    anstream::println!("{BOLD}Plans{BOLD:#}");
    anstream::println!("{}", alternatives(view, width));
}

fn summary(view: &View) -> String {
    let target = view
        .target
        .map_or(String::new(), |target| format!(" on {target}"));
    let of = |given: Option<u32>| {
        given.map_or(String::new(), |given| {
            format!(" of {}", thousands(given.into()))
        })
    };
    let mut text = format!(
        "{BOLD}{}{BOLD:#}{target}: plan {BOLD}{}{BOLD:#}, {} bytes{} of SRAM",
        view.network,
        view.plan,
        thousands(view.sram_bytes.into()),
        of(view.sram_budget_bytes),
    );
    let flash_bytes = view.flash_with_reserve_bytes.unwrap_or(view.flash_bytes);
    if flash_bytes > 0 {
        let tables = match view.predicted_cycles {
            Some(_) => "",
            None => " (tables alone)",
        };
        let flash = thousands(flash_bytes);
        text.push_str(&format!(
            ", {flash}{} of flash{tables}",
            of(view.flash_budget_bytes)
        ));
    }
    if let Some(cycles) = view.predicted_cycles {
        text.push_str(&format!(", about {} cycles", thousands(cycles)));
    }
    if let Some((cycles, push)) = view.most_cycles.zip(view.most_push_cycles) {
        text.push_str(&format!(
            " (at most {}, {} of them in the longest `push`)",
            thousands(cycles),
            thousands(push)
        ));
    }
    if !view.fits {
        text.push_str("; it does not fit");
    }
    text.push_str(&format!(
        "\n{} in, {} out, {} multiply-accumulates; weights of {} bits, activations of {}\n\
         SRAM: {} arena + {} state",
        view.input,
        view.outputs,
        thousands(view.multiply_accumulates),
        view.weight_bits,
        view.activation_bits,
        view.arena_bytes,
        view.state_bytes,
    ));
    if view.parameter_bytes > 0 {
        text.push_str(&format!(" + {} parameters", view.parameter_bytes));
    }
    if view.results_bytes > 0 {
        text.push_str(&format!(" + {} results", view.results_bytes));
    }
    if view.window_bytes > 0 {
        text.push_str(&format!(" + {} window", view.window_bytes));
    }
    if view.features_bytes > 0 {
        text.push_str(&format!(" + {} samples", view.features_bytes));
    }
    text + &format!(
        " + {} reserve (its deepest stack: {})\n{}:{}",
        view.reserve_bytes, view.stack_bytes, view.file, view.line
    )
}

fn layers(view: &View, width: u16) -> String {
    let has_code = view.predicted_cycles.is_some();
    let mut heads = vec!["layer", "output", "how", "inputs", "outputs", "needs"];
    let mut words = vec![0, 1, 2];
    if has_code {
        heads.extend(["weights", "flash", "cycles"]);
        words.push(6);
    }
    let rows = view.layers.iter().map(|layer| {
        let needs = layer.needed_bytes.map_or(String::new(), |bytes| {
            let mark = if layer.is_peak { "◄ " } else { "" };
            format!("{mark}{}", thousands(bytes.into()))
        });
        let mut row = vec![
            layer.layer.clone(),
            layer.output.to_string(),
            layer.how.clone(),
            thousands(layer.live_input_bytes.into()),
            thousands(layer.live_output_bytes.into()),
            needs,
        ];
        if has_code {
            row.extend([
                layer.form.unwrap_or("–").to_owned(),
                number(layer.flash_bytes),
                number(layer.predicted_cycles),
            ]);
        }
        row
    });
    table(&heads, &words, rows, width)
}

fn peak(peak: &PeakView) -> String {
    let held = peak.held.iter();
    let held: Vec<String> = held
        .map(|held| format!("{} bytes of {}", held.bytes, held.layer))
        .collect();
    format!(
        "At the peak, while {} runs: {}.",
        peak.while_layer,
        held.join(", ")
    )
}

fn alternatives(view: &View, width: u16) -> String {
    let heads = ["", "plan", "arena", "SRAM", "flash", "cycles", "fits"];
    let some_are_known = view.predicted_cycles.is_some()
        || view
            .alternatives
            .iter()
            .any(|plan| plan.predicted_cycles.is_some());
    let has_budget = view.sram_budget_bytes.or(view.flash_budget_bytes).is_some();
    let rows = view.alternatives.iter().map(|plan| {
        let chosen = if plan.is_chosen { "►" } else { "" };
        let flash_bytes = plan.flash_with_reserve_bytes.unwrap_or(plan.flash_bytes);
        // Beside plans whose code is known, tables alone would look small.
        let is_known = plan.predicted_cycles.is_some() || !some_are_known;
        let short = [
            ("SRAM", plan.shortfall.sram_bytes),
            ("flash", plan.shortfall.flash_bytes),
        ];
        let short = short.iter().filter(|(_, bytes)| *bytes > 0);
        let short: Vec<String> = short
            .map(|(memory, bytes)| format!("{memory} {} short", thousands(*bytes)))
            .collect();
        let fits = match plan.fits {
            _ if !has_budget => "no budget".to_owned(),
            false => format!("no: {}", short.join(", ")),
            true if is_known => "yes".to_owned(),
            true => "SRAM does".to_owned(),
        };
        vec![
            chosen.to_owned(),
            plan.plan.clone(),
            thousands(plan.arena_bytes.into()),
            thousands(plan.sram_bytes.into()),
            number(Some(flash_bytes).filter(|_| is_known)),
            number(plan.predicted_cycles),
            fits,
        ]
    });
    table(&heads, &[0, 1, 6], rows, width)
}

/// A dash where it is not known.
fn number(number: Option<u64>) -> String {
    number.map_or("–".to_owned(), thousands)
}
