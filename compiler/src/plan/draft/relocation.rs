//! Moving a draft to its place in the arena.

use super::Draft;
use crate::plan::place::{Place, Ring, SumArray, Windows};
use crate::plan::segment::{Arrival, Keeps, Sink};

impl Draft {
    /// Moves everything to that byte.
    pub(in crate::plan) fn move_to(&mut self, first_byte: u32) {
        let moved = Relocation {
            first_byte,
            first_cell: first_byte * self.cells_per_byte,
        };
        for stage in &mut self.stages {
            moved.arrival(&mut stage.arrival);
            stage
                .joined
                .iter_mut()
                .for_each(|arrival| moved.arrival(arrival));
            match &mut stage.keeps {
                Keeps::Nothing => {}
                Keeps::Windows(windows) => moved.windows(windows),
                Keeps::Sums(sums) | Keeps::States(sums) => moved.sums(sums),
            }
            moved.sink(&mut stage.sink);
        }
        if let Some(sink) = &mut self.intake {
            moved.sink(sink);
        }
        for (_, place) in &mut self.places {
            match place {
                Place::Nowhere | Place::Whole(_) => {}
                Place::Ring(ring) => moved.ring(ring),
                Place::Windows(windows) => moved.windows(windows),
                Place::Sums(sums) => moved.sums(sums),
            }
        }
    }
}

/// How far everything moves.
struct Relocation {
    first_byte: u32,
    first_cell: u32,
}

impl Relocation {
    fn ring(&self, ring: &mut Ring) {
        ring.first_cell += self.first_cell;
    }

    fn windows(&self, windows: &mut Windows) {
        windows.first_cell += self.first_cell;
    }

    fn sums(&self, sums: &mut SumArray) {
        sums.first_byte += self.first_byte;
    }

    fn arrival(&self, arrival: &mut Arrival) {
        match arrival {
            Arrival::Ring(reading) => self.ring(&mut reading.ring),
            Arrival::Window(windows) => self.windows(windows),
            Arrival::Bytes | Arrival::Values | Arrival::Map(_) => {}
        }
    }

    fn sink(&self, sink: &mut Sink) {
        match sink {
            Sink::Ring(ring) => self.ring(ring),
            Sink::Windows { windows, .. } => self.windows(windows),
            Sink::Results(sums) => self.sums(sums),
            Sink::Stays | Sink::Map { .. } => {}
        }
    }
}
