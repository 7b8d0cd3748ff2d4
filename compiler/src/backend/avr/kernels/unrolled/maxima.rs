//! The largest sums of a window, before they are rounded.
//!
//! They are on the stack, and at least 0, which is what less is rounded to: of results without
//! activation too, for their sums begin with half of the range. The kernel is a subroutine, called
//! for each pixel of the window; it takes each sum that it is done with to the stack, if that is
//! larger.

use super::{ConstantProducts, SummedChannels, Unrolled};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{
    POSITION, Pointer, R30, Register, Registers, SUM, TEMPORARY, Z, ZERO,
};
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::passes::SumPass;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::sum::{Sum, SumEnding};
use crate::network::Kernel;
use crate::program::ConstantParameters;

/// Up to that many outputs stay in registers, beside all that the loop around them keeps.
pub(crate) const MOST_HELD: usize = 16;
/// The farthest that `ldd` reaches.
const FARTHEST: usize = 63;

/// The windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PooledTaps {
    /// The kernel, as a subroutine.
    pub(crate) label: CodeLabel,
    /// Pixels of a window.
    pub(crate) window: Kernel,
    /// From a pixel's position to that of the next one right of it, and below.
    pub(crate) right: i32,
    pub(crate) down: i32,
    /// How many of what is left of the windows are between the least and the greatest activation.
    pub(crate) between: f64,
    /// Where fields reach beyond the map, by what the kernel finds which do: of rows and columns.
    pub(crate) counters: Option<[PlaceCounter; 2]>,
}

/// A register that counts windows along an axis, and for the kernel what it computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceCounter {
    pub(crate) register: Register,
    /// Whether it counts windows: where there is only one, nothing does.
    pub(crate) is_kept: bool,
    /// Whether it grows along a window: then it is one more than the place, and else how many are
    /// left with this one, so that either way it is less from window to window.
    pub(crate) goes_up: bool,
}

impl PlaceCounter {
    /// From windows of that many places to the first place of the window.
    fn begin(self, asm: &mut Assembly, places: u32) {
        let (register, copy) = (self.register, R30);
        if !self.is_kept {
            asm.ldi(copy, if self.goes_up { 1 } else { places as u8 });
            asm.mov(register, copy);
            return;
        }
        if self.goes_up {
            asm.dec(register);
        }
        asm.mov(copy, register);
        for _ in 1..places {
            asm.add(register, copy);
        }
        if self.goes_up {
            asm.inc(register);
        }
    }

    fn advance(self, asm: &mut Assembly) {
        match self.goes_up {
            true => asm.inc(self.register),
            false => asm.dec(self.register),
        }
    }

    fn go_back(self, asm: &mut Assembly, places: u32) {
        asm.ldi(R30, places as u8);
        match self.goes_up {
            true => asm.sub(self.register, R30),
            false => asm.add(self.register, R30),
        }
    }
}

impl<'a> Unrolled<'a> {
    /// A kernel that pools what it computes.
    pub(crate) fn pooling(
        sum: &'a Sum<'a>,
        constants: &'a ConstantParameters,
        input: SumInput<'a>,
        options: (bool, bool),
        taps: PooledTaps,
    ) -> Self {
        let kernel = Self::with_results(sum, constants, input, SummedChannels::All, options, false);
        Self {
            taps: Some(taps),
            ..kernel
        }
    }

    /// Registers that outputs can be left in, of the first pass.
    fn held(&self) -> Vec<Register> {
        let sums = self.passes.all[0].accumulators.iter().flatten();
        sums.copied().take(MOST_HELD).collect()
    }

    /// Where a window's outputs are in the end, if registers hold them all.
    pub(super) fn pooled_results(&self) -> Option<Vec<Register>> {
        let outputs = self.sum.program.outputs as usize;
        let mut held = self.held();
        (held.len() >= outputs).then(|| {
            held.truncate(outputs);
            held
        })
    }

    /// Computes one output of the pooling: leaves it in registers, or else stores it.
    pub(crate) fn emit_window(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        let taps = self.taps.expect("the kernel pools");
        let outputs = self.sum.program.outputs as usize;
        let Kernel { height, width } = taps.window;
        if let Some(counters) = taps.counters {
            for (counter, places) in counters.into_iter().zip([height, width]) {
                asm.push(counter.register);
                counter.begin(asm, places);
            }
        }
        asm.of(Purpose::Pool, |asm| {
            for _ in 0..outputs * self.sum.width {
                asm.push(ZERO);
            }
        });
        asm.restoring(Registers::of_pairs([POSITION]), |asm| {
            self.taken += asm.executions() * f64::from(height * width);
            let right = (width - 1) as i32 * taps.right;
            for row in 0..height {
                for column in 0..width {
                    if column > 0 {
                        asm.add_to_pair(POSITION, taps.right);
                        if let Some([_, columns]) = taps.counters {
                            columns.advance(asm);
                        }
                    }
                    asm.call(taps.label);
                }
                if row + 1 < height {
                    asm.add_to_pair(POSITION, taps.down - right);
                    if let Some([rows, columns]) = taps.counters {
                        rows.advance(asm);
                        columns.go_back(asm, width - 1);
                    }
                }
            }
            let down = (height - 1) as i32 * taps.down;
            asm.add_to_pair(POSITION, -(down + right));
        });
        let held = self.held();
        let at_once = match destination {
            Destination::InRegisters | Destination::Placed => outputs,
            Destination::Stored | Destination::Pushed | Destination::PushedWide => {
                // A part begins at a byte.
                held.len() / 2 * 2
            }
        };
        let is_placed = destination == Destination::Placed;
        for first in (0..outputs).step_by(at_once).rev() {
            let end = outputs.min(first + at_once);
            self.round_pushed(asm, first..end, &held, (taps.between, is_placed));
            if !is_placed && destination != Destination::InRegisters {
                sink.store_part(asm, state, &held[..end - first], first);
            }
        }
        for counter in taps.counters.into_iter().flatten().rev() {
            asm.pop(counter.register);
        }
    }

    /// Rounds what was pushed last: the sums of these outputs.
    fn round_pushed(
        &self,
        asm: &mut Assembly,
        outputs: std::ops::Range<usize>,
        results: &[Register],
        (between, is_placed): (f64, bool),
    ) {
        let SumEnding::Rounded(rounding) = &self.sum.ending else {
            unreachable!("such sums are rounded by constants");
        };
        let changed = Registers::of(SUM).and([TEMPORARY]).and(results.to_vec());
        asm.changing(changed, |asm| {
            asm.of(Purpose::Requantise, |asm| {
                let destination = match is_placed {
                    true => Destination::Placed,
                    false => Destination::InRegisters,
                };
                let mut round = finish::RoundOne::new(self.sum, rounding, between);
                for (output, &result) in outputs.clone().zip(results).rev() {
                    let sum = &SUM[..self.sum.width];
                    for &register in sum.iter().rev() {
                        asm.pop(register);
                    }
                    round.emit(asm, output, sum, (result, destination));
                }
            });
        });
    }

    /// The subroutine, where nothing runs into it.
    pub(crate) fn tap(&self, asm: &mut Assembly) {
        let taps = self.taps.expect("the kernel pools");
        asm.bind(taps.label);
        asm.times(self.taken, |asm| {
            for SumPass {
                first,
                accumulators,
            } in &self.passes.all
            {
                self.begin(asm, accumulators, *first);
                asm.of(Purpose::Load, |asm| {
                    self.input.for_each_run(
                        asm,
                        (0, None),
                        &mut |asm, run, odd| self.run(asm, run, odd, accumulators, *first),
                        None,
                    );
                });
                if self.products == ConstantProducts::Multiplied {
                    asm.clr(ZERO);
                }
                asm.of(Purpose::Pool, |asm| {
                    self.keep_largest(asm, accumulators, *first)
                });
            }
            asm.ret();
        });
    }

    /// Puts those sums on the stack that are larger than what is there.
    fn keep_largest(&self, asm: &mut Assembly, accumulators: &[Vec<Register>], first: usize) {
        // Not the sums; but a test of one is noted as a change.
        let changed = Registers::of_pairs([Z])
            .and([TEMPORARY])
            .and(accumulators.iter().flatten().copied());
        asm.changing(changed, |asm| {
            let width = self.sum.width;
            let outputs = self.sum.program.outputs as usize;
            let return_bytes = usize::from(asm.core().program_counter.bytes);
            // Above the stack pointer, of what was pushed by then the first byte.
            let above = |output: usize| return_bytes + (outputs - output) * width;
            let last = above(first + accumulators.len() - 1) - (width - 1);
            let moved = if above(first) > FARTHEST { last } else { 0 };
            stack_pointer(asm, Pointer::Z);
            asm.add_to_pair(Z, moved as i32);
            let positive = self.sum.expectation.between();
            for (output, sum) in (first..).zip(accumulators) {
                let at = |byte: usize| Mode::Displacement((above(output) - byte - moved) as u8);
                let smaller = asm.label();
                asm.tst(sum[width - 1]);
                asm.branch(Condition::Minus, smaller, 1.0 - positive);
                asm.times(positive, |asm| {
                    for (byte, &register) in sum.iter().enumerate() {
                        asm.load(TEMPORARY, Pointer::Z, at(byte));
                        match byte {
                            0 => asm.cp(TEMPORARY, register),
                            _ => asm.cpc(TEMPORARY, register),
                        }
                    }
                    asm.branch(Condition::SameOrHigher, smaller, 0.5);
                    asm.times(0.5, |asm| {
                        for (byte, &register) in sum.iter().enumerate() {
                            asm.store(Pointer::Z, at(byte), register);
                        }
                    });
                });
                asm.bind(smaller);
            }
        });
    }
}
