//! From `pre` of each unit to its new state, where the parameters are loaded with the network. `pre`
//! is on the stack, 24 bits each, that of the last unit on top.

use super::loaded::{ROUNDED, round_half_up, to_wide};
use super::mixing::{multiply_add, multiply_add_signed};
use super::multiply::mul;
use super::products::{NIL, add_unsigned_product};
use super::tangent::{Fraction, Gates, Tangent, add_within, halve};
use super::weights::ParameterPlace;
use crate::backend::avr::arithmetic::wide::shift_up;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    Pointer, R6, R8, R10, R12, R14, R16, R17, R18, R19, R20, R21, R22, R24, R25, Register, X, Y, Z,
};
use crate::network::Gate;
use crate::program::Recurrence;

/// Constants, a pair each.
const NU: Register = R6;
const ZETA: Register = R10;
/// What states are kept within.
const MOST: Register = R12;
const ONE: Register = R14;
/// Bits of the fraction.
const FRACTION: Register = R8;
/// The state, the update and the gate.
const STATE: [Register; 2] = [R16, R17];
const UPDATE: [Register; 2] = [R18, R19];
const GATE: [Register; 2] = [R20, R21];
/// A bias, or minus one.
const BIAS: [Register; 2] = [R16, R17];
/// The third byte of a gate or an update, and of a bias.
const THIRD: [Register; 2] = [R24, R25];
const COUNT: Register = R22;
/// 1 − gate, and how much of the update comes in.
const MIXED: [Register; 2] = [R24, R25];
/// How far a product is shifted down, and what is shifted out.
const SHIFT: (Register, Register) = (R16, R17);

pub(super) struct LoadedMixing<'a> {
    pub(super) it: &'a Recurrence,
    /// From the network's address on: the parameters, and the states.
    pub(super) first_byte: u32,
    pub(super) states_byte: u32,
    /// Steps over the whole map, and whether more follow.
    pub(super) steps: (u32, bool),
}

impl LoadedMixing<'_> {
    /// Whether a state may pass what it is kept within: after an input's last row, or where gates may
    /// be negative.
    fn is_kept(&self) -> bool {
        let (_, goes_on) = self.steps;
        match self.it.kind.gate {
            Gate::Hard | Gate::Sigmoid => goes_on,
            Gate::Tanh => true,
        }
    }

    fn point_at(&self, asm: &mut Assembly, byte: u32) {
        ParameterPlace::Sram(self.first_byte).point_at(asm, byte, Y);
    }

    /// Y is the network's address, before and after it.
    pub(super) fn emit(&self, asm: &mut Assembly, gates: Gates) {
        let layout = &self.it.layout;
        let hidden = self.it.kind.hidden;
        self.load_constants(asm);
        if self.is_kept() {
            self.load_bound(asm);
        }
        let bytes = 2 * hidden;
        self.point_at(asm, layout.gate_bias_byte + bytes);
        asm.movw(X, Y);
        asm.add_to_pair(X, (self.states_byte + bytes) as i32);
        let first_update = (self.first_byte + layout.update_bias_byte) as i32;
        asm.add_to_pair(Y, first_update + bytes as i32);
        asm.ldi(COUNT, hidden as u8);
        let next = asm.here();
        asm.times(hidden.into(), |asm| {
            for &register in &ROUNDED[..3] {
                asm.pop(register);
            }
            self.gate_and_update(asm, gates);
            self.mix(asm, gates);
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, hidden.into());
        });
        asm.stack_changes(-i64::from(3 * (hidden - 1)));
        asm.add_to_pair(Y, -first_update);
    }

    fn load_constants(&self, asm: &mut Assembly) {
        let layout = &self.it.layout;
        let (fraction, one) = (BIAS[0], UPDATE);
        let most = self.it.kind.gate.most_fraction();
        let (within, next, done) = (asm.label(), asm.label(), asm.label());
        self.point_at(asm, layout.fraction_byte);
        asm.load(fraction, Pointer::Z, Mode::Plain);
        asm.cpi(fraction, most + 1);
        asm.branch(Condition::Lower, within, 1.0);
        asm.ldi(fraction, most);
        asm.bind(within);
        asm.mov(FRACTION, fraction);
        asm.ldi_pair(one[0], 1);
        asm.bind(next);
        asm.times(f64::from(most), |asm| {
            asm.subi(fraction, 1);
            asm.branch(Condition::Lower, done, 1.0 / f64::from(most));
            asm.lsl(one[0]);
            asm.rol(one[1]);
            asm.jump(next);
        });
        asm.bind(done);
        asm.movw(ONE, one[0]);
        self.point_at(asm, layout.mix_byte);
        for register in [ZETA, ZETA.next(), NU, NU.next()] {
            asm.load(register, Pointer::Z, Mode::PostIncrement);
        }
    }

    /// [`MOST`] ← what a state can be after all steps, as `CellParameters::most_state` has it.
    fn load_bound(&self, asm: &mut Assembly) {
        let (steps, _) = self.steps;
        let each = [UPDATE[0], UPDATE[1], GATE[0], GATE[1]];
        let (large, within) = (asm.label(), asm.label());
        asm.movw(each[0], NU);
        asm.ldi_pair(each[2], 0);
        for register in ROUNDED {
            asm.mov(register, NIL);
        }
        match self.it.kind.gate {
            Gate::Hard | Gate::Sigmoid => asm.movw(ROUNDED[0], ZETA),
            Gate::Tanh => {
                for _ in 0..2 {
                    asm.add(each[0], ZETA);
                    asm.adc(each[1], ZETA.next());
                    asm.adc(each[2], NIL);
                }
            }
        }
        asm.subi(each[0], 0xFF);
        for &register in &each[1..] {
            asm.sbci(register, 0xFF);
        }
        for bit in 0..u32::BITS - steps.leading_zeros() {
            if bit > 0 {
                shift_up(asm, &each);
            }
            if steps >> bit & 1 == 1 {
                add(asm, &ROUNDED, &each);
            }
        }
        asm.or(ROUNDED[2], ROUNDED[3]);
        asm.branch(Condition::NotEqual, large, 0.1);
        asm.tst(ROUNDED[1]);
        asm.branch(Condition::Plus, within, 0.9);
        asm.bind(large);
        asm.times(0.1, |asm| {
            asm.ldi_pair(each[0], i16::MAX as u16);
            asm.movw(ROUNDED[0], each[0]);
        });
        asm.bind(within);
        asm.movw(MOST, ROUNDED[0]);
    }

    /// [`GATE`] and [`UPDATE`], of `pre`.
    fn gate_and_update(&self, asm: &mut Assembly, gates: Gates) {
        match gates {
            Gates::Hard => {
                load_before(asm, Pointer::Z, BIAS);
                add_bias(asm, GATE);
                hard_gate(asm);
                load_before(asm, Pointer::Y, BIAS);
                add_bias(asm, UPDATE);
                hard_update(asm);
            }
            Gates::Sigmoid(tangent) => by_table(asm, tangent, |asm, fraction| {
                halve(asm, GATE);
                tangent.replace(asm, GATE, fraction);
                add(asm, &GATE, &[ONE, ONE.next()]);
                halve(asm, GATE);
            }),
            Gates::Tanh(tangent) => by_table(asm, tangent, |asm, fraction| {
                tangent.replace(asm, GATE, fraction);
            }),
        }
    }

    /// The new state, over the one before X.
    fn mix(&self, asm: &mut Assembly, gates: Gates) {
        asm.movw(MIXED[0], ONE);
        asm.sub(MIXED[0], GATE[0]);
        asm.sbc(MIXED[1], GATE[1]);
        clear(asm);
        for (from, byte) in [(0, 0), (1, 1)] {
            mul(asm, MIXED[from], ZETA);
            add_unsigned_product(asm, &ROUNDED[byte..]);
            mul(asm, MIXED[from], ZETA.next());
            add_unsigned_product(asm, &ROUNDED[byte + 1..]);
        }
        asm.mov(SHIFT.0, FRACTION);
        round_half_up(asm, ROUNDED, SHIFT);
        asm.movw(MIXED[0], ROUNDED[0]);
        add(asm, &MIXED, &[NU, NU.next()]);
        load_before(asm, Pointer::X, STATE);
        clear(asm);
        match gates {
            Gates::Hard | Gates::Sigmoid(_) => multiply_add(asm, STATE, GATE),
            Gates::Tanh(_) => multiply_add_signed(asm, STATE, GATE),
        }
        asm.movw(GATE[0], MIXED[0]);
        multiply_add(asm, UPDATE, GATE);
        asm.mov(SHIFT.0, FRACTION);
        round_half_up(asm, ROUNDED, SHIFT);
        if self.is_kept() {
            keep_within(asm);
        }
        asm.store(Pointer::X, Mode::PostIncrement, ROUNDED[0]);
        asm.store(Pointer::X, Mode::Plain, ROUNDED[1]);
        asm.add_to_pair(X, -1);
    }
}

fn clear(asm: &mut Assembly) {
    for register in ROUNDED {
        asm.mov(register, NIL);
    }
}

fn add(asm: &mut Assembly, to: &[Register], what: &[Register]) {
    for (index, (&to, &what)) in to.iter().zip(what).enumerate() {
        match index {
            0 => asm.add(to, what),
            _ => asm.adc(to, what),
        }
    }
}

/// Loads the two bytes before a pointer, which goes there.
fn load_before(asm: &mut Assembly, pointer: Pointer, to: [Register; 2]) {
    for register in to.into_iter().rev() {
        asm.load(register, pointer, Mode::PreDecrement);
    }
}

/// `pre` and the bias, of three bytes.
fn add_bias(asm: &mut Assembly, to: [Register; 2]) {
    let [third, sign] = THIRD;
    asm.mov(sign, BIAS[1]);
    asm.lsl(sign);
    asm.sbc(sign, sign);
    asm.movw(to[0], ROUNDED[0]);
    asm.mov(third, ROUNDED[2]);
    add(asm, &[to[0], to[1], third], &[BIAS[0], BIAS[1], sign]);
}

fn hard_gate(asm: &mut Assembly) {
    let [low, high] = GATE;
    let third = THIRD[0];
    let (zero, one, within) = (asm.label(), asm.label(), asm.label());
    add(asm, &[low, high, third], &[ONE, ONE.next(), NIL]);
    asm.subi(low, 0xFF);
    asm.sbci(high, 0xFF);
    asm.sbci(third, 0xFF);
    asm.asr(third);
    asm.ror(high);
    asm.ror(low);
    asm.tst(third);
    asm.branch(Condition::Minus, zero, 0.2);
    asm.branch(Condition::NotEqual, one, 0.05);
    asm.cp(low, ONE);
    asm.cpc(high, ONE.next());
    asm.branch(Condition::Lower, within, 0.7);
    asm.bind(one);
    asm.times(0.2, |asm| {
        asm.movw(low, ONE);
        asm.jump(within);
    });
    asm.bind(zero);
    asm.times(0.2, |asm| asm.ldi_pair(low, 0));
    asm.bind(within);
}

fn hard_update(asm: &mut Assembly) {
    let [low, high] = UPDATE;
    let [third, sign] = THIRD;
    let (below, within) = (asm.label(), asm.label());
    asm.cp(low, ONE);
    asm.cpc(high, ONE.next());
    asm.cpc(third, NIL);
    asm.branch(Condition::Less, below, 0.8);
    asm.times(0.2, |asm| {
        asm.movw(low, ONE);
        asm.jump(within);
    });
    asm.bind(below);
    asm.times(0.8, |asm| {
        asm.ldi_pair(BIAS[0], 0);
        asm.sub(BIAS[0], ONE);
        asm.sbc(BIAS[1], ONE.next());
        asm.ldi(sign, 0xFF);
        asm.cp(low, BIAS[0]);
        asm.cpc(high, BIAS[1]);
        asm.cpc(third, sign);
        asm.branch(Condition::GreaterOrEqual, within, 0.8);
        asm.times(0.2, |asm| asm.movw(low, BIAS[0]));
    });
    asm.bind(within);
}

/// The update by the table, and the gate by what is given.
fn by_table(asm: &mut Assembly, tangent: Tangent, gate: impl Fn(&mut Assembly, Fraction)) {
    let fraction = Fraction::Loaded {
        bits: FRACTION,
        one: ONE,
    };
    let [_, _, upper, top] = ROUNDED;
    asm.mov(top, upper);
    asm.lsl(top);
    asm.sbc(top, top);
    let pre = to_wide(asm);
    asm.movw(UPDATE[0], pre[0]);
    load_before(asm, Pointer::Z, GATE);
    load_before(asm, Pointer::Y, MIXED);
    asm.push(Z);
    asm.push(Z.next());
    add_within(asm, GATE, UPDATE);
    add_within(asm, UPDATE, MIXED);
    gate(asm, fraction);
    tangent.replace(asm, UPDATE, fraction);
    asm.pop(Z.next());
    asm.pop(Z);
}

/// The sum, kept within [`MOST`]. Changes r18 to r20.
fn keep_within(asm: &mut Assembly) {
    let [low, high, upper, top] = ROUNDED;
    let least = [UPDATE[0], UPDATE[1], GATE[0]];
    let (below, within) = (asm.label(), asm.label());
    asm.cp(MOST, low);
    asm.cpc(MOST.next(), high);
    asm.cpc(NIL, upper);
    asm.cpc(NIL, top);
    asm.branch(Condition::GreaterOrEqual, below, 0.99);
    asm.times(0.01, |asm| {
        asm.movw(low, MOST);
        asm.mov(upper, NIL);
        asm.mov(top, NIL);
    });
    asm.bind(below);
    for register in least {
        asm.ldi(register, 0);
    }
    asm.sub(least[0], MOST);
    asm.sbc(least[1], MOST.next());
    asm.sbc(least[2], NIL);
    asm.cp(low, least[0]);
    asm.cpc(high, least[1]);
    asm.cpc(upper, least[2]);
    asm.cpc(top, least[2]);
    asm.branch(Condition::GreaterOrEqual, within, 0.99);
    asm.times(0.01, |asm| asm.movw(low, least[0]));
    asm.bind(within);
}
