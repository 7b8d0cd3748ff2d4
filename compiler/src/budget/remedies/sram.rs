//! What would take less SRAM.

use super::super::DEFAULT_RESERVE_BESIDE_STACK_BYTES;
use super::super::choice::arena_can_be_within;
use super::super::features;
use super::remedy::{Remedy, Setting};
use super::{Excess, outputs, scores, strides, written_bits, written_reserve};
use crate::declaration::{Declaration, PlanChoice, Reserve, WeightsSource};
use crate::network::Network;
use crate::program::{Accumulators, parameter_bytes};

pub(super) fn another_plan(excess: &Excess<'_>) -> Vec<Remedy> {
    let network = excess.network();
    if !possible(excess, &excess.with_plan(PlanChoice::Fastest)) {
        return Vec::new();
    }
    let remedy = excess.other_plan().map(|design| {
        let (name, bytes) = (
            design.plan.strategy.name(&network.dataflow()),
            design.sram_bytes(),
        );
        let setting = Setting {
            key: "plan",
            value: name,
        };
        Remedy::set(setting, &format!(" ({bytes} bytes)"))
    });
    remedy.into_iter().collect()
}

pub(super) fn smaller_reserve(excess: &Excess<'_>) -> Vec<Remedy> {
    let (design, given_bytes) = (excess.design, excess.given_bytes);
    let least_bytes = design.default_reserve_bytes;
    let reserve_bytes = excess.declaration.reserve.sram_bytes;
    if !excess.same_plan_is_enough()
        || reserve_bytes.is_none_or(|reserve| reserve <= least_bytes)
        || design.state_bytes().saturating_add(least_bytes) > given_bytes
    {
        return Vec::new();
    }
    let reserve = written_reserve(Reserve {
        sram_bytes: Some(given_bytes - design.state_bytes()),
        ..excess.declaration.reserve
    });
    let explanation = format!(" or less (the network's own stack and 64 take {least_bytes})");
    vec![Remedy::set(reserve, &explanation)]
}

pub(super) fn weights_in_flash(excess: &Excess<'_>) -> Vec<Remedy> {
    if excess.declaration.weights != WeightsSource::Runtime {
        return Vec::new();
    }
    let changed = excess.with_weights(WeightsSource::Nowhere);
    if !possible(excess, &changed) || !excess.sized_fits(&changed) {
        return Vec::new();
    }
    let bytes = excess.sram_in_words(&changed);
    let words = format!("`weights` from a file, in flash{bytes}");
    vec![Remedy::without("weights", words)]
}

pub(super) fn fewer_outputs(excess: &Excess<'_>) -> Vec<Remedy> {
    let can_fit = |network: &Network| possible(excess, &excess.with_network(network.clone()));
    let fits = |network: &Network| excess.sized_fits(&excess.with_network(network.clone()));
    outputs::fewer(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

pub(super) fn smaller_scores(excess: &Excess<'_>) -> Vec<Remedy> {
    let can_fit = |network: &Network| possible(excess, &excess.with_network(network.clone()));
    let fits = |network: &Network| excess.sized_fits(&excess.with_network(network.clone()));
    scores::smaller(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

pub(super) fn stride(excess: &Excess<'_>) -> Vec<Remedy> {
    let can_fit = |network: &Network| possible(excess, &excess.with_network(network.clone()));
    let fits = |network: &Network| excess.sized_fits(&excess.with_network(network.clone()));
    strides::of_two(excess.network(), can_fit, fits)
        .into_iter()
        .collect()
}

/// The widest of each kind of integer that fits.
pub(super) fn fewer_bits(excess: &Excess<'_>) -> Vec<Remedy> {
    let network = excess.network();
    let loaded = excess.declaration.weights == WeightsSource::Runtime;
    let kinds: [(&str, &[u32]); 3] = [
        ("biases", if loaded { &[8] } else { &[] }),
        ("weights", if loaded { &[4, 2] } else { &[] }),
        ("activations", &[4]),
    ];
    let remedy = |(name, widths): (&str, &[u32])| {
        widths.iter().find_map(|&width| {
            let mut bits = network.bits();
            let entry = match name {
                "biases" => &mut bits.biases,
                "weights" => &mut bits.weights,
                _ => &mut bits.activations,
            };
            if std::mem::replace(entry, width) <= width {
                return None;
            }
            let changed = excess.with_network(network.with_bits(bits));
            if !possible(excess, &changed) || !excess.sized_fits(&changed) {
                return None;
            }
            let bytes = excess.sram_in_words(&changed);
            Some(Remedy::set(written_bits(bits, name), &bytes))
        })
    };
    kinds.into_iter().filter_map(remedy).collect()
}

/// Whether the arena, the parameters and the reserve alone leave that open: its
/// code, which takes long to write, may still be too much.
fn possible(excess: &Excess<'_>, changed: &Declaration) -> bool {
    let network = &changed.network;
    let loaded_bytes = match changed.weights {
        WeightsSource::Runtime => parameter_bytes(network),
        WeightsSource::File | WeightsSource::Nowhere => 0,
    };
    let reserve_bytes = changed.reserve.sram_bytes;
    let reserve_bytes = reserve_bytes.unwrap_or(DEFAULT_RESERVE_BESIDE_STACK_BYTES);
    let features_bytes = features::state_bytes(changed);
    let most_bytes = u64::from(excess.given_bytes)
        .checked_sub(loaded_bytes + u64::from(reserve_bytes) + u64::from(features_bytes))
        .map(|bytes| bytes as u32);
    most_bytes.is_some_and(|bytes| {
        if !excess.has_time() {
            return false;
        }
        let sum_bytes = match excess.sums.constants {
            Some((_, proven)) if *network == excess.declaration.network => proven.sum_bytes(),
            _ => Accumulators::at_run_time(network).sum_bytes(),
        };
        arena_can_be_within(network, changed.plan, &sum_bytes, bytes)
    })
}
