//! Models: which of them this backend has code for.

use crate::backend::avr::arithmetic::high;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::round::sum::Sum;
use crate::network::{NodeId, ReceptiveField};
use crate::program::{
    ByteScales, Job, Operation, Pixelwise, PoolFinish, Pooling, Program, Quantised,
    QuantisedKernel, RescaledSum, ResultPlace,
};
use std::fmt;
use std::rc::Rc;

/// The highest byte of a sum, less its start and clamped, that may not be 0.
const MOST_SUM_BYTES: u32 = 3;
/// Channels of a pixel that the cursor counts.
const MOST_INPUT_CHANNELS: u32 = 255;

/// Why a model has portable code on AVR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCode {
    /// The part has no `mul`.
    Multiplier,
    /// There are several inputs or outputs, or variables.
    Values,
    /// The pixels of the input have too many channels.
    InputChannels,
    /// An operator is of a kind that there are no kernels for.
    Operator(NodeId),
    /// A rescaling that no single multiplication is equal to.
    Rescale(NodeId),
}

impl NoCode {
    /// The node that is the reason.
    pub fn node(self) -> Option<NodeId> {
        match self {
            NoCode::Multiplier | NoCode::Values | NoCode::InputChannels => None,
            NoCode::Operator(node) | NoCode::Rescale(node) => Some(node),
        }
    }
}

impl fmt::Display for NoCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoCode::Multiplier => "the part has no multiplier",
            NoCode::Values => "there is no assembly for several inputs or outputs, or variables",
            NoCode::InputChannels => "the input's pixels have more than 255 channels",
            NoCode::Operator(_) => "there is no assembly for the operator",
            NoCode::Rescale(_) => "no single multiplication is equal to the operator's rescaling",
        })
    }
}

/// A model's program in two parts.
#[derive(Clone, Debug)]
pub struct ModelProgram {
    /// What there is code for: all up to the operator that makes shares of the last pixel.
    pub program: Program,
    /// The node that does, which is left to the caller of the code.
    pub shares: Option<NodeId>,
}

/// What of a model's program there is code for.
///
/// # Errors
/// Where there is none.
pub fn of_model(program: &Program, core: Core) -> Result<ModelProgram, NoCode> {
    let is_plain =
        program.given.is_empty() && program.kept.is_empty() && program.other_outputs.is_empty();
    if !is_plain {
        return Err(NoCode::Values);
    }
    if !core.multiplies {
        return Err(NoCode::Multiplier);
    }
    if program.input.channels > MOST_INPUT_CHANNELS {
        return Err(NoCode::InputChannels);
    }
    let model = without_shares(program);
    let program = &model.program;
    for job in &program.jobs {
        match job {
            Job::Layer(step) => {
                let channels = program.map(step.input).shape.channels;
                let joins = !step.joined.is_empty();
                check(
                    program,
                    (step.node, &step.operation),
                    (&step.field, channels, joins),
                )?;
            }
            Job::Segment(segment) => {
                for stage in &segment.stages {
                    let channels = stage.plan.input.channels;
                    let joins = !stage.joined.is_empty();
                    let node = stage.plan.node;
                    check(
                        program,
                        (node, &stage.operation),
                        (&stage.field, channels, joins),
                    )?;
                    if let (Some(sum), Some(kept)) = (sum_of(&stage.operation), stage.plan.sums()) {
                        let scales = ByteScales::of_sum(sum, ResultPlace::Byte)
                            .ok_or(NoCode::Rescale(node))?;
                        if scales.signed_bytes > kept.bytes_each {
                            return Err(NoCode::Rescale(node));
                        }
                    }
                }
            }
        }
    }
    Ok(model)
}

/// What an operator that is left to the caller multiplies with.
pub fn high(core: Core) -> Function {
    high::emit(core)
}

fn sum_of(operation: &Operation) -> Option<&RescaledSum> {
    operation.quantised()?.kernel.sum()
}

/// Whether there is code for an operator of that field and of that many channels of its input.
fn check(
    program: &Program,
    (node, operation): (NodeId, &Operation),
    (field, channels, joins): (&ReceptiveField, u32, bool),
) -> Result<(), NoCode> {
    let quantised = operation.quantised().ok_or(NoCode::Operator(node))?;
    let Quantised { kernel, followers } = quantised;
    if joins || !followers.is_empty() {
        return Err(NoCode::Operator(node));
    }
    let fits = |scales: Option<ByteScales>| match scales {
        Some(scales) if scales.sum_bytes <= MOST_SUM_BYTES => Ok(scales),
        Some(_) | None => Err(NoCode::Rescale(node)),
    };
    match kernel {
        QuantisedKernel::Convolution(sum) | QuantisedKernel::Dense(sum) => {
            fits(ByteScales::of_sum(sum, ResultPlace::Byte)).map(|_| ())
        }
        QuantisedKernel::Depthwise { sum, multiplier } => {
            let scales = fits(ByteScales::of_sum(sum, ResultPlace::Byte))?;
            let sum = Sum::of_model(
                program,
                (sum, program.expectations[node].clone()),
                Rc::new(scales),
                field.is_padded(),
            );
            let is_by_channel = *multiplier == 1 && sum.outside == 0;
            let has_kernel = channels == 1 || is_by_channel;
            has_kernel.then_some(()).ok_or(NoCode::Operator(node))
        }
        QuantisedKernel::Pool { pooling, finish } => {
            if field.is_padded() {
                return Err(NoCode::Operator(node));
            }
            match (pooling, finish) {
                (Pooling::Average(_), _) => fits(ByteScales::of_windows(kernel)).map(|_| ()),
                (Pooling::Maximum, finish) if finish.keeps_a_maximum() => Ok(()),
                (Pooling::Maximum, PoolFinish::Within(_) | PoolFinish::Mean(_)) => {
                    Err(NoCode::Operator(node))
                }
            }
        }
        QuantisedKernel::Pixel { .. } | QuantisedKernel::Concat(_) => Err(NoCode::Operator(node)),
    }
}

/// A last operator that makes shares of a single pixel is left out, and that pixel is returned.
fn without_shares(program: &Program) -> ModelProgram {
    let whole = || ModelProgram {
        program: program.clone(),
        shares: None,
    };
    let Some((Job::Layer(last), before)) = program.jobs.split_last() else {
        return whole();
    };
    let makes_shares = last.operation.quantised().is_some_and(|it| {
        let copies = match it.kernel {
            QuantisedKernel::Pixel { .. } => !last.field.is_padded(),
            QuantisedKernel::Convolution(_)
            | QuantisedKernel::Depthwise { .. }
            | QuantisedKernel::Dense(_)
            | QuantisedKernel::Pool { .. }
            | QuantisedKernel::Concat(_) => false,
        };
        let is_softmax = |follower: &Pixelwise| match follower {
            Pixelwise::Softmax(_) => true,
            Pixelwise::ByteMap(_) | Pixelwise::Addition(..) | Pixelwise::Multiplication(..) => {
                false
            }
        };
        let makes_shares = it.followers.len() == 1 && it.followers.iter().all(is_softmax);
        copies && makes_shares && last.output.pixels() == 1
    });
    if !makes_shares {
        return whole();
    }
    ModelProgram {
        program: Program {
            jobs: before.to_vec(),
            output: last.input,
            ..program.clone()
        },
        shares: Some(last.node),
    }
}
