//! A larger part.

use super::super::{ExpectedWeights, Sums, choose, footprint};
use super::remedy::{Remedy, Setting};
use super::{Excess, Resources};
use crate::declaration::{Budget, Declaration, PlanChoice, WeightsSource};
use crate::plan::Strategy;
use crate::target::Target;

/// The smallest part of the same architecture that the design fits as it is,
/// with what it has of what there is too little of.
pub(super) fn larger(excess: &Excess<'_>, bytes: impl Fn(&Target) -> u32) -> Vec<Remedy> {
    excess.extend();
    // A core's memory is what the declaration says, so a part would take its place.
    let given = excess.declaration.budget.target;
    let given = given.filter(|given| !given.is_core());
    let found = given.and_then(|given| smallest(excess, given));
    let found = found.filter(|&target| is_chosen_to_fit(excess, target));
    let remedy = found.map(|target| {
        let setting = Setting {
            key: "target",
            value: target.name.to_owned(),
        };
        Remedy::set(setting, &format!(" ({} bytes)", bytes(target)))
    });
    remedy.into_iter().collect()
}

fn smallest(excess: &Excess<'_>, given: &'static Target) -> Option<&'static Target> {
    let Excess {
        declaration,
        design,
        ..
    } = *excess;
    let least_flash_bytes = footprint::least_flash_bytes(declaration, &declaration.network);
    let mut candidates: Vec<&Target> = Target::all()
        .filter(|target| target.architecture == given.architecture)
        .filter(|target| target.sram_bytes >= design.state_bytes())
        .filter(|target| u64::from(target.flash_bytes) >= least_flash_bytes)
        .collect();
    candidates.sort_by_key(|target| (target.sram_bytes, target.flash_bytes));
    let plans = plans(excess);
    let mut too_small: Vec<&Target> = vec![given];
    candidates.into_iter().find(|&target| {
        let smaller = |other: &&Target| {
            target.multiplies == other.multiplies
                && target.sram_bytes <= other.sram_bytes
                && target.flash_bytes <= other.flash_bytes
        };
        if too_small.iter().any(smaller) {
            return false;
        }
        let right = plans.iter().any(|&plan| fits(excess, target, plan));
        if !right {
            too_small.push(target);
        }
        right
    })
}

/// What is tried: of the plans that are free, the smallest in SRAM and one whose
/// code is small. To write all of them for many parts would take long.
fn plans(excess: &Excess<'_>) -> Vec<PlanChoice> {
    match excess.declaration.plan {
        PlanChoice::Fastest => {
            let strategies = [excess.design.plan.strategy, Strategy::ROW_MAJOR];
            strategies.map(PlanChoice::Named).to_vec()
        }
        plan => vec![plan],
    }
}

fn fits(excess: &Excess<'_>, target: &'static Target, plan: PlanChoice) -> bool {
    let changed = for_part(excess.with_plan(plan), target);
    let expected = expected_weights(&changed);
    let sums = sums(excess, &expected);
    excess.taken_that_fits_all(&changed, &sums).is_some()
}

/// Whether the design that is chosen with that part fits it: of a large one not every plan is
/// tried, and a plan that fits may be left out.
fn is_chosen_to_fit(excess: &Excess<'_>, target: &'static Target) -> bool {
    let changed = for_part(excess.declaration.clone(), target);
    let expected = expected_weights(&changed);
    Resources::ALL.fit(&changed, &choose(&changed, &sums(excess, &expected)))
}

/// What is expected of weights that are not there yet: not the same on every part.
fn expected_weights(changed: &Declaration) -> Option<ExpectedWeights> {
    match changed.weights {
        WeightsSource::Nowhere => ExpectedWeights::of(changed),
        WeightsSource::File | WeightsSource::Runtime => None,
    }
}

fn sums<'a>(excess: &'a Excess<'_>, expected: &'a Option<ExpectedWeights>) -> Sums<'a> {
    match excess.declaration.weights {
        WeightsSource::Nowhere => excess.sums_of(expected),
        WeightsSource::File | WeightsSource::Runtime => *excess.sums,
    }
}

fn for_part(declaration: Declaration, target: &'static Target) -> Declaration {
    Declaration {
        budget: Budget {
            target: Some(target),
            sram_bytes: Some(target.sram_bytes),
            flash_bytes: Some(target.flash_bytes),
        },
        ..declaration
    }
}
