//! Weighted sums of fields, as layers with numbers.

use super::form::Form;
use super::layer::{Convolution, Reduction, StoredMap, Weights};
use super::loaded::Loaded;
use super::reason::Reason;
use crate::network::NodeId;
use crate::program::{
    Accumulator, ConstantParameters, Expectation, Finish, Operation, Program, SumParameters,
    WeightedSum,
};

/// The most weights of a depthwise kernel, zeros between channels counted.
const MOST_DEPTHWISE_WEIGHTS: usize = 1 << 20;

/// Weighted sums of those fields.
pub(super) fn weighted(
    program: &Program,
    field: Convolution,
    (operation, form): (&Operation, Form),
) -> Result<Convolution, Reason> {
    let node = field.node;
    match operation {
        Operation::Convolution(sum) if is_loaded(sum) => {
            let weights = loaded(program, node, (sum, sum), signs(&field))?;
            windowed(as_it_is(field), of_loaded(form), (weights, sum))
        }
        Operation::Depthwise(sum) if is_loaded(sum) => {
            let weights = loaded(program, node, (sum, sum), signs(&field))?;
            let layer = windowed(as_it_is(field), of_loaded(form), (weights, sum))?;
            Ok(of_own_weights(layer))
        }
        Operation::Convolution(sum) => {
            let weights = Weights::new(constants(node, sum, field.bits)?, sum);
            windowed(field, form, (weights, sum))
        }
        Operation::Depthwise(sum) => {
            let constants = constants(node, sum, field.bits)?;
            if constants.weights.len() * sum.outputs as usize > MOST_DEPTHWISE_WEIGHTS {
                return Err(Reason::Operation(node));
            }
            let weights = Weights::depthwise(constants, sum);
            windowed(field, form, (weights, sum))
        }
        Operation::Separable {
            depthwise,
            pointwise,
        } if is_loaded(depthwise) => {
            let signed = [depthwise.finish == Finish::Signed, signs(&field)[1]];
            let first = loaded(program, node, (depthwise, depthwise), signs(&field))?;
            let last = loaded(program, node, (depthwise, pointwise), signed)?;
            let form = of_loaded(form);
            let field = as_it_is(field);
            let inner = windowed(of_a_pixel(&field, depthwise), form, (last, pointwise))?;
            let outer = windowed(field, form, (first, depthwise))?;
            Ok(Convolution {
                pointwise: Some(Box::new(inner)),
                ..of_own_weights(outer)
            })
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
        Finish::Exact if field.exact_bytes.is_some() => true,
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
    let parameters = constants(node, depthwise, field.bits)?;
    let is_large = parameters.weights.len() * depthwise.outputs as usize > MOST_DEPTHWISE_WEIGHTS;
    let is_exact = |sum: &WeightedSum| match sum.finish {
        Finish::Exact | Finish::Wide => true,
        Finish::Relu | Finish::Signed => false,
    };
    let is_last = field.exact_bytes.is_some();
    if is_exact(depthwise) || is_exact(pointwise) && !is_last || is_large {
        return Err(Reason::Operation(node));
    }
    let weights = Weights::depthwise(parameters, depthwise);
    let of_values = Weights::new(constants(node, pointwise, field.bits)?, pointwise);
    let of_values = without_joined_offset(of_values, &field);
    let inner = Convolution {
        // Values that may be negative stay offset on their way.
        weights: match depthwise.finish {
            Finish::Signed => of_values.without_offset(field.bits),
            Finish::Relu | Finish::Exact | Finish::Wide => of_values,
        },
        form,
        sum_lanes: lanes_of(pointwise),
        signed_outputs: pointwise.finish != Finish::Relu,
        ..of_a_pixel(&field, depthwise)
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

/// The field of a pointwise kernel after a depthwise one.
fn of_a_pixel(field: &Convolution, depthwise: &WeightedSum) -> Convolution {
    Convolution {
        input: StoredMap {
            channels: depthwise.outputs,
            pixel_cells: depthwise.outputs,
            ..field.input
        },
        kernel: (1, 1),
        stride: (1, 1),
        padding: (0, 0),
        expectation: Expectation::of(None, depthwise.finish == Finish::Signed, true),
        signed_inputs: false,
        joined: Vec::new(),
        ..field.clone()
    }
}

/// Whether parameters come at run time.
pub(super) fn is_loaded(sum: &WeightedSum) -> bool {
    match &sum.parameters {
        SumParameters::Constant(_) => false,
        SumParameters::Runtime(_) => true,
    }
}

/// Whether the values that are read may be negative, and those that are added.
fn signs(field: &Convolution) -> [bool; 2] {
    let joined = field.joined.first();
    [
        field.signed_inputs,
        joined.is_some_and(|map| map.signed_inputs),
    ]
}

/// The field where values that may be negative are taken as they are stored.
pub(super) fn as_it_is(field: Convolution) -> Convolution {
    let joined = field.joined.into_iter().map(as_it_is);
    Convolution {
        signed_inputs: false,
        joined: joined.collect(),
        ..field
    }
}

/// The same of weights that are each for one channel.
fn of_own_weights(layer: Convolution) -> Convolution {
    Convolution {
        reduction: Reduction::OwnWeights,
        ..layer
    }
}

/// The weights of a sum that come at run time, with those of the `first` sum of its layer before
/// them; whether values that are read may be negative, and those that are added.
pub(super) fn loaded(
    program: &Program,
    node: NodeId,
    (first, sum): (&WeightedSum, &WeightedSum),
    signed: [bool; 2],
) -> Result<Weights, Reason> {
    let (SumParameters::Runtime(first), SumParameters::Runtime(place)) =
        (&first.parameters, &sum.parameters)
    else {
        return Err(Reason::Operation(node));
    };
    let loaded = Loaded::of(program, (sum, place), first.left_byte, signed);
    let loaded = loaded.ok_or(Reason::Operation(node))?;
    Ok(Weights::loaded(loaded, sum.outputs))
}

/// The form of weights that come at run time: a table.
pub(super) fn of_loaded(form: Form) -> Form {
    match form {
        Form::UnrolledByTwoRows | Form::Unrolled | Form::TableByWords => Form::TableByWords,
        Form::TableByValues => Form::TableByValues,
    }
}

/// Sums that a register can hold.
pub(super) fn lanes_of(sum: &WeightedSum) -> u32 {
    match sum.accumulator {
        Accumulator::I16 => 2,
        Accumulator::I32 => 1,
    }
}

/// The parameters of a sum that are in the code, of values of that many bits.
pub(super) fn constants(
    node: NodeId,
    sum: &WeightedSum,
    bits: u32,
) -> Result<&ConstantParameters, Reason> {
    match &sum.parameters {
        SumParameters::Constant(constants) => {
            let rounds = sum.finish != Finish::Signed || half_a_step_fits(constants, sum, bits);
            match constants.left.max(constants.skip) {
                0..=16 if rounds => Ok(constants),
                _ => Err(Reason::Shift(node)),
            }
        }
        SumParameters::Runtime(_) => Err(Reason::Operation(node)),
    }
}

/// Whether sums still fit 32 bits where half a step is added to round them.
fn half_a_step_fits(constants: &ConstantParameters, sum: &WeightedSum, bits: u32) -> bool {
    let most_value = (1i64 << bits) - 1;
    let joined = match sum.adds {
        true => most_value << constants.skip,
        false => 0,
    };
    let half = 1i64 << constants.right >> 1;
    let outputs = sum.outputs as usize;
    (0..outputs).all(|output| {
        let weights = constants.weights.iter().skip(output).step_by(outputs);
        let factors: i64 = weights.map(|&weight| i64::from(weight).abs()).sum();
        let bias = i64::from(constants.biases[output]).abs();
        let most = ((factors * most_value) << constants.left) + bias + joined;
        most + half <= i32::MAX.into()
    })
}
