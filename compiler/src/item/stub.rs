//! What stands for a declaration with errors.

use super::api::{Api, Figures, Flash, accessors};
use super::{conditions, metadata, needs, step};
use crate::backend::portable;
use crate::budget::Design;
use crate::declaration::WeightsSource;
use crate::program::Accumulator;
use crate::syntax::{NetworkAst, Outline};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What is known of a declaration with errors.
pub(crate) struct Known {
    /// The type of the results.
    pub(crate) results: Accumulator,
    /// The plan, when there is one.
    pub(crate) design: Option<Box<Design>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            results: Accumulator::I16,
            design: None,
        }
    }
}

/// A type with the same constants and methods as far as they are known, so
/// that a mistake in a declaration is not followed by one for each of its uses.
pub(crate) fn stub(
    path: &TokenStream,
    ast: &NetworkAst,
    outline: &Outline,
    known: &Known,
) -> TokenStream {
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let conditions = conditions(attributes);
    let api = Api {
        path,
        name,
        input_len: Literal::usize_unsuffixed(outline.input_len.unwrap_or(1)),
        classes: Literal::usize_unsuffixed(outline.classes.unwrap_or(1)),
        logit: known.results,
        has_windows: false,
        meaning: "",
    };
    let design = known.design.as_ref();
    let constants = api.constants(&Figures {
        arena_bytes: design.map_or(0, |design| design.plan.arena_bytes),
        sram_bytes: design.map_or(0, |design| design.sram_bytes()),
        stack_bytes: design.map_or(0, |design| design.footprint.stack_bytes),
        flash: Flash::Unknown,
        macs: 0,
        plan: String::new(),
    });
    let loaded = outline.weights == WeightsSource::Runtime;
    let bytes = Literal::u64_unsuffixed(outline.parameter_bytes.unwrap_or(0));
    let field = loaded.then(|| quote!(params: [::core::primitive::u8; #bytes]));
    let zeros = loaded.then(|| quote!(params: [0; #bytes]));
    let accessors = loaded.then(|| accessors(&bytes));
    // Where the input's length is not known, any array will do.
    let (generics, length) = match outline.input_len {
        Some(_) => (None, quote!(Self::INPUT_LEN)),
        None => (Some(quote!(<const LENGTH: usize>)), quote!(LENGTH)),
    };
    let methods = api.methods();
    let whole_input = api.whole_input_methods(generics, &length);
    // The trait's `run` takes an array whose length is known.
    let network_trait = outline.input_len.map(|_| api.network_trait());
    let output = api.output();
    let logit = portable::integer(api.logit);
    let classes = &api.classes;
    let metadata = metadata::stub(&output, classes, outline.samples);
    let step = step::stub(&output);
    let needs = needs::unknown_needs((path, name));
    quote! {
        #(#attributes)*
        #[doc = ""]
        #visibility struct #name { #field }

        #(#conditions)*
        const _: () = {
            use ::core::primitive::{bool, i16, i32, str, u32, u64, u8, usize};

            const _: fn() -> #name = #name::new;

            fn restart(_: &mut #name) {}
            fn begin(_: &mut #name) {}
            fn absorb_input<const LENGTH: usize>(_: &mut #name, _: &[u8; LENGTH]) {}
            fn take(_: &mut #name, _: u8) -> bool {
                false
            }
            fn infer(_: &mut #name) -> #output {
                [0; #classes]
            }
            fn infer_in_place(_: &mut #name) {}
            fn is_kept(_: &#name) -> bool {
                false
            }
            fn stored(_: &#name) -> #path::Results<'_, #logit> {
                #path::Results::stored(&[], 0, 2, 0)
            }

            impl #name {
                #constants

                #[must_use]
                pub const fn new() -> Self {
                    Self { #zeros }
                }

                #accessors
                #methods
                #whole_input
                #step
                #metadata
            }

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }

            #network_trait
            #needs
        };
    }
}

/// The type of a model whose file is not understood or does not fit: its methods take and give
/// anything, for only the file says what.
pub(crate) fn model_stub(path: &TokenStream, ast: &NetworkAst) -> TokenStream {
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let conditions = conditions(attributes);
    let needs = needs::unknown_needs((path, name));
    quote! {
        #(#attributes)*
        #[doc = ""]
        #visibility struct #name {}

        #(#conditions)*
        const _: () = {
            use ::core::primitive::{bool, f32, i32, str, u32, u64, usize};

            const _: fn() -> #name = #name::new;

            impl #name {
                pub const INPUT_LEN: usize = 1;
                pub const OUTPUT_LEN: usize = 1;
                pub const INPUT_NAME: &'static str = "";
                pub const OUTPUT_NAME: &'static str = "";
                pub const INPUT_SCALE: f32 = 1.0;
                pub const OUTPUT_SCALE: f32 = 1.0;
                pub const INPUT_ZERO_POINT: i32 = 0;
                pub const OUTPUT_ZERO_POINT: i32 = 0;
                pub const ARENA_BYTES: usize = 0;
                pub const SRAM_BYTES: usize = 0;
                pub const STACK_BYTES: usize = 0;
                pub const TABLES_BYTES: u32 = 0;
                pub const MACS: u64 = 0;
                pub const PLAN: &'static str = "";

                #[must_use]
                pub const fn new() -> Self {
                    Self {}
                }

                pub fn begin(&mut self) {}

                pub fn run<Input, Output>(&mut self, _: Input) -> Output {
                    loop {}
                }

                pub fn push<Value, Output>(
                    &mut self,
                    _: Value,
                ) -> ::core::option::Option<Output> {
                    ::core::option::Option::None
                }

                pub fn classify<Input>(&mut self, _: Input) -> usize {
                    loop {}
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
