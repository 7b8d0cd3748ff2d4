//! Weighted sums of fields, as layers with numbers.

use super::form::Form;
use super::layer::{Convolution, StoredMap, Weights};
use super::reason::Reason;
use crate::network::NodeId;
use crate::program::{
    Accumulator, ConstantParameters, Expectation, Finish, Operation, SumParameters, WeightedSum,
};

/// The most weights of a depthwise kernel, zeros between channels counted.
const MOST_DEPTHWISE_WEIGHTS: usize = 1 << 20;

/// Weighted sums of those fields.
pub(super) fn weighted(
    field: Convolution,
    operation: &Operation,
    form: Form,
) -> Result<Convolution, Reason> {
    let node = field.node;
    match operation {
        Operation::Convolution(sum) => {
            let weights = Weights::new(constants(node, sum)?, sum, true);
            windowed(field, form, (weights, sum))
        }
        Operation::Depthwise(sum) => {
            let constants = constants(node, sum)?;
            if constants.weights.len() * sum.outputs as usize > MOST_DEPTHWISE_WEIGHTS {
                return Err(Reason::Operation(node));
            }
            let weights = Weights::depthwise(constants, sum);
            windowed(field, form, (weights, sum))
        }
        Operation::Separable {
            depthwise,
            pointwise,
        } => separable(field, form, depthwise, pointwise),
        Operation::Pool(_)
        | Operation::Dense(_)
        | Operation::Concat
        | Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => Err(Reason::Operation(node)),
    }
}

fn windowed(
    field: Convolution,
    form: Form,
    (weights, sum): (Weights, &WeightedSum),
) -> Result<Convolution, Reason> {
    let signed_outputs = match sum.finish {
        Finish::Relu => false,
        Finish::Signed => true,
        Finish::Wide => return Err(Reason::Operation(field.node)),
        Finish::Exact => return Err(Reason::Results),
    };
    let sum_lanes = lanes_of(sum);
    let weights = match field.signed_inputs {
        true => weights.without_offset(field.bits),
        false => weights,
    };
    // By a table, pixels are computed one by one, and outputs two by two.
    let lanes = match form {
        Form::UnrolledByTwoRows | Form::Unrolled => sum_lanes,
        Form::TableByWords | Form::TableByValues => 1,
    };
    Ok(Convolution {
        weights: without_joined_offset(weights, &field),
        form,
        lanes,
        sum_lanes,
        signed_outputs,
        joined: joined_by(lanes, &field),
        ..field
    })
}

/// The joined maps, of that many pixels at once.
fn joined_by(lanes: u32, field: &Convolution) -> Vec<Convolution> {
    let joined = field.joined.iter().cloned();
    joined.map(|map| Convolution { lanes, ..map }).collect()
}

/// Values of a joined map that may be negative are offset, so that none is.
fn without_joined_offset(weights: Weights, field: &Convolution) -> Weights {
    match field.joined.first() {
        Some(map) if map.signed_inputs => weights.without_joined_offset(field.bits),
        Some(_) | None => weights,
    }
}

/// A depthwise kernel as instructions, and a pointwise one for each pixel.
fn separable(
    field: Convolution,
    form: Form,
    depthwise: &WeightedSum,
    pointwise: &WeightedSum,
) -> Result<Convolution, Reason> {
    let node = field.node;
    let parameters = constants(node, depthwise)?;
    let is_large = parameters.weights.len() * depthwise.outputs as usize > MOST_DEPTHWISE_WEIGHTS;
    let is_exact = |sum: &WeightedSum| match sum.finish {
        Finish::Exact | Finish::Wide => true,
        Finish::Relu | Finish::Signed => false,
    };
    if is_exact(depthwise) || is_exact(pointwise) || is_large {
        return Err(Reason::Operation(node));
    }
    let weights = Weights::depthwise(parameters, depthwise);
    let of_values = Weights::new(constants(node, pointwise)?, pointwise, true);
    let of_values = without_joined_offset(of_values, &field);
    let inner = Convolution {
        // Values that may be negative stay offset on their way.
        weights: match depthwise.finish {
            Finish::Signed => of_values.without_offset(field.bits),
            Finish::Relu | Finish::Exact | Finish::Wide => of_values,
        },
        input: StoredMap {
            channels: depthwise.outputs,
            ..field.input
        },
        kernel: (1, 1),
        stride: (1, 1),
        padding: (0, 0),
        form,
        sum_lanes: lanes_of(pointwise),
        expectation: Expectation::of(None, depthwise.finish == Finish::Signed, true),
        signed_inputs: false,
        signed_outputs: pointwise.finish == Finish::Signed,
        joined: Vec::new(),
        ..field.clone()
    };
    Ok(Convolution {
        weights: match field.signed_inputs {
            true => weights.without_offset(field.bits),
            false => weights,
        },
        form: Form::Unrolled,
        signed_outputs: depthwise.finish == Finish::Signed,
        pointwise: Some(Box::new(inner)),
        ..field
    })
}

/// Sums that a register can hold.
pub(super) fn lanes_of(sum: &WeightedSum) -> u32 {
    match sum.accumulator {
        Accumulator::I16 => 2,
        Accumulator::I32 => 1,
    }
}

pub(super) fn constants(node: NodeId, sum: &WeightedSum) -> Result<&ConstantParameters, Reason> {
    match &sum.parameters {
        SumParameters::Constant(constants) => match constants.left.max(constants.skip) {
            0..=16 => Ok(constants),
            _ => Err(Reason::Shift(node)),
        },
        SumParameters::Runtime(_) => Err(Reason::LoadedWeights),
    }
}
