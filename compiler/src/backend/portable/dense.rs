//! Dense layers: a loop over the outputs, or straight-line code over the inputs.

use super::operands::{self, Operands};
use super::site::{Site, StepSite};
use super::{count, integer, streamed_dense, sum};
use crate::network::Element;
use crate::program::{ConstantParameters, WeightedSum, packed_row_bytes};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

pub(super) fn emit(site: &StepSite<'_>, sum: &WeightedSum) -> TokenStream {
    match operands::unrolled(sum) {
        Some(constants) => unrolled(site, sum, constants),
        None => table(site, sum),
    }
}

/// Sums of a group, whose weights in a row fill bytes whatever their bits.
const GROUP: u32 = 8;

/// The same of 8-bit models, whose rows are long.
pub(super) const WIDE_GROUP: u32 = 32;

/// Outputs that are results are summed up where they are returned; those that
/// are stored are computed by the group, so that the stack is small.
fn table(site: &StepSite<'_>, sum: &WeightedSum) -> TokenStream {
    let (bits, integer) = (site.bits(), integer(sum.accumulator));
    let Operands {
        weights: _,
        first_weight_byte,
        biases,
        left,
        right,
        skip,
    } = Operands::of(site.step.node, sum, 0);
    if !site.step.stores {
        let first = count(first_weight_byte);
        let add_map = add_map(site, sum, &quote!(results), &quote!(#first));
        let add_joined = sum.adds.then(|| {
            let (signed, cell) = added(site);
            quote!(runtime::add_joined_map::<#bits, #signed, _>(results, arena, #cell, #skip);)
        });
        return quote! {
            #add_map
            runtime::add_biases(results, #biases, #left);
            #add_joined
        };
    }
    let finished = sum::finish(site, sum, &quote!(sum), &quote!(right));
    let cell = count(site.output().first_cell);
    let store = streamed_dense::store_output(site, sum, &finished);
    let add_joined = sum.adds.then(|| {
        let (signed, cell) = added(site);
        quote! {
            let joined = runtime::joined_value::<#bits, #signed>(arena, output.wrapping_add(#cell));
            let joined = runtime::Sum::shift_left(runtime::Sum::widen(joined), #skip);
            let sum: #integer = runtime::Sum::add(sum, joined);
        }
    });
    let groups = by_groups(
        site,
        (sum, GROUP),
        &quote! {
            let bias = runtime::Sum::of_bias(runtime::Biases::bias(biases, output));
            let sum: #integer = runtime::Sum::add(runtime::Sum::shift_left(*sum, left), bias);
            #add_joined
            let first_cell: usize = #cell;
            #store
        },
    );
    quote! {
        let biases = #biases;
        let (left, right) = (#left, #right);
        #groups
    }
}

/// Code for every output, a `group` of them after the other; `store` finishes a `sum` of products, which is
/// that of an `output`.
pub(super) fn by_groups(
    site: &StepSite<'_>,
    (sum, group): (&WeightedSum, u32),
    store: &TokenStream,
) -> TokenStream {
    let (integer, outputs) = (integer(sum.accumulator), count(sum.outputs));
    let first_weight_byte = count(Operands::of(site.step.node, sum, 0).first_weight_byte);
    let (group, group_bytes) = (count(group), count(group / 8 * site.program.weight_bits));
    let add_map = add_map(site, sum, &quote!(sums), &quote!(first));
    quote! {
        let outputs: usize = #outputs;
        let mut output = 0usize;
        let mut first: usize = #first_weight_byte;
        while output != outputs {
            let mut sums: [#integer; #group] = [0; #group];
            let sums = runtime::at_most(&mut sums, outputs.wrapping_sub(output));
            #add_map
            for sum in sums {
                #store
                output = output.wrapping_add(1);
            }
            first = first.wrapping_add(#group_bytes);
        }
    }
}

/// Adds the products of a whole map to `sums`, of weights from byte `first` on.
fn add_map(
    site: &StepSite<'_>,
    sum: &WeightedSum,
    sums: &TokenStream,
    first: &TokenStream,
) -> TokenStream {
    let (bits, weight_bits, narrow) = (site.bits(), site.weight_bits(), site.narrow());
    let (map, integer) = (site.input(), integer(sum.accumulator));
    let (signed, first_cell) = (map.signed, count(map.first_cell));
    let inputs = count(map.shape.values());
    let before_wrap = count(map.pixels_before_wrap * map.shape.channels);
    let weights = Operands::of(site.step.node, sum, 0).weights;
    let row_bytes = count(packed_row_bytes(sum.outputs, site.program.weight_bits));
    if map.element == Element::Wide {
        let cells = map.element.cells(site.program.activation_bits);
        let inputs = count(map.shape.values() / cells);
        let before_wrap = count(map.pixels_before_wrap * map.shape.channels / cells);
        return quote! {
            runtime::multiply_accumulate_wide_map::<#bits, #weight_bits, #integer, _>(
                #sums,
                arena,
                #first_cell,
                (#before_wrap, #inputs),
                #weights,
                (#first, #row_bytes),
            );
        };
    }
    quote! {
        runtime::multiply_accumulate_map::<#bits, #signed, #weight_bits, #narrow, #integer, _>(
            #sums,
            arena,
            #first_cell,
            (#before_wrap, #inputs),
            #weights,
            (#first, #row_bytes),
        );
    }
}

/// Whether the map that is added is signed, and its first cell.
fn added(site: &StepSite<'_>) -> (bool, Literal) {
    let map = site.program.map(site.step.joined[0]);
    (map.signed, count(map.first_cell))
}

/// A dense layer is a convolution whose kernel is the whole map: a single
/// output pixel, with a tap for each pixel in the order of storage.
fn unrolled(site: &StepSite<'_>, sum: &WeightedSum, constants: &ConstantParameters) -> TokenStream {
    let map = site.input();
    let channels = map.shape.channels;
    let outputs = sum.outputs as usize;
    let taps: TokenStream = (0..map.shape.pixels())
        .map(|pixel| {
            let cell = count(map.stored_cell(pixel));
            let values = site.load(&quote!(#cell));
            let first = (pixel * channels) as usize;
            sum::unrolled_tap(site, sum, (&values, channels), |output, input| {
                constants.weights[(first + input) * outputs + output]
            })
        })
        .collect();
    let begin = sum::unrolled_begin(sum, constants);
    let joined = sum.adds.then(|| {
        let (_, cell) = added(site);
        quote!(let joined_cell_0 = #cell;)
    });
    let begin = quote!(#begin #joined);
    let values = sum::unrolled_finish(site, sum, constants);
    if site.step.stores {
        let (bits, outputs) = (site.bits(), count(sum.outputs));
        let cell = count(site.output().first_cell);
        quote! {
            #begin
            #taps
            let values = #values;
            runtime::store::<#bits, false, #outputs>(arena, #cell, values);
        }
    } else {
        quote! {
            #begin
            #taps
            runtime::put(results, 0, #values);
        }
    }
}
