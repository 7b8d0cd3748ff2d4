//! What a recurrent layer does where it takes a row, or the whole map, in.

use super::fault::Fault;
use super::stream::PartialValue;
use super::{Machine, scores};
use crate::network::Pixel;
use crate::plan::Order;
use crate::program::{Recurrence, Stage};

impl Machine<'_> {
    /// Takes a row, or the whole map, into the states, hands them on, or both.
    pub(super) fn run_steps(
        &mut self,
        stage: &Stage,
        recurrence: &Recurrence,
        takes: Option<Pixel>,
        output: Option<Pixel>,
    ) -> Result<(), Fault> {
        let kept = stage.plan.states().expect("a recurrent layer keeps states");
        let count = kept.count / 2;
        let state = |index: u32| {
            let per_byte = 8 / self.program.activation_bits;
            PartialValue {
                keeper: stage.plan.node,
                pixel: (0, 0),
                value: index,
                first_cell: (kept.first_byte + index * kept.bytes_each) * per_byte,
                cells: kept.bytes_each * per_byte,
                signed: true,
            }
        };
        let places: Vec<PartialValue> = (0..kept.count).map(state).collect();
        let mut states = vec![0; count as usize];
        let begins = takes.is_some_and(|(row, _)| row == 0);
        if !begins {
            for (state, &place) in states.iter_mut().zip(&places) {
                *state = self.read_partial(place)?;
            }
        }
        if let Some((row, _)) = takes {
            let taken = recurrence.map;
            let first = (row * taken.height, 0);
            let mut values = Vec::new();
            for pixel in Order::RowMajor.pixels(taken.height, taken.width) {
                let pixel = (first.0 + pixel.0, pixel.1);
                values.extend(self.read_arrived(stage, 0, pixel, first)?);
            }
            if self.computes {
                states = scores::steps(recurrence, &values, &states);
            }
            // Each step is made beside the states before it.
            let made = states.iter().chain(&states);
            for (&place, &state) in places.iter().zip(made) {
                self.write_partial(place, state)?;
            }
        }
        match output {
            Some(pixel) => self.deliver(stage, pixel, states),
            None => Ok(()),
        }
    }
}
