//! A dense layer over states whose weights are loaded with the network: a row a value, of which the
//! weights of an output are at the same place.

use super::products::{NIL, Operands, Sums};
use super::weights::{Coding, Memory, WeightReader};
use crate::backend::avr::arithmetic::wide::shift_up;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R6, R8, R10, R18, R22, R24, Register, X, Y, Z, ZERO,
};
use crate::program::{Program, RuntimeParameters, WeightedSum, packed_row_bytes};

/// Where the output's weights begin, and where its bias is: pairs.
const WEIGHTS: Register = R6;
const BIAS: Register = R8;
/// Bits to shift up by.
const LEFT: Register = R10;
const COUNT: Register = R18;
const OUTPUTS: Register = R22;
/// Where sums go: a pair.
const TO: Register = R24;

const SUM: Sums = Sums::new(1, 4);

pub(super) struct LoadedDense {
    place: RuntimeParameters,
    /// From the network's address on to the bytes that are loaded.
    first_byte: u32,
    outputs: u32,
    rows: u32,
    weight_bits: u32,
}

impl LoadedDense {
    pub(super) fn of(program: &Program, sum: &WeightedSum, place: RuntimeParameters) -> Self {
        Self {
            place,
            first_byte: program.cursor_bytes + program.arena_bytes,
            outputs: sum.outputs,
            rows: sum.rows,
            weight_bits: program.weight_bits,
        }
    }

    /// Of states from a byte of the network's value on, to sums of `bytes` bytes from another on.
    pub(super) fn emit(&self, asm: &mut Assembly, (from_byte, to_byte): (u32, u32), bytes: u8) {
        let fields = 8 / self.weight_bits;
        let places = [
            (WEIGHTS, self.place.first_weight_byte),
            (BIAS, self.place.first_bias_byte),
        ];
        for (pair, byte) in places {
            asm.movw(Z, NETWORK);
            asm.add_to_pair(Z, (self.first_byte + byte) as i32);
            asm.movw(pair, Z);
        }
        asm.movw(Z, NETWORK);
        asm.add_to_pair(Z, (self.first_byte + self.place.left_byte) as i32);
        asm.load(LEFT, Pointer::Z, Mode::Plain);
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, from_byte as i32);
        asm.add_to_pair(TO, to_byte as i32);
        asm.ldi(NIL, 0);
        asm.ldi(OUTPUTS, self.outputs as u8);
        let (next, done) = (asm.here(), asm.label());
        let rounds = f64::from(self.outputs) / f64::from(fields);
        asm.times(rounds, |asm| {
            for field in 0..fields {
                self.output(asm, field);
                asm.movw(X, TO);
                for register in SUM.registers(0).into_iter().take(bytes.into()) {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
                asm.movw(TO, X);
                if field + 1 < fields {
                    asm.dec(OUTPUTS);
                    asm.branch(Condition::Equal, done, 1.0 / f64::from(self.outputs));
                }
            }
            asm.movw(Z, WEIGHTS);
            asm.add_to_pair(Z, 1);
            asm.movw(WEIGHTS, Z);
            asm.dec(OUTPUTS);
            asm.loop_back(Condition::NotEqual, next, rounds.max(1.0));
        });
        asm.bind(done);
        asm.clr(ZERO);
        asm.ret();
    }

    /// The sum of an output, whose weights are those of a field.
    fn output(&self, asm: &mut Assembly, field: u32) {
        let sum = SUM.registers(0);
        let reader = WeightReader {
            memory: Memory::Sram,
            coding: Coding::Field {
                bits: self.weight_bits,
                field,
            },
            gap_bytes: packed_row_bytes(self.outputs, self.weight_bits) - 1,
            ..WeightReader::TABLE
        };
        for &register in &sum {
            asm.mov(register, NIL);
        }
        asm.movw(X, Y);
        asm.movw(Z, WEIGHTS);
        let operands = Operands {
            // Code of each field is short, and a loop around it takes little.
            most_of_a_round: if self.rows < 0x100 { 1 } else { 8 },
            ..Operands::STATES.read_by(reader)
        };
        SUM.add(asm, operands, self.rows);
        let shifted = asm.label();
        asm.mov(COUNT, LEFT);
        let next = asm.here();
        asm.times(2.0, |asm| {
            asm.subi(COUNT, 1);
            asm.branch(Condition::Lower, shifted, 0.5);
        });
        shift_up(asm, &sum);
        asm.jump(next);
        asm.bind(shifted);
        asm.movw(Z, BIAS);
        for (index, &register) in sum.iter().enumerate() {
            asm.load(COUNT, Pointer::Z, Mode::PostIncrement);
            match index {
                0 => asm.add(register, COUNT),
                _ => asm.adc(register, COUNT),
            }
        }
        asm.movw(BIAS, Z);
    }
}
