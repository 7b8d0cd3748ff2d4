//! `absorb`: takes a byte of the input in; 1 when the input is complete.

use super::assembly::{Assembled, Assembly, Label};
use super::design::{Design, Intake};
use super::isa::{Condition, InstructionSet, Operation, Register};
use super::multiples::multiply;
use super::strip::add_constant;

/// Where the cursor has the row, the column and the channel of the next byte.
const ROW: u32 = 0;
const COLUMN: u32 = 1;
const CHANNEL: u32 = 2;

/// Registers beside the arguments that are used.
const SCRATCH: usize = 3;

/// Bytes of stack, for a register that is saved.
pub(crate) fn stack_bytes(isa: &dyn InstructionSet) -> u32 {
    scratch_bytes(isa, SCRATCH)
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

/// `absorb(network, byte)`.
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
    asm.times(f64::from(design.intake.input.values()), |asm| {
        emitter.emit(asm);
    });
    asm.finish()
}

struct Emitter<'a> {
    design: &'a Design,
    intake: &'a Intake,
    network: Register,
    byte: Register,
    a: Register,
    b: Register,
    c: Register,
}

impl Emitter<'_> {
    fn emit(&self, asm: &mut Assembly<'_>) {
        let advance = asm.label();
        save_scratch(asm, SCRATCH);
        self.unless_used(asm, advance);
        let (rows, columns) = self.intake.window_log2;
        if self.intake.sums_first_byte.is_some() {
            self.pool(asm, advance);
        }
        let per_input = f64::from(1 << (rows + columns));
        asm.times(1.0 / per_input, |asm| self.store(asm));
        asm.bind(advance);
        self.advance(asm);
    }

    /// Goes on where the byte is of a pixel that nobody reads.
    fn unless_used(&self, asm: &mut Assembly<'_>, unused: Label) {
        let Intake {
            input,
            output,
            window_log2: (rows, columns),
            ..
        } = *self.intake;
        let axes = [
            (ROW, output.height << rows, input.height),
            (COLUMN, output.width << columns, input.width),
        ];
        for (place, used, all) in axes {
            if used < all {
                asm.emit(Operation::LoadByte(self.a, self.network, place));
                asm.emit(Operation::Immediate(self.b, used as i32 - 1));
                let share = 1.0 - f64::from(used) / f64::from(all);
                asm.branch(Condition::Less(self.b, self.a), share, unused);
            }
        }
    }

    /// Adds the byte to the sum of its window; goes on unless that is complete, which
    /// is then in `byte`.
    fn pool(&self, asm: &mut Assembly<'_>, incomplete: Label) {
        let Self {
            network,
            byte,
            a,
            b,
            c,
            ..
        } = *self;
        let intake = self.intake;
        let (rows, columns) = intake.window_log2;
        let sums_first_byte = intake.sums_first_byte.unwrap_or_default();
        asm.emit(Operation::LoadByte(a, network, COLUMN));
        asm.emit(Operation::ShiftRight(b, a, columns));
        self.multiply(asm, c, 2 * intake.sums_per_column, b);
        asm.emit(Operation::Add(c, c, network));
        if intake.input.channels > 1 {
            asm.emit(Operation::LoadByte(b, network, CHANNEL));
            asm.emit(Operation::ShiftLeft(b, b, 1));
            asm.emit(Operation::Add(c, c, b));
        }
        let offset = self.design.cursor_bytes + sums_first_byte;
        add_constant(asm, c, offset.into(), b);
        let (first, complete) = (asm.label(), asm.label());
        let axes = [(ROW, rows), (COLUMN, columns)];
        // Both remainders beside one another above all else: 0 in the first pixel of a
        // window, and after the last.
        let remainders = |asm: &mut Assembly<'_>, after: bool| {
            let mut is_begun = false;
            for (place, log2) in axes.into_iter().filter(|(_, log2)| *log2 > 0) {
                let register = if is_begun { a } else { b };
                asm.emit(Operation::LoadByte(register, network, place));
                if after {
                    asm.emit(Operation::AddImmediate(register, 1));
                }
                asm.emit(Operation::ShiftLeft(register, register, 32 - log2));
                if is_begun {
                    asm.emit(Operation::Or(b, a));
                }
                is_begun = true;
            }
        };
        let share = 1.0 / f64::from(1 << (rows + columns));
        if rows + columns == 0 {
            return;
        }
        remainders(asm, false);
        asm.branch(Condition::Zero(b), share, first);
        asm.times(1.0 - share, |asm| {
            asm.emit(Operation::LoadByte(a, c, 0));
            asm.emit(Operation::Add(byte, byte, a));
            asm.emit(Operation::LoadByte(a, c, 1));
            asm.emit(Operation::ShiftLeft(a, a, 8));
            asm.emit(Operation::Add(byte, byte, a));
        });
        asm.bind(first);
        remainders(asm, true);
        asm.branch(Condition::Zero(b), share, complete);
        asm.times(1.0 - share, |asm| {
            asm.emit(Operation::StoreByte(byte, c, 0));
            asm.emit(Operation::ShiftRight(byte, byte, 8));
            asm.emit(Operation::StoreByte(byte, c, 1));
            asm.jump(incomplete);
        });
        asm.bind(complete);
    }

    /// `to = factor · from`.
    fn multiply(&self, asm: &mut Assembly<'_>, to: Register, factor: u32, from: Register) {
        match factor {
            0 => asm.emit(Operation::Immediate(to, 0)),
            _ => asm.emit_all(multiply(asm.isa(), factor as i32, [to, from])),
        }
    }

    /// Stores the activation of a byte, or of a window's sum.
    fn store(&self, asm: &mut Assembly<'_>) {
        let Self {
            network,
            byte,
            a,
            b,
            c,
            ..
        } = *self;
        let intake = self.intake;
        let (rows, columns) = intake.window_log2;
        let channels = intake.output.channels;
        if intake.shift > 0 {
            asm.emit(Operation::ShiftRight(byte, byte, intake.shift));
        }
        asm.emit(Operation::LoadByte(a, network, ROW));
        asm.emit(Operation::ShiftRight(a, a, rows));
        self.multiply(asm, c, intake.map_width * channels, a);
        asm.emit(Operation::LoadByte(a, network, COLUMN));
        asm.emit(Operation::ShiftRight(a, a, columns));
        self.multiply(asm, b, channels, a);
        asm.emit(Operation::Add(c, c, b));
        if channels > 1 {
            asm.emit(Operation::LoadByte(b, network, CHANNEL));
            asm.emit(Operation::Add(c, c, b));
        }
        let per_byte = 8 / self.design.bits;
        let offset = self.design.cursor_bytes + intake.first_cell / per_byte;
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

    /// Moves the cursor on, and returns.
    fn advance(&self, asm: &mut Assembly<'_>) {
        let Self { network, a, b, .. } = *self;
        let input = self.intake.input;
        let incomplete = asm.label();
        let axes = [
            (CHANNEL, input.channels),
            (COLUMN, input.width),
            (ROW, input.height),
        ];
        let mut share = 1.0;
        for (place, count) in axes {
            if place == CHANNEL && count == 1 {
                continue;
            }
            asm.times(share, |asm| {
                let last = asm.label();
                asm.emit(Operation::LoadByte(a, network, place));
                asm.emit(Operation::AddImmediate(a, 1));
                asm.emit(Operation::Move(b, a));
                add_constant(asm, b, -i64::from(count), a);
                let ends = 1.0 / f64::from(count);
                asm.branch(Condition::Zero(b), ends, last);
                asm.times(1.0 - ends, |asm| {
                    asm.emit(Operation::StoreByte(a, network, place));
                    asm.jump(incomplete);
                });
                asm.bind(last);
                asm.times(ends, |asm| {
                    asm.emit(Operation::Immediate(a, 0));
                    asm.emit(Operation::StoreByte(a, network, place));
                });
            });
            share /= f64::from(count);
        }
        let done = asm.label();
        asm.times(share, |asm| {
            asm.emit(Operation::Immediate(network, 1));
            asm.jump(done);
        });
        asm.bind(incomplete);
        asm.emit(Operation::Immediate(network, 0));
        asm.bind(done);
        restore_scratch(asm, SCRATCH);
        asm.emit(Operation::Return);
    }
}
