//! Layers whose outputs are tied: their maps are added to one another, so that they
//! need as many channels.

use super::graph::Network;
use super::id::{LayerId, ValueId};
use super::node::Part;

/// TiedChannels of maps that have to be equal.
#[derive(Default)]
struct TiedChannels {
    /// The layers whose `n` they are.
    layers: Vec<LayerId>,
    /// Whether something else decides: the input, the task, or a sum of channels.
    is_fixed: bool,
}

impl Network {
    /// The layers with an `n` that may be another, in groups that have to change
    /// together. The results are the task's.
    pub fn tied_outputs(&self) -> Vec<Vec<LayerId>> {
        let mut groups = Groups::default();
        let input = groups.add(TiedChannels {
            layers: Vec::new(),
            is_fixed: true,
        });
        // By value.
        let mut group_of = vec![input; self.values().len()];
        for node in self.computing_nodes() {
            let of = |value: ValueId| group_of[value.index()];
            let (has_own, has_free) = match node.part {
                Part::Whole => (node.kind.outputs().is_some(), true),
                // An `R` makes as many channels as it reads.
                Part::First | Part::Second => (false, false),
                // What a tree and prototypes read is no `n` of their layer.
                Part::Projection | Part::Tree | Part::Prototypes => (true, false),
            };
            let group = if has_own && !has_free {
                groups.add(TiedChannels {
                    layers: Vec::new(),
                    is_fixed: true,
                })
            } else if has_own {
                groups.add(TiedChannels {
                    layers: vec![node.layer],
                    is_fixed: false,
                })
            } else if node.kind.concatenates() {
                groups.add(TiedChannels {
                    layers: Vec::new(),
                    is_fixed: true,
                })
            } else {
                of(node.reads[0])
            };
            let added = node.added().map(of);
            group_of[node.writes.index()] = group;
            if let Some(added) = added {
                groups.join(group, added);
            }
        }
        let output = groups.root(group_of[self.output_value().index()]);
        groups.channels[output].is_fixed = true;
        let free = groups.channels.into_iter();
        let free = free.filter(|channels| !channels.is_fixed && !channels.layers.is_empty());
        free.map(|channels| channels.layers).collect()
    }
}

/// Groups that are joined as they turn out to be one.
#[derive(Default)]
struct Groups {
    channels: Vec<TiedChannels>,
    /// The group that one was joined to; itself as long as it was not.
    joined_to: Vec<usize>,
}

impl Groups {
    fn add(&mut self, channels: TiedChannels) -> usize {
        self.channels.push(channels);
        self.joined_to.push(self.joined_to.len());
        self.joined_to.len() - 1
    }

    fn root(&self, mut group: usize) -> usize {
        while self.joined_to[group] != group {
            group = self.joined_to[group];
        }
        group
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return;
        }
        // To the earlier one, so that layers stay in the order of the list.
        let (kept, gone) = (one.min(other), one.max(other));
        self.joined_to[gone] = kept;
        let TiedChannels { layers, is_fixed } = std::mem::take(&mut self.channels[gone]);
        let channels = &mut self.channels[kept];
        channels.layers.extend(layers);
        channels.layers.sort();
        channels.is_fixed |= is_fixed;
    }
}

#[cfg(test)]
mod tests {
    use crate::network::LayerId;
    use crate::syntax;

    fn tied(list: &str) -> Vec<Vec<usize>> {
        let text = format!("N: [12, 12, 3] => < {list} >");
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let groups = declaration.network.tied_outputs().into_iter();
        let positions = |group: Vec<LayerId>| group.into_iter().map(|layer| layer.0).collect();
        groups.map(positions).collect()
    }

    #[test]
    fn maps_that_are_added_are_tied_through_all_that_keeps_their_channels() {
        assert_eq!(tied("C1(5,3), C1(8,3), M, D*(10)"), [[0], [1]]);
        assert_eq!(tied("C1(5,3), C1(8,3), A(all)"), [[0]], "the task's");
        assert_eq!(
            tied(
                "'a: C1(8,3), C1(4,1), C1(8,1, add: 'a), R(3), 'b: M, C1(9,1), C1(8,1), Add('b), \
                 C1(7,1), D*(2)"
            ),
            [vec![0, 2, 6], vec![1], vec![5], vec![8]]
        );
        assert_eq!(
            tied(
                "'a: C1(3,1), Add('input), C1(8,1), 'c: C1(4,1), 'a, C1(6,1), Cat('c), D(9), D*(2)"
            ),
            [vec![2], vec![3], vec![4], vec![6]],
            "the input's channels are fixed, those that are concatenated are not"
        );
    }

    #[test]
    fn hidden_units_are_free_and_scores_are_not() {
        assert_eq!(tied("C1(5,3), G(16), D*(10)"), [[0], [1]]);
        assert_eq!(tied("C1(5,3), Bonsai(2,10,10)"), [[0]]);
        assert_eq!(tied("G(16)"), Vec::<Vec<usize>>::new(), "the task's");
    }
}
