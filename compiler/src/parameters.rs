//! The parameters of a network with `weights: runtime`, made of a weights file.

use crate::budget::{self, Sums};
use crate::declaration::WeightsSource;
use crate::program::{self, Accumulator};
use crate::{syntax, weights};
use proc_macro2::TokenStream;

/// The bytes that the network of `declaration`, the tokens in `network! { … }`,
/// takes as its parameters, from the bytes of a safetensors file.
///
/// # Errors
/// In words: what is wrong with the declaration or the file; a declaration
/// without `weights: runtime`; sums that could pass the accumulator that they
/// have at run time.
pub fn pack_parameters(declaration: TokenStream, file: &[u8]) -> Result<Vec<u8>, Vec<String>> {
    let parsed = syntax::parse(declaration);
    let Some(declaration) = parsed.declaration else {
        return Err(parsed.errors.messages());
    };
    if declaration.weights != WeightsSource::Runtime {
        let message = "the network takes no parameters: its declaration needs `weights: runtime`";
        return Err(vec![message.to_owned()]);
    }
    let network = &declaration.network;
    let weights = weights::read(network, file).map_err(|errors| in_words(&errors))?;
    let sums = Sums {
        widest: Accumulator::at_run_time(network.bits()),
        constants: None,
    };
    let design = budget::choose(&declaration, &sums);
    program::pack_parameters(&declaration, &weights, &design.plan)
        .map_err(|errors| in_words(&errors))
}

fn in_words(errors: &[impl ToString]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
