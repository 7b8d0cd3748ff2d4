//! Which layers are unrolled: the fastest mix that fits the flash.

use super::{Code, Core, Reason, emit};
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
    forms: BTreeMap<NodeId, CodeForm>,
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
    let least_bytes = 2 * weights_other_than_0(program);
    let is_hopeless = least_bytes > (flash_bytes as usize).min(2 * MOST_WEIGHTS);
    let may_be = |node: NodeId, form: CodeForm| match (choice_of(node), form) {
        (CodeChoice::Table, CodeForm::Unrolled) | (CodeChoice::Unrolled, CodeForm::Table) => false,
        (CodeChoice::Fastest, CodeForm::Unrolled) => !is_hopeless,
        (CodeChoice::Fastest | CodeChoice::Table, CodeForm::Table)
        | (CodeChoice::Unrolled, CodeForm::Unrolled) => true,
    };
    let all = |form: CodeForm, other: CodeForm| {
        emit(
            program,
            core,
            |node| if may_be(node, form) { form } else { other },
        )
    };
    let table = all(CodeForm::Table, CodeForm::Unrolled);
    let unrolled = all(CodeForm::Unrolled, CodeForm::Table);
    let (table, unrolled) = match (table, unrolled) {
        (Ok(table), Ok(unrolled)) => (table, unrolled),
        (Ok(code), Err(_)) | (Err(_), Ok(code)) => return Ok(code),
        (Err(reason), Err(_)) => return Err(reason),
    };
    if unrolled.flash_bytes() <= flash_bytes {
        return Ok(unrolled);
    }
    let layers_bytes: u32 = table.layers().map(|(_, bytes, _)| bytes).sum();
    let mut front = vec![Mix {
        bytes: table.flash_bytes() - layers_bytes,
        ..Mix::default()
    }];
    for (of_table, of_unrolled) in table.layers().zip(unrolled.layers()) {
        let options = [of_table, of_unrolled];
        let mut mixes: Vec<Mix> = front
            .iter()
            .flat_map(|mix| {
                options
                    .iter()
                    .zip([&table, &unrolled])
                    .map(|(option, code)| {
                        let &(node, bytes, cycles) = option;
                        let mut mix = mix.clone();
                        mix.bytes += bytes;
                        mix.cycles += cycles;
                        mix.forms
                            .extend(code.form_of(node).map(|form| (node, form)));
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
        mix.forms.get(&node).copied().unwrap_or(CodeForm::Table)
    })
}

fn weights_other_than_0(program: &Program) -> usize {
    let operations = program.steps().map(|step| &step.operation);
    let sums = operations.flat_map(Operation::sums);
    let weights = sums.map(|sum| match &sum.parameters {
        SumParameters::Constant(constants) => {
            constants.weights.iter().filter(|&&it| it != 0).count()
        }
        SumParameters::Runtime(_) => 0,
    });
    weights.sum()
}
