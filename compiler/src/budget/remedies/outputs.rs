//! Fewer outputs of one layer, or of all layers whose outputs are tied to its.

use super::least::least_that_fits;
use super::named;
use super::remedy::{Change, Remedy};
use crate::network::{LayerId, Network, Node};
use std::cmp::Reverse;

/// The layers that have to lose the smallest share of the network's
/// multiply-accumulates until it fits, with as many outputs as fit: one,
/// or those whose maps are added to one another. The last layer's outputs are the
/// task's.
///
/// `can_fit` is quick, and false only where `fits`, which may take long, is.
pub(super) fn fewer(
    network: &Network,
    can_fit: impl Fn(&Network) -> bool,
    fits: impl Fn(&Network) -> bool,
) -> Option<Remedy> {
    let groups = network.tied_outputs();
    let mut candidates: Vec<Candidate<'_>> = groups
        .iter()
        .filter_map(|layers| {
            let candidate = Candidate {
                network,
                layers,
                n: 0,
            };
            candidate.with_most(candidate.outputs()? - 1, &can_fit)
        })
        .collect();
    // Those that may lose the least first: those after them can't win once
    // one of them fits.
    candidates.sort_by_key(Candidate::rank);
    let mut best: Option<Candidate<'_>> = None;
    for candidate in candidates {
        if best.is_some_and(|best| best.rank() <= candidate.rank()) {
            break;
        }
        let fitting = candidate.with_most(candidate.n, &fits);
        best = [best, fitting]
            .into_iter()
            .flatten()
            .min_by_key(Candidate::rank);
    }
    best.map(|best| Remedy::of(best.to_words(), best.changes()))
}

/// Layers with other outputs.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    network: &'a Network,
    layers: &'a [LayerId],
    n: u32,
}

impl Candidate<'_> {
    /// As they are.
    fn outputs(&self) -> Option<u32> {
        let layer = *self.layers.first()?;
        self.network.nodes_of(layer).next()?.kind.outputs()
    }

    /// `None` where maps would no longer fit one another.
    fn changed(&self) -> Option<Network> {
        self.network.with_outputs(self.layers, self.n).ok()
    }

    /// The less, the more of the network is left: its multiply-accumulates, and
    /// of equals its weights.
    fn rank(&self) -> Reverse<(u64, u64)> {
        let network = self.changed();
        let weights = |network: &Network| network.nodes().iter().map(Node::weight_count).sum();
        Reverse(network.map_or((0, 0), |network| {
            (network.multiply_accumulates(), weights(&network))
        }))
    }

    /// The largest of `1..=most` outputs that fits, where fewer never need more.
    fn with_most(self, most: u32, fits: impl Fn(&Network) -> bool) -> Option<Self> {
        let with = |n| Self { n, ..self };
        let fits = |n| with(n).changed().is_some_and(|network| fits(&network));
        // The most is likely to fit where a quicker look has found it.
        if most > 0 && fits(most) {
            return Some(with(most));
        }
        let fewer = least_that_fits(1..=most.checked_sub(1)?, |fewer| fits(most - fewer))?;
        Some(with(most - fewer))
    }

    fn changes(self) -> Vec<Change> {
        let layers = self.layers.iter();
        let changes = layers.map(|&layer| Change::Outputs {
            layer,
            outputs: self.n,
        });
        changes.collect()
    }

    fn to_words(self) -> String {
        let (network, n) = (self.network, self.n);
        let before = self.outputs().unwrap_or(n);
        let names: Vec<String> = self.layers.iter().map(|&it| named(network, it)).collect();
        match (&names[..], self.changed()) {
            ([name], Some(changed)) => {
                let written = changed.written(self.layers[0]);
                format!("`{written}` in place of {name}")
            }
            (names, _) => {
                let (last, others) = names
                    .split_last()
                    .map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
                let others = others.join(", ");
                format!(
                    "{n} outputs in place of {before} of {others} and {last} together (their maps \
                     are added to one another)"
                )
            }
        }
    }
}
