//! The AVR backend's functions as naked ones.
//!
//! Inline assembly for AVR wants `#![feature(asm_experimental_arch)]` in the
//! crate that declares the network.

use crate::avr::Code;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The functions, `absorb` and `infer` among them.
///
/// Expects the primitive types to be in scope.
pub(crate) fn emit(code: &Code) -> TokenStream {
    code.functions
        .iter()
        .map(|function| {
            let name = Ident::new(&function.name, Span::call_site());
            let text = &function.text;
            let callees = code.functions.iter().filter_map(|callee| {
                let called = text.contains(&format!("{{{}}}", callee.name));
                let callee = format_ident!("{}", callee.name);
                called.then(|| quote!(#callee = sym #callee))
            });
            let signature = match function.name.as_str() {
                "absorb" => quote!((network: *mut u8, byte: u8) -> u8),
                // Layers are called by `infer` alone, with its arguments.
                _ => quote!((network: *mut u8, results: *mut u8)),
            };
            quote! {
                #[unsafe(naked)]
                pub(super) unsafe extern "C" fn #name #signature {
                    ::core::arch::naked_asm!(#text, #(#callees),*)
                }
            }
        })
        .collect()
}
