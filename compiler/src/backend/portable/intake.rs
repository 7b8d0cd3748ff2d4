//! Taking the raw input in, byte by byte.

use super::sink::PixelPlace;
use super::{count, parameters_type, stage};
use crate::network::{ReceptiveField, Shape};
use crate::program::{PooledIntake, Program};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `absorb`: takes one byte in; true when the input is complete.
pub(super) fn emit(program: &Program) -> TokenStream {
    let arena_bytes = count(program.arena_bytes);
    let cursor = super::cursor_type(program);
    let bits = Literal::u32_unsuffixed(program.activation_bits);
    let divisor = program.intake.divisor;
    let used = program.intake.output;
    let (rows, columns) = (count(used.height), count(used.width));
    let PixelPlace { cell, then, .. } = PixelPlace::of(program, program.intake.sink)
        .expect("the input's pixels go to a ring or a map");
    let parameters = parameters_type(program).filter(|_| program.stages_read_parameters());
    let argument = parameters.as_ref().map(|_| quote!(parameters));
    let is_plain = stage::is_plain(program);
    let stages = match is_plain {
        true => (!program.stages().is_empty())
            .then(|| quote!(let _ = stages(arena, cursor, pixel, #argument);)),
        false => Some(quote!(arrive(arena, cursor, pixel, #argument);)),
    };
    let after_the_last_channel = quote!(#then #stages);
    let after_the_last_channel = match used.channels {
        _ if after_the_last_channel.is_empty() => None,
        1 => Some(after_the_last_channel),
        channels => {
            let last = count(channels - 1);
            Some(quote!(if cursor.channel() == #last { #after_the_last_channel }))
        }
    };
    let deliver = |value: TokenStream| {
        let cell = match used.channels {
            1 => quote!(#cell),
            _ => quote!(cursor.channel().wrapping_add(#cell)),
        };
        quote! {
            runtime::store_one::<#bits>(arena, #cell, #value);
            #after_the_last_channel
        }
    };
    let input = program.input;
    let take = match program.intake.pool {
        None => {
            let shift = count(divisor.shift().unwrap_or_default());
            let deliver = deliver(quote!(byte >> #shift));
            let deliver = quote!(let pixel = cursor.pixel(); #deliver);
            if used == input {
                deliver
            } else {
                quote!(if cursor.is_within(#rows, #columns) { #deliver })
            }
        }
        Some(pool) => match divisor.shift().filter(|_| is_plain_intake(&pool)) {
            Some(shift) => {
                let window = super::sink::window_log2(pool.field.kernel);
                let (first, sums) = (count(pool.sums_first_byte()), count(pool.sums()));
                let (sums_per_column, shift) = (count(pool.sums_per_column()), count(shift));
                let deliver = deliver(quote!((sum >> #shift) as u8));
                quote! {
                    if cursor.at_start() {
                        runtime::clear_sums(arena, #first, #sums);
                    }
                    if let ::core::option::Option::Some((pixel, sum)) = runtime::pool::<#window>(
                        arena,
                        #first,
                        (cursor.pixel(), cursor.channel()),
                        (#rows, #columns, #sums_per_column),
                        byte,
                    ) {
                        #deliver
                    }
                }
            }
            None => {
                let windows = input_windows(&pool, used);
                let (first, bytes) = (
                    count(pool.sums_first_byte()),
                    count(pool.windows.bytes_per_value()),
                );
                let divisor = count(divisor.0);
                let deliver = deliver(quote!(runtime::divide_sum::<#divisor>(sum)));
                quote! {
                    const WINDOWS: runtime::InputWindows = #windows;
                    let byte_pixel = (cursor.pixel(), cursor.channel());
                    if let ::core::option::Option::Some((pixel, sum)) =
                        WINDOWS.add::<#bytes>(arena, #first, byte_pixel, byte)
                    {
                        #deliver
                    }
                }
            }
        },
    };
    // Positions of readers count from the first pixel of each input.
    let reset = (!is_plain && program.positions > 0).then(|| {
        quote! {
            if cursor.at_start() {
                cursor.reset();
            }
        }
    });
    let take = quote!(#reset #take);
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
            cursor: &mut #cursor,
            byte: u8,
            #parameters
        ) -> bool {
            #take
            cursor.advance(#height, #width, #depth)
        }
    }
}

/// Whether the windows of a leading `A` are found by shifts.
fn is_plain_intake(pool: &PooledIntake) -> bool {
    let kernel = pool.field.kernel;
    pool.is_tiled()
        && kernel.height.is_power_of_two()
        && kernel.width.is_power_of_two()
        && pool.windows.bytes_per_value() == 2
}

/// The windows of a leading `A` that are not.
fn input_windows(pool: &PooledIntake, used: Shape) -> TokenStream {
    let ReceptiveField { kernel, stride, .. } = pool.field;
    let windows = pool.windows;
    let per_byte = windows.cells_per_byte;
    let pair = |first: u32, second: u32| {
        let (first, second) = (count(first), count(second));
        quote!((#first, #second))
    };
    let kernel = pair(kernel.height, kernel.width);
    let stride = pair(stride.rows, stride.columns);
    let outputs = pair(used.height, used.width);
    let bands = count(windows.bands);
    let band_bytes = count(windows.band_cells() / per_byte);
    let column_bytes = count(windows.column_cells() / per_byte);
    quote! {
        runtime::InputWindows {
            kernel: #kernel,
            stride: #stride,
            outputs: #outputs,
            bands: #bands,
            band_bytes: #band_bytes,
            column_bytes: #column_bytes,
        }
    }
}
