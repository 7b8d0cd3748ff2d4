//! What is said of windows that share what the first layers compute.

use super::{MOST_STEPS, given, thousands};
use crate::Planned;
use crate::budget::{PartDesign, Sharing, reserved_flash_bytes};
use crate::declaration::Declaration;
use crate::network::TimeAxis;

/// Both parts, each with when it runs.
pub(super) fn parts(sharing: &Sharing) -> [(&'static str, &PartDesign); 2] {
    [
        ("As samples arrive", &sharing.leading),
        ("Once a window", &sharing.trailing),
    ]
}

/// What is shared, and what that saves.
pub(super) fn sharing_summary(
    declaration: &Declaration,
    planned: &Planned,
    sharing: &Sharing,
) -> String {
    let prefix = &sharing.prefix;
    let network = &declaration.network;
    let last = network.name_of(prefix.leading.last_node().id);
    let kept = prefix.trailing.input();
    let samples = match prefix.repeat.axis {
        TimeAxis::Rows => "rows",
        TimeAxis::Columns => "samples",
    };
    let mut text = format!(
        "windows share the outputs of the layers up to `{last}`: of {} for each window, {} new.\n\
         They come every {} {samples}, and {} bytes of them are kept in place of {} of samples.\n\
         A window takes {} multiply-accumulates instead of {}",
        prefix.outputs,
        match prefix.outputs_per_stride {
            1 => "1 is".to_owned(),
            outputs => format!("{outputs} are"),
        },
        prefix.repeat.period,
        kept.values(),
        network.input().values(),
        thousands(prefix.multiply_accumulates()),
        thousands(network.multiply_accumulates()),
    );
    let whole = planned.design.footprint.code.as_ref();
    if let Some(whole) = whole.filter(|_| sharing.counts_code()) {
        text.push_str(&format!(
            ", and {} cycles instead of {}",
            thousands(sharing.cycles().round() as u64),
            thousands(whole.cycles().round() as u64),
        ));
    }
    text + "."
}

/// What both parts take together, a line each.
pub(super) fn sharing_totals(declaration: &Declaration, sharing: &Sharing) -> Vec<String> {
    let results_bytes = sharing.trailing.design.results_bytes;
    let sram = format!(
        "SRAM: {} arenas + {} state + {}{} window + {}{} reserve = {} bytes{}",
        sharing.arena_bytes(),
        sharing.cursor_bytes(),
        match results_bytes {
            0 => String::new(),
            bytes => format!("{bytes} results + "),
        },
        sharing.window_bytes,
        match sharing.features_bytes {
            0 => String::new(),
            bytes => format!("{bytes} samples + "),
        },
        sharing.reserve_bytes,
        sharing.sram_bytes(),
        given(declaration, declaration.budget.sram_bytes),
    );
    let mut totals = vec![sram];
    if !sharing.counts_code() {
        return totals;
    }
    let own_bytes = sharing.flash_bytes;
    let given_bytes = declaration.budget.flash_bytes;
    let reserve = given_bytes.map_or(String::new(), |given| {
        let bytes = reserved_flash_bytes(declaration, given);
        let all_bytes = own_bytes + u64::from(bytes);
        format!(" + {bytes} reserve = {all_bytes} bytes")
    });
    totals.push(format!(
        "Flash: {own_bytes} code and tables{reserve}{}",
        given(declaration, given_bytes)
    ));
    totals.push(format!(
        "Stack: {} bytes of the reserve.",
        sharing.stack_bytes
    ));
    let most = match sharing.worst_case(MOST_STEPS) {
        None => String::new(),
        Some(worst) => format!(
            ", {} at most, {} of them in the longest `push`",
            thousands(worst.cycles),
            thousands(worst.push_cycles)
        ),
    };
    totals.push(format!(
        "Cycles of a window: {} expected, {} of them as its samples arrive{most}.",
        thousands(sharing.cycles().round() as u64),
        thousands(sharing.leading_cycles().round() as u64),
    ));
    totals
}
