//! What `absorb` does with a whole row of the input, which lies in memory as an array, where
//! layers compute as the input arrives.
//!
//! What [`super::intake`] keeps in the cursor from byte to byte stays in registers here; rows and
//! bytes may follow one another in any order, as long as a row begins where one of the input does.

use super::assembly::{Assembly, Label};
use super::design::Design;
use super::input::InputPlace;
use super::intake::{Emitter, ROW, SCRATCH, restore_scratch, save_scratch};
use super::isa::{Condition, InstructionSet, Operation, Register};
use super::stage::StoredRing;
use super::strip::{add_constant, share_of_loops};
use super::whole_input::turns;

/// Registers beside the network that are used.
const USED: usize = 5;

/// Bytes that a turn of the loop loads at most, and bytes from an address that stores reach.
const MOST_LOADS_OF_TURN: u32 = 64;
const MOST_STORED_BYTES: u32 = 32;

/// A row of the input, as cells of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputRow {
    ring: StoredRing,
    /// Cells that a turn of the loop takes in.
    cells_of_turn: u32,
    turns: u32,
}

/// What is done with a row, of those of a window.
#[derive(Clone, Copy, Debug)]
struct RowOfWindow {
    is_first: bool,
    is_last: bool,
}

impl InputRow {
    /// `None` where nothing computes as the input arrives, a row may begin in the middle of a
    /// byte or go on at the ring's beginning, or the code would be long.
    pub(crate) fn of(design: &Design) -> Option<Self> {
        let intake = &design.intake;
        let ring = match intake.place {
            InputPlace::Ring(ring) if !design.stages.is_empty() => ring,
            InputPlace::Ring(_) | InputPlace::Map(_) => return None,
        };
        let per_byte = 8 / design.bits;
        let cells = ring.width * ring.pixel_cells;
        if ring.breaks_rows() || !cells.is_multiple_of(per_byte) {
            return None;
        }
        let [rows, columns] = intake.window;
        let (cells_of_turn, turns) = turns((cells, ring.pixel_cells), per_byte, intake.is_pooled());
        let loads = cells_of_turn * columns.0;
        let sums_bytes = 2 * intake.sums_per_column * (cells_of_turn / ring.pixel_cells);
        let is_short = loads <= MOST_LOADS_OF_TURN
            && cells_of_turn / per_byte <= MOST_STORED_BYTES
            && (rows.0 == 1 || sums_bytes <= MOST_STORED_BYTES);
        is_short.then_some(Self {
            ring,
            cells_of_turn,
            turns,
        })
    }
}

/// The register that says where a row is: the third argument, 0 where there is a byte alone.
pub(crate) fn argument(isa: &dyn InstructionSet) -> Register {
    isa.scratch().0[0]
}

impl Emitter<'_> {
    /// Takes a row in; what follows is its end.
    pub(super) fn take_row(&self, asm: &mut Assembly<'_>, row: &InputRow) {
        let isa = asm.isa();
        let ([source, target, count, first, second], _) = isa.scratch();
        let taking = Taking {
            emitter: self,
            row,
            source,
            target,
            count,
            sums: [first, second],
        };
        save_scratch(asm, USED);
        let done = asm.label();
        taking.unless_used(asm, done);
        let [rows, _] = self.intake.window;
        let share = 1.0 / f64::from(rows.0);
        let middle = RowOfWindow {
            is_first: false,
            is_last: false,
        };
        let (is_first, is_last) = (asm.label(), asm.label());
        if rows.0 > 1 {
            asm.emit(Operation::LoadByte(first, self.network, ROW));
            rows.place(asm, first, second);
            asm.branch(Condition::Zero(first), share, is_first);
        }
        if rows.0 > 2 {
            add_constant(asm, first, 1 - i64::from(rows.0), second);
            asm.branch(Condition::Zero(first), share, is_last);
            asm.times(1.0 - 2.0 * share, |asm| {
                taking.take(asm, middle);
                asm.jump(done);
            });
        }
        asm.bind(is_last);
        asm.times(share, |asm| {
            let is_first = rows.0 == 1;
            taking.take(
                asm,
                RowOfWindow {
                    is_first,
                    is_last: true,
                },
            );
        });
        if rows.0 > 1 {
            asm.times(share, |asm| {
                asm.jump(done);
                asm.bind(is_first);
                taking.take(
                    asm,
                    RowOfWindow {
                        is_first: true,
                        ..middle
                    },
                );
            });
        } else {
            asm.bind(is_first);
        }
        asm.bind(done);
        restore_scratch(asm, USED);
        // The end of a row restores them again.
        save_scratch(asm, SCRATCH);
    }
}

struct Taking<'a> {
    emitter: &'a Emitter<'a>,
    row: &'a InputRow,
    source: Register,
    target: Register,
    count: Register,
    /// Those of the cells of a byte.
    sums: [Register; 2],
}

impl Taking<'_> {
    /// Goes on at `unused` where nobody reads the row.
    fn unless_used(&self, asm: &mut Assembly<'_>, unused: Label) {
        let intake = self.emitter.intake;
        let [used, _] = intake.used();
        if used < intake.input.height {
            let [row, last] = self.sums;
            asm.emit(Operation::LoadByte(row, self.emitter.network, ROW));
            asm.emit(Operation::Immediate(last, used as i32 - 1));
            let share = 1.0 - f64::from(used) / f64::from(intake.input.height);
            asm.branch(Condition::Less(last, row), share, unused);
        }
    }

    /// Adds the row to sums of windows, or stores what these give.
    fn take(&self, asm: &mut Assembly<'_>, of_window: RowOfWindow) {
        let Self {
            emitter,
            row,
            source,
            target,
            count,
            sums: [scratch, _],
        } = *self;
        let network = emitter.network;
        let (intake, per_byte) = (emitter.intake, 8 / emitter.design.bits);
        let [_, columns] = intake.window;
        let waits = !(of_window.is_first && of_window.is_last);
        if of_window.is_last {
            self.point_at_row(asm);
        }
        let first_sum = emitter.design.cursor_bytes + intake.sums_first_byte.unwrap_or(0);
        let pixels_of_turn = row.cells_of_turn / row.ring.pixel_cells;
        let sums_bytes = 2 * intake.sums_per_column * pixels_of_turn;
        if waits {
            add_constant(asm, network, first_sum.into(), scratch);
        }
        if row.turns > 1 {
            asm.emit(Operation::Immediate(count, row.turns as i32));
        }
        let next = asm.here();
        asm.times(row.turns.into(), |asm| {
            self.cells(asm, of_window);
            add_constant(asm, source, (row.cells_of_turn * columns.0).into(), scratch);
            if of_window.is_last {
                add_constant(asm, target, (row.cells_of_turn / per_byte).into(), scratch);
            }
            if waits {
                add_constant(asm, network, sums_bytes.into(), scratch);
            }
            if row.turns > 1 {
                asm.emit(Operation::AddImmediate(count, -1));
                asm.branch(Condition::NotZero(count), share_of_loops(row.turns), next);
            }
        });
        if waits {
            let moved = i64::from(first_sum + row.turns * sums_bytes);
            add_constant(asm, network, -moved, scratch);
        }
    }

    /// The cells of a turn.
    fn cells(&self, asm: &mut Assembly<'_>, of_window: RowOfWindow) {
        let Self {
            emitter,
            row,
            source,
            target,
            ..
        } = *self;
        let (network, byte) = (emitter.network, emitter.byte);
        let (intake, bits) = (emitter.intake, emitter.design.bits);
        let (channels, columns) = (row.ring.pixel_cells, intake.window[1].0);
        let per_byte = 8 / bits;
        for cell in 0..row.cells_of_turn {
            let (pixel, channel) = (cell / channels, cell % channels);
            let sum = self.sums[(cell % per_byte) as usize];
            let kept = 2 * (pixel * intake.sums_per_column + channel);
            if !of_window.is_first {
                asm.emit(Operation::LoadByte(sum, network, kept));
                asm.emit(Operation::LoadByte(byte, network, kept + 1));
                asm.emit(Operation::ShiftLeft(byte, byte, 8));
                asm.emit(Operation::Add(sum, sum, byte));
            }
            for column in 0..columns {
                let offset = (pixel * columns + column) * channels + channel;
                if of_window.is_first && column == 0 {
                    asm.emit(Operation::LoadByte(sum, source, offset));
                } else {
                    asm.emit(Operation::LoadByte(byte, source, offset));
                    asm.emit(Operation::Add(sum, sum, byte));
                }
            }
            if !of_window.is_last {
                asm.emit(Operation::StoreByte(sum, network, kept));
                asm.emit(Operation::ShiftRight(sum, sum, 8));
                asm.emit(Operation::StoreByte(sum, network, kept + 1));
                continue;
            }
            intake.quotient.emit(asm, sum, byte);
            if (cell + 1) % per_byte > 0 {
                continue;
            }
            if per_byte == 2 {
                asm.emit(Operation::ShiftLeft(sum, sum, bits as u8));
                asm.emit(Operation::Or(self.sums[0], sum));
            }
            asm.emit(Operation::StoreByte(self.sums[0], target, cell / per_byte));
        }
    }

    /// `target` ← where the row goes in its ring, which moves on.
    fn point_at_row(&self, asm: &mut Assembly<'_>) {
        let Self {
            emitter,
            row: InputRow { ring, .. },
            target,
            sums: [slot, factor],
            ..
        } = *self;
        let network = emitter.network;
        let per_byte = 8 / emitter.design.bits;
        let first_byte = emitter.design.cursor_bytes + ring.first_cell / per_byte;
        let Some(position) = ring.position_byte() else {
            asm.emit(Operation::Move(target, network));
            add_constant(asm, target, first_byte.into(), slot);
            return;
        };
        emitter.load_slot(asm, (ring, position), [slot, factor]);
        // Rows, and so their slots, begin with a byte.
        let row_bytes = ring.width * ring.pixel_cells / per_byte;
        if row_bytes.is_multiple_of(ring.width) {
            emitter.multiply(asm, target, row_bytes / ring.width, slot);
        } else {
            emitter.multiply(asm, target, ring.pixel_cells, slot);
            asm.emit(Operation::ShiftRight(target, target, 1));
        }
        asm.emit(Operation::Add(target, target, network));
        add_constant(asm, target, first_byte.into(), factor);
        add_constant(asm, slot, ring.width.into(), factor);
        emitter.store_slot(asm, (ring, position), [slot, factor], 0.7);
    }
}
