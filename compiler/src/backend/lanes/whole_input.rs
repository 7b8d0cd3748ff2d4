//! `absorb_input`: takes a whole input in, which lies in memory as an array.
//!
//! What [`super::intake`] keeps in the cursor and in sums from byte to byte stays in
//! registers here. The cursor is neither read nor written.

use super::assembly::{Assembled, Assembly};
use super::design::Design;
use super::input::{InputPlace, Intake};
use super::intake::{restore_scratch, save_scratch, scratch_bytes};
use super::isa::{Condition, InstructionSet, Operation, Register};
use super::quotient::Quotient;
use super::strip::{add_constant, share_of_loops};

/// Cells that a turn of the loop takes in at most, where all are alike.
const MOST_UNROLLED_CELLS: u32 = 8;

/// Bytes that a turn of the loop loads at most.
const MOST_LOADS_OF_TURN: u32 = 128;

/// The input as rows of cells: a map's row, or, where every byte is a cell, all of it.
#[derive(Clone, Copy, Debug)]
struct Rows {
    /// Of the map.
    first_cell: u32,
    rows: u32,
    /// Cells of a row that are stored.
    cells: u32,
    /// Cells from one row of the map to the next.
    row_cells: u32,
    channels: u32,
    /// Rows and columns of a window.
    window: (u32, u32),
    /// Bytes from one row of the input to the next.
    input_row_bytes: u32,
}

impl Rows {
    /// Of a map; `None` of an input that is computed with as it arrives.
    fn of(intake: &Intake) -> Option<Self> {
        let map = match intake.place {
            InputPlace::Map(map) => map,
            InputPlace::Ring(_) => return None,
        };
        let (input, output) = (intake.input, intake.output);
        let [window_rows, window_columns] = intake.window;
        let rows = Self {
            first_cell: map.first_cell,
            rows: output.height,
            cells: output.width * output.channels,
            row_cells: map.width * output.channels,
            channels: output.channels,
            window: (window_rows.0, window_columns.0),
            input_row_bytes: input.width * input.channels,
        };
        let is_flat = rows.window == (1, 1)
            && rows.cells == rows.input_row_bytes
            && rows.cells == rows.row_cells;
        if !is_flat {
            return Some(rows);
        }
        let cells = rows.rows * rows.cells;
        Some(Self {
            rows: 1,
            cells,
            row_cells: cells,
            channels: 1,
            input_row_bytes: cells,
            ..rows
        })
    }

    fn turns(&self, per_byte: u32) -> (u32, u32) {
        turns((self.cells, self.channels), per_byte, self.window != (1, 1))
    }
}

/// Cells after which the same code goes on, of those of a row, and how many times it runs for it.
pub(crate) fn turns((cells, channels): (u32, u32), per_byte: u32, is_pooled: bool) -> (u32, u32) {
    let least = match channels % per_byte {
        0 => channels,
        _ => channels * per_byte,
    };
    let turns = cells / least;
    let fits = |by: &u32| turns.is_multiple_of(*by) && least * by <= MOST_UNROLLED_CELLS;
    let by = match is_pooled {
        false => [4, 2].into_iter().find(fits).unwrap_or(1),
        true => 1,
    };
    (least * by, turns / by)
}

/// Bytes of stack, for registers that are saved.
pub(crate) fn stack_bytes(isa: &dyn InstructionSet) -> u32 {
    scratch_bytes(isa, isa.scratch().0.len())
}

/// `absorb_input(network, input)`; `None` where rows begin in the middle of a byte, the code
/// would be long, or layers compute as the input arrives.
pub(crate) fn emit(isa: &dyn InstructionSet, design: &Design) -> Option<Assembled> {
    if !design.stages.is_empty() {
        return None;
    }
    let rows = Rows::of(&design.intake)?;
    let per_byte = 8 / design.bits;
    let is_single = rows.rows == 1;
    let is_whole = |cells: u32| cells.is_multiple_of(per_byte);
    let has_whole_rows = is_whole(rows.cells) && is_whole(rows.row_cells);
    let (cells_of_turn, turns) = rows.turns(per_byte);
    let is_short = cells_of_turn * rows.window.0 * rows.window.1 <= MOST_LOADS_OF_TURN;
    if !(is_single || has_whole_rows) || !is_short {
        return None;
    }
    let mut asm = Assembly::new(isa);
    let ([first, second, byte, columns, counter], _) = isa.scratch();
    let [network, input] = isa.arguments();
    let emitter = Emitter {
        rows,
        bits: design.bits,
        quotient: design.intake.quotient,
        target: network,
        source: input,
        sums: [first, second],
        byte,
    };
    save_scratch(&mut asm, 5);
    let first_byte = design.cursor_bytes + rows.first_cell / per_byte;
    add_constant(&mut asm, network, first_byte.into(), first);
    if !is_single {
        asm.emit(Operation::Immediate(counter, rows.rows as i32));
    }
    let next_row = asm.here();
    asm.times(rows.rows.into(), |asm| {
        if turns > 1 {
            asm.emit(Operation::Immediate(columns, turns as i32));
        }
        if turns > 0 {
            let next = asm.here();
            asm.times(turns.into(), |asm| {
                emitter.cells(asm, cells_of_turn);
                if turns > 1 {
                    asm.emit(Operation::AddImmediate(columns, -1));
                    asm.branch(Condition::NotZero(columns), share_of_loops(turns), next);
                }
            });
        }
        let left = rows.cells - turns * cells_of_turn;
        if left > 0 {
            emitter.cells(asm, left);
        }
        if is_single {
            return;
        }
        let gap = (rows.row_cells - rows.cells) / per_byte;
        add_constant(asm, network, gap.into(), first);
        let (window_rows, window_columns) = rows.window;
        let gap = window_rows * rows.input_row_bytes - rows.cells * window_columns;
        add_constant(asm, input, gap.into(), first);
        asm.emit(Operation::AddImmediate(counter, -1));
        let share = share_of_loops(rows.rows);
        asm.branch(Condition::NotZero(counter), share, next_row);
    });
    restore_scratch(&mut asm, 5);
    asm.emit(Operation::Return);
    Some(asm.finish())
}

struct Emitter {
    rows: Rows,
    bits: u32,
    /// What a window's sum is divided by.
    quotient: Quotient,
    target: Register,
    source: Register,
    /// The sums of the cells of a byte.
    sums: [Register; 2],
    byte: Register,
}

impl Emitter {
    /// Takes in that many cells, and moves both pointers on.
    fn cells(&self, asm: &mut Assembly<'_>, count: u32) {
        let per_byte = 8 / self.bits;
        let Rows {
            channels,
            window: (rows, columns),
            input_row_bytes,
            ..
        } = self.rows;
        let bytes = count.div_ceil(per_byte);
        let row = i64::from(input_row_bytes);
        for byte in 0..bytes {
            let cells = byte * per_byte..count.min((byte + 1) * per_byte);
            for window_row in 0..rows {
                if window_row > 0 {
                    add_constant(asm, self.source, row, self.byte);
                }
                for (cell, sum) in cells.clone().zip(self.sums) {
                    let first = cell / channels * columns * channels + cell % channels;
                    for column in 0..columns {
                        let offset = first + column * channels;
                        if window_row == 0 && column == 0 {
                            asm.emit(Operation::LoadByte(sum, self.source, offset));
                        } else {
                            asm.emit(Operation::LoadByte(self.byte, self.source, offset));
                            asm.emit(Operation::Add(sum, sum, self.byte));
                        }
                    }
                }
            }
            let taken = match byte + 1 == bytes {
                true => i64::from(count * columns),
                false => 0,
            };
            add_constant(
                asm,
                self.source,
                taken - i64::from(rows - 1) * row,
                self.byte,
            );
            let [lower, upper] = self.sums;
            self.quotient.emit(asm, lower, self.byte);
            if cells.len() == 2 {
                self.quotient.emit(asm, upper, self.byte);
                asm.emit(Operation::ShiftLeft(upper, upper, self.bits as u8));
                asm.emit(Operation::Or(lower, upper));
            }
            asm.emit(Operation::StoreByte(lower, self.target, byte));
        }
        add_constant(asm, self.target, bytes.into(), self.byte);
    }
}
