//! What the generated type has if its weights file has metadata: names of classes, and methods
//! that scale a sensor's counts to bytes.

use super::api::Api;
use crate::weights::{Metadata, Normalisation, Scale};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// `LABELS` and `label`, where names are known. On AVR the text that `label` gives stays in flash.
pub(crate) fn labels(metadata: &Metadata) -> Option<TokenStream> {
    let names = &metadata.class_names;
    if names.is_empty() {
        return None;
    }
    let count = Literal::usize_unsuffixed(names.len());
    let text: String = names.concat();
    let bytes = text.bytes().map(Literal::u8_unsuffixed);
    let length = Literal::usize_unsuffixed(text.len());
    // Where each name ends.
    let ends = names.iter().scan(0, |end, name| {
        *end += name.len();
        Some(Literal::usize_unsuffixed(*end))
    });
    Some(quote! {
        /// The names of the classes, from the training data. On AVR, names that are used at
        /// run time take SRAM as well; `label` leaves them in flash.
        pub const LABELS: [&'static str; #count] = [#(#names),*];

        /// The name of a class, for printing; empty where there is no such class.
        #[must_use]
        pub fn label(class_index: usize) -> herringbone_runtime::Label {
            #[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
            static NAME_BYTES: herringbone_runtime::Flash<u8, #length> = herringbone_runtime::Flash::new([#(#bytes),*]);
            #[cfg_attr(target_arch = "avr", unsafe(link_section = ".progmem.data"))]
            static NAME_ENDS: herringbone_runtime::Flash<u16, #count> = herringbone_runtime::Flash::new([#(#ends),*]);

            fn name_byte(byte_index: usize) -> u8 {
                NAME_BYTES.get(byte_index)
            }
            let first_byte = match class_index.checked_sub(1) {
                ::core::option::Option::Some(class_before) => NAME_ENDS.get(class_before),
                ::core::option::Option::None => 0,
            };
            herringbone_runtime::Label::new(name_byte, first_byte, NAME_ENDS.get(class_index))
        }
    })
}

/// `push_raw`, `run_raw` and `classify_raw`, which take what the sensor gives.
pub(super) fn raw(
    api: &Api<'_>,
    normalisation: &Normalisation,
    channel: &TokenStream,
) -> TokenStream {
    let results = api.output();
    let begins = api.begins();
    let (begin, absorb) = api.whole_input_functions();
    let Normalisation {
        counts_per_unit,
        scales,
    } = normalisation;
    let byte = scaled(scales, channel);
    let unit = format!(" One unit of the training data is {counts_per_unit} counts.");
    quote! {
        /// Scales a sensor's count to the next byte of an input, as in training.
        ///
        #[doc = #unit]
        #[inline]
        #[must_use]
        pub fn normalised(&self, sensor_count: i16) -> u8 {
            #byte
        }

        /// As `push`, for a sensor's count.
        #[inline]
        #[must_use = "after an input's last value, these are its results"]
        pub fn push_raw(&mut self, sensor_count: i16) -> ::core::option::Option<#results> {
            let next_byte = self.normalised(sensor_count);
            self.push(next_byte)
        }

        /// As `run`, for a sensor's counts.
        #begins
        #[must_use]
        pub fn run_raw(&mut self, sensor_counts: &[i16; Self::INPUT_LEN]) -> #results {
            #begin(self);
            for &sensor_count in sensor_counts {
                let next_byte = #byte;
                #absorb(self, next_byte);
            }
            infer(self)
        }

        /// As `classify`, for a sensor's counts.
        #[must_use]
        pub fn classify_raw(&mut self, sensor_counts: &[i16; Self::INPUT_LEN]) -> usize {
            herringbone_runtime::first_largest(&self.run_raw(sensor_counts))
        }
    }
}

/// The byte of `sensor_count`, which is of that channel.
pub(super) fn scaled(scales: &[Scale], channel: &TokenStream) -> TokenStream {
    let of = |scale: &Scale| {
        let offset = Literal::i16_unsuffixed(scale.offset);
        let multiplier = Literal::u8_unsuffixed(scale.multiplier);
        let shift = Literal::u8_unsuffixed(scale.shift);
        quote!(herringbone_runtime::scaled(sensor_count, #offset, #multiplier, #shift))
    };
    match scales {
        [scale] => of(scale),
        scales => {
            let arms = scales.iter().enumerate().map(|(number, scale)| {
                let (number, byte) = (Literal::usize_unsuffixed(number), of(scale));
                quote!(#number => #byte,)
            });
            quote! {
                match #channel {
                    #(#arms)*
                    _ => 0,
                }
            }
        }
    }
}

/// The same, of a declaration with errors.
pub(crate) fn stub(output: &TokenStream, classes: &Literal, samples: Option<usize>) -> TokenStream {
    let samples = samples.map(|samples| {
        let samples = Literal::usize_unsuffixed(samples);
        quote!(pub const SAMPLES: usize = #samples;)
    });
    quote! {
        #samples

        pub const LABELS: [&'static str; #classes] = [""; #classes];

        pub fn label(class_index: usize) -> &'static str {
            ""
        }

        pub fn normalised(&self, sensor_count: i16) -> u8 {
            0
        }

        pub fn push_raw(&mut self, sensor_count: i16) -> ::core::option::Option<#output> {
            ::core::option::Option::None
        }

        pub fn run_raw<const LENGTH: usize>(&mut self, sensor_counts: &[i16; LENGTH]) -> #output {
            [0; #classes]
        }

        pub fn classify_raw<const LENGTH: usize>(&mut self, sensor_counts: &[i16; LENGTH]) -> usize {
            0
        }
    }
}
