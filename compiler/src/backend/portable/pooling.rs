//! Pooling of whole fields, and the channels of several maps side by side.

use super::site::{Site, StepSite};
use super::{count, window::FieldWalk};
use crate::program::{Divisor, Pooling};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Taps up to which each has code of its own.
pub(super) const MOST_TAPS: u32 = 9;

/// The bits of an activation as they are stored.
fn stored_bits(site: &dyn Site) -> Literal {
    Literal::u8_unsuffixed(0xFF >> (8 - site.program().activation_bits))
}

/// Of a map that is stored whole.
pub(super) fn emit(site: &StepSite<'_>, pooling: Pooling) -> TokenStream {
    if site.step.field.kernel.taps() <= MOST_TAPS {
        return taps(site, pooling);
    }
    let window = FieldWalk::of(site);
    let (taps, values) = (window.walk_taps(), site.load(&quote!(tap)));
    let channels = count(site.step.output.channels);
    let body = match pooling {
        Pooling::Average(divisor) => {
            let average = average(site, divisor);
            quote! {
                let mut sums = [0i32; #channels];
                for tap in #taps {
                    runtime::add_each_wide(&mut sums, &#values);
                }
                sums.map(|sum| #average)
            }
        }
        Pooling::Maximum => {
            let first = site.load(&window.cell(0, 0));
            let unsigned = unsigned(site);
            quote! {
                let mut largest = #first;
                for tap in #taps {
                    runtime::keep_larger(&mut largest, &#values);
                }
                largest #unsigned
            }
        }
    };
    site.for_each_output(&body)
}

/// Each tap with code of its own.
pub(super) fn taps(site: &dyn Site, pooling: Pooling) -> TokenStream {
    let mut values = site.tap_values().into_iter();
    let channels = count(site.source().channels);
    let body = match pooling {
        Pooling::Average(divisor) => match divisor.shift() {
            Some(shift) => {
                let (shift, mask) = (count(shift), stored_bits(site));
                quote! {
                    let mut sums = [0i16; #channels];
                    #(runtime::add_each(&mut sums, &#values);)*
                    sums.map(|sum| (sum >> #shift) as u8 & #mask)
                }
            }
            None => {
                let average = average(site, divisor);
                quote! {
                    let mut sums = [0i32; #channels];
                    #(runtime::add_each_wide(&mut sums, &#values);)*
                    sums.map(|sum| #average)
                }
            }
        },
        Pooling::Maximum => {
            let first = values.next();
            let unsigned = unsigned(site);
            quote! {
                let mut largest = #first;
                #(runtime::keep_larger(&mut largest, &#values);)*
                largest #unsigned
            }
        }
    };
    site.for_each_output(&body)
}

/// What a sum becomes.
fn average(site: &dyn Site, divisor: Divisor) -> TokenStream {
    let (divisor, mask) = (count(divisor.0), stored_bits(site));
    quote!(runtime::floor_divide::<#divisor>(sum) as u8 & #mask)
}

/// As the bits that are stored.
fn unsigned(site: &dyn Site) -> Option<TokenStream> {
    site.source().signed.then(|| {
        let mask = stored_bits(site);
        quote!(.map(|value| value as u8 & #mask))
    })
}

/// The channels of the running map, then those of the others.
pub(super) fn concatenate(site: &dyn Site, joined: usize) -> TokenStream {
    let bits = site.bits();
    let field = site.tap_cells();
    let running = (site.source(), field[0].clone());
    let parts = [running]
        .into_iter()
        .chain((0..joined).map(|index| site.joined(index)));
    let mut first = 0;
    let parts: Vec<TokenStream> = parts
        .map(|(source, cell)| {
            let (at, channels, aligned) = (count(first), count(source.channels), source.aligned);
            first += source.channels;
            quote! {
                runtime::concatenate(
                    &mut values,
                    #at,
                    runtime::load::<#bits, #aligned, #channels>(arena, #cell),
                );
            }
        })
        .collect();
    let channels = count(first);
    site.for_each_output(&quote! {
        let mut values = [0u8; #channels];
        #(#parts)*
        values
    })
}
