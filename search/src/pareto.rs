//! Which designs are better than others in everything.

use crate::coordinator::Candidate;
use crate::cost::Costs;

/// Whether one is at least as good as the other in every figure and better in one; of all figures
/// less is better.
pub fn dominates(one: &[f64], other: &[f64]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

/// Which of these no other one dominates.
pub fn front(points: &[Vec<f64>]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    // Whoever dominates comes first.
    order.sort_by(|&one, &other| {
        let pairs = points[one].iter().zip(&points[other]);
        let mut orders = pairs.map(|(one, other)| one.total_cmp(other));
        orders.find(|it| it.is_ne()).unwrap_or(one.cmp(&other))
    });
    let mut is_in_front = vec![false; points.len()];
    let mut members: Vec<usize> = Vec::new();
    for at in order {
        if !members
            .iter()
            .any(|&it| dominates(&points[it], &points[at]))
        {
            is_in_front[at] = true;
            members.push(at);
        }
    }
    is_in_front
}

/// Error and costs of a design: what is compared.
pub fn figures(candidate: &Candidate) -> Option<Vec<f64>> {
    let cost = candidate.exact_cost();
    let error = 1.0 - candidate.accuracy()?;
    let costs = Costs::ALL.iter().map(|costs| costs.of(&cost));
    Some([error].into_iter().chain(costs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_front_is_what_nobody_dominates() {
        for seed in 0..200 {
            let mut random = Random::new(seed, 0, 0);
            let mut point = || (0..3).map(|_| random.below(6) as f64).collect();
            let points: Vec<Vec<f64>> = (0..30).map(|_| point()).collect();
            let found = front(&points);
            for (at, point) in points.iter().enumerate() {
                let is_beaten = points
                    .iter()
                    .any(|other| (0..3).all(|it| other[it] <= point[it]) && other != point);
                assert_eq!(found[at], !is_beaten, "{points:?}: {at}");
            }
        }
    }
}
