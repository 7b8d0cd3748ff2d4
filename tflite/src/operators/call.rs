//! An operator of the file with the tensors that it reads and makes.

use crate::element::{Element, Values};
use crate::file::{Code, Options};
use crate::graph::TensorId;
use crate::tensor::Tensor;

/// An operator of the file.
pub(crate) struct Call<'g> {
    pub(crate) code: Code,
    pub(crate) options: Options<'g>,
    pub(crate) inputs: &'g [Option<usize>],
    pub(crate) outputs: &'g [usize],
    pub(crate) tensors: &'g [Tensor],
}

/// What the values of an int8 activation stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) scale: f32,
    pub(super) zero_point: i32,
}

/// A tensor of four dimensions, the channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) batch: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl<'g> Call<'g> {
    pub(super) fn input_id(&self, index: usize) -> Result<TensorId, String> {
        let input = self.inputs.get(index).copied().flatten();
        input
            .map(TensorId)
            .ok_or_else(|| format!("it has no input {index}"))
    }

    pub(super) fn output_id(&self, index: usize) -> Result<TensorId, String> {
        let output = self.outputs.get(index).copied();
        output
            .map(TensorId)
            .ok_or_else(|| format!("it has no output {index}"))
    }

    pub(super) fn input(&self, index: usize) -> Result<&'g Tensor, String> {
        Ok(&self.tensors[self.input_id(index)?.0])
    }

    pub(super) fn output(&self, index: usize) -> Result<&'g Tensor, String> {
        Ok(&self.tensors[self.output_id(index)?.0])
    }

    /// What the values of the first input and of the first output stand for.
    pub(super) fn scales(&self) -> Result<(Scale, Scale), String> {
        Ok((scale(self.input(0)?)?, scale(self.output(0)?)?))
    }

    /// The values of an input that must be the same for every inference.
    pub(super) fn constant(&self, index: usize) -> Result<&'g Values, String> {
        let tensor = self.input(index)?;
        tensor.constant.as_ref().ok_or_else(|| {
            format!(
                "its input {index}, `{}`, has no constant values, which it needs",
                tensor.name
            )
        })
    }

    /// The integers of a constant input.
    pub(super) fn constant_int32(&self, index: usize) -> Result<&'g [i32], String> {
        self.constant(index)?
            .int32()
            .ok_or_else(|| self.of_type(index, "int32"))
    }

    /// The weights of a constant input.
    pub(super) fn constant_int8(&self, index: usize) -> Result<&'g [i8], String> {
        self.constant(index)?
            .int8()
            .ok_or_else(|| self.of_type(index, "int8"))
    }

    fn of_type(&self, index: usize, expected: &str) -> String {
        match self.input(index) {
            Ok(tensor) => format!(
                "its input {index}, `{}`, is {}: expected {expected}",
                tensor.name, tensor.element
            ),
            Err(error) => error,
        }
    }

    /// Biases, one a sum; zeros where they are left out.
    pub(super) fn biases(&self, index: usize, count: usize) -> Result<Vec<i32>, String> {
        if self.inputs.get(index).copied().flatten().is_none() {
            return Ok(vec![0; count]);
        }
        let biases = self.constant_int32(index)?;
        if biases.len() != count {
            return Err(format!("it has {} biases for {count} sums", biases.len()));
        }
        Ok(biases.to_vec())
    }

    /// Fails unless what it reads and what it makes have one type.
    pub(super) fn same_element(&self) -> Result<(), String> {
        let (from, to) = (self.input(0)?, self.output(0)?);
        if from.element != to.element {
            return Err(format!(
                "it makes {} of {}, which no move of values does",
                to.element, from.element
            ));
        }
        Ok(())
    }

    /// Fails unless its output has that shape.
    pub(super) fn makes(&self, shape: &[usize]) -> Result<(), String> {
        let output = self.output(0)?;
        if output.shape != shape {
            return Err(format!(
                "it makes {shape:?}, and `{}` is {:?}",
                output.name, output.shape
            ));
        }
        Ok(())
    }
}

/// What the values of an int8 activation stand for.
pub(super) fn scale(tensor: &Tensor) -> Result<Scale, String> {
    let Tensor { name, element, .. } = tensor;
    match element {
        Element::Int8 => {}
        Element::Float32 => {
            return Err(format!(
                "`{name}` is float32: convert the model with full integer quantisation \
                 (`tf.lite.OpsSet.TFLITE_BUILTINS_INT8` and a representative data set)"
            ));
        }
        Element::Uint8 => {
            return Err(format!(
                "`{name}` is uint8, which only the first and the last tensors may be: convert the \
                 model again, to int8"
            ));
        }
        Element::Int32 | Element::Int64 | Element::Resource | Element::Other(_) => {
            return Err(format!("`{name}` is {element}: only int8 is understood"));
        }
    }
    byte_scale(tensor, -128)
}

/// Whether a tensor of bytes has a sign, and what its values stand for.
pub(super) fn signed_scale(tensor: &Tensor) -> Result<(bool, Scale), String> {
    match tensor.element {
        Element::Int8 => Ok((true, byte_scale(tensor, -128)?)),
        Element::Uint8 => Ok((false, byte_scale(tensor, 0)?)),
        Element::Int32
        | Element::Int64
        | Element::Float32
        | Element::Resource
        | Element::Other(_) => Err(format!(
            "`{}` is {}: expected int8 or uint8",
            tensor.name, tensor.element
        )),
    }
}

/// What the values of a byte stand for, of which `least` is the least.
fn byte_scale(tensor: &Tensor, least: i32) -> Result<Scale, String> {
    let name = &tensor.name;
    let quantisation = tensor.quantisation.as_ref();
    let quantisation = quantisation.ok_or_else(|| format!("`{name}` has no scale"))?;
    let [scale] = quantisation.scales[..] else {
        return Err(format!(
            "`{name}` has {} scales: expected one",
            quantisation.scales.len()
        ));
    };
    if !(scale.is_finite() && scale > 0.0) {
        return Err(format!(
            "`{name}` has the scale {scale}: expected more than 0"
        ));
    }
    let zero_point = quantisation.zero_point;
    if !(least..=least + 255).contains(&zero_point) {
        return Err(format!(
            "`{name}` has the zero point {zero_point}: expected {least} to {}",
            least + 255
        ));
    }
    Ok(Scale { scale, zero_point })
}

/// The four dimensions of a map.
pub(super) fn map(tensor: &Tensor) -> Result<Map, String> {
    match tensor.shape[..] {
        [batch, height, width, channels] if tensor.values() > 0 => Ok(Map {
            batch,
            height,
            width,
            channels,
        }),
        _ => Err(format!(
            "`{}` has the shape {:?}: expected four dimensions of at least 1",
            tensor.name, tensor.shape
        )),
    }
}

/// An axis by its number, which may count from the last one.
pub(super) fn axis(axis: i32, dimensions: usize) -> Result<usize, String> {
    let from_first = match usize::try_from(axis) {
        Ok(axis) => Some(axis),
        Err(_) => dimensions.checked_sub(axis.unsigned_abs() as usize),
    };
    from_first
        .filter(|&axis| axis < dimensions)
        .ok_or_else(|| format!("it has the axis {axis} of {dimensions} dimensions"))
}
