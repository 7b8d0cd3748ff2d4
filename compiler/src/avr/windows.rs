//! Windows of a streamed pooling: what is known of each channel so far, in the
//! arena, into which pixels are taken as they come.
//!
//! A window begins with what changes nothing: below every value, or 0. So each of
//! its pixels is taken in alike, in any order.

use super::assembly::Assembly;
use super::instruction::{Condition, Mode, Pointer, Register};
use super::slot::Slots;
use super::{Core, Function, FunctionId, Kind};
use crate::network::{Kernel, PoolFunction};
use crate::plan::{Arrival, Sink, Windows};
use crate::program::{Operation, Pooling, Program, Stage};

const NETWORK: Register = Register(24);
const ROW: Register = Register(22);
const COLUMN: Register = Register(20);
const SPARE: Register = Register(21);
const X: Register = Register(26);
const Z: Register = Register(30);
const ZERO: Register = Register(1);

/// Registers that taking a value in changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scratch {
    /// An upper one: what the window has.
    pub(super) kept: Register,
    /// Another.
    pub(super) other: Register,
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    windows: Windows,
    kernel: Kernel,
    function: PoolFunction,
    bits: u32,
    signed: bool,
    first_byte: u32,
}

impl Row {
    pub(super) fn of(
        program: &Program,
        windows: Windows,
        kernel: Kernel,
        function: PoolFunction,
        signed: bool,
    ) -> Self {
        let cells_per_byte = 8 / program.activation_bits;
        Self {
            windows,
            kernel,
            function,
            bits: program.activation_bits,
            signed,
            first_byte: program.cursor_bytes + windows.first_cell / cells_per_byte,
        }
    }

    pub(super) fn of_stage(program: &Program, stage: &Stage) -> Option<Self> {
        let Operation::Pool(pooling) = stage.operation else {
            return None;
        };
        let (windows, kernel) = (stage.plan.windows()?, stage.field.kernel);
        Some(Self::of(
            program,
            windows,
            kernel,
            pooling.function(),
            stage.signed_input,
        ))
    }

    /// Bytes of a window.
    fn bytes(&self) -> u32 {
        self.windows.window_cells() * self.bits / 8
    }

    /// X ← the window of the pixel in that row and column, or of the window in
    /// that column. Changes r0 and r21.
    pub(super) fn point_at(&self, asm: &mut Assembly, of_window: bool) {
        if self.windows.count == 1 {
            asm.movw(X, NETWORK);
        } else {
            asm.mov(X, COLUMN);
            if !of_window {
                for _ in 0..self.kernel.width.ilog2() {
                    asm.lsr(X);
                }
            }
            asm.clr(X.next());
            super::intake::multiply_byte(asm, X, self.bytes(), SPARE);
            asm.add(X, NETWORK);
            asm.adc(X.next(), NETWORK.next());
        }
        asm.add_to_pair(X, self.first_byte as i32);
    }

    /// Lets the window at X begin, if the pixel in that row and column is its
    /// first. Z is the network's address. Changes r18 and r21.
    pub(super) fn begin(&self, asm: &mut Assembly) {
        let begun = asm.label();
        let Kernel { height, width } = self.kernel;
        let mut first = 1.0;
        for (place, length) in [(ROW, height), (COLUMN, width)] {
            let share = 1.0 / f64::from(length);
            asm.times(first, |asm| match length {
                1 => {}
                2 => {
                    asm.skip_if_clear(place, 0);
                    asm.times(1.0 - share, |asm| asm.jump(begun));
                }
                _ => {
                    asm.mov(SPARE, place);
                    asm.andi(SPARE, (length - 1) as u8);
                    asm.branch(Condition::NotEqual, begun, 1.0 - share);
                }
            });
            first *= share;
        }
        let least = match (self.function, self.signed, self.bits) {
            (PoolFunction::Maximum, true, 4) => 0x88,
            (PoolFunction::Maximum, true, _) => 0x80,
            _ => 0,
        };
        asm.times(first, |asm| {
            let value = if least == 0 {
                ZERO
            } else {
                asm.ldi(SPARE, least);
                SPARE
            };
            asm.movw(Z, X);
            let bytes = self.bytes();
            if bytes <= 8 {
                for _ in 0..bytes {
                    asm.store(Pointer::Z, Mode::PostIncrement, value);
                }
                asm.movw(Z, NETWORK);
                return;
            }
            // At most 255 channels of two bytes.
            let pairs = bytes.div_ceil(2);
            if bytes % 2 == 1 {
                asm.store(Pointer::Z, Mode::PostIncrement, value);
            }
            asm.ldi(Register(18), (bytes / 2) as u8);
            let next = asm.here();
            asm.times(pairs.into(), |asm| {
                asm.store(Pointer::Z, Mode::PostIncrement, value);
                asm.store(Pointer::Z, Mode::PostIncrement, value);
                asm.dec(Register(18));
                asm.loop_back(Condition::NotEqual, next, pairs.into());
            });
            asm.movw(Z, NETWORK);
        });
        asm.bind(begun);
    }

    /// Takes a pixel whose values are in registers, which it changes, into the
    /// window at X.
    pub(super) fn take(&self, asm: &mut Assembly, values: &[Register], scratch: Scratch) {
        if !self.shares_bytes() {
            for &value in values {
                self.take_alone(asm, value, scratch);
            }
            return;
        }
        for pair in values.chunks(2) {
            asm.load(scratch.kept, Pointer::X, Mode::Plain);
            self.take_low(asm, pair[0], scratch);
            if let Some(&high) = pair.get(1) {
                self.take_high(asm, high, scratch);
            }
            asm.store(Pointer::X, Mode::PostIncrement, scratch.kept);
        }
    }

    /// Takes a pixel whose `count` values were pushed, the first one first, into
    /// the window at X, and from the stack. Changes r0, r23 and Z.
    pub(super) fn take_pushed(&self, asm: &mut Assembly, count: u32, counter: Register) {
        let value = Register(0);
        let scratch = Scratch {
            kept: Z,
            other: Z.next(),
        };
        if !self.shares_bytes() {
            let each = i32::from(self.two_bytes()) + 1;
            asm.add_to_pair(X, each * count as i32);
            counted(asm, count, counter, |asm| {
                asm.pop(value);
                asm.add_to_pair(X, -each);
                self.take_alone(asm, value, scratch);
                asm.add_to_pair(X, -each);
            });
            asm.stack_changes(1 - i64::from(count));
            return;
        }
        let alone = count % 2;
        asm.add_to_pair(X, (count / 2) as i32);
        if alone == 1 {
            asm.pop(value);
            asm.load(scratch.kept, Pointer::X, Mode::Plain);
            self.take_low(asm, value, scratch);
            asm.store(Pointer::X, Mode::Plain, scratch.kept);
        }
        let pairs = count / 2;
        counted(asm, pairs, counter, |asm| {
            asm.load(scratch.kept, Pointer::X, Mode::PreDecrement);
            asm.pop(value);
            self.take_high(asm, value, scratch);
            asm.pop(value);
            self.take_low(asm, value, scratch);
            asm.store(Pointer::X, Mode::Plain, scratch.kept);
        });
        if pairs > 0 {
            asm.stack_changes(2 - 2 * i64::from(pairs));
        }
    }

    /// Whether two values share a byte.
    fn shares_bytes(&self) -> bool {
        self.function == PoolFunction::Maximum && self.bits == 4
    }

    /// Whether a value has two bytes.
    fn two_bytes(&self) -> bool {
        self.function == PoolFunction::Average && self.bits == 8
    }

    /// Takes the value of a byte or two at X in; X is then behind it.
    fn take_alone(&self, asm: &mut Assembly, value: Register, scratch: Scratch) {
        let Scratch { kept, other } = scratch;
        if self.function == PoolFunction::Maximum {
            asm.load(kept, Pointer::X, Mode::Plain);
            let keep = asm.label();
            asm.cp(kept, value);
            asm.branch(self.not_larger(), keep, 0.7);
            asm.mov(kept, value);
            asm.bind(keep);
            asm.store(Pointer::X, Mode::PostIncrement, kept);
            return;
        }
        let mut addend = value;
        if self.signed && self.bits == 4 {
            asm.mov(other, value);
            asm.skip_if_clear(other, 3);
            asm.ori(other, 0xF0);
            addend = other;
        }
        let mut sign = ZERO;
        if self.signed && self.two_bytes() {
            asm.clr(other);
            asm.skip_if_clear(value, 7);
            asm.com(other);
            sign = other;
        }
        asm.load(kept, Pointer::X, Mode::Plain);
        asm.add(kept, addend);
        asm.store(Pointer::X, Mode::PostIncrement, kept);
        if self.two_bytes() {
            asm.load(kept, Pointer::X, Mode::Plain);
            asm.adc(kept, sign);
            asm.store(Pointer::X, Mode::PostIncrement, kept);
        }
    }

    fn not_larger(&self) -> Condition {
        if self.signed {
            Condition::GreaterOrEqual
        } else {
            Condition::SameOrHigher
        }
    }

    /// Takes a nibble into the lower half of `kept`. Signed ones are compared in
    /// the upper half of a byte; what is below decides nothing, being 0 in the
    /// value, the least there is.
    fn take_low(&self, asm: &mut Assembly, value: Register, Scratch { kept, other }: Scratch) {
        let keep = asm.label();
        asm.mov(other, kept);
        if self.signed {
            asm.swap(other);
            asm.swap(value);
        } else {
            asm.andi(other, 0x0F);
        }
        asm.cp(other, value);
        asm.branch(self.not_larger(), keep, 0.7);
        if self.signed {
            asm.swap(value);
        }
        asm.andi(kept, 0xF0);
        asm.or(kept, value);
        asm.bind(keep);
    }

    /// Takes a nibble into the upper half of `kept`, compared there.
    fn take_high(&self, asm: &mut Assembly, value: Register, Scratch { kept, .. }: Scratch) {
        let keep = asm.label();
        asm.swap(value);
        asm.cp(kept, value);
        asm.branch(self.not_larger(), keep, 0.7);
        asm.andi(kept, 0x0F);
        asm.or(kept, value);
        asm.bind(keep);
    }
}

/// A loop of `count`, at most 255, rounds.
fn counted(asm: &mut Assembly, count: u32, counter: Register, body: impl FnOnce(&mut Assembly)) {
    match count {
        0 => {}
        1 => body(asm),
        _ => {
            asm.ldi(counter, count as u8);
            let next = asm.here();
            asm.times(count.into(), |asm| {
                body(asm);
                asm.dec(counter);
                asm.loop_back(Condition::NotEqual, next, count.into());
            });
        }
    }
}

/// The functions of poolings: such as take their pixels from where they arrive,
/// and such as hand a window on that is complete.
pub(super) fn emit(program: &Program, core: Core) -> Vec<Function> {
    let mut functions = Vec::new();
    for stage in program.stages() {
        let Some(row) = Row::of_stage(program, stage) else {
            continue;
        };
        if stage.plan.arrival != Arrival::Values {
            functions.push(emit_take(program, core, stage, &row));
        }
        if hands_on(stage) {
            functions.push(emit_layer(program, core, stage, &row));
        }
    }
    functions
}

/// Whether something is left to do with a complete window.
pub(super) fn hands_on(stage: &Stage) -> bool {
    let averages = matches!(stage.operation, Operation::Pool(Pooling::Average(_)));
    averages || stage.plan.windows().is_some() && stage.plan.sink != Sink::Stays
}

/// `take_N(network: r25:r24 and Z, row: r22, column: r20)`: takes the pixel that
/// has arrived into its window.
fn emit_take(program: &Program, core: Core, stage: &Stage, row: &Row) -> Function {
    let mut asm = Assembly::streamed(core);
    let channels = stage.plan.input.channels;
    let (byte, other, counter) = (Register(18), Register(19), Register(23));
    let y = Pointer::Y.low();
    asm.times(f64::from(stage.plan.input.pixels()), |asm| {
        asm.of(Kind::Pool, |asm| {
            match stage.plan.arrival {
                Arrival::Ring(reading) => {
                    Slots::of_ring(program, reading.ring, None).point_at_next(asm);
                }
                Arrival::Window(windows) => {
                    super::stage::complete_windows(program, windows).point_at(asm, true);
                }
                Arrival::Map(_) => todo!(),
                Arrival::Bytes | Arrival::Values => unreachable!("no pixel arrives so"),
            }
            asm.movw(y, X);
            row.point_at(asm, false);
            row.begin(asm);
            let scratch = Scratch {
                kept: Z,
                other: Z.next(),
            };
            if row.bits == 8 {
                counted(asm, channels, counter, |asm| {
                    asm.load(byte, Pointer::Y, Mode::PostIncrement);
                    row.take(asm, &[byte], scratch);
                });
                return;
            }
            let unpack = |asm: &mut Assembly| {
                asm.load(byte, Pointer::Y, Mode::PostIncrement);
                asm.mov(other, byte);
                asm.swap(other);
                asm.andi(byte, 0x0F);
                asm.andi(other, 0x0F);
            };
            counted(asm, channels / 2, counter, |asm| {
                unpack(asm);
                row.take(asm, &[byte, other], scratch);
            });
            if channels % 2 == 1 {
                unpack(asm);
                row.take(asm, &[byte], scratch);
            }
        });
        asm.ret();
    });
    asm.finish(FunctionId::Take(stage.plan.node))
}

/// `layer_N(network: r25:r24 and Z, row: r22, column: r20)`: makes activations of
/// the window of that column, and puts them where they go.
fn emit_layer(program: &Program, core: Core, stage: &Stage, row: &Row) -> Function {
    let mut asm = Assembly::streamed(core);
    let y = Pointer::Y.low();
    asm.times(f64::from(stage.plan.output.pixels()), |asm| {
        asm.of(Kind::Pool, |asm| {
            row.point_at(asm, true);
            asm.movw(y, X);
            if let Operation::Pool(Pooling::Average(divisor)) = stage.operation {
                let shift = divisor.shift().unwrap_or_else(|| todo!());
                average(asm, row, shift);
                asm.movw(Z, NETWORK);
            }
        });
        asm.of(Kind::Store, |asm| hand_on(asm, program, stage, row));
        asm.ret();
    });
    asm.finish(FunctionId::Layer(stage.plan.node))
}

/// Makes activations of the sums at X, in their place; Y is there too, and stays.
fn average(asm: &mut Assembly, row: &Row, shift: u32) {
    let channels = row.windows.channels;
    let (low, high, packed, counter) = (Register(18), Register(19), Register(21), Register(23));
    asm.movw(Z, X);
    let one = |asm: &mut Assembly| {
        asm.load(low, Pointer::X, Mode::PostIncrement);
        if row.two_bytes() {
            asm.load(high, Pointer::X, Mode::PostIncrement);
        }
        for _ in 0..shift {
            let top = if row.two_bytes() { high } else { low };
            if row.signed {
                asm.asr(top);
            } else {
                asm.lsr(top);
            }
            if row.two_bytes() {
                asm.ror(low);
            }
        }
        if row.bits == 4 {
            asm.andi(low, 0x0F);
        }
    };
    if row.bits == 8 {
        counted(asm, channels, counter, |asm| {
            one(asm);
            asm.store(Pointer::Z, Mode::PostIncrement, low);
        });
        return;
    }
    counted(asm, channels / 2, counter, |asm| {
        one(asm);
        asm.mov(packed, low);
        one(asm);
        asm.swap(low);
        asm.or(low, packed);
        asm.store(Pointer::Z, Mode::PostIncrement, low);
    });
    if channels % 2 == 1 {
        one(asm);
        asm.store(Pointer::Z, Mode::PostIncrement, low);
    }
}

/// Copies the pixel at Y, which begins a byte, to where it goes.
fn hand_on(asm: &mut Assembly, program: &Program, stage: &Stage, row: &Row) {
    let Some(by_nibble) = super::stage::point_at_sink(asm, program, stage) else {
        return;
    };
    let channels = row.windows.channels;
    let (byte, other, counter) = (Register(18), Register(19), Register(23));
    if row.bits == 8 || !by_nibble {
        // Even counts of nibbles: whole bytes.
        let bytes = channels * row.bits / 8;
        counted(asm, bytes, counter, |asm| {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            asm.store(Pointer::X, Mode::PostIncrement, byte);
        });
        return;
    }
    super::field::by_parity(asm, &mut |asm, odd| {
        let put = |asm: &mut Assembly, value: Register, high: bool, mode: Mode| {
            asm.load(other, Pointer::X, Mode::Plain);
            asm.andi(other, if high { 0x0F } else { 0xF0 });
            if high {
                asm.swap(value);
            }
            asm.or(other, value);
            asm.store(Pointer::X, mode, other);
        };
        let low_of = |asm: &mut Assembly| {
            asm.mov(Z, byte);
            asm.andi(Z, 0x0F);
        };
        let high_of = |asm: &mut Assembly| {
            asm.mov(Z, byte);
            asm.swap(Z);
            asm.andi(Z, 0x0F);
        };
        let after = |high: bool| {
            if high {
                Mode::PostIncrement
            } else {
                Mode::Plain
            }
        };
        counted(asm, channels / 2, counter, |asm| {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            low_of(asm);
            put(asm, Z, odd, after(odd));
            high_of(asm);
            put(asm, Z, !odd, after(!odd));
        });
        if channels % 2 == 1 {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            low_of(asm);
            put(asm, Z, odd, Mode::Plain);
        }
    });
}
