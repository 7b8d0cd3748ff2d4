//! Layers that are computed as their input arrives: a function each, which takes
//! a pixel of the input in and gives the pixel of the output that it completes.

use super::sink::{self, deliver, window_byte, window_cell, window_log2};
use super::site::{PixelSource, Site};
use super::{count, fields, parameters_type, reads_parameters, streamed_dense};
use crate::backend::PixelFunctions;
use crate::network::{NodeId, ReceptiveField, Stride};
use crate::plan::{Arrival, RingReading};
use crate::program::{ByPixel, Operation, Pooling, Program, Stage, WeightedSum};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Whether what computes as the input arrives is a chain for the code below.
pub(super) fn is_plain(program: &Program) -> bool {
    let arriving = program.arriving();
    let used = program.intake.output;
    let grid_is_used = arriving.stages.is_empty()
        || (arriving.grid.height, arriving.grid.width) == (used.height, used.width);
    let bytes = if program.activation_bits == 8 { 2 } else { 1 };
    let is_plain_stage = |stage: &Stage| match stage.operation.by_pixel() {
        // Their code is that of points.
        _ if stage.operation.quantised().is_some() => false,
        None => {
            fields::may_be_plain(&stage.operation)
                && stage.field.stride == Stride::ONE
                && !stage.plan.takes
        }
        Some(ByPixel::Sums(_)) => true,
        Some(ByPixel::Steps(_)) => false,
        Some(ByPixel::Windows(pooling)) => {
            let kernel = stage.field.kernel;
            let windows_are_plain = stage.plan.windows().is_some_and(|windows| match pooling {
                Pooling::Maximum => true,
                Pooling::Average(divisor) => {
                    windows.bytes_per_value() == bytes && divisor.shift().is_some()
                }
            });
            windows_are_plain && kernel.height.is_power_of_two() && kernel.width.is_power_of_two()
        }
    };
    arriving.is_chain() && grid_is_used && arriving.stages.iter().all(is_plain_stage)
}

/// The function of every stage, and one that pushes a pixel through all of them.
pub(super) fn emit(program: &Program) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let cursor = super::cursor_type(program);
    let arguments = quote! {
        arena: &mut [u8; #arena_bytes], cursor: &mut #cursor, pixel: runtime::Pixel
    };
    let parameters = parameters_type(program);
    let signature = |reads: bool| {
        let parameters = parameters.as_ref().filter(|_| reads);
        let parameters = parameters.map(|bytes| quote!(parameters: &#bytes,));
        quote!((#arguments, #parameters) -> ::core::option::Option<runtime::Pixel>)
    };
    let sites = (0..program.stages().len()).map(|index| StageSite { program, index });
    let functions = sites.map(|site| {
        let name = name(site.stage());
        let signature = signature(reads_parameters(&site.stage().operation));
        let body = site.body();
        quote! {
            #[inline(never)]
            fn #name #signature { #body }
        }
    });
    let signature = signature(program.stages_read_parameters());
    let calls = program.stages().iter().map(|stage| {
        let name = name(stage);
        let reads = parameters.is_some() && reads_parameters(&stage.operation);
        let parameters = reads.then(|| quote!(parameters));
        quote!(let pixel = #name(arena, cursor, pixel, #parameters)?;)
    });
    // The stages run one after the other, so that the stack is as deep as the
    // deepest of them.
    quote! {
        #(#functions)*
        #[inline(always)]
        fn stages #signature {
            #(#calls)*
            ::core::option::Option::Some(pixel)
        }
    }
}

pub(super) fn name(stage: &Stage) -> Ident {
    format_ident!("stage_{}", stage.plan.node.index())
}

/// A layer over the pixels that have arrived.
struct StageSite<'a> {
    program: &'a Program,
    index: usize,
}

impl StageSite<'_> {
    fn stage(&self) -> &Stage {
        &self.program.stages()[self.index]
    }

    fn body(&self) -> TokenStream {
        let stage = self.stage();
        match stage.operation.by_pixel() {
            None => fields::emit(self, &stage.operation, 0),
            Some(ByPixel::Sums(sum)) => self.dense(sum),
            Some(ByPixel::Windows(Pooling::Average(divisor))) => {
                self.pooling(Some(divisor.shift().unwrap_or_default()))
            }
            Some(ByPixel::Windows(Pooling::Maximum)) => self.pooling(None),
            Some(ByPixel::Steps(_)) => unreachable!("it is no plain chain's"),
        }
    }

    /// The cell of a pixel `offset` pixels after the first one of a field: that
    /// is `field`, in cells from the ring's first one on.
    fn arrived_cell(&self, offset: u32) -> TokenStream {
        let stage = self.stage();
        match stage.plan.arrival {
            Arrival::Ring(RingReading { ring, position, .. }) => {
                let first = count(ring.first_cell);
                if position.is_none() {
                    return quote!(#first);
                }
                let (offset, cells) = (count(offset * ring.channels), count(ring.cells()));
                quote!(runtime::around(field.wrapping_add(#offset), #cells).wrapping_add(#first))
            }
            Arrival::Window(windows) => window_cell(windows, &quote!(pixel.1)),
            Arrival::Bytes | Arrival::Values | Arrival::Map(_) => {
                unreachable!("such pixels are no plain chain's")
            }
        }
    }

    /// The field of the output that the newest pixel completes.
    fn begin_field(&self) -> Option<TokenStream> {
        let stage = self.stage();
        let Arrival::Ring(RingReading {
            ring,
            position: Some(position),
            ahead: spare,
            moves: None,
        }) = stage.plan.arrival
        else {
            return None;
        };
        let (position, channels) = (count(position), count(ring.channels));
        let slot = quote!(cursor.slot(#position));
        let oldest = match spare {
            0 => slot,
            _ => {
                let (spare, pixels) = (count(spare), count(ring.pixels));
                quote!(runtime::around(#slot.wrapping_add(#spare), #pixels))
            }
        };
        Some(quote!(let field = runtime::offset(#oldest, #channels);))
    }

    /// Takes a pixel into its window, unless the layer that computed it has; `shift` is
    /// that of averages.
    fn pooling(&self, shift: Option<u32>) -> TokenStream {
        let stage = self.stage();
        let (bits, channels) = (self.bits(), count(stage.plan.output.channels));
        let merge = (stage.plan.arrival != Arrival::Values).then(|| {
            let aligned = self.source().aligned;
            let cell = self.arrived_cell(0);
            let merge = sink::merge(self.program, stage);
            quote! {
                let values = runtime::load::<#bits, #aligned, #channels>(arena, #cell);
                #merge
            }
        });
        let window = window_log2(stage.field.kernel);
        let windows = stage.plan.windows().expect("a pooling keeps windows");
        let values = match shift {
            Some(shift) => {
                let (shift, signed) = (count(shift), stage.signed_input);
                let byte = window_byte(windows, &quote!(pixel.1));
                quote!(runtime::averages::<#bits, #signed, #channels>(arena, #byte, #shift))
            }
            None => {
                let cell = window_cell(windows, &quote!(pixel.1));
                quote!(runtime::load::<#bits, true, #channels>(arena, #cell))
            }
        };
        let deliver = deliver(self.program, self.stage(), sink::merge);
        let deliver = (!deliver.is_empty()).then(|| quote!(let values = #values; #deliver));
        quote! {
            #merge
            let pixel = runtime::completed::<#window>(pixel)?;
            #deliver
            ::core::option::Option::Some(pixel)
        }
    }

    /// Adds a pixel to the sums, and finishes them after the last one.
    fn dense(&self, sum: &WeightedSum) -> TokenStream {
        let stage = self.stage();
        let add = streamed_dense::add(self, (stage, sum), self.source(), &self.arrived_cell(0));
        let last = count(stage.plan.input.pixels() - 1);
        let finish = streamed_dense::finish_in_chain(self, stage, sum);
        quote! {
            #add
            if index != #last {
                return ::core::option::Option::None;
            }
            let pixel: runtime::Pixel = (0, 0);
            #finish
            ::core::option::Option::Some(pixel)
        }
    }
}

impl Site for StageSite<'_> {
    fn program(&self) -> &Program {
        self.program
    }

    /// These are no layers of a model.
    fn pixel_functions(&self) -> Option<&PixelFunctions> {
        None
    }

    fn layer(&self) -> NodeId {
        self.stage().plan.node
    }

    fn source(&self) -> PixelSource {
        let stage = self.stage();
        let channels = stage.plan.input.channels;
        PixelSource {
            channels,
            signed: stage.signed_input,
            aligned: match stage.plan.arrival {
                Arrival::Ring(reading) => {
                    reading.ring.pixels == 1 || sink::is_aligned(self.program, channels)
                }
                // Windows begin at bytes.
                Arrival::Bytes | Arrival::Window(_) | Arrival::Values | Arrival::Map(_) => true,
            },
            element: self.program.elements[stage.input],
        }
    }

    fn field(&self) -> ReceptiveField {
        self.stage().field
    }

    fn operation(&self) -> &Operation {
        &self.stage().operation
    }

    fn joined(&self, _: usize) -> (PixelSource, TokenStream) {
        unreachable!("a plain chain joins nothing")
    }

    fn tap_cells(&self) -> Vec<TokenStream> {
        let stage = self.stage();
        let kernel = stage.field.kernel;
        let rows = (0..kernel.height).map(|row| row * stage.plan.input.width);
        rows.flat_map(|first| (first..first + kernel.width).map(|tap| self.arrived_cell(tap)))
            .collect()
    }

    /// The output that the newest pixel completes, if it does.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let kernel = self.stage().field.kernel;
        let (above, left) = (count(kernel.height - 1), count(kernel.width - 1));
        let field = self.begin_field();
        let deliver = deliver(self.program, self.stage(), sink::merge);
        quote! {
            let pixel = runtime::completed_field(pixel, (#above, #left))?;
            #field
            let values = { #body };
            #deliver
            ::core::option::Option::Some(pixel)
        }
    }
}
