//! What a network tells `herringbone::chip!`, which adds up those of one chip.

use super::api::{Api, literal};
use crate::budget::reserved_flash_bytes;
use crate::declaration::{Budget, Declaration, ModelDeclaration};
use crate::planned::Planned;
use crate::tflite::ModelDesign;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// Of a right declaration.
pub(super) fn needs(api: &Api<'_>, declaration: &Declaration, planned: &Planned) -> TokenStream {
    let budget = &declaration.budget;
    let flash_reserve_bytes = budget
        .flash_bytes
        .map_or(0, |bytes| reserved_flash_bytes(declaration, bytes));
    let counts_code = planned.has_machine_code();
    let fields = fields(
        budget,
        (planned.state_bytes(), planned.reserve_bytes()),
        (planned.flash_bytes(), flash_reserve_bytes),
        counts_code,
    );
    of((api.path, api.name), &fields)
}

/// Of a model that fits, whose code is counted where it is a backend's.
pub(crate) fn of_model(
    names: (&TokenStream, &Ident),
    declaration: &ModelDeclaration,
    design: &ModelDesign,
    tables_bytes: u64,
) -> TokenStream {
    let reserved = declaration.reserve.flash_bytes.unwrap_or(0);
    let code = design.machine_code();
    let flash_bytes = code.map_or(tables_bytes, |code| code.flash_bytes.into());
    let fields = fields(
        &declaration.budget,
        (design.state_bytes(), design.reserve_bytes),
        (flash_bytes, reserved),
        code.is_some(),
    );
    of(names, &fields)
}

/// Bytes of the type and of SRAM kept, those of flash and of flash kept.
fn fields(
    budget: &Budget,
    (state_bytes, reserve_bytes): (u32, u32),
    (flash_bytes, flash_reserve_bytes): (u64, u32),
    counts_code: bool,
) -> TokenStream {
    let part = match budget.target {
        Some(target) => {
            let name = target.name;
            quote!(::core::option::Option::Some(#name))
        }
        None => quote!(::core::option::Option::None),
    };
    let given = |bytes: Option<u32>| match bytes {
        Some(bytes) => {
            let bytes = Literal::u32_unsuffixed(bytes);
            quote!(::core::option::Option::Some(#bytes))
        }
        None => quote!(::core::option::Option::None),
    };
    let (sram_given, flash_given) = (given(budget.sram_bytes), given(budget.flash_bytes));
    let [state_bytes, reserve_bytes, flash_reserve_bytes] =
        [state_bytes, reserve_bytes, flash_reserve_bytes].map(Literal::u32_unsuffixed);
    let flash_bytes = literal(flash_bytes);
    quote! {
        is_right: true,
        part: #part,
        sram_given_bytes: #sram_given,
        flash_given_bytes: #flash_given,
        state_bytes: #state_bytes,
        reserve_bytes: #reserve_bytes,
        flash_bytes: #flash_bytes,
        flash_reserve_bytes: #flash_reserve_bytes,
        counts_code: #counts_code,
    }
}

/// Of one with errors, which are not followed by one of the chip.
pub(super) fn unknown_needs(names: (&TokenStream, &Ident)) -> TokenStream {
    of(
        names,
        &quote! {
            is_right: false,
            part: ::core::option::Option::None,
            sram_given_bytes: ::core::option::Option::None,
            flash_given_bytes: ::core::option::Option::None,
            state_bytes: 0,
            reserve_bytes: 0,
            flash_bytes: 0,
            flash_reserve_bytes: 0,
            counts_code: false,
        },
    )
}

fn of((path, name): (&TokenStream, &Ident), fields: &TokenStream) -> TokenStream {
    let text = name.to_string();
    quote! {
        impl #path::__private::OnChip for #name {
            const NEEDS: #path::__private::Needs = #path::__private::Needs {
                name: #text,
                #fields
            };
        }
    }
}
