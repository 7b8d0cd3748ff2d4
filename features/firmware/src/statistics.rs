//! Computes statistics on an ATmega328P, as `exchange.rs` says.
//!
//! The variable `HERRINGBONE_TABLES` names a file of Rust with `SAMPLES` and `DESIGN`.
#![no_std]
#![no_main]

mod exchange;

use exchange::Computes;
use herringbone_features::{Statistics, StatisticsDesign};

include!(env!("HERRINGBONE_TABLES"));

impl Computes for Statistics<SAMPLES> {
    fn push(&mut self, sample: i16) -> bool {
        self.push(sample)
    }

    fn row(&mut self, mut give: impl FnMut(i16)) {
        let mut row = self.begin_row(&DESIGN);
        while let Some(value) = self.next_value(&mut row, &DESIGN) {
            give(value);
        }
    }
}

#[avr_device::entry]
fn main() -> ! {
    exchange::forever(&mut Statistics::<SAMPLES>::new())
}
