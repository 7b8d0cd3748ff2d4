//! Recurrent cells, projections, trees and prototypes, and dense layers that read states: what
//! there is machine code for, and that code. Networks with other wide values have portable code.

mod cell;
mod dense;
mod kept_products;
mod mixing;
mod products;
mod projection;
mod prototypes;
mod saturate;
mod scores;
mod tree;

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::part::{LayerPart, parts};
use crate::network::{Element, NodeId};
use crate::plan::Arrival;
use crate::program::{Operation, Program, Stage, WeightedSum};
use cell::CellCode;
use dense::WideDense;
use projection::ProjectionCode;
use prototypes::PrototypesCode;
use tree::TreeCode;

/// The code of a layer that reads or makes wide values.
enum WideCode<'a> {
    Cell(CellCode<'a>),
    Dense(WideDense<'a>),
    Projection(ProjectionCode<'a>),
    Tree(TreeCode<'a>),
    Prototypes(PrototypesCode<'a>),
}

impl<'a> WideCode<'a> {
    /// `None` where there is none.
    fn of(program: &'a Program, core: Core, part: LayerPart<'a>) -> Option<Self> {
        if !core.multiplies || program.activation_bits != 8 || program.weight_bits != 8 {
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
            Element::Activation => {
                let LayerPart::Stage(_, stage) = part else {
                    return None;
                };
                let code = ProjectionCode::of(program, stage, sum)?;
                Some(Self::Projection(code))
            }
        }
    }

    fn emit(&self, asm: &mut Assembly, form: CodeForm) {
        match self {
            Self::Cell(cell) => cell.emit(asm),
            Self::Dense(dense) => dense.emit(asm),
            Self::Projection(projection) => projection.emit(asm, form),
            Self::Tree(tree) => tree.emit(asm),
            Self::Prototypes(prototypes) => prototypes.emit(asm),
        }
    }
}

/// The first node that reads or makes wide values and for which there is no assembly: then the
/// network has portable code.
pub fn without_code(program: &Program, core: Core) -> Option<NodeId> {
    let parts = parts(program).into_iter();
    let mut wide = parts.filter(|part| part.operation().is_wide());
    let unwritten = wide.find(|&part| WideCode::of(program, core, part).is_none())?;
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
    let code = WideCode::of(program, core, part);
    let code = code.expect("such a network has portable code");
    let mut asm = match part {
        LayerPart::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        LayerPart::Stage(..) | LayerPart::Step(_) => Assembly::new(core),
    };
    code.emit(&mut asm, form);
    Some(asm.finish(FunctionId::Layer(part.node())))
}

/// A stage that computes as the input arrives.
fn arriving<'a>(part: LayerPart<'a>) -> Option<&'a Stage> {
    match part {
        LayerPart::Stage(segment, stage) => segment.arriving.then_some(stage),
        LayerPart::Step(_) => None,
    }
}

/// The byte of the network's value at which the ring begins that a stage reads, if that holds as
/// many pixels and no more, so that they are in order.
fn ring_byte(program: &Program, stage: &Stage, pixels: u32) -> Option<u32> {
    match stage.plan.arrival {
        Arrival::Ring(reading) if reading.ring.pixels == pixels => {
            Some(program.cursor_bytes + reading.ring.first_cell)
        }
        Arrival::Ring(_)
        | Arrival::Bytes
        | Arrival::Window(_)
        | Arrival::Values
        | Arrival::Map(_) => None,
    }
}
