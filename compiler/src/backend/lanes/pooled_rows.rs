//! Poolings that compute as the input arrives, a row at a time: which stages they become.
//!
//! A maximum is mostly found over the sums of the convolution before it, in the windows that the
//! plan keeps. Any other pooling takes a row of activations in, which the convolution puts into the
//! strip; what its windows have of the rows so far waits where the plan keeps them.

use super::arriving_rows::{field_of, is_a_row, ring_of_windows, row_outputs};
use super::form::Form;
use super::layer::{Convolution, Pooled, Reduction, StoredMap, Weights};
use super::reason::Reason;
use super::reduction;
use super::sources::Sources;
use super::stage::{
    Stage, StageInput, StageLayer, StageOutput, StageRows, StoredRing, StoredWindows,
    WaitingWindows,
};
use crate::plan::{AxisTiming, Sink, Windows};
use crate::program::{self, Pooling, Program};

/// A row of outputs that the pooling after a stage takes in: each pixel is words of the strip.
pub(super) fn strip_outputs(program: &Program, stage: &program::Stage) -> (StoredMap, StageOutput) {
    let channels = stage.plan.output.channels;
    let map = StoredMap {
        first_cell: 0,
        height: 1,
        width: stage.plan.output.width,
        channels,
        pixel_cells: channels.next_multiple_of(32 / program.activation_bits),
    };
    (map, StageOutput::Strip)
}

/// The stage with that index, which puts its outputs into the strip, and the pooling that takes them
/// in: one stage where that finds the maxima of sums, and what is then still to be done.
pub(super) fn pooled(
    program: &Program,
    ((layer, index), timing): ((Convolution, usize), AxisTiming),
    pooling: &program::Stage,
) -> Result<Vec<Stage>, Reason> {
    let stage = |(layer, timing)| Stage {
        timing,
        layer: StageLayer::Convolution(Box::new(layer)),
    };
    let operation = pooling.operation.pooling().ok_or(Reason::Streamed)?;
    let windows = windows_of(pooling)?;
    let Some(of_maxima) = with_maxima(program, (&layer, timing), (pooling, windows)) else {
        let input = (StageInput::Strip, Some(index));
        let taking = taking_rows(program, (pooling, operation), input)?;
        return Ok(vec![stage((layer, timing)), taking]);
    };
    let mut stages = vec![stage((of_maxima, timing))];
    match pooling.plan.sink {
        Sink::Stays => {}
        Sink::Ring(_) | Sink::Map { .. } | Sink::Windows { .. } | Sink::Results(_) => {
            let ring = ring_of_windows(windows, pooling.plan.output.width)?;
            stages.push(moving(program, pooling, ring)?);
        }
    }
    Ok(stages)
}

/// A pooling of a map that is stored, or of the windows of another one.
pub(super) fn alone(
    program: &Program,
    stage: &program::Stage,
    pooling: Pooling,
    sources: &Sources,
) -> Result<Stage, Reason> {
    let input = sources.of_rows(program, stage)?;
    taking_rows(program, (stage, pooling), (StageInput::Ring(input), None))
}

/// The windows of a pooling, which touch and do not overlap.
fn windows_of(pooling: &program::Stage) -> Result<Windows, Reason> {
    let windows = pooling.plan.windows().ok_or(Reason::Streamed)?;
    match pooling.field.is_tiled() && is_a_row(windows, pooling.plan.output.width) {
        true => Ok(windows),
        false => Err(Reason::Streamed),
    }
}

/// The row of windows itself, of which each has the activations of its pixel.
fn map_of(windows: Windows) -> StoredMap {
    StoredMap {
        first_cell: windows.first_cell,
        height: 1,
        width: windows.count,
        channels: windows.channels,
        pixel_cells: windows.window_cells(),
    }
}

/// A convolution that finds the maxima of its rows, in windows; those of the rows above are
/// activations. `None` where it can't, or where these are none.
fn with_maxima(
    program: &Program,
    (layer, timing): (&Convolution, AxisTiming),
    (pooling, windows): (&program::Stage, Windows),
) -> Option<Convolution> {
    let is_maximum = match pooling.operation.pooling() {
        Some(Pooling::Maximum) => true,
        Some(Pooling::Average(_)) | None => false,
    };
    let columns = pooling.field.kernel.width;
    let lanes = match (layer.lanes, columns) {
        (2, 2) => 2,
        (_, _) => 1,
    };
    // An activation is compared as the sum that it would be.
    let sum_bits = 32 / lanes;
    let bits = layer.bits + u32::from(layer.weights.right);
    // Weights that are loaded have shifts that are not known.
    let is_known = layer.pointwise.is_none() && layer.weights.loaded.is_none();
    // Of what is joined, sums are not compared with those of the rows above.
    let is_sum = layer.reduction == Reduction::Weighted && layer.joined.is_empty();
    if !(is_maximum && is_known && is_sum && bits < sum_bits) {
        return None;
    }
    let expectation = program.expectations[pooling.plan.node].clone();
    let output = StageOutput::Windows(StoredWindows {
        first_cell: windows.first_cell,
        rows: pooling.field.kernel.height,
        timing,
    });
    Some(Convolution {
        computed: (1, pooling.plan.output.width * columns),
        output: map_of(windows),
        lanes,
        pooled: Some(Pooled { rows: 1, columns }),
        expectation_of_outputs: Some(Box::new(expectation)),
        stage: layer.stage.map(|rows| StageRows { output, ..rows }),
        ..layer.clone()
    })
}

/// A row of windows that are complete goes to where they are read: each is a maximum of a pixel.
fn moving(
    program: &Program,
    pooling: &program::Stage,
    windows: StoredRing,
) -> Result<Stage, Reason> {
    let input = (StageInput::Ring(windows), None);
    let base = field_of(program, pooling, (input, row_outputs(program, pooling)?));
    let layer = Convolution {
        reduction: Reduction::Maximum,
        form: Form::Unrolled,
        input: StoredMap {
            height: 1,
            width: windows.width,
            ..base.input
        },
        kernel: (1, 1),
        stride: (1, 1),
        ..base
    };
    Ok(Stage {
        timing: pooling.plan.timing.rows,
        layer: StageLayer::Convolution(Box::new(layer)),
    })
}

/// A pooling that takes a row of activations in.
fn taking_rows(
    program: &Program,
    (stage, pooling): (&program::Stage, Pooling),
    input: (StageInput, Option<usize>),
) -> Result<Stage, Reason> {
    let windows = windows_of(stage)?;
    let output = match stage.plan.sink {
        Sink::Stays => {
            let output = StageOutput::Windows(StoredWindows {
                first_cell: windows.first_cell,
                rows: 1,
                timing: stage.plan.timing.rows,
            });
            (map_of(windows), output)
        }
        Sink::Ring(_) | Sink::Map { .. } | Sink::Windows { .. } | Sink::Results(_) => {
            row_outputs(program, stage)?
        }
    };
    let timing = stage.plan.input_timing.rows;
    let base = field_of(program, stage, (input, output));
    let (reduction, right) = reduction::of(stage.plan.node, pooling, base.bits)?;
    let rows = base.kernel.0;
    let waiting = (rows > 1).then(|| WaitingWindows {
        first_cell: windows.first_cell,
        cells: windows.window_cells(),
        bytes_each: match pooling {
            Pooling::Maximum => None,
            Pooling::Average(_) => Some(windows.bytes_per_value()),
        },
        rows,
        timing,
    });
    let layer = Convolution {
        reduction,
        weights: Weights::none(base.output.channels, right),
        form: Form::Unrolled,
        // Of a window, a row is there at once.
        kernel: (1, base.kernel.1),
        stride: (1, base.stride.1),
        input: StoredMap {
            height: 1,
            ..base.input
        },
        stage: base.stage.map(|rows| StageRows { waiting, ..rows }),
        ..base
    };
    Ok(Stage {
        timing,
        layer: StageLayer::Convolution(Box::new(layer)),
    })
}
