//! A pooling whose input comes row by row: what its windows have of the rows so far waits in the
//! arena, for outputs that are complete with the last one.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::grid_rows::{remainder, row_index};
use super::isa::{Condition, Operation, Register};
use super::layer::Convolution;
use super::pass::Pass;
use super::reduction;
use super::stage::WaitingWindows;
use super::strip::add_constant;

/// Where that is of the next window.
const WINDOW: u32 = frame::POOLED_FIELD;

impl Convolution {
    /// What waits of the rows above.
    pub(crate) fn waiting(&self) -> Option<WaitingWindows> {
        self.stage?.waiting
    }
}

impl Emitter<'_> {
    /// Before a row is taken in.
    pub(crate) fn begin_waiting(&self, asm: &mut Assembly<'_>, windows: &WaitingWindows) {
        let (value, word) = (self.roles.value, self.roles.word);
        row_index(asm, self.roles, windows.timing);
        remainder(asm, self.roles, windows.rows);
        asm.emit(Operation::StoreSlot(value, frame::ROW_OF_WINDOW));
        let byte = windows.first_cell / (8 / self.layer.bits);
        asm.emit(Operation::LoadSlot(value, frame::ARENA));
        add_constant(asm, value, byte.into(), word);
        asm.emit(Operation::StoreSlot(value, WINDOW));
    }

    /// What `body` does, with the last row of windows, or with each row where none waits.
    pub(crate) fn with_last_row(
        &self,
        asm: &mut Assembly<'_>,
        body: impl FnOnce(&mut Assembly<'_>),
    ) {
        let Some(windows) = self.layer.waiting() else {
            body(asm);
            return;
        };
        let (value, others) = (self.roles.value, asm.label());
        let share = 1.0 / f64::from(windows.rows);
        asm.emit(Operation::LoadSlot(value, frame::ROW_OF_WINDOW));
        add_constant(asm, value, 1 - i64::from(windows.rows), self.roles.word);
        asm.branch(Condition::NotZero(value), 1.0 - share, others);
        asm.times(share, body);
        asm.bind(others);
    }

    /// Takes a row of the next window in: with the last one, its outputs are stored.
    pub(crate) fn take_into_window(
        &self,
        asm: &mut Assembly<'_>,
        pass: &reduction::Pass,
        windows: &WaitingWindows,
    ) {
        let value = self.roles.value;
        let share = 1.0 / f64::from(windows.rows);
        let (is_first, begun, done) = (asm.label(), asm.label(), asm.label());
        asm.emit(Operation::LoadSlot(value, frame::ROW_OF_WINDOW));
        asm.branch(Condition::Zero(value), share, is_first);
        asm.times(1.0 - share, |asm| {
            self.load_waiting(asm, pass, windows);
            asm.jump(begun);
        });
        asm.bind(is_first);
        asm.times(share, |asm| {
            for register in registers(pass) {
                asm.emit(Operation::Immediate(register, 0));
            }
        });
        asm.bind(begun);
        self.reduce_row(asm, pass, frame::FIELD);
        self.with_last_row(asm, |asm| {
            self.store(asm, &Pass::Reduced(pass.clone()));
            asm.jump(done);
        });
        asm.times(1.0 - share, |asm| self.keep_waiting(asm, pass, windows));
        asm.bind(done);
    }

    /// Moves on to the next window.
    pub(crate) fn advance_waiting(&self, asm: &mut Assembly<'_>) {
        let Some(windows) = self.layer.waiting() else {
            return;
        };
        let value = self.roles.value;
        let bytes = windows.cells / (8 / self.layer.bits);
        asm.emit(Operation::LoadSlot(value, WINDOW));
        add_constant(asm, value, bytes.into(), self.roles.word);
        asm.emit(Operation::StoreSlot(value, WINDOW));
    }

    /// `base` ← where the values of a pass are.
    fn point_at_waiting(
        &self,
        asm: &mut Assembly<'_>,
        pass: &reduction::Pass,
        windows: &WaitingWindows,
    ) {
        let base = self.roles.base;
        let first = pass.outputs.start as u32;
        let byte = match windows.bytes_each {
            Some(bytes) => first * bytes,
            None => first / (8 / self.layer.bits),
        };
        asm.emit(Operation::LoadSlot(base, WINDOW));
        add_constant(asm, base, byte.into(), self.roles.value);
    }

    fn load_waiting(
        &self,
        asm: &mut Assembly<'_>,
        pass: &reduction::Pass,
        windows: &WaitingWindows,
    ) {
        use Operation::{LoadByte, Or, ShiftLeft, ShiftRight};
        self.point_at_waiting(asm, pass, windows);
        let (base, value) = (self.roles.base, self.roles.value);
        let registers: Vec<Register> = registers(pass).collect();
        let Some(bytes) = windows.bytes_each else {
            let bits = self.layer.bits as u8;
            for (byte, cells) in (0..).zip(registers.chunks(8 / usize::from(bits))) {
                let mut cells = cells.iter().rev();
                let Some(&last) = cells.next() else { continue };
                asm.emit(LoadByte(last, base, byte));
                match cells.next() {
                    Some(&first) => {
                        asm.emit(ShiftLeft(first, last, 32 - bits));
                        asm.emit(ShiftRight(first, first, 32 - bits));
                        asm.emit(ShiftRight(last, last, bits));
                    }
                    None if bits < 8 => {
                        asm.emit(ShiftLeft(last, last, 32 - bits));
                        asm.emit(ShiftRight(last, last, 32 - bits));
                    }
                    None => {}
                }
            }
            return;
        };
        for (place, &register) in (0..).zip(&registers) {
            asm.emit(LoadByte(register, base, place * bytes));
            for byte in 1..bytes {
                asm.emit(LoadByte(value, base, place * bytes + byte));
                asm.emit(ShiftLeft(value, value, 8 * byte as u8));
                asm.emit(Or(register, value));
            }
        }
    }

    fn keep_waiting(
        &self,
        asm: &mut Assembly<'_>,
        pass: &reduction::Pass,
        windows: &WaitingWindows,
    ) {
        use Operation::{Or, ShiftLeft, ShiftRight, StoreByte};
        self.point_at_waiting(asm, pass, windows);
        let (base, value) = (self.roles.base, self.roles.value);
        let registers: Vec<Register> = registers(pass).collect();
        let Some(bytes) = windows.bytes_each else {
            let bits = self.layer.bits as u8;
            for (byte, cells) in (0..).zip(registers.chunks(8 / usize::from(bits))) {
                if let [first, second] = *cells {
                    asm.emit(ShiftLeft(value, second, bits));
                    asm.emit(Or(first, value));
                }
                asm.emit(StoreByte(cells[0], base, byte));
            }
            return;
        };
        for (place, &register) in (0..).zip(&registers) {
            for byte in 0..bytes {
                if byte > 0 {
                    asm.emit(ShiftRight(register, register, 8));
                }
                asm.emit(StoreByte(register, base, place * bytes + byte));
            }
        }
    }
}

fn registers(pass: &reduction::Pass) -> impl Iterator<Item = Register> {
    let outputs = pass.outputs.clone();
    outputs.map(|output| pass.place(output).register)
}
