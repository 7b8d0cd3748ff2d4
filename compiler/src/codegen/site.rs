//! What an operation is emitted for: a step over maps that are stored whole, or a
//! stage over the pixels that have arrived.

use super::{count, window};
use crate::network::NodeId;
use crate::program::{Map, Program, Step};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Where an operation over receptive fields reads and writes.
pub(super) trait Site {
    /// The program that it is part of.
    fn program(&self) -> &Program;

    /// Its layer.
    fn layer(&self) -> NodeId;

    /// How the pixels that it reads are stored.
    fn source(&self) -> Source;

    /// The first cells of all taps of an output, row by row.
    fn tap_cells(&self) -> Vec<TokenStream>;

    /// Code for every output that is computed at once; `body` computes one, and
    /// ends in an array of its values: activations to store, or results.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream;

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
        let bits = self.bits();
        let Source {
            channels,
            signed,
            aligned,
        } = self.source();
        let channels = count(channels);
        let values = quote!(runtime::load::<#bits, #aligned, #channels>(arena, #cell));
        if signed {
            quote!(runtime::signed::<#bits, #channels>(#values))
        } else {
            values
        }
    }
}

/// How pixels are stored.
#[derive(Clone, Copy)]
pub(super) struct Source {
    /// Their values.
    pub(super) channels: u32,
    /// Whether these are two's complement.
    pub(super) signed: bool,
    /// Whether every pixel begins at a byte.
    pub(super) aligned: bool,
}

/// A layer over a map that is complete.
pub(super) struct StepSite<'a> {
    pub(super) program: &'a Program,
    pub(super) step: &'a Step,
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

    fn source(&self) -> Source {
        let map = self.input();
        Source {
            channels: map.shape.channels,
            signed: map.signed,
            aligned: map.is_byte_aligned(self.program.activation_bits),
        }
    }

    fn tap_cells(&self) -> Vec<TokenStream> {
        window::Window::of(self).tap_cells().collect()
    }

    /// A loop over the layer's outputs.
    fn for_each_output(&self, body: &TokenStream) -> TokenStream {
        let window = window::Window::of(self);
        let walk = window.walk();
        let channels = count(self.step.output.channels);
        if !self.step.stores {
            return quote! {
                let mut first = 0;
                for field in #walk {
                    let values = { #body };
                    runtime::put(results, first, values);
                    first = first.wrapping_add(#channels);
                }
            };
        }
        let bits = self.bits();
        let aligned = self.output().is_byte_aligned(self.program.activation_bits);
        let pixels = window::stored_pixels(self.output(), self.step.order);
        quote! {
            let mut pixels = #pixels;
            for field in #walk {
                let values = { #body };
                runtime::store::<#bits, #aligned, #channels>(arena, pixels.next_cell(), values);
            }
        }
    }
}
