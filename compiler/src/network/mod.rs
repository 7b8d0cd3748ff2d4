//! A network as the later stages see it: a graph of values, known to be
//! consistent, without a trace of the source text.
//!
//! A *node* reads values and writes one; a *layer* is an entry of the
//! declaration's list, and usually one node (`R` is two). Nodes are in
//! topological order. What a kind of layer computes, its shapes, sums and
//! written form, is one file under [`kind`].

mod bits;
mod builder;
#[cfg(test)]
pub(crate) mod chains;
mod error;
mod graph;
mod id;
pub mod kind;
mod list;
mod node;
mod shape;
mod shared_prefix;
mod sums;
mod tied;
mod value;
mod window;

pub use bits::Bits;
pub use error::{GraphError, MOST_KNOWN_LABELS, OwnMap};
pub use graph::Network;
pub(crate) use graph::is_chain;
pub use id::{ByNode, ByValue, LayerId, NodeId, ValueId};
pub use kind::{
    Activation, Add, Bonsai, Concat, Convolution, Dense, Depthwise, Dropout, Feed, Gate, Kind,
    Noise, Pool, PoolFunction, PoolWindow, Projection, Proto, Prototypes, Rank, Recurrent,
    Separable, Sequence, ShiftNames, TensorDtype, TensorRole, TensorShape, Tree, TreeGate,
};
pub use list::{Entry, INPUT_LABEL, Item};
pub use node::{Node, Part};
pub use shape::{Kernel, Pixel, Shape};
pub use shared_prefix::{Repeat, SharedPrefix, TimeAxis, shared_prefixes};
pub use sums::{SumHalf, SumShape, WeightOrder};
pub use value::{Element, Value};
pub use window::{Padding, ReceptiveField, Stride, Window};

/// The most channels of an input, a convolution or a concatenation, and so the
/// most that a layer over pixels may read; a dense layer may have made more.
pub const MOST_CHANNELS: u32 = 255;

/// The most pixels of a map, of which 320×240 are 76,800: a plan follows each of them, while
/// the user waits for a build. Every address in the map, in nibbles, then fits 32 bits with
/// room to spare.
pub const MOST_PIXELS: u64 = 1 << 17;
