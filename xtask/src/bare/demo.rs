//! `cargo xtask demo --part`: digits on a simulated part with a 32-bit core.

use std::path::Path;

use anyhow::Result;
use console::style;
use indicatif::HumanCount;

use super::{Bare, Board, build};
use crate::digits;
use crate::microbit::sized;
use crate::paths::Weights;
use crate::picture::{self, Captioned};

/// Classifies the digits that ship, or `count` of those in the folder `images`, on `bare`.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn run(
    bare: &'static Bare,
    images: Option<&Path>,
    count: usize,
    weights: &Weights,
) -> Result<()> {
    let digits = digits::choose(images, count)?;
    let elf = build(bare, weights)?.executable;
    let board = Board::new(bare, &elf)?;
    let (mut right, mut cycles, mut stack_bytes) = (0, 0, 0);
    for row in digits.chunks(picture::abreast()) {
        let mut pictures = Vec::new();
        for digit in row {
            let (verdict, cost) = board.classify(&[&digit.input])?;
            let is_right = verdict.class == digit.label;
            right += usize::from(is_right);
            cycles += cost.cycles;
            stack_bytes = stack_bytes.max(cost.stack_bytes);
            let class = style(verdict.class).bold();
            let told = match is_right {
                true => format!("{class}, as expected"),
                false => format!("{class}, {} {}", style("expected").red(), digit.label),
            };
            pictures.push(Captioned {
                image: &digit.input,
                caption: vec![
                    told,
                    format!("{} cycles", HumanCount(cost.cycles)),
                    format!("{:.1} ms", milliseconds(cost.cycles as f64, bare)),
                ],
            });
        }
        if images.is_none() {
            picture::print(&pictures);
        }
    }
    let mean = cycles as f64 / digits.len().max(1) as f64;
    let summary = format!("{right} of {} right", digits.len());
    println!("{}", style(summary).bold());
    println!(
        "{} cycles an image on average, {:.1} ms at {} MHz",
        HumanCount(mean.round() as u64),
        milliseconds(mean, bare),
        bare.frequency / 1_000_000
    );
    let built = sized(elf)?;
    println!(
        "\n{}, bytes: {} of static SRAM and {} of stack, of {}; {} of flash, of {}",
        bare.part,
        HumanCount(built.static_bytes),
        HumanCount(stack_bytes.into()),
        HumanCount(bare.map.sram_bytes.into()),
        HumanCount(built.flash_bytes),
        HumanCount(bare.map.flash_bytes.into()),
    );
    Ok(())
}

/// The time that `cycles` take on the part.
fn milliseconds(cycles: f64, bare: &Bare) -> f64 {
    cycles * 1e3 / f64::from(bare.frequency)
}
