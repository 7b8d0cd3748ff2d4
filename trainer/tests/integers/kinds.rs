//! Random networks of recurrent cells, trees and prototypes.

use burn::tensor::Device;
use herringbone_compiler::program;
use herringbone_compiler::weights;
use herringbone_tests::networks::{StepsRecipe, steps};
use herringbone_trainer::export::{export, import};
use proptest::prelude::*;

use super::{expected, exported_computes_the_same, results};

fn imported_computes_the_same(recipe: &StepsRecipe) -> Result<(), TestCaseError> {
    let case = recipe.case();
    let (network, given) = (&case.network, &case.weights);
    let (model, scales) = import(network, given, &Device::flex());
    let trained = results(network, &model, &scales, &case.inputs);
    prop_assert_eq!(trained, expected(network, given, &case.inputs));
    if program::prove(network, given).is_ok() {
        let file = export(network, &model, &scales).unwrap();
        let exported = weights::read(network, &file).unwrap();
        let again = network
            .computing_nodes()
            .all(|node| exported.own(node.id) == given.own(node.id));
        prop_assert!(again);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_exported_kinds_compute_what_was_trained(recipe in steps(), seed in any::<u64>()) {
        exported_computes_the_same(&recipe.network(), seed)?;
    }

    #[test]
    fn the_imported_kinds_are_those_in_the_file(recipe in steps()) {
        imported_computes_the_same(&recipe)?;
    }
}
