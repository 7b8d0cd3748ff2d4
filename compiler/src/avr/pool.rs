//! Pooling of whole windows: the largest value or the sum of each channel, in
//! registers.

use super::Kind;
use super::assembly::Assembly;
use super::divide;
use super::field::{BYTE, Run, Source, VALUE};
use super::finish::Destination;
use super::instruction::{Condition, Label, Mode, Pointer, Register};
use super::state::{POSITION, Registers};
use crate::network::Kernel;
use crate::program::Pooling;

/// The most channels of a pass; even, so that each begins like its pixel.
const MOST_REGISTERS: u32 = 20;
/// The same where a loop goes through the pixels.
const MOST_REGISTERS_OF_LOOP: u32 = 16;
/// The pixels of a window for each of which there is a call.
const MOST_CALLS: u32 = 16;

/// The sign of a value that adds to several bytes, and a quotient.
const SIGN: Register = Register(28);
const ZERO: Register = Register(1);
/// What a sum is divided in.
const DIVIDED: [Register; 4] = [Register(30), Register(31), Register(26), Register(27)];
/// What is left of the pixels of a row, and of the rows: a byte or two.
const COLUMNS: Register = Register(18);
const ROWS: Register = Register(20);

/// A pooling.
pub(super) struct Pool<'a> {
    pooling: Pooling,
    source: Source<'a>,
    window: Kernel,
    /// The channels of a pass, their registers, and the subroutine that takes a
    /// tap in, one for each nibble that it may begin with.
    passes: Vec<Pass>,
    /// The subroutine that divides a sum, and how often it runs.
    divide: Option<(Label, f64)>,
}

struct Pass {
    first_channel: u32,
    channels: Vec<Vec<Register>>,
    taps: [Option<Label>; 2],
    taken: f64,
}

impl<'a> Pool<'a> {
    pub(super) fn new(pooling: Pooling, source: Source<'a>, window: Kernel) -> Self {
        let width = match pooling {
            Pooling::Maximum => 1,
            Pooling::Average(_) => sum_bytes(window.taps(), source.bits),
        };
        let channels = source.map.shape.channels;
        let most_registers = if window.taps() > MOST_CALLS {
            MOST_REGISTERS_OF_LOOP
        } else {
            MOST_REGISTERS
        };
        let most = most_registers / width / 2 * 2;
        let passes = (0..channels)
            .step_by(most as usize)
            .map(|first_channel| {
                let count = most.min(channels - first_channel);
                Pass {
                    first_channel,
                    channels: (0..count)
                        .map(|channel| {
                            let first = 2 + channel * width;
                            (first..first + width)
                                .map(|byte| Register(byte as u8))
                                .collect()
                        })
                        .collect(),
                    taps: [None; 2],
                    taken: 0.0,
                }
            })
            .collect();
        Self {
            pooling,
            source,
            window,
            passes,
            divide: None,
        }
    }

    /// What it changes, or wants unchanged.
    pub(super) fn registers(&self) -> Registers {
        let channels = self
            .passes
            .iter()
            .flat_map(|pass| pass.channels.iter().flatten());
        let mut registers = Registers::of(channels.copied()).union(self.source.registers());
        registers.insert(SIGN);
        if self.is_loop() {
            let counters = [COLUMNS, COLUMNS.next(), ROWS, ROWS.next()];
            registers = registers.union(Registers::of(counters));
        }
        registers
    }

    /// Whether a loop goes through the pixels of a window.
    fn is_loop(&self) -> bool {
        self.window.taps() > MOST_CALLS
    }

    /// Where its outputs are behind [`Self::emit`], if they are in registers.
    pub(super) fn results(&self) -> Option<Vec<Register>> {
        match &self.passes[..] {
            [pass] => {
                let results = pass.channels.iter().map(|channel| channel[0]);
                // The state of the largest loop takes ten registers beside them.
                let most = Register(16);
                Some(results.collect()).filter(|all: &Vec<_>| all.iter().all(|&one| one < most))
            }
            _ => None,
        }
    }

    /// Computes one output.
    pub(super) fn emit(&mut self, asm: &mut Assembly, destination: Destination) {
        asm.of(Kind::Pool, |asm| {
            for index in 0..self.passes.len() {
                let signed = self.source.signed;
                for channel in &self.passes[index].channels {
                    begin(asm, self.pooling, channel, signed);
                }
                if self.is_loop() {
                    self.loop_over_pixels(asm, index);
                } else {
                    self.call_for_pixels(asm, index);
                }
                for channel in 0..self.passes[index].channels.len() {
                    let registers = self.passes[index].channels[channel].clone();
                    self.finish(asm, &registers);
                    if destination == Destination::Pushed {
                        asm.push(registers[0]);
                    }
                }
            }
        });
    }

    /// The channels of a pass in a pixel of the window.
    fn run(&self, pass: usize, row: u32, column: u32) -> Run {
        let pass = &self.passes[pass];
        Run {
            row,
            column,
            channel: pass.first_channel,
            values: pass.channels.len() as u32,
            first_input: 0,
        }
    }

    fn call_for_pixels(&mut self, asm: &mut Assembly, pass: usize) {
        let pixels = (0..self.window.height)
            .flat_map(|row| (0..self.window.width).map(move |column| (row, column)));
        let runs: Vec<Run> = pixels
            .map(|(row, column)| self.run(pass, row, column))
            .collect();
        self.take_runs(asm, pass, &runs);
    }

    fn take_runs(&mut self, asm: &mut Assembly, pass: usize, runs: &[Run]) {
        let Pass { taps, taken, .. } = &mut self.passes[pass];
        self.source.for_each_run(asm, runs, &mut |asm, _, odd| {
            *taken += asm.executions();
            let label = taps[usize::from(odd)].get_or_insert_with(|| asm.label());
            asm.call(*label);
        });
    }

    /// Lets the position go through all pixels, and come back.
    fn loop_over_pixels(&mut self, asm: &mut Assembly, pass: usize) {
        let Kernel { height, width } = self.window;
        let step = self.source.pixel_step() as i32;
        let to_next_row = (self.source.map.shape.width - width) as i32 * step;
        asm.push(POSITION);
        asm.push(POSITION.next());
        load(asm, ROWS, height);
        let next_row = asm.here();
        asm.times(f64::from(height), |asm| load(asm, COLUMNS, width));
        let next_pixel = asm.here();
        asm.times(f64::from(height) * f64::from(width), |asm| {
            let run = self.run(pass, 0, 0);
            self.take_runs(asm, pass, &[run]);
            self.move_on(asm, step);
            count_down(asm, COLUMNS, width, next_pixel);
        });
        asm.times(f64::from(height), |asm| {
            if height > 1 {
                self.move_on(asm, to_next_row);
            }
            count_down(asm, ROWS, height, next_row);
        });
        asm.pop(POSITION.next());
        asm.pop(POSITION);
    }

    /// Moves the position on, around a ring. Changes X.
    fn move_on(&self, asm: &mut Assembly, units: i32) {
        if units == 0 {
            return;
        }
        asm.add_to_pair(POSITION, units);
        let (Some(register), Some(bytes)) = (self.source.ring_end(), self.source.ring_bytes())
        else {
            return;
        };
        let (inside, x) = (asm.label(), Pointer::X.low());
        let mut length = bytes;
        asm.movw(x, register);
        if self.source.by_nibble {
            length *= 2;
            asm.lsl(x);
            asm.rol(x.next());
        }
        asm.cp(POSITION, x);
        asm.cpc(POSITION.next(), x.next());
        asm.branch(Condition::Lower, inside, 0.9);
        asm.times(0.1, |asm| asm.add_to_pair(POSITION, -(length as i32)));
        asm.bind(inside);
    }

    /// The subroutines, where nothing runs into them.
    pub(super) fn subroutines(&self, asm: &mut Assembly) {
        asm.of(Kind::Pool, |asm| {
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
            if let (Some((label, times)), Pooling::Average(divisor)) = (self.divide, self.pooling) {
                let Source { bits, signed, .. } = self.source;
                let width = sum_bytes(self.window.taps(), bits) as usize;
                asm.times(times, |asm| {
                    asm.bind(label);
                    divide::down(asm, &DIVIDED[..width], (divisor.0, bits, signed), SIGN);
                    asm.ret();
                });
            }
        });
    }

    fn emit_tap(&self, asm: &mut Assembly, pass: &Pass, odd: bool) {
        if self.source.bits == 8 {
            for channel in &pass.channels {
                asm.load(VALUE, Pointer::X, Mode::PostIncrement);
                self.take(asm, channel, VALUE);
            }
            return;
        }
        let mut channels = &pass.channels[..];
        if odd && let Some((first, rest)) = channels.split_first() {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            self.take_high(asm, first);
            channels = rest;
        }
        let (pairs, rest) = channels.as_chunks::<2>();
        for [low, high] in pairs {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            let next = asm.label();
            // Two zeros change neither a largest value nor a sum; of signed values
            // the largest may be below.
            let skips = !(self.source.signed && self.pooling == Pooling::Maximum);
            if skips {
                asm.tst(BYTE);
                asm.branch(Condition::Equal, next, 0.5);
            }
            asm.times(if skips { 0.5 } else { 1.0 }, |asm| {
                self.take_low(asm, low);
                self.take_high(asm, high);
            });
            asm.bind(next);
        }
        if let [last] = rest {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            self.take_low(asm, last);
        }
    }

    fn take_low(&self, asm: &mut Assembly, channel: &[Register]) {
        asm.mov(VALUE, BYTE);
        asm.andi(VALUE, 0x0F);
        self.take_nibble(asm, channel, VALUE);
    }

    fn take_high(&self, asm: &mut Assembly, channel: &[Register]) {
        asm.swap(BYTE);
        asm.andi(BYTE, 0x0F);
        self.take_nibble(asm, channel, BYTE);
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

    /// Leaves the bits that are stored in the first register.
    fn finish(&mut self, asm: &mut Assembly, channel: &[Register]) {
        let signed = self.source.signed;
        if let Pooling::Average(divisor) = self.pooling {
            match divisor.shift() {
                Some(shift) => {
                    for _ in 0..shift {
                        shift_down(asm, channel, signed);
                    }
                }
                None => {
                    let (label, times) = self.divide.get_or_insert_with(|| (asm.label(), 0.0));
                    *times += asm.executions();
                    for (&to, &from) in DIVIDED.iter().zip(channel) {
                        asm.mov(to, from);
                    }
                    asm.call(*label);
                    asm.mov(channel[0], SIGN);
                }
            }
        }
        if signed && self.source.bits == 4 {
            asm.mov(VALUE, channel[0]);
            asm.andi(VALUE, 0x0F);
            asm.mov(channel[0], VALUE);
        }
    }
}

/// Bytes of a sum of so many values. Sixteen of 4 bits stay within 8 (at most 240,
/// at least −128).
fn sum_bytes(values: u32, bits: u32) -> u32 {
    match (values, bits) {
        (..=16, 4) => 1,
        (..=4096, 4) | (..=256, _) => 2,
        _ => 4,
    }
}

/// Halves a sum, rounding down.
pub(super) fn shift_down(asm: &mut Assembly, sum: &[Register], signed: bool) {
    for (index, &register) in sum.iter().rev().enumerate() {
        match (index, signed) {
            (0, true) => asm.asr(register),
            (0, false) => asm.lsr(register),
            _ => asm.ror(register),
        }
    }
}

fn begin(asm: &mut Assembly, pooling: Pooling, channel: &[Register], signed: bool) {
    for &register in channel {
        asm.clr(register);
    }
    if pooling == Pooling::Maximum && signed {
        // Below every value.
        asm.ldi(VALUE, 0x80);
        asm.mov(channel[0], VALUE);
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
            for &register in &channel[1..] {
                asm.adc(register, sign);
            }
        }
    }
}

/// A count into a byte or, above 255, a pair.
fn load(asm: &mut Assembly, register: Register, count: u32) {
    let [low, high, ..] = count.to_le_bytes();
    asm.ldi(register, low);
    if count > 0xFF {
        asm.ldi(register.next(), high);
    }
}

/// Counts down, and goes on unless that was the last.
fn count_down(asm: &mut Assembly, register: Register, count: u32, next: Label) {
    if count > 0xFF {
        asm.subi(register, 1);
        asm.sbci(register.next(), 0);
    } else {
        asm.dec(register);
    }
    asm.branch(Condition::NotEqual, next, 1.0 - 1.0 / f64::from(count));
}
