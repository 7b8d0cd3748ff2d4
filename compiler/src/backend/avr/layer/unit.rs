//! What the choice of forms is among: a layer, or two that may be one function.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::layer::part::{LayerPart, parts};
use crate::backend::avr::layer::{emit, looped_convolution, looped_dense, neighbours, pooled};
use crate::network::NodeId;
use crate::program::{PooledConvolution, Program};

/// What has its form chosen together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit<'a> {
    /// A layer.
    Alone(LayerPart<'a>),
    /// Two layers, which are one function where the first one's weights are instructions.
    Pooled(PooledConvolution<'a>),
}

/// Those of a program, in the order of running.
pub(crate) fn units(program: &Program) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    for part in parts(program) {
        let pooled = match (units.last(), part) {
            (Some(&Unit::Alone(LayerPart::Step(before))), LayerPart::Step(step)) => {
                pooled::convolution_with(program, before, step)
            }
            _ => None,
        };
        match pooled {
            Some(pooled) => {
                units.pop();
                units.push(Unit::Pooled(pooled));
            }
            None => units.push(Unit::Alone(part)),
        }
    }
    units
}

impl<'a> Unit<'a> {
    /// The layer that has the form.
    pub(crate) fn part(self) -> LayerPart<'a> {
        match self {
            Unit::Alone(part) => part,
            Unit::Pooled(pooled) => LayerPart::Step(pooled.convolution),
        }
    }

    /// The functions in that form, in each way to write them.
    pub(crate) fn ways(self, program: &Program, core: Core, form: CodeForm) -> Vec<Vec<Function>> {
        let alone = |part, form| emit::emit(program, core, part, form);
        match (self, form) {
            (Unit::Alone(part), CodeForm::Unrolled) => {
                let at_once = neighbours::emit(program, core, part);
                let both = [Some(alone(part, form)), at_once];
                both.into_iter().flatten().map(|it| vec![it]).collect()
            }
            (Unit::Alone(part), CodeForm::Table) => {
                let ways = [
                    looped_dense::emit(program, core, part),
                    looped_convolution::emit(program, core, part),
                    Some(alone(part, form)),
                ];
                ways.into_iter().flatten().map(|it| vec![it]).collect()
            }
            (Unit::Pooled(it), CodeForm::Unrolled) => vec![vec![pooled::emit(program, core, it)]],
            (Unit::Pooled(it), CodeForm::Table) => {
                let steps = [it.convolution, it.pooling];
                vec![steps.map(|step| alone(LayerPart::Step(step), form)).into()]
            }
        }
    }

    /// The layer that has no function of its own in that form.
    pub(crate) fn done_with_another(self, form: CodeForm) -> Option<NodeId> {
        match (self, form) {
            (Unit::Pooled(pooled), CodeForm::Unrolled) => Some(pooled.pooling.node),
            (Unit::Pooled(_), CodeForm::Table) | (Unit::Alone(_), _) => None,
        }
    }
}
