//! Fewer outputs of one layer.

use crate::network::{Network, Node};
use std::cmp::Reverse;

/// The layer that has to lose the smallest share of the network's
/// multiply-accumulates until it fits, with as many outputs as fit, in words. The
/// last layer's outputs are the task's.
///
/// `can_fit` is quick, and false only where `fits`, which may take long, is.
pub(super) fn fewer(
    network: &Network,
    can_fit: impl Fn(&Network) -> bool,
    fits: impl Fn(&Network) -> bool,
) -> Option<String> {
    let last = network.last_node().id;
    let layers = network.computing_nodes();
    let mut candidates: Vec<Candidate<'_>> = layers
        .filter(|layer| layer.id != last)
        .filter_map(|layer| {
            let most = layer.kind.outputs()? - 1;
            Candidate {
                network,
                layer,
                n: 0,
            }
            .with_most(most, &can_fit)
        })
        .collect();
    // Those that may lose the least first: whoever is behind them can't win once
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
    best.map(|best| best.to_words())
}

/// A layer with other outputs.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    network: &'a Network,
    layer: &'a Node,
    n: u32,
}

impl Candidate<'_> {
    /// `None` where maps that are added would no longer fit one another.
    fn changed(&self) -> Option<Network> {
        self.network.with_outputs(self.layer.layer, self.n).ok()
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
        if most == 0 || !fits(1) {
            return None;
        }
        // The most is likely to fit where a quicker look has found it.
        if fits(most) {
            return Some(with(most));
        }
        let (mut good, mut bad) = (1, most);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if fits(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Some(with(good))
    }

    fn to_words(self) -> String {
        let layer = self.layer;
        let changed = layer.kind.with_outputs(self.n);
        let text = layer.to_string();
        let layers = self.network.nodes().iter();
        let same: Vec<_> = layers.filter(|other| other.to_string() == text).collect();
        let place = match &same[..] {
            [_] => String::new(),
            _ => {
                let before = same.iter().filter(|other| other.id < layer.id).count();
                format!("the {} ", ordinal(before))
            }
        };
        format!("`{changed}` in place of {place}`{layer}`")
    }
}

/// "first" for 0.
fn ordinal(index: usize) -> String {
    const WORDS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    let word = WORDS.get(index).map(ToString::to_string);
    word.unwrap_or_else(|| format!("{}th", index + 1))
}
