//! From a declaration that is well written to its plan: what the macro and
//! command-line tools have in common. The only place where a later stage's
//! error, which knows a layer by its position, finds back to the text.

use crate::budget::{self, Design, Sums, Tight, Verdict};
use crate::declaration::{Declaration, WeightsSource};
use crate::diagnostic::Diagnostics;
use crate::network::Network;
use crate::program::{self, Accumulator, Accumulators, Program};
use crate::syntax::{Key, NetworkAst};
use crate::weights::{self, Weights, WeightsError};
use std::path::{Path, PathBuf};

/// A declaration with its plan, over its budget or not.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the weights file says; `None` where there is none, or it is wrong.
    weights: Option<Weights>,
    /// How wide sums are; `None` where nothing is known of them.
    pub accumulators: Option<Accumulators>,
    /// The plan, and what it takes.
    pub design: Design,
    /// Said of a design that barely fits.
    pub tight: Option<Tight>,
}

impl Planned {
    /// Plans `declaration`, which `ast` says; `weights_file` is where it has its
    /// weights, or why that cannot be told. Adds what is wrong to `errors`.
    pub fn of(
        ast: &NetworkAst,
        declaration: &Declaration,
        weights_file: Option<Result<PathBuf, WeightsError>>,
        errors: &mut Diagnostics,
    ) -> Self {
        let weights = weights_file.and_then(|path| {
            let tokens = ast.value_tokens(Key::Weights);
            path.map_err(|error| vec![error.to_string()])
                .and_then(|path| read_weights(&path, &declaration.network))
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
        if let Some(accumulators) = &accumulators
            && declaration.results == Some(Accumulator::I16)
            && program::results_accumulator(&declaration.network, accumulators) == Accumulator::I32
        {
            let because = match declaration.weights {
                WeightsSource::Runtime => "weights that are loaded at run time may need `i32`",
                WeightsSource::File | WeightsSource::Nowhere => "these weights need `i32`",
            };
            errors.error(
                ast.value_tokens(Key::Results),
                format!("the results do not fit `i16`: {because}: set `results: i32`"),
            );
        }
        let sums = sums(declaration, weights.as_ref(), accumulators.as_ref());
        let design = budget::choose(declaration, &sums);
        let tight = match budget::judge(declaration, &design, &sums) {
            Verdict::Fits => None,
            Verdict::Tight(tight) => Some(tight),
            Verdict::Over(over) => {
                for error in over {
                    errors.error(ast.layer_tokens(error.layer), error);
                }
                None
            }
        };
        Self {
            weights,
            accumulators,
            design,
            tight,
        }
    }

    /// What is known of the network's sums.
    pub fn sums(&self, declaration: &Declaration) -> Sums<'_> {
        sums(
            declaration,
            self.weights.as_ref(),
            self.accumulators.as_ref(),
        )
    }

    /// The program of that plan; where weights are not known, as if they came at
    /// run time.
    pub fn program(&self, declaration: &Declaration) -> Program {
        budget::lower(declaration, &self.sums(declaration), &self.design.plan)
    }
}

fn sums<'a>(
    declaration: &Declaration,
    weights: Option<&'a Weights>,
    accumulators: Option<&'a Accumulators>,
) -> Sums<'a> {
    // Without weights sums may be wide; where weights are wrong, an error about
    // the budget should not depend on that.
    let widest = match (accumulators, declaration.weights) {
        (Some(accumulators), _) => accumulators.widest(),
        (None, WeightsSource::Nowhere) => Accumulator::I32,
        (None, WeightsSource::File | WeightsSource::Runtime) => Accumulator::I16,
    };
    Sums {
        widest,
        constants: weights.zip(accumulators),
    }
}

fn read_weights(path: &Path, network: &Network) -> Result<Weights, Vec<String>> {
    let bytes = weights::load(path, network).map_err(|error| vec![error.to_string()])?;
    weights::read(network, &bytes)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}
