//! Weighted sums over a receptive field: convolutions, both halves of the
//! separable ones, and the straight-line form that dense layers share.

use super::{Site, count, integer, tables, window::Window};
use crate::program::{Accumulator, Finish, Form, WeightedSum, packed_row_bytes};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

pub(super) fn convolution(site: &Site<'_>, sum: &WeightedSum) -> TokenStream {
    let cells = Window::of(site);
    let values = cells.tap_cells().map(|cell| site.load(&cell));
    let body = match sum.form {
        Form::Unrolled => {
            let begin = unrolled_begin(sum);
            let taps = values.enumerate().map(|(tap, values)| {
                unrolled_tap(site, sum, (&values, sum.inputs), |output, input| {
                    let row = tap * sum.inputs as usize + input;
                    sum.weights[row * sum.outputs as usize + output]
                })
            });
            let finish = unrolled_finish(site, sum);
            quote!(#begin #(#taps)* #finish)
        }
        Form::Table => {
            let integer = integer(sum.accumulator);
            let outputs = count(sum.outputs);
            let taps = (0..).zip(values).map(|(tap, values)| {
                table_tap(site, sum, 0, tap, &quote!(sums), &quote!(&#values))
            });
            let finish = table_finish(site, sum, 0, &quote!(sums));
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
    site: &Site<'_>,
    depthwise: &WeightedSum,
    pointwise: &WeightedSum,
) -> TokenStream {
    let cells = Window::of(site);
    let values = cells.tap_cells().map(|cell| site.load(&cell));
    let bits = site.bits();
    let channels = count(depthwise.outputs);
    let body = match depthwise.form {
        Form::Unrolled => {
            let begin = unrolled_begin(depthwise);
            let taps = values.enumerate().map(|(tap, values)| {
                unrolled_tap(
                    site,
                    depthwise,
                    (&values, depthwise.inputs),
                    |output, input| {
                        let weight = depthwise.weights[tap * depthwise.inputs as usize + input];
                        if output == input { weight } else { 0 }
                    },
                )
            });
            let depth = unrolled_finish(site, depthwise);
            let begin_pointwise = unrolled_begin(pointwise);
            let depth = quote!(runtime::signed::<#bits, #channels>({ #begin #(#taps)* #depth }));
            let outputs = pointwise.outputs as usize;
            let mix = unrolled_tap(
                site,
                pointwise,
                (&depth, pointwise.inputs),
                |output, input| pointwise.weights[input * outputs + output],
            );
            let finish = unrolled_finish(site, pointwise);
            quote!(#begin_pointwise #mix #finish)
        }
        Form::Table => {
            let (depth_integer, integer) = (
                integer(depthwise.accumulator),
                integer(pointwise.accumulator),
            );
            let (weights, _) = tables::sum_names(site.step.layer.0, 0);
            let (weight_bits, narrow) = (site.weight_bits(), site.narrow());
            let row_bytes = packed_row_bytes(depthwise.outputs, site.program.weight_bits);
            let taps = (0..).zip(values).map(|(tap, values)| {
                let first = count(tap * row_bytes);
                quote! {
                    runtime::multiply_accumulate_each::<
                        #weight_bits, #narrow, #depth_integer, _, _, #channels,
                    >(&mut depths, &#values, &#weights, #first);
                }
            });
            let depth = table_finish(site, depthwise, 0, &quote!(depths));
            let outputs = count(pointwise.outputs);
            let mix = table_tap(site, pointwise, 1, 0, &quote!(sums), &quote!(&depths));
            let finish = table_finish(site, pointwise, 1, &quote!(sums));
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

/// Adds a tap of table weights to all sums.
fn table_tap(
    site: &Site<'_>,
    sum: &WeightedSum,
    half: usize,
    tap: u32,
    sums: &TokenStream,
    values: &TokenStream,
) -> TokenStream {
    let (weights, _) = tables::sum_names(site.step.layer.0, half);
    let (weight_bits, narrow) = (site.weight_bits(), site.narrow());
    let integer = integer(sum.accumulator);
    let tap_bytes = packed_row_bytes(sum.outputs, site.program.weight_bits) * sum.inputs;
    let (inputs, outputs) = (count(sum.inputs), count(sum.outputs));
    let first = count(tap * tap_bytes);
    quote! {
        runtime::multiply_accumulate::<
            #weight_bits, #narrow, #integer, _, _, #inputs, #outputs,
        >(&mut #sums, #values, &#weights, #first);
    }
}

/// Adds the biases, and ends in the array of finished values.
fn table_finish(
    site: &Site<'_>,
    sum: &WeightedSum,
    half: usize,
    sums: &TokenStream,
) -> TokenStream {
    let (_, biases) = tables::sum_names(site.step.layer.0, half);
    let left = count(sum.left);
    let map = (sum.finish != Finish::Exact).then(|| {
        let finished = finish(site, sum, &quote!(sum));
        quote!(.map(|sum| #finished))
    });
    quote! {
        runtime::add_biases(&mut #sums, &#biases, #left);
        #sums #map
    }
}

/// What becomes of one sum.
pub(super) fn finish(site: &Site<'_>, sum: &WeightedSum, value: &TokenStream) -> TokenStream {
    let (bits, integer) = (site.bits(), integer(sum.accumulator));
    match sum.finish {
        Finish::Exact => value.clone(),
        Finish::Relu { right } => {
            let right = count(right);
            quote!(runtime::relu::<#bits, #integer>(#value, #right))
        }
        Finish::Signed { right } => {
            let right = count(right);
            quote!(runtime::signed_activation::<#bits, #integer>(#value, #right))
        }
    }
}

fn sum_name(output: usize) -> Ident {
    format_ident!("sum_{output}")
}

fn constant(value: i16, sum: &WeightedSum) -> Literal {
    match sum.accumulator {
        Accumulator::I16 => Literal::i16_suffixed(value),
        Accumulator::I32 => Literal::i32_suffixed(value.into()),
    }
}

/// Declares the sums, one variable each.
pub(super) fn unrolled_begin(sum: &WeightedSum) -> TokenStream {
    let integer = integer(sum.accumulator);
    sum.biases
        .iter()
        .enumerate()
        .map(|(output, &bias)| {
            let name = sum_name(output);
            let first = constant(if sum.left == 0 { bias } else { 0 }, sum);
            quote!(let mut #name: #integer = #first;)
        })
        .collect()
}

/// Adds one tap with weights as constants; `values` is an expression of an
/// array of that many activations. A value that is 0 (most are, after ReLU)
/// skips its weights, and a weight that is 0 costs nothing. A value's products
/// are computed once for all sums.
pub(super) fn unrolled_tap(
    site: &Site<'_>,
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
pub(super) fn unrolled_finish(site: &Site<'_>, sum: &WeightedSum) -> TokenStream {
    let left = count(sum.left);
    let values = sum.biases.iter().enumerate().map(|(output, &bias)| {
        let name = sum_name(output);
        let value = if sum.left == 0 {
            quote!(#name)
        } else {
            let bias = constant(bias, sum);
            quote!(runtime::Sum::add(runtime::Sum::shift_left(#name, #left), #bias))
        };
        finish(site, sum, &value)
    });
    quote!([#(#values),*])
}
