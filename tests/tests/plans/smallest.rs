//! The smallest plan of a small network, against every address that its maps
//! could have.
//!
//! For every number of streamed layers, the maps of the rest are tried at every
//! address of an arena: row by row, from the first row on and from the last one
//! in turn, or the other way round; and in herringbone order around a ring. Every
//! event is played, and whatever overwrites what is still to be read is out.
//! What the stages keep is as `streamed.rs` proves it.

use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Node, Shape};
use herringbone_compiler::plan::{self, MemoryPlan, Order, Strategy, SumBytes};
use herringbone_tests::layers::{average, convolution, dense, maximum};
use herringbone_tests::networks::list;
use proptest::collection::vec;
use proptest::prelude::{
    ProptestConfig, Strategy as Generator, TestCaseError, prop_assert, prop_assert_eq, prop_oneof,
    proptest,
};
use proptest::sample::select;

use crate::{Events, events_in, stage_bytes, stored_maps};

/// The first cell of each pixel, in the order of storage, and of each pixel by
/// its row-major index.
struct Place {
    in_order: Vec<u32>,
    by_index: Vec<u32>,
}

/// How a map is stored in an arena of some cells.
#[derive(Clone, Copy, PartialEq)]
enum Storage {
    /// In a row.
    RowMajor,
    /// Around the arena's end: a pixel that does not fit before it begins at 0.
    Herringbone,
}

impl Storage {
    /// The map from that cell on, if the arena holds it.
    fn place(self, map: Shape, first_cell: u32, arena_cells: u32) -> Option<Place> {
        let order = match self {
            Storage::RowMajor => Order::RowMajor,
            Storage::Herringbone => Order::Herringbone,
        };
        let mut in_order = Vec::new();
        let mut by_index = vec![0; map.pixels() as usize];
        let (mut cell, mut wrapped) = (first_cell, false);
        for (row, column) in order.pixels(map.height, map.width) {
            if cell + map.channels > arena_cells {
                if wrapped || self == Storage::RowMajor {
                    return None;
                }
                (cell, wrapped) = (0, true);
            }
            if wrapped && cell + map.channels > first_cell {
                return None;
            }
            in_order.push(cell);
            by_index[(row * map.width + column) as usize] = cell;
            cell += map.channels;
        }
        Some(Place { in_order, by_index })
    }
}

/// A layer that is computed when its input is complete.
struct Step {
    output: Shape,
    stores: bool,
    dense: bool,
    cells_per_input: u32,
    cells_per_event: u32,
    /// By row-major index of the input: the last event that reads it.
    last_read: Vec<Option<usize>>,
    /// By event: the row-major index of its output.
    outputs: Vec<usize>,
}

impl Step {
    fn new(layer: &Node, stores: bool, order: Order) -> Self {
        let events = Events::of(layer);
        let outputs: Vec<usize> = if layer.kind.is_dense() || !stores {
            (0..events.reads.len()).collect()
        } else {
            events_in(order, layer.output).collect()
        };
        let mut last_read = vec![None; events.input_pixels as usize];
        for (time, &event) in outputs.iter().enumerate() {
            for &pixel in &events.reads[event] {
                last_read[pixel as usize] = Some(time);
            }
        }
        Self {
            output: layer.output,
            stores,
            dense: layer.kind.is_dense(),
            cells_per_input: events.cells_per_input,
            cells_per_event: events.cells_per_event,
            last_read,
            outputs,
        }
    }

    /// Plays the events: whether none overwrites what is still to be read.
    fn plays(&self, input: &Place, output: &Place, arena_cells: u32) -> bool {
        let mut dies = vec![None; arena_cells as usize];
        for (&cell, &last) in input.by_index.iter().zip(&self.last_read) {
            dies[cell as usize..(cell + self.cells_per_input) as usize].fill(last);
        }
        self.outputs.iter().enumerate().all(|(time, &pixel)| {
            let cell = if self.dense {
                output.by_index[0] + pixel as u32
            } else {
                output.by_index[pixel]
            };
            let cells = cell as usize..(cell + self.cells_per_event) as usize;
            dies[cells].iter().all(|&dies| dies <= Some(time))
        })
    }
}

/// Whether the steps have addresses in an arena of that many bytes, with a region
/// beside map 0 for what the stages keep.
fn has_addresses(
    first_map: Shape,
    steps: &[Step],
    storage: Storage,
    stage_bytes: u32,
    arena_bytes: u32,
    per_byte: u32,
) -> bool {
    let arena_cells = arena_bytes * per_byte;
    // Maps in a row begin on a byte, so that no row-major step has to shift.
    let aligned = |cell: &u32| storage == Storage::Herringbone || cell.is_multiple_of(per_byte);
    let places = |map: Shape| -> Vec<Place> {
        let cells = (0..arena_cells).filter(aligned);
        let places = cells.filter_map(|cell| storage.place(map, cell, arena_cells));
        places.collect()
    };
    let mut reached: Vec<Place> = places(first_map);
    reached.retain(|place| {
        let mut free = vec![true; arena_cells as usize];
        for &cell in &place.in_order {
            free[cell as usize..(cell + first_map.channels) as usize].fill(false);
        }
        (0..=arena_bytes.saturating_sub(stage_bytes)).any(|byte| {
            let region = byte * per_byte..(byte + stage_bytes) * per_byte;
            region.end <= arena_cells && region.into_iter().all(|cell| free[cell as usize])
        })
    });
    for step in steps.iter().filter(|step| step.stores) {
        let mut next = places(step.output);
        next.retain(|output| {
            let plays = |input| step.plays(input, output, arena_cells);
            reached.iter().any(plays)
        });
        reached = next;
    }
    !reached.is_empty()
}

/// The rest of a plan's layers in each of the orders that are tried.
fn families(network: &Network, plan: &MemoryPlan) -> [(Storage, Vec<Step>); 3] {
    let last = network.last_node().id;
    let steps = |order: &dyn Fn(usize) -> Order| -> Vec<Step> {
        let layers = network.computing_nodes().skip(plan.arriving().stages.len());
        let stores = |layer: &Node| layer.id != last || !network.gives_logits();
        let step = |(index, layer)| Step::new(layer, stores(layer), order(index));
        layers.enumerate().map(step).collect()
    };
    let in_turn = |first: Order, second: Order| {
        move |index: usize| {
            if index.is_multiple_of(2) {
                first
            } else {
                second
            }
        }
    };
    let (down, up) = (Order::RowMajor, Order::RowMajorBackward);
    [
        (Storage::RowMajor, steps(&in_turn(down, up))),
        (Storage::RowMajor, steps(&in_turn(up, down))),
        (Storage::Herringbone, steps(&|_| Order::Herringbone)),
    ]
}

/// The least of all plans, if nothing smaller has addresses.
fn check(network: &Network) -> Result<(), TestCaseError> {
    let sum_bytes = SumBytes::all(&network.dataflow(), 2);
    let strategies = Strategy::all(&network.dataflow()).into_iter();
    let plans: Vec<MemoryPlan> = strategies
        .map(|strategy| plan::plan(&network.dataflow(), &sum_bytes, strategy))
        .collect();
    let smallest = plans.iter().map(|plan| plan.arena_bytes).min().unwrap();
    let mut least = smallest;
    let mut cut = None;
    for plan in &plans {
        let streamed = plan.arriving().stages.len();
        if cut.replace(streamed) == Some(streamed) {
            continue;
        }
        let per_byte = plan.cells_per_byte;
        let stage_bytes = stage_bytes(plan);
        let Some(first_map) = stored_maps(network, plan).next() else {
            least = least.min(stage_bytes);
            continue;
        };
        let least_bytes = stage_bytes + first_map.shape.values().div_ceil(per_byte);
        for (storage, steps) in families(network, plan) {
            let fits = |&bytes: &u32| {
                let shape = first_map.shape;
                has_addresses(shape, &steps, storage, stage_bytes, bytes, per_byte)
            };
            least = (least_bytes..least).find(fits).unwrap_or(least);
        }
    }
    let told = format!("{} {:?}", list(network), network.bits());
    if keeps_dense_outputs_apart(network) {
        prop_assert!(
            (least..=least + 1).contains(&smallest),
            "{smallest} {least} {told}"
        );
    } else {
        prop_assert_eq!(smallest, least, "{}", told);
    }
    Ok(())
}

/// Whether a dense layer stores its outputs. The planner has all of them apart
/// from the inputs, although the last one is stored when nothing is read any more:
/// a cell more than the least.
fn keeps_dense_outputs_apart(network: &Network) -> bool {
    let layers = network.computing_nodes();
    let stores = |layer: &Node| layer.id != network.last_node().id || !network.gives_logits();
    let mut dense = layers.filter(|layer| layer.kind.is_dense());
    dense.any(stores)
}

/// Networks of two to four layers of a few pixels.
fn small_networks() -> impl Generator<Value = Network> {
    let activation = Activation::Relu;
    let size = || select(vec![(2, 2), (1, 2), (2, 1)]);
    let window = move || size().prop_map(|(height, width)| Kernel { height, width });
    let kind = prop_oneof![
        4 => (1u32..=4, select(vec![1, 3])).prop_map(move |(outputs, side)| {
            convolution(outputs, Kernel::square(side), activation)
        }),
        1 => window().prop_map(maximum),
        1 => window().prop_map(average),
        1 => (1u32..=6).prop_map(move |outputs| dense(outputs, activation)),
    ];
    let logits = (1u32..=4).prop_map(|outputs| dense(outputs, Activation::Linear));
    let input = (1u32..=6, 1u32..=6, 1u32..=2);
    let input = input.prop_map(|(height, width, channels)| Shape::new(height, width, channels));
    (
        input,
        vec(kind, 2..=3),
        proptest::option::of(logits),
        select(vec![4u32, 8]),
    )
        .prop_filter_map(
            "every layer fits its map",
            |(input, mut kinds, logits, activations)| {
                kinds.extend(logits);
                let bits = Bits {
                    activations,
                    ..Bits::default()
                };
                Network::new(input, bits, &kinds).ok()
            },
        )
}

/// A pixel of an odd count of nibbles lies at the high end of its byte, unless it
/// begins there.
#[test]
fn single_pixels_of_odd_channels_take_no_byte_more() {
    let convolution = |outputs| convolution(outputs, Kernel::square(1), Activation::Relu);
    let kinds = [2, 2, 1].map(convolution);
    let network = Network::new(Shape::new(1, 1, 1), Bits::default(), &kinds);
    check(&network.expect("the kernels fit")).expect("one byte is enough");
}

/// Where one cell is left over and a pixel does not fit before the ring's end, a map
/// may begin at cell 1.
#[test]
fn a_map_that_begins_the_ring_may_leave_a_cell_before_it() {
    let convolution = |outputs, side| convolution(outputs, Kernel::square(side), Activation::Relu);
    let bits = Bits {
        activations: 8,
        ..Bits::default()
    };
    let kinds = [convolution(2, 1), convolution(3, 3)];
    let network = Network::new(Shape::new(4, 5, 2), bits, &kinds);
    check(&network.expect("the kernels fit")).expect("a cell more than the input is enough");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_smallest_plan_is_the_least_of_all_cuts_orders_and_addresses(
        network in small_networks()
    ) {
        check(&network)?;
    }
}
