//! `CONCATENATION` and `PACK`.

use super::call::{Call, axis};
use super::{Operator, Read};
use crate::element::{Element, Values};
use crate::graph::TensorId;
use crate::tensor::Tensor;

/// Tensors one after the other along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// By input: values that are beside one another, before those of the next input come.
    pub lengths: Vec<usize>,
}

impl Concatenation {
    pub(super) fn compute(&self, inputs: &[&Values]) -> Values {
        Values::interleave(inputs, &self.lengths)
            .expect("types were checked when the graph was read")
    }
}

pub(super) fn read_concatenation(call: &Call<'_>) -> Result<Vec<Read>, String> {
    if call.options.byte(1)? != 0 {
        return Err("it has a fused activation, which is not understood".to_owned());
    }
    let output = call.output(0)?;
    let along = axis(call.options.int(0, 0)?, output.shape.len())?;
    let inputs = inputs(call)?;
    let mut side = 0;
    for (_, input) in &inputs {
        let others_are_equal = input.shape.len() == output.shape.len()
            && (0..along)
                .chain(along + 1..output.shape.len())
                .all(|axis| input.shape[axis] == output.shape[axis]);
        if !others_are_equal {
            return Err(does_not_fit(input, output));
        }
        side += input.shape[along];
    }
    if side != output.shape[along] {
        return Err(format!(
            "it makes {side} along axis {along}, and `{}` is {:?}",
            output.name, output.shape
        ));
    }
    joined(call, &inputs, along)
}

pub(super) fn read_pack(call: &Call<'_>) -> Result<Vec<Read>, String> {
    let output = call.output(0)?;
    let along = axis(call.options.int(1, 0)?, output.shape.len())?;
    let inputs = inputs(call)?;
    let mut shape = output.shape.clone();
    let side = shape.remove(along);
    if side != inputs.len() {
        return Err(format!(
            "it packs {} tensors, and `{}` is {:?}",
            inputs.len(),
            output.name,
            output.shape
        ));
    }
    for (_, input) in &inputs {
        if input.shape != shape {
            return Err(does_not_fit(input, output));
        }
    }
    joined(call, &inputs, along)
}

fn inputs<'g>(call: &Call<'g>) -> Result<Vec<(TensorId, &'g Tensor)>, String> {
    let indices = 0..call.inputs.len().max(1);
    indices
        .map(|index| Ok((call.input_id(index)?, call.input(index)?)))
        .collect()
}

fn does_not_fit(input: &Tensor, output: &Tensor) -> String {
    format!(
        "`{}` is {:?}, which is no part of `{}`, {:?}",
        input.name, input.shape, output.name, output.shape
    )
}

fn joined(
    call: &Call<'_>,
    inputs: &[(TensorId, &Tensor)],
    along: usize,
) -> Result<Vec<Read>, String> {
    let output = call.output(0)?;
    let outer: usize = output.shape[..along].iter().product();
    for (_, input) in inputs {
        if input.element != output.element {
            return Err(format!(
                "`{}` is {} and `{}` {}: expected the same",
                input.name, input.element, output.name, output.element
            ));
        }
        // As TensorFlow Lite for Microcontrollers has it.
        if input.element == Element::Int8 && !same_scale(input, output) {
            return Err(format!(
                "`{}` and `{}` stand for numbers by other scales or zero points: they must be the \
                 same",
                input.name, output.name
            ));
        }
    }
    let lengths = inputs
        .iter()
        .map(|(_, input)| input.values() / outer.max(1))
        .collect();
    Ok(vec![Read {
        operator: Operator::Concatenation(Concatenation { lengths }),
        reads: inputs.iter().map(|(id, _)| *id).collect(),
        writes: call.output_id(0)?,
    }])
}

fn same_scale(a: &Tensor, b: &Tensor) -> bool {
    let of = |tensor: &Tensor| {
        let quantisation = tensor.quantisation.as_ref()?;
        Some((*quantisation.scales.first()?, quantisation.zero_point))
    };
    of(a) == of(b)
}
