//! A dense layer whose input arrives pixel by pixel: each adds to all sums, which the
//! arena keeps, and after the last one they are finished.

use super::operands::Operands;
use super::point::PointSite;
use super::sink::PixelPlace;
use super::site::{PixelSource, Site};
use super::{count, integer, sum};
use crate::network::Element;
use crate::program::{Finish, Stage, WeightedSum, packed_row_bytes};
use proc_macro2::TokenStream;
use quote::quote;

/// Adds the pixel of the input at `pixel`, which is at that cell, and whose place in the map is
/// `index` then.
pub(super) fn add(
    site: &dyn Site,
    (stage, sum): (&Stage, &WeightedSum),
    source: PixelSource,
    cell: &TokenStream,
) -> TokenStream {
    let sums = stage.plan.sums().expect("a dense layer keeps sums");
    let (first, outputs) = (count(sums.first_byte), count(sum.outputs));
    let (integer, width) = (integer(sum.accumulator), count(stage.plan.input.width));
    let Operands {
        weights,
        first_weight_byte,
        biases: _,
        left: _,
        right: _,
        skip: _,
    } = Operands::of(stage.plan.node, sum, 0);
    let (weight_bits, narrow) = (site.weight_bits(), site.narrow());
    let row_bytes = packed_row_bytes(sum.outputs, site.program().weight_bits);
    let values = source.channels / source.cells_of_value(site.program().activation_bits);
    let pixel_bytes = count(values * row_bytes);
    let first_weight_byte = count(first_weight_byte);
    let bits = site.bits();
    let add = match source.element {
        Element::Activation => {
            let values = site.load_from(source, cell);
            quote! {
                let values = #values;
                runtime::add_to_sums::<#weight_bits, #narrow, #integer, _>(
                    arena,
                    (#first, #outputs),
                    &values,
                    #weights,
                    first_weight,
                );
            }
        }
        Element::Wide => {
            let values = count(values);
            quote! {
                runtime::add_wide_to_sums::<#bits, #weight_bits, #integer>(
                    arena,
                    (#first, #outputs),
                    (#cell, #values),
                    #weights,
                    first_weight,
                );
            }
        }
    };
    quote! {
        let index = runtime::pixel_index(pixel, #width);
        if index == 0 {
            runtime::begin_sums::<#integer>(arena, #first, #outputs);
        }
        let first_weight =
            runtime::offset(index, #pixel_bytes).wrapping_add(#first_weight_byte);
        #add
    }
}

/// Stores an output, which is finished, after the `first_cell` of all.
pub(super) fn store_output(
    site: &dyn Site,
    sum: &WeightedSum,
    finished: &TokenStream,
) -> TokenStream {
    let bits = site.bits();
    match sum.finish {
        Finish::Exact | Finish::Relu | Finish::Signed => {
            quote!(runtime::store_one::<#bits>(arena, output.wrapping_add(first_cell), #finished);)
        }
        Finish::Wide => {
            let cells = count(Element::Wide.cells(site.program().activation_bits));
            quote! {
                let cell = runtime::offset(output, #cells).wrapping_add(first_cell);
                runtime::store_wide::<#bits>(arena, cell, #finished);
            }
        }
    }
}

/// Finishes the sums of a chain's layer, to which nothing is added.
pub(super) fn finish_in_chain(site: &dyn Site, stage: &Stage, sum: &WeightedSum) -> TokenStream {
    let sums = stage.plan.sums().expect("a dense layer keeps sums");
    let (first, outputs) = (count(sums.first_byte), count(sum.outputs));
    let integer = integer(sum.accumulator);
    let Operands {
        weights: _,
        first_weight_byte: _,
        biases,
        left,
        right,
        skip: _,
    } = Operands::of(stage.plan.node, sum, 0);
    let total = quote! {
        runtime::Sum::add(
            runtime::Sum::shift_left(sum, left),
            runtime::Sum::of_bias(runtime::Biases::bias(biases, output)),
        )
    };
    let finish = match PixelPlace::of(site.program(), stage.plan.sink) {
        // They are results, and stay.
        None => quote! {
            runtime::finish_sums(arena, (#first, #outputs), |output: usize, sum: #integer| #total);
        },
        Some(PixelPlace { cell, then, .. }) => {
            debug_assert_ne!(sum.finish, Finish::Exact, "sums are no activations");
            let finished = sum::finish(site, sum, &quote!(total), &quote!(right));
            let store = store_output(site, sum, &finished);
            quote! {
                let right = #right;
                let first_cell = #cell;
                let mut output = 0usize;
                while output != #outputs {
                    let sum: #integer = runtime::kept_sum(arena, #first, output);
                    let total: #integer = #total;
                    #store
                    output = output.wrapping_add(1);
                }
                #then
            }
        }
    };
    quote! {
        let (biases, left) = (#biases, #left);
        #finish
    }
}

/// Finishes the sums at a point of a segment. A map may be added to them.
pub(super) fn finish_at_point(site: &PointSite<'_>, sum: &WeightedSum) -> TokenStream {
    let stage = site.stage;
    let sums = stage.plan.sums().expect("a dense layer keeps sums");
    let (first, outputs) = (count(sums.first_byte), count(sum.outputs));
    let (integer, bits) = (integer(sum.accumulator), site.bits());
    let Operands {
        biases,
        left,
        right,
        skip,
        ..
    } = Operands::of(stage.plan.node, sum, 0);
    let joined = sum.adds.then(|| {
        let (begin, cell) = (site.begin_field(1), site.cell(1, (0, 0)));
        (begin, cell, site.source_of(1).signed)
    });
    let begin = joined.as_ref().and_then(|(begin, ..)| begin.clone());
    let added = joined.map(|(_, cell, signed)| {
        quote! {
            let joined = runtime::joined_value::<#bits, #signed>(
                arena,
                output.wrapping_add(#cell),
            );
            let joined = runtime::Sum::shift_left(runtime::Sum::widen(joined), #skip);
            let total: #integer = runtime::Sum::add(total, joined);
        }
    });
    let total = quote! {
        let sum: #integer = runtime::kept_sum(arena, #first, output);
        let bias = runtime::Sum::of_bias(runtime::Biases::bias(biases, output));
        let total: #integer = runtime::Sum::add(runtime::Sum::shift_left(sum, left), bias);
        #added
    };
    let (store, then) = match PixelPlace::of(site.program, stage.plan.sink) {
        // They are results, and stay.
        None => {
            let bytes = count(sums.bytes_each);
            let store = quote! {
                let place = runtime::offset(output, #bytes).wrapping_add(#first);
                runtime::keep(arena, place, [total.to_le_bytes()]);
            };
            (store, TokenStream::new())
        }
        Some(PixelPlace { cell, then, .. }) => {
            debug_assert_ne!(sum.finish, Finish::Exact, "sums are no activations");
            let finished = sum::finish(site, sum, &quote!(total), &quote!(right));
            let store = store_output(site, sum, &finished);
            (quote!(let first_cell = #cell; #store), then)
        }
    };
    quote! {
        #begin
        let (biases, left, right) = (#biases, #left, #right);
        let mut output = 0usize;
        while output != #outputs {
            #total
            #store
            output = output.wrapping_add(1);
        }
        let _ = right;
        #then
    }
}
