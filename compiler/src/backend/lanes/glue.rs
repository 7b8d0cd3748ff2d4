//! How a generated type calls the code.

use super::code::Code;
use super::core::Core;
use crate::backend::{Glue, MachineCode, WorstCase, glue};
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

    fn alignment(&self) -> u32 {
        Code::alignment(self)
    }

    fn intake(&self) -> LayerFootprint {
        LayerFootprint {
            form: None,
            flash_bytes: self.intake_bytes().into(),
            cycles: Code::intake(self).parts[0].cycles,
        }
    }

    fn condition(&self) -> TokenStream {
        self.core.condition()
    }

    fn items(&self, glue: &Glue<'_>) -> TokenStream {
        let absorb_input = match glue.takes_whole_inputs {
            true => absorb_input(self),
            false => None,
        };
        let has_absorb_input = absorb_input.is_some();
        let items = [Some(functions(self)), absorb_input];
        let functions = glue::Functions {
            items: items.into_iter().flatten().collect(),
            has_absorb_input,
            row_bytes: self.row_bytes(),
        };
        glue::items(&self.condition(), &functions, glue)
    }

    fn leading_items(&self) -> TokenStream {
        glue::leading_items(&self.condition(), &functions(self))
    }

    /// Code that multiplies, on a core that does not; Thumb code runs on every Cortex-M.
    fn refusal(&self, name: &Ident, target: &Target) -> TokenStream {
        self.core.refusal(name, target)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Core {
    /// The machines that code for it is for: `bare` ones alone, for elsewhere code for Arm may not
    /// be Thumb.
    pub(crate) fn condition(self) -> TokenStream {
        match self {
            Self::CortexM0 | Self::CortexM0Plus => {
                quote!(all(target_arch = "arm", target_os = "none"))
            }
            Self::Rv32ec | Self::Rv32imc => {
                quote!(all(target_arch = "riscv32", target_os = "none"))
            }
        }
    }

    /// Of code for it, in a type of that name; see [`MachineCode::refusal`].
    pub(crate) fn refusal(self, name: &Ident, target: &Target) -> TokenStream {
        match self {
            Self::CortexM0 | Self::CortexM0Plus | Self::Rv32ec => TokenStream::new(),
            Self::Rv32imc => {
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
}

/// `absorb` and `infer` as naked functions.
fn functions(code: &Code) -> TokenStream {
    let (absorb, infer) = (&code.absorb.text, &code.infer.text);
    let row = code.row_bytes().map(|_| quote!(, row: *const u8));
    quote! {
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn absorb(network: *mut u8, byte: u8 #row) -> u8 {
            ::core::arch::naked_asm!(".p2align 2", #absorb, options(raw))
        }

        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn infer(network: *mut u8, results: *mut u8) {
            ::core::arch::naked_asm!(".p2align 2", #infer, options(raw))
        }
    }
}

/// `absorb_input` as a naked function, if there is one.
fn absorb_input(code: &Code) -> Option<TokenStream> {
    let text = &code.absorb_input.as_ref()?.text;
    Some(quote! {
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn absorb_input(network: *mut u8, input: *const u8) {
            ::core::arch::naked_asm!(".p2align 2", #text, options(raw))
        }
    })
}
