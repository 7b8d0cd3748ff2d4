//! Which layers are unrolled: the fastest mix that fits the flash.

use super::{Code, Core, Form, Reason, emit};
use crate::backend::avr::CodeForm;
use crate::declaration::CodeChoice;
use crate::network::NodeId;
use crate::program::{Operation, Program, SumParameters};
use std::collections::BTreeMap;

/// The most weights that are looked at as instructions: of more, code would be larger
/// than any flash here.
const MOST_WEIGHTS: usize = 200_000;

/// What some layers take together.
#[derive(Clone, Debug, Default)]
struct Mix {
    bytes: u32,
    cycles: f64,
    forms: BTreeMap<NodeId, Form>,
}

/// The code of the fewest expected cycles that takes at most that much flash, or, where
/// none does, the smallest. `choice_of` says which forms a layer may have.
///
/// Layer by layer, every combination is kept that no other one beats in both bytes and
/// cycles, so the answer is the best there is.
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
    let fixed_bytes = |code: &Code| {
        let layers_bytes: u32 = weighted(code).iter().map(|layer| layer.bytes).sum();
        code.flash_bytes() - layers_bytes
    };
    let mut front = vec![Mix {
        bytes: fixed_bytes(smallest),
        ..Mix::default()
    }];
    for index in 0..weighted(smallest).len() {
        let options = || codes_layers.iter().filter_map(|layers| layers.get(index));
        let mut mixes: Vec<Mix> = front
            .iter()
            .flat_map(|mix| {
                options().map(|layer| {
                    let mut mix = mix.clone();
                    mix.bytes += layer.bytes;
                    mix.cycles += layer.cycles;
                    mix.forms.insert(layer.node, layer.form);
                    mix
                })
            })
            .collect();
        mixes.sort_by(|one, other| {
            let bytes = one.bytes.cmp(&other.bytes);
            bytes.then(one.cycles.total_cmp(&other.cycles))
        });
        front.clear();
        for mix in mixes {
            let is_faster = front.last().is_none_or(|last| mix.cycles < last.cycles);
            // The smallest is kept in any case.
            if is_faster && (front.is_empty() || mix.bytes <= flash_bytes) {
                front.push(mix);
            }
        }
    }
    let fastest = front.iter().rfind(|mix| mix.bytes <= flash_bytes);
    let mix = fastest.or(front.first()).cloned().unwrap_or_default();
    emit(program, core, |node| {
        let form = mix.forms.get(&node).copied();
        form.unwrap_or(Form::TableByValues)
    })
}

/// A layer with weights, and those without that follow it: a pooling may be done by it.
struct Weighted {
    node: NodeId,
    form: Form,
    bytes: u32,
    cycles: f64,
}

fn weighted(code: &Code) -> Vec<Weighted> {
    let mut layers: Vec<Weighted> = Vec::new();
    for (node, bytes, cycles) in code.layers() {
        if let Some(form) = code.form_of(node) {
            layers.push(Weighted {
                node,
                form,
                bytes,
                cycles,
            });
        } else if let Some(layer) = layers.last_mut() {
            layer.bytes += bytes;
            layer.cycles += cycles;
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
