//! `absorb`: takes one byte of the raw input in.
//!
//! Behind the arena lies the cursor: row, column and channel of the next byte.
//! A leading average pooling adds each byte to its window's 16-bit sum; the
//! first byte of a window begins the sum, so that nothing has to be cleared.

use super::assembly::Assembly;
use super::field::Source;
use super::instruction::{Condition, Mode, Pointer, Register};
use super::{Core, Function, Kind};
use crate::network::Shape;
use crate::plan::Intake;
use crate::program::Program;

const NETWORK: Register = Register(24);
const BYTE: Register = Register(22);
const UPPER: Register = Register(23);
const ROW: Register = Register(18);
const COLUMN: Register = Register(19);
const CHANNEL: Register = Register(20);
const SPARE: Register = Register(21);
const ZERO: Register = Register(1);
const X: Register = Register(26);
const Z: Register = Register(30);

/// `absorb(network: r25:r24, byte: r22) -> bool: r24`, whether the input is
/// complete.
pub(super) fn emit(program: &Program, core: Core) -> Function {
    let mut asm = Assembly::new(core);
    let source = Source::new(&mut asm, program, &program.maps[0]);
    let intake = Absorb {
        program,
        source,
        input: program.input,
    };
    asm.times(f64::from(program.input.values()), |asm| intake.emit(asm));
    asm.finish("absorb")
}

struct Absorb<'a> {
    program: &'a Program,
    source: Source<'a>,
    input: Shape,
}

impl Absorb<'_> {
    fn emit(&self, asm: &mut Assembly) {
        self.point_at_cursor(asm);
        asm.load(ROW, Pointer::Z, Mode::Plain);
        asm.load(COLUMN, Pointer::Z, Mode::Displacement(1));
        if self.input.channels > 1 {
            asm.load(CHANNEL, Pointer::Z, Mode::Displacement(2));
        }
        match self.program.intake.intake {
            Intake::Store => asm.of(Kind::Store, |asm| {
                if self.source.bits == 4 {
                    asm.swap(BYTE);
                    asm.andi(BYTE, 0x0F);
                }
                asm.mov(X, ROW);
                self.store(asm, COLUMN, BYTE);
            }),
            Intake::Pool {
                sums_first_byte, ..
            } => asm.of(Kind::Pool, |asm| self.pool(asm, sums_first_byte)),
        }
        self.advance(asm);
    }

    fn point_at_cursor(&self, asm: &mut Assembly) {
        asm.movw(Z, NETWORK);
        asm.add_to_pair(Z, self.program.arena_bytes as i32);
    }

    /// Adds the byte to its window's sum, and stores the pooled value when the
    /// window is complete.
    fn pool(&self, asm: &mut Assembly, sums_first_byte: u32) {
        let log2 = self.program.intake.window.ilog2();
        let mask = (1 << log2) - 1;
        let shape = self.source.map.shape;
        let (add, complete, done) = (asm.label(), asm.label(), asm.label());
        // A last row or column that fills no window is dropped.
        for (register, windows, length) in [
            (ROW, shape.height, self.input.height),
            (COLUMN, shape.width, self.input.width),
        ] {
            if windows << log2 < length {
                asm.cpi(register, (windows << log2) as u8);
                asm.branch(Condition::SameOrHigher, done, 0.05);
            }
        }

        // X ← the window's sum: two bytes for each window of the row and channel.
        asm.mov(X, COLUMN);
        if shape.channels == 1 {
            for _ in 1..log2 {
                asm.lsr(X);
            }
            asm.andi(X, 0xFE);
            asm.clr(X.next());
        } else {
            for _ in 0..log2 {
                asm.lsr(X);
            }
            asm.clr(X.next());
            multiply_by_constant(asm, X, shape.channels);
            asm.add(X, CHANNEL);
            asm.adc(X.next(), ZERO);
            asm.lsl(X);
            asm.rol(X.next());
        }
        asm.add(X, NETWORK);
        asm.adc(X.next(), NETWORK.next());
        asm.add_to_pair(X, sums_first_byte as i32);

        asm.mov(SPARE, ROW);
        asm.or(SPARE, COLUMN);
        asm.andi(SPARE, mask);
        let first = 1.0 / f64::from(1 << (2 * log2));
        asm.branch(Condition::NotEqual, add, 1.0 - first);
        asm.times(first, |asm| {
            asm.store(Pointer::X, Mode::PostIncrement, BYTE);
            asm.store(Pointer::X, Mode::Plain, ZERO);
            asm.jump(done);
        });
        asm.bind(add);
        asm.times(1.0 - first, |asm| {
            asm.load(SPARE, Pointer::X, Mode::PostIncrement);
            asm.load(UPPER, Pointer::X, Mode::Plain);
            asm.add(BYTE, SPARE);
            asm.adc(UPPER, ZERO);
            asm.mov(SPARE, ROW);
            asm.and(SPARE, COLUMN);
            asm.andi(SPARE, mask);
            asm.cpi(SPARE, mask);
            asm.branch(Condition::Equal, complete, first);
            asm.store(Pointer::X, Mode::Plain, UPPER);
            asm.store(Pointer::X, Mode::PreDecrement, BYTE);
            asm.jump(done);
        });
        asm.bind(complete);
        asm.times(first, |asm| {
            let pooled = self.shift(asm);
            asm.mov(X, ROW);
            asm.mov(SPARE, COLUMN);
            for _ in 0..log2 {
                asm.lsr(X);
                asm.lsr(SPARE);
            }
            asm.of(Kind::Store, |asm| self.store(asm, SPARE, pooled));
        });
        asm.bind(done);
    }

    /// The sum's high bits.
    fn shift(&self, asm: &mut Assembly) -> Register {
        let shift = self.program.intake.shift;
        if shift > 4 {
            for _ in shift..8 {
                asm.lsl(BYTE);
                asm.rol(UPPER);
            }
            UPPER
        } else {
            for _ in 0..shift {
                asm.lsr(UPPER);
                asm.ror(BYTE);
            }
            BYTE
        }
    }

    /// Stores a value of the pixel in the row in X's low half and that column.
    /// Changes X, Z where pixels are found in a table, and r0.
    fn store(&self, asm: &mut Assembly, column: Register, value: Register) {
        let shape = self.source.map.shape;
        let by_byte = self.source.bits == 8 || self.source.by_nibble;
        asm.clr(X.next());
        multiply_by_constant(asm, X, shape.width);
        asm.add(X, column);
        asm.adc(X.next(), ZERO);
        if self.source.has_table() {
            asm.lsl(X);
            asm.rol(X.next());
            self.source.look_up(asm, X);
            self.add_channel(asm, by_byte);
        } else {
            multiply_by_constant(asm, X, self.source.pixel_step());
            self.add_channel(asm, by_byte);
            let first = self.source.position_of_cells(self.source.map.first_cell);
            asm.add_to_pair(X, first as i32);
        }
        let (high, stored) = (asm.label(), asm.label());
        if self.source.bits == 8 {
            add_network(asm);
            asm.store(Pointer::X, Mode::Plain, value);
            return;
        }
        if self.source.by_nibble {
            asm.lsr(X.next());
            asm.ror(X);
            asm.branch(Condition::Lower, high, 0.5);
        } else if self.input.channels > 1 {
            asm.mov(Register(0), CHANNEL);
            asm.lsr(Register(0));
            asm.branch(Condition::Lower, high, 0.5);
        }
        let half = |asm: &mut Assembly, upper: bool| {
            add_network(asm);
            asm.load(SPARE, Pointer::X, Mode::Plain);
            if upper {
                asm.swap(value);
            }
            asm.andi(SPARE, if upper { 0x0F } else { 0xF0 });
            asm.or(SPARE, value);
            asm.store(Pointer::X, Mode::Plain, SPARE);
        };
        asm.times(0.5, |asm| {
            half(asm, false);
            asm.jump(stored);
        });
        asm.bind(high);
        asm.times(0.5, |asm| half(asm, true));
        asm.bind(stored);
    }

    /// Adds the channel to X, in bytes or nibbles, or halved where two share a
    /// byte.
    fn add_channel(&self, asm: &mut Assembly, whole: bool) {
        if self.input.channels == 1 {
            return;
        }
        asm.mov(Register(0), CHANNEL);
        if !whole {
            asm.lsr(Register(0));
        }
        asm.add(X, Register(0));
        asm.adc(X.next(), ZERO);
    }

    /// Goes to the next byte, and returns.
    fn advance(&self, asm: &mut Assembly) {
        if self.source.has_table() {
            self.point_at_cursor(asm);
        }
        let places = [
            (2, CHANNEL, self.input.channels),
            (1, COLUMN, self.input.width),
            (0, ROW, self.input.height),
        ];
        let mut reached = 1.0;
        for (place, register, length) in places {
            if place == 2 && length == 1 {
                continue;
            }
            let overflows = asm.label();
            let share = 1.0 / f64::from(length);
            asm.times(reached, |asm| {
                asm.inc(register);
                // At most 255, so that what wraps to 0 is no length.
                asm.cpi(register, length as u8);
                asm.branch(Condition::Equal, overflows, share);
            });
            asm.times(reached * (1.0 - share), |asm| {
                self.put(asm, place, register);
                asm.ldi(NETWORK, 0);
                asm.ret();
            });
            reached *= share;
            asm.bind(overflows);
            asm.times(reached, |asm| self.put(asm, place, ZERO));
        }
        asm.times(reached, |asm| {
            asm.ldi(NETWORK, 1);
            asm.ret();
        });
    }

    fn put(&self, asm: &mut Assembly, place: u8, register: Register) {
        let mode = if place == 0 {
            Mode::Plain
        } else {
            Mode::Displacement(place)
        };
        asm.store(Pointer::Z, mode, register);
    }
}

fn add_network(asm: &mut Assembly) {
    asm.add(X, NETWORK);
    asm.adc(X.next(), NETWORK.next());
}

/// Multiplies a pair by a constant, by doubling and adding. Changes r0, and
/// r1, which is zero again behind it.
fn multiply_by_constant(asm: &mut Assembly, low: Register, constant: u32) {
    let (copy, copy_high) = (Register(0), Register(1));
    if constant.is_power_of_two() {
        for _ in 0..constant.ilog2() {
            asm.lsl(low);
            asm.rol(low.next());
        }
        return;
    }
    asm.movw(copy, low);
    for bit in (0..constant.ilog2()).rev() {
        asm.lsl(low);
        asm.rol(low.next());
        if constant >> bit & 1 == 1 {
            asm.add(low, copy);
            asm.adc(low.next(), copy_high);
        }
    }
    asm.clr(Register(1));
}
