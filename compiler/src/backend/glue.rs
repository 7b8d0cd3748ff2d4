//! How a generated type calls the functions of a machine's code.

use super::Glue;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// `absorb`, `absorb_input`, `infer` and `infer_and_keep` of the generated type on machines of that
/// `condition`, and the `functions` that they call: `absorb`, `infer` and, if `has_absorb_input`,
/// `absorb_input`.
///
/// What the `unsafe` blocks rely on: these functions write to the network's value, whose layout is
/// the C one that they were made for, and `infer` every one of the results; to nothing else, as the tests of the backends say of random networks (`simulator/tests/kernels.rs`,
/// `simulator32/tests/lanes.rs`).
pub(crate) fn items(
    condition: &TokenStream,
    functions: &TokenStream,
    glue: &Glue<'_>,
    has_absorb_input: bool,
) -> TokenStream {
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
    let absorb_input = takes_whole_inputs.then(|| {
        let function = absorb_input(name, takes_at_once);
        quote!(#[cfg(#condition)] #function)
    });
    quote! {
        #absorb_input

        #[cfg(#condition)]
        mod herringbone_code {
            use ::core::primitive::u8;

            #functions
        }

        #[cfg(#condition)]
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
