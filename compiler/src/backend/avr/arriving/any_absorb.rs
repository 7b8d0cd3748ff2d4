//! `absorb` of inputs whose rows or columns take two bytes, and of a leading `A`
//! with whatever windows: such that overlap or leave bytes out, or whose sides are
//! no powers of two.
//!
//! A byte adds to every window that it is in. Of those the last one, whose first
//! row and column are the furthest back, is the only one that it may complete.

use crate::backend::avr::Kind;
use crate::backend::avr::arithmetic::divide::{self, Rest};
use crate::backend::avr::arriving::absorb::{Place, multiply_by_constant, put};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Label, Mode};
use crate::backend::avr::isa::registers::{
    COLUMN, NETWORK, Pointer, R2, R3, R12, R13, R14, R15, R16, R17, R18, R19, R20, R21, R22, R23,
    R28, R29, Register, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::segments::grid;
use crate::backend::avr::segments::point::{self, compare, increment};
use crate::network::ReceptiveField;
use crate::program::{PooledIntake, Program};

const BYTE: Register = R22;
const UPPER: Register = R23;
const ROW: Register = R18;
const CHANNEL: Register = R16;
const SCRATCH: Register = R28;

/// Registers of the C ABI that are given back.
const SAVED: [Register; 10] = [R2, R3, R12, R13, R14, R15, R16, R17, R28, R29];

/// A row or column of windows that the byte is in.
#[derive(Clone, Debug)]
struct Axis {
    /// The byte's row or column.
    at: Vec<Register>,
    /// The window's, unless there is only one.
    window: Vec<Register>,
    /// The byte's within the window.
    offset: Vec<Register>,
    side: u32,
    stride: u32,
    windows: u32,
    /// Rows or columns of the input.
    length: u32,
}

impl Axis {
    fn is_single(&self) -> bool {
        self.windows == 1
    }

    fn overlaps(&self) -> bool {
        !self.is_single() && self.side > self.stride
    }

    /// Rows or columns from the input's first to the last one of a window.
    fn used(&self) -> u32 {
        (self.windows - 1) * self.stride + self.side
    }

    /// Finds the last window that begins before the byte; branches where the byte is
    /// in none.
    fn begin(&self, asm: &mut Assembly, outside: Label) {
        if self.is_single() {
            return;
        }
        for (&to, &from) in self.window.iter().zip(&self.at) {
            asm.mov(to, from);
        }
        let rest = Rest {
            remainder: self.offset[0],
            scratch: SCRATCH,
        };
        divide::with_remainder(asm, &self.window, (self.stride, self.length), rest);
        if self.overlaps() && (self.used() - 1) / self.stride >= self.windows {
            // Behind the last window's first row still more begin, of windows that
            // are not there.
            let (next, found) = (asm.here(), asm.label());
            self.compare_window(asm, self.windows);
            asm.branch(Condition::Lower, found, 0.9);
            asm.times(0.1, |asm| {
                self.go_back(asm);
                asm.jump(next);
            });
            asm.bind(found);
        }
        if self.side < self.stride {
            asm.cpi(self.offset[0], self.side as u8);
            let share = 1.0 - f64::from(self.side) / f64::from(self.stride);
            asm.branch(Condition::SameOrHigher, outside, share);
        }
    }

    /// To the window before, in which the byte is further behind.
    fn go_back(&self, asm: &mut Assembly) {
        asm.ldi(SCRATCH, 1);
        asm.sub(self.window[0], SCRATCH);
        if let Some(&upper) = self.window.get(1) {
            asm.sbc(upper, ZERO);
        }
        asm.subi(self.offset[0], (self.stride as u8).wrapping_neg());
    }

    /// Goes to the window before, if the byte is in that one too.
    fn repeat(&self, asm: &mut Assembly, next: Label) {
        if !self.overlaps() {
            return;
        }
        let done = asm.label();
        asm.mov(SCRATCH, self.window[0]);
        if let Some(&upper) = self.window.get(1) {
            asm.or(SCRATCH, upper);
        } else {
            asm.tst(SCRATCH);
        }
        asm.branch(Condition::Equal, done, 0.1);
        self.go_back(asm);
        asm.cpi(self.offset[0], self.side as u8);
        asm.branch(Condition::Lower, next, 0.5);
        asm.bind(done);
    }

    fn compare_window(&self, asm: &mut Assembly, constant: u32) {
        let [low, high, ..] = constant.to_le_bytes();
        asm.ldi(SCRATCH, low);
        asm.cp(self.window[0], SCRATCH);
        if let Some(&upper) = self.window.get(1) {
            asm.ldi(SCRATCH, high);
            asm.cpc(upper, SCRATCH);
        }
    }
}

/// Emits it.
pub(crate) fn emit(asm: &mut Assembly, program: &Program, place: Place<'_>) {
    let input = program.input;
    let absorb = Any {
        program,
        place,
        row: point::registers(ROW, input.height),
        column: point::registers(COLUMN, input.width),
    };
    absorb.emit(asm);
}

struct Any<'a> {
    program: &'a Program,
    place: Place<'a>,
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
            asm.load(CHANNEL, Pointer::Z, Mode::Displacement(channel_byte));
        }
        let incomplete = asm.label();
        match self.program.intake.pool {
            None => asm.of(Kind::Store, |asm| self.shorten(asm, incomplete)),
            Some(pool) => asm.of(Kind::Pool, |asm| self.pool(asm, pool, incomplete)),
        }
        let saved = i64::from(SAVED.len() as u32);
        if self.program.stages().is_empty() {
            asm.bind(incomplete);
            self.give_back(asm);
        } else {
            let advance = asm.label();
            self.give_back(asm);
            let pixels = f64::from(self.program.intake.output.pixels());
            asm.times(pixels / f64::from(input.values()), |asm| {
                grid::emit(asm, self.program);
                asm.jump(advance);
            });
            asm.bind(incomplete);
            asm.stack_changes(saved);
            self.give_back(asm);
            asm.bind(advance);
        }
        self.advance(asm, [0, column_byte, channel_byte]);
    }

    fn give_back(&self, asm: &mut Assembly) {
        for register in SAVED.into_iter().rev() {
            asm.pop(register);
        }
    }

    /// Branches where the byte is of a row or column that nobody reads.
    fn unless_used(&self, asm: &mut Assembly, used: [u32; 2], unused: Label) {
        let input = self.program.input;
        for (registers, used, length) in [
            (&self.row, used[0], input.height),
            (&self.column, used[1], input.width),
        ] {
            if used < length {
                compare(asm, registers, used, SCRATCH);
                asm.branch(Condition::SameOrHigher, unused, 0.05);
            }
        }
    }

    fn shorten(&self, asm: &mut Assembly, incomplete: Label) {
        let output = self.program.intake.output;
        self.unless_used(asm, [output.height, output.width], incomplete);
        if self.program.activation_bits == 4 {
            asm.swap(BYTE);
            asm.andi(BYTE, 0x0F);
        }
        self.store(asm, &self.row, &self.column, incomplete);
    }

    fn pool(&self, asm: &mut Assembly, pool: PooledIntake, incomplete: Label) {
        let [rows, columns] = self.axes(pool);
        self.unless_used(asm, [rows.used(), columns.used()], incomplete);
        let bytes = pool.windows.bytes_per_value() as usize;
        let sum = &[X, X.next(), R2, R3][..bytes];
        let complete = asm.label();
        rows.begin(asm, incomplete);
        let next_row = asm.here();
        columns.begin(asm, incomplete);
        let next_column = asm.here();
        self.point_at_sum(asm, pool, &rows, &columns);
        self.add(asm, sum, [&rows, &columns], complete);
        for (&register, byte) in sum.iter().zip(0..) {
            asm.store(Pointer::Z, Mode::Displacement(byte), register);
        }
        columns.repeat(asm, next_column);
        rows.repeat(asm, next_row);
        asm.jump(incomplete);

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
            asm.of(Kind::Store, |asm| {
                self.store(asm, &rows.window, &columns.window, incomplete);
            });
        });
    }

    fn axes(&self, pool: PooledIntake) -> [Axis; 2] {
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
            Axis {
                at: at.to_vec(),
                window: if is_single {
                    Vec::new()
                } else {
                    point::registers(first, length)
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

    /// Z ← the window's sum of the channel. Changes X, r0 and r23.
    fn point_at_sum(&self, asm: &mut Assembly, pool: PooledIntake, rows: &Axis, columns: &Axis) {
        let windows = pool.windows;
        let per_byte = windows.cells_per_byte;
        asm.movw(Z, NETWORK);
        if windows.bands > 1 {
            let copy = point::registers(X, rows.length);
            for (&to, &from) in copy.iter().zip(&rows.window) {
                asm.mov(to, from);
            }
            let rest = Rest {
                remainder: UPPER,
                scratch: SCRATCH,
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
            asm.mov(X, CHANNEL);
            asm.clr(X.next());
            multiply_by_constant(asm, X, windows.bytes_per_value());
            asm.add(Z, X);
            asm.adc(Z.next(), X.next());
        }
        let first_byte = self.program.cursor_bytes + pool.sums_first_byte();
        asm.add_to_pair(Z, first_byte as i32);
    }

    /// The sum at Z and the byte, or the byte alone where it is the window's first;
    /// branches where it is the last.
    fn add(&self, asm: &mut Assembly, sum: &[Register], axes: [&Axis; 2], complete: Label) {
        let (begun, added, incomplete) = (asm.label(), asm.label(), asm.label());
        let is_one = axes.iter().all(|axis| axis.side == 1);
        if !is_one {
            for axis in axes.iter().filter(|axis| axis.side > 1) {
                compare(asm, &axis.offset, 0, SCRATCH);
                asm.branch(Condition::NotEqual, begun, 0.7);
            }
        }
        asm.mov(sum[0], BYTE);
        for &register in &sum[1..] {
            asm.clr(register);
        }
        if !is_one {
            asm.jump(added);
            asm.bind(begun);
            for (&register, byte) in sum.iter().zip(0..) {
                asm.load(register, Pointer::Z, Mode::Displacement(byte));
            }
            asm.add(sum[0], BYTE);
            for &register in &sum[1..] {
                asm.adc(register, ZERO);
            }
            asm.bind(added);
        }
        for axis in axes.iter().filter(|axis| axis.side > 1) {
            compare(asm, &axis.offset, axis.side - 1, SCRATCH);
            asm.branch(Condition::NotEqual, incomplete, 0.7);
        }
        asm.jump(complete);
        asm.bind(incomplete);
    }

    /// Stores the value in r22 of the pixel in that row and column, which are 0
    /// where they have no registers; branches where it is not the pixel's last, and
    /// leaves the pixel's row and column where [`grid::emit`] wants them. Changes
    /// X, Z, r0, r23 and r28.
    fn store(&self, asm: &mut Assembly, row: &[Register], column: &[Register], incomplete: Label) {
        let channels = self.program.input.channels;
        let channel = (channels > 1).then_some(CHANNEL);
        match &self.place {
            Place::Map(source) => {
                self.point_into_map(asm, source, row, column);
                put(
                    asm,
                    self.program,
                    (source.by_nibble, true),
                    (channel, UPPER),
                    BYTE,
                );
            }
            Place::Slots(slots) => {
                asm.movw(Z, NETWORK);
                slots.point_at_next(asm);
                self.add_channel(asm, self.program.activation_bits == 8 || slots.by_nibble());
                put(
                    asm,
                    self.program,
                    (slots.by_nibble(), false),
                    (channel, UPPER),
                    BYTE,
                );
            }
        }
        if self.program.stages().is_empty() {
            return;
        }
        if channels > 1 {
            asm.cpi(CHANNEL, (channels - 1) as u8);
            asm.branch(
                Condition::NotEqual,
                incomplete,
                1.0 - 1.0 / f64::from(channels),
            );
        }
        if let Place::Slots(slots) = &self.place
            && slots.has_several()
        {
            // By way of r17:r16 and r28: columns may be in what it changes else.
            let slots = slots.sparing(SCRATCH);
            asm.movw(Z, NETWORK);
            slots.load_distance(asm);
            slots.advance_by_way_of(asm, BYTE);
        }
        let grid = self.program.arriving().grid;
        let mut give = |to: Register, from: &[Register], points: u32| {
            for (index, register) in point::registers(to, points).into_iter().enumerate() {
                match from.get(index) {
                    Some(&from) if from == register => {}
                    Some(&from) => asm.mov(register, from),
                    None => asm.ldi(register, 0),
                }
            }
        };
        give(
            crate::backend::avr::isa::registers::COLUMN,
            column,
            grid.width,
        );
        give(crate::backend::avr::isa::registers::ROW, row, grid.height);
    }

    /// X ← the place of the value, from the network's address on, which is still to
    /// be added.
    fn point_into_map(
        &self,
        asm: &mut Assembly,
        source: &crate::backend::avr::memory::field::Source<'_>,
        row: &[Register],
        column: &[Register],
    ) {
        let by_byte = source.bits == 8 || source.by_nibble;
        let into = |asm: &mut Assembly, from: Option<&Register>, to: Register| match from {
            Some(&from) => asm.mov(to, from),
            None => asm.clr(to),
        };
        into(asm, row.first(), X);
        into(asm, row.get(1), X.next());
        if !row.is_empty() {
            multiply_by_constant(asm, X, source.map.shape.width);
        }
        if let Some(&low) = column.first() {
            asm.add(X, low);
            asm.adc(X.next(), column.get(1).copied().unwrap_or(ZERO));
        }
        if source.has_table() {
            asm.lsl(X);
            asm.rol(X.next());
            source.look_up(asm, X);
            self.add_channel(asm, by_byte);
        } else {
            multiply_by_constant(asm, X, source.pixel_step());
            self.add_channel(asm, by_byte);
            let first = source.position_in_network(source.map.first_cell);
            asm.add_to_pair(X, first as i32);
        }
    }

    /// Adds the channel to X, in bytes or nibbles, or halved where two share a byte.
    fn add_channel(&self, asm: &mut Assembly, whole: bool) {
        if self.program.input.channels == 1 {
            return;
        }
        asm.mov(TEMPORARY, CHANNEL);
        if !whole {
            asm.lsr(TEMPORARY);
        }
        asm.add(X, TEMPORARY);
        asm.adc(X.next(), ZERO);
    }

    /// Goes to the next byte, and returns. `bytes`: of row, column and channel in the
    /// cursor.
    fn advance(&self, asm: &mut Assembly, bytes: [u8; 3]) {
        let input = self.program.input;
        let mut reached = 1.0;
        asm.movw(Z, NETWORK);
        for (registers, length, byte) in [
            (&vec![COLUMN], input.channels, bytes[2]),
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
                    asm.ldi(NETWORK, 0);
                    asm.ret();
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
            if grid::is_to_reset_positions(self.program) {
                grid::reset_positions(asm, self.program);
            }
            asm.ldi(NETWORK, 1);
            asm.ret();
        });
    }
}
