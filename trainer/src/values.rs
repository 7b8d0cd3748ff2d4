//! The maps of a network on the way.

use herringbone_compiler::network::{ByValue, Network, Node, NodeId, ValueId};

use crate::ops::Maps;

/// The maps of a network while it is computed: each until its last reader has it.
pub(crate) struct Values {
    maps: ByValue<Option<Maps>>,
    last_readers: ByValue<Option<NodeId>>,
}

impl Values {
    pub(crate) fn new(network: &Network, first: ValueId, maps: Maps) -> Self {
        let values = network.values().entries();
        let mut all = Self {
            maps: ByValue::new(vec![None; values.len()]),
            last_readers: ByValue::new(
                values
                    .iter()
                    .map(|value| value.readers.last().copied())
                    .collect(),
            ),
        };
        all.write(first, maps);
        all
    }

    pub(crate) fn read(&mut self, node: &Node, value: ValueId) -> Maps {
        let times = node.reads.iter().filter(|&&read| read == value).count();
        let maps = if self.last_readers[value] == Some(node.id) && times == 1 {
            self.maps[value].take()
        } else {
            self.maps[value].clone()
        };
        maps.expect("nodes are in topological order")
    }

    pub(crate) fn write(&mut self, value: ValueId, maps: Maps) {
        self.maps[value] = Some(maps);
    }

    pub(crate) fn change(&mut self, value: ValueId, change: impl FnOnce(Maps) -> Maps) {
        self.maps[value] = self.maps[value].take().map(change);
    }

    pub(crate) fn end(mut self, value: ValueId) -> Maps {
        self.maps[value].take().expect("the last node writes it")
    }
}
