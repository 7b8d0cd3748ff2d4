//! `cargo xtask demo`: digits, what the network makes of them, and what that takes.

use std::path::Path;

use anyhow::{Context as _, Result};
use console::style;
use indicatif::HumanCount;

use crate::build;
use crate::classifier::{Cost, Description, Host, Simulated, Verdict};
use crate::declaration;
use crate::digits::{self, Digit};
use crate::firmware::{self, Firmware, Inputs};
use crate::paths::Weights;
use crate::picture::{self, Captioned};
use crate::programs::Programs;
use crate::progress;
use crate::toolchain;

/// The firmware whose networks are shown on the host.
const ON_HOST: [&str; 3] = ["uno", "uno-accurate", "tiny85"];

/// A digit that was classified; what that cost is known of the firmware alone.
struct Outcome<'digit> {
    digit: &'digit Digit,
    class: u8,
    cost: Option<Cost>,
}

impl Outcome<'_> {
    fn is_right(&self) -> bool {
        self.class == self.digit.label
    }
}

/// Classifies the digits that ship, or `count` of those in the folder `images`: in the simulated
/// firmware `uno`, or by each of three networks on the `host`. `weights` are for `uno`.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn run(images: Option<&Path>, count: usize, host: bool, weights: &Weights) -> Result<()> {
    let digits = digits::choose(images, count)?;
    let many = images.is_some();
    if host {
        on_host(&digits, many, weights)
    } else {
        simulated(firmware::find("uno")?, &digits, many, weights)
    }
}

/// Classifies `count` spoken digits in the simulated firmware `uno-keyword`: those for testing in
/// the folder `data`.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn spoken(data: &Path, count: usize) -> Result<()> {
    let digits = digits::spoken(data, count)
        .context("the features cannot be read: examples/keyword/make_rows.py makes some")?;
    let keyword = firmware::find("uno-keyword")?;
    simulated(keyword, &digits, true, &Weights::default())
}

fn simulated(
    firmware: &'static Firmware,
    digits: &[Digit],
    many: bool,
    weights: &Weights,
) -> Result<()> {
    let simulator = build::simulator()?;
    let programs = Programs::build(firmware, weights, toolchain::avr()?, &simulator)?;
    let description = programs.host()?.description;
    let mut simulated = programs.simulate()?;
    let outcomes = classify(digits, firmware, many, |digit| {
        let (verdict, cost) = simulated.classify(&digit.input)?;
        Ok((verdict, Some(cost)))
    })?;
    if many && firmware.inputs == Inputs::Handwritten {
        print_some_wrong(&outcomes, firmware);
    }
    println!("{}", style(summary(&outcomes, many)).bold());
    print_costs(&outcomes, firmware, &simulated, &description);
    print_plan(&description);
    Ok(())
}

/// Shows what the first network makes of the digits, and how many each of them gets right.
fn on_host(digits: &[Digit], many: bool, weights: &Weights) -> Result<()> {
    let mut lines = Vec::new();
    for name in ON_HOST {
        let firmware = firmware::find(name)?;
        let mut network = Host::start(&build::host(firmware, weights)?, None)?;
        let is_first = lines.is_empty();
        let outcomes = classify(digits, firmware, many || !is_first, |digit| {
            Ok((network.classify(&digit.input)?, None))
        })?;
        if is_first {
            if many {
                print_some_wrong(&outcomes, firmware);
            }
            print_plan(&network.description);
        }
        let summary = style(summary(&outcomes, many)).bold();
        lines.push(format!(
            "{name:<13} {summary}  {}",
            declaration::layers(firmware)?
        ));
    }
    println!("\n{}", lines.join("\n"));
    Ok(())
}

fn print_plan(description: &Description) {
    println!(
        "{}\n{}",
        style("The plan").bold(),
        description.plan.trim_end()
    );
}

/// Classifies all `digits` by the network of `firmware`: one by one before the user's eyes, or, where
/// there are `many`, with a bar.
fn classify<'digit>(
    digits: &'digit [Digit],
    firmware: &Firmware,
    many: bool,
    mut classify: impl FnMut(&Digit) -> Result<(Verdict, Option<Cost>)>,
) -> Result<Vec<Outcome<'digit>>> {
    let bar =
        many.then(|| progress::images(&format!("classifying by {}", firmware.name), digits.len()));
    let mut outcomes: Vec<Outcome> = Vec::new();
    for row in digits.chunks(picture::abreast()) {
        for digit in row {
            let (verdict, cost) = classify(digit)?;
            let class = verdict.class;
            outcomes.push(Outcome { digit, class, cost });
            if let Some(bar) = &bar {
                bar.inc(1);
            }
        }
        if !many {
            print_pictures(&outcomes[outcomes.len() - row.len()..], firmware);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(outcomes)
}

fn print_some_wrong(outcomes: &[Outcome], firmware: &Firmware) {
    let wrong = outcomes.iter().filter(|outcome| !outcome.is_right());
    let wrong: Vec<_> = wrong.take(picture::abreast()).collect();
    if !wrong.is_empty() {
        println!("{}", style("Some that it got wrong").bold());
        print_pictures(wrong, firmware);
    }
}

fn print_pictures<'outcome>(
    outcomes: impl IntoIterator<Item = &'outcome Outcome<'outcome>>,
    firmware: &Firmware,
) {
    let pictures: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| Captioned {
            image: &outcome.digit.input,
            caption: caption(outcome, firmware),
        })
        .collect();
    picture::print(&pictures);
}

fn caption(outcome: &Outcome, firmware: &Firmware) -> Vec<String> {
    let class = style(outcome.class).bold();
    let label = outcome.digit.label;
    let first = if outcome.is_right() {
        format!("{class}, as expected")
    } else {
        format!("{class}, {} {label}", style("expected").red())
    };
    let mut caption = vec![first];
    if let Some(cost) = &outcome.cost {
        let cycles = HumanCount(cost.cycles);
        let milliseconds = milliseconds(cost.cycles as f64, firmware);
        caption.push(format!("{cycles} cycles"));
        caption.push(format!("{milliseconds:.1} ms"));
    }
    caption
}

/// The time that `cycles` take on the `firmware`'s microcontroller.
fn milliseconds(cycles: f64, firmware: &Firmware) -> f64 {
    cycles * 1e3 / f64::from(firmware.frequency)
}

/// How many are right; where there are `many`, their share too.
fn summary(outcomes: &[Outcome], many: bool) -> String {
    let right = outcomes.iter().filter(|outcome| outcome.is_right()).count();
    let total = outcomes.len();
    let (right_count, total_count) = (HumanCount(right as u64), HumanCount(total as u64));
    let mut summary = format!("{right_count} of {total_count} right");
    if many {
        let percent = right as f64 * 100.0 / total as f64;
        summary += &format!(": {percent:.2} %");
    }
    summary
}

fn print_costs(
    outcomes: &[Outcome],
    firmware: &Firmware,
    simulated: &Simulated,
    planned: &Description,
) {
    let costs: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.cost.as_ref())
        .collect();
    let mean = costs.iter().map(|cost| cost.cycles).sum::<u64>() as f64 / costs.len() as f64;
    println!(
        "{} cycles an image on average, {:.1} ms at {} MHz",
        HumanCount(mean.round() as u64),
        milliseconds(mean, firmware),
        firmware.frequency / 1_000_000
    );
    println!();

    let footprint = &simulated.footprint;
    let stack = costs.iter().map(|cost| cost.stack).max().unwrap_or(0);
    let title = format!("Memory of the {}, bytes", firmware.mcu);
    let heads = format!(
        "{title:<33}{:>9}{:>9}{:>11}",
        "measured", "planned", "given"
    );
    println!("{}", style(heads).bold());
    print_bytes("static SRAM", footprint.sram_static, None, None);
    print_bytes("deepest stack", stack, None, None);
    let sram = footprint.sram_static + stack;
    print_bytes(
        "SRAM together",
        sram,
        Some(planned.sram_bytes),
        Some(firmware.sram),
    );
    print_bytes("flash", footprint.flash, None, Some(firmware.flash));
    println!();
}

fn print_bytes(what: &str, measured: u64, planned: Option<u64>, there_are: Option<u64>) {
    let cell = |bytes: Option<u64>| bytes.map_or_else(String::new, |it| HumanCount(it).to_string());
    let (measured, planned, there_are) = (cell(Some(measured)), cell(planned), cell(there_are));
    let line = format!("{what:<33}{measured:>9}{planned:>9}{there_are:>11}");
    println!("{}", line.trim_end());
}
