//! When each pixel of a layer's input is read for the last time.

use super::order::Order;
use crate::network::Shape;
use crate::plan::FlowNode;

/// How a layer's outputs depend on its inputs, and the order of computing them.
///
/// Event `n` computes the `n`-th output of the order: it reads its receptive
/// field, keeps the output's channels in registers, and stores them. An input
/// whose last reader is event `n` may therefore be overwritten by event `n`.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// Outputs in the order of their events.
    pub outputs: Vec<(u32, u32)>,
    /// Cells that one event stores.
    pub cells_per_event: u32,
    /// By the input's storage index: the last event that reads the pixel,
    /// `None` for a pixel that no event reads.
    pub last_read: Vec<Option<u32>>,
    /// Channels of the input.
    pub cells_per_input: u32,
}

impl Lifetimes {
    /// The lifetimes of the inputs of `layer`, which are stored in the order
    /// `storage` and whose outputs are computed in the order `traversal`.
    ///
    /// A dense layer has one event an output value: each reads all inputs.
    pub fn of(layer: &FlowNode, storage: Order, traversal: Order) -> Self {
        let storage_index = storage_indices(layer.input, storage);
        let mut last_read = vec![None; layer.input.pixels() as usize];
        let field = layer.field();
        let dense = layer.is_dense();
        let reads = match dense {
            true => 1,
            false => layer.output.pixels() as usize * field.kernel.taps() as usize,
        };
        crate::effort::spend(layer.input.pixels() as usize + reads);
        let outputs = if dense {
            (0..layer.output.channels).map(|_| (0, 0)).collect()
        } else {
            traversal.pixels(layer.output.height, layer.output.width)
        };
        if dense {
            last_read.fill(Some(layer.output.channels - 1));
        } else {
            for (event, &output) in (0..).zip(&outputs) {
                for (row, column) in field.pixels(output) {
                    let pixel = (row * layer.input.width + column) as usize;
                    last_read[storage_index[pixel] as usize] = Some(event);
                }
            }
        }
        Self {
            outputs,
            cells_per_event: if dense { 1 } else { layer.output.channels },
            last_read,
            cells_per_input: layer.input.channels,
        }
    }

    /// Inputs that some event after `event` still reads, by count of pixels,
    /// for every event.
    pub fn live_inputs_after(&self) -> Vec<u32> {
        let mut dying = vec![0u32; self.outputs.len()];
        let mut live = 0;
        for event in self.last_read.iter().flatten() {
            dying[*event as usize] += 1;
            live += 1;
        }
        dying
            .iter()
            .map(|count| {
                live -= count;
                live
            })
            .collect()
    }
}

/// The storage index of each pixel, by its row-major index.
pub fn storage_indices(map: Shape, storage: Order) -> Vec<u32> {
    let mut indices = vec![0; map.pixels() as usize];
    for (index, (row, column)) in (0..).zip(storage.pixels(map.height, map.width)) {
        indices[(row * map.width + column) as usize] = index;
    }
    indices
}
