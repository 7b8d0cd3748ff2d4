//! Which layers can compute a row at a time, as the input arrives: a chain of fields that are
//! inside of their maps, maxima of windows after them, and dense layers.
//!
//! Values are where the plan says, which thinks of single pixels. Only the order differs: a row
//! of outputs is computed when its last input is there, and the row that it is stored over has
//! been read by then.

use super::form::Form;
use super::layer::{Convolution, Dense, DenseOutputs, Pooled, Reduction, StoredMap, Weights};
use super::pairs;
use super::reason::Reason;
use super::stacked;
use super::stage::{
    Stage, StageDense, StageInput, StageLayer, StageOutput, StageRows, StoredRing, StoredWindows,
};
use super::weighted::{constants, lanes_of, weighted};
use crate::network::{NodeId, Shape};
use crate::plan::{Arrival, AxisTiming, Place, Ring, Sink, Windows};
use crate::program::{self, Expectation, Finish, Operation, Pooling, Program};

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
    if !arriving.is_chain() || program.repeat.is_some() {
        return Err(Reason::Streamed);
    }
    if program.stages_read_parameters() && program.parameter_bytes > 0 {
        return Err(Reason::LoadedWeights);
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
            Operation::Dense(_) => dense(program, stage, form)?,
            Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => return Err(Reason::Streamed),
        };
        // The rows of the grid end with its last one.
        let AxisTiming {
            delay,
            stride,
            count,
        } = made.timing;
        let rows = arriving.grid.height;
        let is_all = rows > delay && (rows - 1 - delay) / stride + 1 == count;
        if !is_all || !stride.is_power_of_two() {
            return Err(Reason::Streamed);
        }
        stages.push(made);
    }
    stacked::stack(&mut stages);
    pairs::pair(&mut stages, program.cursor_bytes, registers);
    Ok(stages)
}

/// Whether the ring that a stage reads holds what rows of outputs read, as those of chains do
/// (`Rings::Rows`); those of graphs hold what a single output does. Of the first map all rows of a
/// field stay while its next row arrives, of others the oldest one is read before.
fn check_rows(stage: &program::Stage, is_first: bool) -> Result<(), Reason> {
    let Arrival::Ring(reading) = stage.plan.arrival else {
        return Ok(());
    };
    let rows = match is_first {
        true => stage.field.kernel.height,
        false => (stage.field.kernel.height - 1).max(1),
    };
    match reading.ring.pixels < rows * stage.plan.input.width {
        true => Err(Reason::Streamed),
        false => Ok(()),
    }
}

/// A ring whose rows can be read and written at once.
pub(crate) fn ring(program: &Program, ring: Ring, width: u32) -> Result<StoredRing, Reason> {
    let goes_around_pairs = width.is_multiple_of(2) && ring.pixels.is_multiple_of(2);
    if ring.pixels < width || !(goes_around_pairs || ring.pixels.is_multiple_of(width)) {
        return Err(Reason::Streamed);
    }
    Ok(StoredRing {
        first_cell: ring.first_cell,
        pixels: ring.pixels,
        channels: ring.channels,
        width,
        position_byte: ring.position.map(|it| position_byte(program, it)),
    })
}

fn position_byte(program: &Program, position: u32) -> u32 {
    program.cursor_pixel_bytes + 2 * position
}

/// What a stage makes, as a row.
fn row_outputs(
    program: &Program,
    stage: &program::Stage,
) -> Result<(StoredMap, StageOutput), Reason> {
    let Shape { height, width, .. } = stage.plan.output;
    let output = match stage.plan.sink {
        Sink::Ring(into) => ring(program, into, width)?,
        Sink::Map {
            value,
            position: Some(position),
        } => {
            let map = program.map(value);
            let is_at_byte = map.first_cell.is_multiple_of(8 / program.activation_bits);
            let is_whole = (map.shape.height, map.shape.width) == (height, width);
            match map.addressing {
                program::Addressing::Affine if is_at_byte && is_whole => StoredRing {
                    first_cell: map.first_cell,
                    pixels: map.shape.pixels(),
                    channels: map.shape.channels,
                    width,
                    position_byte: Some(position_byte(program, position)),
                },
                program::Addressing::Affine | program::Addressing::Table(_) => {
                    return Err(Reason::Order);
                }
            }
        }
        Sink::Map { position: None, .. }
        | Sink::Windows { .. }
        | Sink::Stays
        | Sink::Results(_) => return Err(Reason::Streamed),
    };
    let map = StoredMap {
        first_cell: output.first_cell,
        height: 1,
        width,
        channels: output.channels,
        pixel_cells: output.channels,
    };
    Ok((map, StageOutput::Ring(output)))
}

/// A row of windows, for the rows of that timing.
fn window_outputs(
    windows: Windows,
    (pooling, timing): (&program::Stage, AxisTiming),
) -> Result<(StoredMap, StageOutput), Reason> {
    let is_maximum = match pooling.operation.pooling() {
        Some(Pooling::Maximum) => true,
        Some(Pooling::Average(_)) | None => false,
    };
    let field = &pooling.field;
    let width = pooling.plan.output.width;
    let has_all = windows.count == width && windows.bands == 1;
    let is_plain = is_maximum && field.is_tiled() && has_all;
    if !is_plain || !field.kernel.height.is_power_of_two() || pooling.plan.sink != Sink::Stays {
        return Err(Reason::Streamed);
    }
    let map = StoredMap {
        first_cell: windows.first_cell,
        height: 1,
        width,
        channels: windows.channels,
        pixel_cells: windows.window_cells(),
    };
    let windows = StoredWindows {
        first_cell: windows.first_cell,
        rows: field.kernel.height,
        timing,
    };
    Ok((map, StageOutput::Windows(windows)))
}

/// A convolution, and the maximum that takes its outputs in.
fn fields(
    program: &Program,
    (stage, form): (&program::Stage, Form),
    pooling: Option<&program::Stage>,
) -> Result<Stage, Reason> {
    let node = stage.plan.node;
    let field = &stage.field;
    let arrival = match stage.plan.arrival {
        Arrival::Ring(reading) => ring(program, reading.ring, stage.plan.input.width)?,
        Arrival::Bytes | Arrival::Window(_) | Arrival::Values | Arrival::Map(_) => {
            return Err(Reason::Streamed);
        }
    };
    if field.stride.rows > field.kernel.height {
        return Err(Reason::Stride(node));
    }
    let timing = stage.plan.timing.rows;
    let computed = (stage.plan.output.height, stage.plan.output.width);
    let (output, output_rows) = match (pooling, stage.plan.sink) {
        (None, _) => row_outputs(program, stage)?,
        (Some(pooling), Sink::Windows { windows, .. }) => {
            window_outputs(windows, (pooling, timing))?
        }
        (Some(_), Sink::Ring(_) | Sink::Map { .. } | Sink::Stays | Sink::Results(_)) => {
            return Err(Reason::Streamed);
        }
    };
    let base = Convolution {
        node,
        reduction: Reduction::Weighted,
        weights: Weights::none(stage.plan.output.channels, 0),
        input: StoredMap {
            first_cell: arrival.first_cell,
            height: field.kernel.height,
            width: arrival.width,
            channels: arrival.channels,
            pixel_cells: arrival.channels,
        },
        computed: (1, computed.1),
        output,
        kernel: (field.kernel.height, field.kernel.width),
        stride: (field.stride.rows, field.stride.columns),
        padding: (0, 0),
        pooled: None,
        pointwise: None,
        joined: Vec::new(),
        form: Form::TableByValues,
        sum_lanes: 1,
        backward: false,
        lanes: 1,
        expectation: program.expectations[node].clone(),
        expectation_of_outputs: None,
        signed_inputs: stage.signed_input,
        signed_outputs: stage.signed_output,
        is_by_parts: false,
        exact_bytes: None,
        bits: program.activation_bits,
        stage: Some(StageRows {
            input: StageInput::Ring(arrival),
            output: output_rows,
        }),
    };
    let mut layer = weighted(program, base, (&stage.operation, form))?;
    if let Some(pooling) = pooling {
        let expectation = program.expectations[pooling.plan.node].clone();
        pool(&mut layer, pooling, expectation)?;
    }
    Ok(Stage {
        timing,
        layer: StageLayer::Convolution(layer),
    })
}

/// Lets a convolution find the maxima of its rows; those of the rows above are activations.
fn pool(
    layer: &mut Convolution,
    pooling: &program::Stage,
    expectation: Expectation,
) -> Result<(), Reason> {
    let columns = pooling.field.kernel.width;
    if layer.lanes == 2 && columns != 2 {
        layer.lanes = 1;
    }
    // An activation is compared as the sum that it would be.
    let sum_bits = match layer.lanes {
        2 => 16,
        _ => 32,
    };
    let bits = layer.bits + u32::from(layer.weights.right);
    if layer.pointwise.is_some() || bits + 1 > sum_bits {
        return Err(Reason::Streamed);
    }
    layer.computed = (1, pooling.plan.output.width * columns);
    layer.pooled = Some(Pooled { rows: 1, columns });
    layer.expectation_of_outputs = Some(Box::new(expectation));
    Ok(())
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
        Arrival::Window(windows) if windows.count == input.width && windows.bands == 1 => {
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
    let weights = Weights::new(constants(node, sum, program.activation_bits)?, sum);
    let weights = match (stage.signed_input, form) {
        (true, Form::TableByWords | Form::TableByValues) => {
            weights.without_offset(program.activation_bits)
        }
        (true, Form::UnrolledByTwoRows | Form::Unrolled) | (false, _) => weights,
    };
    let row_values = input.width * input.channels;
    let fits = weights.parts_fit_16_bits(program.activation_bits, row_values as usize);
    let dense = Dense {
        node,
        input: StoredMap {
            first_cell,
            height: 1,
            width: input.width,
            channels: input.channels,
            pixel_cells,
        },
        bits: program.activation_bits,
        expectation: program.expectations[node].clone(),
        signed_inputs: stage.signed_input,
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
