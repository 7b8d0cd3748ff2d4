//! The generated type of a model.

mod end;
mod kept;

use super::api::literal;
use super::conditions;
use crate::backend::lanes::Kernels;
use crate::backend::{Glue, portable};
use crate::program::Program;
use crate::syntax::NetworkAst;
use crate::target::Target;
use crate::tflite::{Model, ModelCode, ModelDesign};
use end::End;
use herringbone_tflite::Graph;
use kept::Kept;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What the generated type is made of.
pub(crate) struct ModelItem<'a> {
    pub(crate) path: &'a TokenStream,
    pub(crate) ast: &'a NetworkAst,
    pub(crate) graph: &'a Graph,
    pub(crate) model: &'a Model,
    pub(crate) design: &'a ModelDesign,
    pub(crate) program: &'a Program,
    /// The part that it is for, if one is named.
    pub(crate) target: Option<&'static Target>,
    /// Bytes of the program's tables.
    pub(crate) tables_bytes: u64,
    /// The plan as text.
    pub(crate) text: &'a str,
    /// What the target is, for `chip!`.
    pub(crate) needs: TokenStream,
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
        ..
    } = item;
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let conditions = conditions(attributes);
    let (inputs, outputs) = (End::inputs(graph), End::outputs(graph));
    let constants = inputs.iter().chain(&outputs).map(End::constants);
    let count_of_results = Literal::u32_unsuffixed(program.results.count);
    let results = results_type(&outputs);
    let cursor_sizes = portable::cursor_sizes(program);
    let pixel_functions = design.kernels.as_ref().map(Kernels::functions);
    let code = portable::emit(program, pixel_functions.as_ref());
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
    let (what, of_tables) = match design.kernels {
        Some(_) => (
            "tables and machine code",
            " Bytes of flash of the network's tables and of the machine code of its sums: what the \
             code around them takes is not counted, for only the linker knows it.",
        ),
        None => (
            "tables",
            " Bytes of flash of the network's tables alone: what its code takes is not counted, \
             for only the linker knows it.",
        ),
    };
    let plan_table = format!(
        "{} plan `{}`, {} bytes of arena, {} of stack at most, {} bytes of {what}.\n\n```text\n{text}```\n",
        "The file's model as it was laid out:",
        design.plan.name,
        memory.arena_bytes,
        design.stack_bytes,
        tables_bytes,
    );
    let layout = format!(
        "the layout of `{name}` is not as planned: a network takes no attribute that changes it"
    );
    let arriving = &inputs[0];
    let (of_input, byte) = (arriving.element.ident(), arriving.byte());
    let from_bytes = results_of(&outputs);
    let quantised = inputs.iter().map(End::quantised);
    let conversions: TokenStream = inputs
        .iter()
        .map(End::quantise)
        .chain(outputs.iter().map(End::dequantise))
        .collect();
    let machine_code = design.machine_code();
    let elsewhere = machine_code.map(|code| {
        let condition = code.machine.condition();
        quote!(#[cfg(not(#condition))])
    });
    let on_machine = machine_code.map(|code| on_machine(item, code, (&results, &from_bytes)));
    let refusal = item.target.zip(design.kernels.as_ref());
    let refusal = refusal.map(|(target, kernels)| kernels.core.refusal(name, target));
    let flash = machine_code.map(|code| {
        let bytes = Literal::u32_unsuffixed(code.flash_bytes);
        quote! {
            /// Bytes of flash that this network takes on its target, code included.
            pub const FLASH_BYTES: u32 = #bytes;
        }
    });
    let kept = Kept::of(program);
    let (start, start_of_arena, reset) = (kept.start(), kept.arena(), kept.reset());
    let push = (inputs.len() == 1).then(|| push(arriving, &results));
    let run = run(&inputs, program, &results);
    let classify = match (&inputs[..], &outputs[..]) {
        ([_], [output]) if !output.is_real() => Some(classify(path, arriving)),
        _ => None,
    };
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

            #elsewhere
            mod herringbone_code {
                use ::core::primitive::{bool, i8, i16, i32, u16, u32, u8, usize};
                use #path::__private as runtime;

                #code
            }

            #[inline(always)]
            fn take(this_network: &mut #name, input_value: #of_input) -> bool {
                absorb(this_network, #byte)
            }

            #elsewhere
            #[inline(always)]
            fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
                herringbone_code::absorb(
                    &mut this_network.arena,
                    &mut this_network.cursor,
                    next_byte,
                )
            }

            #elsewhere
            #[inline(always)]
            fn infer(this_network: &mut #name) -> #results {
                let mut these_bytes = [0i8; #count_of_results];
                herringbone_code::infer(&mut this_network.arena, &mut these_bytes);
                #from_bytes
            }

            #on_machine
            #refusal

            #(#quantised)*

            #start

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
                #[doc = #of_tables]
                pub const TABLES_BYTES: u32 = #tables;
                #flash
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
                        arena: #start_of_arena,
                    }
                }

                /// Forgets what was pushed: the next value is the first of an input. What the
                /// model keeps from one input to the next stays.
                #[inline]
                pub fn begin(&mut self) {
                    self.cursor = herringbone_runtime::Cursor::new();
                }

                #reset

                #push

                #run

                #classify

                #conversions
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

/// The code of a machine's backend, and of a last operator that is left to its caller.
fn on_machine(
    item: &ModelItem<'_>,
    code: &ModelCode,
    (results, from_bytes): (&TokenStream, &TokenStream),
) -> TokenStream {
    let ModelItem {
        path, ast, program, ..
    } = item;
    let condition = code.machine.condition();
    let shares = code.shares.map(|node| {
        let shares = portable::shares(program, node);
        quote! {
            #[cfg(#condition)]
            mod herringbone_shares {
                use ::core::primitive::{i8, i32, u8};
                use #path::__private as runtime;

                #shares
            }
        }
    });
    let bytes = match code.shares {
        Some(_) => quote!(herringbone_shares::shares(
            these_results,
            herringbone_code::high
        )),
        None => quote!(these_results),
    };
    let items = code.machine.items(&Glue {
        name: &ast.name,
        stored: &portable::results_type(program),
        output: results,
        by_value: &quote!({
            let these_bytes = #bytes;
            #from_bytes
        }),
        kept: None,
        input_channels: program.input.channels,
        takes_whole_inputs: false,
    });
    let target = item.target;
    let refusal = target.map(|target| code.machine.refusal(&ast.name, target));
    quote!(#shares #items #refusal)
}

/// The type of what an inference gives: of several outputs, a tuple.
fn results_type(outputs: &[End<'_>]) -> TokenStream {
    let arrays = outputs.iter().map(|output| {
        let (number, length) = (
            output.element.ident(),
            Literal::usize_unsuffixed(output.tensor.values()),
        );
        quote!([#number; #length])
    });
    match outputs {
        [_] => quote!(#(#arrays)*),
        _ => quote!((#(#arrays),*)),
    }
}

/// From `these_bytes`, those of all outputs, to what an inference gives.
fn results_of(outputs: &[End<'_>]) -> TokenStream {
    if let [output] = outputs {
        return output.results();
    }
    let mut first = 0;
    let arrays = outputs.iter().map(|output| {
        let length = output.tensor.values();
        let (from, results) = (Literal::usize_unsuffixed(first), output.results());
        let length_literal = Literal::usize_unsuffixed(length);
        first += length;
        quote!({
            let these_bytes = herringbone_runtime::part::<#length_literal>(&these_bytes, #from);
            #results
        })
    });
    quote!((#(#arrays),*))
}

/// `push`, of a model with one input.
fn push(input: &End<'_>, results: &TokenStream) -> TokenStream {
    let of_input = input.element.ident();
    quote! {
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
    }
}

/// `run`, with an argument for each input.
fn run(inputs: &[End<'_>], program: &Program, results: &TokenStream) -> TokenStream {
    let arguments = inputs.iter().map(|input| {
        let (name, number) = (input.argument(), input.element.ident());
        let length = input.constant("LEN");
        quote!(#name: &[#number; Self::#length])
    });
    let given = inputs[1..].iter().zip(&program.given);
    let given = given.map(|(input, &value)| {
        let (name, byte) = (input.argument(), input.byte());
        let first = Literal::u32_unsuffixed(program.map(value).stored_cell(0));
        quote! {
            let mut cell = #first;
            for &input_value in #name {
                herringbone_runtime::store_one::<8>(&mut self.arena, cell, #byte);
                cell = cell.wrapping_add(1);
            }
        }
    });
    let arriving = inputs[0].argument();
    let what = match inputs {
        [_] => " The results of a whole input.",
        _ => " The results of whole inputs.",
    };
    quote! {
        #[doc = #what]
        #[inline]
        pub fn run(&mut self, #(#arguments),*) -> #results {
            Self::begin(self);
            #(#given)*
            for next_value in #arriving {
                take(self, *next_value);
            }
            infer(self)
        }
    }
}

fn classify(path: &TokenStream, input: &End<'_>) -> TokenStream {
    let of_input = input.element.ident();
    quote! {
        /// The class of a whole input: the index of the first largest result.
        #[inline]
        pub fn classify(&mut self, input: &[#of_input; Self::INPUT_LEN]) -> usize {
            #path::__private::first_largest(&Self::run(self, input))
        }
    }
}
