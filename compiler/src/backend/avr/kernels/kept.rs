//! Sums that are in the arena while the pixels of a streamed dense layer add to
//! them.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{BASE, Pointer, Register, Registers, SCRATCH, X, ZERO};
use crate::backend::avr::memory::slots::position_byte;
use crate::backend::avr::round::sum::Sum;
use crate::program::{Program, Stage, packed_row_bytes};

/// Where they are, from the network's address on, which is in [`BASE`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptSums {
    /// Their first byte.
    pub(crate) first_byte: u32,
    /// Bytes of all.
    pub(crate) bytes: u32,
    /// The two bytes that say how far the layer's weights were used, where its
    /// input has several pixels.
    pub(crate) position_byte: Option<u32>,
    /// Bytes of weights that a pixel uses.
    pub(crate) weights_per_pixel_bytes: u32,
    /// Pixels of the layer's input.
    pub(crate) pixels: u32,
}

impl KeptSums {
    /// Those of a dense layer.
    ///
    /// # Panics
    /// If the stage keeps none.
    pub(crate) fn of(program: &Program, stage: &Stage, sum: &Sum<'_>) -> Self {
        let plan = &stage.plan;
        let sums = plan.sums().expect("a dense layer keeps sums");
        Self {
            first_byte: program.cursor_bytes + sums.first_byte,
            bytes: sums.bytes(),
            position_byte: plan
                .sums_position
                .map(|position| position_byte(program, position)),
            weights_per_pixel_bytes: plan.input.channels
                * packed_row_bytes(sum.program.outputs, sum.weight_bits),
            pixels: plan.input.pixels(),
        }
    }

    /// Whether the position counts pixels: bytes of weights go beyond its 16 bits.
    pub(crate) fn counts_pixels(self) -> bool {
        self.weights_per_pixel_bytes * self.pixels > u32::from(u16::MAX)
    }

    /// X ← the byte of that number.
    pub(crate) fn point_at(self, asm: &mut Assembly, byte: u32) {
        let changed = Registers::of_pairs([X]);
        asm.changing(changed, |asm| {
            asm.movw(X, BASE);
            asm.add_to_pair(X, (self.first_byte + byte) as i32);
        })
    }

    /// Loads the position, where there is one, into a pair; whether there is.
    pub(crate) fn load_position(self, asm: &mut Assembly, low: Register) -> bool {
        let changed = Registers::of_pairs([X, low]);
        asm.changing(changed, |asm| {
            let Some(position_byte) = self.position_byte else {
                return false;
            };
            asm.movw(X, BASE);
            asm.add_to_pair(X, position_byte as i32);
            asm.load(low, Pointer::X, Mode::PostIncrement);
            asm.load(low.next(), Pointer::X, Mode::Plain);
            true
        })
    }

    /// Lets all of them begin with 0, if no pixel was added yet.
    pub(crate) fn begin(self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X, SCRATCH]);
        asm.changing(changed, |asm| {
            let begun = asm.label();
            let (low, high) = (SCRATCH, SCRATCH.next());
            let mut times = 1.0;
            if self.load_position(asm, low) {
                times = 0.05;
                asm.or(low, high);
                asm.branch(Condition::NotEqual, begun, 1.0 - times);
            }
            asm.times(times, |asm| {
                self.point_at(asm, 0);
                asm.ldi_pair(low, self.bytes as u16);
                let next = asm.here();
                asm.times(self.bytes.into(), |asm| {
                    asm.store(Pointer::X, Mode::PostIncrement, ZERO);
                    asm.subi(low, 1);
                    asm.sbci(high, 0);
                    asm.loop_back(Condition::NotEqual, next, f64::from(self.bytes));
                });
            });
            asm.bind(begun);
        })
    }
}
