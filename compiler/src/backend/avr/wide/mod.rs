//! Recurrent cells, projections, trees and prototypes, and dense layers that read states: what
//! there is machine code for, and that code. Networks with other wide values have portable code.
//!
//! | file | |
//! | --- | --- |
//! | `products.rs`, `shifting.rs` | sums in registers, a few outputs at once |
//! | `multiply.rs` | products of two bytes |
//! | `saturate.rs` | from sums to values of 16 bits |
//! | `cell.rs`, `cell_step.rs`, `factor.rs`, `mixing.rs`, `tangent.rs` | recurrent cells |
//! | `dense.rs` | a dense layer that reads the last state |
//! | `projected.rs`, `stored_projection.rs` | projections; those of a map that is stored |
//! | `projection.rs`, `kept_products.rs` | those to which the pixels of a map add as they arrive |
//! | `scores.rs`, `tree.rs`, `prototypes.rs` | what makes scores of projected values |

mod cell;
mod cell_step;
mod dense;
mod factor;
mod kept_products;
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
mod stored_projection;
mod tangent;
mod tree;

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::part::{LayerPart, parts};
use crate::network::{Element, NodeId};
use crate::plan::Arrival;
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
    Tree(TreeCode<'a>),
    Prototypes(PrototypesCode<'a>),
}

impl<'a> WideCode<'a> {
    /// `None` where there is none.
    fn of(program: &'a Program, part: LayerPart<'a>) -> Option<Self> {
        if program.activation_bits != 8 || program.weight_bits != 8 {
            return None;
        }
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
            Element::Activation => match part {
                LayerPart::Stage(_, stage) => {
                    let code = ProjectionCode::of(program, stage, sum)?;
                    Some(Self::Projection(code))
                }
                LayerPart::Step(step) => {
                    let code = StoredProjection::of(program, step, sum)?;
                    Some(Self::StoredProjection(code))
                }
            },
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

/// The function of a layer that reads or makes wide values; `None` of all others.
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
    let mut asm = match part {
        LayerPart::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        LayerPart::Stage(..) | LayerPart::Step(_) => Assembly::new(core),
    };
    let form = match part.can_be_unrolled() {
        true => form,
        false => CodeForm::Table,
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

/// The first byte, in the network's value, of the `pixels` pixels that a stage takes in at once, if
/// they are in order: in a ring that holds just these, or as a map that is stored whole.
fn taken_byte(program: &Program, stage: &Stage, pixels: u32) -> Option<u32> {
    match stage.plan.arrival {
        Arrival::Ring(reading) if reading.ring.pixels == pixels => {
            Some(program.cursor_bytes + reading.ring.first_cell)
        }
        Arrival::Map(reading) => {
            let map = program.map(reading.value);
            let is_whole = map.shape.pixels() == pixels && is_in_order(map);
            is_whole.then_some(program.cursor_bytes + map.first_cell)
        }
        Arrival::Ring(_) | Arrival::Bytes | Arrival::Window(_) | Arrival::Values => None,
    }
}

/// Whether the values of a map follow one another row by row.
fn is_in_order(map: &Map) -> bool {
    map.addressing == Addressing::Affine && !map.wraps()
}
