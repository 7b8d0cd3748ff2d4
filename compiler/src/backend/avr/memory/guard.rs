//! Which taps of a field that reaches beyond its map are inside: what is outside is
//! 0, and a kernel skips it. Told by the output's row and column, which stay in two
//! registers while the kernel runs.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::registers::{COLUMN_AT, ROW_AT, Register, Registers};
use crate::network::{Kernel, ReceptiveField};

/// Indices that far from either end of a long axis differ in a byte.
const MARGIN: u32 = 100;
/// What stands for all others.
const BETWEEN: u8 = 128;

/// What a register says of the index of a row or column among `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// It is the index; of more than 255, what [`compress`] makes of it.
    Index,
    /// It is how many are left, this one included, going up.
    Left,
    /// It is how many are left, this one included, going down: the index and 1.
    After,
}

/// An axis of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GuardedAxis {
    register: Register,
    counter: Counter,
    /// How many outputs there are.
    count: u32,
    kernel: u32,
    stride: u32,
    before: u32,
    map: u32,
}

/// For which outputs a row or column of the kernel is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// For all.
    Always,
    /// For none.
    Never,
    /// From one up to, but without, another.
    Between(u32, u32),
}

/// The tests of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guards {
    rows: GuardedAxis,
    columns: GuardedAxis,
}

impl Guards {
    /// Those of a field for that many outputs; `None` where all that they read is inside.
    pub(crate) fn of(
        field: &ReceptiveField,
        outputs: Kernel,
        (rows, columns): (Counter, Counter),
    ) -> Option<Self> {
        let ReceptiveField {
            kernel,
            stride,
            top,
            left,
            map,
            outputs: _,
        } = *field;
        let guards = Self {
            rows: GuardedAxis {
                register: ROW_AT,
                counter: rows,
                count: outputs.height,
                kernel: kernel.height,
                stride: stride.rows,
                before: top,
                map: map.height,
            },
            columns: GuardedAxis {
                register: COLUMN_AT,
                counter: columns,
                count: outputs.width,
                kernel: kernel.width,
                stride: stride.columns,
                before: left,
                map: map.width,
            },
        };
        let is_needed = [guards.rows, guards.columns]
            .iter()
            .any(GuardedAxis::is_padded);
        is_needed.then_some(guards)
    }

    /// The registers that kernels leave alone.
    pub(crate) fn registers(&self) -> Registers {
        Registers::of([ROW_AT, COLUMN_AT])
    }

    /// For which rows of outputs a row of the kernel is inside.
    pub(crate) fn row(&self, row: u32) -> Inside {
        self.rows.inside(row)
    }

    /// For which columns of outputs a column of the kernel is inside.
    pub(crate) fn column(&self, column: u32) -> Inside {
        self.columns.inside(column)
    }

    /// Branches where that row of the kernel is outside, which is not so for all
    /// outputs; the share of outputs for which it is inside. Changes `scratch`, an
    /// upper register.
    pub(crate) fn test_row(
        &self,
        asm: &mut Assembly,
        row: u32,
        (outside, scratch): (CodeLabel, Register),
    ) -> f64 {
        self.rows.test(asm, row, outside, scratch)
    }

    /// The same of a column.
    pub(crate) fn test_column(
        &self,
        asm: &mut Assembly,
        column: u32,
        (outside, scratch): (CodeLabel, Register),
    ) -> f64 {
        self.columns.test(asm, column, outside, scratch)
    }
}

impl GuardedAxis {
    fn is_padded(&self) -> bool {
        (0..self.kernel).any(|tap| self.inside(tap) != Inside::Always)
    }

    fn inside(&self, tap: u32) -> Inside {
        let from = self.before.saturating_sub(tap).div_ceil(self.stride);
        let to = (self.before + self.map)
            .saturating_sub(tap)
            .div_ceil(self.stride)
            .min(self.count);
        if from >= to {
            Inside::Never
        } else if from == 0 && to == self.count {
            Inside::Always
        } else {
            Inside::Between(from, to)
        }
    }

    fn test(&self, asm: &mut Assembly, tap: u32, outside: CodeLabel, scratch: Register) -> f64 {
        let changed = Registers::of([scratch]);
        asm.changing(changed, |asm| {
            let Inside::Between(from, to) = self.inside(tap) else {
                return 1.0;
            };
            let count = f64::from(self.count);
            let mut register = self.register;
            if !register.is_upper() {
                asm.mov(scratch, register);
                register = scratch;
            }
            if from > 0 {
                let (constant, condition) = match self.counter {
                    Counter::Index => (from, Condition::Lower),
                    Counter::Left => (self.count - from + 1, Condition::SameOrHigher),
                    Counter::After => (from + 1, Condition::Lower),
                };
                asm.cpi(register, constant as u8);
                asm.branch(condition, outside, f64::from(from) / count);
            }
            if to < self.count {
                let (constant, condition) = match self.counter {
                    Counter::Index if self.count > 0xFF => {
                        (0xFF - (self.count - 1 - to), Condition::SameOrHigher)
                    }
                    Counter::Index => (to, Condition::SameOrHigher),
                    Counter::Left => (self.count - to + 1, Condition::Lower),
                    Counter::After => (to + 1, Condition::SameOrHigher),
                };
                asm.cpi(register, constant as u8);
                asm.branch(condition, outside, f64::from(self.count - to) / count);
            }
            f64::from(to - from) / count
        })
    }
}

/// A pair of upper registers that holds an index among more than 255 becomes, in
/// `to`, a byte that tells those near either end apart.
pub(crate) fn compress(asm: &mut Assembly, low: Register, count: u32, to: Register) {
    let changed = Registers::of_pairs([low]).and([to]);
    asm.changing(changed, |asm| {
        let start = asm.label();
        let share = f64::from(MARGIN) / f64::from(count);
        // From the start.
        asm.tst(low.next());
        let after_start = asm.label();
        asm.branch(Condition::NotEqual, after_start, 1.0 - share);
        asm.cpi(low, MARGIN as u8);
        asm.branch(Condition::Lower, start, share);
        asm.bind(after_start);
        // From the end: the index is that of the last and a negative number.
        let [count_low, count_high, ..] = count.to_le_bytes();
        asm.subi(low, count_low);
        asm.sbci(low.next(), count_high);
        // Now the last is −1.
        let between = asm.label();
        asm.inc(low.next());
        asm.branch(Condition::NotEqual, between, 1.0 - share);
        asm.cpi(low, (0x100 - MARGIN) as u8);
        asm.branch(Condition::SameOrHigher, start, share);
        asm.bind(between);
        asm.ldi(low, BETWEEN);
        asm.bind(start);
        asm.mov(to, low);
    })
}
