//! Aging evolution (Real et al. 2019): of the latest designs some are drawn, and the best of them
//! has a child that differs in little.

use std::collections::BTreeSet;

use crate::cost::{Cost, Costs};
use crate::design::Design;
use crate::random::Random;
use crate::rung::Rung;
use crate::sample::Ground;
use crate::space::Genes;

/// A design that has been tried, and can have children.
pub(crate) struct Parent {
    pub(crate) genes: Genes,
    pub(crate) cost: Cost,
    /// The highest rung that it was at.
    pub(crate) rung: Rung,
    /// What it had right there, 0 to 1.
    pub(crate) accuracy: f64,
}

/// Of the population, the share that a parent is chosen from, and the most.
const SHARE_DRAWN: usize = 4;
const MOST_DRAWN: usize = 25;
/// Of all parents, the share that is chosen by how right they are alone. The others are chosen by
/// the worst of error and costs, each a share of the worst that was drawn and divided by a random
/// weight (Liberis et al. 2021), so that smaller designs have children too.
const SHARE_BY_ACCURACY: f64 = 0.75;
/// Children that do not fit or are known already before there is none.
const ATTEMPTS: usize = 200;

impl Ground<'_> {
    /// A child that fits and is not in `seen`; `None` where none is found.
    pub(crate) fn child(
        &self,
        population: &[Parent],
        random: &mut Random,
        seen: &BTreeSet<String>,
    ) -> Option<(Design, Cost)> {
        if population.is_empty() {
            return None;
        }
        for _ in 0..ATTEMPTS {
            let mut genes = self.space.beside(&chosen(population, random).genes, random);
            // A third differs in two choices, a ninth in three.
            while random.below(3) == 0 {
                genes = self.space.beside(&genes, random);
            }
            if let Ok((design, cost)) = self.try_out(&genes)
                && !seen.contains(&design.to_string())
            {
                return Some((design, cost));
            }
        }
        None
    }
}

fn chosen<'p>(population: &'p [Parent], random: &mut Random) -> &'p Parent {
    let count = (population.len() / SHARE_DRAWN).clamp(2, MOST_DRAWN);
    let drawn: Vec<&Parent> = (0..count)
        .map(|_| &population[random.below(population.len())])
        .collect();
    let mut best = drawn[0];
    if random.share() < SHARE_BY_ACCURACY {
        for parent in &drawn {
            let is_better = (parent.rung, parent.accuracy) > (best.rung, best.accuracy);
            best = if is_better { parent } else { best };
        }
        return best;
    }
    let weights: Vec<f64> = Costs::ALL.iter().map(|_| 1.0 - random.share()).collect();
    let worst_of = |figure: &dyn Fn(&Parent) -> f64| {
        let figures = drawn.iter().map(|parent| figure(parent));
        figures.fold(f64::MIN_POSITIVE, f64::max)
    };
    let error = |parent: &Parent| 1.0 - parent.accuracy;
    let worst_error = worst_of(&error);
    let worst: Vec<f64> = Costs::ALL
        .iter()
        .map(|costs| worst_of(&|parent| costs.of(&parent.cost)))
        .collect();
    let badness = |parent: &Parent| {
        let costs = Costs::ALL.iter().zip(&worst).zip(&weights);
        let costs = costs.map(|((costs, worst), weight)| costs.of(&parent.cost) / worst * weight);
        costs.fold(error(parent) / worst_error, f64::max)
    };
    for parent in &drawn {
        let is_better = badness(parent) < badness(best);
        best = if is_better { parent } else { best };
    }
    best
}
