//! The kernels as operations of burn's backends `Flex` and `Autodiff<Flex>`.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;

use crate::kernels::{self, EXAMPLES, Extent, MapShape};
use crate::quantise::Grid;

/// Operations that the kernels provide.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Layers: Backend {
    fn convolve(maps: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
    fn depthwise(maps: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
    fn activate(sums: FloatTensor<Self>, bias: FloatTensor<Self>, grid: Grid) -> FloatTensor<Self>;
    fn quantise(numbers: FloatTensor<Self>, grid: Grid) -> FloatTensor<Self>;
    fn maximum(maps: FloatTensor<Self>, window: [usize; 2]) -> FloatTensor<Self>;
    fn average(maps: FloatTensor<Self>, window: [usize; 2], step: f32) -> FloatTensor<Self>;
}

/// A tensor's numbers, one behind the other.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("maps are made contiguous")
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

fn shape(maps: &FlexTensor) -> MapShape {
    let [_, height, width, channels, examples] = maps.shape().dims();
    debug_assert_eq!(examples, EXAMPLES);
    MapShape {
        height,
        width,
        channels,
    }
}

/// Maps of that shape.
fn maps(numbers: Vec<f32>, shape: MapShape) -> FlexTensor {
    let blocks = numbers.len() / shape.block().max(1);
    let MapShape {
        height,
        width,
        channels,
    } = shape;
    FlexTensor::from_data(TensorData::new(
        numbers,
        [blocks, height, width, channels, EXAMPLES],
    ))
}

fn like(numbers: Vec<f32>, other: &FlexTensor) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, other.shape()))
}

fn extent([height, width]: [usize; 2]) -> Extent {
    Extent { height, width }
}

impl Layers for Flex {
    fn convolve(input: FlexTensor, weights: FlexTensor) -> FlexTensor {
        let (input, weights) = (contiguous(input), contiguous(weights));
        let [outputs, height, width, _] = weights.shape().dims();
        let input_shape = shape(&input);
        let kernel = extent([height, width]);
        let output_shape = MapShape {
            height: input_shape.height + 1 - height,
            width: input_shape.width + 1 - width,
            channels: outputs,
        };
        let (input, weights) = (numbers(&input), numbers(&weights));
        maps(
            kernels::convolve(input, input_shape, weights, kernel, outputs),
            output_shape,
        )
    }

    fn depthwise(input: FlexTensor, weights: FlexTensor) -> FlexTensor {
        let (input, weights) = (contiguous(input), contiguous(weights));
        let [height, width, channels] = weights.shape().dims();
        let input_shape = shape(&input);
        let output_shape = MapShape {
            height: input_shape.height + 1 - height,
            width: input_shape.width + 1 - width,
            channels,
        };
        let kernel = extent([height, width]);
        let (input, weights) = (numbers(&input), numbers(&weights));
        maps(
            kernels::depthwise(input, input_shape, weights, kernel),
            output_shape,
        )
    }

    fn activate(sums: FlexTensor, bias: FlexTensor, grid: Grid) -> FlexTensor {
        let (sums, bias) = (contiguous(sums), contiguous(bias));
        let block = shape(&sums).block();
        let activations = kernels::activate(numbers(&sums), numbers(&bias), block, grid);
        like(activations, &sums)
    }

    fn quantise(tensor: FlexTensor, grid: Grid) -> FlexTensor {
        let tensor = contiguous(tensor);
        let quantised = numbers(&tensor).iter().map(|&number| grid.nearest(number));
        like(quantised.collect(), &tensor)
    }

    fn maximum(input: FlexTensor, window: [usize; 2]) -> FlexTensor {
        let input = contiguous(input);
        let input_shape = shape(&input);
        let output = kernels::maximum(numbers(&input), input_shape, extent(window));
        maps(output, input_shape.pooled(extent(window)))
    }

    fn average(input: FlexTensor, window: [usize; 2], step: f32) -> FlexTensor {
        let input = contiguous(input);
        let input_shape = shape(&input);
        let output = kernels::average(numbers(&input), input_shape, extent(window), step);
        maps(output, input_shape.pooled(extent(window)))
    }
}

#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 2> for Convolve {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (input, weights) = ops.state;
        let [_, height, width, channels] = weights.shape().dims();
        let kernel = extent([height, width]);
        let (input_shape, gradient_shape) = (shape(&input), shape(&gradient));
        let [of_input, of_weights] = ops.parents;
        if let Some(node) = of_input {
            let of_input = kernels::input_gradient(
                numbers(&gradient),
                gradient_shape,
                numbers(&weights),
                kernel,
                channels,
            );
            gradients.register::<Flex>(node.id, like(of_input, &input));
        }
        if let Some(node) = of_weights {
            let of_weights = kernels::weight_gradient(
                numbers(&input),
                input_shape,
                numbers(&gradient),
                gradient_shape,
                kernel,
            );
            gradients.register::<Flex>(node.id, like(of_weights, &weights));
        }
    }
}

#[derive(Debug)]
struct Depthwise;

impl Backward<Flex, 2> for Depthwise {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (input, weights) = ops.state;
        let [height, width, _] = weights.shape().dims();
        let kernel = extent([height, width]);
        let input_shape = shape(&input);
        let [of_input, of_weights] = ops.parents;
        if let Some(node) = of_input {
            let of_input = kernels::depthwise_input_gradient(
                numbers(&gradient),
                input_shape,
                numbers(&weights),
                kernel,
            );
            gradients.register::<Flex>(node.id, like(of_input, &input));
        }
        if let Some(node) = of_weights {
            let of_weights = kernels::depthwise_weight_gradient(
                numbers(&input),
                input_shape,
                numbers(&gradient),
                kernel,
            );
            gradients.register::<Flex>(node.id, like(of_weights, &weights));
        }
    }
}

#[derive(Debug)]
struct Activate;

impl Backward<Flex, 2> for Activate {
    type State = (FlexTensor, FlexTensor, Grid);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (sums, bias, grid) = ops.state;
        let (of_sums, of_bias) = kernels::activation_gradient(
            numbers(&sums),
            numbers(&bias),
            numbers(&gradient),
            shape(&sums).block(),
            grid,
        );
        let [sums_node, bias_node] = ops.parents;
        if let Some(node) = sums_node {
            gradients.register::<Flex>(node.id, like(of_sums, &sums));
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, like(of_bias, &bias));
        }
    }
}

/// The gradient goes straight through.
#[derive(Debug)]
struct Quantise;

impl Backward<Flex, 1> for Quantise {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [node] = ops.parents;
        if let Some(node) = node {
            gradients.register::<Flex>(node.id, gradient);
        }
    }
}

#[derive(Debug)]
struct Maximum;

impl Backward<Flex, 1> for Maximum {
    type State = (FlexTensor, FlexTensor, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (input, output, window) = ops.state;
        let [node] = ops.parents;
        if let Some(node) = node {
            let of_input = kernels::maximum_gradient(
                numbers(&input),
                numbers(&output),
                numbers(&gradient),
                shape(&input),
                extent(window),
            );
            gradients.register::<Flex>(node.id, like(of_input, &input));
        }
    }
}

#[derive(Debug)]
struct Average;

impl Backward<Flex, 1> for Average {
    type State = (MapShape, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (input, window) = ops.state;
        let [node] = ops.parents;
        if let Some(node) = node {
            let of_input = kernels::average_gradient(numbers(&gradient), input, extent(window));
            gradients.register::<Flex>(node.id, maps(of_input, input));
        }
    }
}

impl<C: CheckpointStrategy> Layers for Autodiff<Flex, C> {
    fn convolve(input: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = Convolve
            .prepare::<C>([input.node(), weights.node()])
            .compute_bound()
            .stateful();
        let (input, weights) = (
            contiguous(input.primitive().clone()),
            contiguous(weights.primitive().clone()),
        );
        let output = Flex::convolve(input.clone(), weights.clone());
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((input, weights), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn depthwise(input: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = Depthwise
            .prepare::<C>([input.node(), weights.node()])
            .compute_bound()
            .stateful();
        let (input, weights) = (
            contiguous(input.primitive().clone()),
            contiguous(weights.primitive().clone()),
        );
        let output = Flex::depthwise(input.clone(), weights.clone());
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((input, weights), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn activate(sums: FloatTensor<Self>, bias: FloatTensor<Self>, grid: Grid) -> FloatTensor<Self> {
        let prepared = Activate
            .prepare::<C>([sums.node(), bias.node()])
            .compute_bound()
            .stateful();
        let (sums, bias) = (
            contiguous(sums.primitive().clone()),
            contiguous(bias.primitive().clone()),
        );
        let output = Flex::activate(sums.clone(), bias.clone(), grid);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((sums, bias, grid), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn quantise(numbers: FloatTensor<Self>, grid: Grid) -> FloatTensor<Self> {
        let prepared = Quantise
            .prepare::<C>([numbers.node()])
            .compute_bound()
            .stateful();
        let quantised = Flex::quantise(numbers.primitive().clone(), grid);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((), quantised),
            OpsKind::UnTracked(prepared) => prepared.finish(quantised),
        }
    }

    fn maximum(input: FloatTensor<Self>, window: [usize; 2]) -> FloatTensor<Self> {
        let prepared = Maximum
            .prepare::<C>([input.node()])
            .compute_bound()
            .stateful();
        let input = contiguous(input.primitive().clone());
        let output = Flex::maximum(input.clone(), window);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((input, output.clone(), window), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn average(input: FloatTensor<Self>, window: [usize; 2], step: f32) -> FloatTensor<Self> {
        let prepared = Average
            .prepare::<C>([input.node()])
            .compute_bound()
            .stateful();
        let input = contiguous(input.primitive().clone());
        let output = Flex::average(input.clone(), window, step);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((shape(&input), window), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
