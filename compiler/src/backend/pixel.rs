//! Functions of a machine for a pixel of outputs, which portable code calls.

use crate::network::NodeId;
use proc_macro2::{Ident, TokenStream};
use std::collections::BTreeMap;

/// Those that there are of a model's layers. Each is an `extern "C" fn(values, bytes)` that writes
/// the bytes of a pixel.
pub(crate) struct PixelFunctions {
    /// The machines that they are for, as a predicate of `cfg`.
    pub(crate) condition: TokenStream,
    /// The functions themselves.
    pub(crate) items: TokenStream,
    pub(crate) calls: BTreeMap<NodeId, PixelCall>,
}

/// How such a function is called.
pub(crate) struct PixelCall {
    pub(crate) name: Ident,
    pub(crate) values: PixelValues,
}

/// What its first argument points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PixelValues {
    /// The values of all taps, or of a whole map, one after the other.
    Together,
    /// The values of that tap, which no other one adds anything to.
    OfOneTap(u32),
    /// The addresses of the values of these taps.
    ByAddress(Vec<u32>),
}
