//! What a model takes and gives: the numbers of its caller, and the bytes that stand for them.

use herringbone_tflite::operators::{Dequantise, Quantise};
use herringbone_tflite::{Element, Graph, Node, Operator, TensorId, Values};

/// An end of a model: numbers of its caller, as bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EndScale {
    /// Whether the bytes are signed.
    pub(crate) is_signed: bool,
    /// What a step of theirs stands for.
    pub(crate) scale: f32,
    /// The byte that stands for 0.
    pub(crate) zero_point: i32,
}

/// The bytes of an input. The scale of real numbers is that of the operator which quantises them.
pub(crate) fn of_input(graph: &Graph, input: TensorId) -> EndScale {
    match quantised(graph, input).first() {
        Some(first) => EndScale {
            is_signed: first.signed,
            scale: first.scale,
            zero_point: first.zero_point,
        },
        None => of_tensor(graph, input),
    }
}

/// The bytes of an output.
pub(crate) fn of_output(graph: &Graph, output: TensorId) -> EndScale {
    match dequantised(graph, output) {
        Some((it, bytes)) => EndScale {
            is_signed: graph.tensor(bytes).element != Element::Uint8,
            scale: it.scale,
            zero_point: it.zero_point,
        },
        None => of_tensor(graph, output),
    }
}

fn of_tensor(graph: &Graph, tensor: TensorId) -> EndScale {
    let tensor = graph.tensor(tensor);
    let of_tensor = tensor.quantisation.as_ref();
    let of_tensor = of_tensor.and_then(|it| Some((*it.scales.first()?, it.zero_point)));
    let (scale, zero_point) = of_tensor.unwrap_or((1.0, 0));
    EndScale {
        is_signed: tensor.element != Element::Uint8,
        scale,
        zero_point,
    }
}

/// How a tensor of real numbers becomes bytes, under whatever shapes.
fn quantised(graph: &Graph, input: TensorId) -> Vec<Quantise> {
    let mut same = vec![input];
    let mut found = Vec::new();
    for node in &graph.nodes {
        let Node::Compute {
            operator,
            reads,
            writes,
            ..
        } = node
        else {
            continue;
        };
        match operator {
            Operator::View if same.contains(&reads[0]) => same.push(*writes),
            Operator::Quantise(it) if same.contains(&reads[0]) => found.push(it.clone()),
            Operator::Convolution(_)
            | Operator::Depthwise(_)
            | Operator::Dense(_)
            | Operator::Pool(_)
            | Operator::Mean(_)
            | Operator::Addition(_)
            | Operator::Multiplication(_)
            | Operator::Softmax(_)
            | Operator::ByteMap(_)
            | Operator::Quantise(_)
            | Operator::Dequantise(_)
            | Operator::Concatenation(_)
            | Operator::Move(_)
            | Operator::View => {}
        }
    }
    found
}

fn dequantised(graph: &Graph, output: TensorId) -> Option<(&Dequantise, TensorId)> {
    graph.nodes.iter().find_map(|node| match node {
        Node::Compute {
            operator: Operator::Dequantise(it),
            reads,
            writes,
            ..
        } if *writes == output => Some((it, reads[0])),
        Node::Compute { .. } | Node::Load { .. } | Node::Store { .. } => None,
    })
}

/// What no plan follows of what a model takes, gives and keeps.
pub(super) fn problems(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for &input in &graph.inputs {
        let tensor = graph.tensor(input);
        let name = &tensor.name;
        if tensor.constant.is_some() {
            problems.push(format!(
                "the input `{name}` is a constant: leave it out of the model"
            ));
        }
        match kind_of(tensor.element) {
            Kind::Bytes => {}
            Kind::Real => {
                let all = quantised(graph, input);
                if all.iter().any(|it| *it != all[0]) {
                    problems.push(format!(
                        "the input `{name}` is quantised by several scales: one is followed"
                    ));
                }
            }
            Kind::Other => problems.push(format!(
                "the input `{name}` is {}: expected int8, uint8 or float32",
                tensor.element
            )),
        }
    }
    for &output in &graph.outputs {
        let tensor = graph.tensor(output);
        match kind_of(tensor.element) {
            Kind::Bytes => {}
            Kind::Real if dequantised(graph, output).is_some() => {}
            Kind::Real | Kind::Other => problems.push(format!(
                "the output `{}` is {}, and no DEQUANTIZE makes it: expected int8 or uint8",
                tensor.name, tensor.element
            )),
        }
    }
    let used = |state: usize| {
        graph.nodes.iter().any(|node| match node {
            Node::Load { state: it, .. } | Node::Store { state: it, .. } => *it == state,
            Node::Compute { .. } => false,
        })
    };
    for (index, state) in graph.states.iter().enumerate() {
        match &state.initial {
            Values::Int8(_) | Values::Uint8(_) => {}
            Values::Int32(_) | Values::Float32(_) if used(index) => problems.push(format!(
                "variable {index} keeps values of {}: expected int8 or uint8",
                state.initial.element()
            )),
            Values::Int32(_) | Values::Float32(_) => {}
        }
    }
    problems
}

/// What a caller's numbers are.
enum Kind {
    Bytes,
    Real,
    Other,
}

fn kind_of(element: Element) -> Kind {
    match element {
        Element::Int8 | Element::Uint8 => Kind::Bytes,
        Element::Float32 => Kind::Real,
        Element::Int32 | Element::Int64 | Element::Resource | Element::Other(_) => Kind::Other,
    }
}
