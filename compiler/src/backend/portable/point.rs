//! What a layer of a segment does at a point: it takes a pixel of its input in,
//! computes one of its output, or both.

use super::sink::{self, deliver};
use super::site::{PixelSource, Site, first_tap, source_of};
use super::{count, fields, own, pooling, quantised, streamed_dense};
use crate::backend::PixelFunctions;
use crate::network::{NodeId, ReceptiveField};
use crate::plan::{Arrival, Moves, RingReading, Windows};
use crate::program::{
    ByPixel, Operation, PoolFinish, Pooling, Program, Quantised, QuantisedKernel, Stage,
};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A stage, at a `pixel` of its input or output.
pub(super) struct PointSite<'a> {
    pub(super) program: &'a Program,
    pub(super) stage: &'a Stage,
    pub(super) pixel_functions: Option<&'a PixelFunctions>,
}

impl PointSite<'_> {
    fn arrival(&self, index: usize) -> Arrival {
        match index.checked_sub(1) {
            None => self.stage.plan.arrival,
            Some(joined) => self.stage.plan.joined[joined],
        }
    }

    /// How the pixels of an input are stored.
    pub(super) fn source_of(&self, index: usize) -> PixelSource {
        let (value, signed) = match index.checked_sub(1) {
            None => (self.stage.input, self.stage.signed_input),
            Some(joined) => (self.stage.joined[joined], self.stage.signed_joined[joined]),
        };
        let element = self.program.elements[value];
        match self.arrival(index) {
            Arrival::Map(_) => source_of(self.program, self.program.map(value)),
            Arrival::Ring(RingReading { ring, .. }) => PixelSource {
                channels: ring.channels,
                signed,
                aligned: ring.pixels == 1 || sink::is_aligned(self.program, ring.channels),
                element,
            },
            // Windows begin at bytes.
            Arrival::Window(windows) => PixelSource {
                channels: windows.channels,
                signed,
                aligned: true,
                element,
            },
            Arrival::Bytes | Arrival::Values => PixelSource {
                channels: self.stage.plan.input.channels,
                signed,
                aligned: true,
                element,
            },
        }
    }

    fn field_name(index: usize) -> Ident {
        format_ident!("field_{index}")
    }

    /// Where the field of an input begins: in cells of its ring from the first one
    /// on, or in cells of the arena.
    pub(super) fn begin_field(&self, index: usize) -> Option<TokenStream> {
        let name = Self::field_name(index);
        match self.arrival(index) {
            Arrival::Ring(RingReading {
                ring,
                position: Some(position),
                ahead,
                moves: _,
            }) => {
                let (position, channels) = (count(position), count(ring.channels));
                let slot = quote!(cursor.slot(#position));
                let first = match ahead {
                    0 => slot,
                    _ => {
                        let (ahead, pixels) = (count(ahead), count(ring.pixels));
                        quote!(runtime::around(#slot.wrapping_add(#ahead), #pixels))
                    }
                };
                Some(quote!(let #name = runtime::offset(#first, #channels);))
            }
            Arrival::Map(reading) => {
                let map = self.program.map(reading.value);
                let (position, before) = (count(reading.position), count(reading.before));
                let (channels, first) = (count(map.shape.channels), count(map.first_cell));
                Some(quote! {
                    let #name = runtime::offset(
                        cursor.slot(#position).wrapping_sub(#before),
                        #channels,
                    )
                    .wrapping_add(#first);
                })
            }
            Arrival::Ring(_) | Arrival::Window(_) | Arrival::Values | Arrival::Bytes => None,
        }
    }

    /// The cell of the pixel `offset` pixels after the first one of a field.
    pub(super) fn cell(&self, index: usize, (row, column): (u32, u32)) -> TokenStream {
        let name = Self::field_name(index);
        match self.arrival(index) {
            Arrival::Ring(RingReading { ring, position, .. }) => {
                let first = count(ring.first_cell);
                if position.is_none() {
                    return quote!(#first);
                }
                let offset = (row * self.stage.plan.input.width + column) % ring.pixels;
                let (offset, cells) = (count(offset * ring.channels), count(ring.cells()));
                quote!(runtime::around(#name.wrapping_add(#offset), #cells).wrapping_add(#first))
            }
            Arrival::Map(reading) => {
                let map = self.program.map(reading.value);
                let offset = count((row * map.shape.width + column) * map.shape.channels);
                quote!(#name.wrapping_add(#offset))
            }
            Arrival::Window(windows) => window_cell(windows, 1, &quote!(pixel)),
            Arrival::Bytes | Arrival::Values => unreachable!("such pixels are nowhere"),
        }
    }

    /// Moves a position of its own on, of the input whose fields are `columns` a row.
    pub(super) fn moves(&self, index: usize, columns: u32) -> Option<TokenStream> {
        let last = count(columns - 1);
        let step = |moves: Moves| {
            let wrapped = |pixels: u32| count(pixels & 0xFFFF);
            let (column, row) = (wrapped(moves.column), wrapped(moves.row));
            quote!(if pixel.1 == #last { #row } else { #column })
        };
        match self.arrival(index) {
            Arrival::Ring(RingReading {
                ring,
                position: Some(position),
                moves: Some(moves),
                ..
            }) => {
                let (position, pixels, step) = (count(position), count(ring.pixels), step(moves));
                Some(quote!(cursor.move_around(#position, #step, #pixels);))
            }
            Arrival::Map(reading) => {
                let (position, step) = (count(reading.position), step(reading.moves));
                Some(quote!(cursor.move_on(#position, #step);))
            }
            Arrival::Ring(_) | Arrival::Window(_) | Arrival::Values | Arrival::Bytes => None,
        }
    }

    /// Takes the pixel of the input in.
    pub(super) fn take(&self) -> TokenStream {
        let stage = self.stage;
        if stage.plan.arrival == Arrival::Values {
            // Whoever has computed it has.
            return TokenStream::new();
        }
        let begin = self.begin_field(0);
        let cell = self.cell(0, (0, 0));
        let source = self.source_of(0);
        match stage.operation.by_pixel() {
            Some(ByPixel::Sums(sum)) => {
                let add = streamed_dense::add(self, (stage, sum), source, &cell);
                quote!(#begin #add)
            }
            Some(ByPixel::Windows(_)) => {
                let (bits, channels) = (self.bits(), count(source.channels));
                let aligned = source.aligned;
                let merge = merge(self.program, stage);
                quote! {
                    #begin
                    let values = runtime::load::<#bits, #aligned, #channels>(arena, #cell);
                    #merge
                }
            }
            Some(ByPixel::Steps(recurrence)) => own::take(self, recurrence),
            None => unreachable!("such a stage computes from whole fields"),
        }
    }

    /// Computes the output.
    pub(super) fn output(&self) -> TokenStream {
        let stage = self.stage;
        if let Operation::Quantised(it) = &stage.operation {
            return self.quantised_output(it);
        }
        match stage.operation.by_pixel() {
            Some(ByPixel::Sums(sum)) => streamed_dense::finish_at_point(self, sum),
            Some(ByPixel::Steps(_)) => own::hand_on(self, merge),
            Some(ByPixel::Windows(pooling)) if stage.plan.takes => self.complete_window(pooling),
            Some(ByPixel::Windows(pooling)) => pooling::taps(self, pooling),
            None => fields::emit(self, &stage.operation, stage.joined.len()),
        }
    }

    fn quantised_output(&self, operation: &Quantised) -> TokenStream {
        match &operation.kernel {
            QuantisedKernel::Dense(sum) => {
                let values = quantised::kept_sums(self, sum);
                let deliver = deliver(self.program, self.stage, merge);
                quote!(#values #deliver)
            }
            QuantisedKernel::Pool { pooling, finish } if self.stage.plan.takes => {
                self.complete_quantised_window(*pooling, finish)
            }
            QuantisedKernel::Pool { pooling, finish } => {
                quantised::pool_taps(self, *pooling, finish)
            }
            QuantisedKernel::Convolution(_)
            | QuantisedKernel::Depthwise { .. }
            | QuantisedKernel::Pixel { .. }
            | QuantisedKernel::Concat(_) => quantised::fields(self, operation),
        }
    }

    fn complete_quantised_window(&self, pooling: Pooling, finish: &PoolFinish) -> TokenStream {
        let stage = self.stage;
        let deliver = deliver(self.program, stage, merge);
        if deliver.is_empty() {
            return deliver;
        }
        let channels = count(stage.plan.output.channels);
        let windows = stage.plan.windows().expect("a pooling keeps windows");
        let cell = window_cell(windows, 1, &quote!(pixel));
        let kept = match pooling {
            Pooling::Average(_) => {
                let bytes = count(windows.bytes_per_value());
                quote!(runtime::window_sums::<#bytes, #channels>(arena, #cell))
            }
            Pooling::Maximum => {
                quote!(runtime::signed::<8, #channels>(runtime::load::<8, true, #channels>(arena, #cell)))
            }
        };
        let taps = count(stage.field.kernel.taps());
        let values = quantised::finish_window(pooling, finish, &quote!(#taps));
        quote! {
            let kept = #kept;
            let values = #values;
            #deliver
        }
    }

    fn complete_window(&self, pooling: Pooling) -> TokenStream {
        let stage = self.stage;
        let deliver = deliver(self.program, stage, merge);
        if deliver.is_empty() {
            return deliver;
        }
        let (bits, channels) = (self.bits(), count(stage.plan.output.channels));
        let windows = stage.plan.windows().expect("a pooling keeps windows");
        let values = match pooling {
            Pooling::Average(divisor) => {
                let byte = window_cell(windows, windows.cells_per_byte, &quote!(pixel));
                let (bytes, divisor) = (count(windows.bytes_per_value()), count(divisor.0));
                let signed = stage.signed_input;
                quote! {
                    runtime::window_averages::<#bits, #bytes, #signed, #divisor, #channels>(
                        arena, #byte,
                    )
                }
            }
            Pooling::Maximum => {
                let cell = window_cell(windows, 1, &quote!(pixel));
                quote!(runtime::load::<#bits, true, #channels>(arena, #cell))
            }
        };
        quote!(let values = #values; #deliver)
    }
}

impl Site for PointSite<'_> {
    fn program(&self) -> &Program {
        self.program
    }

    fn layer(&self) -> NodeId {
        self.stage.plan.node
    }

    fn source(&self) -> PixelSource {
        self.source_of(0)
    }

    fn field(&self) -> ReceptiveField {
        self.stage.field
    }

    fn operation(&self) -> &Operation {
        &self.stage.operation
    }

    fn pixel_functions(&self) -> Option<&PixelFunctions> {
        self.pixel_functions
    }

    fn tap_cells(&self) -> Vec<TokenStream> {
        let kernel = self.stage.field.kernel;
        let taps = 0..kernel.taps();
        taps.map(|tap| self.cell(0, (tap / kernel.width, tap % kernel.width)))
            .collect()
    }

    fn joined(&self, index: usize) -> (PixelSource, TokenStream) {
        (self.source_of(index + 1), self.cell(index + 1, (0, 0)))
    }

    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let fields = (0..=self.stage.joined.len()).filter_map(|index| self.begin_field(index));
        let first_tap = first_tap(&self.stage.field);
        let deliver = deliver(self.program, self.stage, merge);
        quote! {
            #first_tap
            #(#fields)*
            let values = { #body };
            #deliver
        }
    }
}

/// Takes the `values` of a pooling's input at `pixel`, as they are stored, into their
/// window.
fn merge(program: &Program, pooling: &Stage) -> TokenStream {
    let bits = count(program.activation_bits);
    let channels = count(pooling.plan.output.channels);
    let windows = pooling.plan.windows().expect("a pooling keeps windows");
    let (height, width) = (
        count(pooling.field.stride.rows),
        count(pooling.field.stride.columns),
    );
    let tile = quote!(let (window, begins) = runtime::tile::<#height, #width>(pixel););
    let signed = pooling.signed_input;
    let merged = match pooling.pooling() {
        Pooling::Maximum => {
            let cell = window_cell(windows, 1, &quote!(window));
            quote!(runtime::merge_maxima::<#bits, #signed, #channels>(arena, #cell, begins, values);)
        }
        Pooling::Average(_) => {
            let (byte, bytes) = (
                window_cell(windows, windows.cells_per_byte, &quote!(window)),
                count(windows.bytes_per_value()),
            );
            let values = match signed {
                true => quote!(runtime::signed::<#bits, #channels>(values)),
                false => quote!(values),
            };
            quote!(runtime::add_to_window::<#bytes, _, #channels>(arena, #byte, begins, #values);)
        }
    };
    quote!(#tile #merged)
}

/// The first cell of a window, or where `per_unit` cells are a byte its first byte.
fn window_cell(windows: Windows, per_unit: u32, window: &TokenStream) -> TokenStream {
    let each = count(windows.column_cells() / per_unit);
    let first = count(windows.first_cell / per_unit);
    let in_row = quote!(runtime::place_in_row(#window.1, #each, #first));
    if windows.bands == 1 {
        return in_row;
    }
    let (bands, band) = (count(windows.bands), count(windows.band_cells() / per_unit));
    quote!(runtime::place_in_row(#window.0 % #bands, #band, #in_row))
}
