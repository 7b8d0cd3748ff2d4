//! `infer`: computes the results from a complete input, layer by layer.

use super::assembly::{Assembled, Assembly};
use super::design::Design;
use super::form::Form;
use super::isa::{InstructionSet, Operation};
use super::layer::Layer;
use super::strip::{Strip, add_constant};
use super::{convolution, dense, dense_table, emission, frame};

/// Bytes of the frame.
pub(crate) fn frame_bytes(isa: &dyn InstructionSet, layers: &[Layer]) -> u32 {
    let bytes = layers.iter().map(|layer| match layer {
        Layer::Convolution(layer) => {
            let strip = Strip::of(layer);
            strip.infer_bytes()
        }
        Layer::Dense(_) | Layer::Results(_) | Layer::Sums(_) => frame::STRIP,
    });
    let bytes = bytes.max().unwrap_or(frame::STRIP);
    bytes.next_multiple_of(isa.stack_alignment())
}

/// `infer(network, results)`; the parts of the code are the layers, each by its node.
pub(crate) fn emit(isa: &dyn InstructionSet, design: &Design) -> Assembled {
    let mut asm = Assembly::new(isa);
    let frame = frame_bytes(isa, &design.layers) as i32;
    let [network, results] = isa.arguments();
    asm.instructions(isa.save());
    asm.emit(Operation::AddToStackPointer(-frame));
    asm.emit(Operation::StoreSlot(results, frame::RESULTS));
    add_constant(&mut asm, network, design.cursor_bytes.into(), results);
    asm.emit(Operation::StoreSlot(network, frame::ARENA));
    for layer in &design.layers {
        match layer {
            Layer::Convolution(layer) => {
                asm.part(layer.node.index());
                convolution::emit(&mut asm, layer);
            }
            Layer::Results(emission) => emission::emit(&mut asm, emission),
            Layer::Sums(sums) => emission::emit_sums(&mut asm, *sums),
            Layer::Dense(layer) => {
                asm.part(layer.node.index());
                match layer.form {
                    Form::UnrolledByTwoRows | Form::Unrolled => dense::emit(&mut asm, layer),
                    Form::TableByWords | Form::TableByValues => dense_table::emit(&mut asm, layer),
                }
            }
        }
    }
    asm.emit(Operation::AddToStackPointer(frame));
    asm.instructions(isa.restore_and_return());
    asm.finish()
}
