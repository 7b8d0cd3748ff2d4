//! The AVR backend's functions as naked ones.
//!
//! Inline assembly for AVR wants `#![feature(asm_experimental_arch)]` in the
//! crate that declares the network.

use crate::avr::{Code, FunctionId};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The functions, `absorb` and `infer` among them.
///
/// Expects the primitive types to be in scope.
pub(crate) fn emit(code: &Code) -> TokenStream {
    code.functions
        .iter()
        .map(|function| {
            let name = format_ident!("{}", function.id.to_string());
            let text = function.text();
            let callees = code.functions.iter().filter_map(|callee| {
                let called = text.contains(&format!("{{{}}}", callee.id));
                let callee = format_ident!("{}", callee.id.to_string());
                called.then(|| quote!(#callee = sym #callee))
            });
            let signature = match function.id {
                FunctionId::Absorb => quote!((network: *mut u8, byte: u8) -> u8),
                FunctionId::Infer => quote!((network: *mut u8, results: *mut u8)),
                // Called by the others alone, as they agree among themselves.
                FunctionId::Take(_) | FunctionId::Layer(_) | FunctionId::Segment(_) => quote!(()),
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
