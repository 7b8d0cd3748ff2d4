//! Successive halving: many designs are trained a little, the best of them on and on.

use serde::{Deserialize, Serialize};

/// How long a design is trained before it is compared with others: its place in [`Rungs`], from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rung(pub u32);

/// Rounds of training after which designs are compared. What a rung adds continues what the
/// one below trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rungs {
    /// Steps of a round: a constant rate, judged by the running mean of the weights.
    pub steps_of_a_round: u32,
    /// Rounds in all at each rung, growing.
    pub rounds: Vec<u32>,
    /// Of that many designs at a rung, one goes on to the next.
    pub one_of: u32,
}

impl Default for Rungs {
    /// 250, 750 and 2,250 steps; one of three goes on (Jamieson & Talwalkar 2016; Li et al. 2018
    /// take one of three or four).
    fn default() -> Self {
        Self {
            steps_of_a_round: 250,
            rounds: vec![1, 3, 9],
            one_of: 3,
        }
    }
}

impl Rungs {
    /// The last one.
    pub fn top(&self) -> Rung {
        Rung(self.rounds.len().saturating_sub(1) as u32)
    }

    /// Rounds in all at that rung.
    pub fn rounds_at(&self, rung: Rung) -> u32 {
        let rounds = self.rounds.get(rung.0 as usize).or(self.rounds.last());
        rounds.copied().unwrap_or(1)
    }

    /// Steps that this rung adds to the one below.
    pub fn steps_added(&self, rung: Rung) -> u64 {
        let below = rung
            .0
            .checked_sub(1)
            .map_or(0, |it| self.rounds_at(Rung(it)));
        let rounds = self.rounds_at(rung).saturating_sub(below);
        u64::from(rounds) * u64::from(self.steps_of_a_round)
    }

    /// Who goes on from `rung`, of those there: designs with what share of the validation examples
    /// each has right, and whether it went on already. The best come first; of equals the one that
    /// came first.
    pub(crate) fn promoted(&self, there: &[(u32, f64, bool)]) -> Vec<u32> {
        let mut order: Vec<&(u32, f64, bool)> = there.iter().collect();
        order.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        order.truncate(there.len() / self.one_of.max(2) as usize);
        let waiting = order.into_iter().filter(|(_, _, went_on)| !went_on);
        waiting.map(|(design, _, _)| *design).collect()
    }

    /// Everything that is wrong, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.steps_of_a_round == 0 {
            problems.push("a round of 0 steps: expected at least 1".to_owned());
        }
        let grows = self.rounds.windows(2).all(|pair| pair[0] < pair[1]);
        if self.rounds.is_empty() || self.rounds[0] == 0 || !grows {
            problems.push(format!(
                "rungs of {:?} rounds: expected at least one, each longer than the one before",
                self.rounds
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_goes_on_and_nobody_twice() {
        let rungs = Rungs::default();
        let there = [
            (0, 0.5, false),
            (1, 0.9, true),
            (2, 0.7, false),
            (3, 0.7, false),
            (4, 0.1, false),
            (5, 0.2, false),
            (6, 0.0, false),
            (7, 0.3, false),
            (8, 0.6, false),
        ];
        assert_eq!(rungs.promoted(&there), [2, 3]);
        assert!(rungs.promoted(&there[..2]).is_empty());
    }

    #[test]
    fn steps_of_rungs_add_up() {
        let rungs = Rungs::default();
        let added = (0..3).map(|rung| rungs.steps_added(Rung(rung)));
        assert_eq!(added.sum::<u64>(), 2250);
    }
}
