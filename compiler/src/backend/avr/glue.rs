//! How a generated type calls the code.

use crate::backend::avr::code::Code;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::{Glue, MachineCode, WorstCase, glue};
use crate::budget::LayerFootprint;
use crate::target::Target;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::any::Any;

impl MachineCode for Code {
    fn flash_bytes(&self) -> u32 {
        Code::flash_bytes(self)
    }

    fn stack_bytes(&self) -> u32 {
        Code::stack_bytes(self)
    }

    fn cycles(&self) -> f64 {
        Code::cycles(self)
    }

    fn worst_case(&self, steps: u64) -> Option<WorstCase> {
        Code::worst_case(self, steps)
    }

    fn intake(&self) -> LayerFootprint {
        let intake = Code::intake(self);
        LayerFootprint {
            form: None,
            flash_bytes: intake.all_flash_bytes().into(),
            cycles: intake.cycles,
        }
    }

    fn condition(&self) -> TokenStream {
        quote!(target_arch = "avr")
    }

    fn items(&self, glue: &Glue<'_>) -> TokenStream {
        let functions = glue::Functions {
            items: functions(self),
            has_absorb_input: false,
            row_bytes: None,
        };
        glue::items(&self.condition(), &functions, glue)
    }

    fn leading_items(&self) -> TokenStream {
        glue::leading_items(&self.condition(), &functions(self))
    }

    /// Parts that differ in memory alone are the linker's to tell apart; of a part that
    /// rustc does not know, not even `lpm` is known.
    fn refusal(&self, name: &Ident, target: &Target) -> TokenStream {
        let features = self.core.features();
        let conditions = features.into_iter().map(|(feature, has)| match has {
            true => quote!(not(target_feature = #feature)),
            false => quote!(target_feature = #feature),
        });
        let message = format!(
            "`{}` is declared with `target: {part}`, and this is a build for another AVR: give rustc \
             `-C target-cpu={part}`, or name the part that the firmware is for",
            name,
            part = target.name
        );
        quote! {
            #[cfg(all(target_arch = "avr", target_feature = "lpm", any(#(#conditions),*)))]
            ::core::compile_error!(#message);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The functions as naked ones, `absorb` and `infer` among them.
///
/// Expects the primitive types to be in scope. Inline assembly for AVR wants
/// `#![feature(asm_experimental_arch)]` in the crate that declares the network.
fn functions(code: &Code) -> TokenStream {
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
                FunctionId::High => {
                    quote!((a: ::core::primitive::i32, b: ::core::primitive::i32) -> ::core::primitive::i32)
                }
                // Called by the others alone, as they agree among themselves.
                FunctionId::Take(_) | FunctionId::Layer(_) | FunctionId::Segment(_) => quote!(()),
            };
            quote! {
                #[unsafe(naked)]
                pub(crate) unsafe extern "C" fn #name #signature {
                    ::core::arch::naked_asm!(#text, #(#callees),*)
                }
            }
        })
        .collect()
}
