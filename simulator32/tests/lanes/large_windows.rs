//! Layers that read rows of many bytes, and poolings of more of them than the stack holds at once.

use anyhow::{Context as _, Result, anyhow, ensure};
use herringbone_compiler::network::{Activation, Bits, Entry, Item, Kernel, Network, Shape};
use herringbone_tests::layers::{average, convolution, maximum};
use herringbone_tests::networks::Case;

use crate::judge;

#[test]
fn rows_may_have_more_than_a_kilobyte() -> Result<()> {
    // Of two rows of maps of few rows, and of pixels of many channels.
    for (shape, kernel) in [(Shape::new(4, 24, 24), 3), (Shape::new(2, 2, 140), 1)] {
        let block = Item {
            label: None,
            entry: Entry::Residual {
                kernel: Kernel::square(kernel),
            },
        };
        // Small ones, whose sums are in lanes.
        let bits = Bits {
            weights: 2,
            ..Bits::default()
        };
        let network = Network::of_list(shape, bits, vec![block]);
        let network = network.map_err(|errors| anyhow!("{errors:?}"))?;
        let case = Case::random(network, 5);
        let judged = judge(&case).with_context(|| case.list())?;
        ensure!(judged.is_some(), "{} has no code", case.list());
    }
    Ok(())
}

#[test]
fn windows_may_have_any_number_of_rows() -> Result<()> {
    // Rows, columns and channels, the window, and bits of activations.
    let pools = [
        ((18, 17, 3), (18, 17), 4),
        ((20, 20, 5), (20, 20), 8),
        ((24, 16, 2), (12, 8), 8),
        ((20, 13, 9), (9, 13), 4),
        ((17, 20, 4), (17, 3), 4),
    ];
    for ((height, width, channels), (rows, columns), activations) in pools {
        let window = Kernel {
            height: rows,
            width: columns,
        };
        for pooling in [average(window), maximum(window)] {
            // Values of either sign.
            let signed = convolution(channels, Kernel::square(1), Activation::Linear);
            let bits = Bits {
                activations,
                ..Bits::default()
            };
            let shape = Shape::new(height, width, channels);
            let network = Network::new(shape, bits, &[signed, pooling]);
            let network = network.map_err(|errors| anyhow!("{errors:?}"))?;
            let case = Case::random(network, 3);
            let judged = judge(&case).with_context(|| case.list())?;
            ensure!(judged.is_some(), "{} has no code", case.list());
        }
    }
    Ok(())
}
