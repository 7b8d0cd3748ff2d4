//! Where the rows are that stages read and make, and their fields.

use super::form::Form;
use super::layer::{Convolution, Reduction, StoredMap, Weights};
use super::reason::Reason;
use super::stage::{NextPixel, StageInput, StageOutput, StageRows, StoredRing};
use crate::network::{Shape, ValueId};
use crate::plan::{Ring, Sink, Windows};
use crate::program::{self, Program};

/// A ring whose rows can be read and written at once.
pub(crate) fn ring(program: &Program, ring: Ring, width: u32) -> Result<StoredRing, Reason> {
    let goes_around_pairs = width.is_multiple_of(2) && ring.pixels.is_multiple_of(2);
    if ring.pixels < width || !(goes_around_pairs || ring.pixels.is_multiple_of(width)) {
        return Err(Reason::Streamed);
    }
    Ok(StoredRing {
        first_cell: ring.first_cell,
        pixels: ring.pixels,
        pixel_cells: ring.channels,
        width,
        stays: false,
        next: match ring.position {
            Some(position) => NextPixel::AtCursor(position_byte(program, position)),
            None => NextPixel::First,
        },
    })
}

/// A row of complete windows, as a ring of a single row.
pub(crate) fn ring_of_windows(windows: Windows, width: u32) -> Result<StoredRing, Reason> {
    if !is_a_row(windows, width) {
        return Err(Reason::Streamed);
    }
    Ok(StoredRing {
        first_cell: windows.first_cell,
        pixels: width,
        pixel_cells: windows.window_cells(),
        width,
        stays: false,
        next: NextPixel::First,
    })
}

/// Whether each of that many columns has a window, and only one.
pub(crate) fn is_a_row(windows: Windows, width: u32) -> bool {
    (windows.count, windows.bands) == (width, 1)
}

fn position_byte(program: &Program, position: u32) -> u32 {
    program.cursor_pixel_bytes + 2 * position
}

/// Where rows of outputs go: a ring, or a map that is stored whole.
pub(super) fn ring_of_outputs(
    program: &Program,
    sink: Sink,
    outputs: Shape,
) -> Result<StoredRing, Reason> {
    match sink {
        Sink::Ring(into) => ring(program, into, outputs.width),
        Sink::Map {
            value,
            position: Some(position),
        } => {
            let next = NextPixel::AtCursor(position_byte(program, position));
            ring_of_map(program, value, outputs, next)
        }
        Sink::Map { position: None, .. }
        | Sink::Windows { .. }
        | Sink::Stays
        | Sink::Results(_) => Err(Reason::Streamed),
    }
}

/// All of a map that is stored whole, and of which that is computed.
pub(super) fn ring_of_map(
    program: &Program,
    value: ValueId,
    computed: Shape,
    next: NextPixel,
) -> Result<StoredRing, Reason> {
    let map = program.map(value);
    let is_at_byte = map.first_cell.is_multiple_of(8 / program.activation_bits);
    let is_whole = map.shape == computed;
    match map.addressing {
        program::Addressing::Affine if is_at_byte && is_whole => Ok(StoredRing {
            first_cell: map.first_cell,
            pixels: map.shape.pixels(),
            pixel_cells: map.shape.channels,
            width: map.shape.width,
            stays: true,
            next,
        }),
        program::Addressing::Affine | program::Addressing::Table(_) => Err(Reason::Order),
    }
}

/// What a stage makes, as a row of a map.
pub(crate) fn row_outputs(
    program: &Program,
    stage: &program::Stage,
) -> Result<(StoredMap, StageOutput), Reason> {
    let output = ring_of_outputs(program, stage.plan.sink, stage.plan.output)?;
    let map = StoredMap {
        first_cell: output.first_cell,
        height: 1,
        width: output.width,
        channels: output.pixel_cells,
        pixel_cells: output.pixel_cells,
    };
    Ok((map, StageOutput::Ring(output)))
}

/// The fields of a stage over rows of inputs, without weights, and where its outputs go; it reads
/// the oldest row before that stage stores one.
pub(super) fn field_of(
    program: &Program,
    stage: &program::Stage,
    ((input, oldest_before), (output, output_rows)): (
        (StageInput, Option<usize>),
        (StoredMap, StageOutput),
    ),
) -> Convolution {
    let node = stage.plan.node;
    let field = &stage.field;
    let channels = stage.plan.input.channels;
    // Of others, nothing is taken out of a map.
    let (first_cell, pixel_cells) = input
        .ring()
        .map_or((0, channels), |ring| (ring.first_cell, ring.pixel_cells));
    Convolution {
        node,
        reduction: Reduction::Weighted,
        weights: Weights::none(output.channels, 0),
        input: StoredMap {
            first_cell,
            height: field.kernel.height,
            width: stage.plan.input.width,
            channels,
            pixel_cells,
        },
        computed: (1, stage.plan.output.width),
        output,
        kernel: (field.kernel.height, field.kernel.width),
        stride: (field.stride.rows, field.stride.columns),
        padding: (field.top, field.left),
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
            input,
            oldest_before,
            output: output_rows,
            waiting: None,
        }),
    }
}
