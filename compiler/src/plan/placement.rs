//! Addresses: where in the arena each feature map lies.

use super::lifetime::Lifetimes;
use super::order::Order;
use crate::network::Shape;

/// A feature map's place in the arena.
///
/// The pixel of storage index `i` begins at cell `first_cell + i × channels`;
/// pixels that do not fit before the arena's end go on at cell 0. No pixel is
/// ever split by the arena's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The map's shape.
    pub shape: Shape,
    /// The order in which its pixels are stored.
    pub storage: Order,
    /// The cell of storage index 0.
    pub first_cell: u32,
    /// Pixels stored before the arena's end; the rest begin at cell 0.
    pub pixels_before_wrap: u32,
}

impl Placement {
    /// Places a map from `first_cell` on in an arena of `arena_cells`.
    pub fn new(shape: Shape, storage: Order, first_cell: u32, arena_cells: u32) -> Self {
        let room = (arena_cells - first_cell) / shape.channels;
        Self {
            shape,
            storage,
            first_cell,
            pixels_before_wrap: room.min(shape.pixels()),
        }
    }

    /// Whether some pixels are past the arena's end, from cell 0 on.
    pub fn wraps(&self) -> bool {
        self.pixels_before_wrap < self.shape.pixels()
    }

    /// The first cell of the pixel of that storage index.
    pub fn cell(&self, storage_index: u32) -> u32 {
        match storage_index.checked_sub(self.pixels_before_wrap) {
            None => self.first_cell + storage_index * self.shape.channels,
            Some(wrapped) => wrapped * self.shape.channels,
        }
    }

    /// The cell after the last stored pixel.
    pub fn end_cell(&self) -> u32 {
        self.cell(self.shape.pixels() - 1) + self.shape.channels
    }

    /// Storage indices of the pixels that touch any of `cells` (from, to).
    fn pixels_in(&self, (from, to): (u32, u32)) -> impl Iterator<Item = u32> + use<> {
        let channels = self.shape.channels;
        let overlap = |begin: u32, first_index: u32, count: u32| {
            let end = begin + count * channels;
            let (low, high) = (from.max(begin), to.min(end));
            let indices = if low < high {
                (low - begin) / channels..(high - begin).div_ceil(channels)
            } else {
                0..0
            };
            indices.map(move |index| index + first_index)
        };
        let head = overlap(self.first_cell, 0, self.pixels_before_wrap);
        let tail = overlap(
            0,
            self.pixels_before_wrap,
            self.shape.pixels() - self.pixels_before_wrap,
        );
        head.chain(tail)
    }

    /// Whether storing the outputs of a layer here, in the order of its events,
    /// ever overwrites a pixel of `input` that a later event reads.
    pub fn overwrites_live(&self, input: &Placement, lifetimes: &Lifetimes) -> bool {
        crate::effort::spend(1);
        // A dense layer's events each store one value of the map's only pixel.
        let values = lifetimes.cells_per_event < self.shape.channels;
        // Each of which reads all of the input: all but the last must be apart.
        let last = (lifetimes.outputs.len() as u32).saturating_sub(1);
        let reads_all = || {
            let mut reads = lifetimes.last_read.iter().flatten();
            reads.all(|&event| event == last)
        };
        if values && reads_all() {
            let from = self.cell(0);
            let mut overwritten = input.pixels_in((from, from + last * lifetimes.cells_per_event));
            return overwritten.any(|index| lifetimes.last_read[index as usize].is_some());
        }
        crate::effort::spend(lifetimes.outputs.len() / 2);
        (0..).zip(&lifetimes.outputs).any(|(event, _)| {
            let cell = if values {
                self.cell(0) + event
            } else {
                self.cell(event)
            };
            input
                .pixels_in((cell, cell + lifetimes.cells_per_event))
                .any(|index| lifetimes.last_read[index as usize] > Some(event))
        })
    }
}

/// How much room one layer needs when its outputs follow its inputs in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overlap {
    /// Cells by which the first output must lie before the first input.
    pub lead_cells: u32,
    /// The event that asks for that lead.
    pub worst_event: u32,
    /// Cells of inputs that are read after the worst event.
    pub live_input_cells: u32,
    /// Cells of outputs stored up to the worst event.
    pub live_output_cells: u32,
}

impl Overlap {
    /// Simulates a layer whose inputs and outputs are both stored in the order
    /// in which they are eaten and made (`mirrored`: from the last pixel on).
    pub(super) fn simulate(lifetimes: &Lifetimes, mirrored: bool) -> Self {
        let events = lifetimes.outputs.len();
        crate::effort::spend(events);
        // The least input index, in eating order, whose last reader is event n,
        // then whose last reader is event n or any later one.
        let mut first_live = vec![u32::MAX; events + 1];
        let pixels = lifetimes.last_read.len() as u32;
        for (index, last_read) in (0..).zip(&lifetimes.last_read) {
            let index = if mirrored { pixels - 1 - index } else { index };
            if let Some(event) = last_read {
                let slot = &mut first_live[*event as usize];
                *slot = index.min(*slot);
            }
        }
        for event in (0..events).rev() {
            first_live[event] = first_live[event].min(first_live[event + 1]);
        }
        let live_inputs = lifetimes.live_inputs_after();
        let mut worst: Option<(u32, u32)> = None;
        for event in 0..events as u32 {
            let live = first_live[event as usize + 1];
            if live == u32::MAX {
                continue;
            }
            let stored = (event + 1) * lifetimes.cells_per_event;
            let lead = stored.saturating_sub(live * lifetimes.cells_per_input);
            if worst.is_none_or(|(most, _)| lead > most) {
                worst = Some((lead, event));
            }
        }
        // A layer of a single event has nothing live after it but its output.
        let (lead_cells, worst_event) = worst.unwrap_or((0, 0));
        Self {
            lead_cells,
            worst_event,
            live_input_cells: live_inputs[worst_event as usize] * lifetimes.cells_per_input,
            live_output_cells: (worst_event + 1) * lifetimes.cells_per_event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_map_goes_on_at_cell_zero_with_a_whole_pixel() {
        let placement = Placement::new(Shape::new(1, 4, 3), Order::RowMajor, 10, 17);
        assert_eq!(
            [0, 1, 2, 3].map(|index| placement.cell(index)),
            [10, 13, 0, 3]
        );
        assert_eq!(placement.end_cell(), 6);
        assert_eq!(
            placement.pixels_in((0, 17)).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        assert_eq!(placement.pixels_in((12, 14)).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(placement.pixels_in((6, 10)).count(), 0);
    }
}
