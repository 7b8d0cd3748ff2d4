//! A depthwise sum with weights from a table: channel by channel, for each has its
//! own weight at every tap.
//!
//! Offset binary as in `table`. The values go to the stack, where the pointwise
//! half of a separable layer reads them; sums that are results go to those.

use crate::backend::avr::arithmetic::wide::{shift_up, subtract};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, POSITION, PRODUCT, Pointer, R2, R6, R10, R15, R18, R19, R20, R28, R29, Register,
    Registers, VALUE, WEIGHT, X, ZERO,
};
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::kernels::table::multiply;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::guard::Inside;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::rounder::Rounder;
use crate::backend::avr::round::sum::Sum;

const CHANNEL: Register = R18;
const COUNTER: Register = R19;
/// The position, a channel further.
const CELL: Register = R20;
const SIGN: Register = R15;
/// The position after a ring's last cell.
const LIMIT: Register = R10;

/// A depthwise sum from a table.
pub(crate) struct DepthwiseTable<'a> {
    sum: &'a Sum<'a>,
    source: MapSource<'a>,
    kernel: (u32, u32),
    rows: Rows,
    accumulator: Vec<Register>,
    total: Vec<Register>,
    rounder: Rounder<'a>,
    tap: CodeLabel,
    channel: CodeLabel,
    multiply: CodeLabel,
    channels_computed: f64,
}

impl<'a> DepthwiseTable<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        mut source: MapSource<'a>,
        kernel: (u32, u32),
    ) -> Self {
        source.keeps_z = true;
        let registers = |first: Register| first.run(sum.width as u8).collect();
        let rows = Rows::new(asm, sum);
        Self {
            sum,
            source,
            kernel,
            rows,
            accumulator: registers(R2),
            total: registers(R6),
            rounder: Rounder::new(sum),
            tap: asm.label(),
            channel: asm.label(),
            multiply: asm.label(),
            channels_computed: 0.0,
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        // Rounding by shifts works in Y.
        let fixed = [VALUE, WEIGHT, CHANNEL, COUNTER, CELL, CELL.next(), SIGN]
            .into_iter()
            .chain([R28, R29, BASE, BASE.next()]);
        let sums = self.accumulator.iter().chain(&self.total).copied();
        let limit = [LIMIT, LIMIT.next()].into_iter();
        let limit = limit.filter(|_| self.source.ring_bytes().is_some());
        Registers::of(fixed.chain(sums).chain(limit)).union(self.source.guard_registers())
    }

    /// Computes one output's values, and pushes them, or puts sums that are results.
    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        let return_bytes = i64::from(asm.core().program_counter.bytes);
        if self.source.ring_bytes().is_some() {
            asm.movw(LIMIT, BASE);
            if self.source.by_nibble {
                asm.lsl(LIMIT);
                asm.rol(LIMIT.next());
            }
        }
        for channel in 0..self.sum.program.outputs {
            self.channels_computed += asm.executions();
            asm.ldi(CHANNEL, channel as u8);
            asm.call(self.channel);
            // The tap, the multiplication, and Z where cells come from a table.
            asm.stack_changes(3 * return_bytes + 2);
            asm.stack_changes(-3 * return_bytes - 2);
            let own = self.accumulator.clone();
            let output = channel as usize;
            if let (Some(added), Some(joining)) = (self.sum.added, self.sum.joining) {
                let own = std::slice::from_ref(&own);
                added.add(asm, joining, own, output, state);
            }
            if !self.sum.is_exact() {
                self.rounder.begin(asm, output);
                self.rounder
                    .round(asm, &own, output, (ZERO, destination), state);
                continue;
            }
            let mut shift = finish::SumShift {
                left: 0,
                biases: &[],
            };
            match self.sum.constants() {
                Some(constants) if !self.sum.joins_by_loops() => {
                    shift = finish::SumShift {
                        left: self.sum.left,
                        biases: &constants.biases[output..],
                    };
                }
                Some(_) | None => {
                    self.rounder.begin(asm, output);
                    self.rounder.exact(asm, &own, output, state);
                }
            }
            let own = std::slice::from_ref(&own);
            finish::exact(asm, &shift, own, output, (state, sink));
        }
    }

    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        let taps = f64::from(self.kernel.0 * self.kernel.1);
        asm.times(self.channels_computed, |asm| {
            asm.bind(self.channel);
            asm.of(Purpose::Load, |asm| self.emit_channel(asm));
            asm.times(taps, |asm| {
                asm.bind(self.tap);
                asm.of(Purpose::Load, |asm| self.emit_tap(asm));
                if !asm.core().multiplies {
                    asm.bind(self.multiply);
                    asm.of(Purpose::MultiplyAccumulate, |asm| multiply(asm, COUNTER));
                }
            });
        });
        self.rounder.subroutines(asm);
    }

    /// The sum of one channel.
    fn emit_channel(&self, asm: &mut Assembly) {
        for &register in self.accumulator.iter().chain(&self.total) {
            asm.clr(register);
        }
        self.begin_weights(asm);
        let shared = self.source.bits == 4 && !self.source.by_nibble;
        asm.movw(CELL, POSITION);
        if !self.source.has_table() {
            asm.mov(VALUE, CHANNEL);
            if shared {
                asm.lsr(VALUE);
            }
            asm.add(CELL, VALUE);
            asm.adc(CELL.next(), ZERO);
        }
        for row in 0..self.kernel.0 {
            let inside = self.source.guards.map(|guards| guards.row(row));
            let outside = self.kernel.1 * self.rows.row_bytes;
            self.where_inside(asm, inside, (row, true), outside, &|asm| {
                for column in 0..self.kernel.1 {
                    let inside = self.source.guards.map(|guards| guards.column(column));
                    let outside = self.rows.row_bytes;
                    self.where_inside(asm, inside, (column, false), outside, &|asm| {
                        self.point_at_tap(asm, (row, column));
                        asm.call(self.tap);
                    });
                }
            });
        }
        for _ in 0..self.sum.weight_bits - 1 {
            shift_up(asm, &self.total);
        }
        subtract(asm, &self.accumulator, &self.total);
        asm.ret();
    }

    /// Emits what is done for a row or column of the kernel where that is inside the
    /// map; else its bytes of weights are skipped.
    fn where_inside(
        &self,
        asm: &mut Assembly,
        inside: Option<Inside>,
        (tap, is_row): (u32, bool),
        weight_bytes: u32,
        body: &dyn Fn(&mut Assembly),
    ) {
        match (inside, self.source.guards) {
            (None | Some(Inside::Always), _) => body(asm),
            (Some(Inside::Never), _) => self.rows.skip(asm, weight_bytes),
            (Some(Inside::Between(..)), None) => unreachable!("guards say so"),
            (Some(Inside::Between(..)), Some(guards)) => {
                let (outside, done) = (asm.label(), asm.label());
                let share = match is_row {
                    true => guards.test_row(asm, tap, (outside, VALUE)),
                    false => guards.test_column(asm, tap, (outside, VALUE)),
                };
                asm.times(share, |asm| {
                    body(asm);
                    asm.jump(done);
                });
                asm.bind(outside);
                asm.times(1.0 - share, |asm| self.rows.skip(asm, weight_bytes));
                asm.bind(done);
            }
        }
    }

    /// X ← the position of the channel's value under a tap; with a table of addresses,
    /// where its pixel begins, and the channel.
    fn point_at_tap(&self, asm: &mut Assembly, (row, column): (u32, u32)) {
        let shared = self.source.bits == 4 && !self.source.by_nibble;
        let channels = self.source.map.shape.channels;
        let pixel = self
            .source
            .around(row * self.source.map.shape.width + column);
        if self.source.has_table() {
            self.source.point_at_pixel(asm, pixel);
            asm.mov(VALUE, CHANNEL);
            if shared {
                asm.lsr(VALUE);
            }
            asm.add(X, VALUE);
            asm.adc(X.next(), ZERO);
        } else {
            asm.movw(X, CELL);
            let cells = self.source.position_of_cells(pixel * channels);
            asm.add_to_pair(X, cells as i32);
            if pixel > 0 {
                self.go_around(asm);
            }
        }
    }

    /// Takes X back by the ring, where the map is in one and X is after it.
    fn go_around(&self, asm: &mut Assembly) {
        let Some(bytes) = self.source.ring_bytes() else {
            return;
        };
        let inside = asm.label();
        asm.cp(X, LIMIT);
        asm.cpc(X.next(), LIMIT.next());
        asm.branch(Condition::Lower, inside, 0.5);
        let units = if self.source.by_nibble {
            2 * bytes
        } else {
            bytes
        };
        let [low, high, ..] = units.to_le_bytes();
        asm.subi(X, low);
        asm.sbci(X.next(), high);
        asm.bind(inside);
    }

    /// Z ← the channel's byte of the first row.
    fn begin_weights(&self, asm: &mut Assembly) {
        self.rows.begin(asm, 0);
        asm.mov(VALUE, CHANNEL);
        for _ in 0..(8 / self.sum.weight_bits).ilog2() {
            asm.lsr(VALUE);
        }
        self.rows.skip_by(asm, VALUE);
    }

    /// One tap: loads the channel's value and weight, and adds their product.
    fn emit_tap(&self, asm: &mut Assembly) {
        let low = asm.label();
        if self.source.by_nibble {
            asm.lsr(X.next());
            asm.ror(X);
            asm.load(VALUE, Pointer::X, Mode::Plain);
            asm.branch(Condition::SameOrHigher, low, 0.5);
            asm.swap(VALUE);
            asm.bind(low);
        } else {
            asm.load(VALUE, Pointer::X, Mode::Plain);
            if self.source.bits == 4 {
                asm.skip_if_clear(CHANNEL, 0);
                asm.swap(VALUE);
            }
        }
        if self.source.bits == 4 {
            asm.andi(VALUE, 0x0F);
            if self.sum.signed_input {
                asm.skip_if_clear(VALUE, 3);
                asm.ori(VALUE, 0xF0);
            }
        }
        self.rows.load(asm, WEIGHT);
        if self.rows.row_bytes > 1 {
            asm.ldi(COUNTER, (self.rows.row_bytes - 1) as u8);
            self.rows.skip_by(asm, COUNTER);
        }
        match self.sum.weight_bits {
            4 => {
                asm.skip_if_clear(CHANNEL, 0);
                asm.swap(WEIGHT);
                asm.andi(WEIGHT, 0x0F);
            }
            2 => {
                asm.skip_if_clear(CHANNEL, 1);
                asm.swap(WEIGHT);
                for _ in 0..2 {
                    asm.skip_if_clear(CHANNEL, 0);
                    asm.lsr(WEIGHT);
                }
                asm.andi(WEIGHT, 0x03);
            }
            _ => {}
        }
        asm.of(Purpose::MultiplyAccumulate, |asm| self.add_product(asm));
        asm.ret();
    }

    fn add_product(&self, asm: &mut Assembly) {
        let product = PRODUCT;
        let sign_of = |asm: &mut Assembly, register: Register| {
            asm.clr(SIGN);
            if self.sum.signed_input {
                asm.skip_if_clear(register, 7);
                asm.com(SIGN);
            }
        };
        sign_of(asm, VALUE);
        asm.add(self.total[0], VALUE);
        for &register in &self.total[1..] {
            asm.adc(register, SIGN);
        }
        if asm.core().multiplies {
            if self.sum.signed_input {
                asm.mulsu(VALUE, WEIGHT);
            } else {
                asm.mul(VALUE, WEIGHT);
            }
        } else {
            asm.call(self.multiply);
            if self.sum.signed_input {
                // As an unsigned number, it was 256 too large.
                asm.skip_if_clear(VALUE, 7);
                asm.sub(product[1], WEIGHT);
            }
        }
        sign_of(asm, product[1]);
        asm.add(self.accumulator[0], product[0]);
        asm.adc(self.accumulator[1], product[1]);
        for &register in &self.accumulator[2..] {
            asm.adc(register, SIGN);
        }
        asm.clr(ZERO);
    }
}
