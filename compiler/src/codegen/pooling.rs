//! Pooling of a stored map.

use super::site::{Site, StepSite};
use super::{count, window::Window};
use crate::program::Divisor;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The bits of an activation as they are stored.
fn stored_bits(site: &StepSite<'_>) -> Literal {
    Literal::u8_unsuffixed(0xFF >> (8 - site.program.activation_bits))
}

pub(super) fn average(site: &StepSite<'_>, divisor: Divisor) -> TokenStream {
    let channels = count(site.step.output.channels);
    let shift = divisor.shift().unwrap_or_else(|| todo!());
    let (shift, mask) = (count(shift), stored_bits(site));
    let window = Window::of(site);
    let values = window.tap_cells().map(|cell| site.load(&cell));
    site.for_each_output(&quote! {
        let mut sums = [0i16; #channels];
        #(runtime::add_each(&mut sums, &#values);)*
        sums.map(|sum| (sum >> #shift) as u8 & #mask)
    })
}

pub(super) fn maximum(site: &StepSite<'_>) -> TokenStream {
    let window = Window::of(site);
    let mut values = window.tap_cells().map(|cell| site.load(&cell));
    let first = values.next();
    let unsigned = site.input().signed.then(|| {
        let mask = stored_bits(site);
        quote!(.map(|value| value as u8 & #mask))
    });
    site.for_each_output(&quote! {
        let mut largest = #first;
        #(runtime::keep_larger(&mut largest, &#values);)*
        largest #unsigned
    })
}
