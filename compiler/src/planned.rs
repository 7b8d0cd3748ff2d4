//! From a declaration that is well written to its plan: what the macro and
//! command-line tools have in common. It knows no source text: what is wrong says
//! what it is about, and [`NetworkAst::tokens_of`] finds that.

use crate::backend::WorstCase;
use crate::budget::{self, Design, ExpectedWeights, Remedy, Sharing, Sums, Verdict};
use crate::declaration::{Declaration, WeightsSource};
use crate::network::{LayerId, Network};
use crate::notice::Notice;
use crate::program::{self, Accumulator, Accumulators, Program};
use crate::weights::{self, Metadata, Weights, WeightsError};
use std::fmt::Display;
use std::path::PathBuf;

/// A declaration with its plan, over its budget or not.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the weights file says; `None` where there is none, or it is wrong.
    weights: Option<Weights>,
    /// What takes their place where there is none.
    expected: Option<ExpectedWeights>,
    /// What the weights file says of itself.
    pub metadata: Metadata,
    /// How wide sums are; `None` where nothing is known of them.
    pub accumulators: Option<Accumulators>,
    /// The plan, and what it takes; of windows of a stream, where each is computed as a whole.
    pub design: Design,
    /// The network in two parts, where windows of a stream share what the first one computes:
    /// the generated type is made of that.
    pub sharing: Option<Sharing>,
    /// What is allowed, and may not be meant.
    pub notices: Vec<Notice>,
    /// All that is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is wrong with a declaration that is well written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub origin: Origin,
    /// What is wrong, and what to change.
    pub message: String,
    /// The changes of the message that are known as such: each alone is enough.
    pub remedies: Vec<Remedy>,
}

/// A part of a declaration that a problem can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The input's shape.
    Input,
    /// The weights file.
    Weights,
    /// The type of the results.
    Results,
    /// The form of kernels.
    Code,
    /// A layer.
    Layer(LayerId),
}

impl Planned {
    /// Plans `declaration`; `weights_file` is where it has its weights, or why that
    /// is not known.
    pub fn of(
        declaration: &Declaration,
        weights_file: Option<Result<PathBuf, WeightsError>>,
    ) -> Self {
        let network = &declaration.network;
        let bytes = weights_file.map(|path| weights::load(&path?, network));
        Self::with_weights(declaration, bytes)
    }

    /// Plans `declaration`; `weights` are the bytes of its weights file, or why there
    /// are none.
    pub fn with_weights(
        declaration: &Declaration,
        weights: Option<Result<Vec<u8>, WeightsError>>,
    ) -> Self {
        let mut problems = Vec::new();
        let weights = weights.and_then(|bytes| {
            bytes
                .map_err(|error| vec![error.to_string()])
                .and_then(|bytes| read_weights(&bytes, &declaration.network))
                .map_err(|found| {
                    problems.extend(found.into_iter().map(|message| Problem {
                        origin: Origin::Weights,
                        message,
                        remedies: Vec::new(),
                    }));
                })
                .ok()
        });
        Self::of_weights(declaration, weights, problems)
    }

    /// Plans `declaration` with weights that mean nothing: to see a design run that has
    /// none yet.
    pub fn with_invented_weights(declaration: &Declaration) -> Self {
        let weights = weights::invented(&declaration.network, declaration.sparsity);
        let weights = Some((weights, Metadata::default()));
        Self::of_weights(declaration, weights, Vec::new())
    }

    fn of_weights(
        declaration: &Declaration,
        weights: Option<(Weights, Metadata)>,
        mut problems: Vec<Problem>,
    ) -> Self {
        let mut wrong = |origin: Origin, message: &dyn Display| {
            problems.push(Problem {
                origin,
                message: message.to_string(),
                remedies: Vec::new(),
            });
        };
        let (weights, metadata) = weights
            .map_or((None, Metadata::default()), |(weights, metadata)| {
                (Some(weights), metadata)
            });
        let accumulators = match &weights {
            _ if declaration.weights == WeightsSource::Runtime => {
                Some(Accumulators::at_run_time(&declaration.network))
            }
            None => None,
            Some(weights) => program::prove(&declaration.network, weights)
                .map_err(|found| {
                    for problem in found {
                        wrong(Origin::Layer(problem.layer), &problem);
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
            wrong(
                Origin::Results,
                &format_args!("the results do not fit `i16`: {because}: set `results: i32`"),
            );
        }
        let expected = match weights {
            None if problems.is_empty() => ExpectedWeights::of(declaration),
            None | Some(_) => None,
        };
        let sums = match &expected {
            Some(expected) => expected.sums(),
            None => sums(declaration, weights.as_ref(), accumulators.as_ref()),
        };
        let design = budget::choose(declaration, &sums);
        let mut notices: Vec<Notice> = Notice::of_input(declaration).into_iter().collect();
        let sharing = budget::share(declaration, &sums, &design);
        notices.extend(match &sharing {
            Some(sharing) if sharing.has_machine_code() => None,
            Some(_) | None => Notice::of_uncounted_code(declaration, &design),
        });
        let verdict = match &sharing {
            Some(sharing) => budget::judge_sharing(declaration, sharing),
            None => budget::judge(declaration, &design, &sums),
        };
        match verdict {
            Verdict::Fits => {}
            Verdict::Tight(tight) => notices.push(Notice::of_tight(&tight)),
            Verdict::Over(over) => {
                problems.extend(over.into_iter().map(|error| Problem {
                    origin: Origin::Layer(error.layer),
                    message: error.to_string(),
                    remedies: error.remedies,
                }));
            }
        }
        Self {
            weights,
            expected,
            metadata,
            accumulators,
            design,
            sharing,
            notices,
            problems,
        }
    }

    /// How many weights of the network are 0, if they are known.
    pub fn zero_weights(&self, network: &Network) -> Option<u64> {
        let weights = self.weights.as_ref()?;
        let zeros = network
            .nodes()
            .iter()
            .map(|node| node.weight_count() - weights.nonzero(node.id));
        Some(zeros.sum())
    }

    /// Bytes of the network's value.
    pub fn state_bytes(&self) -> u32 {
        match &self.sharing {
            Some(sharing) => sharing.state_bytes(),
            None => self.design.state_bytes(),
        }
    }

    /// Bytes of SRAM that are kept for the stack and the rest of the firmware.
    pub fn reserve_bytes(&self) -> u32 {
        match &self.sharing {
            Some(sharing) => sharing.reserve_bytes,
            None => self.design.reserve_bytes,
        }
    }

    /// SRAM that the network needs: its value and the reserve.
    pub fn sram_bytes(&self) -> u32 {
        self.state_bytes().saturating_add(self.reserve_bytes())
    }

    /// Bytes of the arena, or of both.
    pub fn arena_bytes(&self) -> u32 {
        match &self.sharing {
            Some(sharing) => sharing.arena_bytes(),
            None => self.design.plan.arena_bytes,
        }
    }

    /// Bytes of the deepest stack.
    pub fn stack_bytes(&self) -> u32 {
        match &self.sharing {
            Some(sharing) => sharing.stack_bytes,
            None => self.design.footprint.stack_bytes,
        }
    }

    /// Bytes of flash of its code and tables; where only tables are counted, those.
    pub fn flash_bytes(&self) -> u64 {
        match &self.sharing {
            Some(sharing) => sharing.flash_bytes,
            None => self.design.footprint.flash_bytes,
        }
    }

    /// Whether its flash counts with the code.
    pub fn has_machine_code(&self) -> bool {
        match &self.sharing {
            Some(sharing) => sharing.has_machine_code(),
            None => self.design.footprint.code.is_some(),
        }
    }

    /// Flash that it needs, with what is kept of as much as is given.
    pub fn needed_flash_bytes(&self, declaration: &Declaration, given_bytes: u32) -> u64 {
        match &self.sharing {
            Some(sharing) => sharing.needed_flash_bytes(declaration, given_bytes),
            None => budget::needed_flash_bytes(declaration, &self.design, given_bytes),
        }
    }

    /// Cycles that a window or an inference is expected to take, where the code is known.
    pub fn cycles(&self) -> Option<f64> {
        match &self.sharing {
            Some(sharing) => sharing.counts_code().then(|| sharing.cycles()),
            None => self
                .design
                .footprint
                .code
                .as_ref()
                .map(|code| code.cycles()),
        }
    }

    /// The name of its plan: of windows that share layers, that of the layers after those.
    pub fn plan_name(&self, declaration: &Declaration) -> String {
        match &self.sharing {
            Some(sharing) => {
                let network = &sharing.trailing.declaration.network;
                let strategy = sharing.trailing.design.plan.strategy;
                format!("shared, {}", strategy.name(&network.dataflow()))
            }
            None => {
                let flow = declaration.network.dataflow();
                self.design.plan.strategy.name(&flow)
            }
        }
    }

    /// The most cycles of a window or an inference, and of the longest `push`, on AVR; `None` if
    /// finding them takes more than that many steps.
    pub fn worst_case(&self, declaration: &Declaration, steps: u64) -> Option<WorstCase> {
        if let Some(sharing) = &self.sharing {
            return sharing.worst_case(steps);
        }
        let worst = self.design.footprint.code.as_ref()?.worst_case(steps)?;
        Some(WorstCase {
            push_cycles: worst.longest_push(declaration.window),
            ..worst
        })
    }

    /// What is known of the network's sums.
    pub fn sums(&self, declaration: &Declaration) -> Sums<'_> {
        if let Some(expected) = &self.expected {
            return expected.sums();
        }
        sums(
            declaration,
            self.weights.as_ref(),
            self.accumulators.as_ref(),
        )
    }

    /// The program of that plan; where weights are not known, of those that are expected, or as if they
    /// came at run time.
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

fn read_weights(bytes: &[u8], network: &Network) -> Result<(Weights, Metadata), Vec<String>> {
    // Tensors of another network would be reported one by one.
    Metadata::read(network, bytes)
        .and_then(|metadata| {
            let weights = weights::read(network, bytes)?;
            let weights = match &metadata.activities {
                Some(activities) => weights.with_activities(activities.clone()),
                None => weights,
            };
            Ok((weights, metadata))
        })
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}
