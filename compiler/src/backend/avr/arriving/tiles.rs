//! `absorb` of an input whose rows and columns take a byte each, and of a leading `A`
//! with windows that touch one another and have sides that are powers of two.

use crate::backend::avr::arithmetic::multiply::multiply_byte;
use crate::backend::avr::arriving::deposit::{
    Deposit, DepositRegisters, Used, return_complete, return_incomplete, unless_used,
};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R18, R19, R20, R22, R23, Register, SPARE, X, Z, ZERO,
};
use crate::backend::avr::segments::{chain, grid};
use crate::network::{Kernel, Shape};
use crate::program::{PooledIntake, Program};

pub(super) const BYTE: Register = R22;
pub(super) const UPPER: Register = R23;
/// The cursor, which says what byte it is.
pub(super) const CURSOR_ROW: Register = R18;
pub(super) const CURSOR_COLUMN: Register = R19;
const CURSOR_CHANNEL: Register = R20;

/// A row or column of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    First,
    Last,
}

impl Edge {
    /// In a window of two.
    fn other(self) -> Self {
        match self {
            Edge::First => Edge::Last,
            Edge::Last => Edge::First,
        }
    }
}

/// Emits it.
pub(crate) fn emit(asm: &mut Assembly, program: &Program) {
    let registers = DepositRegisters {
        channel: CURSOR_CHANNEL,
        spare: SPARE,
        pair_of_pixel: BYTE,
        spare_of_pixel: SPARE,
    };
    let tiles = Tiles {
        program,
        deposit: Deposit::new(asm, program, registers),
        output: program.intake.output,
        input: program.input,
    };
    asm.times(f64::from(program.input.values()), |asm| {
        match tiles.pairs() {
            Some(pool) => tiles.emit_pairs(asm, pool),
            None => tiles.emit(asm),
        }
    });
}

pub(super) struct Tiles<'a> {
    pub(super) program: &'a Program,
    pub(super) deposit: Deposit<'a>,
    pub(super) output: Shape,
    pub(super) input: Shape,
}

impl Tiles<'_> {
    fn emit(&self, asm: &mut Assembly) {
        self.point_at_cursor(asm, 0);
        asm.load(CURSOR_ROW, Pointer::X, Mode::PostIncrement);
        asm.load(CURSOR_COLUMN, Pointer::X, Mode::PostIncrement);
        if self.input.channels > 1 {
            asm.load(CURSOR_CHANNEL, Pointer::X, Mode::Plain);
        }
        match self.program.intake.pool {
            None => asm.of(Purpose::Store, |asm| self.shorten(asm)),
            Some(pool) => asm.of(Purpose::Pool, |asm| {
                self.pool(asm, pool);
            }),
        }
        self.advance(asm);
    }

    /// Shortens the byte to an activation, and stores it.
    fn shorten(&self, asm: &mut Assembly) {
        let unused = asm.label();
        let used = self.unless_used(asm, unused, Kernel::square(1));
        asm.times(used, |asm| {
            if self.program.activation_bits == 4 {
                asm.swap(BYTE);
                asm.andi(BYTE, 0x0F);
            }
            asm.mov(X, CURSOR_ROW);
            self.store(asm, CURSOR_COLUMN, BYTE);
            self.go_on(asm);
        });
        asm.bind(unused);
    }

    /// Branches where the byte is of a pixel that nobody reads; the share of bytes that are read.
    pub(super) fn unless_used(&self, asm: &mut Assembly, unused: CodeLabel, window: Kernel) -> f64 {
        let rows = Used {
            at: &[CURSOR_ROW],
            used: self.output.height * window.height,
            all: self.input.height,
        };
        let columns = Used {
            at: &[CURSOR_COLUMN],
            used: self.output.width * window.width,
            all: self.input.width,
        };
        unless_used(asm, [rows, columns], unused, SPARE)
    }

    /// Behind a value that was stored: X ← the cursor's channel. A pixel that is
    /// complete goes through the streamed layers.
    pub(super) fn go_on(&self, asm: &mut Assembly) {
        let to_channel = |asm: &mut Assembly| {
            if self.pairs().is_none() {
                self.point_at_cursor(asm, 2);
            }
        };
        if self.program.stages().is_empty() {
            return to_channel(asm);
        }
        let (row, column) = (BYTE, CURSOR_CHANNEL);
        let (incomplete, bare, complete) = (asm.label(), asm.label(), asm.label());
        let channels = self.input.channels;
        let share = self.deposit.unless_last(asm, incomplete);
        asm.times(share, |asm| {
            self.deposit.advance(asm);
            for (place, of) in [(row, CURSOR_ROW), (column, CURSOR_COLUMN)] {
                asm.mov(place, of);
                for _ in 0..self.log2(of) {
                    asm.lsr(place);
                }
            }
            if chain::is_flat(self.program) {
                chain::emit(asm, self.program, bare);
            } else {
                grid::emit(asm, self.program);
            }
            self.point_at_cursor(asm, 0);
            asm.load(CURSOR_ROW, Pointer::X, Mode::PostIncrement);
            asm.load(CURSOR_COLUMN, Pointer::X, Mode::PostIncrement);
            if channels > 1 {
                asm.ldi(CURSOR_CHANNEL, (channels - 1) as u8);
            }
            asm.jump(complete);
            asm.bind(bare);
            if channels > 1 {
                asm.ldi(CURSOR_CHANNEL, (channels - 1) as u8);
            }
        });
        asm.bind(incomplete);
        to_channel(asm);
        asm.bind(complete);
    }

    /// X ← a byte of the cursor.
    fn point_at_cursor(&self, asm: &mut Assembly, byte: u32) {
        asm.movw(X, NETWORK);
        asm.add_to_pair(X, byte as i32);
    }

    /// Adds the byte to its window's sum, and stores the pooled value when the
    /// window is complete.
    fn pool(&self, asm: &mut Assembly, pool: PooledIntake) {
        let advance = asm.label();
        // A last row or column that fills no window is dropped.
        let used = self.unless_used(asm, advance, pool.field.kernel);
        asm.times(used, |asm| self.add_to_window(asm, pool, advance));
        asm.bind(advance);
    }

    fn add_to_window(&self, asm: &mut Assembly, pool: PooledIntake, advance: CodeLabel) {
        let Kernel { height, width } = pool.field.kernel;
        let sum_byte = self.point_at_sum(asm, pool);
        let [before_last, between, begin, complete] = [(); 4].map(|()| asm.label());
        let of_columns = 1.0 / f64::from(width);
        let of_rows = 1.0 / f64::from(height);
        let of_pixels = of_columns * of_rows;

        // The last column of a window, which in a window of one column is the
        // first too.
        if width > 1 {
            self.unless_edge(asm, CURSOR_COLUMN, Edge::Last, before_last);
        } else {
            self.if_edge(asm, CURSOR_ROW, Edge::First, begin);
        }
        let begun = if width > 1 { 0.0 } else { of_pixels };
        let is_last = height == 1 || (height, width) == (2, 1);
        asm.times(of_columns - begun, |asm| {
            self.add(asm, sum_byte);
            if is_last {
                asm.jump(complete);
            } else {
                self.if_edge(asm, CURSOR_ROW, Edge::Last, complete);
            }
        });
        if !is_last {
            asm.times(of_columns - begun - of_pixels, |asm| {
                self.keep_sum(asm, sum_byte);
                asm.jump(advance);
            });
        }

        // The columns before it; in two pixels side by side, the first pixel.
        asm.bind(before_last);
        if width > 1 && (height, width) != (1, 2) {
            asm.times(1.0 - of_columns, |asm| {
                if height == 1 {
                    self.if_edge(asm, CURSOR_COLUMN, Edge::First, begin);
                } else {
                    if width > 2 {
                        self.unless_edge(asm, CURSOR_COLUMN, Edge::First, between);
                    }
                    self.if_edge(asm, CURSOR_ROW, Edge::First, begin);
                }
                asm.bind(between);
            });
            asm.times(1.0 - of_columns - of_pixels, |asm| {
                self.add(asm, sum_byte);
                self.keep_sum(asm, sum_byte);
                self.next_column(asm, advance);
            });
        }
        asm.bind(begin);
        asm.times(of_pixels, |asm| {
            asm.store(Pointer::Z, Mode::Displacement(sum_byte), BYTE);
            asm.store(Pointer::Z, Mode::Displacement(sum_byte + 1), ZERO);
            self.next_column(asm, advance);
        });

        asm.bind(complete);
        asm.times(of_pixels, |asm| {
            let pooled = self.shift(asm);
            asm.of(Purpose::Store, |asm| self.store_pooled(asm, pooled));
            self.go_on(asm);
        });
    }

    /// Stores the value of the window that the byte is in.
    pub(super) fn store_pooled(&self, asm: &mut Assembly, value: Register) {
        if self.deposit.wants_pixel() {
            asm.mov(X, CURSOR_ROW);
            asm.mov(SPARE, CURSOR_COLUMN);
            for (place, of) in [(X, CURSOR_ROW), (SPARE, CURSOR_COLUMN)] {
                for _ in 0..self.log2(of) {
                    asm.lsr(place);
                }
            }
        }
        self.store(asm, SPARE, value);
    }

    /// Of a window's rows or columns.
    pub(super) fn log2(&self, place: Register) -> u32 {
        let window = self.program.intake.pool.map(|pool| pool.field.kernel);
        let Kernel { height, width } = window.unwrap_or(Kernel::square(1));
        if place == CURSOR_ROW { height } else { width }.ilog2()
    }

    /// Z and a displacement ← the window's sum: two bytes for each window and
    /// channel.
    fn point_at_sum(&self, asm: &mut Assembly, pool: PooledIntake) -> u8 {
        let sums_first_byte = self.program.cursor_bytes + pool.sums_first_byte();
        let channels = self.output.channels;
        let log2 = self.log2(CURSOR_COLUMN);
        if pool.sums_per_column() == 0 {
            asm.movw(Z, NETWORK);
            if channels > 1 {
                for _ in 0..2 {
                    asm.add(Z, CURSOR_CHANNEL);
                    asm.adc(Z.next(), ZERO);
                }
            }
            return self.displacement(asm, sums_first_byte);
        }
        asm.mov(Z, CURSOR_COLUMN);
        if channels == 1 && log2 > 0 {
            for _ in 1..log2 {
                asm.lsr(Z);
            }
            asm.andi(Z, 0xFE);
            asm.ldi(Z.next(), 0);
        } else {
            for _ in 0..log2 {
                asm.lsr(Z);
            }
            multiply_byte(asm, Z, channels, SPARE);
            if channels > 1 {
                asm.add(Z, CURSOR_CHANNEL);
                asm.adc(Z.next(), ZERO);
            }
            asm.lsl(Z);
            asm.rol(Z.next());
        }
        asm.add(Z, NETWORK);
        asm.adc(Z.next(), NETWORK.next());
        self.displacement(asm, sums_first_byte)
    }

    /// By what `ldd` finds two bytes from Z on; without reach, Z goes there.
    pub(super) fn displacement(&self, asm: &mut Assembly, first_byte: u32) -> u8 {
        if first_byte <= 62 {
            return first_byte as u8;
        }
        asm.add_to_pair(Z, first_byte as i32);
        0
    }

    /// r23:r22 ← the sum and the byte.
    fn add(&self, asm: &mut Assembly, sum_byte: u8) {
        asm.load(SPARE, Pointer::Z, Mode::Displacement(sum_byte));
        asm.load(UPPER, Pointer::Z, Mode::Displacement(sum_byte + 1));
        asm.add(BYTE, SPARE);
        asm.adc(UPPER, ZERO);
    }

    pub(super) fn keep_sum(&self, asm: &mut Assembly, sum_byte: u8) {
        asm.store(Pointer::Z, Mode::Displacement(sum_byte), BYTE);
        asm.store(Pointer::Z, Mode::Displacement(sum_byte + 1), UPPER);
    }

    /// Goes to the next byte where it is not the last of its window's row.
    fn next_column(&self, asm: &mut Assembly, advance: CodeLabel) {
        if self.input.channels > 1 || self.log2(CURSOR_COLUMN) == 0 {
            asm.jump(advance);
            return;
        }
        asm.of(Purpose::Other, |asm| {
            asm.inc(CURSOR_COLUMN);
            asm.store(Pointer::X, Mode::PreDecrement, CURSOR_COLUMN);
            return_incomplete(asm);
        });
    }

    /// Branches where the row or column is the first or last of its window.
    pub(super) fn if_edge(
        &self,
        asm: &mut Assembly,
        place: Register,
        edge: Edge,
        label: CodeLabel,
    ) {
        let log2 = self.log2(place);
        let share = 1.0 / f64::from(1 << log2);
        if log2 == 1 {
            match edge {
                Edge::First => asm.skip_if_set(place, 0),
                Edge::Last => asm.skip_if_clear(place, 0),
            }
            asm.times(share, |asm| asm.jump(label));
        } else {
            self.compare_edge(asm, place, edge);
            asm.branch(Condition::Equal, label, share);
        }
    }

    /// Branches where it is not.
    fn unless_edge(&self, asm: &mut Assembly, place: Register, edge: Edge, label: CodeLabel) {
        if self.log2(place) == 1 {
            self.if_edge(asm, place, edge.other(), label);
        } else {
            self.compare_edge(asm, place, edge);
            let share = 1.0 / f64::from(1 << self.log2(place));
            asm.branch(Condition::NotEqual, label, 1.0 - share);
        }
    }

    fn compare_edge(&self, asm: &mut Assembly, place: Register, edge: Edge) {
        let mask = (1 << self.log2(place)) - 1;
        asm.mov(SPARE, place);
        asm.andi(SPARE, mask);
        if edge == Edge::Last {
            asm.cpi(SPARE, mask);
        }
    }

    /// The sum's high bits.
    pub(super) fn shift(&self, asm: &mut Assembly) -> Register {
        let divisor = self.program.intake.divisor;
        let shift = divisor.shift().expect("a simple intake divides by shifts");
        if shift > 4 {
            for _ in shift..8 {
                asm.lsl(BYTE);
                asm.rol(UPPER);
            }
            for _ in 8..shift {
                asm.lsr(UPPER);
            }
            UPPER
        } else {
            for _ in 0..shift {
                asm.lsr(UPPER);
                asm.ror(BYTE);
            }
            BYTE
        }
    }

    /// Stores a value of the pixel in the row in X's low half and that column; or
    /// where the first streamed layer reads it.
    fn store(&self, asm: &mut Assembly, column: Register, value: Register) {
        self.deposit.store(asm, value, |asm, width| {
            multiply_byte(asm, X, width, Z);
            asm.add(X, column);
            asm.adc(X.next(), ZERO);
        });
    }

    /// Of all bytes, how many [`Self::advance`] moves on: not those that [`Self::next_column`] does.
    fn share_that_advances(&self) -> f64 {
        let Some(pool) = self.program.intake.pool else {
            return 1.0;
        };
        if self.input.channels > 1 {
            return 1.0;
        }
        let Kernel { height, width } = pool.field.kernel;
        let of = |windows: u32, side: u32, all: u32| f64::from(windows * side) / f64::from(all);
        let used = of(self.output.height, height, self.input.height)
            * of(self.output.width, width, self.input.width);
        1.0 - used * (1.0 - 1.0 / f64::from(width))
    }

    /// Goes to the next byte, and returns; X is at the cursor's channel.
    fn advance(&self, asm: &mut Assembly) {
        let channel = (CURSOR_CHANNEL, self.input.channels, Mode::Plain);
        let places = [
            (CURSOR_COLUMN, self.input.width, Mode::PreDecrement),
            (CURSOR_ROW, self.input.height, Mode::PreDecrement),
        ];
        let channel = Some(channel).filter(|&(_, channels, _)| channels > 1);
        let mut reached = self.share_that_advances();
        let mut overflowing = 1.0;
        for (register, length, mode) in channel.into_iter().chain(places) {
            let overflows = asm.label();
            overflowing /= f64::from(length);
            asm.times(reached, |asm| {
                asm.inc(register);
                // At most 255, so that what wraps to 0 is no length.
                asm.cpi(register, length as u8);
                asm.branch(Condition::Equal, overflows, overflowing / reached);
            });
            asm.times(reached - overflowing, |asm| {
                asm.store(Pointer::X, mode, register);
                return_incomplete(asm);
            });
            reached = overflowing;
            asm.bind(overflows);
            asm.times(reached, |asm| asm.store(Pointer::X, mode, ZERO));
        }
        asm.times(reached, |asm| {
            return_complete(asm, self.program);
        });
    }
}
