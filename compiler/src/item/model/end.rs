//! The ends of a model: what its caller gives and gets, and what that stands for.

use crate::tflite::ends::{self, EndScale};
use herringbone_tflite::{Element, Graph, Tensor, TensorId};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// An end of a model: what its caller has, and what that stands for.
pub(super) struct End<'a> {
    /// `input`, or, of several, `input_1`.
    name: String,
    pub(super) tensor: &'a Tensor,
    pub(super) element: Number,
    /// What stands for it, where it is real.
    pub(super) integer: Number,
    scale: f32,
    zero_point: i32,
}

/// The type of a number at an end of a model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Int8,
    Uint8,
    Float32,
}

impl Number {
    fn of(element: Element) -> Self {
        match element {
            Element::Float32 => Self::Float32,
            Element::Uint8 => Self::Uint8,
            Element::Int8
            | Element::Int32
            | Element::Int64
            | Element::Resource
            | Element::Other(_) => Self::Int8,
        }
    }

    pub(super) fn ident(self) -> Ident {
        format_ident!(
            "{}",
            match self {
                Self::Int8 => "i8",
                Self::Uint8 => "u8",
                Self::Float32 => "f32",
            }
        )
    }
}

impl<'a> End<'a> {
    /// Every input, each by its number where there are several.
    pub(super) fn inputs(graph: &'a Graph) -> Vec<Self> {
        let of = |tensor| (tensor, ends::of_input(graph, tensor));
        let all: Vec<_> = graph.inputs.iter().map(|&tensor| of(tensor)).collect();
        Self::all(graph, "input", &all)
    }

    /// Every output.
    pub(super) fn outputs(graph: &'a Graph) -> Vec<Self> {
        let of = |tensor| (tensor, ends::of_output(graph, tensor));
        let all: Vec<_> = graph.outputs.iter().map(|&tensor| of(tensor)).collect();
        Self::all(graph, "output", &all)
    }

    fn all(graph: &'a Graph, which: &str, ends: &[(TensorId, EndScale)]) -> Vec<Self> {
        let name = |index: usize| match ends.len() {
            1 => which.to_owned(),
            _ => format!("{which}_{index}"),
        };
        let ends = ends.iter().enumerate();
        ends.map(|(index, (tensor, scale))| {
            let tensor = graph.tensor(*tensor);
            Self {
                name: name(index),
                element: Number::of(tensor.element),
                tensor,
                integer: match scale.is_signed {
                    true => Number::Int8,
                    false => Number::Uint8,
                },
                scale: scale.scale,
                zero_point: scale.zero_point,
            }
        })
        .collect()
    }

    /// The name of a function for it: `quantise`, or `quantise_1`.
    pub(super) fn function(&self, what: &str) -> Ident {
        match self.name.split_once('_') {
            Some((_, number)) => format_ident!("{what}_{number}"),
            None => format_ident!("{what}"),
        }
    }

    /// The name of a constant of it: `INPUT_LEN`, or `INPUT_1_LEN`.
    pub(super) fn constant(&self, what: &str) -> Ident {
        format_ident!("{}_{what}", self.name.to_uppercase())
    }

    pub(super) fn argument(&self) -> Ident {
        format_ident!("{}", self.name)
    }

    pub(super) fn is_real(&self) -> bool {
        self.element == Number::Float32
    }

    /// `…_LEN`, `…_SHAPE`, `…_NAME`, `…_SCALE` and `…_ZERO_POINT`.
    pub(super) fn constants(&self) -> TokenStream {
        let [len, shape, name, scale_name, zero_point_name] =
            ["LEN", "SHAPE", "NAME", "SCALE", "ZERO_POINT"].map(|what| self.constant(what));
        let sides = self
            .tensor
            .shape
            .iter()
            .map(|&side| Literal::usize_unsuffixed(side));
        let (length, text) = (
            Literal::usize_unsuffixed(self.tensor.values()),
            &self.tensor.name,
        );
        let rank = Literal::usize_unsuffixed(self.tensor.shape.len());
        let (scale, zero_point) = (
            self.scale_literal(),
            Literal::i32_unsuffixed(self.zero_point),
        );
        let of_end = self.words();
        let [of_len, of_shape, of_name, of_scale, of_zero] = [
            format!(" Values of the {of_end}."),
            format!(" The {of_end}'s dimensions, as the file has them."),
            format!(" The {of_end}'s name in the file."),
            format!(" What a step of the {of_end}'s integers stands for."),
            format!(" The {of_end}'s integer that stands for 0."),
        ];
        quote! {
            #[doc = #of_len]
            pub const #len: usize = #length;
            #[doc = #of_shape]
            pub const #shape: [usize; #rank] = [#(#sides),*];
            #[doc = #of_name]
            pub const #name: &'static str = #text;
            #[doc = #of_scale]
            pub const #scale_name: f32 = #scale;
            #[doc = #of_zero]
            pub const #zero_point_name: i32 = #zero_point;
        }
    }

    /// A file may say that a scale is no number.
    fn scale_literal(&self) -> TokenStream {
        let bits = Literal::u32_unsuffixed(self.scale.to_bits());
        match self.scale.is_finite() && self.scale >= 0.0 {
            true => {
                let scale = Literal::f32_unsuffixed(self.scale);
                quote!(#scale)
            }
            false => quote!(f32::from_bits(#bits)),
        }
    }

    /// The byte of an `input_value`.
    pub(super) fn byte(&self) -> TokenStream {
        match self.element {
            Number::Int8 => quote!(input_value as u8),
            Number::Uint8 => quote!(input_value),
            Number::Float32 => {
                let quantised = self.function("quantised");
                quote!(#quantised(input_value) as u8)
            }
        }
    }

    /// From `these_bytes`, an array of `i8`, to the caller's results.
    pub(super) fn results(&self) -> TokenStream {
        let (scale, zero_point) = (
            self.scale_literal(),
            Literal::i32_unsuffixed(self.zero_point),
        );
        match self.element {
            Number::Int8 => quote!(these_bytes),
            Number::Uint8 => quote!(these_bytes.map(|byte| byte as u8)),
            Number::Float32 => {
                let integer = self.integer.ident();
                quote! {
                    these_bytes.map(|byte| {
                        let integer = i32::from(byte as #integer);
                        herringbone_runtime::dequantise(integer, #scale, #zero_point)
                    })
                }
            }
        }
    }

    /// `quantised`, of the bytes of an input.
    pub(super) fn quantised(&self) -> TokenStream {
        let (name, integer) = (self.function("quantised"), self.integer.ident());
        let (scale, zero_point) = self.scale_and_zero_point();
        quote! {
            #[inline(always)]
            fn #name(real: f32) -> #integer {
                let steps = herringbone_runtime::quantise(real, #scale, #zero_point);
                steps.clamp(#integer::MIN.into(), #integer::MAX.into()) as #integer
            }
        }
    }

    /// `quantise`, for whoever has real numbers.
    pub(super) fn quantise(&self) -> TokenStream {
        let (name, quantised) = (self.function("quantise"), self.function("quantised"));
        let integer = self.integer.ident();
        let what = format!(" The integer of a real number of the {}.", self.words());
        quote! {
            #[doc = #what]
            #[inline]
            #[must_use]
            pub fn #name(real: f32) -> #integer {
                #quantised(real)
            }
        }
    }

    /// `dequantise`, for whoever wants real numbers.
    pub(super) fn dequantise(&self) -> TokenStream {
        let (name, integer) = (self.function("dequantise"), self.integer.ident());
        let (scale, zero_point) = self.scale_and_zero_point();
        let what = format!(" The real number of an integer of the {}.", self.words());
        quote! {
            #[doc = #what]
            #[inline]
            #[must_use]
            pub fn #name(result: #integer) -> f32 {
                herringbone_runtime::dequantise(i32::from(result), #scale, #zero_point)
            }
        }
    }

    fn scale_and_zero_point(&self) -> (TokenStream, Literal) {
        let zero_point = Literal::i32_unsuffixed(self.zero_point);
        (self.scale_literal(), zero_point)
    }

    fn words(&self) -> String {
        self.name.replace('_', " ")
    }
}
