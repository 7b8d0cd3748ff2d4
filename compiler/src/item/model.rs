//! The generated type of a model.

use super::api::literal;
use super::conditions;
use crate::backend::portable;
use crate::program::Program;
use crate::syntax::NetworkAst;
use crate::tflite::{Model, ModelDesign};
use herringbone_tflite::{Element, Graph, Node, Operator, Tensor};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// What the generated type is made of.
pub(crate) struct ModelItem<'a> {
    pub(crate) path: &'a TokenStream,
    pub(crate) ast: &'a NetworkAst,
    pub(crate) graph: &'a Graph,
    pub(crate) model: &'a Model,
    pub(crate) design: &'a ModelDesign,
    pub(crate) program: &'a Program,
    /// Bytes of the program's tables.
    pub(crate) tables_bytes: u64,
    /// The plan as text.
    pub(crate) text: &'a str,
    /// What the target is, for `chip!`.
    pub(crate) needs: TokenStream,
}

/// An end of a model: what its caller has, and what that stands for.
struct End<'a> {
    tensor: &'a Tensor,
    element: Number,
    /// What stands for it, where it is real.
    integer: Number,
    scale: f32,
    zero_point: i32,
}

/// The type of a number at an end of a model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
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

    fn ident(self) -> Ident {
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
    /// The scale of real numbers is that of the operator which quantises them.
    fn of(graph: &'a Graph, tensor: &'a Tensor, is_input: bool) -> Self {
        let of_operator = graph.nodes.iter().find_map(|node| match node {
            Node::Compute {
                operator: Operator::Quantise(it),
                writes,
                ..
            } if is_input => Some((it.scale, it.zero_point, *writes)),
            Node::Compute {
                operator: Operator::Dequantise(it),
                reads,
                ..
            } if !is_input => Some((it.scale, it.zero_point, reads[0])),
            Node::Compute { .. } | Node::Load { .. } | Node::Store { .. } => None,
        });
        let element = Number::of(tensor.element);
        let of_tensor = tensor.quantisation.as_ref().and_then(|quantisation| {
            Some((*quantisation.scales.first()?, quantisation.zero_point))
        });
        let (integer, scale, zero_point) = match (element, of_operator) {
            (Number::Float32, Some((scale, zero_point, integers))) => (
                Number::of(graph.tensor(integers).element),
                scale,
                zero_point,
            ),
            (_, _) => {
                let (scale, zero_point) = of_tensor.unwrap_or((1.0, 0));
                (element, scale, zero_point)
            }
        };
        Self {
            tensor,
            element,
            integer,
            scale,
            zero_point,
        }
    }

    /// `…_LEN`, `…_SHAPE`, `…_NAME`, `…_SCALE` and `…_ZERO_POINT`.
    fn constants(&self, end: &str) -> TokenStream {
        let constant = |what: &str| format_ident!("{end}_{what}");
        let [len, shape, name, scale_name, zero_point_name] =
            ["LEN", "SHAPE", "NAME", "SCALE", "ZERO_POINT"].map(constant);
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
        let of_end = end.to_lowercase();
        let [of_len, of_shape, of_name, of_scale, of_zero] = [
            format!(" Values of an {of_end}."),
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
    fn byte(&self) -> TokenStream {
        match self.element {
            Number::Int8 => quote!(input_value as u8),
            Number::Uint8 => quote!(input_value),
            Number::Float32 => quote!(quantised(input_value) as u8),
        }
    }

    /// From `these_bytes`, an array of `i8`, to the caller's results.
    fn results(&self) -> TokenStream {
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
}

/// The type of a model that fits.
pub(crate) fn emit(item: &ModelItem<'_>) -> TokenStream {
    let ModelItem {
        path,
        ast,
        graph,
        model,
        design,
        program,
        tables_bytes,
        text,
        needs,
    } = item;
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let conditions = conditions(attributes);
    let input = End::of(graph, graph.tensor(graph.inputs[0]), true);
    let output = End::of(graph, graph.tensor(graph.outputs[0]), false);
    let constants = [input.constants("INPUT"), output.constants("OUTPUT")];
    let (of_input, of_output) = (input.element.ident(), output.element.ident());
    let input_integer = input.integer.ident();
    let output_integer = output.integer.ident();
    let count_of_results = Literal::u32_unsuffixed(program.results.count);
    let results = quote!([#of_output; #count_of_results]);
    let cursor_sizes = portable::cursor_sizes(program);
    let code = portable::emit(program);
    let memory = &design.plan.memory;
    let [
        arena_bytes,
        state_bytes,
        cursor_bytes,
        sram_bytes,
        stack_bytes,
    ] = [
        memory.arena_bytes,
        design.state_bytes(),
        memory.cursor_bytes(),
        design.sram_bytes(),
        design.stack_bytes,
    ]
    .map(Literal::u32_unsuffixed);
    let tables = literal(*tables_bytes);
    let macs = Literal::u64_unsuffixed(model.multiply_accumulates);
    let tracked = ast
        .model
        .as_ref()
        .and_then(|model| model.path.as_ref())
        .map(|path| path.tracking_tokens());
    let plan_table = format!(
        "{} plan `{}`, {} bytes of arena, {} of stack at most, {} bytes of tables.\n\n```text\n{text}```\n",
        "The file's model as it was laid out:",
        design.plan.name,
        memory.arena_bytes,
        design.stack_bytes,
        tables_bytes,
    );
    let layout = format!(
        "the layout of `{name}` is not as planned: a network takes no attribute that changes it"
    );
    let (byte, from_bytes) = (input.byte(), output.results());
    let conversions = conversions(&input, &output);
    let classify = (output.element != Number::Float32).then(|| {
        quote! {
            /// The class of a whole input: the index of the first largest result.
            #[inline]
            pub fn classify(&mut self, input: &[#of_input; Self::INPUT_LEN]) -> usize {
                #path::__private::first_largest(&Self::run(self, input))
            }
        }
    });
    quote! {
        #(#attributes)*
        #[doc = ""]
        #[doc = #plan_table]
        #[repr(C)]
        #visibility struct #name {
            cursor: #path::__private::Cursor<#cursor_sizes>,
            arena: [::core::primitive::u8; #arena_bytes],
        }

        #(#conditions)*
        const _: () = {
            use ::core::primitive::{bool, f32, i8, i16, i32, str, u32, u64, u8, usize};
            use #path::__private as herringbone_runtime;

            #tracked
            const _: () = ::core::assert!(
                ::core::mem::size_of::<#name>() == #state_bytes
                    && ::core::mem::offset_of!(#name, arena) == #cursor_bytes,
                #layout
            );
            const _: fn() -> #name = #name::new;

            mod herringbone_code {
                use ::core::primitive::{bool, i8, i16, i32, u16, u32, u8, usize};
                use #path::__private as runtime;

                #code
            }

            #[inline(always)]
            fn take(this_network: &mut #name, input_value: #of_input) -> bool {
                herringbone_code::absorb(
                    &mut this_network.arena,
                    &mut this_network.cursor,
                    #byte,
                )
            }

            #[inline(always)]
            fn infer(this_network: &mut #name) -> #results {
                let mut these_bytes = [0i8; #count_of_results];
                herringbone_code::infer(&mut this_network.arena, &mut these_bytes);
                #from_bytes
            }

            #conversions

            impl #name {
                #(#constants)*
                /// Bytes for the outputs of all operators, which overwrite one another.
                pub const ARENA_BYTES: usize = #arena_bytes;
                /// Bytes of SRAM that this network needs: arena, state and reserve. Other
                /// networks are not counted.
                pub const SRAM_BYTES: usize = #sram_bytes;
                /// The deepest stack of `run` and `push`, in bytes: an upper bound.
                /// Interrupts are not counted.
                pub const STACK_BYTES: usize = #stack_bytes;
                /// Bytes of flash of the network's tables alone: what its code takes is
                /// not counted, for only the linker knows it.
                pub const TABLES_BYTES: u32 = #tables;
                /// Multiply-accumulates of an inference.
                pub const MACS: u64 = #macs;
                /// The memory plan as text.
                pub const PLAN: &'static str = #text;

                /// A network that waits for the first value of an input.
                ///
                /// The value is the network's whole working memory. Keep it in a static,
                /// and pass references: a move may copy all of it over the stack, which
                /// `SRAM_BYTES` does not count.
                #[must_use]
                pub const fn new() -> Self {
                    Self {
                        cursor: herringbone_runtime::Cursor::new(),
                        arena: [0; #arena_bytes],
                    }
                }

                /// Forgets what was pushed: the next value is the first of an input.
                #[inline]
                pub fn begin(&mut self) {
                    self.cursor = herringbone_runtime::Cursor::new();
                }

                /// Takes the next value of an input, in the order of the file's tensor;
                /// after the last one, computes and gives the results, and the value
                /// after it begins another input.
                #[inline]
                #[must_use = "after an input's last value, these are its results"]
                pub fn push(&mut self, next_value: #of_input) -> ::core::option::Option<#results> {
                    if take(self, next_value) {
                        ::core::option::Option::Some(infer(self))
                    } else {
                        ::core::option::Option::None
                    }
                }

                /// The results of a whole input.
                #[inline]
                pub fn run(&mut self, input: &[#of_input; Self::INPUT_LEN]) -> #results {
                    Self::begin(self);
                    for next_value in input {
                        take(self, *next_value);
                    }
                    infer(self)
                }

                #classify

                /// The integer of a real number of the input.
                #[inline]
                #[must_use]
                pub fn quantise(real: f32) -> #input_integer {
                    quantised(real)
                }

                /// The real number of a result's integer.
                #[inline]
                #[must_use]
                pub fn dequantise(result: #output_integer) -> f32 {
                    dequantised(result)
                }
            }

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }

            #needs
        };
    }
}

/// `quantised` and `dequantised`, of the integers at both ends.
fn conversions(input: &End<'_>, output: &End<'_>) -> TokenStream {
    let (scale, zero_point) = (
        input.scale_literal(),
        Literal::i32_unsuffixed(input.zero_point),
    );
    let of_output = (
        output.scale_literal(),
        Literal::i32_unsuffixed(output.zero_point),
    );
    let (output_scale, output_zero_point) = of_output;
    let (input_integer, output_integer) = (input.integer.ident(), output.integer.ident());
    quote! {
        #[inline(always)]
        fn quantised(real: f32) -> #input_integer {
            let steps = herringbone_runtime::quantise(real, #scale, #zero_point);
            steps.clamp(#input_integer::MIN.into(), #input_integer::MAX.into()) as #input_integer
        }

        #[inline(always)]
        fn dequantised(result: #output_integer) -> f32 {
            herringbone_runtime::dequantise(i32::from(result), #output_scale, #output_zero_point)
        }
    }
}
