//! `absorb` of a single channel and a leading `A` whose windows are two columns wide: the first
//! byte of two waits for the second one, which adds both to the window's sum.
//!
//! It waits in the cursor, in the byte that says the channel where there are several.

use crate::backend::avr::arithmetic::multiply::multiply_byte;
use crate::backend::avr::arriving::deposit::{return_complete, return_incomplete};
use crate::backend::avr::arriving::tiles::{BYTE, CURSOR_COLUMN, CURSOR_ROW, Edge, Tiles, UPPER};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{NETWORK, Pointer, Register, SPARE, X, Z, ZERO};
use crate::backend::avr::memory::field::MapSource;
use crate::program::PooledIntake;

/// Bytes of the cursor.
const ROW: Mode = Mode::Displacement(0);
const COLUMN: Mode = Mode::Displacement(1);
const WAITING: Mode = Mode::Displacement(2);

impl Tiles<'_> {
    /// The leading `A`, if it is one of those.
    pub(super) fn pairs(&self) -> Option<PooledIntake> {
        let takes_pairs =
            |pool: &PooledIntake| self.input.channels == 1 && pool.field.kernel.width == 2;
        self.program.intake.pool.filter(takes_pairs)
    }

    /// Emits it.
    pub(super) fn emit_pairs(&self, asm: &mut Assembly, pool: PooledIntake) {
        let (second, last) = (asm.label(), asm.label());
        let width = self.input.width;
        asm.movw(Z, NETWORK);
        asm.load(CURSOR_COLUMN, Pointer::Z, COLUMN);
        let share = |bytes: u32| f64::from(bytes) / f64::from(width);
        let seconds = share(width / 2);
        asm.skip_if_clear(CURSOR_COLUMN, 0);
        asm.times(seconds, |asm| asm.jump(second));
        asm.times(1.0 - seconds, |asm| {
            if width % 2 == 1 {
                asm.cpi(CURSOR_COLUMN, (width - 1) as u8);
                asm.branch(Condition::Equal, last, 1.0 / f64::from(width.div_ceil(2)));
            }
            asm.of(Purpose::Pool, |asm| {
                asm.store(Pointer::Z, WAITING, BYTE);
            });
            self.next_byte(asm);
        });
        asm.bind(second);
        let advance = asm.label();
        asm.times(seconds, |asm| self.second(asm, pool, advance));
        asm.bind(advance);
        asm.times(seconds, |asm| asm.movw(Z, NETWORK));
        asm.bind(last);
        self.advance_pairs(asm, seconds + share(width % 2));
    }

    /// Goes to the next byte, which is of the same row, and returns; Z is the network's address.
    fn next_byte(&self, asm: &mut Assembly) {
        asm.of(Purpose::Other, |asm| {
            asm.inc(CURSOR_COLUMN);
            asm.store(Pointer::Z, COLUMN, CURSOR_COLUMN);
            return_incomplete(asm);
        });
    }

    /// Takes the second byte of two in; its window may be complete then.
    fn second(&self, asm: &mut Assembly, pool: PooledIntake, advance: CodeLabel) {
        let used = asm.of(Purpose::Pool, |asm| {
            asm.load(SPARE, Pointer::Z, WAITING);
            asm.load(CURSOR_ROW, Pointer::Z, ROW);
            asm.ldi(UPPER, 0);
            asm.add(BYTE, SPARE);
            asm.adc(UPPER, ZERO);
            self.unless_used(asm, advance, pool.field.kernel)
        });
        asm.times(used, |asm| self.add_pair(asm, pool, advance));
    }

    /// Adds the sum of two bytes to its window's, and stores the average where it is complete.
    fn add_pair(&self, asm: &mut Assembly, pool: PooledIntake, advance: CodeLabel) {
        let height = pool.field.kernel.height;
        let of_rows = 1.0 / f64::from(height);
        let complete = asm.label();
        asm.of(Purpose::Pool, |asm| {
            if height == 1 {
                return;
            }
            let sum_byte = self.point_at_sum_of_pair(asm, pool);
            if height == 2 {
                self.if_edge(asm, CURSOR_ROW, Edge::Last, complete);
                asm.times(of_rows, |asm| {
                    self.keep_sum(asm, sum_byte);
                    asm.jump(advance);
                });
                asm.bind(complete);
                asm.times(of_rows, |asm| self.add_kept(asm, sum_byte));
                return;
            }
            let first = asm.label();
            self.if_edge(asm, CURSOR_ROW, Edge::First, first);
            asm.times(1.0 - of_rows, |asm| {
                self.add_kept(asm, sum_byte);
                self.if_edge(asm, CURSOR_ROW, Edge::Last, complete);
            });
            asm.bind(first);
            asm.times(1.0 - of_rows, |asm| {
                self.keep_sum(asm, sum_byte);
                asm.jump(advance);
            });
            asm.bind(complete);
        });
        asm.times(of_rows, |asm| {
            let pooled = asm.of(Purpose::Pool, |asm| self.shift(asm));
            match self.deposit.rows_of_whole_bytes() {
                Some(source) => asm.of(Purpose::Store, |asm| {
                    self.store_by_byte(asm, source, pooled);
                }),
                None => {
                    asm.of(Purpose::Store, |asm| self.store_pooled(asm, pooled));
                }
            }
            self.go_on(asm);
        });
    }

    /// Z, which is the network's address, and a displacement ← the window's sum: two bytes for
    /// each two columns.
    fn point_at_sum_of_pair(&self, asm: &mut Assembly, pool: PooledIntake) -> u8 {
        let first_byte = self.program.cursor_bytes + pool.sums_first_byte();
        if pool.sums_per_column() == 0 {
            return self.displacement(asm, first_byte);
        }
        asm.add(Z, CURSOR_COLUMN);
        asm.adc(Z.next(), ZERO);
        // The column is the second one of the window.
        self.displacement(asm, first_byte - 1)
    }

    /// r23:r22 ← it and the sum that is kept.
    fn add_kept(&self, asm: &mut Assembly, sum_byte: u8) {
        asm.load(SPARE, Pointer::Z, Mode::Displacement(sum_byte));
        asm.add(BYTE, SPARE);
        asm.load(SPARE, Pointer::Z, Mode::Displacement(sum_byte + 1));
        asm.adc(UPPER, SPARE);
    }

    /// Stores a value in a map of nibbles each row of which begins at a byte. The lower nibble of
    /// a byte comes first, and leaves 0 in the upper one.
    fn store_by_byte(&self, asm: &mut Assembly, source: &MapSource<'_>, value: Register) {
        asm.mov(X, CURSOR_ROW);
        for _ in 0..self.log2(CURSOR_ROW) {
            asm.lsr(X);
        }
        multiply_byte(asm, X, source.map.shape.width / 2, Z);
        asm.mov(SPARE, CURSOR_COLUMN);
        asm.lsr(SPARE);
        asm.lsr(SPARE);
        asm.add(X, SPARE);
        asm.adc(X.next(), ZERO);
        let first = source.position_in_network(source.map.first_cell) / 2;
        asm.add_to_pair(X, first as i32);
        asm.add(X, NETWORK);
        asm.adc(X.next(), NETWORK.next());
        let (upper, stored) = (asm.label(), asm.label());
        asm.skip_if_clear(CURSOR_COLUMN, 1);
        asm.times(0.5, |asm| asm.jump(upper));
        asm.times(0.5, |asm| {
            asm.store(Pointer::X, Mode::Plain, value);
            if self.program.stages().is_empty() {
                // The upper nibble's column is still to come.
                asm.movw(Z, NETWORK);
                self.next_byte(asm);
            } else {
                asm.jump(stored);
            }
        });
        asm.bind(upper);
        asm.times(0.5, |asm| {
            asm.load(SPARE, Pointer::X, Mode::Plain);
            asm.swap(value);
            asm.or(value, SPARE);
            asm.store(Pointer::X, Mode::Plain, value);
        });
        asm.bind(stored);
    }

    /// Goes to the next byte, and returns; Z is the network's address. After that share of all
    /// bytes.
    fn advance_pairs(&self, asm: &mut Assembly, reached: f64) {
        let (row_is_over, is_complete) = (asm.label(), asm.label());
        let of_columns = 1.0 / f64::from(self.input.width);
        let of_rows = 1.0 / f64::from(self.input.height);
        asm.times(reached, |asm| {
            asm.inc(CURSOR_COLUMN);
            // At most 255, so that what wraps to 0 is no length.
            asm.cpi(CURSOR_COLUMN, self.input.width as u8);
            asm.branch(Condition::Equal, row_is_over, of_columns / reached);
        });
        asm.times(reached - of_columns, |asm| {
            asm.store(Pointer::Z, COLUMN, CURSOR_COLUMN);
            return_incomplete(asm);
        });
        asm.bind(row_is_over);
        asm.times(of_columns, |asm| {
            asm.store(Pointer::Z, COLUMN, ZERO);
            asm.load(CURSOR_ROW, Pointer::Z, ROW);
            asm.inc(CURSOR_ROW);
            asm.cpi(CURSOR_ROW, self.input.height as u8);
            asm.branch(Condition::Equal, is_complete, of_rows);
            asm.times(1.0 - of_rows, |asm| {
                asm.store(Pointer::Z, ROW, CURSOR_ROW);
                return_incomplete(asm);
            });
            asm.bind(is_complete);
            asm.times(of_rows, |asm| {
                asm.store(Pointer::Z, ROW, ZERO);
                // Else it might be taken for the mark of results that are kept.
                asm.store(Pointer::Z, WAITING, ZERO);
                return_complete(asm, self.program);
            });
        });
    }
}
