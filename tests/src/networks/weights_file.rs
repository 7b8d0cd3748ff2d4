//! The bytes of a weights file, its tensors named as `docs/architecture.md` names them.

use super::numbers::Numbers;
use super::own::{self, OwnNumbers};
use herringbone_compiler::network::{
    Add, Convolution, Dense, Depthwise, Element, Kernel, Kind, Network, Node, Part, Projection,
    Separable,
};
use herringbone_compiler::weights::{OwnParameters, Parameters, Shift};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// The tensors of one sum.
pub(super) struct SumTensors {
    /// What comes before `weight`: `3.`, `3.depthwise.`, `3.first.`.
    prefix: String,
    /// Values along each axis; `None` where every weight is 1.
    pub(super) weight: Option<Vec<u32>>,
    pub(super) outputs: u32,
    shifts: Shifts,
    /// Whether biases have 32 bits in the file.
    has_wide_biases: bool,
}

/// What `shift` holds, in its order.
enum Shifts {
    /// Left, right.
    Sum,
    /// Left, right, skip.
    SumAndMap,
    /// Left, skip, right.
    TwoMaps,
    /// Right.
    Wide,
}

impl Shifts {
    const fn of(adds: bool) -> Self {
        if adds { Self::SumAndMap } else { Self::Sum }
    }
}

/// The sums of a node, the depthwise one first.
pub(super) fn sums(node: &Node) -> Vec<SumTensors> {
    let inputs = node.input.channels;
    let part = match node.part {
        Part::Whole => "",
        Part::First => "first.",
        Part::Second => "second.",
        Part::Projection => "projection.",
        Part::Tree | Part::Prototypes => "",
    };
    let sum = |half: &str, weight: Vec<u32>, outputs, adds| SumTensors {
        prefix: format!("{}.{part}{half}", node.layer),
        weight: Some(weight),
        outputs,
        shifts: Shifts::of(adds),
        has_wide_biases: node.input_element == Element::Wide,
    };
    let depthwise_shape = |Kernel { height, width }| vec![height, width, inputs];
    match node.kind {
        Kind::Convolution(Convolution {
            outputs,
            window,
            adds,
            ..
        }) => {
            let Kernel { height, width } = window.kernel;
            vec![sum("", vec![outputs, height, width, inputs], outputs, adds)]
        }
        Kind::Depthwise(Depthwise { window, adds, .. }) => {
            vec![sum("", depthwise_shape(window.kernel), inputs, adds)]
        }
        Kind::Separable(Separable {
            outputs,
            window,
            adds,
            ..
        }) => vec![
            sum("depthwise.", depthwise_shape(window.kernel), inputs, false),
            sum("pointwise.", vec![outputs, inputs], outputs, adds),
        ],
        Kind::Dense(Dense { outputs, adds, .. }) => {
            vec![sum("", vec![outputs, node.input.values()], outputs, adds)]
        }
        Kind::Add(Add { .. }) => vec![SumTensors {
            prefix: format!("{}.", node.layer),
            weight: None,
            outputs: inputs,
            shifts: Shifts::TwoMaps,
            has_wide_biases: false,
        }],
        Kind::Projection(Projection { outputs, .. }) => vec![SumTensors {
            shifts: Shifts::Wide,
            has_wide_biases: true,
            ..sum("", vec![outputs, node.input.values()], outputs, false)
        }],
        Kind::Recurrent(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Pool(_)
        | Kind::Concat(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => vec![],
    }
}

/// A weights file in which every weight is the greatest of its bits.
pub fn greatest_weights(network: &Network) -> Vec<u8> {
    let bits = network.bits();
    let nodes = network.nodes().iter().map(|node| {
        let sums = sums(node).into_iter();
        let sums = sums.map(|sum| Numbers::PLAIN.parameters(&sum, bits));
        (sums.collect(), OwnNumbers::PLAIN.parameters(node, bits))
    });
    weights_file(network, &nodes.collect::<Vec<_>>())
}

/// The bytes of a weights file with the parameters of each node's sums.
pub(super) fn weights_file(
    network: &Network,
    nodes: &[(Vec<Parameters>, OwnParameters)],
) -> Vec<u8> {
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (node, (parameters, own)) in network.nodes().iter().zip(nodes) {
        for (name, dtype, shape, bytes) in own::tensors(node, own) {
            let shape = shape.iter().map(|&length| length as usize).collect();
            tensors.push((format!("{}.{name}", node.layer), dtype, shape, bytes));
        }
        for (sum, parameters) in sums(node).iter().zip(parameters) {
            let mut add = |name: &str, dtype, shape: &[u32], bytes| {
                let shape = shape.iter().map(|&length| length as usize).collect();
                tensors.push((format!("{}{name}", sum.prefix), dtype, shape, bytes));
            };
            let Parameters {
                weight,
                bias,
                shift: Shift { left, right, skip },
            } = parameters;
            if let Some(shape) = &sum.weight {
                let weight = weight.iter().map(|&value| value as u8).collect();
                add("weight", Dtype::I8, shape, weight);
                let (dtype, bytes) = match sum.has_wide_biases {
                    true => (Dtype::I32, 4),
                    false => (Dtype::I16, 2),
                };
                let bias = bias
                    .iter()
                    .flat_map(|value| value.to_le_bytes()[..bytes].to_vec());
                add("bias", dtype, &[sum.outputs], bias.collect());
            }
            let shifts = match sum.shifts {
                Shifts::Sum => vec![*left, *right],
                Shifts::SumAndMap => vec![*left, *right, *skip],
                Shifts::TwoMaps => vec![*left, *skip, *right],
                Shifts::Wide => vec![*right],
            };
            add("shift", Dtype::U8, &[shifts.len() as u32], shifts);
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (name, view.expect("as many bytes as the shape says"))
    });
    safetensors::serialize(views, None).expect("tensors make a file")
}
