//! How many designs of a space fit, and what they take: nothing is trained.

use rayon::prelude::*;

use crate::base::Base;
use crate::cost::{Cost, Limits, Verdict, measure};
use crate::random::Random;
use crate::space::Space;

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Designs of the space; `None` where they are more than 2¹²⁸.
    pub count: Option<u128>,
    /// How many were looked at: all, or some drawn at random, each as likely.
    pub looked_at: usize,
    /// Of these, those whose maps have no pixels left.
    pub impossible: usize,
    /// What those that fit take.
    pub fitting: Vec<Cost>,
    /// What the declaration's own list takes.
    pub own: Verdict,
}

impl Survey {
    /// Looks at every design of a space, or at `most` of them.
    pub fn of(base: &Base, space: &Space, limits: &Limits, most: usize, seed: u64) -> Self {
        let count = space.count();
        let whole = count.filter(|&count| count <= most as u128);
        let looked_at = whole.map_or(most, |count| count as usize);
        let verdicts = (0..looked_at as u64).into_par_iter().filter_map(|index| {
            let number = match (whole, count) {
                (Some(_), _) => index.into(),
                (None, Some(count)) => Random::new(seed, 0, index).below_wide(count),
                (None, None) => {
                    let genes = space.any(&mut Random::new(seed, 0, index));
                    return Some(measure(base, limits, &space.design(&genes)));
                }
            };
            let genes = space.nth(number)?;
            Some(measure(base, limits, &space.design(&genes)))
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        let impossible = |verdict: &&Verdict| **verdict == Verdict::Impossible;
        Self {
            count,
            looked_at,
            impossible: verdicts.iter().filter(impossible).count(),
            fitting: verdicts.iter().filter_map(|it| it.fitting()).collect(),
            own: measure(base, limits, &base.design()),
        }
    }

    /// Whether every design was looked at.
    pub fn is_whole(&self) -> bool {
        self.count == Some(self.looked_at as u128)
    }

    /// How many designs fit, at least and at most: 95 % of such estimates hold (Wilson 1927).
    pub fn fitting_range(&self) -> Option<(f64, f64)> {
        const DEVIATIONS: f64 = 1.96;
        let (count, fitting) = (self.count? as f64, self.fitting.len() as f64);
        if self.is_whole() {
            return Some((fitting, fitting));
        }
        let n = self.looked_at as f64;
        let share = fitting / n;
        let square = DEVIATIONS * DEVIATIONS / n;
        let middle = share + square / 2.0;
        let half = DEVIATIONS * (share * (1.0 - share) / n + square / (4.0 * n)).sqrt();
        let of = |share: f64| (share / (1.0 + square) * count).max(0.0);
        Some((of(middle - half), of(middle + half)))
    }
}
