//! Recurrent cells, and dense layers that read their states: what there is machine code for, and
//! that code. Networks with other wide values have portable code.

mod cell;
mod dense;
mod mixing;
mod products;

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::part::{LayerPart, parts};
use crate::network::NodeId;
use crate::plan::Arrival;
use crate::program::{Operation, Program, Stage};
use cell::CellCode;
use dense::WideDense;

/// The first node that reads or makes wide values and for which there is no assembly: then the
/// network has portable code.
pub fn without_code(program: &Program, core: Core) -> Option<NodeId> {
    let mut wide = parts(program)
        .into_iter()
        .filter(|part| part.operation().is_wide());
    let unwritten = wide.find(|&part| !is_written(program, core, part))?;
    Some(unwritten.node())
}

fn is_written(program: &Program, core: Core, part: LayerPart<'_>) -> bool {
    let LayerPart::Stage(segment, stage) = part else {
        return false;
    };
    if !core.multiplies || program.activation_bits != 8 || program.weight_bits != 8 {
        return false;
    }
    match &stage.operation {
        Operation::Recurrent(it) => segment.arriving && CellCode::of(program, stage, it).is_some(),
        Operation::Dense(sum) => segment.arriving && WideDense::of(program, stage, sum).is_some(),
        Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Pool(_)
        | Operation::Concat
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => false,
    }
}

/// The function of a layer that reads or makes wide values; `None` of all others.
///
/// # Panics
/// Where [`without_code`] names a node.
pub(crate) fn emit(program: &Program, core: Core, part: LayerPart<'_>) -> Option<Function> {
    let operation = part.operation();
    if !operation.is_wide() {
        return None;
    }
    let written = "such a network has portable code";
    let LayerPart::Stage(segment, stage) = part else {
        unreachable!("{written}");
    };
    let mut asm = match segment.arriving {
        true => Assembly::streamed(core),
        false => Assembly::new(core),
    };
    match operation {
        Operation::Recurrent(it) => {
            let cell = CellCode::of(program, stage, it).expect(written);
            cell.emit(&mut asm);
        }
        Operation::Dense(sum) => {
            let dense = WideDense::of(program, stage, sum).expect(written);
            dense.emit(&mut asm);
        }
        Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Pool(_)
        | Operation::Concat
        | Operation::Quantised(_)
        | Operation::Rearrange(_) => unreachable!("{written}"),
    }
    Some(asm.finish(FunctionId::Layer(part.node())))
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
