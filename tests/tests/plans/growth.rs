//! Large networks are planned without taking long, or much.

use crate::check_plan;
use herringbone_compiler::network::{Bits, Kernel, Network, Shape};
use herringbone_compiler::plan::{self, Strategy, SumBytes};
use herringbone_tests::layers::maximum;
use herringbone_tests::published::convolution;
use proptest::test_runner::TestCaseError;

/// `[96, 96, 3]` through ten layers, without a pooling that would make it small
/// at once.
fn network(activations: u32) -> Network {
    let pool = maximum(Kernel::square(2));
    let kinds = [
        convolution(8, 3),
        convolution(8, 3),
        pool,
        convolution(16, 3),
        convolution(16, 5),
        pool,
        convolution(24, 3),
        convolution(32, 3),
        pool,
        convolution(10, 7),
    ];
    let bits = Bits {
        activations,
        ..Bits::default()
    };
    Network::new(Shape::new(96, 96, 3), bits, &kinds).unwrap()
}

/// Every plan is sound, and no larger than its bound by more than a part in a
/// hundred: so herringbone's search, which takes the longest, ends early.
#[test]
fn a_hundred_rows_and_ten_layers_are_planned_in_every_way() -> Result<(), TestCaseError> {
    for activations in [4, 8] {
        let network = network(activations);
        let sum_bytes = SumBytes::all(&network.dataflow(), 4);
        let strategies = Strategy::all(&network.dataflow());
        // Each number of streamed layers in both orders but the last one, and segments.
        assert_eq!(strategies.len(), 2 * network.nodes().len() + 2);
        for strategy in strategies {
            let plan = plan::plan(&network.dataflow(), &sum_bytes, strategy);
            check_plan(&network, &plan)?;
            let least_bytes = plan::least_bytes(&network.dataflow(), &sum_bytes, strategy);
            assert!(
                plan.arena_bytes <= least_bytes + least_bytes.div_ceil(100),
                "{}: {} bytes, {least_bytes} at the least",
                strategy.name(&network.dataflow()),
                plan.arena_bytes
            );
        }
    }
    Ok(())
}
