//! Networks that go on after their input's end, a row at a time: recurrent cells whose states stay.

use super::{ByPixel, Program, Stage};
use crate::plan::{Arrival, Keeps, Ring, Sink, SumArray};
use std::ops::Range;

/// How a network takes in the rows after an input's last one: each as if it were the last one. The
/// states of its cells do not begin again there, and its results are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndlessRows {
    /// Bytes of a row.
    pub row_bytes: u32,
    /// The last row of an input.
    pub last_row: u32,
}

impl Program {
    /// `None` where a layer needs more of the rows before than cells' states, or where what is
    /// computed after a row overwrites these.
    pub fn endless_rows(&self) -> Option<EndlessRows> {
        let (arriving, input) = (self.arriving(), self.input);
        // All is computed as a row arrives, at its own points.
        let computes_at_each_row = self.repeat.is_none()
            && self.completed().is_empty()
            && self.intake.pool.is_none()
            && self.intake.output == input
            && (arriving.grid.height, arriving.grid.width) == (input.height, input.width);
        let begins_with_a_cell = arriving.stages.first().is_some_and(Stage::steps_by_row);
        let goes_on = arriving
            .stages
            .iter()
            .all(|stage| stage.needs_states_alone(input.height));
        // With a single row, each row would begin again.
        let has_a_row_before = input.height > 1;
        let rows_go_on = computes_at_each_row && begins_with_a_cell && goes_on && has_a_row_before;
        (rows_go_on && self.states_stay()).then_some(EndlessRows {
            row_bytes: input.width * input.channels,
            last_row: input.height - 1,
        })
    }

    /// Whether nothing else lies where states are kept.
    fn states_stay(&self) -> bool {
        let per_byte = 8 / self.activation_bits;
        let of_sums = |sums: SumArray| {
            let first = sums.first_byte * per_byte;
            first..first + sums.bytes() * per_byte
        };
        let of_ring = |ring: Ring| ring.first_cell..ring.first_cell + ring.cells();
        let of_sink = |sink: Sink| match sink {
            Sink::Ring(ring) => Some(of_ring(ring)),
            Sink::Results(sums) => Some(of_sums(sums)),
            Sink::Map { value, position: _ } => {
                let map = self.map(value);
                // It is as large as the others, and begins at a cell of its own.
                Some(map.first_cell..map.first_cell + map.shape.values())
            }
            // Windows are those of the stage that keeps them.
            Sink::Windows { .. } | Sink::Stays => None,
        };
        let mut others: Vec<Range<u32>> = of_sink(self.intake.sink).into_iter().collect();
        let mut states = Vec::new();
        for stage in &self.arriving().stages {
            others.extend(of_sink(stage.plan.sink));
            match stage.plan.keeps {
                Keeps::Nothing => {}
                Keeps::Windows(windows) => {
                    others.push(windows.first_cell..windows.first_cell + windows.cells());
                }
                Keeps::Sums(sums) => others.push(of_sums(sums)),
                Keeps::States(kept) => states.push(of_sums(kept)),
            }
        }
        let apart =
            |one: &Range<u32>, other: &Range<u32>| one.end <= other.start || other.end <= one.start;
        states.iter().enumerate().all(|(index, kept)| {
            let others = others.iter().chain(&states[index + 1..]);
            others.into_iter().all(|other| apart(kept, other))
        })
    }
}

impl Stage {
    /// Whether it is a recurrent cell that takes a step a row, or some.
    fn steps_by_row(&self) -> bool {
        match self.operation.by_pixel() {
            Some(ByPixel::Steps(recurrence)) => self.plan.takes && recurrence.map.height == 1,
            Some(ByPixel::Sums(_) | ByPixel::Windows(_)) | None => false,
        }
    }

    /// Whether all that it needs of the rows before one of `height` are its own states.
    fn needs_states_alone(&self, height: u32) -> bool {
        let reads = self.plan.input;
        let reads_what_a_row_completes = match self.plan.arrival {
            // A row later it begins at the same slot.
            Arrival::Ring(reading) => {
                reading.moves.is_none() && reads.width.is_multiple_of(reading.ring.pixels)
            }
            Arrival::Map(_) => false,
            Arrival::Bytes | Arrival::Window(_) | Arrival::Values => true,
        };
        let steps = self.steps_by_row() && reads.height == height;
        let is_last_state = reads.pixels() == 1;
        self.plan.joined.is_empty() && reads_what_a_row_completes && (steps || is_last_state)
    }
}
