//! No file is a panic of the weights reader: it is weights or at least one
//! error.
#![no_main]

use std::sync::LazyLock;

use herringbone_compiler::network::{Network, NodeId};
use herringbone_compiler::syntax;
use herringbone_compiler::weights::{self, Role, expected_tensors};
use herringbone_fuzz::changed;
use libfuzzer_sys::fuzz_target;
use safetensors::tensor::TensorView;

static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let text = "N: [6, 5, 2] => < A, C2(3,1), C1(4,1), Dr, D*(2) >, bits: { biases: 8 }";
    syntax::parse(text.parse().unwrap())
        .declaration
        .unwrap()
        .network
});

/// A right file of the network.
static RIGHT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let expected = expected_tensors(&NETWORK);
    let zeros: Vec<_> = expected
        .iter()
        .map(|tensor| {
            let bytes = if tensor.role == Role::Bias { 2 } else { 1 };
            vec![0; bytes * tensor.shape.iter().product::<usize>()]
        })
        .collect();
    let views = expected.iter().zip(&zeros).map(|(tensor, data)| {
        let view = TensorView::new(tensor.role.dtype(), tensor.shape.clone(), data).unwrap();
        (&tensor.name, view)
    });
    safetensors::serialize(views, None).unwrap()
});

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let file = match first % 2 {
        0 => rest.to_vec(),
        _ => changed(&RIGHT, rest),
    };
    match weights::read(&NETWORK, &file) {
        Ok(weights) => {
            let [dense] = weights.node(NodeId::new(4)) else {
                panic!("node 4 is dense");
            };
            assert_eq!((dense.weight.len(), dense.bias.len()), (2 * 3 * 2 * 4, 2));
            assert!(dense.weight.iter().all(|weight| (-8..=7).contains(weight)));
            assert!(dense.bias.iter().all(|bias| (-128..=127).contains(bias)));
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| !error.to_string().is_empty()));
        }
    }
});
