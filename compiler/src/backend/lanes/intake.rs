//! `absorb`: takes a byte of the input in, or, where layers compute as it arrives, a row; 1 when
//! the input is complete.

use super::assembly::{Assembled, Assembly, Label};
use super::design::Design;
use super::input::{InputPlace, Intake};
use super::input_row::{self, InputRow};
use super::isa::{Condition, InstructionSet, Operation, Register};
use super::layer::StoredMap;
use super::multiples::multiply;
use super::row_end;
use super::stage::StoredRing;
use super::strip::add_constant;

/// Where the cursor has the row, the column and the channel of the next byte.
pub(crate) const ROW: u32 = 0;
pub(crate) const COLUMN: u32 = 1;
pub(super) const CHANNEL: u32 = 2;

/// Registers beside the arguments that are used.
pub(crate) const SCRATCH: usize = 3;

/// Bytes of stack: for a register that is saved, or for the stages.
pub(crate) fn stack_bytes(isa: &dyn InstructionSet, design: &Design) -> u32 {
    match design.stages.is_empty() {
        true => scratch_bytes(isa, SCRATCH),
        false => isa.saved_bytes() + row_end::frame_bytes(isa, design),
    }
}

/// Bytes of stack for those of the first `used` scratch registers that a function has to
/// keep.
pub(crate) fn scratch_bytes(isa: &dyn InstructionSet, used: usize) -> u32 {
    let (_, free) = isa.scratch();
    4 * used.saturating_sub(free).next_multiple_of(2) as u32
}

/// Saves them.
pub(crate) fn save_scratch(asm: &mut Assembly<'_>, used: usize) {
    let bytes = scratch_bytes(asm.isa(), used) as i32;
    if bytes > 0 {
        asm.emit(Operation::AddToStackPointer(-bytes));
    }
    let (registers, free) = asm.isa().scratch();
    for (slot, &register) in (0..).zip(registers[..used].iter().skip(free)) {
        asm.emit(Operation::StoreSlot(register, 4 * slot));
    }
}

/// Restores them.
pub(crate) fn restore_scratch(asm: &mut Assembly<'_>, used: usize) {
    let (registers, free) = asm.isa().scratch();
    for (slot, &register) in (0..).zip(registers[..used].iter().skip(free)) {
        asm.emit(Operation::LoadSlot(register, 4 * slot));
    }
    let bytes = scratch_bytes(asm.isa(), used) as i32;
    if bytes > 0 {
        asm.emit(Operation::AddToStackPointer(bytes));
    }
}

/// `absorb(network, byte)`, or `absorb(network, byte, row)` where a row may be taken in, which is
/// then what `run` does.
pub(crate) fn emit(isa: &dyn InstructionSet, design: &Design) -> Assembled {
    let mut asm = Assembly::new(isa);
    let ([a, b, c, ..], _) = isa.scratch();
    let [network, byte] = isa.arguments();
    let emitter = Emitter {
        design,
        intake: &design.intake,
        network,
        byte,
        a,
        b,
        c,
    };
    emitter.emit(&mut asm);
    asm.finish()
}

pub(crate) struct Emitter<'a> {
    pub(super) design: &'a Design,
    pub(super) intake: &'a Intake,
    pub(super) network: Register,
    pub(super) byte: Register,
    pub(super) a: Register,
    pub(super) b: Register,
    pub(super) c: Register,
}

impl Emitter<'_> {
    fn emit(&self, asm: &mut Assembly<'_>) {
        let input = self.intake.input;
        let row = InputRow::of(self.design);
        let takes_row = asm.label();
        let bytes = match row {
            Some(_) => 0.0,
            None => f64::from(input.values()),
        };
        if row.is_some() {
            let argument = input_row::argument(asm.isa());
            asm.times(input.height.into(), |asm| {
                asm.branch(Condition::NotZero(argument), 1.0, takes_row);
            });
        }
        let mut row_ends = None;
        asm.times(bytes, |asm| row_ends = self.take_byte(asm));
        asm.bind(takes_row);
        asm.times(input.height.into(), |asm| {
            if let Some(row) = &row {
                self.take_row(asm, row);
            }
            if let Some(row_ends) = row_ends {
                asm.bind(row_ends);
                self.end_row(asm);
            }
        });
    }

    /// Takes the byte in; gives the label of what is still to be done at the end of a row, where
    /// stages compute.
    fn take_byte(&self, asm: &mut Assembly<'_>) -> Option<Label> {
        let advance = asm.label();
        save_scratch(asm, SCRATCH);
        self.unless_used(asm, advance);
        let [rows, columns] = self.intake.window;
        let complete = match self.intake.sums_first_byte {
            Some(first_byte) if self.intake.is_pooled() => {
                Some(self.add_to_window(asm, first_byte))
            }
            Some(_) | None => {
                self.store(asm);
                None
            }
        };
        asm.bind(advance);
        let row_ends = self.advance(asm);
        // Out of the way of most bytes.
        if let Some(complete) = complete {
            asm.bind(complete);
            let windows = 1.0 / f64::from(rows.0 * columns.0);
            asm.times(windows, |asm| {
                self.store(asm);
                asm.jump(advance);
            });
        }
        row_ends
    }

    /// Goes on where the byte is of a pixel that nobody reads.
    fn unless_used(&self, asm: &mut Assembly<'_>, unused: Label) {
        let (input, [rows, columns]) = (self.intake.input, self.intake.used());
        let axes = [(ROW, rows, input.height), (COLUMN, columns, input.width)];
        for (place, used, all) in axes {
            if used < all {
                asm.emit(Operation::LoadByte(self.a, self.network, place));
                asm.emit(Operation::Immediate(self.b, used as i32 - 1));
                let share = 1.0 - f64::from(used) / f64::from(all);
                asm.branch(Condition::Less(self.b, self.a), share, unused);
            }
        }
    }

    /// `to = factor · from`.
    pub(super) fn multiply(
        &self,
        asm: &mut Assembly<'_>,
        to: Register,
        factor: u32,
        from: Register,
    ) {
        match factor {
            0 => asm.emit(Operation::Immediate(to, 0)),
            _ => asm.emit_all(multiply(asm.isa(), factor as i32, [to, from])),
        }
    }

    /// Stores the activation of a byte, or of a window's sum.
    fn store(&self, asm: &mut Assembly<'_>) {
        let intake = self.intake;
        intake.quotient.emit(asm, self.byte, self.a);
        match intake.place {
            InputPlace::Map(map) => {
                self.cell_of_map(asm, &map);
                self.store_at(asm, map.first_cell);
            }
            InputPlace::Ring(ring) => {
                self.cell_of_ring(asm, &ring);
                self.store_at(asm, ring.first_cell);
            }
        }
    }

    /// `c` ← the cell of a map, from the first one on.
    fn cell_of_map(&self, asm: &mut Assembly<'_>, map: &StoredMap) {
        let Self {
            network, a, b, c, ..
        } = *self;
        let [rows, columns] = self.intake.window;
        let channels = self.intake.output.channels;
        asm.emit(Operation::LoadByte(a, network, ROW));
        rows.window(asm, [b, a]);
        self.multiply(asm, c, map.width * channels, b);
        asm.emit(Operation::LoadByte(b, network, COLUMN));
        columns.window(asm, [a, b]);
        self.multiply(asm, b, channels, a);
        asm.emit(Operation::Add(c, c, b));
        if channels > 1 {
            asm.emit(Operation::LoadByte(b, network, CHANNEL));
            asm.emit(Operation::Add(c, c, b));
        }
    }

    /// The same of a ring; its next pixel comes after the last channel.
    fn cell_of_ring(&self, asm: &mut Assembly<'_>, ring: &StoredRing) {
        let Self {
            network, a, b, c, ..
        } = *self;
        let channels = ring.pixel_cells;
        let Some(position) = ring.position_byte() else {
            asm.emit(Operation::Immediate(c, 0));
            if channels > 1 {
                asm.emit(Operation::LoadByte(c, network, CHANNEL));
            }
            return;
        };
        self.load_slot(asm, (ring, position), [a, b]);
        self.multiply(asm, c, channels, a);
        let same_pixel = asm.label();
        if channels > 1 {
            asm.emit(Operation::LoadByte(b, network, CHANNEL));
            asm.emit(Operation::Add(c, c, b));
            asm.emit(Operation::AddImmediate(b, -(channels as i32 - 1)));
            let others = 1.0 - 1.0 / f64::from(channels);
            asm.branch(Condition::NotZero(b), others, same_pixel);
        }
        asm.emit(Operation::AddImmediate(a, 1));
        self.store_slot(asm, (ring, position), [a, b], 0.95);
        asm.bind(same_pixel);
    }

    /// `slot` ← a ring's position in the cursor.
    pub(super) fn load_slot(
        &self,
        asm: &mut Assembly<'_>,
        (ring, position): (&StoredRing, u32),
        [slot, scratch]: [Register; 2],
    ) {
        let network = self.network;
        asm.emit(Operation::LoadByte(slot, network, position));
        if ring.pixels > 256 {
            asm.emit(Operation::LoadByte(scratch, network, position + 1));
            asm.emit(Operation::ShiftLeft(scratch, scratch, 8));
            asm.emit(Operation::Or(slot, scratch));
        }
    }

    /// The ring's position ← `slot`, or 0 where that is after the last one; it is inside in that
    /// share of cases. Changes both registers.
    pub(super) fn store_slot(
        &self,
        asm: &mut Assembly<'_>,
        (ring, position): (&StoredRing, u32),
        [slot, scratch]: [Register; 2],
        share_inside: f64,
    ) {
        let network = self.network;
        let inside = asm.label();
        asm.emit(Operation::Immediate(scratch, ring.pixels as i32));
        asm.branch(Condition::Less(slot, scratch), share_inside, inside);
        asm.emit(Operation::Immediate(slot, 0));
        asm.bind(inside);
        asm.emit(Operation::StoreByte(slot, network, position));
        if ring.pixels > 256 {
            asm.emit(Operation::ShiftRight(slot, slot, 8));
            asm.emit(Operation::StoreByte(slot, network, position + 1));
        }
    }

    /// Stores the activation at cell `c` after that one.
    fn store_at(&self, asm: &mut Assembly<'_>, first_cell: u32) {
        let Self {
            network,
            byte,
            a,
            b,
            c,
            ..
        } = *self;
        let per_byte = 8 / self.design.bits;
        let offset = self.design.cursor_bytes + first_cell / per_byte;
        if per_byte == 1 {
            asm.emit(Operation::Add(c, c, network));
            add_constant(asm, c, offset.into(), a);
            asm.emit(Operation::StoreByte(byte, c, 0));
            return;
        }
        asm.emit(Operation::ShiftLeft(b, c, 31));
        asm.emit(Operation::ShiftRight(c, c, 1));
        asm.emit(Operation::Add(c, c, network));
        add_constant(asm, c, offset.into(), a);
        asm.emit(Operation::LoadByte(a, c, 0));
        let (upper, stored) = (asm.label(), asm.label());
        asm.branch(Condition::NotZero(b), 0.5, upper);
        asm.times(0.5, |asm| {
            asm.emit(Operation::ShiftRight(a, a, 4));
            asm.emit(Operation::ShiftLeft(a, a, 4));
            asm.jump(stored);
            asm.bind(upper);
            asm.emit(Operation::ShiftLeft(a, a, 28));
            asm.emit(Operation::ShiftRight(a, a, 28));
            asm.emit(Operation::ShiftLeft(byte, byte, 4));
        });
        asm.bind(stored);
        asm.emit(Operation::Or(a, byte));
        asm.emit(Operation::StoreByte(a, c, 0));
    }

    /// Moves the cursor on, and returns; where stages compute, gives the label of what is still to
    /// be done at the end of a row.
    fn advance(&self, asm: &mut Assembly<'_>) -> Option<Label> {
        let Self { network, a, b, .. } = *self;
        let input = self.intake.input;
        let row_ends = (!self.design.stages.is_empty()).then(|| asm.label());
        let axes = [
            (CHANNEL, input.channels, None),
            (COLUMN, input.width, row_ends),
            (ROW, input.height, None),
        ];
        let mut share = 1.0;
        for (place, count, ends_at) in axes {
            if place == CHANNEL && count == 1 {
                continue;
            }
            let ends = 1.0 / f64::from(count);
            asm.times(share, |asm| {
                let last = ends_at.unwrap_or_else(|| asm.label());
                asm.emit(Operation::LoadByte(a, network, place));
                asm.emit(Operation::AddImmediate(a, 1));
                asm.emit(Operation::Move(b, a));
                add_constant(asm, b, -i64::from(count), a);
                asm.branch(Condition::Zero(b), ends, last);
                asm.times(1.0 - ends, |asm| {
                    asm.emit(Operation::StoreByte(a, network, place));
                    self.give(asm, 0);
                });
                if ends_at.is_some() {
                    return;
                }
                asm.bind(last);
                asm.times(ends, |asm| self.begin_axis(asm, place));
            });
            if ends_at.is_some() {
                return row_ends;
            }
            share *= ends;
        }
        asm.times(share, |asm| self.give(asm, 1));
        None
    }

    /// Sets a part of the cursor to 0.
    pub(super) fn begin_axis(&self, asm: &mut Assembly<'_>, place: u32) {
        asm.emit(Operation::Immediate(self.a, 0));
        asm.emit(Operation::StoreByte(self.a, self.network, place));
    }

    /// Returns that.
    pub(super) fn give(&self, asm: &mut Assembly<'_>, given: i32) {
        asm.emit(Operation::Immediate(self.network, given));
        restore_scratch(asm, SCRATCH);
        asm.emit(Operation::Return);
    }
}
