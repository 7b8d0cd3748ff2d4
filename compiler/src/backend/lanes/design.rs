//! Which programs this backend writes down, as layers with numbers: the one place that
//! decides it. All others are portable code, whose flash is not known.

use super::arriving;
use super::form::Form;
use super::frame;
use super::input::Intake;
use super::layer::{
    Convolution, Dense, DenseOutputs, Emission, Layer, Pooled, Reduction, StoredMap, Weights,
};
use super::reason::Reason;
use super::reduction;
use super::stage::Stage;
use super::stage_frame;
use super::strip::Strip;
use super::weighted::{as_it_is, constants, is_loaded, lanes_of, loaded, of_loaded, weighted};
use crate::network::{NodeId, ReceptiveField, Shape};
use crate::plan::{Order, Place, SumArray};
use crate::program::{self, Finish, Map, Pooling, Program, ResultInteger, Step};

/// A program that this backend writes down.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    pub(crate) cursor_bytes: u32,
    /// Where the cursor's positions begin.
    pub(crate) positions_first_byte: u32,
    pub(crate) bits: u32,
    pub(crate) intake: Intake,
    /// What is computed as the input arrives.
    pub(crate) stages: Vec<Stage>,
    /// Rows of the first map, and those below it at which a stage still computes.
    pub(crate) grid_rows: u32,
    pub(crate) layers: Vec<Layer>,
}

impl Design {
    /// What the network's address has to be a multiple of.
    pub(crate) fn alignment(&self) -> u32 {
        let rows = self.stages.iter().filter_map(Stage::output_pairs);
        rows.map(|rows| rows.alignment()).max().unwrap_or(1)
    }
}

/// The layers of a program, each with the form of its code, for a core that has that many
/// registers for sums.
pub(crate) fn of(
    program: &Program,
    form_of: impl Fn(NodeId) -> Form,
    registers: usize,
) -> Result<Design, Reason> {
    let has_segments = program.segments().any(|segment| !segment.arriving);
    if has_segments {
        return Err(Reason::Streamed);
    }
    let stages = arriving::stages(program, &form_of, registers)?;
    if let Some(first) = stages.first()
        && !stage_frame::fits(&stages)
    {
        return Err(Reason::Rows(first.node()));
    }
    let results = results(program)?;
    let steps: Vec<&Step> = program.steps().collect();
    let mut layers: Vec<Layer> = Vec::new();
    let mut index = 0;
    while let Some(&step) = steps.get(index) {
        index += 1;
        let form = form_of(step.node);
        let (layer, taken) = layer_of(program, (step, form), steps.get(index).copied())?;
        index += taken;
        if let Layer::Convolution(layer) = &layer
            && !fits_frame(layer)
        {
            return Err(Reason::Rows(layer.node));
        }
        layers.push(layer);
    }
    layers.extend(results);
    Ok(Design {
        cursor_bytes: program.cursor_bytes,
        positions_first_byte: program.cursor_pixel_bytes,
        bits: program.activation_bits,
        intake: Intake::of(program)?,
        stages,
        grid_rows: program
            .arriving()
            .grid
            .height
            .max(program.intake.output.height),
        layers,
    })
}

/// The maps of results; none where a layer gives them.
fn results(program: &Program) -> Result<Vec<Layer>, Reason> {
    match program.results.integer {
        ResultInteger::Sum(_) => {}
        ResultInteger::Byte => return Err(Reason::Results),
    }
    match program.place_of_results() {
        Place::Nowhere => return Ok(Vec::new()),
        Place::Whole(_) => {}
        Place::Sums(sums) => return kept_sums(program, sums),
        Place::Ring(_) | Place::Windows(_) => return Err(Reason::Results),
    }
    let mut first_result = 0;
    let mut emissions = Vec::new();
    for output in program.outputs() {
        let map = program.map(output);
        let stored = stored(map, program)?;
        emissions.push(Layer::Results(Emission {
            map: stored,
            bits: program.activation_bits,
            signed: map.signed,
            first_result,
            bytes_each: program.results.integer.bytes(),
        }));
        first_result += stored.cells();
    }
    Ok(emissions)
}

/// Sums that are the results, as they were kept.
fn kept_sums(program: &Program, sums: SumArray) -> Result<Vec<Layer>, Reason> {
    match sums.bytes_each == program.results.integer.bytes() {
        true => Ok(vec![Layer::Sums(sums)]),
        false => Err(Reason::Results),
    }
}

/// Whether a frame holds the rows that a layer reads at once, and loads reach its slots.
fn fits_frame(layer: &Convolution) -> bool {
    let strip = Strip::of(layer);
    strip.infer_bytes() <= frame::MOST_BYTES && strip.slots_bytes(layer) <= frame::MOST_SLOTS_BYTES
}

/// A map that lies row by row, from a byte on.
pub(super) fn stored(map: &Map, program: &Program) -> Result<StoredMap, Reason> {
    let is_at_byte = map.first_cell.is_multiple_of(8 / program.activation_bits);
    match map.addressing {
        program::Addressing::Affine if is_at_byte => Ok(StoredMap {
            first_cell: map.first_cell,
            height: map.shape.height,
            width: map.shape.width,
            channels: map.shape.channels,
            pixel_cells: map.shape.channels,
        }),
        program::Addressing::Affine | program::Addressing::Table(_) => Err(Reason::Order),
    }
}

/// The layer of a step, and how many of those after it are part of it.
fn layer_of(
    program: &Program,
    (step, form): (&Step, Form),
    next: Option<&Step>,
) -> Result<(Layer, usize), Reason> {
    use program::Operation;
    let node = step.node;
    if !step.order.goes_row_by_row() {
        return Err(Reason::Order);
    }
    if step.operation.is_wide() {
        return Err(Reason::Operation(node));
    }
    let map = program.map(step.input);
    let input = stored(map, program)?;
    let bits = program.activation_bits;
    match &step.operation {
        Operation::Convolution(_) | Operation::Depthwise(_) | Operation::Separable { .. } => {
            let field = field_of(program, step)?;
            let layer = weighted(program, field, (&step.operation, form))?;
            Ok(alone_or_pooled(program, layer, step, next))
        }
        Operation::Pool(pooling) => {
            let layer = pooling_of(program, step, *pooling)?;
            Ok((Layer::Convolution(Box::new(layer)), 0))
        }
        Operation::Concat => {
            let layer = concatenation_of(program, step)?;
            Ok((Layer::Convolution(Box::new(layer)), 0))
        }
        Operation::Dense(sum) => {
            let outputs = match (sum.finish, step.stores) {
                (Finish::Exact, false) => DenseOutputs::Results(program.results.integer.bytes()),
                (Finish::Relu | Finish::Signed, true) => {
                    DenseOutputs::Map(stored(program.map(step.writes), program)?.first_cell)
                }
                (Finish::Wide, _) => return Err(Reason::Operation(node)),
                (Finish::Exact, true) | (Finish::Relu | Finish::Signed, false) => {
                    return Err(Reason::Results);
                }
            };
            let joined = match step.joined.first() {
                Some(&value) => {
                    let map = program.map(value);
                    Some((stored(map, program)?.first_cell, map.signed))
                }
                None => None,
            };
            let is_loaded = is_loaded(sum);
            let form = if is_loaded { of_loaded(form) } else { form };
            let weights = match is_loaded {
                true => {
                    let signed_joined = joined.is_some_and(|(_, signed)| signed);
                    loaded(program, node, (sum, sum), [map.signed, signed_joined])?
                }
                false => {
                    let weights = Weights::new(constants(node, sum, bits)?, sum);
                    match (map.signed, form) {
                        (true, Form::TableByWords | Form::TableByValues) => {
                            weights.without_offset(bits)
                        }
                        (true, Form::UnrolledByTwoRows | Form::Unrolled) | (false, _) => weights,
                    }
                }
            };
            let layer = Dense {
                node,
                weights,
                input,
                bits,
                expectation: program.expectations[node].clone(),
                // Of weights that are loaded, values are taken as they are.
                signed_inputs: map.signed && !is_loaded,
                signed_outputs: sum.finish == Finish::Signed,
                form,
                lanes: lanes_of(sum),
                joined,
                outputs,
            };
            Ok((Layer::Dense(Box::new(layer)), 0))
        }
        Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => Err(Reason::Operation(node)),
    }
}

/// The layer, with the pooling after it if that is done with it; and how many steps that is
/// more.
fn alone_or_pooled(
    program: &Program,
    layer: Convolution,
    step: &Step,
    next: Option<&Step>,
) -> (Layer, usize) {
    let is_separable = layer.pointwise.is_some();
    let pooled = next
        .filter(|_| !is_separable)
        .and_then(|next| pooled(program, &layer, step, next));
    match pooled {
        Some(pooled) => (Layer::Convolution(Box::new(pooled)), 1),
        None => (Layer::Convolution(Box::new(layer)), 0),
    }
}

/// The fields of a step, without weights.
fn field_of(program: &Program, step: &Step) -> Result<Convolution, Reason> {
    let field = &step.field;
    let is_exact = step
        .operation
        .sums()
        .last()
        .is_some_and(|sum| sum.finish == Finish::Exact);
    let Shape {
        height,
        width,
        channels,
    } = step.output;
    let output = match (step.stores, is_exact) {
        (true, _) => stored(program.map(step.writes), program)?,
        (false, true) => StoredMap {
            first_cell: 0,
            height,
            width,
            channels,
            pixel_cells: channels,
        },
        (false, false) => return Err(Reason::Results),
    };
    let mut layer = Convolution {
        node: step.node,
        reduction: Reduction::Weighted,
        weights: Weights::none(output.channels, 0),
        input: stored(program.map(step.input), program)?,
        computed: (field.outputs.height, field.outputs.width),
        output,
        kernel: (field.kernel.height, field.kernel.width),
        stride: (field.stride.rows, field.stride.columns),
        padding: (field.top, field.left),
        pooled: None,
        pointwise: None,
        joined: Vec::new(),
        form: Form::TableByValues,
        sum_lanes: 1,
        backward: match step.order {
            Order::RowMajor | Order::Herringbone => false,
            Order::RowMajorBackward => true,
        },
        lanes: 1,
        expectation: program.expectations[step.node].clone(),
        expectation_of_outputs: None,
        signed_inputs: program.map(step.input).signed,
        signed_outputs: program.signed[step.writes],
        is_by_parts: false,
        exact_bytes: (!step.stores).then(|| program.results.integer.bytes()),
        bits: program.activation_bits,
        stage: None,
    };
    let joined = step.joined.iter().map(|&value| program.map(value));
    let joined = joined.map(|map| Ok(layer.of_pixels(stored(map, program)?, map.signed)));
    layer.joined = joined.collect::<Result<_, _>>()?;
    Ok(layer)
}

/// The channels of several maps, one after the other, as they are stored.
fn concatenation_of(program: &Program, step: &Step) -> Result<Convolution, Reason> {
    let layer = field_of(program, step)?;
    Ok(as_it_is(Convolution {
        reduction: Reduction::Maximum,
        form: Form::Unrolled,
        ..layer
    }))
}

/// A pooling of its own.
fn pooling_of(program: &Program, step: &Step, pooling: Pooling) -> Result<Convolution, Reason> {
    let layer = field_of(program, step)?;
    let (reduction, right) = reduction::of(step.node, pooling, layer.bits)?;
    let layer = Convolution {
        reduction,
        weights: Weights::none(layer.output.channels, right),
        form: Form::Unrolled,
        ..layer
    };
    let rows_are_apart = layer.stride.0 == layer.kernel.0 || layer.computed.0 == 1;
    Ok(Convolution {
        is_by_parts: rows_are_apart && !fits_frame(&layer),
        ..layer
    })
}

/// The convolution together with the pooling after it: the largest of some sums rounds
/// to the largest of their activations. Outputs are then stored earlier than the plan
/// says, and must not lie where inputs are that are still to be taken in.
fn pooled(program: &Program, layer: &Convolution, step: &Step, next: &Step) -> Option<Convolution> {
    let is_maximum = match &next.operation {
        program::Operation::Pool(pooling) => *pooling == Pooling::Maximum,
        program::Operation::Convolution(_)
        | program::Operation::Depthwise(_)
        | program::Operation::Separable { .. }
        | program::Operation::Dense(_)
        | program::Operation::Concat
        | program::Operation::Recurrent(_)
        | program::Operation::Tree(_)
        | program::Operation::Prototypes(_)
        | program::Operation::Quantised(_)
        | program::Operation::Rearrange(_) => false,
    };
    let field: &ReceptiveField = &next.field;
    if !is_maximum
        || !field.is_tiled()
        || !field.kernel.width.is_multiple_of(layer.lanes)
        || layer.lanes == 2 && field.kernel.width != 2
        || next.input != step.writes
        || layer.weights.loaded.is_some()
        || !step.joined.is_empty()
        || !next.joined.is_empty()
        || program.is_read_twice(step.writes)
    {
        return None;
    }
    let mut layer = Convolution {
        computed: (
            field.outputs.height * field.kernel.height,
            field.outputs.width * field.kernel.width,
        ),
        output: stored(program.map(next.writes), program).ok()?,
        pooled: Some(Pooled {
            rows: field.kernel.height,
            columns: field.kernel.width,
        }),
        ..layer.clone()
    };
    if !fits_frame(&layer) {
        return None;
    }
    [false, true].into_iter().find_map(|backward| {
        layer.backward = backward;
        keeps_its_inputs(&layer).then(|| layer.clone())
    })
}

/// Whether no output lies where rows of inputs are that are not yet taken in.
fn keeps_its_inputs(layer: &Convolution) -> bool {
    let strip = Strip::of(layer);
    let (input, output) = (&layer.input, &layer.output);
    (0..strip.steps_with_outputs).all(|step| {
        let row = match layer.backward {
            false => step,
            true => strip.steps_with_outputs - 1 - step,
        };
        let first = output.first_cell + row * output.row_cells();
        let end = first + output.row_cells();
        let left = strip.rows_left(layer, step);
        let left_first = input.first_cell + left.start * input.row_cells();
        let left_end = input.first_cell + left.end * input.row_cells();
        left.is_empty() || end <= left_first || left_end <= first
    })
}
