//! How a byte of the input is added to the sum of its window, which is kept until the window is
//! complete.

use super::assembly::{Assembly, Label};
use super::intake::{CHANNEL, COLUMN, Emitter, ROW};
use super::isa::{Condition, Operation, Register};
use super::strip::add_constant;

impl Emitter<'_> {
    /// Adds the byte to the sum of its window; goes on at the label that it gives where that is
    /// complete, which is then in `byte`.
    pub(super) fn add_to_window(&self, asm: &mut Assembly<'_>, sums_first_byte: u32) -> Label {
        let Self { byte, a, b, c, .. } = *self;
        let [rows, columns] = self.intake.window;
        // `b` ← 0 in the first pixel of a window, and `last`, shifted up, in its last one.
        let up = match (rows.log2(), columns.log2()) {
            (Some(rows_log2), Some(columns_log2)) => {
                self.point_at_sum(asm, b);
                self.place_by_shifts(asm, [rows_log2, columns_log2]);
                32 - rows_log2 - columns_log2
            }
            (_, _) => {
                self.place(asm);
                self.point_at_sum(asm, c);
                0
            }
        };
        let mut offset = self.design.cursor_bytes + sums_first_byte;
        if offset + 1 > 31 {
            add_constant(asm, c, offset.into(), a);
            offset = 0;
        }
        let (first, complete) = (asm.label(), asm.label());
        let pixels = rows.0 * columns.0;
        let share = 1.0 / f64::from(pixels);
        asm.branch(Condition::Zero(b), share, first);
        asm.times(1.0 - share, |asm| {
            asm.emit(Operation::LoadByte(a, c, offset));
            asm.emit(Operation::Add(byte, byte, a));
            asm.emit(Operation::LoadByte(a, c, offset + 1));
            asm.emit(Operation::ShiftLeft(a, a, 8));
            asm.emit(Operation::Add(byte, byte, a));
        });
        asm.bind(first);
        if up > 0 {
            asm.emit(Operation::ShiftRight(b, b, up));
        }
        asm.emit(Operation::AddImmediate(b, 1 - pixels as i32));
        asm.branch(Condition::Zero(b), share, complete);
        asm.times(1.0 - share, |asm| {
            asm.emit(Operation::StoreByte(byte, c, offset));
            asm.emit(Operation::ShiftRight(byte, byte, 8));
            asm.emit(Operation::StoreByte(byte, c, offset + 1));
        });
        complete
    }

    /// `c` ← where the sum of the byte's window is, without the offset of all. Changes `window`;
    /// `a` ← the byte's column, or is changed where `window` is `c`.
    fn point_at_sum(&self, asm: &mut Assembly<'_>, window: Register) {
        let Self { network, a, c, .. } = *self;
        let [_, columns] = self.intake.window;
        let (product, channel) = match window == c {
            true => (a, a),
            false => (c, window),
        };
        asm.emit(Operation::LoadByte(a, network, COLUMN));
        columns.window(asm, [window, a]);
        self.multiply(asm, product, 2 * self.intake.sums_per_column, window);
        asm.emit(Operation::Add(c, product, network));
        if self.intake.input.channels > 1 {
            asm.emit(Operation::LoadByte(channel, network, CHANNEL));
            asm.emit(Operation::ShiftLeft(channel, channel, 1));
            asm.emit(Operation::Add(c, c, channel));
        }
    }

    /// `b` ← the byte's row and column in its window beside one another, above all else. `a` holds
    /// its column.
    fn place_by_shifts(&self, asm: &mut Assembly<'_>, [rows, columns]: [u8; 2]) {
        let Self { network, a, b, .. } = *self;
        let shared = if rows == 0 { b } else { a };
        if columns > 0 {
            asm.emit(Operation::ShiftLeft(shared, a, 32 - columns));
        }
        if rows > 0 {
            asm.emit(Operation::LoadByte(b, network, ROW));
            asm.emit(Operation::ShiftLeft(b, b, 32 - rows));
        }
        if rows > 0 && columns > 0 {
            asm.emit(Operation::ShiftRight(a, a, rows));
            asm.emit(Operation::Or(b, a));
        }
    }

    /// `b` ← the byte's place among the pixels of its window, row by row. Changes `a` and `c`.
    fn place(&self, asm: &mut Assembly<'_>) {
        let Self {
            network, a, b, c, ..
        } = *self;
        let [rows, columns] = self.intake.window;
        asm.emit(Operation::LoadByte(a, network, ROW));
        rows.place(asm, a, b);
        self.multiply(asm, b, columns.0, a);
        asm.emit(Operation::LoadByte(a, network, COLUMN));
        columns.place(asm, a, c);
        asm.emit(Operation::Add(b, b, a));
    }
}
