//! Which layers are unrolled: the fastest mix that fits the flash.

use super::{Core, Form, Function, infer, intake, layer};
use crate::declaration::CodeChoice;
use crate::network::LayerId;
use crate::program::{Program, Step, SumParameters};
use std::collections::BTreeMap;

/// A form for every layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(BTreeMap<LayerId, Form>);

impl Mix {
    /// The layer's form.
    pub fn form_of(&self, layer: LayerId) -> Form {
        self.0.get(&layer).copied().unwrap_or(Form::Table)
    }
}

/// No mix fits; what the smallest takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMixFits {
    /// The smallest mix.
    pub smallest: Mix,
}

/// What some layers take together.
#[derive(Clone, Debug)]
struct Partial {
    bytes: u32,
    cycles: f64,
    forms: Vec<(LayerId, Form)>,
}

/// The mix of the fewest expected cycles with which the whole code takes at most
/// that much flash. `choice_of` says which forms a layer may have.
///
/// Layer by layer, every combination is kept that no other one beats in both
/// bytes and cycles, so the answer is the best there is.
///
/// # Errors
/// When no mix fits.
pub fn choose(
    program: &Program,
    core: Core,
    choice_of: impl Fn(LayerId) -> CodeChoice,
    flash_bytes: u32,
) -> Result<Mix, NoMixFits> {
    let fixed = [intake::emit(program, core), infer::emit(program, core)];
    let bytes_of = |function: &Function| function.flash_bytes + function.near_table_bytes;
    let mut front = vec![Partial {
        bytes: fixed.iter().map(bytes_of).sum(),
        cycles: 0.0,
        forms: Vec::new(),
    }];
    for (index, step) in program.steps.iter().enumerate() {
        let forms: &[Form] = match choice_of(step.layer) {
            CodeChoice::Unrolled => &[Form::Unrolled],
            CodeChoice::Table => &[Form::Table],
            CodeChoice::Fastest if least_unrolled_bytes(step) > flash_bytes => &[Form::Table],
            CodeChoice::Fastest => &[Form::Table, Form::Unrolled],
        };
        let mut options: Vec<(Form, u32, f64)> = forms
            .iter()
            .map(|&form| (form, layer::emit(program, core, index, form)))
            .filter(|(_, function)| function.spans)
            .map(|(form, function)| (form, bytes_of(&function), function.cycles))
            .collect();
        if options.is_empty() {
            // Code of a table is short.
            let function = layer::emit(program, core, index, Form::Table);
            options.push((Form::Table, bytes_of(&function), function.cycles));
        }
        let mut all: Vec<Partial> = front
            .iter()
            .flat_map(|partial| {
                options.iter().map(|&(form, bytes, cycles)| {
                    let mut forms = partial.forms.clone();
                    forms.push((step.layer, form));
                    Partial {
                        bytes: partial.bytes + bytes,
                        cycles: partial.cycles + cycles,
                        forms,
                    }
                })
            })
            .collect();
        all.sort_by(|one, other| {
            one.bytes
                .cmp(&other.bytes)
                .then(one.cycles.total_cmp(&other.cycles))
        });
        front.clear();
        for partial in all {
            let better = front
                .last()
                .is_none_or(|last: &Partial| partial.cycles < last.cycles);
            // The smallest is kept in any case, for the error.
            if better && (front.is_empty() || partial.bytes <= flash_bytes) {
                front.push(partial);
            }
        }
    }
    let mix = |partial: &Partial| Mix(partial.forms.iter().copied().collect());
    match front
        .iter()
        .rev()
        .find(|partial| partial.bytes <= flash_bytes)
    {
        Some(fastest) => Ok(mix(fastest)),
        None => Err(NoMixFits {
            smallest: mix(&front[0]),
        }),
    }
}

/// Two instructions of two bytes a weight that is not 0: below that no unrolled
/// code is, and what can't fit need not be written down.
fn least_unrolled_bytes(step: &Step) -> u32 {
    let weights = step.operation.sums().map(|sum| match &sum.parameters {
        SumParameters::Constant(constants) => constants
            .weights
            .iter()
            .filter(|&&weight| weight != 0)
            .count(),
        SumParameters::Runtime(_) => 0,
    });
    4 * weights.sum::<usize>() as u32
}
