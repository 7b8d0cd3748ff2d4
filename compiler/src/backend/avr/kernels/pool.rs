//! Pooling of a stored map: the largest value or the sum of each channel over a
//! window, in registers.

use crate::backend::avr::arithmetic::divide;
use crate::backend::avr::arithmetic::wide::load_sum;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    ACTIVATION, ACTIVATIONS, POSITION, Pointer, R2, R20, R28, R29, Register, Registers, SUM, X,
    ZERO,
};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::round::finish::Destination;
use crate::backend::avr::round::scale::Scaler;
use crate::program::{ByteScales, Expectation, Pooling};
use std::rc::Rc;

/// The most channels of a pass; even, so that each begins like its pixel.
const MOST_REGISTERS: usize = 20;
/// The same where bytes are made of sums by multiplication.
const MOST_SCALED_REGISTERS: usize = 14;
/// Larger windows are gone through in a loop.
const MOST_TAPS: u32 = 16;

/// Sums of 8-bit values need a second byte.
const SIGN: Register = R28;
/// Of a division that is no shift.
const QUOTIENT: Register = R29;
/// Counts of rows and columns of a window that are left.
const ROWS_LEFT: Register = R29;
const COLUMNS_LEFT: Register = R20;

/// A pooling.
pub(crate) struct PoolKernel<'a> {
    pooling: Pooling,
    /// Of a model's averages.
    scaler: Option<Scaler>,
    source: MapSource<'a>,
    window: (u32, u32),
    expectation: &'a Expectation,
    /// The channels of a pass, their registers, and the subroutine that takes a
    /// tap in, one for each nibble that it may begin with.
    passes: Vec<PoolPass>,
    /// The subroutine that divides a sum, where that is no shift, and how often.
    divide: Option<CodeLabel>,
    divided: f64,
}

struct PoolPass {
    first_channel: u32,
    channels: Vec<Vec<Register>>,
    taps: [Option<CodeLabel>; 2],
    taken: f64,
}

impl<'a> PoolKernel<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        (pooling, scales): (Pooling, Option<Rc<ByteScales>>),
        (source, window): (MapSource<'a>, (u32, u32)),
        expectation: &'a Expectation,
    ) -> Self {
        let width = sum_bytes(pooling, &source, window.0 * window.1);
        let channels = source.map.shape.channels;
        let is_looped = is_looped(&source, window);
        // Two of them count.
        let registers = match (is_looped, scales.is_some()) {
            (_, true) => MOST_SCALED_REGISTERS,
            (true, false) => MOST_REGISTERS - 2,
            (false, false) => MOST_REGISTERS,
        };
        let most = (registers / width) as u32 & !1;
        let passes = (0..channels)
            .step_by(most as usize)
            .map(|first_channel| {
                let count = most.min(channels - first_channel) as usize;
                PoolPass {
                    first_channel,
                    channels: (0..count)
                        .map(|channel| {
                            let first = R2.after((channel * width) as u8);
                            first.run(width as u8).collect()
                        })
                        .collect(),
                    taps: [None; 2],
                    taken: 0.0,
                }
            })
            .collect();
        let divides = match pooling {
            Pooling::Average(divisor) => divisor.shift().is_none() && scales.is_none(),
            Pooling::Maximum => false,
        };
        Self {
            pooling,
            scaler: scales.map(Scaler::new),
            source,
            window,
            expectation,
            passes,
            divide: divides.then(|| asm.label()),
            divided: 0.0,
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let channels = self
            .passes
            .iter()
            .flat_map(|pass| pass.channels.iter().flatten());
        let mut registers = Registers::of(channels.copied()).union(self.source.registers());
        registers.insert(SIGN);
        if self.scaler.is_some() {
            registers = registers.union(Scaler::registers());
        }
        if self.divide.is_some() {
            registers.insert(QUOTIENT);
        }
        if is_looped(&self.source, self.window) {
            let counts = [ROWS_LEFT, COLUMNS_LEFT, COLUMNS_LEFT.next()];
            registers = registers.union(Registers::of(counts));
        }
        registers
    }

    /// Where its outputs are after [`Self::emit`], if one pass computes them all.
    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        match &self.passes[..] {
            [pass] => Some(pass.channels.iter().map(|channel| channel[0]).collect()),
            _ => None,
        }
    }

    /// Computes one output.
    pub(crate) fn emit(&mut self, asm: &mut Assembly, destination: Destination) {
        let is_looped = is_looped(&self.source, self.window);
        asm.of(Purpose::Pool, |asm| {
            for index in 0..self.passes.len() {
                let pass = &mut self.passes[index];
                for channel in &pass.channels {
                    begin(asm, self.pooling, channel, self.source.signed);
                }
                let first = pass.first_channel;
                let last = first + pass.channels.len() as u32;
                let run = |row: u32, column: u32| Run {
                    row,
                    column,
                    channel: first,
                    values: last - first,
                    first_input: 0,
                };
                let taps = &mut pass.taps;
                let mut taken = 0.0;
                let mut take = |asm: &mut Assembly, run: &Run, odd: bool| {
                    // In a ring a run may be two pixels, the second of which begins in
                    // the byte in which the first one ends.
                    for pixel in 0..run.values / (last - first) {
                        if pixel > 0 {
                            asm.add_to_pair(X, -1);
                        }
                        taken += asm.executions();
                        let odd = odd != (pixel % 2 == 1);
                        let label = taps[usize::from(odd)].get_or_insert_with(|| asm.label());
                        asm.call(*label);
                    }
                };
                let (height, width) = self.window;
                if is_looped {
                    asm.restoring(Registers::of_pairs([POSITION]), |asm| {
                        each_pixel(asm, &self.source, self.window, &mut |asm| {
                            self.source.for_each_run(asm, &[run(0, 0)], &mut take);
                        });
                    });
                } else {
                    let pixels = (0..height).flat_map(|row| (0..width).map(move |it| (row, it)));
                    let runs: Vec<Run> = pixels.map(|(row, column)| run(row, column)).collect();
                    self.source.for_each_run(asm, &runs, &mut take);
                }
                pass.taken += taken;
                for channel in &pass.channels {
                    match &mut self.scaler {
                        Some(scaler) => {
                            let byte = scaler.emit(asm, channel, 0);
                            asm.mov(channel[0], byte);
                        }
                        None => finish(asm, self.pooling, channel, (&self.source, self.divide)),
                    }
                    self.divided += asm.executions();
                    if destination == Destination::Pushed {
                        asm.push(channel[0]);
                    }
                }
            }
        });
    }

    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        if let Some(scaler) = &self.scaler {
            scaler.subroutine(asm);
        }
        asm.of(Purpose::Pool, |asm| {
            if let (Some(label), Pooling::Average(divisor)) = (self.divide, self.pooling) {
                let width = self.passes[0].channels[0].len();
                let what = (divisor.0, self.source.bits, self.source.signed);
                asm.bind(label);
                asm.times(self.divided, |asm| {
                    divide::down(asm, &SUM[..width], what, QUOTIENT);
                    asm.ret();
                });
            }
            for pass in &self.passes {
                let both = pass.taps.iter().flatten().count() as f64;
                for (odd, label) in [false, true].into_iter().zip(pass.taps) {
                    if let Some(label) = label {
                        asm.times(pass.taken / both, |asm| {
                            asm.bind(label);
                            self.emit_tap(asm, pass, odd);
                            asm.ret();
                        });
                    }
                }
            }
        });
    }

    fn emit_tap(&self, asm: &mut Assembly, pass: &PoolPass, odd: bool) {
        if self.source.bits == 8 {
            for channel in &pass.channels {
                asm.load(ACTIVATION, Pointer::X, Mode::PostIncrement);
                self.take(asm, channel, ACTIVATION);
            }
            return;
        }
        let mut channels = &pass.channels[..];
        if odd && let Some((first, rest)) = channels.split_first() {
            asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
            self.take_high(asm, first);
            channels = rest;
        }
        let (pairs, rest) = channels.as_chunks::<2>();
        let first = pass.first_channel as usize + usize::from(odd);
        for (channel, [low, high]) in (first..).step_by(2).zip(pairs) {
            asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
            let next = asm.label();
            // Two zeros change neither a largest value nor a sum; of signed values
            // the largest may be below.
            let skips = !(self.source.signed && self.pooling == Pooling::Maximum);
            let zero_pair = if skips {
                self.expectation.zero_pair(channel)
            } else {
                0.0
            };
            if skips {
                asm.tst(ACTIVATIONS);
                asm.branch(Condition::Equal, next, zero_pair);
            }
            asm.times(1.0 - zero_pair, |asm| {
                self.take_low(asm, low);
                self.take_high(asm, high);
            });
            asm.bind(next);
        }
        if let [last] = rest {
            asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
            self.take_low(asm, last);
        }
    }

    fn take_low(&self, asm: &mut Assembly, channel: &[Register]) {
        asm.mov(ACTIVATION, ACTIVATIONS);
        asm.andi(ACTIVATION, 0x0F);
        self.take_nibble(asm, channel, ACTIVATION);
    }

    fn take_high(&self, asm: &mut Assembly, channel: &[Register]) {
        asm.swap(ACTIVATIONS);
        asm.andi(ACTIVATIONS, 0x0F);
        self.take_nibble(asm, channel, ACTIVATIONS);
    }

    fn take_nibble(&self, asm: &mut Assembly, channel: &[Register], value: Register) {
        if self.source.signed {
            asm.skip_if_clear(value, 3);
            asm.ori(value, 0xF0);
        }
        self.take(asm, channel, value);
    }

    fn take(&self, asm: &mut Assembly, channel: &[Register], value: Register) {
        take(asm, self.pooling, channel, value, self.source.signed);
    }
}

/// Whether a window's pixels are gone through in a loop: windows over rings are
/// small, and may go around anywhere.
fn is_looped(source: &MapSource<'_>, window: (u32, u32)) -> bool {
    window.0 * window.1 > MOST_TAPS && source.ring_bytes().is_none()
}

/// Bytes in which the sum of that many values is kept, or their maximum.
fn sum_bytes(pooling: Pooling, source: &MapSource<'_>, taps: u32) -> usize {
    let most = match (pooling, source.signed) {
        (Pooling::Maximum, _) => return 1,
        // As many bits as the least sum has.
        (Pooling::Average(_), true) => (u64::from(taps) << source.bits) - 1,
        (Pooling::Average(_), false) => u64::from(taps) * ((1 << source.bits) - 1),
    };
    (1..=4)
        .find(|bytes| most >> (8 * bytes) == 0)
        .expect("a map has less than 2^24 pixels")
}

/// Emits what is done for each pixel of a window, the position going from one to the
/// next, and back to the first.
fn each_pixel(
    asm: &mut Assembly,
    source: &MapSource<'_>,
    (height, width): (u32, u32),
    body: &mut dyn FnMut(&mut Assembly),
) {
    let step = source.pixel_step() as i32;
    let (rows, columns) = match width == source.map.shape.width {
        true => (1, width * height),
        false => (height, width),
    };
    let down = (source.map.shape.width - width) as i32 * step;
    if rows > 1 {
        asm.ldi(ROWS_LEFT, rows as u8);
    }
    let row = asm.here();
    asm.times(rows.into(), |asm| {
        asm.ldi_pair(COLUMNS_LEFT, columns as u16);
        let column = asm.here();
        asm.times(columns.into(), |asm| {
            body(asm);
            asm.add_to_pair(POSITION, step);
            asm.subi(COLUMNS_LEFT, 1);
            asm.sbci(COLUMNS_LEFT.next(), 0);
            asm.loop_back(Condition::NotEqual, column, columns.into());
        });
        if rows > 1 {
            asm.add_to_pair(POSITION, down);
            asm.dec(ROWS_LEFT);
            asm.loop_back(Condition::NotEqual, row, rows.into());
        }
    });
    let back = rows as i32 * (columns as i32 * step + if rows > 1 { down } else { 0 });
    asm.add_to_pair(POSITION, -back);
}

fn begin(asm: &mut Assembly, pooling: Pooling, channel: &[Register], signed: bool) {
    for &register in channel {
        asm.clr(register);
    }
    if pooling == Pooling::Maximum && signed {
        // Below every value.
        asm.ldi(ACTIVATION, 0x80);
        asm.mov(channel[0], ACTIVATION);
    }
}

fn take(asm: &mut Assembly, pooling: Pooling, channel: &[Register], value: Register, signed: bool) {
    match pooling {
        Pooling::Maximum => {
            let not_larger = asm.label();
            asm.cp(channel[0], value);
            let condition = if signed {
                Condition::GreaterOrEqual
            } else {
                Condition::SameOrHigher
            };
            asm.branch(condition, not_larger, 0.7);
            asm.mov(channel[0], value);
            asm.bind(not_larger);
        }
        Pooling::Average(_) => {
            let mut sign = ZERO;
            if signed && channel.len() > 1 {
                sign = SIGN;
                asm.clr(SIGN);
                asm.skip_if_clear(value, 7);
                asm.com(SIGN);
            }
            asm.add(channel[0], value);
            for &upper in &channel[1..] {
                asm.adc(upper, sign);
            }
        }
    }
}

/// Leaves the bits that are stored in the first register.
fn finish(
    asm: &mut Assembly,
    pooling: Pooling,
    channel: &[Register],
    (source, divide): (&MapSource<'_>, Option<CodeLabel>),
) {
    if let Pooling::Average(divisor) = pooling {
        match (divisor.shift(), divide) {
            (Some(shift), _) => {
                for _ in 0..shift {
                    for (index, &register) in channel.iter().rev().enumerate() {
                        match index {
                            0 if source.signed => asm.asr(register),
                            0 => asm.lsr(register),
                            _ => asm.ror(register),
                        }
                    }
                }
            }
            (None, Some(divide)) => {
                load_sum(asm, channel);
                asm.call(divide);
                asm.mov(channel[0], QUOTIENT);
            }
            (None, None) => unreachable!("what is no shift has a subroutine"),
        }
    }
    if source.signed && source.bits == 4 {
        asm.mov(ACTIVATION, channel[0]);
        asm.andi(ACTIVATION, 0x0F);
        asm.mov(channel[0], ACTIVATION);
    }
}
