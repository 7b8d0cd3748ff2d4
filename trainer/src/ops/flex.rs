//! Operations of burn's backends `Flex` and `Autodiff<Flex>`, each of a kernel and the
//! kernels of its gradients.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// A differentiable function of `N` tensors, whose numbers are each one after the
/// other.
pub(super) trait Operation<const N: usize>: Debug + Send + 'static {
    fn forward(&self, inputs: [&FlexTensor; N]) -> FlexTensor;

    /// How the loss changes with the numbers of each input that is `wanted`, of how it
    /// changes with those of the output.
    fn gradients(
        &self,
        inputs: [&FlexTensor; N],
        output: &FlexTensor,
        gradient: &FlexTensor,
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N];
}

/// The value of an operation, of the input's shape but for its sizes.
pub(super) fn unary<const D: usize>(operation: impl Operation<1>, input: Tensor<D>) -> Tensor<D> {
    let output = <Dispatch as Operations>::unary(input.into_dispatch(), operation);
    Tensor::from_dispatch(output)
}

/// The same of an operation that has parameters.
pub(super) fn binary<const D: usize, const P: usize>(
    operation: impl Operation<2>,
    input: Tensor<D>,
    parameters: Tensor<P>,
) -> Tensor<D> {
    let (input, parameters) = (input.into_dispatch(), parameters.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Operations>::binary(
        input, parameters, operation,
    ))
}

/// The same of an operation that has parameters of two kinds.
pub(super) fn ternary<const D: usize, const P: usize, const Q: usize>(
    operation: impl Operation<3>,
    input: Tensor<D>,
    parameters: Tensor<P>,
    others: Tensor<Q>,
) -> Tensor<D> {
    let inputs = (input.into_dispatch(), parameters.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Operations>::ternary(
        inputs.0,
        inputs.1,
        others.into_dispatch(),
        operation,
    ))
}

/// Operations as burn's backends run them: on plain tensors, or on a tape.
#[backend_extension(Flex, Autodiff)]
trait Operations: Backend {
    fn unary<O: Operation<1>>(input: FloatTensor<Self>, operation: O) -> FloatTensor<Self>;

    fn binary<O: Operation<2>>(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        operation: O,
    ) -> FloatTensor<Self>;

    fn ternary<O: Operation<3>>(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        others: FloatTensor<Self>,
        operation: O,
    ) -> FloatTensor<Self>;
}

impl Operations for Flex {
    fn unary<O: Operation<1>>(input: FlexTensor, operation: O) -> FlexTensor {
        operation.forward([&contiguous(input)])
    }

    fn binary<O: Operation<2>>(
        input: FlexTensor,
        parameters: FlexTensor,
        operation: O,
    ) -> FlexTensor {
        operation.forward([&contiguous(input), &contiguous(parameters)])
    }

    fn ternary<O: Operation<3>>(
        input: FlexTensor,
        parameters: FlexTensor,
        others: FlexTensor,
        operation: O,
    ) -> FlexTensor {
        let inputs = [input, parameters, others].map(contiguous);
        operation.forward(inputs.each_ref())
    }
}

impl<C: CheckpointStrategy> Operations for Autodiff<Flex, C> {
    fn unary<O: Operation<1>>(input: FloatTensor<Self>, operation: O) -> FloatTensor<Self> {
        taped::<C, O, 1>(operation, [input])
    }

    fn binary<O: Operation<2>>(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        operation: O,
    ) -> FloatTensor<Self> {
        taped::<C, O, 2>(operation, [input, parameters])
    }

    fn ternary<O: Operation<3>>(
        input: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        others: FloatTensor<Self>,
        operation: O,
    ) -> FloatTensor<Self> {
        taped::<C, O, 3>(operation, [input, parameters, others])
    }
}

/// The value of an operation, which goes onto the tape if a gradient will be wanted.
fn taped<C: CheckpointStrategy, O: Operation<N>, const N: usize>(
    operation: O,
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
) -> FloatTensor<Autodiff<Flex, C>> {
    let nodes = inputs.each_ref().map(|input| input.node());
    let inputs = inputs.map(|input| contiguous(input.into_primitive()));
    let output = operation.forward(inputs.each_ref());
    match Taped(operation)
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish((inputs, output.clone()), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// An operation on the tape.
#[derive(Debug)]
struct Taped<O>(O);

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for Taped<O> {
    /// Inputs and output.
    type State = ([FlexTensor; N], FlexTensor);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (inputs, output) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let of_inputs = self
            .0
            .gradients(inputs.each_ref(), &output, &gradient, wanted);
        for ((node, input), of_input) in ops.parents.into_iter().zip(&inputs).zip(of_inputs) {
            if let (Some(node), Some(of_input)) = (node, of_input) {
                gradients.register::<Flex>(node.id, like(of_input, input));
            }
        }
    }
}

/// A tensor of another one's shape.
pub(super) fn like(numbers: Vec<f32>, other: &FlexTensor) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, other.shape()))
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}
