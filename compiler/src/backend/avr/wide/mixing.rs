//! From `pre` of each unit to its new state.

use super::multiply::{mul, muls, mulsu};
use super::products::{NIL, add_product, add_unsigned_product};
use super::tangent::{Fraction, Gates, Tangent, add_within, halve};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    Pointer, R2, R3, R4, R5, R6, R8, R10, R12, R14, R16, R17, R18, R19, R20, R21, R22, R24, R25,
    Register, X, Y, Z,
};
use crate::weights::CellParameters;

/// The product that is shifted down.
const SUM: [Register; 4] = [R2, R3, R4, R5];
/// Constants, a pair each; of gates by a table the fourth is where the next biases are.
const NU: Register = R6;
const HALF: Register = R8;
const ZETA: Register = R10;
const MINUS_ONE: Register = R12;
const BIASES: Register = MINUS_ONE;
const ONE: Register = R14;
/// The state, the update and the gate, a pair each.
const STATE: [Register; 2] = [R16, R17];
const UPDATE: [Register; 2] = [R18, R19];
const GATE: [Register; 2] = [R20, R21];
const COUNT: Register = R22;
/// 1 − gate, and how much of the update comes in.
const MIXED: [Register; 2] = [R24, R25];
/// A third byte of a state, and of what it is kept within.
const TOPS: [Register; 2] = [R16, R17];

pub(super) struct Mixing<'a> {
    pub(super) cell: &'a CellParameters,
    pub(super) gates: Gates,
    pub(super) hidden: u32,
    pub(super) states_byte: u32,
    pub(super) made_byte: u32,
    /// What states are kept within, if they are to be.
    pub(super) most_state: Option<MostState>,
}

/// What states are kept within, on either side of 0.
#[derive(Clone, Copy)]
pub(super) struct MostState {
    pub(super) most: i16,
    /// Whether 24 bits of what is made count, not 16.
    pub(super) is_of_24_bits: bool,
}

impl Mixing<'_> {
    /// What is added before the gate, of hard ones with 1 and what rounds its half, and before the
    /// update.
    fn table(&self) -> Vec<u8> {
        let more = match self.gates {
            Gates::Hard => (1i16 << self.cell.fraction) + 1,
            Gates::Sigmoid(_) | Gates::Tanh(_) => 0,
        };
        let biases = self.cell.gate_bias.iter().zip(&self.cell.update_bias);
        let biases = biases.flat_map(|(&gate, &update)| [gate + more, update]);
        biases.flat_map(i16::to_le_bytes).collect()
    }

    /// Y is the network's address, before and after it.
    pub(super) fn emit(&self, asm: &mut Assembly) {
        let fraction = u32::from(self.cell.fraction);
        let one = 1i32 << fraction;
        let mut constants = vec![
            (NU, i32::from(self.cell.nu)),
            (HALF, one / 2),
            (ZETA, i32::from(self.cell.zeta)),
            (ONE, one),
        ];
        match self.gates {
            Gates::Hard => constants.push((MINUS_ONE, -one)),
            Gates::Sigmoid(_) | Gates::Tanh(_) => {}
        }
        for (pair, value) in constants {
            asm.ldi_pair(GATE[0], value as u16);
            asm.movw(pair, GATE[0]);
        }
        let table = asm.near_table(self.table());
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.movw(X, Y);
        asm.add_to_pair(X, self.states_byte as i32);
        asm.add_to_pair(Y, self.made_byte as i32);
        asm.ldi(COUNT, self.hidden as u8);
        let next = asm.here();
        asm.times(self.hidden.into(), |asm| {
            self.unit(asm, fraction);
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, self.hidden.into());
        });
        let end = self.made_byte + 2 * self.hidden;
        asm.add_to_pair(Y, -(end as i32));
    }

    /// The gate and the update, of a number in [`UPDATE`] that is `pre`, and their biases in
    /// [`GATE`] and [`MIXED`].
    fn gate_and_update(&self, asm: &mut Assembly, fraction: u32) {
        match self.gates {
            Gates::Hard => {
                add(asm, GATE, UPDATE);
                add(asm, UPDATE, MIXED);
                asm.asr(GATE[1]);
                asm.ror(GATE[0]);
                clamp(asm, GATE, (NIL, NIL), ONE);
                clamp(asm, UPDATE, (MINUS_ONE, MINUS_ONE.next()), ONE);
            }
            Gates::Sigmoid(tangent) => by_table(asm, (tangent, fraction), |asm| {
                halve(asm, GATE);
                tangent.replace(asm, GATE, Fraction::Known(fraction));
                add(asm, GATE, [ONE, ONE.next()]);
                halve(asm, GATE);
            }),
            Gates::Tanh(tangent) => by_table(asm, (tangent, fraction), |asm| {
                tangent.replace(asm, GATE, Fraction::Known(fraction));
            }),
        }
    }

    fn unit(&self, asm: &mut Assembly, fraction: u32) {
        for register in UPDATE {
            asm.load(register, Pointer::Y, Mode::PostIncrement);
        }
        for register in GATE {
            asm.lpm_near(register);
        }
        for register in MIXED {
            asm.lpm_near(register);
        }
        self.gate_and_update(asm, fraction);
        // (1 − z)·ζ, both of 15 bits at most.
        asm.movw(MIXED[0], ONE);
        asm.sub(MIXED[0], GATE[0]);
        asm.sbc(MIXED[1], GATE[1]);
        begin(asm);
        for (from, byte) in [(0, 0), (1, 1)] {
            mul(asm, MIXED[from], ZETA);
            add_unsigned_product(asm, &SUM[byte..]);
            mul(asm, MIXED[from], ZETA.next());
            add_unsigned_product(asm, &SUM[byte + 1..]);
        }
        shift(asm, fraction, false);
        asm.mov(MIXED[0], SUM[1]);
        asm.mov(MIXED[1], SUM[2]);
        asm.add(MIXED[0], NU);
        asm.adc(MIXED[1], NU.next());
        for register in STATE {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        begin(asm);
        match self.gates {
            Gates::Hard | Gates::Sigmoid(_) => multiply_add(asm, STATE, GATE),
            Gates::Tanh(_) => multiply_add_signed(asm, STATE, GATE),
        }
        asm.movw(GATE[0], MIXED[0]);
        multiply_add(asm, UPDATE, GATE);
        shift(asm, fraction, true);
        let mut made = [SUM[1], SUM[2]];
        if let Some(MostState {
            most,
            is_of_24_bits: true,
        }) = self.most_state
        {
            made = MIXED;
            keep_within(asm, most);
        } else if let Some(MostState { most, .. }) = self.most_state {
            let (most_pair, least_pair) = (UPDATE[0], GATE[0]);
            asm.mov(MIXED[0], made[0]);
            asm.mov(MIXED[1], made[1]);
            made = MIXED;
            asm.ldi_pair(most_pair, most as u16);
            asm.ldi_pair(least_pair, -most as u16);
            clamp(asm, made, (least_pair, least_pair.next()), most_pair);
        }
        asm.store(Pointer::X, Mode::PreDecrement, made[1]);
        asm.store(Pointer::X, Mode::PreDecrement, made[0]);
        asm.add_to_pair(X, 2);
    }
}

/// [`MIXED`] ← the sum's bytes but its lowest, kept within.
fn keep_within(asm: &mut Assembly, most: i16) {
    let [top, top_of_end] = TOPS;
    for (to, from) in MIXED.into_iter().chain([top]).zip(&SUM[1..]) {
        asm.mov(to, *from);
    }
    let most = i32::from(most);
    for (end, inside) in [(most, Condition::Less), (-most, Condition::GreaterOrEqual)] {
        let within = asm.label();
        for (register, byte) in UPDATE
            .into_iter()
            .chain([top_of_end])
            .zip(end.to_le_bytes())
        {
            asm.ldi(register, byte);
        }
        asm.cp(MIXED[0], UPDATE[0]);
        asm.cpc(MIXED[1], UPDATE[1]);
        asm.cpc(top, top_of_end);
        asm.branch(inside, within, 0.99);
        asm.times(0.01, |asm| {
            asm.movw(MIXED[0], UPDATE[0]);
            asm.mov(top, top_of_end);
        });
        asm.bind(within);
    }
}

/// The update by the table, and the gate by what is given, of which Z leaves where biases are.
fn by_table(asm: &mut Assembly, (tangent, fraction): (Tangent, u32), gate: impl Fn(&mut Assembly)) {
    asm.movw(BIASES, Z);
    add_within(asm, GATE, UPDATE);
    add_within(asm, UPDATE, MIXED);
    gate(asm);
    tangent.replace(asm, UPDATE, Fraction::Known(fraction));
    asm.movw(Z, BIASES);
}

/// A half, which rounds what is then shifted down.
fn begin(asm: &mut Assembly) {
    asm.movw(SUM[0], HALF);
    asm.mov(SUM[2], NIL);
    asm.mov(SUM[3], NIL);
}

fn add(asm: &mut Assembly, to: [Register; 2], what: [Register; 2]) {
    asm.add(to[0], what[0]);
    asm.adc(to[1], what[1]);
}

/// Keeps a number between one in two registers and one in a pair.
pub(super) fn clamp(
    asm: &mut Assembly,
    number: [Register; 2],
    least: (Register, Register),
    most: Register,
) {
    let (below, above) = (asm.label(), asm.label());
    asm.cp(number[0], most);
    asm.cpc(number[1], most.next());
    asm.branch(Condition::Less, below, 0.7);
    asm.times(0.3, |asm| asm.movw(number[0], most));
    asm.bind(below);
    asm.cp(number[0], least.0);
    asm.cpc(number[1], least.1);
    asm.branch(Condition::GreaterOrEqual, above, 0.7);
    asm.times(0.3, |asm| {
        asm.mov(number[0], least.0);
        asm.mov(number[1], least.1);
    });
    asm.bind(above);
}

/// Adds signed × unsigned.
pub(super) fn multiply_add(asm: &mut Assembly, signed: [Register; 2], unsigned: [Register; 2]) {
    mul(asm, signed[0], unsigned[0]);
    add_unsigned_product(asm, &SUM);
    mulsu(asm, signed[1], unsigned[0]);
    add_product(asm, &SUM[1..]);
    mul(asm, signed[0], unsigned[1]);
    add_unsigned_product(asm, &SUM[1..]);
    mulsu(asm, signed[1], unsigned[1]);
    add_product(asm, &SUM[2..]);
}

/// Adds signed × signed.
pub(super) fn multiply_add_signed(asm: &mut Assembly, one: [Register; 2], other: [Register; 2]) {
    mul(asm, one[0], other[0]);
    add_unsigned_product(asm, &SUM);
    mulsu(asm, one[1], other[0]);
    add_product(asm, &SUM[1..]);
    mulsu(asm, other[1], one[0]);
    add_product(asm, &SUM[1..]);
    muls(asm, one[1], other[1]);
    add_product(asm, &SUM[2..]);
}

/// Shifts the sum down by that many bits, to its bytes but the lowest.
fn shift(asm: &mut Assembly, bits: u32, signed: bool) {
    for _ in bits..8 {
        asm.lsl(SUM[0]);
        for &register in &SUM[1..] {
            asm.rol(register);
        }
    }
    for _ in 8..bits {
        match signed {
            true => asm.asr(SUM[3]),
            false => asm.lsr(SUM[3]),
        }
        asm.ror(SUM[2]);
        asm.ror(SUM[1]);
    }
}
