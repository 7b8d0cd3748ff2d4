//! What an operation is emitted for: a step over maps that are stored whole, or a
//! stage over the pixels that have arrived.

use super::{count, window};
use crate::backend::PixelFunctions;
use crate::network::{Element, NodeId, ReceptiveField};
use crate::plan::Order;
use crate::program::{Map, Operation, Program, Step};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// Where an operation over receptive fields reads and writes.
pub(super) trait Site {
    /// The program that it is part of.
    fn program(&self) -> &Program;

    fn layer(&self) -> NodeId;

    /// How the pixels that it reads are stored.
    fn source(&self) -> PixelSource;

    /// What of its input one output reads.
    fn field(&self) -> ReceptiveField;

    /// What is computed.
    fn operation(&self) -> &Operation;

    /// What a machine has for pixels.
    fn pixel_functions(&self) -> Option<&PixelFunctions>;

    /// The first cells of all taps of an output, row by row.
    fn tap_cells(&self) -> Vec<TokenStream>;

    /// How the pixels of a map that it adds or concatenates are stored, and the first
    /// cell of the one at the output.
    fn joined(&self, index: usize) -> (PixelSource, TokenStream);

    /// Code for every output that is computed at once; `body` computes one, and
    /// ends in an array of its values: activations to store, or results.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream;

    /// The values of all taps, row by row, those outside of the map too.
    fn tap_values(&self) -> Vec<TokenStream> {
        let field = self.field();
        let outside = Literal::i8_unsuffixed(self.operation().value_outside());
        let channels = count(self.source().channels);
        let inside = (0..field.kernel.taps()).map(|tap| is_inside(&field, tap));
        self.tap_cells()
            .iter()
            .zip(inside)
            .map(|(cell, inside)| {
                let values = self.load(cell);
                match inside {
                    None => values,
                    Some(inside) => quote!(if #inside { #values } else { [#outside; #channels] }),
                }
            })
            .collect()
    }

    /// The addresses of the values of all taps, of those outside of the map too.
    fn tap_addresses(&self) -> Vec<TokenStream> {
        let field = self.field();
        let outside = Literal::u8_unsuffixed(self.operation().value_outside() as u8);
        let channels = count(self.source().channels);
        let inside = (0..field.kernel.taps()).map(|tap| is_inside(&field, tap));
        let cells = self.tap_cells().into_iter().zip(inside);
        let addresses = cells.map(|(cell, inside)| {
            let address = quote!(arena.as_ptr().wrapping_add(#cell));
            match inside {
                None => address,
                Some(inside) => quote!(if #inside {
                    #address
                } else {
                    const { &[#outside; #channels] }.as_ptr()
                }),
            }
        });
        addresses.collect()
    }

    /// The values of the pixel that is added.
    fn added_values(&self) -> TokenStream {
        let (source, cell) = self.joined(0);
        self.load_from(source, &cell)
    }

    /// Bits of an activation.
    fn bits(&self) -> Literal {
        Literal::u32_unsuffixed(self.program().activation_bits)
    }

    /// Bits of a packed weight.
    fn weight_bits(&self) -> Literal {
        Literal::u32_unsuffixed(self.program().weight_bits)
    }

    /// Whether a product of an activation and a weight fits 8 bits.
    fn narrow(&self) -> bool {
        self.program().activation_bits == 4 && self.program().weight_bits <= 4
    }

    /// The values of the input pixel that begins at `cell`.
    fn load(&self, cell: &TokenStream) -> TokenStream {
        self.load_from(self.source(), cell)
    }

    /// The values of a pixel that begins at `cell`.
    fn load_from(&self, source: PixelSource, cell: &TokenStream) -> TokenStream {
        let bits = self.bits();
        let PixelSource {
            channels,
            signed,
            aligned,
            element,
        } = source;
        debug_assert_eq!(
            element,
            Element::Activation,
            "wide values are read one by one"
        );
        let channels = count(channels);
        let values = quote!(runtime::load::<#bits, #aligned, #channels>(arena, #cell));
        if signed {
            quote!(runtime::signed::<#bits, #channels>(#values))
        } else {
            values
        }
    }
}

/// Whether a tap is inside of the map, of the output at `pixel`; `None` where it
/// always is. Counts from `first_row` and `first_column`; see [`first_tap`].
fn is_inside(field: &ReceptiveField, tap: u32) -> Option<TokenStream> {
    let (row, column) = (tap / field.kernel.width, tap % field.kernel.width);
    let rows = (0..field.outputs.height).all(|output| field.rows(output).inside.contains(&row));
    let mut columns = 0..field.outputs.width;
    let columns = columns.all(|output| field.columns(output).inside.contains(&column));
    let test = |first: TokenStream, tap: u32, before: u32, map: u32| {
        let (tap, before, map) = (count(tap), count(before), count(map));
        quote!(runtime::is_inside(#first, #tap, #before, #map))
    };
    let row = test(quote!(first_row), row, field.top, field.map.height);
    let column = test(quote!(first_column), column, field.left, field.map.width);
    match (rows, columns) {
        (true, true) => None,
        (false, true) => Some(row),
        (true, false) => Some(column),
        (false, false) => Some(quote!(#row & #column)),
    }
}

/// Where the field of the output at `pixel` begins, as [`is_inside`] wants it; nothing
/// where no field reaches beyond the map.
pub(super) fn first_tap(field: &ReceptiveField) -> Option<TokenStream> {
    let (rows, columns) = (count(field.stride.rows), count(field.stride.columns));
    field.is_padded().then(|| {
        quote! {
            let first_row = runtime::offset(pixel.0 as usize, #rows);
            let first_column = runtime::offset(pixel.1 as usize, #columns);
        }
    })
}

/// How pixels are stored.
#[derive(Clone, Copy)]
pub(super) struct PixelSource {
    /// Their values.
    pub(super) channels: u32,
    /// Whether these are two's complement.
    pub(super) signed: bool,
    /// Whether every pixel begins at a byte.
    pub(super) aligned: bool,
    /// What its values are made of: the channels of wide ones are cells.
    pub(super) element: Element,
}

/// A layer over a map that is complete.
pub(super) struct StepSite<'a> {
    pub(super) program: &'a Program,
    pub(super) step: &'a Step,
    pub(super) pixel_functions: Option<&'a PixelFunctions>,
}

impl StepSite<'_> {
    pub(super) fn input(&self) -> &Map {
        self.program.map(self.step.input)
    }

    pub(super) fn output(&self) -> &Map {
        self.program.map(self.step.writes)
    }
}

impl Site for StepSite<'_> {
    fn program(&self) -> &Program {
        self.program
    }

    fn layer(&self) -> NodeId {
        self.step.node
    }

    fn source(&self) -> PixelSource {
        source_of(self.program, self.input())
    }

    fn tap_cells(&self) -> Vec<TokenStream> {
        window::FieldWalk::of(self).tap_cells().collect()
    }

    fn field(&self) -> ReceptiveField {
        self.step.field
    }

    fn operation(&self) -> &Operation {
        &self.step.operation
    }

    fn pixel_functions(&self) -> Option<&PixelFunctions> {
        self.pixel_functions
    }

    fn joined(&self, index: usize) -> (PixelSource, TokenStream) {
        let map = self.program.map(self.step.joined[index]);
        let cell = joined_cell(index);
        (source_of(self.program, map), quote!(#cell))
    }

    /// A loop over the layer's outputs.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let step = self.step;
        let window = window::FieldWalk::of(self);
        let walk = window.walk();
        let channels = count(step.output.channels);
        let joined = step.joined.iter().map(|&value| self.program.map(value));
        let (begin_joined, next_joined): (TokenStream, TokenStream) = joined
            .enumerate()
            .map(|(index, map)| {
                let (pixels, cell) = (format_ident!("joined_{index}"), joined_cell(index));
                let cells = window::stored_pixels(map, step.order);
                (
                    quote!(let mut #pixels = #cells;),
                    quote!(let #cell = #pixels.next_cell();),
                )
            })
            .unzip();
        let first_tap = first_tap(&step.field);
        let fields = match first_tap {
            None => quote!(field in #walk),
            Some(_) => {
                let (rows, columns) = (count(step.output.height), count(step.output.width));
                let backward = step.order == Order::RowMajorBackward;
                quote! {
                    (field, pixel) in
                        runtime::Outputs::new(#walk, (#rows, #columns), #backward)
                }
            }
        };
        if !step.stores {
            return quote! {
                let mut first = 0;
                #begin_joined
                for #fields {
                    #first_tap
                    #next_joined
                    let values = { #body };
                    runtime::put(results, first, values);
                    first = first.wrapping_add(#channels);
                }
            };
        }
        let bits = self.bits();
        let aligned = self.output().is_byte_aligned(self.program.activation_bits);
        let pixels = window::stored_pixels(self.output(), step.order);
        quote! {
            let mut pixels = #pixels;
            #begin_joined
            for #fields {
                #first_tap
                #next_joined
                let values = { #body };
                runtime::store::<#bits, #aligned, #channels>(arena, pixels.next_cell(), values);
            }
        }
    }
}

fn joined_cell(index: usize) -> Ident {
    format_ident!("joined_cell_{index}")
}

/// How the pixels of a map are stored that is there as a whole.
pub(super) fn source_of(program: &Program, map: &Map) -> PixelSource {
    PixelSource {
        channels: map.shape.channels,
        signed: map.signed,
        aligned: map.is_byte_aligned(program.activation_bits),
        element: map.element,
    }
}
