//! What of an operation decides where its values are kept.

use crate::program::{Operation, Pooling};

/// Whether pixels add to its sums one by one as they arrive, when it is a stage.
pub(crate) fn adds_pixel_by_pixel(operation: &Operation) -> bool {
    match operation {
        Operation::Dense(_) => true,
        Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Pool(_)
        | Operation::Concat => false,
    }
}

/// How it pools, if it does.
pub(crate) fn pooling(operation: &Operation) -> Option<Pooling> {
    match operation {
        Operation::Pool(pooling) => Some(*pooling),
        Operation::Convolution(_)
        | Operation::Dense(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Concat => None,
    }
}
