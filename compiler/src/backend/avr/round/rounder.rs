//! Rounding as a subroutine, for sums that come one by one from tables; and
//! rounding by shifts that are known at run time only.

use crate::backend::avr::arithmetic::wide::{add_to_sum, load_sum, shift_up};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, Pointer, R16, R17, R18, R19, R28, R29, R30, R31, Register, Registers, SUM, TEMPORARY, X,
    ZERO,
};
use crate::backend::avr::memory::added::Added;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::round::finish::{Destination, deliver};
use crate::backend::avr::round::requantise::Requantise;
use crate::backend::avr::round::scale::Scaler;
use crate::backend::avr::round::sum::{Rounding, Sum, SumEnding};
use crate::program::{RuntimeParameters, SumParameters};

/// How far to shift up, and down.
const LEFT: Register = R16;
const RIGHT: Register = R17;
const COUNTER: Register = R18;
/// Whether anything but the last bit was shifted out.
const STICKY: Register = R19;
/// The last bit shifted out.
const LAST: Register = TEMPORARY;
/// Where a sum is shifted: X may point at biases.
const SHIFTED: [Register; 4] = [R30, R31, R28, R29];

/// The subroutines that finish a sum.
pub(crate) struct Rounder<'a> {
    sum: &'a Sum<'a>,
    /// For sums that can't be halfway, and for those that can.
    requantise: [Option<CodeLabel>; 2],
    shift_up: Option<CodeLabel>,
    shift_by_counter: Option<CodeLabel>,
    shift_down: Option<CodeLabel>,
    widen: Option<CodeLabel>,
    scaler: Option<Scaler>,
    calls: f64,
}

impl<'a> Rounder<'a> {
    pub(crate) fn new(sum: &'a Sum<'a>) -> Self {
        Self {
            sum,
            requantise: [None; 2],
            shift_up: None,
            shift_by_counter: None,
            shift_down: None,
            widen: None,
            scaler: Scaler::of(sum),
            calls: 0.0,
        }
    }

    /// Before the sums of a pixel from output `first` on, `outputs` times.
    pub(crate) fn begin(&self, asm: &mut Assembly, first: usize) {
        let changed = Registers::of_pairs([X]).and([LEFT, RIGHT]);
        asm.changing(changed, |asm| match &self.sum.program.parameters {
            SumParameters::Runtime(place) => {
                asm.movw(X, BASE);
                let first_byte = self.sum.first_parameter_byte + place.left_byte;
                asm.add_to_pair(X, first_byte as i32);
                asm.load(LEFT, Pointer::X, Mode::PostIncrement);
                asm.load(RIGHT, Pointer::X, Mode::PostIncrement);
                let to_bias = place.first_bias_byte - place.right_byte - 1;
                asm.add_to_pair(X, (to_bias + first as u32 * place.bias_bytes) as i32);
            }
            SumParameters::Constant(constants) => {
                if self.sum.is_shifted() || self.sum.is_wide() || self.sum.joins_by_loops() {
                    asm.ldi(LEFT, constants.left as u8);
                    asm.ldi(RIGHT, constants.right as u8);
                }
            }
        })
    }

    /// Finishes one sum. Changes r0, Z, and X unless biases are read by it; Y
    /// and r16 to r19 where shifts are no constants.
    pub(crate) fn round(
        &mut self,
        asm: &mut Assembly,
        accumulator: &[Register],
        output: usize,
        (result, destination): (Register, Destination),
        state: &LoopState,
    ) {
        self.calls += asm.executions();
        let sum = self.sum;
        asm.of(Purpose::Requantise, |asm| {
            let value = match &sum.ending {
                SumEnding::Rounded(rounding) => {
                    self.requantised(asm, rounding, accumulator, output)
                }
                SumEnding::Scaled(_) => {
                    let scaler = self.scaler.as_mut();
                    let scaler = scaler.expect("it is there for such sums");
                    scaler.emit(asm, accumulator, output)
                }
                SumEnding::Shifted | SumEnding::Exact | SumEnding::Wide => {
                    self.moved_up(asm, accumulator, output, state);
                    let down = *self.shift_down.get_or_insert_with(|| asm.label());
                    asm.call(down);
                    SHIFTED[0]
                }
            };
            deliver(asm, sum, value, result, destination);
        });
    }

    /// Shifts a sum whose constants are known at run time up, and adds its bias.
    pub(crate) fn exact(
        &mut self,
        asm: &mut Assembly,
        accumulator: &[Register],
        output: usize,
        state: &LoopState,
    ) {
        self.calls += asm.executions();
        asm.of(Purpose::Requantise, |asm| {
            self.moved_up(asm, accumulator, output, state);
            for (&to, &from) in accumulator.iter().zip(&SHIFTED) {
                asm.mov(to, from);
            }
        });
    }

    /// Makes a value of 16 bits of a sum, in its two lowest bytes. Changes what [`Self::round`] does
    /// by shifts.
    pub(crate) fn widen(
        &mut self,
        asm: &mut Assembly,
        accumulator: &[Register],
        output: usize,
        state: &LoopState,
    ) {
        self.calls += asm.executions();
        asm.of(Purpose::Requantise, |asm| {
            self.moved_up(asm, accumulator, output, state);
            let widen = *self.widen.get_or_insert_with(|| asm.label());
            asm.call(widen);
            for (&to, &from) in accumulator.iter().zip(&SHIFTED[..2]) {
                asm.mov(to, from);
            }
        });
    }

    fn requantised(
        &mut self,
        asm: &mut Assembly,
        rounding: &Rounding,
        accumulator: &[Register],
        output: usize,
    ) -> Register {
        load_sum(asm, accumulator);
        for _ in 0..rounding.left {
            shift_up(asm, &SUM[..accumulator.len()]);
        }
        add_to_sum(asm, accumulator.len(), rounding.addends[output]);
        let halfway = rounding.halfway[output];
        let label = *self.requantise[usize::from(halfway)].get_or_insert_with(|| asm.label());
        asm.call(label);
        self.kernel(rounding, halfway).result()
    }

    fn kernel(&self, rounding: &Rounding, halfway: bool) -> Requantise {
        Requantise {
            width: self.sum.width,
            right: rounding.right,
            bits: self.sum.activation_bits,
            halfway,
            within: self.sum.expectation.between(),
        }
    }

    /// [`SHIFTED`] ← `(sum << left) + bias`, and the value that is added.
    fn moved_up(
        &mut self,
        asm: &mut Assembly,
        accumulator: &[Register],
        output: usize,
        state: &LoopState,
    ) {
        let joined = self.sum.added.filter(|_| self.sum.joins_by_loops());
        if let Some(added) = joined {
            self.push_joined(asm, added, output, state);
        }
        for (&to, &from) in SHIFTED.iter().zip(accumulator) {
            asm.mov(to, from);
        }
        let up = *self.shift_up.get_or_insert_with(|| asm.label());
        asm.call(up);
        if let SumParameters::Constant(constants) = &self.sum.program.parameters {
            let bytes = constants.biases[output].wrapping_neg().to_le_bytes();
            let shifted = &SHIFTED[..accumulator.len()];
            for (byte, &register) in shifted.iter().enumerate() {
                if byte == 0 {
                    asm.subi(register, bytes[byte]);
                } else {
                    asm.sbci(register, bytes[byte]);
                }
            }
        }
        if joined.is_some() {
            let byte = TEMPORARY;
            for (index, &register) in SHIFTED[..accumulator.len()].iter().enumerate() {
                asm.pop(byte);
                if index == 0 {
                    asm.add(register, byte);
                } else {
                    asm.adc(register, byte);
                }
            }
        }
    }

    /// Pushes the value that is added, shifted up, the lowest byte last. X stays.
    fn push_joined(&mut self, asm: &mut Assembly, added: Added, output: usize, state: &LoopState) {
        let shifted = &SHIFTED[..self.sum.width];
        asm.push(X);
        asm.push(X.next());
        added.load(asm, output as u32, shifted, state);
        match &self.sum.program.parameters {
            SumParameters::Runtime(place) => {
                let skip_byte = place
                    .skip_byte
                    .expect("a sum to which a map is added has it");
                asm.movw(X, BASE);
                asm.add_to_pair(X, (self.sum.first_parameter_byte + skip_byte) as i32);
                asm.load(COUNTER, Pointer::X, Mode::Plain);
            }
            SumParameters::Constant(constants) => asm.ldi(COUNTER, constants.skip as u8),
        }
        asm.pop(X.next());
        asm.pop(X);
        let by_counter = *self.shift_by_counter.get_or_insert_with(|| asm.label());
        asm.call(by_counter);
        for &register in shifted.iter().rev() {
            asm.push(register);
        }
    }

    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        if let Some(scaler) = &self.scaler {
            scaler.subroutine(asm);
        }
        asm.of(Purpose::Requantise, |asm| {
            asm.times(self.calls, |asm| {
                if let SumEnding::Rounded(rounding) = &self.sum.ending {
                    let both = self.requantise.iter().flatten().count() as f64;
                    for (halfway, label) in [false, true].into_iter().zip(self.requantise) {
                        if let Some(label) = label {
                            asm.times(1.0 / both, |asm| {
                                asm.bind(label);
                                self.kernel(rounding, halfway).emit(asm);
                                asm.ret();
                            });
                        }
                    }
                }
                if let Some(label) = self.shift_up {
                    asm.bind(label);
                    self.emit_shift_up(asm);
                }
                if let Some(label) = self.shift_by_counter {
                    let done = asm.label();
                    asm.bind(label);
                    self.emit_shift_by_counter(asm, &SHIFTED[..self.sum.width], done);
                    asm.bind(done);
                    asm.ret();
                }
                if let Some(label) = self.shift_down {
                    asm.bind(label);
                    self.emit_shift_down(asm);
                }
                if let Some(label) = self.widen {
                    asm.bind(label);
                    self.emit_widen(asm);
                }
            });
        });
    }

    fn emit_shift_up(&self, asm: &mut Assembly) {
        let shifted = &SHIFTED[..self.sum.width];
        let done = asm.label();
        asm.mov(COUNTER, LEFT);
        self.emit_shift_by_counter(asm, shifted, done);
        asm.bind(done);
        if let SumParameters::Runtime(place) = &self.sum.program.parameters {
            self.add_bias(asm, place, shifted);
        }
        asm.ret();
    }

    /// Shifts up as often as the counter says, and goes on at `done`.
    fn emit_shift_by_counter(&self, asm: &mut Assembly, shifted: &[Register], done: CodeLabel) {
        let next = asm.here();
        asm.subi(COUNTER, 1);
        asm.branch(Condition::Lower, done, 0.5);
        shift_up(asm, shifted);
        asm.jump(next);
    }

    /// Adds the bias at X.
    fn add_bias(&self, asm: &mut Assembly, place: &RuntimeParameters, shifted: &[Register]) {
        let changed = Registers::of_pairs([X])
            .and([TEMPORARY, STICKY])
            .and(shifted.iter().copied());
        asm.changing(changed, |asm| {
            let (byte, sign) = (TEMPORARY, STICKY);
            asm.load(byte, Pointer::X, Mode::PostIncrement);
            asm.add(shifted[0], byte);
            let (more, rest) = shifted[1..].split_at(place.bias_bytes as usize - 1);
            for &register in more {
                asm.load(byte, Pointer::X, Mode::PostIncrement);
                asm.adc(register, byte);
            }
            if !rest.is_empty() {
                // None of these three changes the carry.
                asm.clr(sign);
                asm.skip_if_clear(byte, 7);
                asm.dec(sign);
                for &register in rest {
                    asm.adc(register, sign);
                }
            }
        })
    }

    /// Shifts down bit by bit, rounds halves up, and takes the nearest value of 16 bits.
    fn emit_widen(&self, asm: &mut Assembly) {
        let shifted = &SHIFTED[..self.sum.width];
        let [low, high, upper @ ..] = shifted else {
            unreachable!("a sum has two bytes at least")
        };
        let top = shifted[shifted.len() - 1];
        let (shift, round, beyond, within) = (asm.label(), asm.label(), asm.label(), asm.label());
        asm.clr(LAST);
        asm.mov(COUNTER, RIGHT);
        asm.bind(shift);
        asm.times(8.0, |asm| {
            asm.subi(COUNTER, 1);
            asm.branch(Condition::Lower, round, 1.0 / 8.0);
            asm.asr(top);
            for &register in shifted.iter().rev().skip(1) {
                asm.ror(register);
            }
            asm.rol(LAST);
            asm.jump(shift);
        });
        asm.bind(round);
        asm.lsr(LAST);
        for &register in shifted {
            asm.adc(register, ZERO);
        }
        if !upper.is_empty() {
            let sign = COUNTER;
            asm.mov(sign, *high);
            asm.lsl(sign);
            asm.sbc(sign, sign);
            for &register in upper {
                asm.cp(register, sign);
                asm.branch(Condition::NotEqual, beyond, 0.1);
            }
            asm.jump(within);
            asm.bind(beyond);
            asm.times(0.1, |asm| {
                asm.ldi(*low, 0xFF);
                asm.ldi(*high, 0x7F);
                asm.tst(top);
                asm.branch(Condition::Plus, within, 0.5);
                asm.com(*low);
                asm.com(*high);
            });
            asm.bind(within);
        }
        asm.ret();
    }

    /// Shifts down bit by bit, rounds halves to even, and clamps.
    fn emit_shift_down(&self, asm: &mut Assembly) {
        let shifted = &SHIFTED[..self.sum.width];
        let (low, top) = (shifted[0], shifted[shifted.len() - 1]);
        let signed = self.sum.signed_output();
        let bits = self.sum.activation_bits;
        let (shift, round, clamp, zero) = (asm.label(), asm.label(), asm.label(), asm.label());
        if !signed {
            asm.tst(top);
            asm.branch(Condition::Minus, zero, 0.5);
        }
        asm.clr(STICKY);
        asm.clr(LAST);
        asm.mov(COUNTER, RIGHT);
        asm.bind(shift);
        asm.times(6.0, |asm| {
            asm.subi(COUNTER, 1);
            asm.branch(Condition::Lower, round, 0.2);
            asm.or(STICKY, LAST);
            asm.clr(LAST);
            asm.asr(top);
            for &register in shifted.iter().rev().skip(1) {
                asm.ror(register);
            }
            asm.rol(LAST);
            asm.jump(shift);
        });
        asm.bind(round);
        asm.tst(LAST);
        asm.branch(Condition::Equal, clamp, 0.5);
        asm.mov(COUNTER, low);
        asm.andi(COUNTER, 1);
        asm.or(COUNTER, STICKY);
        asm.branch(Condition::Equal, clamp, 0.1);
        add_constant(asm, shifted, 1);
        asm.bind(clamp);
        let done = asm.label();
        if signed {
            add_constant(asm, shifted, 1 << (bits - 1));
            // The sign that the sum would have with a bit more.
            asm.branch(Condition::Less, zero, 0.1);
        }
        if bits == 8 {
            asm.ldi(COUNTER, 1);
            asm.cp(shifted[1], COUNTER);
            for &register in &shifted[2..] {
                asm.cpc(register, ZERO);
            }
        } else {
            asm.cpi(low, 1 << bits);
            for &register in &shifted[1..] {
                asm.cpc(register, ZERO);
            }
        }
        asm.branch(Condition::Lower, done, 0.9);
        asm.ldi(low, 0xFF >> (8 - bits));
        asm.bind(done);
        asm.ret();
        asm.bind(zero);
        asm.ldi(low, 0);
        asm.ret();
    }
}

/// Adds a constant to upper registers.
fn add_constant(asm: &mut Assembly, registers: &[Register], value: i32) {
    let bytes = value.wrapping_neg().to_le_bytes();
    for (byte, &register) in registers.iter().enumerate() {
        if byte == 0 {
            asm.subi(register, bytes[byte]);
        } else {
            asm.sbci(register, bytes[byte]);
        }
    }
}
