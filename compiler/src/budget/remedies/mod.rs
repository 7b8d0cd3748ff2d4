//! What would make a design fit: at most three changes, the cheapest first, each
//! computed by planning it, none guessed.
//!
//! Cheap is what takes little from the network. In this order:
//! 1. what leaves its results as they are: another plan, a smaller `reserve`,
//!    weights elsewhere, code in another form;
//! 2. fewer outputs of one layer, of whichever loses the smallest share of the
//!    network's multiply-accumulates by it; of layers whose maps are added to one
//!    another, of all of them;
//! 3. fewer bits of all layers;
//! 4. a stride of 2 in one layer;
//! 5. a larger part.
//!
//! What does not come into question before three are found is not computed. A
//! change that keeps the weights is judged with them. One of shapes or bits
//! needs weights that are not there yet: it is judged as a design to size. No
//! change for one kind of memory makes the design exceed the other, unless it
//! does already.

mod flash;
mod outputs;
mod sram;
mod strides;
mod target;
#[cfg(test)]
mod tests;

use super::choice::{any_that_fits, taken_that_fits};
use super::{Design, Resources, Sums};
use crate::declaration::{Declaration, PlanChoice, WeightsSource};
use crate::network::{LayerId, Network};
use crate::program::Accumulators;

const MOST_REMEDIES: usize = 3;

/// Changes with each of which alone the design takes at most the SRAM given.
pub(super) fn for_sram(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Vec<String> {
    let excess = Excess {
        declaration,
        design,
        sums,
        given_bytes,
        kept: Resources {
            sram: true,
            flash: Resources::FLASH.fit(declaration, design),
        },
    };
    cheapest(&[
        &|| sram::another_plan(&excess),
        &|| sram::smaller_reserve(&excess),
        &|| sram::weights_in_flash(&excess),
        &|| sram::fewer_outputs(&excess),
        &|| sram::fewer_bits(&excess),
        &|| sram::stride(&excess),
        &|| target::larger(&excess, |target| target.sram_bytes),
    ])
}

/// Changes with each of which alone the design takes at most the flash given.
pub(super) fn for_flash(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Vec<String> {
    let excess = Excess {
        declaration,
        design,
        sums,
        given_bytes,
        kept: Resources {
            sram: Resources::SRAM.fit(declaration, design),
            flash: true,
        },
    };
    cheapest(&[
        &|| flash::another_plan(&excess),
        &|| flash::smaller_reserve(&excess),
        &|| flash::weights_in_sram(&excess),
        &|| flash::any_form_of_code(&excess),
        &|| flash::fewer_outputs(&excess),
        &|| flash::fewer_bits(&excess),
        &|| flash::stride(&excess),
        &|| target::larger(&excess, |target| target.flash_bytes),
    ])
}

/// The first remedies of the kinds, the cheapest of which comes first.
fn cheapest(kinds: &[&dyn Fn() -> Vec<String>]) -> Vec<String> {
    let remedies = kinds.iter().flat_map(|kind| kind());
    remedies.take(MOST_REMEDIES).collect()
}

/// A design that takes too much of something.
struct Excess<'a> {
    declaration: &'a Declaration,
    design: &'a Design,
    sums: &'a Sums<'a>,
    /// Bytes that there are of it.
    given_bytes: u32,
    /// What a change has to bring, or keep, within the budget.
    kept: Resources,
}

impl Excess<'_> {
    fn network(&self) -> &Network {
        &self.declaration.network
    }

    /// The plan that fits best if the declaration leaves it open, which it does
    /// not.
    fn other_plan(&self) -> Option<Design> {
        let free = self.with_plan(PlanChoice::Fastest);
        (self.declaration.plan != PlanChoice::Fastest)
            .then(|| any_that_fits(&free, self.sums, self.kept))
            .flatten()
    }

    fn with_plan(&self, plan: PlanChoice) -> Declaration {
        Declaration {
            plan,
            ..self.declaration.clone()
        }
    }

    fn with_weights(&self, weights: WeightsSource) -> Declaration {
        Declaration {
            weights,
            ..self.declaration.clone()
        }
    }

    /// The declaration of another network, for which there are no weights yet.
    fn with_network(&self, network: Network) -> Declaration {
        let changed = Declaration {
            network,
            ..self.declaration.clone()
        };
        changed.sized()
    }

    /// Whether the plan that is taken fits, of a declaration whose weights are
    /// not known.
    fn sized_fits(&self, changed: &Declaration) -> bool {
        taken_that_fits(changed, &self.unknown_sums(), self.kept).is_some()
    }

    /// Of weights that are not there yet: as wide as those of the design.
    fn unknown_sums(&self) -> Sums<'static> {
        Sums {
            widest: self.sums.widest,
            constants: None,
        }
    }
}

/// The sums of weights that are loaded at run time.
fn run_time_sums(network: &Network) -> Sums<'static> {
    Sums {
        widest: Accumulators::at_run_time(network).widest(),
        constants: None,
    }
}

/// A layer as the declaration writes it; and which one of those that are written
/// alike.
fn named(network: &Network, layer: LayerId) -> String {
    let text = network.written(layer);
    let layers = (0..network.layer_count()).map(LayerId);
    let same: Vec<LayerId> = layers.filter(|&it| network.written(it) == text).collect();
    match same.iter().position(|&it| it == layer) {
        Some(before) if same.len() > 1 => format!("the {} `{text}`", ordinal(before)),
        Some(_) | None => format!("`{text}`"),
    }
}

/// "first" for 0.
fn ordinal(index: usize) -> String {
    const WORDS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    let word = WORDS.get(index).map(ToString::to_string);
    word.unwrap_or_else(|| format!("{}th", index + 1))
}
