//! How bytes that are pushed come to the network: as they are, by way of the window of a stream,
//! or, where windows share what the first layers compute, by way of these and of what is kept of
//! their outputs.

use super::api::Api;
use crate::backend::{glue, portable};
use crate::budget::Sharing;
use crate::declaration::{Declaration, SlidingWindow};
use crate::program::Program;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Where the bytes of a network go.
// Of these there is one: a box would save nothing.
#[allow(clippy::large_enum_variant)]
pub(super) enum Stream<'a> {
    /// To the network.
    Inputs,
    /// To a window, which is computed as a whole.
    Windows(SlidingWindow),
    /// To the first layers, whose outputs are kept for the windows that they are part of.
    Shared {
        window: SlidingWindow,
        sharing: &'a Sharing,
        /// Of the first layers.
        leading: Program,
    },
}

/// Fields of the generated type, and their values at the start.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) fields: TokenStream,
    pub(super) values: TokenStream,
}

impl<'a> Stream<'a> {
    pub(super) fn of(declaration: &Declaration, sharing: Option<&'a Sharing>) -> Self {
        match (declaration.window, sharing) {
            (None, _) => Self::Inputs,
            (Some(window), None) => Self::Windows(window),
            (Some(window), Some(sharing)) => Self::Shared {
                window,
                sharing,
                leading: sharing.leading.program(),
            },
        }
    }

    /// Whether whole inputs begin the stream again.
    pub(super) fn has_windows(&self) -> bool {
        match self {
            Self::Inputs => false,
            Self::Windows(_) | Self::Shared { .. } => true,
        }
    }

    /// What the generated type keeps of the stream.
    pub(super) fn fields(&self, api: &Api<'_>) -> Fields {
        let (path, length) = (api.path, &api.input_len);
        match self {
            Self::Inputs => Fields::default(),
            Self::Windows(_) => Fields {
                fields: quote!(window: #path::__private::SlidingWindow<#length>,),
                values: quote!(window: herringbone_runtime::SlidingWindow::new(#length),),
            },
            Self::Shared {
                sharing, leading, ..
            } => {
                let kept = Literal::u32_unsuffixed(sharing.prefix.trailing.input().values());
                let leading_type = leading_type(leading);
                let start = first_pixel(leading);
                Fields {
                    fields: quote! {
                        window: #path::__private::SlidingWindow<#kept>,
                        leading: #path::__private::#leading_type,
                    },
                    values: quote! {
                        window: herringbone_runtime::SlidingWindow::new(#length),
                        leading: herringbone_runtime::Leading::at(#start),
                    },
                }
            }
        }
    }

    /// The channel of the byte that comes next.
    pub(super) fn channel(&self, declaration: &Declaration) -> TokenStream {
        match self {
            Self::Inputs => quote!(self.cursor.channel()),
            Self::Windows(_) => {
                let channels = Literal::u32_unsuffixed(declaration.network.input().channels);
                quote!(self.window.channel(#channels))
            }
            Self::Shared { .. } => quote!(self.leading.cursor.channel()),
        }
    }

    /// `take` and `take_slice`, by which bytes are pushed, and `begin`.
    pub(super) fn take(&self, api: &Api<'_>, declaration: &Declaration) -> TokenStream {
        let (name, length) = (api.name, &api.input_len);
        let stride = |window: &SlidingWindow| {
            Literal::u32_unsuffixed(window.stride_bytes(declaration.network.input()))
        };
        match self {
            Self::Inputs => quote! {
                #[inline(always)]
                fn take(this_network: &mut #name, next_byte: u8) -> bool {
                    absorb(this_network, next_byte)
                }

                #[inline(always)]
                fn take_slice<'bytes>(
                    this_network: &mut #name,
                    next_bytes: &'bytes [u8],
                ) -> ::core::option::Option<&'bytes [u8]> {
                    absorb_slice(this_network, next_bytes)
                }

                #[inline(always)]
                fn begin(this_network: &mut #name) {
                    restart(this_network)
                }
            },
            Self::Windows(window) => {
                let keep = quote! {
                    herringbone_runtime::SlidingWindow::keep(&mut this_network.window, next_byte);
                };
                let count = count(api, (&keep, &stride(window)), length);
                quote! {
                    #count

                    #[inline(always)]
                    fn begin(this_network: &mut #name) {
                        restart(this_network);
                        this_network.window = herringbone_runtime::SlidingWindow::new(#length);
                    }
                }
            }
            Self::Shared {
                window,
                sharing,
                leading,
            } => {
                let kept = Literal::u32_unsuffixed(sharing.prefix.trailing.input().values());
                let keep = quote! {
                    if absorb_sample(&mut this_network.leading, next_byte) {
                        keep_output(this_network);
                    }
                };
                let count = count(api, (&keep, &stride(window)), &kept);
                let code = leading_code(api, sharing, leading);
                let keep_output = keep_output(api, leading);
                let start = first_pixel(leading);
                quote! {
                    #code
                    #keep_output
                    #count

                    #[inline(always)]
                    fn begin(this_network: &mut #name) {
                        restart(this_network);
                        this_network.leading.cursor = herringbone_runtime::Cursor::at(#start);
                        this_network.window = herringbone_runtime::SlidingWindow::new(#length);
                    }
                }
            }
        }
    }
}

/// `take`, which lets a byte be kept, and gives what is kept to the network where a window is
/// complete, and `take_slice`.
fn count(
    api: &Api<'_>,
    (keep, stride): (&TokenStream, &Literal),
    kept_bytes: &Literal,
) -> TokenStream {
    let name = api.name;
    let take_slice = glue::take_bytes(name, ["take_slice", "take"]);
    quote! {
        #take_slice

        #[inline(always)]
        fn take(this_network: &mut #name, next_byte: u8) -> bool {
            #keep
            if herringbone_runtime::SlidingWindow::count(&mut this_network.window, #stride) {
                take_window(this_network);
                return true;
            }
            // As every other use of the network does.
            herringbone_runtime::Cursor::unmark(&mut this_network.cursor);
            false
        }

        fn take_window(this_network: &mut #name) {
            this_network.cursor = herringbone_runtime::Cursor::new();
            for byte_index in 0..#kept_bytes {
                let next_byte = herringbone_runtime::SlidingWindow::get(&this_network.window, byte_index);
                absorb(this_network, next_byte);
            }
        }
    }
}

/// `absorb_sample`: the code of the first layers.
fn leading_code(api: &Api<'_>, sharing: &Sharing, program: &Program) -> TokenStream {
    let path = api.path;
    let leading_type = leading_type(program);
    let machine_code = sharing.leading.design.footprint.code.as_deref();
    let elsewhere = machine_code.map(|code| {
        let condition = code.condition();
        quote!(#[cfg(not(#condition))])
    });
    let on_machine = machine_code.map(|code| code.leading_items());
    let code = portable::emit(program, None);
    let arena_bytes = Literal::u32_unsuffixed(program.arena_bytes);
    let results = portable::results_type(program);
    quote! {
        type HerringboneLeading = herringbone_runtime::#leading_type;

        #elsewhere
        mod herringbone_leading {
            use ::core::primitive::{bool, i16, i32, u16, u32, u8, usize};
            use #path::__private as runtime;

            #code
        }

        // What computes results is for inputs that end, and yet no dead code.
        #elsewhere
        const _: fn(&mut [u8; #arena_bytes], &mut #results) = herringbone_leading::infer;

        #elsewhere
        #[inline(always)]
        fn absorb_sample(these_layers: &mut HerringboneLeading, next_byte: u8) -> bool {
            herringbone_leading::absorb(&mut these_layers.arena, &mut these_layers.cursor, next_byte)
        }

        #on_machine
    }
}

/// `keep_output`: brings the newest output of the first layers to those of the window, as bytes of
/// an input, and lets these layers go on.
fn keep_output(api: &Api<'_>, program: &Program) -> TokenStream {
    let name = api.name;
    let map = program.map(program.output);
    let (first, values) = (
        Literal::u32_unsuffixed(map.first_cell),
        Literal::u32_unsuffixed(map.shape.values()),
    );
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let value = quote! {
        herringbone_runtime::load_one::<#bits>(
            &this_network.leading.arena,
            usize::wrapping_add(value_index, #first),
        )
    };
    let byte = match 8 - program.activation_bits {
        0 => value,
        shift => {
            let shift = Literal::u32_unsuffixed(shift);
            quote!(#value << #shift)
        }
    };
    let repeat = program.repeat.expect("the first layers go on without end");
    let next = pixel(repeat.pixel(program.input, repeat.period));
    quote! {
        fn keep_output(this_network: &mut #name) {
            for value_index in 0..#values {
                let kept_byte = #byte;
                herringbone_runtime::SlidingWindow::keep(&mut this_network.window, kept_byte);
            }
            herringbone_runtime::Cursor::go_to(&mut this_network.leading.cursor, #next);
        }
    }
}

/// The type of what the first layers keep.
fn leading_type(program: &Program) -> TokenStream {
    let cursor = portable::cursor_sizes(program);
    let arena_bytes = Literal::u32_unsuffixed(program.arena_bytes);
    quote!(Leading<#cursor, #arena_bytes>)
}

/// Row and column at which the first sample of a stream is taken in.
fn first_pixel(program: &Program) -> TokenStream {
    let repeat = program.repeat.expect("the first layers go on without end");
    pixel(repeat.pixel(program.input, repeat.first))
}

fn pixel((row, column): (u32, u32)) -> TokenStream {
    let (row, column) = (
        Literal::u32_unsuffixed(row),
        Literal::u32_unsuffixed(column),
    );
    quote!(#row, #column)
}
