//! Taking the raw input in, byte by byte.

use super::{count, tables};
use crate::program::{Addressing, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `absorb`: takes one byte in; true when the input is complete.
pub(super) fn emit(program: &Program) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let shift = count(program.intake.shift);
    let map = &program.maps[0];
    let shape = map.shape;
    let (rows, columns, channels) = (
        count(shape.height),
        count(shape.width),
        count(shape.channels),
    );
    let first_of_pixel = match map.addressing {
        Addressing::Affine => {
            let first = count(map.first_cell);
            quote!(pixel.wrapping_mul(#channels).wrapping_add(#first))
        }
        Addressing::Table(_) => {
            let table = tables::map_name(0);
            quote!(#table.get(pixel))
        }
    };
    let take = match program.intake.pool {
        None => quote! {
            let pixel = cursor.pixel(#columns);
            let cell = #first_of_pixel.wrapping_add(cursor.channel());
            runtime::store_one::<#bits>(arena, cell, byte >> #shift);
        },
        Some(pool) => {
            let window = pool.window;
            let (height_log2, width_log2) =
                (count(window.height.ilog2()), count(window.width.ilog2()));
            let (first, sums) = (count(pool.sums_first_byte), count(pool.sums));
            quote! {
                if cursor.at_start() {
                    runtime::clear_sums(arena, #first, #sums);
                }
                if let ::core::option::Option::Some((pixel, sum)) = runtime::pool::<#height_log2, #width_log2>(
                    arena,
                    #first,
                    cursor,
                    (#rows, #columns, #channels),
                    byte,
                ) {
                    let cell = #first_of_pixel.wrapping_add(cursor.channel());
                    runtime::store_one::<#bits>(arena, cell, (sum >> #shift) as u8);
                }
            }
        }
    };
    let input = program.input;
    let (height, width, depth) = (
        count(input.height),
        count(input.width),
        count(input.channels),
    );
    // Parameters in SRAM leave little stack, and the registers that the caller
    // saves for what is inlined stay there while the network computes.
    let inlining = (program.parameter_bytes > 0).then(|| quote!(#[inline(never)]));
    quote! {
        #inlining
        pub(super) fn absorb(arena: &mut [u8; #arena_bytes], cursor: &mut runtime::Cursor, byte: u8) -> bool {
            #take
            cursor.advance(#height, #width, #depth)
        }
    }
}
