//! The products of a dense layer over states whose weights are loaded with the network: a row a value,
//! of which the weights of an output are at the same place.

use super::dense::DensePlace;
use super::multiply::add_multiple;
use super::products::{NIL, Operands, Sums};
use super::weights::{Coding, Memory, ParameterPlace, WeightReader};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R6, R14, R17, R18, ROW, Register, X, Y, Z,
};
use crate::program::{Program, RuntimeParameters, packed_row_bytes};

/// Where the output's weights begin: a pair.
const WEIGHTS: Register = R6;
const OUTPUTS: Register = R17;
const SPARE: Register = R18;
/// Where sums are kept: a pair.
const TO: Register = R14;

const SUM: Sums = Sums::new(1, 4);

pub(super) struct LoadedDense {
    layout: RuntimeParameters,
    place: ParameterPlace,
    weight_bits: u32,
}

impl LoadedDense {
    pub(super) fn of(program: &Program, layout: RuntimeParameters) -> Self {
        Self {
            layout,
            place: ParameterPlace::loaded(program, 0),
            weight_bits: program.weight_bits,
        }
    }

    /// Z ← where the biases are, and a register ← the bits to shift up by.
    pub(super) fn point_at_biases(&self, asm: &mut Assembly, left: Register) {
        self.place.point_at(asm, self.layout.left_byte, NETWORK);
        asm.load(left, Pointer::Z, Mode::Plain);
        self.place
            .point_at(asm, self.layout.first_bias_byte, NETWORK);
    }

    /// Adds the products of a step to the sums, of four bytes each.
    pub(super) fn add(&self, asm: &mut Assembly, place: &DensePlace) {
        let fields = 8 / self.weight_bits;
        let row_bytes = packed_row_bytes(place.outputs, self.weight_bits);
        self.place
            .point_at(asm, self.layout.first_weight_byte, NETWORK);
        if place.steps > 1 {
            add_multiple(asm, ROW, SPARE, place.rows * row_bytes);
        }
        asm.movw(WEIGHTS, Z);
        asm.movw(X, NETWORK);
        asm.add_to_pair(X, place.to_byte as i32);
        asm.movw(TO, X);
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, place.from_byte as i32);
        asm.ldi(NIL, 0);
        asm.ldi(OUTPUTS, place.outputs as u8);
        let (next, done) = (asm.here(), asm.label());
        let rounds = f64::from(place.outputs) / f64::from(fields);
        asm.times(rounds, |asm| {
            for field in 0..fields {
                let reader = WeightReader {
                    memory: Memory::Sram,
                    coding: Coding::Field {
                        bits: self.weight_bits,
                        field,
                    },
                    gap_bytes: row_bytes - 1,
                    ..WeightReader::TABLE
                };
                self.output(asm, reader, place.rows);
                if field + 1 < fields {
                    asm.dec(OUTPUTS);
                    asm.branch(Condition::Equal, done, 1.0 / f64::from(place.outputs));
                }
            }
            asm.movw(Z, WEIGHTS);
            asm.add_to_pair(Z, 1);
            asm.movw(WEIGHTS, Z);
            asm.dec(OUTPUTS);
            asm.loop_back(Condition::NotEqual, next, rounds.max(1.0));
        });
        asm.bind(done);
    }

    /// Adds to the sum of an output, and goes to the next.
    fn output(&self, asm: &mut Assembly, reader: WeightReader, rows: u32) {
        let sum = SUM.registers(0);
        asm.movw(X, TO);
        for &register in &sum {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        asm.movw(X, Y);
        asm.movw(Z, WEIGHTS);
        let operands = Operands {
            // Code of each field is short, and a loop around it takes little.
            most_of_a_round: if rows < 0x100 { 1 } else { 8 },
            ..Operands::STATES.read_by(reader)
        };
        SUM.add(asm, operands, rows);
        asm.movw(X, TO);
        for &register in &sum {
            asm.store(Pointer::X, Mode::PostIncrement, register);
        }
        asm.movw(TO, X);
    }
}
