//! How a generated type calls the code.

use super::code::Code;
use super::core::Core;
use crate::backend::{Glue, MachineCode, WorstCase};
use crate::budget::LayerFootprint;
use crate::target::Target;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
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

    /// It is not looked for.
    fn worst_case(&self, _: u64) -> Option<WorstCase> {
        None
    }

    fn intake(&self) -> LayerFootprint {
        LayerFootprint {
            form: None,
            flash_bytes: self.absorb.bytes.len() as u64,
            cycles: self.absorb.parts.iter().map(|part| part.cycles).sum(),
        }
    }

    /// `bare` cores alone: elsewhere code for Arm may not be Thumb.
    fn condition(&self) -> TokenStream {
        match self.core {
            Core::CortexM0 | Core::CortexM0Plus => {
                quote!(all(target_arch = "arm", target_os = "none"))
            }
            Core::Rv32ec | Core::Rv32imc => {
                quote!(all(target_arch = "riscv32", target_os = "none"))
            }
        }
    }

    /// What the `unsafe` blocks rely on: `absorb` and `infer` write to the network's
    /// value, whose layout is the C one that they were made for, and `infer` every one of
    /// the results; to nothing else, as the tests of the backend say of random networks
    /// (`simulator32/tests/lanes.rs`).
    fn items(&self, glue: &Glue<'_>) -> TokenStream {
        let &Glue {
            name,
            stored,
            output,
            by_value,
            field,
            place,
            input_channels,
        } = glue;
        let condition = self.condition();
        let (absorb, infer) = (&self.absorb.text, &self.infer.text);
        let unmark = (input_channels > 1)
            .then(|| quote!(herringbone_runtime::Cursor::unmark(&mut this_network.cursor);));
        quote! {
            #[cfg(#condition)]
            mod herringbone_code {
                use ::core::primitive::u8;

                #[unsafe(naked)]
                pub(crate) unsafe extern "C" fn absorb(network: *mut u8, byte: u8) -> u8 {
                    ::core::arch::naked_asm!(".p2align 2", #absorb, options(raw))
                }

                #[unsafe(naked)]
                pub(crate) unsafe extern "C" fn infer(network: *mut u8, results: *mut u8) {
                    ::core::arch::naked_asm!(".p2align 2", #infer, options(raw))
                }
            }

            #[cfg(#condition)]
            #[inline(always)]
            fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
                #unmark
                // SAFETY: the reference to the network is the only one.
                unsafe {
                    herringbone_code::absorb(::core::ptr::from_mut(this_network).cast(), next_byte) != 0
                }
            }

            #[cfg(#condition)]
            #[inline(always)]
            fn infer_and_keep(this_network: &mut #name) {
                let network_pointer = ::core::ptr::from_mut(this_network).cast::<u8>();
                let first_byte = ::core::mem::offset_of!(#name, #field) + #place;
                let results_pointer = network_pointer.wrapping_add(first_byte);
                // SAFETY: the reference to the network is the only one, and the
                // results are in it, beside the map that they are made of.
                unsafe { herringbone_code::infer(network_pointer, results_pointer) };
            }

            #[cfg(#condition)]
            #[inline(always)]
            fn infer(this_network: &mut #name) -> #output {
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

    /// Code that multiplies, on a core that does not; Thumb code runs on every Cortex-M.
    fn refusal(&self, name: &Ident, target: &Target) -> TokenStream {
        match self.core {
            Core::CortexM0 | Core::CortexM0Plus | Core::Rv32ec => TokenStream::new(),
            Core::Rv32imc => {
                let condition = self.condition();
                let message = format!(
                    "`{}` is declared with `target: {}`, and this is a build for a core that does \
                     not multiply: give rustc the target of that part, or name the part that the \
                     firmware is for",
                    name, target.name
                );
                quote! {
                    #[cfg(all(#condition, not(target_feature = "m")))]
                    ::core::compile_error!(#message);
                }
            }
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
