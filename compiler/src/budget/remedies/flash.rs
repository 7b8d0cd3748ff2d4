//! What would take less flash.

use super::super::over::demands_unrolled;
use super::super::{footprint, zeros_can_be_free};
use super::remedy::{Remedy, Setting};
use super::{
    Excess, outputs, run_time_sums, scores, strides, written_bits, written_reserve, zeros,
};
use crate::declaration::{CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource};
use crate::network::Network;

/// Vectors, start-up code and a `main` that does next to nothing.
const LEAST_FIRMWARE_FLASH_BYTES: u64 = 256;

pub(super) fn another_plan(excess: &Excess<'_>) -> Vec<Remedy> {
    let remedy = excess.other_plan().map(|design| {
        let name = design.plan.strategy.name(&excess.network().dataflow());
        let setting = Setting {
            key: "plan",
            value: name,
        };
        let bytes = design.footprint.flash_bytes;
        Remedy::set(setting, &format!(" ({bytes} bytes of code and tables)"))
    });
    remedy.into_iter().collect()
}

pub(super) fn smaller_reserve(excess: &Excess<'_>) -> Vec<Remedy> {
    if !excess.same_plan_is_enough() {
        return Vec::new();
    }
    let own_bytes = excess.design.footprint.flash_bytes;
    u64::from(excess.given_bytes)
        .checked_sub(own_bytes)
        .filter(|&most_bytes| most_bytes >= LEAST_FIRMWARE_FLASH_BYTES)
        .map(|most_bytes| {
            let reserve = written_reserve(Reserve {
                flash_bytes: Some(most_bytes as u32),
                ..excess.declaration.reserve
            });
            Remedy::set(reserve, ", where the rest of the firmware takes no more")
        })
        .into_iter()
        .collect()
}

pub(super) fn weights_in_sram(excess: &Excess<'_>) -> Vec<Remedy> {
    let declaration = excess.declaration;
    let loaded = declaration.weights == WeightsSource::Runtime;
    // `runtime` is an error beside `unrolled`; without a budget of SRAM, nobody
    // knows whether it has room for them.
    if loaded || demands_unrolled(declaration) || declaration.budget.sram_bytes.is_none() {
        return Vec::new();
    }
    let changed = excess.with_weights(WeightsSource::Runtime);
    let sums = run_time_sums(&changed.network);
    // Where there is too little SRAM already, this is no way out.
    let Some(design) = excess.taken_that_fits_all(&changed, &sums) else {
        return Vec::new();
    };
    let bytes = design.parameter_bytes;
    let setting = Setting {
        key: "weights",
        value: "runtime".to_owned(),
    };
    let explanation = format!(" ({bytes} bytes of SRAM, which the firmware loads)");
    vec![Remedy::set(setting, &explanation)]
}

pub(super) fn any_form_of_code(excess: &Excess<'_>) -> Vec<Remedy> {
    let changed = without_unrolled(excess.declaration);
    let helps = demands_unrolled(excess.declaration)
        && excess.taken_that_fits(&changed, excess.sums).is_some();
    let words = || "leaving `code: unrolled` out".to_owned();
    let of_layers = excess.declaration.layer_code.values();
    let remedy = helps.then(|| match of_layers.len() {
        0 => Remedy::without("code", words()),
        // Of layers, the words alone say it.
        _ => Remedy::of(words(), Vec::new()),
    });
    remedy.into_iter().collect()
}

pub(super) fn fewer_outputs(excess: &Excess<'_>) -> Vec<Remedy> {
    // What other weights take as instructions is not known.
    if demands_unrolled(excess.declaration) {
        return Vec::new();
    }
    let can_fit = |network: &Network| tables_fit(excess, network);
    let fits = |network: &Network| fits_by_same_strategy(excess, network);
    outputs::fewer(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

pub(super) fn smaller_scores(excess: &Excess<'_>) -> Vec<Remedy> {
    if demands_unrolled(excess.declaration) {
        return Vec::new();
    }
    let can_fit = |network: &Network| tables_fit(excess, network);
    let fits = |network: &Network| fits_by_same_strategy(excess, network);
    scores::smaller(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

/// Weights that are 0 have no instructions, and no place in lists.
pub(super) fn more_zeros(excess: &Excess<'_>) -> Vec<Remedy> {
    if !zeros_can_be_free(excess.declaration) {
        return Vec::new();
    }
    let fits = |changed: Declaration| excess.sized_fits(&changed.sized());
    let of_a_layer = zeros::of_a_layer(excess.declaration, fits);
    // Else a table of all weights is as small, or nearly so.
    let remedy = match demands_unrolled(excess.declaration) {
        true => of_a_layer.or_else(|| zeros::of_all(excess.declaration, fits)),
        false => of_a_layer,
    };
    remedy.into_iter().collect()
}

pub(super) fn stride(excess: &Excess<'_>) -> Vec<Remedy> {
    if demands_unrolled(excess.declaration) {
        return Vec::new();
    }
    let can_fit = |network: &Network| tables_fit(excess, network);
    let fits = |network: &Network| fits_by_same_strategy(excess, network);
    strides::of_two(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

/// The most bits that fit.
pub(super) fn fewer_bits(excess: &Excess<'_>) -> Vec<Remedy> {
    let network = excess.network();
    if demands_unrolled(excess.declaration) {
        return Vec::new();
    }
    let remedy = [4, 2].into_iter().find_map(|weights| {
        let mut bits = network.bits();
        let fewer = std::mem::replace(&mut bits.weights, weights) > weights;
        let network = network.with_bits(bits);
        let fits = fewer && tables_fit(excess, &network) && fits_by_same_strategy(excess, &network);
        fits.then(|| Remedy::set(written_bits(bits, "weights"), ""))
    });
    remedy.into_iter().collect()
}

/// Whether another network fits with the same strategy, which has the least code
/// of those with SRAM enough: to write all plans of all networks would take long.
/// Then, whether the plan that is taken for it does.
fn fits_by_same_strategy(excess: &Excess<'_>, network: &Network) -> bool {
    let planned = excess.with_plan(PlanChoice::Named(excess.design.plan.strategy));
    let changed = Declaration {
        network: network.clone(),
        ..planned
    };
    excess.sized_fits(&changed.sized()) && excess.sized_fits(&excess.with_network(network.clone()))
}

/// Whether the tables alone leave it open that the design fits.
fn tables_fit(excess: &Excess<'_>, network: &Network) -> bool {
    let sized = excess.with_network(network.clone());
    footprint::least_flash_bytes(&sized, network) <= excess.given_bytes.into()
}

/// The same, with the best form for every layer that had to be unrolled.
fn without_unrolled(declaration: &Declaration) -> Declaration {
    let mut changed = declaration.clone();
    let codes = changed.layer_code.values_mut();
    for code in codes.chain([&mut changed.code]) {
        if *code == CodeChoice::Unrolled {
            *code = CodeChoice::Fastest;
        }
    }
    changed
}
