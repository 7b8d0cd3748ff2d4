//! What the generated type has if its input is made of features: samples, and methods that take
//! them.

use super::api::Api;
use super::metadata::scaled;
use crate::features::{Bank, Features, Mel, Statistics};
use crate::network::Shape;
use crate::weights::Normalisation;
use herringbone_features::StatisticsDesign;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The type of the samples of a frame.
pub(super) fn state(path: &TokenStream, features: &Features) -> TokenStream {
    match features {
        Features::Mel(mel) => {
            let frame = Literal::u32_unsuffixed(mel.frame);
            let kept = Literal::u32_unsuffixed(mel.kept());
            quote!(#path::__private::Frame<#frame, #kept>)
        }
        Features::Statistics(statistics) => {
            let samples = Literal::u32_unsuffixed(statistics.frame_samples());
            quote!(#path::__private::Statistics<#samples>)
        }
    }
}

/// The name of that type.
pub(super) fn state_name(features: &Features) -> TokenStream {
    match features {
        Features::Mel(_) => quote!(herringbone_runtime::Frame),
        Features::Statistics(_) => quote!(herringbone_runtime::Statistics),
    }
}

/// `SAMPLES`.
pub(super) fn constant(features: &Features, input: Shape) -> TokenStream {
    let samples = Literal::u32_unsuffixed(features.samples(input));
    let rate = match features.rate_hertz() {
        Some(hertz) => format!(", at {hertz} a second"),
        None => format!(", of {} channels", features.channels()),
    };
    let doc = format!(" Samples of an input{rate}: it is made of their `{features}`.");
    quote! {
        #[doc = #doc]
        pub const SAMPLES: usize = #samples;
    }
}

/// `push_raw`, `run_raw` and `classify_raw`, which take samples.
pub(super) fn methods(
    api: &Api<'_>,
    features: &Features,
    normalisation: &Normalisation,
    channel: &TokenStream,
) -> TokenStream {
    let output = api.output();
    let frame = state_name(features);
    let (begin, absorb) = api.whole_input_functions();
    // Of a stream, frames go on from one window to the next.
    let restart_frame = (!api.has_windows).then(|| {
        quote! {
            if is_complete {
                #frame::restart(&mut self.features);
            }
        }
    });
    let byte = scaled(&normalisation.scales, channel);
    let design = match features {
        Features::Mel(mel) => bank(mel),
        Features::Statistics(statistics) => self::design(statistics),
    };
    quote! {
        /// Computes the row of a frame that is full, and takes it in; whether it was an input's
        /// last one.
        #[inline(never)]
        fn absorb_row(&mut self) -> bool {
            #design
            let mut is_complete = false;
            let mut row = #frame::begin_row(&mut self.features, &DESIGN);
            while let ::core::option::Option::Some(sensor_count) =
                #frame::next_value(&mut self.features, &mut row, &DESIGN)
            {
                let next_byte = #byte;
                is_complete = #absorb(self, next_byte);
            }
            #restart_frame
            is_complete
        }

        /// Takes the next sample; after an input's last one, computes and gives the
        /// results, and the sample after it begins another input.
        ///
        /// The sample that completes a frame takes longest: its features are computed, and what
        /// the network computes of them at once.
        #[inline]
        #[must_use = "after an input's last sample, these are its results"]
        pub fn push_raw(&mut self, next_sample: i16) -> ::core::option::Option<#output> {
            if #frame::push(&mut self.features, next_sample)
                && self.absorb_row()
            {
                ::core::option::Option::Some(infer(self))
            } else {
                ::core::option::Option::None
            }
        }

        /// As `push_raw`, but the results stay in the network's own memory, as those of
        /// `push_in_place`: whether they are there now.
        #[inline]
        #[must_use = "after an input's last sample, its results are there"]
        pub fn push_raw_in_place(&mut self, next_sample: i16) -> bool {
            let is_complete = #frame::push(&mut self.features, next_sample)
                && self.absorb_row();
            if is_complete {
                infer_in_place(self);
            }
            is_complete
        }

        /// As `run`, for samples. What was pushed is forgotten.
        #[must_use]
        pub fn run_raw(&mut self, next_samples: &[i16; Self::SAMPLES]) -> #output {
            #begin(self);
            for next_sample in next_samples {
                if #frame::push(&mut self.features, *next_sample) {
                    self.absorb_row();
                }
            }
            infer(self)
        }

        /// As `classify`, for samples.
        #[must_use]
        pub fn classify_raw(&mut self, next_samples: &[i16; Self::SAMPLES]) -> usize {
            herringbone_runtime::first_largest(&self.run_raw(next_samples))
        }
    }
}

/// The tables, in flash, as `DESIGN`.
fn bank(mel: &Mel) -> TokenStream {
    let bank = Bank::of(mel);
    let words = |entries: &[i16]| {
        entries
            .iter()
            .map(|&it| Literal::i16_unsuffixed(it))
            .collect()
    };
    let bytes = |entries: &[u8]| {
        entries
            .iter()
            .map(|&it| Literal::u8_unsuffixed(it))
            .collect()
    };
    let table = |name: TokenStream, of: TokenStream, entries: Vec<Literal>| {
        let length = Literal::usize_unsuffixed(entries.len());
        quote! {
            #[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
            static #name: herringbone_runtime::Flash<#of, #length> =
                herringbone_runtime::Flash::new([#(#entries),*]);
        }
    };
    let sines = table(quote!(SINES), quote!(i16), words(&bank.sines));
    let bins = table(quote!(BINS), quote!(u8), bytes(&bank.bins));
    let shares = table(quote!(UPPER_SHARES), quote!(u8), bytes(&bank.upper_shares));
    let transform = match bank.transform.as_slice() {
        [] => None,
        factors => Some(table(quote!(TRANSFORM), quote!(i16), words(factors))),
    };
    let factor = match &transform {
        Some(_) => quote!(TRANSFORM.get(index)),
        None => quote!(0),
    };
    let index = match &transform {
        Some(_) => quote!(index),
        None => quote!(_),
    };
    let coefficients = Literal::u8_unsuffixed(bank.coefficients);
    let transform_shift = Literal::u8_unsuffixed(bank.transform_shift);
    let bands = Literal::u32_unsuffixed(mel.bands);
    let power_shift = Literal::u8_unsuffixed(bank.power_shift);
    let floor = Literal::u32_unsuffixed(mel.floor);
    quote! {
        #sines
        #bins
        #shares
        #transform

        struct Bank;
        const DESIGN: Bank = Bank;

        impl herringbone_runtime::Tables for Bank {
            #[inline(always)]
            fn sine(&self, index: usize) -> i16 {
                SINES.get(index)
            }

            #[inline(always)]
            fn bins(&self, index: usize) -> u8 {
                BINS.get(index)
            }

            #[inline(always)]
            fn upper_share(&self, index: usize) -> u8 {
                UPPER_SHARES.get(index)
            }

            #[inline(always)]
            fn bands(&self) -> u8 {
                #bands
            }

            #[inline(always)]
            fn power_shift(&self) -> u8 {
                #power_shift
            }

            #[inline(always)]
            fn coefficients(&self) -> u8 {
                #coefficients
            }

            #[inline(always)]
            fn transform(&self, #index: usize) -> i16 {
                #factor
            }

            #[inline(always)]
            fn transform_shift(&self) -> u8 {
                #transform_shift
            }

            #[inline(always)]
            fn floor(&self) -> u8 {
                #floor
            }
        }
    }
}

/// The design of statistics, as `DESIGN`.
fn design(statistics: &Statistics) -> TokenStream {
    let StatisticsDesign {
        channels,
        frame_bits,
        kept,
        values,
        floor,
    } = statistics.design();
    let byte = Literal::u8_unsuffixed;
    let (channels, frame_bits) = (byte(channels), byte(frame_bits));
    let (values, floor) = (byte(values), byte(floor));
    let kept = Literal::u16_unsuffixed(kept);
    quote! {
        const DESIGN: herringbone_runtime::StatisticsDesign =
            herringbone_runtime::StatisticsDesign {
                channels: #channels,
                frame_bits: #frame_bits,
                kept: #kept,
                values: #values,
                floor: #floor,
            };
    }
}
