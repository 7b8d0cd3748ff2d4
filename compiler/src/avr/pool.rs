//! Pooling of a stored map: the largest value or the sum of each channel over a
//! window, in registers.

use super::Kind;
use super::assembly::Assembly;
use super::field::{BYTE, Run, Source, VALUE};
use super::finish::Destination;
use super::instruction::{Condition, Label, Mode, Pointer, Register};
use super::state::Registers;

/// What is made of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// The largest.
    Maximum,
    /// The sum, shifted down by so many bits.
    Average { shift: u32 },
}

/// The most channels of a pass; even, so that each begins like its pixel.
const MOST_REGISTERS: usize = 20;

/// Sums of 8-bit values need a second byte.
const SIGN: Register = Register(28);
const ZERO: Register = Register(1);

/// A pooling.
pub(super) struct Pool<'a> {
    pooling: Pooling,
    source: Source<'a>,
    window: (u32, u32),
    /// The channels of a pass, their registers, and the subroutine that takes a
    /// tap in, one for each nibble that it may begin with.
    passes: Vec<Pass>,
}

struct Pass {
    first_channel: u32,
    channels: Vec<Vec<Register>>,
    taps: [Option<Label>; 2],
    taken: f64,
}

impl<'a> Pool<'a> {
    pub(super) fn new(pooling: Pooling, source: Source<'a>, window: (u32, u32)) -> Self {
        // Sixteen values of 4 bits stay within 8 (at most 240, at least −128).
        let wide = matches!(pooling, Pooling::Average { .. }) && source.bits == 8;
        let width = if wide { 2 } else { 1 };
        let channels = source.map.shape.channels;
        let most = (MOST_REGISTERS / width) as u32;
        let passes = (0..channels)
            .step_by(most as usize)
            .map(|first_channel| {
                let count = most.min(channels - first_channel) as usize;
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
        registers
    }

    /// Where its outputs are after [`Self::emit`], if one pass computes them all.
    pub(super) fn results(&self) -> Option<Vec<Register>> {
        match &self.passes[..] {
            [pass] => Some(pass.channels.iter().map(|channel| channel[0]).collect()),
            _ => None,
        }
    }

    /// Computes one output.
    pub(super) fn emit(&mut self, asm: &mut Assembly, destination: Destination) {
        asm.of(Kind::Pool, |asm| {
            for index in 0..self.passes.len() {
                let pass = &mut self.passes[index];
                for channel in &pass.channels {
                    self.pooling.begin(asm, channel, &self.source);
                }
                let first = pass.first_channel;
                let last = first + pass.channels.len() as u32;
                let mut runs = Vec::new();
                for row in 0..self.window.0 {
                    for column in 0..self.window.1 {
                        runs.push(Run {
                            row,
                            column,
                            channel: first,
                            values: last - first,
                            first_input: 0,
                        });
                    }
                }
                let taps = &mut pass.taps;
                let mut taken = 0.0;
                self.source.for_each_run(asm, &runs, &mut |asm, _, odd| {
                    taken += asm.executions();
                    let label = taps[usize::from(odd)].get_or_insert_with(|| asm.label());
                    asm.call(*label);
                });
                pass.taken += taken;
                for channel in &pass.channels {
                    self.pooling.finish(asm, channel, &self.source);
                    if destination == Destination::Pushed {
                        asm.push(channel[0]);
                    }
                }
            }
        });
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
        self.pooling.take(asm, channel, value, self.source.signed);
    }
}

impl Pooling {
    fn begin(self, asm: &mut Assembly, channel: &[Register], source: &Source<'_>) {
        for &register in channel {
            asm.clr(register);
        }
        if self == Pooling::Maximum && source.signed {
            // Below every value.
            asm.ldi(VALUE, 0x80);
            asm.mov(channel[0], VALUE);
        }
    }

    fn take(self, asm: &mut Assembly, channel: &[Register], value: Register, signed: bool) {
        match self {
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
            Pooling::Average { .. } => {
                let mut sign = ZERO;
                if let (true, [_, _]) = (signed, channel) {
                    sign = SIGN;
                    asm.clr(SIGN);
                    asm.skip_if_clear(value, 7);
                    asm.com(SIGN);
                }
                asm.add(channel[0], value);
                if let [_, high] = *channel {
                    asm.adc(high, sign);
                }
            }
        }
    }

    /// Leaves the bits that are stored in the first register.
    fn finish(self, asm: &mut Assembly, channel: &[Register], source: &Source<'_>) {
        if let Pooling::Average { shift } = self {
            for _ in 0..shift {
                match *channel {
                    [low, high] => {
                        if source.signed {
                            asm.asr(high);
                        } else {
                            asm.lsr(high);
                        }
                        asm.ror(low);
                    }
                    _ if source.signed => asm.asr(channel[0]),
                    _ => asm.lsr(channel[0]),
                }
            }
        }
        if source.signed && source.bits == 4 {
            asm.mov(VALUE, channel[0]);
            asm.andi(VALUE, 0x0F);
            asm.mov(channel[0], VALUE);
        }
    }
}
