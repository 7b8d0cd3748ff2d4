//! Sums of a dense layer that are kept in the arena while its pixels arrive.

use super::{ConstantProducts, SIGN, Unrolled};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{Pointer, R30, ZERO};
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::passes::SumPass;
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};

impl Unrolled<'_> {
    /// Adds the pixel that has arrived to the sums in the arena: of `pixels`, the
    /// one whose number is the position there. [`BASE`] is the network's address.
    pub(crate) fn emit_kept(&self, asm: &mut Assembly, kept: KeptSums, pixels: u32) {
        let number = R30;
        for SumPass {
            first,
            accumulators,
        } in &self.passes.all
        {
            let first_byte = (first * self.sum.width) as u32;
            asm.of(Purpose::Load, |asm| {
                kept.point_at(asm, first_byte);
                for &register in accumulators.iter().flatten() {
                    asm.load(register, Pointer::X, Mode::PostIncrement);
                }
                if self.products == ConstantProducts::Multiplied && !self.sum.signed_input {
                    asm.clr(SIGN);
                }
                kept.load_position(asm, number);
                let done = asm.label();
                self.by_pixel(asm, 0..pixels, done, &mut |asm, pixel| {
                    self.input.for_each_run(
                        asm,
                        (0, None),
                        &mut |asm, run, odd| {
                            let run = Run {
                                first_input: pixel * run.values + run.first_input,
                                ..*run
                            };
                            self.run(asm, &run, odd, accumulators, *first);
                        },
                        None,
                    );
                });
                asm.bind(done);
            });
            if self.products == ConstantProducts::Multiplied {
                asm.clr(ZERO);
            }
            asm.of(Purpose::Store, |asm| {
                kept.point_at(asm, first_byte);
                for &register in accumulators.iter().flatten() {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            });
        }
    }

    /// Finds the code of a pixel by its number in r30, the half of them at a time.
    fn by_pixel(
        &self,
        asm: &mut Assembly,
        pixels: std::ops::Range<u32>,
        done: CodeLabel,
        body: &mut dyn FnMut(&mut Assembly, u32),
    ) {
        let count = pixels.end - pixels.start;
        if count == 1 {
            body(asm, pixels.start);
            asm.jump(done);
            return;
        }
        let middle = pixels.start + count / 2;
        let upper = asm.label();
        let share = f64::from(pixels.end - middle) / f64::from(count);
        asm.cpi(R30, middle as u8);
        asm.branch(Condition::SameOrHigher, upper, share);
        asm.times(1.0 - share, |asm| {
            self.by_pixel(asm, pixels.start..middle, done, body);
        });
        asm.bind(upper);
        asm.times(share, |asm| {
            self.by_pixel(asm, middle..pixels.end, done, body)
        });
    }

    /// Finishes sums that were kept, when all of their input has arrived.
    pub(crate) fn finish_kept(
        &mut self,
        asm: &mut Assembly,
        kept: KeptSums,
        target: (&LoopState, &OutputSink<'_>),
    ) {
        for SumPass {
            first,
            accumulators,
        } in self.passes.all.clone()
        {
            asm.of(Purpose::Load, |asm| {
                kept.point_at(asm, (first * self.sum.width) as u32);
                for &register in accumulators.iter().flatten() {
                    asm.load(register, Pointer::X, Mode::PostIncrement);
                }
            });
            if self.scaler.is_some() {
                self.scale(asm, (first, &accumulators), Destination::Stored, target);
                continue;
            }
            self.join(asm, &accumulators, first, target.0);
            let shift = finish::SumShift {
                left: self.sum.left,
                biases: &self.constants.biases[first..],
            };
            finish::exact(asm, &shift, &accumulators, first, target);
        }
    }
}
