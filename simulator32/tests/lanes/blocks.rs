//! Residual blocks, projections and branches, all of which are computed row by row as the input
//! arrives.

use anyhow::{Context as _, Result, ensure};
use herringbone_compiler::network::Network;
use herringbone_compiler::plan::{self, MemoryPlan, Place, Rings};
use herringbone_compiler::{program, syntax};
use herringbone_tests::networks::Case;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;

use crate::{judge_program, programs, runner};

/// What comes next in a list, after a map with that many channels.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// `R(k)`.
    Residual {
        kernel: u32,
    },
    /// Two layers, to the second of which the map is added.
    Skip {
        kernels: (u32, u32),
        last: Last,
        is_linear: bool,
    },
    /// The same at every other pixel, with a kernel of one pixel for the map.
    Projection {
        outputs: u32,
    },
    /// Two kernels over the map, beside one another.
    Branches {
        outputs: (u32, u32),
        kernel: u32,
    },
    /// A map of either sign to which the map is added.
    Sum {
        kernel: u32,
    },
    /// No branch: a convolution that is not padded, or a pooling.
    Convolution {
        outputs: u32,
        kernel: u32,
    },
    Pooling {
        is_average: bool,
    },
}

/// The layer that adds.
#[derive(Clone, Copy, Debug)]
enum Last {
    Convolution,
    Depthwise,
    Separable,
}

/// Lists as they are written.
#[derive(Debug)]
struct List {
    layers: Vec<String>,
    channels: u32,
}

impl List {
    /// The name of the running map.
    fn named(&mut self) -> String {
        let Some(last) = self.layers.last_mut() else {
            return "'input".to_owned();
        };
        if let Some((name, _)) = last.split_once(':')
            && name.starts_with('\'')
        {
            return name.to_owned();
        }
        let name = format!("'m{}", self.layers.len());
        let last = self.layers.last_mut().expect("there is one");
        *last = format!("{name}: {last}");
        name
    }

    fn add(&mut self, part: Part) {
        let channels = self.channels;
        match part {
            Part::Residual { kernel } => self.layers.push(format!("R({kernel})")),
            Part::Skip {
                kernels: (first, second),
                last,
                is_linear,
            } => {
                let map = self.named();
                let star = if is_linear { "*" } else { "" };
                let of_last = match last {
                    Last::Convolution => format!("C1{star}({channels},{second}"),
                    Last::Depthwise => format!("T{star}({second}"),
                    Last::Separable => format!("C2{star}({channels},{second}"),
                };
                self.layers.extend([
                    format!("C1({channels},{first}, padding: same)"),
                    format!("{of_last}, padding: same, add: {map})"),
                ]);
            }
            Part::Projection { outputs } => {
                let map = self.named();
                self.channels = outputs;
                self.layers
                    .push(format!("C1({outputs},3, stride: 2, padding: same)"));
                self.layers.push(format!("C1*({outputs},3, padding: same)"));
                let other = self.named();
                self.layers
                    .extend([map, format!("C1({outputs},1, stride: 2, add: {other})")]);
            }
            Part::Branches {
                outputs: (first, second),
                kernel,
            } => {
                let map = self.named();
                self.channels = first + second;
                self.layers.push(format!("C1({first},1)"));
                let other = self.named();
                self.layers.extend([
                    map,
                    format!("C1({second},{kernel}, padding: same)"),
                    format!("Cat({other})"),
                ]);
            }
            Part::Sum { kernel } => {
                let map = self.named();
                self.layers.extend([
                    format!("C1*({channels},{kernel}, padding: same)"),
                    format!("Add({map})"),
                ]);
            }
            Part::Convolution { outputs, kernel } => {
                self.channels = outputs;
                self.layers.push(format!("C1({outputs},{kernel})"));
            }
            Part::Pooling { is_average } => {
                self.layers
                    .push(if is_average { "A(2)" } else { "M(2)" }.to_owned());
            }
        }
    }
}

fn part() -> impl Strategy<Value = Part> {
    let kernel = || select(vec![1u32, 2, 3, 3, 3, 5]);
    let last = select(vec![
        Last::Convolution,
        Last::Convolution,
        Last::Depthwise,
        Last::Separable,
    ]);
    let skip = ((kernel(), kernel()), last, any::<bool>());
    prop_oneof![
        3 => kernel().prop_map(|kernel| Part::Residual { kernel }),
        3 => skip.prop_map(|(kernels, last, is_linear)| Part::Skip { kernels, last, is_linear }),
        2 => (1u32..=9).prop_map(|outputs| Part::Projection { outputs }),
        2 => ((1u32..=6, 1u32..=6), kernel())
            .prop_map(|(outputs, kernel)| Part::Branches { outputs, kernel }),
        1 => kernel().prop_map(|kernel| Part::Sum { kernel }),
        2 => (1u32..=9, 1u32..=3)
            .prop_map(|(outputs, kernel)| Part::Convolution { outputs, kernel }),
        1 => any::<bool>().prop_map(|is_average| Part::Pooling { is_average }),
    ]
}

/// A network as it is declared.
fn parsed(text: &str) -> Option<Network> {
    let parsed = syntax::parse(text.parse().ok()?);
    Some(parsed.declaration?.network)
}

/// Networks of one to four parts, in which a map is read twice.
fn networks() -> impl Strategy<Value = Network> {
    let end = select(vec!["", "M(2)", "A(2)", "A(all)", "D(7)", "D(5), D(4)"]);
    let bits = (
        select(vec![2u32, 4, 4, 8]),
        select(vec![8u32, 8, 16]),
        select(vec![4u32, 4, 4, 8]),
    );
    (
        (4u32..=14, 3u32..=14, select(vec![1u32, 1, 2, 3])),
        select(vec!["", "", "A(2)"]),
        prop::collection::vec(part(), 1..=4),
        end,
        (bits, 1u32..=10),
    )
        .prop_filter_map(
            "its layers fit their maps",
            |(shape, leading, parts, end, (bits, classes))| {
                let (height, width, channels) = shape;
                let mut list = List {
                    layers: Vec::new(),
                    channels,
                };
                if !leading.is_empty() {
                    list.layers.push(leading.to_owned());
                }
                parts.into_iter().for_each(|part| list.add(part));
                if !end.is_empty() {
                    list.layers.push(end.to_owned());
                }
                list.layers.push(format!("D*({classes})"));
                let network = parsed(&format!(
                    "N: [{height}, {width}, {channels}] => < {} >, \
                     bits: {{ weights: {}, biases: {}, activations: {} }}",
                    list.layers.join(", "),
                    bits.0,
                    bits.1,
                    bits.2,
                ))?;
                (!network.dataflow().is_chain()).then_some(network)
            },
        )
}

/// The plan of which all that can is computed as the input arrives.
fn streamed(case: &Case, rings: Rings) -> Result<MemoryPlan> {
    let flow = case.network.dataflow().with_rings(rings);
    let proven = program::prove(&case.network, &case.weights).ok();
    let sums = proven.context("its sums fit")?.sum_bytes();
    Ok(plan::plan(&flow, &sums, plan::Strategy::STREAMED))
}

/// Bytes of the arena of plans by pixels and by rows: a ring has less than a row more, and less than
/// another one to end with a byte.
fn arenas(case: &Case) -> Result<[u32; 2]> {
    let by_pixels = streamed(case, Rings::Pixels)?;
    let by_rows = streamed(case, Rings::Rows)?;
    for (id, value) in case.network.dataflow().values().iter() {
        let places = [&by_pixels, &by_rows].map(|plan| plan.places[id]);
        if let [Place::Ring(pixels), Place::Ring(rows)] = places {
            ensure!(
                rows.pixels < pixels.pixels + 2 * value.shape.width,
                "{:?} instead of {:?}",
                rows,
                pixels
            );
        }
    }
    Ok([by_pixels.arena_bytes, by_rows.arena_bytes])
}

#[test]
fn rows_of_residual_blocks_and_branches_give_what_the_evaluator_gives() {
    let judged = Cell::new([0; 2]);
    let bytes = Cell::new([0; 2]);
    let result = runner(60).run(&(networks(), any::<u64>()), |(network, seed)| {
        let case = Case::random(network, seed >> 8);
        if program::prove(&case.network, &case.weights).is_err() {
            return Ok(());
        }
        let judge = || -> Result<bool> {
            let programs = programs(&case)?;
            let program = programs.last().context("there is a plan")?;
            let found = judge_program(&case, program)?;
            let ([by_pixels, by_rows], more) = (bytes.get(), arenas(&case)?);
            bytes.set([by_pixels + more[0], by_rows + more[1]]);
            Ok(found.is_some())
        };
        let found = judge().map_err(|error| {
            TestCaseError::fail(format!("{} {}: {error:#}", case.list(), case.bits()))
        })?;
        let [all, with_code] = judged.get();
        judged.set([all + 1, with_code + u32::from(found)]);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let [all, with_code] = judged.get();
    let [by_pixels, by_rows] = bytes.get();
    println!(
        "{with_code} of {all} streams of residual blocks and branches have machine code, \
         in arenas of {by_rows} bytes instead of {by_pixels}"
    );
    assert!(10 * with_code > 9 * all, "{with_code} of {all} have code");
}

/// The first blocks of a network for pictures, whose rows take more of the frame than loads reach.
#[test]
fn rows_of_a_block_may_have_more_than_a_kilobyte() -> Result<()> {
    let text = "N: [8, 32, 3] => < 'stem: C1(16,3, padding: same), R(3), \
                C1*(16,3, stride: 2, padding: same), 'sums: T*(3, padding: same), 'stem, \
                C1*(16,1, stride: 2), Add('sums), A(all), D*(10) >, bits: { biases: 8 }";
    let case = Case::random(parsed(text).context("it is right")?, 1);
    let programs = programs(&case)?;
    let program = programs.last().context("there is a plan")?;
    let judged = judge_program(&case, program)?.context("there is code")?;
    let stacks = judged.iter().map(|(_, code, _)| code.stack_bytes());
    let most = stacks.max().context("there is code")?;
    ensure!(most > 1_100, "{most}");
    Ok(())
}
