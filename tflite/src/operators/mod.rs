//! What operators compute, one file a kind: how it is read from the file, with everything checked
//! and prepared that does not depend on the input, and how it is computed.
//!
//! Several operators of TensorFlow Lite are one kind here: all that make a byte of a byte are a
//! [`ByteMap`], and all that only move values are a [`Move`]. A new kind is a file, and a variant
//! of [`Operator`]; the compiler's errors name the rest.

mod addition;
mod byte_map;
mod call;
mod concatenation;
mod convolution;
mod dense;
mod float;
mod mean;
mod moves;
mod multiplication;
mod pool;
mod requantise;
mod softmax;
mod window;

pub use addition::{Addition, Broadcast, LEFT_SHIFT, Sign};
pub use byte_map::ByteMap;
pub use concatenation::Concatenation;
pub use convolution::{Convolution, Depthwise};
pub use dense::Dense;
pub use float::{Dequantise, Quantise};
pub use mean::Mean;
pub use moves::{Move, Resize, Slice};
pub use multiplication::Multiplication;
pub use pool::{Pool, PoolFunction};
pub use requantise::{Range, Requantise};
pub use softmax::Softmax;
pub use window::{Axis, Window};

pub(crate) use call::Call;

use crate::element::Values;
use crate::file::Code;
use crate::graph::TensorId;

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// `CONV_2D`.
    Convolution(Convolution),
    /// `DEPTHWISE_CONV_2D`.
    Depthwise(Depthwise),
    /// `FULLY_CONNECTED`.
    Dense(Dense),
    /// `AVERAGE_POOL_2D` and `MAX_POOL_2D`.
    Pool(Pool),
    /// `MEAN`.
    Mean(Mean),
    /// `ADD` and `SUB`.
    Addition(Addition),
    /// `MUL`.
    Multiplication(Multiplication),
    /// `SOFTMAX`.
    Softmax(Softmax),
    /// `LOGISTIC`, `TANH`, `RELU`, `RELU6`, `LEAKY_RELU`, and `QUANTIZE` of integers.
    ByteMap(ByteMap),
    /// `QUANTIZE` of real numbers.
    Quantise(Quantise),
    /// `DEQUANTIZE`.
    Dequantise(Dequantise),
    /// `CONCATENATION` and `PACK`.
    Concatenation(Concatenation),
    /// `PAD`, `PADV2`, `STRIDED_SLICE`, `SPLIT`, `SPLIT_V`, `UNPACK`, `TRANSPOSE` and
    /// `RESIZE_NEAREST_NEIGHBOR`.
    Move(Move),
    /// The same values in another shape: `RESHAPE`, `SQUEEZE`, `EXPAND_DIMS`.
    View,
}

/// A node as it is read: the tensors that change from one inference to the next, in the order in
/// which [`Operator::compute`] takes them, and the one that it makes.
pub(crate) struct Read {
    pub(crate) operator: Operator,
    pub(crate) reads: Vec<TensorId>,
    pub(crate) writes: TensorId,
}

impl Read {
    fn one(call: &Call<'_>, operator: Operator) -> Result<Vec<Self>, String> {
        Ok(vec![Self {
            operator,
            reads: vec![call.input_id(0)?],
            writes: call.output_id(0)?,
        }])
    }

    fn of_both(call: &Call<'_>, operator: Operator) -> Result<Vec<Self>, String> {
        Ok(vec![Self {
            operator,
            reads: vec![call.input_id(0)?, call.input_id(1)?],
            writes: call.output_id(0)?,
        }])
    }
}

/// Understands an operator: the nodes that it is, or why it can't be computed.
pub(crate) fn read(call: &Call<'_>) -> Result<Vec<Read>, String> {
    let one = |operator| Read::one(call, operator);
    match call.code {
        Code::CONV_2D => one(Operator::Convolution(Convolution::read(call)?)),
        Code::DEPTHWISE_CONV_2D => one(Operator::Depthwise(Depthwise::read(call)?)),
        Code::FULLY_CONNECTED => one(Operator::Dense(Dense::read(call)?)),
        Code::AVERAGE_POOL_2D => one(Operator::Pool(Pool::read(call, PoolFunction::Average)?)),
        Code::MAX_POOL_2D => one(Operator::Pool(Pool::read(call, PoolFunction::Maximum)?)),
        Code::MEAN => one(Operator::Mean(Mean::read(call)?)),
        Code::ADD => Read::of_both(call, Operator::Addition(Addition::read(call, Sign::Plus)?)),
        Code::SUB => Read::of_both(call, Operator::Addition(Addition::read(call, Sign::Minus)?)),
        Code::MUL => {
            let operator = Operator::Multiplication(Multiplication::read(call)?);
            Read::of_both(call, operator)
        }
        Code::SOFTMAX => one(Operator::Softmax(Softmax::read(call)?)),
        Code::LOGISTIC => one(Operator::ByteMap(ByteMap::logistic(call)?)),
        Code::TANH => one(Operator::ByteMap(ByteMap::tanh(call)?)),
        Code::RELU => one(Operator::ByteMap(ByteMap::relu(call)?)),
        Code::RELU6 => one(Operator::ByteMap(ByteMap::relu6(call)?)),
        Code::LEAKY_RELU => one(Operator::ByteMap(ByteMap::leaky_relu(call)?)),
        Code::QUANTIZE => float::read_quantise(call),
        Code::DEQUANTIZE => one(Operator::Dequantise(Dequantise::read(call)?)),
        Code::CONCATENATION => concatenation::read_concatenation(call),
        Code::PACK => concatenation::read_pack(call),
        Code::PAD | Code::PADV2 => one(Operator::Move(moves::read_pad(call)?)),
        Code::STRIDED_SLICE => one(Operator::Move(moves::read_strided_slice(call)?)),
        Code::SPLIT => moves::read_split(call, 1, 0),
        Code::SPLIT_V => moves::read_split(call, 0, 2),
        Code::UNPACK => moves::read_unpack(call),
        Code::TRANSPOSE => one(Operator::Move(moves::read_transpose(call)?)),
        Code::RESIZE_NEAREST_NEIGHBOR => one(Operator::Move(moves::read_resize(call)?)),
        Code::RESHAPE | Code::SQUEEZE | Code::EXPAND_DIMS => {
            call.same_element()?;
            let (from, to) = (call.input(0)?, call.output(0)?);
            if from.values() != to.values() {
                return Err(format!(
                    "it makes {:?} of {:?}, which has another number of values",
                    to.shape, from.shape
                ));
            }
            one(Operator::View)
        }
        _ => Err(
            "this operator is not understood: replace it in the model, or leave it to code around \
             the network"
                .to_owned(),
        ),
    }
}

impl Operator {
    /// What it makes of its inputs.
    ///
    /// # Panics
    /// Where an input has another type or another number of values than the tensor that the
    /// operator was read with.
    pub fn compute(&self, inputs: &[&Values]) -> Values {
        match self {
            Self::Convolution(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::Depthwise(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::Dense(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::Pool(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::Mean(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::Addition(it) => Values::Int8(it.compute(int8(inputs[0]), int8(inputs[1]))),
            Self::Multiplication(it) => Values::Int8(it.compute(int8(inputs[0]), int8(inputs[1]))),
            Self::Softmax(it) => Values::Int8(it.compute(int8(inputs[0]))),
            Self::ByteMap(it) => it.compute(inputs[0]),
            Self::Quantise(it) => it.compute(inputs[0]),
            Self::Dequantise(it) => it.compute(inputs[0]),
            Self::Concatenation(it) => it.compute(inputs),
            Self::Move(it) => it.compute(inputs[0]),
            Self::View => inputs[0].clone(),
        }
    }

    /// Bytes of its weights and biases in the file.
    pub fn constant_bytes(&self) -> u64 {
        self.sums().map_or(0, |sums| {
            (sums.weights.len() + 4 * sums.biases.len()) as u64
        })
    }

    /// Multiply-accumulates.
    pub fn multiply_accumulates(&self) -> u64 {
        self.sums().map_or(0, |sums| sums.multiply_accumulates)
    }

    /// Its weighted sums, if it has some.
    fn sums(&self) -> Option<Sums<'_>> {
        let (weights, biases, multiply_accumulates) = match self {
            Self::Convolution(it) => (&it.weights, &it.biases, it.multiply_accumulates()),
            Self::Depthwise(it) => (&it.weights, &it.biases, it.multiply_accumulates()),
            Self::Dense(it) => (&it.weights, &it.biases, it.multiply_accumulates()),
            Self::Pool(_)
            | Self::Mean(_)
            | Self::Addition(_)
            | Self::Multiplication(_)
            | Self::Softmax(_)
            | Self::ByteMap(_)
            | Self::Quantise(_)
            | Self::Dequantise(_)
            | Self::Concatenation(_)
            | Self::Move(_)
            | Self::View => return None,
        };
        Some(Sums {
            weights,
            biases,
            multiply_accumulates,
        })
    }
}

/// Weighted sums of an operator.
struct Sums<'a> {
    weights: &'a [i8],
    biases: &'a [i32],
    multiply_accumulates: u64,
}

/// Weighted sums over whole pixels, to be changed.
pub(crate) struct WholeSums<'a> {
    /// `[output]`, and for each `[tap][input]`.
    pub(crate) weights: &'a mut Vec<i8>,
    pub(crate) weight_zero_point: i32,
    pub(crate) biases: &'a mut Vec<i32>,
    pub(crate) requantise: &'a mut Requantise,
    pub(crate) inputs: &'a mut usize,
    pub(crate) outputs: &'a mut usize,
    pub(crate) input_zero_point: i32,
}

impl Operator {
    /// Its weighted sums over whole pixels, if it has some.
    pub(crate) fn whole_sums(&mut self) -> Option<WholeSums<'_>> {
        match self {
            Self::Convolution(it) if it.groups == 1 => Some(WholeSums {
                weights: &mut it.weights,
                weight_zero_point: 0,
                biases: &mut it.biases,
                requantise: &mut it.requantise,
                inputs: &mut it.inputs,
                outputs: &mut it.outputs,
                input_zero_point: it.input_zero_point,
            }),
            Self::Dense(it) => Some(WholeSums {
                weights: &mut it.weights,
                weight_zero_point: it.weight_zero_point,
                biases: &mut it.biases,
                requantise: &mut it.requantise,
                inputs: &mut it.inputs,
                outputs: &mut it.outputs,
                input_zero_point: it.input_zero_point,
            }),
            Self::Convolution(_)
            | Self::Depthwise(_)
            | Self::Pool(_)
            | Self::Mean(_)
            | Self::Addition(_)
            | Self::Multiplication(_)
            | Self::Softmax(_)
            | Self::ByteMap(_)
            | Self::Quantise(_)
            | Self::Dequantise(_)
            | Self::Concatenation(_)
            | Self::Move(_)
            | Self::View => None,
        }
    }

    /// How its kernel slides, and the input's value that stands for 0, which taps outside of the
    /// map have.
    pub(crate) fn kernel_window(&self) -> Option<(&Window, i32)> {
        match self {
            Self::Convolution(it) => Some((&it.window, it.input_zero_point)),
            Self::Depthwise(it) => Some((&it.window, it.input_zero_point)),
            Self::Dense(_)
            | Self::Pool(_)
            | Self::Mean(_)
            | Self::Addition(_)
            | Self::Multiplication(_)
            | Self::Softmax(_)
            | Self::ByteMap(_)
            | Self::Quantise(_)
            | Self::Dequantise(_)
            | Self::Concatenation(_)
            | Self::Move(_)
            | Self::View => None,
        }
    }

    /// Which values of its two inputs meet.
    pub fn broadcast(&self) -> Option<&Broadcast> {
        match self {
            Self::Addition(it) => Some(&it.broadcast),
            Self::Multiplication(it) => Some(&it.broadcast),
            Self::Convolution(_)
            | Self::Depthwise(_)
            | Self::Dense(_)
            | Self::Pool(_)
            | Self::Mean(_)
            | Self::Softmax(_)
            | Self::ByteMap(_)
            | Self::Quantise(_)
            | Self::Dequantise(_)
            | Self::Concatenation(_)
            | Self::Move(_)
            | Self::View => None,
        }
    }
}

fn int8(values: &Values) -> &[i8] {
    values
        .int8()
        .expect("the type was checked when the graph was read")
}
