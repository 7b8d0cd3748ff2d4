//! Windows of a streamed pooling: what is known of each channel so far, in the
//! arena, into which pixels are taken as they come.
//!
//! A window begins with what changes nothing: below every value, or 0. So each of
//! its pixels is taken in alike, in any order.

use crate::backend::avr::arithmetic::divide::{self, Rest};
use crate::backend::avr::arithmetic::index::{compare, is_wide, registers};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    COLUMN, NETWORK, PRODUCT, Pointer, R16, R17, ROW, Register, Registers, SCRATCH, SPARE,
    TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::pack::Pushed;
use crate::network::{Kernel, PoolFunction, Shape};
use crate::plan::Windows;
use crate::program::{Program, Stage};

/// Registers that taking a value in changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scratch {
    /// An upper one: what the window has.
    pub(crate) kept: Register,
    pub(crate) other: Register,
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowRow {
    pub(crate) windows: Windows,
    kernel: Kernel,
    function: PoolFunction,
    /// What it pools.
    input: Shape,
    pub(crate) bits: u32,
    pub(crate) signed: bool,
    first_byte: u32,
}

impl WindowRow {
    /// Of what is pooled, and whether that may be negative.
    pub(crate) fn of(
        program: &Program,
        windows: Windows,
        (kernel, function): (Kernel, PoolFunction),
        (input, signed): (Shape, bool),
    ) -> Self {
        let cells_per_byte = 8 / program.activation_bits;
        Self {
            windows,
            kernel,
            function,
            input,
            bits: program.activation_bits,
            signed,
            first_byte: program.cursor_bytes + windows.first_cell / cells_per_byte,
        }
    }

    pub(crate) fn of_stage(program: &Program, stage: &Stage) -> Option<Self> {
        let pooling = stage.operation.pooling()?;
        Some(Self::of(
            program,
            stage.plan.windows()?,
            (stage.field.kernel, pooling.function()),
            (stage.plan.input, stage.signed_input),
        ))
    }

    /// Bytes of a window.
    fn bytes(&self) -> u32 {
        self.windows.window_cells() * self.bits / 8
    }

    /// An upper register that may be changed: not one of a column that takes two.
    fn spare(&self) -> Register {
        if is_wide(self.input.width) {
            R17
        } else {
            SPARE
        }
    }

    /// X ← the window of the pixel in that row and column, or of the window in that
    /// column.
    pub(crate) fn point_at(&self, asm: &mut Assembly, of_window: bool) {
        let changed = Registers::of_pairs([X, SCRATCH])
            .and([self.spare()])
            .and(PRODUCT);
        asm.changing(changed, |asm| {
            if self.windows.count == self.windows.bands {
                asm.movw(X, NETWORK);
                asm.add_to_pair(X, self.first_byte as i32);
                return;
            }
            let width = if of_window { 1 } else { self.kernel.width };
            let columns = registers(COLUMN, self.input.width);
            if columns.len() == 1 && width.is_power_of_two() {
                asm.mov(X, COLUMN);
                for _ in 0..width.ilog2() {
                    asm.lsr(X);
                }
                crate::backend::avr::arithmetic::multiply::multiply_byte(
                    asm,
                    X,
                    self.bytes(),
                    self.spare(),
                );
            } else {
                let window = registers(X, self.input.width);
                for (&to, &from) in window.iter().zip(&columns) {
                    asm.mov(to, from);
                }
                let rest = Rest {
                    remainder: SCRATCH,
                    scratch: SCRATCH.next(),
                };
                if width > 1 {
                    divide::with_remainder(asm, &window, (width, self.input.width), rest);
                }
                if window.len() == 1 {
                    asm.clr(X.next());
                }
                crate::backend::avr::arithmetic::multiply::multiply_by_constant(
                    asm,
                    X,
                    self.bytes(),
                );
            }
            asm.add(X, NETWORK);
            asm.adc(X.next(), NETWORK.next());
            asm.add_to_pair(X, self.first_byte as i32);
        })
    }

    /// Branches where the pixel is not in the first row, or column, of a window.
    fn unless_first(&self, asm: &mut Assembly, place: Register, begun: CodeLabel) {
        let (length, side) = if place == ROW {
            (self.kernel.height, self.input.height)
        } else {
            (self.kernel.width, self.input.width)
        };
        let later = 1.0 - 1.0 / f64::from(length);
        let spare = self.spare();
        match length {
            1 => {}
            2 => {
                asm.skip_if_clear(place, 0);
                asm.times(later, |asm| asm.jump(begun));
            }
            4 | 8 | 16 | 32 | 64 | 128 => {
                asm.mov(spare, place);
                asm.andi(spare, (length - 1) as u8);
                asm.branch(Condition::NotEqual, begun, later);
            }
            // The only window.
            _ if length * 2 > side => {
                compare(asm, &registers(place, side), 0, spare);
                asm.branch(Condition::NotEqual, begun, later);
            }
            _ => {
                let number = registers(R16, side);
                for (&to, from) in number.iter().zip(registers(place, side)) {
                    asm.mov(to, from);
                }
                let rest = Rest {
                    remainder: SCRATCH,
                    scratch: SCRATCH.next(),
                };
                divide::with_remainder(asm, &number, (length, side), rest);
                asm.tst(rest.remainder);
                asm.branch(Condition::NotEqual, begun, later);
            }
        }
    }

    /// Lets the window at X begin, if the pixel in that row and column is its first.
    /// Z is the network's address.
    pub(crate) fn begin(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([Z, R16, SCRATCH])
            .and([self.spare()])
            .and(PRODUCT);
        asm.changing(changed, |asm| {
            let begun = asm.label();
            let Kernel { height, width } = self.kernel;
            self.unless_first(asm, ROW, begun);
            let mut first = 1.0 / f64::from(height);
            asm.times(first, |asm| self.unless_first(asm, COLUMN, begun));
            first /= f64::from(width);
            let least = match (self.function, self.signed, self.bits) {
                (PoolFunction::Maximum, true, 4) => 0x88,
                (PoolFunction::Maximum, true, _) => 0x80,
                _ => 0,
            };
            asm.times(first, |asm| {
                let value = if least == 0 {
                    ZERO
                } else {
                    asm.ldi(self.spare(), least);
                    self.spare()
                };
                asm.movw(Z, X);
                let bytes = self.bytes();
                if bytes <= 8 {
                    for _ in 0..bytes {
                        asm.store(Pointer::Z, Mode::PostIncrement, value);
                    }
                    asm.movw(Z, NETWORK);
                    return;
                }
                if bytes % 2 == 1 {
                    asm.store(Pointer::Z, Mode::PostIncrement, value);
                }
                counted(asm, bytes / 2, SCRATCH, |asm| {
                    asm.store(Pointer::Z, Mode::PostIncrement, value);
                    asm.store(Pointer::Z, Mode::PostIncrement, value);
                });
                asm.movw(Z, NETWORK);
            });
            asm.bind(begun);
        })
    }

    /// Takes a pixel whose values are in registers, which it changes, into the
    /// window at X.
    pub(crate) fn take(&self, asm: &mut Assembly, values: &[Register], scratch: Scratch) {
        let changed = Registers::of_pairs([X])
            .and([scratch.kept, scratch.other])
            .and(values.iter().copied());
        asm.changing(changed, |asm| {
            if !self.shares_bytes() {
                for &value in values {
                    self.take_alone(asm, value, scratch);
                }
                return;
            }
            for pair in values.chunks(2) {
                asm.load(scratch.kept, Pointer::X, Mode::Plain);
                self.take_low(asm, pair[0], scratch);
                if let Some(&high) = pair.get(1) {
                    self.take_high(asm, high, scratch);
                }
                asm.store(Pointer::X, Mode::PostIncrement, scratch.kept);
            }
        })
    }

    /// Takes a pixel into the window at X, and from the stack.
    pub(crate) fn take_pushed(&self, asm: &mut Assembly, pushed: Pushed, counter: Register) {
        let changed = Registers::of_pairs([X, Z]).and([TEMPORARY, counter]);
        asm.changing(changed, |asm| {
            let value = TEMPORARY;
            let scratch = Scratch {
                kept: Z,
                other: Z.next(),
            };
            if !self.shares_bytes() {
                let each = self.value_bytes() as i32;
                asm.add_to_pair(X, each * pushed.values as i32);
                let written = counted(asm, pushed.values, counter, |asm| {
                    pushed.pop(asm, value);
                    asm.add_to_pair(X, -each);
                    self.take_alone(asm, value, scratch);
                    asm.add_to_pair(X, -each);
                });
                return pushed.are_popped(asm, pushed.values, written);
            }
            let (pairs, alone) = (pushed.values / 2, pushed.values % 2);
            asm.add_to_pair(X, pairs as i32);
            if alone == 1 {
                pushed.pop(asm, value);
                asm.load(scratch.kept, Pointer::X, Mode::Plain);
                self.take_low(asm, value, scratch);
                asm.store(Pointer::X, Mode::Plain, scratch.kept);
            }
            let written = counted(asm, pairs, counter, |asm| {
                asm.load(scratch.kept, Pointer::X, Mode::PreDecrement);
                pushed.pop(asm, value);
                self.take_high(asm, value, scratch);
                pushed.pop(asm, value);
                self.take_low(asm, value, scratch);
                asm.store(Pointer::X, Mode::Plain, scratch.kept);
            });
            pushed.are_popped(asm, 2 * pairs, 2 * written);
        })
    }

    /// Whether two values share a byte.
    fn shares_bytes(&self) -> bool {
        self.function == PoolFunction::Maximum && self.bits == 4
    }

    /// Bytes of a value that has whole ones.
    pub(crate) fn value_bytes(&self) -> u32 {
        match self.function {
            PoolFunction::Average => self.windows.bytes_per_value(),
            PoolFunction::Maximum => 1,
        }
    }

    /// Takes the value of whole bytes at X in; X is then after it. The value's
    /// register is changed.
    fn take_alone(&self, asm: &mut Assembly, value: Register, scratch: Scratch) {
        let Scratch { kept, other } = scratch;
        if self.function == PoolFunction::Maximum {
            asm.load(kept, Pointer::X, Mode::Plain);
            let keep = asm.label();
            asm.cp(kept, value);
            asm.branch(self.not_larger(), keep, 0.7);
            asm.mov(kept, value);
            asm.bind(keep);
            asm.store(Pointer::X, Mode::PostIncrement, kept);
            return;
        }
        let bytes = self.value_bytes();
        let mut addend = value;
        if self.signed && self.bits == 4 {
            asm.mov(other, value);
            asm.skip_if_clear(other, 3);
            asm.ori(other, 0xF0);
            if bytes > 1 {
                asm.mov(value, other);
            } else {
                addend = other;
            }
        }
        let mut sign = ZERO;
        if self.signed && bytes > 1 {
            asm.clr(other);
            asm.skip_if_clear(value, 7);
            asm.com(other);
            sign = other;
        }
        asm.load(kept, Pointer::X, Mode::Plain);
        asm.add(kept, addend);
        asm.store(Pointer::X, Mode::PostIncrement, kept);
        for _ in 1..bytes {
            asm.load(kept, Pointer::X, Mode::Plain);
            asm.adc(kept, sign);
            asm.store(Pointer::X, Mode::PostIncrement, kept);
        }
    }

    fn not_larger(&self) -> Condition {
        if self.signed {
            Condition::GreaterOrEqual
        } else {
            Condition::SameOrHigher
        }
    }

    /// Takes a nibble into the lower half of `kept`. Signed ones are compared in
    /// the upper half of a byte; what is below decides nothing, being 0 in the
    /// value, the least there is.
    fn take_low(&self, asm: &mut Assembly, value: Register, Scratch { kept, other }: Scratch) {
        let keep = asm.label();
        asm.mov(other, kept);
        if self.signed {
            asm.swap(other);
            asm.swap(value);
        } else {
            asm.andi(other, 0x0F);
        }
        asm.cp(other, value);
        asm.branch(self.not_larger(), keep, 0.7);
        if self.signed {
            asm.swap(value);
        }
        asm.andi(kept, 0xF0);
        asm.or(kept, value);
        asm.bind(keep);
    }

    /// Takes a nibble into the upper half of `kept`, compared there.
    fn take_high(&self, asm: &mut Assembly, value: Register, Scratch { kept, .. }: Scratch) {
        let keep = asm.label();
        asm.swap(value);
        asm.cp(kept, value);
        asm.branch(self.not_larger(), keep, 0.7);
        asm.andi(kept, 0x0F);
        asm.or(kept, value);
        asm.bind(keep);
    }
}
