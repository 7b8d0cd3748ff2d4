//! Leading averages, which are summed up as the input arrives, of windows of any sides.

use anyhow::{Context as _, Result, anyhow, ensure};
use herringbone_compiler::network::{Activation, Bits, Kernel, Network, Shape};
use herringbone_tests::layers::{average, convolution, dense};
use herringbone_tests::networks::Case;

use crate::judge;

#[test]
fn windows_of_a_leading_average_have_any_sides() -> Result<()> {
    // Rows, columns and channels of the input, and of a window; bytes that fill none are left.
    let averages = [
        ((28, 28, 1), (3, 3)),
        ((21, 24, 1), (7, 7)),
        ((13, 20, 3), (3, 5)),
        ((11, 14, 2), (5, 1)),
        ((6, 30, 1), (1, 6)),
        ((33, 34, 1), (16, 16)),
        ((12, 28, 2), (2, 7)),
        ((30, 9, 1), (6, 4)),
        ((9, 250, 1), (3, 10)),
    ];
    for ((height, width, channels), (rows, columns)) in averages {
        for activations in [4, 8] {
            let window = Kernel {
                height: rows,
                width: columns,
            };
            let kinds = [
                average(window),
                convolution(
                    4,
                    Kernel {
                        height: 2,
                        width: 1,
                    },
                    Activation::Relu,
                ),
                dense(3, Activation::Linear),
            ];
            let bits = Bits {
                activations,
                ..Bits::default()
            };
            let network = Network::new(Shape::new(height, width, channels), bits, &kinds);
            let network = network.map_err(|errors| anyhow!("{errors:?}"))?;
            let case = Case::random(network, 3);
            let judged = judge(&case).with_context(|| case.list())?;
            let judged = judged.with_context(|| format!("{} has no code", case.list()))?;
            ensure!(
                judged.streamed_with_code > 0,
                "{} has no streamed code",
                case.list()
            );
        }
    }
    Ok(())
}
