//! Herringbone order against the value that its inventors give for it.

use crate::{Events, events_in, need_cells};
use herringbone_compiler::network::{Bits, Kernel, Network, Node, Window};
use herringbone_compiler::plan::{Order, Strategy};
use herringbone_tests::networks::{list, single_layers};
use proptest::prelude::*;

/// Cells of the input and what Gural & Murmann 2019 (section 4.2) give for a
/// convolution of a square kernel and stride 1 beside them. Peeling a line of
/// `length` outputs stores `outputs` cells for each and frees `inputs`, but for
/// the kernel's first `side − 1`, whose cells a line crosses; the last pixel
/// leaves a kernel's line more. Nothing is needed where channels do not grow.
///
/// As `compute_conv_slack` of the authors' repository has it
/// (agural/memory-optimal-direct-convolutions), for the paper's closed form
/// leaves out the lines that free more than they store.
fn published_cells(layer: &Node, side: u32) -> u32 {
    let (inputs, outputs) = (layer.input.channels, layer.output.channels);
    if outputs <= inputs {
        return layer.input.values();
    }
    let (mut height, mut width) = (layer.output.height, layer.output.width);
    let mut debt = 0;
    while height > 0 && width > 0 {
        let length = height.min(width);
        debt += (length * (outputs - inputs)).saturating_sub((side - 1) * inputs);
        if width > height {
            width -= 1;
        } else {
            height -= 1;
        }
    }
    layer.input.values() + debt + side * inputs
}

/// The layer with a byte an activation: cells are whole.
fn in_bytes(network: &Network) -> Network {
    let bits = Bits {
        activations: 8,
        ..network.bits()
    };
    Network::new(network.input(), bits, &[network.last_node().kind]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The formula holds for square kernels and stride 1, whatever the map: for
    /// others, the paper gives none.
    #[test]
    fn herringbone_is_never_above_the_published_value_and_exactly_what_is_alive(
        network in single_layers()
    ) {
        let network = in_bytes(&network);
        let layer = network.last_node();
        let need = need_cells(&network, Strategy::HERRINGBONE);
        // A dense layer has no order: its inputs are all alive to the end.
        if layer.kind.is_dense() {
            return Ok(());
        }
        let alive = Events::of(layer).peak(events_in(Order::Herringbone, layer.output));
        prop_assert!(need >= alive, "{}: {need} < {alive}", list(&network));
        if let Some(window) = layer.kind.sliding_window()
            && window == Window::valid(Kernel::square(window.kernel.height))
        {
            prop_assert_eq!(need, alive, "{}", list(&network));
            let published = published_cells(layer, window.kernel.height);
            prop_assert!(need <= published, "{}: {need} > {published}", list(&network));
        }
    }
}
