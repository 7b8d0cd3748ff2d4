//! What a model keeps from one inference to the next: how it begins, and begins again.

use crate::program::Program;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

/// What a model keeps.
pub(super) struct Kept {
    arena_bytes: u32,
    variables: Vec<Variable>,
}

struct Variable {
    first_cell: u32,
    initial: Vec<u8>,
}

impl Kept {
    pub(super) fn of(program: &Program) -> Self {
        let variables = program.kept.iter().map(|kept| Variable {
            first_cell: program.map(kept.value).stored_cell(0),
            initial: kept.initial.iter().map(|&value| value as u8).collect(),
        });
        Self {
            arena_bytes: program.arena_bytes,
            variables: variables.collect(),
        }
    }

    /// The arena of a new network: a constant, or a call at run time would move it.
    pub(super) fn arena(&self) -> TokenStream {
        let arena_bytes = Literal::u32_unsuffixed(self.arena_bytes);
        match self.begins_with_zeros() {
            true => quote!([0; #arena_bytes]),
            false => quote!(START_OF_ARENA),
        }
    }

    fn begins_with_zeros(&self) -> bool {
        let mut all = self.variables.iter().flat_map(|variable| &variable.initial);
        all.all(|&byte| byte == 0)
    }

    /// What variables begin with, and the arena with that in it.
    pub(super) fn start(&self) -> TokenStream {
        let variables = self.variables.iter().enumerate();
        let variables = variables.map(|(index, variable)| {
            let name = format_ident!("VARIABLE_{index}");
            let (length, initial) = (
                Literal::usize_unsuffixed(variable.initial.len()),
                match variable.single() {
                    Some(byte) => {
                        let byte = Literal::u8_unsuffixed(byte);
                        let length = Literal::usize_unsuffixed(variable.initial.len());
                        quote!([#byte; #length])
                    }
                    None => {
                        let bytes = Literal::byte_string(&variable.initial);
                        quote!(*#bytes)
                    }
                },
            );
            quote!(const #name: [u8; #length] = #initial;)
        });
        let arena_bytes = Literal::u32_unsuffixed(self.arena_bytes);
        let arena = (!self.begins_with_zeros()).then(|| {
            let zeros = quote!([0; #arena_bytes]);
            let begun = self.variables.iter().enumerate();
            let arena = begun.fold(zeros, |arena, (index, variable)| {
                let first = Literal::u32_unsuffixed(variable.first_cell);
                let name = format_ident!("VARIABLE_{index}");
                quote!(herringbone_runtime::with_values(#arena, #first, &#name))
            });
            quote!(const START_OF_ARENA: [u8; #arena_bytes] = #arena;)
        });
        quote!(#(#variables)* #arena)
    }

    /// `reset`, where there is something to be kept.
    pub(super) fn reset(&self) -> Option<TokenStream> {
        if self.variables.is_empty() {
            return None;
        }
        let variables = self.variables.iter().enumerate();
        let variables = variables.map(|(index, variable)| {
            let first = Literal::u32_unsuffixed(variable.first_cell);
            match variable.single() {
                Some(byte) => {
                    let byte = Literal::u8_unsuffixed(byte);
                    let length = Literal::usize_unsuffixed(variable.initial.len());
                    quote! {
                        herringbone_runtime::fill_values(&mut self.arena, #first, #length, #byte);
                    }
                }
                None => {
                    let (name, table) = (format_ident!("VARIABLE_{index}"), format_ident!("START"));
                    let length = Literal::usize_unsuffixed(variable.initial.len());
                    quote! {{
                        #[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
                        static #table: herringbone_runtime::Flash<u8, #length> =
                            herringbone_runtime::Flash::new(#name);
                        herringbone_runtime::copy_constants(
                            &mut self.arena, #first, &#table, 0, #length,
                        );
                    }}
                }
            }
        });
        Some(quote! {
            /// Forgets all inputs so far: variables that the model keeps from one inference to
            /// the next hold what they began with.
            pub fn reset(&mut self) {
                Self::begin(self);
                #(#variables)*
            }
        })
    }
}

impl Variable {
    /// The value that all begin with, if it is one.
    fn single(&self) -> Option<u8> {
        let (first, rest) = self.initial.split_first()?;
        rest.iter().all(|byte| byte == first).then_some(*first)
    }
}
