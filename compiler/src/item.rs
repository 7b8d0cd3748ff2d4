//! The generated type: its constants, its methods, and the stub that stands
//! for it where the declaration is wrong.

use crate::avr::Code;
use crate::budget::{Design, Tight};
use crate::codegen;
use crate::declaration::{Declaration, WeightsSource};
use crate::planned::Planned;
use crate::program::{Accumulator, Program};
use crate::report;
use crate::syntax::{NetworkAst, Outline};
use crate::weights::WeightsPath;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// The type of a correct declaration. Without weights it has every constant and
/// no `run`.
pub(crate) fn emit(
    path: &TokenStream,
    ast: &NetworkAst,
    declaration: &Declaration,
    planned: &Planned,
    program: &Program,
) -> TokenStream {
    let design = &planned.design;
    let picture = picture(&ast.name, declaration, design, program);
    let cursor_sizes = codegen::cursor_sizes(program);
    // A design to size has no code.
    let program = planned.accumulators.as_ref().map(|_| program);
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let mut plan_table = report::markdown(declaration, design);
    if program.is_none() {
        plan_table.push_str("\nA design to size: without `weights` there is no `run`.\n");
    }
    let plan_text = report::text(&name.to_string(), declaration, design);
    let arena_bytes = Literal::u32_unsuffixed(design.plan.arena_bytes);
    let state_bytes = Literal::u32_unsuffixed(design.state_bytes());
    let sram_bytes = Literal::u32_unsuffixed(design.sram_bytes());
    let stack_bytes = Literal::u32_unsuffixed(design.footprint.stack_bytes);
    let flash_bytes = Literal::u64_unsuffixed(design.footprint.flash_bytes);
    let cursor_bytes = Literal::u32_unsuffixed(design.plan.cursor_bytes());
    let network = &declaration.network;
    let input_len = Literal::u32_unsuffixed(network.input().values());
    let classes = Literal::u32_unsuffixed(network.output().values());
    let macs = Literal::u64_unsuffixed(network.multiply_accumulates());
    let assembly = program.and(design.footprint.code.as_ref());
    let code = program.map(|program| code(path, name, program, assembly));
    let methods = program.map(|program| methods(program, network.gives_logits()));
    let loaded = declaration.weights == WeightsSource::Runtime;
    let parameter_bytes = Literal::u32_unsuffixed(design.parameter_bytes);
    let (field, zeros, accessors) = if loaded {
        plan_table.push_str(PARAMETERS);
        (
            Some(quote!(params: [::core::primitive::u8; #parameter_bytes],)),
            Some(quote!(params: [0; #parameter_bytes],)),
            Some(accessors(&parameter_bytes)),
        )
    } else {
        (None, None, None)
    };
    let tracked = ast.weights_file().map(WeightsPath::tracking_tokens);
    quote! {
        #(#attributes)*
        #[doc = ""]
        #[doc = #plan_table]
        #picture
        #[allow(dead_code)]
        #[repr(C)]
        #visibility struct #name {
            cursor: #path::__private::Cursor<#cursor_sizes>,
            arena: [::core::primitive::u8; #arena_bytes],
            #field
        }

        #[allow(dead_code, unused_imports, unused_mut, unused_variables)]
        const _: () = {
            use ::core::primitive::{bool, i16, i32, str, u32, u64, u8, usize};
            use #path::__private as runtime;

            #tracked
            runtime::static_assertions::const_assert_eq!(
                ::core::mem::size_of::<#name>(),
                #state_bytes
            );
            runtime::static_assertions::const_assert_eq!(
                ::core::mem::offset_of!(#name, arena),
                #cursor_bytes
            );
            #code

            impl #name {
                /// Bytes of an input: its height × width × channels.
                pub const INPUT_LEN: usize = #input_len;
                /// Values that an inference gives.
                pub const CLASSES: usize = #classes;
                /// Bytes in which all feature maps are kept.
                pub const ARENA_BYTES: usize = #arena_bytes;
                /// Bytes of SRAM that the design needs: arena, state, parameters
                /// that are loaded at run time, and reserve.
                pub const SRAM_BYTES: usize = #sram_bytes;
                /// The deepest stack of `run`, `push` and `classify`, in bytes, at
                /// `opt-level = 2`; interrupts are not counted.
                pub const STACK_BYTES: usize = #stack_bytes;
                /// Bytes of flash of the network's code and tables on an AVR part;
                /// elsewhere, of its tables.
                pub const FLASH_BYTES: u32 = #flash_bytes;
                /// Multiply-accumulates of an inference.
                pub const MACS: u64 = #macs;
                /// The memory plan as text.
                pub const PLAN: &'static str = #plan_text;

                /// A network that waits for the first byte of an input.
                #[must_use]
                pub const fn new() -> Self {
                    Self { cursor: runtime::Cursor::new(), arena: [0; #arena_bytes], #zeros }
                }

                #accessors
                #methods
            }

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }
        };
    }
}

/// The memory plan as a picture in the type's rustdoc; nowhere else, for editors
/// show documentation too, and no pictures in it.
fn picture(
    name: &Ident,
    declaration: &Declaration,
    design: &Design,
    program: &Program,
) -> TokenStream {
    let network = &declaration.network;
    let picture = match report::picture_fits_rustdoc(network) {
        true => {
            let arena = report::ArenaOverTime::of(network, program);
            let picture = report::Picture {
                name: &name.to_string(),
                declaration,
                design,
                program,
                arena: &arena,
            };
            report::rustdoc_picture(&picture)
        }
        false => "The network is too large for a picture here: `cargo herringbone plan FILE \
                  --svg OUT` draws it."
            .to_owned(),
    };
    quote! {
        #[cfg_attr(doc, doc = "")]
        #[cfg_attr(doc, doc = #picture)]
    }
}

/// What the rustdoc of a type says of parameters that are loaded at run time.
const PARAMETERS: &str = "
# Parameters
Weights, biases and shifts are loaded at run time: `params_mut` takes them, and \
`cargo xtask params` or `herringbone_compiler::pack_parameters` makes them of a weights file. \
Until then they are zero bytes, and the results mean nothing; no bytes at all are unsound. \
For each layer with weights, in the order of the list (a `C2` has two, the depthwise one first):

| bytes | |
|---|---|
| 1 | `left`: bits to shift a sum up by, before the bias |
| 1 | `right`: bits to shift it down by, behind the bias |
| 1 or 2 an output, as `bits` says | biases, two's complement, little-endian |
| a row for each value that is read | weights |

A row has one weight an output (of a depthwise kernel: one a channel, and a row a tap), begins at \
a byte, and holds `8 / bits` weights a byte, low bits first, as `w + 2^(bits − 1)`. Rows are in the \
order `[tap][input]`; of a dense layer, in the order in which its input is stored.
";

/// The way to the parameters that are loaded at run time.
fn accessors(parameter_bytes: &Literal) -> TokenStream {
    quote! {
        /// Bytes of the parameters.
        pub const PARAMS_LEN: usize = #parameter_bytes;

        /// The parameters, to be loaded: they are in use at once.
        pub const fn params_mut(&mut self) -> &mut [u8; Self::PARAMS_LEN] {
            &mut self.params
        }

        /// The parameters.
        pub const fn params(&self) -> &[u8; Self::PARAMS_LEN] {
            &self.params
        }
    }
}

/// `absorb` and `infer`, which take a byte in and compute the results: portable
/// code, or, on AVR, that backend's where there is one.
///
/// In a module of its own: a constant of the user's, `sums` say, would make a
/// pattern of each variable of that name.
fn code(
    path: &TokenStream,
    name: &Ident,
    program: &Program,
    assembly: Option<&Code>,
) -> TokenStream {
    let portable = codegen::emit(program);
    let results = codegen::results_type(program);
    let integer = codegen::integer(program.results.accumulator);
    let count_of_results = Literal::u32_unsuffixed(program.results.count);
    let loaded = codegen::parameters_type(program);
    let parameters = loaded.map(|_| quote!(&this_network.params,));
    let of_absorb = parameters
        .as_ref()
        .filter(|_| program.stages_read_parameters());
    let of_infer = parameters
        .as_ref()
        .filter(|_| program.steps_read_parameters());
    // Sums that a stage keeps are in their place already.
    let keep = (program.stage_of_results().is_none()).then(|| quote! {
        let mut these_results: #results = [0; #count_of_results];
        code::infer(&mut this_network.arena, #of_infer &mut these_results);
        runtime::keep(&mut this_network.arena, PLACE_BYTE, these_results.map(#integer::to_le_bytes));
    });
    let elsewhere = assembly.map(|_| quote!(#[cfg(not(target_arch = "avr"))]));
    let on_avr = assembly.map(|code| {
        let functions = codegen::emit_assembly(code);
        // What the three blocks below rely on: `absorb` and `infer` write to the
        // network's value, whose layout is the C one that they were made for, and
        // `infer` every one of the results; to nothing else, as the tests of the
        // backend say of random networks (`simulator/tests/kernels.rs`).
        quote! {
            #[cfg(target_arch = "avr")]
            mod code {
                use ::core::primitive::{bool, u8};

                #functions
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
                // Not a `bool`, whose upper bits would be masked first.
                // SAFETY: the reference to the network is the only one.
                unsafe { code::absorb(::core::ptr::from_mut(this_network).cast(), next_byte) != 0 }
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn infer_in_place<const PLACE_BYTE: usize>(this_network: &mut #name) {
                let network_pointer = ::core::ptr::from_mut(this_network).cast::<u8>();
                let arena_byte = ::core::mem::offset_of!(#name, arena);
                let results_pointer = network_pointer.wrapping_add(arena_byte).wrapping_add(PLACE_BYTE);
                // SAFETY: the reference to the network is the only one, and the
                // results lie in its arena, beside the map that they are made of.
                unsafe { code::infer(network_pointer, results_pointer) };
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn infer(this_network: &mut #name) -> #results {
                // Zeros would be written once more, and be a call of `memset`.
                let mut these_results = ::core::mem::MaybeUninit::<#results>::uninit();
                // SAFETY: the reference to the network is the only one, the results
                // are ours, and all of them are written.
                unsafe {
                    code::infer(
                        ::core::ptr::from_mut(this_network).cast(),
                        these_results.as_mut_ptr().cast(),
                    );
                    these_results.assume_init()
                }
            }
        }
    });
    quote! {
        #elsewhere
        mod code {
            use ::core::primitive::{bool, i16, i32, u16, u32, u8, usize};
            use #path::__private as runtime;

            #portable
        }

        #elsewhere
        #[inline(always)]
        fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
            code::absorb(&mut this_network.arena, &mut this_network.cursor, next_byte, #of_absorb)
        }

        #elsewhere
        #[inline(always)]
        fn infer(this_network: &mut #name) -> #results {
            let mut these_results: #results = [0; #count_of_results];
            code::infer(&mut this_network.arena, #of_infer &mut these_results);
            these_results
        }

        #elsewhere
        #[inline(always)]
        fn infer_in_place<const PLACE_BYTE: usize>(this_network: &mut #name) {
            #keep
        }

        #on_avr
    }
}

fn methods(program: &Program, gives_logits: bool) -> TokenStream {
    let results = codegen::results_type(program);
    let meaning = if gives_logits {
        " The results are logits: the sums of the last layer, neither rounded nor clamped."
    } else {
        " The results are the activations of the last layer."
    };
    let in_place = program
        .results
        .place_byte
        .map(|place_byte| in_place(program, place_byte));
    quote! {
        /// Forgets what was pushed: the next byte is the first of an input.
        #[inline]
        pub fn begin(&mut self) {
            self.cursor = runtime::Cursor::new();
        }

        /// Takes the next byte of an input; behind the last one, computes and
        /// gives the results, and the byte after it begins another input.
        ///
        #[doc = #meaning]
        #[inline]
        pub fn push(&mut self, next_byte: u8) -> ::core::option::Option<#results> {
            if absorb(self, next_byte) {
                ::core::option::Option::Some(infer(self))
            } else {
                ::core::option::Option::None
            }
        }

        #in_place

        /// The results for an input: rows of pixels, channels last.
        ///
        #[doc = #meaning]
        pub fn run(&mut self, input_bytes: &[u8; Self::INPUT_LEN]) -> #results {
            self.begin();
            for next_byte in input_bytes {
                absorb(self, *next_byte);
            }
            infer(self)
        }

        /// The class of an input: the index of the first largest result.
        pub fn classify(&mut self, input_bytes: &[u8; Self::INPUT_LEN]) -> usize {
            runtime::first_largest(&self.run(input_bytes))
        }
    }
}

/// The way to the results without memory for them beside the network's own.
fn in_place(program: &Program, place_byte: u32) -> TokenStream {
    let integer = codegen::integer(program.results.accumulator);
    let each_bytes = Literal::u32_unsuffixed(program.results.accumulator.bytes());
    let place_byte = Literal::u32_unsuffixed(place_byte);
    quote! {
        /// As `push`; when it is true, `result` gives the results, which stay in
        /// the network's own memory until the next byte is pushed.
        #[inline]
        pub fn push_in_place(&mut self, next_byte: u8) -> bool {
            let input_complete = absorb(self, next_byte);
            if input_complete {
                infer_in_place::<#place_byte>(self);
            }
            input_complete
        }

        /// A result, once `push_in_place` was true; 0 behind the last one.
        #[inline]
        #[must_use]
        pub fn result(&self, result_index: usize) -> #integer {
            let first_byte = result_index.wrapping_mul(#each_bytes).wrapping_add(#place_byte);
            match self.arena.get(first_byte..).and_then(|bytes_behind| bytes_behind.first_chunk()) {
                ::core::option::Option::Some(result_bytes) if result_index < Self::CLASSES => {
                    #integer::from_le_bytes(*result_bytes)
                }
                _ => 0,
            }
        }
    }
}

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
pub(crate) fn stub(ast: &NetworkAst, outline: &Outline, known: &Known) -> TokenStream {
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let input_len = Literal::usize_unsuffixed(outline.input_len.unwrap_or(1));
    let classes = Literal::usize_unsuffixed(outline.classes.unwrap_or(1));
    let integer = codegen::integer(known.results);
    let design = known.design.as_ref();
    let arena_bytes = Literal::u32_unsuffixed(design.map_or(0, |design| design.plan.arena_bytes));
    let sram_bytes = Literal::u32_unsuffixed(design.map_or(0, |design| design.sram_bytes()));
    let footprint = design.map(|design| &design.footprint);
    let stack_bytes = footprint.map_or(0, |footprint| footprint.stack_bytes);
    let flash_bytes = footprint.map_or(0, |footprint| footprint.flash_bytes);
    let stack_bytes = Literal::u32_unsuffixed(stack_bytes);
    let flash_bytes = Literal::u32_unsuffixed(flash_bytes.try_into().unwrap_or(u32::MAX));
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
    quote! {
        #(#attributes)*
        #[doc = ""]
        #[allow(dead_code)]
        #visibility struct #name { #field }

        #[allow(dead_code, unused_imports, unused_variables)]
        const _: () = {
            use ::core::primitive::{i16, i32, str, u32, u64, u8, usize};

            #[allow(missing_docs)]
            impl #name {
                pub const INPUT_LEN: usize = #input_len;
                pub const CLASSES: usize = #classes;
                pub const ARENA_BYTES: usize = #arena_bytes;
                pub const SRAM_BYTES: usize = #sram_bytes;
                pub const STACK_BYTES: usize = #stack_bytes;
                pub const FLASH_BYTES: u32 = #flash_bytes;
                pub const MACS: u64 = 0;
                pub const PLAN: &'static str = "";

                #[must_use]
                pub const fn new() -> Self {
                    Self { #zeros }
                }

                #accessors

                pub fn begin(&mut self) {}

                pub fn push(&mut self, next_byte: u8) -> ::core::option::Option<[#integer; #classes]> {
                    ::core::option::Option::None
                }

                pub fn push_in_place(&mut self, next_byte: u8) -> bool {
                    false
                }

                pub fn result(&self, result_index: usize) -> #integer {
                    0
                }

                pub fn run #generics(&mut self, input_bytes: &[u8; #length]) -> [#integer; #classes] {
                    [0; #classes]
                }

                pub fn classify #generics(&mut self, input_bytes: &[u8; #length]) -> usize {
                    0
                }
            }

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }
        };
    }
}

/// A warning at the layer of the peak. Stable Rust has no other way for a macro
/// to warn than the use of something deprecated; `#[allow(deprecated)]` on the
/// declaration turns it off.
pub(crate) fn warning(ast: &NetworkAst, tight: &Tight) -> TokenStream {
    let message = tight.to_string();
    let span = ast.layer_tokens(tight.layer).span();
    let usage = quote_spanned!(span=> const _: () = sram_nearly_exceeded;);
    let levels = ast.attributes.iter().filter(|attribute| {
        ["allow", "expect", "warn", "deny", "forbid"]
            .iter()
            .any(|level| attribute.path().is_ident(level))
    });
    quote! {
        #(#levels)*
        const _: () = {
            #[deprecated(note = #message)]
            #[allow(non_upper_case_globals)]
            const sram_nearly_exceeded: () = ();
            #usage
        };
    }
}
