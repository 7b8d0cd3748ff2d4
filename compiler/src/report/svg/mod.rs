//! The plan as a picture: the network where it is no chain, the arena over time,
//! and how a map is stored.

mod arena;
mod canvas;
mod graph;
mod palette;
mod storage;

use super::drawn::Drawn;
use super::{ArenaOverTime, given, thousands};
use crate::budget::Design;
use crate::declaration::Declaration;
use crate::network::{Network, NodeId};
use crate::plan::MemoryPlan;
use crate::program::Program;
use crate::tflite::{Model, Plan};
use arena::Detail;
use canvas::{Anchor, Canvas, Font};

/// The width of every picture, in pixels.
const WIDTH: f64 = 960.0;
/// Left and right of everything.
const MARGIN: f64 = 24.0;
/// Below the titles.
const TOP: f64 = 84.0;

/// The most values that are read and written in an inference whose picture is part
/// of the rustdoc: the macro should not be felt, not even where it is compiled
/// without optimisation, as macros are.
const MOST_VALUES_OF_RUSTDOC: u64 = 100_000;
const MOST_MULTIPLY_ACCUMULATES_OF_RUSTDOC: u64 = 400_000;

/// What there is to draw.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The network's name.
    pub name: &'a str,
    pub declaration: &'a Declaration,
    pub design: &'a Design,
    /// The program of that plan.
    pub program: &'a Program,
    /// What its arena holds.
    pub arena: &'a ArenaOverTime,
}

/// What there is to draw of a model.
#[derive(Clone, Copy)]
pub struct ModelPicture<'a> {
    /// The model's name.
    pub name: &'a str,
    pub model: &'a Model,
    pub plan: &'a Plan,
    /// The program of that plan.
    pub program: &'a Program,
    /// What its arena holds.
    pub arena: &'a ArenaOverTime,
}

/// What is drawn, of a network or a model.
struct Subject<'a> {
    name: &'a str,
    /// What it takes, in a line.
    summary: String,
    drawn: Drawn,
    plan: &'a MemoryPlan,
    program: &'a Program,
    arena: &'a ArenaOverTime,
}

impl<'a> Subject<'a> {
    fn network(picture: &Picture<'a>) -> Self {
        let Picture {
            name,
            declaration,
            design,
            program,
            arena,
        } = *picture;
        let network = &declaration.network;
        let summary = format!(
            "plan {}  ·  {} in, {} out  ·  {} multiply-accumulates  ·  arena {} bytes  ·  SRAM {} bytes{}",
            design.plan.strategy.name(&network.dataflow()),
            network.input(),
            network.output().values(),
            thousands(network.multiply_accumulates()),
            design.plan.arena_bytes,
            design.sram_bytes(),
            given(declaration, declaration.budget.sram_bytes).trim_end_matches('.'),
        );
        Self {
            name,
            summary,
            drawn: Drawn::network(network),
            plan: &design.plan,
            program,
            arena,
        }
    }

    fn model(picture: &ModelPicture<'a>) -> Self {
        let ModelPicture {
            name,
            model,
            plan,
            program,
            arena,
        } = *picture;
        let summary = format!(
            "plan {}  ·  {} in, {} out  ·  {} multiply-accumulates  ·  arena {} bytes",
            plan.name,
            model.dataflow.input(),
            model.output_bytes,
            thousands(model.multiply_accumulates),
            thousands(plan.memory.arena_bytes.into()),
        );
        Self {
            name,
            summary,
            drawn: Drawn::model(model),
            plan: &plan.memory,
            program,
            arena,
        }
    }
}

/// The picture as an SVG file.
pub fn svg(picture: &Picture<'_>) -> String {
    draw(&Subject::network(picture), Detail::FILE)
}

/// A model's picture as an SVG file.
pub fn model_svg(picture: &ModelPicture<'_>) -> String {
    draw(&Subject::model(picture), Detail::FILE)
}

/// Whether the network is so small that its picture is part of the rustdoc.
pub(crate) fn fits_rustdoc(network: &Network) -> bool {
    // The interpreter that finds out what is live computes all of them, while the
    // user waits for a build.
    network.multiply_accumulates() <= MOST_MULTIPLY_ACCUMULATES_OF_RUSTDOC
        && Drawn::network(network).values_read_and_written() <= MOST_VALUES_OF_RUSTDOC
}

/// The picture as a part of Markdown.
pub(crate) fn rustdoc(picture: &Picture<'_>) -> String {
    // A `div` begins a block of HTML wherever it stands, and a blank line ends it.
    let drawn = draw(&Subject::network(picture), Detail::RUSTDOC);
    format!("<div>\n{drawn}</div>\n")
}

fn draw(subject: &Subject<'_>, detail: Detail) -> String {
    let mut canvas = Canvas::new();
    let title = format!("{}: what its memory holds, moment by moment", subject.name);
    canvas.text((MARGIN, 38.0), Anchor::Start, Font::TITLE, &title);
    canvas.text((MARGIN, 60.0), Anchor::Start, Font::FAINT, &subject.summary);
    // The legend of a chain is its list already.
    let graph = (!subject.drawn.flow.is_chain()).then(|| {
        let colour = |node: Option<NodeId>| palette::colour(subject.arena.owner_of(node));
        graph::draw(&mut canvas, &subject.drawn, colour, TOP)
    });
    let beside = graph.as_ref().map_or(0.0, |graph| graph.width + MARGIN);
    canvas.begin_shifted(beside);
    let below = arena::draw(&mut canvas, subject, detail, TOP);
    let below = storage::draw(&mut canvas, subject, below + 26.0);
    canvas.end_shifted();
    let below = graph.map_or(below, |graph| below.max(graph.bottom));
    canvas.finish(WIDTH + beside, below, &title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{self, Sums};
    use crate::program::{self, Accumulator};
    use crate::syntax;
    use std::time::Instant;

    fn rustdoc_of(text: &str) -> String {
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let sums = Sums {
            widest: Accumulator::I16,
            constants: None,
        };
        let design = budget::choose(&declaration, &sums);
        let program = program::lower_runtime(&declaration, &design.plan);
        let start = Instant::now();
        let arena = ArenaOverTime::of(&declaration.network, &program).unwrap();
        let picture = Picture {
            name: "Digits",
            declaration: &declaration,
            design: &design,
            program: &program,
            arena: &arena,
        };
        let picture = rustdoc(&picture);
        println!("{text}: {} bytes in {:?}", picture.len(), start.elapsed());
        picture
    }

    #[test]
    fn the_picture_in_the_rustdoc_is_small_and_one_block_of_markup() {
        for plan in ["row_major", "herringbone", "streamed"] {
            let text = format!(
                "Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >, plan: {plan}"
            );
            let picture = rustdoc_of(&text);
            assert!(picture.len() < 40_000, "{plan}: {} bytes", picture.len());
            assert!(!picture.contains("\n\n"), "{plan}: a blank line ends it");
            for layer in ["C1(5,3)", "C1(8,3)", "C1(11,3)", "M ", "D*(10)"] {
                assert!(picture.contains(layer), "{plan}: no {layer}");
            }
        }
    }
    #[test]
    fn a_network_that_is_no_chain_is_drawn_with_its_labels_shapes_and_joins() {
        let picture = rustdoc_of(
            "Digits: [12, 10, 1] => < 'stem: C1(8,3, stride: 2, padding: same), 'left: C1(4,1), \
             'stem, T(3, padding: same), C1(4,1), Cat('left), R(3), C1(8,1, add: 'stem), D*(10) >",
        );
        for text in [
            "'stem: C1(8,3, stride: 2, padding: same)",
            "'left: C1(4,1)",
            "T(3, padding: same)",
            "Cat",
            "R(3) first",
            "R(3) second",
            "6×5×8",
            "1×1×10",
        ] {
            assert!(picture.contains(&format!(">{text}</text>")), "no {text}");
        }
        let signs = |sign: &str| picture.matches(&format!(">{sign}</text>")).count();
        assert_eq!((signs("+"), signs("‖")), (2, 1));
        assert!(!picture.contains("\n\n"), "a blank line ends it");
    }
}
