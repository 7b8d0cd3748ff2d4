//! Designs to begin with: at random, from small to large, or all there are.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::base::Base;
use crate::cost::{Cost, Costs, Limits, Verdict, measure};
use crate::design::Design;
use crate::random::Random;
use crate::space::{Genes, Space};

/// Where designs are looked for.
pub(crate) struct Ground<'a> {
    pub(crate) base: &'a Base,
    pub(crate) space: &'a Space,
    pub(crate) limits: &'a Limits,
}

/// Spaces of no more designs than that are looked at as a whole.
pub(crate) const FEW: u128 = 20_000;
/// Designs that are drawn for each one that is taken.
const DRAWN_FOR_ONE: usize = 8;
/// Attempts for each that is drawn, where few fit.
const ATTEMPTS: usize = 20;
/// Changes after which a design that still does not fit is given up.
const CHANGES: usize = 60;
/// Designs that are measured at once.
const CHUNK: usize = 64;

impl Ground<'_> {
    /// What a design takes, if it fits.
    pub(crate) fn fitting(&self, design: &Design) -> Option<Cost> {
        measure(self.base, self.limits, design).fitting()
    }

    /// All that fit, where the space is so small that they can be looked at.
    pub(crate) fn all(&self) -> Option<Vec<(Design, Cost)>> {
        let count = self.space.count().filter(|&count| count <= FEW)?;
        let fitting = (0..count as u64).into_par_iter().filter_map(|number| {
            let design = self.space.design(&self.space.nth(number.into())?);
            let cost = self.fitting(&design)?;
            Some((design, cost))
        });
        Some(unseen(fitting.collect(), &BTreeSet::new()))
    }

    /// As many designs that fit, or fewer where there are few, none of which is in `seen`: one out
    /// of each of as many strata, from those that take the least time to those that take the most.
    pub(crate) fn strata(
        &self,
        count: usize,
        (seed, stage): (u64, u32),
        seen: &BTreeSet<String>,
    ) -> Vec<(Design, Cost)> {
        if count == 0 {
            return Vec::new();
        }
        let wanted = (count * DRAWN_FOR_ONE).max(CHUNK);
        let mut drawn = Vec::new();
        let mut attempts = 0;
        while drawn.len() < wanted && attempts < wanted * ATTEMPTS {
            let chunk = (attempts..attempts + CHUNK).into_par_iter().map(|index| {
                let mut random = Random::new(seed, stage, index as u64);
                self.drawn(&mut random)
            });
            let chunk: Vec<_> = chunk.collect();
            drawn.extend(chunk.into_iter().flatten());
            attempts += CHUNK;
        }
        let mut drawn = unseen(drawn, seen);
        drawn.sort_by(|(_, one), (_, other)| Costs::Time.of(one).total_cmp(&Costs::Time.of(other)));
        let mut random = Random::new(seed, stage, u64::MAX);
        one_of_each(drawn, count, &mut random)
    }

    /// A design that fits: any, changed step by step towards the budget where it does not.
    fn drawn(&self, random: &mut Random) -> Option<(Design, Cost)> {
        let mut genes = self.space.any(random);
        let mut excess = match self.try_out(&genes) {
            Ok(found) => return Some(found),
            Err(excess) => excess,
        };
        for _ in 0..CHANGES {
            let changed = self.space.beside(&genes, random);
            match self.try_out(&changed) {
                Ok(found) => return Some(found),
                Err(other) if other <= excess => (genes, excess) = (changed, other),
                Err(_) => {}
            }
        }
        None
    }

    /// The design with its cost; or else by how much it is over, infinite where it is none.
    pub(crate) fn try_out(&self, genes: &Genes) -> Result<(Design, Cost), f64> {
        let design = self.space.design(genes);
        match measure(self.base, self.limits, &design) {
            Verdict::Fits(cost) => Ok((design, cost)),
            Verdict::Over(excess) => Err(excess),
            Verdict::Impossible => Err(f64::INFINITY),
        }
    }
}

/// Each once, and none that was seen.
fn unseen(designs: Vec<(Design, Cost)>, seen: &BTreeSet<String>) -> Vec<(Design, Cost)> {
    let mut here = BTreeSet::new();
    let designs = designs.into_iter();
    designs
        .filter(|(design, _)| {
            let text = design.to_string();
            !seen.contains(&text) && here.insert(text)
        })
        .collect()
}

/// One out of each of as many strata, all as wide in the logarithm of the time, then of those that
/// are left. They are sorted by time.
fn one_of_each(
    drawn: Vec<(Design, Cost)>,
    count: usize,
    random: &mut Random,
) -> Vec<(Design, Cost)> {
    let time = |it: &(Design, Cost)| Costs::Time.of(&it.1).max(1.0).ln();
    let (Some(least), Some(most)) = (drawn.first().map(time), drawn.last().map(time)) else {
        return Vec::new();
    };
    let width = ((most - least) / count as f64).max(f64::MIN_POSITIVE);
    let mut strata: Vec<Vec<(Design, Cost)>> = (0..count).map(|_| Vec::new()).collect();
    for it in drawn {
        let stratum = ((time(&it) - least) / width) as usize;
        strata[stratum.min(count - 1)].push(it);
    }
    let mut taken = Vec::new();
    while taken.len() < count && strata.iter().any(|it| !it.is_empty()) {
        // The largest first: they are right most often.
        for stratum in strata.iter_mut().rev().filter(|it| !it.is_empty()) {
            if taken.len() < count {
                taken.push(stratum.swap_remove(random.below(stratum.len())));
            }
        }
    }
    taken
}
