//! `absorb` of inputs whose rows or columns take two bytes, and of a leading `A`
//! with whatever windows: such that overlap or leave bytes out, or whose sides are
//! no powers of two.
//!
//! A byte adds to every window that it is in. Of those the last one, whose first
//! row and column are the furthest back, is the only one that it may complete.

use crate::backend::avr::arithmetic::divide::{self, Rest};
use crate::backend::avr::arithmetic::index::{self, compare, increment};
use crate::backend::avr::arithmetic::multiply::multiply_by_constant;
use crate::backend::avr::arriving::deposit::{
    Deposit, DepositRegisters, Used, return_complete, return_incomplete, unless_used,
};
use crate::backend::avr::arriving::window_axis::{HELPER, WindowAxis};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    COLUMN, NETWORK, PRODUCT, Pointer, R2, R3, R12, R13, R14, R15, R16, R17, R18, R19, R20, R21,
    R22, R23, R28, R29, ROW, Register, Registers, X, Z, ZERO,
};
use crate::backend::avr::segments::grid;
use crate::network::ReceptiveField;
use crate::program::{PooledIntake, Program};

const BYTE: Register = R22;
const UPPER: Register = R23;
/// The cursor, which says what byte it is; row and column in pairs where they are wide.
const CURSOR_ROW: Register = R18;
const CURSOR_COLUMN: Register = R20;
const CURSOR_CHANNEL: Register = R16;

/// Registers of the C ABI that are given back.
const SAVED: [Register; 10] = [R2, R3, R12, R13, R14, R15, R16, R17, R28, R29];

/// Emits it.
pub(crate) fn emit(asm: &mut Assembly, program: &Program) {
    let input = program.input;
    let registers = DepositRegisters {
        channel: CURSOR_CHANNEL,
        spare: UPPER,
        pair_of_pixel: BYTE,
        // Columns may be in what is changed else.
        spare_of_pixel: HELPER,
    };
    let absorb = Any {
        program,
        deposit: Deposit::new(asm, program, registers),
        row: index::registers(CURSOR_ROW, input.height),
        column: index::registers(CURSOR_COLUMN, input.width),
    };
    asm.times(f64::from(input.values()), |asm| absorb.emit(asm));
}

struct Any<'a> {
    program: &'a Program,
    deposit: Deposit<'a>,
    row: Vec<Register>,
    column: Vec<Register>,
}

impl Any<'_> {
    fn emit(&self, asm: &mut Assembly) {
        let input = self.program.input;
        for register in SAVED {
            asm.push(register);
        }
        asm.movw(Z, NETWORK);
        let column_byte = self.row.len() as u8;
        let channel_byte = column_byte + self.column.len() as u8;
        let places = self.row.iter().chain(&self.column);
        for (&register, byte) in places.zip(0..) {
            asm.load(register, Pointer::Z, Mode::Displacement(byte));
        }
        if input.channels > 1 {
            asm.load(CURSOR_CHANNEL, Pointer::Z, Mode::Displacement(channel_byte));
        }
        let incomplete = asm.label();
        match self.program.intake.pool {
            None => asm.of(Purpose::Store, |asm| self.shorten(asm, incomplete)),
            Some(pool) => asm.of(Purpose::Pool, |asm| self.pool(asm, pool, incomplete)),
        }
        let saved = i64::from(SAVED.len() as u32);
        if self.program.stages().is_empty() {
            asm.bind(incomplete);
            self.give_back(asm);
        } else {
            let advance = asm.label();
            let pixels = f64::from(self.program.intake.output.pixels());
            let share = pixels / f64::from(input.values());
            asm.times(share, |asm| {
                self.give_back(asm);
                grid::emit(asm, self.program);
                asm.jump(advance);
            });
            asm.bind(incomplete);
            asm.stack_changes(saved);
            asm.times(1.0 - share, |asm| self.give_back(asm));
            asm.bind(advance);
        }
        self.advance(asm, [0, column_byte, channel_byte]);
    }

    fn give_back(&self, asm: &mut Assembly) {
        for register in SAVED.into_iter().rev() {
            asm.pop(register);
        }
    }

    /// Branches where the byte is of a row or column that nobody reads; the share of bytes that are read.
    fn unless_used(&self, asm: &mut Assembly, used: [u32; 2], unused: CodeLabel) -> f64 {
        let input = self.program.input;
        let rows = Used {
            at: &self.row,
            used: used[0],
            all: input.height,
        };
        let columns = Used {
            at: &self.column,
            used: used[1],
            all: input.width,
        };
        unless_used(asm, [rows, columns], unused, HELPER)
    }

    fn shorten(&self, asm: &mut Assembly, incomplete: CodeLabel) {
        let output = self.program.intake.output;
        let used = self.unless_used(asm, [output.height, output.width], incomplete);
        asm.times(used, |asm| {
            if self.program.activation_bits == 4 {
                asm.swap(BYTE);
                asm.andi(BYTE, 0x0F);
            }
            self.store(asm, &self.row, &self.column, incomplete);
        });
    }

    fn pool(&self, asm: &mut Assembly, pool: PooledIntake, incomplete: CodeLabel) {
        let [rows, columns] = self.axes(pool);
        let used = self.unless_used(asm, [rows.used(), columns.used()], incomplete);
        let bytes = pool.windows.bytes_per_value() as usize;
        let sum = &[X, X.next(), R2, R3][..bytes];
        let complete = asm.label();
        asm.times(used, |asm| {
            rows.begin(asm, incomplete);
            let next_row = asm.here();
            asm.times(rows.windows_of_a_byte(), |asm| {
                columns.begin(asm, incomplete);
                let next_column = asm.here();
                asm.times(columns.windows_of_a_byte(), |asm| {
                    self.point_at_sum(asm, pool, &rows, &columns);
                    let incomplete = self.add(asm, sum, [&rows, &columns], complete);
                    asm.times(incomplete, |asm| {
                        for (&register, byte) in sum.iter().zip(0..) {
                            asm.store(Pointer::Z, Mode::Displacement(byte), register);
                        }
                        columns.repeat(asm, next_column);
                    });
                });
                rows.repeat(asm, next_row);
            });
            asm.jump(incomplete);
        });

        asm.bind(complete);
        let pixels = f64::from(self.program.intake.output.pixels());
        let share = pixels / f64::from(self.program.input.pixels());
        asm.times(share, |asm| {
            let divided = &[R18, R19, R20, R21][..bytes];
            for (&to, &from) in divided.iter().zip(sum) {
                asm.mov(to, from);
            }
            let bits = self.program.activation_bits;
            let divisor = self.program.intake.divisor.0;
            if divisor == 1 {
                asm.mov(BYTE, divided[0]);
            } else {
                divide::down(asm, divided, (divisor, bits, false), BYTE);
            }
            asm.of(Purpose::Store, |asm| {
                self.store(asm, &rows.window, &columns.window, incomplete);
            });
        });
    }

    fn axes(&self, pool: PooledIntake) -> [WindowAxis; 2] {
        let ReceptiveField {
            kernel,
            stride,
            top: _,
            left: _,
            map: _,
            outputs: _,
        } = pool.field;
        let (input, output) = (self.program.input, self.program.intake.output);
        let axis = |at: &[Register],
                    (first, offset): (Register, Register),
                    (side, stride, windows, length): (u32, u32, u32, u32)| {
            let is_single = windows == 1;
            WindowAxis {
                at: at.to_vec(),
                window: if is_single {
                    Vec::new()
                } else {
                    index::registers(first, length)
                },
                offset: if is_single { at.to_vec() } else { vec![offset] },
                side,
                stride,
                windows,
                length,
            }
        };
        [
            axis(
                &self.row,
                (R14, R17),
                (kernel.height, stride.rows, output.height, input.height),
            ),
            axis(
                &self.column,
                (R12, R29),
                (kernel.width, stride.columns, output.width, input.width),
            ),
        ]
    }

    /// Z ← the window's sum of the channel.
    fn point_at_sum(
        &self,
        asm: &mut Assembly,
        pool: PooledIntake,
        rows: &WindowAxis,
        columns: &WindowAxis,
    ) {
        let changed = Registers::of_pairs([X, Z])
            .and([UPPER, HELPER])
            .and(PRODUCT);
        asm.changing(changed, |asm| {
            let windows = pool.windows;
            let per_byte = windows.cells_per_byte;
            asm.movw(Z, NETWORK);
            if windows.bands > 1 {
                let copy = index::registers(X, rows.length);
                for (&to, &from) in copy.iter().zip(&rows.window) {
                    asm.mov(to, from);
                }
                let rest = Rest {
                    remainder: UPPER,
                    scratch: HELPER,
                };
                divide::with_remainder(asm, &copy, (windows.bands, rows.length), rest);
                asm.mov(X, UPPER);
                asm.clr(X.next());
                multiply_by_constant(asm, X, windows.band_cells() / per_byte);
                asm.add(Z, X);
                asm.adc(Z.next(), X.next());
            }
            let (per_column, channels) = (pool.sums_per_column(), self.program.input.channels);
            let by_column = per_column > 0 && !columns.is_single();
            if by_column {
                asm.mov(X, columns.window[0]);
                match columns.window.get(1) {
                    Some(&upper) => asm.mov(X.next(), upper),
                    None => asm.clr(X.next()),
                }
                multiply_by_constant(asm, X, per_column * windows.bytes_per_value());
                asm.add(Z, X);
                asm.adc(Z.next(), X.next());
            }
            if channels > 1 {
                asm.mov(X, CURSOR_CHANNEL);
                asm.clr(X.next());
                multiply_by_constant(asm, X, windows.bytes_per_value());
                asm.add(Z, X);
                asm.adc(Z.next(), X.next());
            }
            let first_byte = self.program.cursor_bytes + pool.sums_first_byte();
            asm.add_to_pair(Z, first_byte as i32);
        })
    }

    /// The sum at Z and the byte, or the byte alone where it is the window's first;
    /// branches where it is the last. The share of bytes that are not.
    fn add(
        &self,
        asm: &mut Assembly,
        sum: &[Register],
        axes: [&WindowAxis; 2],
        complete: CodeLabel,
    ) -> f64 {
        let (begun, added, incomplete) = (asm.label(), asm.label(), asm.label());
        let is_one = axes.iter().all(|axis| axis.side == 1);
        let at_first = unless_at(asm, axes, |_| 0, begun);
        asm.times(at_first, |asm| {
            asm.mov(sum[0], BYTE);
            for &register in &sum[1..] {
                asm.clr(register);
            }
            if !is_one {
                asm.jump(added);
            }
        });
        if !is_one {
            asm.bind(begun);
            asm.times(1.0 - at_first, |asm| {
                for (&register, byte) in sum.iter().zip(0..) {
                    asm.load(register, Pointer::Z, Mode::Displacement(byte));
                }
                asm.add(sum[0], BYTE);
                for &register in &sum[1..] {
                    asm.adc(register, ZERO);
                }
            });
            asm.bind(added);
        }
        let at_last = unless_at(asm, axes, |axis| axis.side - 1, incomplete);
        asm.times(at_last, |asm| asm.jump(complete));
        asm.bind(incomplete);
        1.0 - at_last
    }

    /// Stores the value in r22 of the pixel in that row and column, which are 0
    /// where they have no registers; branches where it is not the pixel's last, and
    /// leaves the pixel's row and column where [`grid::emit`] wants them. Changes
    /// X, Z, r0, r23 and r28.
    fn store(
        &self,
        asm: &mut Assembly,
        row: &[Register],
        column: &[Register],
        incomplete: CodeLabel,
    ) {
        self.deposit.store(asm, BYTE, |asm, width| {
            let into = |asm: &mut Assembly, from: Option<&Register>, to: Register| match from {
                Some(&from) => asm.mov(to, from),
                None => asm.clr(to),
            };
            into(asm, row.first(), X);
            into(asm, row.get(1), X.next());
            if !row.is_empty() {
                multiply_by_constant(asm, X, width);
            }
            if let Some(&low) = column.first() {
                asm.add(X, low);
                asm.adc(X.next(), column.get(1).copied().unwrap_or(ZERO));
            }
        });
        if self.program.stages().is_empty() {
            return;
        }
        self.deposit.unless_last(asm, incomplete);
        self.deposit.advance(asm);
        let grid = self.program.arriving().grid;
        let mut give = |to: Register, from: &[Register], points: u32| {
            for (index, register) in index::registers(to, points).into_iter().enumerate() {
                match from.get(index) {
                    Some(&from) if from == register => {}
                    Some(&from) => asm.mov(register, from),
                    None => asm.ldi(register, 0),
                }
            }
        };
        give(COLUMN, column, grid.width);
        give(ROW, row, grid.height);
    }

    /// Goes to the next byte, and returns. `bytes`: of row, column and channel in the
    /// cursor.
    fn advance(&self, asm: &mut Assembly, bytes: [u8; 3]) {
        let input = self.program.input;
        let mut reached = 1.0;
        asm.movw(Z, NETWORK);
        for (registers, length, byte) in [
            (&vec![CURSOR_COLUMN], input.channels, bytes[2]),
            (&self.column, input.width, bytes[1]),
            (&self.row, input.height, bytes[0]),
        ] {
            let share = 1.0 / f64::from(length);
            let over = asm.label();
            if length > 1 {
                asm.times(reached, |asm| {
                    for (&register, byte) in registers.iter().zip(byte..) {
                        asm.load(register, Pointer::Z, Mode::Displacement(byte));
                    }
                    increment(asm, registers);
                    compare(asm, registers, length, UPPER);
                    asm.branch(Condition::Equal, over, share);
                });
                asm.times(reached * (1.0 - share), |asm| {
                    for (&register, byte) in registers.iter().zip(byte..) {
                        asm.store(Pointer::Z, Mode::Displacement(byte), register);
                    }
                    return_incomplete(asm);
                });
            }
            reached *= share;
            asm.bind(over);
            if length > 1 {
                asm.times(reached, |asm| {
                    for byte in byte..byte + registers.len() as u8 {
                        asm.store(Pointer::Z, Mode::Displacement(byte), ZERO);
                    }
                });
            }
        }
        asm.times(reached, |asm| {
            return_complete(asm, self.program);
        });
    }
}

/// Branches where the byte is not at that row and column of its window; the share of bytes that are.
fn unless_at(
    asm: &mut Assembly,
    axes: [&WindowAxis; 2],
    place: impl Fn(&WindowAxis) -> u32,
    label: CodeLabel,
) -> f64 {
    let mut reached = 1.0;
    for axis in axes.into_iter().filter(|axis| axis.side > 1) {
        let share = 1.0 / f64::from(axis.side);
        asm.times(reached, |asm| {
            compare(asm, &axis.offset, place(axis), HELPER);
            asm.branch(Condition::NotEqual, label, 1.0 - share);
        });
        reached *= share;
    }
    reached
}
