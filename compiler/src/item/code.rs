//! What the methods of a generated type are made of: the code of the network,
//! portable or of the AVR backend, behind functions that do not care which.

use super::api::Api;
use crate::avr::Code;
use crate::budget::Design;
use crate::codegen;
use crate::declaration::Declaration;
use crate::program::{Accumulator, Program};
use crate::target::Architecture;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `restart`, `absorb`, `infer`, `infer_in_place`, `is_kept` and `stored`:
/// portable code, or, on AVR, that backend's where there is one.
///
/// Code is in a module of its own: a constant of the user's, `sums` say, would
/// make a pattern of each variable of that name, and a trait of the user's for
/// all types would bring methods. Names that types could have begin with ours.
pub(super) fn emit(api: &Api<'_>, design: &Design, program: &Program) -> TokenStream {
    let Api { path, name, .. } = api;
    let assembly = design.footprint.code.as_ref();
    let portable = codegen::emit(program);
    let stored = codegen::results_type(program);
    let integer = codegen::integer(program.results.accumulator);
    let logit = codegen::integer(api.logit);
    let output = api.output();
    let count_of_results = Literal::u32_unsuffixed(program.results.count);
    let bytes_each = Literal::u32_unsuffixed(program.results.accumulator.bytes());
    // Results as wide as they are stored, or wider where the declaration says so.
    let widened = |results: TokenStream| match (program.results.accumulator, api.logit) {
        (Accumulator::I16, Accumulator::I32) => quote!(herringbone_runtime::widened(#results)),
        (Accumulator::I16, Accumulator::I16) | (Accumulator::I32, _) => results,
    };
    let loaded = codegen::parameters_type(program);
    let parameters = loaded.map(|_| quote!(&this_network.params,));
    let of_absorb = parameters
        .as_ref()
        .filter(|_| program.stages_read_parameters());
    let of_infer = parameters
        .as_ref()
        .filter(|_| program.steps_read_parameters());
    // Where results are kept: in the arena, or beside it.
    let (place, field) = match program.results.place_byte {
        Some(byte) => (byte, quote!(arena)),
        None => (0, quote!(kept_results)),
    };
    let place = Literal::u32_unsuffixed(place);
    // Sums that a stage keeps are in their place as soon as it has computed them.
    let are_in_place = program.stage_of_results().is_some();
    let keep = (!are_in_place).then(|| {
        quote! {
            herringbone_runtime::keep(
                &mut this_network.#field,
                #place,
                these_results.map(#integer::to_le_bytes),
            );
        }
    });
    // Where all has been computed as the input arrived, nothing is left to do.
    let infer_and_keep = (!are_in_place || !program.completed().is_empty()).then(|| {
        quote! {
            let mut these_results: #stored = [0; #count_of_results];
            herringbone_code::infer(&mut this_network.arena, #of_infer &mut these_results);
            #keep
        }
    });
    let elsewhere = assembly.map(|_| quote!(#[cfg(not(target_arch = "avr"))]));
    // Assembly for a single channel never looks at the cursor's, nor at its mark.
    let unmark_on_avr = (program.input.channels > 1)
        .then(|| quote!(herringbone_runtime::Cursor::unmark(&mut this_network.cursor);));
    let by_value = widened(quote!(these_results));
    let on_avr = assembly.map(|code| {
        let of_avr = AvrGlue {
            code,
            stored: &stored,
            output: &output,
            by_value: &by_value,
            field: &field,
            place: &place,
            unmark: unmark_on_avr.as_ref(),
        };
        of_avr.emit(api)
    });
    quote! {
        #elsewhere
        mod herringbone_code {
            use ::core::primitive::{bool, i16, i32, u16, u32, u8, usize};
            use #path::__private as runtime;

            #portable
        }

        #[inline(always)]
        fn restart(this_network: &mut #name) {
            this_network.cursor = herringbone_runtime::Cursor::new();
        }

        #[inline(always)]
        fn is_kept(this_network: &#name) -> bool {
            herringbone_runtime::Cursor::is_kept(&this_network.cursor)
        }

        #[inline(always)]
        fn stored(this_network: &#name) -> #path::Results<'_, #logit> {
            #path::Results::stored(&this_network.#field, #place, #bytes_each, #count_of_results)
        }

        #[inline(always)]
        fn infer_in_place(this_network: &mut #name) {
            infer_and_keep(this_network);
            herringbone_runtime::Cursor::mark_kept(&mut this_network.cursor);
        }

        #elsewhere
        #[inline(always)]
        fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
            herringbone_runtime::Cursor::unmark(&mut this_network.cursor);
            herringbone_code::absorb(
                &mut this_network.arena,
                &mut this_network.cursor,
                next_byte,
                #of_absorb
            )
        }

        #elsewhere
        #[inline(always)]
        fn infer(this_network: &mut #name) -> #output {
            let mut these_results: #stored = [0; #count_of_results];
            herringbone_code::infer(&mut this_network.arena, #of_infer &mut these_results);
            #by_value
        }

        #elsewhere
        #[inline(always)]
        fn infer_and_keep(this_network: &mut #name) {
            #infer_and_keep
        }

        #on_avr
    }
}

/// The glue between the generated type and assembly.
struct AvrGlue<'a> {
    code: &'a Code,
    /// The type of the results as they are stored, and as the caller has them.
    stored: &'a TokenStream,
    output: &'a TokenStream,
    /// From the one to the other.
    by_value: &'a TokenStream,
    /// Where results are kept.
    field: &'a TokenStream,
    place: &'a Literal,
    unmark: Option<&'a TokenStream>,
}

impl AvrGlue<'_> {
    /// What the three `unsafe` blocks rely on: `absorb` and `infer` write to the
    /// network's value, whose layout is the C one that they were made for, and
    /// `infer` every one of the results; to nothing else, as the tests of the
    /// backend say of random networks (`simulator/tests/kernels.rs`).
    fn emit(&self, api: &Api<'_>) -> TokenStream {
        let Self {
            code,
            stored,
            output,
            by_value,
            field,
            place,
            unmark,
        } = self;
        let name = api.name;
        let functions = codegen::emit_assembly(code);
        quote! {
            #[cfg(target_arch = "avr")]
            mod herringbone_code {
                use ::core::primitive::{bool, u8};

                #functions
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
                #unmark
                // Not a `bool`, whose upper bits would be masked first.
                // SAFETY: the reference to the network is the only one.
                unsafe {
                    herringbone_code::absorb(::core::ptr::from_mut(this_network).cast(), next_byte) != 0
                }
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn infer_and_keep(this_network: &mut #name) {
                let network_pointer = ::core::ptr::from_mut(this_network).cast::<u8>();
                let first_byte = ::core::mem::offset_of!(#name, #field) + #place;
                let results_pointer = network_pointer.wrapping_add(first_byte);
                // SAFETY: the reference to the network is the only one, and the
                // results lie in it, beside the map that they are made of.
                unsafe { herringbone_code::infer(network_pointer, results_pointer) };
            }

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn infer(this_network: &mut #name) -> #output {
                // Zeros would be written once more, and be a call of `memset`.
                let mut these_results = ::core::mem::MaybeUninit::<#stored>::uninit();
                // SAFETY: the reference to the network is the only one, the results
                // are ours, and all of them are written.
                let these_results = unsafe {
                    herringbone_code::infer(
                        ::core::ptr::from_mut(this_network).cast(),
                        ::core::ptr::from_mut(&mut these_results).cast(),
                    );
                    ::core::mem::MaybeUninit::assume_init(these_results)
                };
                // A mark that `push_in_place` left on another input.
                herringbone_runtime::Cursor::unmark(&mut this_network.cursor);
                #by_value
            }
        }
    }
}

/// Refuses to be built for another AVR core than the assembly is for. Parts that
/// differ in memory alone are the linker's to tell apart; of a part that rustc
/// does not know, not even `lpm` is known.
pub(super) fn other_core(
    api: &Api<'_>,
    declaration: &Declaration,
    design: &Design,
) -> Option<TokenStream> {
    design.footprint.code.as_ref()?;
    let target = declaration.budget.target?;
    if target.architecture != Architecture::Avr {
        return None;
    }
    let features = crate::avr::Core::of(target).features();
    let conditions = features.into_iter().map(|(feature, has)| match has {
        true => quote!(not(target_feature = #feature)),
        false => quote!(target_feature = #feature),
    });
    let message = format!(
        "`{}` is declared with `target: {part}`, and this is a build for another AVR: give rustc \
         `-C target-cpu={part}`, or name the part that the firmware is for",
        api.name,
        part = target.name
    );
    Some(quote! {
        #[cfg(all(target_arch = "avr", target_feature = "lpm", any(#(#conditions),*)))]
        ::core::compile_error!(#message);
    })
}
