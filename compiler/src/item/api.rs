//! The constants and methods of a generated type: one list, for the type of a
//! right declaration and for the stub that stands for a wrong one.

use crate::backend::portable;
use crate::program::Accumulator;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What the API needs to know about a network.
pub(super) struct Api<'a> {
    /// The path of the `herringbone` crate.
    pub(super) path: &'a TokenStream,
    /// The network's type.
    pub(super) name: &'a proc_macro2::Ident,
    pub(super) input_len: Literal,
    pub(super) classes: Literal,
    /// The type of the results.
    pub(super) logit: Accumulator,
    /// Whether inputs are cut from a stream.
    pub(super) has_windows: bool,
    /// What the results are, as the last sentence of a method's documentation.
    pub(super) meaning: &'a str,
}

/// Numbers of the plan.
pub(super) struct Figures {
    pub(super) arena_bytes: u32,
    pub(super) sram_bytes: u32,
    pub(super) stack_bytes: u32,
    pub(super) flash: Flash,
    pub(super) macs: u64,
    /// The plan as text.
    pub(super) plan: String,
}

/// Bytes of flash, as far as they are known.
#[derive(Clone, Copy)]
pub(super) enum Flash {
    /// Of code and tables.
    Counted(u64),
    /// Of tables, where code is not counted.
    TablesAlone(u64),
    /// Of a declaration with errors.
    Unknown,
}

impl Flash {
    /// The constants that say so: no name says more than is known.
    fn constants(self) -> TokenStream {
        let counted = |bytes: u64| {
            let bytes = literal(bytes);
            quote! {
                /// Bytes of flash of the network's code and tables. They count this
                /// network alone.
                pub const FLASH_BYTES: u32 = #bytes;
            }
        };
        let tables = |bytes: u64| {
            let bytes = literal(bytes);
            quote! {
                /// Bytes of flash of the network's tables alone: what its code takes is
                /// not counted, for only the linker knows it.
                pub const TABLES_BYTES: u32 = #bytes;
            }
        };
        match self {
            Flash::Counted(bytes) => counted(bytes),
            Flash::TablesAlone(bytes) => tables(bytes),
            Flash::Unknown => {
                let (counted, tables) = (counted(0), tables(0));
                quote!(#counted #tables)
            }
        }
    }
}

/// As many bytes, or the most that there can be.
pub(super) fn literal(bytes: u64) -> Literal {
    Literal::u32_unsuffixed(u32::try_from(bytes).unwrap_or(u32::MAX))
}

impl Api<'_> {
    /// Every constant.
    pub(super) fn constants(&self, figures: &Figures) -> TokenStream {
        let Self {
            input_len, classes, ..
        } = self;
        let arena_bytes = Literal::u32_unsuffixed(figures.arena_bytes);
        let sram_bytes = Literal::u32_unsuffixed(figures.sram_bytes);
        let stack_bytes = Literal::u32_unsuffixed(figures.stack_bytes);
        let flash = figures.flash.constants();
        let macs = Literal::u64_unsuffixed(figures.macs);
        let plan = &figures.plan;
        quote! {
            /// Bytes of an input: its height × width × channels.
            pub const INPUT_LEN: usize = #input_len;
            /// Results of an inference: of a classifier, its classes.
            pub const CLASSES: usize = #classes;
            /// Bytes for the outputs of all layers, which overwrite one another.
            pub const ARENA_BYTES: usize = #arena_bytes;
            /// Bytes of SRAM that this network needs: arena, state, parameters that
            /// are loaded at run time, and reserve. Other networks are not counted.
            pub const SRAM_BYTES: usize = #sram_bytes;
            /// The deepest stack of `run`, `push` and `classify`, in bytes;
            /// interrupts are not counted.
            pub const STACK_BYTES: usize = #stack_bytes;
            #flash
            /// Multiply-accumulates of an inference.
            pub const MACS: u64 = #macs;
            /// The memory plan as text.
            pub const PLAN: &'static str = #plan;
        }
    }

    /// `[i16; 10]`.
    pub(super) fn output(&self) -> TokenStream {
        let logit = portable::integer(self.logit);
        let classes = &self.classes;
        quote!([#logit; #classes])
    }

    /// Every method of a network that computes. They are made of functions that
    /// have to be in scope: `restart`, `absorb`, `absorb_input`, `take`, `take_slice`, `infer`,
    /// `infer_in_place`, `is_kept` and `stored`.
    pub(super) fn methods(&self) -> TokenStream {
        let Self { path, meaning, .. } = self;
        let logit = portable::integer(self.logit);
        let output = self.output();
        quote! {
            /// Forgets what was pushed: the next byte is the first of an input.
            #[inline]
            pub fn begin(&mut self) {
                begin(self)
            }

            /// Takes the next byte of an input; after the last one, computes and
            /// gives the results, and the byte after it begins another input.
            ///
            #[doc = #meaning]
            #[inline]
            #[must_use = "after an input's last byte, these are its results"]
            pub fn push(&mut self, next_byte: u8) -> ::core::option::Option<#output> {
                if take(self, next_byte) {
                    ::core::option::Option::Some(infer(self))
                } else {
                    ::core::option::Option::None
                }
            }

            /// As `push`, but the results stay in the network's own memory. Until the
            /// network is used again, `results`, `result` and `class` read them too.
            #[inline]
            pub fn push_in_place(
                &mut self,
                next_byte: u8,
            ) -> ::core::option::Option<#path::Results<'_, #logit>> {
                if take(self, next_byte) {
                    infer_in_place(self);
                    ::core::option::Option::Some(stored(self))
                } else {
                    ::core::option::Option::None
                }
            }

            /// Takes the next bytes of an input, up to its last one: then computes
            /// and gives the results, and the bytes after it, which begin another
            /// input.
            ///
            #[doc = #meaning]
            #[inline]
            #[must_use = "after an input's last byte, these are its results"]
            pub fn push_slice<'bytes>(
                &mut self,
                next_bytes: &'bytes [u8],
            ) -> ::core::option::Option<(#output, &'bytes [u8])> {
                match take_slice(self, next_bytes) {
                    ::core::option::Option::Some(bytes_left) => {
                        ::core::option::Option::Some((infer(self), bytes_left))
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            }

            /// As `push_slice`, but the results stay in the network's own memory, as those of
            /// `push_in_place` do.
            #[inline]
            pub fn push_slice_in_place<'bytes>(
                &mut self,
                next_bytes: &'bytes [u8],
            ) -> ::core::option::Option<(#path::Results<'_, #logit>, &'bytes [u8])> {
                match take_slice(self, next_bytes) {
                    ::core::option::Option::Some(bytes_left) => {
                        infer_in_place(self);
                        ::core::option::Option::Some((stored(self), bytes_left))
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            }

            /// The results of the last `push_in_place` or `push_slice_in_place`; `None` if the
            /// network was used since.
            #[inline]
            #[must_use]
            pub fn results(&self) -> ::core::option::Option<#path::Results<'_, #logit>> {
                if is_kept(self) {
                    ::core::option::Option::Some(stored(self))
                } else {
                    ::core::option::Option::None
                }
            }

            /// One of `results`; `None` if there are none, or from `CLASSES` on.
            #[inline]
            #[must_use]
            pub fn result(&self, result_index: usize) -> ::core::option::Option<#logit> {
                match Self::results(self) {
                    ::core::option::Option::Some(these_results) => {
                        #path::Results::get(&these_results, result_index)
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            }

            /// The class: the index of the first largest of `results`; `None` if
            /// there are none.
            #[inline]
            #[must_use]
            pub fn class(&self) -> ::core::option::Option<usize> {
                match Self::results(self) {
                    ::core::option::Option::Some(these_results) => {
                        ::core::option::Option::Some(#path::Results::class(&these_results))
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            }
        }
    }

    /// What begins a whole input, and what takes its bytes in.
    pub(super) fn whole_input_functions(&self) -> (TokenStream, TokenStream) {
        match self.has_windows {
            true => (quote!(begin), quote!(take)),
            false => (quote!(restart), quote!(absorb)),
        }
    }

    /// What methods that take a whole input say of a stream.
    pub(super) fn begins(&self) -> Option<TokenStream> {
        let doc = " What was pushed is forgotten, and the stream begins again with this input.";
        self.has_windows.then(|| quote!(#[doc = #doc]))
    }

    /// `run` and `classify`, which take a whole input: an array of `length` bytes.
    pub(super) fn whole_input_methods(
        &self,
        generics: Option<TokenStream>,
        length: &TokenStream,
    ) -> TokenStream {
        let Self { path, meaning, .. } = self;
        let output = self.output();
        let begins = self.begins();
        let takes = match self.has_windows {
            true => quote! {
                begin(self);
                for next_byte in input_bytes {
                    take(self, *next_byte);
                }
            },
            false => quote! {
                restart(self);
                absorb_input(self, input_bytes);
            },
        };
        quote! {
            /// The results for an input: rows of pixels, channels last.
            #begins
            ///
            #[doc = #meaning]
            #[must_use]
            pub fn run #generics(&mut self, input_bytes: &[u8; #length]) -> #output {
                #takes
                infer(self)
            }

            /// The class of an input: the index of the first largest result.
            #[must_use]
            pub fn classify #generics(&mut self, input_bytes: &[u8; #length]) -> usize {
                #path::__private::first_largest(&Self::run(self, input_bytes))
            }
        }
    }

    /// The methods of a network to size. No call of them compiles: the error says
    /// that there are no weights.
    pub(super) fn without_weights(&self) -> TokenStream {
        let path = self.path;
        let output = self.output();
        let never = quote! {
            #[doc(hidden)]
            #[inline]
        };
        let bound = quote!(Taken: #path::__private::TakenByWeighted<Self>);
        quote! {
            #never
            pub fn run<#bound>(&mut self, _: &Taken) -> #output { loop {} }
            #never
            pub fn classify<#bound>(&mut self, _: &Taken) -> usize { loop {} }
            #never
            pub fn push<#bound>(&mut self, _: Taken) -> ::core::option::Option<#output> { loop {} }
            #never
            pub fn push_in_place<#bound>(&mut self, _: Taken) -> ::core::option::Option<#output> { loop {} }
        }
    }

    /// The trait `Network`, by the type's own methods.
    pub(super) fn network_trait(&self) -> TokenStream {
        let Self {
            path,
            name,
            input_len,
            classes,
            ..
        } = self;
        let logit = portable::integer(self.logit);
        let output = self.output();
        quote! {
            impl #path::Network for #name {
                type Input = [u8; #input_len];
                type Logit = #logit;
                type Output = #output;

                const INPUT_LEN: usize = #input_len;
                const OUTPUT_LEN: usize = #classes;

                #[inline]
                fn begin(&mut self) {
                    #name::begin(self)
                }

                #[inline]
                fn push(&mut self, next_byte: u8) -> ::core::option::Option<Self::Output> {
                    #name::push(self, next_byte)
                }

                #[inline]
                fn push_in_place(
                    &mut self,
                    next_byte: u8,
                ) -> ::core::option::Option<#path::Results<'_, Self::Logit>> {
                    #name::push_in_place(self, next_byte)
                }

                #[inline]
                fn push_slice<'bytes>(
                    &mut self,
                    next_bytes: &'bytes [u8],
                ) -> ::core::option::Option<(Self::Output, &'bytes [u8])> {
                    #name::push_slice(self, next_bytes)
                }

                #[inline]
                fn push_slice_in_place<'bytes>(
                    &mut self,
                    next_bytes: &'bytes [u8],
                ) -> ::core::option::Option<(
                    #path::Results<'_, Self::Logit>,
                    &'bytes [u8],
                )> {
                    #name::push_slice_in_place(self, next_bytes)
                }

                #[inline]
                fn results(&self) -> ::core::option::Option<#path::Results<'_, Self::Logit>> {
                    #name::results(self)
                }

                #[inline]
                fn run(&mut self, input_bytes: &Self::Input) -> Self::Output {
                    #name::run(self, input_bytes)
                }
            }
        }
    }
}

/// The way to the parameters that are loaded at run time.
pub(super) fn accessors(parameter_bytes: &Literal) -> TokenStream {
    quote! {
        /// Bytes of the parameters.
        pub const PARAMS_LEN: usize = #parameter_bytes;

        /// The parameters, for loading; they take effect at once.
        pub const fn params_mut(&mut self) -> &mut [u8; Self::PARAMS_LEN] {
            &mut self.params
        }

        /// The parameters.
        pub const fn params(&self) -> &[u8; Self::PARAMS_LEN] {
            &self.params
        }
    }
}
