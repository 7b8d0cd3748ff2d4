//! The function of a layer: its kernel in the loop over its outputs.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::segments::stage;
use crate::backend::avr::wide;
use crate::program::Operation;
use crate::program::Program;

/// The function of a layer.
pub(crate) fn emit(program: &Program, core: Core, part: LayerPart<'_>, form: CodeForm) -> Function {
    if let Some(function) = wide::emit(program, core, part, form) {
        return function;
    }
    let arrived;
    let mut layer = match part {
        LayerPart::Step(step) => Layer::of_step(program, (part, step), form),
        LayerPart::Stage(_, stage) => {
            arrived = stage::arrived(program, stage);
            Layer::of_stage(program, (part, stage), &arrived, form)
        }
    };
    let mut asm = match part {
        LayerPart::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        LayerPart::Stage(..) | LayerPart::Step(_) => Assembly::new(core),
    };
    layer.joined = layer.find_joined(&mut asm);
    match part.operation() {
        Operation::Convolution(sum) => {
            let sum = layer.sum(sum, layer.input.signed);
            layer.convolution(&mut asm, &sum);
        }
        Operation::Dense(sum) => match part {
            LayerPart::Step(_) => {
                let sum = layer.sum(sum, layer.input.signed);
                layer.dense(&mut asm, &sum);
            }
            LayerPart::Stage(_, stage) => {
                let sum = layer.kept_sum(sum, layer.input.signed);
                layer.streamed_dense(&mut asm, &sum, stage);
            }
        },
        Operation::Separable {
            depthwise,
            pointwise,
        } => layer.separable(&mut asm, depthwise, pointwise),
        Operation::Depthwise(sum) => {
            let sum = layer.sum(sum, layer.input.signed);
            layer.depthwise(&mut asm, &sum);
        }
        Operation::Pool(pooling) => layer.pool(&mut asm, (*pooling, None)),
        Operation::Concat => layer.concat(&mut asm),
        Operation::Quantised(it) => layer.quantised(&mut asm, &it.kernel),
        Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Rearrange(_) => {
            unreachable!("networks and models with such operators have portable code")
        }
    }
    asm.finish(FunctionId::Layer(part.node()))
}
