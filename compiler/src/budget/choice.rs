//! Which plan is taken: by what it takes, never by its name.

use super::features;
use super::{DEFAULT_RESERVE_BESIDE_STACK_BYTES, Design, Resources, Sums};
use crate::backend;
use crate::declaration::{Declaration, PlanChoice, WeightsSource};
use crate::effort::Limit;
use crate::network::Network;
use crate::plan::{self, Dataflow, InPlace, MemoryPlan, Strategy, SumBytes};
use crate::program::{parameter_bytes, results_place};

/// Takes the plan that the declaration asks for; where it does not, the fastest
/// of those that fit. Where none does, the one with the least code of those that
/// have SRAM enough, or else the smallest. Of equals, the one that streams less.
///
/// `sums` decide how deep the stack is, and how large the code.
///
/// Of a network whose plans take long to make, those are looked at that are made
/// within a third of a second or so, and the last one: the design says whether any is left.
pub fn choose(declaration: &Declaration, sums: &Sums<'_>) -> Design {
    Candidates::of(declaration, sums).taken()
}

/// Effort after which no more plans are made, but for the last.
const MOST_EFFORT: u64 = 3_000_000;
/// Effort after which the code of no more plans is written, where there is one that
/// has SRAM enough.
const MOST_EFFORT_FOR_CODE: u64 = 5_000_000;

/// Some plan that the declaration allows and that fits these parts of its budget:
/// a smaller one before a larger. `None` too where the limit is reached before one is
/// found.
pub(super) fn any_that_fits(
    declaration: &Declaration,
    sums: &Sums<'_>,
    kept: Resources,
    limit: Limit,
) -> Option<Design> {
    let candidates = Candidates::within(declaration, sums, limit)?;
    let mut plans = candidates.plans.iter().collect::<Vec<_>>();
    plans.sort_by_key(|plan| candidates.state_bytes(plan));
    let mut plans = plans.into_iter().take_while(|_| !limit.is_reached());
    plans.find_map(|plan| candidates.fitting(plan, kept))
}

/// As [`any_that_fits`], where [`choose`] is sure to take a plan that does too.
pub(super) fn taken_that_fits(
    declaration: &Declaration,
    sums: &Sums<'_>,
    kept: Resources,
    limit: Limit,
) -> Option<Design> {
    // A plan that has SRAM enough is taken before one that has not.
    if kept.sram && declaration.plan != PlanChoice::Smallest {
        return any_that_fits(declaration, sums, kept, limit);
    }
    let design = Candidates::within(declaration, sums, limit)?.taken();
    kept.fit(declaration, &design).then_some(design)
}

/// Every plan of the network that is worth a look, with what it takes: those of
/// which no other one is both smaller and faster come first, the fastest at the
/// head.
pub fn alternatives(declaration: &Declaration, sums: &Sums<'_>) -> Vec<Design> {
    let any = Declaration {
        plan: PlanChoice::Fastest,
        ..declaration.clone()
    };
    let candidates = Candidates::of(&any, sums);
    let plans = candidates.plans.iter();
    plans.map(|plan| candidates.design(plan.clone())).collect()
}

/// Every plan that a declaration can name, each once; `begin` hears the name of each
/// before it is made.
pub fn every_plan(
    declaration: &Declaration,
    sums: &Sums<'_>,
    mut begin: impl FnMut(&str),
) -> Vec<Design> {
    let flow = &declaration.network.dataflow();
    let mut designs: Vec<Design> = Vec::new();
    for strategy in Strategy::all(flow) {
        begin(&strategy.name(flow));
        let named = Declaration {
            plan: PlanChoice::Named(strategy),
            ..declaration.clone()
        };
        let design = choose(&named, sums);
        if designs.iter().all(|other| other.plan != design.plan) {
            designs.push(design);
        }
    }
    designs
}

/// The plans that a declaration allows.
struct Candidates<'a> {
    declaration: &'a Declaration,
    sums: &'a Sums<'a>,
    parameter_bytes: u32,
    /// Of all results, as they are stored.
    all_results_bytes: u32,
    plans: Vec<MemoryPlan>,
    /// Whether there are more plans, which took too long to make.
    plans_left_out: bool,
}

impl<'a> Candidates<'a> {
    fn of(declaration: &'a Declaration, sums: &'a Sums<'a>) -> Self {
        let plans = plans(declaration, sums, None);
        Self::with(declaration, sums, plans.expect("no limit is given"))
    }

    /// The same, of a search that ends at a limit; `None` where it is reached.
    fn within(declaration: &'a Declaration, sums: &'a Sums<'a>, limit: Limit) -> Option<Self> {
        let plans = plans(declaration, sums, Some(limit))?;
        Some(Self::with(declaration, sums, plans))
    }

    fn with(
        declaration: &'a Declaration,
        sums: &'a Sums<'a>,
        Plans {
            plans,
            plans_left_out,
        }: Plans,
    ) -> Self {
        let network = &declaration.network;
        Self {
            declaration,
            sums,
            parameter_bytes: match declaration.weights {
                // More than there can be is too much anywhere.
                WeightsSource::Runtime => parameter_bytes(network).try_into().unwrap_or(u32::MAX),
                WeightsSource::File | WeightsSource::Nowhere => 0,
            },
            all_results_bytes: sums.results_bytes(network),
            plans,
            plans_left_out,
        }
    }

    /// What [`choose`] takes.
    fn taken(&self) -> Design {
        match self.declaration.plan {
            PlanChoice::Smallest => self.smallest(),
            PlanChoice::Fastest | PlanChoice::Named(_) | PlanChoice::Streamed { .. } => {
                self.fastest().unwrap_or_else(|| self.smallest())
            }
        }
    }

    fn state_bytes(&self, plan: &MemoryPlan) -> u64 {
        u64::from(plan.arena_bytes)
            + u64::from(plan.cursor_bytes())
            + u64::from(self.parameter_bytes)
            + u64::from(self.declaration.window_bytes())
            + u64::from(self.results_bytes(plan))
            + u64::from(features::state_bytes(self.declaration))
    }

    fn results_bytes(&self, plan: &MemoryPlan) -> u32 {
        match results_place(&self.declaration.network, plan, self.all_results_bytes) {
            Some(_) => 0,
            None => self.all_results_bytes,
        }
    }

    fn design(&self, plan: MemoryPlan) -> Design {
        let mut footprint =
            backend::of(self.declaration).footprint(self.declaration, self.sums, &plan);
        features::add_to(self.declaration, &mut footprint);
        let default_reserve_bytes = footprint.stack_bytes + DEFAULT_RESERVE_BESIDE_STACK_BYTES;
        let reserve_bytes = self.declaration.reserve.sram_bytes;
        Design {
            reserve_bytes: reserve_bytes.unwrap_or(default_reserve_bytes),
            default_reserve_bytes,
            parameter_bytes: self.parameter_bytes,
            results_bytes: self.results_bytes(&plan),
            window_bytes: self.declaration.window_bytes(),
            features_bytes: features::state_bytes(self.declaration),
            footprint,
            plan,
            plans_left_out: self.plans_left_out,
        }
    }

    /// The design of a plan, if these parts of the budget hold it; its code is not
    /// written where its memory alone says that they do not.
    fn fitting(&self, plan: &MemoryPlan, kept: Resources) -> Option<Design> {
        let sram_bytes = self.declaration.budget.sram_bytes;
        if kept.sram && sram_bytes.is_some_and(|given| self.state_bytes(plan) > given.into()) {
            return None;
        }
        let design = self.design(plan.clone());
        kept.fit(self.declaration, &design).then_some(design)
    }

    /// Of those that fit; or else, of those whose SRAM there is, the one that takes
    /// the least flash: its excess is what the error reports.
    fn fastest(&self) -> Option<Design> {
        let enough = Limit::after(MOST_EFFORT_FOR_CODE);
        let mut plans_left_out = self.plans_left_out;
        let (mut fitting, mut over_flash): (Vec<Design>, Vec<Design>) = (Vec::new(), Vec::new());
        for plan in &self.plans {
            // Herringbone order is for fewer bytes: its code walks by tables, which are
            // never faster than rows, so that nothing is gained where these fit.
            let rows_fit = |design: &Design| design.plan.strategy == by_rows(plan.strategy);
            if plan.strategy.rest == InPlace::Herringbone && fitting.iter().any(rows_fit) {
                continue;
            }
            if enough.is_reached() && !(fitting.is_empty() && over_flash.is_empty()) {
                plans_left_out = true;
                break;
            }
            let Some(design) = self.fitting(plan, Resources::SRAM) else {
                continue;
            };
            if Resources::FLASH.fit(self.declaration, &design) {
                fitting.push(design);
            } else {
                over_flash.push(design);
            }
        }
        for design in fitting.iter_mut().chain(&mut over_flash) {
            design.plans_left_out = plans_left_out;
        }
        let fastest = fitting.into_iter().min_by(|one, other| {
            // Machine code is faster than any portable code.
            let is_portable = |design: &Design| design.footprint.code.is_none();
            let by_kind = is_portable(one).cmp(&is_portable(other));
            by_kind.then(one.cycles().total_cmp(&other.cycles()))
        });
        let leanest = || {
            let designs = over_flash.into_iter();
            designs.min_by_key(|design| design.footprint.flash_bytes)
        };
        fastest.or_else(leanest)
    }

    fn smallest(&self) -> Design {
        self.design(self.smallest_plan().clone())
    }

    fn smallest_plan(&self) -> &MemoryPlan {
        let plan = self.plans.iter().min_by_key(|plan| self.state_bytes(plan));
        plan.expect("a network has a plan")
    }
}

/// Whether some plan that the key allows may have an arena of at most that many
/// bytes: found out without placing anything.
pub(super) fn arena_can_be_within(
    network: &Network,
    choice: PlanChoice,
    sum_bytes: &SumBytes,
    most_bytes: u32,
) -> bool {
    let flow = &network.dataflow();
    let mut strategies = strategies(flow, choice).into_iter();
    strategies.any(|strategy| {
        // The first bound takes no time, the second one some.
        [plan::largest_map_bytes, plan::least_bytes]
            .iter()
            .all(|bytes| bytes(flow, sum_bytes, strategy) <= most_bytes)
    })
}

/// The strategies that the key allows.
fn strategies(flow: &Dataflow, choice: PlanChoice) -> Vec<Strategy> {
    match choice {
        PlanChoice::Named(strategy) => vec![strategy.of(flow)],
        PlanChoice::Streamed {
            layers: streamed_layers,
        } => plan::orders(flow)
            .into_iter()
            .map(|rest| {
                Strategy {
                    streamed_layers,
                    rest,
                }
                .of(flow)
            })
            .collect(),
        PlanChoice::Fastest | PlanChoice::Smallest => Strategy::all(flow),
    }
}

/// The same layers streamed, the others row by row.
fn by_rows(strategy: Strategy) -> Strategy {
    Strategy {
        rest: InPlace::RowMajor,
        ..strategy
    }
}

/// Plans that a declaration allows.
struct Plans {
    /// At least one.
    plans: Vec<MemoryPlan>,
    /// Whether there are more.
    plans_left_out: bool,
}

/// The plans that the key allows; `None` where `limit` is reached before they are
/// made.
fn plans(declaration: &Declaration, sums: &Sums<'_>, limit: Option<Limit>) -> Option<Plans> {
    let network = &declaration.network;
    let sum_bytes = &sums.kept_bytes(network);
    let enough = Limit::after(MOST_EFFORT);
    let rings = backend::of(declaration).rings(declaration);
    let flow = &network.dataflow().with_rings(rings);
    let strategies = strategies(flow, declaration.plan);
    // It streams the most, and is the smallest of many.
    let last = strategies.last().copied();
    let mut plans: Vec<MemoryPlan> = Vec::new();
    let mut plans_left_out = false;
    for strategy in strategies {
        if limit.is_some_and(Limit::is_reached) {
            return None;
        }
        if Some(strategy) != last {
            if is_hopeless(declaration, flow, sum_bytes, strategy) {
                continue;
            }
            if enough.is_reached() {
                plans_left_out = true;
                continue;
            }
        }
        // Placing takes much longer than finding that it can't pay: orders other than
        // row by row are for fewer bytes.
        let by_rows = by_rows(strategy);
        let is_rival = |plan: &&MemoryPlan| plan.strategy == by_rows && strategy != by_rows;
        let rival = plans.iter().find(is_rival);
        if rival
            .is_none_or(|rival| plan::least_bytes(flow, sum_bytes, strategy) < rival.arena_bytes)
        {
            plans.push(plan::plan(flow, sum_bytes, strategy));
        }
    }
    Some(Plans {
        plans,
        plans_left_out,
    })
}

/// Whether a map alone is so far beyond the SRAM, and so large, that it need not be
/// placed to be refused, which could take minutes.
fn is_hopeless(
    declaration: &Declaration,
    flow: &Dataflow,
    sum_bytes: &SumBytes,
    strategy: Strategy,
) -> bool {
    const LARGE_BYTES: u32 = 0x1_0000;
    let Some(given_bytes) = declaration.budget.sram_bytes else {
        return false;
    };
    let most_bytes = given_bytes.saturating_mul(4).max(LARGE_BYTES);
    plan::largest_map_bytes(flow, sum_bytes, strategy) > most_bytes
}
