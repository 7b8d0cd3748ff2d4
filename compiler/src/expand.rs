//! The whole way from tokens to items. The only place where a later stage's
//! error, which knows a layer by its position, finds back to the text.

use crate::budget::{self, Sums, Verdict};
use crate::declaration::{Declaration, WeightsSource};
use crate::diagnostic::Diagnostics;
use crate::item::{self, Known};
use crate::network::Network;
use crate::program::{self, Accumulator, Accumulators};
use crate::syntax::{self, Key, NetworkAst, Parsed};
use crate::weights::{self, Weights, WeightsPath};
use proc_macro2::{TokenStream, TokenTree};

/// Expands `path; declaration`, `path` being that of the `herringbone` crate as
/// the user's crate knows it.
pub fn expand(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let path: TokenStream = tokens
        .by_ref()
        .take_while(|token| !matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';'))
        .collect();
    let Parsed {
        ast,
        declaration,
        mut errors,
        outline,
    } = syntax::parse(tokens.collect());
    let Some(ast) = ast else {
        return errors.to_compile_errors();
    };
    let item = match &declaration {
        Some(declaration) => expand_declaration(&path, &ast, declaration, &mut errors),
        None => Err(Known::default()),
    };
    let item = item.unwrap_or_else(|known| item::stub(&ast, &outline, &known));
    let errors = errors.to_compile_errors();
    quote::quote!(#errors #item)
}

/// The items of a declaration, or, with the errors added, what is known of it.
fn expand_declaration(
    path: &TokenStream,
    ast: &NetworkAst,
    declaration: &Declaration,
    errors: &mut Diagnostics,
) -> Result<TokenStream, Known> {
    let weights = ast.weights_file().and_then(|value| {
        let tokens = ast.value_tokens(Key::Weights);
        read_weights(value, &declaration.network)
            .map_err(|problems| {
                for problem in problems {
                    errors.error(tokens, problem);
                }
            })
            .ok()
    });
    let accumulators = match &weights {
        _ if declaration.weights == WeightsSource::Runtime => {
            Some(Accumulators::at_run_time(&declaration.network))
        }
        None => None,
        Some(weights) => program::prove(&declaration.network, weights)
            .map_err(|problems| {
                for problem in problems {
                    errors.error(ast.layer_tokens(problem.layer), problem);
                }
            })
            .ok(),
    };
    // Without weights sums may be wide; where weights are wrong, an error about
    // the budget should not depend on that.
    let widest = match (&accumulators, declaration.weights) {
        (Some(accumulators), _) => accumulators.widest(),
        (None, WeightsSource::Nowhere) => Accumulator::I32,
        (None, WeightsSource::File | WeightsSource::Runtime) => Accumulator::I16,
    };
    let sums = Sums {
        widest,
        constants: weights.as_ref().zip(accumulators.as_ref()),
    };
    let design = budget::choose(declaration, &sums);
    let warning = match budget::judge(declaration, &design, &sums) {
        Verdict::Fits => None,
        Verdict::Tight(tight) => Some(item::warning(ast, &tight)),
        Verdict::Over(over) => {
            for error in over {
                errors.error(ast.layer_tokens(error.layer), error);
            }
            None
        }
    };
    if !errors.is_empty() {
        let results = match accumulators {
            Some(accumulators) => program::results_accumulator(&declaration.network, &accumulators),
            // The likelier one.
            None if declaration.network.bits().activations == 8 => Accumulator::I32,
            None => Accumulator::I16,
        };
        return Err(Known {
            results,
            design: Some(Box::new(design)),
        });
    }
    // A design to size has no code.
    let program = accumulators
        .is_some()
        .then(|| budget::lower(declaration, &sums, &design.plan));
    let item = item::emit(path, ast, declaration, &design, program.as_ref());
    Ok(quote::quote!(#warning #item))
}

fn read_weights(value: &WeightsPath, network: &Network) -> Result<Weights, Vec<String>> {
    let path = value.locate().map_err(|error| vec![error.to_string()])?;
    let bytes = weights::load(&path).map_err(|error| vec![error.to_string()])?;
    weights::read(network, &bytes)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}
