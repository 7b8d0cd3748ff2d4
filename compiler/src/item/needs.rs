//! What a network tells `herringbone::chip!`, which adds up those of one chip.

use super::api::{Api, literal};
use crate::backend;
use crate::budget::{Design, reserved_flash_bytes};
use crate::declaration::Declaration;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Of a right declaration.
pub(super) fn needs(api: &Api<'_>, declaration: &Declaration, design: &Design) -> TokenStream {
    let budget = &declaration.budget;
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
    let state_bytes = Literal::u32_unsuffixed(design.state_bytes());
    let reserve_bytes = Literal::u32_unsuffixed(design.reserve_bytes);
    let flash_bytes = literal(design.footprint.flash_bytes);
    let flash_reserve_bytes = budget
        .flash_bytes
        .map_or(0, |bytes| reserved_flash_bytes(declaration, bytes));
    let flash_reserve_bytes = Literal::u32_unsuffixed(flash_reserve_bytes);
    let counts_code = backend::of(declaration).counts_code();
    of(
        api,
        &quote! {
            is_right: true,
            part: #part,
            sram_given_bytes: #sram_given,
            flash_given_bytes: #flash_given,
            state_bytes: #state_bytes,
            reserve_bytes: #reserve_bytes,
            flash_bytes: #flash_bytes,
            flash_reserve_bytes: #flash_reserve_bytes,
            counts_code: #counts_code,
        },
    )
}

/// Of one with errors, which are not followed by one of the chip.
pub(super) fn unknown_needs(api: &Api<'_>) -> TokenStream {
    of(
        api,
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

fn of(api: &Api<'_>, fields: &TokenStream) -> TokenStream {
    let Api { path, name, .. } = api;
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
