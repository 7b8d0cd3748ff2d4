//! What the loops over a sum's packed weights read: tables in flash, or the
//! bytes that were loaded at run time.

use super::{count, tables};
use crate::network::NodeId;
use crate::program::{ConstantParameters, Form, Program, SumParameters, WeightedSum};
use proc_macro2::TokenStream;
use quote::quote;

/// Expressions for the parameters of a sum.
pub(super) struct Operands {
    /// The bytes of packed weights.
    pub(super) weights: TokenStream,
    /// Which of them is the first of this sum.
    pub(super) first_weight_byte: u32,
    pub(super) biases: TokenStream,
    /// Bits to shift up by, before the bias.
    pub(super) left: TokenStream,
    /// Bits to shift down by, after the bias.
    pub(super) right: TokenStream,
    /// Bits to shift what is added up by.
    pub(super) skip: TokenStream,
}

impl Operands {
    /// Of a layer's first or second sum.
    pub(super) fn of(layer: NodeId, sum: &WeightedSum, half: usize) -> Self {
        match &sum.parameters {
            SumParameters::Constant(constants) => {
                let (weights, biases) = tables::sum_names(layer.index(), half);
                let (left, right) = (count(constants.left), count(constants.right));
                Self {
                    weights: quote!(&#weights),
                    first_weight_byte: 0,
                    biases: quote!(&#biases),
                    left: quote!(#left),
                    right: quote!(#right),
                    skip: skip(constants.skip),
                }
            }
            SumParameters::Runtime(place) => {
                let (left, right) = (count(place.left_byte), count(place.right_byte));
                let (first, bytes) = (count(place.first_bias_byte), count(place.bias_bytes));
                Self {
                    weights: quote!(parameters),
                    first_weight_byte: place.first_weight_byte,
                    biases: quote!(runtime::LoadedBiases::<#bytes, _>::new(parameters, #first)),
                    left: quote!(runtime::shift(parameters, #left)),
                    right: quote!(runtime::shift(parameters, #right)),
                    skip: match place.skip_byte.map(count) {
                        Some(byte) => quote!(runtime::shift(parameters, #byte)),
                        None => skip(0),
                    },
                }
            }
        }
    }
}

fn skip(bits: u32) -> TokenStream {
    let bits = count(bits);
    quote!(#bits)
}

/// The constants of a sum whose weights are straight-line code.
pub(super) fn unrolled(sum: &WeightedSum) -> Option<&ConstantParameters> {
    match &sum.parameters {
        SumParameters::Constant(constants) if constants.form == Form::Unrolled => Some(constants),
        SumParameters::Constant(_) | SumParameters::Runtime(_) => None,
    }
}

/// The type of the loaded parameters, where there are any.
pub(crate) fn parameters_type(program: &Program) -> Option<TokenStream> {
    let bytes = count(program.parameter_bytes);
    (program.parameter_bytes > 0).then(|| quote!([u8; #bytes]))
}
