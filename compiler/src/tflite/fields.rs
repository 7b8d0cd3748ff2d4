//! What of a map an operator reads for each pixel of its outputs, and what it is called.

use super::{Joins, LONGEST_SIDE};
use crate::network::{Kernel, MOST_PIXELS, ReceptiveField, Shape, Stride};
use herringbone_tflite::Operator;
use herringbone_tflite::operators::{self, Axis};

/// Whether a map is small enough for a plan, which goes from pixel to pixel.
pub(super) fn can_be_followed(shape: Shape) -> bool {
    let pixels = u64::from(shape.height) * u64::from(shape.width);
    shape.height.max(shape.width) <= LONGEST_SIDE && pixels <= MOST_PIXELS
}

/// The field of a pixel of a map with others around it: none, where it is one of those.
pub(super) fn padded(
    shape: &[usize],
    around: &[(usize, usize)],
    input: Shape,
) -> Option<ReceptiveField> {
    let ([1, rows, columns, _], [(0, 0), by_rows, by_columns, (0, 0)]) = (shape, around) else {
        return None;
    };
    if (*rows, *columns) != (input.height as usize, input.width as usize) {
        return None;
    }
    let side = |side: usize, (before, after): (usize, usize)| u32::try_from(before + side + after);
    Some(ReceptiveField {
        top: by_rows.0 as u32,
        left: by_columns.0 as u32,
        outputs: Kernel {
            height: side(*rows, *by_rows).ok()?,
            width: side(*columns, *by_columns).ok()?,
        },
        ..ReceptiveField::pixelwise(input)
    })
}

/// What of a map windows read; `None` where the operator was read with another map.
pub(super) fn field(window: &operators::Window, input: Shape) -> Option<ReceptiveField> {
    let operators::Window { rows, columns } = window;
    if (rows.input, columns.input) != (input.height as usize, input.width as usize) {
        return None;
    }
    // A tap between two of a dilated kernel is as if it were read.
    let reach = |axis: &Axis| ((axis.kernel - 1) * axis.dilation + 1) as u32;
    Some(ReceptiveField {
        kernel: Kernel {
            height: reach(rows),
            width: reach(columns),
        },
        stride: Stride {
            rows: rows.stride as u32,
            columns: columns.stride as u32,
        },
        top: rows.before as u32,
        left: columns.before as u32,
        map: Kernel {
            height: input.height,
            width: input.width,
        },
        outputs: Kernel {
            height: rows.output as u32,
            width: columns.output as u32,
        },
    })
}

/// An operator as a plan calls it.
pub(super) fn name(operator: &Operator, field: &ReceptiveField) -> String {
    let kernel = field.kernel.written();
    let stride = match field.stride {
        Stride::ONE => String::new(),
        stride => format!(" by {}", stride.written()),
    };
    match operator {
        Operator::Convolution(_) => format!("CONV_2D {kernel}{stride}"),
        Operator::Depthwise(_) => format!("DEPTHWISE_CONV_2D {kernel}{stride}"),
        Operator::Pool(it) => match it.function {
            operators::PoolFunction::Average => format!("AVERAGE_POOL_2D {kernel}{stride}"),
            operators::PoolFunction::Maximum => format!("MAX_POOL_2D {kernel}{stride}"),
        },
        Operator::Dense(_) => "FULLY_CONNECTED".to_owned(),
        Operator::Mean(_) => "MEAN".to_owned(),
        Operator::Addition(it) => match it.sign {
            operators::Sign::Plus => "ADD".to_owned(),
            operators::Sign::Minus => "SUB".to_owned(),
        },
        Operator::Multiplication(_) => "MUL".to_owned(),
        Operator::Softmax(_) => "SOFTMAX".to_owned(),
        Operator::ByteMap(_) => "table of 256".to_owned(),
        Operator::Concatenation(_) => "CONCATENATION".to_owned(),
        Operator::Move(it) => match it {
            operators::Move::Pad { .. } => "PAD".to_owned(),
            operators::Move::Slice(_) => "STRIDED_SLICE".to_owned(),
            operators::Move::Transpose { .. } => "TRANSPOSE".to_owned(),
            operators::Move::Resize(_) => "RESIZE_NEAREST_NEIGHBOR".to_owned(),
        },
        Operator::Quantise(_) | Operator::Dequantise(_) | Operator::View => String::new(),
    }
}

/// What an operator does with maps besides the running one.
pub(super) fn joins(operator: &Operator) -> Joins {
    match operator {
        Operator::Addition(it) => match it.sign {
            operators::Sign::Plus => Joins::Adds,
            operators::Sign::Minus => Joins::Subtracts,
        },
        Operator::Multiplication(_) => Joins::Multiplies,
        Operator::Convolution(_)
        | Operator::Depthwise(_)
        | Operator::Dense(_)
        | Operator::Pool(_)
        | Operator::Mean(_)
        | Operator::Softmax(_)
        | Operator::ByteMap(_)
        | Operator::Quantise(_)
        | Operator::Dequantise(_)
        | Operator::Concatenation(_)
        | Operator::Move(_)
        | Operator::View => Joins::Concatenates,
    }
}
