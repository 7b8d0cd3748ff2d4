//! The plan as a picture: the arena over time, and how a map is stored.

mod arena;
mod canvas;
mod palette;
mod storage;

use super::{ArenaOverTime, given, thousands};
use crate::budget::Design;
use crate::declaration::Declaration;
use crate::program::Program;
use arena::Detail;
use canvas::{Anchor, Canvas, Font};

/// The width of every picture, in pixels.
const WIDTH: f64 = 960.0;
/// Left and right of everything.
const MARGIN: f64 = 24.0;

/// The most bytes of raw input whose picture is drawn in the type's rustdoc: the
/// macro should not be felt.
const LARGEST_RUSTDOC_INPUT_VALUES: u32 = 4096;

/// What there is to draw.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The network's name.
    pub name: &'a str,
    /// Its declaration.
    pub declaration: &'a Declaration,
    /// The plan.
    pub design: &'a Design,
    /// The program of that plan.
    pub program: &'a Program,
    /// What its arena holds.
    pub arena: &'a ArenaOverTime,
}

/// The picture as an SVG file.
pub fn svg(picture: &Picture<'_>) -> String {
    draw(picture, Detail::FILE)
}

/// Whether the network is so small that its picture is part of the rustdoc.
pub(crate) fn fits_rustdoc(program: &Program) -> bool {
    program.input.values() <= LARGEST_RUSTDOC_INPUT_VALUES
}

/// The picture as a part of Markdown.
pub(crate) fn rustdoc(picture: &Picture<'_>) -> String {
    // A `div` begins a block of HTML wherever it stands, and a blank line ends it.
    format!("<div>\n{}</div>\n", draw(picture, Detail::RUSTDOC))
}

fn draw(picture: &Picture<'_>, detail: Detail) -> String {
    let mut canvas = Canvas::new();
    let Picture {
        name,
        declaration,
        design,
        ..
    } = *picture;
    let network = &declaration.network;
    let title = format!("{name}: what its memory holds, moment by moment");
    canvas.text((MARGIN, 38.0), Anchor::Start, Font::TITLE, &title);
    let subtitle = format!(
        "plan `{}`  ·  {} in, {} out  ·  {} multiply-accumulates  ·  arena {} bytes; SRAM {} bytes{}",
        design.plan.strategy.name(network),
        network.input(),
        network.output().values(),
        thousands(network.multiply_accumulates()),
        design.plan.arena_bytes,
        design.sram_bytes(),
        given(declaration, declaration.budget.sram_bytes).trim_end_matches('.'),
    );
    canvas.text((MARGIN, 60.0), Anchor::Start, Font::FAINT, &subtitle);
    let below = arena::draw(&mut canvas, picture, detail, 84.0);
    let below = storage::draw(&mut canvas, picture, below + 26.0);
    canvas.finish(WIDTH, below, &title)
}
