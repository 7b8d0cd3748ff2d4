//! Which layers can compute a row at a time, as the input arrives: a chain of fields, poolings of
//! windows that touch, and dense layers.
//!
//! Values are where the plan says, which thinks of single pixels. Only the order differs: a row
//! of outputs is computed when its last input is there, and the row that it is stored over has
//! been read by then.

use super::arriving_rows::{field_of, is_a_row, ring, ring_of_windows, row_outputs};
use super::form::Form;
use super::layer::{Dense, DenseOutputs, StoredMap, Weights};
use super::pairs;
use super::pooled_rows;
use super::reason::Reason;
use super::stacked;
use super::stage::{PaddedRing, Stage, StageDense, StageInput, StageLayer};
use super::weighted::{constants, is_loaded, lanes_of, loaded, of_loaded, weighted};
use crate::network::NodeId;
use crate::plan::{Arrival, Place, Sink};
use crate::program::{self, Finish, Operation, Program};

/// The stages of a program, each with the form of its code; `registers` are those for sums.
pub(crate) fn stages(
    program: &Program,
    form_of: impl Fn(NodeId) -> Form,
    registers: usize,
) -> Result<Vec<Stage>, Reason> {
    let arriving = program.arriving();
    let mut stages = Vec::new();
    if arriving.stages.is_empty() {
        return Ok(stages);
    }
    if !is_chain(&arriving.stages) || program.repeat.is_some() {
        return Err(Reason::Streamed);
    }
    let mut plans = arriving.stages.iter().peekable();
    while let Some(stage) = plans.next() {
        let form = form_of(stage.plan.node);
        let made = match &stage.operation {
            Operation::Convolution(_) | Operation::Depthwise(_) | Operation::Separable { .. } => {
                let pooling = plans.next_if(|next| next.plan.arrival == Arrival::Values);
                check_rows(stage, stages.is_empty())?;
                fields(program, (stage, form), pooling)?
            }
            Operation::Dense(_) => vec![dense(program, stage, form)?],
            Operation::Pool(pooling) => vec![pooled_rows::alone(program, stage, *pooling)?],
            Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => return Err(Reason::Streamed),
        };
        stages.extend(made);
    }
    stacked::stack(&mut stages);
    pairs::pair(&mut stages, program.cursor_bytes, registers);
    Ok(stages)
}

/// Whether each stage reads what the one before it makes, and nothing else.
fn is_chain(stages: &[program::Stage]) -> bool {
    let follows = |stages: &[program::Stage]| match stages {
        [before, stage] => stage.input == before.writes,
        _ => true,
    };
    stages.iter().all(|stage| stage.joined.is_empty()) && stages.windows(2).all(follows)
}

/// Whether the ring that a stage reads holds what rows of outputs read, as those of chains do
/// (`Rings::Rows`); those of graphs hold what a single output does. Of the first map all rows of a
/// field stay while its next row arrives, of others the oldest one is read before.
fn check_rows(stage: &program::Stage, is_first: bool) -> Result<(), Reason> {
    let Arrival::Ring(reading) = stage.plan.arrival else {
        return Ok(());
    };
    // A padded field may be higher than the map.
    let field_rows = stage.field.kernel.height.min(stage.plan.input.height);
    let rows = match is_first {
        true => field_rows,
        false => (field_rows - 1).max(1),
    };
    match reading.ring.pixels < rows * stage.plan.input.width {
        true => Err(Reason::Streamed),
        false => Ok(()),
    }
}

/// A convolution, and the pooling that takes its outputs in.
fn fields(
    program: &Program,
    (stage, form): (&program::Stage, Form),
    pooling: Option<&program::Stage>,
) -> Result<Vec<Stage>, Reason> {
    let node = stage.plan.node;
    let field = &stage.field;
    let input = match stage.plan.arrival {
        Arrival::Ring(reading) => {
            let ring = ring(program, reading.ring, stage.plan.input.width)?;
            match field.is_padded() {
                false => StageInput::Ring(ring),
                true => StageInput::Padded(PaddedRing {
                    ring,
                    height: stage.plan.input.height,
                    timing: stage.plan.input_timing.rows,
                }),
            }
        }
        Arrival::Window(windows) => {
            StageInput::Ring(ring_of_windows(windows, stage.plan.input.width)?)
        }
        Arrival::Bytes | Arrival::Values | Arrival::Map(_) => return Err(Reason::Streamed),
    };
    if field.stride.rows > field.kernel.height {
        return Err(Reason::Stride(node));
    }
    // A field that has nothing of the map waits for none of it.
    if field.top >= field.kernel.height || field.left >= field.kernel.width {
        return Err(Reason::Streamed);
    }
    let output = match pooling {
        Some(_) => pooled_rows::strip_outputs(program, stage),
        None => row_outputs(program, stage)?,
    };
    let base = field_of(program, stage, (input, output));
    let layer = weighted(program, base, (&stage.operation, form))?;
    let timing = stage.plan.timing.rows;
    match pooling {
        Some(pooling) => pooled_rows::pooled(program, (layer, timing), pooling),
        None => Ok(vec![Stage {
            timing,
            layer: StageLayer::Convolution(layer),
        }]),
    }
}

/// A dense layer that takes rows in.
fn dense(program: &Program, stage: &program::Stage, form: Form) -> Result<Stage, Reason> {
    let node = stage.plan.node;
    let Operation::Dense(sum) = &stage.operation else {
        return Err(Reason::Operation(node));
    };
    let (Some(sums), true) = (stage.plan.sums(), stage.plan.takes) else {
        return Err(Reason::Streamed);
    };
    let input = stage.plan.input;
    let (first_cell, pixel_cells) = match stage.plan.arrival {
        Arrival::Window(windows) if is_a_row(windows, input.width) => {
            (windows.first_cell, windows.window_cells())
        }
        // Rows of it are in one place.
        Arrival::Ring(reading) if reading.ring.pixels == input.width => {
            (reading.ring.first_cell, input.channels)
        }
        Arrival::Ring(_)
        | Arrival::Window(_)
        | Arrival::Bytes
        | Arrival::Values
        | Arrival::Map(_) => return Err(Reason::Streamed),
    };
    let rounded = match (sum.finish, stage.plan.sink) {
        (Finish::Exact, Sink::Results(_)) => None,
        (Finish::Relu | Finish::Signed, Sink::Map { value, .. }) => match program.places[value] {
            Place::Whole(place) => Some(place.first_cell),
            Place::Nowhere | Place::Ring(_) | Place::Windows(_) | Place::Sums(_) => {
                return Err(Reason::Streamed);
            }
        },
        (
            Finish::Exact | Finish::Relu | Finish::Signed | Finish::Wide,
            Sink::Ring(_)
            | Sink::Windows { .. }
            | Sink::Map { .. }
            | Sink::Stays
            | Sink::Results(_),
        ) => return Err(Reason::Streamed),
    };
    let bits = program.activation_bits;
    let is_loaded = is_loaded(sum);
    let form = if is_loaded { of_loaded(form) } else { form };
    let row_values = input.width * input.channels;
    let (weights, fits) = if is_loaded {
        // What a row adds is not known.
        let signed = [stage.signed_input, false];
        (loaded(program, node, (sum, sum), signed)?, false)
    } else {
        let weights = Weights::new(constants(node, sum, bits)?, sum);
        let weights = match (stage.signed_input, form) {
            (true, Form::TableByWords | Form::TableByValues) => weights.without_offset(bits),
            (true, Form::UnrolledByTwoRows | Form::Unrolled) | (false, _) => weights,
        };
        let fits = weights.parts_fit_16_bits(bits, row_values as usize);
        (weights, fits)
    };
    let dense = Dense {
        node,
        input: StoredMap {
            first_cell,
            height: 1,
            width: input.width,
            channels: input.channels,
            pixel_cells,
        },
        bits,
        expectation: program.expectations[node].clone(),
        // Of weights that are loaded, values are taken as they are.
        signed_inputs: stage.signed_input && !is_loaded,
        signed_outputs: sum.finish == Finish::Signed,
        form,
        // Sums of a row are taken out of their lanes one by one.
        lanes: match (lanes_of(sum), fits) {
            (2, true) => 2,
            (_, _) => 1,
        },
        joined: None,
        weights,
        outputs: match rounded {
            Some(cell) => DenseOutputs::Map(cell),
            None => DenseOutputs::Results(sums.bytes_each),
        },
    };
    Ok(Stage {
        timing: stage.plan.input_timing.rows,
        layer: StageLayer::Dense(StageDense {
            dense,
            rows: input.height,
            sums,
            rounded,
        }),
    })
}
