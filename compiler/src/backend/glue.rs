//! How a generated type calls the functions of a machine's code.

use super::Glue;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// What a machine's code is to its glue.
pub(crate) struct Functions {
    /// `absorb`, `infer` and, if there is one, `absorb_input`.
    pub(crate) items: TokenStream,
    pub(crate) has_absorb_input: bool,
    /// Bytes of a row of the input, if `absorb` takes a third argument: a pointer to a row, or to
    /// nothing where there is a byte alone.
    pub(crate) row_bytes: Option<u32>,
}

/// `absorb`, `absorb_slice`, `absorb_input`, `infer` and `infer_and_keep` of the generated type on
/// machines of that `condition`, and the functions that they call.
///
/// What the `unsafe` blocks rely on: these functions write to the network's value, whose layout is
/// the C one that they were made for, and `infer` every one of the results; to nothing else, as the tests of the backends say of random networks (`simulator/tests/kernels.rs`,
/// `simulator32/tests/lanes.rs`).
pub(crate) fn items(
    condition: &TokenStream,
    functions: &Functions,
    glue: &Glue<'_>,
) -> TokenStream {
    let Functions {
        items,
        has_absorb_input,
        row_bytes,
    } = functions;
    let &Glue {
        name,
        stored,
        output,
        by_value,
        kept,
        input_channels,
        takes_whole_inputs,
    } = glue;
    // Assembly for a single channel never looks at the cursor's, nor at its mark.
    let unmark = (input_channels > 1)
        .then(|| quote!(herringbone_runtime::Cursor::unmark(&mut this_network.cursor);));
    let infer_and_keep = kept.map(|(field, place)| {
        quote! {
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
        }
    });
    let nothing = row_bytes.map(|_| quote!(, ::core::ptr::null()));
    let row_bytes = row_bytes
        .filter(|_| takes_whole_inputs)
        .map(Literal::u32_unsuffixed);
    let absorb_row = row_bytes.as_ref().map(|row_bytes| {
        quote! {
            #[cfg(#condition)]
            #[inline(always)]
            fn absorb_row(this_network: &mut #name, next_row: &[u8; #row_bytes]) -> bool {
                #unmark
                // SAFETY: the reference to the network is the only one, and the row is as long
                // as the code was made for.
                unsafe {
                    let network_pointer = ::core::ptr::from_mut(this_network).cast();
                    let row_pointer = ::core::ptr::from_ref(next_row).cast();
                    herringbone_code::absorb(network_pointer, 0, row_pointer) != 0
                }
            }
        }
    });
    let takes_at_once = has_absorb_input.then(|| {
        quote! {
            // SAFETY: the reference to the network is the only one, and the input is as long
            // as the code was made for.
            unsafe {
                herringbone_code::absorb_input(
                    ::core::ptr::from_mut(this_network).cast(),
                    ::core::ptr::from_ref(input_bytes).cast(),
                );
            }
        }
    });
    let takes_rows = row_bytes.as_ref().map(|row_bytes| {
        quote! {
            for next_row in <[u8]>::as_chunks::<#row_bytes>(input_bytes).0 {
                absorb_row(this_network, next_row);
            }
        }
    });
    let on_whole_inputs = takes_whole_inputs.then(|| {
        let absorb_input = absorb_input(name, takes_at_once.or(takes_rows));
        let absorb_slice = match &row_bytes {
            Some(row_bytes) => absorb_rows(name, row_bytes, input_channels),
            None => take_bytes(name, ["absorb_slice", "absorb"]),
        };
        quote! {
            #[cfg(#condition)]
            #absorb_input

            #[cfg(#condition)]
            #absorb_slice
        }
    });
    quote! {
        #on_whole_inputs
        #absorb_row

        #[cfg(#condition)]
        mod herringbone_code {
            use ::core::primitive::u8;

            #items
        }

        #[cfg(#condition)]
        #[inline(always)]
        fn absorb(this_network: &mut #name, next_byte: u8) -> bool {
            #unmark
            // Not a `bool`, whose upper bits would be masked first.
            // SAFETY: the reference to the network is the only one.
            unsafe {
                let network_pointer = ::core::ptr::from_mut(this_network).cast();
                herringbone_code::absorb(network_pointer, next_byte #nothing) != 0
            }
        }

        #infer_and_keep

        #[cfg(#condition)]
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

/// `absorb_input`: takes a whole input in at once, or byte by byte.
pub(crate) fn absorb_input(name: &Ident, takes_at_once: Option<TokenStream>) -> TokenStream {
    let takes = takes_at_once.unwrap_or_else(|| {
        quote! {
            for next_byte in input_bytes {
                absorb(this_network, *next_byte);
            }
        }
    });
    quote! {
        #[inline(always)]
        fn absorb_input(this_network: &mut #name, input_bytes: &[u8; #name::INPUT_LEN]) {
            #takes
        }
    }
}

/// A function that takes bytes up to the end of an input, one by one, by the second function; then
/// it gives those that are left.
pub(crate) fn take_bytes(name: &Ident, [function, of_byte]: [&str; 2]) -> TokenStream {
    let [function, of_byte] = [function, of_byte].map(|it| format_ident!("{it}"));
    quote! {
        #[inline(always)]
        fn #function<'bytes>(
            this_network: &mut #name,
            next_bytes: &'bytes [u8],
        ) -> ::core::option::Option<&'bytes [u8]> {
            let mut bytes_left = next_bytes;
            while let [next_byte, bytes_after @ ..] = bytes_left {
                bytes_left = bytes_after;
                if #of_byte(this_network, *next_byte) {
                    return ::core::option::Option::Some(bytes_left);
                }
            }
            ::core::option::Option::None
        }
    }
}

/// `absorb_slice`, which takes whole rows at once, and other bytes one by one.
fn absorb_rows(name: &Ident, row_bytes: &Literal, input_channels: u32) -> TokenStream {
    let is_single = input_channels == 1;
    quote! {
        #[inline(always)]
        fn absorb_slice<'bytes>(
            this_network: &mut #name,
            next_bytes: &'bytes [u8],
        ) -> ::core::option::Option<&'bytes [u8]> {
            let mut bytes_left = next_bytes;
            loop {
                let begins_row =
                    herringbone_runtime::Cursor::begins_row::<#is_single>(&this_network.cursor);
                let is_complete = match <[u8]>::split_first_chunk::<#row_bytes>(bytes_left) {
                    ::core::option::Option::Some((next_row, bytes_after)) if begins_row => {
                        bytes_left = bytes_after;
                        absorb_row(this_network, next_row)
                    }
                    _ => {
                        let [next_byte, bytes_after @ ..] = bytes_left else {
                            return ::core::option::Option::None;
                        };
                        bytes_left = bytes_after;
                        absorb(this_network, *next_byte)
                    }
                };
                if is_complete {
                    return ::core::option::Option::Some(bytes_left);
                }
            }
        }
    }
}

/// `absorb_sample` of a network's first layers, whose input goes on without end, and the
/// `functions` that it calls.
pub(crate) fn leading_items(condition: &TokenStream, functions: &TokenStream) -> TokenStream {
    quote! {
        #[cfg(#condition)]
        mod herringbone_leading {
            use ::core::primitive::u8;

            #functions
        }

        // What computes results is for inputs that end, and yet no dead code.
        #[cfg(#condition)]
        const _: unsafe extern "C" fn(*mut u8, *mut u8) = herringbone_leading::infer;

        #[cfg(#condition)]
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
