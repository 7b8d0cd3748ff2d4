//! Gates and updates by a table of the hyperbolic tangent, as `program/tangent.rs` has them.

use super::multiply::mul;
use super::products::NIL;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::registers::{PRODUCT, R2, R3, R16, R17, Register, Z};
use crate::network::Gate;
use crate::program::tangents;

/// The entry before a number, and the number itself then: a pair.
const LINE: [Register; 2] = [R2, R3];
/// From that entry to the next one.
const SLOPE: Register = R16;
/// Bit 7: whether the number is negative.
const SIGN: Register = R17;

/// The most bits of a fraction.
const MOST_BITS: u32 = 12;

/// The functions of a layer's gates and updates.
#[derive(Clone, Copy)]
pub(super) enum Gates {
    Hard,
    Sigmoid(Tangent),
    Tanh(Tangent),
}

/// The table.
#[derive(Clone, Copy)]
pub(super) struct Tangent {
    table: CodeLabel,
}

impl Gates {
    pub(super) fn of(asm: &mut Assembly, gate: Gate) -> Self {
        match gate {
            Gate::Hard => Self::Hard,
            Gate::Sigmoid => Self::Sigmoid(Tangent::new(asm)),
            Gate::Tanh => Self::Tanh(Tangent::new(asm)),
        }
    }
}

impl Tangent {
    fn new(asm: &mut Assembly) -> Self {
        let bytes = tangents().into_iter().flat_map(u16::to_le_bytes);
        Self {
            table: asm.near_table(bytes.collect()),
        }
    }

    /// τ of a number in two upper registers, with that many bits of fraction. Changes Z, r2, r3,
    /// r16, r17 and the product.
    pub(super) fn replace(self, asm: &mut Assembly, number: [Register; 2], fraction: Fraction) {
        let [low, high] = number;
        asm.mov(SIGN, high);
        negate_if_negative(asm, SIGN, number);
        fraction.keep_below_end(asm, number);
        // Twelve bits of fraction, four of which are the entry's.
        fraction.for_each_bit_dropped(asm, |asm| {
            asm.lsl(low);
            asm.rol(high);
        });
        asm.ldi_address(Z, (self.table, 0), 0);
        asm.ldi_address(Z.next(), (self.table, 0), 1);
        asm.lsl(high);
        asm.add(Z, high);
        asm.adc(Z.next(), NIL);
        asm.lpm_near(LINE[0]);
        asm.lpm_near(LINE[1]);
        // No two entries differ by more than a byte.
        asm.lpm_near(SLOPE);
        asm.sub(SLOPE, LINE[0]);
        mul(asm, SLOPE, low);
        let [rest, upper] = PRODUCT;
        asm.add(LINE[0], upper);
        asm.adc(LINE[1], NIL);
        fraction.drop_bits(asm, rest);
        asm.movw(low, LINE[0]);
        negate_if_negative(asm, SIGN, number);
    }
}

/// Bits of a number's fraction.
#[derive(Clone, Copy)]
pub(super) enum Fraction {
    Known(u32),
    /// As many as a register says, up to twelve, and the pair of 1.
    Loaded {
        bits: Register,
        one: Register,
    },
}

impl Fraction {
    /// A number that is not negative becomes the last one below 4, if it is above.
    fn keep_below_end(self, asm: &mut Assembly, [low, high]: [Register; 2]) {
        let within = asm.label();
        match self {
            Self::Known(bits) => {
                let most = (4u16 << bits) - 1;
                let [most_low, most_high] = most.to_le_bytes();
                let [end_low, end_high] = (most + 1).to_le_bytes();
                match end_low {
                    0 => asm.cpi(high, end_high),
                    _ => {
                        asm.cpi(low, end_low);
                        asm.cpc(high, NIL);
                    }
                }
                asm.branch(Condition::Lower, within, 0.9);
                asm.times(0.1, |asm| {
                    asm.ldi(low, most_low);
                    asm.ldi(high, most_high);
                });
            }
            Self::Loaded { bits: _, one } => {
                asm.movw(LINE[0], one);
                for _ in 0..2 {
                    asm.lsl(LINE[0]);
                    asm.rol(LINE[1]);
                }
                asm.cp(low, LINE[0]);
                asm.cpc(high, LINE[1]);
                asm.branch(Condition::Lower, within, 0.9);
                asm.times(0.1, |asm| {
                    asm.movw(low, LINE[0]);
                    asm.subi(low, 1);
                    asm.sbci(high, 0);
                });
            }
        }
        asm.bind(within);
    }

    /// Emits what is to be done for each bit that a number has less than twelve.
    fn for_each_bit_dropped(self, asm: &mut Assembly, body: impl Fn(&mut Assembly)) {
        match self {
            Self::Known(bits) => (bits..MOST_BITS).for_each(|_| body(asm)),
            Self::Loaded { bits, one: _ } => {
                let done = asm.label();
                asm.ldi(SLOPE, MOST_BITS as u8);
                asm.sub(SLOPE, bits);
                let next = asm.here();
                asm.times(3.0, |asm| {
                    asm.subi(SLOPE, 1);
                    asm.branch(Condition::Lower, done, 1.0 / 3.0);
                });
                asm.times(2.0, |asm| {
                    body(asm);
                    asm.jump(next);
                });
                asm.bind(done);
            }
        }
    }

    /// Shifts the line down to the number's bits, halves going up; `rest` are the bits below it.
    fn drop_bits(self, asm: &mut Assembly, rest: Register) {
        match self {
            Self::Known(bits) if bits < MOST_BITS => {
                let dropped = MOST_BITS - bits;
                asm.ldi(SLOPE, 1 << (dropped - 1));
                asm.add(LINE[0], SLOPE);
                asm.adc(LINE[1], NIL);
                self.for_each_bit_dropped(asm, |asm| {
                    asm.lsr(LINE[1]);
                    asm.ror(LINE[0]);
                });
            }
            Self::Known(_) | Self::Loaded { .. } => {
                self.for_each_bit_dropped(asm, |asm| {
                    asm.lsr(LINE[1]);
                    asm.ror(LINE[0]);
                    asm.ror(rest);
                });
                asm.lsl(rest);
                asm.adc(LINE[0], NIL);
                asm.adc(LINE[1], NIL);
            }
        }
    }
}

fn negate_if_negative(asm: &mut Assembly, sign: Register, number: [Register; 2]) {
    let positive = asm.label();
    asm.tst(sign);
    asm.branch(Condition::Plus, positive, 0.5);
    asm.times(0.5, |asm| {
        asm.com(number[0]);
        asm.com(number[1]);
        asm.subi(number[0], 0xFF);
        asm.sbci(number[1], 0xFF);
    });
    asm.bind(positive);
}

/// Adds to a number in two upper registers; what is beyond 16 bits becomes the nearest.
pub(super) fn add_within(asm: &mut Assembly, to: [Register; 2], what: [Register; 2]) {
    let (negative, within) = (asm.label(), asm.label());
    asm.add(to[0], what[0]);
    asm.adc(to[1], what[1]);
    asm.branch(Condition::Less, negative, 0.5);
    asm.times(0.5, |asm| {
        asm.branch(Condition::Plus, within, 0.99);
        asm.times(0.01, |asm| {
            asm.ldi(to[0], 0xFF);
            asm.ldi(to[1], 0x7F);
            asm.jump(within);
        });
    });
    asm.bind(negative);
    asm.times(0.5, |asm| {
        asm.branch(Condition::Minus, within, 0.99);
        asm.times(0.01, |asm| {
            asm.ldi(to[0], 0x00);
            asm.ldi(to[1], 0x80);
        });
    });
    asm.bind(within);
}

/// Halves a number; halves go up.
pub(super) fn halve(asm: &mut Assembly, number: [Register; 2]) {
    asm.asr(number[1]);
    asm.ror(number[0]);
    asm.adc(number[0], NIL);
    asm.adc(number[1], NIL);
}
