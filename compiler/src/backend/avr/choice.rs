//! Which layers are unrolled: the fastest mix that fits the flash.

use crate::backend::avr::code::{self, Code};
use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::registers::Registers;
use crate::backend::avr::layer::unit::{self, Unit};
use crate::backend::mix::{Way, fastest_mix};
use crate::declaration::CodeChoice;
use crate::network::NodeId;
use crate::program::{Operation, Program, SumParameters};
use std::collections::BTreeMap;

/// A form for every layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(BTreeMap<NodeId, CodeForm>);

impl Mix {
    /// The layer's form.
    pub fn form_of(&self, layer: NodeId) -> CodeForm {
        self.0.get(&layer).copied().unwrap_or(CodeForm::Table)
    }
}

/// The mix that was chosen, and its code.
#[derive(Clone, Debug)]
pub struct Choice {
    /// A form for every layer.
    pub mix: Mix,
    /// The code of that mix.
    pub code: Code,
}

/// No mix fits; what the smallest takes.
#[derive(Clone, Debug)]
pub struct NoMixFits {
    /// The smallest mix.
    pub smallest: Box<Choice>,
}

/// The mix of the fewest expected cycles with which the whole code takes at most
/// that much flash. `choice_of` says which forms a layer may have.
///
/// # Errors
/// When no mix fits.
pub fn choose(
    program: &Program,
    core: Core,
    choice_of: impl Fn(NodeId) -> CodeChoice,
    flash_bytes: u32,
) -> Result<Choice, NoMixFits> {
    let fixed = code::fixed(program, core, &[], Registers::ALL);
    let units = unit::units(program);
    let options_of_units: Vec<_> = units
        .iter()
        .map(|&unit| {
            let choice = choice_of(unit.part().node());
            options(program, core, unit, choice, flash_bytes)
        })
        .collect();
    let ways: Vec<Vec<Way>> = options_of_units
        .iter()
        .map(|options| {
            options
                .iter()
                .map(|(_, functions)| way(functions))
                .collect()
        })
        .collect();
    let fastest = fastest_mix(&ways, way(&fixed).bytes, flash_bytes);
    let mut mix = Mix(BTreeMap::new());
    let mut chosen = Vec::new();
    let mut done_with_another = Vec::new();
    for ((unit, mut options), pick) in units.iter().zip(options_of_units).zip(fastest.ways) {
        let (form, functions) = options.swap_remove(pick);
        mix.0.insert(unit.part().node(), form);
        done_with_another.extend(unit.done_with_another(form));
        chosen.extend(functions);
    }
    let code = code::of_layers(program, core, &done_with_another, (fixed, chosen));
    let choice = Choice { mix, code };
    match fastest.fits {
        true => Ok(choice),
        false => Err(NoMixFits {
            smallest: Box::new(choice),
        }),
    }
}

/// The forms that a unit may have, written down in each way.
fn options(
    program: &Program,
    core: Core,
    unit: Unit<'_>,
    choice: CodeChoice,
    flash_bytes: u32,
) -> Vec<(CodeForm, Vec<Function>)> {
    let part = unit.part();
    let unrolled_is_hopeless = least_unrolled_bytes(part.operation()) > flash_bytes;
    let forms: &[CodeForm] = match choice {
        _ if !part.can_be_unrolled(program) => &[CodeForm::Table],
        CodeChoice::Unrolled => &[CodeForm::Unrolled],
        CodeChoice::Table => &[CodeForm::Table],
        CodeChoice::Fastest if unrolled_is_hopeless => &[CodeForm::Table],
        CodeChoice::Fastest => &[CodeForm::Table, CodeForm::Unrolled],
    };
    let written = |form| {
        let ways = unit.ways(program, core, form).into_iter();
        ways.map(move |functions| (form, functions))
    };
    let mut options: Vec<(CodeForm, Vec<Function>)> =
        forms.iter().copied().flat_map(written).collect();
    options.retain(|(_, functions)| functions.iter().all(|function| function.spans));
    if options.is_empty() {
        // Code of a table is short.
        options.extend(written(CodeForm::Table));
    }
    options
}

/// What some functions take together.
fn way(functions: &[Function]) -> Way {
    Way {
        bytes: functions.iter().map(Function::all_flash_bytes).sum(),
        cycles: functions.iter().map(|function| function.cycles).sum(),
    }
}

/// Two instructions of two bytes a weight that is not 0: below that no unrolled
/// code is, and what can't fit need not be written down.
fn least_unrolled_bytes(operation: &Operation) -> u32 {
    let weights = operation.sums().map(|sum| match &sum.parameters {
        SumParameters::Constant(constants) => constants
            .weights
            .iter()
            .filter(|&&weight| weight != 0)
            .count(),
        SumParameters::Runtime(_) => 0,
    });
    4 * weights.sum::<usize>() as u32
}
