//! Typed indices, and storage that only they index.

use std::fmt;
use std::ops::{Index, IndexMut};

/// A layer's position in the declaration's list, counted from 0 over every
/// letter (`A`, `M` and `Dr` too), as the weights file names its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub usize);

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $id:ident, $(#[$storage_doc:meta])* $storage:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(u32);

        impl $id {
            /// The index of that number.
            pub const fn new(index: usize) -> Self {
                Self(index as u32)
            }

            /// Its number, counted from 0.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        $(#[$storage_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $storage<T>(Vec<T>);

        impl<T> $storage<T> {
            /// One entry an index, in order.
            pub const fn new(entries: Vec<T>) -> Self {
                Self(entries)
            }

            /// Every index with its entry.
            pub fn iter(&self) -> impl DoubleEndedIterator<Item = ($id, &T)> {
                self.0.iter().enumerate().map(|(index, entry)| ($id::new(index), entry))
            }

            /// Every entry in order.
            pub fn entries(&self) -> &[T] {
                &self.0
            }

            /// How many entries there are.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<T> Index<$id> for $storage<T> {
            type Output = T;

            fn index(&self, id: $id) -> &T {
                &self.0[id.index()]
            }
        }

        impl<T> IndexMut<$id> for $storage<T> {
            fn index_mut(&mut self, id: $id) -> &mut T {
                &mut self.0[id.index()]
            }
        }
    };
}

index! {
    /// A node of a network, in the order of the list.
    NodeId,
    /// Something of every node.
    ByNode
}

index! {
    /// A value of a network: its input, or what a node writes.
    ValueId,
    /// Something of every value.
    ByValue
}
