//! Which layers are unrolled: the fastest mix that fits the flash.

use super::{Code, Core, Form, Reason, emit};
use crate::backend::avr::CodeForm;
use crate::backend::mix::{Way, fastest_mix};
use crate::declaration::CodeChoice;
use crate::network::NodeId;
use crate::program::{Operation, Program, SumParameters};
use std::collections::BTreeMap;

/// The most weights that are looked at as instructions: of more, code would be larger
/// than any flash here.
const MOST_WEIGHTS: usize = 200_000;

/// The code of the fewest expected cycles that takes at most that much flash, or, where
/// none does, the smallest. `choice_of` says which forms a layer may have.
///
/// # Errors
/// Why there is no code.
pub fn choose(
    program: &Program,
    core: Core,
    choice_of: impl Fn(NodeId) -> CodeChoice,
    flash_bytes: u32,
) -> Result<Code, Reason> {
    let weights = weights_other_than_0(program);
    let is_hopeless = |node: NodeId| {
        let least_bytes = 2 * weights.get(&node).copied().unwrap_or(0);
        least_bytes > (flash_bytes as usize).min(2 * MOST_WEIGHTS)
    };
    let may_be = |node: NodeId, form: Form| match (choice_of(node), form.code_form()) {
        (CodeChoice::Table, CodeForm::Unrolled) | (CodeChoice::Unrolled, CodeForm::Table) => false,
        (CodeChoice::Fastest, CodeForm::Unrolled) => !is_hopeless(node),
        (CodeChoice::Fastest | CodeChoice::Table, CodeForm::Table)
        | (CodeChoice::Unrolled, CodeForm::Unrolled) => true,
    };
    // All layers in a form, or in the first one that they may have.
    let all = |form: Form| {
        emit(program, core, |node| match may_be(node, form) {
            true => form,
            false => Form::ALL
                .into_iter()
                .find(|&form| may_be(node, form))
                .unwrap_or(form),
        })
    };
    let mut codes = Vec::new();
    let mut reason = None;
    for form in Form::ALL {
        match all(form) {
            Ok(code) if code.flash_bytes() <= flash_bytes && codes.is_empty() => return Ok(code),
            Ok(code) => codes.push(code),
            Err(because) => reason = Some(because),
        }
    }
    let Some(smallest) = codes.last() else {
        return Err(reason.unwrap_or(Reason::Flash));
    };
    let codes_layers: Vec<Vec<Weighted>> = codes.iter().map(weighted).collect();
    let of_smallest = weighted(smallest);
    let layers_bytes: u32 = of_smallest.iter().map(|layer| layer.way.bytes).sum();
    let ways_of = |index: usize| {
        codes_layers
            .iter()
            .filter_map(move |layers| layers.get(index))
    };
    let ways: Vec<Vec<Way>> = (0..of_smallest.len())
        .map(|index| ways_of(index).map(|layer| layer.way).collect())
        .collect();
    let other_bytes = smallest.flash_bytes() - layers_bytes;
    let mix = fastest_mix(&ways, other_bytes, flash_bytes);
    let forms: BTreeMap<NodeId, Form> = (0..)
        .zip(mix.ways)
        .filter_map(|(index, way)| ways_of(index).nth(way))
        .map(|layer| (layer.node, layer.form))
        .collect();
    emit(program, core, |node| {
        let form = forms.get(&node).copied();
        form.unwrap_or(Form::TableByValues)
    })
}

/// A layer with weights, and those without that follow it: a pooling may be done by it.
struct Weighted {
    node: NodeId,
    form: Form,
    way: Way,
}

fn weighted(code: &Code) -> Vec<Weighted> {
    let mut layers: Vec<Weighted> = Vec::new();
    for (node, bytes, cycles) in code.layers() {
        if let Some(form) = code.form_of(node) {
            layers.push(Weighted {
                node,
                form,
                way: Way { bytes, cycles },
            });
        } else if let Some(layer) = layers.last_mut() {
            layer.way.bytes += bytes;
            layer.way.cycles += cycles;
        }
    }
    layers
}

/// Of each layer.
fn weights_other_than_0(program: &Program) -> BTreeMap<NodeId, usize> {
    let count = |operation: &Operation| {
        let weights = operation.sums().map(|sum| match &sum.parameters {
            SumParameters::Constant(constants) => {
                constants.weights.iter().filter(|&&it| it != 0).count()
            }
            SumParameters::Runtime(_) => 0,
        });
        weights.sum()
    };
    let steps = program.steps();
    steps
        .map(|step| (step.node, count(&step.operation)))
        .collect()
}
