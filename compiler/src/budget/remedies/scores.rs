//! A smaller tree, or fewer prototypes, at the end of the list.

use super::least::least_that_fits;
use super::named;
use super::remedy::{Change, Remedy};
use crate::network::{Bonsai, Entry, LayerId, Network, Node, Proto, Prototypes, Tree};
use std::cmp::Reverse;

/// The tree or the prototypes that fit, by whatever has to lose the fewest weights: branches of a
/// path, prototypes, or values that they are projected onto.
///
/// `can_fit` is quick, and false only where `fits`, which may take long, is.
pub(super) fn smaller(
    network: &Network,
    can_fit: impl Fn(&Network) -> bool,
    fits: impl Fn(&Network) -> bool,
) -> Option<Remedy> {
    let layer = network.last_node().layer;
    let ways = network.entry(layer).map(smaller_ones).unwrap_or_default();
    let mut candidates: Vec<Network> = ways
        .iter()
        .filter_map(|way| {
            let fits = |network: &Network| can_fit(network) && fits(network);
            largest(network, layer, way, fits)
        })
        .collect();
    candidates.sort_by_key(|network| Reverse(weights(network)));
    let changed = candidates.first()?;
    let text = changed.written(layer);
    let words = format!("`{text}` in place of {}", named(network, layer));
    Some(Remedy::of(words, vec![Change::Layer { layer, text }]))
}

fn weights(network: &Network) -> u64 {
    network.nodes().iter().map(Node::weight_count).sum()
}

/// The first that fits of entries that are ever smaller.
fn largest(
    network: &Network,
    layer: LayerId,
    way: &[Entry],
    fits: impl Fn(&Network) -> bool,
) -> Option<Network> {
    let changed = |at: u32| {
        let entry = way.get(at as usize)?.clone();
        network.with_entry(layer, entry).ok()
    };
    let last = (way.len() as u32).checked_sub(1)?;
    let at = least_that_fits(0..=last, |at| changed(at).is_some_and(|it| fits(&it)))?;
    changed(at)
}

/// Ways of making an entry smaller, each from the largest on.
fn smaller_ones(entry: &Entry) -> Vec<Vec<Entry>> {
    match *entry {
        Entry::Bonsai(Bonsai { projected, tree }) => {
            let depths = (0..tree.depth).rev().map(|depth| Bonsai {
                projected,
                tree: Tree { depth, ..tree },
            });
            let projected = (1..projected)
                .rev()
                .map(|projected| Bonsai { projected, tree });
            vec![
                depths.map(Entry::Bonsai).collect(),
                projected.map(Entry::Bonsai).collect(),
            ]
        }
        Entry::Proto(Proto {
            projected,
            prototypes,
        }) => {
            let counts = (1..prototypes.count).rev().map(|count| Proto {
                projected,
                prototypes: Prototypes {
                    count,
                    ..prototypes
                },
            });
            let projected = (1..projected).rev().map(|projected| Proto {
                projected,
                prototypes,
            });
            vec![
                counts.map(Entry::Proto).collect(),
                projected.map(Entry::Proto).collect(),
            ]
        }
        Entry::From(_) | Entry::Layer { .. } | Entry::Residual { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    fn smaller_text(list: &str, most_weights: u64) -> Option<String> {
        let text = format!("N: [16, 16, 1] => < {list} >");
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let fits = |network: &Network| weights(network) <= most_weights;
        smaller(&declaration.network, fits, fits).map(|remedy| remedy.to_string())
    }

    #[test]
    fn what_loses_the_fewest_weights_is_made_smaller() {
        // 2560 of the projection, 1400 and 30 of the tree; without a level 600 and 10.
        assert_eq!(
            smaller_text("Bonsai(2, 10, 10)", 3600).as_deref(),
            Some("`Bonsai(2,9,10)` in place of `Bonsai(2,10,10)`")
        );
        assert_eq!(
            smaller_text("Bonsai(2, 10, 10, gate: hard)", 3180).as_deref(),
            Some("`Bonsai(1,10,10, gate: hard)` in place of `Bonsai(2,10,10, gate: hard)`")
        );
        // 2560 of the projection, 10 a prototype.
        assert_eq!(
            smaller_text("Proto(10, 20, 10)", 2700).as_deref(),
            Some("`Proto(10,14,10)` in place of `Proto(10,20,10)`")
        );
        assert_eq!(smaller_text("Proto(1, 1, 2)", 10), None);
        assert_eq!(smaller_text("G(8), D*(10)", 10), None);
    }
}
