//! What would make a design fit: at most three changes, the cheapest first, each
//! computed by planning it, none guessed.
//!
//! Cheap is what takes little from the network. In this order:
//! 1. what leaves its results as they are: another plan, a smaller `reserve`,
//!    weights elsewhere, code in another form;
//! 2. fewer outputs of one layer, the one that loses the smallest share of the
//!    network's multiply-accumulates by it; of layers whose maps are added to one
//!    another, of all of them;
//! 3. a tree of a lower depth, fewer prototypes, or fewer values that they read;
//! 4. more weights that are 0, of flash where code has nothing for these;
//! 5. fewer bits of all layers;
//! 6. a stride of 2 in one layer;
//! 7. a larger part.
//!
//! What does not come into question before three are found is not computed. A
//! change that keeps the weights is judged with them. One of shapes or bits
//! needs weights that are not there yet: it is judged as a design to size. Every
//! change leaves a design that fits, SRAM and flash; only where there is none are
//! there changes for one of them alone, which say so.

mod flash;
mod least;
mod outputs;
#[cfg(test)]
mod random_designs;
mod remedy;
mod scores;
mod sram;
mod strides;
mod target;
#[cfg(test)]
mod tests;
mod zeros;

pub use remedy::{Change, Remedy};

use super::choice::{any_that_fits, taken_that_fits};
use super::{Design, ExpectedWeights, Resources, Sums, choose};
use crate::declaration::{Declaration, PlanChoice, Reserve, WeightsSource};
use crate::effort::Limit;
use crate::network::{Bits, LayerId, Network};
use crate::program::Accumulators;
use remedy::Setting;
use std::cell::Cell;

const MOST_REMEDIES: usize = 3;

/// What would make a design fit.
pub(super) struct Remedies {
    /// Each of them alone is enough.
    pub(super) changes: Vec<Remedy>,
    /// Whether the other kind of memory needs a change of its own as well.
    pub(super) of_this_memory_alone: bool,
    /// Whether the search was left before all kinds of changes were tried.
    pub(super) unfinished: bool,
}

/// Effort that the searches for advice may take together, three quarters of a second
/// or so in an unoptimised build: each goes on to the end of the plan that it is at,
/// and is then left.
const MOST_EFFORT: u64 = 6_000_000;

/// How much of it one search may take. Where SRAM and flash are both exceeded, there
/// are four: for each, of changes that clear both and of those that clear it alone.
fn limit(other_fits: bool) -> Limit {
    Limit::after(match other_fits {
        true => MOST_EFFORT,
        false => MOST_EFFORT / 4,
    })
}

/// Changes with each of which alone the design takes at most the SRAM given, and
/// fits; or, where none does, that do for the SRAM.
pub(super) fn for_sram(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Remedies {
    let other_fits = Resources::FLASH.fit(declaration, design);
    search(other_fits, Resources::SRAM, |kept| {
        let excess = Excess {
            declaration,
            design,
            sums,
            given_bytes,
            kept,
            other_fits,
            limit: Cell::new(limit(other_fits)),
            unfinished: Cell::new(false),
        };
        let changes = cheapest(&[
            &|| sram::another_plan(&excess),
            &|| sram::smaller_reserve(&excess),
            &|| sram::weights_in_flash(&excess),
            &|| sram::fewer_outputs(&excess),
            &|| sram::smaller_scores(&excess),
            &|| sram::fewer_bits(&excess),
            &|| sram::stride(&excess),
            &|| target::larger(&excess, |target| target.sram_bytes),
        ]);
        (changes, excess.unfinished.get())
    })
}

/// Changes with each of which alone the design takes at most the flash given, and
/// fits; or, where none does, that do for the flash.
pub(super) fn for_flash(
    declaration: &Declaration,
    design: &Design,
    sums: &Sums<'_>,
    given_bytes: u32,
) -> Remedies {
    let other_fits = Resources::SRAM.fit(declaration, design);
    search(other_fits, Resources::FLASH, |kept| {
        let excess = Excess {
            declaration,
            design,
            sums,
            given_bytes,
            kept,
            other_fits,
            limit: Cell::new(limit(other_fits)),
            unfinished: Cell::new(false),
        };
        let changes = cheapest(&[
            &|| flash::another_plan(&excess),
            &|| flash::smaller_reserve(&excess),
            &|| flash::weights_in_sram(&excess),
            &|| flash::any_form_of_code(&excess),
            &|| flash::fewer_outputs(&excess),
            &|| flash::smaller_scores(&excess),
            &|| flash::more_zeros(&excess),
            &|| flash::fewer_bits(&excess),
            &|| flash::stride(&excess),
            &|| target::larger(&excess, |target| target.flash_bytes),
        ]);
        (changes, excess.unfinished.get())
    })
}

/// Searches for changes that clear everything, and else for those that clear
/// `this` kind of memory, where the other is exceeded too.
fn search(
    other_fits: bool,
    this: Resources,
    changes_that_clear: impl Fn(Resources) -> (Vec<Remedy>, bool),
) -> Remedies {
    let (changes, unfinished) = changes_that_clear(Resources::ALL);
    if other_fits || !changes.is_empty() {
        return Remedies {
            changes,
            of_this_memory_alone: false,
            unfinished,
        };
    }
    let (changes, unfinished_too) = changes_that_clear(this);
    Remedies {
        of_this_memory_alone: !changes.is_empty(),
        changes,
        unfinished: unfinished || unfinished_too,
    }
}

/// The first remedies of the kinds, the cheapest of which comes first.
fn cheapest(kinds: &[&dyn Fn() -> Vec<Remedy>]) -> Vec<Remedy> {
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
    /// Whether the design has enough of the other kind of memory as it is.
    other_fits: bool,
    /// Where the search is left.
    limit: Cell<Limit>,
    /// Whether it was.
    unfinished: Cell<bool>,
}

impl Excess<'_> {
    /// Whether there is time for another plan.
    fn has_time(&self) -> bool {
        let has_time = !self.limit.get().is_reached();
        if !has_time {
            self.unfinished.set(true);
        }
        has_time
    }

    /// Gives the search some time more where it has none left: for a kind of change
    /// that is soon found.
    fn extend(&self) {
        if self.limit.get().is_reached() {
            self.limit.set(Limit::after(MOST_EFFORT / 8));
        }
    }

    /// The plan that is taken, if it fits; `None` too where there is no time to find
    /// that out.
    fn taken_that_fits(&self, changed: &Declaration, sums: &Sums<'_>) -> Option<Design> {
        self.taken_within(changed, sums, self.kept)
    }

    /// The same, where SRAM and flash are enough.
    fn taken_that_fits_all(&self, changed: &Declaration, sums: &Sums<'_>) -> Option<Design> {
        self.taken_within(changed, sums, Resources::ALL)
    }

    fn taken_within(
        &self,
        changed: &Declaration,
        sums: &Sums<'_>,
        kept: Resources,
    ) -> Option<Design> {
        if !self.has_time() {
            return None;
        }
        let found = taken_that_fits(changed, sums, kept, self.limit.get());
        if found.is_none() {
            self.has_time();
        }
        found
    }

    /// SRAM that the plan takes which is chosen for a declaration that fits, in
    /// words; nothing where there is no time to find that out.
    fn sram_in_words(&self, changed: &Declaration) -> String {
        if self.limit.get().is_reached() {
            return String::new();
        }
        let expected = ExpectedWeights::of(changed);
        let bytes = choose(changed, &self.sums_of(&expected)).sram_bytes();
        format!(" ({bytes} bytes)")
    }

    /// Whether a change that leaves plan and code as they are is enough.
    fn same_plan_is_enough(&self) -> bool {
        let both_wanted = self.kept.sram && self.kept.flash;
        self.other_fits || !both_wanted
    }

    fn network(&self) -> &Network {
        &self.declaration.network
    }

    /// The plan that fits best if the declaration leaves it open, which it does
    /// not.
    fn other_plan(&self) -> Option<Design> {
        let free = self.with_plan(PlanChoice::Fastest);
        if self.declaration.plan == PlanChoice::Fastest || !self.has_time() {
            return None;
        }
        let found = any_that_fits(&free, self.sums, self.kept, self.limit.get());
        if found.is_none() {
            self.has_time();
        }
        found
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
        if !self.has_time() {
            return false;
        }
        let expected = ExpectedWeights::of(changed);
        self.taken_that_fits(changed, &self.sums_of(&expected))
            .is_some()
    }

    /// Of weights that are not there yet: what is expected of them, or sums as wide as those of the
    /// design.
    fn sums_of<'b>(&self, expected: &'b Option<ExpectedWeights>) -> Sums<'b> {
        match expected {
            Some(expected) => expected.sums(),
            None => Sums {
                widest: self.sums.widest,
                constants: None,
            },
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

/// The key `bits` as it is pasted in: the entry of that name, and whichever others are
/// not what they are when left out.
fn written_bits(bits: Bits, changed: &str) -> Setting {
    let default = Bits::default();
    let entries = [
        ("weights", bits.weights, default.weights),
        ("biases", bits.biases, default.biases),
        ("activations", bits.activations, default.activations),
    ];
    let entries: Vec<String> = entries
        .into_iter()
        .filter(|&(name, width, default)| name == changed || width != default)
        .map(|(name, width, _)| format!("{name}: {width}"))
        .collect();
    Setting {
        key: "bits",
        value: format!("{{ {} }}", entries.join(", ")),
    }
}

/// The key `reserve` as it is pasted in.
fn written_reserve(reserve: Reserve) -> Setting {
    let Reserve {
        sram_bytes,
        flash_bytes,
    } = reserve;
    let value = match (sram_bytes, flash_bytes) {
        (Some(sram), None) => sram.to_string(),
        (Some(sram), Some(flash)) => format!("{{ sram: {sram}, flash: {flash} }}"),
        (None, Some(flash)) => format!("{{ flash: {flash} }}"),
        (None, None) => "{}".to_owned(),
    };
    Setting {
        key: "reserve",
        value,
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
