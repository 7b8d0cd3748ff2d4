//! How a generated type calls the code.

use crate::backend::avr::code::Code;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::{Glue, MachineCode, WorstCase};
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

    /// What the three `unsafe` blocks rely on: `absorb` and `infer` write to the
    /// network's value, whose layout is the C one that they were made for, and
    /// `infer` every one of the results; to nothing else, as the tests of the
    /// backend say of random networks (`simulator/tests/kernels.rs`).
    fn items(&self, glue: &Glue<'_>) -> TokenStream {
        let &Glue {
            name,
            stored,
            output,
            by_value,
            kept,
            input_channels,
        } = glue;
        let functions = functions(self);
        // Assembly for a single channel never looks at the cursor's, nor at its mark.
        let unmark = (input_channels > 1)
            .then(|| quote!(herringbone_runtime::Cursor::unmark(&mut this_network.cursor);));
        let infer_and_keep = kept.map(|(field, place)| {
            quote! {
                #[cfg(target_arch = "avr")]
                #[inline(always)]
                fn infer_and_keep(this_network: &mut #name) {
                    let network_pointer = ::core::ptr::from_mut(this_network).cast::<u8>();
                    let first_byte = ::core::mem::offset_of!(#name, #field) + #place;
                    let results_pointer = network_pointer.wrapping_add(first_byte);
                    // SAFETY: the reference to the network is the only one, and the
                    // results are in it, beside the map that they are made of.
                    unsafe { herringbone_code::infer(network_pointer, results_pointer) };
                }
            }
        });
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

            #infer_and_keep

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

    fn leading_items(&self) -> TokenStream {
        let functions = functions(self);
        quote! {
            #[cfg(target_arch = "avr")]
            mod herringbone_leading {
                use ::core::primitive::{bool, u8};

                #functions
            }

            // What computes results is for inputs that end, and yet no dead code.
            #[cfg(target_arch = "avr")]
            const _: unsafe extern "C" fn(*mut u8, *mut u8) = herringbone_leading::infer;

            #[cfg(target_arch = "avr")]
            #[inline(always)]
            fn absorb_sample(these_layers: &mut HerringboneLeading, next_byte: u8) -> bool {
                // SAFETY: the reference to the layers is the only one, and their layout is the
                // C one that the code was made for.
                unsafe {
                    herringbone_leading::absorb(::core::ptr::from_mut(these_layers).cast(), next_byte) != 0
                }
            }
        }
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
