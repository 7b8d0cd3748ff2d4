//! Taking the raw input in, byte by byte.

use super::sink::PixelPlace;
use super::{count, parameters_type};
use crate::program::Program;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `absorb`: takes one byte in; true when the input is complete.
pub(super) fn emit(program: &Program) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let positions = count(program.positions);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let shift = program.intake.divisor.shift();
    let shift = count(shift.unwrap_or_else(|| todo!()));
    let used = program.intake.output;
    let (rows, columns) = (count(used.height), count(used.width));
    let PixelPlace { cell, then, .. } = PixelPlace::of(program, program.intake.sink)
        .expect("the input's pixels go to a ring or a map");
    let parameters = parameters_type(program).filter(|_| program.stages_read_parameters());
    let argument = parameters.as_ref().map(|_| quote!(parameters));
    let stages = (!program.stages().is_empty())
        .then(|| quote!(let _ = stages(arena, cursor, pixel, #argument);));
    let behind_the_last_channel = quote!(#then #stages);
    let behind_the_last_channel = match used.channels {
        _ if behind_the_last_channel.is_empty() => None,
        1 => Some(behind_the_last_channel),
        channels => {
            let last = count(channels - 1);
            Some(quote!(if cursor.channel() == #last { #behind_the_last_channel }))
        }
    };
    let deliver = |value: TokenStream| {
        let cell = match used.channels {
            1 => quote!(#cell),
            _ => quote!(cursor.channel().wrapping_add(#cell)),
        };
        quote! {
            runtime::store_one::<#bits>(arena, #cell, #value);
            #behind_the_last_channel
        }
    };
    let input = program.input;
    let take = match program.intake.pool {
        None => {
            let deliver = deliver(quote!(byte >> #shift));
            let deliver = quote!(let pixel = cursor.pixel(); #deliver);
            if used == input {
                deliver
            } else {
                quote!(if cursor.is_within(#rows, #columns) { #deliver })
            }
        }
        Some(pool) => {
            let window = super::sink::window_log2(pool.field.kernel);
            let (first, sums) = (count(pool.sums_first_byte()), count(pool.sums()));
            let sums_per_column = count(pool.sums_per_column());
            let deliver = deliver(quote!((sum >> #shift) as u8));
            quote! {
                if cursor.at_start() {
                    runtime::clear_sums(arena, #first, #sums);
                }
                if let ::core::option::Option::Some((pixel, sum)) = runtime::pool::<#window, #positions>(
                    arena,
                    #first,
                    cursor,
                    (#rows, #columns, #sums_per_column),
                    byte,
                ) {
                    #deliver
                }
            }
        }
    };
    let (height, width, depth) = (
        count(input.height),
        count(input.width),
        count(input.channels),
    );
    // Parameters in SRAM leave little stack, and the registers that the caller
    // saves for what is inlined stay there while the network computes.
    let inlining = (program.parameter_bytes > 0).then(|| quote!(#[inline(never)]));
    let parameters = parameters.map(|bytes| quote!(parameters: &#bytes));
    quote! {
        #inlining
        pub(super) fn absorb(
            arena: &mut [u8; #arena_bytes],
            cursor: &mut runtime::Cursor<#positions>,
            byte: u8,
            #parameters
        ) -> bool {
            #take
            cursor.advance(#height, #width, #depth)
        }
    }
}
