//! Computes features of sound on an ATmega328P, as `exchange.rs` says.
//!
//! The variable `HERRINGBONE_TABLES` names a file of Rust with the design: `FRAME`, `BANDS`,
//! `POWER_SHIFT`, `FLOOR`, `COEFFICIENTS`, `TRANSFORM_SHIFT`, and the tables `SINES`, `BINS`,
//! `UPPER_SHARES` and `TRANSFORM`.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod exchange;
// As generated code keeps its tables.
#[allow(dead_code)]
#[path = "../../../runtime/src/flash.rs"]
mod flash;

use exchange::Computes;
use flash::Flash;
use herringbone_features::{Frame, Tables};

include!(env!("HERRINGBONE_TABLES"));

struct Bank;

impl Tables for Bank {
    #[inline(always)]
    fn sine(&self, index: usize) -> i16 {
        SINES.get(index)
    }

    #[inline(always)]
    fn bins(&self, index: usize) -> u8 {
        BINS.get(index)
    }

    #[inline(always)]
    fn upper_share(&self, index: usize) -> u8 {
        UPPER_SHARES.get(index)
    }

    #[inline(always)]
    fn bands(&self) -> u8 {
        BANDS
    }

    #[inline(always)]
    fn power_shift(&self) -> u8 {
        POWER_SHIFT
    }

    #[inline(always)]
    fn coefficients(&self) -> u8 {
        COEFFICIENTS
    }

    #[inline(always)]
    fn transform(&self, index: usize) -> i16 {
        TRANSFORM.get(index)
    }

    #[inline(always)]
    fn transform_shift(&self) -> u8 {
        TRANSFORM_SHIFT
    }

    #[inline(always)]
    fn floor(&self) -> u8 {
        FLOOR
    }
}

impl Computes for Frame<FRAME, 0> {
    fn push(&mut self, sample: i16) -> bool {
        self.push(sample)
    }

    fn row(&mut self, mut give: impl FnMut(i16)) {
        let mut row = self.begin_row(&Bank);
        while let Some(value) = self.next_value(&mut row, &Bank) {
            give(value);
        }
    }
}

#[avr_device::entry]
fn main() -> ! {
    exchange::forever(&mut Frame::<FRAME, 0>::new())
}
