//! Operations that compute each output from its whole field.

use super::site::Site;
use super::{own, pooling, quantised, sum};
use crate::program::Operation;
use proc_macro2::TokenStream;

/// The code of an operation that joins that many maps.
///
/// # Panics
/// Of one that takes pixels in ([`Operation::by_pixel`]).
pub(super) fn emit(site: &dyn Site, operation: &Operation, joined: usize) -> TokenStream {
    match operation {
        Operation::Convolution(sum) => sum::convolution(site, sum),
        Operation::Depthwise(sum) => sum::depthwise(site, sum),
        Operation::Separable {
            depthwise,
            pointwise,
        } => sum::separable(site, depthwise, pointwise),
        Operation::Concat => pooling::concatenate(site, joined),
        Operation::Tree(tree) => own::tree(site, tree),
        Operation::Prototypes(it) => own::prototypes(site, it),
        Operation::Quantised(it) => quantised::fields(site, it),
        Operation::Dense(_) | Operation::Pool(_) | Operation::Recurrent(_) => {
            unreachable!("it takes pixels in")
        }
        Operation::Rearrange(_) => unreachable!("it moves values of whole maps"),
    }
}

/// Whether a chain's stages may compute it; see [`stage`](super::stage).
pub(super) fn may_be_plain(operation: &Operation) -> bool {
    match operation {
        Operation::Convolution(_) | Operation::Separable { .. } => true,
        Operation::Depthwise(_)
        | Operation::Concat
        | Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Dense(_)
        | Operation::Pool(_)
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => false,
    }
}
