//! Weighted sums over a receptive field: convolutions, both halves of the
//! separable ones, and the straight-line form that dense layers share.

use super::operands::{self, Operands};
use super::site::Site;
use super::{count, integer};
use crate::program::{Accumulator, ConstantParameters, Finish, WeightedSum, packed_row_bytes};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

pub(super) fn convolution(site: &dyn Site, sum: &WeightedSum) -> TokenStream {
    let values = site.tap_values().into_iter();
    let body = match operands::unrolled(sum) {
        Some(constants) => {
            let begin = unrolled_begin(sum, constants);
            let taps = values.enumerate().map(|(tap, values)| {
                unrolled_tap(site, sum, (&values, sum.inputs), |output, input| {
                    let row = tap * sum.inputs as usize + input;
                    constants.weights[row * sum.outputs as usize + output]
                })
            });
            let finish = unrolled_finish(site, sum, constants);
            quote!(#begin #(#taps)* #finish)
        }
        None => {
            let operands = Operands::of(site.layer(), sum, 0);
            let integer = integer(sum.accumulator);
            let outputs = count(sum.outputs);
            let taps = (0..).zip(values).map(|(tap, values)| {
                table_tap(site, sum, &operands, tap, &quote!(sums), &quote!(&#values))
            });
            let finish = table_finish(site, sum, &operands, &quote!(sums));
            quote! {
                let mut sums: [#integer; #outputs] = [0; #outputs];
                #(#taps)*
                #finish
            }
        }
    };
    site.for_each_output(&body)
}

pub(super) fn separable(
    site: &dyn Site,
    depthwise: &WeightedSum,
    pointwise: &WeightedSum,
) -> TokenStream {
    let values = site.tap_values().into_iter();
    let bits = site.bits();
    let channels = count(depthwise.outputs);
    let both = operands::unrolled(depthwise).zip(operands::unrolled(pointwise));
    let body = match both {
        Some((of_depthwise, of_pointwise)) => {
            let begin = unrolled_begin(depthwise, of_depthwise);
            let taps = values.enumerate().map(|(tap, values)| {
                unrolled_tap(
                    site,
                    depthwise,
                    (&values, depthwise.inputs),
                    |output, input| {
                        let first = tap * depthwise.inputs as usize;
                        let weight = of_depthwise.weights[first + input];
                        if output == input { weight } else { 0 }
                    },
                )
            });
            let depth = unrolled_finish(site, depthwise, of_depthwise);
            let begin_pointwise = unrolled_begin(pointwise, of_pointwise);
            let depth = quote!(runtime::signed::<#bits, #channels>({ #begin #(#taps)* #depth }));
            let outputs = pointwise.outputs as usize;
            let mix = unrolled_tap(
                site,
                pointwise,
                (&depth, pointwise.inputs),
                |output, input| of_pointwise.weights[input * outputs + output],
            );
            let finish = unrolled_finish(site, pointwise, of_pointwise);
            quote!(#begin_pointwise #mix #finish)
        }
        None => {
            let (depth_integer, integer) = (
                integer(depthwise.accumulator),
                integer(pointwise.accumulator),
            );
            let of_depthwise = Operands::of(site.layer(), depthwise, 0);
            let of_pointwise = Operands::of(site.layer(), pointwise, 1);
            let taps = depthwise_taps(site, depthwise, &of_depthwise, values);
            let depth = table_finish(site, depthwise, &of_depthwise, &quote!(depths));
            let outputs = count(pointwise.outputs);
            let (sums, depths) = (quote!(sums), quote!(&depths));
            let mix = table_tap(site, pointwise, &of_pointwise, 0, &sums, &depths);
            let finish = table_finish(site, pointwise, &of_pointwise, &sums);
            quote! {
                let mut depths: [#depth_integer; #channels] = [0; #channels];
                #(#taps)*
                let depths = runtime::signed::<#bits, #channels>({ #depth });
                let mut sums: [#integer; #outputs] = [0; #outputs];
                #mix
                #finish
            }
        }
    };
    site.for_each_output(&body)
}

/// A sum a channel over all taps.
pub(super) fn depthwise(site: &dyn Site, sum: &WeightedSum) -> TokenStream {
    let values = site.tap_values().into_iter();
    let body = match operands::unrolled(sum) {
        Some(constants) => {
            let begin = unrolled_begin(sum, constants);
            let taps = values.enumerate().map(|(tap, values)| {
                unrolled_tap(site, sum, (&values, sum.inputs), |output, input| {
                    if output == input {
                        constants.weights[tap * sum.inputs as usize + input]
                    } else {
                        0
                    }
                })
            });
            let finish = unrolled_finish(site, sum, constants);
            quote!(#begin #(#taps)* #finish)
        }
        None => {
            let operands = Operands::of(site.layer(), sum, 0);
            let (integer, channels) = (integer(sum.accumulator), count(sum.outputs));
            let taps = depthwise_taps(site, sum, &operands, values);
            let finish = table_finish(site, sum, &operands, &quote!(depths));
            quote! {
                let mut depths: [#integer; #channels] = [0; #channels];
                #(#taps)*
                #finish
            }
        }
    };
    site.for_each_output(&body)
}

/// Adds each tap of packed weights to `depths`.
pub(super) fn depthwise_taps(
    site: &dyn Site,
    sum: &WeightedSum,
    operands: &Operands,
    values: impl Iterator<Item = TokenStream>,
) -> Vec<TokenStream> {
    let (weights, first) = (&operands.weights, operands.first_weight_byte);
    let (weight_bits, narrow) = (site.weight_bits(), site.narrow());
    let (integer, channels) = (integer(sum.accumulator), count(sum.outputs));
    let row_bytes = packed_row_bytes(sum.outputs, site.program().weight_bits);
    (0..)
        .zip(values)
        .map(|(tap, values)| {
            let first = count(first + tap * row_bytes);
            quote! {
                runtime::multiply_accumulate_each::<
                    #weight_bits, #narrow, #integer, _, _, #channels,
                >(&mut depths, &#values, #weights, #first);
            }
        })
        .collect()
}

/// Adds a tap of packed weights to all sums.
pub(super) fn table_tap(
    site: &dyn Site,
    sum: &WeightedSum,
    operands: &Operands,
    tap: u32,
    sums: &TokenStream,
    values: &TokenStream,
) -> TokenStream {
    let weights = &operands.weights;
    let (weight_bits, narrow) = (site.weight_bits(), site.narrow());
    let integer = integer(sum.accumulator);
    let tap_bytes = packed_row_bytes(sum.outputs, site.program().weight_bits) * sum.inputs;
    let (inputs, outputs) = (count(sum.inputs), count(sum.outputs));
    let first = count(operands.first_weight_byte + tap * tap_bytes);
    quote! {
        runtime::multiply_accumulate::<
            #weight_bits, #narrow, #integer, _, _, #inputs, #outputs,
        >(&mut #sums, #values, #weights, #first);
    }
}

/// Adds the biases, and ends in the array of finished values.
fn table_finish(
    site: &dyn Site,
    sum: &WeightedSum,
    operands: &Operands,
    sums: &TokenStream,
) -> TokenStream {
    let Operands {
        biases,
        left,
        right,
        skip,
        ..
    } = operands;
    let total = if sum.adds {
        let added = site.added_values();
        quote!(runtime::add_joined(#sums, #added, #skip))
    } else {
        sums.clone()
    };
    let map = (sum.finish != Finish::Exact).then(|| {
        let finished = finish(site, sum, &quote!(sum), &quote!(right));
        quote!(.map(|sum| #finished))
    });
    quote! {
        runtime::add_biases(&mut #sums, #biases, #left);
        let right = #right;
        #total #map
    }
}

/// What becomes of one sum.
pub(super) fn finish(
    site: &dyn Site,
    sum: &WeightedSum,
    value: &TokenStream,
    right: &TokenStream,
) -> TokenStream {
    let (bits, integer) = (site.bits(), integer(sum.accumulator));
    match sum.finish {
        Finish::Exact => value.clone(),
        Finish::Wide => quote!(runtime::wide_activation::<#integer>(#value, #right)),
        Finish::Relu => quote!(runtime::relu::<#bits, #integer>(#value, #right)),
        Finish::Signed => quote!(runtime::signed_activation::<#bits, #integer>(#value, #right)),
    }
}

fn sum_name(output: usize) -> Ident {
    format_ident!("sum_{output}")
}

fn constant(value: i32, sum: &WeightedSum) -> Literal {
    match sum.accumulator {
        // Proven to fit, or to be right modulo 2^16.
        Accumulator::I16 => Literal::i16_suffixed(value as i16),
        Accumulator::I32 => Literal::i32_suffixed(value),
    }
}

/// Declares the sums, one variable each.
pub(super) fn unrolled_begin(sum: &WeightedSum, constants: &ConstantParameters) -> TokenStream {
    let integer = integer(sum.accumulator);
    constants
        .biases
        .iter()
        .enumerate()
        .map(|(output, &bias)| {
            let name = sum_name(output);
            let first = constant(if constants.left == 0 { bias } else { 0 }, sum);
            quote!(let mut #name: #integer = #first;)
        })
        .collect()
}

/// Adds one tap with weights as constants; `values` is an expression of an
/// array of that many activations. A value that is 0 (most are, after ReLU)
/// skips its weights, and a weight that is 0 costs nothing. A value's products
/// are computed once for all sums.
pub(super) fn unrolled_tap(
    site: &dyn Site,
    sum: &WeightedSum,
    (values, count_of_values): (&TokenStream, u32),
    weight: impl Fn(usize, usize) -> i8,
) -> TokenStream {
    let (narrow, integer) = (site.narrow(), integer(sum.accumulator));
    let name = |input| format_ident!("value_{input}");
    let mut used = vec![];
    let mut accumulate = TokenStream::new();
    for input in 0..count_of_values as usize {
        let mut products: BTreeMap<i8, TokenStream> = BTreeMap::new();
        for output in 0..sum.outputs as usize {
            let weight = weight(output, input);
            if weight == 0 {
                continue;
            }
            let target = sum_name(output);
            // -128 has no positive counterpart.
            let (factor, operation) = match weight.checked_neg() {
                Some(positive) if weight < 0 => (positive, quote!(wrapping_sub)),
                _ => (weight, quote!(wrapping_add)),
            };
            products
                .entry(factor)
                .or_default()
                .extend(quote!(#target = #target.#operation(product);));
        }
        used.push(!products.is_empty());
        if products.is_empty() {
            continue;
        }
        let value = name(input);
        let terms = products.into_iter().map(|(factor, terms)| {
            let factor = Literal::i8_unsuffixed(factor);
            quote!({ let product = runtime::multiple::<#narrow, #integer>(#value, #factor); #terms })
        });
        accumulate.extend(quote! {
            if #value != 0 {
                let #value = runtime::Value::in_branch(#value);
                #(#terms)*
            }
        });
    }
    if accumulate.is_empty() {
        return TokenStream::new();
    }
    let pattern = used.iter().enumerate().map(|(input, &used)| {
        let name = name(input);
        if used { quote!(#name) } else { quote!(_) }
    });
    quote!({ let [#(#pattern),*] = #values; #accumulate })
}

/// The array of finished values.
pub(super) fn unrolled_finish(
    site: &dyn Site,
    sum: &WeightedSum,
    constants: &ConstantParameters,
) -> TokenStream {
    let (left, right) = (count(constants.left), count(constants.right));
    let right = quote!(#right);
    let totals = constants.biases.iter().enumerate().map(|(output, &bias)| {
        let name = sum_name(output);
        if constants.left == 0 {
            quote!(#name)
        } else {
            let bias = constant(bias, sum);
            quote!(runtime::Sum::add(runtime::Sum::shift_left(#name, #left), #bias))
        }
    });
    if sum.adds {
        let (added, skip) = (site.added_values(), count(constants.skip));
        let finished = finish(site, sum, &quote!(total), &right);
        return quote! {
            runtime::add_joined([#(#totals),*], #added, #skip).map(|total| #finished)
        };
    }
    let values = totals.map(|total| finish(site, sum, &total, &right));
    quote!([#(#values),*])
}
