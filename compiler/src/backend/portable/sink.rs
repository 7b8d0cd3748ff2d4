//! Where a pixel goes that a stage or the intake has completed.
//!
//! The code below is of a `pixel`, the place of what is delivered in its map, and
//! of its `values`.

use super::{count, integer, tables};
use crate::network::Kernel;
use crate::plan::{Sink, Windows};
use crate::program::{Addressing, Pooling, Program, Stage};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// A pixel's place in a ring or in map 0.
pub(super) struct PixelPlace {
    /// Its first cell.
    pub(super) cell: TokenStream,
    /// Whether that begins a byte, whichever the pixel.
    pub(super) aligned: bool,
    /// What follows its last value.
    pub(super) then: TokenStream,
}

impl PixelPlace {
    /// Of the sinks that are one.
    pub(super) fn of(program: &Program, sink: Sink) -> Option<Self> {
        match sink {
            Sink::Ring(ring) => {
                let (first, channels) = (count(ring.first_cell), count(ring.channels));
                let (cell, then) = match ring.position {
                    None => (quote!(#first), TokenStream::new()),
                    Some(position) => {
                        let (position, pixels) = (count(position), count(ring.pixels));
                        (
                            quote!(runtime::offset(cursor.slot(#position), #channels).wrapping_add(#first)),
                            quote!(cursor.next_slot(#position, #pixels);),
                        )
                    }
                };
                Some(Self {
                    cell,
                    aligned: is_aligned(program, ring.channels),
                    then,
                })
            }
            Sink::Map { value, .. } => {
                let map = program.map(value);
                let width = count(map.shape.width);
                let index = quote!(runtime::pixel_index(pixel, #width));
                let cell = match map.addressing {
                    Addressing::Affine => {
                        let (first, channels) = (count(map.first_cell), count(map.shape.channels));
                        quote!(runtime::offset(#index, #channels).wrapping_add(#first))
                    }
                    Addressing::Table(_) => {
                        let table = tables::map_name(value.index());
                        quote!(#table.get(#index))
                    }
                };
                Some(Self {
                    cell,
                    aligned: map.is_byte_aligned(program.activation_bits),
                    then: TokenStream::new(),
                })
            }
            Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => None,
        }
    }
}

/// Whether pixels of that many channels, one after the other, begin at bytes.
pub(super) fn is_aligned(program: &Program, channels: u32) -> bool {
    program.activation_bits == 8 || channels.is_multiple_of(2)
}

/// Delivers the `values` of the stage's output at `pixel`, an array of activations
/// as they are stored, or of results; `merge` takes them into their window of the
/// pooling that reads them.
pub(super) fn deliver(
    program: &Program,
    stage: &Stage,
    merge: fn(&Program, &Stage) -> TokenStream,
) -> TokenStream {
    let channels = count(stage.plan.output.channels);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    if let Some(PixelPlace {
        cell,
        aligned,
        then,
    }) = PixelPlace::of(program, stage.plan.sink)
    {
        return quote! {
            runtime::store::<#bits, #aligned, #channels>(arena, #cell, values);
            #then
        };
    }
    match stage.plan.sink {
        Sink::Windows { .. } => merge(program, program.stage_that_takes(stage.writes)),
        Sink::Results(sums) => {
            let integer = integer(program.results.accumulator());
            let (width, first) = (count(stage.plan.output.width), count(sums.first_byte));
            let pixel_bytes = count(stage.plan.output.channels * sums.bytes_each);
            quote! {
                let place = runtime::offset(runtime::pixel_index(pixel, #width), #pixel_bytes);
                runtime::keep(arena, place.wrapping_add(#first), values.map(#integer::to_le_bytes));
            }
        }
        Sink::Stays => match stage.pooling() {
            // The largest values are where they are to be.
            Pooling::Maximum if stage.operation.keeps_maxima() => TokenStream::new(),
            Pooling::Maximum | Pooling::Average(_) => {
                let windows = stage.plan.windows().expect("a pixel stays in its window");
                let cell = window_cell(windows, &quote!(pixel.1));
                quote!(runtime::store::<#bits, true, #channels>(arena, #cell, values);)
            }
        },
        Sink::Ring(_) | Sink::Map { .. } => unreachable!("these are places of pixels"),
    }
}

/// The first cell of the window in the `column` of an expression.
pub(super) fn window_cell(windows: Windows, column: &TokenStream) -> TokenStream {
    place_in_row(column, windows.column_cells(), windows.first_cell)
}

/// The first byte of that window.
pub(super) fn window_byte(windows: Windows, column: &TokenStream) -> TokenStream {
    let per_byte = windows.cells_per_byte;
    place_in_row(
        column,
        windows.column_cells() / per_byte,
        windows.first_cell / per_byte,
    )
}

fn place_in_row(column: &TokenStream, each: u32, first: u32) -> TokenStream {
    let (each, first) = (count(each), count(first));
    quote!(runtime::place_in_row(#column, #each, #first))
}

/// The const arguments that give a pooling's window: log2 of its rows and columns.
pub(super) fn window_log2(window: Kernel) -> TokenStream {
    let (rows, columns) = (count(window.height.ilog2()), count(window.width.ilog2()));
    quote!(#rows, #columns)
}

/// Takes the `values` of the pooling's input at `pixel`, as they are stored, into
/// their window.
pub(super) fn merge(program: &Program, pooling: &Stage) -> TokenStream {
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let channels = count(pooling.plan.output.channels);
    let windows = pooling.plan.windows().expect("a pooling keeps windows");
    let window = window_log2(pooling.field.kernel);
    let column = quote!(runtime::window_of::<#window>(pixel).1);
    let begins = quote!(runtime::begins::<#window>(pixel));
    let signed = pooling.signed_input;
    match pooling.pooling() {
        Pooling::Maximum => {
            let cell = window_cell(windows, &column);
            quote!(runtime::merge_maxima::<#bits, #signed, #channels>(arena, #cell, #begins, values);)
        }
        Pooling::Average(_) => {
            let byte = window_byte(windows, &column);
            let values = match signed {
                true => quote!(runtime::signed::<#bits, #channels>(values)),
                false => quote!(values),
            };
            quote!(runtime::merge_sums::<#bits, _, #channels>(arena, #byte, #begins, #values);)
        }
    }
}
