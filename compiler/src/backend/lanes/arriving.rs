//! Which layers can compute a row at a time, as the input arrives: fields, poolings of windows that
//! touch, dense layers, and what joins branches.
//!
//! Values are where the plan says, which thinks of single pixels. Only the order differs: a row
//! of outputs is computed when its last input is there, and the row that it is stored over has
//! been read by then.

use super::arriving_rows::{field_of, row_outputs};
use super::form::Form;
use super::layer::{Convolution, Dense, DenseOutputs, Reduction, StoredMap, Weights};
use super::pairs;
use super::pooled_rows;
use super::reason::Reason;
use super::sources::{Read, Sources};
use super::stacked;
use super::stage::{Stage, StageDense, StageInput, StageLayer, StageOutput, StageRows, StoredRing};
use super::strip::Strip;
use super::weighted::{as_it_is, constants, is_loaded, lanes_of, loaded, of_loaded, weighted};
use crate::network::{NodeId, Shape};
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
    if program.repeat.is_some() {
        return Err(Reason::Streamed);
    }
    let mut sources = Sources::of_intake(program);
    let mut plans = arriving.stages.iter().peekable();
    while let Some(stage) = plans.next() {
        let form = form_of(stage.plan.node);
        let takes_outputs = |next: &&program::Stage| {
            next.plan.arrival == Arrival::Values && next.input == stage.writes
        };
        let mut last = stage;
        let made = match &stage.operation {
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Concat => {
                let pooling = plans.next_if(takes_outputs);
                last = pooling.unwrap_or(stage);
                fields(program, (stage, form), pooling, (&sources, stages.len()))?
            }
            Operation::Dense(_) => vec![dense(program, (stage, form), &sources)?],
            Operation::Pool(pooling) => {
                vec![pooled_rows::alone(program, stage, *pooling, &sources)?]
            }
            Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => return Err(Reason::Streamed),
        };
        stages.extend(made);
        sources.add(last, stages.len() - 1);
    }
    stacked::stack(&mut stages);
    pairs::pair(&mut stages, program.cursor_bytes, registers);
    Ok(stages)
}

/// What is computed of fields, or what is joined, and the pooling that takes its outputs in; the
/// first stage of it has that index.
fn fields(
    program: &Program,
    (stage, form): (&program::Stage, Form),
    pooling: Option<&program::Stage>,
    (sources, index): (&Sources, usize),
) -> Result<Vec<Stage>, Reason> {
    let read = sources.of_fields(program, stage)?;
    let output = match pooling {
        Some(_) => pooled_rows::strip_outputs(program, stage),
        None => row_outputs(program, stage)?,
    };
    let mut base = field_of(program, stage, ((read.input, read.oldest_before), output));
    let joined = sources.of_joined(program, stage)?;
    let joined = joined.into_iter().zip(&stage.signed_joined);
    base.joined = joined
        .map(|(read, &signed)| pixels_of(&base, read, signed))
        .collect();
    let layer = match &stage.operation {
        // In a strip they are offset, here as they are stored.
        Operation::Concat if stage.signed_output && pooling.is_some() => {
            return Err(Reason::Streamed);
        }
        Operation::Concat => as_it_is(Convolution {
            reduction: Reduction::Maximum,
            form: Form::Unrolled,
            ..base
        }),
        Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Pool(_)
        | Operation::Dense(_)
        | Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => weighted(program, base, (&stage.operation, form))?,
    };
    let timing = stage.plan.timing.rows;
    match pooling {
        Some(pooling) => pooled_rows::pooled(program, ((layer, index), timing), pooling),
        None => Ok(vec![Stage {
            timing,
            layer: StageLayer::Convolution(Box::new(layer)),
        }]),
    }
}

/// Of a map that is joined, the pixel at each output of a stage.
fn pixels_of(base: &Convolution, read: Read, signed: bool) -> Convolution {
    let Shape {
        width, channels, ..
    } = read.map;
    let first_cell = read.input.ring().map_or(0, |ring| ring.first_cell);
    let input = StoredMap {
        first_cell,
        height: 1,
        width,
        channels,
        pixel_cells: channels,
    };
    let rows = base.stage.map(|rows| StageRows {
        input: read.input,
        oldest_before: read.oldest_before,
        ..rows
    });
    Convolution {
        stage: rows,
        ..base.of_pixels(input, signed)
    }
}

/// A dense layer that takes rows in.
fn dense(
    program: &Program,
    (stage, form): (&program::Stage, Form),
    sources: &Sources,
) -> Result<Stage, Reason> {
    let node = stage.plan.node;
    let Operation::Dense(sum) = &stage.operation else {
        return Err(Reason::Operation(node));
    };
    let (Some(sums), true) = (stage.plan.sums(), stage.plan.takes) else {
        return Err(Reason::Streamed);
    };
    let input = stage.plan.input;
    let row = sources.of_rows(program, stage)?;
    // Rows of it are in one place.
    let taken = match row.pixels == row.width && !row.stays {
        true => None,
        false => Some(single_pixels(program, stage, row)),
    };
    let (first_cell, pixel_cells) = match &taken {
        None => (row.first_cell, row.pixel_cells),
        Some(layer) => (0, Strip::of(layer).pixel_cells()),
    };
    let rounded = match (sum.finish, stage.plan.sink) {
        (Finish::Exact, Sink::Results(_)) => None,
        (Finish::Relu | Finish::Signed, Sink::Map { value, .. }) => match program.places[value] {
            Place::Whole(place) => Some(place.first_cell),
            Place::Nowhere | Place::Ring(_) | Place::Windows(_) | Place::Sums(_) => {
                return Err(Reason::Streamed);
            }
        },
        // Of its one pixel.
        (Finish::Relu | Finish::Signed, Sink::Ring(ring)) if ring.pixels == 1 => {
            Some(ring.first_cell)
        }
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
        let signed_joined = joined_pixel(program, stage)?.is_some_and(|(_, signed)| signed);
        let signed = [stage.signed_input, signed_joined];
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
        joined: joined_pixel(program, stage)?,
        weights,
        outputs: match rounded {
            Some(cell) => DenseOutputs::Map(cell),
            None => DenseOutputs::Results(sums.bytes_each),
        },
    };
    Ok(Stage {
        timing: stage.plan.input_timing.rows,
        layer: StageLayer::Dense(Box::new(StageDense {
            dense,
            taken,
            rows: input.height,
            sums,
            rounded,
        })),
    })
}

/// Where the pixel is that is added to the sums of a dense layer, and whether its values may be
/// negative; it is there with the last row.
fn joined_pixel(program: &Program, stage: &program::Stage) -> Result<Option<(u32, bool)>, Reason> {
    let joined = stage.plan.joined.iter().zip(&stage.signed_joined);
    let mut cells = joined.map(|(arrival, &signed)| match arrival {
        Arrival::Ring(reading) if reading.ring.pixels == 1 => Ok((reading.ring.first_cell, signed)),
        Arrival::Map(reading) => {
            let map = program.map(reading.value);
            match map.addressing {
                program::Addressing::Affine => Ok((map.first_cell, signed)),
                program::Addressing::Table(_) => Err(Reason::Order),
            }
        }
        Arrival::Ring(_) | Arrival::Bytes | Arrival::Window(_) | Arrival::Values => {
            Err(Reason::Streamed)
        }
    });
    let cell = cells.next().transpose()?;
    let comes_later = stage.plan.timing.rows.delay != stage.plan.input_timing.rows.last();
    if cell.is_some() && comes_later {
        return Err(Reason::Streamed);
    }
    Ok(cell)
}

/// What takes a row apart as it is stored, pixel by pixel.
fn single_pixels(program: &Program, stage: &program::Stage, row: StoredRing) -> Convolution {
    let map = StoredMap {
        first_cell: row.first_cell,
        height: 1,
        width: row.width,
        channels: row.pixel_cells,
        pixel_cells: row.pixel_cells,
    };
    let input = (StageInput::Ring(row), None);
    let base = field_of(program, stage, (input, (map, StageOutput::Strip)));
    as_it_is(Convolution {
        reduction: Reduction::Maximum,
        form: Form::Unrolled,
        input: map,
        computed: (1, row.width),
        kernel: (1, 1),
        stride: (1, 1),
        padding: (0, 0),
        ..base
    })
}
