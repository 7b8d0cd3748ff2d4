//! Recurrent cells, projections, trees and prototypes, and dense layers that read states: what
//! there is machine code for, and that code. Networks with other wide values have portable code.
//!
//! | file | |
//! | --- | --- |
//! | `weights.rs` | how weights are read: bytes or packed, of tables in flash or loaded with the network |
//! | `products.rs`, `shifting.rs` | sums in registers, a few outputs at once |
//! | `multiply.rs` | products of two bytes |
//! | `saturate.rs`, `loaded.rs` | from sums to values of 16 bits, where shifts are known and where they are loaded |
//! | `cell.rs`, `step_input.rs`, `factor.rs`, `tangent.rs` | recurrent cells |
//! | `cell_step.rs`, `mixing.rs` | their steps, and `loaded_step.rs`, `loaded_mixing.rs` those of parameters that are loaded |
//! | `dense.rs`, `dense_steps.rs`, `loaded_dense.rs` | a dense layer that reads states: of the last step, or of each |
//! | `projected.rs`, `stored_projection.rs` | projections of bytes by weights in the code; those of a map that is stored |
//! | `projection.rs`, `kept_products.rs` | those to which the pixels of a map add as they arrive, but for tables of packed weights |
//! | `scores.rs`, `tree.rs`, `heap.rs`, `prototypes.rs` | what makes scores of projected values |
//!
//! Other projections are sums like any layer's (`kernels/table/`).

mod cell;
mod cell_step;
mod dense;
mod dense_steps;
mod factor;
mod heap;
mod kept_products;
mod loaded;
mod loaded_dense;
mod loaded_mixing;
mod loaded_step;
mod mixing;
mod multiply;
mod offset;
mod products;
mod projected;
mod projection;
mod prototypes;
mod saturate;
mod scores;
mod shifting;
mod step_input;
mod stored_projection;
mod tangent;
mod tree;
mod weights;

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::part::{LayerPart, parts};
use crate::network::{Element, NodeId};
use crate::plan::{Arrival, Sink};
use crate::program::{Addressing, Map, Operation, Program, Stage, WeightedSum};
use cell::CellCode;
use dense::WideDense;
use projection::ProjectionCode;
use prototypes::PrototypesCode;
use stored_projection::StoredProjection;
use tree::TreeCode;

/// The code of a layer that reads or makes wide values.
enum WideCode<'a> {
    Cell(CellCode<'a>),
    Dense(WideDense<'a>),
    Projection(ProjectionCode<'a>),
    StoredProjection(StoredProjection<'a>),
    /// A projection that has the code of a dense layer.
    Sums,
    Tree(TreeCode<'a>),
    Prototypes(PrototypesCode<'a>),
}

impl<'a> WideCode<'a> {
    /// `None` where there is none.
    fn of(program: &'a Program, part: LayerPart<'a>) -> Option<Self> {
        match part.operation() {
            Operation::Recurrent(it) => {
                let stage = arriving(part)?;
                Some(Self::Cell(CellCode::of(program, stage, it)?))
            }
            Operation::Dense(sum) => Self::of_sum(program, part, sum),
            Operation::Tree(it) => Some(Self::Tree(TreeCode::of(program, part, it)?)),
            Operation::Prototypes(it) => {
                Some(Self::Prototypes(PrototypesCode::of(program, part, it)?))
            }
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => None,
        }
    }

    fn of_sum(program: &'a Program, part: LayerPart<'a>, sum: &'a WeightedSum) -> Option<Self> {
        match sum.reads {
            Element::Wide => {
                let stage = arriving(part)?;
                Some(Self::Dense(WideDense::of(program, stage, sum)?))
            }
            Element::Activation => {
                let of_bytes = program.activation_bits == 8 && sum.parameters.constant().is_some();
                match part {
                    LayerPart::Stage(_, stage) if of_bytes => {
                        let code = ProjectionCode::of(program, stage, sum)?;
                        Some(Self::Projection(code))
                    }
                    LayerPart::Step(step) if of_bytes => {
                        let code = StoredProjection::of(program, step, sum)?;
                        Some(Self::StoredProjection(code))
                    }
                    LayerPart::Stage(..) | LayerPart::Step(_) => {
                        fits_dense(program, part).then_some(Self::Sums)
                    }
                }
            }
        }
    }

    /// Whether it has the function of a dense layer in that form.
    fn is_like_dense(&self, form: CodeForm) -> bool {
        match self {
            Self::Sums => true,
            Self::Projection(projection) => !projection.has(form),
            Self::Cell(_)
            | Self::Dense(_)
            | Self::StoredProjection(_)
            | Self::Tree(_)
            | Self::Prototypes(_) => false,
        }
    }

    fn emit(&self, asm: &mut Assembly, form: CodeForm) {
        match self {
            Self::Cell(cell) => cell.emit(asm),
            Self::Dense(dense) => dense.emit(asm),
            Self::Projection(projection) => projection.emit(asm, form),
            Self::StoredProjection(projection) => projection.emit(asm),
            Self::Tree(tree) => tree.emit(asm),
            Self::Prototypes(prototypes) => prototypes.emit(asm),
            Self::Sums => unreachable!("it has the function of a dense layer"),
        }
    }
}

/// Whether the kernels of dense layers read a projection's map and store its values.
fn fits_dense(program: &Program, part: LayerPart<'_>) -> bool {
    match part {
        LayerPart::Step(step) => {
            let to = program.map(step.writes);
            let begins_byte = first_byte(program, to.first_cell).is_some();
            step.stores && step.joined.is_empty() && is_in_order(to) && begins_byte
        }
        LayerPart::Stage(_, stage) => {
            let is_found = match stage.plan.arrival {
                Arrival::Ring(_) | Arrival::Window(_) | Arrival::Map(_) => true,
                Arrival::Bytes | Arrival::Values => false,
            };
            let first_cell = match stage.plan.sink {
                Sink::Ring(ring) => Some(ring.first_cell),
                Sink::Map { value, position: _ } => Some(program.map(value).first_cell),
                Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => None,
            };
            let first_byte = first_cell.and_then(|cell| first_byte(program, cell));
            is_found
                && stage.plan.takes
                && stage.plan.joined.is_empty()
                && stage.plan.sums().is_some()
                && first_byte.is_some()
        }
    }
}

/// The first node that reads or makes wide values and for which there is no assembly: then the
/// network has portable code.
pub fn without_code(program: &Program) -> Option<NodeId> {
    let parts = parts(program).into_iter();
    let mut wide = parts.filter(|part| part.operation().is_wide());
    let unwritten = wide.find(|&part| WideCode::of(program, part).is_none())?;
    Some(unwritten.node())
}

/// The function of a layer that reads or makes wide values; `None` of all others, and of those that
/// have the function of a dense layer.
///
/// # Panics
/// Where [`without_code`] names a node.
pub(crate) fn emit(
    program: &Program,
    core: Core,
    part: LayerPart<'_>,
    form: CodeForm,
) -> Option<Function> {
    if !part.operation().is_wide() {
        return None;
    }
    let code = WideCode::of(program, part);
    let code = code.expect("such a network has portable code");
    let form = match part.can_be_unrolled(program) {
        true => form,
        false => CodeForm::Table,
    };
    if code.is_like_dense(form) {
        return None;
    }
    let mut asm = match part {
        LayerPart::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        LayerPart::Stage(..) | LayerPart::Step(_) => Assembly::new(core),
    };
    code.emit(&mut asm, form);
    multiply::write_routine(&mut asm);
    Some(asm.finish(FunctionId::Layer(part.node())))
}

/// A stage that computes as the input arrives.
fn arriving<'a>(part: LayerPart<'a>) -> Option<&'a Stage> {
    match part {
        LayerPart::Stage(segment, stage) => segment.arriving.then_some(stage),
        LayerPart::Step(_) => None,
    }
}

/// The byte, in the network's value, that begins with a cell of the arena.
fn first_byte(program: &Program, cell: u32) -> Option<u32> {
    let bits = cell * program.activation_bits;
    bits.is_multiple_of(8)
        .then_some(program.cursor_bytes + bits / 8)
}

/// The first cell of the `pixels` pixels that a stage takes in at once, if they are in order: in a
/// ring that holds just these, or as a map that is stored whole.
fn taken_cell(program: &Program, stage: &Stage, pixels: u32) -> Option<u32> {
    match stage.plan.arrival {
        Arrival::Ring(reading) if reading.ring.pixels == pixels => Some(reading.ring.first_cell),
        Arrival::Map(reading) => {
            let map = program.map(reading.value);
            let is_whole = map.shape.pixels() == pixels && is_in_order(map);
            is_whole.then_some(map.first_cell)
        }
        Arrival::Ring(_) | Arrival::Bytes | Arrival::Window(_) | Arrival::Values => None,
    }
}

/// The same as a byte of the network's value, which begins with it.
fn taken_byte(program: &Program, stage: &Stage, pixels: u32) -> Option<u32> {
    first_byte(program, taken_cell(program, stage, pixels)?)
}

/// Whether the values of a map follow one another row by row.
fn is_in_order(map: &Map) -> bool {
    map.addressing == Addressing::Affine && !map.wraps()
}
