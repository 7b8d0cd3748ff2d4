//! What `absorb` does after the last byte of a row, where layers compute as the input arrives.

use super::assembly::{Assembly, Label};
use super::design::Design;
use super::intake::{COLUMN, Emitter, ROW, SCRATCH, restore_scratch};
use super::isa::{Condition, InstructionSet, Operation, Register, Roles};
use super::strip::add_constant;
use super::{frame, row, stage_frame};

/// Bytes of the frame of the stages.
pub(crate) fn frame_bytes(isa: &dyn InstructionSet, design: &Design) -> u32 {
    stage_frame::frame_bytes(&design.stages).next_multiple_of(isa.stack_alignment())
}

impl Emitter<'_> {
    /// Moves on to the next row, lets the stages compute where one of the first map is complete,
    /// and returns.
    pub(super) fn end_row(&self, asm: &mut Assembly<'_>) {
        let Self {
            network,
            byte,
            a,
            b,
            c,
            intake,
            ..
        } = *self;
        let (input, output) = (intake.input, intake.output);
        let [rows, _] = intake.window;
        let [used, _] = intake.used();
        let (is_more, no_row, is_last) = (asm.label(), asm.label(), asm.label());
        let ends = 1.0 / f64::from(input.height);
        self.begin_axis(asm, COLUMN);
        asm.emit(Operation::LoadByte(a, network, ROW));
        asm.emit(Operation::Move(b, a));
        asm.emit(Operation::AddImmediate(b, 1));
        asm.emit(Operation::Move(byte, b));
        add_constant(asm, byte, -i64::from(input.height), c);
        asm.branch(Condition::NotZero(byte), 1.0 - ends, is_more);
        asm.emit(Operation::Immediate(b, 0));
        asm.bind(is_more);
        asm.emit(Operation::StoreByte(b, network, ROW));
        if used < input.height {
            let share = 1.0 - f64::from(used) / f64::from(input.height);
            asm.emit(Operation::Immediate(c, used as i32 - 1));
            asm.branch(Condition::Less(c, a), share, no_row);
        }
        if rows.0 > 1 {
            let share = 1.0 - 1.0 / f64::from(rows.0);
            asm.emit(Operation::Move(b, a));
            asm.emit(Operation::AddImmediate(b, 1));
            rows.place(asm, b, c);
            asm.branch(Condition::NotZero(b), share, no_row);
            rows.window(asm, [b, a]);
            asm.emit(Operation::Move(a, b));
        }
        // Not over the stages, which are far: such a branch changes the address to return to.
        let computes = asm.label();
        asm.jump(computes);
        asm.bind(no_row);
        let share = f64::from(output.height) / f64::from(input.height);
        asm.times(1.0 - share, |asm| {
            asm.branch(Condition::Zero(byte), 0.1, is_last);
            self.give(asm, 0);
            asm.bind(is_last);
            self.reset_positions(asm, network, b);
            self.give(asm, 1);
        });
        asm.bind(computes);
        restore_scratch(asm, SCRATCH);
        asm.times(share, |asm| self.compute_row(asm));
    }

    /// Lets the stages compute, and returns; `a` is the row of the first map, `byte` is 0 where
    /// the input is complete.
    fn compute_row(&self, asm: &mut Assembly<'_>) {
        let Self {
            network,
            byte,
            a,
            b,
            design,
            intake,
            ..
        } = *self;
        let isa = asm.isa();
        let frame = frame_bytes(isa, design) as i32;
        asm.instructions(isa.save());
        asm.emit(Operation::AddToStackPointer(-frame));
        asm.emit(Operation::StoreSlot(network, frame::NETWORK));
        asm.emit(Operation::StoreSlot(byte, frame::MORE));
        asm.emit(Operation::StoreSlot(a, frame::GRID_ROW));
        add_constant(asm, network, design.cursor_bytes.into(), b);
        asm.emit(Operation::StoreSlot(network, frame::ARENA));
        let height = intake.output.height;
        let next = asm.here();
        let times = f64::from(design.grid_rows) / f64::from(height);
        asm.times(times, |asm| {
            row::emit(asm, design);
            if design.grid_rows > height {
                self.rows_below(asm, next);
            }
        });
        let (is_more, done) = (asm.label(), asm.label());
        let roles = isa.roles();
        let rows = f64::from(height);
        asm.emit(Operation::LoadSlot(roles.value, frame::MORE));
        asm.branch(Condition::NotZero(roles.value), 1.0 - 1.0 / rows, is_more);
        asm.times(1.0 / rows, |asm| {
            asm.emit(Operation::LoadSlot(roles.word, frame::NETWORK));
            self.reset_positions(asm, roles.word, roles.value);
            asm.emit(Operation::Immediate(network, 1));
            asm.jump(done);
        });
        asm.bind(is_more);
        asm.emit(Operation::Immediate(network, 0));
        asm.bind(done);
        asm.emit(Operation::AddToStackPointer(frame));
        asm.instructions(isa.restore_and_return());
    }

    /// After the last row of the first map, goes on at `next` with those of the grid at which none
    /// arrives.
    fn rows_below(&self, asm: &mut Assembly<'_>, next: Label) {
        let Roles { value, word, .. } = asm.isa().roles();
        let (rows, height) = (self.design.grid_rows, self.intake.output.height);
        let done = asm.label();
        let share = f64::from(rows - height) / f64::from(rows);
        asm.emit(Operation::LoadSlot(value, frame::GRID_ROW));
        asm.emit(Operation::AddImmediate(value, 1));
        asm.emit(Operation::StoreSlot(value, frame::GRID_ROW));
        add_constant(asm, value, -i64::from(height), word);
        asm.branch(Condition::Negative(value), 1.0 - share, done);
        add_constant(asm, value, i64::from(height) - i64::from(rows), word);
        asm.branch(Condition::Negative(value), share, next);
        asm.bind(done);
    }

    /// Sets all positions of the cursor to those of the first pixel. Changes both registers.
    fn reset_positions(&self, asm: &mut Assembly<'_>, network: Register, zero: Register) {
        let first = self.design.positions_first_byte;
        asm.emit(Operation::Immediate(zero, 0));
        let mut at = 0;
        for byte in first..self.design.cursor_bytes {
            if byte - at > 31 {
                asm.emit(Operation::AddImmediate(network, (byte - at) as i32));
                at = byte;
            }
            asm.emit(Operation::StoreByte(zero, network, byte - at));
        }
    }
}
