//! What streamed layers keep, against a simulation of the push, pixel by pixel.
//!
//! A pixel that arrives is stored, or taken in; whatever it completes is computed
//! at once and pushed on. Each map has a ring of some pixels, the newest stored
//! over what came that many pixels before. The least ring in which nothing is
//! overwritten that a later output reads is found by trying all, with nothing of
//! the planner's but the layers' shapes.

use crate::stage_bytes;
use herringbone_compiler::network::{
    Convolution, Dense, Kind, Network, Node, NodeId, Pool, PoolFunction, PoolWindow, Separable,
};
use herringbone_compiler::plan::{
    self, Arrival, InPlace, Keeps, MemoryPlan, Strategy, SumBytes, least_streamed, most_streamed,
};
use herringbone_tests::networks::{list, recipes};
use herringbone_tests::published;
use herringbone_tests::windows::Windows;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Pixel = (u32, u32);

/// Something that is stored at one moment, and read for the last time at another.
#[derive(Clone, Copy, Debug)]
struct Life {
    born: u32,
    dies: u32,
}

/// What is stored for a streamed layer.
#[derive(Default)]
struct Lives {
    /// Pixels of its input in the order of their arrival.
    inputs: Vec<Life>,
    /// Of a pooling, windows in the order in which they are begun.
    windows: Vec<Life>,
    /// Of a layer that is done when the last input is there, sums of its outputs:
    /// which are there from the first on.
    sums: Vec<Life>,
}

/// The push through the first layers.
struct Push<'a> {
    layers: Vec<&'a Node>,
    /// Which pixels of each layer's input matter to what comes out in the end.
    wanted: Vec<BTreeSet<Pixel>>,
    lives: Vec<Lives>,
    /// By layer, the place of an input or a window among its lives.
    arrived: Vec<BTreeMap<Pixel, usize>>,
    begun: Vec<BTreeMap<Pixel, usize>>,
    exact: bool,
    now: u32,
}

/// The inputs that an output reads: rows and columns.
fn field(node: &Node, output: Pixel) -> Vec<Pixel> {
    Windows::of(&node.kind, node.input).pixels(output)
}

fn all_pixels(height: u32, width: u32) -> Vec<Pixel> {
    let row = |row| (0..width).map(move |column| (row, column));
    (0..height).flat_map(row).collect()
}

impl<'a> Push<'a> {
    fn of(network: &'a Network, count: usize) -> Self {
        let layers: Vec<&Node> = network.computing_nodes().take(count).collect();
        let mut wanted = Vec::new();
        let last = layers[count - 1];
        let mut outputs = all_pixels(last.output.height, last.output.width);
        for layer in layers.iter().rev() {
            let inputs = outputs.iter().flat_map(|&output| field(layer, output));
            let inputs: BTreeSet<Pixel> = inputs.collect();
            outputs = inputs.iter().copied().collect();
            wanted.push(inputs);
        }
        wanted.reverse();
        let mut push = Self {
            lives: layers.iter().map(|_| Lives::default()).collect(),
            arrived: vec![BTreeMap::new(); count],
            begun: vec![BTreeMap::new(); count],
            exact: last.id == network.last_node().id && network.gives_logits(),
            layers,
            wanted,
            now: 0,
        };
        let input = network.input();
        for pixel in all_pixels(input.height, input.width) {
            push.arrive(0, pixel);
        }
        // Results are read when all is over.
        let end = push.now;
        if push.exact {
            for sum in &mut push.lives[count - 1].sums {
                sum.dies = end;
            }
        }
        push
    }

    /// A pixel arrives at a layer.
    fn arrive(&mut self, index: usize, pixel: Pixel) {
        if index == self.layers.len() || !self.wanted[index].contains(&pixel) {
            return;
        }
        let layer = self.layers[index];
        self.now += 1;
        let now = self.now;
        let inputs = &mut self.lives[index].inputs;
        self.arrived[index].insert(pixel, inputs.len());
        inputs.push(Life {
            born: now,
            dies: now,
        });
        let complete = match layer.kind {
            Kind::Pool(Pool { window, .. }) => {
                let PoolWindow::Sized { kernel, stride: _ } = window else {
                    panic!("{layer} is no letter of a chain");
                };
                let output = (pixel.0 / kernel.height, pixel.1 / kernel.width);
                let windows = &mut self.lives[index].windows;
                let place = *self.begun[index].entry(output).or_insert_with(|| {
                    windows.push(Life {
                        born: now,
                        dies: now,
                    });
                    windows.len() - 1
                });
                windows[place].dies = now;
                (field(layer, output).last() == Some(&pixel)).then_some(output)
            }
            Kind::Convolution(Convolution { window, .. })
            | Kind::Separable(Separable { window, .. }) => {
                let kernel = window.kernel;
                let row = (pixel.0 + 1).checked_sub(kernel.height);
                let column = (pixel.1 + 1).checked_sub(kernel.width);
                row.zip(column)
            }
            Kind::Dense(Dense { outputs, .. }) => {
                let sums = &mut self.lives[index].sums;
                if sums.is_empty() {
                    let life = Life {
                        born: now,
                        dies: now,
                    };
                    sums.resize(outputs as usize, life);
                }
                for sum in sums {
                    sum.dies = now;
                }
                (field(layer, (0, 0)).last() == Some(&pixel)).then_some((0, 0))
            }
            Kind::Depthwise(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Recurrent(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_) => {
                panic!("{layer} is no letter of a chain")
            }
            Kind::Dropout(_) | Kind::Noise(_) => None,
        };
        let Some(output) = complete else { return };
        if !self.is_wanted_output(index, output) {
            return;
        }
        for read in field(layer, output) {
            // A pooling and a dense layer take each pixel in as it arrives.
            if !takes_in(layer) {
                let place = self.arrived[index][&read];
                self.lives[index].inputs[place].dies = now;
            }
        }
        if self.exact && index + 1 == self.layers.len() && !takes_in(layer) {
            self.now += 1;
            let life = Life {
                born: self.now,
                dies: self.now,
            };
            let sums = &mut self.lives[index].sums;
            sums.resize(sums.len() + layer.output.channels as usize, life);
        }
        self.arrive(index + 1, output);
    }

    fn is_wanted_output(&self, index: usize, output: Pixel) -> bool {
        match self.wanted.get(index + 1) {
            Some(wanted) => wanted.contains(&output),
            None => {
                let shape = self.layers[index].output;
                output.0 < shape.height && output.1 < shape.width
            }
        }
    }
}

/// Whether a layer needs no input after it has arrived.
fn takes_in(layer: &Node) -> bool {
    layer.kind.is_dense() || layer.kind.pools().is_some()
}

/// The fewest places in turn in which nothing is overwritten that is read later.
fn least_ring(lives: &[Life]) -> u32 {
    let sound = |places: usize| {
        let pairs = lives.iter().zip(lives.iter().skip(places));
        pairs.into_iter().all(|(old, new)| old.dies < new.born)
    };
    (1..=lives.len())
        .find(|&places| sound(places))
        .expect("a place for each") as u32
}

/// Cells of the most that is alive at once.
fn most_alive(lives: &[(Life, u32)]) -> u32 {
    let moments = lives.iter().map(|(life, _)| life.born);
    let alive_at = |moment: u32| {
        let alive = lives
            .iter()
            .filter(|(life, _)| life.born <= moment && moment <= life.dies);
        alive.map(|(_, cells)| cells).sum::<u32>()
    };
    moments.map(alive_at).max().unwrap_or(0)
}

/// Checks a plan that streams some layers; says what is wrong with it.
fn check(network: &Network, plan: &MemoryPlan, sum_bytes: u32) -> Result<(), TestCaseError> {
    let told = format!(
        "{} {}",
        list(network),
        plan.strategy.name(&network.dataflow())
    );
    let push = Push::of(network, plan.arriving().stages.len());
    let per_byte = plan.cells_per_byte;
    let mut alive: Vec<(Life, u32)> = Vec::new();
    for (index, stage) in plan.arriving().stages.iter().enumerate() {
        let layer = network.node(stage.node);
        let lives = &push.lives[index];
        let least = least_ring(&lives.inputs);
        match stage.arrival {
            Arrival::Ring(reading) => {
                let ring = reading.ring;
                // Where it goes around, every place has to begin a byte, or every
                // other one: of a pixel of an odd count of nibbles there is one more
                // than is alive, if those are odd too.
                let goes_around = least > 1 && least < lives.inputs.len() as u32;
                let ends_with_byte = (least * ring.channels).is_multiple_of(per_byte);
                let more = u32::from(goes_around && !ends_with_byte);
                prop_assert_eq!(ring.pixels, least + more, "{}: {}", told, layer);
                prop_assert_eq!(ring.channels, layer.input.channels);
                alive.extend(lives.inputs.iter().map(|&life| (life, ring.channels)));
            }
            // Not stored apart.
            Arrival::Bytes | Arrival::Window(_) | Arrival::Values | Arrival::Map(_) => {
                prop_assert_eq!(least, 1, "{}: {}", told, layer);
            }
        }
        match stage.keeps {
            Keeps::Nothing => {
                prop_assert!(lives.windows.is_empty() && lives.sums.is_empty(), "{told}");
            }
            Keeps::Windows(windows) => {
                let least = least_ring(&lives.windows);
                prop_assert_eq!(windows.count, least, "{}: {}", told, layer);
                let function = layer.kind.pools().expect("only poolings keep windows");
                let taps = field(layer, (0, 0)).len() as u32;
                // Bits of the largest sum: bytes of the raw input, or activations.
                let bits = match (function, stage.arrival) {
                    (PoolFunction::Maximum, _) => 8 / per_byte,
                    (_, Arrival::Bytes) => (255 * taps).ilog2() + 1,
                    _ => 8 / per_byte + taps.ilog2(),
                };
                let cells = bits.div_ceil(8 / per_byte);
                prop_assert!(windows.cells_per_value >= cells, "{told}: {layer}");
                let cells = cells * layer.output.channels;
                alive.extend(lives.windows.iter().map(|&life| (life, cells)));
            }
            Keeps::Sums(sums) => {
                prop_assert_eq!(sums.count, lives.sums.len() as u32, "{}: {}", told, layer);
                prop_assert_eq!(sums.bytes_each, sum_bytes);
                let cells = sum_bytes * per_byte;
                alive.extend(lives.sums.iter().map(|&life| (life, cells)));
            }
            Keeps::States(_) => unreachable!("no list here has a recurrent cell"),
        }
    }
    let taken_cells = stage_bytes(plan) * per_byte;
    let alive = most_alive(&alive);
    prop_assert!(
        alive <= taken_cells,
        "{told}: {alive} cells are alive in {taken_cells}"
    );
    prop_assert!(taken_cells <= plan.arena_bytes * per_byte, "{told}");
    Ok(())
}

fn check_all(network: &Network) -> Result<(), TestCaseError> {
    let sum_bytes = 2;
    for streamed_layers in
        least_streamed(&network.dataflow()).max(1)..=most_streamed(&network.dataflow())
    {
        let strategy = Strategy {
            streamed_layers,
            rest: InPlace::RowMajor,
        };
        let plan = plan::plan(
            &network.dataflow(),
            &SumBytes::all(&network.dataflow(), sum_bytes),
            strategy,
        );
        check(network, &plan, sum_bytes)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn streamed_layers_keep_the_least_that_the_push_allows(recipe in recipes()) {
        check_all(&recipe.network())?;
    }
}

#[test]
fn the_published_network_streamed_takes_no_more_than_250_bytes() -> Result<(), TestCaseError> {
    let network = published::network();
    check_all(&network)?;
    let plan = plan::plan(
        &network.dataflow(),
        &SumBytes::all(&network.dataflow(), 2),
        Strategy::STREAMED,
    );
    assert!(plan.arena_bytes <= 250, "{}", plan.arena_bytes);
    Ok(())
}

/// The simulation finds what is known of a convolution: the kernel's lines but
/// for the rest of the last one.
#[test]
fn the_ring_of_a_convolution_is_its_lines() {
    let network = published::network();
    let push = Push::of(&network, 3);
    let second = network.node(NodeId::new(2));
    assert_eq!(
        least_ring(&push.lives[2].inputs),
        2 * second.input.width + 3
    );
}
