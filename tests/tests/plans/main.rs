//! Plans against the best that any order of computing could do, and against
//! the peak of what is alive.
//!
//! An event computes one output pixel (of a dense layer: one value) from its
//! receptive field, with its channels in registers, and then stores it; what no
//! later event reads may be overwritten by that store.

mod formula;
mod growth;
mod names;
mod orders;
mod smallest;
mod streamed;

use herringbone_compiler::network::{Activation, Bits, Dense, Kernel, Kind, Network, Node, Shape};
use herringbone_compiler::plan::{self, MemoryPlan, Order, Placement, Ring, Strategy, SumBytes};
use herringbone_tests::layers::{dense, maximum};
use herringbone_tests::networks::{list, recipes, single_layers};
use herringbone_tests::published::{self, convolution};
use herringbone_tests::windows::Windows;
use proptest::prelude::*;
use std::collections::BTreeSet;

const STRATEGIES: [Strategy; 2] = [Strategy::ROW_MAJOR, Strategy::HERRINGBONE];

/// A network of one layer, a byte an activation.
fn single(input: Shape, kind: Kind) -> Network {
    let bits = Bits {
        activations: 8,
        ..Bits::default()
    };
    Network::new(input, bits, &[kind]).unwrap()
}

fn planned(network: &Network, strategy: Strategy) -> MemoryPlan {
    plan::plan(
        &network.dataflow(),
        &SumBytes::all(&network.dataflow(), 2),
        strategy,
    )
}

/// Every row and column, row by row.
fn pixels(shape: Shape) -> impl Iterator<Item = (u32, u32)> {
    let row = move |row| (0..shape.width).map(move |column| (row, column));
    (0..shape.height).flat_map(row)
}

/// What the events of one layer read and store.
struct Events {
    /// By event: row-major indices of the input pixels that it reads.
    reads: Vec<Vec<u32>>,
    input_pixels: u32,
    cells_per_input: u32,
    cells_per_event: u32,
}

impl Events {
    /// The events of a layer, its outputs in row-major order.
    fn of(layer: &Node) -> Self {
        let input = layer.input;
        let index = |(row, column)| row * input.width + column;
        let (reads, cells_per_event) = match layer.kind {
            // An event a value.
            Kind::Dense(Dense { outputs, .. }) => {
                (vec![(0..input.pixels()).collect(); outputs as usize], 1)
            }
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Add(_)
            | Kind::Concat(_) => {
                let windows = Windows::of(&layer.kind, input);
                let field = |pixel| windows.pixels(pixel).into_iter().map(index).collect();
                let pixels = pixels(layer.output).map(field);
                (pixels.collect(), layer.output.channels)
            }
            Kind::Recurrent(_) | Kind::Projection(_) | Kind::Tree(_) | Kind::Prototypes(_) => {
                panic!("{layer} is no letter of a chain")
            }
            Kind::Dropout(_) | Kind::Noise(_) => panic!("{layer} computes nothing"),
        };
        Self {
            reads,
            input_pixels: input.pixels(),
            cells_per_input: input.channels,
            cells_per_event,
        }
    }

    /// Cells alive at the worst moment of that order of events.
    fn peak(&self, order: impl Iterator<Item = usize>) -> u32 {
        let order: Vec<usize> = order.collect();
        let mut dying = vec![0; order.len()];
        let mut last_read = vec![None; self.input_pixels as usize];
        for (time, &event) in order.iter().enumerate() {
            for &pixel in &self.reads[event] {
                last_read[pixel as usize] = Some(time);
            }
        }
        let mut live = 0;
        for time in last_read.into_iter().flatten() {
            dying[time] += self.cells_per_input;
            live += self.cells_per_input;
        }
        let mut peak = live;
        for dead in dying {
            live = live - dead + self.cells_per_event;
            peak = peak.max(live);
        }
        peak
    }

    /// By set of events that are over: input pixels that others still read.
    fn live_inputs(&self) -> Vec<u32> {
        let mut readers = vec![0; self.input_pixels as usize];
        for (event, pixels) in self.reads.iter().enumerate() {
            for &pixel in pixels {
                readers[pixel as usize] |= 1 << event;
            }
        }
        readers.retain(|&readers: &usize| readers != 0);
        // Pixels all of whose readers are in the set, summed over its subsets.
        let mut dead = vec![0; 1 << self.reads.len()];
        for &readers in &readers {
            dead[readers] += 1;
        }
        for event in 0..self.reads.len() {
            for set in 0..dead.len() {
                if set >> event & 1 == 1 {
                    dead[set] += dead[set ^ (1 << event)];
                }
            }
        }
        let all = readers.len() as u32;
        dead.into_iter().map(|dead| all - dead).collect()
    }

    /// The least peak of all orders: by set of events that are over, the least
    /// peak of the orders that lead there.
    fn least_peak(&self, live_inputs: &[u32]) -> u32 {
        let mut least: Vec<u32> = Vec::with_capacity(live_inputs.len());
        for (set, pixels) in live_inputs.iter().enumerate() {
            let live = pixels * self.cells_per_input + set.count_ones() * self.cells_per_event;
            let last = (0..self.reads.len()).filter(|event| set >> event & 1 == 1);
            let before = last.map(|event| least[set ^ (1 << event)]).min();
            least.push(live.max(before.unwrap_or(0)));
        }
        least[live_inputs.len() - 1]
    }
}

fn need_cells(network: &Network, strategy: Strategy) -> u32 {
    let plan = planned(network, strategy);
    let mut layers = plan.layers();
    layers
        .next()
        .expect("the layer is computed alone")
        .need
        .cells
}

/// Calls `check` with every convolution of those kernels and output sizes,
/// from 1 to 3 channels to 1 to 8, and the least peak of all its orders.
fn each_convolution(
    sides: &[u32],
    sizes: impl Fn(u32, u32) -> bool,
    mut check: impl FnMut(&Network, u32),
) {
    for &side in sides {
        for height in 1..=9 {
            for width in (1..=9).filter(|&width| sizes(height, width)) {
                let shape = |channels| Shape::new(height + side - 1, width + side - 1, channels);
                let geometry = single(shape(1), convolution(1, side));
                let live_inputs = Events::of(geometry.last_node()).live_inputs();
                for inputs in 1..=3 {
                    for outputs in [1, 2, 3, 5, 8] {
                        let network = single(shape(inputs), convolution(outputs, side));
                        let least = Events::of(network.last_node()).least_peak(&live_inputs);
                        check(&network, least);
                    }
                }
            }
        }
    }
}

#[test]
fn no_convolution_needs_less_than_the_best_of_all_orders() {
    let small = |height, width| height * width <= 10;
    each_convolution(&[1, 3, 5, 7], small, |network, least| {
        for strategy in STRATEGIES {
            let need = need_cells(network, strategy);
            assert!(
                need >= least,
                "{} {strategy:?}: {need} < {least}",
                list(network)
            );
        }
    });
}

#[test]
fn no_pooling_or_dense_layer_needs_less_than_the_best_of_all_orders() {
    let mut kinds: Vec<Kind> = (1..=9)
        .map(|outputs| dense(outputs, Activation::Relu))
        .collect();
    kinds.extend([2, 4].map(|side| maximum(Kernel::square(side))));
    for kind in kinds {
        for (height, width) in [(4, 4), (5, 7), (6, 6), (8, 5), (4, 12)] {
            for channels in 1..=3 {
                let network = single(Shape::new(height, width, channels), kind);
                let events = Events::of(network.last_node());
                let least = events.least_peak(&events.live_inputs());
                for strategy in STRATEGIES {
                    let need = need_cells(&network, strategy);
                    assert!(
                        need >= least,
                        "{} {strategy:?}: {need} < {least}",
                        list(&network)
                    );
                }
            }
        }
    }
}

/// Section 4.2 of Gural & Murmann 2019 has square maps with more output than
/// input channels in mind. There herringbone is the best of all orders, for
/// every kernel and any channels; and on rectangles too, when lines of the
/// shorter side are peeled until what is left is square. (Always beginning with
/// a row, 2×3 outputs of a 3×3 kernel, 1 → 2 channels, would need 22 cells
/// where 21 are enough.)
#[test]
fn herringbone_is_the_best_of_all_orders() {
    let small = |height, width| height * width <= 12 || height == width && height <= 4;
    each_convolution(&[1, 3, 5], small, |network, least| {
        let need = need_cells(network, Strategy::HERRINGBONE);
        assert_eq!(need, least, "{}", list(network));
    });
}

#[test]
fn both_plans_are_the_best_of_all_orders_where_channels_do_not_grow() {
    let small = |height, width| height * width <= 12;
    each_convolution(&[1, 3, 5], small, |network, least| {
        let layer = network.last_node();
        if layer.output.channels <= layer.input.channels {
            for strategy in STRATEGIES {
                assert_eq!(
                    need_cells(network, strategy),
                    least,
                    "{} {strategy:?}",
                    list(network)
                );
            }
        }
    });
}

#[test]
fn row_major_is_not_the_best_order_on_a_square_where_channels_grow() {
    let network = single(Shape::new(6, 6, 1), convolution(8, 3));
    let [row_major, herringbone] = STRATEGIES.map(|strategy| need_cells(&network, strategy));
    assert!(herringbone < row_major, "{herringbone} {row_major}");
}

/// The event of each place in an order: its row-major index.
fn events_in(order: Order, output: Shape) -> impl Iterator<Item = usize> {
    let pixels = order.pixels(output.height, output.width);
    pixels
        .into_iter()
        .map(move |(row, column)| (row * output.width + column) as usize)
}

/// Bytes of what the streamed layers keep: each ring, row of windows and array of
/// sums begins a byte.
fn stage_bytes(plan: &MemoryPlan) -> u32 {
    let regions = plan.arriving().stages.iter().flat_map(|stage| {
        let ring_cells = stage.ring().map_or(0, Ring::cells);
        [ring_cells, stage.cells(plan.cells_per_byte) - ring_cells]
    });
    regions.map(|cells| plan.bytes(cells)).sum()
}

/// Every value that is stored whole, in the order of computing.
fn stored_maps<'a>(
    network: &'a Network,
    plan: &'a MemoryPlan,
) -> impl Iterator<Item = &'a Placement> {
    let values = network.values().iter();
    values.filter_map(|(value, _)| plan.placement(value))
}

/// Checks what must hold for every plan; says what does not.
fn check_plan(network: &Network, plan: &MemoryPlan) -> Result<(), TestCaseError> {
    let told = format!(
        "{} {}",
        list(network),
        plan.strategy.name(&network.dataflow())
    );
    let arena_cells = plan.arena_bytes * plan.cells_per_byte;
    for step in plan.layers() {
        let layer = network.node(step.node);
        let events = Events::of(layer);
        let logits = layer.id == network.last_node().id && network.gives_logits();
        let peak = match (layer.kind.is_dense(), logits) {
            // Logits take no room of the arena.
            (_, true) => {
                events.reads.iter().flatten().collect::<BTreeSet<_>>().len() as u32
                    * events.cells_per_input
            }
            (true, false) => events.peak(0..events.reads.len()),
            (false, false) => events.peak(events_in(step.order, layer.output)),
        };
        prop_assert!(
            peak <= step.need.cells,
            "{told}: {peak} cells alive in {step:?}"
        );
        prop_assert!(step.need.cells <= arena_cells, "{told}: {step:?}");
        let live = step.need.live_input_cells + step.need.live_output_cells;
        prop_assert!(live <= step.need.cells, "{told}: {step:?}");
    }
    let mut apart_bytes = stage_bytes(plan);
    for map in stored_maps(network, plan) {
        apart_bytes += map.shape.values().div_ceil(plan.cells_per_byte);
        let mut cells = BTreeSet::new();
        for index in 0..map.shape.pixels() {
            let first = map.cell(index);
            prop_assert!(
                first + map.shape.channels <= arena_cells,
                "{told}: {map:?} is split"
            );
            cells.extend(first..first + map.shape.channels);
        }
        prop_assert_eq!(
            cells.len() as u32,
            map.shape.values(),
            "{}: {:?}",
            told,
            map
        );
    }
    prop_assert!(
        plan.arena_bytes <= apart_bytes,
        "{told}: {} > {apart_bytes}",
        plan.arena_bytes
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_arena_of_a_layer_holds_its_peak_and_no_more_than_all_maps_apart(network in single_layers()) {
        for strategy in STRATEGIES {
            check_plan(&network, &planned(&network, strategy))?;
        }
    }

    #[test]
    fn the_arena_of_a_network_holds_every_peak_and_no_more_than_all_maps_apart(recipe in recipes()) {
        let network = recipe.network();
        for strategy in STRATEGIES {
            check_plan(&network, &planned(&network, strategy))?;
        }
    }
}

#[test]
fn the_published_network_takes_no_more_than_the_paper() {
    let network = published::network();
    assert!(planned(&network, Strategy::HERRINGBONE).arena_bytes <= 434);
    assert!(planned(&network, Strategy::ROW_MAJOR).arena_bytes <= 468);
}
