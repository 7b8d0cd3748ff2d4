//! Two outputs of a convolution at once that are neighbours in a row, as one output of twice the
//! channels: what both read is loaded once, and its multiples are made once.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::kernel::is_unrolled;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::store::OutputSink;
use crate::network::{Kernel, ReceptiveField, Shape, Stride};
use crate::program::{
    Addressing, ConstantParameters, Map, Operation, Program, Step, SumParameters, WeightedSum,
};

/// Bytes of sums that have registers in every kernel.
const MOST_SUM_BYTES: usize = 20;

/// The function of a layer, if it has such code.
pub(crate) fn emit(program: &Program, core: Core, part: LayerPart<'_>) -> Option<Function> {
    let LayerPart::Step(step) = part else {
        return None;
    };
    let sum = step.operation.convolution()?;
    let SumParameters::Constant(constants) = &sum.parameters else {
        return None;
    };
    let is_plain = step.joined.is_empty() && step.stores && !step.field.is_padded();
    let shares = step.field.kernel.width > step.field.stride.columns;
    if !(is_plain && step.order.goes_row_by_row() && shares && step.output.width.is_multiple_of(2))
    {
        return None;
    }
    let map = in_pairs(program.map(step.writes))?;
    let step = Step {
        output: map.shape,
        field: field_of_two(&step.field),
        operation: Operation::Convolution(sum_of_two(sum, constants, &step.field)),
        ..step.clone()
    };
    let layer = Layer {
        program,
        part: LayerPart::Step(&step),
        input: program.map(step.input),
        field: step.field,
        output: step.output,
        window: Kernel::square(1),
        sink: OutputSink::to_map(program, &step, &map),
        joined: Vec::new(),
        form: CodeForm::Unrolled,
    };
    let both = step.operation.convolution()?;
    let sum = layer.sum(both, layer.input.signed);
    let sum_bytes = both.outputs as usize * sum.width;
    if sum_bytes > MOST_SUM_BYTES || !is_unrolled(&sum, CodeForm::Unrolled) {
        return None;
    }
    let mut asm = Assembly::new(core);
    layer.convolution(&mut asm, &sum);
    Some(asm.finish(FunctionId::Layer(step.node)))
}

/// A map's pixels two by two; `None` where they are not one after the other.
fn in_pairs(map: &Map) -> Option<Map> {
    if map.addressing != Addressing::Affine || map.wraps() {
        return None;
    }
    Some(Map {
        shape: Shape {
            width: map.shape.width / 2,
            channels: map.shape.channels * 2,
            ..map.shape
        },
        pixels_before_wrap: map.shape.pixels() / 2,
        ..map.clone()
    })
}

fn field_of_two(field: &ReceptiveField) -> ReceptiveField {
    let columns = field.stride.columns;
    ReceptiveField {
        kernel: Kernel {
            width: field.kernel.width + columns,
            ..field.kernel
        },
        stride: Stride {
            columns: 2 * columns,
            ..field.stride
        },
        outputs: Kernel {
            width: field.outputs.width / 2,
            ..field.outputs
        },
        ..*field
    }
}

/// The sums of both, the left one's first; weights are 0 where only the other one reads.
fn sum_of_two(
    sum: &WeightedSum,
    constants: &ConstantParameters,
    field: &ReceptiveField,
) -> WeightedSum {
    let (inputs, outputs) = (sum.inputs as usize, sum.outputs as usize);
    let width = field.kernel.width as usize;
    let columns = width + field.stride.columns as usize;
    let mut weights = Vec::with_capacity(2 * constants.weights.len() * columns / width);
    for row in 0..field.kernel.height as usize {
        for column in 0..columns {
            for input in 0..inputs {
                for side in 0..2 {
                    let column = column.checked_sub(side * field.stride.columns as usize);
                    match column.filter(|&column| column < width) {
                        Some(column) => {
                            let first = ((row * width + column) * inputs + input) * outputs;
                            weights.extend(&constants.weights[first..first + outputs]);
                        }
                        None => weights.extend(std::iter::repeat_n(0, outputs)),
                    }
                }
            }
        }
    }
    WeightedSum {
        outputs: 2 * sum.outputs,
        rows: (weights.len() / (2 * outputs)) as u32,
        parameters: SumParameters::Constant(ConstantParameters {
            weights,
            biases: constants.biases.repeat(2),
            ..constants.clone()
        }),
        ..sum.clone()
    }
}
