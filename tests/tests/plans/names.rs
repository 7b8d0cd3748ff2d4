//! What a plan is called is how it is asked for.

use herringbone_compiler::budget::{Sums, choose};
use herringbone_compiler::network::{Bits, Network};
use herringbone_compiler::plan::{self, Strategy};
use herringbone_compiler::program::{Accumulator, Accumulators};
use herringbone_compiler::syntax;
use herringbone_tests::networks::{list, recipes};
use proptest::prelude::*;

fn declaration(network: &Network, plan: &str) -> String {
    let Bits {
        weights,
        biases,
        activations,
    } = network.bits();
    format!(
        "N: {}, bits: {{ weights: {weights}, biases: {biases}, activations: {activations} }}, \
         plan: {plan}",
        list(network)
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_name_of_a_plan_asks_for_that_plan(recipe in recipes()) {
        let network = recipe.network();
        let sum_bytes = Accumulators::at_run_time(&network).sum_bytes();
        let sums = Sums { widest: Accumulator::I32, constants: None };
        for strategy in Strategy::all(&network.dataflow()) {
            let text = declaration(&network, &strategy.name(&network.dataflow()));
            let parsed = syntax::parse(text.parse().unwrap());
            prop_assert_eq!(parsed.errors.messages(), [""; 0], "{}", text);
            let declaration = parsed.declaration.unwrap();
            let planned = plan::plan(&network.dataflow(), &sum_bytes, strategy);
            prop_assert_eq!(choose(&declaration, &sums).plan, planned, "{}", text);
        }
    }
}
