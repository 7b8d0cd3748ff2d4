//! What the methods of a generated type are made of: the code of the network,
//! portable or of a machine's backend, through functions that do not depend on which.

use super::api::Api;
use super::features::state_name;
use crate::backend::{Glue, MachineCode, glue, portable};
use crate::budget::Design;
use crate::declaration::Declaration;
use crate::features::Features;
use crate::program::{Accumulator, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `restart`, `absorb`, `absorb_slice`, `absorb_input`, `infer`, `infer_in_place`, `is_kept` and `stored`:
/// portable code, or, on the machine that it is for, the backend's.
///
/// Code is in a module of its own: a constant of the user's, `sums` say, would
/// make a pattern of each variable of that name, and a trait of the user's for
/// all types would bring methods. Names that types could have begin with ours.
pub(super) fn emit(
    api: &Api<'_>,
    design: &Design,
    program: &Program,
    features: Option<&Features>,
) -> TokenStream {
    let Api { path, name, .. } = api;
    let machine_code = design.footprint.code.as_deref();
    let code = portable::emit(program, None);
    let stored = portable::results_type(program);
    let integer = portable::integer(program.results.accumulator());
    let logit = portable::integer(api.logit);
    let output = api.output();
    let count_of_results = Literal::u32_unsuffixed(program.results.count);
    let bytes_each = Literal::u32_unsuffixed(program.results.integer.bytes());
    // Results as wide as they are stored, or wider where the declaration says so.
    let widened = |results: TokenStream| match (program.results.accumulator(), api.logit) {
        (Accumulator::I16, Accumulator::I32) => quote!(herringbone_runtime::widened(#results)),
        (Accumulator::I16, Accumulator::I16) | (Accumulator::I32, _) => results,
    };
    let loaded = portable::parameters_type(program);
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
    let elsewhere = machine_code.map(|code| {
        let condition = code.condition();
        quote!(#[cfg(not(#condition))])
    });
    let restart_features = features.map(|features| {
        let frame = state_name(features);
        quote!(#frame::restart(&mut this_network.features);)
    });
    let by_value = widened(quote!(these_results));
    let on_machine = machine_code.map(|code| {
        code.items(&Glue {
            name,
            stored: &stored,
            output: &output,
            by_value: &by_value,
            kept: Some((&field, &place)),
            input_channels: program.input.channels,
            takes_whole_inputs: !api.has_windows,
        })
    });
    let on_whole_inputs = (!api.has_windows).then(|| {
        let absorb_input = glue::absorb_input(name, None);
        let absorb_slice = glue::take_bytes(name, ["absorb_slice", "absorb"]);
        quote! {
            #elsewhere
            #absorb_input

            #elsewhere
            #absorb_slice
        }
    });
    quote! {
        #elsewhere
        mod herringbone_code {
            use ::core::primitive::{bool, i16, i32, u16, u32, u8, usize};
            use #path::__private as runtime;

            #code
        }

        #[inline(always)]
        fn restart(this_network: &mut #name) {
            this_network.cursor = herringbone_runtime::Cursor::new();
            #restart_features
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

        #on_whole_inputs

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

        #on_machine
    }
}

/// What the address of a network's value is a multiple of.
pub(super) struct Alignment {
    pub(super) bytes: u32,
    /// Of the type; none where the value may begin anywhere.
    pub(super) attribute: Option<TokenStream>,
}

/// On the machine that the code is for.
pub(super) fn alignment(design: &Design) -> Alignment {
    let code = design.footprint.code.as_deref();
    let bytes = code.map_or(1, MachineCode::alignment);
    let attribute = code.filter(|_| bytes > 1).map(|code| {
        let condition = code.condition();
        let bytes = Literal::u32_unsuffixed(bytes);
        quote!(#[cfg_attr(#condition, repr(align(#bytes)))])
    });
    Alignment { bytes, attribute }
}

/// Refuses to be built for other instructions than those of the target.
pub(super) fn refusal(
    api: &Api<'_>,
    declaration: &Declaration,
    design: &Design,
) -> Option<TokenStream> {
    let code = design.footprint.code.as_deref()?;
    Some(code.refusal(api.name, declaration.budget.target?))
}
