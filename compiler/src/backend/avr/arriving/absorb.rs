//! `absorb`: takes one byte of the raw input in.
//!
//! In front of the arena lies the cursor: row, column and channel of the next byte.
//! A leading average pooling adds each byte to its window's 16-bit sum; the
//! first byte of a window begins the sum, so that nothing has to be cleared.

use crate::backend::avr::arriving::any_absorb;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Label, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, PRODUCT, Pointer, R18, R19, R20, R22, R23, Register, SPARE, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::field::Source;
use crate::backend::avr::memory::slots::Slots;
use crate::backend::avr::segments::chain;
use crate::backend::avr::segments::grid;
use crate::backend::avr::{Core, Function, FunctionId, Kind};
use crate::network::{Kernel, Shape};
use crate::plan::Sink;
use crate::program::{PooledIntake, Program};

const BYTE: Register = R22;
const UPPER: Register = R23;
const ROW: Register = R18;
const COLUMN: Register = R19;
const CHANNEL: Register = R20;

/// `absorb(network: r25:r24, byte: r22) -> u8: r24`, 1 when the input is
/// complete, else 0.
pub(crate) fn emit(program: &Program, core: Core) -> Function {
    let mut asm = Assembly::streamed(core);
    let place = match program.intake.sink {
        Sink::Ring(ring) => Place::Slots(Slots::of_ring(program, ring, ring.position)),
        Sink::Map { value, position: _ } => {
            Place::Map(Source::new(&mut asm, program, program.map(value)))
        }
        Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => {
            unreachable!("the pixels of an input are stored, all or the newest")
        }
    };
    if !is_simple(program) {
        asm.times(f64::from(program.input.values()), |asm| {
            any_absorb::emit(asm, program, place);
        });
        return asm.finish(FunctionId::Absorb);
    }
    let intake = Absorb {
        program,
        place,
        output: program.intake.output,
        input: program.input,
    };
    asm.times(f64::from(program.input.values()), |asm| intake.emit(asm));
    asm.finish(FunctionId::Absorb)
}

/// Whether rows and columns take a byte each, and the windows of a leading `A`
/// touch one another and have sides that are powers of two.
pub(crate) fn is_simple(program: &Program) -> bool {
    let is_simple_pool = program.intake.pool.is_none_or(|pool| {
        let Kernel { height, width } = pool.field.kernel;
        // A window of one byte would begin and end at once.
        let is_shifted = height.is_power_of_two() && width.is_power_of_two() && height * width > 1;
        let are_tiles = pool.is_tiled() && pool.windows.bands == 1;
        are_tiles && is_shifted && pool.windows.bytes_per_value() == 2
    });
    let has_narrow_cursor = program.cursor_pixel_bytes == NARROW_CURSOR_BYTES;
    has_narrow_cursor && is_simple_pool
}

/// Of row, column and channel.
const NARROW_CURSOR_BYTES: u32 = 3;

/// A row or column of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

impl Edge {
    /// In a window of two.
    fn other(self) -> Self {
        match self {
            Edge::First => Edge::Last,
            Edge::Last => Edge::First,
        }
    }
}

struct Absorb<'a> {
    program: &'a Program,
    place: Place<'a>,
    output: Shape,
    input: Shape,
}

/// Where activations go.
pub(crate) enum Place<'a> {
    /// To a map that is stored whole.
    Map(Source<'a>),
    /// To where the first streamed layer reads them.
    Slots(Slots),
}

impl Absorb<'_> {
    fn emit(&self, asm: &mut Assembly) {
        self.point_at_cursor(asm, 0);
        asm.load(ROW, Pointer::X, Mode::PostIncrement);
        asm.load(COLUMN, Pointer::X, Mode::PostIncrement);
        if self.input.channels > 1 {
            asm.load(CHANNEL, Pointer::X, Mode::Plain);
        }
        match self.program.intake.pool {
            None => asm.of(Kind::Store, |asm| self.shorten(asm)),
            Some(pool) => asm.of(Kind::Pool, |asm| {
                self.pool(asm, pool);
            }),
        }
        self.advance(asm);
    }

    /// Shortens the byte to an activation, and stores it.
    fn shorten(&self, asm: &mut Assembly) {
        let unused = asm.label();
        self.unless_used(asm, unused, Kernel::square(1));
        if self.program.activation_bits == 4 {
            asm.swap(BYTE);
            asm.andi(BYTE, 0x0F);
        }
        asm.mov(X, ROW);
        self.store(asm, COLUMN, BYTE);
        self.go_on(asm);
        asm.bind(unused);
    }

    /// Branches where the byte is of a pixel that nobody reads.
    fn unless_used(&self, asm: &mut Assembly, unused: Label, window: Kernel) {
        for (register, used, length) in [
            (ROW, self.output.height * window.height, self.input.height),
            (COLUMN, self.output.width * window.width, self.input.width),
        ] {
            if used < length {
                asm.cpi(register, used as u8);
                asm.branch(Condition::SameOrHigher, unused, 0.05);
            }
        }
    }

    /// Behind a value that was stored: X ← the cursor's channel. A pixel that is
    /// complete goes through the streamed layers.
    fn go_on(&self, asm: &mut Assembly) {
        if self.program.stages().is_empty() {
            self.point_at_cursor(asm, 2);
            return;
        }
        let (row, column) = (BYTE, CHANNEL);
        let (incomplete, bare, complete) = (asm.label(), asm.label(), asm.label());
        let channels = self.input.channels;
        let share = 1.0 / f64::from(channels);
        if channels > 1 {
            asm.cpi(CHANNEL, (channels - 1) as u8);
            asm.branch(Condition::NotEqual, incomplete, 1.0 - share);
        }
        asm.times(share, |asm| {
            if let Place::Slots(slots) = &self.place
                && slots.has_several()
            {
                asm.movw(Z, NETWORK);
                slots.load_distance(asm);
                slots.advance_by_way_of(asm, BYTE);
            }
            for (place, of) in [(row, ROW), (column, COLUMN)] {
                asm.mov(place, of);
                for _ in 0..self.log2(of) {
                    asm.lsr(place);
                }
            }
            if chain::is_flat(self.program) {
                chain::emit(asm, self.program, bare);
            } else {
                grid::emit(asm, self.program);
            }
            self.point_at_cursor(asm, 0);
            asm.load(ROW, Pointer::X, Mode::PostIncrement);
            asm.load(COLUMN, Pointer::X, Mode::PostIncrement);
            if channels > 1 {
                asm.ldi(CHANNEL, (channels - 1) as u8);
            }
            asm.jump(complete);
            asm.bind(bare);
            if channels > 1 {
                asm.ldi(CHANNEL, (channels - 1) as u8);
            }
        });
        asm.bind(incomplete);
        self.point_at_cursor(asm, 2);
        asm.bind(complete);
    }

    /// X ← a byte of the cursor.
    fn point_at_cursor(&self, asm: &mut Assembly, byte: u32) {
        asm.movw(X, NETWORK);
        asm.add_to_pair(X, byte as i32);
    }

    /// Adds the byte to its window's sum, and stores the pooled value when the
    /// window is complete.
    fn pool(&self, asm: &mut Assembly, pool: PooledIntake) {
        let Kernel { height, width } = pool.field.kernel;
        let advance = asm.label();
        // A last row or column that fills no window is dropped.
        self.unless_used(asm, advance, pool.field.kernel);
        let sum_byte = self.point_at_sum(asm, pool);
        let [before_last, between, begin, complete] = [(); 4].map(|()| asm.label());
        let of_columns = 1.0 / f64::from(width);
        let of_rows = 1.0 / f64::from(height);
        let of_pixels = of_columns * of_rows;

        // The last column of a window, which in a window of one column is the
        // first too.
        if width > 1 {
            self.unless_edge(asm, COLUMN, Edge::Last, before_last);
        } else {
            self.if_edge(asm, ROW, Edge::First, begin);
        }
        let begun = if width > 1 { 0.0 } else { of_pixels };
        let is_last = height == 1 || (height, width) == (2, 1);
        asm.times(of_columns - begun, |asm| {
            self.add(asm, sum_byte);
            if is_last {
                asm.jump(complete);
            } else {
                self.if_edge(asm, ROW, Edge::Last, complete);
            }
        });
        if !is_last {
            asm.times(of_columns - begun - of_pixels, |asm| {
                self.keep_sum(asm, sum_byte);
                asm.jump(advance);
            });
        }

        // The columns before it; in two pixels side by side, the first pixel.
        asm.bind(before_last);
        if width > 1 && (height, width) != (1, 2) {
            asm.times(1.0 - of_columns, |asm| {
                if height == 1 {
                    self.if_edge(asm, COLUMN, Edge::First, begin);
                } else {
                    if width > 2 {
                        self.unless_edge(asm, COLUMN, Edge::First, between);
                    }
                    self.if_edge(asm, ROW, Edge::First, begin);
                }
                asm.bind(between);
            });
            asm.times(1.0 - of_columns - of_pixels, |asm| {
                self.add(asm, sum_byte);
                self.keep_sum(asm, sum_byte);
                self.next_column(asm, advance);
            });
        }
        asm.bind(begin);
        asm.times(of_pixels, |asm| {
            asm.store(Pointer::Z, Mode::Displacement(sum_byte), BYTE);
            asm.store(Pointer::Z, Mode::Displacement(sum_byte + 1), ZERO);
            self.next_column(asm, advance);
        });

        asm.bind(complete);
        asm.times(of_pixels, |asm| {
            let pooled = self.shift(asm);
            if matches!(self.place, Place::Map(_)) {
                asm.mov(X, ROW);
                asm.mov(SPARE, COLUMN);
                for _ in 0..height.ilog2() {
                    asm.lsr(X);
                }
                for _ in 0..width.ilog2() {
                    asm.lsr(SPARE);
                }
            }
            asm.of(Kind::Store, |asm| self.store(asm, SPARE, pooled));
            self.go_on(asm);
        });
        asm.bind(advance);
    }

    /// Of a window's rows or columns.
    fn log2(&self, place: Register) -> u32 {
        let window = self.program.intake.pool.map(|pool| pool.field.kernel);
        let Kernel { height, width } = window.unwrap_or(Kernel::square(1));
        if place == ROW { height } else { width }.ilog2()
    }

    /// Z and a displacement ← the window's sum: two bytes for each window and
    /// channel.
    fn point_at_sum(&self, asm: &mut Assembly, pool: PooledIntake) -> u8 {
        let sums_first_byte = self.program.cursor_bytes + pool.sums_first_byte();
        let channels = self.output.channels;
        let log2 = self.log2(COLUMN);
        if pool.sums_per_column() == 0 {
            asm.movw(Z, NETWORK);
            if channels > 1 {
                for _ in 0..2 {
                    asm.add(Z, CHANNEL);
                    asm.adc(Z.next(), ZERO);
                }
            }
            return self.displacement(asm, sums_first_byte);
        }
        asm.mov(Z, COLUMN);
        if channels == 1 && log2 > 0 {
            for _ in 1..log2 {
                asm.lsr(Z);
            }
            asm.andi(Z, 0xFE);
            asm.ldi(Z.next(), 0);
        } else {
            for _ in 0..log2 {
                asm.lsr(Z);
            }
            asm.ldi(Z.next(), 0);
            multiply_byte(asm, Z, channels, SPARE);
            if channels > 1 {
                asm.add(Z, CHANNEL);
                asm.adc(Z.next(), ZERO);
            }
            asm.lsl(Z);
            asm.rol(Z.next());
        }
        asm.add(Z, NETWORK);
        asm.adc(Z.next(), NETWORK.next());
        self.displacement(asm, sums_first_byte)
    }

    /// By what `ldd` finds two bytes from Z on; without reach, Z goes there.
    fn displacement(&self, asm: &mut Assembly, first_byte: u32) -> u8 {
        if first_byte <= 62 {
            return first_byte as u8;
        }
        asm.add_to_pair(Z, first_byte as i32);
        0
    }

    /// r23:r22 ← the sum and the byte.
    fn add(&self, asm: &mut Assembly, sum_byte: u8) {
        asm.load(SPARE, Pointer::Z, Mode::Displacement(sum_byte));
        asm.load(UPPER, Pointer::Z, Mode::Displacement(sum_byte + 1));
        asm.add(BYTE, SPARE);
        asm.adc(UPPER, ZERO);
    }

    fn keep_sum(&self, asm: &mut Assembly, sum_byte: u8) {
        asm.store(Pointer::Z, Mode::Displacement(sum_byte), BYTE);
        asm.store(Pointer::Z, Mode::Displacement(sum_byte + 1), UPPER);
    }

    /// Goes to the next byte where it is not the last of its window's row.
    fn next_column(&self, asm: &mut Assembly, advance: Label) {
        if self.input.channels > 1 || self.log2(COLUMN) == 0 {
            asm.jump(advance);
            return;
        }
        asm.of(Kind::Other, |asm| {
            asm.inc(COLUMN);
            asm.store(Pointer::X, Mode::PreDecrement, COLUMN);
            asm.ldi(NETWORK, 0);
            asm.ret();
        });
    }

    /// Branches where the row or column is the first or last of its window.
    fn if_edge(&self, asm: &mut Assembly, place: Register, edge: Edge, label: Label) {
        let log2 = self.log2(place);
        let share = 1.0 / f64::from(1 << log2);
        if log2 == 1 {
            match edge {
                Edge::First => asm.skip_if_set(place, 0),
                Edge::Last => asm.skip_if_clear(place, 0),
            }
            asm.times(share, |asm| asm.jump(label));
        } else {
            self.compare_edge(asm, place, edge);
            asm.branch(Condition::Equal, label, share);
        }
    }

    /// Branches where it is not.
    fn unless_edge(&self, asm: &mut Assembly, place: Register, edge: Edge, label: Label) {
        if self.log2(place) == 1 {
            self.if_edge(asm, place, edge.other(), label);
        } else {
            self.compare_edge(asm, place, edge);
            let share = 1.0 / f64::from(1 << self.log2(place));
            asm.branch(Condition::NotEqual, label, 1.0 - share);
        }
    }

    fn compare_edge(&self, asm: &mut Assembly, place: Register, edge: Edge) {
        let mask = (1 << self.log2(place)) - 1;
        asm.mov(SPARE, place);
        asm.andi(SPARE, mask);
        if edge == Edge::Last {
            asm.cpi(SPARE, mask);
        }
    }

    /// The sum's high bits.
    fn shift(&self, asm: &mut Assembly) -> Register {
        let divisor = self.program.intake.divisor;
        let shift = divisor.shift().expect("a simple intake divides by shifts");
        if shift > 4 {
            for _ in shift..8 {
                asm.lsl(BYTE);
                asm.rol(UPPER);
            }
            for _ in 8..shift {
                asm.lsr(UPPER);
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

    /// Stores a value of the pixel in the row in X's low half and that column; or
    /// where the first streamed layer reads it. Changes X, Z and r0.
    fn store(&self, asm: &mut Assembly, column: Register, value: Register) {
        let bits = self.program.activation_bits;
        let (by_nibble, network) = match &self.place {
            Place::Map(source) => {
                self.point_into_map(asm, source, column);
                (source.by_nibble, true)
            }
            Place::Slots(slots) => {
                asm.movw(Z, NETWORK);
                slots.point_at_next(asm);
                self.add_channel(asm, bits == 8 || slots.by_nibble());
                (slots.by_nibble(), false)
            }
        };
        let channel = (self.input.channels > 1).then_some(CHANNEL);
        put(
            asm,
            self.program,
            (by_nibble, network),
            (channel, SPARE),
            value,
        );
    }

    /// X ← the place in a map of the value of the pixel in the row in X's low half
    /// and that column, from the network's address on, which is still to be added.
    fn point_into_map(&self, asm: &mut Assembly, source: &Source<'_>, column: Register) {
        let by_byte = source.bits == 8 || source.by_nibble;
        asm.clr(X.next());
        multiply_byte(asm, X, source.map.shape.width, Z);
        asm.add(X, column);
        asm.adc(X.next(), ZERO);
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

    /// Adds the channel to X, in bytes or nibbles, or halved where two share a
    /// byte.
    fn add_channel(&self, asm: &mut Assembly, whole: bool) {
        if self.input.channels == 1 {
            return;
        }
        asm.mov(TEMPORARY, CHANNEL);
        if !whole {
            asm.lsr(TEMPORARY);
        }
        asm.add(X, TEMPORARY);
        asm.adc(X.next(), ZERO);
    }

    /// Goes to the next byte, and returns; X is at the cursor's channel.
    fn advance(&self, asm: &mut Assembly) {
        let channel = (CHANNEL, self.input.channels, Mode::Plain);
        let places = [
            (COLUMN, self.input.width, Mode::PreDecrement),
            (ROW, self.input.height, Mode::PreDecrement),
        ];
        let channel = Some(channel).filter(|&(_, channels, _)| channels > 1);
        let mut reached = 1.0;
        for (register, length, mode) in channel.into_iter().chain(places) {
            let overflows = asm.label();
            let share = 1.0 / f64::from(length);
            asm.times(reached, |asm| {
                asm.inc(register);
                // At most 255, so that what wraps to 0 is no length.
                asm.cpi(register, length as u8);
                asm.branch(Condition::Equal, overflows, share);
            });
            asm.times(reached * (1.0 - share), |asm| {
                asm.store(Pointer::X, mode, register);
                asm.ldi(NETWORK, 0);
                asm.ret();
            });
            reached *= share;
            asm.bind(overflows);
            asm.times(reached, |asm| asm.store(Pointer::X, mode, ZERO));
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

/// Stores a value, which it changes, at X: a place in nibbles or not, to which the
/// network's address is still to be added or not. The channel's register says which
/// half of a byte it is where two channels share one. `spare` is an upper register.
/// Changes X and r0.
pub(crate) fn put(
    asm: &mut Assembly,
    program: &Program,
    (by_nibble, network): (bool, bool),
    (channel, spare): (Option<Register>, Register),
    value: Register,
) {
    let add_network = |asm: &mut Assembly| {
        if network {
            asm.add(X, NETWORK);
            asm.adc(X.next(), NETWORK.next());
        }
    };
    let (high, stored) = (asm.label(), asm.label());
    if program.activation_bits == 8 {
        add_network(asm);
        asm.store(Pointer::X, Mode::Plain, value);
        return;
    }
    if by_nibble {
        asm.lsr(X.next());
        asm.ror(X);
        asm.branch(Condition::Lower, high, 0.5);
    } else if let Some(channel) = channel {
        asm.mov(TEMPORARY, channel);
        asm.lsr(TEMPORARY);
        asm.branch(Condition::Lower, high, 0.5);
    }
    let half = |asm: &mut Assembly, upper: bool| {
        add_network(asm);
        asm.load(spare, Pointer::X, Mode::Plain);
        if upper {
            asm.swap(value);
        }
        asm.andi(spare, if upper { 0x0F } else { 0xF0 });
        asm.or(spare, value);
        asm.store(Pointer::X, Mode::Plain, spare);
    };
    asm.times(0.5, |asm| {
        half(asm, false);
        asm.jump(stored);
    });
    asm.bind(high);
    asm.times(0.5, |asm| half(asm, true));
    asm.bind(stored);
}

/// Multiplies a byte, whose high half is 0, by a constant that goes through an
/// upper register. Changes r0.
pub(crate) fn multiply_byte(asm: &mut Assembly, low: Register, constant: u32, through: Register) {
    if !asm.core().multiplies || constant.is_power_of_two() {
        return multiply_by_constant(asm, low, constant);
    }
    asm.ldi(through, constant as u8);
    asm.mul(low, through);
    asm.movw(low, PRODUCT[0]);
    asm.clr(ZERO);
}

/// Multiplies a pair by a constant, by doubling and adding. Changes r0, and
/// r1, which is zero again behind it.
pub(crate) fn multiply_by_constant(asm: &mut Assembly, low: Register, constant: u32) {
    let [copy, copy_high] = PRODUCT;
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
    asm.clr(ZERO);
}
